//! From CBOR to values along a shape.

use super::parser::{Head, Parser, malformed};
use crate::budget::{Refused, refuse};
use crate::scalar;
use base64::Engine as _;
use serde_json::Value as Json;
use virga_base::{AwsError, Timestamp};
use virga_shape::{Kind, Member, ShapeRef, StructValue, Value};

/// Reads a whole body, a map, into `out`. A body of `null` sets nothing.
pub(crate) fn read_members(body: &[u8], out: &mut StructValue) -> Result<(), AwsError> {
    let mut parser = Parser::new(body);
    match parser.value_head()? {
        Head::Null => {}
        Head::Map(count) => read_structure(&mut parser, out, count)?,
        head => return Err(mismatch(head, out.shape()).into()),
    }
    Ok(parser.end()?)
}

/// What an error body says beside its modelled members: its type and its message.
pub(crate) fn error_parts(body: &[u8]) -> (Option<String>, Option<String>) {
    let mut code = None;
    let mut message = None;
    // An unreadable rest does not take away what was read before it.
    let _ = (|| -> Result<(), Refused> {
        let mut parser = Parser::new(body);
        let Head::Map(count) = parser.value_head()? else {
            return Ok(());
        };
        let mut remaining = parser.open(count)?;
        while let Some(key) = parser.next_key(&mut remaining)? {
            let slot = match key.as_ref() {
                "__type" => &mut code,
                "message" | "Message" => &mut message,
                _ => {
                    let head = parser.value_head()?;
                    parser.skip(head)?;
                    continue;
                }
            };
            match parser.value_head()? {
                Head::Text(length) => {
                    slot.get_or_insert(parser.text(length)?.into_owned());
                }
                head => parser.skip(head)?,
            }
        }
        Ok(())
    })();
    (code, message)
}

fn read_structure(parser: &mut Parser<'_>, out: &mut StructValue, count: Option<u64>) -> Result<(), Refused> {
    let shape = out.shape();
    let members = shape.members();
    let mut remaining = parser.open(count)?;
    let mut guess = 0;
    while let Some(key) = parser.next_key(&mut remaining)? {
        let head = parser.value_head()?;
        let found = members
            .iter()
            .enumerate()
            .skip(guess)
            .chain(members.iter().enumerate().take(guess))
            .find(|(_, m)| m.name == key);
        let Some((index, member)) = found else {
            parser.skip(head)?;
            continue;
        };
        guess = index + 1;
        parser.budget.node()?;
        match read_value(parser, shape.target(member), head)? {
            Some(value) => out.set_at(index as u16, value),
            // The last of two wins, also where it is null.
            None => drop(out.take_at(index as u16)),
        }
    }
    Ok(())
}

/// The value whose head was read; `None` for null.
fn read_value(parser: &mut Parser<'_>, shape: ShapeRef, head: Head) -> Result<Option<Value>, Refused> {
    if head == Head::Null {
        return Ok(None);
    }
    // The kinds that nest have functions of their own: what is on the stack a hundred times over must be small.
    match (shape.kind(), head) {
        (Kind::Structure { document: true, .. }, _) => read_document(parser, head).map(Value::Document).map(Some),
        (Kind::Structure { .. }, Head::Map(count)) => read_nested(parser, shape, count).map(Some),
        (Kind::List { element, sparse, .. }, Head::Array(count)) => {
            read_list(parser, shape.target(element), *sparse, count).map(Some)
        }
        (Kind::Map { value, sparse, .. }, Head::Map(count)) => read_map(parser, shape, value, *sparse, count).map(Some),
        _ => read_scalar(parser, shape, head).map(Some),
    }
}

#[inline(never)]
fn read_nested(parser: &mut Parser<'_>, shape: ShapeRef, count: Option<u64>) -> Result<Value, Refused> {
    let mut out = StructValue::with_capacity(shape, shape.members().len().min(4));
    read_structure(parser, &mut out, count)?;
    Ok(Value::Struct(out))
}

#[inline(never)]
fn read_list(parser: &mut Parser<'_>, target: ShapeRef, sparse: bool, count: Option<u64>) -> Result<Value, Refused> {
    let mut remaining = parser.open(count)?;
    let mut items = Vec::new();
    while let Some(head) = parser.next(&mut remaining)? {
        parser.budget.node()?;
        match read_value(parser, target, head)? {
            Some(item) => items.push(item),
            None if sparse => items.push(Value::Null),
            None => {}
        }
    }
    Ok(Value::List(items))
}

#[inline(never)]
fn read_map(
    parser: &mut Parser<'_>,
    shape: ShapeRef,
    element: &Member,
    sparse: bool,
    count: Option<u64>,
) -> Result<Value, Refused> {
    let target = shape.target(element);
    let mut remaining = parser.open(count)?;
    let mut entries = Vec::new();
    while let Some(key) = parser.next_key(&mut remaining)? {
        parser.budget.node()?;
        let head = parser.value_head()?;
        match read_value(parser, target, head)? {
            Some(item) => entries.push((key.into_owned(), item)),
            None if sparse => entries.push((key.into_owned(), Value::Null)),
            None => {}
        }
    }
    Ok(Value::Map(scalar::unique(entries)))
}

/// A value that holds no others.
#[inline(never)]
fn read_scalar(parser: &mut Parser<'_>, shape: ShapeRef, head: Head) -> Result<Value, Refused> {
    let out_of_range = || refuse(format!("A number does not fit {}", scalar::kind_name(shape)));
    Ok(match (shape.kind(), head) {
        (Kind::String, Head::Text(length)) => Value::String(parser.text(length)?.into_owned()),
        (Kind::Blob { .. }, Head::Bytes(length)) => Value::Blob(parser.byte_string(length)?.into()),
        (Kind::Boolean, Head::Bool(b)) => Value::Bool(b),
        (Kind::Integer | Kind::Long, _) => {
            let number = match integer(head) {
                Ok(number) => number.ok_or_else(out_of_range)?,
                Err(NotANumber) => return Err(mismatch(head, shape)),
            };
            if matches!(shape.kind(), Kind::Integer) && i32::try_from(number).is_err() {
                return Err(out_of_range());
            }
            Value::Integer(number)
        }
        (Kind::Float | Kind::Double, Head::Float(n)) => Value::Double(n),
        (Kind::Float | Kind::Double, Head::Unsigned(n)) => Value::Double(n as f64),
        (Kind::Float | Kind::Double, Head::Negative(n)) => Value::Double(-1.0 - n as f64),
        (Kind::Timestamp(_), Head::Tag(1)) => {
            let head = parser.head()?;
            Value::Timestamp(seconds(head).ok_or_else(|| malformed("tag 1 without a time"))?)
        }
        // Tag 1 is asked for; some clients leave it out.
        (Kind::Timestamp(_), head) => Value::Timestamp(seconds(head).ok_or_else(|| mismatch(head, shape))?),
        _ => return Err(mismatch(head, shape)),
    })
}

struct NotANumber;

/// A whole number; `None` where it is beyond 64 bits or has a fraction.
fn integer(head: Head) -> Result<Option<i64>, NotANumber> {
    match head {
        Head::Unsigned(n) => Ok(i64::try_from(n).ok()),
        Head::Negative(n) => Ok(i64::try_from(n).ok().map(|n| -1 - n)),
        Head::Float(n) => Ok((n.fract() == 0.0 && n.abs() < 9_007_199_254_740_992.0).then_some(n as i64)),
        _ => Err(NotANumber),
    }
}

fn seconds(head: Head) -> Option<Timestamp> {
    match head {
        Head::Float(n) if n.is_finite() => Some(Timestamp::from_secs_f64(n)),
        Head::Float(_) => None,
        head => Some(Timestamp::from_secs(integer(head).ok().flatten()?)),
    }
}

/// Any item as JSON; byte strings in base64.
fn read_document(parser: &mut Parser<'_>, head: Head) -> Result<Json, Refused> {
    parser.budget.node()?;
    Ok(match head {
        Head::Null => Json::Null,
        Head::Bool(b) => Json::Bool(b),
        Head::Unsigned(n) => Json::from(n),
        Head::Negative(n) => i64::try_from(n).map_or_else(|_| Json::from(-1.0 - n as f64), |n| Json::from(-1 - n)),
        Head::Float(n) => Json::from(n),
        Head::Text(length) => Json::String(parser.text(length)?.into_owned()),
        Head::Bytes(length) => {
            Json::String(base64::engine::general_purpose::STANDARD.encode(parser.byte_string(length)?))
        }
        Head::Array(count) => {
            let mut remaining = parser.open(count)?;
            let mut items = Vec::new();
            while let Some(head) = parser.next(&mut remaining)? {
                items.push(read_document(parser, head)?);
            }
            Json::Array(items)
        }
        Head::Map(count) => {
            let mut remaining = parser.open(count)?;
            let mut map = serde_json::Map::new();
            while let Some(key) = parser.next_key(&mut remaining)? {
                let head = parser.value_head()?;
                map.insert(key.into_owned(), read_document(parser, head)?);
            }
            Json::Object(map)
        }
        Head::Tag(_) => return Err(malformed("a tag inside a document")),
        Head::Break => return Err(malformed("unexpected break")),
    })
}

fn mismatch(head: Head, shape: ShapeRef) -> Refused {
    let found = match head {
        Head::Unsigned(_) | Head::Negative(_) | Head::Float(_) => "NUMBER_VALUE",
        Head::Bytes(_) => "BINARY_VALUE",
        Head::Text(_) => "STRING_VALUE",
        Head::Array(_) => return refuse("Start of list found where not expected"),
        Head::Map(_) => return refuse("Start of structure or map found where not expected"),
        Head::Bool(true) => "TRUE_VALUE",
        Head::Bool(false) => "FALSE_VALUE",
        Head::Null => "NULL_VALUE",
        Head::Tag(_) => return malformed("a tag where not expected"),
        Head::Break => return malformed("unexpected break"),
    };
    refuse(format!("{found} can not be converted to {}", scalar::kind_name(shape)))
}
