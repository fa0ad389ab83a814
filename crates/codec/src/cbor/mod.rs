//! CBOR bodies (RFC 8949), read and written along a shape in one pass.

mod parser;
mod reader;
mod writer;

pub(crate) use reader::{error_parts, read_members};
#[cfg(test)]
use writer::write_text;
pub(crate) use writer::{write_members, write_texts};

#[cfg(test)]
mod tests;
