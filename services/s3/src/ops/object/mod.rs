//! Objects: written, read, deleted.

pub mod delete;
pub mod put;
pub mod read;
