//! Scalars as text: what stands in headers, paths, query strings, forms and XML, and the formats of timestamps.

use crate::errors;
use base64::Engine as _;
use std::fmt::Write as _;
use virga_base::{AwsError, Timestamp};
use virga_shape::{Kind, Member, ShapeRef, TimestampFormat, Value};

pub(crate) use virga_shape::double_text;

/// The format of a timestamp: the member's own, else its shape's, else what the place says.
pub(crate) fn timestamp_format(member: Option<&Member>, shape: ShapeRef, default: TimestampFormat) -> TimestampFormat {
    let own = match shape.kind() {
        Kind::Timestamp(format) => *format,
        _ => None,
    };
    member.and_then(|m| m.timestamp_format).or(own).unwrap_or(default)
}

/// A timestamp as text. Seconds have a fraction only where there is one.
pub(crate) fn timestamp_text(time: Timestamp, format: TimestampFormat) -> String {
    match format {
        TimestampFormat::Iso8601 => time.to_iso8601(),
        TimestampFormat::HttpDate => time.to_http_date(),
        TimestampFormat::UnixSeconds => seconds_text(time),
    }
}

/// Seconds since 1970 with up to three decimals: `1398796238`, `1398796238.123`.
pub(crate) fn seconds_text(time: Timestamp) -> String {
    let millis = time.as_millis();
    let (sign, magnitude) = if millis < 0 {
        ("-", millis.unsigned_abs())
    } else {
        ("", millis.unsigned_abs())
    };
    let mut text = format!("{sign}{}", magnitude / 1000);
    if magnitude % 1000 != 0 {
        let _ = write!(text, ".{:03}", magnitude % 1000);
        while text.ends_with('0') {
            text.pop();
        }
    }
    text
}

/// Reads a timestamp of that format; the other formats are accepted as well where the text can only be theirs.
pub(crate) fn parse_timestamp(text: &str, format: TimestampFormat) -> Option<Timestamp> {
    let text = text.trim();
    let seconds = || {
        let number: f64 = text.parse().ok()?;
        number.is_finite().then(|| Timestamp::from_secs_f64(number))
    };
    let first = match format {
        TimestampFormat::Iso8601 => Timestamp::parse_iso8601(text),
        TimestampFormat::HttpDate => Timestamp::parse_http_date(text),
        TimestampFormat::UnixSeconds => seconds(),
    };
    first
        .or_else(|| Timestamp::parse_iso8601(text))
        .or_else(|| Timestamp::parse_http_date(text))
        .or_else(seconds)
}

/// Reads what [`double_text`] writes and any decimal number; not Rust's own words for infinities.
pub(crate) fn parse_double(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ if text
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) =>
        {
            text.parse().ok()
        }
        _ => None,
    }
}

/// A map's entries with each key once: at its first place, with its last value.
pub(crate) fn unique(entries: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let repeated = if entries.len() <= 8 {
        (1..entries.len()).any(|i| entries[..i].iter().any(|(key, _)| *key == entries[i].0))
    } else {
        let mut seen = std::collections::HashSet::with_capacity(entries.len());
        !entries.iter().all(|(key, _)| seen.insert(key.as_str()))
    };
    if !repeated {
        return entries;
    }
    let mut places = std::collections::HashMap::with_capacity(entries.len());
    let mut out: Vec<(String, Value)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        match places.get(&key).and_then(|place: &usize| out.get_mut(*place)) {
            Some(slot) => slot.1 = value,
            None => {
                places.insert(key.clone(), out.len());
                out.push((key, value));
            }
        }
    }
    out
}

/// A scalar as text; blobs in base64. `None` for lists, maps, structures and nulls.
pub(crate) fn to_text(
    member: Option<&Member>,
    shape: ShapeRef,
    value: &Value,
    timestamps: TimestampFormat,
) -> Option<String> {
    Some(match value {
        Value::String(text) => text.clone(),
        Value::Bool(b) => if *b { "true" } else { "false" }.to_owned(),
        Value::Integer(n) => n.to_string(),
        Value::Double(n) => double_text(*n),
        Value::Timestamp(time) => timestamp_text(*time, timestamp_format(member, shape, timestamps)),
        Value::Blob(bytes) => base64::engine::general_purpose::STANDARD.encode(bytes),
        Value::Document(json) => json.to_string(),
        Value::Null | Value::List(_) | Value::Map(_) | Value::Struct(_) | Value::Held(_) => return None,
    })
}

/// Reads a scalar of `shape` from text; blobs from base64. `None` where the text does not fit or `shape` is no scalar.
pub(crate) fn from_text(
    member: Option<&Member>,
    shape: ShapeRef,
    text: &str,
    timestamps: TimestampFormat,
) -> Option<Value> {
    Some(match shape.kind() {
        Kind::String => Value::String(text.to_owned()),
        Kind::Integer => Value::Integer(i64::from(text.parse::<i32>().ok()?)),
        Kind::Long => Value::Integer(text.parse().ok()?),
        Kind::Float | Kind::Double => Value::Double(parse_double(text)?),
        Kind::Boolean => match text {
            "true" | "True" | "TRUE" => Value::Bool(true),
            "false" | "False" | "FALSE" => Value::Bool(false),
            _ => return None,
        },
        Kind::Timestamp(_) => Value::Timestamp(parse_timestamp(text, timestamp_format(member, shape, timestamps))?),
        Kind::Blob { .. } => Value::Blob(
            base64::engine::general_purpose::STANDARD
                .decode(text.trim())
                .ok()?
                .into(),
        ),
        Kind::Structure { document: true, .. } => Value::Document(serde_json::from_str(text).ok()?),
        Kind::Structure { .. } | Kind::List { .. } | Kind::Map { .. } => return None,
    })
}

/// The error for a text that [`from_text`] refused.
pub(crate) fn text_error(shape: ShapeRef, text: &str) -> AwsError {
    let kind = kind_name(shape);
    errors::serialization(format!("'{text}' can not be converted to {kind}"))
}

/// A kind as AWS's JSON errors call it, with its article.
pub(crate) fn kind_name(shape: ShapeRef) -> &'static str {
    match shape.kind() {
        Kind::Structure { .. } => "a Structure",
        Kind::List { .. } => "a List",
        Kind::Map { .. } => "a Map",
        Kind::String => "a String",
        Kind::Integer => "an Integer",
        Kind::Long => "a Long",
        Kind::Float => "a Float",
        Kind::Double => "a Double",
        Kind::Boolean => "a Boolean",
        Kind::Timestamp(_) => "a Timestamp",
        Kind::Blob { .. } => "a Blob",
    }
}
