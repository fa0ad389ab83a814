//! What DynamoDB does later: removing the rows of what is gone, filling new indexes.

use crate::change;
use crate::state::{DEFINITIONS, ENTRIES, ITEMS, Spot};
use crate::{ops, tables};
use serde::Serialize;
use serde::de::DeserializeOwned;
use virga_base::AwsError;
use virga_service::{Ctx, DueRow};

pub const DROP: &str = "drop";
pub const VANISH: &str = "vanish";
pub const BACKFILL: &str = "backfill";

/// How many rows one transaction removes or adds.
pub const STEP_ROWS: usize = 500;

pub fn row(ctx: &Ctx, kind: &str, payload: &impl Serialize) -> DueRow {
    // Names and numbers always have a JSON form.
    ctx.due_row(kind, serde_json::to_vec(payload).unwrap_or_default())
}

/// What deferred work was left, as [`row`] wrote it.
pub fn payload<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, AwsError> {
    serde_json::from_slice(bytes).map_err(|_| AwsError::internal("deferred work of DynamoDB cannot be read"))
}

/// Removes the items under some data ids, and the index entries under others, which nobody has any more.
pub fn drop_row(ctx: &Ctx, items: &[u64], entries: &[u64]) -> DueRow {
    row(ctx, DROP, &(items, entries))
}

/// Ends a table that is being deleted.
pub fn vanish_row(ctx: &Ctx, name: &str, id: &str) -> DueRow {
    row(ctx, VANISH, &(name, id))
}

/// Fills an index with the items that were there before it.
pub fn backfill_row(ctx: &Ctx, name: &str, index_data: u64) -> DueRow {
    row(ctx, BACKFILL, &(name, index_data))
}

pub async fn drop_rows(ctx: Ctx, bytes: Vec<u8>) -> Result<(), AwsError> {
    let (items, entries): (Vec<u64>, Vec<u64>) = payload(&bytes)?;
    for data in items {
        loop {
            let more = ctx.write(|tx| -> Result<bool, AwsError> {
                let keys = tx.scan(&ITEMS).prefix((data,)).limit(STEP_ROWS).keys()?;
                for key in &keys {
                    tx.delete(&ITEMS, (key.0, &key.1))?;
                }
                Ok(keys.len() == STEP_ROWS)
            });
            if !more.await? {
                break;
            }
        }
    }
    for data in entries {
        loop {
            let more = ctx.write(|tx| -> Result<bool, AwsError> {
                let keys = tx.scan(&ENTRIES).prefix((data,)).limit(STEP_ROWS).keys()?;
                for key in &keys {
                    tx.delete(&ENTRIES, (key.0, &key.1))?;
                }
                Ok(keys.len() == STEP_ROWS)
            });
            if !more.await? {
                break;
            }
        }
    }
    Ok(())
}

pub async fn vanish(ctx: Ctx, bytes: Vec<u8>) -> Result<(), AwsError> {
    let (name, id): (String, String) = payload(&bytes)?;
    let now = ctx.now();
    ctx.write(|tx| -> Result<(), AwsError> {
        match tables::Rows::definition(tx, &name)? {
            Some(table) if table.id == id && table.deleting => ops::table::remove(tx, &ctx, &table, now),
            _ => Ok(()),
        }
    })
    .await
}

pub async fn backfill(ctx: Ctx, bytes: Vec<u8>) -> Result<(), AwsError> {
    let (name, index_data): (String, u64) = payload(&bytes)?;
    let mut after: Option<Spot> = None;
    loop {
        let next = ctx
            .write(|tx| -> Result<Option<Spot>, AwsError> {
                let Some(mut table) = tables::Rows::definition(tx, &name)? else {
                    return Ok(None);
                };
                let data = table.data;
                let Some(index) = table.indexes.iter_mut().find(|index| index.data == index_data) else {
                    return Ok(None);
                };
                let scan = tx.scan(&ITEMS).prefix((data,));
                let scan = match &after {
                    Some(after) => scan.after((data, after)),
                    None => scan,
                };
                let rows = scan.limit(STEP_ROWS).rows()?;
                for ((_, spot), row) in &rows {
                    change::backfill(tx, index, &spot.0, &row.item)?;
                }
                if rows.len() == STEP_ROWS {
                    return Ok(rows.into_iter().next_back().map(|((_, spot), _)| spot));
                }
                if let Some(global) = &mut index.global {
                    global.backfilling = false;
                }
                tx.put(&DEFINITIONS, (&name,), &table)?;
                Ok(None)
            })
            .await?;
        match next {
            Some(spot) => after = Some(spot),
            None => return Ok(()),
        }
    }
}
