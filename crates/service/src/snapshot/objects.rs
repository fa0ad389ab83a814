//! The bytes of objects on their way from a file to where the worlds keep theirs.

use super::SnapshotError;
use std::collections::BTreeSet;
use virga_blob::{Blobs, Draft, Fresh, Name, state};
use virga_snapshot::Part;

/// Objects that were brought here. They stay as long as this lives, and then as long as a world's rows name them.
pub(super) struct Objects {
    blobs: Blobs,
    fresh: Vec<Fresh>,
    taken: BTreeSet<Name>,
    expected: BTreeSet<Name>,
    /// What is being written; no file where the object is here already.
    writing: Option<Box<dyn Draft>>,
}

impl Objects {
    pub(super) fn of(blobs: &Blobs) -> Objects {
        Objects {
            blobs: blobs.clone(),
            fresh: Vec::new(),
            taken: BTreeSet::new(),
            expected: BTreeSet::new(),
            writing: None,
        }
    }

    /// Notes what a row names.
    pub(super) fn expect(&mut self, table: u16, key: &[u8]) {
        self.expected.extend(state::held_by_row(table, key));
    }

    /// Writes some bytes of an object, which come in order.
    pub(super) fn take(&mut self, part: &Part) -> Result<(), SnapshotError> {
        let failed = |error: std::io::Error| {
            SnapshotError::from(virga_snapshot::Error::Io(format!(
                "the bytes of an object cannot be written: {error}"
            )))
        };
        let name = Name(part.name);
        if part.offset == 0 {
            let (file, fresh) = self.blobs.adopt(name, part.length).map_err(failed)?;
            self.writing = file;
            self.fresh.push(fresh);
            self.taken.insert(name);
        }
        let Some(file) = &mut self.writing else { return Ok(()) };
        file.write(part.bytes()).map_err(failed)?;
        if part.end() == part.length {
            self.blobs.settle(name, part.length, file.as_mut()).map_err(failed)?;
            self.writing = None;
        }
        Ok(())
    }

    /// Whether all is here that the rows name.
    pub(super) fn check(&self) -> Result<(), SnapshotError> {
        match self.expected.difference(&self.taken).next() {
            Some(name) => Err(SnapshotError::Unfit(format!(
                "the snapshot lacks the bytes of the object {name}"
            ))),
            None => Ok(()),
        }
    }
}
