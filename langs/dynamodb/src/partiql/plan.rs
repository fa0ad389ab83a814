//! Which items a statement is about, told from its `WHERE` and the keys of the table or the index.

use super::statement::Select;
use crate::attribute::Kind;
use crate::evaluate::key_condition::resolve;
use crate::expression::function::Function;
use crate::expression::syntax::{Comparator, Condition, ExpressionKind, Operand, Path, PathElement, Test};
use crate::{AttributeValue, Invalid, Item, KeyCondition, KeyElement, SortCondition};
use std::collections::BTreeMap;

/// More partitions than this are not looked up one by one.
const RANGES_MAX: usize = 100;

/// One item's key, and what else is asked of the item.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyAndCondition {
    pub key: Item,
    pub condition: Option<Condition>,
}

/// The key that `WHERE` gives by equality, of the attributes `keys`.
pub fn key_of(condition: Option<&Condition>, keys: &[&str]) -> Result<KeyAndCondition, Invalid> {
    let mut tests = Vec::new();
    if let Some(condition) = condition {
        flatten(&condition.test, &mut tests);
    }
    let mut key = Item::new();
    let mut rest = Vec::new();
    for test in tests {
        match equality(test) {
            Some((name, value)) if keys.contains(&name) && !key.contains_key(name) => {
                key.insert(name.to_owned(), value.clone());
            }
            _ => rest.push(test.clone()),
        }
    }
    if key.len() < keys.len() {
        return Err(Invalid::new(
            "Where clause does not contain a mandatory equality on all key attributes",
        ));
    }
    let test = match rest.len() {
        0 => None,
        1 => rest.pop(),
        _ => Some(Test::All(rest)),
    };
    Ok(KeyAndCondition {
        key,
        condition: test.map(self::condition),
    })
}

/// That there is no item yet; `key` is one of the key's attributes.
pub fn absent(key: &str) -> Condition {
    condition(presence(Function::AttributeNotExists, key))
}

impl KeyAndCondition {
    /// What an update asks: that the item is there, and the rest.
    pub fn to_update(&self) -> Condition {
        let key = self.key.keys().next().map_or("", String::as_str);
        let there = presence(Function::AttributeExists, key);
        condition(match &self.condition {
            Some(rest) => Test::All(vec![there, rest.test.clone()]),
            None => there,
        })
    }

    /// What a deletion asks: nothing of an item that is not there.
    pub fn to_delete(&self) -> Option<Condition> {
        let key = self.key.keys().next().map_or("", String::as_str);
        let rest = self.condition.as_ref()?;
        let absent = presence(Function::AttributeNotExists, key);
        Some(condition(Test::Any(vec![absent, rest.test.clone()])))
    }
}

fn presence(function: Function, attribute: &str) -> Test {
    let path = Path(vec![PathElement::Name(attribute.to_owned())]);
    Test::Call(function, vec![Operand::Path(path)])
}

fn condition(test: Test) -> Condition {
    Condition {
        kind: ExpressionKind::Condition,
        test,
    }
}

fn flatten<'t>(test: &'t Test, found: &mut Vec<&'t Test>) {
    match test {
        Test::All(tests) => tests.iter().for_each(|test| flatten(test, found)),
        test => found.push(test),
    }
}

fn equality(test: &Test) -> Option<(&str, &AttributeValue)> {
    match test {
        Test::Compare(Comparator::Equal, Operand::Path(path), Operand::Value(value))
        | Test::Compare(Comparator::Equal, Operand::Value(value), Operand::Path(path))
            if path.elements().len() == 1 =>
        {
            Some((path.attribute(), value))
        }
        _ => None,
    }
}

/// How a `SELECT` reads. Its whole condition is still to be asked of every item that is read.
#[derive(Clone, Debug, PartialEq)]
pub enum ReadPlan {
    Scan,
    /// These parts of the table or the index, in this order, no item in two of them.
    Query {
        ranges: Vec<KeyCondition>,
        descending: bool,
    },
}

#[derive(Clone, Default)]
struct Branch<'t> {
    partition: BTreeMap<&'t str, &'t AttributeValue>,
    sort: Vec<(&'t str, SortCondition)>,
    /// Something else is said of a sort key, which no range can tell.
    negated: bool,
}

impl Select {
    /// The parts to read, given the key schema of the table or the index.
    pub fn plan(&self, partition: &[KeyElement], sort: &[KeyElement]) -> Result<ReadPlan, Invalid> {
        let descending = self.check_order(partition, sort)?;
        let test = self.condition.as_ref().map(|condition| &condition.test);
        let branches = test
            .and_then(|test| branches(test, (partition, sort)))
            .filter(|branches| branches.iter().all(|branch| branch.partition.len() == partition.len()));
        let Some(branches) = branches else {
            if !self.order.is_empty() {
                return Err(Invalid::new(
                    "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.",
                ));
            }
            return Ok(ReadPlan::Scan);
        };
        let mut ranges: Vec<KeyCondition> = Vec::new();
        for branch in &branches {
            let range = branch.range(partition, sort)?;
            for other in branches.iter().filter(|other| !branch.negated && !other.negated) {
                if overlap(&range, &other.range(partition, sort)?) {
                    return Err(Invalid::new(
                        "Overlapping conditions with range keys are not supported in where clause",
                    ));
                }
            }
            // Where two share a partition, all of it is read once: the condition picks.
            match ranges.iter_mut().find(|other| other.partition == range.partition) {
                Some(other) if *other != range => other.sort.clear(),
                Some(_) => {}
                None => ranges.push(range),
            }
        }
        let by_partition = self
            .order
            .first()
            .filter(|order| partition.iter().any(|element| element.name == order.attribute));
        if let Some(order) = by_partition {
            ranges.sort_by(|a, b| {
                let pairs = a.partition.iter().zip(&b.partition);
                let found = pairs
                    .map(|(a, b)| a.order(b).unwrap_or(std::cmp::Ordering::Equal))
                    .find(|found| found.is_ne())
                    .unwrap_or(std::cmp::Ordering::Equal);
                if order.descending { found.reverse() } else { found }
            });
        }
        Ok(ReadPlan::Query { ranges, descending })
    }

    /// Whether sort keys are read backwards.
    fn check_order(&self, partition: &[KeyElement], sort: &[KeyElement]) -> Result<bool, Invalid> {
        if self.order.is_empty() {
            return Ok(false);
        }
        if self.condition.is_none() {
            return Err(Invalid::new(
                "Must have WHERE clause in the statement when using ORDER BY clause.",
            ));
        }
        let is_key = |name: &str| partition.iter().chain(sort).any(|element| element.name == name);
        if let Some(order) = self.order.iter().find(|order| !is_key(&order.attribute)) {
            return Err(Invalid(format!(
                "Variable reference {} in ORDER BY clause must be part of the primary key",
                order.attribute
            )));
        }
        let of_sort = |name: &str| sort.iter().any(|element| element.name == name);
        Ok(self
            .order
            .iter()
            .any(|order| of_sort(&order.attribute) && order.descending))
    }
}

impl Branch<'_> {
    fn range(&self, partition: &[KeyElement], sort: &[KeyElement]) -> Result<KeyCondition, Invalid> {
        let mut found: Vec<(&str, SortCondition)> = Vec::new();
        for (name, value) in &self.partition {
            found.push((*name, SortCondition::Equal((*value).clone())));
        }
        for element in sort {
            let Some((name, condition)) = self.sort.iter().find(|(name, _)| *name == element.name) else {
                break;
            };
            // A range that no key of this type can be in is left to the condition.
            if matches!(condition, SortCondition::BeginsWith(_)) && element.kind == Kind::N {
                break;
            }
            let goes_on = matches!(condition, SortCondition::Equal(_));
            found.push((*name, condition.clone()));
            if !goes_on {
                break;
            }
        }
        resolve(found, partition, sort)
    }
}

/// The ways in which a test can hold, each with what it says of the keys; nothing where there are too many.
fn branches<'t>(test: &'t Test, keys: (&[KeyElement], &[KeyElement])) -> Option<Vec<Branch<'t>>> {
    let is_partition = |name: &str| keys.0.iter().any(|element| element.name == name);
    let is_sort = |name: &str| keys.1.iter().any(|element| element.name == name);
    if let Test::Any(tests) = test {
        let mut all = Vec::new();
        for test in tests {
            all.extend(branches(test, keys)?);
            if all.len() > RANGES_MAX {
                return None;
            }
        }
        return Some(all);
    }
    let mut tests = Vec::new();
    flatten(test, &mut tests);
    let mut found = vec![Branch::default()];
    for test in tests {
        if let Some((name, value)) = equality(test)
            && is_partition(name)
        {
            for branch in &mut found {
                branch.partition.entry(name).or_insert(value);
            }
        } else if let Some((name, options)) = one_of(test)
            && is_partition(name)
        {
            found = product(&found, &options, |branch, value| {
                branch.partition.entry(name).or_insert(value);
            })?;
        } else if let Some((name, condition)) = sort_condition(test) {
            for branch in &mut found {
                if !branch.sort.iter().any(|(other, _)| *other == name) {
                    branch.sort.push((name, condition.clone()));
                }
            }
        } else if let Test::Not(_) | Test::Compare(Comparator::NotEqual, ..) = test {
            let says = attributes(test).into_iter().any(is_sort);
            found.iter_mut().for_each(|branch| branch.negated |= says);
        } else if let Test::Any(_) = test
            && let Some(inner) = branches(test, keys)
            && inner.iter().all(|branch| !branch.partition.is_empty())
        {
            found = product(&found, &inner, |branch, inner| {
                for (name, value) in &inner.partition {
                    branch.partition.entry(name).or_insert(value);
                }
            })?;
        }
    }
    Some(found)
}

/// The attributes that a test is about.
fn attributes(test: &Test) -> Vec<&str> {
    fn of(operand: &Operand) -> Vec<&str> {
        match operand {
            Operand::Path(path) => vec![path.attribute()],
            Operand::Value(_) => Vec::new(),
            Operand::Call(_, operands) => operands.iter().flat_map(of).collect(),
        }
    }
    match test {
        Test::All(tests) | Test::Any(tests) => tests.iter().flat_map(attributes).collect(),
        Test::Not(test) => attributes(test),
        Test::Compare(_, left, right) => [left, right].into_iter().flat_map(of).collect(),
        Test::Between(value, lower, upper) => [value, lower, upper].into_iter().flat_map(of).collect(),
        Test::In(value, options) => std::iter::once(value).chain(options).flat_map(of).collect(),
        Test::Call(_, operands) => operands.iter().flat_map(of).collect(),
    }
}

/// Whether two different ranges of sort keys in one partition have keys in common.
fn overlap(one: &KeyCondition, other: &KeyCondition) -> bool {
    if one.partition != other.partition || one.sort == other.sort {
        return false;
    }
    let (Some(one), Some(other)) = (one.sort.last(), other.sort.last()) else {
        return true;
    };
    meet(one, other) && meet(other, one)
}

/// Whether `one` does not end before `other` begins.
fn meet(one: &SortCondition, other: &SortCondition) -> bool {
    match (one, other) {
        (SortCondition::Equal(value), other) => other.matches(value),
        (one, SortCondition::Equal(value)) => one.matches(value),
        (one, other) => match (upper(one), lower(other)) {
            (Some((upper, reached)), Some((lower, begun))) => match upper.order(lower) {
                Some(std::cmp::Ordering::Greater) => true,
                Some(std::cmp::Ordering::Equal) => reached && begun,
                // What begins with a text comes after it.
                Some(std::cmp::Ordering::Less) => matches!(one, SortCondition::BeginsWith(_)) && one.matches(lower),
                None => false,
            },
            _ => true,
        },
    }
}

/// The greatest value of a range, and whether it is in it.
fn upper(condition: &SortCondition) -> Option<(&AttributeValue, bool)> {
    match condition {
        SortCondition::Less(value) => Some((value, false)),
        SortCondition::LessOrEqual(value) | SortCondition::Between(_, value) | SortCondition::BeginsWith(value) => {
            Some((value, true))
        }
        _ => None,
    }
}

/// The least value of a range, and whether it is in it.
fn lower(condition: &SortCondition) -> Option<(&AttributeValue, bool)> {
    match condition {
        SortCondition::Greater(value) => Some((value, false)),
        SortCondition::GreaterOrEqual(value) | SortCondition::Between(value, _) | SortCondition::BeginsWith(value) => {
            Some((value, true))
        }
        _ => None,
    }
}

fn product<'t, T>(
    branches: &[Branch<'t>],
    options: &[T],
    add: impl Fn(&mut Branch<'t>, &T),
) -> Option<Vec<Branch<'t>>> {
    if branches.len().saturating_mul(options.len()) > RANGES_MAX {
        return None;
    }
    let mut all = Vec::new();
    for branch in branches {
        for option in options {
            let mut branch = branch.clone();
            add(&mut branch, option);
            all.push(branch);
        }
    }
    Some(all)
}

fn one_of(test: &Test) -> Option<(&str, Vec<&AttributeValue>)> {
    let Test::In(Operand::Path(path), options) = test else {
        return None;
    };
    let values: Option<Vec<&AttributeValue>> = options
        .iter()
        .map(|option| match option {
            Operand::Value(value) => Some(value),
            _ => None,
        })
        .collect();
    (path.elements().len() == 1).then_some((path.attribute(), values?))
}

fn sort_condition(test: &Test) -> Option<(&str, SortCondition)> {
    let (path, condition) = match test {
        Test::Compare(comparator, Operand::Path(path), Operand::Value(value)) => (path, compared(*comparator, value)?),
        Test::Compare(comparator, Operand::Value(value), Operand::Path(path)) => {
            (path, compared(comparator.mirrored(), value)?)
        }
        Test::Between(Operand::Path(path), Operand::Value(lower), Operand::Value(upper)) => {
            (path, SortCondition::Between(lower.clone(), upper.clone()))
        }
        Test::Call(Function::BeginsWith, operands) => match operands.as_slice() {
            [Operand::Path(path), Operand::Value(start)] => (path, SortCondition::BeginsWith(start.clone())),
            _ => return None,
        },
        _ => return None,
    };
    (path.elements().len() == 1).then(|| (path.attribute(), condition))
}

fn compared(comparator: Comparator, value: &AttributeValue) -> Option<SortCondition> {
    let value = value.clone();
    Some(match comparator {
        Comparator::Equal => SortCondition::Equal(value),
        Comparator::NotEqual => return None,
        Comparator::Less => SortCondition::Less(value),
        Comparator::LessOrEqual => SortCondition::LessOrEqual(value),
        Comparator::Greater => SortCondition::Greater(value),
        Comparator::GreaterOrEqual => SortCondition::GreaterOrEqual(value),
    })
}
