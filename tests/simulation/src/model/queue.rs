//! What a queue holds.

use std::collections::{BTreeMap, BTreeSet};

/// What a receipt handle stands for.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) incarnation: u64,
    pub(super) purges: u64,
    pub(super) key: u64,
    pub(super) received: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Message {
    /// Its place in the queue.
    pub(super) key: u64,
    pub(super) body: u64,
    pub(super) group: Option<u64>,
    pub(super) kept_from_ms: i64,
    pub(super) hidden_until_ms: i64,
    pub(super) delayed: bool,
    pub(super) received: u32,
    pub(super) received_before: u32,
    pub(super) source: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Running,
    Completed,
    Cancelled,
    Failed,
}

#[derive(Clone)]
pub(super) struct Task {
    pub(super) handle: Option<String>,
    pub(super) status: Status,
    pub(super) destination: Option<String>,
    pub(super) rate: Option<u32>,
    pub(super) moved: u64,
}

#[derive(Clone)]
pub struct Queue {
    pub(super) incarnation: u64,
    pub(super) fifo: bool,
    pub(super) visibility_s: u32,
    pub(super) delay_s: u32,
    pub(super) retention_s: u32,
    pub(super) redrive: Option<(String, u32)>,
    pub(super) messages: Vec<Message>,
    pub(super) last_key: u64,
    /// Gone by age; whether a queue still knows their handles depends on when it swept.
    pub(super) expired: BTreeSet<u64>,
    /// By deduplication id: until when, and the message's id and sequence number where they were told.
    pub(super) duplicates: BTreeMap<String, (i64, Option<(String, String)>)>,
    /// By attempt: until when, and the messages with their counts of receives.
    pub(super) attempts: BTreeMap<u64, (i64, Vec<(u64, u32)>)>,
    pub(super) sequence_number: String,
    pub(super) purges: u64,
    pub(super) purged_ms: Option<i64>,
    /// The newest first.
    pub(super) tasks: Vec<Task>,
}

impl Queue {
    pub(super) fn expire(&mut self, at_ms: i64) {
        let retention_ms = i64::from(self.retention_s) * 1000;
        let (kept, old) = std::mem::take(&mut self.messages)
            .into_iter()
            .partition(|message| at_ms < message.kept_from_ms + retention_ms);
        self.messages = kept;
        let old: Vec<Message> = old;
        self.expired.extend(old.iter().map(|message| message.key));
    }

    pub(super) fn append(&mut self, mut message: Message) {
        self.last_key += 1;
        message.key = self.last_key;
        self.messages.push(message);
    }

    pub(super) fn take(&mut self, body: u64) -> Option<Message> {
        let at = self.messages.iter().position(|message| message.body == body)?;
        Some(self.messages.remove(at))
    }

    pub(super) fn groups(&self) -> BTreeSet<u64> {
        self.messages.iter().filter_map(|message| message.group).collect()
    }

    /// A group's messages up to the first hidden one.
    pub(super) fn open(&self, group: u64, at_ms: i64) -> impl Iterator<Item = &Message> {
        let members = self.messages.iter().filter(move |message| message.group == Some(group));
        members.take_while(move |message| message.hidden_until_ms <= at_ms)
    }

    /// All that may be received, in the queue's order (of each group).
    pub(super) fn all_open(&self, at_ms: i64) -> Vec<&Message> {
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

    pub(super) fn visible(&self, at_ms: i64) -> usize {
        self.messages
            .iter()
            .filter(|message| message.hidden_until_ms <= at_ms)
            .count()
    }
}
