//! PutItem, GetItem, UpdateItem, DeleteItem.

use crate::capacity::{Cost, Told, read_units};
use crate::errors::validation;
use crate::expression::{Expressions, Parameters};
use crate::past::Past;
use crate::state::{At, Definition, HashAt, ITEMS, RAW_ITEMS, RawItem};
use crate::tables;
use crate::value::{Input, Output, item_json};
use crate::wire;
use crate::write::{self, Action, Outcome, Write};
use std::collections::BTreeMap;
use virga_base::AwsError;
use virga_lang_dynamodb::{ExpressionKind, Item, Update};
use virga_service::{Ctx, Value};
use virga_shape::IntoValue;

const PUT: Parameters = Parameters {
    with_values: &["ConditionExpression"],
    with_names: &[],
    legacy: &["Expected", "ConditionalOperator"],
};
const UPDATE: Parameters = Parameters {
    with_values: &["UpdateExpression", "ConditionExpression"],
    with_names: &[],
    legacy: &["AttributeUpdates", "Expected", "ConditionalOperator"],
};
const GET: Parameters = Parameters {
    with_values: &[],
    with_names: &["ProjectionExpression"],
    legacy: &["AttributesToGet"],
};

/// `ReturnValues`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Values {
    None,
    AllOld,
    UpdatedOld,
    AllNew,
    UpdatedNew,
}

/// What a write answers, as far as that is the caller's choice.
struct Wanted {
    values: Values,
    item_on_failure: bool,
    capacity: Told,
    metrics: bool,
}

impl Wanted {
    fn read(input: &Input) -> Wanted {
        Wanted {
            values: match input.text("ReturnValues") {
                Some("ALL_OLD") => Values::AllOld,
                Some("UPDATED_OLD") => Values::UpdatedOld,
                Some("ALL_NEW") => Values::AllNew,
                Some("UPDATED_NEW") => Values::UpdatedNew,
                _ => Values::None,
            },
            item_on_failure: input.text("ReturnValuesOnConditionCheckFailure") == Some("ALL_OLD"),
            capacity: Told::read(input),
            metrics: input.text("ReturnItemCollectionMetrics") == Some("SIZE"),
        }
    }

    /// Of operations that cannot answer what is new.
    fn check_old_only(&self) -> Result<(), AwsError> {
        if matches!(self.values, Values::None | Values::AllOld) {
            Ok(())
        } else {
            Err(validation("Return values set to invalid value"))
        }
    }
}

pub async fn put(ctx: Ctx, mut input: Input, out: Output) -> Result<Value, AwsError> {
    let expressions = PUT.read(&mut input)?;
    let item = input.item("Item")?.unwrap_or_default();
    let wanted = Wanted::read(&input);
    wanted.check_old_only()?;
    let new = write::sized(item)?;
    let write = conditional(&expressions, |_| Ok(Action::Put(new)))?;
    run(&ctx, &input, &write, wanted, out).await
}

pub async fn delete(ctx: Ctx, mut input: Input, out: Output) -> Result<Value, AwsError> {
    let expressions = PUT.read(&mut input)?;
    let key = input.item("Key")?.unwrap_or_default();
    let wanted = Wanted::read(&input);
    wanted.check_old_only()?;
    let write = conditional(&expressions, |_| Ok(Action::Delete(key)))?;
    run(&ctx, &input, &write, wanted, out).await
}

pub async fn update(ctx: Ctx, mut input: Input, out: Output) -> Result<Value, AwsError> {
    let expressions = UPDATE.read(&mut input)?;
    let key = input.item("Key")?.unwrap_or_default();
    let wanted = Wanted::read(&input);
    let write = conditional(&expressions, |update| Ok(Action::Update(key, update)))?;
    run(&ctx, &input, &write, wanted, out).await
}

/// A write with its condition, and with its update if it is one.
fn conditional(
    expressions: &Expressions,
    action: impl FnOnce(Option<Update>) -> Result<Action, AwsError>,
) -> Result<Write, AwsError> {
    let mut placeholders = expressions.placeholders()?;
    let update = expressions.update(&mut placeholders)?;
    let condition = expressions.condition(ExpressionKind::Condition, &mut placeholders)?;
    placeholders.finish().map_err(crate::errors::invalid)?;
    Ok(Write {
        action: action(update)?,
        condition,
    })
}

async fn run(ctx: &Ctx, input: &Input, write: &Write, wanted: Wanted, mut out: Output) -> Result<Value, AwsError> {
    let name = tables::name(ctx, input.text("TableName"))?;
    let now = ctx.now();
    let done = ctx
        .write(|tx| {
            let table = tables::open(tx, &name, now)?;
            let spot = write.check(&table)?;
            let outcome = if wanted.values == Values::None {
                write.run_untold(tx, &table, &spot, now)?
            } else {
                write.run(tx, &table, &spot, now)?
            };
            Ok((table, outcome))
        })
        .await;
    let (table, outcome) = done.map_err(|failure| {
        let show = |item| item_json(item, input.attribute_shape());
        write::failed(failure, wanted.item_on_failure.then_some(show))
    })?;
    wanted.capacity.tell(&mut out, &table, &outcome.cost);
    if wanted.metrics
        && let Some(metrics) = collection_metrics(&table, write.item())
    {
        let shape = out.of("ItemCollectionMetrics");
        out.set("ItemCollectionMetrics", metrics.into_value(shape));
    }
    if let Some(attributes) = returned(wanted.values, outcome) {
        out.set_item("Attributes", attributes);
    }
    Ok(out.done())
}

fn returned(values: Values, outcome: Outcome) -> Option<Item> {
    let shown = match values {
        Values::None => None,
        Values::AllOld => outcome.old.map(|old| old.item),
        Values::AllNew => outcome.new.map(|new| new.item),
        // Of an item that was not there, nothing is old.
        Values::UpdatedOld => outcome
            .updated
            .filter(|_| outcome.old.is_some())
            .map(|updated| updated.old),
        Values::UpdatedNew => outcome.updated.map(|updated| updated.new),
    };
    shown.filter(|item| !item.is_empty())
}

/// The size of a partition of a table with local indexes, which is told only roughly: all in the first gigabyte.
pub fn collection_metrics(table: &Definition, item: &Item) -> Option<wire::ItemCollectionMetrics> {
    if !table.has_local_index() {
        return None;
    }
    let key = table.schema.partition.first()?;
    let value = item.get(&key.name)?;
    Some(wire::ItemCollectionMetrics {
        item_collection_key: Some(BTreeMap::from([(key.name.clone(), typed(value))])),
        size_estimate_range_gb: Some(vec![0.0, 1.0]),
    })
}

/// A key attribute's value as the model's type.
fn typed(value: &virga_lang_dynamodb::AttributeValue) -> wire::AttributeValue {
    use virga_lang_dynamodb::AttributeValue as Plain;
    let mut typed = wire::AttributeValue::default();
    match value {
        Plain::S(text) => typed.s = Some(text.clone()),
        Plain::N(number) => typed.n = Some(number.to_string()),
        Plain::B(bytes) => typed.b = Some(bytes.clone().into()),
        _ => {}
    }
    typed
}

/// An item that was asked for.
enum Got {
    /// Whole, as it is stored.
    Raw(RawItem),
    Item(Item),
}

pub fn get(ctx: Ctx, mut input: Input, mut out: Output) -> Result<Value, AwsError> {
    let expressions = GET.read(&mut input)?;
    let key = input.key("Key")?.unwrap_or_default();
    let mut placeholders = expressions.placeholders()?;
    let projection = expressions.projection(&mut placeholders)?;
    placeholders.finish().map_err(crate::errors::invalid)?;
    let name = tables::name(&ctx, input.text("TableName"))?;
    let consistent = input.flag("ConsistentRead") == Some(true);
    let now = ctx.now();
    let (table, size_bytes, found) = ctx.read(|tx| -> Result<_, AwsError> {
        let table = tables::open(tx, &name, now)?;
        let spot = write::check_read_key(&table.schema, &key)?;
        let (size_bytes, found) = match &projection {
            None => tx
                .get(&RAW_ITEMS, (table.data, HashAt(&spot)))?
                .map(|row| (row.size_bytes, Got::Raw(row))),
            Some(projection) => {
                let row = tx.get(&ITEMS, (table.data, At(&spot)))?;
                row.map(|row| (row.size_bytes, Got::Item(projection.apply(&row.item))))
            }
        }
        .unzip();
        let (size_bytes, found) = match Past::of(tx, &ctx, &table, (consistent, None))?.and_then(|past| past.at(&spot))
        {
            None => (size_bytes, found),
            Some(row) => row
                .map(|row| {
                    let item = match &projection {
                        Some(projection) => projection.apply(&row.item),
                        None => row.item,
                    };
                    (row.size_bytes, Got::Item(item))
                })
                .unzip(),
        };
        Ok((table, size_bytes.unwrap_or(0), found))
    })?;
    let cost = Cost {
        table: read_units(size_bytes, consistent),
        ..Cost::default()
    };
    Told::read(&input).tell(&mut out, &table, &cost);
    match found {
        None => {}
        Some(Got::Item(item)) => out.set_item("Item", item),
        Some(Got::Raw(row)) => out.set_stored(&ctx, "Item", row)?,
    }
    Ok(out.done())
}
