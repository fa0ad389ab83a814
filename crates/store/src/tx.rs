//! Transactions as services see them: typed tables in one account and region.

use crate::engine::{Reader, StoreError, Writer};
use crate::schedule::{DueId, DueRow};
use crate::{Key, Place, Record, Table, schedule};
use std::cell::Cell;
use std::ops::{Bound, ControlFlow};
use virga_base::Timestamp;

/// What a commit causes besides its rows.
#[derive(Default)]
pub struct Effects {
    /// Topics whose watchers are woken.
    pub topics: Topics,
    /// The earliest time at which new deferred work is due.
    pub due: Option<Timestamp>,
    /// What the rows leave to be cleared away elsewhere.
    pub left: Topics,
}

/// A list of topics in one piece of memory: every send writes one, and mostly nobody watches.
#[derive(Default)]
pub struct Topics {
    /// Each topic's length in four bytes, then the topic.
    bytes: Vec<u8>,
}

impl Topics {
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The topics, as often as they were notified.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let (length, behind) = rest.split_first_chunk::<4>()?;
            let (topic, behind) = behind.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            rest = behind;
            Some(topic)
        })
    }

    fn push(&mut self, topic: &[u8]) {
        let length = u32::try_from(topic.len()).unwrap_or(u32::MAX);
        // Once for both.
        self.bytes.reserve(4 + topic.len());
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(topic);
    }
}

impl Effects {
    pub(crate) fn is_empty(&self) -> bool {
        self.topics.is_empty() && self.due.is_none()
    }
}

/// A read-only view, narrowed to one place.
pub struct ReadTx<'a> {
    rows: &'a dyn Reader,
    place: &'a Place,
}

/// A view that writes, narrowed to one place. All that it changes becomes visible at once, or not at all.
pub struct Tx<'a> {
    rows: &'a mut dyn Writer,
    place: &'a Place,
    effects: &'a mut Effects,
}

fn key_of<K: Key>(place: &Place, table: u16, key: &K) -> Vec<u8> {
    let mut bytes = place.key(table, 48);
    key.write(&mut bytes);
    bytes
}

thread_local! {
    /// Room for the bytes of a key and of a value; taken while in use, so that whoever nests finds none and makes its own.
    static ROOM: [Cell<Vec<u8>>; 2] = const { [Cell::new(Vec::new()), Cell::new(Vec::new())] };
}

/// Room beyond this many bytes is given back.
const ROOM_MAX_BYTES: usize = 64 * 1024;

fn with_room<R>(which: usize, f: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let mut bytes = ROOM.with(|room| room[which].take());
    bytes.clear();
    let result = f(&mut bytes);
    if bytes.capacity() <= ROOM_MAX_BYTES {
        ROOM.with(|room| room[which].set(bytes));
    }
    result
}

fn with_key<K: Key, R>(place: &Place, table: u16, key: &K, f: impl FnOnce(&[u8]) -> R) -> R {
    with_room(0, |bytes| {
        place.begin_key(table, bytes);
        key.write(bytes);
        f(bytes)
    })
}

fn get<K: Key, V: Record, Q: Key>(
    rows: &(impl Reader + ?Sized),
    place: &Place,
    table: &Table<K, V>,
    key: &Q,
) -> Result<Option<V>, StoreError> {
    let mut out = None;
    with_key(place, table.number, key, |key| {
        rows.get(key, &mut |value| out = Some(table.decode(value)))
    })?;
    out.transpose()
}

impl<'a> ReadTx<'a> {
    pub(crate) fn new(rows: &'a dyn Reader, place: &'a Place) -> ReadTx<'a> {
        ReadTx { rows, place }
    }

    /// The row with that key, if there is one.
    pub fn get<K: Key, V: Record, Q: Key<Owned = K::Owned>>(
        &self,
        table: &Table<K, V>,
        key: Q,
    ) -> Result<Option<V>, StoreError> {
        get(self.rows, self.place, table, &key)
    }

    /// Starts a scan over a table; see [`Scan`].
    pub fn scan<'t, K: Key, V: Record>(&'t self, table: &'t Table<K, V>) -> Scan<'t, K, V> {
        Scan::new(self.rows, self.place, table)
    }

    /// The same view in another account or region. Say why where you call it.
    pub fn elsewhere<'b>(&'b self, place: &'b Place) -> ReadTx<'b> {
        ReadTx { rows: self.rows, place }
    }
}

impl<'a> Tx<'a> {
    pub(crate) fn new(rows: &'a mut dyn Writer, place: &'a Place, effects: &'a mut Effects) -> Tx<'a> {
        Tx { rows, place, effects }
    }

    /// The row with that key, if there is one.
    pub fn get<K: Key, V: Record, Q: Key<Owned = K::Owned>>(
        &self,
        table: &Table<K, V>,
        key: Q,
    ) -> Result<Option<V>, StoreError> {
        get(&*self.rows, self.place, table, &key)
    }

    /// Writes a row, replacing the one with that key.
    pub fn put<K: Key, V: Record, Q: Key<Owned = K::Owned>>(
        &mut self,
        table: &Table<K, V>,
        key: Q,
        value: &V,
    ) -> Result<(), StoreError> {
        let (rows, place) = (&mut *self.rows, self.place);
        with_room(1, |bytes| {
            Table::<K, V>::encode(value, bytes);
            with_key(place, table.number, &key, |key| rows.put(key, bytes))
        })
    }

    /// Removes the row with that key; no row is no error.
    pub fn delete<K: Key, V: Record, Q: Key<Owned = K::Owned>>(
        &mut self,
        table: &Table<K, V>,
        key: Q,
    ) -> Result<(), StoreError> {
        let rows = &mut *self.rows;
        with_key(self.place, table.number, &key, |key| rows.delete(key))
    }

    /// Removes all rows whose key begins with `prefix`; answers how many there were.
    pub fn delete_all<K: Key, V: Record>(&mut self, table: &Table<K, V>, prefix: impl Key) -> Result<u64, StoreError> {
        let from = key_of(self.place, table.number, &prefix);
        let mut keys = Vec::new();
        let to = after_all(&from);
        self.rows
            .scan(Bound::Included(&from), as_bound(&to), false, &mut |key, _| {
                keys.push(key.to_vec());
                ControlFlow::Continue(())
            })?;
        for key in &keys {
            self.rows.delete(key)?;
        }
        Ok(keys.len() as u64)
    }

    /// Starts a scan over a table; see [`Scan`].
    pub fn scan<'t, K: Key, V: Record>(&'t self, table: &'t Table<K, V>) -> Scan<'t, K, V> {
        Scan::new(&*self.rows, self.place, table)
    }

    /// What the transaction sees, for functions that only read.
    pub fn reading(&self) -> ReadTx<'_> {
        ReadTx::new(&*self.rows, self.place)
    }

    /// The same transaction in another account or region. Say why where you call it.
    pub fn elsewhere<'b>(&'b mut self, place: &'b Place) -> Tx<'b> {
        Tx {
            rows: &mut *self.rows,
            place,
            effects: &mut *self.effects,
        }
    }

    /// Wakes all who watch `topic` once this transaction has committed.
    pub fn notify(&mut self, topic: &[u8]) {
        self.effects.topics.push(topic);
    }

    /// Hands `what` to whoever clears away after this world ([`crate::Store::clear_away`]), once this transaction has
    /// committed: something outside of the store that the rows no longer name.
    pub fn leave(&mut self, what: &[u8]) {
        self.effects.left.push(what);
    }

    /// Defers work: `row` is run by the scheduler when the clock reaches `at`, at least once.
    pub fn schedule(&mut self, at: Timestamp, row: &DueRow) -> Result<DueId, StoreError> {
        self.note_due(at);
        schedule::insert(&mut self.elsewhere(&Place::world()), at, row)
    }

    pub(crate) fn note_due(&mut self, at: Timestamp) {
        if self.effects.due.is_none_or(|earliest| at < earliest) {
            self.effects.due = Some(at);
        }
    }

    /// Takes deferred work back; no error where it has been done.
    pub fn unschedule(&mut self, id: DueId) -> Result<(), StoreError> {
        schedule::remove(&mut self.elsewhere(&Place::world()), id)
    }
}

/// The first key after all that begin with `prefix`; `None` where there is no such key.
fn after_all(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|b| *b != 0xff)?;
    let mut out = prefix[..=last].to_vec();
    out[last] += 1;
    Some(out)
}

fn as_bound(to: &Option<Vec<u8>>) -> Bound<&[u8]> {
    to.as_deref().map_or(Bound::Unbounded, Bound::Excluded)
}

/// A walk over the rows of one table in key order.
///
/// `tx.scan(&MESSAGES).prefix(("queue",)).after(("queue", 7u64)).limit(10).rows()?`
#[must_use]
pub struct Scan<'t, K, V> {
    rows: &'t dyn Reader,
    table: &'t Table<K, V>,
    place: &'t Place,
    prefix_length: usize,
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
    reverse: bool,
    limit: usize,
}

impl<'t, K: Key, V: Record> Scan<'t, K, V> {
    fn new(rows: &'t dyn Reader, place: &'t Place, table: &'t Table<K, V>) -> Scan<'t, K, V> {
        let prefix = place.key(table.number, 0);
        let prefix_length = prefix.len();
        let to = after_all(&prefix).map_or(Bound::Unbounded, Bound::Excluded);
        Scan {
            rows,
            table,
            place,
            prefix_length,
            from: Bound::Included(prefix),
            to,
            reverse: false,
            limit: usize::MAX,
        }
    }

    /// Only rows whose key begins with these parts.
    pub fn prefix(mut self, prefix: impl Key) -> Self {
        let from = key_of(self.place, self.table.number, &prefix);
        self.to = after_all(&from).map_or(Bound::Unbounded, Bound::Excluded);
        self.from = Bound::Included(from);
        self
    }

    /// Only rows whose key is this or greater. Call it behind [`Scan::prefix`].
    pub fn from(mut self, key: impl Key) -> Self {
        self.from = Bound::Included(key_of(self.place, self.table.number, &key));
        self
    }

    /// Only rows whose key is greater than this and does not begin with it. Call it behind [`Scan::prefix`].
    pub fn after(mut self, key: impl Key) -> Self {
        let key = key_of(self.place, self.table.number, &key);
        self.from = after_all(&key).map_or(Bound::Excluded(key), Bound::Included);
        self
    }

    /// Only rows whose key is less than this. Call it behind [`Scan::prefix`].
    pub fn before(mut self, key: impl Key) -> Self {
        self.to = Bound::Excluded(key_of(self.place, self.table.number, &key));
        self
    }

    /// From the last to the first.
    pub fn reverse(mut self) -> Self {
        self.reverse = true;
        self
    }

    /// At most so many rows.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// The rows' keys and values.
    pub fn rows(self) -> Result<Vec<(K::Owned, V)>, StoreError> {
        let mut out = Vec::new();
        self.each(|key, value| {
            out.push((key, value));
            ControlFlow::Continue(())
        })?;
        Ok(out)
    }

    /// The rows' keys.
    pub fn keys(self) -> Result<Vec<K::Owned>, StoreError> {
        let mut out = Vec::new();
        self.raw(|key, _| {
            out.push(key);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(out)
    }

    /// The first row.
    pub fn first(self) -> Result<Option<(K::Owned, V)>, StoreError> {
        Ok(self.limit(1).rows()?.pop())
    }

    /// How many rows there are; the cost grows with them.
    pub fn count(self) -> Result<u64, StoreError> {
        let mut count = 0;
        self.raw(|_, _| {
            count += 1;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(count)
    }

    /// Calls `visit` with each row until it breaks.
    pub fn each(self, mut visit: impl FnMut(K::Owned, V) -> ControlFlow<()>) -> Result<(), StoreError> {
        let table = self.table;
        self.raw(|key, value| Ok(visit(key, table.decode(value)?)))
    }

    fn raw(
        self,
        mut visit: impl FnMut(K::Owned, &[u8]) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let (mut left, mut failed) = (self.limit, None);
        // An empty or backward range has no rows; engines need not bear one.
        if left == 0 || !is_forward(&self.from, &self.to) {
            return Ok(());
        }
        let (from, to) = (borrowed(&self.from), borrowed(&self.to));
        self.rows.scan(from, to, self.reverse, &mut |key, value| {
            let parsed =
                K::read(&mut &key[self.prefix_length.min(key.len())..]).ok_or(StoreError::Corrupt(self.table.name));
            match parsed.and_then(|parsed| visit(parsed, value)) {
                Ok(ControlFlow::Continue(())) => {
                    left -= 1;
                    if left == 0 {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                }
                Ok(ControlFlow::Break(())) => ControlFlow::Break(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        failed.map_or(Ok(()), Err)
    }
}

fn borrowed(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}

fn is_forward(from: &Bound<Vec<u8>>, to: &Bound<Vec<u8>>) -> bool {
    match (from, to) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => true,
        (Bound::Included(a), Bound::Included(b)) => a <= b,
        (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => a < b,
    }
}
