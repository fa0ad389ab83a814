//! What S3 tells others of what happens in a bucket: the rules of its notification configuration, the records that it
//! sends, and how they go.

pub mod destination;
pub mod names;
pub mod record;
pub mod rules;

/// The kind of configuration.
pub const KIND: &str = "notification";
