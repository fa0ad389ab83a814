//! `AttributeUpdates` and `AttributesToGet`.

use super::attribute_path;
use crate::attribute::{Kind, check_value};
use crate::expression::syntax::{Action, Operand, Projection, SetValue, Update};
use crate::{AttributeValue, Invalid};
use std::collections::BTreeMap;

/// What to do with an attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpdateAction {
    #[default]
    Put,
    Add,
    Delete,
}

impl UpdateAction {
    pub fn from_name(name: &str) -> Option<UpdateAction> {
        match name {
            "PUT" => Some(UpdateAction::Put),
            "ADD" => Some(UpdateAction::Add),
            "DELETE" => Some(UpdateAction::Delete),
            _ => None,
        }
    }
}

/// One member of `AttributeUpdates`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttributeUpdate {
    pub action: UpdateAction,
    pub value: Option<AttributeValue>,
}

/// The update that `AttributeUpdates` stands for.
pub fn parse_attribute_updates(updates: &BTreeMap<String, AttributeUpdate>) -> Result<Update, Invalid> {
    let mut actions = Vec::new();
    for (name, update) in updates {
        actions.push((attribute_path(name), action(update)?));
    }
    Ok(Update { actions, legacy: true })
}

fn action(update: &AttributeUpdate) -> Result<Action, Invalid> {
    let Some(value) = &update.value else {
        return match update.action {
            UpdateAction::Delete => Ok(Action::Remove),
            _ => Err(Invalid::parameter(
                "Only DELETE action is allowed when no attribute value is specified",
            )),
        };
    };
    check_value(value)?;
    let kind = value.kind();
    match update.action {
        UpdateAction::Put => Ok(Action::Set(SetValue::Operand(Operand::Value(value.clone())))),
        // Lists are not in the documentation, but they are appended.
        UpdateAction::Add if kind == Kind::N || kind == Kind::L || kind.is_set() => Ok(Action::Add(value.clone())),
        UpdateAction::Add => Err(Invalid::parameter(format!(
            "ADD action is not supported for the type {}",
            kind.name()
        ))),
        UpdateAction::Delete if kind.is_set() => Ok(Action::Delete(value.clone())),
        UpdateAction::Delete => Err(Invalid::parameter(format!(
            "DELETE action with value is not supported for the type {}",
            kind.name()
        ))),
    }
}

/// The projection that `AttributesToGet` stands for.
pub fn parse_attributes_to_get(names: &[String]) -> Result<Projection, Invalid> {
    for (at, name) in names.iter().enumerate() {
        if names.iter().take(at).any(|other| other == name) {
            return Err(Invalid::parameter(format!("Duplicate value in attribute name: {name}")));
        }
    }
    Ok(Projection {
        paths: names.iter().map(|name| attribute_path(name)).collect(),
    })
}
