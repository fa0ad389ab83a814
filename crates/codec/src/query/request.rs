//! Requests: forms to values and back. EC2 shares this file; only names and the words of errors differ.

use super::form::{self, Fields, Group};
use crate::scalar;
use crate::xml::{Naming, element_name, entry_names, flattened, is_called, push_name};
use std::collections::HashSet;
use virga_base::AwsError;
use virga_base::limits::NESTING_MAX_DEPTH;
use virga_shape::{Kind, Member, ShapeRef, StructValue, TimestampFormat, Value};

/// Reads the fields that `shape` has; all others (`Action`, signatures) are passed over.
pub(crate) fn decode(naming: Naming, shape: ShapeRef, query: &str, body: &[u8]) -> Result<StructValue, AwsError> {
    if shape.members().is_empty() {
        form::check(query, body)?;
        return Ok(StructValue::new(shape));
    }
    let pairs = form::parse(query, body)?;
    let decoder = Decoder { naming };
    decoder.structure(shape, Fields::new(&pairs), 0)
}

struct Decoder {
    naming: Naming,
}

impl Decoder {
    fn structure(&self, shape: ShapeRef, fields: Fields<'_>, depth: usize) -> Result<StructValue, AwsError> {
        let mut out = StructValue::new(shape);
        for group in fields {
            let found = shape
                .members()
                .iter()
                .position(|member| is_called(self.naming, shape, member, group.name));
            let Some((index, member)) = found.and_then(|at| Some((at as u16, shape.members().get(at)?))) else {
                continue;
            };
            let flat = flattened(self.naming, shape, member);
            if let Some(value) = self.value(member, shape.target(member), flat, group, depth + 1)? {
                out.set_at(index, value);
            }
        }
        Ok(out)
    }

    /// `None` where the field is there but says nothing.
    fn value(
        &self,
        member: &Member,
        shape: ShapeRef,
        flat: bool,
        group: Group<'_>,
        depth: usize,
    ) -> Result<Option<Value>, AwsError> {
        if depth > NESTING_MAX_DEPTH {
            return Err(malformed(format!(
                "The request is nested deeper than {NESTING_MAX_DEPTH} levels"
            )));
        }
        Ok(match shape.kind() {
            Kind::Structure { document: false, .. } => {
                if group.inner.is_empty() && group.leaf.is_some_and(|text| !text.is_empty()) {
                    return Err(malformed("Unexpected complex element termination"));
                }
                Some(Value::Struct(self.structure(shape, group.inner, depth)?))
            }
            Kind::List { element, .. } => Some(self.list(shape, element, flat, group, depth)?),
            Kind::Map { key, value, .. } => Some(self.map(shape, (key, value), flat, group, depth)?),
            _ => self.scalar(member, shape, group)?,
        })
    }

    fn scalar(&self, member: &Member, shape: ShapeRef, group: Group<'_>) -> Result<Option<Value>, AwsError> {
        let Some(text) = group.leaf else {
            let mut inner = group.inner;
            let list = inner
                .next()
                .is_some_and(|first| first.name == "member" || index(first.name).is_some());
            return Err(malformed(if list {
                "Start of list found where not expected"
            } else {
                "Start of structure or map found where not expected"
            }));
        };
        if text.is_empty() && !matches!(shape.kind(), Kind::String | Kind::Blob { .. }) {
            return Ok(None);
        }
        match scalar::from_text(Some(member), shape, text, TimestampFormat::Iso8601) {
            Some(value) => Ok(Some(value)),
            None => Err(self.wrong_text(shape, group.name, text)),
        }
    }

    fn wrong_text(&self, shape: ShapeRef, name: &str, text: &str) -> AwsError {
        if self.naming == Naming::Ec2Request {
            return AwsError::new(
                "InvalidParameterValue",
                format!("Value ({text}) for parameter {name} is invalid."),
            );
        }
        malformed(match shape.kind() {
            Kind::Timestamp(_) => "timestamp must follow ISO8601".to_owned(),
            Kind::Boolean => "Boolean value must be either \"true\" or \"false\"".to_owned(),
            _ => format!(
                "Value ({text}) for parameter {name} can not be converted to {}",
                scalar::kind_name(shape)
            ),
        })
    }

    fn list(
        &self,
        shape: ShapeRef,
        element: &Member,
        flat: bool,
        group: Group<'_>,
        depth: usize,
    ) -> Result<Value, AwsError> {
        let target = shape.target(element);
        let numbered = if flat {
            // One element needs no number: SQS takes `AttributeName=All`.
            if let Some(text) = group.leaf.filter(|text| !text.is_empty())
                && group.inner.is_empty()
            {
                let only = Group {
                    leaf: Some(text),
                    ..group
                };
                let item = self.value(element, target, false, only, depth + 1)?;
                return Ok(Value::List(item.into_iter().collect()));
            }
            group.inner
        } else {
            if group.inner.is_empty() && group.leaf.is_some_and(|text| !text.is_empty()) {
                return Err(malformed("Unexpected list element termination"));
            }
            let name = element_name(self.naming, element);
            let mut found = None;
            for inner in group.inner {
                if inner.name == name {
                    found = Some(inner.inner);
                } else if index(inner.name).is_some() {
                    return Err(malformed("Top level element may not be treated as a list"));
                }
            }
            match found {
                Some(fields) => fields,
                None => return Ok(Value::List(Vec::new())),
            }
        };
        let items = in_order(numbered)?;
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            if let Some(value) = self.value(element, target, false, item, depth + 1)? {
                out.push(value);
            }
        }
        Ok(Value::List(out))
    }

    fn map(
        &self,
        shape: ShapeRef,
        (key, value): (&Member, &Member),
        flat: bool,
        group: Group<'_>,
        depth: usize,
    ) -> Result<Value, AwsError> {
        let names = entry_names(self.naming, key, value);
        if group.inner.is_empty() && group.leaf.is_some_and(|text| !text.is_empty()) {
            return Err(malformed("Unexpected complex element termination"));
        }
        let entries = if flat {
            // One entry needs no number: SQS takes `Attribute.Name=x&Attribute.Value=y`.
            let mut inner = group.inner;
            if inner.any(|inner| inner.name == names.0) {
                vec![group]
            } else {
                in_order(group.inner)?
            }
        } else {
            let mut inner = group.inner;
            match inner.find(|inner| inner.name == "entry") {
                Some(entry) => in_order(entry.inner)?,
                None => Vec::new(),
            }
        };
        let target = shape.target(value);
        let mut out = Vec::with_capacity(entries.len());
        let mut seen = HashSet::with_capacity(entries.len());
        for entry in entries {
            let (mut key_text, mut found) = (None, None);
            for field in entry.inner {
                if field.name == names.0 {
                    key_text = field.leaf;
                } else if field.name == names.1 {
                    found = self.value(value, target, false, field, depth + 1)?;
                }
            }
            let key_text = key_text.ok_or_else(|| malformed(format!("A map entry lacks its {}", names.0)))?;
            // An entry without a value is left to the service, which knows what is missing.
            let Some(found) = found.or_else(|| empty(target)) else {
                continue;
            };
            if seen.insert(key_text) {
                out.push((key_text.to_owned(), found));
            }
        }
        Ok(Value::Map(out))
    }
}

/// What a map's value is when its fields are missing altogether.
fn empty(shape: ShapeRef) -> Option<Value> {
    match shape.kind() {
        Kind::Structure { document: false, .. } => Some(Value::Struct(StructValue::new(shape))),
        Kind::List { .. } => Some(Value::List(Vec::new())),
        Kind::Map { .. } => Some(Value::Map(Vec::new())),
        _ => None,
    }
}

/// The groups by number. Gaps mean nothing, and a number is never a length.
fn in_order(fields: Fields<'_>) -> Result<Vec<Group<'_>>, AwsError> {
    let mut items = Vec::new();
    for group in fields {
        let Some(number) = index(group.name) else {
            return Err(malformed(format!(
                "Start of structure or map found where not expected: {}",
                fields.first_key()
            )));
        };
        items.push((number, group));
    }
    items.sort_by_key(|(number, _)| *number);
    Ok(items.into_iter().map(|(_, group)| group).collect())
}

fn index(name: &str) -> Option<u32> {
    if name.bytes().all(|b| b.is_ascii_digit()) {
        name.parse().ok()
    } else {
        None
    }
}

fn malformed(message: impl Into<String>) -> AwsError {
    AwsError::new("MalformedInput", message)
}

/// Writes `value` as fields after those that `out` holds already.
pub(crate) fn encode(naming: Naming, value: &StructValue, out: &mut String) {
    let mut encoder = Encoder {
        naming,
        key: String::new(),
        out,
    };
    encoder.structure(value);
}

struct Encoder<'o> {
    naming: Naming,
    /// The name of the value that is being written.
    key: String,
    out: &'o mut String,
}

impl Encoder<'_> {
    fn structure(&mut self, value: &StructValue) {
        let shape = value.shape();
        for (index, field) in value.fields() {
            let Some(member) = shape.members().get(usize::from(*index)) else {
                continue;
            };
            let outer = self.key.len();
            if outer > 0 {
                self.key.push('.');
            }
            push_name(self.naming, shape, member, &mut self.key);
            let flat = flattened(self.naming, shape, member);
            self.value(member, shape.target(member), flat, field);
            self.key.truncate(outer);
        }
    }

    fn value(&mut self, member: &Member, shape: ShapeRef, flat: bool, value: &Value) {
        match (shape.kind(), value) {
            (Kind::Structure { .. }, Value::Struct(fields)) => self.structure(fields),
            (Kind::List { element, .. }, Value::List(items)) => {
                if items.is_empty() && self.naming == Naming::Query {
                    form::push(self.out, &self.key, "");
                }
                for (number, item) in (1usize..).zip(items) {
                    let name = (!flat).then(|| element_name(self.naming, element));
                    self.under(name, Some(number), |encoder| {
                        encoder.value(element, shape.target(element), false, item);
                    });
                }
            }
            (Kind::Map { key, value, .. }, Value::Map(entries)) => {
                let names = entry_names(self.naming, key, value);
                for (number, (key_text, item)) in (1usize..).zip(entries) {
                    self.under((!flat).then_some("entry"), Some(number), |encoder| {
                        encoder.under(Some(names.0), None, |encoder| {
                            form::push(encoder.out, &encoder.key, key_text);
                        });
                        encoder.under(Some(names.1), None, |encoder| {
                            encoder.value(value, shape.target(value), false, item);
                        });
                    });
                }
            }
            _ => {
                if let Some(text) = scalar::to_text(Some(member), shape, value, TimestampFormat::Iso8601) {
                    form::push(self.out, &self.key, &text);
                }
            }
        }
    }

    fn under(&mut self, name: Option<&str>, number: Option<usize>, write: impl FnOnce(&mut Self)) {
        let outer = self.key.len();
        if let Some(name) = name {
            self.key.push('.');
            self.key.push_str(name);
        }
        if let Some(number) = number {
            self.key.push('.');
            self.key.push_str(&number.to_string());
        }
        write(self);
        self.key.truncate(outer);
    }
}
