//! The memory engine: a persistent ordered set of rows. A fork shares everything until one side writes.

use crate::engine::Visit;
use crate::{Decision, Durable, Engine, Reader, StoreError, Writer};
use imbl::OrdSet;
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::ops::{Bound, ControlFlow};
use std::sync::{Arc, PoisonError, RwLock};

/// Key and value in one allocation: two bytes of key length, the key, the value. Rows compare by key alone.
#[derive(Clone)]
struct Row(Arc<[u8]>);

impl Row {
    fn new(key: &[u8], value: &[u8]) -> Result<Row, StoreError> {
        let length =
            u16::try_from(key.len()).map_err(|_| StoreError::Engine("a key is longer than 65,535 bytes".into()))?;
        let mut bytes = Vec::with_capacity(2 + key.len() + value.len());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value);
        Ok(Row(bytes.into()))
    }

    fn split(&self) -> (&[u8], &[u8]) {
        let length = usize::from(u16::from_le_bytes([self.0[0], self.0[1]]));
        self.0[2..].split_at(length)
    }

    fn key(&self) -> &[u8] {
        self.split().0
    }
}

impl Borrow<[u8]> for Row {
    fn borrow(&self) -> &[u8] {
        self.key()
    }
}

impl PartialEq for Row {
    fn eq(&self, other: &Row) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Row {}

impl PartialOrd for Row {
    fn partial_cmp(&self, other: &Row) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Row {
    fn cmp(&self, other: &Row) -> Ordering {
        self.key().cmp(other.key())
    }
}

type Rows = OrdSet<Row>;

/// Keeps all rows in memory; nothing survives the process.
#[derive(Default)]
pub struct MemoryEngine {
    rows: RwLock<Rows>,
}

impl Engine for MemoryEngine {
    fn read(&self, f: &mut dyn FnMut(&dyn Reader)) -> Result<(), StoreError> {
        f(&View {
            rows: &self.rows.read().unwrap_or_else(PoisonError::into_inner),
        });
        Ok(())
    }

    fn write(&self, f: &mut dyn FnMut(&mut dyn Writer) -> Decision) -> Result<Durable, StoreError> {
        // A panic inside `f` would leave half a transaction, so the undo log also works when unwinding.
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        let mut change = Change {
            rows: &mut rows,
            undo: Vec::new(),
            keep: false,
        };
        change.keep = f(&mut change) == Decision::Commit;
        Ok(None)
    }

    fn clear(&self) -> Result<(), StoreError> {
        let old = std::mem::take(&mut *self.rows.write().unwrap_or_else(PoisonError::into_inner));
        drop(old);
        Ok(())
    }

    fn fork(&self) -> Option<Box<dyn Engine>> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner).clone();
        Some(Box::new(MemoryEngine {
            rows: RwLock::new(rows),
        }))
    }
}

struct View<'a> {
    rows: &'a Rows,
}

fn get(rows: &Rows, key: &[u8], found: &mut dyn FnMut(&[u8])) {
    if let Some(row) = rows.get(key) {
        found(row.split().1);
    }
}

fn scan(rows: &Rows, from: Bound<&[u8]>, to: Bound<&[u8]>, reverse: bool, visit: Visit<'_>) {
    let range = rows.range::<(Bound<&[u8]>, Bound<&[u8]>), [u8]>((from, to));
    let mut each = |row: &Row| {
        let (key, value) = row.split();
        visit(key, value)
    };
    let _: ControlFlow<()> = if reverse {
        range.rev().try_for_each(&mut each)
    } else {
        range.into_iter().try_for_each(&mut each)
    };
}

impl Reader for View<'_> {
    fn get(&self, key: &[u8], found: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        get(self.rows, key, found);
        Ok(())
    }

    fn scan(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, reverse: bool, visit: Visit<'_>) -> Result<(), StoreError> {
        scan(self.rows, from, to, reverse, visit);
        Ok(())
    }
}

/// Writes in place and remembers how to take it back.
struct Change<'a> {
    rows: &'a mut Rows,
    undo: Vec<Undo>,
    keep: bool,
}

enum Undo {
    /// Put the old row back.
    Restore(Row),
    /// Remove the row with this one's key.
    Remove(Row),
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        if self.keep {
            return;
        }
        for step in self.undo.drain(..).rev() {
            match step {
                Undo::Restore(row) => drop(self.rows.insert(row)),
                Undo::Remove(row) => drop(self.rows.remove(row.key())),
            }
        }
    }
}

impl Reader for Change<'_> {
    fn get(&self, key: &[u8], found: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        get(self.rows, key, found);
        Ok(())
    }

    fn scan(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, reverse: bool, visit: Visit<'_>) -> Result<(), StoreError> {
        scan(self.rows, from, to, reverse, visit);
        Ok(())
    }
}

impl Writer for Change<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let row = Row::new(key, value)?;
        self.undo.push(match self.rows.insert(row.clone()) {
            Some(old) => Undo::Restore(old),
            None => Undo::Remove(row),
        });
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError> {
        if let Some(old) = self.rows.remove(key) {
            self.undo.push(Undo::Restore(old));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::MemoryEngine;
    use crate::contract;

    #[test]
    fn keeps_the_contract() {
        contract::check_all(&|| Box::new(MemoryEngine::default()));
    }
}
