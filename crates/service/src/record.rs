//! What is told of every call, for the log and for people who ask what happened.

use crate::Caller;
use http::{HeaderMap, Method};
use std::borrow::Cow;
use virga_base::{Account, Id, Region, Timestamp};
use virga_shape::Protocol;

/// One call, finished.
#[derive(Clone, Debug)]
pub struct CallRecord {
    /// Virtual time of arrival.
    pub at: Timestamp,
    pub request_id: Id,
    /// Model name and operation, where they were recognised.
    pub service: Option<&'static str>,
    pub operation: Option<&'static str>,
    /// The world that it was made in, if that is not the first.
    pub world: Option<Box<str>>,
    /// Who called from where, as far as it was known.
    pub who: Option<Who>,
    pub method: Method,
    pub path: Cow<'static, str>,
    pub status: u16,
    /// The error's code, if it failed.
    pub error: Option<String>,
    /// The error's message, if it failed.
    pub message: Option<String>,
    /// Microseconds of real time from the first byte of the request to the first of the answer.
    pub duration_us: u64,
}

/// Who called, and where the call acts.
#[derive(Clone, Debug)]
pub struct Who {
    pub caller: Caller,
    pub account: Account,
    pub region: Region,
}

impl Who {
    /// The caller's ARN. Made when it is asked for, since most records are never read.
    pub fn arn(&self) -> String {
        self.caller.arn(self.region.partition())
    }
}

/// What went over the wire for a call, lent while its record is taken. An observer that wants to keep something copies it:
/// the bytes are slices of buffers that are much larger.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    pub protocol: Protocol,
    /// As sent, signatures and tokens included.
    pub path: &'a str,
    pub query: &'a str,
    pub host: Option<&'a str>,
    pub headers: &'a HeaderMap,
    pub body: Carried<'a>,
    pub answer_headers: &'a HeaderMap,
    pub answer: Carried<'a>,
}

/// A body, as far as it was in one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried<'a> {
    Whole(&'a [u8]),
    /// The call was answered without it.
    Unread,
    /// It went through piece by piece.
    Streamed,
}

/// Is told of every call. Must not block.
pub trait Observer: Send + Sync + 'static {
    fn called(&self, record: CallRecord, exchange: &Exchange<'_>);
}
