//! Where the bytes of an object are.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Bytes that stay in the row that names them.
pub const INLINE_MAX_BYTES: usize = 64 * 1024;

/// The name of a file; no other file has it, in any Virga.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Name(pub [u8; 16]);

impl Name {
    pub(crate) fn number(self) -> u128 {
        u128::from_be_bytes(self.0)
    }

    pub(crate) fn of(number: u128) -> Name {
        Name(number.to_be_bytes())
    }

    /// Reads what [`Name`] displays.
    pub fn parse(text: &str) -> Option<Name> {
        let is_plain = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let number = is_plain.then(|| u128::from_str_radix(text, 16).ok())?;
        number.map(Name::of)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.number())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Some bytes, or where they are. Kept in a service's rows; never changed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// At most [`INLINE_MAX_BYTES`].
    Inline(Bytes),
    File {
        name: Name,
        /// Bytes.
        length: u64,
    },
}

impl Content {
    /// No bytes at all.
    pub const EMPTY: Content = Content::Inline(Bytes::new());

    /// Bytes.
    pub fn length(&self) -> u64 {
        match self {
            Content::Inline(bytes) => bytes.len() as u64,
            Content::File { length, .. } => *length,
        }
    }

    /// The file, where it is one.
    pub fn name(&self) -> Option<Name> {
        match self {
            Content::Inline(_) => None,
            Content::File { name, .. } => Some(*name),
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Inline(bytes) => write!(f, "Inline({} bytes)", bytes.len()),
            Content::File { name, length } => write!(f, "File({name}, {length} bytes)"),
        }
    }
}
