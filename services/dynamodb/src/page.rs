//! One page of a query or a scan: where it begins and ends, and the rows between.

use crate::limits::PAGE_MAX_BYTES;
use crate::schema::{Index, KeySchema};
use crate::state::{At, Definition, ENTRIES, HashAt, ITEMS, RAW_ITEMS, RawItem, Spot, SpotHash, StoredItem};
use std::ops::ControlFlow;
use virga_lang_dynamodb::{Condition, Item, KeyCondition, SortCondition, stored};
use virga_service::{ReadTx, StoreError};

/// Which places a page may have rows of: from the first on, up to the second, which is not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    pub from: Vec<u8>,
    /// `None` where there is no end.
    pub to: Option<Vec<u8>>,
}

/// The first bytes after all that begin with these.
fn after_all(bytes: &[u8]) -> Option<Vec<u8>> {
    let last = bytes.iter().rposition(|byte| *byte != 0xff)?;
    let mut out = bytes.get(..=last)?.to_vec();
    if let Some(byte) = out.last_mut() {
        *byte += 1;
    }
    Some(out)
}

impl Range {
    /// All places that begin with these bytes.
    pub fn beginning_with(bytes: Vec<u8>) -> Range {
        Range {
            to: after_all(&bytes),
            from: bytes,
        }
    }

    /// The places of a query. Each condition but the last asks for one value.
    pub fn of(condition: &KeyCondition) -> Range {
        let mut bytes = KeySchema::partition_of(&condition.partition);
        let with = |bytes: &[u8], value| {
            let mut out = bytes.to_vec();
            stored::encode_key_part(value, &mut out);
            out
        };
        for sort in &condition.sort {
            let all = Range::beginning_with(bytes.clone());
            match sort {
                SortCondition::Equal(value) => bytes = with(&bytes, value),
                SortCondition::Less(value) => {
                    return Range {
                        from: bytes.clone(),
                        to: Some(with(&bytes, value)),
                    };
                }
                SortCondition::LessOrEqual(value) => {
                    return Range {
                        to: after_all(&with(&bytes, value)),
                        from: bytes,
                    };
                }
                SortCondition::Greater(value) => {
                    return Range {
                        from: after_all(&with(&bytes, value)).unwrap_or(bytes),
                        to: all.to,
                    };
                }
                SortCondition::GreaterOrEqual(value) => {
                    return Range {
                        from: with(&bytes, value),
                        to: all.to,
                    };
                }
                SortCondition::Between(lower, upper) => {
                    return Range {
                        from: with(&bytes, lower),
                        to: after_all(&with(&bytes, upper)),
                    };
                }
                SortCondition::BeginsWith(start) => {
                    stored::encode_key_beginning(start, &mut bytes);
                    return Range::beginning_with(bytes);
                }
            }
        }
        Range::beginning_with(bytes)
    }

    /// The places of one segment of a parallel scan: a range of hashes.
    pub fn segment(segment: u64, segments: u64) -> Range {
        let bound = |number: u64| {
            let hash = (u128::from(number) << 64) / u128::from(segments.max(1));
            u64::try_from(hash).ok().map(|hash| hash.to_be_bytes().to_vec())
        };
        Range {
            from: bound(segment).unwrap_or_default(),
            to: bound(segment + 1),
        }
    }

    pub fn contains(&self, spot: &[u8]) -> bool {
        self.from.as_slice() <= spot && self.to.as_deref().is_none_or(|to| spot < to)
    }
}

/// What to read.
pub struct Page<'r> {
    pub range: Range,
    pub forward: bool,
    /// The place after which to go on.
    pub after: Option<Vec<u8>>,
    /// Most items to look at.
    pub limit: usize,
    pub filter: Option<&'r Condition>,
    /// Only the count is wanted.
    pub count_only: bool,
    /// Over how many parts of the hashes' range the table is spread, each of which is read and paid by itself.
    pub parts: usize,
}

/// What was read.
#[derive(Default)]
pub struct Read {
    /// Those that the filter lets through, unless only their count is wanted.
    pub items: Vec<Item>,
    /// The same as they are stored, where they are read so.
    pub shown: Vec<RawItem>,
    pub count: usize,
    pub scanned: usize,
    /// What the rows count for, in the table or in the index.
    pub bytes: usize,
    /// The same for each part that was looked at.
    pub parts: Vec<usize>,
    /// Read units for items that were fetched from the table for an index that does not hold all of them.
    pub fetched: Vec<usize>,
    /// Key attributes of the last item looked at, where more may follow.
    pub last: Option<Item>,
}

impl Page<'_> {
    /// Reads from the table itself.
    pub fn of_table(&self, tx: &ReadTx<'_>, table: &Definition) -> Result<Read, StoreError> {
        let mut read = Read::default();
        let mut bytes_of_parts = vec![0; self.parts];
        let mut last_part = None;
        let data = table.data;
        let mut scan = tx.scan(&ITEMS).prefix((data,)).from((data, At(&self.range.from)));
        if let Some(to) = &self.range.to {
            scan = scan.before((data, At(to)));
        }
        match (&self.after, self.forward) {
            (Some(after), true) => scan = scan.after((data, At(after))),
            (Some(after), false) => scan = scan.before((data, At(after))).reverse(),
            (None, true) => {}
            (None, false) => scan = scan.reverse(),
        }
        scan.each(|(_, spot), row| {
            let size = row.size_bytes;
            let part = self.part_of(&spot.0);
            if let Some(bytes) = bytes_of_parts.get_mut(part) {
                *bytes += size;
            }
            let flow = self.take(&mut read, row.item, size, &[&table.schema]);
            if flow.is_break() {
                last_part = Some(part);
            }
            flow
        })?;
        self.note_parts(&mut read, bytes_of_parts, last_part);
        Ok(read)
    }

    /// Tells the parts that were looked at, up to the one where the page was full.
    fn note_parts(&self, read: &mut Read, bytes_of_parts: Vec<usize>, last: Option<usize>) {
        if self.parts <= 1 {
            return;
        }
        let first = self.part_of(self.after.as_ref().unwrap_or(&self.range.from));
        let end = self.range.to.as_ref().map_or(self.parts - 1, |to| self.part_of(to));
        let last = last.unwrap_or(end);
        read.parts = bytes_of_parts.into_iter().take(last + 1).skip(first).collect();
    }

    fn part_of(&self, spot: &[u8]) -> usize {
        self.part_of_hash(spot.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes)))
    }

    fn part_of_hash(&self, hash: u64) -> usize {
        usize::try_from((u128::from(hash) * self.parts as u128) >> 64).unwrap_or(0)
    }

    /// Reads from the table itself, all of each item, and as it is stored. Only for a page without filter.
    pub fn shown_of_table(&self, tx: &ReadTx<'_>, table: &Definition) -> Result<Read, StoreError> {
        debug_assert!(self.filter.is_none(), "such pages are read otherwise");
        let mut read = Read {
            shown: Vec::with_capacity(self.limit.min(32)),
            ..Read::default()
        };
        let mut bytes_of_parts = vec![0; self.parts];
        let data = table.data;
        let mut scan = tx
            .scan(&RAW_ITEMS)
            .prefix((data,))
            .from((data, HashAt(&self.range.from)));
        if let Some(to) = &self.range.to {
            scan = scan.before((data, HashAt(to)));
        }
        match (&self.after, self.forward) {
            (Some(after), true) => scan = scan.after((data, HashAt(after))),
            (Some(after), false) => scan = scan.before((data, HashAt(after))).reverse(),
            (None, true) => {}
            (None, false) => scan = scan.reverse(),
        }
        let mut last_part = None;
        scan.each(|(_, SpotHash(hash)), row| {
            read.scanned += 1;
            read.bytes += row.size_bytes;
            let part = self.part_of_hash(hash);
            if let Some(bytes) = bytes_of_parts.get_mut(part) {
                *bytes += row.size_bytes;
            }
            read.shown.push(row);
            if read.scanned >= self.limit || read.bytes > PAGE_MAX_BYTES {
                last_part = Some(part);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        read.count = read.scanned;
        self.note_parts(&mut read, bytes_of_parts, last_part);
        if last_part.is_some()
            && let Some(row) = read.shown.last()
        {
            let item = row.item().ok_or(StoreError::Corrupt(RAW_ITEMS.name))?;
            read.last = Some(table.schema.key_of(&item));
        }
        Ok(read)
    }

    /// Reads from an index. `whole`: what is shown is the whole item, whatever the index holds.
    pub fn of_index(
        &self,
        tx: &ReadTx<'_>,
        table: &Definition,
        index: &Index,
        whole: bool,
    ) -> Result<Read, StoreError> {
        /// Entries that are looked up together.
        const STEP: usize = 128;
        let mut read = Read::default();
        let data = index.data;
        let mut after = self.after.clone();
        loop {
            let mut scan = tx.scan(&ENTRIES).prefix((data,)).from((data, At(&self.range.from)));
            if let Some(to) = &self.range.to {
                scan = scan.before((data, At(to)));
            }
            match (&after, self.forward) {
                (Some(after), true) => scan = scan.after((data, At(after))),
                (Some(after), false) => scan = scan.before((data, At(after))).reverse(),
                (None, true) => {}
                (None, false) => scan = scan.reverse(),
            }
            let step = STEP.min(self.limit - read.scanned);
            let entries = scan.limit(step).rows()?;
            let ended = entries.len() < step;
            for ((_, Spot(bytes)), entry) in &entries {
                let spot = bytes.get(usize::from(entry.0)..).unwrap_or_default();
                let Some(StoredItem { item, size_bytes }) = tx.get(&ITEMS, (table.data, At(spot)))? else {
                    continue;
                };
                let size = index.size_bytes(&table.schema, &item);
                let shown = if whole {
                    if size < size_bytes {
                        read.fetched.push(size_bytes);
                    }
                    item
                } else {
                    index.project(&table.schema, item)
                };
                if self
                    .take(&mut read, shown, size, &[&table.schema, &index.schema])
                    .is_break()
                {
                    return Ok(read);
                }
            }
            match entries.into_iter().next_back() {
                Some(((_, Spot(bytes)), _)) if !ended => after = Some(bytes),
                _ => return Ok(read),
            }
        }
    }

    /// Takes of rows that were read already, in the order of the page. With an index, `whole` as for [`Page::of_index`].
    pub fn of_rows(
        &self,
        rows: impl Iterator<Item = (Vec<u8>, StoredItem)>,
        (table, index, whole): (&Definition, Option<&Index>, bool),
    ) -> Result<Read, StoreError> {
        let mut read = Read::default();
        let mut bytes_of_parts = vec![0; self.parts];
        let mut last_part = None;
        for (place, StoredItem { size_bytes, item }) in rows {
            let flow = match index {
                None => {
                    let part = self.part_of(&place);
                    if let Some(bytes) = bytes_of_parts.get_mut(part) {
                        *bytes += size_bytes;
                    }
                    let flow = self.take(&mut read, item, size_bytes, &[&table.schema]);
                    last_part = flow.is_break().then_some(part);
                    flow
                }
                Some(index) => {
                    let size = index.size_bytes(&table.schema, &item);
                    if whole && size < size_bytes {
                        read.fetched.push(size_bytes);
                    }
                    let shown = if whole {
                        item
                    } else {
                        index.project(&table.schema, item)
                    };
                    self.take(&mut read, shown, size, &[&table.schema, &index.schema])
                }
            };
            if flow.is_break() {
                break;
            }
        }
        if index.is_none() {
            self.note_parts(&mut read, bytes_of_parts, last_part);
        }
        Ok(read)
    }

    fn take(&self, read: &mut Read, item: Item, size_bytes: usize, keys: &[&KeySchema]) -> ControlFlow<()> {
        read.scanned += 1;
        read.bytes += size_bytes;
        let full = read.scanned >= self.limit || read.bytes > PAGE_MAX_BYTES;
        if full {
            read.last = Some(keys.iter().flat_map(|schema| schema.key_of(&item)).collect());
        }
        if self.filter.is_none_or(|filter| filter.matches(&item)) {
            read.count += 1;
            if !self.count_only {
                read.items.push(item);
            }
        }
        if full {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Range;

    #[test]
    fn segments_cover_all_hashes_once() {
        for segments in [1, 2, 3, 7, 1_000_000] {
            let mut end = Some(vec![0; 8]);
            for segment in 0..segments {
                let range = Range::segment(segment, segments);
                assert_eq!(Some(range.from), end);
                end = range.to;
            }
            assert_eq!(end, None);
        }
    }
}
