//! The clock, shown and moved.

use crate::answer::Refusal;
use crate::{Scope, text};
use http::StatusCode;
use serde_json::{Map, Value as Json, json};
use std::time::Duration;
use virga_base::{ClockMode, Timestamp};
use virga_service::{SETTLE_MAX_STEPS, SettleError};

const ACTIONS: [&str; 6] = ["freeze", "set", "advance", "run", "settle", "reset"];
/// Virtual seconds per real second; beyond, the clock would pass a day in each tick.
const RATE_MAX: f64 = 1_000_000.0;

/// `steps` is how much deferred work was run.
pub(crate) fn show(admin: &Scope, steps: Option<u64>) -> Json {
    let clock = admin.cloud.clock();
    let now = clock.now();
    let (mode, rate) = match clock.mode() {
        ClockMode::Frozen => ("frozen", 0.0),
        ClockMode::Running { rate } => ("running", rate),
    };
    let next = admin.cloud.store().next_due().ok().flatten();
    let mut json = json!({
        "world": admin.cloud.world(),
        "now": now.to_iso8601_millis(),
        "now_ms": now.as_millis(),
        "mode": mode,
        "rate": rate,
        "next_due": next.map(Timestamp::to_iso8601_millis),
    });
    if let (Some(steps), Some(map)) = (steps, json.as_object_mut()) {
        map.insert("steps".to_owned(), json!(steps));
    }
    json
}

pub(crate) async fn change(admin: &Scope, body: &[u8]) -> Result<Json, Refusal> {
    let example = "such as {\"action\": \"advance\", \"by\": \"2h\"}";
    let body: Map<String, Json> =
        serde_json::from_slice(body).map_err(|_| Refusal::bad(format!("the body must be a JSON object, {example}")))?;
    let action = match body.get("action") {
        Some(Json::String(action)) => action.as_str(),
        _ => return Err(Refusal::bad(format!("\"action\" must say what to do, {example}"))),
    };
    let takes: &[&str] = match action {
        "freeze" | "set" => &["at"],
        "advance" => &["by", "steps_max"],
        "run" => &["rate"],
        "settle" => &["steps_max"],
        "reset" => &[],
        _ => {
            let hint = text::did_you_mean(action, ACTIONS);
            let actions = ACTIONS.join(", ");
            return Err(Refusal::bad(format!(
                "there is no action {action:?}{hint}; there are: {actions}"
            )));
        }
    };
    if let Some(name) = body
        .keys()
        .find(|name| *name != "action" && !takes.contains(&name.as_str()))
    {
        return Err(Refusal::bad(format!("the action {action} takes no {name:?}")));
    }
    let cloud = &admin.cloud;
    let steps_max = body.get("steps_max").map_or(Ok(SETTLE_MAX_STEPS), read_steps)?;
    let mut steps = 0;
    let moved = match action {
        "freeze" => cloud.freeze(body.get("at").map(read_time).transpose()?).await,
        "set" => {
            let at = body
                .get("at")
                .ok_or_else(|| Refusal::bad("the action set needs \"at\", a time"))?;
            cloud.set_time(read_time(at)?).await
        }
        "advance" => {
            let by = body
                .get("by")
                .ok_or_else(|| Refusal::bad("the action advance needs \"by\", a duration"))?;
            let (by, now) = (read_duration(by)?, cloud.clock().now());
            if by > Timestamp::LATEST.since(now) {
                return Err(Refusal::bad("\"by\" goes beyond the year 9999"));
            }
            let advanced = cloud.advance_within(now.plus(by), steps_max).await;
            steps = advanced.map_err(unsettled)?;
            Ok(())
        }
        "run" => cloud.run_time(body.get("rate").map_or(Ok(1.0), read_rate)?).await,
        "settle" => {
            steps = cloud.settle_within(steps_max).await.map_err(unsettled)?;
            Ok(())
        }
        _ => cloud.reset_time().await,
    };
    moved.map_err(|error| Refusal::failed(format!("the clock was moved, but that is not kept: {error}")))?;
    Ok(show(admin, Some(steps)))
}

fn read_time(value: &Json) -> Result<Timestamp, Refusal> {
    match value {
        Json::String(text) => text::parse_time(text).map_err(|error| Refusal::bad(format!("\"at\": {error}"))),
        Json::Number(number) => {
            text::parse_time(&number.to_string()).map_err(|error| Refusal::bad(format!("\"at\": {error}")))
        }
        _ => Err(Refusal::bad("\"at\" must be a time, such as \"2026-11-21T10:00:00Z\"")),
    }
}

fn read_duration(value: &Json) -> Result<Duration, Refusal> {
    let text = match value {
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        _ => {
            return Err(Refusal::bad(
                "\"by\" must be a duration, such as \"2h\", or a number of seconds",
            ));
        }
    };
    text::parse_duration(&text).map_err(|error| Refusal::bad(format!("\"by\": {error}")))
}

fn read_rate(value: &Json) -> Result<f64, Refusal> {
    match value.as_f64() {
        Some(rate) if rate > 0.0 && rate <= RATE_MAX => Ok(rate),
        _ => Err(Refusal::bad(format!(
            "\"rate\" must be a number of virtual seconds per second, above 0 and up to {RATE_MAX}"
        ))),
    }
}

fn read_steps(value: &Json) -> Result<u64, Refusal> {
    let steps = value.as_u64().filter(|steps| (1..=SETTLE_MAX_STEPS).contains(steps));
    steps.ok_or_else(|| {
        Refusal::bad(format!(
            "\"steps_max\" must be a whole number of pieces of work, from 1 to {SETTLE_MAX_STEPS}"
        ))
    })
}

fn unsettled(error: SettleError) -> Refusal {
    match error {
        SettleError::NeverEnds { .. } => Refusal::new(StatusCode::CONFLICT, "NeverEnds", error.to_string()),
        SettleError::Store(error) => Refusal::failed(error.to_string()),
    }
}
