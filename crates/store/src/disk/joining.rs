//! Steps: forks are made, given up and emptied; and layers that only one other lies upon are joined with that one.
//!
//! A step is one record of the log, synced before anybody sees what it did. What it takes does not depend on how many rows
//! there are.
//!
//! Joining moves the rows of a layer's base to its parent's, some at a time: nobody else sees the parent, so nobody sees the
//! difference, and a crash may come at any time. Once the layer has nothing in the base, a step gives it the parent's
//! table and parent, and the parent is no more.

use super::base::Base;
use super::forks::{Done, ROOT, Step};
use super::layers::Under;
use super::log;
use super::transaction::State;
use super::writing::open;
use super::{Shared, locked};
use crate::StoreError;

/// Rows that are moved in one commit of the base.
const MOVED_ROWS_MOST: usize = 10_000;

impl Shared {
    /// Makes a fork; answers its place.
    pub(super) fn fork(&self, place: u64, name: &str) -> Result<u64, StoreError> {
        let done = self.step(&|state| {
            if state.forks.named(name).is_some() {
                return Err(StoreError::Engine(format!("there is a fork {name:?} already")));
            }
            let layer = state.forks.layer_of(place)?;
            Ok(Some(Step::Fork {
                place,
                name: name.to_owned(),
                is_written: state.layers.get(&layer).is_some_and(|layer| layer.is_written()),
            }))
        })?;
        Ok(done.made)
    }

    /// Gives up a fork, if there is one of that name.
    pub(super) fn forget(&self, name: &str) -> Result<(), StoreError> {
        self.step(&|state| Ok(state.forks.named(name).map(|place| Step::Forget { place })))
            .map(drop)
    }

    /// Removes every row of a place.
    pub(super) fn clear(&self, place: u64) -> Result<(), StoreError> {
        self.step(&|state| {
            let layer = state.forks.layer_of(place)?;
            let has_parent = state.forks.layers.get(&layer).is_some_and(|link| link.parent.is_some());
            let is_written = state.layers.get(&layer).is_some_and(|layer| layer.is_written());
            Ok((has_parent || is_written).then_some(Step::Clear { place }))
        })
        .map(drop)
    }

    /// Gives a place the rows of a fork, which is then no more.
    pub(super) fn adopt(&self, place: u64, name: &str) -> Result<(), StoreError> {
        self.step(&|state| {
            let fork = state.forks.named(name).filter(|fork| *fork != place);
            let fork = fork.ok_or_else(|| StoreError::Engine(format!("there is no fork {name:?}")))?;
            Ok(Some(Step::Adopt { place, fork }))
        })
        .map(drop)
    }

    /// The forks by name, with their places.
    pub(super) fn forks(&self) -> Vec<(String, u64)> {
        let state = self.read();
        let forks = state.forks.places.iter().filter(|(place, _)| **place != ROOT);
        forks.map(|(place, fork)| (fork.name.clone(), *place)).collect()
    }

    /// Takes the step that `choose` names, if any, once the log has it, with all commits that wait.
    fn step(&self, choose: &dyn Fn(&State) -> Result<Option<Step>, StoreError>) -> Result<Done, StoreError> {
        let mut log = locked(&self.log);
        let mut state = self.write();
        let Some(step) = choose(&state)? else {
            // What makes the step needless may be on its way.
            return self.flush_all(&mut log, &mut state).map(|()| Done::default());
        };
        let refusal = locked(&self.base_failure).clone().filter(|_| self.is_behind(&log));
        if let Some(why) = refusal {
            return Err(StoreError::Unwritable(why));
        }
        if locked(&self.waiting).closed {
            return Err(StoreError::Unwritable("the store is being closed".into()));
        }
        let mut waiting = self.take_waiting();
        log::write_step(&mut waiting.payload, &step);
        if let Err(error) = self.append(&mut log, &waiting) {
            self.take_back(&mut state, waiting, error.to_string());
            return Err(StoreError::Unwritable(error.to_string()));
        }
        self.end(waiting);
        let (done, gone) = state.take(&step)?;
        drop((state, log));
        drop(gone);
        Ok(done)
    }

    /// Joins layers a bit further; `true` where there is more to do at once.
    pub(super) fn join_some(&self) -> Result<bool, StoreError> {
        let mut base = locked(&self.base);
        let (forks, layer) = {
            let state = self.read();
            // What is being written may be of these layers.
            if state.aside.is_some() {
                return Ok(false);
            }
            let heirs = state.forks.only_heirs();
            // A parent that holds changes of late has to be written first.
            let ready = heirs.into_iter().find(|heir| {
                let parent = state.forks.layers.get(heir).and_then(|link| link.parent);
                let parent = parent.and_then(|parent| state.layers.get(&parent));
                parent.is_some_and(|parent| parent.recent.is_empty() && parent.settling.is_none())
            });
            match ready {
                Some(layer) => (state.forks.clone(), layer),
                None => return Ok(false),
            }
        };
        let moved = open(&base).and_then(|base| base.move_down(&forks, layer, MOVED_ROWS_MOST));
        let outcome = moved.and_then(|is_done| {
            self.refresh(open(&base)?)?;
            Ok(is_done)
        });
        match outcome {
            Ok(false) => Ok(true),
            Ok(true) => {
                self.step(&|state| Ok(can_join(state, layer).then_some(Step::Join { layer })))?;
                open(&base)?.give_free()?;
                Ok(true)
            }
            Err(error) => {
                self.reopen_base(&mut base, &mut self.write());
                Err(error)
            }
        }
    }

    /// Looks at what the base holds now.
    fn refresh(&self, base: &Base) -> Result<(), StoreError> {
        // Nobody else writes to the base, so only places and layers may change meanwhile.
        let forks = self.read().forks.clone();
        let now = base.snapshots(&forks)?;
        self.write().set_base(now);
        Ok(())
    }
}

/// Whether a layer has nothing in the base, and its parent nothing elsewhere.
fn can_join(state: &State, layer: u64) -> bool {
    let parent = state.forks.layers.get(&layer).and_then(|link| link.parent);
    let (Some(above), Some(below)) = (
        state.layers.get(&layer),
        parent.and_then(|parent| state.layers.get(&parent)),
    ) else {
        return false;
    };
    state.aside.is_none()
        && state.forks.only_heirs().contains(&layer)
        && matches!(above.base, Under::Nothing)
        && above.settling.is_none()
        && below.recent.is_empty()
        && below.settling.is_none()
        && !matches!(below.base, Under::Lost)
}
