//! The query string of a request, each name known beforehand.

use crate::answer::Refusal;
use crate::text;
use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;

/// A decoded query string.
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads the query; a name outside `known` is refused, with the nearest one that exists.
    pub(crate) fn read(query: Option<&str>, known: &[&'static str]) -> Result<Query, Refusal> {
        let mut values = BTreeMap::new();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name), decode(value));
            if !known.contains(&name.as_str()) {
                let hint = text::did_you_mean(&name, known.iter().copied());
                let known = if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                };
                return Err(Refusal::bad(format!(
                    "there is no parameter {name:?}{hint}; this route takes: {known}"
                )));
            }
            values.insert(name, value);
        }
        Ok(Query(values))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// True for `?name`, `?name=1` and `?name=true`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.0.get(name).map(String::as_str), Some("" | "1" | "true" | "yes"))
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(Refusal::bad(format!("{name} must be a whole number, not {value:?}"))),
        }
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}
