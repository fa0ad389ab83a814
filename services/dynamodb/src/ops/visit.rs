//! A call on items while capacity runs out: what there is room for is let in, and pays what the answer says that it has cost.

use super::door::{Kind, text};
use super::partitions::{of_request, parts};
use super::transact::{self, Reason};
use crate::partition::Partition;
use crate::reach::Target;
use crate::state::Definition;
use crate::tables::{self, Rows};
use crate::throttle::{self, Pace, Part, Refusal, Way};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use virga_base::AwsError;
use virga_service::{Answer, Ctx, Handler, ReadTx, StoreError, Value};
use virga_shape::{ShapeRef, StructValue};

/// One call while capacity runs out.
pub struct Visit {
    pub handler: Arc<Handler>,
    pub ctx: Ctx,
    pub kind: Kind,
    pub targets: Vec<Target>,
    pub pace: Pace,
    /// Of the output.
    pub shape: ShapeRef,
}

/// A partition that is asked, of a table or of a global index of it.
struct Hot {
    table: String,
    index: Option<String>,
    partition: Partition,
}

/// What of its table is asked.
fn part<'t>(table: &'t Definition, target: &Target) -> Part<'t> {
    let index = target.index.as_deref().and_then(|index| table.index(index));
    match index {
        Some(index) if index.global.is_some() => Part::Index(&index.name),
        _ => Part::Table,
    }
}

/// What was kept back from a batch.
enum Held {
    Nothing,
    /// Requests by table, as they were given.
    Requests(Vec<(String, Value)>),
    /// Places of statements.
    Statements(Vec<(usize, Refusal)>),
}

impl Visit {
    pub async fn run(self, mut input: StructValue) -> Result<Answer, AwsError> {
        let held = self.admit(&mut input)?;
        let hot = self.hot(&input)?;
        let told = text(&input, "ReturnConsumedCapacity").to_owned();
        input.set("ReturnConsumedCapacity", Value::String("INDEXES".to_owned()));
        let nothing_left = matches!(&held, Held::Statements(held) if held.len() == self.targets.len());
        let mut answer = if nothing_left {
            Answer::from(Value::Struct(StructValue::new(self.shape)))
        } else {
            match (self.handler)(self.ctx.clone(), Value::Struct(input), Some(self.shape)).await {
                Ok(answer) => answer,
                Err(error) => {
                    self.pay_for_failure(&error, &hot).await?;
                    return Err(error);
                }
            }
        };
        if let Some(Value::Struct(output)) = &mut answer.output {
            self.pay(output, &hot).await?;
            narrow(output, &told);
            give_back(output, held);
        }
        Ok(answer)
    }

    fn refusal(
        &self,
        tx: &ReadTx<'_>,
        input: &StructValue,
        (at, target): (usize, &Target),
    ) -> Result<Option<Refusal>, AwsError> {
        let name = tables::name(&self.ctx, Some(&target.table))?;
        // What is not there is the operation's to say.
        let Some(table) = tx.definition(&name)? else {
            return Ok(None);
        };
        let (way, part) = (self.kind.way(target), part(&table, target));
        let refusal = throttle::refusal(tx, &self.ctx, &table, (way, part), &self.pace)?;
        if refusal.is_some() {
            return Ok(refusal);
        }
        for partition in self.kind.partitions(input, at, &table) {
            if partition.left_micro(tx, way, &self.pace)? <= 0 {
                return Ok(Some(Refusal::of_partition(&self.ctx, &table, (way, part))));
            }
        }
        Ok(None)
    }

    /// What will pay beside the tables, of the input that is let in.
    fn hot(&self, input: &StructValue) -> Result<Vec<Hot>, AwsError> {
        let targets = self.kind.targets(input);
        self.ctx.read(|tx| {
            let mut hot = Vec::new();
            for (at, target) in targets.iter().enumerate() {
                let Some(table) = tx.definition(&tables::name(&self.ctx, Some(&target.table))?)? else {
                    continue;
                };
                let index = match part(&table, target) {
                    Part::Table => None,
                    Part::Index(name) => Some(name.to_owned()),
                };
                let partitions = self.kind.partitions(input, at, &table);
                hot.extend(partitions.into_iter().map(|partition| Hot {
                    table: table.name.clone(),
                    index: index.clone(),
                    partition,
                }));
            }
            Ok(hot)
        })
    }

    /// Lets the call in, or that part of a batch for which there is room.
    fn admit(&self, input: &mut StructValue) -> Result<Held, AwsError> {
        if let Kind::Batch(_, way) = self.kind {
            return self.admit_batch(input, way);
        }
        let refusals = self.ctx.read(|tx| -> Result<Vec<Option<Refusal>>, AwsError> {
            let targets = self.targets.iter().enumerate();
            targets.map(|target| self.refusal(tx, input, target)).collect()
        })?;
        match self.kind {
            Kind::Transaction(_) | Kind::StatementTransaction if refusals.iter().any(Option::is_some) => {
                let reasons = refusals.into_iter().map(|refusal| {
                    refusal.map(|refusal| Reason {
                        code: refusal.code(),
                        message: refusal.message().to_owned(),
                        item: None,
                    })
                });
                Err(transact::cancelled(reasons.collect(), input.shape()))
            }
            Kind::Statements => {
                let held: Vec<(usize, Refusal)> = refusals
                    .into_iter()
                    .enumerate()
                    .filter_map(|(at, refusal)| Some((at, refusal?)))
                    .collect();
                if let Some(Value::List(list)) = input.get(self.kind.list()) {
                    let kept = list.iter().enumerate();
                    let kept = kept.filter(|(at, _)| !held.iter().any(|(held, _)| held == at));
                    let kept = Value::List(kept.map(|(_, one)| one.clone()).collect());
                    input.set(self.kind.list(), kept);
                }
                Ok(Held::Statements(held))
            }
            _ => match refusals.into_iter().flatten().next() {
                Some(refusal) => Err(refusal.error()),
                None => Ok(Held::Nothing),
            },
        }
    }

    fn admit_batch(&self, input: &mut StructValue, way: Way) -> Result<Held, AwsError> {
        let Some(Value::Map(requests)) = input.get("RequestItems").cloned() else {
            return Ok(Held::Nothing);
        };
        let (mut kept, mut held) = (Vec::new(), Vec::new());
        let mut refused = None;
        for (target, (name, request)) in self.targets.iter().enumerate().zip(requests) {
            let bare = tables::name(&self.ctx, Some(&name))?;
            let least_units = match &request {
                Value::Struct(request) if request.get("ConsistentRead") != Some(&Value::Bool(true)) => 0.5,
                _ => 1.0,
            };
            let lets = self.ctx.read(|tx| -> Result<Vec<bool>, AwsError> {
                match tx.definition(&bare)? {
                    Some(table) => Ok(self.lets(tx, &table, &request, (way, least_units))?),
                    None => Ok(vec![true; parts(&request).len()]),
                }
            })?;
            let (inside, outside) = split(request, &lets);
            if outside.is_some() {
                refused = self.ctx.read(|tx| self.refusal(tx, input, target))?.or(refused);
            }
            kept.extend(inside.map(|request| (name.clone(), request)));
            held.extend(outside.map(|request| (name, request)));
        }
        match refused {
            Some(refusal) if kept.is_empty() => Err(refusal.error()),
            _ => {
                input.set("RequestItems", Value::Map(kept));
                Ok(Held::Requests(held))
            }
        }
    }

    /// For which requests of a batch there is room, each costing so many units or more.
    fn lets(
        &self,
        tx: &ReadTx<'_>,
        table: &Definition,
        request: &Value,
        (way, least_units): (Way, f64),
    ) -> Result<Vec<bool>, StoreError> {
        let mut room = throttle::room(tx, table, (way, least_units), &self.pace)?;
        let mut left: BTreeMap<Partition, f64> = BTreeMap::new();
        let mut lets = Vec::new();
        for one in parts(request) {
            let mut nothing = f64::INFINITY;
            let units = match of_request(table, one) {
                Some(partition) => match left.entry(partition) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => {
                        new.insert(partition.left_micro(tx, way, &self.pace)? as f64 / throttle::MICRO)
                    }
                },
                None => &mut nothing,
            };
            let is_let = *units > 0.0 && room != Some(0);
            if is_let {
                *units -= least_units;
                room = room.map(|room| room - 1);
            }
            lets.push(is_let);
        }
        Ok(lets)
    }

    /// Pays what the answer says that the call has cost.
    async fn pay(&self, output: &StructValue, hot: &[Hot]) -> Result<(), AwsError> {
        let told: Vec<&StructValue> = match output.get("ConsumedCapacity") {
            Some(Value::List(list)) => list.iter().filter_map(Value::as_struct).collect(),
            Some(Value::Struct(one)) => vec![one],
            _ => Vec::new(),
        };
        for told in told {
            let way = match self.targets.first() {
                // A transaction that was made before only reads.
                _ if told.get("ReadCapacityUnits").is_some() => Way::Read,
                Some(target) => self.kind.way(target),
                None => continue,
            };
            let mut cost = vec![(Part::Table, told.get("Table").map_or(0.0, units))];
            if let Some(Value::Map(local)) = told.get("LocalSecondaryIndexes") {
                cost.extend(local.iter().map(|(_, told)| (Part::Table, units(told))));
            }
            if let Some(Value::Map(global)) = told.get("GlobalSecondaryIndexes") {
                cost.extend(global.iter().map(|(name, told)| (Part::Index(name), units(told))));
            }
            self.pay_for(text(told, "TableName"), way, &cost, hot).await?;
        }
        Ok(())
    }

    /// What each of several partitions has cost is not told: they share it.
    async fn pay_for(&self, name: &str, way: Way, cost: &[(Part<'_>, f64)], hot: &[Hot]) -> Result<(), AwsError> {
        let hot: Vec<&Hot> = hot.iter().filter(|hot| hot.table == name).collect();
        self.ctx
            .write(|tx| -> Result<(), AwsError> {
                let Some(table) = Rows::definition(tx, name)? else {
                    return Ok(());
                };
                throttle::pay(tx, &table, way, cost, &self.pace)?;
                for one in &hot {
                    let part = one.index.as_deref().map_or(Part::Table, Part::Index);
                    let of_part = cost.iter().filter(|(paid, _)| *paid == part);
                    let units: f64 = of_part.map(|(_, units)| units).sum();
                    one.partition.pay(tx, way, units / hot.len() as f64, &self.pace)?;
                }
                Ok(())
            })
            .await
    }

    /// A write whose condition does not hold costs a unit, too.
    async fn pay_for_failure(&self, error: &AwsError, hot: &[Hot]) -> Result<(), AwsError> {
        let (Kind::One(_, Way::Write) | Kind::Statement, Some(target)) = (self.kind, self.targets.first()) else {
            return Ok(());
        };
        if error.code != "ConditionalCheckFailedException" {
            return Ok(());
        }
        let name = tables::name(&self.ctx, Some(&target.table))?;
        self.pay_for(&name, Way::Write, &[(Part::Table, 1.0)], hot).await
    }
}

fn units(told: &Value) -> f64 {
    match told.as_struct().and_then(|told| told.get("CapacityUnits")) {
        Some(Value::Double(units)) => *units,
        _ => 0.0,
    }
}

/// The requests of one table that are let in, and the others.
fn split(request: Value, lets: &[bool]) -> (Option<Value>, Option<Value>) {
    if lets.iter().all(|is_let| *is_let) {
        return (Some(request), None);
    }
    let cut = |list: &[Value]| -> (Option<Value>, Option<Value>) {
        let some = |wanted: bool| {
            let part = list.iter().zip(lets).filter(|(_, is_let)| **is_let == wanted);
            let part: Vec<Value> = part.map(|(one, _)| one.clone()).collect();
            (!part.is_empty()).then_some(Value::List(part))
        };
        (some(true), some(false))
    };
    match &request {
        Value::List(list) => cut(list),
        Value::Struct(wanted) => {
            let keys = match wanted.get("Keys") {
                Some(Value::List(keys)) => cut(keys),
                _ => return (Some(request), None),
            };
            let with = |keys: Value| {
                let mut wanted = wanted.clone();
                wanted.set("Keys", keys);
                Value::Struct(wanted)
            };
            (keys.0.map(with), keys.1.map(with))
        }
        _ => (Some(request), None),
    }
}

/// Leaves of `ConsumedCapacity` what the caller wanted to be told.
fn narrow(output: &mut StructValue, told: &str) {
    if told == "INDEXES" {
        return;
    }
    let Some((index, _)) = output.shape().member("ConsumedCapacity") else {
        return;
    };
    let all = output.take_at(index);
    if told != "TOTAL" {
        return;
    }
    let less = |value: Value| match value {
        Value::Struct(mut one) => {
            for name in ["Table", "LocalSecondaryIndexes", "GlobalSecondaryIndexes"] {
                if let Some((index, _)) = one.shape().member(name) {
                    one.take_at(index);
                }
            }
            Value::Struct(one)
        }
        other => other,
    };
    match all {
        Some(Value::List(list)) => output.set_at(index, Value::List(list.into_iter().map(less).collect())),
        Some(one) => output.set_at(index, less(one)),
        None => {}
    }
}

/// Tells what was kept back.
fn give_back(output: &mut StructValue, held: Held) {
    match held {
        Held::Nothing => {}
        Held::Requests(held) => {
            let member = ["UnprocessedItems", "UnprocessedKeys"]
                .into_iter()
                .find(|name| output.shape().member(name).is_some());
            let Some(member) = member else { return };
            let mut all: BTreeMap<String, Value> = match output.get(member) {
                Some(Value::Map(map)) => map.iter().cloned().collect(),
                _ => BTreeMap::new(),
            };
            for (name, request) in held {
                let merged = match all.remove(&name) {
                    Some(before) => joined(before, request),
                    None => request,
                };
                all.insert(name, merged);
            }
            output.set(member, Value::Map(all.into_iter().collect()));
        }
        Held::Statements(held) => {
            let Some((_, member)) = output.shape().member("Responses") else {
                return;
            };
            let list = output.shape().target(member);
            let element = list.element().unwrap_or(list);
            let mut responses = match output.get("Responses") {
                Some(Value::List(list)) => list.clone(),
                _ => Vec::new(),
            };
            for (at, refusal) in held {
                let mut response = StructValue::new(element);
                if let Some((_, member)) = element.member("Error") {
                    let mut error = StructValue::new(element.target(member));
                    error.set("Code", Value::String(refusal.code().to_owned()));
                    error.set("Message", Value::String(refusal.message().to_owned()));
                    response.set("Error", Value::Struct(error));
                }
                responses.insert(at.min(responses.len()), Value::Struct(response));
            }
            output.set("Responses", Value::List(responses));
        }
    }
}

/// Two requests of one table in one.
fn joined(before: Value, more: Value) -> Value {
    match (before, more) {
        (Value::List(mut list), Value::List(more)) => {
            list.extend(more);
            Value::List(list)
        }
        (Value::Struct(mut wanted), Value::Struct(more)) => {
            if let (Some(Value::List(keys)), Some(Value::List(others))) = (wanted.get("Keys"), more.get("Keys")) {
                let keys = keys.iter().chain(others).cloned().collect();
                wanted.set("Keys", Value::List(keys));
            }
            Value::Struct(wanted)
        }
        (before, _) => before,
    }
}
