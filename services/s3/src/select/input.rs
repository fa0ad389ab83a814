//! Records of an object: JSON documents, or lines of CSV.

use super::Wrong;
use serde_json::{Map, Value};

/// How an object is written.
pub enum Input {
    Csv(CsvInput),
    /// Documents one behind the other, on lines of their own or not.
    Json,
}

/// How lines are written.
pub struct CsvInput {
    /// `NONE`, `USE` or `IGNORE`.
    pub header: String,
    pub record_delimiter: String,
    pub field_delimiter: char,
    pub quote: char,
    pub escape: char,
    pub comment: Option<char>,
}

impl Default for CsvInput {
    fn default() -> CsvInput {
        CsvInput {
            header: "NONE".to_owned(),
            record_delimiter: "\n".to_owned(),
            field_delimiter: ',',
            quote: '"',
            escape: '"',
            comment: None,
        }
    }
}

/// Takes a record; answers whether to go on.
type Visit<'v> = &'v mut dyn FnMut(Value) -> Result<bool, Wrong>;

impl Input {
    pub fn records(&self, bytes: &[u8], visit: Visit<'_>) -> Result<(), Wrong> {
        match self {
            Input::Json => {
                for document in serde_json::Deserializer::from_slice(bytes).into_iter::<Value>() {
                    let document = document.map_err(|error| Wrong::Data(error.to_string()))?;
                    if !visit(document)? {
                        break;
                    }
                }
                Ok(())
            }
            Input::Csv(csv) => {
                let text = std::str::from_utf8(bytes).map_err(|error| Wrong::Data(error.to_string()))?;
                csv.records(text, visit)
            }
        }
    }
}

impl CsvInput {
    fn records(&self, text: &str, visit: Visit<'_>) -> Result<(), Wrong> {
        let mut names: Option<Vec<String>> = None;
        let mut rest = text;
        let mut is_first = true;
        while !rest.is_empty() {
            let (fields, length) = self.line(rest);
            let line = rest;
            rest = rest.get(length..).unwrap_or_default();
            if self.comment.is_some_and(|comment| line.starts_with(comment)) {
                continue;
            }
            if std::mem::take(&mut is_first) && self.header != "NONE" {
                if self.header == "USE" {
                    names = Some(fields);
                }
                continue;
            }
            let mut record = Map::new();
            for (at, field) in fields.into_iter().enumerate() {
                let named = names.as_ref().and_then(|names| names.get(at).cloned());
                record.insert(named.unwrap_or_else(|| format!("_{}", at + 1)), Value::from(field));
            }
            if !visit(Value::Object(record))? {
                break;
            }
        }
        Ok(())
    }

    /// The fields of the first line, and the bytes that it takes.
    fn line(&self, text: &str) -> (Vec<String>, usize) {
        let mut fields = vec![String::new()];
        let mut quoted = false;
        let mut at = 0;
        while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
            let rest = text.get(at..).unwrap_or_default();
            let next = rest.chars().nth(1);
            if quoted && c == self.escape && next == Some(self.quote) {
                push(&mut fields, self.quote);
                at += c.len_utf8() + self.quote.len_utf8();
                continue;
            }
            if c == self.quote {
                quoted = !quoted;
            } else if !quoted && c == self.field_delimiter {
                fields.push(String::new());
            } else if !quoted && rest.starts_with(&self.record_delimiter) {
                at += self.record_delimiter.len();
                break;
            } else if !quoted && self.record_delimiter == "\n" && rest.starts_with("\r\n") {
                at += 2;
                break;
            } else {
                push(&mut fields, c);
            }
            at += c.len_utf8();
        }
        (fields, at)
    }
}

fn push(fields: &mut [String], c: char) {
    if let Some(last) = fields.last_mut() {
        last.push(c);
    }
}
