//! `virga replay`: sends the calls of a journal again, in their order, and tells what ended otherwise.

mod clocks;
mod swap;
mod wire;

use crate::args::Parsed;
use crate::client::{self, Client, Reply, encode};
use crate::journal::{self, Body, Entry};
use crate::{Failure, Program, out};
use clocks::Clocks;
use serde_json::{Value as Json, json};
use std::time::Duration;
use swap::Swap;
use virga_admin::line::printable;
use virga_admin::{OWN_SERVICE, value_to_json};
use virga_service::MAIN;
use wire::UnderWay;

/// How long an answer is waited for beyond what it took when it was recorded.
const PATIENCE: Duration = Duration::from_secs(5);
/// The same where the clock stands still: what waits for time to pass is answered after a later call at the earliest.
const PATIENCE_FROZEN: Duration = Duration::from_millis(500);
const PATIENCE_FROZEN_MAX: Duration = Duration::from_secs(2);
/// How long the last answers are waited for.
const PATIENCE_AT_END: Duration = Duration::from_secs(10);
/// How far the clock is moved for them where it stands still: no call waits longer of itself.
const STEP_AT_END_MS: i64 = 20_000;
/// Differences that are listed for people.
const LISTED_MAX: usize = 20;

pub(crate) fn replay(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let path = parsed.argument(0).unwrap_or_default();
    let (head, entries) = journal::read(path)?;
    let client = Client::find(program, parsed)?;
    let world = client::world(program, parsed)?;
    let health = client.get("/_virga/health")?;
    let mut replay = Replay {
        client: &client,
        world: world.as_deref(),
        follows_time: parsed.has("time"),
        clocks: Clocks::new(&client, parsed.has("time")),
        swap: Swap::default(),
        waiting: Vec::new(),
        told: Told::default(),
    };
    for entry in &entries {
        replay.step(entry)?;
    }
    replay.wait_for_the_last()?;
    let Replay { told, swap, .. } = replay;
    let seed = health.get("seed").and_then(Json::as_u64);
    told.report(parsed, swap.changed, (head.seed, seed))
}

/// A replay under way.
struct Replay<'a> {
    client: &'a Client,
    /// Where all calls go, if not to the worlds that they were recorded in.
    world: Option<&'a str>,
    follows_time: bool,
    clocks: Clocks<'a>,
    swap: Swap,
    /// Calls that are not answered yet.
    waiting: Vec<(&'a Entry, UnderWay)>,
    told: Told,
}

impl<'a> Replay<'a> {
    fn step(&mut self, entry: &'a Entry) -> Result<(), Failure> {
        self.look_after_the_waiting(Duration::ZERO)?;
        let is_own = entry.service.as_deref() == Some(OWN_SERVICE);
        if is_own && self.is_superseded(entry) {
            return Ok(());
        }
        match &entry.body {
            // What was answered without its body needs none now.
            Body::Whole(_) => {}
            Body::Missing(why) if why == "unread" => {}
            Body::Missing(why) => {
                self.told
                    .left_out
                    .push(json!({"number": entry.number, "call": entry.name(), "why": why}));
                return Ok(());
            }
        }
        let world = self.world_of(entry);
        let patience = if is_own {
            Duration::from_secs(600)
        } else {
            self.clocks.bring_to(world, entry.at)?;
            let recorded = Duration::from_micros(entry.duration_us);
            match self.clocks.stands(world)? {
                true => recorded.saturating_mul(2).clamp(PATIENCE_FROZEN, PATIENCE_FROZEN_MAX),
                false => recorded.saturating_mul(2) + PATIENCE,
            }
        };
        let request = self.swap.request(entry);
        let secret = self.swap.secret(entry);
        let sent = wire::send(self.client, entry, &request, secret, world).map_err(|error| self.broken(&error))?;
        self.told.sent += 1;
        if sent.is_answered(patience) {
            self.take(entry, sent)?;
        } else {
            self.waiting.push((entry, sent));
        }
        if is_own {
            self.clocks.look_again();
        }
        Ok(())
    }

    /// Whether the command line says something else than what was done then.
    fn is_superseded(&self, entry: &Entry) -> bool {
        let is_settle = matches!(&entry.body, Body::Whole(body) if serde_json::from_slice::<Json>(body)
            .is_ok_and(|body| body.get("action").and_then(Json::as_str) == Some("settle")));
        let (time, worlds) = (
            entry.path.starts_with("/_virga/time"),
            entry.path.starts_with("/_virga/worlds"),
        );
        (self.follows_time && time && !is_settle) || (self.world.is_some() && worlds)
    }

    fn world_of(&self, entry: &'a Entry) -> &'a str {
        self.world.or(entry.world.as_deref()).unwrap_or(MAIN)
    }

    fn broken(&self, error: &std::io::Error) -> Failure {
        Failure::refused(format!(
            "The connection to {} broke: {error}. {} calls were sent.",
            self.client.endpoint(),
            self.told.sent
        ))
    }

    fn look_after_the_waiting(&mut self, patience: Duration) -> Result<(), Failure> {
        for (entry, sent) in std::mem::take(&mut self.waiting) {
            if sent.is_answered(patience) {
                self.take(entry, sent)?;
            } else {
                self.waiting.push((entry, sent));
            }
        }
        Ok(())
    }

    /// Lets so much time pass as the last calls took, where it stands still.
    fn wait_for_the_last(&mut self) -> Result<(), Failure> {
        let last = self.waiting.iter().map(|(entry, _)| {
            let took_ms = i64::try_from(entry.duration_us / 1000).unwrap_or(0);
            (self.world_of(entry), entry.at.plus_millis(took_ms))
        });
        let last: Vec<_> = last.collect();
        for step_ms in [0, STEP_AT_END_MS] {
            for (world, end) in &last {
                if !self.waiting.is_empty() && self.clocks.stands(world)? {
                    self.clocks.bring_to(world, end.plus_millis(step_ms))?;
                }
            }
            self.look_after_the_waiting(PATIENCE_FROZEN)?;
        }
        self.look_after_the_waiting(PATIENCE_AT_END)?;
        for (entry, _) in std::mem::take(&mut self.waiting) {
            self.told.differ(entry, &json!(null), "no answer");
        }
        Ok(())
    }

    /// Compares an answer with the recorded one, and learns from it.
    fn take(&mut self, entry: &Entry, sent: UnderWay) -> Result<(), Failure> {
        let reply = sent.finish(entry).map_err(|error| self.broken(&error))?;
        let is_own = entry.service.as_deref() == Some(OWN_SERVICE);
        if reply.status >= 400 {
            let (error, message) = if is_own { own_error(&reply) } else { self.error(&reply) };
            if (reply.status, &error) != (entry.status, &entry.error) {
                let is = json!({"status": reply.status, "error": error, "message": message});
                self.told.differ(entry, &is, "");
            } else {
                self.told.same += 1;
                self.told.same_answers += u64::from(message == entry.message);
            }
            return Ok(());
        }
        if reply.status != entry.status {
            self.told.differ(entry, &json!({"status": reply.status}), "");
            return Ok(());
        }
        self.told.same += 1;
        if is_own {
            self.told.same_answers += 1;
            return Ok(());
        }
        match swap::read_answer(entry, &reply) {
            Some(answered) if !entry.answer.is_null() => {
                self.swap.learn(&entry.answer, &answered.to_json());
                self.told.same_answers += u64::from(value_to_json(&answered) == entry.answer);
            }
            Some(answered) => self.told.same_answers += u64::from(answered.to_json().is_null()),
            None => {}
        }
        Ok(())
    }

    /// The code and message of an error, as the server's own journal has them: on the wire each protocol writes its own.
    fn error(&self, reply: &Reply) -> (Option<String>, Option<String>) {
        let id = ["x-amzn-requestid", "x-amz-request-id"]
            .iter()
            .find_map(|name| reply.headers.get(*name)?.to_str().ok())
            .unwrap_or_default();
        let page = self.client.get(&format!("/_virga/calls?request_id={}", encode(id)));
        let text = |name: &str| {
            let call = page.as_ref().ok()?.pointer("/calls/0")?;
            call.get(name).and_then(Json::as_str).map(str::to_owned)
        };
        (text("error"), text("message"))
    }
}

fn own_error(reply: &Reply) -> (Option<String>, Option<String>) {
    let body: Json = serde_json::from_slice(&reply.body).unwrap_or(Json::Null);
    let text = |path: &str| body.pointer(path).and_then(Json::as_str).map(str::to_owned);
    (text("/error/code"), text("/error/message"))
}

/// What a replay has to tell.
#[derive(Default)]
struct Told {
    sent: u64,
    /// Those that ended as recorded: with the same status and error code.
    same: u64,
    /// Those among them whose answer was the same, too.
    same_answers: u64,
    different: Vec<Json>,
    left_out: Vec<Json>,
}

impl Told {
    fn differ(&mut self, entry: &Entry, is: &Json, note: &str) {
        self.different.push(json!({
            "number": entry.number,
            "call": entry.name(),
            "was": {"status": entry.status, "error": entry.error, "message": entry.message},
            "is": is,
            "note": note,
        }));
    }

    fn report(&self, parsed: &Parsed, changed: u64, seeds: (Option<u64>, Option<u64>)) -> Result<(), Failure> {
        let (different, left_out) = (self.different.len(), self.left_out.len());
        if parsed.flag("output") == Some("json") {
            let told = json!({
                "sent": self.sent, "same": self.same, "same_answers": self.same_answers, "changed": changed,
                "different": self.different, "left_out": self.left_out,
                "seed": {"recorded": seeds.0, "replayed": seeds.1},
            });
            out::print(&format!("{told:#}\n"))?;
        } else {
            out::print(&self.text(changed, seeds))?;
        }
        match (different, left_out) {
            (0, 0) => Ok(()),
            (0, _) => Err(Failure::refused(format!(
                "{} could not be sent again.",
                count(left_out)
            ))),
            _ => Err(Failure::refused(format!(
                "{} ended otherwise than recorded.",
                count(different)
            ))),
        }
    }

    fn text(&self, changed: u64, seeds: (Option<u64>, Option<u64>)) -> String {
        let mut text = format!(
            "{} calls sent; {} ended as recorded, {} of them with the same answer.\n",
            self.sent, self.same, self.same_answers
        );
        if self.same_answers < self.same && (seeds.0.is_none() || seeds.0 != seeds.1) {
            text.push_str(&format!(
                "Other ids were drawn than when it was recorded ({}; here {}). In {changed} calls they took the recorded ones' \
                 places.\n",
                seed(seeds.0),
                seed(seeds.1)
            ));
        }
        for difference in self.different.iter().take(LISTED_MAX) {
            let field = |name: &str| difference.get(name).unwrap_or(&Json::Null);
            let call = field("call").as_str().unwrap_or_default();
            let is = match field("note").as_str() {
                Some("") | None => outcome(field("is")),
                Some(note) => note.to_owned(),
            };
            let line = format!("#{} {call}: was {}, is {is}", field("number"), outcome(field("was")));
            text.push_str(&printable(&line));
            text.push('\n');
        }
        if self.different.len() > LISTED_MAX {
            let more = self.different.len() - LISTED_MAX;
            text.push_str(&format!("and {more} more; --output json lists all.\n"));
        }
        for left in self.left_out.iter().take(LISTED_MAX) {
            let field = |name: &str| left.get(name).and_then(Json::as_str).unwrap_or_default();
            let number = left.get("number").unwrap_or(&Json::Null);
            let line = format!("#{number} {} was left out: body {}", field("call"), field("why"));
            text.push_str(&printable(&line));
            text.push('\n');
        }
        text
    }
}

fn count(calls: usize) -> String {
    match calls {
        1 => "1 call".to_owned(),
        calls => format!("{calls} calls"),
    }
}

fn seed(seed: Option<u64>) -> String {
    seed.map_or_else(|| "without a seed".to_owned(), |seed| format!("with seed {seed}"))
}

/// `400 QueueDoesNotExist (The specified queue does not exist.)`
fn outcome(json: &Json) -> String {
    let text = |name: &str| json.get(name).and_then(Json::as_str);
    let mut outcome = json.get("status").map_or_else(String::new, Json::to_string);
    if let Some(error) = text("error") {
        outcome.push_str(&format!(" {error}"));
    }
    if let Some(message) = text("message") {
        outcome.push_str(&format!(" ({message})"));
    }
    outcome
}
