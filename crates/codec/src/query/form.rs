//! Forms: `Action=SendMessage&Attribute.1.Name=x`, in a body or in a query string.
//!
//! The pairs are decoded and sorted once; after that every structure, list and map of the request is a run of them.

use std::borrow::Cow;
use std::cmp::Ordering;
use virga_base::AwsError;
use virga_base::limits::VALUE_MAX_NODES;

/// A field of a form, decoded.
#[derive(Debug)]
pub(crate) struct Pair<'a> {
    pub(crate) key: Cow<'a, str>,
    pub(crate) value: Cow<'a, str>,
}

/// Decodes the fields of a query string and a body, sorted by key so that a key stands directly before the longer keys
/// that begin with it and a dot. Fields of the same key stay in their order.
pub(crate) fn parse<'a>(query: &'a str, body: &'a [u8]) -> Result<Vec<Pair<'a>>, AwsError> {
    let body = std::str::from_utf8(body).map_err(|_| syntax_error())?;
    let mut pairs = Vec::with_capacity(16);
    // Fields are short, so plain loops over bytes beat the search for a character; both separators are ASCII.
    let fields = [query, body.trim_ascii_end()].into_iter().flat_map(split_fields);
    for field in fields {
        if field.is_empty() {
            continue;
        }
        if pairs.len() == VALUE_MAX_NODES {
            return Err(AwsError::new(
                "MalformedInput",
                format!("The request holds more than {VALUE_MAX_NODES} fields"),
            ));
        }
        let equals = field.bytes().position(|byte| byte == b'=').unwrap_or(field.len());
        let (key, value) = field.split_at(equals);
        let value = value.get(1..).unwrap_or_default();
        pairs.push(Pair {
            key: decode(key)?,
            value: decode(value)?,
        });
    }
    if !pairs.is_sorted_by(|a, b| compare(&a.key, &b.key) != Ordering::Greater) {
        pairs.sort_by(|a, b| compare(&a.key, &b.key));
    }
    Ok(pairs)
}

/// Checks the encoding of all fields, for those who need none of them.
pub(crate) fn check(query: &str, body: &[u8]) -> Result<(), AwsError> {
    let body = std::str::from_utf8(body).map_err(|_| syntax_error())?;
    if query.len() + body.len() > FIELDS_CHECKED_MAX_BYTES || [query, body].iter().any(|text| text.contains('%')) {
        return parse(query, body.as_bytes()).map(drop);
    }
    Ok(())
}

/// So few bytes cannot be too many fields.
const FIELDS_CHECKED_MAX_BYTES: usize = VALUE_MAX_NODES;

fn split_fields(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.bytes().position(|byte| byte == b'&').unwrap_or(rest.len());
        let (field, tail) = rest.split_at(end);
        rest = tail.get(1..).unwrap_or_default();
        Some(field)
    })
}

/// The value of one field (`Action`, `Version`) of a query string or a form in a body, the first where there are several.
/// Reads no further than it must; `None` also where the value is not well encoded.
pub fn field(query: &str, body: &[u8], key: &str) -> Option<String> {
    let body = std::str::from_utf8(body).unwrap_or_default();
    query.split('&').chain(body.trim_end().split('&')).find_map(|field| {
        let (name, value) = field.split_once('=')?;
        (name == key).then(|| decode(value).ok().map(Cow::into_owned))?
    })
}

/// Undoes form encoding: `+` is a space, `%XX` a byte, the bytes are UTF-8.
fn decode(text: &str) -> Result<Cow<'_, str>, AwsError> {
    let Some(first) = text.bytes().position(|b| matches!(b, b'%' | b'+')) else {
        return Ok(Cow::Borrowed(text));
    };
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(bytes.get(..first).unwrap_or_default());
    let mut rest = bytes.get(first..).unwrap_or_default();
    loop {
        rest = match rest {
            [] => break,
            [b'%', high, low, after @ ..] => {
                let (Some(high), Some(low)) = (nibble(*high), nibble(*low)) else {
                    return Err(syntax_error());
                };
                out.push(high << 4 | low);
                after
            }
            [b'%', ..] => return Err(syntax_error()),
            [b'+', after @ ..] => {
                out.push(b' ');
                after
            }
            [byte, after @ ..] => {
                out.push(*byte);
                after
            }
        };
    }
    String::from_utf8(out).map(Cow::Owned).map_err(|_| syntax_error())
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn syntax_error() -> AwsError {
    AwsError::new("MalformedQueryString", "The query string contains a syntax error.").with_status(404)
}

/// Orders keys as bytes, but the dot before all others.
fn compare(a: &str, b: &str) -> Ordering {
    // All ranks differ, or sorting could not rely on the order.
    let rank = |byte: &u8| if *byte == b'.' { 0 } else { u16::from(*byte) + 1 };
    let common = a.bytes().zip(b.bytes()).position(|(x, y)| x != y);
    match common {
        Some(at) => a.as_bytes().get(at).map(rank).cmp(&b.as_bytes().get(at).map(rank)),
        None => a.len().cmp(&b.len()),
    }
}

/// A run of fields whose keys begin alike.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'f> {
    pairs: &'f [Pair<'f>],
    /// Where in the keys the part begins that is still to be read.
    at: usize,
}

/// The fields under one name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group<'f> {
    pub(crate) name: &'f str,
    /// The value of the field that has just this name.
    pub(crate) leaf: Option<&'f str>,
    /// The fields whose name goes on after a dot.
    pub(crate) inner: Fields<'f>,
}

impl<'f> Fields<'f> {
    pub(crate) fn new(pairs: &'f [Pair<'f>]) -> Fields<'f> {
        Fields { pairs, at: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The full name of the first field, for messages.
    pub(crate) fn first_key(&self) -> &'f str {
        self.pairs.first().map_or("", |pair| &pair.key)
    }

    fn rest(pair: &'f Pair<'f>, at: usize) -> &'f str {
        pair.key.get(at..).unwrap_or_default()
    }
}

impl<'f> Iterator for Fields<'f> {
    type Item = Group<'f>;

    fn next(&mut self) -> Option<Group<'f>> {
        let first = Fields::rest(self.pairs.first()?, self.at);
        let end = first.bytes().position(|byte| byte == b'.');
        let name = end.and_then(|end| first.get(..end)).unwrap_or(first);
        let count = self
            .pairs
            .iter()
            .take_while(|pair| {
                Fields::rest(pair, self.at)
                    .strip_prefix(name)
                    .is_some_and(|after| after.is_empty() || after.starts_with('.'))
            })
            .count();
        let (run, others) = self.pairs.split_at_checked(count.max(1))?;
        self.pairs = others;
        let leaves = run
            .iter()
            .take_while(|pair| Fields::rest(pair, self.at).len() == name.len())
            .count();
        let (leaf, inner) = run.split_at_checked(leaves)?;
        Some(Group {
            name,
            leaf: leaf.first().map(|pair| &*pair.value),
            inner: Fields {
                pairs: inner,
                at: self.at + name.len() + 1,
            },
        })
    }
}

/// Appends `&key=value`, percent-encoded.
pub(crate) fn push(out: &mut String, key: &str, value: &str) {
    if !out.is_empty() {
        out.push('&');
    }
    encode(out, key);
    out.push('=');
    encode(out, value);
}

fn encode(out: &mut String, text: &str) {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    out.extend(utf8_percent_encode(text, RESERVED));
}

#[cfg(test)]
mod tests {
    use super::{Fields, decode, field, parse};

    #[test]
    fn fields_are_grouped_by_name() {
        let pairs = parse("Action=A&b-c=0", b"b.10.x=4&b.2=2&b=1&bc=9&b.10.y=5&b=7\n").unwrap();
        let groups: Vec<_> = Fields::new(&pairs)
            .map(|g| (g.name, g.leaf, g.inner.map(|g| (g.name, g.leaf)).collect::<Vec<_>>()))
            .collect();
        assert_eq!(
            groups,
            [
                ("Action", Some("A"), vec![]),
                ("b", Some("1"), vec![("10", None), ("2", Some("2"))]),
                ("b-c", Some("0"), vec![]),
                ("bc", Some("9"), vec![]),
            ]
        );
    }

    #[test]
    fn any_keys_can_be_sorted() {
        let keys = [
            "a.b", "a", "a%00b", "a%00", "a..", "a.%00", "a-", "%2E", "%00", "a.b.c", "a%00.b",
        ];
        for first in keys {
            for second in keys {
                let form = format!("{first}&{second}");
                let pairs = parse(&form, b"").unwrap();
                let order = super::compare(&pairs[0].key, &pairs[1].key);
                assert_eq!(order.is_eq(), first == second, "{form}");
                assert!(order.is_le(), "{form}");
            }
        }
    }

    #[test]
    fn encoding_is_undone_strictly() {
        for (text, expected) in [
            ("a+b%20c%C3%A9", Some("a b c\u{e9}")),
            ("%", None),
            ("%4", None),
            ("%zz", None),
            ("%ff", None),
        ] {
            assert_eq!(decode(text).ok().as_deref(), expected, "{text}");
        }
        assert_eq!(decode("%").unwrap_err().code, "MalformedQueryString");
    }

    #[test]
    fn one_field_is_found_without_reading_all() {
        assert_eq!(
            field("Version=1", b"X=%&Action=Get%41", "Action").as_deref(),
            Some("GetA")
        );
        assert_eq!(field("", b"", "Action"), None);
    }
}
