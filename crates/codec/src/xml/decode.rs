//! From elements to values, guided by the model.
//!
//! Elements that the model does not know are passed over, so that newer clients and older models get along.

use super::naming::{Naming, element_name, entry_names, flattened, member_name};
use super::reader::{Element, XmlError, XmlReader, local_part};
use crate::scalar;
use std::collections::HashMap;
use virga_shape::{Kind, Member, ShapeRef, StructValue, TimestampFormat, Value};

/// Reads the open element as a value of the member's target.
pub(crate) fn read_value(
    reader: &mut XmlReader<'_>,
    naming: Naming,
    member: &Member,
    shape: ShapeRef,
    element: &Element<'_>,
) -> Result<Value, XmlError> {
    match shape.kind() {
        Kind::Structure { document: false, .. } => read_structure(reader, naming, shape, element).map(Value::Struct),
        Kind::List { element, .. } => {
            let name = element_name(naming, element);
            let mut items = Vec::new();
            while let Some(child) = reader.next_child()? {
                if child.name() == name {
                    items.push(read_value(reader, naming, element, shape.target(element), &child)?);
                } else {
                    reader.skip()?;
                }
            }
            Ok(Value::List(items))
        }
        Kind::Map { key, value, .. } => {
            let mut entries = Vec::new();
            while let Some(child) = reader.next_child()? {
                if child.name() == "entry" {
                    entries.push(read_entry(reader, naming, shape, key, value)?);
                } else {
                    reader.skip()?;
                }
            }
            Ok(Value::Map(unique(entries)))
        }
        _ => {
            let text = reader.text()?;
            scalar_value(member, shape, &text)
        }
    }
}

/// Reads the open element as a structure.
fn read_structure(
    reader: &mut XmlReader<'_>,
    naming: Naming,
    shape: ShapeRef,
    element: &Element<'_>,
) -> Result<StructValue, XmlError> {
    let mut out = StructValue::new(shape);
    read_members(reader, naming, element, &mut out)?;
    Ok(out)
}

/// Reads the open element's attributes and children into `out`. Members that travel outside the body are left alone.
pub(crate) fn read_members(
    reader: &mut XmlReader<'_>,
    naming: Naming,
    element: &Element<'_>,
    out: &mut StructValue,
) -> Result<(), XmlError> {
    let shape = out.shape();
    let members = shape.members();
    let mut fields: Vec<(u16, Value)> = Vec::with_capacity(members.len().min(8));
    for (index, member) in (0u16..).zip(members) {
        if member.xml_attribute
            && let Some(text) = element.attribute(local_name(member.wire_name()))?
        {
            fields.push((index, scalar_value(member, shape.target(member), &text)?));
        }
    }
    // Answers mostly come in the model's order, so the search begins after the last find.
    let mut after = 0;
    while let Some(child) = reader.next_child()? {
        let Some(found) = find(naming, shape, members, after, child.name()) else {
            reader.skip()?;
            continue;
        };
        let Some(member) = members.get(found) else {
            reader.skip()?;
            continue;
        };
        after = found;
        let index = found as u16;
        let target = shape.target(member);
        if !flattened(naming, shape, member) {
            let value = read_value(reader, naming, member, target, &child)?;
            fields.push((index, value));
            continue;
        }
        let slot = match fields.iter().rposition(|(at, _)| *at == index) {
            Some(slot) => slot,
            None => {
                let empty = match target.kind() {
                    Kind::Map { .. } => Value::Map(Vec::new()),
                    _ => Value::List(Vec::new()),
                };
                fields.push((index, empty));
                fields.len() - 1
            }
        };
        match (target.kind(), fields.get_mut(slot).map(|(_, value)| value)) {
            (Kind::List { element, .. }, Some(Value::List(items))) => {
                items.push(read_value(reader, naming, element, target.target(element), &child)?);
            }
            (Kind::Map { key, value, .. }, Some(Value::Map(entries))) => {
                entries.push(read_entry(reader, naming, target, key, value)?);
            }
            _ => reader.skip()?,
        }
    }
    // A stable sort: of an element that stands twice, the last one counts.
    fields.sort_by_key(|(index, _)| *index);
    for (index, value) in fields {
        let value = match value {
            Value::Map(entries) => Value::Map(unique(entries)),
            value => value,
        };
        out.set_at(index, value);
    }
    Ok(())
}

fn find(naming: Naming, shape: ShapeRef, members: &[Member], after: usize, name: &str) -> Option<usize> {
    let fits = |member: &Member| {
        naming.holds(member) && !member.xml_attribute && local_name(member_name(naming, shape, member)) == name
    };
    let (before, rest) = members.split_at_checked(after)?;
    rest.iter()
        .position(fits)
        .map(|at| at + after)
        .or_else(|| before.iter().position(fits))
}

fn read_entry(
    reader: &mut XmlReader<'_>,
    naming: Naming,
    map: ShapeRef,
    key: &Member,
    value: &Member,
) -> Result<(String, Value), XmlError> {
    let (key_name, value_name) = entry_names(naming, key, value);
    let (mut key_text, mut found) = (None, None);
    while let Some(child) = reader.next_child()? {
        if child.name() == key_name {
            key_text = Some(reader.text()?.into_owned());
        } else if child.name() == value_name {
            found = Some(read_value(reader, naming, value, map.target(value), &child)?);
        } else {
            reader.skip()?;
        }
    }
    let key_text = key_text.ok_or_else(|| XmlError::new(format!("an entry has no {key_name}")))?;
    let found = found.ok_or_else(|| XmlError::new(format!("an entry has no {value_name}")))?;
    Ok((key_text, found))
}

/// Keeps each key once, at its first place and with its last value.
fn unique(entries: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let mut places: HashMap<String, usize> = HashMap::with_capacity(entries.len());
    let mut out: Vec<(String, Value)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        match places.get(&key).and_then(|at| out.get_mut(*at)) {
            Some(slot) => slot.1 = value,
            None => {
                places.insert(key.clone(), out.len());
                out.push((key, value));
            }
        }
    }
    out
}

fn scalar_value(member: &Member, shape: ShapeRef, text: &str) -> Result<Value, XmlError> {
    let trimmed = match shape.kind() {
        Kind::String => text,
        _ => text.trim(),
    };
    scalar::from_text(Some(member), shape, trimmed, TimestampFormat::Iso8601)
        .ok_or_else(|| XmlError::new(format!("'{trimmed}' is not {}", scalar::kind_name(shape))))
}

/// A wire name without its prefix; models write `xsi:type`.
fn local_name(name: &str) -> &str {
    std::str::from_utf8(local_part(name.as_bytes())).unwrap_or(name)
}
