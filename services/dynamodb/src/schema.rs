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

    /// Where an item lies by this key; `None` where it lacks part of it or part of it has another type.
    pub fn spot(&self, item: &Item) -> Option<Vec<u8>> {
        let mut bytes = self.partition_spot(item)?;
        for attribute in &self.sort {
            encode(KeyRole::Sort, attribute, item, &mut bytes)?;
        }
        Some(bytes)
    }

    fn partition_spot(&self, item: &Item) -> Option<Vec<u8>> {
        let mut bytes = vec![0; HASH_BYTES];
        for attribute in &self.partition {
            encode(KeyRole::Partition, attribute, item, &mut bytes)?;
        }
        let values = self.partition.iter().filter_map(|attribute| item.get(&attribute.name));
        put_hash(values, &mut bytes);
        Some(bytes)
    }

    /// What all places of one partition begin with. `values` are in the schema's order.
    pub fn partition_of(values: &[AttributeValue]) -> Vec<u8> {
        let mut bytes = vec![0; HASH_BYTES];
        for value in values {
            stored::encode_key_part(value, &mut bytes);
        }
        put_hash(values.iter(), &mut bytes);
        bytes
    }
}

/// The hash of the partition key, with which every place begins.
const HASH_BYTES: usize = 8;

/// Writes the hash of a partition key before it. It is the one by which AWS is seen to order the partitions of a scan: MD5 of
/// this word and the key. The form of numbers in it is ours.
fn put_hash<'v>(values: impl Iterator<Item = &'v AttributeValue>, bytes: &mut [u8]) {
    let mut hasher = Md5::new_with_prefix("Outliers");
    for value in values {
        match value {
            AttributeValue::S(text) => hasher.update(text),
            AttributeValue::B(binary) => hasher.update(binary),
            AttributeValue::N(number) => hasher.update(number.to_key_bytes()),
            _ => {}
        }
    }
    let hash = hasher.finalize();
    for (byte, hashed) in bytes.iter_mut().take(HASH_BYTES).zip(hash) {
        *byte = hashed;
    }
}

fn encode(role: KeyRole, attribute: &KeyAttribute, item: &Item, out: &mut Vec<u8>) -> Option<()> {
    let value = item.get(&attribute.name)?;
    // An index leaves out items whose key attribute is of another type, empty or too long.
    check_key_value(role, &attribute.name, attribute.kind.kind(), value).ok()?;
    stored::encode_key_part(value, out);
    Some(())
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
