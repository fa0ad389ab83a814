//! Records of an object: JSON documents, lines of CSV, or rows of Parquet.

use super::Wrong;
use super::parse::Query;
use super::range::ScanRange;
use bytes::Bytes;
use serde_json::{Map, Value};
use std::ops::Range;

/// AWS's limit for one record.
pub const RECORD_MAX_BYTES: usize = 1024 * 1024;

/// How an object is written.
pub enum Input {
    Csv(CsvInput),
    /// Documents one behind the other, on lines of their own or not.
    Json,
    #[cfg(feature = "parquet")]
    Parquet,
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
    /// Calls `visit` with the records that begin in the range, or with all.
    pub fn records(
        &self,
        #[cfg_attr(
            not(feature = "parquet"),
            expect(unused_variables, reason = "only Parquet has columns to choose")
        )]
        query: &Query,
        range: Option<ScanRange>,
        bytes: &Bytes,
        visit: Visit<'_>,
    ) -> Result<(), Wrong> {
        match self {
            Input::Json => {
                let lines = range.map_or(0..bytes.len(), |range| range.records(bytes, b"\n"));
                let lines = bytes.get(lines).unwrap_or_default();
                for document in serde_json::Deserializer::from_slice(lines).into_iter::<Value>() {
                    let document = document.map_err(|error| Wrong::Json(error.to_string()))?;
                    if !visit(document)? {
                        break;
                    }
                }
                Ok(())
            }
            Input::Csv(csv) => {
                let text = std::str::from_utf8(bytes).map_err(|_| {
                    Wrong::Refused(
                        "InvalidTextEncoding",
                        "The encoding type is not valid. Only UTF-8 encoding is supported.",
                    )
                })?;
                let wanted = range.map_or(0..text.len(), |range| {
                    range.records(text.as_bytes(), csv.record_delimiter.as_bytes())
                });
                csv.records(text, wanted, visit)
            }
            #[cfg(feature = "parquet")]
            Input::Parquet => super::parquet::records(query, range, bytes, visit),
        }
    }
}

impl CsvInput {
    /// The header is the text's first line, wherever the wanted bytes begin.
    fn records(&self, text: &str, wanted: Range<usize>, visit: Visit<'_>) -> Result<(), Wrong> {
        let mut names: Option<Vec<String>> = None;
        let mut at = 0;
        let mut is_header = self.header != "NONE";
        if !is_header {
            at = wanted.start;
        }
        while at < wanted.end {
            let line = text.get(at..).unwrap_or_default();
            let (fields, length) = self.line(line);
            if length > RECORD_MAX_BYTES {
                return Err(Wrong::record_too_long());
            }
            at += length.max(1);
            if self.comment.is_some_and(|comment| line.starts_with(comment)) {
                continue;
            }
            if std::mem::take(&mut is_header) {
                if self.header == "USE" {
                    names = Some(fields);
                }
                at = at.max(wanted.start);
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
