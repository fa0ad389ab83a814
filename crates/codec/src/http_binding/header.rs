//! Members in headers, in prefixed headers and in the status.

use crate::errors;
use crate::scalar;
use base64::Engine as _;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::borrow::Cow;
use virga_base::{AwsError, Marks};
use virga_shape::{Kind, Location, Member, ShapeRef, StructValue, TimestampFormat, Value};

/// Headers of HTTP itself, which a map of all headers (an empty prefix) leaves out.
const OWN_HEADERS: [&str; 8] = [
    "content-type",
    "content-length",
    "connection",
    "date",
    "host",
    "transfer-encoding",
    "x-amzn-requestid",
    "x-amz-request-id",
];

/// Reads those members that travel in headers and, in answers, the status into `out`.
pub(crate) fn decode_headers(status: u16, headers: &HeaderMap, out: &mut StructValue) -> Result<(), AwsError> {
    let shape = out.shape();
    // A request has few headers, and a shape may have dozens: most lookups are spared by a look at a few bits.
    let known: Marks = headers.keys().map(HeaderName::as_str).collect();
    for (index, member) in shape.members().iter().enumerate() {
        let target = shape.target(member);
        let value = match member.location {
            Some(Location::Header) if !known.may_have(member.wire_name()) => None,
            Some(Location::Header) => read_header(headers, member, target)?,
            Some(Location::Headers) => read_prefixed(headers, member, shape),
            Some(Location::StatusCode) if status != 0 => Some(Value::Integer(i64::from(status))),
            _ => None,
        };
        if let Some(value) = value {
            out.set_at(index as u16, value);
        }
    }
    Ok(())
}

fn read_header(headers: &HeaderMap, member: &Member, target: ShapeRef) -> Result<Option<Value>, AwsError> {
    let mut lines = headers.get_all(member.wire_name()).iter();
    let Some(first) = lines.next() else {
        return Ok(None);
    };
    let mut text = Cow::Borrowed(line_text(first)?);
    let Kind::List { element, .. } = target.kind() else {
        if member.json_value {
            return read_json_value(&text).map(Some);
        }
        let read = scalar::from_text(Some(member), target, text.trim(), TimestampFormat::HttpDate);
        // A condition that is no date is none (RFC 9110, 13.1.3).
        if read.is_none() && matches!(target.kind(), Kind::Timestamp(_)) && is_condition(member.wire_name()) {
            return Ok(None);
        }
        return read.map(Some).ok_or_else(|| scalar::text_error(target, &text));
    };
    for line in lines {
        let joined = text.to_mut();
        joined.push(',');
        joined.push_str(line_text(line)?);
    }
    let item_shape = target.target(element);
    let dates = matches!(item_shape.kind(), Kind::Timestamp(_))
        && scalar::timestamp_format(Some(element), item_shape, TimestampFormat::HttpDate) == TimestampFormat::HttpDate;
    let items = if dates { split_dates(&text) } else { split_list(&text) };
    let items = items.iter().map(|item| {
        scalar::from_text(Some(element), item_shape, item, TimestampFormat::HttpDate)
            .ok_or_else(|| scalar::text_error(item_shape, item))
    });
    items.collect::<Result<_, _>>().map(Value::List).map(Some)
}

/// `If-Modified-Since` and its like, also of the source of a copy.
fn is_condition(name: &str) -> bool {
    let name = name.strip_prefix("x-amz-copy-source-").unwrap_or(name);
    ["If-Modified-Since", "If-Unmodified-Since"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

fn line_text(line: &HeaderValue) -> Result<&str, AwsError> {
    std::str::from_utf8(line.as_bytes()).map_err(|_| errors::serialization("A header is not UTF-8"))
}

/// JSON in base64, kept as text.
fn read_json_value(text: &str) -> Result<Value, AwsError> {
    let decoded = base64::engine::general_purpose::STANDARD.decode(text.trim()).ok();
    match decoded.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(json) => Ok(Value::String(json)),
        None => Err(errors::serialization("A header does not hold JSON in base64")),
    }
}

/// Items between commas; an item may be quoted, with backslashes before quotes and backslashes inside. Empty items
/// without quotes are left out.
fn split_list(text: &str) -> Vec<Cow<'_, str>> {
    let mut items = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut item = String::new();
            let mut chars = quoted.char_indices();
            let mut end = quoted.len();
            while let Some((at, c)) = chars.next() {
                match c {
                    '"' => {
                        end = at + 1;
                        break;
                    }
                    '\\' => item.extend(chars.next().map(|(_, escaped)| escaped)),
                    _ => item.push(c),
                }
            }
            items.push(Cow::Owned(item));
            let after = quoted.get(end..).unwrap_or_default();
            rest = after.split_once(',').map_or("", |(_, next)| next).trim_start();
        } else {
            let (item, next) = rest.split_once(',').unwrap_or((rest, ""));
            if !item.trim().is_empty() {
                items.push(Cow::Borrowed(item.trim()));
            }
            rest = next.trim_start();
        }
    }
    items
}

/// HTTP dates hold a comma themselves: `Mon, 16 Dec 2019 23:48:18 GMT, Tue, …`. One in quotes stands for itself.
fn split_dates(text: &str) -> Vec<Cow<'_, str>> {
    if text.contains('"') {
        return split_list(text);
    }
    let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    parts.chunks(2).map(|pair| Cow::Owned(pair.join(", "))).collect()
}

/// All headers that begin with the member's prefix, except those that other members name. Names come in lower case.
fn read_prefixed(headers: &HeaderMap, member: &Member, parent: ShapeRef) -> Option<Value> {
    let prefix = member.wire_name().to_ascii_lowercase();
    let mut entries: Vec<(String, Value)> = Vec::new();
    for (name, line) in headers {
        let Some(key) = name.as_str().strip_prefix(&prefix) else {
            continue;
        };
        let named =
            |m: &Member| m.location == Some(Location::Header) && m.wire_name().eq_ignore_ascii_case(name.as_str());
        let own = prefix.is_empty() && OWN_HEADERS.contains(&name.as_str());
        if key.is_empty() || own || parent.members().iter().any(named) {
            continue;
        }
        let text = String::from_utf8_lossy(line.as_bytes()).trim().to_owned();
        match entries.iter_mut().find(|(k, _)| k == key) {
            // Several lines of one header mean the same as one with commas.
            Some((_, Value::String(before))) => {
                before.push(',');
                before.push_str(&text);
            }
            _ => entries.push((key.to_owned(), Value::String(text))),
        }
    }
    (!entries.is_empty()).then_some(Value::Map(entries))
}

/// Writes those members that travel in headers (also those of errors); answers with the status member, if it is set.
pub(crate) fn encode_headers(value: &StructValue, headers: &mut HeaderMap) -> Result<Option<u16>, AwsError> {
    let shape = value.shape();
    let mut status = None;
    // Maps of headers first: a member that names its header wins over them.
    for pass in [Location::Headers, Location::Header] {
        for (index, item) in value.fields() {
            let Some(member) = shape.members().get(usize::from(*index)) else {
                continue;
            };
            match (member.location, item) {
                (Some(Location::StatusCode), Value::Integer(n)) => status = u16::try_from(*n).ok(),
                (Some(Location::Headers), Value::Map(entries)) if pass == Location::Headers => {
                    for (key, item) in entries {
                        if let Value::String(text) = item {
                            insert(headers, &format!("{}{key}", member.wire_name()), text)?;
                        }
                    }
                }
                (Some(Location::Header), item) if pass == Location::Header => {
                    if let Some(text) = header_text(member, shape.target(member), item)? {
                        insert(headers, member.wire_name(), &text)?;
                    }
                }
                _ => {}
            }
        }
    }
    Ok(status)
}

fn header_text(member: &Member, target: ShapeRef, value: &Value) -> Result<Option<String>, AwsError> {
    let Kind::List { element, .. } = target.kind() else {
        if matches!(value, Value::Null) {
            return Ok(None);
        }
        let text = scalar::to_text(Some(member), target, value, TimestampFormat::HttpDate);
        let text = text.ok_or_else(|| errors::unfit(target))?;
        return Ok(Some(if member.json_value {
            base64::engine::general_purpose::STANDARD.encode(text)
        } else {
            text
        }));
    };
    let Value::List(items) = value else {
        return Err(errors::unfit(target));
    };
    let item_shape = target.target(element);
    let mut line = String::new();
    for item in items.iter().filter(|item| !matches!(item, Value::Null)) {
        if !line.is_empty() {
            line.push_str(", ");
        }
        let text = scalar::to_text(Some(element), item_shape, item, TimestampFormat::HttpDate);
        let text = text.ok_or_else(|| errors::unfit(item_shape))?;
        let quoted = matches!(item, Value::String(_))
            && (text.is_empty() || text.contains([',', '"', '\\']) || text.trim() != text);
        if quoted {
            line.push('"');
            line.push_str(&text.replace('\\', "\\\\").replace('"', "\\\""));
            line.push('"');
        } else {
            line.push_str(&text);
        }
    }
    Ok(Some(line))
}

fn insert(headers: &mut HeaderMap, name: &str, text: &str) -> Result<(), AwsError> {
    let name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| errors::unwritable(format!("'{name}' can not be the name of a header")))?;
    let value = HeaderValue::from_bytes(text.as_bytes())
        .map_err(|_| errors::unwritable(format!("The value of the header {name} holds control characters")))?;
    headers.insert(name, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{split_dates, split_list};

    #[test]
    fn lists_may_hold_quoted_items() {
        assert_eq!(split_list("a, b,c"), ["a", "b", "c"]);
        assert_eq!(
            split_list(r#""b,c", "\"def\"", a, "", ,x y"#),
            ["b,c", "\"def\"", "a", "", "x y"]
        );
        assert_eq!(split_list("").len(), 0);
        assert_eq!(split_list("\"open"), ["open"]);
        assert_eq!(split_list("\"open\\"), ["open"]);
    }

    #[test]
    fn dates_keep_their_comma() {
        let date = "Mon, 16 Dec 2019 23:48:18 GMT";
        assert_eq!(split_dates(&format!("{date}, {date}")), [date, date]);
        assert_eq!(split_dates(&format!("\"{date}\",\"{date}\"")), [date, date]);
    }
}
