//! Whether an item fulfils a condition. What is missing or of another type makes it false, never an error.

use crate::attribute::Kind;
use crate::expression::function::Function;
use crate::expression::syntax::{Comparator, Condition, Operand, Test};
use crate::{AttributeValue, Item, Number};
use std::borrow::Cow;

impl Condition {
    /// Whether the item fulfils it. For an item that does not exist, give an empty one.
    pub fn matches(&self, item: &Item) -> bool {
        holds(&self.test, item)
    }

    /// The attributes that it looks at, each as often as it does.
    pub fn attributes(&self) -> Vec<&str> {
        let mut found = Vec::new();
        collect(&self.test, &mut found);
        found
    }
}

fn collect<'t>(test: &'t Test, found: &mut Vec<&'t str>) {
    match test {
        Test::All(tests) | Test::Any(tests) => tests.iter().for_each(|test| collect(test, found)),
        Test::Not(test) => collect(test, found),
        Test::Compare(_, left, right) => collect_operands([left, right], found),
        Test::Between(value, lower, upper) => collect_operands([value, lower, upper], found),
        Test::In(value, options) => collect_operands(std::iter::once(value).chain(options), found),
        Test::Call(_, operands) => collect_operands(operands, found),
    }
}

fn collect_operands<'t>(operands: impl IntoIterator<Item = &'t Operand>, found: &mut Vec<&'t str>) {
    for operand in operands {
        match operand {
            Operand::Path(path) => found.push(path.attribute()),
            Operand::Call(_, operands) => collect_operands(operands, found),
            Operand::Value(_) => {}
        }
    }
}

fn holds(test: &Test, item: &Item) -> bool {
    match test {
        Test::All(tests) => tests.iter().all(|test| holds(test, item)),
        Test::Any(tests) => tests.iter().any(|test| holds(test, item)),
        Test::Not(test) => !holds(test, item),
        Test::Compare(comparator, left, right) => {
            compares(*comparator, value(left, item).as_deref(), value(right, item).as_deref())
        }
        Test::Between(operand, lower, upper) => {
            let found = value(operand, item);
            compares(
                Comparator::GreaterOrEqual,
                found.as_deref(),
                value(lower, item).as_deref(),
            ) && compares(Comparator::LessOrEqual, found.as_deref(), value(upper, item).as_deref())
        }
        Test::In(operand, options) => {
            let found = value(operand, item);
            options
                .iter()
                .any(|option| compares(Comparator::Equal, found.as_deref(), value(option, item).as_deref()))
        }
        Test::Call(function, operands) => {
            let first = operands.first().and_then(|operand| value(operand, item));
            let second = operands.get(1).and_then(|operand| value(operand, item));
            calls(*function, first.as_deref(), second.as_deref())
        }
    }
}

/// A missing value differs from everything, also from another missing one.
fn compares(comparator: Comparator, left: Option<&AttributeValue>, right: Option<&AttributeValue>) -> bool {
    let (Some(left), Some(right)) = (left, right) else {
        return comparator == Comparator::NotEqual;
    };
    let order = || left.order(right);
    match comparator {
        Comparator::Equal => left.same(right),
        Comparator::NotEqual => !left.same(right),
        Comparator::Less => order().is_some_and(|order| order.is_lt()),
        Comparator::LessOrEqual => order().is_some_and(|order| order.is_le()),
        Comparator::Greater => order().is_some_and(|order| order.is_gt()),
        Comparator::GreaterOrEqual => order().is_some_and(|order| order.is_ge()),
    }
}

fn calls(function: Function, first: Option<&AttributeValue>, second: Option<&AttributeValue>) -> bool {
    match function {
        Function::AttributeExists => return first.is_some(),
        Function::AttributeNotExists => return first.is_none(),
        _ => {}
    }
    let (Some(first), Some(second)) = (first, second) else {
        return false;
    };
    match (function, first, second) {
        (Function::AttributeType, _, AttributeValue::S(name)) => Kind::from_name(name) == Some(first.kind()),
        (Function::BeginsWith, AttributeValue::S(text), AttributeValue::S(start)) => text.starts_with(start.as_str()),
        (Function::BeginsWith, AttributeValue::B(bytes), AttributeValue::B(start)) => bytes.starts_with(start),
        (Function::Contains, first, second) => contains(first, second),
        _ => false,
    }
}

fn contains(holder: &AttributeValue, sought: &AttributeValue) -> bool {
    match (holder, sought) {
        (AttributeValue::S(text), AttributeValue::S(part)) => text.contains(part.as_str()),
        (AttributeValue::B(bytes), AttributeValue::B(part)) => {
            part.is_empty() || bytes.windows(part.len()).any(|window| window == part)
        }
        (AttributeValue::Ss(set), AttributeValue::S(member)) => set.contains(member),
        (AttributeValue::Ns(set), AttributeValue::N(member)) => set.contains(member),
        (AttributeValue::Bs(set), AttributeValue::B(member)) => set.contains(member),
        (AttributeValue::L(list), member) => list.iter().any(|value| value.same(member)),
        _ => false,
    }
}

fn value<'v>(operand: &'v Operand, item: &'v Item) -> Option<Cow<'v, AttributeValue>> {
    match operand {
        Operand::Path(path) => path.get(item).map(Cow::Borrowed),
        Operand::Value(value) => Some(Cow::Borrowed(value)),
        Operand::Call(Function::Size, operands) => {
            let measured = size(value(operands.first()?, item)?.as_ref())?;
            Some(Cow::Owned(AttributeValue::N(Number::from(measured))))
        }
        Operand::Call(..) => None,
    }
}

fn size(value: &AttributeValue) -> Option<usize> {
    Some(match value {
        AttributeValue::S(text) => text.chars().count(),
        AttributeValue::B(bytes) => bytes.len(),
        AttributeValue::Ss(set) => set.len(),
        AttributeValue::Ns(set) => set.len(),
        AttributeValue::Bs(set) => set.len(),
        AttributeValue::L(list) => list.len(),
        AttributeValue::M(map) => map.len(),
        AttributeValue::N(_) | AttributeValue::Bool(_) | AttributeValue::Null => return None,
    })
}
