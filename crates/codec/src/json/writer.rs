//! From values to JSON along a shape, straight into bytes.

use super::Names;
use super::parser::{is_plain, plain_length};
use super::told::Told;
use crate::errors;
use crate::scalar;
use base64::Engine as _;
use std::io::Write as _;
use virga_base::AwsError;
use virga_shape::{Kind, Member, ShapeRef, StructValue, TimestampFormat, Value};

/// Writes a value of `shape`.
pub(crate) fn write(
    out: &mut Vec<u8>,
    shape: ShapeRef,
    member: Option<&Member>,
    value: &Value,
    names: Names,
) -> Result<(), AwsError> {
    match (shape.kind(), value) {
        (_, Value::Null) => out.extend_from_slice(b"null"),
        (_, Value::Held(held)) => {
            out.reserve(held.written_bytes());
            held.tell(&mut Told::new(out, names))
                .map_err(|_| errors::unfit(shape))?;
        }
        (_, Value::Document(json)) => {
            serde_json::to_writer(&mut *out, json).map_err(|e| errors::unwritable(e.to_string()))?;
        }
        (Kind::Structure { .. }, Value::Struct(value)) => {
            out.push(b'{');
            write_members(out, value, names, |_| true)?;
            out.push(b'}');
        }
        (Kind::List { element, .. }, Value::List(items)) => {
            let target = shape.target(element);
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write(out, target, Some(element), item, names)?;
            }
            out.push(b']');
        }
        (Kind::Map { value: element, .. }, Value::Map(entries)) => {
            let target = shape.target(element);
            out.push(b'{');
            for (i, (key, item)) in entries.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_string(out, key);
                out.push(b':');
                write(out, target, Some(element), item, names)?;
            }
            out.push(b'}');
        }
        (Kind::String, Value::String(text)) => write_string(out, text),
        (Kind::Integer | Kind::Long, Value::Integer(n)) => {
            let _ = write!(out, "{n}");
        }
        (Kind::Float | Kind::Double, Value::Double(n)) => {
            if n.is_finite() {
                let _ = write!(out, "{n:?}");
            } else {
                write_string(out, &scalar::double_text(*n));
            }
        }
        (Kind::Float | Kind::Double, Value::Integer(n)) => {
            let _ = write!(out, "{n}");
        }
        (Kind::Boolean, Value::Bool(b)) => out.extend_from_slice(if *b { b"true" } else { b"false" }),
        (Kind::Timestamp(_), Value::Timestamp(time)) => {
            match scalar::timestamp_format(member, shape, TimestampFormat::UnixSeconds) {
                TimestampFormat::UnixSeconds => out.extend_from_slice(scalar::seconds_text(*time).as_bytes()),
                format => write_string(out, &scalar::timestamp_text(*time, format)),
            }
        }
        (Kind::Blob { .. }, Value::Blob(bytes)) => {
            out.push(b'"');
            write_base64(out, bytes);
            out.push(b'"');
        }
        _ => return Err(errors::unfit(shape)),
    }
    Ok(())
}

/// Writes those present members that `wanted` admits, without the braces around them; answers whether there were any.
pub(crate) fn write_members(
    out: &mut Vec<u8>,
    value: &StructValue,
    names: Names,
    wanted: fn(&Member) -> bool,
) -> Result<bool, AwsError> {
    let shape = value.shape();
    let members = shape.members();
    let mut any = false;
    for (index, item) in value.fields() {
        let Some(member) = members.get(usize::from(*index)) else {
            continue;
        };
        if !wanted(member) || matches!(item, Value::Null) {
            continue;
        }
        if any {
            out.push(b',');
        }
        any = true;
        write_plain(out, names.of(member));
        out.push(b':');
        write(out, shape.target(member), Some(member), item, names)?;
    }
    Ok(any)
}

pub(super) fn write_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    // Whole groups of three bytes need no padding, so pieces can be written one after the other.
    for piece in bytes.chunks(3 * 1024) {
        out.extend_from_slice(base64::engine::general_purpose::STANDARD.encode(piece).as_bytes());
    }
}

/// Writes what needs no escapes, with quotes.
pub(super) fn write_plain(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Writes a string with its quotes.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    if is_plain(text.as_bytes()) {
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return;
    }
    let mut rest = text.as_bytes();
    loop {
        let (plain, special) = rest.split_at(plain_length(rest));
        out.extend_from_slice(plain);
        let Some((byte, after)) = special.split_first() else {
            break;
        };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            other => {
                let _ = write!(out, "\\u{other:04x}");
            }
        }
        rest = after;
    }
    out.push(b'"');
}
