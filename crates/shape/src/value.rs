//! The dynamic value: what a request or an answer holds, whatever its protocol.

use crate::{Held, Kind, Mismatch, ShapeRef};
use bytes::Bytes;
use std::fmt;
use virga_base::Timestamp;

/// A value of any shape. `Null` stands only in sparse collections and documents; an absent member is simply not there.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Double(f64),
    String(String),
    Blob(Bytes),
    Timestamp(Timestamp),
    List(Vec<Value>),
    /// In the order of arrival; keys are unique.
    Map(Vec<(String, Value)>),
    Struct(StructValue),
    Document(serde_json::Value),
    /// Not yet a tree. In answers to requests alone, and only codecs meet it.
    Held(Held),
}

/// A structure's members by index into the shape's members, in rising order, absent ones left out.
#[derive(Clone, PartialEq)]
pub struct StructValue {
    shape: ShapeRef,
    fields: Vec<(u16, Value)>,
}

impl StructValue {
    pub fn new(shape: ShapeRef) -> StructValue {
        StructValue {
            shape,
            fields: Vec::new(),
        }
    }

    pub fn with_capacity(shape: ShapeRef, capacity: usize) -> StructValue {
        StructValue {
            shape,
            fields: Vec::with_capacity(capacity),
        }
    }

    pub fn shape(&self) -> ShapeRef {
        self.shape
    }

    /// The member at `index`, if present.
    pub fn at(&self, index: u16) -> Option<&Value> {
        self.fields
            .binary_search_by_key(&index, |(i, _)| *i)
            .ok()
            .map(|at| &self.fields[at].1)
    }

    /// The member with that model name, if present.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.shape.member(name).and_then(|(i, _)| self.at(i))
    }

    /// The string member with that model name, if present.
    pub fn get_str(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Sets the member at `index`, replacing what was there.
    pub fn set_at(&mut self, index: u16, value: Value) {
        match self.fields.last() {
            Some((last, _)) if *last >= index => match self.fields.binary_search_by_key(&index, |(i, _)| *i) {
                Ok(at) => self.fields[at].1 = value,
                Err(at) => self.fields.insert(at, (index, value)),
            },
            _ => self.fields.push((index, value)),
        }
    }

    /// Sets the member with that model name; answers whether the shape has one.
    pub fn set(&mut self, name: &str, value: Value) -> bool {
        match self.shape.member(name) {
            Some((index, _)) => {
                self.set_at(index, value);
                true
            }
            None => false,
        }
    }

    /// Takes the member at `index` out.
    pub fn take_at(&mut self, index: u16) -> Option<Value> {
        self.fields
            .binary_search_by_key(&index, |(i, _)| *i)
            .ok()
            .map(|at| self.fields.remove(at).1)
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Present members in the model's order.
    pub fn fields(&self) -> &[(u16, Value)] {
        &self.fields
    }

    pub fn into_fields(self) -> Vec<(u16, Value)> {
        self.fields
    }
}

impl fmt::Debug for StructValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct(self.shape.name());
        let members = self.shape.members();
        for (index, value) in &self.fields {
            let member = &members[usize::from(*index)];
            if self.shape.target(member).shape().sensitive {
                out.field(&member.name, &"***");
            } else {
                out.field(&member.name, value);
            }
        }
        out.finish()
    }
}

impl Value {
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_struct(&self) -> Option<&StructValue> {
        match self {
            Value::Struct(value) => Some(value),
            _ => None,
        }
    }

    /// Reads JSON as boto3 or a call-by-name writes it: members by model name, blobs in base64, timestamps as ISO 8601
    /// text or seconds. Unknown members are an error, since nobody but Virga's own code calls this way.
    pub fn from_json(shape: ShapeRef, json: &serde_json::Value) -> Result<Value, Mismatch> {
        use base64::Engine as _;
        use serde_json::Value as Json;
        let mismatch = || Mismatch {
            shape: shape.name().to_owned(),
        };
        Ok(match (shape.kind(), json) {
            (Kind::Structure { document: true, .. }, any) => Value::Document(any.clone()),
            (Kind::Structure { members, .. }, Json::Object(object)) => {
                let mut out = StructValue::with_capacity(shape, object.len());
                for (name, item) in object {
                    if item.is_null() {
                        continue;
                    }
                    let (index, member) = shape.member(name).ok_or_else(mismatch)?;
                    debug_assert!(usize::from(index) < members.len());
                    out.set_at(index, Value::from_json(shape.target(member), item)?);
                }
                Value::Struct(out)
            }
            (Kind::List { element, .. }, Json::Array(items)) => {
                let element = shape.target(element);
                Value::List(
                    items
                        .iter()
                        .map(|item| Value::from_json(element, item))
                        .collect::<Result<_, _>>()?,
                )
            }
            (Kind::Map { value, .. }, Json::Object(object)) => {
                let value = shape.target(value);
                Value::Map(
                    object
                        .iter()
                        .map(|(key, item)| Ok((key.clone(), Value::from_json(value, item)?)))
                        .collect::<Result<_, Mismatch>>()?,
                )
            }
            (Kind::String, Json::String(text)) => Value::String(text.clone()),
            (Kind::Integer | Kind::Long, Json::Number(n)) => Value::Integer(n.as_i64().ok_or_else(mismatch)?),
            (Kind::Float | Kind::Double, Json::Number(n)) => Value::Double(n.as_f64().ok_or_else(mismatch)?),
            (Kind::Boolean, Json::Bool(b)) => Value::Bool(*b),
            (Kind::Timestamp(_), Json::Number(n)) => {
                Value::Timestamp(Timestamp::from_secs_f64(n.as_f64().ok_or_else(mismatch)?))
            }
            (Kind::Timestamp(_), Json::String(text)) => {
                Value::Timestamp(Timestamp::parse_iso8601(text).ok_or_else(mismatch)?)
            }
            (Kind::Blob { .. }, Json::String(text)) => Value::Blob(
                base64::engine::general_purpose::STANDARD
                    .decode(text)
                    .map_err(|_| mismatch())?
                    .into(),
            ),
            (_, Json::Null) => Value::Null,
            _ => return Err(mismatch()),
        })
    }

    /// The reverse of [`Value::from_json`], for people, journals and call-by-name. Timestamps become ISO 8601 text.
    pub fn to_json(&self) -> serde_json::Value {
        use base64::Engine as _;
        use serde_json::Value as Json;
        match self {
            Value::Null => Json::Null,
            Value::Bool(b) => Json::Bool(*b),
            Value::Integer(n) => Json::from(*n),
            Value::Double(n) => Json::from(*n),
            Value::String(text) => Json::String(text.clone()),
            Value::Blob(bytes) => Json::String(base64::engine::general_purpose::STANDARD.encode(bytes)),
            Value::Timestamp(t) => Json::String(t.to_iso8601()),
            Value::List(items) => Json::Array(items.iter().map(Value::to_json).collect()),
            Value::Map(entries) => Json::Object(entries.iter().map(|(k, v)| (k.clone(), v.to_json())).collect()),
            Value::Struct(value) => {
                let members = value.shape.members();
                let fields = value.fields.iter();
                Json::Object(
                    fields
                        .map(|(i, v)| (members[usize::from(*i)].name.clone(), v.to_json()))
                        .collect(),
                )
            }
            Value::Document(json) => json.clone(),
            Value::Held(held) => held.to_value().map_or(Json::Null, |value| value.to_json()),
        }
    }
}

/// A floating-point number as AWS writes it in text: `NaN`, `Infinity`, `-Infinity`, else the shortest exact form.
/// Whole numbers have no point where `Kind::Float`'s and `Kind::Double`'s readers accept that anyway.
pub fn double_text(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        format!("{number:?}")
    }
}
