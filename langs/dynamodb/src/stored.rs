//! The stored forms: an item as compact bytes, and key attributes as bytes that sort as their values do.
//!
//! An item begins with its size by AWS's formula, so that whoever only counts need not read on. What follows is read by
//! [`decode_item`] alone; the version marker before it belongs to the store.

use crate::{AttributeValue, Item, Number};

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

/// Writes an item whose size by AWS's formula is `size_bytes`.
pub fn encode_item(item: &Item, size_bytes: usize, out: &mut Vec<u8>) {
    out.reserve(size_bytes + 8 + 4 * item.len());
    write_length(size_bytes, out);
    write_map(item, out);
}

/// Size by AWS's formula, and the item; `None` where the bytes are no such item.
pub fn decode_item(bytes: &[u8]) -> Option<(usize, Item)> {
    let (size_bytes, entries) = build_item(bytes, &Plain)?;
    Some((size_bytes, entries.into_iter().collect()))
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
        AttributeValue::N(number) => out.extend_from_slice(&number.to_key_bytes()),
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
    for byte in bytes {
        out.push(*byte);
        if *byte == 0 {
            out.push(0xff);
        }
    }
}

fn write_varint(mut number: u128, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn read_varint(input: &mut &[u8]) -> Option<u128> {
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

/// What is in an item or a map, in order of name.
pub type Entries<V> = Vec<(String, V)>;

/// Makes values of what is stored, in whatever form its user has for them.
pub trait Build {
    type Value;
    fn string(&self, text: &str) -> Self::Value;
    fn number(&self, number: Number) -> Self::Value;
    fn binary(&self, bytes: &[u8]) -> Self::Value;
    fn string_set(&self, set: Vec<String>) -> Self::Value;
    fn number_set(&self, set: Vec<Number>) -> Self::Value;
    fn binary_set(&self, set: Vec<Vec<u8>>) -> Self::Value;
    fn map(&self, entries: Entries<Self::Value>) -> Self::Value;
    fn list(&self, values: Vec<Self::Value>) -> Self::Value;
    fn bool(&self, value: bool) -> Self::Value;
    fn null(&self) -> Self::Value;
}

/// Size by AWS's formula, and the item's attributes in order of name, each as `build` makes it; `None` where the bytes are
/// no such item.
pub fn build_item<B: Build>(mut bytes: &[u8], build: &B) -> Option<(usize, Entries<B::Value>)> {
    let size_bytes = read_length(&mut bytes)?;
    let entries = build_entries(&mut bytes, build)?;
    bytes.is_empty().then_some((size_bytes, entries))
}

fn build_entries<B: Build>(input: &mut &[u8], build: &B) -> Option<Entries<B::Value>> {
    let count = read_length(input)?;
    // An entry has two bytes at least.
    let mut entries = Vec::with_capacity(count.min(input.len() / 2));
    for _ in 0..count {
        let name = read_text(input)?;
        entries.push((name, build_value(input, build)?));
    }
    Some(entries)
}

fn build_value<B: Build>(input: &mut &[u8], build: &B) -> Option<B::Value> {
    let (tag, rest) = input.split_first()?;
    *input = rest;
    Some(match *tag {
        S => build.string(read_str(input)?),
        N => build.number(read_number(input)?),
        B => build.binary(read_bytes(input)?),
        SS => build.string_set(read_many(input, read_text)?),
        NS => build.number_set(read_many(input, read_number)?),
        BS => build.binary_set(read_many(input, |input| read_bytes(input).map(<[u8]>::to_vec))?),
        M => build.map(build_entries(input, build)?),
        L => build.list(read_many(input, |input| build_value(input, build))?),
        FALSE => build.bool(false),
        TRUE => build.bool(true),
        NULL => build.null(),
        _ => return None,
    })
}

/// Builds attribute values.
struct Plain;

impl Build for Plain {
    type Value = AttributeValue;

    fn string(&self, text: &str) -> AttributeValue {
        AttributeValue::S(text.to_owned())
    }
    fn number(&self, number: Number) -> AttributeValue {
        AttributeValue::N(number)
    }
    fn binary(&self, bytes: &[u8]) -> AttributeValue {
        AttributeValue::B(bytes.to_vec())
    }
    fn string_set(&self, set: Vec<String>) -> AttributeValue {
        AttributeValue::Ss(set)
    }
    fn number_set(&self, set: Vec<Number>) -> AttributeValue {
        AttributeValue::Ns(set)
    }
    fn binary_set(&self, set: Vec<Vec<u8>>) -> AttributeValue {
        AttributeValue::Bs(set)
    }
    fn map(&self, entries: Vec<(String, AttributeValue)>) -> AttributeValue {
        AttributeValue::M(entries.into_iter().collect())
    }
    fn list(&self, values: Vec<AttributeValue>) -> AttributeValue {
        AttributeValue::L(values)
    }
    fn bool(&self, value: bool) -> AttributeValue {
        AttributeValue::Bool(value)
    }
    fn null(&self) -> AttributeValue {
        AttributeValue::Null
    }
}

fn write_value(value: &AttributeValue, out: &mut Vec<u8>) {
    match value {
        AttributeValue::S(text) => {
            out.push(S);
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
