//! Reads that lag behind, where settings ask for it: what was changed of late is seen as it was before.
//!
//! The history that recovery keeps has every item before each change. A table begins to keep it with its first call while a
//! setting is on.

use crate::features::HISTORY;
use crate::ops::recovery;
use crate::page::{Page, Read};
use crate::schema::Index;
use crate::state::{At, DEFINITIONS, Definition, ENTRIES, ITEMS, Spot, StoredItem};
use crate::tables::Rows;
use std::collections::BTreeMap;
use virga_base::{AwsError, Timestamp};
use virga_lang_dynamodb::stored;
use virga_service::{Ctx, ReadTx, StoreError};

/// Name of the setting: by how much eventually consistent reads lag.
pub const READ_LAG: &str = "read_lag_ms";
/// Name of the setting: by how much global indexes lag.
pub const INDEX_LAG: &str = "index_lag_ms";

/// By how much reads lag behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    read_ms: i64,
    index_ms: i64,
}

impl Lag {
    /// Nothing where no read lags.
    pub fn of(ctx: &Ctx) -> Option<Lag> {
        let of = |name: &str| ctx.setting(name).and_then(|text| text.parse().ok()).unwrap_or(0);
        let lag = Lag {
            read_ms: of(READ_LAG),
            index_ms: of(INDEX_LAG),
        };
        (lag.longest_ms() > 0).then_some(lag)
    }

    pub fn longest_ms(self) -> i64 {
        self.read_ms.max(self.index_ms)
    }
}

/// Has a table keep what reads need that lag behind.
pub async fn keep(ctx: &Ctx, name: &str) -> Result<(), AwsError> {
    let keeps = |table: Option<Definition>| table.is_none_or(|table| table.extras.lags);
    if keeps(ctx.read(|tx| Rows::definition(tx, name))?) {
        return Ok(());
    }
    let now = ctx.now();
    ctx.write(|tx| -> Result<(), AwsError> {
        let Some(mut table) = Rows::definition(tx, name)?.filter(|table| !table.extras.lags) else {
            return Ok(());
        };
        table.extras.settle(ctx);
        table.extras.lags = true;
        if table.extras.recovery.is_none() {
            let row = table.extras.due_row(recovery::TRIM, &(name, table.data));
            tx.schedule(now.plus_secs(recovery::DAY_S), &row)?;
        }
        Ok(tx.put(&DEFINITIONS, (name,), &table)?)
    })
    .await
}

/// What was at each place that has changed since a time; nothing where nothing was.
pub struct Past(BTreeMap<Vec<u8>, Option<StoredItem>>);

impl Past {
    /// What a read shall see, where that is not the present. Global indexes are told by `index`.
    pub fn of(
        tx: &ReadTx<'_>,
        ctx: &Ctx,
        table: &Definition,
        (consistent, index): (bool, Option<&Index>),
    ) -> Result<Option<Past>, StoreError> {
        if consistent || !table.extras.lags {
            return Ok(None);
        }
        let Some(lag) = Lag::of(ctx) else { return Ok(None) };
        let is_global = index.is_some_and(|index| index.global.is_some());
        let lag_ms = if is_global { lag.longest_ms() } else { lag.read_ms };
        let seen = ctx.now().plus_millis(-lag_ms);
        let past = Past::since(tx, table.data, seen)?;
        Ok((!past.0.is_empty()).then_some(past))
    }

    fn since(tx: &ReadTx<'_>, data: u64, seen: Timestamp) -> Result<Past, StoreError> {
        /// Changes that are looked up together.
        const STEP: usize = 64;
        let mut past = BTreeMap::new();
        let mut last = None;
        loop {
            let mut scan = tx.scan(&HISTORY).prefix((data,));
            if let Some(number) = last {
                scan = scan.before((data, number));
            }
            let rows = scan.reverse().limit(STEP).rows()?;
            let ended = rows.len() < STEP;
            for ((_, number), before) in rows {
                if before.at <= seen {
                    return Ok(Past(past));
                }
                last = Some(number);
                let item = before.item.as_deref().and_then(stored::decode_item);
                let item = item.map(|(size_bytes, item)| StoredItem { size_bytes, item });
                past.insert(before.spot, item);
            }
            if ended {
                return Ok(Past(past));
            }
        }
    }

    /// What was at a place, if it has changed.
    pub fn at(&self, spot: &[u8]) -> Option<Option<StoredItem>> {
        self.0.get(spot).cloned()
    }

    /// All rows of a page's range as they were, by their places in the table or in the index.
    fn rows(
        &self,
        tx: &ReadTx<'_>,
        page: &Page<'_>,
        table: &Definition,
        index: Option<&Index>,
    ) -> Result<BTreeMap<Vec<u8>, StoredItem>, StoreError> {
        let range = &page.range;
        let mut rows = BTreeMap::new();
        let Some(index) = index else {
            let mut scan = tx
                .scan(&ITEMS)
                .prefix((table.data,))
                .from((table.data, At(&range.from)));
            if let Some(to) = &range.to {
                scan = scan.before((table.data, At(to)));
            }
            rows.extend(scan.rows()?.into_iter().map(|((_, Spot(spot)), row)| (spot, row)));
            for (spot, before) in self.0.iter().filter(|(spot, _)| range.contains(spot)) {
                match before {
                    Some(before) => rows.insert(spot.clone(), before.clone()),
                    None => rows.remove(spot),
                };
            }
            return Ok(rows);
        };
        let mut scan = tx
            .scan(&ENTRIES)
            .prefix((index.data,))
            .from((index.data, At(&range.from)));
        if let Some(to) = &range.to {
            scan = scan.before((index.data, At(to)));
        }
        for ((_, Spot(bytes)), entry) in scan.rows()? {
            let spot = bytes.get(usize::from(entry.0)..).unwrap_or_default();
            if self.0.contains_key(spot) {
                continue;
            }
            if let Some(row) = tx.get(&ITEMS, (table.data, At(spot)))? {
                rows.insert(bytes, row);
            }
        }
        for (spot, before) in &self.0 {
            let Some(before) = before else { continue };
            let entry = index.entry(&before.item, spot);
            if let Some((bytes, _)) = entry.filter(|(bytes, _)| range.contains(bytes)) {
                rows.insert(bytes, before.clone());
            }
        }
        Ok(rows)
    }

    /// As [`Page::of_table`] and [`Page::of_index`] read the present.
    pub fn page(
        &self,
        tx: &ReadTx<'_>,
        page: &Page<'_>,
        (table, index, whole): (&Definition, Option<&Index>, bool),
    ) -> Result<Read, StoreError> {
        let rows = self.rows(tx, page, table, index)?;
        let is_left = |place: &Vec<u8>| match &page.after {
            None => true,
            Some(after) if page.forward => place > after,
            Some(after) => place < after,
        };
        let rows = rows.into_iter().filter(|(place, _)| is_left(place));
        let rows: Box<dyn Iterator<Item = (Vec<u8>, StoredItem)>> = if page.forward {
            Box::new(rows)
        } else {
            Box::new(rows.rev())
        };
        page.of_rows(rows, (table, index, whole))
    }
}
