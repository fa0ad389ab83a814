//! The memory engine: a persistent ordered set of rows. A fork shares everything until one side writes.

use crate::engine::Visit;
use crate::tree::{Row, Tree};
use crate::{Decision, Durable, Engine, Reader, StoreError, Writer};
use std::any::Any;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockWriteGuard, TryLockError};

/// Keeps all rows in memory; nothing survives the process.
#[derive(Default)]
pub struct MemoryEngine {
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    rows: Tree,
    /// Empty between transactions; kept for its room.
    undo: Vec<Undo>,
    scratch: Vec<u8>,
}

/// How often a writer looks whether another is done before it sleeps. A transaction takes a few microseconds, less than
/// falling asleep and being woken, and these looks take a little longer than one.
const LOOKS: usize = 400;

impl MemoryEngine {
    fn take(&self) -> RwLockWriteGuard<'_, State> {
        for _ in 0..LOOKS {
            match self.state.try_write() {
                Ok(state) => return state,
                Err(TryLockError::Poisoned(error)) => return error.into_inner(),
                Err(TryLockError::WouldBlock) => std::hint::spin_loop(),
            }
        }
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room beyond this, in bytes or steps, is given back after a transaction.
const ROOM_MOST: usize = 4096;

impl Engine for MemoryEngine {
    fn read(&self, f: &mut dyn FnMut(&dyn Reader)) -> Result<(), StoreError> {
        f(&View {
            rows: &self.state.read().unwrap_or_else(PoisonError::into_inner).rows,
        });
        Ok(())
    }

    fn write(&self, f: &mut dyn FnMut(&mut dyn Writer) -> Decision) -> Result<Durable, StoreError> {
        // A panic inside `f` would leave half a transaction, so the undo log also works when unwinding.
        let mut state = self.take();
        let mut change = Change {
            state: &mut state,
            keep: false,
        };
        change.keep = f(&mut change) == Decision::Commit;
        Ok(None)
    }

    fn clear(&self) -> Result<(), StoreError> {
        let old = std::mem::take(&mut *self.state.write().unwrap_or_else(PoisonError::into_inner));
        drop(old);
        Ok(())
    }

    fn fork(&self, _name: &str) -> Result<Box<dyn Engine>, StoreError> {
        let rows = self.state.read().unwrap_or_else(PoisonError::into_inner).rows.clone();
        Ok(Box::new(MemoryEngine {
            state: RwLock::new(State {
                rows,
                ..State::default()
            }),
        }))
    }

    fn adopt(&self, name: &str, fork: &dyn Engine) -> Result<Durable, StoreError> {
        let Some(fork) = fork.as_any().and_then(|engine| engine.downcast_ref::<MemoryEngine>()) else {
            return Err(StoreError::Engine(format!("the fork {name:?} is not in memory")));
        };
        let rows = fork.state.read().unwrap_or_else(PoisonError::into_inner).rows.clone();
        let old = std::mem::replace(&mut self.take().rows, rows);
        drop(old);
        Ok(None)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

struct View<'a> {
    rows: &'a Tree,
}

fn get(rows: &Tree, key: &[u8], found: &mut dyn FnMut(&[u8])) {
    if let Some(row) = rows.get(key) {
        found(row.value());
    }
}

fn scan(rows: &Tree, from: Bound<&[u8]>, to: Bound<&[u8]>, reverse: bool, visit: Visit<'_>) {
    rows.scan(from, to, reverse, &mut |row| {
        let (key, value) = row.split();
        visit(key, value)
    });
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
    state: &'a mut State,
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
        let State { rows, undo, scratch } = &mut *self.state;
        if self.keep {
            undo.clear();
        }
        for step in undo.drain(..).rev() {
            match step {
                Undo::Restore(row) => drop(rows.insert(row)),
                Undo::Remove(row) => drop(rows.remove(row.key())),
            }
        }
        undo.shrink_to(ROOM_MOST);
        scratch.clear();
        scratch.shrink_to(ROOM_MOST);
    }
}

impl Reader for Change<'_> {
    fn get(&self, key: &[u8], found: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        get(&self.state.rows, key, found);
        Ok(())
    }

    fn scan(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, reverse: bool, visit: Visit<'_>) -> Result<(), StoreError> {
        scan(&self.state.rows, from, to, reverse, visit);
        Ok(())
    }
}

impl Writer for Change<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let State { rows, undo, scratch } = &mut *self.state;
        let row = Row::new(key, value, scratch)?;
        undo.push(match rows.insert(row.clone()) {
            Some(old) => Undo::Restore(old),
            None => Undo::Remove(row),
        });
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError> {
        if let Some(old) = self.state.rows.remove(key) {
            self.state.undo.push(Undo::Restore(old));
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
