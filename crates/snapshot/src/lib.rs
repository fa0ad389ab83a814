//! The form of snapshot files: worlds as rows, in compressed and checked blocks, to be written and read as a stream.
//!
//! A file is a mark, the number of its form, and frames, one behind the other:
//!
//! ```text
//! "VIRGASNP"  form: u16
//! H header                      JSON: who made it, when, of what
//! ( W world                     JSON: its name
//!   R rows, any number of       zstd: (key length: u32, value length: u32, key, value), any number of
//!   B bytes of objects          zstd: name (16 bytes), length: u64, offset: u64, bytes; any number of, each object from its
//!                               beginning to its end
//!   E end of the world )        JSON: its clock, its counts; any number of worlds
//! Z end of the file             JSON: counts of all, SHA-256 of all bytes before this frame
//! ```
//!
//! A frame is its kind (a letter), the length of what it holds, the length of that unpacked, a CRC-32 of these three and of
//! what it holds, and what it holds; numbers are `u32` and little-endian throughout. The CRC tells where a file is damaged,
//! the SHA-256 that no frame is missing, moved or of another file.
//!
//! Form 1 has no `B`. This crate knows rows, and what their keys say of account, region and table; what the values are it does not know.

mod frame;
mod head;
mod reader;
mod summary;
mod writer;

pub use head::{ClockAt, End, Header, Scope, WorldEnd};
pub use reader::{Block, Event, Part, Reader};
pub use summary::{Group, Summary, WorldSummary, summarise};
pub use writer::{Totals, Writer};

use std::fmt;

/// The form that is written, and the newest that is read.
pub const FORM: u16 = 2;
const MARK: [u8; 8] = *b"VIRGASNP";
/// Bytes of rows after which a block ends. A row is never split.
const BLOCK_BYTES: usize = 1 << 20;
/// Bytes of a block, packed or not.
pub const BLOCK_MAX_BYTES: usize = 256 << 20;
/// Bytes of a key and its value.
pub const ROW_MAX_BYTES: usize = BLOCK_MAX_BYTES - BLOCK_BYTES - 8;
/// Bytes of all rows and objects of a file, unpacked.
pub const FILE_MAX_BYTES: u64 = 256 << 30;
/// Bytes of an object in one block.
pub const PART_MAX_BYTES: usize = 1 << 20;
/// Worlds in a file.
pub const WORLDS_MAX: u64 = 100_000;

/// Why a file cannot be written or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// It does not begin as a snapshot does.
    NotASnapshot,
    /// A later Virga has made it.
    Newer { form: u16 },
    /// It is not as it was written: where, in bytes from its beginning, and what is wrong.
    Damaged { at: u64, why: String },
    /// It is larger than any snapshot may be.
    TooLarge(&'static str),
    /// It could not be read or written at all.
    Io(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotASnapshot => f.write_str("this is not a snapshot of Virga"),
            Error::Newer { form } => write!(
                f,
                "this snapshot is of form {form}, and this Virga reads up to form {FORM}; use the Virga that made it, or a \
                 later one"
            ),
            Error::Damaged { at, why } => write!(f, "this snapshot is damaged at byte {at}: {why}"),
            Error::TooLarge(what) => write!(f, "this snapshot is too large: {what}"),
            Error::Io(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests;
