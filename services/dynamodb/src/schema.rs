//! Keys: what a table or an index is sorted by, and the bytes that its rows lie under.

use crate::state::{OnDemand, Provisioned, Warm};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use virga_base::Timestamp;
use virga_lang_dynamodb::attribute::{KeyError, KeyRole, check_key_value};
use virga_lang_dynamodb::{AttributeValue, Item, KeyElement, Kind, stored};

/// The type of a key attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyKind {
    S,
    N,
    B,
}

impl KeyKind {
    pub fn kind(self) -> Kind {
        match self {
            KeyKind::S => Kind::S,
            KeyKind::N => Kind::N,
            KeyKind::B => Kind::B,
        }
    }

    pub fn name(self) -> &'static str {
        self.kind().name()
    }

    pub fn from_name(name: &str) -> Option<KeyKind> {
        [KeyKind::S, KeyKind::N, KeyKind::B]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// One attribute of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAttribute {
    pub name: String,
    pub kind: KeyKind,
}

/// A table's key has one attribute of each part; those of global indexes have up to four.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySchema {
    pub partition: Vec<KeyAttribute>,
    pub sort: Vec<KeyAttribute>,
}

impl KeySchema {
    /// Partition key attributes, then sort key attributes.
    pub fn attributes(&self) -> impl Iterator<Item = (KeyRole, &KeyAttribute)> {
        let partition = self.partition.iter().map(|attribute| (KeyRole::Partition, attribute));
        partition.chain(self.sort.iter().map(|attribute| (KeyRole::Sort, attribute)))
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.attributes().map(|(_, attribute)| attribute.name.as_str())
    }

    pub fn count(&self) -> usize {
        self.partition.len() + self.sort.len()
    }

    pub fn has(&self, name: &str) -> bool {
        self.names().any(|own| own == name)
    }

    /// As the language's key conditions take it: partition, sort.
    pub fn elements(&self) -> (Vec<KeyElement>, Vec<KeyElement>) {
        let elements = |attributes: &[KeyAttribute]| {
            let element = |attribute: &KeyAttribute| KeyElement {
                name: attribute.name.clone(),
                kind: attribute.kind.kind(),
            };
            attributes.iter().map(element).collect()
        };
        (elements(&self.partition), elements(&self.sort))
    }

    /// Checks the key attributes that `item` has; missing ones are the caller's affair.
    pub fn check(&self, item: &Item) -> Result<(), KeyError> {
        for (role, attribute) in self.attributes() {
            if let Some(value) = item.get(&attribute.name) {
                check_key_value(role, &attribute.name, attribute.kind.kind(), value)?;
            }
        }
        Ok(())
    }

    /// The key attributes of an item.
    pub fn key_of(&self, item: &Item) -> Item {
        self.names()
            .filter_map(|name| Some((name.to_owned(), item.get(name)?.clone())))
            .collect()
    }

    /// Where an item lies by this key, whose attributes `find` finds. What it lacks counts before what is wrong.
    pub fn place<'v>(&self, find: impl Fn(&str) -> Option<&'v AttributeValue>) -> Result<Vec<u8>, Misplaced<'_>> {
        let (mut place, mut wrong) = (Place::new(), None);
        for (role, attribute) in self.attributes() {
            let value = find(&attribute.name).ok_or(Misplaced::Without(&attribute.name))?;
            match check_key_value(role, &attribute.name, attribute.kind.kind(), value) {
                Ok(()) => place.add(role, value),
                Err(error) => wrong = wrong.or(Some(error)),
            }
        }
        match wrong {
            None => Ok(place.done()),
            Some(error) => Err(Misplaced::Wrong(error)),
        }
    }

    /// Where an item lies by this key; `None` where it lacks part of it, or part of it has another type, is empty or too long:
    /// an index leaves out such items.
    pub fn spot(&self, item: &Item) -> Option<Vec<u8>> {
        self.place(|name| item.get(name)).ok()
    }

    /// What all places of one partition begin with. `values` are in the schema's order.
    pub fn partition_of(values: &[AttributeValue]) -> Vec<u8> {
        let mut place = Place::new();
        values.iter().for_each(|value| place.add(KeyRole::Partition, value));
        place.done()
    }
}

/// Why an item has no place by a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misplaced<'s> {
    /// It has no such attribute.
    Without(&'s str),
    Wrong(KeyError),
}

/// The hash of the partition key, with which every place begins.
const HASH_BYTES: usize = 8;

/// What most places have room in.
const PLACE_BYTES: usize = 64;

/// A place that is being made: the hash of the partition key, then all parts of the key.
struct Place {
    hasher: Md5,
    bytes: Vec<u8>,
}

impl Place {
    /// The hash is the one by which AWS is seen to order the partitions of a scan: MD5 of this word and the key. The form of
    /// numbers in it is ours.
    fn new() -> Place {
        let mut bytes = Vec::with_capacity(PLACE_BYTES);
        bytes.extend_from_slice(&[0; HASH_BYTES]);
        Place {
            hasher: Md5::new_with_prefix("Outliers"),
            bytes,
        }
    }

    fn add(&mut self, role: KeyRole, value: &AttributeValue) {
        let begin = self.bytes.len();
        stored::encode_key_part(value, &mut self.bytes);
        if role == KeyRole::Partition {
            match value {
                AttributeValue::S(text) => self.hasher.update(text),
                AttributeValue::B(binary) => self.hasher.update(binary),
                _ => self.hasher.update(self.bytes.get(begin..).unwrap_or_default()),
            }
        }
    }

    fn done(mut self) -> Vec<u8> {
        for (byte, hashed) in self.bytes.iter_mut().take(HASH_BYTES).zip(self.hasher.finalize()) {
            *byte = hashed;
        }
        self.bytes
    }
}

/// What an index shows of an item beside the keys of table and index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Projected {
    All,
    KeysOnly,
    /// Sorted as they were given.
    Include(Vec<String>),
}

/// A secondary index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    pub name: String,
    /// Under which its entries lie.
    pub data: u64,
    pub schema: KeySchema,
    pub projected: Projected,
    /// Set for global ones.
    pub global: Option<Global>,
}

/// What only global indexes have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Global {
    pub provisioned: Provisioned,
    pub warm: Option<Warm>,
    pub on_demand: Option<OnDemand>,
    /// Until then it is being created.
    pub active_at: Timestamp,
    /// Until then it is being updated.
    pub updated_at: Timestamp,
    /// Items that were there before it are still being added.
    pub backfilling: bool,
    pub deleting: bool,
}

impl Index {
    /// Where an item lies in it, its own place at the end, and where in the bytes that begins. `None` where it is not in
    /// the index.
    pub fn entry(&self, item: &Item, spot: &[u8]) -> Option<(Vec<u8>, usize)> {
        let mut bytes = self.schema.spot(item)?;
        let at = bytes.len();
        bytes.extend_from_slice(spot);
        Some((bytes, at))
    }

    pub fn shows(&self, table: &KeySchema, name: &str) -> bool {
        match &self.projected {
            Projected::All => true,
            Projected::KeysOnly => table.has(name) || self.schema.has(name),
            Projected::Include(names) => {
                table.has(name) || self.schema.has(name) || names.iter().any(|included| included == name)
            }
        }
    }

    /// What the index shows of an item.
    pub fn project(&self, table: &KeySchema, item: Item) -> Item {
        match self.projected {
            Projected::All => item,
            _ => item.into_iter().filter(|(name, _)| self.shows(table, name)).collect(),
        }
    }

    /// What the index's copy of an item counts for.
    pub fn size_bytes(&self, table: &KeySchema, item: &Item) -> usize {
        item.iter()
            .filter(|(name, _)| self.shows(table, name))
            .map(|(name, value)| name.len() + value.size_bytes())
            .sum()
    }
}
