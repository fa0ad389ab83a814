//! CreateTable, DescribeTable, DeleteTable, ListTables.

use super::{leave, tag};
use crate::definition as define;
use crate::describe::{self, Count};
use crate::errors::{self, parameter, validation};
use crate::features::Extras;
use crate::schema::{Global, Index};
use crate::state::{
    DEFINITIONS, Definition, Encryption, ITEM_SIZES, ITEMS, STREAMS, Stream, StreamOn, TAGS, Tags, View,
};
use crate::{due, expire, limits, quota, tables, wire};
use sha2::{Digest, Sha256};
use std::ops::ControlFlow;
use virga_base::{AwsError, Timestamp};
use virga_service::{Ctx, ReadTx, StoreError, Tx};

/// A moment before: what an operation answers of what it has just begun.
const MOMENT_MS: i64 = 1;

pub async fn create(ctx: Ctx, input: wire::CreateTableInput) -> Result<wire::CreateTableOutput, AwsError> {
    let now = ctx.now();
    let name = input.table_name.clone().unwrap_or_default();
    define::check_table_name(&name)?;
    let tags = input.tags.clone().map(tag::read).transpose()?;
    let stream = input.stream_specification.clone();
    let mut definition = declare(&ctx, name, input, now)?;
    let view = define::stream_view(stream.as_ref())?;
    let stream = view.map(|view| new_stream(&ctx, &definition, view, now));
    if let Some((on, _)) = &stream {
        definition.latest_stream = Some(on.label.clone());
        definition.stream = Some(on.clone());
    }
    let name = definition.name.as_str();
    ctx.write(|tx| -> Result<(), AwsError> {
        if let Some(there) = tx.get(&DEFINITIONS, (name,))? {
            return Err(errors::in_use(format!("Table already exists: {}", there.name)));
        }
        quota::check(&tx.reading(), &ctx, None, &definition)?;
        tx.put(&DEFINITIONS, (name,), &definition)?;
        if let Some((on, stream)) = &stream {
            tx.put(&STREAMS, (name, on.label.as_str()), stream)?;
        }
        if let Some(tags) = &tags {
            tx.put(&TAGS, (definition.data,), &Tags(tags.iter().cloned().collect()))?;
        }
        Ok(())
    })
    .await?;
    let before = definition.active_at.plus_millis(-MOMENT_MS);
    let mut described = describe::table(&ctx, &definition, &[], before);
    // Recorded: only DescribeTable tells what nobody has asked for.
    if definition.warm.is_none() {
        described.warm_throughput = None;
    }
    Ok(wire::CreateTableOutput {
        table_description: Some(described),
    })
}

/// The table that the parameters ask for, without stream and tags.
pub fn declare(ctx: &Ctx, name: String, input: wire::CreateTableInput, now: Timestamp) -> Result<Definition, AwsError> {
    let billing = define::billing(
        input.billing_mode.as_deref(),
        input.provisioned_throughput.as_ref(),
        now,
    )?;
    let attributes = define::attributes(input.attribute_definitions)?;
    let schema = define::table_schema(&input.key_schema.unwrap_or_default(), &attributes)?;
    let active_at = tables::done_at(ctx);
    let mut indexes = Vec::new();
    if let Some(given) = input.local_secondary_indexes {
        if given.is_empty() {
            return Err(parameter("List of LocalSecondaryIndexes is empty"));
        }
        if schema.sort.is_empty() {
            return Err(parameter(
                "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
            ));
        }
        for index in given {
            let name = index.index_name.unwrap_or_default();
            let elements = index.key_schema.unwrap_or_default();
            indexes.push(Index {
                data: ctx.ids().u64(),
                schema: define::index_schema(&name, &elements, &attributes, Some(&schema))?,
                projected: define::projected(index.projection)?,
                global: None,
                name,
            });
        }
    }
    if let Some(given) = input.global_secondary_indexes {
        if given.is_empty() {
            return Err(parameter("List of GlobalSecondaryIndexes is empty"));
        }
        for index in given {
            let name = index.index_name.unwrap_or_default();
            let elements = index.key_schema.unwrap_or_default();
            let schema = define::index_schema(&name, &elements, &attributes, None)?;
            let throughput = index.provisioned_throughput.as_ref();
            indexes.push(Index {
                data: ctx.ids().u64(),
                schema,
                projected: define::projected(index.projection)?,
                global: Some(Global {
                    provisioned: define::index_provisioned(&name, billing.on_demand, throughput)?,
                    warm: define::warm(&format!("index {name}"), index.warm_throughput.as_ref(), None, &billing)?,
                    on_demand: define::on_demand(index.on_demand_throughput.as_ref()),
                    active_at,
                    updated_at: active_at,
                    backfilling: false,
                    deleting: false,
                }),
                name,
            });
        }
    }
    let definition = Definition {
        name,
        id: ctx.ids().uuid(),
        data: ctx.ids().u64(),
        created: now,
        active_at,
        updated_at: active_at,
        deleting: false,
        attributes,
        schema,
        indexes,
        stream: None,
        latest_stream: None,
        deletion_protection: input.deletion_protection_enabled == Some(true),
        class: input.table_class.map(|class| (class, None)),
        encryption: encryption(ctx, input.sse_specification.as_ref(), None)?,
        warm: define::warm("table", input.warm_throughput.as_ref(), None, &billing)?,
        on_demand: define::on_demand(input.on_demand_throughput.as_ref()),
        billing,
        extras: Extras::default(),
    };
    define::check_indexes(&definition)?;
    define::check_attributes(&definition)?;
    Ok(definition)
}

/// The id of DynamoDB's own key in KMS, one in each account and region.
fn own_key(ctx: &Ctx) -> String {
    let place = format!("aws/dynamodb {} {}", ctx.account(), ctx.region().as_str());
    let text: String = Sha256::digest(place.as_bytes())
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// The encryption that a specification asks for; DynamoDB's own keys are none.
pub fn encryption(
    ctx: &Ctx,
    given: Option<&wire::SSESpecification>,
    before: Option<&Encryption>,
) -> Result<Option<Encryption>, AwsError> {
    let Some(given) = given else {
        return Ok(before.cloned());
    };
    if given.enabled != Some(true) {
        if given.sse_type.is_some() || given.kms_master_key_id.is_some() {
            return Err(parameter(
                "SSEType, KMSMasterKeyId cannot be specified when SSE is disabled",
            ));
        }
        return Ok(None);
    }
    let key = |resource: &str| {
        let mut arn = ctx.arn(resource);
        arn.service = "kms".to_owned();
        arn.to_string()
    };
    let key_arn = match (given.kms_master_key_id.as_deref(), before) {
        (Some(arn), _) if arn.starts_with("arn:") => arn.to_owned(),
        (Some(alias), _) if alias.starts_with("alias/") => key(alias),
        (Some(id), _) => key(&format!("key/{id}")),
        (None, Some(before)) => before.key_arn.clone(),
        (None, None) => key(&format!("key/{}", own_key(ctx))),
    };
    Ok(Some(Encryption { key_arn }))
}

/// A stream that begins now. Its label is the time, which tells streams of one table apart.
pub fn new_stream(ctx: &Ctx, table: &Definition, view: View, now: Timestamp) -> (StreamOn, Stream) {
    let label = now.to_iso8601_millis().trim_end_matches('Z').to_owned();
    let on = StreamOn {
        id: ctx.ids().u64(),
        label,
        view,
    };
    let stream = Stream {
        id: on.id,
        view,
        created: now,
        ended: None,
        schema: table.schema.clone(),
        shard: ctx.ids().u64(),
        sequence: 0,
        home: (ctx.account().number(), ctx.region().as_str().to_owned()),
        trimming: false,
    };
    (on, stream)
}

pub async fn describe(ctx: Ctx, input: wire::DescribeTableInput) -> Result<wire::DescribeTableOutput, AwsError> {
    let name = tables::name(&ctx, input.table_name.as_deref())?;
    let now = ctx.now();
    let (definition, counts) = ctx.read(|tx| -> Result<_, AwsError> {
        let definition = tables::find(tx, &name)?;
        let counts = count(tx, &definition)?;
        Ok((definition, counts))
    })?;
    Ok(wire::DescribeTableOutput {
        table: Some(describe::table(&ctx, &definition, &counts, now)),
    })
}

/// What the table and each of its indexes hold. AWS counts every six hours; this is exact, and grows with the table.
pub fn count(tx: &ReadTx<'_>, table: &Definition) -> Result<Vec<Count>, StoreError> {
    let mut whole = Count::default();
    if table.indexes.is_empty() {
        tx.scan(&ITEM_SIZES).prefix((table.data,)).each(|_, size| {
            whole.items += 1;
            whole.bytes += size.0 as u64;
            ControlFlow::Continue(())
        })?;
        return Ok(vec![whole]);
    }
    let mut counts = vec![Count::default(); table.indexes.len()];
    tx.scan(&ITEMS).prefix((table.data,)).each(|_, row| {
        whole.items += 1;
        whole.bytes += row.size_bytes as u64;
        for (index, count) in table.indexes.iter().zip(&mut counts) {
            if index.schema.spot(&row.item).is_some() {
                count.items += 1;
                count.bytes += index.size_bytes(&table.schema, &row.item) as u64;
            }
        }
        ControlFlow::Continue(())
    })?;
    counts.insert(0, whole);
    Ok(counts)
}

pub async fn delete(ctx: Ctx, input: wire::DeleteTableInput) -> Result<wire::DeleteTableOutput, AwsError> {
    let name = tables::name(&ctx, input.table_name.as_deref())?;
    let (now, done_at) = (ctx.now(), tables::done_at(&ctx));
    let table = ctx
        .write(|tx| -> Result<Definition, AwsError> {
            let mut table = tables::find(tx, &name)?;
            match table.status(now) {
                "CREATING" => {
                    return Err(errors::in_use(format!(
                        "Attempt to change a resource which is still in use: Table is being created: {name}"
                    )));
                }
                "UPDATING" => {
                    return Err(errors::in_use(format!(
                        "Attempt to change a resource which is still in use: Table is being updated: {name}"
                    )));
                }
                "DELETING" => {
                    return Err(errors::in_use(format!(
                        "Attempt to change a resource which is still in use: Table is being deleted: {name}"
                    )));
                }
                _ => {}
            }
            if table.deletion_protection {
                return Err(validation(
                    "Resource cannot be deleted as it is currently protected against deletion. Disable deletion \
                     protection first.",
                ));
            }
            table.deleting = true;
            if done_at > now {
                tx.put(&DEFINITIONS, (&name,), &table)?;
                tx.schedule(done_at, &due::vanish_row(&ctx, &name, &table.id))?;
            } else {
                remove(tx, &ctx, &table, now)?;
            }
            Ok(table)
        })
        .await?;
    let described = describe::table(&ctx, &table, &[], now);
    // AWS tells less of a table that is going.
    Ok(wire::DeleteTableOutput {
        table_description: Some(wire::TableDescription {
            attribute_definitions: None,
            key_schema: None,
            creation_date_time: None,
            warm_throughput: None,
            local_secondary_indexes: None,
            global_secondary_indexes: None,
            ..described
        }),
    })
}

/// Takes a table away; its rows follow as deferred work.
pub fn remove(tx: &mut Tx<'_>, ctx: &Ctx, table: &Definition, now: Timestamp) -> Result<(), AwsError> {
    leave::leave(tx, ctx, table, now)?;
    tx.delete(&DEFINITIONS, (&table.name,))?;
    tx.delete(&TAGS, (table.data,))?;
    end_stream(tx, table, now)?;
    let entries: Vec<u64> = table.indexes.iter().map(|index| index.data).collect();
    tx.schedule(now, &due::drop_row(ctx, &[table.data], &entries))?;
    Ok(())
}

/// Ends the stream that a table writes to; it stays readable.
pub fn end_stream(tx: &mut Tx<'_>, table: &Definition, now: Timestamp) -> Result<(), StoreError> {
    let Some(on) = &table.stream else { return Ok(()) };
    let key = (table.name.as_str(), on.label.as_str());
    if let Some(mut stream) = tx.get(&STREAMS, key)? {
        stream.ended = Some(now);
        expire::await_trim(tx, &table.name, &on.label, &mut stream, now)?;
        tx.put(&STREAMS, key, &stream)?;
    }
    Ok(())
}

pub async fn list(ctx: Ctx, input: wire::ListTablesInput) -> Result<wire::ListTablesOutput, AwsError> {
    let limit = input
        .limit
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(limits::TABLES_LISTED_MAX);
    let mut names = ctx.read(|tx| -> Result<Vec<String>, AwsError> {
        let scan = tx.scan(&DEFINITIONS);
        let scan = match &input.exclusive_start_table_name {
            Some(after) => scan.after((after,)),
            None => scan,
        };
        Ok(scan.limit(limit + 1).keys()?.into_iter().map(|(name,)| name).collect())
    })?;
    let more = names.len() > limit;
    names.truncate(limit);
    Ok(wire::ListTablesOutput {
        last_evaluated_table_name: names.last().filter(|_| more).cloned(),
        table_names: Some(names),
    })
}
