//! From JSON to values along a shape. Errors have the words of AWS's JSON services.

use super::Names;
use super::document::read_document;
use super::parser::Parser;
use crate::budget::{Refused, refuse};
use crate::scalar;
use base64::Engine as _;
use virga_base::{AwsError, Timestamp};
use virga_shape::{Kind, Member, ShapeRef, StructValue, TimestampFormat, Value};

/// Reads a whole body as one value of `shape`; `null` gives [`Value::Null`].
pub(crate) fn read(shape: ShapeRef, member: Option<&Member>, body: &[u8], names: Names) -> Result<Value, AwsError> {
    let mut parser = Parser::new(body)?;
    parser.budget.node()?;
    let value = if is_document(shape) {
        Some(Value::Document(read_document(&mut parser)?))
    } else {
        read_value(&mut parser, shape, member, names)?
    };
    parser.end()?;
    Ok(value.unwrap_or(Value::Null))
}

/// Reads a whole body, an object, into those members of `out` that `wanted` admits. A body of `null` sets nothing.
pub(crate) fn read_members(
    body: &[u8],
    out: &mut StructValue,
    names: Names,
    wanted: fn(&Member) -> bool,
) -> Result<(), AwsError> {
    let mut parser = Parser::new(body)?;
    if parser.peek()? == b'n' {
        parser.word("null")?;
    } else {
        read_structure(&mut parser, out, names, wanted)?;
    }
    Ok(parser.end()?)
}

/// What an error body says beside its modelled members: its type and its message, whatever their spelling.
pub(crate) fn error_parts(body: &[u8]) -> (Option<String>, Option<String>) {
    let mut code = None;
    let mut message = None;
    // An unreadable rest does not take away what was read before it.
    let _ = (|| -> Result<(), Refused> {
        let mut parser = Parser::new(body)?;
        parser.open(b'{')?;
        let mut first = true;
        while let Some(key) = parser.next_key(&mut first)? {
            let slot = match key.as_ref() {
                "__type" | "code" | "Code" => &mut code,
                "message" | "Message" | "errorMessage" => &mut message,
                _ => {
                    parser.skip()?;
                    continue;
                }
            };
            if parser.peek()? == b'"' {
                slot.get_or_insert(parser.string()?.into_owned());
            } else {
                parser.skip()?;
            }
        }
        Ok(())
    })();
    (code, message)
}

fn is_document(shape: ShapeRef) -> bool {
    matches!(shape.kind(), Kind::Structure { document: true, .. })
}

fn read_structure(
    parser: &mut Parser<'_>,
    out: &mut StructValue,
    names: Names,
    wanted: fn(&Member) -> bool,
) -> Result<(), Refused> {
    if parser.peek()? != b'{' {
        return Err(mismatch(parser, out.shape()));
    }
    parser.open(b'{')?;
    let shape = out.shape();
    let members = shape.members();
    let mut first = true;
    // Clients write members in the model's order more often than not: look from the last hit on.
    let mut guess = 0;
    while let Some(key) = parser.next_key(&mut first)? {
        let found = members
            .iter()
            .enumerate()
            .skip(guess)
            .chain(members.iter().enumerate().take(guess))
            .find(|(_, m)| names.of(m) == key && wanted(m));
        let Some((index, member)) = found else {
            parser.skip()?;
            continue;
        };
        guess = index + 1;
        parser.budget.node()?;
        match read_value(parser, shape.target(member), Some(member), names)? {
            Some(value) => out.set_at(index as u16, value),
            // The last of two wins, also where it is null.
            None => drop(out.take_at(index as u16)),
        }
    }
    Ok(())
}

/// `None` for `null`.
fn read_value(
    parser: &mut Parser<'_>,
    shape: ShapeRef,
    member: Option<&Member>,
    names: Names,
) -> Result<Option<Value>, Refused> {
    let byte = parser.peek()?;
    if byte == b'n' {
        parser.word("null")?;
        return Ok(None);
    }
    // The kinds that nest have functions of their own: what is on the stack a hundred times over must be small.
    match (shape.kind(), byte) {
        (Kind::Structure { document: true, .. }, _) => read_document(parser).map(Value::Document).map(Some),
        (Kind::Structure { .. }, b'{') => read_nested(parser, shape, names),
        (Kind::List { element, sparse, .. }, b'[') => read_list(parser, shape, element, *sparse, names),
        (Kind::Map { value, sparse, .. }, b'{') => read_map(parser, shape, value, *sparse, names),
        _ => read_scalar(parser, shape, member, byte),
    }
}

#[inline(never)]
fn read_nested(parser: &mut Parser<'_>, shape: ShapeRef, names: Names) -> Result<Option<Value>, Refused> {
    let mut out = StructValue::with_capacity(shape, shape.members().len().min(4));
    read_structure(parser, &mut out, names, |_| true)?;
    Ok(Some(Value::Struct(out)))
}

#[inline(never)]
fn read_list(
    parser: &mut Parser<'_>,
    shape: ShapeRef,
    element: &Member,
    sparse: bool,
    names: Names,
) -> Result<Option<Value>, Refused> {
    let target = shape.target(element);
    parser.open(b'[')?;
    let mut items = Vec::new();
    let mut first = true;
    while parser.next_item(b']', &mut first)? {
        parser.budget.node()?;
        match read_value(parser, target, Some(element), names)? {
            Some(item) => items.push(item),
            None if sparse => items.push(Value::Null),
            None => {}
        }
    }
    Ok(Some(Value::List(items)))
}

#[inline(never)]
fn read_map(
    parser: &mut Parser<'_>,
    shape: ShapeRef,
    element: &Member,
    sparse: bool,
    names: Names,
) -> Result<Option<Value>, Refused> {
    let target = shape.target(element);
    parser.open(b'{')?;
    let mut entries = Vec::new();
    let mut first = true;
    while let Some(key) = parser.next_key(&mut first)? {
        parser.budget.node()?;
        match read_value(parser, target, Some(element), names)? {
            Some(item) => entries.push((key.into_owned(), item)),
            None if sparse => entries.push((key.into_owned(), Value::Null)),
            None => {}
        }
    }
    Ok(Some(Value::Map(scalar::unique(entries))))
}

/// A value that holds no others, of which `byte` is the first.
#[inline(never)]
fn read_scalar(
    parser: &mut Parser<'_>,
    shape: ShapeRef,
    member: Option<&Member>,
    byte: u8,
) -> Result<Option<Value>, Refused> {
    Ok(Some(match (shape.kind(), byte) {
        (Kind::String, b'"') => Value::String(parser.string()?.into_owned()),
        (Kind::Blob { .. }, b'"') => Value::Blob(read_blob(&parser.string()?)?),
        (Kind::Boolean, b't') => parser.word("true").map(|()| Value::Bool(true))?,
        (Kind::Boolean, b'f') => parser.word("false").map(|()| Value::Bool(false))?,
        (Kind::Integer, b'-' | b'0'..=b'9') => match parser.number()?.to_integer() {
            Some(n) if i32::try_from(n).is_ok() => Value::Integer(n),
            _ => return Err(out_of_range(shape)),
        },
        (Kind::Long, b'-' | b'0'..=b'9') => match parser.number()?.to_integer() {
            Some(n) => Value::Integer(n),
            None => return Err(out_of_range(shape)),
        },
        (Kind::Float | Kind::Double, b'-' | b'0'..=b'9') => match parser.number()?.to_double() {
            Some(n) => Value::Double(n),
            None => return Err(out_of_range(shape)),
        },
        (Kind::Float | Kind::Double, b'"') => {
            let text = parser.string()?;
            match text.as_ref() {
                "NaN" | "Infinity" | "-Infinity" => Value::Double(scalar::parse_double(&text).unwrap_or(f64::NAN)),
                _ => return Err(cannot("STRING_VALUE", shape)),
            }
        }
        (Kind::Timestamp(_), b'-' | b'0'..=b'9') => match parser.number()?.to_double() {
            Some(n) => Value::Timestamp(Timestamp::from_secs_f64(n)),
            None => return Err(out_of_range(shape)),
        },
        (Kind::Timestamp(_), b'"') => {
            let text = parser.string()?;
            match scalar::timestamp_format(member, shape, TimestampFormat::UnixSeconds) {
                TimestampFormat::UnixSeconds => {
                    return Err(refuse("STRING_VALUE can not be converted to milliseconds since epoch"));
                }
                format => match scalar::parse_timestamp(&text, format) {
                    Some(time) => Value::Timestamp(time),
                    None => return Err(cannot("STRING_VALUE", shape)),
                },
            }
        }
        _ => return Err(mismatch(parser, shape)),
    }))
}

fn read_blob(text: &str) -> Result<bytes::Bytes, Refused> {
    match base64::engine::general_purpose::STANDARD.decode(text.as_bytes()) {
        Ok(bytes) => Ok(bytes.into()),
        Err(_) => Err(refuse("STRING_VALUE is not valid base64")),
    }
}

fn cannot(token: &str, shape: ShapeRef) -> Refused {
    refuse(format!("{token} can not be converted to {}", scalar::kind_name(shape)))
}

fn out_of_range(shape: ShapeRef) -> Refused {
    cannot("NUMBER_VALUE", shape)
}

/// The error for a token that starts no value of `shape`: AWS's if it starts some value, else one about grammar.
fn mismatch(parser: &mut Parser<'_>, shape: ShapeRef) -> Refused {
    let scalar = !matches!(
        shape.kind(),
        Kind::Structure { .. } | Kind::List { .. } | Kind::Map { .. }
    );
    let token = match parser.peek() {
        Ok(b'[') => return refuse("Start of list found where not expected"),
        Ok(b'{') => return refuse("Start of structure or map found where not expected"),
        Ok(b'"') => "STRING_VALUE",
        Ok(b't') => "TRUE_VALUE",
        Ok(b'f') => "FALSE_VALUE",
        Ok(b'-' | b'0'..=b'9') => "NUMBER_VALUE",
        Ok(_) => return parser.unexpected(),
        Err(error) => return error,
    };
    if scalar {
        cannot(token, shape)
    } else {
        refuse("Unexpected field type")
    }
}
