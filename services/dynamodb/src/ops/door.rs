//! What every operation on items passes on its way in and out: tables of other accounts are reached, capacity that runs out is
//! asked and paid, and tables keep what reads need that lag behind. Calls that ask for none of it go by.

use super::transact::{self, Reason};
use super::{on_value, on_value_at_once};
use crate::past::{self, Lag};
use crate::reach::{Target, reach};
use crate::tables::{self, Rows};
use crate::throttle::{self, Pace, Part, Refusal, Way};
use crate::value::{Input, Output, read_value};
use std::collections::BTreeMap;
use std::sync::Arc;
use virga_base::AwsError;
use virga_lang_dynamodb::partiql::{Statement, parse_statement};
use virga_service::{Answer, Ctx, Handler, ReadTx, Value};
use virga_shape::{ShapeRef, StructValue};

/// Which operation it is, with its name in IAM's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One table's.
    One(&'static str, Way),
    Batch(&'static str, Way),
    Transaction(Way),
    Statement,
    /// Each for itself.
    Statements,
    /// All or none.
    StatementTransaction,
}

/// An operation on items as it is registered.
pub fn on_items<F, R>(kind: Kind, f: F) -> Handler
where
    F: Fn(Ctx, Input, Output) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<Value, AwsError>> + Send + 'static,
{
    at_door(kind, on_value(f))
}

/// The same for an operation that waits for nothing.
pub fn on_items_at_once<F>(kind: Kind, f: F) -> Handler
where
    F: Fn(Ctx, Input, Output) -> Result<Value, AwsError> + Clone + Send + Sync + 'static,
{
    at_door(kind, on_value_at_once(f))
}

fn at_door(kind: Kind, handler: Handler) -> Handler {
    let handler = Arc::new(handler);
    Box::new(move |ctx, input, shape| {
        let (pace, lag) = (Pace::of(&ctx), Lag::of(&ctx));
        let (Value::Struct(asked), Some(shape)) = (&input, shape) else {
            return handler(ctx, input, shape);
        };
        if pace.is_none() && lag.is_none() && !kind.mentions_arn(asked) {
            return handler(ctx, input, Some(shape));
        }
        let targets = kind.targets(asked);
        let ctx = match reach(&ctx, &targets) {
            Ok(ctx) => ctx,
            Err(error) => return Box::pin(std::future::ready(Err(error))),
        };
        if lag.is_none() && pace.is_none() {
            return handler(ctx, input, Some(shape));
        }
        let handler = handler.clone();
        Box::pin(async move {
            if lag.is_some() {
                for target in &targets {
                    past::keep(&ctx, &tables::name(&ctx, Some(&target.table))?).await?;
                }
            }
            match (pace, input) {
                (Some(pace), Value::Struct(input)) => {
                    let visit = Visit {
                        handler,
                        ctx,
                        kind,
                        targets,
                        pace,
                        shape,
                    };
                    visit.run(input).await
                }
                (_, input) => handler(ctx, input, Some(shape)).await,
            }
        })
    })
}

/// The text of a member; nothing where there is none.
fn text<'v>(input: &'v StructValue, name: &str) -> &'v str {
    input.get_str(name).unwrap_or_default()
}

fn structs<'v>(input: &'v StructValue, name: &str) -> impl Iterator<Item = &'v StructValue> {
    let list = match input.get(name) {
        Some(Value::List(list)) => list.as_slice(),
        _ => &[],
    };
    list.iter().filter_map(Value::as_struct)
}

fn keys<'v>(input: &'v StructValue, name: &str) -> impl Iterator<Item = &'v str> {
    let map = match input.get(name) {
        Some(Value::Map(map)) => map.as_slice(),
        _ => &[],
    };
    map.iter().map(|(key, _)| key.as_str())
}

/// The actions of a transaction and what IAM calls them.
const ACTIONS: [(&str, &str); 5] = [
    ("Get", "GetItem"),
    ("Put", "PutItem"),
    ("Update", "UpdateItem"),
    ("Delete", "DeleteItem"),
    ("ConditionCheck", "ConditionCheckItem"),
];

fn of_action(item: &StructValue) -> Option<(&StructValue, &'static str)> {
    ACTIONS
        .into_iter()
        .find_map(|(member, action)| Some((item.get(member)?.as_struct()?, action)))
}

/// What a statement does, where it is one.
fn of_statement(input: &StructValue) -> Option<(Target, Way)> {
    let parameters = match input.get("Parameters") {
        Some(Value::List(list)) => list
            .iter()
            .cloned()
            .map(read_value)
            .collect::<Result<Vec<_>, _>>()
            .ok()?,
        _ => Vec::new(),
    };
    let statement = parse_statement(text(input, "Statement"), &parameters).ok()?;
    let (action, index) = match &statement {
        Statement::Select(select) | Statement::Exists(select) => ("PartiQLSelect", select.index.clone()),
        Statement::Insert(_) => ("PartiQLInsert", None),
        Statement::Update(_) => ("PartiQLUpdate", None),
        Statement::Delete(_) => ("PartiQLDelete", None),
    };
    let way = if statement.is_read() { Way::Read } else { Way::Write };
    let target = Target {
        table: statement.table().to_owned(),
        index,
        action,
    };
    Some((target, way))
}

impl Kind {
    /// The list of a transaction or of statements.
    fn list(self) -> &'static str {
        match self {
            Kind::Transaction(_) => "TransactItems",
            Kind::Statements => "Statements",
            _ => "TransactStatements",
        }
    }

    /// Whether some table is named by its ARN, as far as that is seen at once.
    fn mentions_arn(self, input: &StructValue) -> bool {
        match self {
            Kind::One(..) => text(input, "TableName").starts_with("arn:"),
            Kind::Batch(..) => keys(input, "RequestItems").any(|name| name.starts_with("arn:")),
            Kind::Transaction(_) => structs(input, self.list())
                .filter_map(of_action)
                .any(|(item, _)| text(item, "TableName").starts_with("arn:")),
            Kind::Statement => text(input, "Statement").contains("arn:"),
            Kind::Statements | Kind::StatementTransaction => {
                structs(input, self.list()).any(|one| text(one, "Statement").contains("arn:"))
            }
        }
    }

    /// Every table that is named; those of a list in its order, with an empty name for what names none.
    fn targets(self, input: &StructValue) -> Vec<Target> {
        let target = |table: &str, index: Option<&str>, action: &'static str| Target {
            table: table.to_owned(),
            index: index.map(str::to_owned),
            action,
        };
        let nothing = || target("", None, "");
        match self {
            Kind::One(action, _) => vec![target(text(input, "TableName"), input.get_str("IndexName"), action)],
            Kind::Batch(action, _) => keys(input, "RequestItems")
                .map(|name| target(name, None, action))
                .collect(),
            Kind::Transaction(_) => structs(input, self.list())
                .map(|item| {
                    of_action(item).map_or_else(nothing, |(item, action)| target(text(item, "TableName"), None, action))
                })
                .collect(),
            Kind::Statement => of_statement(input).map(|(target, _)| target).into_iter().collect(),
            Kind::Statements | Kind::StatementTransaction => structs(input, self.list())
                .map(|one| of_statement(one).map_or_else(nothing, |(target, _)| target))
                .collect(),
        }
    }

    fn way(self, target: &Target) -> Way {
        match self {
            Kind::One(_, way) | Kind::Batch(_, way) | Kind::Transaction(way) => way,
            _ if target.action == "PartiQLSelect" => Way::Read,
            _ => Way::Write,
        }
    }
}

/// One call while capacity runs out.
struct Visit {
    handler: Arc<Handler>,
    ctx: Ctx,
    kind: Kind,
    targets: Vec<Target>,
    pace: Pace,
    /// Of the output.
    shape: ShapeRef,
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
    async fn run(self, mut input: StructValue) -> Result<Answer, AwsError> {
        let held = self.admit(&mut input)?;
        let told = text(&input, "ReturnConsumedCapacity").to_owned();
        input.set("ReturnConsumedCapacity", Value::String("INDEXES".to_owned()));
        let nothing_left = matches!(&held, Held::Statements(held) if held.len() == self.targets.len());
        let mut answer = if nothing_left {
            Answer::from(Value::Struct(StructValue::new(self.shape)))
        } else {
            match (self.handler)(self.ctx.clone(), Value::Struct(input), Some(self.shape)).await {
                Ok(answer) => answer,
                Err(error) => {
                    self.pay_for_failure(&error).await?;
                    return Err(error);
                }
            }
        };
        if let Some(Value::Struct(output)) = &mut answer.output {
            self.pay(output).await?;
            narrow(output, &told);
            give_back(output, held);
        }
        Ok(answer)
    }

    fn refusal(&self, tx: &ReadTx<'_>, target: &Target) -> Result<Option<Refusal>, AwsError> {
        let name = tables::name(&self.ctx, Some(&target.table))?;
        // What is not there is the operation's to say.
        let Some(table) = tx.definition(&name)? else {
            return Ok(None);
        };
        let index = target.index.as_deref().and_then(|index| table.index(index));
        let part = match index {
            Some(index) if index.global.is_some() => Part::Index(&index.name),
            _ => Part::Table,
        };
        Ok(throttle::refusal(
            tx,
            &self.ctx,
            &table,
            (self.kind.way(target), part),
            &self.pace,
        )?)
    }

    /// Lets the call in, or that part of a batch for which there is room.
    fn admit(&self, input: &mut StructValue) -> Result<Held, AwsError> {
        if let Kind::Batch(_, way) = self.kind {
            return self.admit_batch(input, way);
        }
        let refusals = self.ctx.read(|tx| -> Result<Vec<Option<Refusal>>, AwsError> {
            self.targets.iter().map(|target| self.refusal(tx, target)).collect()
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
        for ((name, request), target) in requests.into_iter().zip(&self.targets) {
            let bare = tables::name(&self.ctx, Some(&name))?;
            let least_units = match &request {
                Value::Struct(request) if request.get("ConsistentRead") != Some(&Value::Bool(true)) => 0.5,
                _ => 1.0,
            };
            let room = self.ctx.read(|tx| -> Result<Option<usize>, AwsError> {
                let Some(table) = tx.definition(&bare)? else {
                    return Ok(None);
                };
                Ok(throttle::room(tx, &table, (way, least_units), &self.pace)?)
            })?;
            let (inside, outside) = split(request, room);
            if outside.is_some() {
                refused = self.ctx.read(|tx| self.refusal(tx, target))?.or(refused);
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

    /// Pays what the answer says that the call has cost.
    async fn pay(&self, output: &StructValue) -> Result<(), AwsError> {
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
            self.pay_for(text(told, "TableName"), way, &cost).await?;
        }
        Ok(())
    }

    async fn pay_for(&self, name: &str, way: Way, cost: &[(Part<'_>, f64)]) -> Result<(), AwsError> {
        self.ctx
            .write(|tx| -> Result<(), AwsError> {
                match Rows::definition(tx, name)? {
                    Some(table) => Ok(throttle::pay(tx, &table, way, cost, &self.pace)?),
                    None => Ok(()),
                }
            })
            .await
    }

    /// A write whose condition does not hold costs a unit, too.
    async fn pay_for_failure(&self, error: &AwsError) -> Result<(), AwsError> {
        let (Kind::One(_, Way::Write) | Kind::Statement, Some(target)) = (self.kind, self.targets.first()) else {
            return Ok(());
        };
        if error.code != "ConditionalCheckFailedException" {
            return Ok(());
        }
        let name = tables::name(&self.ctx, Some(&target.table))?;
        self.pay_for(&name, Way::Write, &[(Part::Table, 1.0)]).await
    }
}

fn units(told: &Value) -> f64 {
    match told.as_struct().and_then(|told| told.get("CapacityUnits")) {
        Some(Value::Double(units)) => *units,
        _ => 0.0,
    }
}

/// The first requests of one table, and the others.
fn split(request: Value, room: Option<usize>) -> (Option<Value>, Option<Value>) {
    let Some(room) = room else { return (Some(request), None) };
    let cut = |list: &[Value]| -> (Option<Value>, Option<Value>) {
        let (inside, outside) = list.split_at(room.min(list.len()));
        let some = |part: &[Value]| (!part.is_empty()).then(|| Value::List(part.to_vec()));
        (some(inside), some(outside))
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
