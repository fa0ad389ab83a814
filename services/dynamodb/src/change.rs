//! One change of one item, with all that hangs on it: index entries and stream records.

use crate::capacity::{Cost, write_units};
use crate::schema::Index;
use crate::state::{
    At, Change, Definition, ENTRIES, Entry, ITEM_SIZES, ITEMS, RECORDS, STREAMS, StoredItem, StreamOn, StreamRecord,
};
use crate::{expire, follow};
use virga_base::Timestamp;
use virga_lang_dynamodb::attribute::item_size_bytes;
use virga_lang_dynamodb::{Item, stored};
use virga_service::{StoreError, Tx};

/// Whose doing a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Caller,
    /// DynamoDB's own: an item that expired.
    Service,
    /// Another region's, whose caller it was.
    Replication,
}

/// Puts `new` in the place of `old`, which is what the store has at `spot`; neither of them is no item.
pub fn apply(
    tx: &mut Tx<'_>,
    table: &Definition,
    spot: &[u8],
    (old, new): (Option<&StoredItem>, Option<&StoredItem>),
    (now, by): (Timestamp, By),
) -> Result<Cost, StoreError> {
    let bytes = |item: Option<&StoredItem>| item.map_or(0, |item| item.size_bytes);
    let mut cost = Cost {
        table: write_units(bytes(old).max(bytes(new))),
        ..Cost::default()
    };
    match new {
        Some(new) => tx.put(&ITEMS, (table.data, At(spot)), new)?,
        None => tx.delete(&ITEMS, (table.data, At(spot)))?,
    }
    for index in table.indexes.iter().filter(|index| index.is_kept()) {
        reindex(tx, table, index, spot, (old, new), &mut cost)?;
    }
    if let Some(stream) = &table.stream {
        record(tx, table, stream, (old, new), (now, by))?;
    }
    if !table.extras.is_idle() {
        follow::changed(tx, table, spot, (old, new), (now, by))?;
    }
    Ok(cost)
}

/// Whether nothing hangs on the table's items.
pub fn stands_alone(table: &Definition) -> bool {
    table.stream.is_none() && table.extras.is_idle() && !table.indexes.iter().any(Index::is_kept)
}

/// As [`apply`], in a table of which nothing hangs on the items. The old item is not needed.
pub fn apply_alone(
    tx: &mut Tx<'_>,
    table: &Definition,
    spot: &[u8],
    new: Option<&StoredItem>,
) -> Result<Cost, StoreError> {
    debug_assert!(stands_alone(table), "what hangs on the items would not follow");
    let old_bytes = tx.get(&ITEM_SIZES, (table.data, At(spot)))?.map_or(0, |size| size.0);
    match new {
        Some(new) => tx.put(&ITEMS, (table.data, At(spot)), new)?,
        None => tx.delete(&ITEMS, (table.data, At(spot)))?,
    }
    Ok(Cost {
        table: write_units(old_bytes.max(new.map_or(0, |new| new.size_bytes))),
        ..Cost::default()
    })
}

impl Index {
    /// Whether writes must keep it up.
    fn is_kept(&self) -> bool {
        self.global.as_ref().is_none_or(|global| !global.deleting)
    }
}

fn reindex(
    tx: &mut Tx<'_>,
    table: &Definition,
    index: &Index,
    spot: &[u8],
    (old, new): (Option<&StoredItem>, Option<&StoredItem>),
    cost: &mut Cost,
) -> Result<(), StoreError> {
    let entry = |item: Option<&StoredItem>| item.and_then(|item| index.entry(&item.item, spot));
    let size = |item: Option<&StoredItem>| item.map_or(0, |item| index.size_bytes(&table.schema, &item.item));
    let is_global = index.global.is_some();
    match (entry(old), entry(new)) {
        (None, None) => {}
        (Some(before), Some(after)) if before == after => {
            let changed = old.zip(new).is_some_and(|(old, new)| {
                let shown = |item: &Item| -> Item { index.project(&table.schema, item.clone()) };
                old.item != new.item && shown(&old.item) != shown(&new.item)
            });
            if changed {
                cost.add_index(&index.name, is_global, write_units(size(old).max(size(new))));
            }
        }
        (before, after) => {
            if let Some((bytes, _)) = before {
                tx.delete(&ENTRIES, (index.data, At(&bytes)))?;
                cost.add_index(&index.name, is_global, write_units(size(old)));
            }
            if let Some((bytes, at)) = after {
                tx.put(&ENTRIES, (index.data, At(&bytes)), &entry_at(at))?;
                cost.add_index(&index.name, is_global, write_units(size(new)));
            }
        }
    }
    Ok(())
}

/// Adds an item that was there before the index.
pub fn backfill(tx: &mut Tx<'_>, index: &Index, spot: &[u8], item: &Item) -> Result<(), StoreError> {
    match index.entry(item, spot) {
        Some((bytes, at)) => tx.put(&ENTRIES, (index.data, At(&bytes)), &entry_at(at)),
        None => Ok(()),
    }
}

fn entry_at(at: usize) -> Entry {
    // Keys are far shorter than that.
    Entry(u16::try_from(at).unwrap_or(u16::MAX))
}

fn record(
    tx: &mut Tx<'_>,
    table: &Definition,
    stream: &StreamOn,
    (old, new): (Option<&StoredItem>, Option<&StoredItem>),
    (now, by): (Timestamp, By),
) -> Result<(), StoreError> {
    let (change, some) = match (old, new) {
        (None, None) => return Ok(()),
        (None, Some(new)) => (Change::Insert, new),
        (Some(old), None) => (Change::Remove, old),
        // What changes nothing is no change.
        (Some(old), Some(new)) if old.item == new.item => return Ok(()),
        (Some(_), Some(new)) => (Change::Modify, new),
    };
    let key = (table.name.as_str(), stream.label.as_str());
    let Some(mut state) = tx.get(&STREAMS, key)? else {
        return Ok(());
    };
    let image = |item: &Item, size_bytes: usize| {
        let mut bytes = Vec::new();
        stored::encode_item(item, size_bytes, &mut bytes);
        bytes
    };
    let whole = |item: &StoredItem| image(&item.item, item.size_bytes);
    let keys = table.schema.key_of(&some.item);
    let row = StreamRecord {
        change,
        at: now,
        by_service: by == By::Service,
        keys: image(&keys, item_size_bytes(&keys)),
        old: old.filter(|_| stream.view.has_old()).map(whole),
        new: new.filter(|_| stream.view.has_new()).map(whole),
    };
    state.sequence += 1;
    expire::await_trim(tx, &table.name, &stream.label, &mut state, now)?;
    tx.put(&RECORDS, (stream.id, state.sequence), &row)?;
    tx.put(&STREAMS, key, &state)
}
