//! Object bytes. What is small stays in the row that names it; what is large goes to a file that is written once, as a
//! stream, and read in pieces. No body is ever wholly in memory.
//!
//! The way of a body: [`Blobs::writer`], pieces, [`Writer::finish`], and then one transaction that [`hold`]s the
//! [`Content`] and writes it into the service's own row. To read, take a [`Pin`] ([`Blobs::pin`]), read the row, and have
//! [`Blobs::body`] stream it; to delete, [`release`] in the transaction that removes the row.
//!
//! A file is named by a number that no other file has, here or in any other Virga, so a row may travel to a fork or through
//! a snapshot and still means the same bytes. How often the rows of a world name a file is counted in rows of that world
//! ([`state`]), so that forks, resets and aborted transactions need no care. A file is removed once
//!
//! * no world counts it, which is looked up by transactions whose answer no crash can take back,
//! * nobody is about to hold it (its [`Fresh`] is gone), and
//! * all who may have read a row that names it are done (their pins are gone).
//!
//! Files lie on a [`Shelf`]: a folder, or a database. Where several nodes share one, a [`Register`] keeps each from removing
//! what another needs.
//!
//! A crash leaves files that no row names; they are removed at the next start, of any node. It never leaves a row without its file,
//! because a file is safe before its row is written.

mod blobs;
mod body;
mod buffers;
mod content;
pub mod contract;
mod folder;
mod register;
mod shelf;
pub mod state;
#[cfg(test)]
mod tests;
mod writer;

pub use blobs::{Blobs, Doubted, Fresh, Pin};
pub use body::{Body, PIECE_BYTES, Piece};
pub use content::{Content, INLINE_MAX_BYTES, Name};
pub use register::{Beat, Register, Stamp};
pub use shelf::{Draft, Shelf, Source};
pub use state::{hold, release, share};
pub use writer::{Finished, Writer};
