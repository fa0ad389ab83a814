//! Transactions over the layers: changes are made in place, and an undo log takes them back.

use super::layers::Layers;
use super::log;
use crate::engine::Visit;
use crate::tree::Row;
use crate::{Reader, StoreError, Writer};
use std::ops::Bound;

/// Room beyond this, in bytes, is given back after a transaction.
const ROOM_MOST: usize = 4096;

pub(super) struct State {
    pub(super) layers: Layers,
    /// The log's record that the base holds.
    pub(super) base_through: u64,
    /// The log's record that the base and the settling layer hold.
    pub(super) settling_through: u64,
    scratch: Vec<u8>,
}

/// How to take back a change of the upmost layer.
pub(super) enum Undo {
    /// Put the old row back.
    Restore(Row),
    /// Remove the row with this one's key.
    Remove(Row),
}

impl State {
    pub(super) fn new(layers: Layers) -> State {
        State {
            layers,
            base_through: 0,
            settling_through: 0,
            scratch: Vec::new(),
        }
    }

    pub(super) fn undo(&mut self, steps: impl DoubleEndedIterator<Item = Undo>) {
        for step in steps.rev() {
            match step {
                Undo::Restore(row) => drop(self.layers.recent.insert(row)),
                Undo::Remove(row) => drop(self.layers.recent.remove(row.key())),
            }
        }
    }

    /// Makes a change that the log tells of.
    pub(super) fn replay(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), StoreError> {
        let row = match value {
            Some(value) => Row::new(key, value, &mut self.scratch)?,
            None => {
                self.layers.marks += 1;
                Row::gone(key, &mut self.scratch)?
            }
        };
        self.layers.recent.insert(row);
        Ok(())
    }
}

pub(super) struct View<'a>(pub(super) &'a Layers);

impl Reader for View<'_> {
    fn get(&self, key: &[u8], found: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        self.0.get(key, found)
    }

    fn scan(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, reverse: bool, visit: Visit<'_>) -> Result<(), StoreError> {
        self.0.scan(from, to, reverse, visit)
    }
}

/// A transaction. Dropped without being kept, also by a panic, it leaves everything as it was.
pub(super) struct Change<'a> {
    state: &'a mut State,
    undo: Vec<Undo>,
    /// What the log will say.
    payload: Vec<u8>,
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        let steps = std::mem::take(&mut self.undo);
        self.state.undo(steps.into_iter());
        self.state.scratch.clear();
        self.state.scratch.shrink_to(ROOM_MOST);
    }
}

impl<'a> Change<'a> {
    pub(super) fn new(state: &'a mut State) -> Change<'a> {
        Change {
            state,
            undo: Vec::new(),
            payload: Vec::new(),
        }
    }

    /// Keeps the changes, and hands on what tells of them and what takes them back; `false` where there are none.
    pub(super) fn keep(&mut self, payload: &mut Vec<u8>, undo: &mut Vec<Undo>) -> bool {
        payload.append(&mut self.payload);
        let is_changed = !self.undo.is_empty();
        undo.append(&mut self.undo);
        is_changed
    }

    pub(super) fn keep_in_memory(&mut self) {
        self.undo.clear();
    }

    fn set(&mut self, row: Row) {
        self.state.layers.marks += usize::from(row.is_gone());
        self.undo.push(match self.state.layers.recent.insert(row.clone()) {
            Some(old) => Undo::Restore(old),
            None => Undo::Remove(row),
        });
    }
}

impl Reader for Change<'_> {
    fn get(&self, key: &[u8], found: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        self.state.layers.get(key, found)
    }

    fn scan(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, reverse: bool, visit: Visit<'_>) -> Result<(), StoreError> {
        self.state.layers.scan(from, to, reverse, visit)
    }
}

impl Writer for Change<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let row = Row::new(key, value, &mut self.state.scratch)?;
        log::write_change(&mut self.payload, (key, Some(value)));
        self.set(row);
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError> {
        let is_below = self.state.layers.has_below(key)?;
        if is_below {
            if self.state.layers.recent.get(key).is_some_and(Row::is_gone) {
                return Ok(());
            }
            let mark = Row::gone(key, &mut self.state.scratch)?;
            self.set(mark);
        } else if let Some(old) = self.state.layers.recent.remove(key) {
            // A row that came and went since leaves no mark.
            self.undo.push(Undo::Restore(old));
        } else {
            return Ok(());
        }
        log::write_change(&mut self.payload, (key, None));
        Ok(())
    }
}
