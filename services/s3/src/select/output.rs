//! How the records of an answer are written.

use serde_json::Value;

pub enum Output {
    Csv(CsvOutput),
    Json { delimiter: String },
}

pub struct CsvOutput {
    /// Whether every field is quoted, or only those that need it.
    pub always_quoted: bool,
    pub record_delimiter: String,
    pub field_delimiter: String,
    pub quote: String,
    pub escape: String,
}

impl Default for CsvOutput {
    fn default() -> CsvOutput {
        CsvOutput {
            always_quoted: false,
            record_delimiter: "\n".to_owned(),
            field_delimiter: ",".to_owned(),
            quote: "\"".to_owned(),
            escape: "\"".to_owned(),
        }
    }
}

impl Output {
    pub fn write(&self, record: &Value, out: &mut Vec<u8>) {
        match self {
            Output::Json { delimiter } => {
                out.extend_from_slice(record.to_string().as_bytes());
                out.extend_from_slice(delimiter.as_bytes());
            }
            Output::Csv(csv) => {
                let fields = record.as_object().into_iter().flat_map(|members| members.values());
                for (at, field) in fields.enumerate() {
                    if at > 0 {
                        out.extend_from_slice(csv.field_delimiter.as_bytes());
                    }
                    csv.field(field, out);
                }
                out.extend_from_slice(csv.record_delimiter.as_bytes());
            }
        }
    }
}

impl CsvOutput {
    fn field(&self, value: &Value, out: &mut Vec<u8>) {
        let text = match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let special = [&self.field_delimiter, &self.record_delimiter, &self.quote];
        let needed = special
            .iter()
            .any(|sign| !sign.is_empty() && text.contains(sign.as_str()));
        if !self.always_quoted && !needed {
            out.extend_from_slice(text.as_bytes());
            return;
        }
        let escaped = text.replace(&self.quote, &format!("{}{}", self.escape, self.quote));
        out.extend_from_slice(format!("{0}{escaped}{0}", self.quote).as_bytes());
    }
}
