//! Members in the path and in the query string.

use crate::errors;
use crate::scalar;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::borrow::Cow;
use virga_base::AwsError;
use virga_shape::{Kind, Location, Member, ShapeRef, StructValue, TimestampFormat, Value};

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The same for labels that may span segments.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// A template's path and its literal query.
fn split_template(template: &str) -> (&str, &str) {
    template.split_once('?').unwrap_or((template, ""))
}

/// `Key` and whether it spans segments, for `{Key}` and `{Key+}`.
fn label(segment: &str) -> Option<(&str, bool)> {
    let name = segment.strip_prefix('{')?.strip_suffix('}')?;
    Some(name.strip_suffix('+').map_or((name, false), |name| (name, true)))
}

/// Reads the labels of `template` out of the raw `path` into `out`.
pub(super) fn read_labels(template: &str, path: &str, out: &mut StructValue) -> Result<(), AwsError> {
    let (template, _) = split_template(template);
    if !template.contains('{') {
        return Ok(());
    }
    let wanted: Vec<&str> = template.split('/').collect();
    let given: Vec<&str> = path.split('/').collect();
    let mut at = 0;
    for (i, segment) in wanted.iter().enumerate() {
        let Some((name, greedy)) = label(segment) else {
            at += 1;
            continue;
        };
        let end = if greedy {
            // What follows the label in the template is left for it.
            given.len().saturating_sub(wanted.len() - i - 1).max(at + 1)
        } else {
            at + 1
        };
        let Some(raw) = given.get(at..end) else {
            return Err(errors::serialization(format!("The path lacks the value of {name}")));
        };
        at = end;
        let raw = raw.join("/");
        let text = decode(&raw, false)?;
        let shape = out.shape();
        let by_label = |m: &&Member| m.location == Some(Location::Uri) && m.wire_name() == name;
        let found = shape.members().iter().enumerate().find(|(_, m)| by_label(m));
        if let Some((index, member)) = found {
            let target = shape.target(member);
            let value = scalar::from_text(Some(member), target, &text, TimestampFormat::Iso8601);
            out.set_at(index as u16, value.ok_or_else(|| scalar::text_error(target, &text))?);
        }
    }
    Ok(())
}

fn decode(text: &str, plus_is_space: bool) -> Result<Cow<'_, str>, AwsError> {
    let bad = |_| errors::serialization("The address is not UTF-8");
    if plus_is_space && text.contains('+') {
        let spaced = text.replace('+', " ");
        let decoded = percent_decode_str(&spaced).decode_utf8().map_err(bad)?.into_owned();
        return Ok(Cow::Owned(decoded));
    }
    percent_decode_str(text).decode_utf8().map_err(bad)
}

/// A parameter's name and value, decoded.
type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The parameters of a raw query string.
fn pairs(query: &str) -> Result<Vec<Pair<'_>>, AwsError> {
    let pieces = query.split('&').filter(|piece| !piece.is_empty());
    pieces
        .map(|piece| {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            Ok((decode(name, true)?, decode(value, true)?))
        })
        .collect()
}

/// Reads the members that travel in the raw `query` into `out`.
pub(super) fn read_query(template: &str, query: &str, out: &mut StructValue) -> Result<(), AwsError> {
    let shape = out.shape();
    let bound = |m: &Member| m.location == Some(Location::QueryString);
    if query.is_empty() || !shape.members().iter().any(bound) {
        return Ok(());
    }
    let given = pairs(query)?;
    for (index, member) in shape.members().iter().enumerate().filter(|(_, m)| bound(m)) {
        let target = shape.target(member);
        let value = match target.kind() {
            Kind::Map { value, .. } => read_map(target, value, template, &given)?,
            Kind::List { element, .. } => {
                let item_shape = target.target(element);
                let named = given.iter().filter(|(name, _)| name == member.wire_name());
                let items = named.map(|(_, text)| {
                    scalar::from_text(Some(element), item_shape, text, TimestampFormat::Iso8601)
                        .ok_or_else(|| scalar::text_error(item_shape, text))
                });
                let items = items.collect::<Result<Vec<_>, _>>()?;
                (!items.is_empty()).then_some(Value::List(items))
            }
            kind => match given.iter().find(|(name, _)| name == member.wire_name()) {
                // `?maxResults=` says nothing; an empty string is a string.
                Some((_, text)) if text.is_empty() && !matches!(kind, Kind::String) => None,
                Some((_, text)) => {
                    let value = scalar::from_text(Some(member), target, text, TimestampFormat::Iso8601);
                    // Named, for services that tell their callers which.
                    Some(value.ok_or_else(|| {
                        scalar::text_error(target, text)
                            .with_detail("ArgumentName", member.wire_name())
                            .with_detail("ArgumentValue", &**text)
                    })?)
                }
                None => None,
            },
        };
        if let Some(value) = value {
            out.set_at(index as u16, value);
        }
    }
    Ok(())
}

/// A map in the query string: all parameters but the template's own, those that other members name among them, as
/// Smithy asks of servers.
fn read_map(map: ShapeRef, element: &Member, template: &str, given: &[Pair<'_>]) -> Result<Option<Value>, AwsError> {
    let literal = pairs(split_template(template).1)?;
    let target = map.target(element);
    let named = |name: &str| literal.iter().any(|(n, _)| n == name);
    let mut entries: Vec<(String, Value)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for (name, text) in given.iter().filter(|(name, _)| !named(name)) {
        let place = *places.entry(name.as_ref()).or_insert(entries.len());
        let known = entries.get_mut(place);
        match target.kind() {
            Kind::List { element, .. } => {
                let item_shape = target.target(element);
                let item = scalar::from_text(Some(element), item_shape, text, TimestampFormat::Iso8601)
                    .ok_or_else(|| scalar::text_error(item_shape, text))?;
                match known {
                    Some((_, Value::List(items))) => items.push(item),
                    _ => entries.push((name.to_string(), Value::List(vec![item]))),
                }
            }
            _ if known.is_none() => {
                let item = scalar::from_text(Some(element), target, text, TimestampFormat::Iso8601)
                    .ok_or_else(|| scalar::text_error(target, text))?;
                entries.push((name.to_string(), item));
            }
            _ => {}
        }
    }
    Ok((!entries.is_empty()).then_some(Value::Map(entries)))
}

/// Fills the template's labels. Fails where a label's member is absent or empty.
pub(super) fn write_path(template: &str, input: Option<&StructValue>) -> Result<String, AwsError> {
    let (template, _) = split_template(template);
    let mut path = String::with_capacity(template.len() + 32);
    for (i, segment) in template.split('/').enumerate() {
        if i > 0 {
            path.push('/');
        }
        let Some((name, greedy)) = label(segment) else {
            path.push_str(segment);
            continue;
        };
        let text = input.and_then(|input| {
            let shape = input.shape();
            let mut members = shape.members().iter().enumerate();
            let (index, member) = members.find(|(_, m)| m.location == Some(Location::Uri) && m.wire_name() == name)?;
            let value = input.at(index as u16)?;
            scalar::to_text(Some(member), shape.target(member), value, TimestampFormat::Iso8601)
        });
        match text {
            Some(text) if !text.is_empty() => {
                let reserved = if greedy { RESERVED_IN_PATH } else { RESERVED };
                path.extend(utf8_percent_encode(&text, reserved));
            }
            _ => {
                let message = format!("The member {name} stands in the path and must not be empty");
                return Err(AwsError::new("ValidationException", message));
            }
        }
    }
    Ok(path)
}

/// Writes the template's literal query and the members that travel in the query string.
pub(super) fn write_query(template: &str, input: Option<&StructValue>) -> Result<String, AwsError> {
    let mut query = split_template(template).1.to_owned();
    let Some(input) = input else {
        return Ok(query);
    };
    let shape = input.shape();
    let mut maps = Vec::new();
    for (index, value) in input.fields() {
        let Some(member) = shape.members().get(usize::from(*index)) else {
            continue;
        };
        if member.location != Some(Location::QueryString) {
            continue;
        }
        let target = shape.target(member);
        match value {
            Value::Map(entries) => maps.push((entries, target)),
            Value::Null => {}
            _ => write_parameter(&mut query, member.wire_name(), member, target, value)?,
        }
    }
    let named: Vec<String> = pairs(&query)?.into_iter().map(|(name, _)| name.into_owned()).collect();
    for (entries, target) in maps {
        let (Kind::Map { value: element, .. }, Some(item_shape)) = (target.kind(), target.element()) else {
            continue;
        };
        for (key, item) in entries.iter().filter(|(key, _)| !named.contains(key)) {
            write_parameter(&mut query, key, element, item_shape, item)?;
        }
    }
    Ok(query)
}

/// A scalar once, a list once per item.
fn write_parameter(
    query: &mut String,
    name: &str,
    member: &Member,
    target: ShapeRef,
    value: &Value,
) -> Result<(), AwsError> {
    if let (Kind::List { element, .. }, Value::List(items)) = (target.kind(), value) {
        let item_shape = target.target(element);
        for item in items.iter().filter(|item| !matches!(item, Value::Null)) {
            write_parameter(query, name, element, item_shape, item)?;
        }
        return Ok(());
    }
    let text = scalar::to_text(Some(member), target, value, TimestampFormat::Iso8601);
    let text = text.ok_or_else(|| errors::unfit(target))?;
    if !query.is_empty() {
        query.push('&');
    }
    query.extend(utf8_percent_encode(name, RESERVED));
    query.push('=');
    query.extend(utf8_percent_encode(&text, RESERVED));
    Ok(())
}
