//! Messages sent, received, hidden and deleted.

use super::{Got, Held, Message, Model, Queue, Verdict, got, must, succeeded};
use crate::call::{Call, Parcel, body};
use crate::history::Called;
use serde_json::Value as Json;
use std::collections::BTreeSet;

const DEDUPLICATION_MS: i64 = 300_000;

impl Model {
    pub(super) fn send_one(
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

    pub(super) fn send(&mut self, name: &str, parcel: &Parcel, at_ms: i64, answer: Option<&Json>) -> Verdict {
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
    pub(super) fn is_dead(&self, queue: &Queue, message: &Message) -> bool {
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

    pub(super) fn receive(
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
    pub(super) fn check_groups(&self, queue: &Queue, bodies: &[u64], marks: &[u64], at_ms: i64) -> Verdict {
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
    pub(super) fn bury(&mut self, name: &str, marks: &[u64], at_ms: i64, looked_at_all: bool) -> Verdict {
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
    pub(super) fn hide(&mut self, name: &str, got: &[Got], until_ms: i64, more: u32) -> Verdict {
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

    pub(super) fn delete(&mut self, name: &str, handle: &str, at_ms: i64, succeeded: bool) -> Verdict {
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

    pub(super) fn change(&mut self, name: &str, handle: &str, timeout_s: u32, at_ms: i64, succeeded: bool) -> Verdict {
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
}
