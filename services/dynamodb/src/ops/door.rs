//! What every operation on items passes on its way in and out: tables of other accounts are reached, capacity that runs out is
//! asked and paid, and tables keep what reads need that lag behind. Calls that ask for none of it go by.

use super::visit::Visit;
use super::{on_value, on_value_at_once};
use crate::past::{self, Lag};
use crate::reach::{Target, reach};
use crate::tables;
use crate::throttle::{Pace, Way};
use crate::value::{Input, Output, read_value};
use std::sync::Arc;
use virga_base::AwsError;
use virga_lang_dynamodb::partiql::{Statement, parse_statement};
use virga_service::{Ctx, Handler, Value};
use virga_shape::StructValue;

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
pub fn text<'v>(input: &'v StructValue, name: &str) -> &'v str {
    input.get_str(name).unwrap_or_default()
}

pub fn structs<'v>(input: &'v StructValue, name: &str) -> impl Iterator<Item = &'v StructValue> {
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

/// The one action of a transaction's item.
pub fn of_action(item: &StructValue) -> Option<(&StructValue, &'static str)> {
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
    pub fn list(self) -> &'static str {
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
    pub fn targets(self, input: &StructValue) -> Vec<Target> {
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

    pub fn way(self, target: &Target) -> Way {
        match self {
            Kind::One(_, way) | Kind::Batch(_, way) | Kind::Transaction(way) => way,
            _ if target.action == "PartiQLSelect" => Way::Read,
            _ => Way::Write,
        }
    }
}
