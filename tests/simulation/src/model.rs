//! What SQS shall do, as simply as it can be said: lists of messages, and time.
//!
//! The model is told what was answered and decides whether it could be. Where AWS leaves a choice (whose turn it is among
//! the groups of a FIFO queue) it takes the answer's; which messages went to another queue it learns from the marks of
//! the transaction, and checks that they had to.

use crate::call::{Call, Parcel, body, given, is_fifo};
use crate::history::Called;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

const DEDUPLICATION_MS: i64 = 300_000;
const PURGE_WAIT_MS: i64 = 60_000;
/// What a move task without a rate moves at once.
const MOVED_AT_ONCE: usize = 500;

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

/// What a receipt handle stands for.
#[derive(Clone)]
struct Held {
    incarnation: u64,
    purges: u64,
    key: u64,
    received: u32,
}

#[derive(Clone, Debug)]
struct Message {
    /// Its place in the queue.
    key: u64,
    body: u64,
    group: Option<u64>,
    kept_from_ms: i64,
    hidden_until_ms: i64,
    delayed: bool,
    received: u32,
    received_before: u32,
    source: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Running,
    Completed,
    Cancelled,
    Failed,
}

#[derive(Clone)]
struct Task {
    handle: Option<String>,
    status: Status,
    destination: Option<String>,
    rate: Option<u32>,
    moved: u64,
}

#[derive(Clone)]
pub struct Queue {
    incarnation: u64,
    fifo: bool,
    visibility_s: u32,
    delay_s: u32,
    retention_s: u32,
    redrive: Option<(String, u32)>,
    messages: Vec<Message>,
    last_key: u64,
    /// Gone by age; whether a queue still knows their handles depends on when it swept.
    expired: BTreeSet<u64>,
    /// By deduplication id: until when, and the message's id and sequence number where they were told.
    duplicates: BTreeMap<String, (i64, Option<(String, String)>)>,
    /// By attempt: until when, and the messages with their counts of receives.
    attempts: BTreeMap<u64, (i64, Vec<(u64, u32)>)>,
    sequence_number: String,
    purges: u64,
    purged_ms: Option<i64>,
    /// The newest first.
    tasks: Vec<Task>,
}

impl Queue {
    fn expire(&mut self, at_ms: i64) {
        let retention_ms = i64::from(self.retention_s) * 1000;
        let (kept, old) = std::mem::take(&mut self.messages)
            .into_iter()
            .partition(|message| at_ms < message.kept_from_ms + retention_ms);
        self.messages = kept;
        let old: Vec<Message> = old;
        self.expired.extend(old.iter().map(|message| message.key));
    }

    fn append(&mut self, mut message: Message) {
        self.last_key += 1;
        message.key = self.last_key;
        self.messages.push(message);
    }

    fn take(&mut self, body: u64) -> Option<Message> {
        let at = self.messages.iter().position(|message| message.body == body)?;
        Some(self.messages.remove(at))
    }

    fn groups(&self) -> BTreeSet<u64> {
        self.messages.iter().filter_map(|message| message.group).collect()
    }

    /// A group's messages up to the first hidden one.
    fn open(&self, group: u64, at_ms: i64) -> impl Iterator<Item = &Message> {
        let members = self.messages.iter().filter(move |message| message.group == Some(group));
        members.take_while(move |message| message.hidden_until_ms <= at_ms)
    }

    /// All that may be received, in the queue's order (of each group).
    fn all_open(&self, at_ms: i64) -> Vec<&Message> {
        if self.fifo {
            self.groups()
                .into_iter()
                .flat_map(|group| self.open(group, at_ms).collect::<Vec<_>>())
                .collect()
        } else {
            self.messages
                .iter()
                .filter(|message| message.hidden_until_ms <= at_ms)
                .collect()
        }
    }

    fn visible(&self, at_ms: i64) -> usize {
        self.messages
            .iter()
            .filter(|message| message.hidden_until_ms <= at_ms)
            .count()
    }
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

    fn send_one(
        &mut self,
        name: &str,
        parcel: &Parcel,
        at_ms: i64,
        outcome: Result<&Json, &str>,
        unknown: bool,
    ) -> Verdict {
        if !self.queues.contains_key(name) {
            return must(outcome.is_err(), || format!("{name} does not exist"));
        }
        let answer = succeeded(outcome)?;
        self.send(name, parcel, at_ms, (!unknown).then_some(answer))
    }

    fn send(&mut self, name: &str, parcel: &Parcel, at_ms: i64, answer: Option<&Json>) -> Verdict {
        let told = answer.map(|answer| {
            let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
            (text("MessageId"), text("SequenceNumber"))
        });
        let queue = self.queues.get_mut(name).ok_or("no queue")?;
        if let Some(id) = &parcel.deduplication
            && let Some((ends_ms, first)) = queue.duplicates.get(id)
            && at_ms < *ends_ms
        {
            return match (first, &told) {
                (Some(first), Some(told)) => must(first == told, || format!("a duplicate of {first:?} was {told:?}")),
                _ => Ok(()),
            };
        }
        if let Some((id, sequence)) = &told {
            must(self.ids.insert(id.clone()), || {
                format!("the message id {id} was given twice")
            })?;
            if queue.fifo {
                must(*sequence > queue.sequence_number, || {
                    "sequence numbers must rise".into()
                })?;
                queue.sequence_number.clone_from(sequence);
            }
        }
        if let Some(id) = &parcel.deduplication {
            queue.duplicates.insert(id.clone(), (at_ms + DEDUPLICATION_MS, told));
        }
        let delay_s = parcel.delay_s.unwrap_or(queue.delay_s);
        queue.append(Message {
            key: 0,
            body: parcel.body,
            group: parcel.group,
            kept_from_ms: at_ms,
            hidden_until_ms: if delay_s > 0 {
                at_ms + i64::from(delay_s) * 1000
            } else {
                0
            },
            delayed: delay_s > 0,
            received: 0,
            received_before: 0,
            source: None,
        });
        Ok(())
    }

    /// Whether a receive must move this message to the dead letters.
    fn is_dead(&self, queue: &Queue, message: &Message) -> bool {
        queue.redrive.as_ref().is_some_and(|(target, count)| {
            self.queues.contains_key(target) && message.received - message.received_before >= *count
        })
    }

    /// How many messages a receive could get now.
    pub fn deliverable(&self, name: &str, at_ms: i64) -> usize {
        let Some(queue) = self.queues.get(name) else { return 0 };
        let mut queue = queue.clone();
        queue.expire(at_ms);
        queue
            .all_open(at_ms)
            .into_iter()
            .filter(|message| !self.is_dead(&queue, message))
            .count()
    }

    fn receive(
        &mut self,
        name: &str,
        called: &Called,
        at_ms: i64,
        marks: &[u64],
        max: usize,
        answer: &Json,
    ) -> Verdict {
        let Call::Receive {
            visibility_s,
            wait_s,
            attempt,
            ..
        } = &called.call
        else {
            return Ok(());
        };
        let got = got(answer)?;
        let bodies: Vec<u64> = got.iter().map(|got| got.body).collect();
        if bodies.is_empty() {
            let deadline_ms = called.began_ms + i64::from(*wait_s) * 1000;
            must(at_ms >= deadline_ms, || "a wait ended before its time".into())?;
        }
        let queue = &self.queues[name];
        let until_ms = at_ms + i64::from(visibility_s.unwrap_or(queue.visibility_s)) * 1000;
        let holds = |(body, received): &(u64, u32)| {
            let of_it = |m: &&Message| m.body == *body && m.received == *received && m.hidden_until_ms > at_ms;
            queue.messages.iter().any(|message| of_it(&message))
        };
        let repeated = attempt
            .and_then(|attempt| queue.attempts.get(&attempt))
            .filter(|(ends, _)| at_ms < *ends);
        if let Some((_, messages)) = repeated.filter(|(_, messages)| messages.iter().all(holds)) {
            let wanted: Vec<u64> = messages.iter().map(|(body, _)| *body).collect();
            must(bodies == wanted, || format!("the attempt had got {wanted:?}"))?;
            return self.hide(name, &got, until_ms, 0);
        }
        let open = queue.all_open(at_ms);
        let alive: Vec<u64> = open
            .iter()
            .filter(|m| !self.is_dead(queue, m))
            .map(|m| m.body)
            .collect();
        must(bodies.len() == alive.len().min(max), || {
            format!(
                "{} of {alive:?} should have been received, and {bodies:?} were",
                alive.len().min(max)
            )
        })?;
        if queue.fifo {
            self.check_groups(queue, &bodies, marks, at_ms)?;
        } else {
            must(alive.starts_with(&bodies), || format!("{alive:?} were next"))?;
        }
        self.bury(name, marks, at_ms, bodies.len() < max)?;
        self.hide(name, &got, until_ms, 1)?;
        let queue = self.queue(name)?;
        if let (Some(attempt), false) = (attempt, got.is_empty()) {
            let messages = got.iter().map(|got| (got.body, got.received)).collect();
            queue.attempts.insert(*attempt, (at_ms + DEDUPLICATION_MS, messages));
        }
        Ok(())
    }

    /// A receiver looked and got nothing, but moved `marks` to the dead letters.
    pub fn look(&mut self, name: &str, at_ms: i64, marks: &[u64]) -> Verdict {
        self.queues.values_mut().for_each(|queue| queue.expire(at_ms));
        let there = self.deliverable(name, at_ms);
        must(there == 0, || {
            format!("{there} messages of {name} were there, and a receiver got none")
        })?;
        self.bury(name, marks, at_ms, true)
    }

    /// Of each group its first messages must have been taken, in their order, and none behind a hidden one.
    fn check_groups(&self, queue: &Queue, bodies: &[u64], marks: &[u64], at_ms: i64) -> Verdict {
        let taken: BTreeSet<u64> = bodies.iter().chain(marks).copied().collect();
        let group_of = |body: u64| queue.messages.iter().find(|m| m.body == body).and_then(|m| m.group);
        for group in queue.groups() {
            let open: Vec<u64> = queue.open(group, at_ms).map(|message| message.body).collect();
            let count = open.iter().filter(|body| taken.contains(body)).count();
            must(open.iter().take(count).all(|body| taken.contains(body)), || {
                format!("group {group} is {open:?}, and was not taken from its beginning")
            })?;
            let of_group: Vec<u64> = bodies
                .iter()
                .copied()
                .filter(|body| group_of(*body) == Some(group))
                .collect();
            let ordered: Vec<u64> = open.iter().copied().filter(|body| of_group.contains(body)).collect();
            must(of_group == ordered, || {
                format!("group {group} is out of order: {of_group:?}")
            })?;
        }
        Ok(())
    }

    /// Moves dead letters.
    fn bury(&mut self, name: &str, marks: &[u64], at_ms: i64, looked_at_all: bool) -> Verdict {
        let queue = &self.queues[name];
        let open = queue.all_open(at_ms);
        let dead: Vec<u64> = open.iter().filter(|m| self.is_dead(queue, m)).map(|m| m.body).collect();
        must(marks.iter().all(|mark| dead.contains(mark)), || {
            format!("dead were {dead:?}, and {marks:?} were moved to the dead letters")
        })?;
        must(!looked_at_all || marks.len() == dead.len(), || {
            format!("dead were {dead:?}, but only {marks:?} moved")
        })?;
        let fifo = queue.fifo;
        for mark in marks {
            let queue = self.queue(name)?;
            let (target, _) = queue.redrive.clone().ok_or("no redrive policy")?;
            let mut message = queue.take(*mark).ok_or("a dead letter that is not there")?;
            message.received_before = message.received;
            message.source = Some(name.to_owned());
            message.hidden_until_ms = 0;
            message.delayed = false;
            if fifo {
                message.kept_from_ms = at_ms;
            }
            self.queue(&target)?.append(message);
        }
        Ok(())
    }

    /// Hides what was received, and notes its handles.
    fn hide(&mut self, name: &str, got: &[Got], until_ms: i64, more: u32) -> Verdict {
        for one in got {
            let queue = self.queues.get_mut(name).ok_or("no queue")?;
            let (incarnation, purges) = (queue.incarnation, queue.purges);
            let found = queue.messages.iter_mut().find(|message| message.body == one.body);
            let message = found.ok_or_else(|| format!("{} is not in the queue", body(one.body)))?;
            message.received += more;
            message.hidden_until_ms = until_ms;
            message.delayed = false;
            must(message.received == one.received, || {
                format!(
                    "{} was received {} times, not {}",
                    body(one.body),
                    message.received,
                    one.received
                )
            })?;
            let held = Held {
                incarnation,
                purges,
                key: message.key,
                received: one.received,
            };
            self.handles.insert(one.handle.clone(), held);
        }
        Ok(())
    }

    fn delete(&mut self, name: &str, handle: &str, at_ms: i64, succeeded: bool) -> Verdict {
        let held = self.handles.get(handle).cloned();
        let queue = self.queue(name)?;
        let Some(held) = held.filter(|held| held.incarnation == queue.incarnation) else {
            return must(!succeeded, || "a handle of another queue was taken".into());
        };
        if held.purges != queue.purges {
            return must(succeeded, || "a purged message's handle was refused".into());
        }
        let fifo = queue.fifo;
        let Some(at) = queue.messages.iter().position(|message| message.key == held.key) else {
            let either = fifo && queue.expired.contains(&held.key);
            return must(succeeded || either, || "a deleted message's handle was refused".into());
        };
        let message = &queue.messages[at];
        let valid = !fifo || (message.received == held.received && message.hidden_until_ms > at_ms);
        must(valid == succeeded, || {
            format!("the handle of {} is valid: {valid}", body(message.body))
        })?;
        if valid {
            queue.messages.remove(at);
        }
        Ok(())
    }

    fn change(&mut self, name: &str, handle: &str, timeout_s: u32, at_ms: i64, succeeded: bool) -> Verdict {
        let held = self.handles.get(handle).cloned();
        let queue = self.queue(name)?;
        let held = held.filter(|held| held.incarnation == queue.incarnation && held.purges == queue.purges);
        let Some(held) = held else {
            return must(!succeeded, || "a handle of nothing was taken".into());
        };
        let fifo = queue.fifo;
        let Some(message) = queue.messages.iter_mut().find(|message| message.key == held.key) else {
            let either = queue.expired.contains(&held.key);
            return must(!succeeded || either, || "a deleted message's handle was taken".into());
        };
        let valid = !fifo || (message.received == held.received && message.hidden_until_ms > at_ms);
        must(valid == succeeded, || {
            format!("the handle of {} is valid: {valid}", body(message.body))
        })?;
        if valid {
            message.hidden_until_ms = at_ms + i64::from(timeout_s) * 1000;
            message.delayed = false;
        }
        Ok(())
    }

    fn start_move(
        &mut self,
        source: &str,
        destination: Option<&str>,
        rate: Option<u32>,
        outcome: Result<&Json, &str>,
    ) -> Verdict {
        let is_target = |queue: &Queue| queue.redrive.as_ref().is_some_and(|(target, _)| target == source);
        let fits = self
            .queues
            .get(source)
            .is_some_and(|queue| queue.tasks.first().is_none_or(|task| task.status != Status::Running))
            && self.queues.values().any(is_target)
            && destination
                .is_none_or(|to| self.queues.contains_key(to) && to != source && is_fifo(to) == is_fifo(source));
        must(fits == outcome.is_ok(), || {
            format!("a move task may start: {fits}, but {outcome:?}")
        })?;
        if let (true, Ok(answer)) = (fits, outcome) {
            let task = Task {
                handle: answer["TaskHandle"].as_str().map(str::to_owned),
                status: Status::Running,
                destination: destination.map(str::to_owned),
                rate,
                moved: 0,
            };
            self.queue(source)?.tasks.insert(0, task);
        }
        Ok(())
    }

    fn cancel(&mut self, handle: &str, source: &str, outcome: Result<&Json, &str>) -> Verdict {
        let task = self.queues.get_mut(source).and_then(|queue| {
            queue
                .tasks
                .iter_mut()
                .take(10)
                .find(|task| task.handle.as_deref() == Some(handle))
        });
        let task = task.filter(|task| task.status == Status::Running);
        must(task.is_some() == outcome.is_ok(), || {
            format!("a task was cancelled wrongly: {outcome:?}")
        })?;
        if let Some(task) = task {
            task.status = Status::Cancelled;
        }
        Ok(())
    }

    /// A step of a source's running move task, which moved `marks`.
    pub fn step(&mut self, source: &str, at_ms: i64, marks: &[u64]) -> Verdict {
        self.queues.values_mut().for_each(|queue| queue.expire(at_ms));
        let queue = self.queue(source)?;
        let task = queue.tasks.first().filter(|task| task.status == Status::Running);
        let task = task.ok_or("a step of a task that does not run")?.clone();
        let max = task.rate.map_or(MOVED_AT_ONCE, |rate| rate as usize);
        let mut failed = false;
        for n in 0..=max {
            let heads = self.heads(source, at_ms)?;
            let lost = |message: &Message| self.destination(&task, source, message).is_none();
            let Some(mark) = marks.get(n) else {
                failed = n < max && heads.iter().any(lost);
                must(n == max || heads.is_empty() || failed, || {
                    format!("{} should have moved", heads[0].body)
                })?;
                break;
            };
            must(n < max, || "a step moved too many".into())?;
            let head = heads.into_iter().find(|head| head.body == *mark);
            let head = head.ok_or_else(|| format!("{} was not next to move", body(*mark)))?;
            let to = self
                .destination(&task, source, &head)
                .ok_or("a message moved nowhere")?;
            let mut message = self.queue(source)?.take(*mark).ok_or("a moved message was not there")?;
            message.kept_from_ms = at_ms;
            message.hidden_until_ms = 0;
            message.delayed = false;
            message.received = 0;
            message.received_before = 0;
            message.source = None;
            self.queue(&to)?.append(message);
        }
        let queue = self.queue(source)?;
        let visible = queue.visible(at_ms);
        let task = queue.tasks.first_mut().ok_or("no task")?;
        task.moved += marks.len() as u64;
        if failed {
            task.status = Status::Failed;
        } else if visible == 0 {
            task.status = Status::Completed;
        }
        Ok(())
    }

    /// The messages that may be moved next.
    fn heads(&mut self, source: &str, at_ms: i64) -> Result<Vec<Message>, String> {
        let queue = self.queue(source)?;
        if queue.fifo {
            let groups = queue.groups();
            return Ok(groups
                .into_iter()
                .filter_map(|group| queue.open(group, at_ms).next().cloned())
                .collect());
        }
        Ok(queue
            .all_open(at_ms)
            .first()
            .map(|message| (*message).clone())
            .into_iter()
            .collect())
    }

    fn destination(&self, task: &Task, source: &str, message: &Message) -> Option<String> {
        let to = task.destination.clone().or_else(|| message.source.clone())?;
        (to != source && self.queues.contains_key(&to)).then_some(to)
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
