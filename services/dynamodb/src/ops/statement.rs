//! ExecuteStatement, BatchExecuteStatement, ExecuteTransaction: PartiQL on the same items, pages and writes as all other
//! operations.

use super::transact::{self, Part};
use crate::capacity::{Cost, Split, Told, read_units};
use crate::errors::{self, invalid, parameter, validation};
use crate::limits::PAGE_MAX_BYTES;
use crate::page::{Page, Range};
use crate::past::Past;
use crate::schema::Index;
use crate::state::{At, Definition, ITEMS, Opened};
use crate::tables;
use crate::value::{Input, Output, item_json, read_value, write_item};
use crate::write::{self, Action, Outcome, Write, sized};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use virga_base::AwsError;
use virga_lang_dynamodb::attribute::check_value;
use virga_lang_dynamodb::partiql::{ReadPlan, Returning, Select, Selected, Statement, absent, key_of, parse_statement};
use virga_lang_dynamodb::{AttributeValue, Item};
use virga_service::{Ctx, ReadTx, Value};
use virga_shape::{ShapeRef, StructValue};

/// One statement of a request.
struct Asked {
    statement: Statement,
    /// The name in the statement, which may be the table's ARN.
    table: String,
    consistent: bool,
    shows_item: bool,
}

impl Asked {
    /// `place` is that in a transaction, which errors of the statement, but not those of its parameters, tell.
    fn read(ctx: &Ctx, input: &mut Input, place: Option<usize>) -> Result<Asked, AwsError> {
        let text = input.take_text("Statement").unwrap_or_default();
        let mut parameters: Vec<AttributeValue> = Vec::new();
        if let Some(Value::List(given)) = input.take("Parameters") {
            for value in given {
                let value = read_value(value).map_err(invalid)?;
                check_value(&value).map_err(invalid)?;
                parameters.push(value);
            }
        }
        let statement = parse_statement(&text, &parameters).map_err(|error| match place {
            Some(place) => of_statement(place, invalid(error)),
            None => invalid(error),
        })?;
        Ok(Asked {
            table: tables::name(ctx, Some(statement.table()))?,
            consistent: input.flag("ConsistentRead") == Some(true),
            shows_item: input.text("ReturnValuesOnConditionCheckFailure") == Some("ALL_OLD"),
            statement,
        })
    }

    /// The write that it is.
    fn write(&self, table: &Definition) -> Result<Write, AwsError> {
        let keys: Vec<&str> = table.schema.names().collect();
        Ok(match &self.statement {
            Statement::Insert(insert) => Write {
                action: Action::Put(sized(insert.item.clone())?),
                condition: keys.first().map(|key| absent(key)),
            },
            Statement::Update(update) => {
                let found = key_of(update.condition.as_ref(), &keys).map_err(invalid)?;
                Write {
                    condition: Some(found.to_update()),
                    action: Action::Update(found.key, Some(update.update.clone())),
                }
            }
            Statement::Delete(delete) => {
                let found = key_of(delete.condition.as_ref(), &keys).map_err(invalid)?;
                Write {
                    condition: found.to_delete(),
                    action: Action::Delete(found.key),
                }
            }
            Statement::Exists(select) => {
                let single = || validation("EXISTS() must contain a single item read with additional condition");
                let found = key_of(select.condition.as_ref(), &keys).map_err(|_| single())?;
                if select.index.is_some() || found.condition.is_none() {
                    return Err(single());
                }
                Write {
                    condition: found.condition,
                    action: Action::Check(found.key),
                }
            }
            Statement::Select(_) => return Err(AwsError::internal("a read is no write")),
        })
    }

    fn is_insert(&self) -> bool {
        matches!(self.statement, Statement::Insert(_))
    }
}

fn duplicate() -> AwsError {
    AwsError::new("DuplicateItemException", "Duplicate primary key exists in table")
}

pub async fn execute(ctx: Ctx, mut input: Input, mut out: Output) -> Result<Value, AwsError> {
    let shape = input.attribute_shape();
    let asked = Asked::read(&ctx, &mut input, None)?;
    let told = Told::read(&input);
    let (table, cost, items) = match &asked.statement {
        Statement::Exists(_) => {
            return Err(validation("EXISTS is only supported within ExecuteTransaction"));
        }
        Statement::Select(select) => {
            let limit = input.integer("Limit").and_then(|limit| usize::try_from(limit).ok());
            let token = input
                .take_text("NextToken")
                .map(|text| Token::parse(&text))
                .transpose()?;
            let found = ctx.read(|tx| read(tx, &ctx, &asked, select, limit, token.as_ref()))?;
            if let Some((token, key)) = found.next {
                out.set("NextToken", Value::String(token.text()));
                if let Some(key) = key {
                    out.set_item("LastEvaluatedKey", key);
                }
            }
            (found.table, found.cost, found.items)
        }
        _ => {
            let (table, cost, item) = run(&ctx, &asked, shape).await?;
            (table, cost, item.into_iter().collect())
        }
    };
    let list = out.of("Items");
    let map = list.element().unwrap_or(list);
    let attribute = map.element().unwrap_or(map);
    let items = items.into_iter().map(|item| write_item(item, attribute)).collect();
    out.set("Items", Value::List(items));
    told.tell(&mut out, &table, &cost);
    Ok(out.done())
}

/// Does one write, and answers what of the item is wanted.
async fn run(ctx: &Ctx, asked: &Asked, shape: ShapeRef) -> Result<(Opened, Cost, Option<Item>), AwsError> {
    let now = ctx.now();
    let done = ctx
        .write(|tx| {
            let table = tables::open(tx, &asked.table, now)?;
            let write = asked.write(&table)?;
            let spot = write.check(&table)?;
            let outcome = write.run(tx, &table, &spot, now)?;
            Ok((table, outcome))
        })
        .await;
    match done {
        Ok((table, outcome)) => {
            let cost = outcome.cost.clone();
            Ok((table, cost, returned(&asked.statement, outcome)))
        }
        Err(write::Failure::Condition(_)) if asked.is_insert() => Err(duplicate()),
        Err(failure) => {
            let show = |item| item_json(item, shape);
            Err(write::failed(failure, asked.shows_item.then_some(show)))
        }
    }
}

fn returned(statement: &Statement, outcome: Outcome) -> Option<Item> {
    let returning = match statement {
        Statement::Update(update) => update.returning?,
        Statement::Delete(delete) if delete.returns_old => Returning::AllOld,
        _ => return None,
    };
    let shown = match returning {
        Returning::AllOld => outcome.old.map(|old| old.item),
        Returning::AllNew => outcome.new.map(|new| new.item),
        Returning::ModifiedOld => outcome.updated.map(|updated| updated.old),
        Returning::ModifiedNew => outcome.updated.map(|updated| updated.new),
    };
    shown.filter(|item| !item.is_empty())
}

/// Where a `SELECT` goes on: in which of its parts, and after which place there.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Token {
    part: usize,
    after: Option<Vec<u8>>,
}

impl Token {
    fn text(&self) -> String {
        // Numbers always have a JSON form.
        BASE64.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn parse(text: &str) -> Result<Token, AwsError> {
        let bytes = BASE64.decode(text).ok();
        let token = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        token.ok_or_else(|| validation("Given NextToken is invalid"))
    }
}

struct Found {
    table: Opened,
    items: Vec<Item>,
    cost: Cost,
    /// Where to go on, and the last item's key.
    next: Option<(Token, Option<Item>)>,
}

fn index_of<'t>(
    asked: &Asked,
    select: &Select,
    table: &'t Definition,
    ctx: &Ctx,
) -> Result<Option<&'t Index>, AwsError> {
    let Some(name) = &select.index else { return Ok(None) };
    let index = table
        .index(name)
        .ok_or_else(|| validation("The table does not have the specified index"))?;
    if index.schema.partition.len() > 1 || index.schema.sort.len() > 1 {
        return Err(validation(
            "PartiQL statements cannot be executed on tables with multi-attribute HASH keys or multi-attribute RANGE \
             keys.",
        ));
    }
    if index.global.is_none() {
        return Ok(Some(index));
    }
    if asked.consistent {
        return Err(validation(
            "Consistent reads are not supported on global secondary indexes",
        ));
    }
    if index.status(ctx.now()) == "CREATING" {
        return Err(validation(format!(
            "Cannot read from backfilling global secondary index: {name}"
        )));
    }
    let mut unshown: Vec<&str> = Vec::new();
    for attribute in select.selected.iter().flat_map(Selected::attributes) {
        if !index.shows(&table.schema, attribute) && !unshown.contains(&attribute) {
            unshown.push(attribute);
        }
    }
    if !unshown.is_empty() {
        return Err(parameter(format!(
            "Global secondary index {name} does not project [{}]",
            unshown.join(", ")
        )));
    }
    Ok(Some(index))
}

fn read(
    tx: &ReadTx<'_>,
    ctx: &Ctx,
    asked: &Asked,
    select: &Select,
    limit: Option<usize>,
    token: Option<&Token>,
) -> Result<Found, AwsError> {
    let table = tables::open(tx, &asked.table, ctx.now())?;
    let index = index_of(asked, select, &table, ctx)?;
    let schema = index.map_or(&table.schema, |index| &index.schema);
    let (partition, sort) = schema.elements();
    let (ranges, forward) = match select.plan(&partition, &sort).map_err(invalid)? {
        ReadPlan::Scan => (vec![Range::default()], true),
        ReadPlan::Query { ranges, descending } => (ranges.iter().map(Range::of).collect(), !descending),
    };
    // A local index leads to the table's items, where more is wanted than it holds.
    let whole = index.is_some_and(|index| {
        index.global.is_none()
            && select
                .selected
                .iter()
                .flat_map(Selected::attributes)
                .any(|attribute| !index.shows(&table.schema, attribute))
    });
    let past = Past::of(tx, ctx, &table, (asked.consistent, index))?;
    let (mut items, mut bytes, mut left) = (Vec::new(), 0, limit.unwrap_or(usize::MAX));
    let mut fetched = Vec::new();
    let mut next = None;
    let first = token.map_or(0, |token| token.part);
    let count = ranges.len();
    for (part, range) in ranges.into_iter().enumerate().skip(first) {
        let page = Page {
            range,
            forward,
            after: token
                .filter(|token| token.part == part)
                .and_then(|token| token.after.clone()),
            limit: left,
            filter: select.condition.as_ref(),
            count_only: false,
            parts: 1,
        };
        let found = match (&past, index) {
            (Some(past), _) => past.page(tx, &page, (&table, index, whole))?,
            (None, None) => page.of_table(tx, &table)?,
            (None, Some(index)) => page.of_index(tx, &table, index, whole)?,
        };
        bytes += found.bytes;
        left = left.saturating_sub(found.scanned);
        fetched.extend(found.fetched);
        items.extend(found.items);
        if let Some(last) = found.last {
            let spot = table.schema.spot(&last);
            let after = match index {
                None => spot,
                Some(index) => spot.and_then(|spot| index.entry(&last, &spot)).map(|(bytes, _)| bytes),
            };
            next = Some((Token { part, after }, Some(last)));
            break;
        }
        if (left == 0 || bytes > PAGE_MAX_BYTES) && part + 1 < count {
            let after = None;
            next = Some((Token { part: part + 1, after }, None));
            break;
        }
    }
    let mut cost = Cost::default();
    let units = read_units(bytes, asked.consistent);
    match index {
        None => cost.table = units,
        Some(index) => {
            cost.add_index(&index.name, index.global.is_some(), units);
            cost.table = fetched.iter().map(|bytes| read_units(*bytes, asked.consistent)).sum();
        }
    }
    if let Some(selected) = &select.selected {
        items = items.iter().map(|item| selected.apply(item)).collect();
    }
    Ok(Found {
        table,
        items,
        cost,
        next,
    })
}

/// The one item of a `SELECT` that names a whole key and asks for nothing else. `of` is the operation.
fn read_one(
    tx: &ReadTx<'_>,
    ctx: &Ctx,
    asked: &Asked,
    select: &Select,
    of: &str,
) -> Result<(Opened, Cost, Option<Item>), AwsError> {
    let table = tables::open(tx, &asked.table, ctx.now())?;
    let keys: Vec<&str> = table.schema.names().collect();
    let refused = || {
        validation(format!(
            "Select statements within {of} must specify the primary key in the where clause."
        ))
    };
    index_of(asked, select, &table, ctx)?;
    let found = key_of(select.condition.as_ref(), &keys).map_err(|_| refused())?;
    if select.index.is_some() || found.condition.is_some() {
        return Err(refused());
    }
    let spot = write::check_key(&table.schema, &found.key)?;
    let past = Past::of(tx, ctx, &table, (asked.consistent, None))?;
    let row = match past.and_then(|past| past.at(&spot)) {
        Some(before) => before,
        None => tx.get(&ITEMS, (table.data, At(&spot)))?,
    };
    let cost = Cost {
        table: read_units(row.as_ref().map_or(0, |row| row.size_bytes), asked.consistent),
        ..Cost::default()
    };
    let item = row.map(|row| match &select.selected {
        Some(selected) => selected.apply(&row.item),
        None => row.item,
    });
    Ok((table, cost, item))
}

/// The code of an error within a batch.
fn batch_code(error: &AwsError) -> String {
    match error.code.as_ref() {
        "ValidationException" => "ValidationError".to_owned(),
        "InternalFailure" | "InternalServerError" => "InternalServerError".to_owned(),
        other => other.strip_suffix("Exception").unwrap_or(other).to_owned(),
    }
}

pub async fn batch(ctx: Ctx, mut input: Input, mut out: Output) -> Result<Value, AwsError> {
    let told = Told::read(&input);
    let shape = input.attribute_shape();
    let list = out.of("Responses");
    let response = list.element().unwrap_or(list);
    let mut asked = Vec::new();
    for mut statement in input.inputs("Statements") {
        asked.push(Asked::read(&ctx, &mut statement, None));
    }
    let reads = |asked: &Result<Asked, AwsError>| asked.as_ref().ok().map(|asked| asked.statement.is_read());
    let kinds: BTreeSet<bool> = asked.iter().filter_map(reads).collect();
    if kinds.len() > 1 {
        return Err(validation(
            "Batch statements must be all reads or all writes: reads and writes cannot be mixed",
        ));
    }
    let mut costs: Vec<(String, Cost)> = Vec::new();
    let mut responses = Vec::new();
    for asked in asked {
        let mut shown = StructValue::new(response);
        match one_of_batch(&ctx, asked, shape).await {
            Ok((table, cost, item)) => {
                if let Some(item) = item {
                    shown.set("Item", write_item(item, shape));
                }
                match costs.iter_mut().find(|(name, _)| *name == table) {
                    Some((_, sum)) => sum.add(&cost),
                    None => costs.push((table.clone(), cost)),
                }
                shown.set("TableName", Value::String(table));
            }
            Err(error) => {
                let target = response.member("Error").map(|(_, member)| response.target(member));
                let mut told = StructValue::new(target.unwrap_or(response));
                told.set("Code", Value::String(batch_code(&error)));
                told.set("Message", Value::String(error.message.clone()));
                let item = error.details.iter().find(|(name, _)| name == "Item");
                let item = item.and_then(|(_, item)| {
                    let (_, member) = told.shape().member("Item")?;
                    Value::from_json(told.shape().target(member), item).ok()
                });
                if let Some(item) = item {
                    told.set("Item", item);
                }
                shown.set("Error", Value::Struct(told));
            }
        }
        responses.push(Value::Struct(shown));
    }
    out.set("Responses", Value::List(responses));
    told.tell_all(&mut out, &costs, Split::Not);
    Ok(out.done())
}

async fn one_of_batch(
    ctx: &Ctx,
    asked: Result<Asked, AwsError>,
    shape: ShapeRef,
) -> Result<(String, Cost, Option<Item>), AwsError> {
    let asked = asked?;
    let (table, cost, item) = match &asked.statement {
        Statement::Exists(_) => {
            return Err(validation("EXISTS is only supported within ExecuteTransaction"));
        }
        Statement::Select(select) => ctx.read(|tx| read_one(tx, ctx, &asked, select, "BatchExecuteStatement"))?,
        _ => run(ctx, &asked, shape).await?,
    };
    Ok((table.name.clone(), cost, item))
}

/// Says which statement an error is about.
fn of_statement(at: usize, error: AwsError) -> AwsError {
    if error.code == errors::VALIDATION {
        validation(format!(
            "Validation failed in TransactStatements[{at}]: {}",
            error.message
        ))
    } else {
        error
    }
}

pub async fn transaction(ctx: Ctx, mut input: Input, mut out: Output) -> Result<Value, AwsError> {
    let told = Told::read(&input);
    let shape = input.attribute_shape();
    let token = input.take_text("ClientRequestToken");
    let token = token.map(|token| transact::remembered(&token, input.digest("TransactStatements")));
    let mut asked = Vec::new();
    for (at, mut statement) in input.inputs("TransactStatements").into_iter().enumerate() {
        asked.push(Asked::read(&ctx, &mut statement, Some(at))?);
    }
    let reads = asked.iter().filter(|asked| asked.statement.is_read()).count();
    if reads > 0 && reads < asked.len() {
        return Err(validation(
            "Transaction request cannot include both read and write statements",
        ));
    }
    if reads > 0 {
        let found = ctx.read(|tx| -> Result<Vec<(Opened, Cost, Option<Item>)>, AwsError> {
            let mut found = Vec::new();
            for (at, asked) in asked.iter().enumerate() {
                if let Statement::Select(select) = &asked.statement {
                    let consistent = Asked {
                        consistent: true,
                        statement: asked.statement.clone(),
                        table: asked.table.clone(),
                        shows_item: false,
                    };
                    let one = read_one(tx, &ctx, &consistent, select, "ExecuteTransaction");
                    found.push(one.map_err(|error| of_statement(at, error))?);
                }
            }
            Ok(found)
        })?;
        let list = out.of("Responses");
        let response = list.element().unwrap_or(list);
        let mut costs: Vec<(String, Cost)> = Vec::new();
        let mut responses = Vec::new();
        for (table, cost, item) in found {
            let cost = cost.times(2.0);
            match costs.iter_mut().find(|(name, _)| *name == table.name) {
                Some((_, sum)) => sum.add(&cost),
                None => costs.push((table.name.clone(), cost)),
            }
            let mut shown = StructValue::new(response);
            if let Some(item) = item {
                shown.set("Item", write_item(item, shape));
            }
            responses.push(Value::Struct(shown));
        }
        out.set("Responses", Value::List(responses));
        told.tell_all(&mut out, &costs, Split::Reads);
        return Ok(out.done());
    }
    let now = ctx.now();
    let costs = ctx
        .write(|tx| -> Result<(Vec<(String, Cost)>, Split), AwsError> {
            if let Some(before) = transact::recall(tx, token.as_ref(), now)? {
                return Ok((before, Split::Reads));
            }
            let mut parts = Vec::new();
            for (at, asked) in asked.iter().enumerate() {
                let table = tables::open(tx, &asked.table, now)?;
                parts.push(Part {
                    table: asked.table.clone(),
                    write: asked.write(&table).map_err(|error| of_statement(at, error))?,
                    shows_item: asked.shows_item,
                    is_insert: asked.is_insert(),
                });
            }
            let done = transact::write_all(tx, &parts, now, shape)?;
            if let Some((key, request)) = token {
                transact::remember(tx, key, request, &done, now)?;
            }
            Ok((done.costs, Split::Writes))
        })
        .await?;
    out.set("Responses", Value::List(Vec::new()));
    told.tell_all(&mut out, &costs.0, costs.1);
    Ok(out.done())
}
