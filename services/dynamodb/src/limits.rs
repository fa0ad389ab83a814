//! AWS's quotas for DynamoDB.

/// The greatest size of a page of a query or a scan.
pub const PAGE_MAX_BYTES: usize = 1024 * 1024;
/// The greatest size of what BatchGetItem answers.
pub const BATCH_GET_MAX_BYTES: usize = 16 * 1024 * 1024;
pub const BATCH_GET_MAX_KEYS: usize = 100;
pub const BATCH_WRITE_MAX_REQUESTS: usize = 25;
/// The greatest size of all items of a transaction.
pub const TRANSACTION_MAX_BYTES: usize = 4 * 1024 * 1024;
/// How long a `ClientRequestToken` is remembered.
pub const TOKEN_S: i64 = 600;
/// Of each kind, for a table or an index.
pub const TABLE_UNITS_MAX: i64 = 40_000;
/// Of each kind, for all tables and indexes of an account in a region.
pub const ACCOUNT_UNITS_MAX: i64 = 80_000;
pub const GLOBAL_INDEXES_MAX: usize = 20;
pub const LOCAL_INDEXES_MAX: usize = 5;
/// Of all indexes of a table together.
pub const NON_KEY_ATTRIBUTES_MAX: usize = 100;
/// Of one index.
pub const NON_KEY_ATTRIBUTES_PER_INDEX_MAX: usize = 20;
/// Of each part of a global index's key.
pub const INDEX_KEY_PART_MAX: usize = 4;
pub const TABLES_LISTED_MAX: usize = 100;
pub const SCAN_SEGMENTS_MAX: i64 = 1_000_000;
