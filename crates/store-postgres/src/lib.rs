//! The engine for several nodes: rows lie in PostgreSQL, CockroachDB or YugabyteDB, whose serializable transactions are
//! this engine's.
//!
//! Begin at [`PostgresEngine`] (`engine.rs`). A transaction is a `session`, writers of a node share one in a
//! `lane`, and `wakes` hears what other nodes do. `blobs` keeps the bytes of objects there. `wire/` is the protocol.

mod blobs;
mod connection;
mod engine;
mod failure;
mod lane;
mod long_keys;
mod pool;
mod schema;
mod session;
mod url;
mod wakes;
mod wire;

pub use blobs::{Pieces, SharedRegister};
pub use engine::PostgresEngine;
