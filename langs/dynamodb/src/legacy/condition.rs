//! `Expected`, `QueryFilter` and `ScanFilter`.

use super::{ConditionalOperator, attribute_path};
use crate::attribute::{Kind, check_value};
use crate::expression::function::Function;
use crate::expression::syntax::{Comparator, Condition, ExpressionKind, Operand, Test};
use crate::{AttributeValue, Invalid};
use std::collections::BTreeMap;

/// One member of `Expected`, of a filter or of `KeyConditions`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LegacyCondition {
    pub comparison_operator: Option<String>,
    pub attribute_value_list: Option<Vec<AttributeValue>>,
    /// Only in `Expected`.
    pub value: Option<AttributeValue>,
    /// Only in `Expected`.
    pub exists: Option<bool>,
}

/// The condition that `Expected` stands for; nothing where it is empty.
pub fn parse_expected(
    expected: &BTreeMap<String, LegacyCondition>,
    operator: ConditionalOperator,
) -> Result<Option<Condition>, Invalid> {
    let mut tests = Vec::new();
    for (name, condition) in expected {
        tests.push(expected_test(name, condition)?);
    }
    Ok(join(ExpressionKind::Condition, tests, operator))
}

/// The filter that `QueryFilter` or `ScanFilter` stands for; nothing where it is empty.
pub fn parse_filter(
    filter: &BTreeMap<String, LegacyCondition>,
    operator: ConditionalOperator,
) -> Result<Option<Condition>, Invalid> {
    let mut tests = Vec::new();
    for (name, condition) in filter {
        let (comparison, values) = comparison_of(condition)?;
        tests.push(comparison.test(name, values));
    }
    Ok(join(ExpressionKind::Filter, tests, operator))
}

fn join(kind: ExpressionKind, mut tests: Vec<Test>, operator: ConditionalOperator) -> Option<Condition> {
    let test = match (tests.len(), operator) {
        (0, _) => return None,
        (1, _) => tests.remove(0),
        (_, ConditionalOperator::And) => Test::All(tests),
        (_, ConditionalOperator::Or) => Test::Any(tests),
    };
    Some(Condition { kind, test })
}

fn expected_test(name: &str, condition: &LegacyCondition) -> Result<Test, Invalid> {
    let wrong = |message: String| {
        Err(Invalid(format!(
            "1 validation error detected: {}",
            Invalid::parameter(message)
        )))
    };
    if condition.value.is_some() && condition.attribute_value_list.is_some() {
        return wrong(format!(
            "Value and AttributeValueList cannot be used together for Attribute: {name}"
        ));
    }
    if let Some(operator) = &condition.comparison_operator {
        if condition.exists.is_some() {
            return wrong(format!(
                "Exists and ComparisonOperator cannot be used together for Attribute: {name}"
            ));
        }
        if !matches!(operator.as_str(), "NULL" | "NOT_NULL")
            && condition.value.is_none()
            && condition.attribute_value_list.is_none()
        {
            return wrong(format!(
                "Value or AttributeValueList must be used with ComparisonOperator: {operator} for Attribute: {name}"
            ));
        }
        let (comparison, values) = comparison_of(condition)?;
        return Ok(comparison.test(name, values));
    }
    if condition.attribute_value_list.is_some() {
        return wrong(format!(
            "AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}"
        ));
    }
    match (condition.exists, &condition.value) {
        (Some(false), Some(_)) => wrong(format!(
            "Value cannot be used when Exists is false for Attribute: {name}"
        )),
        (Some(false), None) => Ok(Comparison::Null.test(name, &[])),
        (exists, None) => wrong(format!(
            "Value must be provided when Exists is {} for Attribute: {name}",
            exists.map_or("null", |_| "true")
        )),
        (_, Some(value)) => {
            check_value(value)?;
            Ok(Comparison::Equal.test(name, std::slice::from_ref(value)))
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    LessOrEqual,
    Less,
    GreaterOrEqual,
    Greater,
    NotNull,
    Null,
    Contains,
    NotContains,
    BeginsWith,
    In,
    Between,
}

impl Comparison {
    const ALL: [(&'static str, Comparison); 13] = [
        ("IN", Comparison::In),
        ("NULL", Comparison::Null),
        ("BETWEEN", Comparison::Between),
        ("LT", Comparison::Less),
        ("NOT_CONTAINS", Comparison::NotContains),
        ("EQ", Comparison::Equal),
        ("GT", Comparison::Greater),
        ("NOT_NULL", Comparison::NotNull),
        ("NE", Comparison::NotEqual),
        ("LE", Comparison::LessOrEqual),
        ("BEGINS_WITH", Comparison::BeginsWith),
        ("GE", Comparison::GreaterOrEqual),
        ("CONTAINS", Comparison::Contains),
    ];

    fn from_name(name: &str) -> Option<Comparison> {
        Comparison::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, found)| *found)
    }

    fn takes(self, count: usize) -> bool {
        match self {
            Comparison::Null | Comparison::NotNull => count == 0,
            Comparison::Between => count == 2,
            Comparison::In => count > 0,
            _ => count == 1,
        }
    }

    fn takes_kind(self, kind: Kind) -> bool {
        match self {
            Comparison::Equal | Comparison::NotEqual => true,
            Comparison::BeginsWith => matches!(kind, Kind::S | Kind::B),
            _ => kind.is_ordered(),
        }
    }

    /// The values are those that the comparison takes.
    pub(super) fn test(self, name: &str, values: &[AttributeValue]) -> Test {
        let path = || Operand::Path(attribute_path(name));
        let value = |at: usize| Operand::Value(values.get(at).cloned().unwrap_or(AttributeValue::Null));
        let compare = |comparator| Test::Compare(comparator, path(), value(0));
        let exists = || Test::Call(Function::AttributeExists, vec![path()]);
        match self {
            Comparison::Equal => compare(Comparator::Equal),
            Comparison::NotEqual => compare(Comparator::NotEqual),
            Comparison::LessOrEqual => compare(Comparator::LessOrEqual),
            Comparison::Less => compare(Comparator::Less),
            Comparison::GreaterOrEqual => compare(Comparator::GreaterOrEqual),
            Comparison::Greater => compare(Comparator::Greater),
            Comparison::NotNull => exists(),
            Comparison::Null => Test::Call(Function::AttributeNotExists, vec![path()]),
            Comparison::Contains => Test::Call(Function::Contains, vec![path(), value(0)]),
            // Unlike NE, it is false where there is no such attribute.
            Comparison::NotContains => Test::All(vec![
                exists(),
                Test::Not(Box::new(Test::Call(Function::Contains, vec![path(), value(0)]))),
            ]),
            Comparison::BeginsWith => Test::Call(Function::BeginsWith, vec![path(), value(0)]),
            Comparison::In => Test::In(path(), values.iter().cloned().map(Operand::Value).collect()),
            Comparison::Between => Test::Between(path(), value(0), value(1)),
        }
    }
}

/// The comparison with its values, checked for number, types and order.
pub(super) fn comparison_of(condition: &LegacyCondition) -> Result<(Comparison, &[AttributeValue]), Invalid> {
    let operator = condition.comparison_operator.as_deref().unwrap_or_default();
    let Some(comparison) = Comparison::from_name(operator) else {
        let known: Vec<&str> = Comparison::ALL.iter().map(|(name, _)| *name).collect();
        return Err(Invalid(format!(
            "1 validation error detected: Value '{operator}' at 'comparisonOperator' failed to satisfy constraint: \
             Member must satisfy enum value set: [{}]",
            known.join(", ")
        )));
    };
    let values = match (&condition.attribute_value_list, &condition.value) {
        (Some(list), _) => list.as_slice(),
        (None, Some(value)) => std::slice::from_ref(value),
        (None, None) => &[],
    };
    values.iter().try_for_each(check_value)?;
    if !comparison.takes(values.len()) {
        return Err(Invalid::parameter(format!(
            "Invalid number of argument(s) for the {operator} ComparisonOperator"
        )));
    }
    if let Some(value) = values.iter().find(|value| !comparison.takes_kind(value.kind())) {
        return Err(Invalid::parameter(format!(
            "ComparisonOperator {operator} is not valid for {} AttributeValue type",
            value.kind().name()
        )));
    }
    if let [first, rest @ ..] = values
        && rest.iter().any(|value| value.kind() != first.kind())
    {
        return Err(Invalid::parameter(
            "AttributeValues inside AttributeValueList must be of same type",
        ));
    }
    if let (Comparison::Between, [lower, upper]) = (comparison, values)
        && lower.order(upper).is_some_and(std::cmp::Ordering::is_gt)
    {
        return Err(Invalid::new(
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound",
        ));
    }
    Ok((comparison, values))
}
