//! From values to elements, guided by the model, straight into the body.

use super::naming::{Naming, element_name, entry_names, flattened, member_name};
use crate::scalar;
use crate::words::{all, controls, zeros};
use std::fmt::Write as _;
use virga_shape::{Kind, Member, ShapeRef, StructValue, TimestampFormat, Value, XmlNamespace};

/// How times are written that have no format of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Iso8601Form {
    /// `2026-11-21T10:00:00Z`, milliseconds only where there are any: the query protocol.
    Shortest,
    /// `2026-11-21T10:00:00.000Z`: S3, EC2 and their like.
    Millis,
}

/// Writes one body.
#[derive(Debug)]
pub(crate) struct XmlWriter {
    out: String,
    naming: Naming,
    iso8601: Iso8601Form,
}

impl XmlWriter {
    pub(crate) fn new(naming: Naming, iso8601: Iso8601Form) -> XmlWriter {
        XmlWriter {
            out: String::with_capacity(512),
            naming,
            iso8601,
        }
    }

    pub(crate) fn into_body(self) -> Vec<u8> {
        self.out.into_bytes()
    }

    /// Markup that is known to be right.
    pub(crate) fn raw(&mut self, markup: &str) {
        self.out.push_str(markup);
    }

    /// Text, escaped.
    pub(crate) fn text(&mut self, text: &str) {
        escape(&mut self.out, text, false);
    }

    /// `<name>`, with the namespace as its default one.
    pub(crate) fn open(&mut self, name: &str, namespace: Option<&str>) {
        self.out.push('<');
        self.open_rest(name, namespace);
    }

    fn open_rest(&mut self, name: &str, namespace: Option<&str>) {
        self.out.push_str(name);
        if let Some(uri) = namespace {
            self.namespace(uri, None);
        }
        self.out.push('>');
    }

    /// As [`XmlWriter::open`], for a name that is made of two.
    pub(crate) fn open_joined(&mut self, [first, second]: [&str; 2], namespace: Option<&str>) {
        self.out.push('<');
        self.out.push_str(first);
        self.open_rest(second, namespace);
    }

    pub(crate) fn close_joined(&mut self, [first, second]: [&str; 2]) {
        self.out.push_str("</");
        self.out.push_str(first);
        self.out.push_str(second);
        self.out.push('>');
    }

    /// `<name/>`, with the namespace as its default one.
    pub(crate) fn open_empty(&mut self, name: &str, namespace: Option<&str>) {
        self.open(name, namespace);
        self.out.pop();
        self.out.push_str("/>");
    }

    pub(crate) fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// `<name>text</name>`.
    pub(crate) fn leaf(&mut self, name: &str, text: &str) {
        self.open(name, None);
        self.text(text);
        self.close(name);
    }

    /// A structure's root element: attributes, members, end. `namespace` counts where the shape has none.
    pub(crate) fn root(&mut self, name: &str, namespace: Option<&XmlNamespace>, value: &StructValue) {
        self.structure(name, namespace, value);
    }

    /// The body members of a structure, without an element around them.
    pub(crate) fn members(&mut self, value: &StructValue) {
        let shape = value.shape();
        for (index, field) in value.fields() {
            let Some(member) = shape.members().get(usize::from(*index)) else {
                continue;
            };
            if !self.naming.holds(member) || member.xml_attribute {
                continue;
            }
            let name = member_name(self.naming, shape, member);
            let target = shape.target(member);
            if !flattened(self.naming, shape, member) {
                self.element(name, member, target, field);
                continue;
            }
            match (target.kind(), field) {
                (Kind::List { element, .. }, Value::List(items)) => {
                    for item in items {
                        self.element(name, element, target.target(element), item);
                    }
                }
                (Kind::Map { key, value, .. }, Value::Map(entries)) => {
                    for entry in entries {
                        self.entry(name, member.namespace.as_ref(), target, (key, value), entry);
                    }
                }
                _ => {}
            }
        }
    }

    /// One element of any kind; nothing where the value does not fit the shape.
    pub(crate) fn element(&mut self, name: &str, member: &Member, shape: ShapeRef, value: &Value) {
        match (shape.kind(), value) {
            (Kind::Structure { .. }, Value::Struct(fields)) => {
                self.structure(name, member.namespace.as_ref(), fields);
            }
            (Kind::List { element, .. }, Value::List(items)) => {
                self.start(name, member.namespace.as_ref(), items.is_empty());
                let item_name = element_name(self.naming, element);
                for item in items {
                    self.element(item_name, element, shape.target(element), item);
                }
                self.end(name, items.is_empty());
            }
            (Kind::Map { key, value, .. }, Value::Map(entries)) => {
                self.start(name, member.namespace.as_ref(), entries.is_empty());
                for entry in entries {
                    self.entry("entry", None, shape, (key, value), entry);
                }
                self.end(name, entries.is_empty());
            }
            // Only sparse collections hold nulls, and XML has no better word for them.
            (_, Value::Null) => self.start(name, member.namespace.as_ref(), true),
            _ => {
                let Some(empty) = is_empty(value) else { return };
                self.start(name, member.namespace.as_ref(), empty);
                if !empty {
                    self.scalar(member, shape, value, false);
                    self.close(name);
                }
            }
        }
    }

    /// JSON that no model describes: a service's own details of an error.
    pub(crate) fn json(&mut self, name: &str, json: &serde_json::Value) {
        use serde_json::Value as Json;
        match json {
            Json::Null => {}
            Json::Array(items) => {
                for item in items {
                    self.json(name, item);
                }
            }
            Json::Object(entries) => {
                self.open(name, None);
                for (key, item) in entries {
                    self.json(key, item);
                }
                self.close(name);
            }
            Json::String(text) => self.leaf(name, text),
            Json::Bool(_) | Json::Number(_) => self.leaf(name, &json.to_string()),
        }
    }

    fn structure(&mut self, name: &str, namespace: Option<&XmlNamespace>, value: &StructValue) {
        let shape = value.shape();
        self.out.push('<');
        self.out.push_str(name);
        let own = match shape.kind() {
            Kind::Structure { namespace, .. } => namespace.as_ref(),
            _ => None,
        };
        if let Some(namespace) = namespace.or(own) {
            self.namespace(&namespace.uri, namespace.prefix.as_deref());
        }
        let mut empty = true;
        for (index, field) in value.fields() {
            let Some(member) = shape.members().get(usize::from(*index)) else {
                continue;
            };
            if member.xml_attribute {
                self.out.push(' ');
                self.out.push_str(member.wire_name());
                self.out.push_str("=\"");
                self.scalar(member, shape.target(member), field, true);
                self.out.push('"');
            } else if self.naming.holds(member) {
                empty = false;
            }
        }
        if empty {
            self.out.push_str("/>");
            return;
        }
        self.out.push('>');
        self.members(value);
        self.close(name);
    }

    fn entry(
        &mut self,
        name: &str,
        namespace: Option<&XmlNamespace>,
        map: ShapeRef,
        (key, value): (&Member, &Member),
        (key_text, item): &(String, Value),
    ) {
        let (key_name, value_name) = entry_names(self.naming, key, value);
        self.start(name, namespace, false);
        self.start(key_name, key.namespace.as_ref(), false);
        self.text(key_text);
        self.close(key_name);
        self.element(value_name, value, map.target(value), item);
        self.close(name);
    }

    fn scalar(&mut self, member: &Member, shape: ShapeRef, value: &Value, attribute: bool) {
        match value {
            Value::String(text) => escape(&mut self.out, text, attribute),
            Value::Integer(number) => {
                let _ = write!(self.out, "{number}");
            }
            Value::Timestamp(time)
                if self.iso8601 == Iso8601Form::Millis
                    && scalar::timestamp_format(Some(member), shape, TimestampFormat::Iso8601)
                        == TimestampFormat::Iso8601 =>
            {
                self.out.push_str(&time.to_iso8601_millis());
            }
            _ => {
                if let Some(text) = scalar::to_text(Some(member), shape, value, TimestampFormat::Iso8601) {
                    escape(&mut self.out, &text, attribute);
                }
            }
        }
    }

    fn start(&mut self, name: &str, namespace: Option<&XmlNamespace>, empty: bool) {
        self.out.push('<');
        self.out.push_str(name);
        if let Some(namespace) = namespace {
            self.namespace(&namespace.uri, namespace.prefix.as_deref());
        }
        self.out.push_str(if empty { "/>" } else { ">" });
    }

    fn end(&mut self, name: &str, empty: bool) {
        if !empty {
            self.close(name);
        }
    }

    fn namespace(&mut self, uri: &str, prefix: Option<&str>) {
        self.out.push_str(" xmlns");
        if let Some(prefix) = prefix {
            self.out.push(':');
            self.out.push_str(prefix);
        }
        self.out.push_str("=\"");
        // The model's own, not a caller's.
        debug_assert!(is_plain(uri.as_bytes()), "{uri}");
        self.out.push_str(uri);
        self.out.push('"');
    }
}

/// Whether a scalar's text is empty; `None` for what is no scalar.
fn is_empty(value: &Value) -> Option<bool> {
    match value {
        Value::String(text) => Some(text.is_empty()),
        Value::Blob(bytes) => Some(bytes.is_empty()),
        Value::Bool(_) | Value::Integer(_) | Value::Double(_) | Value::Timestamp(_) | Value::Document(_) => Some(false),
        Value::Null | Value::List(_) | Value::Map(_) | Value::Struct(_) | Value::Held(_) => None,
    }
}

/// Whether nothing must be escaped, as in nearly every text.
fn is_plain(text: &[u8]) -> bool {
    let (words, rest) = text.as_chunks::<8>();
    if !words.iter().all(is_plain_word) {
        return false;
    }
    match text.last_chunk::<8>() {
        Some(last) => rest.is_empty() || is_plain_word(last),
        None => {
            let mut last = [b' '; 8];
            for (to, from) in last.iter_mut().zip(rest) {
                *to = *from;
            }
            is_plain_word(&last)
        }
    }
}

/// Looks at eight bytes at once.
fn is_plain_word(word: &[u8; 8]) -> bool {
    let word = u64::from_le_bytes(*word);
    // Two each differ in one bit.
    let quotes_and_ampersands = zeros((word | all(b'"' ^ b'&')) ^ all(b'"' | b'&'));
    let brackets = zeros((word | all(b'<' ^ b'>')) ^ all(b'<' | b'>'));
    quotes_and_ampersands | brackets | controls(word) == 0
}

/// Escapes markup, and characters that a reader would otherwise change or refuse, by number as AWS does.
fn escape(out: &mut String, text: &str, attribute: bool) {
    if is_plain(text.as_bytes()) {
        out.push_str(text);
        return;
    }
    let mut copied = 0;
    for (at, byte) in text.bytes().enumerate() {
        let name = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\n' | b'\t' if !attribute => continue,
            0..0x20 => "",
            _ => continue,
        };
        // All of these are ASCII, so the cuts fall between characters.
        out.push_str(text.get(copied..at).unwrap_or_default());
        copied = at + 1;
        match (name, byte) {
            // No XML can hold it; AWS's own writers drop to the replacement character.
            ("", 0) => out.push('\u{fffd}'),
            ("", _) => {
                let _ = write!(out, "&#x{byte:X};");
            }
            _ => out.push_str(name),
        }
    }
    out.push_str(text.get(copied..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn text_and_attributes_are_escaped_as_aws_does() {
        for (text, attribute, expected) in [
            ("plain", false, "plain"),
            ("a<b>&\"c\"'", false, "a&lt;b&gt;&amp;&quot;c&quot;'"),
            ("1\r\n2\t", false, "1&#xD;\n2\t"),
            ("1\r\n2\t", true, "1&#xD;&#xA;2&#x9;"),
            ("\u{1}\u{e9}\0", false, "&#x1;\u{e9}\u{fffd}"),
            (
                "behind\u{e9}many?=b\u{1f600}ytes&",
                false,
                "behind\u{e9}many?=b\u{1f600}ytes&amp;",
            ),
            ("eight \"by", false, "eight &quot;by"),
        ] {
            let mut out = String::new();
            escape(&mut out, text, attribute);
            assert_eq!(out, expected);
        }
    }
}
