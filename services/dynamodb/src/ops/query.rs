//! Query and Scan.

use crate::capacity::{Cost, Told, read_units};
use crate::errors::{invalid, no_resource, parameter, validation};
use crate::expression::{Expressions, Parameters};
use crate::limits::SCAN_SEGMENTS_MAX;
use crate::page::{Page, Range, Read};
use crate::past::Past;
use crate::schema::{Index, KeySchema, Projected};
use crate::state::Definition;
use crate::tables;
use crate::value::{Input, Output, write_item};
use virga_base::{AwsError, Timestamp};
use virga_lang_dynamodb::legacy::check_filter_keys;
use virga_lang_dynamodb::{AttributeValue, Condition, ExpressionKind, Item, KeyCondition, Projection, SortCondition};
use virga_service::{Ctx, Value};
use virga_shape::StructValue;

const QUERY: Parameters = Parameters {
    with_values: &["FilterExpression", "KeyConditionExpression"],
    with_names: &["ProjectionExpression"],
    legacy: &["AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions"],
};
const SCAN: Parameters = Parameters {
    with_values: &["FilterExpression"],
    with_names: &["ProjectionExpression"],
    legacy: &["AttributesToGet", "ScanFilter", "ConditionalOperator"],
};

/// A table on demand begins with so many partitions, of which a scan pays each by itself.
const ON_DEMAND_PARTS: usize = 4;

/// What both operations ask.
struct Wanted {
    table: String,
    index: Option<String>,
    select: Select,
    limit: usize,
    start: Option<Item>,
    consistent: bool,
    filter: Option<Condition>,
    projection: Option<Projection>,
    told: Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Select {
    /// What the table or the index has.
    Default,
    All,
    Projected,
    Count,
    Specific,
}

impl Wanted {
    fn read(ctx: &Ctx, input: &mut Input, expressions: &Expressions, doing: &str) -> Result<Wanted, AwsError> {
        let index = input.take_text("IndexName");
        let select = select(input.text("Select"), index.is_some(), expressions, doing)?;
        let start = input.item("ExclusiveStartKey")?;
        Ok(Wanted {
            table: tables::name(ctx, input.text("TableName"))?,
            index,
            select,
            limit: input
                .integer("Limit")
                .and_then(|limit| usize::try_from(limit).ok())
                .unwrap_or(usize::MAX),
            start,
            consistent: input.flag("ConsistentRead") == Some(true),
            filter: None,
            projection: None,
            told: Told::read(input),
        })
    }

    /// The index by its name, with what only then can be said of the request.
    fn index<'t>(&self, table: &'t Definition, now: Timestamp) -> Result<Option<&'t Index>, AwsError> {
        let Some(name) = &self.index else { return Ok(None) };
        let index = table
            .index(name)
            .ok_or_else(|| validation(format!("The table does not have the specified index: {name}")))?;
        let Some(_) = &index.global else {
            return Ok(Some(index));
        };
        if self.consistent {
            return Err(validation(
                "Consistent reads are not supported on global secondary indexes",
            ));
        }
        if index.status(now) == "CREATING" {
            return Err(validation(format!(
                "Cannot read from backfilling global secondary index: {name}"
            )));
        }
        if self.select == Select::All && index.projected != Projected::All {
            return Err(parameter(format!(
                "Select type ALL_ATTRIBUTES is not supported for global secondary index {name} because its projection \
                 type is not ALL"
            )));
        }
        let unshown: Vec<&str> = self
            .projection
            .iter()
            .flat_map(Projection::paths)
            .map(|path| path.attribute())
            .filter(|name| !index.shows(&table.schema, name))
            .collect();
        if !unshown.is_empty() {
            return Err(parameter(format!(
                "Global secondary index {name} does not project [{}]",
                unshown.join(", ")
            )));
        }
        Ok(Some(index))
    }

    /// Whether items of an index are shown as the table has them.
    fn wants_whole(&self, table: &Definition, index: &Index) -> bool {
        if index.global.is_some() {
            return false;
        }
        match self.select {
            Select::All => true,
            _ => self
                .projection
                .iter()
                .flat_map(Projection::paths)
                .any(|path| !index.shows(&table.schema, path.attribute())),
        }
    }
}

fn select(given: Option<&str>, of_index: bool, expressions: &Expressions, doing: &str) -> Result<Select, AwsError> {
    let projection = expressions.projection_parameter();
    let select = match given {
        None => {
            return Ok(if projection.is_some() {
                Select::Specific
            } else {
                Select::Default
            });
        }
        Some("ALL_ATTRIBUTES") => Select::All,
        Some("ALL_PROJECTED_ATTRIBUTES") => Select::Projected,
        Some("COUNT") => Select::Count,
        _ => Select::Specific,
    };
    if select == Select::Projected && !of_index {
        return Err(validation(format!(
            "ALL_PROJECTED_ATTRIBUTES can be used only when {doing} using an IndexName"
        )));
    }
    match (select, projection) {
        (Select::Specific, None) => Err(validation(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
        )),
        (Select::Count, Some(parameter)) => Err(validation(format!(
            "Cannot specify the {parameter} when choosing to get only the Count"
        ))),
        (Select::All | Select::Projected, Some(parameter)) => Err(validation(format!(
            "Cannot specify the {parameter} when choosing to get {}",
            given.unwrap_or_default()
        ))),
        _ => Ok(select),
    }
}

/// Whether a start key has just the key attributes that it must, with the right types.
fn check_start(start: &Item, table: &Definition, index: Option<&Index>, scan: bool) -> Result<(), AwsError> {
    let mut names: Vec<&str> = table.schema.names().collect();
    for name in index.into_iter().flat_map(|index| index.schema.names()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let complete = start.len() == names.len() && names.iter().all(|name| start.contains_key(*name));
    let mismatch = "The provided starting key is invalid: The provided key element does not match the schema";
    if !complete {
        return Err(validation(if scan {
            mismatch
        } else {
            "The provided starting key is invalid"
        }));
    }
    let schemas = std::iter::once(&table.schema).chain(index.map(|index| &index.schema));
    for schema in schemas {
        schema.check(start).map_err(|_| validation(mismatch))?;
    }
    Ok(())
}

/// Where a start key lies in the table or in the index.
fn spot(start: &Item, table: &Definition, index: Option<&Index>) -> Result<Vec<u8>, AwsError> {
    let wrong = || validation("The provided starting key is invalid");
    let spot = table.schema.spot(start).ok_or_else(wrong)?;
    match index {
        None => Ok(spot),
        Some(index) => index.entry(start, &spot).map(|(bytes, _)| bytes).ok_or_else(wrong),
    }
}

pub fn query(ctx: Ctx, mut input: Input, out: Output) -> Result<Value, AwsError> {
    let expressions = QUERY.read(&mut input)?;
    let mut wanted = Wanted::read(&ctx, &mut input, &expressions, "Querying")?;
    let forward = input.flag("ScanIndexForward") != Some(false);
    let mut placeholders = expressions.placeholders()?;
    wanted.filter = expressions.condition(ExpressionKind::Filter, &mut placeholders)?;
    let keys = expressions.key_condition(&mut placeholders)?;
    wanted.projection = expressions.projection(&mut placeholders)?;
    placeholders.finish().map_err(invalid)?;
    let keys = keys.ok_or_else(|| {
        validation("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
    })?;
    let now = ctx.now();
    let (table, read) = ctx.read(|tx| -> Result<_, AwsError> {
        let table = tables::open(tx, &wanted.table, now)?;
        let index = wanted.index(&table, now)?;
        let schema = index.map_or(&table.schema, |index| &index.schema);
        let (partition, sort) = schema.elements();
        let condition = keys.on(&partition, &sort)?;
        check_filter(&wanted, &expressions, schema)?;
        let range = Range::of(&condition);
        let after = wanted
            .start
            .as_ref()
            .map(|start| after(start, &table, index, &condition, &range))
            .transpose()?;
        let page = page(&wanted, range, forward, after);
        let read = run(tx, &ctx, &wanted, &table, index, &page)?;
        Ok((table, read))
    })?;
    answer(&ctx, wanted, &table, read, out)
}

/// The values of the partition key that a query asks for, by the schema of what it reads; nothing where it is none.
pub fn partition(schema: &KeySchema, input: &StructValue) -> Option<Vec<AttributeValue>> {
    let mut input = Input::new(Value::Struct(input.clone()))?;
    let expressions = QUERY.read(&mut input).ok()?;
    let mut placeholders = expressions.placeholders().ok()?;
    let keys = expressions.key_condition(&mut placeholders).ok()??;
    let (partition, sort) = schema.elements();
    keys.on(&partition, &sort).ok().map(|condition| condition.partition)
}

fn check_filter(wanted: &Wanted, expressions: &Expressions, schema: &KeySchema) -> Result<(), AwsError> {
    check_filter_keys(expressions.filtered(), schema.names()).map_err(invalid)?;
    let used = wanted.filter.as_ref().map(Condition::attributes).unwrap_or_default();
    match used.into_iter().find(|name| schema.has(name)) {
        Some(name) => Err(validation(format!(
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: {name}"
        ))),
        None => Ok(()),
    }
}

/// The place that a query goes on after.
fn after(
    start: &Item,
    table: &Definition,
    index: Option<&Index>,
    condition: &KeyCondition,
    range: &Range,
) -> Result<Vec<u8>, AwsError> {
    check_start(start, table, index, false)?;
    let schema = index.map_or(&table.schema, |index| &index.schema);
    if index.is_none() && schema.sort.is_empty() {
        let shown: Vec<String> = start
            .iter()
            .map(|(name, value)| format!("{name}=AttributeValue: {value}"))
            .collect();
        return Err(validation(format!(
            "The provided exclusive start key is invalid: ExclusiveStartKey: {{{}}}",
            shown.join(", ")
        )));
    }
    let single = index.is_none() && matches!(condition.sort.as_slice(), [SortCondition::Equal(_)]);
    if single {
        return Err(validation(
            "The query can return at most one row and cannot be restarted",
        ));
    }
    let spot = spot(start, table, index)?;
    let partition = Range::beginning_with(KeySchema::partition_of(&condition.partition));
    if !partition.contains(&spot) {
        return Err(validation(
            "The provided starting key is outside query boundaries based on provided conditions",
        ));
    }
    if !range.contains(&spot) {
        return Err(validation(
            "The provided starting key does not match the range key predicate",
        ));
    }
    Ok(spot)
}

fn page(wanted: &Wanted, range: Range, forward: bool, after: Option<Vec<u8>>) -> Page<'_> {
    Page {
        range,
        forward,
        after,
        limit: wanted.limit,
        filter: wanted.filter.as_ref(),
        count_only: wanted.select == Select::Count,
        parts: 1,
    }
}

fn run(
    tx: &virga_service::ReadTx<'_>,
    ctx: &Ctx,
    wanted: &Wanted,
    table: &Definition,
    index: Option<&Index>,
    page: &Page<'_>,
) -> Result<Read, AwsError> {
    let whole = index.is_some_and(|index| wanted.wants_whole(table, index));
    if let Some(past) = Past::of(tx, ctx, table, (wanted.consistent, index))? {
        return Ok(past.page(tx, page, (table, index, whole))?);
    }
    Ok(match index {
        None if page.filter.is_none() && wanted.projection.is_none() && !page.count_only => {
            page.shown_of_table(tx, table)?
        }
        None => page.of_table(tx, table)?,
        Some(index) => page.of_index(tx, table, index, whole)?,
    })
}

pub fn scan(ctx: Ctx, mut input: Input, out: Output) -> Result<Value, AwsError> {
    let expressions = SCAN.read(&mut input)?;
    let mut wanted = Wanted::read(&ctx, &mut input, &expressions, "Scanning")?;
    let segments = segments(&input)?;
    let mut placeholders = expressions.placeholders()?;
    wanted.filter = expressions.condition(ExpressionKind::Filter, &mut placeholders)?;
    wanted.projection = expressions.projection(&mut placeholders)?;
    placeholders.finish().map_err(invalid)?;
    let now = ctx.now();
    let (table, read) = ctx.read(|tx| -> Result<_, AwsError> {
        let table = tables::open(tx, &wanted.table, now)?;
        let index = wanted.index(&table, now)?;
        let range = segments.map_or_else(Range::default, |(segment, total)| Range::segment(segment, total));
        let after = match &wanted.start {
            None => None,
            Some(start) => {
                check_start(start, &table, index, true)?;
                let spot = spot(start, &table, index)?;
                if let Some((segment, total)) = segments.filter(|_| !range.contains(&spot)) {
                    return Err(validation(format!(
                        "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey \
                         with correct Segment. TotalSegments: {total} Segment: {segment}"
                    )));
                }
                Some(spot)
            }
        };
        let mut page = page(&wanted, range, true, after);
        if table.billing.on_demand {
            page.parts = ON_DEMAND_PARTS;
        }
        let read = run(tx, &ctx, &wanted, &table, index, &page)?;
        Ok((table, read))
    })?;
    answer(&ctx, wanted, &table, read, out)
}

fn segments(input: &Input) -> Result<Option<(u64, u64)>, AwsError> {
    let (segment, total) = match (input.integer("Segment"), input.integer("TotalSegments")) {
        (None, None) => return Ok(None),
        (None, Some(_)) => {
            return Err(validation(
                "The Segment parameter is required but was not present in the request when parameter TotalSegments is \
                 present",
            ));
        }
        (Some(_), None) => {
            return Err(validation(
                "The TotalSegments parameter is required but was not present in the request when Segment parameter is \
                 present",
            ));
        }
        (Some(segment), Some(total)) => (segment, total),
    };
    debug_assert!(total <= SCAN_SEGMENTS_MAX, "the model's constraint");
    if segment >= total {
        return Err(validation(format!(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: {segment} is \
             not less than TotalSegments: {total}"
        )));
    }
    let whole = |number: i64| u64::try_from(number).map_err(|_| no_resource());
    Ok(Some((whole(segment)?, whole(total)?)))
}

fn answer(ctx: &Ctx, wanted: Wanted, table: &Definition, read: Read, mut out: Output) -> Result<Value, AwsError> {
    let mut cost = Cost::default();
    match wanted.index.as_deref().and_then(|name| table.index(name)) {
        None if read.parts.is_empty() => cost.table = read_units(read.bytes, wanted.consistent),
        None => {
            cost.table = read
                .parts
                .iter()
                .map(|bytes| read_units(*bytes, wanted.consistent))
                .sum()
        }
        Some(index) => {
            cost.add_index(
                &index.name,
                index.global.is_some(),
                read_units(read.bytes, wanted.consistent),
            );
            cost.table = read
                .fetched
                .iter()
                .map(|bytes| read_units(*bytes, wanted.consistent))
                .sum();
        }
    }
    if wanted.select != Select::Count {
        let list = out.of("Items");
        let map = list.element().unwrap_or(list);
        let attribute = map.element().unwrap_or(map);
        let show = |item: Item| match &wanted.projection {
            Some(projection) => write_item(projection.apply(&item), attribute),
            None => write_item(item, attribute),
        };
        if read.items.is_empty() {
            out.set_all_stored(ctx, "Items", read.shown)?;
        } else {
            out.set("Items", Value::List(read.items.into_iter().map(show).collect()));
        }
    }
    let whole = |count: usize| Value::Integer(i64::try_from(count).unwrap_or(i64::MAX));
    out.set("Count", whole(read.count));
    out.set("ScannedCount", whole(read.scanned));
    if let Some(last) = read.last {
        out.set_item("LastEvaluatedKey", last);
    }
    wanted.told.tell(&mut out, table, &cost);
    Ok(out.done())
}
