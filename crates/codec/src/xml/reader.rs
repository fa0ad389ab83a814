//! A pull reader for XML bodies: elements and text, nothing else.
//!
//! Prefixes are cut off names, since AWS's bodies never use one name in two namespaces. A document type is refused, and
//! with it every entity but the five of XML itself, so that a body cannot grow while it is read.

use quick_xml::events::{BytesRef, BytesStart, Event};
use std::borrow::Cow;
use std::fmt;
use virga_base::limits::{NESTING_MAX_DEPTH, VALUE_MAX_NODES};

/// Why a body cannot be read; the protocol gives it its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct XmlError(pub(crate) String);

impl XmlError {
    pub(crate) fn new(detail: impl Into<String>) -> XmlError {
        XmlError(detail.into())
    }
}

impl fmt::Display for XmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<quick_xml::Error> for XmlError {
    fn from(error: quick_xml::Error) -> XmlError {
        XmlError(error.to_string())
    }
}

/// The start of an element, whose children or text are still to be read.
#[derive(Debug)]
pub(crate) struct Element<'a> {
    start: BytesStart<'a>,
}

impl Element<'_> {
    /// The name without its prefix.
    pub(crate) fn name(&self) -> &str {
        // The whole body is UTF-8, and quick-xml cuts names at ASCII characters.
        std::str::from_utf8(self.start.local_name().into_inner()).unwrap_or_default()
    }

    /// The value of the attribute with that local name, if there is one.
    pub(crate) fn attribute(&self, local_name: &str) -> Result<Option<String>, XmlError> {
        for attribute in self.start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| XmlError::new(error.to_string()))?;
            let name = attribute.key.as_ref();
            if name.starts_with(b"xmlns") || local_part(name) != local_name.as_bytes() {
                continue;
            }
            let raw = std::str::from_utf8(&attribute.value).map_err(|_| XmlError::new("an attribute is not UTF-8"))?;
            return unescape(raw).map(Some);
        }
        Ok(None)
    }
}

/// What stands after the colon.
pub(crate) fn local_part(name: &[u8]) -> &[u8] {
    name.iter()
        .position(|b| *b == b':')
        .map_or(name, |colon| name.get(colon + 1..).unwrap_or_default())
}

/// Reads one body. Each element that [`XmlReader::root`] or [`XmlReader::next_child`] gives must be finished by exactly
/// one of: [`XmlReader::next_child`] until it gives none, [`XmlReader::text`], [`XmlReader::skip`].
pub(crate) struct XmlReader<'a> {
    events: quick_xml::Reader<&'a [u8]>,
    depth: usize,
    nodes: usize,
}

impl<'a> XmlReader<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Result<XmlReader<'a>, XmlError> {
        let text = std::str::from_utf8(body).map_err(|_| XmlError::new("the body is not UTF-8"))?;
        if text.contains('\0') {
            return Err(XmlError::new("the body holds the character NUL"));
        }
        let mut events = quick_xml::Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
        events.config_mut().expand_empty_elements = true;
        Ok(XmlReader {
            events,
            depth: 0,
            nodes: 0,
        })
    }

    /// The root element.
    pub(crate) fn root(&mut self) -> Result<Element<'a>, XmlError> {
        loop {
            match self.event()? {
                Event::Start(start) => {
                    self.enter()?;
                    return Ok(Element { start });
                }
                Event::Text(text) if is_space(&text) => {}
                _ => return Err(XmlError::new("the body does not begin with an element")),
            }
        }
    }

    /// The next child of the element that is open, or nothing at its end. Text between children is passed over.
    pub(crate) fn next_child(&mut self) -> Result<Option<Element<'a>>, XmlError> {
        loop {
            match self.event()? {
                Event::Start(start) => {
                    self.enter()?;
                    return Ok(Some(Element { start }));
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(None);
                }
                Event::GeneralRef(reference) => {
                    resolve(&reference)?;
                }
                Event::Text(_) | Event::CData(_) => {}
                _ => return Err(XmlError::new("the body ends inside an element")),
            }
        }
    }

    /// The text of the element that is open, up to its end; it may have no children.
    pub(crate) fn text(&mut self) -> Result<Cow<'a, str>, XmlError> {
        let mut text: Cow<'a, str> = Cow::Borrowed("");
        let mut append = |piece: Cow<'a, str>| {
            if text.is_empty() {
                text = piece;
            } else {
                text.to_mut().push_str(&piece);
            }
        };
        loop {
            match self.event()? {
                Event::Text(piece) => append(lines(piece.decode().map_err(not_utf8)?)),
                Event::CData(piece) => append(lines(piece.decode().map_err(not_utf8)?)),
                Event::GeneralRef(reference) => append(Cow::Owned(resolve(&reference)?.to_string())),
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(text);
                }
                Event::Start(_) => return Err(XmlError::new("an element stands where text is expected")),
                _ => return Err(XmlError::new("the body ends inside an element")),
            }
        }
    }

    /// Passes over what is left of the element that is open.
    pub(crate) fn skip(&mut self) -> Result<(), XmlError> {
        let outer = self.depth.saturating_sub(1);
        while self.depth > outer {
            self.next_child()?;
        }
        Ok(())
    }

    /// Makes sure that nothing follows the root.
    pub(crate) fn finish(&mut self) -> Result<(), XmlError> {
        loop {
            match self.event()? {
                Event::Eof => return Ok(()),
                Event::Text(text) if is_space(&text) => {}
                _ => return Err(XmlError::new("something follows the root element")),
            }
        }
    }

    /// The next event that is not a comment, a processing instruction or the declaration.
    fn event(&mut self) -> Result<Event<'a>, XmlError> {
        loop {
            match self.events.read_event()? {
                Event::Comment(_) | Event::PI(_) => {}
                Event::Decl(declaration) => {
                    if let Some(Ok(encoding)) = declaration.encoding()
                        && !encoding.eq_ignore_ascii_case(b"utf-8")
                        && !encoding.eq_ignore_ascii_case(b"us-ascii")
                    {
                        return Err(XmlError::new("the body's encoding is not UTF-8"));
                    }
                }
                Event::DocType(_) => return Err(XmlError::new("a document type is not allowed")),
                event => return Ok(event),
            }
        }
    }

    fn enter(&mut self) -> Result<(), XmlError> {
        self.depth += 1;
        self.nodes += 1;
        if self.depth > NESTING_MAX_DEPTH {
            return Err(XmlError::new(format!(
                "the body is nested deeper than {NESTING_MAX_DEPTH} levels"
            )));
        }
        if self.nodes > VALUE_MAX_NODES {
            return Err(XmlError::new(format!(
                "the body holds more than {VALUE_MAX_NODES} elements"
            )));
        }
        Ok(())
    }
}

fn not_utf8(_: quick_xml::encoding::EncodingError) -> XmlError {
    XmlError::new("the body is not UTF-8")
}

fn is_space(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_whitespace)
}

/// Turns the line ends of other systems into line feeds, as XML asks.
fn lines(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        text
    }
}

/// The character that a reference names.
fn resolve(reference: &BytesRef<'_>) -> Result<char, XmlError> {
    let name = reference.decode().map_err(not_utf8)?;
    character(&name).ok_or_else(|| XmlError::new(format!("the reference &{name}; means nothing")))
}

/// One of XML's five entities, or a character by its number. Control characters are let in, as AWS does.
fn character(name: &str) -> Option<char> {
    let number = match name {
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "amp" => return Some('&'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        _ => name.strip_prefix('#')?,
    };
    let (digits, radix) = match number.strip_prefix('x') {
        Some(hexadecimal) => (hexadecimal, 16),
        None => (number, 10),
    };
    if !digits.starts_with(|c: char| c.is_digit(radix)) {
        return None;
    }
    u32::from_str_radix(digits, radix)
        .ok()
        .and_then(char::from_u32)
        .filter(|c| *c != '\0')
}

/// Replaces the references in an attribute's value.
fn unescape(raw: &str) -> Result<String, XmlError> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('&') {
        let (name, after) = after
            .split_once(';')
            .ok_or_else(|| XmlError::new("a reference does not end"))?;
        out.push_str(before);
        out.push(character(name).ok_or_else(|| XmlError::new(format!("the reference &{name}; means nothing")))?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::{XmlError, XmlReader};

    fn text_of(body: &str) -> Result<String, XmlError> {
        let mut reader = XmlReader::new(body.as_bytes())?;
        reader.root()?;
        let text = reader.text()?.into_owned();
        reader.finish()?;
        Ok(text)
    }

    #[test]
    fn text_is_put_together_from_its_pieces() {
        for (body, expected) in [
            ("<a>plain</a>", "plain"),
            ("<a/>", ""),
            ("<a>  kept  </a>", "  kept  "),
            ("<a>&lt;&amp;&#x41;&#66;&#xD;&quot;&apos;&gt;</a>", "<&AB\r\"'>"),
            ("<a>one<!-- no -->two<![CDATA[<three>&amp;]]></a>", "onetwo<three>&amp;"),
            (
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<p:a xmlns:p='x'>1\r\n2\r3</p:a>\n",
                "1\n2\n3",
            ),
            ("\u{feff}<a>\u{e9}</a>", "\u{e9}"),
            ("<a>&#1;</a>", "\u{1}"),
        ] {
            assert_eq!(text_of(body).as_deref(), Ok(expected), "{body}");
        }
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(200), "</a>".repeat(200));
        for body in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a/>text",
            "<a>&nbsp;</a>",
            "<a>&#0;</a>",
            "<a>&#xD800;</a>",
            "<a>&#-1;</a>",
            "<a>&#+5;</a>",
            "<a>&</a>",
            "<a><b/></a>",
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
            "<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>",
            &deep,
        ] {
            assert!(text_of(body).is_err(), "{body}");
        }
        assert!(XmlReader::new(b"<a>\xff</a>").is_err());
        assert!(XmlReader::new(b"<a>\0</a>").is_err());
        let mut reader = XmlReader::new(deep.as_bytes()).unwrap();
        reader.root().unwrap();
        assert!(reader.skip().is_err());
    }

    #[test]
    fn children_and_attributes_are_found_by_local_name() {
        let body = b"<r xmlns:i='u' i:type='a&amp;b' x=\"\"><i:c>1</i:c> <!-- --> <d><e/></d><f/></r>";
        let mut reader = XmlReader::new(body).unwrap();
        let root = reader.root().unwrap();
        assert_eq!(root.name(), "r");
        assert_eq!(root.attribute("type").unwrap().as_deref(), Some("a&b"));
        assert_eq!(root.attribute("x").unwrap().as_deref(), Some(""));
        assert_eq!(root.attribute("i").unwrap(), None);
        let mut names = Vec::new();
        while let Some(child) = reader.next_child().unwrap() {
            names.push(child.name().to_owned());
            reader.skip().unwrap();
        }
        assert_eq!(names, ["c", "d", "f"]);
        reader.finish().unwrap();
    }
}
