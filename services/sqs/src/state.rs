//! Every kind of row that SQS keeps. Nothing else makes its keys.
//!
//! A queue's settings lie under its name. Its messages lie under a *data id*, a random number that a purge replaces, so
//! that purging and deleting a queue of any size cost the same; the rows left behind are removed as deferred work.
//!
//! A message is one large row that is never rewritten and one or more small ones that say where it stands:
//!
//! * standard queue, visible: `READY`; hidden (in flight or delayed): `FLIGHTS` and, by time, `HIDDEN`;
//! * FIFO queue: `MEMBERS`, in the order of its group, and `HIDDEN` while it is hidden. A group whose first message can be
//!   received has a row in `TURNS`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use virga_base::Timestamp;
use virga_service::{Ctx, DueId, Table, TableInfo, record};
use virga_store::{Record, decode_record, encode_record};

/// All of them, as people are shown them.
pub const TABLES: [TableInfo; 18] = [
    QUEUES.info(),
    TAGS.info(),
    COUNTERS.info(),
    MESSAGES.info(),
    READY.info(),
    HIDDEN.info(),
    FLIGHTS.info(),
    GROUP_NUMBERS.info(),
    GROUPS.info(),
    MEMBERS.info(),
    TURNS.info(),
    DUPLICATES.info(),
    DUPLICATE_ENDS.info(),
    ATTEMPTS.info(),
    ATTEMPT_ENDS.info(),
    SOURCES.info(),
    MOVE_TASKS.info(),
    DELETED.info(),
];

/// Lifetime: the queue's. Key: name.
pub const QUEUES: Table<(String,), Queue> = Table::new(0x0200, "sqs.queues");
/// Lifetime: the queue's. Key: queue id.
pub const TAGS: Table<(u64,), Tags> = Table::new(0x0201, "sqs.tags");
/// Lifetime: until a purge. Key: data id.
pub const COUNTERS: Table<(u64,), Counters> = Table::new(0x0202, "sqs.counters");
/// Lifetime: the message's. Key: data id, sequence.
pub const MESSAGES: Table<(u64, u64), Message> = Table::new(0x0203, "sqs.messages");
/// Lifetime: while a message of a standard queue is visible. Key: data id, sequence.
pub const READY: Table<(u64, u64), Slot> = Table::new(0x0204, "sqs.ready");
/// Lifetime: while a message is hidden. Key: data id, until when, sequence. Value: the message's group, 0 without.
pub const HIDDEN: Table<(u64, Timestamp, u64), u64> = Table::new(0x0205, "sqs.hidden");
/// Lifetime: while a message of a standard queue is hidden. Key: data id, sequence.
pub const FLIGHTS: Table<(u64, u64), Slot> = Table::new(0x0206, "sqs.flights");
/// Lifetime: while a group has messages. Key: data id, the group's name. Value: the group's number.
pub const GROUP_NUMBERS: Table<(u64, String), u64> = Table::new(0x0207, "sqs.group_numbers");
/// Lifetime: while a group has messages. Key: data id, group.
pub const GROUPS: Table<(u64, u64), Group> = Table::new(0x0208, "sqs.groups");
/// Lifetime: the message's, in a FIFO queue. Key: data id, group, sequence.
pub const MEMBERS: Table<(u64, u64, u64), Slot> = Table::new(0x0209, "sqs.members");
/// Lifetime: while a group's first message is visible. Key: data id, turn. Value: the group's number.
pub const TURNS: Table<(u64, u64), u64> = Table::new(0x020a, "sqs.turns");
/// Lifetime: five minutes. Key: data id, hash of the deduplication id in its scope.
pub const DUPLICATES: Table<(u64, u128), Duplicate> = Table::new(0x020b, "sqs.duplicates");
/// Lifetime: as `DUPLICATES`. Key: data id, when it ends, hash.
pub const DUPLICATE_ENDS: Table<(u64, Timestamp, u128), ()> = Table::new(0x020c, "sqs.duplicate_ends");
/// Lifetime: five minutes. Key: data id, hash of the `ReceiveRequestAttemptId`.
pub const ATTEMPTS: Table<(u64, u128), Attempt> = Table::new(0x020d, "sqs.attempts");
/// Lifetime: as `ATTEMPTS`. Key: data id, when it ends, hash.
pub const ATTEMPT_ENDS: Table<(u64, Timestamp, u128), ()> = Table::new(0x020e, "sqs.attempt_ends");
/// Lifetime: the source's redrive policy. Key: name of the dead-letter queue, name of the source.
pub const SOURCES: Table<(String, String), ()> = Table::new(0x020f, "sqs.sources");
/// Lifetime: the source queue's, ten at most. Key: id of the source queue, number of the task.
pub const MOVE_TASKS: Table<(u64, u64), MoveTask> = Table::new(0x0210, "sqs.move_tasks");
/// Lifetime: the world's; kept only where `delete_wait_s` is set. Key: name. Value: when it was deleted, in milliseconds.
pub const DELETED: Table<(String,), u64> = Table::new(0x0211, "sqs.deleted");

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Random, the same for the queue's whole life.
    pub id: u64,
    /// Under which its messages lie; a purge draws another.
    pub data: u64,
    pub name: String,
    pub created: Timestamp,
    pub modified: Timestamp,
    pub purged: Option<Timestamp>,
    pub settings: Settings,
}

record!(Queue, 1);

/// What CreateQueue and SetQueueAttributes set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    pub visibility_timeout_s: u32,
    pub delay_s: u32,
    pub message_max_bytes: u32,
    pub retention_s: u32,
    pub wait_s: u32,
    pub policy: Option<String>,
    pub redrive: Option<Redrive>,
    /// The `RedriveAllowPolicy` as it was given.
    pub redrive_allow: Option<String>,
    pub kms_key: Option<String>,
    pub kms_reuse_s: u32,
    pub managed_sse: bool,
    /// Set for FIFO queues.
    pub fifo: Option<Fifo>,
}

/// Where messages go that have been received too often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redrive {
    pub target_arn: String,
    pub target: String,
    pub receive_count_max: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    Queue,
    MessageGroup,
}

/// What only FIFO queues have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fifo {
    pub content_based: bool,
    pub scope: Scope,
    /// What holds until then, after a change of the scope.
    pub scope_before: Option<(Scope, Timestamp)>,
    pub limit_per_group: bool,
}

/// A queue's tags.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags(pub BTreeMap<String, String>);

record!(Tags, 1);

/// How many messages there are of each kind, and the next numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// The last sequence given.
    pub sequence: u64,
    /// The last turn given to a group.
    pub turn: u64,
    pub visible: u64,
    pub in_flight: u64,
    pub delayed: u64,
    /// No message expires before.
    pub expires: Option<Timestamp>,
    /// Deferred work that removes expired messages.
    pub sweep: Option<DueId>,
    /// Messages have come from another queue with their age, so the first need not be the oldest.
    pub unordered: bool,
}

record!(Counters, 1);

/// What was sent. Never rewritten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// A UUID.
    pub id: [u8; 16],
    pub sent: Timestamp,
    /// From when on its retention counts.
    pub kept_from: Timestamp,
    pub body: String,
    pub body_md5: [u8; 16],
    /// In order of name.
    pub attributes: Vec<(String, Attribute)>,
    pub sender: String,
    pub trace_header: Option<String>,
    pub group: Option<String>,
    pub deduplication_id: Option<String>,
    /// The queue from which it was dead-lettered.
    pub source_arn: Option<String>,
    /// How often it had been received there.
    pub received_before: u32,
}

impl Record for Message {
    const VERSION: u8 = 1;

    fn encode(&self, out: &mut Vec<u8>) {
        // Room for all at once: a body grown into place would be copied several times.
        out.reserve(self.body.len() + 256);
        encode_record(self, out);
    }

    fn decode(version: u8, bytes: &[u8]) -> Option<Message> {
        (version == Self::VERSION).then(|| decode_record(bytes)).flatten()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    pub data_type: String,
    pub value: AttributeValue,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttributeValue {
    Text(String),
    Binary(Vec<u8>),
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// How often it has been received, in all queues it has been in.
    pub received: u32,
    pub received_first: Option<Timestamp>,
    pub received_last: Option<Timestamp>,
    /// Until when it is hidden; stays set until somebody looks after that.
    pub hidden_until: Option<Timestamp>,
    /// Hidden because it is not due yet, not because somebody works on it.
    pub delayed: bool,
}

record!(Slot, 1);

/// A message group of a FIFO queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub name: String,
    /// Its place in the order of groups, while its first message is visible.
    pub turn: Option<u64>,
}

record!(Group, 1);

/// A message that was sent with a deduplication id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicate {
    pub message: [u8; 16],
    pub sequence: u64,
    pub ends: Timestamp,
}

record!(Duplicate, 1);

/// What a ReceiveMessage with an attempt id got: group, sequence and count of receives of each message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub ends: Timestamp,
    pub messages: Vec<(u64, u64, u32)>,
}

record!(Attempt, 1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MoveStatus {
    Running,
    Completed,
    Cancelled,
    Failed,
}

/// A task that moves messages out of a dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveTask {
    /// A UUID.
    pub id: String,
    pub status: MoveStatus,
    /// Name and ARN of the destination; without, each message goes back to where it came from.
    pub destination: Option<(String, String)>,
    pub rate_per_s: Option<u32>,
    pub moved: u64,
    pub to_move: u64,
    pub failure: Option<String>,
    pub started: Timestamp,
}

record!(MoveTask, 1);

/// The topic that tells waiting receivers to look again. `ctx` must be in the queue's account and region.
pub fn topic(ctx: &Ctx, queue_id: u64) -> Vec<u8> {
    let mut topic = Vec::with_capacity(40);
    topic.extend_from_slice(b"sqs/");
    topic.extend_from_slice(&ctx.account().number().to_be_bytes());
    topic.extend_from_slice(&queue_id.to_be_bytes());
    topic.extend_from_slice(ctx.region().as_str().as_bytes());
    topic
}
