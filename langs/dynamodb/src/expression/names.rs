//! `ExpressionAttributeNames` and `ExpressionAttributeValues`, and which of them were used.

use crate::attribute::{check_value, name_is_too_long};
use crate::{AttributeValue, Invalid, Item};
use std::collections::{BTreeMap, BTreeSet};

/// The placeholders of one request, shared by all of its expressions.
pub struct Placeholders<'a> {
    names: Option<&'a BTreeMap<String, String>>,
    values: Option<&'a Item>,
    used: BTreeSet<String>,
}

impl<'a> Placeholders<'a> {
    /// Checks both maps by themselves. Whether they may be given at all, there being no expression, is for the caller.
    pub fn new(names: Option<&'a BTreeMap<String, String>>, values: Option<&'a Item>) -> Result<Self, Invalid> {
        if let Some(names) = names {
            check_keys("ExpressionAttributeNames", names.keys(), '#')?;
            if let Some((key, name)) = names.iter().find(|(_, name)| name_is_too_long(name)) {
                return Err(Invalid(format!(
                    "ExpressionAttributeNames contains invalid value: Attribute name is too large, must be less than \
                     65536 bytes; key: {key}, length: {}",
                    name.len()
                )));
            }
        }
        if let Some(values) = values {
            check_keys("ExpressionAttributeValues", values.keys(), ':')?;
            for (key, value) in values {
                check_value(value).map_err(|error| {
                    Invalid(format!(
                        "ExpressionAttributeValues contains invalid value: {error} for key {key}"
                    ))
                })?;
            }
        }
        check_size(names, values)?;
        Ok(Placeholders {
            names,
            values,
            used: BTreeSet::new(),
        })
    }

    pub(crate) fn name(&mut self, placeholder: &str) -> Option<&'a str> {
        let found = self.names?.get(placeholder)?;
        self.used.insert(placeholder.to_owned());
        Some(found)
    }

    pub(crate) fn value(&mut self, placeholder: &str) -> Option<&'a AttributeValue> {
        let found = self.values?.get(placeholder)?;
        self.used.insert(placeholder.to_owned());
        Some(found)
    }

    /// Fails where a name or a value was used by no expression. Call it when all are parsed.
    pub fn finish(&self) -> Result<(), Invalid> {
        if self.names.is_none() && self.values.is_none() {
            return Ok(());
        }
        self.unused("ExpressionAttributeNames", self.names.map(BTreeMap::keys))?;
        self.unused("ExpressionAttributeValues", self.values.map(BTreeMap::keys))
    }

    fn unused<'k>(&self, parameter: &str, keys: Option<impl Iterator<Item = &'k String>>) -> Result<(), Invalid> {
        let unused: Vec<&str> = keys
            .into_iter()
            .flatten()
            .filter(|key| !self.used.contains(*key))
            .map(String::as_str)
            .collect();
        if unused.is_empty() {
            return Ok(());
        }
        Err(Invalid(format!(
            "Value provided in {parameter} unused in expressions: keys: {{{}}}",
            unused.join(", ")
        )))
    }
}

/// Of all names and values with their placeholders.
const SUBSTITUTION_MAX_BYTES: usize = 2 * 1024 * 1024;

fn check_size(names: Option<&BTreeMap<String, String>>, values: Option<&Item>) -> Result<(), Invalid> {
    let names = names.into_iter().flatten().map(|(key, name)| key.len() + name.len());
    let values = values
        .into_iter()
        .flatten()
        .map(|(key, value)| key.len() + value.size_bytes());
    let bytes: usize = names.chain(values).sum();
    if bytes > SUBSTITUTION_MAX_BYTES {
        return Err(Invalid(format!(
            "ExpressionAttributeNames and ExpressionAttributeValues have exceeded the maximum allowed size; size: {bytes}"
        )));
    }
    Ok(())
}

/// Of one placeholder, with its mark.
const KEY_MAX_BYTES: usize = 255;

fn check_keys<'k>(parameter: &str, keys: impl Iterator<Item = &'k String>, mark: char) -> Result<(), Invalid> {
    let mut any = false;
    for key in keys {
        any = true;
        if key.len() > KEY_MAX_BYTES {
            return Err(Invalid(format!(
                "{parameter} contains invalid key: Key is too large, must be less than {} bytes; key: \"{key}\", length: {}",
                KEY_MAX_BYTES + 1,
                key.len()
            )));
        }
        let word = key.strip_prefix(mark).unwrap_or_default();
        if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(Invalid(format!(
                "{parameter} contains invalid key: Syntax error; key: \"{key}\""
            )));
        }
    }
    if any {
        Ok(())
    } else {
        Err(Invalid(format!("{parameter} must not be empty")))
    }
}
