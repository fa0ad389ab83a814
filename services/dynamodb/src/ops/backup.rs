//! CreateBackup, DescribeBackup, ListBackups, DeleteBackup, RestoreTableFromBackup.

use super::restore::{self, Overrides};
use crate::due::payload;
use crate::errors;
use crate::features::{BACKUP_ITEMS, BACKUP_NUMBERS, BACKUPS, Backup, Restored};
use crate::schema::Index;
use crate::state::{Definition, ITEMS, StoredItem};
use crate::tables::Rows;
use crate::{describe, due, tables, wire};
use virga_base::{AwsError, Timestamp};
use virga_service::{Ctx, Tx};

/// Kind of deferred work: removing the items of a backup that is gone, or the backup itself once it expires.
pub const CLEAR: &str = "clear_backup";

const LISTED_MAX: usize = 100;
/// How long the backup of a deleted table is kept.
const SYSTEM_KEPT_S: i64 = 35 * 86_400;

pub fn no_backup(arn: &str) -> AwsError {
    AwsError::new("BackupNotFoundException", format!("Backup not found: {arn}"))
}

pub fn no_table(name: &str) -> AwsError {
    AwsError::new("TableNotFoundException", format!("Table not found: {name}"))
}

/// The last part of a backup's ARN.
fn id_of(arn: &str) -> Result<&str, AwsError> {
    let id = arn.rsplit_once("/backup/").map(|(_, id)| id);
    id.ok_or_else(|| {
        errors::validation(format!(
            "Invalid BackupArn: Invalid ResourceArn provided as input {arn}"
        ))
    })
}

/// Copies a table as it is now. `data` is nobody's yet.
pub fn take(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    table: &Definition,
    (name, kind): (&str, &str),
    data: u64,
    now: Timestamp,
) -> Result<Backup, AwsError> {
    let rows = tx.scan(&ITEMS).prefix((table.data,)).rows()?;
    let (mut items, mut bytes) = (0, 0);
    for ((_, spot), row) in &rows {
        tx.put(&BACKUP_ITEMS, (data, spot), row)?;
        items += 1;
        bytes += row.size_bytes as u64;
    }
    let number = tx.get(&BACKUP_NUMBERS, ())?.unwrap_or(0) + 1;
    tx.put(&BACKUP_NUMBERS, (), &number)?;
    let id = format!(
        "{:014}-{:08x}",
        now.as_millis(),
        number.wrapping_mul(0x9e37_79b9) & 0xffff_ffff
    );
    let backup = Backup {
        arn: ctx.arn(&format!("table/{}/backup/{id}", table.name)).to_string(),
        name: name.to_owned(),
        kind: kind.to_owned(),
        created: now,
        expires: (kind == "SYSTEM").then(|| now.plus_secs(SYSTEM_KEPT_S)),
        data,
        items,
        bytes,
        table_arn: describe::table_arn(ctx, &table.name),
        table: table.clone(),
    };
    tx.put(&BACKUPS, (&id,), &backup)?;
    if let Some(expires) = backup.expires {
        tx.schedule(expires, &due::row(ctx, CLEAR, &(id, data)))?;
    }
    Ok(backup)
}

pub async fn create(ctx: Ctx, input: wire::CreateBackupInput) -> Result<wire::CreateBackupOutput, AwsError> {
    let name = tables::name(&ctx, input.table_name.as_deref())?;
    let backup_name = input.backup_name.unwrap_or_default();
    let (now, data) = (ctx.now(), ctx.ids().u64());
    let backup = ctx
        .write(|tx| -> Result<Backup, AwsError> {
            let table = tx.definition(&name)?.ok_or_else(|| no_table(&name))?;
            if now < table.active_at || table.deleting {
                return Err(errors::in_use(format!(
                    "Attempt to change a resource which is still in use: Table is being {}: {name}",
                    if table.deleting { "deleted" } else { "created" }
                )));
            }
            take(tx, &ctx, &table, (&backup_name, "USER"), data, now)
        })
        .await?;
    Ok(wire::CreateBackupOutput {
        backup_details: Some(details(&backup, "CREATING")),
    })
}

fn details(backup: &Backup, status: &str) -> wire::BackupDetails {
    wire::BackupDetails {
        backup_arn: Some(backup.arn.clone()),
        backup_name: Some(backup.name.clone()),
        backup_size_bytes: i64::try_from(backup.bytes).ok(),
        backup_status: Some(status.to_owned()),
        backup_type: Some(backup.kind.clone()),
        backup_creation_date_time: Some(backup.created),
        backup_expiry_date_time: backup.expires,
    }
}

fn description(backup: &Backup, status: &str) -> wire::BackupDescription {
    let table = &backup.table;
    let billing = &table.billing;
    let throughput = |read: i64, write: i64| wire::ProvisionedThroughput {
        read_capacity_units: Some(read),
        write_capacity_units: Some(write),
    };
    let local = |index: &Index| wire::LocalSecondaryIndexInfo {
        index_name: Some(index.name.clone()),
        key_schema: Some(describe::schema(&index.schema)),
        projection: Some(describe::projection(&index.projected)),
    };
    let global = |index: &Index| {
        let global = index.global.as_ref()?;
        Some(wire::GlobalSecondaryIndexInfo {
            index_name: Some(index.name.clone()),
            key_schema: Some(describe::schema(&index.schema)),
            projection: Some(describe::projection(&index.projected)),
            provisioned_throughput: Some(throughput(
                global.provisioned.read_units,
                global.provisioned.write_units,
            )),
            on_demand_throughput: None,
        })
    };
    let locals: Vec<_> = table
        .indexes
        .iter()
        .filter(|index| index.global.is_none())
        .map(local)
        .collect();
    let globals: Vec<_> = table.indexes.iter().filter_map(global).collect();
    wire::BackupDescription {
        backup_details: Some(details(backup, status)),
        source_table_details: Some(wire::SourceTableDetails {
            table_name: Some(table.name.clone()),
            table_id: Some(table.id.clone()),
            table_arn: Some(backup.table_arn.clone()),
            table_size_bytes: i64::try_from(backup.bytes).ok(),
            key_schema: Some(describe::schema(&table.schema)),
            table_creation_date_time: Some(table.created),
            provisioned_throughput: Some(throughput(
                billing.provisioned.read_units,
                billing.provisioned.write_units,
            )),
            on_demand_throughput: None,
            item_count: i64::try_from(backup.items).ok(),
            billing_mode: Some(
                if billing.on_demand {
                    "PAY_PER_REQUEST"
                } else {
                    "PROVISIONED"
                }
                .to_owned(),
            ),
        }),
        source_table_feature_details: Some(wire::SourceTableFeatureDetails {
            local_secondary_indexes: (!locals.is_empty()).then_some(locals),
            global_secondary_indexes: (!globals.is_empty()).then_some(globals),
            stream_description: table.stream.as_ref().map(|stream| wire::StreamSpecification {
                stream_enabled: Some(true),
                stream_view_type: Some(stream.view.name().to_owned()),
            }),
            time_to_live_description: Some(super::time_to_live::description(table)),
            sse_description: None,
        }),
    }
}

pub async fn describe(ctx: Ctx, input: wire::DescribeBackupInput) -> Result<wire::DescribeBackupOutput, AwsError> {
    let arn = input.backup_arn.unwrap_or_default();
    let id = id_of(&arn)?;
    let backup = ctx.read(|tx| -> Result<Backup, AwsError> {
        let found = tx.get(&BACKUPS, (id,))?;
        found.filter(|backup| backup.arn == arn).ok_or_else(|| no_backup(&arn))
    })?;
    Ok(wire::DescribeBackupOutput {
        backup_description: Some(description(&backup, "AVAILABLE")),
    })
}

pub async fn list(ctx: Ctx, input: wire::ListBackupsInput) -> Result<wire::ListBackupsOutput, AwsError> {
    let table = match input.table_name.as_deref() {
        Some(given) => Some(tables::name(&ctx, Some(given))?),
        None => None,
    };
    let limit = input
        .limit
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(LISTED_MAX);
    let after = input.exclusive_start_backup_arn.as_deref().map(id_of).transpose()?;
    let kind = input.backup_type.as_deref().unwrap_or("ALL");
    let wanted = |backup: &Backup| {
        table.as_ref().is_none_or(|table| backup.table.name == *table)
            && (kind == "ALL" || backup.kind == kind)
            && input.time_range_lower_bound.is_none_or(|bound| backup.created >= bound)
            && input.time_range_upper_bound.is_none_or(|bound| backup.created < bound)
    };
    let mut found = ctx.read(|tx| -> Result<Vec<Backup>, AwsError> {
        let scan = tx.scan(&BACKUPS);
        let scan = match after {
            Some(after) => scan.after((after,)),
            None => scan,
        };
        let rows = scan.rows()?.into_iter().map(|(_, backup)| backup);
        Ok(rows.filter(wanted).take(limit + 1).collect())
    })?;
    let more = found.len() > limit;
    found.truncate(limit);
    let summary = |backup: &Backup| wire::BackupSummary {
        table_name: Some(backup.table.name.clone()),
        table_id: Some(backup.table.id.clone()),
        table_arn: Some(backup.table_arn.clone()),
        backup_arn: Some(backup.arn.clone()),
        backup_name: Some(backup.name.clone()),
        backup_creation_date_time: Some(backup.created),
        backup_expiry_date_time: backup.expires,
        backup_status: Some("AVAILABLE".to_owned()),
        backup_type: Some(backup.kind.clone()),
        backup_size_bytes: i64::try_from(backup.bytes).ok(),
    };
    Ok(wire::ListBackupsOutput {
        backup_summaries: Some(found.iter().map(summary).collect()),
        last_evaluated_backup_arn: found.last().filter(|_| more).map(|backup| backup.arn.clone()),
    })
}

pub async fn delete(ctx: Ctx, input: wire::DeleteBackupInput) -> Result<wire::DeleteBackupOutput, AwsError> {
    let arn = input.backup_arn.unwrap_or_default();
    let id = id_of(&arn)?;
    let now = ctx.now();
    let backup = ctx
        .write(|tx| -> Result<Backup, AwsError> {
            let found = tx.get(&BACKUPS, (id,))?.filter(|backup| backup.arn == arn);
            let backup = found.ok_or_else(|| no_backup(&arn))?;
            tx.delete(&BACKUPS, (id,))?;
            tx.schedule(now, &due::row(&ctx, CLEAR, &(id, backup.data)))?;
            Ok(backup)
        })
        .await?;
    Ok(wire::DeleteBackupOutput {
        backup_description: Some(description(&backup, "DELETED")),
    })
}

/// Removes a backup, if it is still there, and its items.
pub async fn clear(ctx: Ctx, bytes: Vec<u8>) -> Result<(), AwsError> {
    let (id, data): (String, u64) = payload(&bytes)?;
    loop {
        let more = ctx
            .write(|tx| -> Result<bool, AwsError> {
                tx.delete(&BACKUPS, (&id,))?;
                let keys = tx.scan(&BACKUP_ITEMS).prefix((data,)).limit(due::STEP_ROWS).keys()?;
                for (data, spot) in &keys {
                    tx.delete(&BACKUP_ITEMS, (*data, spot))?;
                }
                Ok(keys.len() == due::STEP_ROWS)
            })
            .await?;
        if !more {
            return Ok(());
        }
    }
}

pub async fn restore(
    ctx: Ctx,
    input: wire::RestoreTableFromBackupInput,
) -> Result<wire::RestoreTableFromBackupOutput, AwsError> {
    let arn = input.backup_arn.unwrap_or_default();
    let id = id_of(&arn)?;
    let target = input.target_table_name.unwrap_or_default();
    let overrides = Overrides {
        billing_mode: input.billing_mode_override,
        throughput: input.provisioned_throughput_override,
        global: input.global_secondary_index_override,
        local: input.local_secondary_index_override,
        encryption: input.sse_specification_override,
    };
    let backup = ctx.read(|tx| -> Result<Backup, AwsError> {
        restore::check_target(tx, &target)?;
        let found = tx.get(&BACKUPS, (id,))?;
        found.filter(|backup| backup.arn == arn).ok_or_else(|| no_backup(&arn))
    })?;
    let from = Restored {
        backup_arn: Some(arn),
        table_arn: backup.table_arn.clone(),
        at: ctx.now(),
    };
    let table = restore::declare(&ctx, &backup.table, &target, &overrides, from)?;
    let items = |tx: &Tx<'_>| -> Result<Vec<(Vec<u8>, StoredItem)>, AwsError> {
        let rows = tx.scan(&BACKUP_ITEMS).prefix((backup.data,)).rows()?;
        Ok(rows.into_iter().map(|((_, spot), row)| (spot.0, row)).collect())
    };
    let described = restore::run(&ctx, &table, items).await?;
    Ok(wire::RestoreTableFromBackupOutput {
        table_description: Some(described),
    })
}
