//! The operations, one file per noun.

pub mod bucket;
pub mod object;
