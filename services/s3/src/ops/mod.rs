//! The operations, one file per noun.

pub mod bucket;
pub mod list;
pub mod object;
pub mod object_tagging;
pub mod versioning;
