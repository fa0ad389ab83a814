//! Every kind of row that DynamoDB keeps. Nothing else makes its keys.
//!
//! A table's definition lies under its name, its items under a *data id*, a random number of each life of a table: one
//! that is deleted leaves its rows to deferred work, and another of the same name never meets them.
//!
//! An item is one row. Its key is the hash of its partition key, then the partition key, then the sort key, so that a
//! query is a range, and a segment of a parallel scan is a range of hashes. A secondary index has a row for each item in
//! it, under the index's data id, that leads to the item and holds nothing of it.

use crate::features::Extras;
use crate::schema::{Index, KeySchema};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use virga_base::Timestamp;
use virga_lang_dynamodb::{Item, Projection, stored};
use virga_service::{Table, TableInfo, record};
use virga_store::{KeyPart, Record};

/// All of them, as people are shown them.
pub const TABLES: [TableInfo; 8] = [
    DEFINITIONS.info(),
    ITEMS.info(),
    ENTRIES.info(),
    STREAMS.info(),
    RECORDS.info(),
    TAGS.info(),
    TOKENS.info(),
    TOKEN_ENDS.info(),
];

/// Lifetime: the table's. Key: name.
pub const DEFINITIONS: Table<(String,), Definition> = Table::new(0x0400, "dynamodb.tables");
/// The same rows, for operations on items.
pub const OPENED: Table<(String,), Opened> = Table::new(DEFINITIONS.number, DEFINITIONS.name);
/// Lifetime: the item's. Key: the table's data id, the item's place.
pub const ITEMS: Table<(u64, Spot), StoredItem> = Table::new(0x0401, "dynamodb.items");
/// The same rows, in their stored form. Of their keys no more is read than the hash.
pub const RAW_ITEMS: Table<(u64, SpotHash), RawItem> = Table::new(ITEMS.number, ITEMS.name);
/// The same rows, read for their sizes alone.
pub const ITEM_SIZES: Table<(u64, Spot), ItemSize> = Table::new(ITEMS.number, ITEMS.name);
/// Lifetime: while an item is in an index. Key: the index's data id, the place in the index, the item's place.
pub const ENTRIES: Table<(u64, Spot), Entry> = Table::new(0x0402, "dynamodb.index_entries");
/// Lifetime: a day beyond its table's or its own end. Key: the table's name, the stream's label.
pub const STREAMS: Table<(String, String), Stream> = Table::new(0x0403, "dynamodb.streams");
/// Lifetime: a day. Key: the stream's id, sequence.
pub const RECORDS: Table<(u64, u64), StreamRecord> = Table::new(0x0404, "dynamodb.stream_records");
/// Lifetime: the table's. Key: the table's data id.
pub const TAGS: Table<(u64,), Tags> = Table::new(0x0405, "dynamodb.tags");
/// Lifetime: ten minutes. Key: hash of the `ClientRequestToken`.
pub const TOKENS: Table<(u128,), Token> = Table::new(0x0406, "dynamodb.request_tokens");
/// Lifetime: as `TOKENS`. Key: when it ends, hash.
pub const TOKEN_ENDS: Table<(Timestamp, u128), ()> = Table::new(0x0407, "dynamodb.request_token_ends");

/// A place among items or entries: bytes made by [`KeySchema`](crate::schema::KeySchema), the last part of a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Spot(pub Vec<u8>);

/// A [`Spot`] that is lent.
#[derive(Clone, Copy)]
pub struct At<'b>(pub &'b [u8]);

impl fmt::Debug for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The hash says nothing to people.
        let bytes = self.0.get(8..).unwrap_or(&self.0);
        write!(f, "\"{}\"", bytes.escape_ascii())
    }
}

impl KeyPart for Spot {
    type Owned = Spot;

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn read(input: &mut &[u8]) -> Option<Spot> {
        let bytes = std::mem::take(input);
        Some(Spot(bytes.to_vec()))
    }
}

impl KeyPart for At<'_> {
    type Owned = Spot;

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0);
    }

    fn read(input: &mut &[u8]) -> Option<Spot> {
        <Spot as KeyPart>::read(input)
    }
}

/// A [`Spot`] of which the hash alone is read, with which it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpotHash(pub u64);

/// A [`SpotHash`] to be.
#[derive(Clone, Copy)]
pub struct HashAt<'b>(pub &'b [u8]);

impl KeyPart for SpotHash {
    type Owned = SpotHash;

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_be_bytes());
    }

    fn read(input: &mut &[u8]) -> Option<SpotHash> {
        let bytes = std::mem::take(input);
        bytes.first_chunk().map(|bytes| SpotHash(u64::from_be_bytes(*bytes)))
    }
}

impl KeyPart for HashAt<'_> {
    type Owned = SpotHash;

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0);
    }

    fn read(input: &mut &[u8]) -> Option<SpotHash> {
        SpotHash::read(input)
    }
}

/// An item with its size by AWS's formula.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredItem {
    pub size_bytes: usize,
    pub item: Item,
}

impl Record for StoredItem {
    const VERSION: u8 = 1;

    fn encode(&self, out: &mut Vec<u8>) {
        stored::encode_item(&self.item, self.size_bytes, out);
    }

    fn decode(version: u8, bytes: &[u8]) -> Option<StoredItem> {
        let (size_bytes, item) = (version == Self::VERSION)
            .then(|| stored::decode_item(bytes))
            .flatten()?;
        Some(StoredItem { size_bytes, item })
    }
}

/// An item in its stored form, to be written, or to be shown without a stop on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawItem {
    bytes: Vec<u8>,
    pub size_bytes: usize,
}

impl RawItem {
    pub fn of(item: &Item, size_bytes: usize) -> RawItem {
        let mut bytes = Vec::new();
        stored::encode_item(item, size_bytes, &mut bytes);
        RawItem { bytes, size_bytes }
    }

    /// As [`stored`] reads them.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn item(&self) -> Option<Item> {
        stored::decode_item(&self.bytes).map(|(_, item)| item)
    }

    /// What is asked for of it, which counts for as much; `None` where it cannot be read.
    pub fn projected(&self, projection: &Projection) -> Option<RawItem> {
        let shown = projection.apply(&self.item()?);
        Some(RawItem::of(&shown, self.size_bytes))
    }
}

impl Record for RawItem {
    const VERSION: u8 = StoredItem::VERSION;

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes);
    }

    fn decode(version: u8, bytes: &[u8]) -> Option<RawItem> {
        let size_bytes = (version == Self::VERSION)
            .then(|| stored::decode_size(bytes))
            .flatten()?;
        let bytes = bytes.to_vec();
        Some(RawItem { bytes, size_bytes })
    }
}

/// What an item counts for, without the item. Never written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemSize(pub usize);

impl Record for ItemSize {
    const VERSION: u8 = StoredItem::VERSION;

    fn encode(&self, _out: &mut Vec<u8>) {}

    fn decode(version: u8, bytes: &[u8]) -> Option<ItemSize> {
        (version == Self::VERSION)
            .then(|| stored::decode_size(bytes))
            .flatten()
            .map(ItemSize)
    }
}

/// An item's place in an index: where in the key's bytes the item's own place begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry(pub u16);

impl Record for Entry {
    const VERSION: u8 = 1;

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_be_bytes());
    }

    fn decode(version: u8, bytes: &[u8]) -> Option<Entry> {
        let bytes = (version == Self::VERSION).then(|| bytes.try_into().ok()).flatten()?;
        Some(Entry(u16::from_be_bytes(bytes)))
    }
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    pub name: String,
    /// A UUID.
    pub id: String,
    /// Under which its items lie.
    pub data: u64,
    pub created: Timestamp,
    /// Until then it is being created.
    pub active_at: Timestamp,
    /// Until then it is being updated.
    pub updated_at: Timestamp,
    /// From when on it is being deleted; the row goes with it.
    pub deleting: bool,
    /// As declared, in the order in which they were given. Types are in the schemas.
    pub attributes: Vec<(String, crate::schema::KeyKind)>,
    pub schema: KeySchema,
    pub indexes: Vec<Index>,
    pub billing: Billing,
    pub stream: Option<StreamOn>,
    /// Label of the stream that was on last.
    pub latest_stream: Option<String>,
    pub deletion_protection: bool,
    /// Set once a class was asked for: the class, and when it last changed.
    pub class: Option<(String, Option<Timestamp>)>,
    pub encryption: Option<Encryption>,
    pub warm: Option<Warm>,
    pub on_demand: Option<OnDemand>,
    /// What else writes must know of.
    pub extras: Extras,
}

record!(Definition, 1);

/// A table as operations on its items have it: the same row, decoded once for as long as it stays the same.
#[derive(Clone, Debug)]
pub struct Opened(Arc<Definition>);

impl Deref for Opened {
    type Target = Definition;

    fn deref(&self) -> &Definition {
        &self.0
    }
}

/// A row's bytes with what they say.
struct Known {
    version: u8,
    bytes: Box<[u8]>,
    definition: Arc<Definition>,
}

/// How many tables a thread knows.
const KNOWN: usize = 32;

thread_local! {
    /// Rows by a hash of their beginning, which has the table's name and id.
    static TABLES_KNOWN: RefCell<[Option<Known>; KNOWN]> = const { RefCell::new([const { None }; KNOWN]) };
}

fn place_of(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    let hash = words.iter().take(8).fold(0u64, |hash, word| {
        (hash ^ u64::from_le_bytes(*word))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29)
    });
    (hash >> 32) as usize % KNOWN
}

impl Record for Opened {
    const VERSION: u8 = Definition::VERSION;

    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }

    fn decode(version: u8, bytes: &[u8]) -> Option<Opened> {
        TABLES_KNOWN.with_borrow_mut(|known| {
            let known = known.get_mut(place_of(bytes))?;
            if let Some(same) = known
                .as_ref()
                .filter(|known| known.version == version && *known.bytes == *bytes)
            {
                return Some(Opened(same.definition.clone()));
            }
            let definition = Arc::new(Definition::decode(version, bytes)?);
            *known = Some(Known {
                version,
                bytes: bytes.into(),
                definition: definition.clone(),
            });
            Some(Opened(definition))
        })
    }
}

/// How reads and writes are paid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billing {
    pub on_demand: bool,
    /// The mode was named, so that descriptions tell it.
    pub told: bool,
    /// When it last became on demand.
    pub on_demand_since: Option<Timestamp>,
    pub provisioned: Provisioned,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provisioned {
    pub read_units: i64,
    pub write_units: i64,
    pub increased: Option<Timestamp>,
    pub decreased: Option<Timestamp>,
    /// On the day of the last one.
    pub decreases: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warm {
    pub read_units_per_s: i64,
    pub write_units_per_s: i64,
}

/// Upper bounds of tables on demand; -1 for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnDemand {
    pub read_units: Option<i64>,
    pub write_units: Option<i64>,
}

/// Encryption with a key of KMS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    pub key_arn: String,
}

/// The stream that a table writes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamOn {
    /// Under which its records lie.
    pub id: u64,
    pub label: String,
    pub view: View,
}

/// What a stream shows of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum View {
    KeysOnly,
    NewImage,
    OldImage,
    NewAndOldImages,
}

impl View {
    pub fn name(self) -> &'static str {
        match self {
            View::KeysOnly => "KEYS_ONLY",
            View::NewImage => "NEW_IMAGE",
            View::OldImage => "OLD_IMAGE",
            View::NewAndOldImages => "NEW_AND_OLD_IMAGES",
        }
    }

    pub fn from_name(name: &str) -> Option<View> {
        [View::KeysOnly, View::NewImage, View::OldImage, View::NewAndOldImages]
            .into_iter()
            .find(|view| view.name() == name)
    }

    pub fn has_new(self) -> bool {
        matches!(self, View::NewImage | View::NewAndOldImages)
    }

    pub fn has_old(self) -> bool {
        matches!(self, View::OldImage | View::NewAndOldImages)
    }
}

/// A stream, on or off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    pub id: u64,
    pub view: View,
    pub created: Timestamp,
    /// When it was turned off or its table deleted; it can be read for a day more.
    pub ended: Option<Timestamp>,
    /// The table's, which may be gone.
    pub schema: KeySchema,
    /// Random: names its shard.
    pub shard: u64,
    /// The last one given to a record; 0 before the first.
    pub sequence: u64,
    /// Account and region, for its deferred work.
    pub home: (u64, String),
    /// Deferred work will trim it.
    pub trimming: bool,
}

record!(Stream, 1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    Insert,
    Modify,
    Remove,
}

/// One change of one item. Its sequence is one more than the record's before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamRecord {
    pub change: Change,
    pub at: Timestamp,
    /// Made by DynamoDB itself: an item that expired.
    pub by_service: bool,
    /// Key attributes as a stored item.
    pub keys: Vec<u8>,
    /// The item before, where the view has it.
    pub old: Option<Vec<u8>>,
    /// The item after, where the view has it.
    pub new: Option<Vec<u8>>,
}

record!(StreamRecord, 1);

/// A table's tags.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags(pub BTreeMap<String, String>);

record!(Tags, 1);

/// A transaction that was made with a `ClientRequestToken`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// SHA-256 of what was asked.
    pub request: [u8; 32],
    pub ends: Timestamp,
    /// Capacity units read when it is answered again, for each table.
    pub reads: BTreeMap<String, u64>,
}

record!(Token, 1);
