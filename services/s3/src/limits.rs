//! AWS's quotas, as `service.toml` lists them.

/// Bytes of an object's key in UTF-8.
pub const KEY_MAX_BYTES: usize = 1024;
/// Bytes of all user metadata of an object, names and values together.
pub const USER_METADATA_MAX_BYTES: usize = 2048;
/// Bytes that one PUT may bring.
pub const OBJECT_PUT_MAX_BYTES: u64 = 5 * 1024 * 1024 * 1024;
/// Bytes of every part but the last.
pub const PART_MIN_BYTES: u64 = 5 * 1024 * 1024;
/// Bytes of an object that is uploaded in parts.
pub const OBJECT_MAX_BYTES: u64 = 10_000 * OBJECT_PUT_MAX_BYTES;
/// Tags of an object.
pub const OBJECT_TAGS_MAX: usize = 10;
/// Tags of a bucket.
pub const BUCKET_TAGS_MAX: usize = 50;
/// Results on one page of a list.
pub const PAGE_MAX: i32 = 1000;
/// Buckets on one page.
pub const BUCKETS_PAGE_MAX: i32 = 10_000;
/// Objects that one DeleteObjects may name.
pub const DELETE_MAX_OBJECTS: usize = 1000;
