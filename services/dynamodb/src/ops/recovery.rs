//! UpdateContinuousBackups, DescribeContinuousBackups, RestoreTableToPointInTime.
//!
//! While recovery is on, the state of every item before each change is kept. The table of some time ago is the present
//! one with the later changes taken back.

use super::backup::no_table;
use super::restore::{self, Overrides};
use crate::due::payload;
use crate::errors::parameter;
use crate::features::{HISTORY, HISTORY_ENDS, Recovery, Restored};
use crate::past::Lag;
use crate::state::{DEFINITIONS, Definition, ITEMS, StoredItem};
use crate::tables::Rows;
use crate::{describe, due, tables, wire};
use std::collections::BTreeMap;
use virga_base::{Arn, AwsError, Timestamp};
use virga_lang_dynamodb::stored;
use virga_service::{Ctx, Tx};

/// Kind of deferred work: forgetting what is older than the recovery period.
pub const TRIM: &str = "trim_history";

const PERIOD_DAYS: i32 = 35;
pub const DAY_S: i64 = 86_400;

impl Recovery {
    pub fn earliest(&self, now: Timestamp) -> Timestamp {
        self.since.max(now.plus_secs(-i64::from(self.period_days) * DAY_S))
    }
}

fn description(table: &Definition, now: Timestamp) -> wire::ContinuousBackupsDescription {
    let recovery = table.extras.recovery.as_ref();
    let point = match recovery {
        Some(recovery) => wire::PointInTimeRecoveryDescription {
            point_in_time_recovery_status: Some("ENABLED".to_owned()),
            recovery_period_in_days: Some(recovery.period_days),
            earliest_restorable_date_time: Some(recovery.earliest(now)),
            // Told in whole seconds.
            latest_restorable_date_time: Some(Timestamp::from_secs(now.as_secs()).max(recovery.since)),
        },
        None => wire::PointInTimeRecoveryDescription {
            point_in_time_recovery_status: Some("DISABLED".to_owned()),
            ..wire::PointInTimeRecoveryDescription::default()
        },
    };
    wire::ContinuousBackupsDescription {
        continuous_backups_status: Some("ENABLED".to_owned()),
        point_in_time_recovery_description: Some(point),
    }
}

pub async fn update(
    ctx: Ctx,
    input: wire::UpdateContinuousBackupsInput,
) -> Result<wire::UpdateContinuousBackupsOutput, AwsError> {
    let name = tables::name(&ctx, input.table_name.as_deref())?;
    let given = input.point_in_time_recovery_specification.unwrap_or_default();
    let enabled = given.point_in_time_recovery_enabled == Some(true);
    if !enabled && given.recovery_period_in_days.is_some() {
        return Err(parameter(
            "RecoveryPeriodInDays cannot be specified when PointInTimeRecoveryEnabled is false",
        ));
    }
    let now = ctx.now();
    let table = ctx
        .write(|tx| -> Result<Definition, AwsError> {
            let mut table = tx.definition(&name)?.ok_or_else(|| no_table(&name))?;
            let before = table.extras.recovery.take();
            table.extras.settle(&ctx);
            if enabled {
                if before.is_none() && !table.extras.lags {
                    let row = table.extras.due_row(TRIM, &(&name, table.data));
                    tx.schedule(now.plus_secs(DAY_S), &row)?;
                }
                let since = before.as_ref().map_or(now, |before| before.since);
                let period = before.map_or(PERIOD_DAYS, |before| before.period_days);
                table.extras.recovery = Some(Recovery {
                    since,
                    period_days: given.recovery_period_in_days.unwrap_or(period),
                });
            } else if before.is_some() && !table.extras.lags {
                tx.schedule(now, &table.extras.due_row(TRIM, &(&name, table.data)))?;
            }
            tx.put(&DEFINITIONS, (&name,), &table)?;
            Ok(table)
        })
        .await?;
    Ok(wire::UpdateContinuousBackupsOutput {
        continuous_backups_description: Some(description(&table, now)),
    })
}

pub async fn describe(
    ctx: Ctx,
    input: wire::DescribeContinuousBackupsInput,
) -> Result<wire::DescribeContinuousBackupsOutput, AwsError> {
    let name = tables::name(&ctx, input.table_name.as_deref())?;
    let table = ctx.read(|tx| -> Result<Definition, AwsError> {
        let found = Rows::definition(tx, &name)?;
        found.ok_or_else(|| no_table(&name))
    })?;
    Ok(wire::DescribeContinuousBackupsOutput {
        continuous_backups_description: Some(description(&table, ctx.now())),
    })
}

/// Forgets what is too old, or all of it where recovery is off or the table gone.
pub async fn trim(ctx: Ctx, bytes: Vec<u8>) -> Result<(), AwsError> {
    let (name, data): (String, u64) = payload(&bytes)?;
    loop {
        let (now, lag) = (ctx.now(), Lag::of(&ctx));
        let more = ctx
            .write(|tx| -> Result<bool, AwsError> {
                let table = tx.definition(&name)?.filter(|table| table.data == data);
                let recovery = table.as_ref().and_then(|table| table.extras.recovery.as_ref());
                let kept_from = match (&table, recovery) {
                    (_, Some(recovery)) => Some(recovery.earliest(now)),
                    (Some(table), None) if table.extras.lags => lag.map(|lag| now.plus_millis(-lag.longest_ms())),
                    _ => None,
                };
                let rows = tx.scan(&HISTORY).prefix((data,)).limit(due::STEP_ROWS).rows()?;
                let old = rows
                    .iter()
                    .take_while(|(_, row)| kept_from.is_none_or(|from| row.at < from));
                let mut gone = 0;
                for ((data, number), _) in old {
                    tx.delete(&HISTORY, (*data, *number))?;
                    gone += 1;
                }
                if gone == due::STEP_ROWS {
                    return Ok(true);
                }
                match table {
                    Some(table) if kept_from.is_some() => {
                        let row = table.extras.due_row(TRIM, &(&name, data));
                        tx.schedule(now.plus_secs(DAY_S), &row)?;
                    }
                    Some(mut table) if table.extras.lags => {
                        table.extras.lags = false;
                        tx.put(&DEFINITIONS, (&name,), &table)?;
                        tx.delete(&HISTORY_ENDS, (data,))?;
                    }
                    _ => tx.delete(&HISTORY_ENDS, (data,))?,
                }
                Ok(false)
            })
            .await?;
        if !more {
            return Ok(());
        }
    }
}

pub async fn restore(
    ctx: Ctx,
    input: wire::RestoreTableToPointInTimeInput,
) -> Result<wire::RestoreTableToPointInTimeOutput, AwsError> {
    let source = source(&ctx, &input)?;
    let target = input.target_table_name.unwrap_or_default();
    let now = ctx.now();
    let table = ctx.read(|tx| -> Result<Definition, AwsError> {
        let table = Rows::definition(tx, &source)?.ok_or_else(|| {
            AwsError::new(
                "SourceTableNotFoundException",
                format!("Source table not found: {source}"),
            )
        })?;
        restore::check_target(tx, &target)?;
        Ok(table)
    })?;
    let Some(recovery) = &table.extras.recovery else {
        return Err(AwsError::new(
            "PointInTimeRecoveryUnavailableException",
            format!("Point in time recovery is not enabled for table '{source}'"),
        ));
    };
    let at = match (input.use_latest_restorable_time, input.restore_date_time) {
        (Some(true), Some(_)) => {
            return Err(parameter(
                "RestoreDateTime cannot be specified when UseLatestRestorableTime is true",
            ));
        }
        (Some(true), None) => now,
        (_, Some(at)) => at,
        (_, None) => {
            return Err(parameter(
                "Either RestoreDateTime or UseLatestRestorableTime must be specified",
            ));
        }
    };
    if at < recovery.earliest(now) || at > now {
        return Err(restore::bad_time(&table));
    }
    let overrides = Overrides {
        billing_mode: input.billing_mode_override,
        throughput: input.provisioned_throughput_override,
        global: input.global_secondary_index_override,
        local: input.local_secondary_index_override,
        encryption: input.sse_specification_override,
    };
    let from = Restored {
        backup_arn: None,
        table_arn: describe::table_arn(&ctx, &source),
        at,
    };
    let restored = restore::declare(&ctx, &table, &target, &overrides, from)?;
    let described = restore::run(&ctx, &restored, |tx| items_at(tx, table.data, at)).await?;
    Ok(wire::RestoreTableToPointInTimeOutput {
        table_description: Some(described),
    })
}

fn source(ctx: &Ctx, input: &wire::RestoreTableToPointInTimeInput) -> Result<String, AwsError> {
    match (&input.source_table_name, &input.source_table_arn) {
        (Some(name), _) => Ok(name.clone()),
        (None, Some(arn)) => {
            let bad = || parameter(format!("Invalid SourceTableArn: {arn}"));
            let parsed = Arn::parse(arn).map_err(|_| bad())?;
            let name = parsed.resource.strip_prefix("table/").ok_or_else(bad)?;
            if parsed.account != ctx.account().to_string() || parsed.region != ctx.region().as_str() {
                return Err(bad());
            }
            Ok(name.to_owned())
        }
        (None, None) => Err(parameter("Either SourceTableName or SourceTableArn must be specified")),
    }
}

/// The items as they were at a time.
pub fn items_at(tx: &Tx<'_>, data: u64, at: Timestamp) -> Result<Vec<(Vec<u8>, StoredItem)>, AwsError> {
    let rows = tx.scan(&ITEMS).prefix((data,)).rows()?;
    let mut items: BTreeMap<Vec<u8>, StoredItem> = rows.into_iter().map(|((_, spot), row)| (spot.0, row)).collect();
    for (_, before) in tx.scan(&HISTORY).prefix((data,)).reverse().rows()? {
        if before.at <= at {
            break;
        }
        let item = before.item.as_deref().and_then(stored::decode_item);
        match item {
            Some((size_bytes, item)) => items.insert(before.spot, StoredItem { size_bytes, item }),
            None => items.remove(&before.spot),
        };
    }
    Ok(items.into_iter().collect())
}
