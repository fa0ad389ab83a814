//! Global tables of version 2019.11.21: `ReplicaUpdates` of UpdateTable, and changes on their way to other regions.
//!
//! Each region has a table of its own, with its own stream. A change is brought to the others as deferred work; of two
//! changes of one item, the later one stays everywhere.

use super::table::{encryption, new_stream, remove};
use crate::change::{self, By};
use crate::describe;
use crate::due::payload;
use crate::errors::validation;
use crate::features::{Extras, Replica, STAMPS};
use crate::follow::Replication;
use crate::quota;
use crate::state::{At, DEFINITIONS, Definition, ITEMS, OnDemand, STREAMS, Stream, StreamOn, View};
use crate::tables::{self, Rows};
use crate::wire;
use virga_base::{AwsError, Region, Timestamp};
use virga_service::{Ctx, Tx};
use virga_store::Place;

pub const VERSION: &str = "2019.11.21";

/// What is drawn before the transaction for one new replica.
struct Fresh {
    id: String,
    data: u64,
    index_data: Vec<u64>,
    stream: (StreamOn, Stream),
}

fn region(name: Option<&str>) -> Result<Region, AwsError> {
    let name = name.unwrap_or_default();
    Region::parse(name).map_err(|_| validation(format!("Region {name} is not supported for global tables")))
}

fn place(ctx: &Ctx, region: &str) -> Place {
    Place::new(ctx.account(), &Region::parse(region).unwrap_or_default())
}

pub async fn update(
    ctx: &Ctx,
    name: &str,
    updates: Vec<wire::ReplicationGroupUpdate>,
) -> Result<wire::UpdateTableOutput, AwsError> {
    let now = ctx.now();
    let done_at = tables::done_at(ctx);
    let before = ctx.read(|tx| tables::find(tx, name))?;
    let own_stream = new_stream(ctx, &before, View::NewAndOldImages, now);
    let mut fresh = Vec::new();
    for update in &updates {
        let there = match &update.create {
            Some(create) => region(create.region_name.as_deref())?,
            None => ctx.region().clone(),
        };
        let away = ctx.elsewhere(ctx.account(), there);
        fresh.push(Fresh {
            id: ctx.ids().uuid(),
            data: ctx.ids().u64(),
            index_data: before.indexes.iter().map(|_| ctx.ids().u64()).collect(),
            stream: new_stream(&away, &before, View::NewAndOldImages, now),
        });
    }
    let table = ctx
        .write(|tx| -> Result<Definition, AwsError> {
            let mut table = tables::find(tx, name)?;
            super::restore::check_active(&table, now)?;
            for (update, fresh) in updates.iter().zip(&fresh) {
                match (&update.create, &update.update, &update.delete) {
                    (Some(create), None, None) => {
                        check_stream(tx, &mut table, &own_stream)?;
                        add(tx, ctx, &mut table, create, fresh, (now, done_at))?;
                    }
                    (None, Some(change), None) => alter(tx, ctx, &mut table, change)?,
                    (None, None, Some(delete)) => drop(tx, ctx, &mut table, delete, now)?,
                    _ => {
                        return Err(validation(
                            "One or more parameter values were invalid: Exactly one of Create, Update, Delete must be \
                             specified in ReplicaUpdates",
                        ));
                    }
                }
            }
            table.updated_at = done_at;
            tx.put(&DEFINITIONS, (name,), &table)?;
            Ok(table)
        })
        .await?;
    let counts = ctx.read(|tx| super::table::count(tx, &table))?;
    let mut described = describe::table(ctx, &table, &counts, now);
    described.table_status = Some("UPDATING".to_owned());
    for replica in described.replicas.iter_mut().flatten() {
        let created = updates
            .iter()
            .filter_map(|update| update.create.as_ref())
            .any(|create| create.region_name == replica.region_name);
        if created {
            replica.replica_status = Some("CREATING".to_owned());
        }
    }
    Ok(wire::UpdateTableOutput {
        table_description: Some(described),
    })
}

/// Replicas need streams with both images, which are turned on by themselves.
fn check_stream(tx: &mut Tx<'_>, table: &mut Definition, fresh: &(StreamOn, Stream)) -> Result<(), AwsError> {
    match &table.stream {
        Some(on) if on.view == View::NewAndOldImages => Ok(()),
        Some(_) => Err(validation(
            "One or more parameter values were invalid: Table must have streams enabled with StreamViewType \
             NEW_AND_OLD_IMAGES",
        )),
        None => {
            let (on, stream) = fresh;
            tx.put(&STREAMS, (table.name.as_str(), on.label.as_str()), stream)?;
            table.latest_stream = Some(on.label.clone());
            table.stream = Some(on.clone());
            Ok(())
        }
    }
}

fn check_away(ctx: &Ctx, there: &Region) -> Result<(), AwsError> {
    if there.as_str() == ctx.region().as_str() {
        return Err(validation(
            "Cannot add, delete, or update the local region through ReplicaUpdates. Use CreateTable, DeleteTable, or \
             UpdateTable as required.",
        ));
    }
    Ok(())
}

fn add(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    table: &mut Definition,
    create: &wire::CreateReplicationGroupMemberAction,
    fresh: &Fresh,
    (now, done_at): (Timestamp, Timestamp),
) -> Result<(), AwsError> {
    let there = region(create.region_name.as_deref())?;
    check_away(ctx, &there)?;
    let target = place(ctx, there.as_str());
    let is_replica = table
        .extras
        .replicas
        .iter()
        .any(|replica| replica.region == there.as_str());
    if is_replica || tx.elsewhere(&target).definition(&table.name)?.is_some() {
        return Err(validation(format!(
            "Failed to create a the new replica of table with name: '{}' because one or more replicas already existed \
             as tables.",
            table.name
        )));
    }
    let replica = Replica {
        region: there.as_str().to_owned(),
        active_at: done_at,
        key_id: create.kms_master_key_id.clone(),
        class: create.table_class_override.clone(),
        read_units: create
            .provisioned_throughput_override
            .as_ref()
            .and_then(|given| given.read_capacity_units),
        read_request_units: create
            .on_demand_throughput_override
            .as_ref()
            .and_then(|given| given.max_read_request_units),
    };
    let own = Replica {
        region: ctx.region().as_str().to_owned(),
        active_at: table.active_at,
        key_id: None,
        class: None,
        read_units: None,
        read_request_units: None,
    };
    table.extras.settle(ctx);
    let others: Vec<Replica> = table.extras.replicas.clone();
    let mut copy = copy_of(table, fresh, there.as_str(), (now, done_at));
    copy.extras.replicas = others.iter().cloned().chain([own]).collect();
    bound_reads(&mut copy, &replica);
    let away = ctx.elsewhere(ctx.account(), there.clone());
    quota::check(&tx.elsewhere(&target).reading(), &away, None, &copy)?;
    if table.encryption.is_some() {
        // Keys belong to their regions.
        let specification = wire::SSESpecification {
            enabled: Some(true),
            sse_type: None,
            kms_master_key_id: create.kms_master_key_id.clone(),
        };
        copy.encryption = encryption(&away, Some(&specification), None)?;
    }
    // The items come without a word in the new stream.
    let silent = Definition {
        stream: None,
        extras: Extras::default(),
        ..copy.clone()
    };
    let rows = tx.scan(&ITEMS).prefix((table.data,)).rows()?;
    let (on, stream) = &fresh.stream;
    {
        let mut away = tx.elsewhere(&target);
        away.put(&DEFINITIONS, (&copy.name,), &copy)?;
        away.put(&STREAMS, (copy.name.as_str(), on.label.as_str()), stream)?;
        for ((_, spot), row) in &rows {
            change::apply(&mut away, &silent, &spot.0, (None, Some(row)), (now, By::Replication))?;
        }
        if copy.extras.expires_by().is_some() {
            let row = copy.extras.due_row(crate::expire::LEARN, &(&copy.name, copy.data));
            away.schedule(now, &row)?;
        }
    }
    each_other(tx, ctx, &table.name, &others, |other| {
        other.extras.replicas.push(replica.clone());
    })?;
    table.extras.replicas.push(replica);
    Ok(())
}

/// The table in another region.
fn copy_of(table: &Definition, fresh: &Fresh, there: &str, (now, done_at): (Timestamp, Timestamp)) -> Definition {
    let mut copy = table.clone();
    copy.id.clone_from(&fresh.id);
    copy.data = fresh.data;
    copy.created = now;
    copy.active_at = done_at;
    copy.updated_at = done_at;
    copy.deletion_protection = false;
    for (index, data) in copy.indexes.iter_mut().zip(&fresh.index_data) {
        index.data = *data;
        if let Some(global) = &mut index.global {
            global.active_at = done_at;
            global.updated_at = done_at;
        }
    }
    let (on, _) = &fresh.stream;
    copy.latest_stream = Some(on.label.clone());
    copy.stream = Some(on.clone());
    copy.extras = Extras {
        home: (table.extras.home.0, there.to_owned()),
        expiry: table.extras.expiry.clone(),
        ..Extras::default()
    };
    copy
}

/// Gives a replica's table the reads that it is to have in place of those of the table that it copies.
fn bound_reads(copy: &mut Definition, replica: &Replica) {
    if let Some(units) = replica.read_units.filter(|_| !copy.billing.on_demand) {
        copy.billing.provisioned.read_units = units;
    }
    if let Some(units) = replica.read_request_units.filter(|_| copy.billing.on_demand) {
        let bounds = copy.on_demand.get_or_insert(OnDemand {
            read_units: None,
            write_units: None,
        });
        bounds.read_units = Some(units);
    }
}

/// Changes the definitions of a table in other regions.
fn each_other(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    name: &str,
    others: &[Replica],
    mut change: impl FnMut(&mut Definition),
) -> Result<(), AwsError> {
    for other in others {
        let there = place(ctx, &other.region);
        let mut away = tx.elsewhere(&there);
        if let Some(mut definition) = away.definition(name)? {
            change(&mut definition);
            away.put(&DEFINITIONS, (name,), &definition)?;
        }
    }
    Ok(())
}

fn alter(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    table: &mut Definition,
    change: &wire::UpdateReplicationGroupMemberAction,
) -> Result<(), AwsError> {
    let there = region(change.region_name.as_deref())?;
    check_away(ctx, &there)?;
    let others = table.extras.replicas.clone();
    let set = |definition: &mut Definition| {
        let replicas = definition.extras.replicas.iter_mut();
        for replica in replicas.filter(|replica| replica.region == there.as_str()) {
            if change.kms_master_key_id.is_some() {
                replica.key_id.clone_from(&change.kms_master_key_id);
            }
            if change.table_class_override.is_some() {
                replica.class.clone_from(&change.table_class_override);
            }
            if let Some(given) = &change.provisioned_throughput_override {
                replica.read_units = given.read_capacity_units;
            }
            if let Some(given) = &change.on_demand_throughput_override {
                replica.read_request_units = given.max_read_request_units;
            }
        }
    };
    if !others.iter().any(|replica| replica.region == there.as_str()) {
        return Err(no_replica());
    }
    each_other(tx, ctx, &table.name, &others, set)?;
    set(table);
    let mut replicas = table.extras.replicas.iter();
    let Some(replica) = replicas.find(|replica| replica.region == there.as_str()) else {
        return Err(no_replica());
    };
    let target = place(ctx, there.as_str());
    let mut away = tx.elsewhere(&target);
    if let Some(before) = away.definition(&table.name)? {
        let mut copy = before.clone();
        bound_reads(&mut copy, replica);
        let there = ctx.elsewhere(ctx.account(), there.clone());
        quota::check(&away.reading(), &there, Some(&before), &copy)?;
        away.put(&DEFINITIONS, (&copy.name,), &copy)?;
    }
    Ok(())
}

fn no_replica() -> AwsError {
    validation("Update global table operation failed because one or more replicas were not part of the global table.")
}

fn drop(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    table: &mut Definition,
    delete: &wire::DeleteReplicationGroupMemberAction,
    now: Timestamp,
) -> Result<(), AwsError> {
    let there = region(delete.region_name.as_deref())?;
    check_away(ctx, &there)?;
    let is_gone = |replica: &Replica| replica.region == there.as_str();
    if !table.extras.replicas.iter().any(is_gone) {
        return Err(no_replica());
    }
    table.extras.replicas.retain(|replica| !is_gone(replica));
    let others = table.extras.replicas.clone();
    each_other(tx, ctx, &table.name, &others, |other| {
        other.extras.replicas.retain(|replica| !is_gone(replica));
    })?;
    let target = place(ctx, there.as_str());
    let away_ctx = ctx.elsewhere(ctx.account(), there.clone());
    let mut away = tx.elsewhere(&target);
    if let Some(mut gone) = away.definition(&table.name)? {
        gone.extras.replicas.clear();
        remove(&mut away, &away_ctx, &gone, now)?;
    }
    Ok(())
}

/// Takes a table that is being deleted out of the others' lists.
pub fn leave(tx: &mut Tx<'_>, ctx: &Ctx, table: &Definition) -> Result<(), AwsError> {
    let own = ctx.region().as_str();
    each_other(tx, ctx, &table.name, &table.extras.replicas, |other| {
        other.extras.replicas.retain(|replica| replica.region != own);
    })
}

/// As DescribeTable shows them.
pub fn describe(table: &Definition, now: Timestamp) -> Option<Vec<wire::ReplicaDescription>> {
    let replicas = &table.extras.replicas;
    let described = replicas.iter().map(|replica| wire::ReplicaDescription {
        region_name: Some(replica.region.clone()),
        replica_status: Some(if now < replica.active_at { "CREATING" } else { "ACTIVE" }.to_owned()),
        kms_master_key_id: replica.key_id.clone(),
        provisioned_throughput_override: replica.read_units.map(|units| wire::ProvisionedThroughputOverride {
            read_capacity_units: Some(units),
        }),
        on_demand_throughput_override: replica
            .read_request_units
            .map(|units| wire::OnDemandThroughputOverride {
                max_read_request_units: Some(units),
            }),
        replica_table_class_summary: replica.class.as_ref().map(|class| wire::TableClassSummary {
            table_class: Some(class.clone()),
            last_update_date_time: None,
        }),
        ..wire::ReplicaDescription::default()
    });
    (!replicas.is_empty()).then(|| described.collect())
}

/// Brings one change to another region, unless a later one is there.
pub async fn replicate(ctx: Ctx, bytes: Vec<u8>) -> Result<(), AwsError> {
    let change: Replication = payload(&bytes)?;
    let now = ctx.now();
    let target = place(&ctx, &change.target);
    ctx.write(|tx| -> Result<(), AwsError> {
        let new = tx.get(&ITEMS, (change.data, At(&change.spot)))?;
        let mut away = tx.elsewhere(&target);
        let Some(table) = away.definition(&change.table)? else {
            return Ok(());
        };
        let stamp = away.get(&STAMPS, (table.data, At(&change.spot)))?;
        if stamp.is_some_and(|stamp| stamp > change.stamp) {
            return Ok(());
        }
        let old = away.get(&ITEMS, (table.data, At(&change.spot)))?;
        if old.as_ref().map(|old| &old.item) != new.as_ref().map(|new| &new.item) {
            let by = By::Replication;
            change::apply(&mut away, &table, &change.spot, (old.as_ref(), new.as_ref()), (now, by))?;
        }
        away.put(&STAMPS, (table.data, At(&change.spot)), &change.stamp)?;
        Ok(())
    })
    .await
}
