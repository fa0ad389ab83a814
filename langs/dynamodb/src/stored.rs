//! The stored forms: an item as compact bytes, and key attributes as bytes that sort as their values do.
//!
//! An item begins with its size by AWS's formula, so that whoever only counts need not read on. What follows is read by
//! [`decode_item`] alone; the version marker before it belongs to the store.

use crate::{AttributeValue, Item, Kind, Number};

const S: u8 = 0;
const N: u8 = 1;
const B: u8 = 2;
const SS: u8 = 3;
const NS: u8 = 4;
const BS: u8 = 5;
const M: u8 = 6;
const L: u8 = 7;
const FALSE: u8 = 8;
const TRUE: u8 = 9;
const NULL: u8 = 10;
/// A string of ASCII's letters, digits and signs, without quotes and backslashes: answers have it as it is.
const PLAIN: u8 = 11;

/// Writes an item whose size by AWS's formula is `size_bytes`.
pub fn encode_item(item: &Item, size_bytes: usize, out: &mut Vec<u8>) {
    out.reserve(size_bytes + 8 + 4 * item.len());
    write_length(size_bytes, out);
    write_map(item, out);
}

/// Size by AWS's formula, and the item; `None` where the bytes are no such item.
pub fn decode_item(mut bytes: &[u8]) -> Option<(usize, Item)> {
    let size_bytes = read_length(&mut bytes)?;
    let item = read_map(&mut bytes)?;
    bytes.is_empty().then_some((size_bytes, item))
}

/// The size alone.
pub fn decode_size(mut bytes: &[u8]) -> Option<usize> {
    read_length(&mut bytes)
}

/// Writes a key attribute's value so that the bytes sort as the values do and none is the beginning of another's. Values
/// that cannot be keys leave nothing.
pub fn encode_key_part(value: &AttributeValue, out: &mut Vec<u8>) {
    match value {
        AttributeValue::S(text) => {
            escape(text.as_bytes(), out);
            out.extend_from_slice(&[0, 1]);
        }
        AttributeValue::B(bytes) => {
            escape(bytes, out);
            out.extend_from_slice(&[0, 1]);
        }
        AttributeValue::N(number) => number.write_key_bytes(out),
        _ => {}
    }
}

/// What the key bytes of all strings or binaries begin with that begin with `value`.
pub fn encode_key_beginning(value: &AttributeValue, out: &mut Vec<u8>) {
    match value {
        AttributeValue::S(text) => escape(text.as_bytes(), out),
        AttributeValue::B(bytes) => escape(bytes, out),
        _ => {}
    }
}

fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    // Zeros are rare.
    if !bytes.contains(&0) {
        return out.extend_from_slice(bytes);
    }
    let mut pieces = bytes.split(|byte| *byte == 0);
    out.extend_from_slice(pieces.next().unwrap_or_default());
    for piece in pieces {
        out.extend_from_slice(&[0, 0xff]);
        out.extend_from_slice(piece);
    }
}

fn write_varint(mut number: u128, out: &mut Vec<u8>) {
    if let Ok(small) = u8::try_from(number)
        && small < 0x80
    {
        return out.push(small);
    }
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn read_varint(input: &mut &[u8]) -> Option<u128> {
    if let Some((byte @ 0..0x80, rest)) = input.split_first() {
        *input = rest;
        return Some(u128::from(*byte));
    }
    let mut number = 0u128;
    let mut shift = 0;
    loop {
        let (byte, rest) = input.split_first()?;
        *input = rest;
        number |= u128::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

fn write_length(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn read_length(input: &mut &[u8]) -> Option<usize> {
    let mut number = 0usize;
    let mut shift = 0;
    loop {
        let (byte, rest) = input.split_first()?;
        *input = rest;
        number |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    write_length(bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn read_bytes<'b>(input: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = read_length(input)?;
    let (bytes, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(bytes)
}

fn read_str<'b>(input: &mut &'b [u8]) -> Option<&'b str> {
    std::str::from_utf8(read_bytes(input)?).ok()
}

fn read_text(input: &mut &[u8]) -> Option<String> {
    read_str(input).map(str::to_owned)
}

fn write_number(number: &Number, out: &mut Vec<u8>) {
    let (negative, coefficient, exponent) = number.parts();
    // The exponent with its sign and the number's in the two lowest bits.
    let exponent_part = u128::from(exponent.unsigned_abs()) << 2;
    write_varint(
        exponent_part | u128::from(exponent < 0) << 1 | u128::from(negative),
        out,
    );
    write_varint(coefficient, out);
}

fn read_number(input: &mut &[u8]) -> Option<Number> {
    let head = read_varint(input)?;
    let coefficient = read_varint(input)?;
    let magnitude = i16::try_from(head >> 2).ok()?;
    let exponent = if head & 2 == 0 { magnitude } else { -magnitude };
    Some(Number::from_parts(head & 1 == 1, coefficient, exponent))
}

fn write_map(map: &Item, out: &mut Vec<u8>) {
    write_length(map.len(), out);
    for (name, value) in map {
        write_bytes(name.as_bytes(), out);
        write_value(value, out);
    }
}

/// A value that holds no others, as it stands in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar<'v> {
    S(&'v str),
    /// As AWS returns it.
    N(&'v str),
    B(&'v [u8]),
    Bool(bool),
    Null,
}

/// Whoever is shown what is stored, in its order. What is opened is closed.
pub trait Visit {
    fn scalar(&mut self, value: Scalar<'_>);
    /// A set, a list or a map.
    fn open(&mut self, kind: Kind);
    /// One of a set's members.
    fn member(&mut self, value: Scalar<'_>);
    /// The name of what follows: in an item or a map.
    fn name(&mut self, name: &str);
    /// A name and its string, in which nothing needs escapes in any form of text.
    fn plain(&mut self, name: &str, string: &[u8]);
    /// A name and its value.
    fn named(&mut self, name: &str, value: Scalar<'_>) {
        self.name(name);
        self.scalar(value);
    }
    fn close(&mut self, kind: Kind);
}

/// Shows the attributes of a stored item, in order of name; `None` where the bytes are no such item, of which a part may
/// have been shown.
pub fn visit_item(mut bytes: &[u8], visitor: &mut impl Visit) -> Option<()> {
    read_length(&mut bytes)?;
    visit_map(&mut bytes, visitor)?;
    bytes.is_empty().then_some(())
}

fn visit_map(input: &mut &[u8], visitor: &mut impl Visit) -> Option<()> {
    for _ in 0..read_length(input)? {
        let name = read_str(input)?;
        let (tag, rest) = input.split_first()?;
        match *tag {
            PLAIN => {
                *input = rest;
                visitor.plain(name, read_bytes(input)?);
            }
            S => {
                *input = rest;
                visitor.named(name, Scalar::S(read_str(input)?));
            }
            N => {
                *input = rest;
                read_number(input)?.with_text(|text| visitor.named(name, Scalar::N(text)));
            }
            _ => {
                visitor.name(name);
                visit_value(input, visitor)?;
            }
        }
    }
    Some(())
}

fn visit_value(input: &mut &[u8], visitor: &mut impl Visit) -> Option<()> {
    let (tag, rest) = input.split_first()?;
    *input = rest;
    match *tag {
        S | PLAIN => visitor.scalar(Scalar::S(read_str(input)?)),
        N => read_number(input)?.with_text(|text| visitor.scalar(Scalar::N(text))),
        B => visitor.scalar(Scalar::B(read_bytes(input)?)),
        FALSE => visitor.scalar(Scalar::Bool(false)),
        TRUE => visitor.scalar(Scalar::Bool(true)),
        NULL => visitor.scalar(Scalar::Null),
        SS => visit_many(input, visitor, Kind::Ss, |input, visitor| {
            visitor.member(Scalar::S(read_str(input)?));
            Some(())
        })?,
        NS => visit_many(input, visitor, Kind::Ns, |input, visitor| {
            read_number(input)?.with_text(|text| visitor.member(Scalar::N(text)));
            Some(())
        })?,
        BS => visit_many(input, visitor, Kind::Bs, |input, visitor| {
            visitor.member(Scalar::B(read_bytes(input)?));
            Some(())
        })?,
        L => visit_many(input, visitor, Kind::L, |input, visitor| visit_value(input, visitor))?,
        M => {
            visitor.open(Kind::M);
            visit_map(input, visitor)?;
            visitor.close(Kind::M);
        }
        _ => return None,
    }
    Some(())
}

fn visit_many<V: Visit>(
    input: &mut &[u8],
    visitor: &mut V,
    kind: Kind,
    visit: impl Fn(&mut &[u8], &mut V) -> Option<()>,
) -> Option<()> {
    visitor.open(kind);
    for _ in 0..read_length(input)? {
        visit(input, visitor)?;
    }
    visitor.close(kind);
    Some(())
}

fn read_map(input: &mut &[u8]) -> Option<Item> {
    let count = read_length(input)?;
    // An entry has two bytes at least.
    let mut entries = Vec::with_capacity(count.min(input.len() / 2));
    for _ in 0..count {
        let name = read_text(input)?;
        entries.push((name, read_value(input)?));
    }
    Some(entries.into_iter().collect())
}

fn read_value(input: &mut &[u8]) -> Option<AttributeValue> {
    let (tag, rest) = input.split_first()?;
    *input = rest;
    Some(match *tag {
        S | PLAIN => AttributeValue::S(read_text(input)?),
        N => AttributeValue::N(read_number(input)?),
        B => AttributeValue::B(read_bytes(input)?.to_vec()),
        SS => AttributeValue::Ss(read_many(input, read_text)?),
        NS => AttributeValue::Ns(read_many(input, read_number)?),
        BS => AttributeValue::Bs(read_many(input, |input| read_bytes(input).map(<[u8]>::to_vec))?),
        M => AttributeValue::M(read_map(input)?),
        L => AttributeValue::L(read_many(input, read_value)?),
        FALSE => AttributeValue::Bool(false),
        TRUE => AttributeValue::Bool(true),
        NULL => AttributeValue::Null,
        _ => return None,
    })
}

fn is_plain(bytes: &[u8]) -> bool {
    // Without a way out of the loop, many bytes are looked at at a time.
    let special = |byte: u8| !(0x20..0x7f).contains(&byte) || byte == b'"' || byte == b'\\';
    !bytes.iter().fold(false, |any, byte| any | special(*byte))
}

fn write_value(value: &AttributeValue, out: &mut Vec<u8>) {
    match value {
        AttributeValue::S(text) => {
            out.push(if is_plain(text.as_bytes()) { PLAIN } else { S });
            write_bytes(text.as_bytes(), out);
        }
        AttributeValue::N(number) => {
            out.push(N);
            write_number(number, out);
        }
        AttributeValue::B(bytes) => {
            out.push(B);
            write_bytes(bytes, out);
        }
        AttributeValue::Ss(set) => {
            out.push(SS);
            write_length(set.len(), out);
            set.iter().for_each(|text| write_bytes(text.as_bytes(), out));
        }
        AttributeValue::Ns(set) => {
            out.push(NS);
            write_length(set.len(), out);
            set.iter().for_each(|number| write_number(number, out));
        }
        AttributeValue::Bs(set) => {
            out.push(BS);
            write_length(set.len(), out);
            set.iter().for_each(|bytes| write_bytes(bytes, out));
        }
        AttributeValue::M(map) => {
            out.push(M);
            write_map(map, out);
        }
        AttributeValue::L(list) => {
            out.push(L);
            write_length(list.len(), out);
            list.iter().for_each(|value| write_value(value, out));
        }
        AttributeValue::Bool(false) => out.push(FALSE),
        AttributeValue::Bool(true) => out.push(TRUE),
        AttributeValue::Null => out.push(NULL),
    }
}

fn read_many<T>(input: &mut &[u8], read: impl Fn(&mut &[u8]) -> Option<T>) -> Option<Vec<T>> {
    let count = read_length(input)?;
    (0..count).map(|_| read(input)).collect()
}
