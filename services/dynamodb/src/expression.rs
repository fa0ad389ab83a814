//! The expressions of a request with their placeholders, and the parameters that were there before expressions.

use crate::errors::{invalid, validation};
use crate::value::{self, Input};
use std::collections::BTreeMap;
use virga_base::AwsError;
use virga_lang_dynamodb::legacy::{
    AttributeUpdate, ConditionalOperator, LegacyCondition, LegacyKeyConditions, UpdateAction,
    check_conditional_operator, check_mixing, parse_attribute_updates, parse_attributes_to_get, parse_expected,
    parse_filter,
};
use virga_lang_dynamodb::{
    Condition, ExpressionKind, Item, KeyCondition, KeyElement, Placeholders, Projection, Update, parse_condition,
    parse_projection, parse_update,
};
use virga_service::Value;

/// Which parameters an operation has.
pub struct Parameters {
    /// Those that use `ExpressionAttributeValues`, as AWS lists them.
    pub with_values: &'static [&'static str],
    /// Those that use names alone.
    pub with_names: &'static [&'static str],
    /// Those from before expressions.
    pub legacy: &'static [&'static str],
}

/// What came of them, not yet parsed.
#[derive(Default)]
pub struct Expressions {
    names: Option<BTreeMap<String, String>>,
    values: Option<Item>,
    texts: Vec<(&'static str, String)>,
    /// `Expected`, `QueryFilter`, `ScanFilter`.
    conditions: Option<BTreeMap<String, LegacyCondition>>,
    key_conditions: Option<BTreeMap<String, LegacyCondition>>,
    operator: ConditionalOperator,
    updates: Option<BTreeMap<String, AttributeUpdate>>,
    attributes_to_get: Option<Vec<String>>,
}

impl Parameters {
    pub fn read(&self, input: &mut Input) -> Result<Expressions, AwsError> {
        if !input.names().any(|name| self.has(name)) {
            return Ok(Expressions::default());
        }
        let with_values = self.given(self.with_values, input);
        let given: Vec<&'static str> = self
            .given(self.with_names, input)
            .into_iter()
            .chain(with_values.iter().copied())
            .collect();
        if !given.is_empty() && self.legacy.iter().any(|name| input.has(name)) {
            self.check_mixing(&given, input)?;
        }
        if given.is_empty() && input.has("ExpressionAttributeNames") {
            return Err(validation(
                "ExpressionAttributeNames can only be specified when using expressions",
            ));
        }
        if with_values.is_empty() && input.has("ExpressionAttributeValues") {
            return Err(validation(self.without_expression()));
        }
        let names = input.text_map("ExpressionAttributeNames");
        let values = input.take("ExpressionAttributeValues").map(value::read_placeholders);
        let values = values.transpose().map_err(invalid)?;
        let texts = given
            .into_iter()
            .filter_map(|name| Some((name, input.take_text(name)?)))
            .collect();
        let mut expressions = Expressions {
            names,
            values,
            texts,
            ..Expressions::default()
        };
        expressions.read_legacy(self.legacy, input)?;
        Ok(expressions)
    }

    fn has(&self, name: &str) -> bool {
        matches!(name, "ExpressionAttributeNames" | "ExpressionAttributeValues")
            || [self.with_values, self.with_names, self.legacy]
                .iter()
                .any(|names| names.contains(&name))
    }

    fn check_mixing(&self, given: &[&'static str], input: &Input) -> Result<(), AwsError> {
        // Key conditions of old may come with expressions that are not about the key.
        let (own, key) = (ExpressionKind::KeyCondition.name(), "KeyConditions");
        let legacy: Vec<&str> = self
            .legacy
            .iter()
            .copied()
            .filter(|name| *name != key || input.has(own))
            .collect();
        check_mixing(&presence(&legacy, input), &presence(given, input)).map_err(invalid)
    }

    fn given(&self, names: &[&'static str], input: &Input) -> Vec<&'static str> {
        names.iter().copied().filter(|name| input.has(name)).collect()
    }

    fn without_expression(&self) -> String {
        let opening = "ExpressionAttributeValues can only be specified when using expressions";
        match self.with_values {
            [] => opening.to_owned(),
            [one] => format!("{opening}: {one} is null"),
            several => format!("{opening}: {} are null", several.join(" and ")),
        }
    }
}

fn presence<'n>(names: &[&'n str], input: &Input) -> Vec<(&'n str, bool)> {
    names.iter().map(|name| (*name, input.has(name))).collect()
}

impl Expressions {
    fn read_legacy(&mut self, legacy: &[&str], input: &mut Input) -> Result<(), AwsError> {
        let mut operator = None;
        for name in legacy {
            match *name {
                "ConditionalOperator" => operator = input.take_text(name),
                "AttributesToGet" => self.attributes_to_get = input.texts(name),
                "AttributeUpdates" => self.updates = input.take(name).map(read_updates).transpose()?,
                "KeyConditions" => self.key_conditions = input.take(name).map(read_conditions).transpose()?,
                _ => self.conditions = input.take(name).map(read_conditions).transpose()?,
            }
        }
        if operator.as_deref() == Some("OR") {
            self.operator = ConditionalOperator::Or;
        }
        let count = self.conditions.as_ref().map_or(0, BTreeMap::len);
        check_conditional_operator(operator.is_some(), count).map_err(invalid)
    }

    pub fn placeholders(&self) -> Result<Placeholders<'_>, AwsError> {
        Placeholders::new(self.names.as_ref(), self.values.as_ref()).map_err(invalid)
    }

    fn text(&self, kind: ExpressionKind) -> Option<&str> {
        let found = self.texts.iter().find(|(name, _)| *name == kind.name());
        found.map(|(_, text)| text.as_str())
    }

    /// A condition or a filter, in either form.
    pub fn condition(
        &self,
        kind: ExpressionKind,
        placeholders: &mut Placeholders<'_>,
    ) -> Result<Option<Condition>, AwsError> {
        let parsed = match (self.text(kind), &self.conditions) {
            (Some(text), _) => parse_condition(kind, text, placeholders).map(Some),
            (None, Some(conditions)) if kind == ExpressionKind::Filter => parse_filter(conditions, self.operator),
            (None, Some(conditions)) => parse_expected(conditions, self.operator),
            (None, None) => Ok(None),
        };
        parsed.map_err(invalid)
    }

    /// The names in a legacy filter.
    pub fn filtered(&self) -> impl Iterator<Item = &str> {
        self.conditions.iter().flat_map(BTreeMap::keys).map(String::as_str)
    }

    /// The key condition of a query, in either form; `None` where there is neither.
    pub fn key_condition(&self, placeholders: &mut Placeholders<'_>) -> Result<Option<KeySource<'_>>, AwsError> {
        let kind = ExpressionKind::KeyCondition;
        match (self.text(kind), &self.key_conditions) {
            (Some(text), _) => {
                let condition = parse_condition(kind, text, placeholders).map_err(invalid)?;
                Ok(Some(KeySource::Expression(condition)))
            }
            (None, Some(conditions)) => {
                let conditions = LegacyKeyConditions::new(conditions).map_err(invalid)?;
                Ok(Some(KeySource::Legacy(conditions)))
            }
            (None, None) => Ok(None),
        }
    }

    /// What of an item is asked for, in either form.
    pub fn projection(&self, placeholders: &mut Placeholders<'_>) -> Result<Option<Projection>, AwsError> {
        let parsed = match (self.text(ExpressionKind::Projection), &self.attributes_to_get) {
            (Some(text), _) => parse_projection(text, placeholders).map(Some),
            (None, Some(names)) => parse_attributes_to_get(names).map(Some),
            (None, None) => Ok(None),
        };
        parsed.map_err(invalid)
    }

    /// The parameter by which a projection came.
    pub fn projection_parameter(&self) -> Option<&'static str> {
        match (self.text(ExpressionKind::Projection), &self.attributes_to_get) {
            (Some(_), _) => Some("ProjectionExpression"),
            (None, Some(_)) => Some("AttributesToGet"),
            (None, None) => None,
        }
    }

    /// An update, in either form.
    pub fn update(&self, placeholders: &mut Placeholders<'_>) -> Result<Option<Update>, AwsError> {
        let parsed = match (self.text(ExpressionKind::Update), &self.updates) {
            (Some(text), _) => parse_update(text, placeholders).map(Some),
            (None, Some(updates)) => parse_attribute_updates(updates).map(Some),
            (None, None) => Ok(None),
        };
        parsed.map_err(invalid)
    }
}

/// A key condition that waits for the key that it is about.
pub enum KeySource<'e> {
    Expression(Condition),
    Legacy(LegacyKeyConditions<'e>),
}

impl KeySource<'_> {
    pub fn on(&self, partition: &[KeyElement], sort: &[KeyElement]) -> Result<KeyCondition, AwsError> {
        let found = match self {
            KeySource::Expression(condition) => condition.key_condition(partition, sort),
            KeySource::Legacy(conditions) => conditions.key_condition(partition, sort),
        };
        found.map_err(invalid)
    }
}

fn members(value: Value) -> impl Iterator<Item = (String, Input)> {
    let entries = match value {
        Value::Map(entries) => entries,
        _ => Vec::new(),
    };
    entries
        .into_iter()
        .filter_map(|(name, value)| Some((name, Input::new(value)?)))
}

fn read_conditions(value: Value) -> Result<BTreeMap<String, LegacyCondition>, AwsError> {
    members(value)
        .map(|(name, mut input)| {
            let list = match input.take("AttributeValueList") {
                Some(Value::List(list)) => {
                    let list: Result<Vec<_>, _> = list.into_iter().map(value::read_value).collect();
                    Some(list.map_err(invalid)?)
                }
                _ => None,
            };
            let value = input
                .take("Value")
                .map(value::read_value)
                .transpose()
                .map_err(invalid)?;
            let condition = LegacyCondition {
                comparison_operator: input.take_text("ComparisonOperator"),
                attribute_value_list: list,
                value,
                exists: input.flag("Exists"),
            };
            Ok((name, condition))
        })
        .collect()
}

fn read_updates(value: Value) -> Result<BTreeMap<String, AttributeUpdate>, AwsError> {
    members(value)
        .map(|(name, mut input)| {
            let action = input
                .text("Action")
                .and_then(UpdateAction::from_name)
                .unwrap_or_default();
            let value = input
                .take("Value")
                .map(value::read_value)
                .transpose()
                .map_err(invalid)?;
            Ok((name, AttributeUpdate { action, value }))
        })
        .collect()
}
