//! One message and its bytes.

use bytes::Bytes;
use std::fmt;
use virga_base::Timestamp;

/// Total length, length of the headers, their CRC.
const PRELUDE_BYTES: usize = 12;
/// The prelude and the CRC at the end.
const FRAME_BYTES: usize = PRELUDE_BYTES + 4;
const HEADERS_MAX_BYTES: usize = 128 * 1024;
const PAYLOAD_MAX_BYTES: usize = 24 * 1024 * 1024;

/// A header's value, one variant for each type of the format.
#[derive(Clone, Debug, PartialEq)]
pub enum HeaderValue {
    Bool(bool),
    Byte(i8),
    Short(i16),
    Integer(i32),
    Long(i64),
    Bytes(Bytes),
    String(String),
    Timestamp(Timestamp),
    Uuid([u8; 16]),
}

impl From<&str> for HeaderValue {
    fn from(text: &str) -> HeaderValue {
        HeaderValue::String(text.to_owned())
    }
}

/// One message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    pub headers: Vec<(String, HeaderValue)>,
    pub payload: Bytes,
}

/// Why bytes are no message, or a message has no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// A length that contradicts another or exceeds the format's bounds.
    Length,
    /// The CRC of the prelude is wrong.
    PreludeChecksum,
    /// The CRC of the message is wrong.
    MessageChecksum,
    /// A header with an empty or overlong name, an unknown type, or an overlong or broken value.
    Header,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FrameError::Length => "a length in the event stream is wrong",
            FrameError::PreludeChecksum => "the checksum of an event's prelude is wrong",
            FrameError::MessageChecksum => "the checksum of an event is wrong",
            FrameError::Header => "a header of an event is malformed",
        })
    }
}

impl std::error::Error for FrameError {}

impl Message {
    pub fn new(payload: impl Into<Bytes>) -> Message {
        Message {
            headers: Vec::new(),
            payload: payload.into(),
        }
    }

    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: HeaderValue) -> Message {
        self.headers.push((name.into(), value));
        self
    }

    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&HeaderValue> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// The first header of that name, if it is a string.
    pub fn header_text(&self, name: &str) -> Option<&str> {
        match self.header(name) {
            Some(HeaderValue::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Appends the message's bytes to `out`.
    ///
    /// # Errors
    /// [`FrameError::Header`] or [`FrameError::Length`] for what exceeds the format's bounds; `out` is then unchanged.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let mut headers = Vec::new();
        for (name, value) in &self.headers {
            write_header(&mut headers, name, value)?;
        }
        if headers.len() > HEADERS_MAX_BYTES || self.payload.len() > PAYLOAD_MAX_BYTES {
            return Err(FrameError::Length);
        }
        let total = FRAME_BYTES + headers.len() + self.payload.len();
        let mut prelude = Vec::with_capacity(PRELUDE_BYTES);
        prelude.extend_from_slice(&(total as u32).to_be_bytes());
        prelude.extend_from_slice(&(headers.len() as u32).to_be_bytes());
        let prelude_crc = crc32fast::hash(&prelude).to_be_bytes();
        prelude.extend_from_slice(&prelude_crc);
        let mut crc = crc32fast::Hasher::new();
        out.reserve(total);
        for part in [prelude.as_slice(), &headers, &self.payload] {
            crc.update(part);
            out.extend_from_slice(part);
        }
        out.extend_from_slice(&crc.finalize().to_be_bytes());
        Ok(())
    }

    /// Reads the message at the start of `bytes` and its length, or `None` where it is not all there yet.
    ///
    /// # Errors
    /// See [`FrameError`]; the bytes can then not be read further.
    pub fn decode(bytes: &[u8]) -> Result<Option<(Message, usize)>, FrameError> {
        let Some((prelude, _)) = bytes.split_at_checked(PRELUDE_BYTES) else {
            return Ok(None);
        };
        let mut reader = Reader(prelude);
        let total = reader.u32()? as usize;
        let headers_length = reader.u32()? as usize;
        let crc = reader.u32()?;
        let checked = prelude.get(..8).unwrap_or_default();
        if crc32fast::hash(checked) != crc {
            return Err(FrameError::PreludeChecksum);
        }
        let fits = headers_length <= HEADERS_MAX_BYTES
            && total >= FRAME_BYTES + headers_length
            && total <= FRAME_BYTES + headers_length + PAYLOAD_MAX_BYTES;
        if !fits {
            return Err(FrameError::Length);
        }
        let Some((message, _)) = bytes.split_at_checked(total) else {
            return Ok(None);
        };
        let (checked, crc) = message.split_at_checked(total - 4).ok_or(FrameError::Length)?;
        if crc32fast::hash(checked) != Reader(crc).u32()? {
            return Err(FrameError::MessageChecksum);
        }
        let mut reader = Reader(checked.get(PRELUDE_BYTES..).unwrap_or_default());
        let mut headers_reader = Reader(reader.take(headers_length)?);
        let mut headers = Vec::new();
        while !headers_reader.0.is_empty() {
            headers.push(read_header(&mut headers_reader)?);
        }
        let payload = Bytes::copy_from_slice(reader.0);
        Ok(Some((Message { headers, payload }, total)))
    }
}

fn write_header(out: &mut Vec<u8>, name: &str, value: &HeaderValue) -> Result<(), FrameError> {
    let name_length = u8::try_from(name.len()).map_err(|_| FrameError::Header)?;
    if name_length == 0 {
        return Err(FrameError::Header);
    }
    out.push(name_length);
    out.extend_from_slice(name.as_bytes());
    let mut sized = |kind: u8, bytes: &[u8]| {
        let length = u16::try_from(bytes.len()).map_err(|_| FrameError::Header)?;
        out.push(kind);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(bytes);
        Ok(())
    };
    match value {
        HeaderValue::Bytes(bytes) => sized(6, bytes)?,
        HeaderValue::String(text) => sized(7, text.as_bytes())?,
        HeaderValue::Bool(true) => out.push(0),
        HeaderValue::Bool(false) => out.push(1),
        HeaderValue::Byte(n) => {
            out.push(2);
            out.extend_from_slice(&n.to_be_bytes());
        }
        HeaderValue::Short(n) => {
            out.push(3);
            out.extend_from_slice(&n.to_be_bytes());
        }
        HeaderValue::Integer(n) => {
            out.push(4);
            out.extend_from_slice(&n.to_be_bytes());
        }
        HeaderValue::Long(n) => {
            out.push(5);
            out.extend_from_slice(&n.to_be_bytes());
        }
        HeaderValue::Timestamp(time) => {
            out.push(8);
            out.extend_from_slice(&time.as_millis().to_be_bytes());
        }
        HeaderValue::Uuid(bytes) => {
            out.push(9);
            out.extend_from_slice(bytes);
        }
    }
    Ok(())
}

fn read_header(reader: &mut Reader<'_>) -> Result<(String, HeaderValue), FrameError> {
    let [length] = reader.array()?;
    let name = reader.take(usize::from(length))?;
    let name = std::str::from_utf8(name).map_err(|_| FrameError::Header)?;
    if name.is_empty() {
        return Err(FrameError::Header);
    }
    let [kind] = reader.array()?;
    let value = match kind {
        0 => HeaderValue::Bool(true),
        1 => HeaderValue::Bool(false),
        2 => HeaderValue::Byte(i8::from_be_bytes(reader.array()?)),
        3 => HeaderValue::Short(i16::from_be_bytes(reader.array()?)),
        4 => HeaderValue::Integer(i32::from_be_bytes(reader.array()?)),
        5 => HeaderValue::Long(i64::from_be_bytes(reader.array()?)),
        6 | 7 => {
            let length = u16::from_be_bytes(reader.array()?);
            let bytes = reader.take(usize::from(length))?;
            if kind == 6 {
                HeaderValue::Bytes(Bytes::copy_from_slice(bytes))
            } else {
                let text = std::str::from_utf8(bytes).map_err(|_| FrameError::Header)?;
                HeaderValue::String(text.to_owned())
            }
        }
        8 => HeaderValue::Timestamp(Timestamp::from_millis(i64::from_be_bytes(reader.array()?))),
        9 => HeaderValue::Uuid(reader.array()?),
        _ => return Err(FrameError::Header),
    };
    Ok((name.to_owned(), value))
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], FrameError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(FrameError::Header)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        self.take(N)?.try_into().map_err(|_| FrameError::Header)
    }

    fn u32(&mut self) -> Result<u32, FrameError> {
        self.array().map(u32::from_be_bytes)
    }
}

/// Messages out of a stream that comes in pieces.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// Bytes of the buffer that are read already.
    read: usize,
}

impl Decoder {
    /// Takes the next piece of the stream.
    pub fn push(&mut self, piece: &[u8]) {
        self.buffer.drain(..self.read);
        self.read = 0;
        self.buffer.extend_from_slice(piece);
    }

    /// The next whole message, if there is one.
    ///
    /// # Errors
    /// See [`Message::decode`].
    pub fn next_message(&mut self) -> Result<Option<Message>, FrameError> {
        let unread = self.buffer.get(self.read..).unwrap_or_default();
        let decoded = Message::decode(unread)?;
        Ok(decoded.map(|(message, length)| {
            self.read += length;
            message
        }))
    }

    /// Whether everything pushed has been read.
    pub fn is_empty(&self) -> bool {
        self.read == self.buffer.len()
    }
}
