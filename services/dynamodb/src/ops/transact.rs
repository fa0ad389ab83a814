//! TransactGetItems, TransactWriteItems.

use super::item::collection_metrics;
use crate::capacity::{Cost, Split, Told, read_units};
use crate::errors::{self, VALIDATION, invalid, validation};
use crate::expression::Parameters;
use crate::limits;
use crate::state::{HashAt, Opened, RAW_ITEMS, TOKEN_ENDS, TOKENS, Token};
use crate::tables;
use crate::value::{Input, Key, Output, item_json};
use crate::wire;
use crate::write::{Action, Failure, Write, check_read_key, sized};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use virga_base::{AwsError, Timestamp};
use virga_lang_dynamodb::attribute::item_size_bytes;
use virga_lang_dynamodb::{ExpressionKind, Item, KeyError, Projection};
use virga_service::{Ctx, Tx, Value};
use virga_shape::{IntoValue, ShapeRef};

const WRITE: Parameters = Parameters {
    with_values: &["UpdateExpression", "ConditionExpression"],
    with_names: &[],
    legacy: &[],
};
const GET: Parameters = Parameters {
    with_values: &[],
    with_names: &["ProjectionExpression"],
    legacy: &[],
};
/// Transactions read or write every item twice.
const FACTOR: f64 = 2.0;
/// How many tokens that have ended a transaction takes away.
const FORGOTTEN: usize = 2;

/// Why one action kept a transaction from happening.
pub struct Reason {
    pub code: &'static str,
    pub message: String,
    pub item: Option<Item>,
}

/// The error of a transaction that did not happen: a reason, or none, for each of its actions.
pub fn cancelled(reasons: Vec<Option<Reason>>, shape: ShapeRef) -> AwsError {
    let codes: Vec<&str> = reasons
        .iter()
        .map(|reason| reason.as_ref().map_or("None", |reason| reason.code))
        .collect();
    let message = format!(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
        codes.join(", ")
    );
    let reasons: Vec<serde_json::Value> = reasons
        .into_iter()
        .map(|reason| match reason {
            None => serde_json::json!({ "Code": "None" }),
            Some(reason) => {
                let mut told = serde_json::json!({ "Code": reason.code, "Message": reason.message });
                if let (Some(item), Some(object)) = (reason.item, told.as_object_mut()) {
                    object.insert("Item".to_owned(), item_json(item, shape));
                }
                told
            }
        })
        .collect();
    AwsError::new("TransactionCanceledException", message).with_detail("CancellationReasons", reasons)
}

/// The reason that a failure is; errors that are no fault of one action stay errors.
pub fn reason(failure: Failure, shows_item: bool) -> Result<Reason, AwsError> {
    match failure {
        Failure::Condition(item) => Ok(Reason {
            code: "ConditionalCheckFailed",
            message: "The conditional request failed".to_owned(),
            item: item.filter(|_| shows_item),
        }),
        Failure::Error(error) if error.code == VALIDATION => Ok(Reason {
            code: "ValidationError",
            message: error.message,
            item: None,
        }),
        Failure::Error(error) => Err(error),
    }
}

/// One write of a transaction.
pub struct Part {
    pub table: String,
    pub write: Write,
    pub shows_item: bool,
    /// PartiQL's `INSERT`: its condition is that there is no such item.
    pub is_insert: bool,
}

impl Part {
    fn read(ctx: &Ctx, mut item: Input) -> Result<Part, AwsError> {
        let kinds = ["ConditionCheck", "Put", "Delete", "Update"];
        let given: Vec<&str> = kinds.into_iter().filter(|kind| item.has(kind)).collect();
        let ([kind], Some(mut input)) = (given.as_slice(), given.first().and_then(|kind| item.input(kind))) else {
            return Err(validation(
                "TransactItems can only contain one of Check, Put, Update or Delete",
            ));
        };
        let expressions = WRITE.read(&mut input)?;
        let mut placeholders = expressions.placeholders()?;
        let update = expressions.update(&mut placeholders)?;
        let condition = expressions.condition(ExpressionKind::Condition, &mut placeholders)?;
        placeholders.finish().map_err(invalid)?;
        let target = input
            .item(if *kind == "Put" { "Item" } else { "Key" })?
            .unwrap_or_default();
        let action = match *kind {
            "Put" => Action::Put(sized(target)?),
            "Delete" => Action::Delete(target),
            "Update" => Action::Update(target, update),
            _ => Action::Check(target),
        };
        Ok(Part {
            table: tables::name(ctx, input.text("TableName"))?,
            shows_item: input.text("ReturnValuesOnConditionCheckFailure") == Some("ALL_OLD"),
            is_insert: false,
            write: Write { action, condition },
        })
    }
}

/// What a transaction has done: its tables in order of first use, and what writing each of them cost.
pub struct Done {
    pub tables: Vec<Opened>,
    pub costs: Vec<(String, Cost)>,
}

/// Checks and does all of them, or none. `ctx` is the caller's for the shape alone.
pub fn write_all(tx: &mut Tx<'_>, parts: &[Part], now: Timestamp, shape: ShapeRef) -> Result<Done, AwsError> {
    let mut tables: Vec<Opened> = Vec::new();
    for part in parts {
        if !tables.iter().any(|table| table.name == part.table) {
            tables.push(tables::open(tx, &part.table, now)?);
        }
    }
    let find = |part: &Part| tables.iter().find(|table| table.name == part.table);
    let mut reasons: Vec<Option<Reason>> = Vec::new();
    let mut spots = Vec::new();
    let mut seen = BTreeSet::new();
    for part in parts {
        let table = find(part).ok_or_else(crate::errors::no_resource)?;
        // An empty key is refused at once, whatever the other actions are.
        if let Err(empty @ KeyError::Empty { .. }) = table.schema.check(part.write.item()) {
            return Err(invalid(empty.in_key()));
        }
        match part.write.check(table) {
            Ok(spot) => {
                if !seen.insert((table.data, spot.clone())) {
                    return Err(validation(
                        "Transaction request cannot include multiple operations on one item",
                    ));
                }
                spots.push(spot);
                reasons.push(None);
            }
            Err(error) => {
                spots.push(Vec::new());
                reasons.push(Some(reason(error.into(), false)?));
            }
        }
    }
    if reasons.iter().any(Option::is_some) {
        return Err(cancelled(reasons, shape));
    }
    let mut costs: Vec<(String, Cost)> = tables
        .iter()
        .map(|table| (table.name.clone(), Cost::default()))
        .collect();
    for ((part, spot), told) in parts.iter().zip(&spots).zip(&mut reasons) {
        let table = find(part).ok_or_else(crate::errors::no_resource)?;
        match part.write.run_untold(tx, table, spot, now) {
            Ok(outcome) => {
                if let Some((_, cost)) = costs.iter_mut().find(|(name, _)| *name == table.name) {
                    cost.add(&outcome.cost.times(FACTOR));
                }
            }
            Err(Failure::Condition(_)) if part.is_insert => {
                *told = Some(Reason {
                    code: "DuplicateItem",
                    message: "Duplicate primary key exists in table".to_owned(),
                    item: None,
                });
            }
            Err(failure) => *told = Some(reason(failure, part.shows_item)?),
        }
    }
    if reasons.iter().any(Option::is_some) {
        return Err(cancelled(reasons, shape));
    }
    Ok(Done { tables, costs })
}

pub async fn write(ctx: Ctx, mut input: Input, mut out: Output) -> Result<Value, AwsError> {
    let told = Told::read(&input);
    let metrics = input.text("ReturnItemCollectionMetrics") == Some("SIZE");
    let shape = input.attribute_shape();
    let token = input.take_text("ClientRequestToken");
    let token = token.map(|token| remembered(&token, input.digest("TransactItems")));
    let mut parts = Vec::new();
    for item in input.inputs("TransactItems") {
        parts.push(Part::read(&ctx, item)?);
    }
    let bytes: usize = parts.iter().map(|part| item_size_bytes(part.write.item())).sum();
    if bytes > limits::TRANSACTION_MAX_BYTES {
        return Err(validation("Transaction payload size cannot exceed 4194304 bytes"));
    }
    let now = ctx.now();
    let done = ctx
        .write(|tx| -> Result<Result<Done, Vec<(String, Cost)>>, AwsError> {
            if let Some(before) = recall(tx, token.as_ref(), now)? {
                return Ok(Err(before));
            }
            let done = write_all(tx, &parts, now, shape)?;
            if let Some((key, request)) = token {
                remember(tx, key, request, &done, now)?;
            }
            Ok(Ok(done))
        })
        .await?;
    match done {
        Ok(done) => {
            told.tell_all(&mut out, &done.costs, Split::Writes);
            if metrics {
                tell_metrics(&mut out, &parts, &done.tables);
            }
        }
        // Done before: what it costs now is to read the items.
        Err(costs) => {
            told.tell_all(&mut out, &costs, Split::Reads);
        }
    }
    Ok(out.done())
}

/// What it costs to be answered again, where the transaction was made before.
pub fn recall(
    tx: &Tx<'_>,
    token: Option<&(u128, [u8; 32])>,
    now: Timestamp,
) -> Result<Option<Vec<(String, Cost)>>, AwsError> {
    let Some((key, request)) = token else { return Ok(None) };
    let Some(before) = tx.get(&TOKENS, (*key,))?.filter(|before| before.ends > now) else {
        return Ok(None);
    };
    if before.request != *request {
        return Err(AwsError::new(
            "IdempotentParameterMismatchException",
            "The request uses the same client token as a previous, but non-identical request. Do not reuse a client \
             token with different requests, unless the requests are identical",
        ));
    }
    let costs = before.reads.into_iter().map(|(name, units)| {
        let table = units as f64;
        (
            name,
            Cost {
                table,
                ..Cost::default()
            },
        )
    });
    Ok(Some(costs.collect()))
}

/// The token's key and the digest of what came with it.
pub fn remembered(token: &str, request: [u8; 32]) -> (u128, [u8; 32]) {
    let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
    let mut key = [0; 16];
    key.copy_from_slice(hash.split_at(16).0);
    (u128::from_be_bytes(key), request)
}

pub fn remember(tx: &mut Tx<'_>, key: u128, request: [u8; 32], done: &Done, now: Timestamp) -> Result<(), AwsError> {
    let old = tx.scan(&TOKEN_ENDS).before((now,)).limit(FORGOTTEN).keys()?;
    for (ends, old) in old {
        tx.delete(&TOKEN_ENDS, (ends, old))?;
        if tx.get(&TOKENS, (old,))?.is_some_and(|token| token.ends <= now) {
            tx.delete(&TOKENS, (old,))?;
        }
    }
    let token = Token {
        request,
        ends: now.plus_secs(limits::TOKEN_S),
        reads: done
            .costs
            .iter()
            .map(|(name, cost)| (name.clone(), cost.table.max(0.0) as u64))
            .collect(),
    };
    tx.put(&TOKEN_ENDS, (token.ends, key), &())?;
    tx.put(&TOKENS, (key,), &token)?;
    Ok(())
}

fn tell_metrics(out: &mut Output, parts: &[Part], tables: &[Opened]) {
    let mut map: BTreeMap<String, Vec<wire::ItemCollectionMetrics>> = BTreeMap::new();
    for part in parts {
        let table = tables.iter().find(|table| table.name == part.table);
        if let Some(metrics) = table.and_then(|table| collection_metrics(table, part.write.item())) {
            let list = map.entry(part.table.clone()).or_default();
            if !list.contains(&metrics) {
                list.push(metrics);
            }
        }
    }
    if !map.is_empty() {
        let shape = out.of("ItemCollectionMetrics");
        out.set("ItemCollectionMetrics", map.into_value(shape));
    }
}

/// One read of a transaction.
struct Wanted {
    table: String,
    key: Key,
    projection: Option<Projection>,
}

pub fn get(ctx: Ctx, mut input: Input, mut out: Output) -> Result<Value, AwsError> {
    let told = Told::read(&input);
    let shape = input.attribute_shape();
    let mut all = Vec::new();
    for mut item in input.inputs("TransactItems") {
        let Some(mut get) = item.input("Get") else {
            return Err(validation("TransactItems can only contain Get"));
        };
        let expressions = GET.read(&mut get)?;
        let mut placeholders = expressions.placeholders()?;
        let projection = expressions.projection(&mut placeholders)?;
        placeholders.finish().map_err(invalid)?;
        all.push(Wanted {
            table: tables::name(&ctx, get.text("TableName"))?,
            key: get.key("Key")?.unwrap_or_default(),
            projection,
        });
    }
    let now = ctx.now();
    let (found, costs) = ctx.read(|tx| -> Result<_, AwsError> {
        let mut tables: Vec<(Opened, Cost)> = Vec::new();
        let (mut found, mut reasons, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        for wanted in &all {
            if !tables.iter().any(|(table, _)| table.name == wanted.table) {
                tables.push((tables::open(tx, &wanted.table, now)?, Cost::default()));
            }
            let Some((table, cost)) = tables.iter_mut().find(|(table, _)| table.name == wanted.table) else {
                continue;
            };
            let spot = match check_read_key(&table.schema, &wanted.key) {
                Ok(spot) => spot,
                Err(error) => {
                    reasons.push(Some(reason(error.into(), false)?));
                    continue;
                }
            };
            reasons.push(None);
            let row = tx.get(&RAW_ITEMS, (table.data, HashAt(&spot)))?;
            if !seen.insert((table.data, spot)) {
                return Err(validation(
                    "Transaction request cannot include multiple operations on one item",
                ));
            }
            let size = row.as_ref().map_or(0, |row| row.size_bytes);
            cost.table += read_units(size, true) * FACTOR;
            found.push(match (row, &wanted.projection) {
                (Some(row), Some(projection)) => Some(row.projected(projection).ok_or_else(errors::unreadable)?),
                (row, _) => row,
            });
        }
        if reasons.iter().any(Option::is_some) {
            return Err(cancelled(reasons, shape));
        }
        let costs: Vec<(String, Cost)> = tables
            .into_iter()
            .map(|(table, cost)| (table.name.clone(), cost))
            .collect();
        Ok((found, costs))
    })?;
    let list = out.of("Responses");
    let element = list.element().unwrap_or(list);
    let mut responses = Vec::with_capacity(found.len());
    for item in found {
        let mut response = Output::new(element);
        if let Some(item) = item {
            response.set_stored(&ctx, "Item", item)?;
        }
        responses.push(response.done());
    }
    out.set("Responses", Value::List(responses));
    told.tell_all(&mut out, &costs, Split::Reads);
    Ok(out.done())
}
