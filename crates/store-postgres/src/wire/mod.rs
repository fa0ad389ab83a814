//! PostgreSQL's protocol, as much of it as this engine speaks.

pub mod message;
pub mod scram;
pub mod stream;
