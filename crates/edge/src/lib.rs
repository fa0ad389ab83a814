//! The listener, and the one way that every request goes.
//!
//! [`Edge`] listens on one port for HTTP/1.1, HTTP/2 and TLS alike. Each request walks the chain in `chain/mod.rs`, one
//! file per stage. Only here do errors become statuses, and only here is HTTP known; services see values.

mod body;
mod catch;
mod chain;
mod connection;
mod cors;
mod edge;
mod letters;
mod options;
mod place;
mod pulse;
mod tls;
mod world;

pub use body::answer::AnswerBody;
pub use body::chunked::{ChunkDecoder, Step};
pub use chain::{Arrival, Target};
pub use edge::{BindError, Closed, Edge};
pub use options::{EdgeOptions, Internal, Limits, Permit, Ruling, Silent, Station, Streamed};
pub use tls::{Certificate, CertificateError, certificate_pem};
