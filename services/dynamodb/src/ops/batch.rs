//! BatchGetItem, BatchWriteItem.

use super::item::collection_metrics;
use crate::capacity::{Cost, Split, Told, read_units};
use crate::errors::{self, invalid, validation};
use crate::expression::Parameters;
use crate::limits;
use crate::past::Past;
use crate::state::{HashAt, Opened, RAW_ITEMS, RawItem};
use crate::tables;
use crate::value::{Input, Key, Output, write_stored};
use crate::wire;
use crate::write::{self, Action, Failure, Write, check_read_key};
use std::collections::{BTreeMap, BTreeSet};
use virga_base::AwsError;
use virga_lang_dynamodb::{Item, Projection};
use virga_service::{Ctx, Value};
use virga_shape::{IntoValue, StructValue};

const GET: Parameters = Parameters {
    with_values: &[],
    with_names: &["ProjectionExpression"],
    legacy: &["AttributesToGet"],
};
const DUPLICATES: &str = "Provided list of item keys contains duplicates";

/// What is asked of one table.
struct Wanted {
    /// As it was given: a name or an ARN.
    given: String,
    name: String,
    consistent: bool,
    projection: Option<Projection>,
    keys: Vec<Key>,
    /// What was given, for `UnprocessedKeys`.
    request: StructValue,
}

/// A table, and what lies under each of the wanted keys.
type Found = (Opened, Vec<Option<RawItem>>);

pub fn get(ctx: Ctx, mut input: Input, mut out: Output) -> Result<Value, AwsError> {
    let told = Told::read(&input);
    let mut wanted = Vec::new();
    for (given, request) in input.entries("RequestItems") {
        wanted.push(read_wanted(&ctx, given, request)?);
    }
    if wanted.iter().map(|wanted| wanted.keys.len()).sum::<usize>() > limits::BATCH_GET_MAX_KEYS {
        return Err(validation("Too many items requested for the BatchGetItem call"));
    }
    let now = ctx.now();
    let found = ctx.read(|tx| -> Result<Vec<Found>, AwsError> {
        let tables: Vec<Opened> = wanted
            .iter()
            .map(|wanted| tables::open(tx, &wanted.name, now))
            .collect::<Result<_, _>>()?;
        let mut found = Vec::new();
        for (table, wanted) in tables.into_iter().zip(&wanted) {
            let mut spots = Vec::with_capacity(wanted.keys.len());
            for key in &wanted.keys {
                spots.push(check_read_key(&table.schema, key)?);
            }
            if spots.iter().collect::<BTreeSet<_>>().len() < spots.len() {
                return Err(validation(DUPLICATES));
            }
            let past = Past::of(tx, &ctx, &table, (wanted.consistent, None))?;
            let mut items = Vec::with_capacity(spots.len());
            for spot in &spots {
                items.push(match past.as_ref().and_then(|past| past.at(spot)) {
                    Some(before) => before.map(|before| RawItem::of(&before.item, before.size_bytes)),
                    None => tx.get(&RAW_ITEMS, (table.data, HashAt(spot)))?,
                });
            }
            found.push((table, items));
        }
        Ok(found)
    })?;
    answer_get(&ctx, wanted, found, told, &mut out)?;
    Ok(out.done())
}

fn read_wanted(ctx: &Ctx, given: String, request: Value) -> Result<Wanted, AwsError> {
    let Value::Struct(request) = request else {
        return Err(validation("The list of keys of a table is missing"));
    };
    let mut input = Input::new(Value::Struct(request.clone())).unwrap_or_else(|| Input::empty(request.shape()));
    let expressions = GET.read(&mut input)?;
    let keys: Vec<Key> = match input.take("Keys") {
        Some(Value::List(keys)) => keys
            .into_iter()
            .map(Key::read)
            .collect::<Result<_, _>>()
            .map_err(invalid)?,
        _ => Vec::new(),
    };
    let mut placeholders = expressions.placeholders()?;
    let projection = expressions.projection(&mut placeholders)?;
    placeholders.finish().map_err(invalid)?;
    Ok(Wanted {
        name: tables::name(ctx, Some(&given))?,
        given,
        consistent: input.flag("ConsistentRead") == Some(true),
        projection,
        keys,
        request,
    })
}

fn answer_get(ctx: &Ctx, wanted: Vec<Wanted>, found: Vec<Found>, told: Told, out: &mut Output) -> Result<(), AwsError> {
    let responses_shape = out.of("Responses");
    let list_shape = responses_shape.element().unwrap_or(responses_shape);
    let (mut responses, mut unprocessed, mut costs) = (Vec::new(), Vec::new(), Vec::new());
    let mut bytes = 0;
    for (wanted, (table, items)) in wanted.into_iter().zip(found) {
        let mut shown = Vec::new();
        let mut cost = Cost::default();
        let mut left = Vec::new();
        let keys = wanted.request.get("Keys");
        for (at, item) in items.into_iter().enumerate() {
            let size = item.as_ref().map_or(0, |item| item.size_bytes);
            if bytes + size > limits::BATCH_GET_MAX_BYTES {
                if let Some(Value::List(keys)) = keys {
                    left.extend(keys.get(at).cloned());
                }
                continue;
            }
            bytes += size;
            cost.table += read_units(size, wanted.consistent);
            let Some(item) = item else { continue };
            shown.push(match &wanted.projection {
                Some(projection) => item.projected(projection).ok_or_else(errors::unreadable)?,
                None => item,
            });
        }
        responses.push((wanted.given.clone(), write_stored(ctx, list_shape, shown)?));
        if !left.is_empty() {
            let mut again = wanted.request.clone();
            again.set("Keys", Value::List(left));
            unprocessed.push((wanted.given, Value::Struct(again)));
        }
        costs.push((table.name.clone(), cost));
    }
    out.set("Responses", Value::Map(responses));
    out.set("UnprocessedKeys", Value::Map(unprocessed));
    told.tell_all(out, &costs, Split::Not);
    Ok(())
}

/// The writes of one table.
struct Writes {
    given: String,
    name: String,
    writes: Vec<Write>,
}

pub async fn write(ctx: Ctx, mut input: Input, mut out: Output) -> Result<Value, AwsError> {
    let told = Told::read(&input);
    let metrics = input.text("ReturnItemCollectionMetrics") == Some("SIZE");
    let mut all = Vec::new();
    for (given, requests) in input.entries("RequestItems") {
        let Value::List(requests) = requests else { continue };
        let writes = requests.into_iter().map(read_write).collect::<Result<_, _>>()?;
        all.push(Writes {
            name: tables::name(&ctx, Some(&given))?,
            given,
            writes,
        });
    }
    if all.iter().map(|writes| writes.writes.len()).sum::<usize>() > limits::BATCH_WRITE_MAX_REQUESTS {
        return Err(validation("Too many items requested for the BatchWriteItem call"));
    }
    let now = ctx.now();
    let done = ctx
        .write(|tx| -> Result<Vec<(Opened, Cost)>, Failure> {
            let mut checked = Vec::new();
            for writes in &all {
                let table = tables::open(tx, &writes.name, now)?;
                let mut spots = Vec::new();
                for write in &writes.writes {
                    let spot = write.check(&table)?;
                    if spots.contains(&spot) {
                        return Err(validation(DUPLICATES).into());
                    }
                    spots.push(spot);
                }
                checked.push((table, spots));
            }
            let mut done = Vec::new();
            for (writes, (table, spots)) in all.iter().zip(checked) {
                let mut cost = Cost::default();
                for (write, spot) in writes.writes.iter().zip(&spots) {
                    cost.add(&write.run_untold(tx, &table, spot, now)?.cost);
                }
                done.push((table, cost));
            }
            Ok(done)
        })
        .await
        .map_err(|failure| write::failed(failure, None::<fn(Item) -> serde_json::Value>))?;
    out.set("UnprocessedItems", Value::Map(Vec::new()));
    if metrics {
        let mut map: BTreeMap<String, Vec<wire::ItemCollectionMetrics>> = BTreeMap::new();
        for (writes, (table, _)) in all.iter().zip(&done) {
            for write in &writes.writes {
                if let Some(metrics) = collection_metrics(table, write.item()) {
                    let list = map.entry(writes.given.clone()).or_default();
                    if !list.contains(&metrics) {
                        list.push(metrics);
                    }
                }
            }
        }
        if !map.is_empty() {
            let shape = out.of("ItemCollectionMetrics");
            out.set("ItemCollectionMetrics", map.into_value(shape));
        }
    }
    let costs: Vec<(String, Cost)> = done
        .into_iter()
        .map(|(table, cost)| (table.name.clone(), cost))
        .collect();
    told.tell_all(&mut out, &costs, Split::Not);
    Ok(out.done())
}

fn read_write(request: Value) -> Result<Write, AwsError> {
    let mut input = Input::new(request).ok_or_else(|| validation(EMPTY))?;
    let action = match (input.input("PutRequest"), input.input("DeleteRequest")) {
        (Some(mut put), None) => Action::Put(write::sized(put.item("Item")?.unwrap_or_default())?),
        (None, Some(mut delete)) => Action::Delete(delete.item("Key")?.unwrap_or_default()),
        (None, None) => return Err(validation(EMPTY)),
        (Some(_), Some(_)) => return Err(validation(SEVERAL)),
    };
    Ok(Write {
        action,
        condition: None,
    })
}

const EMPTY: &str = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
const SEVERAL: &str =
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes";
