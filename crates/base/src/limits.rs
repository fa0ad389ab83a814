//! Virga's own bounds on what a client controls. AWS's quotas stand with the service they belong to.

/// Bytes of a request's line and headers together.
pub const HEADERS_MAX_BYTES: usize = 64 * 1024;
/// Number of headers in a request. More than hyper's own 100 would cost every request an allocation.
pub const HEADERS_MAX_COUNT: usize = 100;
/// Bytes of a buffered body (all protocols; streamed members of S3 and the like are not buffered).
pub const BODY_MAX_BYTES: usize = 64 * 1024 * 1024;
/// Bytes that a compressed body may inflate to.
pub const BODY_INFLATED_MAX_BYTES: usize = BODY_MAX_BYTES;
/// How deep lists, maps and structures may nest in a body, in every protocol.
pub const NESTING_MAX_DEPTH: usize = 128;
/// Members and elements that one request's value may hold altogether.
pub const VALUE_MAX_NODES: usize = 2_000_000;
/// Connections open at once.
pub const CONNECTIONS_MAX: usize = 10_000;
/// Seconds that a connection may be silent before or between requests.
pub const IDLE_MAX_S: u64 = 350;
/// Seconds to send the headers of a request.
pub const HEADERS_READ_MAX_S: u64 = 30;
/// Seconds between two pieces of a request's body.
pub const BODY_READ_MAX_S: u64 = 60;
/// Seconds that a graceful stop waits for requests under way.
pub const STOP_MAX_S: u64 = 10;
/// Worlds at once, unless the setting says otherwise.
pub const WORLDS_MAX: usize = 10_000;
/// Calls in the journal; older ones are forgotten.
pub const JOURNAL_MAX_CALLS: usize = 5_000;
/// Bytes of one request's body, and of one answer's, that the journal keeps; a longer one is not kept at all.
pub const JOURNAL_BODY_MAX_BYTES: usize = 64 * 1024;
/// Bytes of all that the journal keeps of requests and answers.
pub const JOURNAL_MAX_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of a snapshot that is sent here to be loaded.
pub const SNAPSHOT_MAX_BYTES: u64 = 64 * 1024 * 1024 * 1024;
