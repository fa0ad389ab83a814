//! Commands that act on a running Virga: stop, status, reset and the clock.

use crate::args::Parsed;
use crate::client::Client;
use crate::{Failure, Program, out};
use serde_json::{Map, Value as Json, json};
use std::time::{Duration, Instant};
use virga_admin::text;

/// Longer than a graceful stop takes at most.
const STOP_MAX: Duration = Duration::from_secs(15);

/// Prints `json` for programs, else the text.
pub(crate) fn show(parsed: &Parsed, json: &Json, text: impl FnOnce() -> String) -> Result<(), Failure> {
    out::print(&match parsed.flag("output") {
        Some("json") => format!("{json:#}\n"),
        _ => text(),
    })
}

pub(crate) fn stop(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let client = Client::find(program, parsed)?;
    client.post("/_virga/stop", &json!({}))?;
    let begin = Instant::now();
    while client.is_open() {
        if begin.elapsed() > STOP_MAX {
            return Err(Failure::refused(format!(
                "Virga at {} was asked to stop but still listens after {} s.",
                client.endpoint(),
                STOP_MAX.as_secs()
            )));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    show(parsed, &json!({"stopped": true}), || "Virga has stopped.\n".to_owned())
}

pub(crate) fn status(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let client = Client::find(program, parsed)?;
    let health = client.get("/_virga/health")?;
    show(parsed, &health, || {
        let text = |pointer: &str| health.pointer(pointer).and_then(Json::as_str).unwrap_or("?");
        let number = |pointer: &str| health.pointer(pointer).and_then(Json::as_u64).unwrap_or(0);
        let row = |name: &str, value: String| vec![name.to_owned(), value];
        let rows = [
            row("Virga", format!("{} at {}", text("/version"), client.endpoint())),
            row(
                "Running",
                format!(
                    "{} (pid {})",
                    text::write_duration(Duration::from_secs(number("/uptime_s")).max(Duration::from_secs(1))),
                    number("/pid")
                ),
            ),
            row("Time", clock(health.get("time").unwrap_or(&Json::Null))),
            row("State", state(&health)),
            row("Calls", number("/calls").to_string()),
            row("Services", services(health.get("services").and_then(Json::as_object))),
        ];
        out::table(&rows)
    })
}

/// `in memory`, or `on disk, in /home/me/data/state`
fn state(health: &Json) -> String {
    let text = |name: &str| health.get(name).and_then(Json::as_str);
    match (text("store"), text("data")) {
        (Some("disk"), Some(folder)) => format!("on disk, in {folder}"),
        (Some(kind), Some(place)) => format!("in {kind}, at {place}"),
        (kind, _) => format!("in {}", kind.unwrap_or("?")),
    }
}

fn services(services: Option<&Map<String, Json>>) -> String {
    let Some(services) = services.filter(|services| !services.is_empty()) else {
        return "none".to_owned();
    };
    let names: Vec<String> = services
        .iter()
        .map(|(name, state)| {
            let count = |kind: &str| state.get(kind).and_then(Json::as_u64).unwrap_or(0);
            let built = count("full") + count("stored");
            format!("{name} ({built} of {} operations)", built + count("none"))
        })
        .collect();
    names.join(", ")
}

pub(crate) fn reset(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let answer = Client::find(program, parsed)?.post("/_virga/reset", &json!({}))?;
    show(parsed, &answer, || match answer.get("world").and_then(Json::as_str) {
        None | Some("main") => "The cloud is empty.\n".to_owned(),
        Some(world) => format!("The world {world} is empty.\n"),
    })
}

pub(crate) fn time_show(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let answer = Client::find(program, parsed)?.get("/_virga/time")?;
    show(parsed, &answer, || format!("{}\n", clock(&answer)))
}

pub(crate) fn time_freeze(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let mut body = json!({"action": "freeze"});
    if let Some(at) = parsed.flag("at") {
        text::parse_time(at).map_err(|error| Failure::usage(format!("--at: {error}.")))?;
        body["at"] = json!(at);
    }
    time_change(program, parsed, &body)
}

pub(crate) fn time_set(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let at = parsed.argument(0).unwrap_or_default();
    text::parse_time(at).map_err(|error| Failure::usage(format!("{error}.")))?;
    time_change(program, parsed, &json!({"action": "set", "at": at}))
}

pub(crate) fn time_advance(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let by = parsed.argument(0).unwrap_or_default();
    text::parse_duration(by).map_err(|error| Failure::usage(format!("{error}.")))?;
    time_change(
        program,
        parsed,
        &with_steps(parsed, json!({"action": "advance", "by": by}))?,
    )
}

pub(crate) fn time_run(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let rate: f64 = match parsed.flag("rate").map(str::parse) {
        None => 1.0,
        Some(Ok(rate)) if rate > 0.0 => rate,
        Some(_) => return Err(Failure::usage("--rate must be a number above 0, such as 60.")),
    };
    time_change(program, parsed, &json!({"action": "run", "rate": rate}))
}

pub(crate) fn time_settle(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    time_change(program, parsed, &with_steps(parsed, json!({"action": "settle"}))?)
}

pub(crate) fn time_reset(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    time_change(program, parsed, &json!({"action": "reset"}))
}

fn with_steps(parsed: &Parsed, mut body: Json) -> Result<Json, Failure> {
    if let Some(steps) = parsed.flag("steps-max") {
        let steps: u64 = steps
            .parse()
            .map_err(|_| Failure::usage(format!("--steps-max must be a whole number, not {steps:?}.")))?;
        body["steps_max"] = json!(steps);
    }
    Ok(body)
}

fn time_change(program: &Program, parsed: &Parsed, body: &Json) -> Result<(), Failure> {
    let answer = Client::find(program, parsed)?.post("/_virga/time", body)?;
    show(parsed, &answer, || {
        let steps = match answer.get("steps").and_then(Json::as_u64) {
            Some(0) | None => String::new(),
            Some(1) => "; 1 piece of due work was done".to_owned(),
            Some(steps) => format!("; {steps} pieces of due work were done"),
        };
        format!("{}{steps}\n", clock(&answer))
    })
}

/// `2026-01-01T00:00:00.000Z, frozen`
fn clock(time: &Json) -> String {
    let text = |name: &str| time.get(name).and_then(Json::as_str);
    let rate = time.get("rate").and_then(Json::as_f64).unwrap_or(1.0);
    let mode = match text("mode") {
        Some("frozen") => "frozen".to_owned(),
        Some("running") if rate == 1.0 => "running".to_owned(),
        _ => format!("running {rate} times as fast"),
    };
    let next = text("next_due").map_or_else(String::new, |next| format!("; next work is due at {next}"));
    format!("{}, {mode}{next}", text("now").unwrap_or("?"))
}
