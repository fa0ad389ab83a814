//! Walks over rows in the order of their keys, which can jump.

use crate::object::{version_id, versions};
use crate::state::{Bucket, OBJECTS, VERSION_IDS, VERSIONS, Version};
use std::collections::VecDeque;
use std::ops::ControlFlow;
use virga_service::{ReadTx, StoreError};

/// Rows that are fetched at once.
const BATCH_MAX: usize = 256;
/// The same behind a jump out of what was fetched: the next row will most likely be passed over with all that follows.
const BATCH_BEHIND_JUMP: usize = 1;

/// One row of a walk.
pub trait Row {
    fn key(&self) -> &str;
}

/// A walk in the order of keys.
pub trait Rows {
    type Row: Row;
    /// The next row; none at the end.
    fn next(&mut self) -> Result<Option<Self::Row>, StoreError>;
    /// Goes on at the first key that is not less than these bytes, which need be no text.
    fn jump(&mut self, to: &[u8]);
}

/// Where a walk begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// At this key, or the first behind it.
    At(Vec<u8>),
    /// Behind this key.
    Behind(String),
}

/// The first bytes behind all that begin with these; none where there are no such.
pub fn behind_all(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut out = prefix.get(..=last)?.to_vec();
    if let Some(byte) = out.last_mut() {
        *byte += 1;
    }
    Some(out)
}

/// Keys and their current objects.
pub struct Objects<'t> {
    tx: &'t ReadTx<'t>,
    bucket: u64,
    /// From where the next rows are fetched; none at the end.
    from: Option<Start>,
    fetched: VecDeque<ObjectRow>,
    batch: usize,
}

/// A key and its current object.
pub struct ObjectRow {
    pub key: String,
    pub version: Version,
}

impl Row for ObjectRow {
    fn key(&self) -> &str {
        &self.key
    }
}

impl<'t> Objects<'t> {
    /// `expected`: how many rows are likely to be wanted.
    pub fn new(tx: &'t ReadTx<'t>, bucket: &Bucket, start: Start, expected: usize) -> Objects<'t> {
        Objects {
            tx,
            bucket: bucket.id,
            from: Some(start),
            fetched: VecDeque::new(),
            batch: expected.clamp(1, BATCH_MAX),
        }
    }

    fn fetch(&mut self) -> Result<(), StoreError> {
        let Some(from) = self.from.take() else { return Ok(()) };
        let scan = self.tx.scan(&OBJECTS).prefix((self.bucket,));
        let scan = match &from {
            Start::At(bytes) => scan.from((self.bucket, bytes.as_slice())),
            Start::Behind(key) => scan.after((self.bucket, key.as_str())),
        };
        let fetched = &mut self.fetched;
        scan.limit(self.batch).each(|(_, key), version| {
            fetched.push_back(ObjectRow { key, version });
            ControlFlow::Continue(())
        })?;
        if fetched.len() == self.batch {
            self.from = fetched.back().map(|last| Start::Behind(last.key.clone()));
            self.batch = (self.batch * 2).min(BATCH_MAX);
        }
        Ok(())
    }
}

impl Rows for Objects<'_> {
    type Row = ObjectRow;

    fn next(&mut self) -> Result<Option<ObjectRow>, StoreError> {
        if self.fetched.is_empty() {
            self.fetch()?;
        }
        Ok(self.fetched.pop_front())
    }

    fn jump(&mut self, to: &[u8]) {
        while self.fetched.front().is_some_and(|row| row.key.as_bytes() < to) {
            self.fetched.pop_front();
        }
        if self.fetched.is_empty() {
            self.from = Some(Start::At(to.to_vec()));
            self.batch = self.batch.min(BATCH_BEHIND_JUMP);
        }
    }
}

/// Keys and all their versions, the newest first.
pub struct Versions<'t> {
    tx: &'t ReadTx<'t>,
    bucket: u64,
    current: Objects<'t>,
    next_current: Option<ObjectRow>,
    /// From where the next rows behind are fetched; none at the end.
    from: Option<(Start, Option<u64>)>,
    behind: VecDeque<(String, Version)>,
    batch: usize,
    /// The key whose newest version has been told.
    told: Option<String>,
}

/// One version of a key.
pub struct VersionRow {
    pub key: String,
    pub version: Version,
    pub is_latest: bool,
}

impl Row for VersionRow {
    fn key(&self) -> &str {
        &self.key
    }
}

impl<'t> Versions<'t> {
    pub fn new(tx: &'t ReadTx<'t>, bucket: &Bucket, start: Start, expected: usize) -> Versions<'t> {
        Versions {
            tx,
            bucket: bucket.id,
            current: Objects::new(tx, bucket, start.clone(), expected),
            next_current: None,
            from: Some((start, None)),
            behind: VecDeque::new(),
            batch: expected.clamp(1, BATCH_MAX),
            told: None,
        }
    }

    /// Begins behind a version of a key, by its id.
    pub fn behind(
        tx: &'t ReadTx<'t>,
        bucket: &Bucket,
        key: &str,
        id: &str,
        expected: usize,
    ) -> Result<Versions<'t>, StoreError> {
        let behind_key = Start::Behind(key.to_owned());
        let current = tx.get(&OBJECTS, (bucket.id, key))?;
        let rank = match &current {
            Some(current) if current.shown_id() == id => Some(current.rank),
            // One that has been deleted since still tells its place.
            _ => tx
                .get(&VERSION_IDS, (bucket.id, key, id))?
                .or_else(|| version_id::rank(id)),
        };
        let Some(rank) = rank else {
            return Ok(Versions::new(tx, bucket, behind_key, expected));
        };
        if current.is_some_and(|current| current.rank > rank) {
            // All that were newer are gone: the current one is behind the marker too, and all others behind that.
            let start = Start::At(key.as_bytes().to_vec());
            return Ok(Versions::new(tx, bucket, start, expected));
        }
        let mut walk = Versions::new(tx, bucket, behind_key.clone(), expected);
        walk.from = Some((behind_key, Some(rank)));
        let newest = versions::newest(tx, bucket, key)?;
        if newest.is_some_and(|newest| newest.rank <= rank) {
            walk.told = Some(key.to_owned());
        }
        Ok(walk)
    }

    fn fetch(&mut self) -> Result<(), StoreError> {
        let Some((start, rank)) = self.from.take() else {
            return Ok(());
        };
        let scan = self.tx.scan(&VERSIONS).prefix((self.bucket,));
        let scan = match (&start, rank) {
            (Start::At(bytes), _) => scan.from((self.bucket, bytes.as_slice())),
            (Start::Behind(key), None) => scan.after((self.bucket, key.as_str())),
            (Start::Behind(key), Some(rank)) => scan.after((self.bucket, key.as_str(), rank)),
        };
        let fetched = &mut self.behind;
        scan.limit(self.batch).each(|(_, key, _), version| {
            fetched.push_back((key, version));
            ControlFlow::Continue(())
        })?;
        if fetched.len() == self.batch {
            let last = fetched.back();
            self.from = last.map(|(key, version)| (Start::Behind(key.clone()), Some(version.rank)));
            self.batch = (self.batch * 2).min(BATCH_MAX);
        }
        Ok(())
    }
}

impl Rows for Versions<'_> {
    type Row = VersionRow;

    fn next(&mut self) -> Result<Option<VersionRow>, StoreError> {
        if self.next_current.is_none() {
            self.next_current = self.current.next()?;
        }
        if self.behind.is_empty() {
            self.fetch()?;
        }
        // A key's current object is newer than all that is behind it.
        let behind_first = match (&self.next_current, self.behind.front()) {
            (Some(current), Some((key, _))) => *key < current.key,
            (None, Some(_)) => true,
            (_, None) => false,
        };
        if behind_first {
            let Some((key, version)) = self.behind.pop_front() else {
                return Ok(None);
            };
            let is_latest = self.told.as_ref() != Some(&key);
            if is_latest {
                self.told = Some(key.clone());
            }
            return Ok(Some(VersionRow {
                key,
                version,
                is_latest,
            }));
        }
        Ok(self.next_current.take().map(|row| {
            self.told = Some(row.key.clone());
            VersionRow {
                key: row.key,
                version: row.version,
                is_latest: true,
            }
        }))
    }

    fn jump(&mut self, to: &[u8]) {
        if self.next_current.as_ref().is_some_and(|row| row.key.as_bytes() < to) {
            self.next_current = None;
        }
        if self.next_current.is_none() {
            self.current.jump(to);
        }
        while self.behind.front().is_some_and(|(key, _)| key.as_bytes() < to) {
            self.behind.pop_front();
        }
        if self.behind.is_empty() {
            self.from = Some((Start::At(to.to_vec()), None));
            self.batch = self.batch.min(BATCH_BEHIND_JUMP);
        }
    }
}
