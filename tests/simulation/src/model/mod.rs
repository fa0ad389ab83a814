//! What SQS shall do, as simply as it can be said: lists of messages, and time.
//!
//! The model is told what was answered and decides whether it could be. Where AWS leaves a choice (whose turn it is among
//! the groups of a FIFO queue) it takes the answer's; which messages went to another queue it learns from the marks of
//! the transaction, and checks that they had to.

mod messages;
mod moves;
mod queue;

use crate::call::{Call, given, is_fifo};
use crate::history::Called;
use queue::{Held, Message, Queue, Status};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

const PURGE_WAIT_MS: i64 = 60_000;

/// A violation, told for people.
pub type Verdict = Result<(), String>;

#[derive(Clone, Default)]
pub struct Model {
    pub queues: BTreeMap<String, Queue>,
    handles: BTreeMap<String, Held>,
    /// Ids of all messages that were ever sent.
    ids: BTreeSet<String>,
    incarnations: u64,
}

/// A received message, as answered.
struct Got {
    body: u64,
    handle: String,
    received: u32,
}

fn number(text: &str) -> Option<u64> {
    text.trim_matches('#').parse().ok()
}

fn got(answer: &Json) -> Result<Vec<Got>, String> {
    let messages = answer["Messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    messages
        .iter()
        .map(|message| {
            let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
            Ok(Got {
                body: number(&text(&message["Body"])).ok_or("a body that nobody sent")?,
                handle: text(&message["ReceiptHandle"]),
                received: text(&message["Attributes"]["ApproximateReceiveCount"])
                    .parse()
                    .unwrap_or(0),
            })
        })
        .collect()
}

fn must(holds: bool, why: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(why()) }
}

impl Model {
    /// Applies a call at the moment of its last transaction. `marks` are the messages which that wrote, `changed` says
    /// whether it wrote at all.
    pub fn apply(&mut self, called: &Called, at_ms: i64, marks: &[u64], changed: bool) -> Verdict {
        self.queues.values_mut().for_each(|queue| queue.expire(at_ms));
        let outcome = match &called.answer {
            Some(Err(code)) if code == "ServiceUnavailable" => return Ok(()),
            Some(Err(_)) if !called.told => return Ok(()),
            // Given up by its caller: what it wrote tells whether it happened.
            None if !changed => return Ok(()),
            None => Ok(&Json::Null),
            Some(Ok(answer)) => Ok(answer),
            Some(Err(code)) => Err(code.as_str()),
        };
        must(!matches!(outcome, Err("InternalFailure" | "InternalError")), || {
            "failed by itself".into()
        })?;
        let unknown = called.answer.is_none();
        match &called.call {
            Call::Create { queue } => self.create(queue, outcome),
            Call::ListQueues => self.list(outcome),
            Call::Send { queue, parcel } => self.send_one(queue, parcel, at_ms, outcome, unknown),
            Call::CancelMove { handle, source } => self.cancel(handle, source, outcome),
            Call::StartMove {
                source,
                destination,
                rate,
            } => self.start_move(source, destination.as_deref(), *rate, outcome),
            call => {
                let name = queue_of(call);
                match (self.queues.contains_key(name), outcome) {
                    (false, Ok(_)) => Err(format!("{name} does not exist")),
                    (false, Err(_)) => Ok(()),
                    (true, outcome) => self.on_queue(name, called, at_ms, marks, outcome),
                }
            }
        }
    }

    fn queue(&mut self, name: &str) -> Result<&mut Queue, String> {
        self.queues
            .get_mut(name)
            .ok_or_else(|| format!("{name} does not exist"))
    }

    fn on_queue(
        &mut self,
        name: &str,
        called: &Called,
        at_ms: i64,
        marks: &[u64],
        outcome: Result<&Json, &str>,
    ) -> Verdict {
        match &called.call {
            Call::DeleteQueue { .. } => {
                succeeded(outcome)?;
                self.queues.remove(name);
                Ok(())
            }
            Call::Purge { .. } => {
                let queue = self.queue(name)?;
                let too_soon = queue.purged_ms.is_some_and(|purged| at_ms < purged + PURGE_WAIT_MS);
                must(too_soon == outcome.is_err(), || "a purge's wait is wrong".into())?;
                if !too_soon {
                    queue.purged_ms = Some(at_ms);
                    queue.purges += 1;
                    queue.messages.clear();
                    queue.expired.clear();
                    queue.duplicates.clear();
                    queue.attempts.clear();
                }
                Ok(())
            }
            Call::Counts { .. } => self.counts(name, at_ms, succeeded(outcome)?),
            Call::Set {
                name: attribute, value, ..
            } => {
                succeeded(outcome)?;
                let value = value.parse().unwrap_or(0);
                let queue = self.queue(name)?;
                match *attribute {
                    "VisibilityTimeout" => queue.visibility_s = value,
                    _ => queue.retention_s = value,
                }
                queue.expire(at_ms);
                Ok(())
            }
            Call::SetRedrive { target, count, .. } => {
                let fits = match target {
                    Some(target) => self.queues.contains_key(target) && is_fifo(target) == is_fifo(name),
                    None => true,
                };
                must(fits == outcome.is_ok(), || {
                    format!("a redrive policy's fate is wrong: {outcome:?}")
                })?;
                if fits {
                    self.queue(name)?.redrive = target.as_ref().map(|target| (target.clone(), *count));
                }
                Ok(())
            }
            Call::SendBatch { parcels, .. } => {
                let answer = succeeded(outcome)?;
                for (n, parcel) in parcels.iter().enumerate() {
                    let entry = entry(answer, "Successful", n).ok_or_else(|| format!("entry {n} was not sent"))?;
                    self.send(name, parcel, at_ms, Some(entry))?;
                }
                Ok(())
            }
            Call::Receive { max, .. } => self.receive(name, called, at_ms, marks, *max, succeeded(outcome)?),
            Call::Delete { handle, .. } => self.delete(name, handle, at_ms, outcome.is_ok()),
            Call::DeleteBatch { handles, .. } => {
                let answer = succeeded(outcome)?;
                for (n, handle) in handles.iter().enumerate() {
                    self.delete(name, handle, at_ms, entry(answer, "Successful", n).is_some())?;
                }
                Ok(())
            }
            Call::Change { handle, timeout_s, .. } => self.change(name, handle, *timeout_s, at_ms, outcome.is_ok()),
            Call::ChangeBatch { handles, timeout_s, .. } => {
                let answer = succeeded(outcome)?;
                for (n, handle) in handles.iter().enumerate() {
                    let fate = entry(answer, "Successful", n).is_some();
                    self.change(name, handle, *timeout_s, at_ms, fate)?;
                }
                Ok(())
            }
            Call::ListMoves { .. } => {
                let answer = succeeded(outcome)?;
                let shown: Vec<(String, u64)> = answer["Results"]
                    .as_array()
                    .map(Vec::as_slice)
                    .unwrap_or_default()
                    .iter()
                    .map(|task| {
                        let status = task["Status"].as_str().unwrap_or_default().to_owned();
                        (
                            status,
                            task["ApproximateNumberOfMessagesMoved"].as_u64().unwrap_or(u64::MAX),
                        )
                    })
                    .collect();
                let tasks = self.queue(name)?.tasks.iter().take(10);
                let wanted: Vec<(String, u64)> = tasks
                    .map(|task| (format!("{:?}", task.status).to_uppercase(), task.moved))
                    .collect();
                must(shown == wanted, || format!("move tasks are {wanted:?}"))
            }
            _ => Ok(()),
        }
    }

    fn create(&mut self, name: &str, outcome: Result<&Json, &str>) -> Verdict {
        let given = given(name);
        let value = |key: &str| {
            given
                .get(key)
                .and_then(Json::as_str)
                .and_then(|text| text.parse::<u32>().ok())
        };
        if let Some(queue) = self.queues.get(name) {
            let same = value("VisibilityTimeout").is_none_or(|value| value == queue.visibility_s)
                && value("MessageRetentionPeriod").is_none_or(|value| value == queue.retention_s)
                && value("DelaySeconds").is_none_or(|value| value == queue.delay_s);
            return must(same == outcome.is_ok(), || {
                "a queue's settings were compared wrongly".into()
            });
        }
        succeeded(outcome)?;
        self.incarnations += 1;
        let queue = Queue {
            incarnation: self.incarnations,
            fifo: is_fifo(name),
            visibility_s: value("VisibilityTimeout").unwrap_or(30),
            delay_s: value("DelaySeconds").unwrap_or(0),
            retention_s: value("MessageRetentionPeriod").unwrap_or(345_600),
            redrive: None,
            messages: Vec::new(),
            last_key: 0,
            expired: BTreeSet::new(),
            duplicates: BTreeMap::new(),
            attempts: BTreeMap::new(),
            sequence_number: String::new(),
            purges: 0,
            purged_ms: None,
            tasks: Vec::new(),
        };
        self.queues.insert(name.to_owned(), queue);
        Ok(())
    }

    fn list(&self, outcome: Result<&Json, &str>) -> Verdict {
        let urls = succeeded(outcome)?["QueueUrls"].as_array().cloned().unwrap_or_default();
        let names: Vec<&str> = urls.iter().filter_map(|url| url.as_str()?.rsplit('/').next()).collect();
        must(names.iter().eq(&self.queues.keys().collect::<Vec<_>>()), || {
            format!("the queues are {:?}", self.queues.keys())
        })
    }

    fn counts(&self, name: &str, at_ms: i64, answer: &Json) -> Verdict {
        let count = |name: &str| {
            answer["Attributes"][name]
                .as_str()
                .and_then(|text| text.parse::<usize>().ok())
        };
        let shown = [
            count("ApproximateNumberOfMessages"),
            count("ApproximateNumberOfMessagesNotVisible"),
            count("ApproximateNumberOfMessagesDelayed"),
        ];
        let Some(queue) = self.queues.get(name) else {
            return Ok(());
        };
        let visible = queue.visible(at_ms);
        let delayed = queue
            .messages
            .iter()
            .filter(|m| m.hidden_until_ms > at_ms && m.delayed)
            .count();
        let wanted = [visible, queue.messages.len() - visible - delayed, delayed];
        must(shown == wanted.map(Some), || {
            format!("visible, in flight, delayed are {wanted:?}, but {shown:?} was told")
        })
    }

    /// What is in no queue's hands any more at the end, or should not be.
    pub fn check_empty(&self) -> Verdict {
        for (name, queue) in &self.queues {
            let left = &queue.messages;
            must(left.is_empty(), || format!("{left:?} of {name} were never received"))?;
            let runs = queue.tasks.iter().any(|task| task.status == Status::Running);
            must(!runs, || format!("a move task of {name} never ended"))?;
        }
        Ok(())
    }
}

fn succeeded<'a>(outcome: Result<&'a Json, &str>) -> Result<&'a Json, String> {
    outcome.map_err(|code| format!("failed with {code}"))
}

fn entry<'a>(answer: &'a Json, list: &str, n: usize) -> Option<&'a Json> {
    let wanted = n.to_string();
    answer[list]
        .as_array()?
        .iter()
        .find(|entry| entry["Id"].as_str() == Some(&wanted))
}

/// The queue that a call is about.
pub fn queue_of(call: &Call) -> &str {
    match call {
        Call::Create { queue }
        | Call::DeleteQueue { queue }
        | Call::Purge { queue }
        | Call::Counts { queue }
        | Call::Set { queue, .. }
        | Call::SetRedrive { queue, .. }
        | Call::Send { queue, .. }
        | Call::SendBatch { queue, .. }
        | Call::Receive { queue, .. }
        | Call::Delete { queue, .. }
        | Call::DeleteBatch { queue, .. }
        | Call::Change { queue, .. }
        | Call::ChangeBatch { queue, .. } => queue,
        Call::StartMove { source, .. } | Call::CancelMove { source, .. } | Call::ListMoves { source } => source,
        Call::ListQueues => "",
    }
}
