//! Transactions over the layers: changes are made in place, and an undo log takes them back.

use super::base::Aside;
use super::forks::{Done, Forks, Step};
use super::layers::{Chain, Layer, Under};
use super::log::{self, Item};
use super::{Shared, Waiting};
use crate::engine::Visit;
use crate::tree::Row;
use crate::{Reader, StoreError, Writer};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// Room beyond this, in bytes, is given back after a transaction.
const ROOM_MOST: usize = 4096;

/// All places and all their rows.
pub(super) struct State {
    pub(super) forks: Forks,
    pub(super) layers: BTreeMap<u64, Layer>,
    /// How many marks of removed rows were made of late, about.
    pub(super) marks: usize,
    /// Whether places or layers have changed since something was last put aside.
    pub(super) forks_changed: bool,
    /// The log's record that the base holds.
    pub(super) base_through: u64,
    /// What was put aside for the base and is not there yet.
    pub(super) aside: Option<Arc<Aside>>,
    scratch: Vec<u8>,
}

/// How to take back a change of what a layer holds of late.
pub(super) enum Undo {
    /// Put the old row back.
    Restore(u64, Row),
    /// Remove the row with this one's key.
    Remove(u64, Row),
}

impl State {
    pub(super) fn new(forks: Forks, base_through: u64, base: BTreeMap<u64, Under>) -> State {
        let layers = forks.layers.keys().map(|layer| (*layer, Layer::default())).collect();
        let mut state = State {
            forks,
            layers,
            marks: 0,
            forks_changed: false,
            base_through,
            aside: None,
            scratch: Vec::new(),
        };
        state.set_base(base);
        state
    }

    /// Lays all layers over what the base holds of them now.
    pub(super) fn set_base(&mut self, mut base: BTreeMap<u64, Under>) {
        for (layer, rows) in &mut self.layers {
            rows.base = base.remove(layer).unwrap_or_default();
        }
    }

    pub(super) fn lose_base(&mut self) {
        for rows in self.layers.values_mut() {
            rows.base = Under::Lost;
        }
    }

    pub(super) fn chain(&self, layer: u64) -> Chain<'_> {
        Chain {
            layers: &self.layers,
            forks: &self.forks,
            top: layer,
        }
    }

    pub(super) fn undo(&mut self, steps: impl DoubleEndedIterator<Item = Undo>) {
        for step in steps.rev() {
            match step {
                Undo::Restore(layer, row) => {
                    if let Some(rows) = self.layers.get_mut(&layer) {
                        rows.recent.insert(row);
                    }
                }
                Undo::Remove(layer, row) => {
                    if let Some(rows) = self.layers.get_mut(&layer) {
                        rows.recent.remove(row.key());
                    }
                }
            }
        }
    }

    /// Puts what was changed of late aside for the base, as of the log's record `through`.
    pub(super) fn put_aside(&mut self, through: u64) {
        let mut rows = Vec::new();
        for (number, layer) in &mut self.layers {
            if !layer.recent.is_empty() {
                let recent = std::mem::take(&mut layer.recent);
                layer.settling = Some(recent.clone());
                rows.push((*number, recent));
            }
        }
        self.aside = Some(Arc::new(Aside {
            through,
            forks: self.forks.clone(),
            rows,
        }));
        self.marks = 0;
        self.forks_changed = false;
    }

    /// Changes places and layers. Gives back the layers that are no more, for dropping them takes its time.
    pub(super) fn take(&mut self, step: &Step) -> Result<(Done, Vec<Layer>), StoreError> {
        let done = self.forks.take(step)?;
        self.forks_changed = true;
        for layer in self.forks.layers.keys() {
            if !self.layers.contains_key(layer) {
                self.layers.insert(*layer, Layer::default());
            }
        }
        let gone: Vec<Layer> = done.gone.iter().filter_map(|layer| self.layers.remove(layer)).collect();
        if let Step::Join { layer } = step {
            let joined = self.layers.get_mut(layer).zip(gone.first());
            let (above, below) = joined.ok_or(StoreError::Corrupt("the folder's forks"))?;
            if !below.recent.is_empty() || below.settling.is_some() {
                return Err(StoreError::Corrupt("the folder's forks"));
            }
            above.base = below.base.clone();
        }
        Ok((done, gone))
    }

    /// Does again what the log tells of.
    pub(super) fn replay(&mut self, payload: &[u8]) -> Result<(), StoreError> {
        log::items(payload, &mut |item| match item {
            Item::Step(step) => self.take(&step).map(drop),
            Item::Change(layer, (key, value)) => {
                let row = match value {
                    Some(value) => Row::new(key, value, &mut self.scratch)?,
                    None => {
                        self.marks += 1;
                        Row::gone(key, &mut self.scratch)?
                    }
                };
                let rows = self.layers.get_mut(&layer).ok_or(StoreError::Corrupt("the log"))?;
                rows.recent.insert(row);
                Ok(())
            }
        })
    }
}

impl Shared {
    /// Runs `f` on a consistent view of a place.
    pub(super) fn read_place(&self, place: u64, f: &mut dyn FnMut(&dyn Reader)) -> Result<(), StoreError> {
        let state = self.read();
        let layer = state.forks.layer_of(place)?;
        f(&View(state.chain(layer)));
        Ok(())
    }
}

struct View<'a>(Chain<'a>);

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
    /// The one that is written to.
    layer: u64,
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
    pub(super) fn new(state: &'a mut State, layer: u64) -> Change<'a> {
        Change {
            state,
            layer,
            undo: Vec::new(),
            payload: Vec::new(),
        }
    }

    /// Keeps the changes, and hands on what tells of them and what takes them back; `false` where there are none.
    pub(super) fn keep(&mut self, waiting: &mut Waiting) -> bool {
        if self.undo.is_empty() {
            return false;
        }
        if waiting.layer != self.layer {
            log::write_layer(&mut waiting.payload, self.layer);
            waiting.layer = self.layer;
        }
        waiting.payload.append(&mut self.payload);
        waiting.undo.append(&mut self.undo);
        true
    }

    fn set(&mut self, row: Row) -> Result<(), StoreError> {
        let layer = self.state.layers.get_mut(&self.layer);
        let layer = layer.ok_or(StoreError::Corrupt("the folder's forks"))?;
        self.state.marks += usize::from(row.is_gone());
        self.undo.push(match layer.recent.insert(row.clone()) {
            Some(old) => Undo::Restore(self.layer, old),
            None => Undo::Remove(self.layer, row),
        });
        Ok(())
    }
}

impl Reader for Change<'_> {
    fn get(&self, key: &[u8], found: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        self.state.chain(self.layer).get(key, found)
    }

    fn scan(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, reverse: bool, visit: Visit<'_>) -> Result<(), StoreError> {
        self.state.chain(self.layer).scan(from, to, reverse, visit)
    }
}

impl Writer for Change<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let row = Row::new(key, value, &mut self.state.scratch)?;
        self.set(row)?;
        log::write_change(&mut self.payload, (key, Some(value)));
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError> {
        let is_below = self.state.chain(self.layer).has_below(key)?;
        let Some(layer) = self.state.layers.get_mut(&self.layer) else {
            return Err(StoreError::Corrupt("the folder's forks"));
        };
        if is_below {
            if layer.recent.get(key).is_some_and(Row::is_gone) {
                return Ok(());
            }
            let mark = Row::gone(key, &mut self.state.scratch)?;
            self.set(mark)?;
        } else if let Some(old) = layer.recent.remove(key) {
            // A row that came and went since leaves no mark.
            self.undo.push(Undo::Restore(self.layer, old));
        } else {
            return Ok(());
        }
        log::write_change(&mut self.payload, (key, None));
        Ok(())
    }
}
