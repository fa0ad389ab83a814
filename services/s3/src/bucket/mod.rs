//! The domain of buckets, pure.

pub mod location;
pub mod name;
