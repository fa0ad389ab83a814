//! Which places a folder holds, its own and its forks, and of which layers their rows are made.
//!
//! A place's rows are those of its layer, of that layer's parent, and so on; the nearer hides the farther. A place writes
//! to its own layer only. To fork it, its layer is left as it is from then on, and place and fork each go on in a new layer
//! above; a layer that nobody has written to is not left for a new one. A layer that only one other lies upon is joined with
//! that one in time (`joining.rs`).
//!
//! Everything here follows from the steps that the log tells of, so that the same steps always give the same numbers.

use crate::{Record, StoreError, record};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The folder's own place, and its first layer and table.
pub(super) const ROOT: u64 = 0;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Empty for the folder's own.
    pub(super) name: String,
    /// The layer it writes to.
    pub(super) layer: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link {
    /// The layer below. It is older, so its number is less.
    pub(super) parent: Option<u64>,
    /// The base's table with this layer's rows.
    pub(super) table: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Forks {
    pub(super) places: BTreeMap<u64, Place>,
    pub(super) layers: BTreeMap<u64, Link>,
    /// The next number for a place or layer.
    next: u64,
}

record!(Forks, 1);

/// A change of the places and layers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Step {
    /// A new place with all that `place` holds.
    Fork {
        place: u64,
        name: String,
        /// Whether the place's layer has rows.
        is_written: bool,
    },
    /// A fork is given up.
    Forget { place: u64 },
    /// A place is emptied.
    Clear { place: u64 },
    /// A layer, which has nothing in the base, takes the place of its parent, which has rows only there.
    Join { layer: u64 },
    /// A place gives up its rows for those of a fork, which is no more.
    Adopt { place: u64, fork: u64 },
}

record!(Step, 1);

/// What a step did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// The place of a fork.
    pub(super) made: u64,
    /// Layers that are no more. Where one was joined with another, that one.
    pub(super) gone: Vec<u64>,
}

impl Default for Forks {
    fn default() -> Forks {
        let root = Place {
            name: String::new(),
            layer: ROOT,
        };
        let link = Link {
            parent: None,
            table: ROOT,
        };
        Forks {
            places: BTreeMap::from([(ROOT, root)]),
            layers: BTreeMap::from([(ROOT, link)]),
            next: ROOT + 1,
        }
    }
}

impl Forks {
    /// The layer that a place writes to.
    pub(super) fn layer_of(&self, place: u64) -> Result<u64, StoreError> {
        let place = self.places.get(&place);
        place
            .map(|place| place.layer)
            .ok_or_else(|| StoreError::Engine("this fork has been given up".into()))
    }

    pub(super) fn named(&self, name: &str) -> Option<u64> {
        let mut forks = self.places.iter().filter(|(place, _)| **place != ROOT);
        forks.find(|(_, place)| place.name == name).map(|(place, _)| *place)
    }

    fn link(&self, layer: u64) -> Result<Link, StoreError> {
        self.layers
            .get(&layer)
            .copied()
            .ok_or(StoreError::Corrupt("the folder's forks"))
    }

    fn add_layer(&mut self, parent: Option<u64>) -> u64 {
        let layer = self.next;
        self.next += 1;
        self.layers.insert(layer, Link { parent, table: layer });
        layer
    }

    pub(super) fn take(&mut self, step: &Step) -> Result<Done, StoreError> {
        let mut done = Done::default();
        match step {
            Step::Fork {
                place,
                name,
                is_written,
            } => {
                let below = self.layer_of(*place)?;
                let parent = if *is_written {
                    let above = self.add_layer(Some(below));
                    self.places.entry(*place).and_modify(|place| place.layer = above);
                    Some(below)
                } else {
                    self.link(below)?.parent
                };
                let layer = self.add_layer(parent);
                done.made = layer;
                let name = name.clone();
                self.places.insert(layer, Place { name, layer });
            }
            Step::Forget { place } => {
                self.places.remove(place);
                done.gone = self.prune();
            }
            Step::Clear { place } => {
                self.layer_of(*place)?;
                let layer = self.add_layer(None);
                self.places.entry(*place).and_modify(|place| place.layer = layer);
                done.gone = self.prune();
            }
            Step::Adopt { place, fork } => {
                self.layer_of(*place)?;
                let layer = self.layer_of(*fork)?;
                self.places.remove(fork);
                self.places.entry(*place).and_modify(|place| place.layer = layer);
                done.gone = self.prune();
            }
            Step::Join { layer } => {
                let parent = self
                    .link(*layer)?
                    .parent
                    .ok_or(StoreError::Corrupt("the folder's forks"))?;
                let link = self.link(parent)?;
                self.layers.remove(&parent);
                self.layers.insert(*layer, link);
                done.gone = vec![parent];
            }
        }
        Ok(done)
    }

    /// Removes the layers that no place sees any more.
    fn prune(&mut self) -> Vec<u64> {
        let mut seen = BTreeSet::new();
        for place in self.places.values() {
            let mut layer = Some(place.layer);
            while let Some(number) = layer.filter(|layer| seen.insert(*layer)) {
                layer = self.layers.get(&number).and_then(|link| link.parent);
            }
        }
        let gone: Vec<u64> = self
            .layers
            .keys()
            .copied()
            .filter(|layer| !seen.contains(layer))
            .collect();
        self.layers.retain(|layer, _| seen.contains(layer));
        gone
    }

    /// Layers that could be joined with their parent: nobody else sees the parent.
    pub(super) fn only_heirs(&self) -> Vec<u64> {
        let mut heirs: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for (layer, link) in &self.layers {
            if let Some(parent) = link.parent {
                heirs.entry(parent).or_default().push(*layer);
            }
        }
        let written: BTreeSet<u64> = self.places.values().map(|place| place.layer).collect();
        heirs.retain(|parent, heirs| heirs.len() == 1 && !written.contains(parent));
        heirs.into_values().flatten().collect()
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![Forks::VERSION];
        Record::encode(self, &mut bytes);
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Forks> {
        let (version, rest) = bytes.split_first()?;
        <Forks as Record>::decode(*version, rest)
    }
}

impl Step {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![Step::VERSION];
        Record::encode(self, &mut bytes);
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Step> {
        let (version, rest) = bytes.split_first()?;
        <Step as Record>::decode(*version, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::{Forks, ROOT, Step};
    use crate::StoreError;

    fn fork(forks: &mut Forks, place: u64, name: &str, is_written: bool) -> Result<u64, StoreError> {
        let name = name.to_owned();
        let done = forks.take(&Step::Fork {
            place,
            name,
            is_written,
        })?;
        Ok(done.made)
    }

    #[test]
    fn layers_come_only_where_rows_are_and_go_when_nobody_sees_them() -> Result<(), StoreError> {
        let mut forks = Forks::default();
        let a = fork(&mut forks, ROOT, "a", true)?;
        // Neither has been written to since, so neither leaves a layer.
        let b = fork(&mut forks, ROOT, "b", false)?;
        let c = fork(&mut forks, a, "c", false)?;
        assert_eq!(forks.layers.len(), 5);
        assert!(forks.only_heirs().is_empty());
        for place in [a, b] {
            let done = forks.take(&Step::Forget { place })?;
            assert_eq!(done.gone, [place]);
        }
        assert_eq!((forks.named("a"), forks.named("c")), (None, Some(c)));
        let done = forks.take(&Step::Clear { place: ROOT })?;
        assert_eq!(done.gone.len(), 1);
        // The first layer is now seen by `c` alone.
        assert_eq!(forks.only_heirs(), [c]);
        assert_eq!(forks.take(&Step::Join { layer: c })?.gone, [ROOT]);
        assert_eq!(forks.link(c)?.table, ROOT);
        assert!(forks.layer_of(a).is_err());
        assert_eq!(Forks::decode(&forks.encode()), Some(forks));
        Ok(())
    }
}
