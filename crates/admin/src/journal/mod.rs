//! What the journal keeps of requests and answers besides their records, so that a call can be looked into and sent again.
//!
//! Keeping costs a call two copies and no allocation: what matters of it is packed into a buffer of its thread
//! ([`pack`]), then copied into one of a few large chunks ([`room`]), which are used over and over. Nothing is formatted or
//! decoded before somebody asks ([`shown`]).

pub(crate) mod pack;
pub(crate) mod room;
pub(crate) mod shown;
