//! What keeps the bytes of files: a folder, a database. All calls block.

use crate::Name;
use bytes::Bytes;
use std::io;

/// Where files lie.
pub trait Shelf: Send + Sync + 'static {
    /// Begins to write a file that is not there.
    fn create(&self, name: Name) -> io::Result<Box<dyn Draft>>;

    /// Opens a file that is all written.
    fn open(&self, name: Name) -> io::Result<Box<dyn Source>>;

    /// Bytes; `None` where there is no such file.
    fn length(&self, name: Name) -> io::Result<Option<u64>>;

    /// Answers whether there was such a file, whole or not.
    fn remove(&self, name: Name) -> io::Result<bool>;

    /// All files, whole or not.
    fn names(&self) -> io::Result<Vec<Name>>;

    /// Whether the files outlive the process.
    fn is_kept(&self) -> bool {
        true
    }

    /// Nothing will be read or written any more.
    fn close(&self) {}
}

/// A file that is being written.
pub trait Draft: Send {
    /// Takes the next bytes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Brings the whole of it to safety, where files are kept. Nothing is written afterwards.
    fn settle(&mut self) -> io::Result<()>;
}

/// A file that is read.
pub trait Source: Send {
    /// Bytes.
    fn length(&self) -> io::Result<u64>;

    /// At most so many of the bytes behind `from`; none at the end of the file only.
    fn read(&mut self, from: u64, count: usize) -> io::Result<Bytes>;
}
