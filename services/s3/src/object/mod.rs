//! The domain of objects: what of them needs no transaction, and the few transactions that all operations share.

pub mod checksum;
pub mod conditions;
pub mod content;
pub mod customer;
pub mod encryption;
pub mod headers;
pub mod intake;
pub mod key;
pub mod range;
pub mod rfc2047;
pub mod source;
pub mod tags;
pub mod version_id;
pub mod versions;
