//! Messages of PostgreSQL's protocol, version 3: how they are written and how they are read.

/// What a bind parameter is: bytes as they are, or a whole number.
#[derive(Clone, Copy, Debug)]
pub enum Parameter<'a> {
    Bytes(&'a [u8]),
    Number(i64),
    /// An array of byte strings.
    Many(&'a [Vec<u8>]),
    Text(&'a str),
}

/// Numbers of PostgreSQL's types.
pub const BYTES: u32 = 17;
pub const NUMBER: u32 = 20;
pub const TEXT: u32 = 25;
pub const MANY: u32 = 1001;

/// Larger answers are not believed.
const ANSWER_MAX_BYTES: usize = 1 << 30;

/// Messages to send, one behind the other.
#[derive(Default)]
pub struct Outgoing {
    bytes: Vec<u8>,
}

impl Outgoing {
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(64 << 10);
    }

    fn message(&mut self, tag: Option<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.extend(tag);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        write(&mut self.bytes);
        let length = (self.bytes.len() - start) as u32;
        if let Some(place) = self.bytes.get_mut(start..start + 4) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }

    pub fn startup(&mut self, parameters: &[(&str, &str)]) {
        self.message(None, |out| {
            out.extend_from_slice(&(3u32 << 16).to_be_bytes());
            for (name, value) in parameters {
                text(out, name);
                text(out, value);
            }
            out.push(0);
        });
    }

    pub fn ask_for_tls(&mut self) {
        self.message(None, |out| out.extend_from_slice(&80_877_103u32.to_be_bytes()));
    }

    pub fn password(&mut self, password: &str) {
        self.message(Some(b'p'), |out| text(out, password));
    }

    pub fn sasl_first(&mut self, mechanism: &str, message: &str) {
        self.message(Some(b'p'), |out| {
            text(out, mechanism);
            out.extend_from_slice(&(message.len() as u32).to_be_bytes());
            out.extend_from_slice(message.as_bytes());
        });
    }

    pub fn sasl_next(&mut self, message: &str) {
        self.message(Some(b'p'), |out| out.extend_from_slice(message.as_bytes()));
    }

    /// Statements as text, answered with one `Ready` for all.
    pub fn query(&mut self, sql: &str) {
        self.message(Some(b'Q'), |out| text(out, sql));
    }

    pub fn parse(&mut self, name: &str, sql: &str, types: &[u32]) {
        self.message(Some(b'P'), |out| {
            text(out, name);
            text(out, sql);
            out.extend_from_slice(&(types.len() as u16).to_be_bytes());
            for number in types {
                out.extend_from_slice(&number.to_be_bytes());
            }
        });
    }

    /// Binds and executes a prepared statement; parameters and results are binary.
    pub fn execute(&mut self, name: &str, parameters: &[Parameter<'_>]) {
        self.message(Some(b'B'), |out| {
            text(out, "");
            text(out, name);
            out.extend_from_slice(&[0, 1, 0, 1]);
            out.extend_from_slice(&(parameters.len() as u16).to_be_bytes());
            for value in parameters {
                parameter(out, *value);
            }
            out.extend_from_slice(&[0, 1, 0, 1]);
        });
        self.message(Some(b'E'), |out| {
            text(out, "");
            out.extend_from_slice(&[0; 4]);
        });
    }

    pub fn sync(&mut self) {
        self.message(Some(b'S'), |_| {});
    }

    pub fn terminate(&mut self) {
        self.message(Some(b'X'), |_| {});
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    // A zero would end the text early; no name or statement of ours has one.
    out.extend(text.bytes().filter(|byte| *byte != 0));
    out.push(0);
}

fn parameter(out: &mut Vec<u8>, value: Parameter<'_>) {
    let sized = |out: &mut Vec<u8>, bytes: &[u8]| {
        out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        out.extend_from_slice(bytes);
    };
    match value {
        Parameter::Bytes(bytes) => sized(out, bytes),
        Parameter::Text(text) => sized(out, text.as_bytes()),
        Parameter::Number(number) => sized(out, &number.to_be_bytes()),
        Parameter::Many(all) => {
            let start = out.len();
            out.extend_from_slice(&[0; 4]);
            // One dimension, no nulls, of bytes; so many, counted from one.
            for head in [1, 0, BYTES, all.len() as u32, 1] {
                out.extend_from_slice(&head.to_be_bytes());
            }
            for bytes in all {
                sized(out, bytes);
            }
            let length = (out.len() - start - 4) as u32;
            if let Some(place) = out.get_mut(start..start + 4) {
                place.copy_from_slice(&length.to_be_bytes());
            }
        }
    }
}

/// What a server says about something that it did not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlError {
    /// Five letters of the SQL standard.
    pub code: String,
    pub message: String,
}

/// A message of the server.
#[derive(Debug)]
pub enum Answer<'a> {
    /// Kind of authentication, and its data.
    Authentication(u32, &'a [u8]),
    Row(Columns<'a>),
    /// A statement is done; what it was and did.
    Done(&'a str),
    Error(SqlError),
    /// All that was asked is answered.
    Ready,
    Other,
}

/// The values of a row.
#[derive(Clone, Debug)]
pub struct Columns<'a>(&'a [u8]);

impl<'a> Columns<'a> {
    /// The next value; nothing where it is null or there is none.
    pub fn next(&mut self) -> Option<&'a [u8]> {
        let length = take_number(&mut self.0)?;
        take(&mut self.0, length as usize)
    }

    /// The next value, as a whole number.
    pub fn number(&mut self) -> Option<i64> {
        self.next()?.try_into().ok().map(i64::from_be_bytes)
    }
}

fn take<'a>(input: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (head, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(head)
}

fn take_number(input: &mut &[u8]) -> Option<u32> {
    take(input, 4)?.try_into().ok().map(u32::from_be_bytes)
}

fn take_text<'a>(input: &mut &'a [u8]) -> Option<&'a str> {
    let end = input.iter().position(|byte| *byte == 0)?;
    let text = std::str::from_utf8(take(input, end)?).ok()?;
    take(input, 1)?;
    Some(text)
}

/// How long the message at the front is with its head, once that is there; an error where it is none.
pub fn length(input: &[u8]) -> Result<Option<usize>, String> {
    let Some((_, mut rest)) = input.split_first() else {
        return Ok(None);
    };
    match take_number(&mut rest).map(|length| length as usize) {
        None => Ok(None),
        Some(length) if (4..ANSWER_MAX_BYTES).contains(&length) => Ok(Some(length + 1)),
        Some(_) => Err("the server does not speak PostgreSQL's protocol".to_owned()),
    }
}

/// Reads a message, whole and with its head.
pub fn read(message: &[u8]) -> Option<Answer<'_>> {
    let (tag, rest) = message.split_first()?;
    let mut rest = rest.get(4..)?;
    Some(match tag {
        b'R' => Answer::Authentication(take_number(&mut rest)?, rest),
        b'D' => {
            take(&mut rest, 2)?;
            Answer::Row(Columns(rest))
        }
        b'C' => Answer::Done(take_text(&mut rest)?),
        b'Z' => Answer::Ready,
        b'E' => {
            let (mut code, mut message) = (String::new(), String::new());
            while let Some((kind, after)) = rest.split_first().filter(|(kind, _)| **kind != 0) {
                rest = after;
                // Servers in other encodings than ours are told to speak ours; before that, they may not.
                let end = rest.iter().position(|byte| *byte == 0)?;
                let value = String::from_utf8_lossy(take(&mut rest, end)?).into_owned();
                take(&mut rest, 1)?;
                match kind {
                    b'C' => code = value,
                    b'M' => message = value,
                    _ => {}
                }
            }
            Answer::Error(SqlError { code, message })
        }
        _ => Answer::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::{Answer, Outgoing, Parameter, length, read};
    use proptest::prelude::{any, proptest};

    #[test]
    fn messages_have_their_length() {
        let mut out = Outgoing::default();
        out.execute("g", &[Parameter::Number(7), Parameter::Bytes(b"key")]);
        let bind = length(out.bytes()).ok().flatten().map(|end| out.bytes().split_at(end));
        let Some((bind, execute)) = bind else {
            panic!("no message")
        };
        assert_eq!(bind.first(), Some(&b'B'));
        assert_eq!(execute, b"E\0\0\0\x09\0\0\0\0\0");
        assert!(bind.windows(7).any(|part| part == b"\0\0\0\x03key"));
    }

    #[test]
    fn rows_and_errors_are_read() {
        let row = b"D\0\0\0\x19\0\x02\0\0\0\x03abc\xff\xff\xff\xff";
        let Some(Answer::Row(mut columns)) = read(row) else {
            panic!("no row")
        };
        assert_eq!((columns.next(), columns.next()), (Some(&b"abc"[..]), None));
        let Some(Answer::Error(error)) = read(b"E\0\0\0\x00SERROR\0C40001\0Mno\0\0") else {
            panic!("no error")
        };
        assert_eq!((error.code.as_str(), error.message.as_str()), ("40001", "no"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic(junk in any::<Vec<u8>>()) {
            let _ = length(&junk);
            if let Some(Answer::Row(mut columns)) = read(&junk) {
                let _ = (columns.number(), columns.next());
            }
        }
    }
}
