//! The deferred work of times to live and of streams: finding what expires, deleting it, trimming records.

use crate::change::{self, By};
use crate::due::{STEP_ROWS, payload};
use crate::features::{EXPIRIES, SWEEPS};
use crate::follow;
use crate::state::{ITEMS, RECORDS, STREAMS, Spot, Stream};
use crate::tables::Rows;
use virga_base::{AwsError, Timestamp};
use virga_service::{Ctx, DueRow, StoreError, Tx};

/// Kind of deferred work: learning when a table's items expire.
pub const LEARN: &str = "learn_expiries";
/// Kind of deferred work: forgetting it.
pub const FORGET: &str = "forget_expiries";
/// Kind of deferred work: trimming a stream.
pub const TRIM: &str = "trim";

/// How long a stream's records are kept, and a stream that has ended.
pub const RECORDS_KEPT_S: i64 = 86_400;

/// Deletes what has expired, and looks when the next item does.
pub async fn expire(ctx: Ctx, bytes: Vec<u8>) -> Result<(), AwsError> {
    let (name, data): (String, u64) = payload(&bytes)?;
    loop {
        let now = ctx.now();
        let more = ctx
            .write(|tx| -> Result<bool, AwsError> {
                let table = tx.definition(&name)?.filter(|table| table.data == data);
                let Some(table) = table.filter(|table| table.extras.expires_by().is_some()) else {
                    tx.delete(&SWEEPS, (data,))?;
                    return Ok(false);
                };
                let attribute = table.extras.expires_by().unwrap_or_default();
                let due = follow::expired(tx, data, now, STEP_ROWS)?;
                for (at, spot) in &due {
                    let old = tx.get(&ITEMS, (data, spot))?;
                    let still = old
                        .as_ref()
                        .is_some_and(|old| follow::expires_at(&old.item, attribute) == Some(*at));
                    if still {
                        change::apply(tx, &table, &spot.0, (old.as_ref(), None), (now, By::Service))?;
                    }
                    tx.delete(&EXPIRIES, (data, *at, spot))?;
                }
                if due.len() == STEP_ROWS {
                    return Ok(true);
                }
                tx.delete(&SWEEPS, (data,))?;
                let next = tx.scan(&EXPIRIES).prefix((data,)).limit(1).keys()?;
                if let Some((_, at, _)) = next.first() {
                    follow::await_sweep(tx, &table, *at)?;
                }
                Ok(false)
            })
            .await?;
        if !more {
            return Ok(());
        }
    }
}

/// Looks through the items that were there before times to live were.
pub async fn learn(ctx: Ctx, bytes: Vec<u8>) -> Result<(), AwsError> {
    let (name, data): (String, u64) = payload(&bytes)?;
    let mut after: Option<Spot> = None;
    loop {
        let now = ctx.now();
        let next = ctx
            .write(|tx| -> Result<Option<Spot>, AwsError> {
                let Some(table) = tx.definition(&name)?.filter(|table| table.data == data) else {
                    return Ok(None);
                };
                let Some(attribute) = table.extras.expires_by() else {
                    return Ok(None);
                };
                let scan = tx.scan(&ITEMS).prefix((data,));
                let scan = match &after {
                    Some(after) => scan.after((data, after)),
                    None => scan,
                };
                let rows = scan.limit(STEP_ROWS).rows()?;
                for ((_, spot), row) in &rows {
                    if let Some(at) = follow::expires_at(&row.item, attribute) {
                        follow::await_expiry(tx, &table, &spot.0, at, now)?;
                    }
                }
                let whole = rows.len() == STEP_ROWS;
                Ok(rows
                    .into_iter()
                    .next_back()
                    .map(|((_, spot), _)| spot)
                    .filter(|_| whole))
            })
            .await?;
        match next {
            Some(spot) => after = Some(spot),
            None => return Ok(()),
        }
    }
}

/// Forgets when the items of a table would have expired, unless it has times to live again.
pub async fn forget(ctx: Ctx, bytes: Vec<u8>) -> Result<(), AwsError> {
    let (name, data): (String, u64) = payload(&bytes)?;
    loop {
        let more = ctx
            .write(|tx| -> Result<bool, AwsError> {
                let again = tx
                    .definition(&name)?
                    .is_some_and(|table| table.data == data && table.extras.expires_by().is_some());
                if again {
                    return Ok(false);
                }
                let keys = tx.scan(&EXPIRIES).prefix((data,)).limit(STEP_ROWS).keys()?;
                for (data, at, spot) in &keys {
                    tx.delete(&EXPIRIES, (*data, *at, spot))?;
                }
                Ok(keys.len() == STEP_ROWS)
            })
            .await?;
        if !more {
            return Ok(());
        }
    }
}

/// Has a stream trimmed a day from now, unless it is so already.
pub fn await_trim(
    tx: &mut Tx<'_>,
    table: &str,
    label: &str,
    stream: &mut Stream,
    now: Timestamp,
) -> Result<(), StoreError> {
    if stream.trimming {
        return Ok(());
    }
    stream.trimming = true;
    let row = DueRow {
        service: crate::wire::MODEL.to_owned(),
        kind: TRIM.to_owned(),
        account: stream.home.0,
        region: stream.home.1.clone(),
        payload: serde_json::to_vec(&(table, label)).unwrap_or_default(),
        attempts: 0,
    };
    tx.schedule(now.plus_secs(RECORDS_KEPT_S), &row)?;
    Ok(())
}

/// Removes the records that are a day old, and a stream that ended a day ago.
pub async fn trim(ctx: Ctx, bytes: Vec<u8>) -> Result<(), AwsError> {
    let (table, label): (String, String) = payload(&bytes)?;
    loop {
        let now = ctx.now();
        let oldest_kept = now.plus_secs(-RECORDS_KEPT_S);
        let more = ctx
            .write(|tx| -> Result<bool, AwsError> {
                let key = (table.as_str(), label.as_str());
                let Some(mut stream) = tx.get(&STREAMS, key)? else {
                    return Ok(false);
                };
                let rows = tx.scan(&RECORDS).prefix((stream.id,)).limit(STEP_ROWS).rows()?;
                let mut kept = None;
                for ((id, sequence), row) in &rows {
                    if row.at > oldest_kept {
                        kept = Some(row.at);
                        break;
                    }
                    tx.delete(&RECORDS, (*id, *sequence))?;
                }
                if kept.is_none() && rows.len() == STEP_ROWS {
                    return Ok(true);
                }
                stream.trimming = false;
                match (kept, stream.ended) {
                    (Some(at), _) => await_trim(tx, &table, &label, &mut stream, at)?,
                    (None, Some(ended)) if ended <= oldest_kept => {
                        tx.delete(&STREAMS, key)?;
                        return Ok(false);
                    }
                    (None, Some(ended)) => await_trim(tx, &table, &label, &mut stream, ended)?,
                    (None, None) => {}
                }
                tx.put(&STREAMS, key, &stream)?;
                Ok(false)
            })
            .await?;
        if !more {
            return Ok(());
        }
    }
}
