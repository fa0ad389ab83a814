//! The crate's tests: messages and values that are known from AWS, and properties.

mod attribute;
mod conditions;
mod keys;
mod legacy;
mod number;
mod parser;
mod partiql;
mod stored;
mod updates;

use crate::{AttributeValue, ExpressionKind, Item, Number, Placeholders};
use std::collections::BTreeMap;

/// `S` of a text.
fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// `N` of a text.
fn n(text: &str) -> AttributeValue {
    AttributeValue::N(number(text))
}

fn number(text: &str) -> Number {
    text.parse().expect("a number")
}

fn ss(members: &[&str]) -> AttributeValue {
    AttributeValue::Ss(members.iter().map(|member| (*member).to_owned()).collect())
}

fn map(members: &[(&str, AttributeValue)]) -> AttributeValue {
    AttributeValue::M(item(members))
}

fn item(members: &[(&str, AttributeValue)]) -> Item {
    members
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

fn names(members: &[(&str, &str)]) -> BTreeMap<String, String> {
    members
        .iter()
        .map(|(key, name)| ((*key).to_owned(), (*name).to_owned()))
        .collect()
}

/// What is said of an expression, with `#n` for the attribute `a` and the given values; empty where it is good.
fn said(kind: ExpressionKind, text: &str, values: &[(&str, AttributeValue)]) -> String {
    let (names, values) = (names(&[("#n", "a")]), item(values));
    let mut placeholders =
        Placeholders::new(Some(&names), (!values.is_empty()).then_some(&values)).expect("good placeholders");
    let error = match kind {
        ExpressionKind::Projection => crate::parse_projection(text, &mut placeholders).err(),
        ExpressionKind::Update => crate::parse_update(text, &mut placeholders).err(),
        kind => crate::parse_condition(kind, text, &mut placeholders).err(),
    };
    error.map(|error| error.0).unwrap_or_default()
}
