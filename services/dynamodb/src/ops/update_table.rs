//! UpdateTable.

use super::replica;
use super::table::{encryption, end_stream, new_stream};
use crate::change;
use crate::definition as define;
use crate::describe;
use crate::errors::{self, parameter, validation};
use crate::schema::{Global, Index};
use crate::state::{DEFINITIONS, Definition, ITEMS, Provisioned, STREAMS, Stream, StreamOn};
use crate::{due, quota, tables, throttle, wire};
use virga_base::{AwsError, Timestamp};
use virga_service::{Ctx, Tx};

pub async fn update(ctx: Ctx, input: wire::UpdateTableInput) -> Result<wire::UpdateTableOutput, AwsError> {
    let name = tables::name(&ctx, input.table_name.as_deref())?;
    let (now, done_at) = (ctx.now(), tables::done_at(&ctx));
    check_any(&input)?;
    if let Some(updates) = input.replica_updates {
        return replica::update(&ctx, &name, updates).await;
    }
    let view = define::stream_view(input.stream_specification.as_ref())?;
    // Ids are drawn before the transaction, which may run more than once.
    let creations = input.global_secondary_index_updates.iter().flatten();
    let data: Vec<u64> = creations
        .filter(|update| update.create.is_some())
        .map(|_| ctx.ids().u64())
        .collect();
    let sse = input.sse_specification.as_ref();
    let fresh_key = sse.map(|given| encryption(&ctx, Some(given), None)).transpose()?;
    let table = tables_of(&ctx, &name)?;
    let stream = view.map(|view| new_stream(&ctx, &table, view, now));
    let table = ctx
        .write(|tx| -> Result<Definition, AwsError> {
            let mut table = tables::find(tx, &name)?;
            check_free(&table, now)?;
            let before = table.clone();
            capacity(&mut table, &input, now)?;
            if let Some(stream_specification) = &input.stream_specification {
                set_stream(tx, &mut table, stream_specification, stream.as_ref(), now)?;
            }
            if let Some(fresh) = &fresh_key {
                let before = table.encryption.take();
                table.encryption = match (fresh, before) {
                    (Some(_), Some(before)) if sse.is_some_and(|sse| sse.kms_master_key_id.is_none()) => Some(before),
                    (fresh, _) => fresh.clone(),
                };
            }
            if let Some(class) = &input.table_class {
                table.class = Some((class.clone(), Some(now)));
            }
            if let Some(protected) = input.deletion_protection_enabled {
                table.deletion_protection = protected;
            }
            table.updated_at = done_at;
            indexes(tx, &ctx, &mut table, &input, &data, done_at)?;
            quota::check(&tx.reading(), &ctx, Some(&before), &table)?;
            tx.put(&DEFINITIONS, (&name,), &table)?;
            Ok(table)
        })
        .await?;
    let counts = ctx.read(|tx| super::table::count(tx, &table))?;
    let mut described = describe::table(&ctx, &table, &counts, now);
    described.table_status = Some("UPDATING".to_owned());
    for index in described.global_secondary_indexes.iter_mut().flatten() {
        let created = input.global_secondary_index_updates.iter().flatten().any(|update| {
            update
                .create
                .as_ref()
                .is_some_and(|create| create.index_name == index.index_name)
        });
        if created {
            index.index_status = Some("CREATING".to_owned());
            index.backfilling = Some(false);
        }
    }
    Ok(wire::UpdateTableOutput {
        table_description: Some(described),
    })
}

fn tables_of(ctx: &Ctx, name: &str) -> Result<Definition, AwsError> {
    ctx.read(|tx| tables::find(tx, name))
}

fn check_any(input: &wire::UpdateTableInput) -> Result<(), AwsError> {
    let nothing = input.billing_mode.is_none()
        && input.provisioned_throughput.is_none()
        && input.global_secondary_index_updates.as_ref().is_none_or(Vec::is_empty)
        && input.stream_specification.is_none()
        && input.sse_specification.is_none()
        && input.replica_updates.is_none()
        && input.table_class.is_none()
        && input.deletion_protection_enabled.is_none()
        && input.on_demand_throughput.is_none()
        && input.warm_throughput.is_none()
        && input.global_table_witness_updates.is_none();
    if nothing {
        return Err(validation(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or \
             SSESpecification or ReplicaUpdates is required",
        ));
    }
    Ok(())
}

fn check_free(table: &Definition, now: Timestamp) -> Result<(), AwsError> {
    let what = match table.status(now) {
        "CREATING" => "created",
        "UPDATING" => "updated",
        "DELETING" => "deleted",
        _ => return Ok(()),
    };
    Err(errors::in_use(format!(
        "Attempt to change a resource which is still in use: Table is being {what}: {}",
        table.name
    )))
}

/// Mode, capacity and warm throughput of the table itself.
fn capacity(table: &mut Definition, input: &wire::UpdateTableInput, now: Timestamp) -> Result<(), AwsError> {
    let throughput = input.provisioned_throughput.as_ref();
    if let Some(mode) = &input.billing_mode {
        let before = table.billing.clone();
        let on_demand = mode == "PAY_PER_REQUEST";
        if on_demand != before.on_demand || throughput.is_some() {
            table.billing = define::billing(Some(mode), throughput, now)?;
        }
        table.billing.told = before.told || on_demand;
        table.billing.on_demand_since = if on_demand && !before.on_demand {
            Some(now)
        } else {
            before.on_demand_since
        };
        if on_demand {
            for global in table.indexes.iter_mut().filter_map(|index| index.global.as_mut()) {
                global.provisioned = Provisioned::default();
            }
        }
    } else if let Some(throughput) = throughput {
        if table.billing.on_demand {
            return Err(parameter(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
            ));
        }
        change_units(&mut table.billing.provisioned, throughput, "table", now)?;
    }
    if input.warm_throughput.is_some() {
        let warm = table.warm.unwrap_or_else(|| define::warm_of(&table.billing));
        table.warm = define::warm("table", input.warm_throughput.as_ref(), Some(warm), &table.billing)?;
    }
    if input.on_demand_throughput.is_some() {
        table.on_demand = define::on_demand(input.on_demand_throughput.as_ref());
    }
    Ok(())
}

fn change_units(
    now_has: &mut Provisioned,
    wanted: &wire::ProvisionedThroughput,
    of: &str,
    now: Timestamp,
) -> Result<(), AwsError> {
    let new = define::provisioned(Some(wanted));
    if (new.read_units, new.write_units) == (now_has.read_units, now_has.write_units) {
        return Err(validation(format!(
            "The provisioned throughput for the {of} will not change. The requested value equals the current value. \
             Current ReadCapacityUnits provisioned for the {of}: {0}. Requested ReadCapacityUnits: {0}. Current \
             WriteCapacityUnits provisioned for the {of}: {1}. Requested WriteCapacityUnits: {1}. Refer to the Amazon \
             DynamoDB Developer Guide for current limits and how to request higher limits.",
            new.read_units, new.write_units
        )));
    }
    let units = (new.read_units, new.write_units);
    if now_has.falls(units) {
        now_has.check_decrease(now)?;
    }
    *now_has = now_has.changed(units, now);
    Ok(())
}

fn set_stream(
    tx: &mut Tx<'_>,
    table: &mut Definition,
    wanted: &wire::StreamSpecification,
    stream: Option<&(StreamOn, Stream)>,
    now: Timestamp,
) -> Result<(), AwsError> {
    match (stream, &table.stream) {
        (Some(_), Some(_)) => Err(validation(format!(
            "Table already has an enabled stream: TableName: {}",
            table.name
        ))),
        (Some((on, stream)), None) => {
            tx.put(&STREAMS, (table.name.as_str(), on.label.as_str()), stream)?;
            table.latest_stream = Some(on.label.clone());
            table.stream = Some(on.clone());
            Ok(())
        }
        (None, Some(_)) => {
            debug_assert_ne!(wanted.stream_enabled, Some(true));
            end_stream(tx, table, now)?;
            table.stream = None;
            Ok(())
        }
        (None, None) => Err(validation(format!(
            "Table has no stream to disable: TableName: {}",
            table.name
        ))),
    }
}

fn indexes(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    table: &mut Definition,
    input: &wire::UpdateTableInput,
    data: &[u64],
    done_at: Timestamp,
) -> Result<(), AwsError> {
    let updates = input.global_secondary_index_updates.as_deref().unwrap_or_default();
    let now = ctx.now();
    for create in updates.iter().filter_map(|update| update.create.as_ref()) {
        check_declared(create, input.attribute_definitions.as_deref().unwrap_or_default())?;
    }
    if let Some(given) = &input.attribute_definitions {
        for (name, kind) in define::attributes(Some(given.clone()))? {
            match table.attributes.iter().find(|(other, _)| *other == name) {
                None => table.attributes.push((name, kind)),
                Some((_, before)) if *before != kind => {
                    return Err(parameter(format!(
                        "Attribute definitions must match the existing table: {name}"
                    )));
                }
                Some(_) => {}
            }
        }
    }
    let heavy = updates
        .iter()
        .filter(|update| update.create.is_some() || update.delete.is_some());
    if heavy.count() > 1 {
        return Err(AwsError::new(
            "LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        ));
    }
    let mut data = data.iter();
    let mut touched: Vec<&str> = Vec::new();
    for update in updates {
        let (name, given) = match (&update.create, &update.update, &update.delete) {
            (Some(create), None, None) => (&create.index_name, "create"),
            (None, Some(change), None) => (&change.index_name, "update"),
            (None, None, Some(delete)) => (&delete.index_name, "delete"),
            _ => {
                return Err(parameter(
                    "Exactly one of Create, Update and Delete must be specified in each GlobalSecondaryIndexUpdate",
                ));
            }
        };
        let name = name.as_deref().unwrap_or_default();
        if touched.contains(&name) {
            return Err(parameter(format!(
                "Only one global secondary index update per index is allowed simultaneously. Index: {name}"
            )));
        }
        touched.push(name);
        match (&update.create, &update.update) {
            (Some(create), _) => {
                let data = data.next().copied().unwrap_or_default();
                create_index(tx, ctx, table, create.clone(), data, done_at)?;
            }
            (_, Some(change)) => {
                let billing = table.billing.clone();
                let index = table.index_mut(name).filter(|index| index.global.is_some());
                let global = index
                    .and_then(|index| index.global.as_mut())
                    .ok_or_else(errors::no_resource)?;
                if let Some(throughput) = &change.provisioned_throughput {
                    change_units(&mut global.provisioned, throughput, &format!("index {name}"), now)?;
                }
                if change.warm_throughput.is_some() {
                    let warm = global.warm.unwrap_or_else(|| define::warm_of(&billing));
                    let of = format!("index {name}");
                    global.warm = define::warm(&of, change.warm_throughput.as_ref(), Some(warm), &billing)?;
                }
                if change.on_demand_throughput.is_some() {
                    global.on_demand = define::on_demand(change.on_demand_throughput.as_ref());
                }
                global.updated_at = done_at;
            }
            _ => {
                debug_assert_eq!(given, "delete");
                delete_index(tx, ctx, table, name, done_at)?;
            }
        }
    }
    if updates.iter().any(|update| update.create.is_some()) || input.attribute_definitions.is_some() {
        define::check_attributes(table)?;
    }
    define::check_indexes(table)
}

/// A new index's attributes must be declared with it, also where the table's key has them.
fn check_declared(
    create: &wire::CreateGlobalSecondaryIndexAction,
    declared: &[wire::AttributeDefinition],
) -> Result<(), AwsError> {
    let elements = create.key_schema.as_deref().unwrap_or_default();
    let keys: Vec<&str> = elements
        .iter()
        .filter_map(|element| element.attribute_name.as_deref())
        .collect();
    let declared: Vec<&str> = declared
        .iter()
        .filter_map(|attribute| attribute.attribute_name.as_deref())
        .collect();
    if keys.iter().all(|key| declared.contains(key)) {
        return Ok(());
    }
    Err(parameter(format!(
        "Some index key attributes are not defined in AttributeDefinitions. Keys: [{}], AttributeDefinitions: [{}]",
        keys.join(", "),
        declared.join(", ")
    )))
}

fn create_index(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    table: &mut Definition,
    create: wire::CreateGlobalSecondaryIndexAction,
    data: u64,
    done_at: Timestamp,
) -> Result<(), AwsError> {
    let name = create.index_name.unwrap_or_default();
    if table.index(&name).is_some() {
        return Err(validation("Attempting to create an index which already exists"));
    }
    let elements = create.key_schema.unwrap_or_default();
    let throughput = create.provisioned_throughput.as_ref();
    let mut index = Index {
        schema: define::index_schema(&name, &elements, &table.attributes, None)?,
        projected: define::projected(create.projection)?,
        data,
        global: Some(Global {
            provisioned: define::index_provisioned(&name, table.billing.on_demand, throughput)?,
            warm: define::warm(
                &format!("index {name}"),
                create.warm_throughput.as_ref(),
                None,
                &table.billing,
            )?,
            on_demand: define::on_demand(create.on_demand_throughput.as_ref()),
            active_at: done_at,
            updated_at: done_at,
            backfilling: false,
            deleting: false,
        }),
        name,
    };
    // What fits one step is filled at once.
    let rows = tx.scan(&ITEMS).prefix((table.data,)).limit(due::STEP_ROWS + 1).rows()?;
    if rows.len() > due::STEP_ROWS {
        if let Some(global) = &mut index.global {
            global.backfilling = true;
        }
        tx.schedule(ctx.now(), &due::backfill_row(ctx, &table.name, data))?;
    } else {
        for ((_, spot), row) in &rows {
            change::backfill(tx, &index, &spot.0, &row.item)?;
        }
    }
    table.indexes.push(index);
    Ok(())
}

fn delete_index(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    table: &mut Definition,
    name: &str,
    done_at: Timestamp,
) -> Result<(), AwsError> {
    let index = table.index_mut(name).filter(|index| index.global.is_some());
    let index = index.ok_or_else(errors::no_resource)?;
    let _ = done_at;
    let data = index.data;
    tx.schedule(ctx.now(), &due::drop_row(ctx, &[], &[data]))?;
    throttle::forget(tx, data)?;
    table.indexes.retain(|index| index.data != data);
    // Attributes that only this index used are declared no more.
    let schemas = std::iter::once(&table.schema).chain(table.indexes.iter().map(|index| &index.schema));
    let used: Vec<String> = schemas.flat_map(|schema| schema.names()).map(str::to_owned).collect();
    table.attributes.retain(|(name, _)| used.contains(name));
    Ok(())
}
