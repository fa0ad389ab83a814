//! AWS's quotas for SQS.

/// Bytes of a message's body and attributes, and what a queue allows unless told otherwise.
pub const MESSAGE_MAX_BYTES: u32 = 1_048_576;
/// The least that a queue's `MaximumMessageSize` may be.
pub const MESSAGE_MAX_MIN_BYTES: u32 = 1_024;
/// Bytes of all messages of one batch.
pub const BATCH_MAX_BYTES: usize = 1_048_576;
pub const BATCH_MAX_ENTRIES: usize = 10;
pub const RECEIVE_MAX_MESSAGES: i32 = 10;
/// Messages received and not yet deleted, per queue.
pub const IN_FLIGHT_MAX: u64 = 120_000;
pub const DELAY_MAX_S: i32 = 900;
pub const VISIBILITY_MAX_S: i32 = 43_200;
pub const WAIT_MAX_S: i32 = 20;
pub const RETENTION_MIN_S: u32 = 60;
pub const RETENTION_MAX_S: u32 = 1_209_600;
pub const KMS_REUSE_MIN_S: u32 = 60;
pub const KMS_REUSE_MAX_S: u32 = 86_400;
pub const RECEIVE_COUNT_MAX: i64 = 1_000;
pub const MESSAGE_ATTRIBUTES_MAX: usize = 10;
pub const TAGS_MAX: usize = 50;
pub const PERMISSION_ACTIONS_MAX: usize = 7;
/// Source queues that a `RedriveAllowPolicy` may name.
pub const REDRIVE_SOURCES_MAX: usize = 10;
/// How long a FIFO queue remembers deduplication ids and receive attempts.
pub const DEDUPLICATION_S: i64 = 300;
/// Between two purges of a queue.
pub const PURGE_WAIT_S: i64 = 60;
/// How long changed attributes take to reach all of SQS; Virga delays by it only the change of a deduplication scope.
pub const SETTINGS_SPREAD_S: i64 = 60;
/// Results of one page of ListQueues and ListDeadLetterSourceQueues.
pub const PAGE_MAX: i32 = 1_000;
pub const MOVE_RATE_MAX_PER_S: i32 = 500;
/// Move tasks that a source remembers.
pub const MOVE_TASKS_KEPT: usize = 10;
