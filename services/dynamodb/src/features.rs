//! What a table may have switched on beside its own parts, with the rows that this keeps.
//!
//! What every write must know of lies in the definition ([`Extras`]); the rest in rows of its own.

use crate::state::{Definition, Spot, StoredItem};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use virga_base::Timestamp;
use virga_service::{Ctx, DueRow, Table, TableInfo, record};

/// All of them, as people are shown them.
pub const TABLES: [TableInfo; 17] = [
    EXPIRIES.info(),
    SWEEPS.info(),
    HISTORY.info(),
    HISTORY_ENDS.info(),
    STAMPS.info(),
    BACKUPS.info(),
    BACKUP_ITEMS.info(),
    POLICIES.info(),
    DESTINATIONS.info(),
    INSIGHTS.info(),
    SCALING.info(),
    GLOBAL_TABLES.info(),
    BACKUP_NUMBERS.info(),
    EXPORTS.info(),
    IMPORTS.info(),
    BUCKETS.info(),
    PARTITIONS.info(),
];

/// Lifetime: while an item with a time to live is there. Key: the table's data id, when it expires, the item's place.
pub const EXPIRIES: Table<(u64, Timestamp, Spot), ()> = Table::new(0x0410, "dynamodb.expiries");
/// Lifetime: while something may expire. Key: the table's data id. Value: when that is looked for, in milliseconds.
pub const SWEEPS: Table<(u64,), u64> = Table::new(0x0411, "dynamodb.sweeps");
/// Lifetime: the recovery period. Key: the table's data id, a number. Value: an item before a change of it.
pub const HISTORY: Table<(u64, u64), Before> = Table::new(0x0412, "dynamodb.history");
/// Lifetime: while a table can be recovered. Key: the table's data id. Value: the last number in its history.
pub const HISTORY_ENDS: Table<(u64,), u64> = Table::new(0x0413, "dynamodb.history_ends");
/// Lifetime: while a table has replicas. Key: the table's data id, the item's place. Value: its last change.
pub const STAMPS: Table<(u64, Spot), Stamp> = Table::new(0x0414, "dynamodb.stamps");
/// Lifetime: the backup's. Key: the last part of its ARN.
pub const BACKUPS: Table<(String,), Backup> = Table::new(0x0415, "dynamodb.backups");
/// Lifetime: the backup's. Key: the backup's data id, the item's place.
pub const BACKUP_ITEMS: Table<(u64, Spot), StoredItem> = Table::new(0x0416, "dynamodb.backup_items");
/// Lifetime: the policy's. Key: the ARN of the table or the stream.
pub const POLICIES: Table<(String,), Policy> = Table::new(0x0417, "dynamodb.policies");
/// Lifetime: the table's. Key: the table's data id, the ARN of a Kinesis stream.
pub const DESTINATIONS: Table<(u64, String), Destination> = Table::new(0x0418, "dynamodb.destinations");
/// Lifetime: the table's. Key: the table's name, the index's or nothing.
pub const INSIGHTS: Table<(String, String), Insights> = Table::new(0x0419, "dynamodb.insights");
/// Lifetime: the table's. Key: the table's data id. Value: the settings as JSON, see `ops/scaling.rs`.
pub const SCALING: Table<(u64,), Scaling> = Table::new(0x041a, "dynamodb.scaling");
/// Lifetime: the global table's, of version 2017.11.29. Key: name.
pub const GLOBAL_TABLES: Table<(String,), GlobalTable> = Table::new(0x041b, "dynamodb.global_tables");
/// Lifetime: the region's. Key: none. Value: the last number given to a backup.
pub const BACKUP_NUMBERS: Table<(), u64> = Table::new(0x041c, "dynamodb.backup_numbers");

/// Lifetime: the region's. Key: the last part of its ARN.
pub const EXPORTS: Table<(String,), Export> = Table::new(0x041d, "dynamodb.exports");
/// Lifetime: the region's. Key: the last part of its ARN.
pub const IMPORTS: Table<(String,), Import> = Table::new(0x041e, "dynamodb.imports");
/// Lifetime: the table's. Key: the data id of a table or an index, whether it is about writes. Value: the capacity left.
pub const BUCKETS: Table<(u64, bool), Bucket> = Table::new(0x041f, "dynamodb.capacity");
/// Lifetime: while less than all is left. Key: as `BUCKETS`, then the hash of a partition key.
pub const PARTITIONS: Table<(u64, bool, u64), Bucket> = Table::new(0x0420, "dynamodb.partition_capacity");

/// What writes must know of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extras {
    /// Account and region, for the deferred work that writes cause.
    pub home: (u64, String),
    /// Time to live, once it was set.
    pub expiry: Option<Expiry>,
    /// Set while changes are kept for recovery to a point in time.
    pub recovery: Option<Recovery>,
    /// The other regions that hold the same table.
    pub replicas: Vec<Replica>,
    /// Where a restored table came from.
    pub restored: Option<Restored>,
    /// Changes are kept, too, for reads that lag behind.
    pub lags: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiry {
    /// Nothing where it is disabled.
    pub attribute: Option<String>,
    pub changed: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    pub since: Timestamp,
    pub period_days: i32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    pub region: String,
    pub active_at: Timestamp,
    pub key_id: Option<String>,
    pub class: Option<String>,
    pub read_units: Option<i64>,
    pub read_request_units: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    pub backup_arn: Option<String>,
    pub table_arn: String,
    pub at: Timestamp,
}

/// An item before a change; nothing where there was none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    pub at: Timestamp,
    pub spot: Vec<u8>,
    /// As a stored item.
    pub item: Option<Vec<u8>>,
}

record!(Before, 1);

/// When and where an item was changed last; the later one wins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    pub at: Timestamp,
    pub region: String,
}

record!(Stamp, 1);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    pub arn: String,
    pub name: String,
    /// `USER` or `SYSTEM`.
    pub kind: String,
    pub created: Timestamp,
    /// When a system's backup goes.
    pub expires: Option<Timestamp>,
    /// Under which its items lie.
    pub data: u64,
    pub items: u64,
    pub bytes: u64,
    pub table_arn: String,
    pub table: Definition,
}

record!(Backup, 1);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    pub text: String,
    /// Milliseconds: a later one is greater.
    pub revision: i64,
}

record!(Policy, 1);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    pub active: bool,
    pub precision: Option<String>,
}

record!(Destination, 1);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Insights {
    pub enabled: bool,
    pub mode: Option<String>,
    pub changed: Timestamp,
}

record!(Insights, 1);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scaling {
    /// `AutoScalingSettingsUpdate` of writes, for the table and for each index.
    pub writes: BTreeMap<String, String>,
    /// `AutoScalingSettingsUpdate` of reads, by region and index.
    pub reads: BTreeMap<(String, String), String>,
}

record!(Scaling, 1);

/// What was left of a capacity, in millionths of a unit; less than nothing where there was a debt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    pub left_micro: i64,
    pub at: Timestamp,
}

record!(Bucket, 1);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlobalTable {
    pub created: Timestamp,
    pub regions: Vec<String>,
}

record!(GlobalTable, 1);

/// How an export or an import stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    /// Code and message, where it failed.
    pub failure: Option<(String, String)>,
    pub items: u64,
    pub bytes: u64,
    /// Items of an import that are no items of the table.
    pub errors: u64,
}

impl Progress {
    pub fn new(started: Timestamp) -> Progress {
        Progress {
            started,
            ended: None,
            failure: None,
            items: 0,
            bytes: 0,
            errors: 0,
        }
    }

    pub fn status(&self) -> &'static str {
        match (&self.ended, &self.failure) {
            (None, _) => "IN_PROGRESS",
            (Some(_), None) => "COMPLETED",
            (Some(_), Some(_)) => "FAILED",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    pub arn: String,
    pub progress: Progress,
    pub table: String,
    pub table_arn: String,
    pub table_id: String,
    pub data: u64,
    /// The time whose items are exported.
    pub at: Timestamp,
    pub client_token: Option<String>,
    pub bucket: String,
    pub bucket_owner: Option<String>,
    pub prefix: Option<String>,
    pub sse_algorithm: Option<String>,
    pub sse_key_id: Option<String>,
    pub manifest: Option<String>,
}

record!(Export, 1);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    pub arn: String,
    pub progress: Progress,
    pub table: String,
    pub table_id: String,
    pub client_token: Option<String>,
    pub bucket: String,
    pub bucket_owner: Option<String>,
    pub prefix: Option<String>,
    /// `DYNAMODB_JSON` or `CSV`.
    pub format: String,
    pub delimiter: Option<String>,
    pub header: Option<Vec<String>>,
    /// Whether the objects are compressed by gzip.
    pub gzip: bool,
    /// `TableCreationParameters` as JSON.
    pub parameters: String,
}

record!(Import, 1);

impl Extras {
    /// The attribute that says when items expire.
    pub fn expires_by(&self) -> Option<&str> {
        self.expiry.as_ref()?.attribute.as_deref()
    }

    /// Where the table is; call it before a feature is switched on.
    pub fn settle(&mut self, ctx: &Ctx) {
        self.home = (ctx.account().number(), ctx.region().as_str().to_owned());
    }

    /// Deferred work of the table's.
    pub fn due_row(&self, kind: &str, payload: &impl Serialize) -> DueRow {
        DueRow {
            service: crate::wire::MODEL.to_owned(),
            kind: kind.to_owned(),
            account: self.home.0,
            region: self.home.1.clone(),
            // Names, numbers and bytes always have a JSON form.
            payload: serde_json::to_vec(payload).unwrap_or_default(),
            attempts: 0,
        }
    }
}
