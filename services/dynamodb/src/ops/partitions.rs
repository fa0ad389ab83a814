//! Which partition keys a call asks, as far as its input says so: that of each item that is named by its key or given whole, and
//! that of a query. Scans and statements name none, and writes none of an index.

use super::door::{Kind, of_action, structs};
use super::query;
use crate::partition::Partition;
use crate::state::Definition;
use crate::value::read_value;
use virga_service::Value;
use virga_shape::StructValue;

/// That of an item or its key.
pub fn of_item(table: &Definition, attributes: &Value) -> Option<Partition> {
    let Value::Map(attributes) = attributes else {
        return None;
    };
    let value = |name: &str| {
        let (_, value) = attributes.iter().rfind(|(given, _)| given == name)?;
        read_value(value.clone()).ok()
    };
    let values: Option<Vec<_>> = table.schema.partition.iter().map(|key| value(&key.name)).collect();
    Partition::of(table.data, &values?)
}

/// The same of a part of a batch: a key that is read, or a request that writes.
pub fn of_request(table: &Definition, request: &Value) -> Option<Partition> {
    let Value::Struct(request) = request else {
        return of_item(table, request);
    };
    let given = ["PutRequest", "DeleteRequest"].into_iter();
    let mut given = given.filter_map(|name| request.get(name)?.as_struct());
    of_item(table, given.find_map(attributes)?)
}

fn attributes(request: &StructValue) -> Option<&Value> {
    request.get("Key").or_else(|| request.get("Item"))
}

/// That of a query, which is its table's where it reads a local index.
fn of_query(table: &Definition, input: &StructValue) -> Option<Partition> {
    let index = match input.get_str("IndexName") {
        Some(name) => Some(table.index(name)?),
        None => None,
    };
    let values = query::partition(index.map_or(&table.schema, |index| &index.schema), input)?;
    let global = index.filter(|index| index.global.is_some());
    Partition::of(global.map_or(table.data, |index| index.data), &values)
}

impl Kind {
    /// Those of the table that is named at a place of the input's list of tables.
    pub fn partitions(self, input: &StructValue, at: usize, table: &Definition) -> Vec<Partition> {
        match self {
            Kind::One(..) => match attributes(input) {
                Some(item) => of_item(table, item).into_iter().collect(),
                None => of_query(table, input).into_iter().collect(),
            },
            Kind::Batch(..) => match input.get("RequestItems") {
                Some(Value::Map(requests)) => requests
                    .get(at)
                    .into_iter()
                    .flat_map(|(_, request)| parts(request))
                    .filter_map(|part| of_request(table, part))
                    .collect(),
                _ => Vec::new(),
            },
            Kind::Transaction(_) => structs(input, self.list())
                .nth(at)
                .and_then(|item| of_item(table, attributes(of_action(item)?.0)?))
                .into_iter()
                .collect(),
            Kind::Statement | Kind::Statements | Kind::StatementTransaction => Vec::new(),
        }
    }
}

/// The requests of one table in a batch.
pub fn parts(request: &Value) -> &[Value] {
    match request {
        Value::List(requests) => requests,
        Value::Struct(wanted) => match wanted.get("Keys") {
            Some(Value::List(keys)) => keys,
            _ => &[],
        },
        _ => &[],
    }
}
