//! How the typed structs of `wire.rs` are made from values and turned back.

use crate::{ShapeRef, StructValue, Value};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fmt;
use virga_base::Timestamp;

/// A value that does not have the kind its shape asks for. Codecs never produce one; a caller by name may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    pub shape: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the value does not fit the shape {}", self.shape)
    }
}

impl std::error::Error for Mismatch {}

/// Made from a value, which is used up; nothing is copied.
pub trait FromValue: Sized {
    fn from_value(value: Value) -> Result<Self, Mismatch>;
}

/// Becomes a value of `shape`; nothing is copied.
pub trait IntoValue {
    fn into_value(self, shape: ShapeRef) -> Value;
}

/// A generated structure: what an operation takes or gives.
pub trait Typed: FromValue + IntoValue + Send + 'static {
    /// The model's name of the shape.
    const SHAPE: &'static str;
}

fn mismatch<T>(expected: &str) -> Result<T, Mismatch> {
    Err(Mismatch {
        shape: expected.to_owned(),
    })
}

macro_rules! scalar {
    ($type:ty, $variant:ident, $name:literal) => {
        impl FromValue for $type {
            fn from_value(value: Value) -> Result<Self, Mismatch> {
                match value {
                    Value::$variant(inner) => Ok(inner),
                    _ => mismatch($name),
                }
            }
        }
        impl IntoValue for $type {
            fn into_value(self, _shape: ShapeRef) -> Value {
                Value::$variant(self)
            }
        }
    };
}

scalar!(bool, Bool, "boolean");
scalar!(i64, Integer, "long");
scalar!(f64, Double, "double");
scalar!(String, String, "string");
scalar!(Bytes, Blob, "blob");
scalar!(Timestamp, Timestamp, "timestamp");
scalar!(serde_json::Value, Document, "document");

impl FromValue for i32 {
    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            // Codecs refuse what does not fit 32 bits before it comes here.
            Value::Integer(n) => i32::try_from(n).or_else(|_| mismatch("integer")),
            _ => mismatch("integer"),
        }
    }
}

impl IntoValue for i32 {
    fn into_value(self, _shape: ShapeRef) -> Value {
        Value::Integer(i64::from(self))
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::List(items) => items.into_iter().map(T::from_value).collect(),
            _ => mismatch("list"),
        }
    }
}

impl<T: IntoValue> IntoValue for Vec<T> {
    fn into_value(self, shape: ShapeRef) -> Value {
        match shape.element() {
            Some(element) => Value::List(self.into_iter().map(|item| item.into_value(element)).collect()),
            None => Value::Null,
        }
    }
}

impl<T: FromValue> FromValue for BTreeMap<String, T> {
    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Map(entries) => entries
                .into_iter()
                .map(|(key, item)| Ok((key, T::from_value(item)?)))
                .collect(),
            _ => mismatch("map"),
        }
    }
}

impl<T: IntoValue> IntoValue for BTreeMap<String, T> {
    fn into_value(self, shape: ShapeRef) -> Value {
        match shape.element() {
            Some(element) => Value::Map(
                self.into_iter()
                    .map(|(key, item)| (key, item.into_value(element)))
                    .collect(),
            ),
            None => Value::Null,
        }
    }
}

/// Sparse collections keep nulls.
impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Null => Ok(None),
            other => T::from_value(other).map(Some),
        }
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn into_value(self, shape: ShapeRef) -> Value {
        self.map_or(Value::Null, |inner| inner.into_value(shape))
    }
}

impl<T: FromValue> FromValue for Box<T> {
    fn from_value(value: Value) -> Result<Self, Mismatch> {
        T::from_value(value).map(Box::new)
    }
}

impl<T: IntoValue> IntoValue for Box<T> {
    fn into_value(self, shape: ShapeRef) -> Value {
        (*self).into_value(shape)
    }
}

/// What an operation without input takes and one without output gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unit;

impl FromValue for Unit {
    fn from_value(_value: Value) -> Result<Self, Mismatch> {
        Ok(Unit)
    }
}

impl IntoValue for Unit {
    fn into_value(self, _shape: ShapeRef) -> Value {
        Value::Null
    }
}

impl Typed for Unit {
    const SHAPE: &'static str = "";
}

/// Puts a field into a structure under construction; generated code calls it once per member.
pub fn put<T: IntoValue>(out: &mut StructValue, index: u16, field: Option<T>) {
    if let Some(field) = field {
        let shape = out.shape();
        let target = shape.target(&shape.members()[usize::from(index)]);
        out.set_at(index, field.into_value(target));
    }
}

/// Takes a structure's members apart; nothing at all is an empty structure. Generated code calls it.
pub fn fields(value: Value, shape: &str) -> Result<Vec<(u16, Value)>, Mismatch> {
    match value {
        Value::Struct(fields) => Ok(fields.into_fields()),
        Value::Null => Ok(Vec::new()),
        _ => mismatch(shape),
    }
}
