//! The tokens of JSON. Strict: UTF-8, RFC 8259's grammar, no trailing commas, no lone surrogates.

use crate::budget::{Budget, Refused, refuse};
use crate::words::{all, controls, zeros};
use std::borrow::Cow;

/// A place in a text that is known to be UTF-8.
pub(crate) struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    pub(super) budget: Budget,
}

/// A number as it stands in the text; its grammar has been checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct NumberToken<'a> {
    pub(super) text: &'a str,
    /// No point and no exponent.
    pub(super) whole: bool,
}

impl NumberToken<'_> {
    /// The number if it is whole and fits; `1.0` and `1e3` are whole too.
    pub(super) fn to_integer(self) -> Option<i64> {
        if self.whole {
            return self.text.parse().ok();
        }
        let number: f64 = self.text.parse().ok()?;
        // Below 2^53 every whole double is exact.
        (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
    }

    /// The nearest double; `None` where it is beyond all of them.
    pub(super) fn to_double(self) -> Option<f64> {
        self.text.parse().ok().filter(|n: &f64| n.is_finite())
    }
}

impl<'a> Parser<'a> {
    pub(super) fn new(body: &'a [u8]) -> Result<Parser<'a>, Refused> {
        let text =
            std::str::from_utf8(body).map_err(|e| refuse(format!("Invalid UTF-8 at byte {}", e.valid_up_to())))?;
        Ok(Parser {
            text,
            bytes: text.as_bytes(),
            at: 0,
            budget: Budget::new(),
        })
    }

    /// The first byte of the next token, which stays unread.
    pub(super) fn peek(&mut self) -> Result<u8, Refused> {
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                _ => return Ok(byte),
            }
        }
        Err(refuse("Unexpected end of the JSON text"))
    }

    /// Nothing but white space may follow.
    pub(super) fn end(&mut self) -> Result<(), Refused> {
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                _ => return Err(self.unexpected()),
            }
        }
        Ok(())
    }

    /// The error for what stands here.
    pub(super) fn unexpected(&self) -> Refused {
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(c) => refuse(format!(
                "Unexpected character ('{}' (code {})) at byte {}",
                c.escape_default(),
                u32::from(c),
                self.at
            )),
            None => refuse("Unexpected end of the JSON text"),
        }
    }

    /// Takes `byte` if it is the next token's first.
    pub(super) fn take(&mut self, byte: u8) -> Result<bool, Refused> {
        if self.peek()? == byte {
            self.at += 1;
            return Ok(true);
        }
        Ok(false)
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Refused> {
        if self.take(byte)? {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    /// Takes `true`, `false` or `null` as a whole.
    pub(super) fn word(&mut self, word: &str) -> Result<(), Refused> {
        let end = self.at + word.len();
        if self.bytes.get(self.at..end) == Some(word.as_bytes()) {
            self.at = end;
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    /// Opens an object or list.
    pub(super) fn open(&mut self, byte: u8) -> Result<(), Refused> {
        self.expect(byte)?;
        self.budget.enter()
    }

    /// After `{` or a comma: the next key with its colon taken, or `None` where the object ends. `first` is for the
    /// caller to keep: true before the first key.
    pub(super) fn next_key(&mut self, first: &mut bool) -> Result<Option<Cow<'a, str>>, Refused> {
        if !self.next_item(b'}', first)? {
            return Ok(None);
        }
        let key = self.string()?;
        self.expect(b':')?;
        Ok(Some(key))
    }

    /// Whether another item follows; takes the comma before it or the closing byte.
    pub(super) fn next_item(&mut self, close: u8, first: &mut bool) -> Result<bool, Refused> {
        let byte = self.peek()?;
        if byte == close {
            self.at += 1;
            self.budget.leave();
            return Ok(false);
        }
        if !std::mem::replace(first, false) {
            if byte != b',' {
                return Err(self.unexpected());
            }
            self.at += 1;
        }
        Ok(true)
    }

    /// A string token. Borrowed from the body unless it holds escapes.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, Refused> {
        self.expect(b'"')?;
        let start = self.at;
        match self.plain_run()? {
            b'"' => {
                let plain = self.text.get(start..self.at).unwrap_or_default();
                self.at += 1;
                Ok(Cow::Borrowed(plain))
            }
            _ => self.escaped_string(start).map(Cow::Owned),
        }
    }

    /// Moves to the next quote or backslash and says which it is.
    #[inline]
    fn plain_run(&mut self) -> Result<u8, Refused> {
        self.at += plain_length(self.bytes.get(self.at..).unwrap_or_default());
        match self.bytes.get(self.at) {
            Some(&byte @ (b'"' | b'\\')) => Ok(byte),
            _ => Err(self.unexpected()),
        }
    }

    fn escaped_string(&mut self, start: usize) -> Result<String, Refused> {
        let mut out = String::with_capacity(self.at - start + 120);
        out.push_str(self.text.get(start..self.at).unwrap_or_default());
        loop {
            // Here stands a backslash or the closing quote.
            let byte = self.bytes.get(self.at).copied();
            self.at += 1;
            if byte == Some(b'"') {
                return Ok(out);
            }
            let escape = self.bytes.get(self.at).copied();
            let c = match escape {
                Some(b'"') => '"',
                Some(b'\\') => '\\',
                Some(b'/') => '/',
                Some(b'b') => '\u{8}',
                Some(b'f') => '\u{c}',
                Some(b'n') => '\n',
                Some(b'r') => '\r',
                Some(b't') => '\t',
                Some(b'u') => self.unicode_escape()?,
                _ => return Err(self.unexpected()),
            };
            self.at += 1;
            out.push(c);
            let run = self.at;
            self.plain_run()?;
            out.push_str(self.text.get(run..self.at).unwrap_or_default());
        }
    }

    /// At the `u` of an escape; ends at its last digit.
    fn unicode_escape(&mut self) -> Result<char, Refused> {
        let first = self.four_digits()?;
        let code = match first {
            0xD800..=0xDBFF => {
                let has_second = self.bytes.get(self.at + 1..self.at + 3) == Some(b"\\u".as_slice());
                if !has_second {
                    return Err(refuse("Unpaired surrogate in a JSON string"));
                }
                self.at += 2;
                let second = self.four_digits()?;
                if !(0xDC00..=0xDFFF).contains(&second) {
                    return Err(refuse("Unpaired surrogate in a JSON string"));
                }
                0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
            }
            code => code,
        };
        char::from_u32(code).ok_or_else(|| refuse("Unpaired surrogate in a JSON string"))
    }

    fn four_digits(&mut self) -> Result<u32, Refused> {
        let mut code = 0;
        for _ in 0..4 {
            self.at += 1;
            let digit = self.bytes.get(self.at).and_then(|b| char::from(*b).to_digit(16));
            code = code * 16 + digit.ok_or_else(|| self.unexpected())?;
        }
        Ok(code)
    }

    /// A number token.
    pub(super) fn number(&mut self) -> Result<NumberToken<'a>, Refused> {
        let start = self.at;
        if self.bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        match self.bytes.get(self.at) {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err(self.unexpected()),
        }
        let mut whole = true;
        if self.bytes.get(self.at) == Some(&b'.') {
            whole = false;
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            whole = false;
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(NumberToken {
            text: self.text.get(start..self.at).unwrap_or_default(),
            whole,
        })
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), Refused> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.bytes.get(self.at) {
            self.at += 1;
        }
        if self.at == start {
            Err(self.unexpected())
        } else {
            Ok(())
        }
    }

    /// Passes over a value of any kind, still counted and bounded in depth.
    pub(super) fn skip(&mut self) -> Result<(), Refused> {
        self.budget.node()?;
        match self.peek()? {
            b'{' => {
                self.open(b'{')?;
                let mut first = true;
                while self.next_key(&mut first)?.is_some() {
                    self.skip()?;
                }
                Ok(())
            }
            b'[' => {
                self.open(b'[')?;
                let mut first = true;
                while self.next_item(b']', &mut first)? {
                    self.skip()?;
                }
                Ok(())
            }
            b'"' => self.string().map(drop),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number().map(drop),
        }
    }
}

/// The high bits of the quotes, backslashes and control characters among eight bytes. The lowest bit set is exact; those
/// above it may be echoes.
fn specials(word: [u8; 8]) -> u64 {
    let word = u64::from_le_bytes(word);
    zeros(word ^ all(b'"')) | zeros(word ^ all(b'\\')) | controls(word)
}

fn is_special(byte: u8) -> u8 {
    u8::from(byte == b'"') | u8::from(byte == b'\\') | u8::from(byte < 0x20)
}

/// Whether there is no quote, backslash or control character at all.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    // The last word, or block, overlaps those before it. Without a way out, a block is looked at as a whole.
    if let Some(last) = bytes.last_chunk::<32>() {
        let (blocks, _) = bytes.as_chunks::<32>();
        let any = |block: &[u8; 32]| block.iter().fold(0, |any, byte| any | is_special(*byte)) != 0;
        return !blocks.iter().any(any) && !any(last);
    }
    match bytes.last_chunk::<8>() {
        Some(last) => {
            let (words, _) = bytes.as_chunks::<8>();
            !words.iter().any(|word| specials(*word) != 0) && specials(*last) == 0
        }
        None => bytes.iter().fold(0, |any, byte| any | is_special(*byte)) == 0,
    }
}

/// How many bytes stand before the first quote, backslash or control character.
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    let mut before = 0;
    // Most strings are short.
    let (words, _) = bytes.as_chunks::<8>();
    for word in words.iter().take(2) {
        match specials(*word) {
            0 => before += 8,
            found => return before + found.trailing_zeros() as usize / 8,
        }
    }
    let (blocks, _) = bytes.get(before..).unwrap_or_default().as_chunks::<32>();
    for block in blocks {
        if block.iter().fold(0, |any, byte| any | is_special(*byte)) != 0 {
            break;
        }
        before += 32;
    }
    let (words, rest) = bytes.get(before..).unwrap_or_default().as_chunks::<8>();
    for word in words {
        match specials(*word) {
            0 => before += 8,
            found => return before + found.trailing_zeros() as usize / 8,
        }
    }
    before
        + rest
            .iter()
            .position(|byte| is_special(*byte) != 0)
            .unwrap_or(rest.len())
}
