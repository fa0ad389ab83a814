//! `KeyConditions`.

use super::condition::{Comparison, LegacyCondition, comparison_of};
use crate::evaluate::key_condition::resolve;
use crate::{AttributeValue, Invalid, KeyCondition, KeyElement, SortCondition};
use std::collections::BTreeMap;

/// The conditions of a query, checked as far as no table is needed.
#[derive(Clone, Debug)]
pub struct LegacyKeyConditions<'c>(Vec<(&'c str, Comparison, &'c [AttributeValue])>);

impl<'c> LegacyKeyConditions<'c> {
    pub fn new(conditions: &'c BTreeMap<String, LegacyCondition>) -> Result<Self, Invalid> {
        if conditions.is_empty() {
            return Err(Invalid::new("Conditions can be of length 1 or 2 only"));
        }
        let mut checked = Vec::new();
        for (name, condition) in conditions {
            let (comparison, values) = comparison_of(condition)?;
            checked.push((name.as_str(), comparison, values));
        }
        Ok(LegacyKeyConditions(checked))
    }

    /// As one condition on a key; `partition` and `sort` are the key schema's attributes.
    pub fn key_condition(&self, partition: &[KeyElement], sort: &[KeyElement]) -> Result<KeyCondition, Invalid> {
        let mut found = Vec::new();
        for (name, comparison, values) in &self.0 {
            let Some(condition) = sort_condition(*comparison, values) else {
                return Err(Invalid::new(
                    "Attempted conditional constraint is not an indexable operation",
                ));
            };
            found.push((*name, condition));
        }
        resolve(found, partition, sort)
    }
}

fn sort_condition(comparison: Comparison, values: &[AttributeValue]) -> Option<SortCondition> {
    let first = values.first()?.clone();
    Some(match comparison {
        Comparison::Equal => SortCondition::Equal(first),
        Comparison::Less => SortCondition::Less(first),
        Comparison::LessOrEqual => SortCondition::LessOrEqual(first),
        Comparison::Greater => SortCondition::Greater(first),
        Comparison::GreaterOrEqual => SortCondition::GreaterOrEqual(first),
        Comparison::BeginsWith => SortCondition::BeginsWith(first),
        Comparison::Between => SortCondition::Between(first, values.get(1)?.clone()),
        _ => return None,
    })
}
