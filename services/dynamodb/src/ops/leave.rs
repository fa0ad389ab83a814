//! What goes with a table beside its rows.

use super::{backup, recovery, replica};
use crate::expire;
use crate::features::{DESTINATIONS, INSIGHTS, POLICIES, SCALING, STAMPS, SWEEPS};
use crate::state::Definition;
use crate::{describe, due, throttle};
use virga_base::{AwsError, Timestamp};
use virga_service::{Ctx, Tx};

/// Kind of deferred work: forgetting when a table's items were changed.
pub const FORGET_STAMPS: &str = "forget_stamps";

/// Does it while the table's items are still there.
pub fn leave(tx: &mut Tx<'_>, ctx: &Ctx, table: &Definition, now: Timestamp) -> Result<(), AwsError> {
    let extras = &table.extras;
    if extras.recovery.is_some() {
        // A table that could have been recovered leaves a backup; its data id is free from now on.
        let name = format!("{}$DeletedTableBackup", table.name);
        backup::take(tx, ctx, table, (&name, "SYSTEM"), table.data, now)?;
        tx.schedule(now, &due::row(ctx, recovery::TRIM, &(&table.name, table.data)))?;
    }
    if extras.recovery.is_none() && extras.lags {
        tx.schedule(now, &due::row(ctx, recovery::TRIM, &(&table.name, table.data)))?;
    }
    if extras.expiry.is_some() {
        tx.delete(&SWEEPS, (table.data,))?;
        tx.schedule(now, &due::row(ctx, expire::FORGET, &(&table.name, table.data)))?;
    }
    if !extras.replicas.is_empty() {
        replica::leave(tx, ctx, table)?;
        tx.schedule(now, &due::row(ctx, FORGET_STAMPS, &(table.data,)))?;
    }
    tx.delete_all(&DESTINATIONS, (table.data,))?;
    tx.delete_all(&INSIGHTS, (&table.name,))?;
    tx.delete(&SCALING, (table.data,))?;
    for data in std::iter::once(table.data).chain(table.indexes.iter().map(|index| index.data)) {
        throttle::forget(tx, data)?;
    }
    tx.delete(&POLICIES, (&describe::table_arn(ctx, &table.name),))?;
    Ok(())
}

pub async fn forget_stamps(ctx: Ctx, bytes: Vec<u8>) -> Result<(), AwsError> {
    let (data,): (u64,) = due::payload(&bytes)?;
    loop {
        let more = ctx
            .write(|tx| -> Result<bool, AwsError> {
                let keys = tx.scan(&STAMPS).prefix((data,)).limit(due::STEP_ROWS).keys()?;
                for (data, spot) in &keys {
                    tx.delete(&STAMPS, (*data, spot))?;
                }
                Ok(keys.len() == due::STEP_ROWS)
            })
            .await?;
        if !more {
            return Ok(());
        }
    }
}
