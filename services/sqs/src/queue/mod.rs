//! The domain: what a queue is and what its rules are. Pure; time is handed in.

pub mod attributes;
pub mod content;
pub mod digest;
pub mod name;
pub mod policy;
pub mod receipt;
pub mod redrive;
