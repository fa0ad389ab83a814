//! From values to CBOR along a shape, straight into bytes, with definite lengths throughout.

use crate::errors;
use serde_json::Value as Json;
use virga_base::AwsError;
use virga_shape::{Kind, ShapeRef, StructValue, Value};

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

/// A head with its argument in the shortest form.
fn write_head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let major = major << 5;
    let bytes = argument.to_be_bytes();
    let (info, count) = match argument {
        0..=23 => return out.push(major | argument as u8),
        24..=0xff => (24, 1),
        0x100..=0xffff => (25, 2),
        0x1_0000..=0xffff_ffff => (26, 4),
        _ => (27, 8),
    };
    out.push(major | info);
    out.extend_from_slice(bytes.get(8 - count..).unwrap_or_default());
}

pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    write_head(out, TEXT, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn write_integer(out: &mut Vec<u8>, number: i64) {
    if number < 0 {
        write_head(out, NEGATIVE, !number as u64);
    } else {
        write_head(out, UNSIGNED, number as u64);
    }
}

fn write_double(out: &mut Vec<u8>, number: f64) {
    out.push(0xfb);
    out.extend_from_slice(&number.to_bits().to_be_bytes());
}

/// A structure as a map of its present members, with `more` pairs of text before them.
pub(crate) fn write_members(out: &mut Vec<u8>, value: &StructValue, more: &[(&str, &str)]) -> Result<(), AwsError> {
    let shape = value.shape();
    let streams =
        |m: &virga_shape::Member| matches!(shape.target(m).kind(), Kind::Structure { event_stream: true, .. });
    let present = || {
        value.fields().iter().filter_map(|(index, item)| {
            let member = shape.members().get(usize::from(*index))?;
            (!matches!(item, Value::Null) && !streams(member)).then_some((member, item))
        })
    };
    write_head(out, MAP, (present().count() + more.len()) as u64);
    for (name, text) in more {
        write_text(out, name);
        write_text(out, text);
    }
    for (member, item) in present() {
        write_text(out, &member.name);
        write(out, shape.target(member), item)?;
    }
    Ok(())
}

/// A map of texts.
pub(crate) fn write_texts(out: &mut Vec<u8>, pairs: &[(&str, &str)]) {
    write_head(out, MAP, pairs.len() as u64);
    for (name, text) in pairs {
        write_text(out, name);
        write_text(out, text);
    }
}

fn write(out: &mut Vec<u8>, shape: ShapeRef, value: &Value) -> Result<(), AwsError> {
    match (shape.kind(), value) {
        (_, Value::Null) => out.push(0xf6),
        (_, Value::Document(json)) => write_document(out, json),
        (_, Value::Held(held)) => write(out, shape, &held.to_value().map_err(|_| errors::unfit(shape))?)?,
        (Kind::Structure { .. }, Value::Struct(value)) => write_members(out, value, &[])?,
        (Kind::List { element, .. }, Value::List(items)) => {
            let target = shape.target(element);
            write_head(out, ARRAY, items.len() as u64);
            for item in items {
                write(out, target, item)?;
            }
        }
        (Kind::Map { value: element, .. }, Value::Map(entries)) => {
            let target = shape.target(element);
            write_head(out, MAP, entries.len() as u64);
            for (key, item) in entries {
                write_text(out, key);
                write(out, target, item)?;
            }
        }
        (Kind::String, Value::String(text)) => write_text(out, text),
        (Kind::Integer | Kind::Long, Value::Integer(n)) => write_integer(out, *n),
        (Kind::Float | Kind::Double, Value::Integer(n)) => write_double(out, *n as f64),
        // A float that is one in truth takes four bytes; one that came out of a computation keeps its digits.
        (Kind::Float, Value::Double(n)) if f64::from(*n as f32).to_bits() == n.to_bits() => {
            out.push(0xfa);
            out.extend_from_slice(&(*n as f32).to_bits().to_be_bytes());
        }
        (Kind::Float | Kind::Double, Value::Double(n)) => write_double(out, *n),
        (Kind::Boolean, Value::Bool(b)) => out.push(if *b { 0xf5 } else { 0xf4 }),
        (Kind::Timestamp(_), Value::Timestamp(time)) => {
            write_head(out, TAG, 1);
            if time.as_millis() % 1000 == 0 {
                write_integer(out, time.as_secs());
            } else {
                write_double(out, time.as_secs_f64());
            }
        }
        (Kind::Blob { .. }, Value::Blob(bytes)) => {
            write_head(out, BYTES, bytes.len() as u64);
            out.extend_from_slice(bytes);
        }
        _ => return Err(errors::unfit(shape)),
    }
    Ok(())
}

fn write_document(out: &mut Vec<u8>, json: &Json) {
    match json {
        Json::Null => out.push(0xf6),
        Json::Bool(b) => out.push(if *b { 0xf5 } else { 0xf4 }),
        Json::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(n), _) => write_integer(out, n),
            (None, Some(n)) => write_head(out, UNSIGNED, n),
            _ => write_double(out, n.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => write_text(out, text),
        Json::Array(items) => {
            write_head(out, ARRAY, items.len() as u64);
            for item in items {
                write_document(out, item);
            }
        }
        Json::Object(map) => {
            write_head(out, MAP, map.len() as u64);
            for (key, item) in map {
                write_text(out, key);
                write_document(out, item);
            }
        }
    }
}
