//! From a key condition to the part of a table or an index that it names.

use crate::attribute::{KeyRole, Kind, check_key_value};
use crate::expression::function::Function;
use crate::expression::syntax::{Comparator, Condition, ExpressionKind, Operand, Path, Test};
use crate::{AttributeValue, Invalid};
use std::cmp::Ordering;

const NOT_SUPPORTED: &str = "Query key condition not supported";
const ALL_HASH: &str =
    "Query key condition not supported: all HASH key attributes of the index must have an equality condition";
const RANGE_IN_ORDER: &str = "Query key condition not supported: RANGE key attributes must be used from left to right, all \
                              but the last with an equality condition";

/// One attribute of a key schema with its declared type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyElement {
    pub name: String,
    pub kind: Kind,
}

/// What a query asks of a key.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyCondition {
    /// The value of each partition key attribute, in the schema's order.
    pub partition: Vec<AttributeValue>,
    /// For the first sort key attributes, in the schema's order; all but the last ask for one value.
    pub sort: Vec<SortCondition>,
}

/// What is asked of one sort key attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum SortCondition {
    Equal(AttributeValue),
    Less(AttributeValue),
    LessOrEqual(AttributeValue),
    Greater(AttributeValue),
    GreaterOrEqual(AttributeValue),
    Between(AttributeValue, AttributeValue),
    BeginsWith(AttributeValue),
}

impl SortCondition {
    /// Whether a sort key's value is in the range.
    pub fn matches(&self, value: &AttributeValue) -> bool {
        let order = |bound: &AttributeValue| value.order(bound);
        match self {
            SortCondition::Equal(bound) => order(bound).is_some_and(Ordering::is_eq),
            SortCondition::Less(bound) => order(bound).is_some_and(Ordering::is_lt),
            SortCondition::LessOrEqual(bound) => order(bound).is_some_and(Ordering::is_le),
            SortCondition::Greater(bound) => order(bound).is_some_and(Ordering::is_gt),
            SortCondition::GreaterOrEqual(bound) => order(bound).is_some_and(Ordering::is_ge),
            SortCondition::Between(lower, upper) => {
                order(lower).is_some_and(Ordering::is_ge) && order(upper).is_some_and(Ordering::is_le)
            }
            SortCondition::BeginsWith(start) => match (value, start) {
                (AttributeValue::S(text), AttributeValue::S(start)) => text.starts_with(start.as_str()),
                (AttributeValue::B(bytes), AttributeValue::B(start)) => bytes.starts_with(start),
                _ => false,
            },
        }
    }

    fn values(&self) -> Vec<&AttributeValue> {
        match self {
            SortCondition::Equal(value)
            | SortCondition::Less(value)
            | SortCondition::LessOrEqual(value)
            | SortCondition::Greater(value)
            | SortCondition::GreaterOrEqual(value)
            | SortCondition::BeginsWith(value) => vec![value],
            SortCondition::Between(lower, upper) => vec![lower, upper],
        }
    }
}

impl Condition {
    /// The condition as one on a key; `partition` and `sort` are the key schema's attributes.
    pub fn key_condition(&self, partition: &[KeyElement], sort: &[KeyElement]) -> Result<KeyCondition, Invalid> {
        let mut found: Vec<(&str, SortCondition)> = Vec::new();
        collect(&self.test, &mut found)?;
        resolve(found, partition, sort)
    }
}

/// What was found of each attribute, put to the schema's places.
pub(crate) fn resolve(
    mut found: Vec<(&str, SortCondition)>,
    partition: &[KeyElement],
    sort: &[KeyElement],
) -> Result<KeyCondition, Invalid> {
    let mut partition_values = Vec::new();
    // Keys of several attributes have errors of their own.
    let several = partition.len() > 1 || sort.len() > 1;
    if found.len() > partition.len() + sort.len().max(1) {
        return Err(Invalid::new("Conditions can be of length 1 or 2 only"));
    }
    let mut find = |element: &KeyElement| {
        let at = found.iter().position(|(name, _)| *name == element.name)?;
        Some(found.remove(at).1)
    };
    for element in partition {
        let condition = match find(element) {
            Some(condition) => condition,
            None if several => return Err(Invalid::new(ALL_HASH)),
            None => return Err(missed(element)),
        };
        check(KeyRole::Partition, element, &condition)?;
        let SortCondition::Equal(value) = condition else {
            return Err(Invalid::new(if several { ALL_HASH } else { NOT_SUPPORTED }));
        };
        partition_values.push(value);
    }
    let mut sort_conditions: Vec<SortCondition> = Vec::new();
    for element in sort {
        let Some(condition) = find(element) else { break };
        if !matches!(sort_conditions.last(), None | Some(SortCondition::Equal(_))) {
            return Err(Invalid::new(RANGE_IN_ORDER));
        }
        check(KeyRole::Sort, element, &condition)?;
        sort_conditions.push(condition);
    }
    if several
        && found
            .iter()
            .any(|(name, _)| sort.iter().any(|element| element.name == *name))
    {
        let missed = sort.get(sort_conditions.len()).map_or("", |element| &element.name);
        return Err(Invalid(format!("{RANGE_IN_ORDER}: {missed}")));
    }
    if !found.is_empty() {
        return Err(sort
            .get(sort_conditions.len())
            .map_or_else(|| Invalid::new(NOT_SUPPORTED), missed));
    }
    Ok(KeyCondition {
        partition: partition_values,
        sort: sort_conditions,
    })
}

fn missed(element: &KeyElement) -> Invalid {
    Invalid(format!("Query condition missed key schema element: {}", element.name))
}

fn check(role: KeyRole, element: &KeyElement, condition: &SortCondition) -> Result<(), Invalid> {
    for value in condition.values() {
        if value.kind() != element.kind {
            return Err(Invalid::parameter(
                "Condition parameter type does not match schema type",
            ));
        }
        check_key_value(role, &element.name, element.kind, value).map_err(|error| error.in_key())?;
    }
    Ok(())
}

fn invalid(message: &str) -> Invalid {
    Invalid(format!("Invalid {}: {message}", ExpressionKind::KeyCondition.name()))
}

fn operator(name: &str) -> Invalid {
    invalid(&format!("Invalid operator used in KeyConditionExpression: {name}"))
}

fn collect<'c>(test: &'c Test, found: &mut Vec<(&'c str, SortCondition)>) -> Result<(), Invalid> {
    let (name, condition) = match test {
        Test::All(tests) => return tests.iter().try_for_each(|test| collect(test, found)),
        Test::Any(_) => return Err(operator("OR")),
        Test::Not(_) => return Err(operator("NOT")),
        Test::In(..) => return Err(operator("IN")),
        Test::Compare(Comparator::NotEqual, ..) => return Err(operator("<>")),
        Test::Compare(comparator, left, right) => {
            let (name, value, comparator) = match (left, right) {
                (Operand::Path(path), Operand::Value(value)) => (attribute(path)?, value, *comparator),
                (Operand::Value(value), Operand::Path(path)) => (attribute(path)?, value, comparator.mirrored()),
                (left, right) => return Err(wrong_operands([left, right])),
            };
            let make = match comparator {
                Comparator::Less => SortCondition::Less,
                Comparator::LessOrEqual => SortCondition::LessOrEqual,
                Comparator::Greater => SortCondition::Greater,
                Comparator::GreaterOrEqual => SortCondition::GreaterOrEqual,
                Comparator::Equal | Comparator::NotEqual => SortCondition::Equal,
            };
            (name, make(value.clone()))
        }
        Test::Between(Operand::Path(path), Operand::Value(lower), Operand::Value(upper)) => {
            (attribute(path)?, SortCondition::Between(lower.clone(), upper.clone()))
        }
        Test::Between(value, lower, upper) => return Err(wrong_operands([value, lower, upper])),
        Test::Call(Function::BeginsWith, operands) => match operands.as_slice() {
            [Operand::Path(path), Operand::Value(start)] => {
                (attribute(path)?, SortCondition::BeginsWith(start.clone()))
            }
            operands => return Err(wrong_operands(operands)),
        },
        Test::Call(function, _) => return Err(operator(function.name())),
    };
    if found.iter().any(|(other, _)| *other == name) {
        return Err(invalid(
            "KeyConditionExpressions must only contain one condition per key",
        ));
    }
    found.push((name, condition));
    Ok(())
}

fn attribute(path: &Path) -> Result<&str, Invalid> {
    match path.elements() {
        [_] => Ok(path.attribute()),
        _ => Err(invalid(
            "KeyConditionExpressions cannot have conditions on nested attributes",
        )),
    }
}

/// A condition that is not between one attribute and values.
fn wrong_operands<'o>(operands: impl IntoIterator<Item = &'o Operand>) -> Invalid {
    let mut paths = 0;
    for operand in operands {
        match operand {
            Operand::Call(..) => return invalid("KeyConditionExpressions cannot contain nested operations"),
            Operand::Path(_) => paths += 1,
            Operand::Value(_) => {}
        }
    }
    invalid(match paths {
        0 => "Invalid condition in KeyConditionExpression: No key attribute specified",
        1 => "Invalid condition in KeyConditionExpression: Key attribute must be the first operand",
        _ => "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition",
    })
}
