//! Values as AWS's messages show them, which is as Java prints them.

use crate::{StructValue, Value, double_text};
use std::fmt::Write as _;

/// `[a, b]`, `{k=v}`, `Name(first=1, second=null)`; secrets as `***`.
pub(super) fn java(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

fn write(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => {
            let _ = write!(out, "{b}");
        }
        Value::Integer(n) => {
            let _ = write!(out, "{n}");
        }
        Value::Double(n) => out.push_str(&double_text(*n)),
        Value::String(text) => out.push_str(text),
        Value::Blob(bytes) => {
            let length = bytes.len();
            let _ = write!(out, "java.nio.HeapByteBuffer[pos=0 lim={length} cap={length}]");
        }
        Value::Timestamp(time) => out.push_str(&time.to_iso8601()),
        Value::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write(out, item);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (i, (key, item)) in entries.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                out.push_str(key);
                out.push('=');
                write(out, item);
            }
            out.push('}');
        }
        Value::Struct(value) => write_structure(out, value),
        Value::Document(json) => {
            let _ = write!(out, "{json}");
        }
        // Requests hold none.
        Value::Held(_) => {}
    }
}

/// With all of the shape's members, absent ones as `null`.
fn write_structure(out: &mut String, value: &StructValue) {
    let shape = value.shape();
    out.push_str(shape.name());
    out.push('(');
    for (index, member) in shape.members().iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        out.push_str(&super::lower_first(&member.name));
        out.push('=');
        match value.at(index as u16) {
            None => out.push_str("null"),
            Some(_) if shape.target(member).shape().sensitive => out.push_str("***"),
            Some(item) => write(out, item),
        }
    }
    out.push(')');
}
