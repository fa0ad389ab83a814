//! The items of CBOR. Every length is checked against what is left before anything is reserved for it.

use crate::budget::{Budget, Refused, refuse};
use std::borrow::Cow;

/// An item's head.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Head {
    Unsigned(u64),
    /// -1 - n.
    Negative(u64),
    /// Length in bytes; `None` for pieces until a break.
    Bytes(Option<u64>),
    Text(Option<u64>),
    /// Number of items; `None` until a break.
    Array(Option<u64>),
    /// Number of pairs; `None` until a break.
    Map(Option<u64>),
    Tag(u64),
    Bool(bool),
    /// `null` and `undefined`.
    Null,
    Float(f64),
    Break,
}

/// How many items of an open array or map are left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remaining(Option<u64>);

pub(super) struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    pub(super) budget: Budget,
}

fn truncated() -> Refused {
    refuse("Unexpected end of the CBOR body")
}

pub(super) fn malformed(what: &str) -> Refused {
    refuse(format!("Malformed CBOR body: {what}"))
}

impl<'a> Parser<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Parser<'a> {
        Parser {
            bytes,
            at: 0,
            budget: Budget::new(),
        }
    }

    pub(super) fn end(&self) -> Result<(), Refused> {
        if self.at == self.bytes.len() {
            Ok(())
        } else {
            Err(malformed("more than one item"))
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Refused> {
        let end = self.at.checked_add(count).ok_or_else(truncated)?;
        let taken = self.bytes.get(self.at..end).ok_or_else(truncated)?;
        self.at = end;
        Ok(taken)
    }

    /// `count` bytes (at most eight) as a big-endian number.
    fn big_endian(&mut self, count: usize) -> Result<u64, Refused> {
        Ok(self.take(count)?.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
    }

    pub(super) fn head(&mut self) -> Result<Head, Refused> {
        let first = self.big_endian(1)?;
        let (major, info) = (first >> 5, first & 0x1f);
        if major == 7 {
            return self.simple(info);
        }
        let argument = match info {
            0..=23 => Some(info),
            24 => Some(self.big_endian(1)?),
            25 => Some(self.big_endian(2)?),
            26 => Some(self.big_endian(4)?),
            27 => Some(self.big_endian(8)?),
            31 => None,
            _ => return Err(malformed("reserved length")),
        };
        Ok(match (major, argument) {
            (0, Some(n)) => Head::Unsigned(n),
            (1, Some(n)) => Head::Negative(n),
            (2, length) => Head::Bytes(length),
            (3, length) => Head::Text(length),
            (4, count) => Head::Array(count),
            (5, count) => Head::Map(count),
            (6, Some(tag)) => Head::Tag(tag),
            _ => return Err(malformed("indefinite number or tag")),
        })
    }

    fn simple(&mut self, info: u64) -> Result<Head, Refused> {
        Ok(match info {
            20 => Head::Bool(false),
            21 => Head::Bool(true),
            22 | 23 => Head::Null,
            25 => Head::Float(half(self.big_endian(2)? as u16)),
            26 => Head::Float(f64::from(f32::from_bits(self.big_endian(4)? as u32))),
            27 => Head::Float(f64::from_bits(self.big_endian(8)?)),
            31 => Head::Break,
            _ => return Err(malformed("unknown simple value")),
        })
    }

    /// The head of the next item, tags that carry no meaning here (self-described CBOR) passed over.
    pub(super) fn value_head(&mut self) -> Result<Head, Refused> {
        loop {
            match self.head()? {
                Head::Tag(55_799) => {}
                head => return Ok(head),
            }
        }
    }

    /// After the head of an array or map.
    pub(super) fn open(&mut self, count: Option<u64>) -> Result<Remaining, Refused> {
        self.budget.enter()?;
        if let Some(count) = count
            && count > (self.bytes.len() - self.at) as u64
        {
            // Every item takes a byte at least.
            return Err(truncated());
        }
        Ok(Remaining(count))
    }

    /// The head of the next item, or `None` at the end of the array or map.
    pub(super) fn next(&mut self, remaining: &mut Remaining) -> Result<Option<Head>, Refused> {
        if remaining.0 == Some(0) {
            self.budget.leave();
            return Ok(None);
        }
        match (self.value_head()?, &mut remaining.0) {
            (Head::Break, None) => {
                self.budget.leave();
                Ok(None)
            }
            (Head::Break, Some(_)) => Err(malformed("unexpected break")),
            (head, None) => Ok(Some(head)),
            (head, Some(left)) => {
                *left -= 1;
                Ok(Some(head))
            }
        }
    }

    /// The next key of a map, or `None` at its end.
    pub(super) fn next_key(&mut self, remaining: &mut Remaining) -> Result<Option<Cow<'a, str>>, Refused> {
        match self.next(remaining)? {
            None => Ok(None),
            Some(Head::Text(length)) => self.text(length).map(Some),
            Some(_) => Err(malformed("a key is no text")),
        }
    }

    /// After the head of a text.
    pub(super) fn text(&mut self, length: Option<u64>) -> Result<Cow<'a, str>, Refused> {
        let utf8 = |bytes: &'a [u8]| std::str::from_utf8(bytes).map_err(|_| malformed("a text is not UTF-8"));
        if let Some(length) = length {
            return utf8(self.definite(length)?).map(Cow::Borrowed);
        }
        let mut out = String::new();
        loop {
            match self.head()? {
                Head::Text(Some(length)) => out.push_str(utf8(self.definite(length)?)?),
                Head::Break => return Ok(Cow::Owned(out)),
                _ => return Err(malformed("a text's piece is no text")),
            }
        }
    }

    /// After the head of a byte string.
    pub(super) fn byte_string(&mut self, length: Option<u64>) -> Result<Vec<u8>, Refused> {
        if let Some(length) = length {
            return self.definite(length).map(<[u8]>::to_vec);
        }
        let mut out = Vec::new();
        loop {
            match self.head()? {
                Head::Bytes(Some(length)) => out.extend_from_slice(self.definite(length)?),
                Head::Break => return Ok(out),
                _ => return Err(malformed("a byte string's piece is no byte string")),
            }
        }
    }

    fn definite(&mut self, length: u64) -> Result<&'a [u8], Refused> {
        self.take(usize::try_from(length).map_err(|_| truncated())?)
    }

    /// Passes over the item whose head was read, still counted and bounded in depth.
    pub(super) fn skip(&mut self, head: Head) -> Result<(), Refused> {
        self.budget.node()?;
        match head {
            Head::Bytes(length) => self.byte_string(length).map(drop),
            Head::Text(length) => self.text(length).map(drop),
            Head::Array(count) => {
                let mut remaining = self.open(count)?;
                while let Some(head) = self.next(&mut remaining)? {
                    self.skip(head)?;
                }
                Ok(())
            }
            Head::Map(count) => {
                let mut remaining = self.open(count)?;
                while let Some(key) = self.next(&mut remaining)? {
                    self.skip(key)?;
                    let value = self.value_head()?;
                    self.skip(value)?;
                }
                Ok(())
            }
            Head::Tag(_) => {
                self.budget.enter()?;
                let head = self.value_head()?;
                self.skip(head)?;
                self.budget.leave();
                Ok(())
            }
            Head::Break => Err(malformed("unexpected break")),
            Head::Unsigned(_) | Head::Negative(_) | Head::Bool(_) | Head::Null | Head::Float(_) => Ok(()),
        }
    }
}

/// IEEE 754's half precision.
fn half(bits: u16) -> f64 {
    let magnitude = match (bits >> 10 & 0x1f, bits & 0x3ff) {
        (0, mantissa) => f64::from(mantissa) * f64::powi(2.0, -24),
        (0x1f, 0) => f64::INFINITY,
        (0x1f, _) => f64::NAN,
        (exponent, mantissa) => f64::from(mantissa + 1024) * f64::powi(2.0, i32::from(exponent) - 25),
    };
    if bits & 0x8000 == 0 { magnitude } else { -magnitude }
}
