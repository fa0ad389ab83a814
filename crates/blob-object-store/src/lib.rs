//! A shelf in a bucket of S3, or of anything that speaks like it, by the `object_store` crate.
//!
//! Without the feature `client` this crate is empty: the crates that it needs are more than a third of all others, and are
//! built by nobody who did not ask for them (`docs/decisions/shared-blobs.md`).
//!
//! A file is one object, `PREFIX/NAME`. It appears when all of it is there: what is short is put at once, what is long is
//! uploaded in parts. An upload that was begun by a process that died is seen by nobody who reads; it counts as a file that
//! is not whole, and [`virga_blob::Shelf::remove`] aborts it.
//!
//! When bytes may go is no question here: [`virga_blob::Register`] answers it.
#![cfg(feature = "client")]

mod bucket;
mod failure;
mod http;
mod objects;
mod reading;
mod runtime;
mod unfinished;
mod writing;

#[cfg(test)]
mod tests;

pub use bucket::{Place, open};
pub use objects::Objects;
