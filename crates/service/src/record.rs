//! What is told of every call, for the log and for people who ask what happened.

use serde::Serialize;
use virga_base::Timestamp;

/// One call, finished.
#[derive(Clone, Debug, Serialize)]
pub struct CallRecord {
    /// Virtual time of arrival.
    pub at: Timestamp,
    pub request_id: String,
    /// Model name and operation, where they were recognised.
    pub service: Option<&'static str>,
    pub operation: Option<&'static str>,
    pub account: String,
    pub region: String,
    /// The caller's ARN, where known.
    pub caller: String,
    pub method: String,
    pub path: String,
    pub status: u16,
    /// The error's code, if it failed.
    pub error: Option<String>,
    /// The error's message, if it failed.
    pub message: Option<String>,
    /// Microseconds of real time from the first byte of the request to the first of the answer.
    pub duration_us: u64,
}

/// Is told of every call. Must not block.
pub trait Observer: Send + Sync + 'static {
    fn called(&self, record: CallRecord);
}
