//! Multipart uploads: what of them all operations share.

pub mod checksums;
pub mod id;
pub mod parts;
