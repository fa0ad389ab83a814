//! Global tables of version 2017.11.29: names for tables that exist in several regions already.

use crate::errors::validation;
use crate::features::{Extras, GLOBAL_TABLES, GlobalTable, Replica};
use crate::state::{DEFINITIONS, ITEMS, View};
use crate::tables::Rows;
use crate::{limits, wire};
use virga_base::{AwsError, Region};
use virga_service::{Ctx, Tx};
use virga_store::Place;

fn no_global_table(name: &str) -> AwsError {
    AwsError::new(
        "GlobalTableNotFoundException",
        format!("Global table not found: Global table with name: '{name}' does not exist."),
    )
}

pub fn place(ctx: &Ctx, region: &str) -> Result<Place, AwsError> {
    let region = Region::parse(region).map_err(|_| validation(format!("Region {region} is not supported")))?;
    Ok(Place::new(ctx.account(), &region))
}

fn regions(group: Option<Vec<wire::Replica>>) -> Vec<String> {
    group
        .into_iter()
        .flatten()
        .filter_map(|replica| replica.region_name)
        .collect()
}

/// Fails where a region's table cannot be a replica.
fn check_replica(tx: &mut Tx<'_>, ctx: &Ctx, name: &str, region: &str) -> Result<(), AwsError> {
    let place = place(ctx, region)?;
    let away = tx.elsewhere(&place);
    let Some(table) = away.definition(name)? else {
        return Err(AwsError::new(
            "TableNotFoundException",
            format!("Table not found: {name} in region {region}"),
        ));
    };
    if table.stream.as_ref().map(|stream| stream.view) != Some(View::NewAndOldImages) {
        return Err(validation(
            "One or more parameter values were invalid: Table must have streams enabled with StreamViewType \
             NEW_AND_OLD_IMAGES",
        ));
    }
    if away.scan(&ITEMS).prefix((table.data,)).first()?.is_some() {
        return Err(validation(format!(
            "One or more parameter values were invalid: Table {name} in region {region} must be empty"
        )));
    }
    Ok(())
}

/// Has each region's table send its changes to all others.
fn connect(tx: &mut Tx<'_>, ctx: &Ctx, name: &str, all: &[String]) -> Result<(), AwsError> {
    let now = ctx.now();
    for region in all {
        let place = place(ctx, region)?;
        let mut away = tx.elsewhere(&place);
        let Some(mut table) = away.definition(name)? else {
            continue;
        };
        let others = all.iter().filter(|other| *other != region);
        table.extras = Extras {
            home: (ctx.account().number(), region.clone()),
            replicas: others
                .map(|other| Replica {
                    region: other.clone(),
                    active_at: now,
                    key_id: None,
                    class: None,
                    read_units: None,
                    read_request_units: None,
                })
                .collect(),
            ..table.extras
        };
        away.put(&DEFINITIONS, (name,), &table)?;
    }
    Ok(())
}

/// Writes what every region of a global table knows of it.
fn tell(tx: &mut Tx<'_>, ctx: &Ctx, name: &str, global: &GlobalTable) -> Result<(), AwsError> {
    for region in &global.regions {
        let place = place(ctx, region)?;
        tx.elsewhere(&place).put(&GLOBAL_TABLES, (name,), global)?;
    }
    Ok(())
}

fn description(ctx: &Ctx, name: &str, global: &GlobalTable, status: &str) -> wire::GlobalTableDescription {
    let mut arn = ctx.arn(&format!("global-table/{name}"));
    arn.region.clear();
    wire::GlobalTableDescription {
        replication_group: Some(
            global
                .regions
                .iter()
                .map(|region| wire::ReplicaDescription {
                    region_name: Some(region.clone()),
                    replica_status: Some("ACTIVE".to_owned()),
                    ..wire::ReplicaDescription::default()
                })
                .collect(),
        ),
        global_table_arn: Some(arn.to_string()),
        creation_date_time: Some(global.created),
        global_table_status: Some(status.to_owned()),
        global_table_name: Some(name.to_owned()),
    }
}

pub async fn create(ctx: Ctx, input: wire::CreateGlobalTableInput) -> Result<wire::CreateGlobalTableOutput, AwsError> {
    let name = input.global_table_name.unwrap_or_default();
    let global = GlobalTable {
        created: ctx.now(),
        regions: regions(input.replication_group),
    };
    ctx.write(|tx| -> Result<(), AwsError> {
        if tx.get(&GLOBAL_TABLES, (&name,))?.is_some() {
            return Err(AwsError::new(
                "GlobalTableAlreadyExistsException",
                format!("Global table with name: '{name}' already exists."),
            ));
        }
        for region in &global.regions {
            check_replica(tx, &ctx, &name, region)?;
        }
        connect(tx, &ctx, &name, &global.regions)?;
        tell(tx, &ctx, &name, &global)
    })
    .await?;
    Ok(wire::CreateGlobalTableOutput {
        global_table_description: Some(description(&ctx, &name, &global, "CREATING")),
    })
}

pub fn find(ctx: &Ctx, name: &str) -> Result<GlobalTable, AwsError> {
    ctx.read(|tx| -> Result<GlobalTable, AwsError> {
        tx.get(&GLOBAL_TABLES, (name,))?.ok_or_else(|| no_global_table(name))
    })
}

pub async fn describe(
    ctx: Ctx,
    input: wire::DescribeGlobalTableInput,
) -> Result<wire::DescribeGlobalTableOutput, AwsError> {
    let name = input.global_table_name.unwrap_or_default();
    let global = find(&ctx, &name)?;
    Ok(wire::DescribeGlobalTableOutput {
        global_table_description: Some(description(&ctx, &name, &global, "ACTIVE")),
    })
}

pub async fn list(ctx: Ctx, input: wire::ListGlobalTablesInput) -> Result<wire::ListGlobalTablesOutput, AwsError> {
    let limit = input
        .limit
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(limits::TABLES_LISTED_MAX);
    let rows = ctx.read(|tx| -> Result<Vec<(String, GlobalTable)>, AwsError> {
        let scan = tx.scan(&GLOBAL_TABLES);
        let scan = match &input.exclusive_start_global_table_name {
            Some(after) => scan.after((after,)),
            None => scan,
        };
        Ok(scan.rows()?.into_iter().map(|((name,), row)| (name, row)).collect())
    })?;
    let region = input.region_name;
    let wanted = |row: &GlobalTable| region.as_ref().is_none_or(|region| row.regions.contains(region));
    let mut found: Vec<(String, GlobalTable)> = rows.into_iter().filter(|(_, row)| wanted(row)).collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more).map(|(name, _)| name.clone());
    let shown = found.into_iter().map(|(name, row)| wire::GlobalTable {
        global_table_name: Some(name),
        replication_group: Some(
            row.regions
                .into_iter()
                .map(|region| wire::Replica {
                    region_name: Some(region),
                })
                .collect(),
        ),
    });
    Ok(wire::ListGlobalTablesOutput {
        global_tables: Some(shown.collect()),
        last_evaluated_global_table_name: last,
    })
}

pub async fn update(ctx: Ctx, input: wire::UpdateGlobalTableInput) -> Result<wire::UpdateGlobalTableOutput, AwsError> {
    let name = input.global_table_name.unwrap_or_default();
    let updates = input.replica_updates.unwrap_or_default();
    let global = ctx
        .write(|tx| -> Result<GlobalTable, AwsError> {
            let mut global = tx
                .get(&GLOBAL_TABLES, (&name,))?
                .ok_or_else(|| no_global_table(&name))?;
            let before = global.regions.clone();
            for update in &updates {
                let created = update.create.as_ref().and_then(|create| create.region_name.clone());
                let deleted = update.delete.as_ref().and_then(|delete| delete.region_name.clone());
                if let Some(region) = created {
                    if global.regions.contains(&region) {
                        return Err(AwsError::new(
                            "ReplicaAlreadyExistsException",
                            format!("Replica already exists: {region}"),
                        ));
                    }
                    check_replica(tx, &ctx, &name, &region)?;
                    global.regions.push(region);
                }
                if let Some(region) = deleted {
                    if !global.regions.contains(&region) {
                        return Err(AwsError::new(
                            "ReplicaNotFoundException",
                            format!("Replica not found: {region}"),
                        ));
                    }
                    global.regions.retain(|other| *other != region);
                }
            }
            for region in before.iter().filter(|region| !global.regions.contains(region)) {
                connect(tx, &ctx, &name, std::slice::from_ref(region))?;
                let place = place(&ctx, region)?;
                tx.elsewhere(&place).delete(&GLOBAL_TABLES, (&name,))?;
            }
            connect(tx, &ctx, &name, &global.regions)?;
            tell(tx, &ctx, &name, &global)?;
            Ok(global)
        })
        .await?;
    Ok(wire::UpdateGlobalTableOutput {
        global_table_description: Some(description(&ctx, &name, &global, "UPDATING")),
    })
}
