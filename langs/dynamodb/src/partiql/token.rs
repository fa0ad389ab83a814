//! From text to tokens: blanks and comments are gone, quotes are taken off.

use super::NOT_WELL_FORMED;
use crate::Invalid;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A name or a keyword, as it is written.
    Word(String),
    /// A name in double quotes, without them.
    Quoted(String),
    /// A text in single quotes, without them.
    Text(String),
    /// A number as it is written.
    Number(String),
    Symbol(&'static str),
    /// The place of a parameter, counted from 0.
    Parameter(usize),
    End,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// Where it begins: line and column, both counted from 1, and its length, all in characters.
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) length: usize,
}

impl Token {
    /// As errors show it: `1:32:7`.
    pub(super) fn place(&self) -> String {
        format!("{}:{}:{}", self.line, self.column, self.length)
    }
}

/// The longer ones first.
const SYMBOLS: &[&str] = &[
    "<<", ">>", "<>", "!=", "<=", ">=", "||", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ".", ":", "*", "+",
    "-", "/", "%", ";",
];

/// What cannot be read at all is told without a word of what it is.
pub(super) fn unreadable() -> Invalid {
    Invalid::new(NOT_WELL_FORMED)
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Invalid> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut parameters = 0;
    let (mut at, mut line, mut line_start) = (0, 1, 0);
    while let Some(first) = characters.get(at).copied() {
        let rest = characters.get(at..).unwrap_or_default();
        let blank = blank_length(rest)?;
        let (kind, length) = if blank > 0 {
            (None, blank)
        } else {
            let (kind, length) = token(first, rest, parameters)?;
            parameters += usize::from(matches!(kind, TokenKind::Parameter(_)));
            (Some(kind), length)
        };
        if let Some(kind) = kind {
            tokens.push(Token {
                kind,
                line,
                column: at - line_start + 1,
                length,
            });
        }
        for (offset, character) in rest.iter().take(length).enumerate() {
            if *character == '\n' {
                line += 1;
                line_start = at + offset + 1;
            }
        }
        at += length;
    }
    tokens.push(Token {
        kind: TokenKind::End,
        line,
        column: at - line_start + 1,
        length: 0,
    });
    Ok(tokens)
}

/// How many characters of blanks or of one comment the text begins with.
fn blank_length(rest: &[char]) -> Result<usize, Invalid> {
    match rest {
        [blank, ..] if blank.is_whitespace() => Ok(1),
        ['-', '-', ..] => Ok(rest.iter().take_while(|character| **character != '\n').count()),
        ['/', '*', inner @ ..] => match inner.windows(2).position(|pair| pair == ['*', '/']) {
            Some(end) => Ok(end + 4),
            None => Err(unreadable()),
        },
        _ => Ok(0),
    }
}

fn token(first: char, rest: &[char], parameters: usize) -> Result<(TokenKind, usize), Invalid> {
    let word = |character: &char| character.is_alphanumeric() || matches!(character, '_' | '$');
    match first {
        '\'' => quoted(rest, '\'').map(|(text, length)| (TokenKind::Text(text), length)),
        '"' => quoted(rest, '"').map(|(text, length)| (TokenKind::Quoted(text), length)),
        '?' => Ok((TokenKind::Parameter(parameters), 1)),
        '0'..='9' => Ok(number(rest)),
        '.' if rest.get(1).is_some_and(char::is_ascii_digit) => Ok(number(rest)),
        _ if first.is_alphabetic() || matches!(first, '_' | '$') => {
            let text: String = rest.iter().take_while(|character| word(character)).collect();
            let length = text.chars().count();
            Ok((TokenKind::Word(text), length))
        }
        _ => {
            let starts = |symbol: &&&str| symbol.chars().eq(rest.iter().copied().take(symbol.len()));
            match SYMBOLS.iter().find(starts) {
                Some(symbol) => Ok((TokenKind::Symbol(symbol), symbol.len())),
                None => Err(unreadable()),
            }
        }
    }
}

/// A quote within is written twice.
fn quoted(rest: &[char], quote: char) -> Result<(String, usize), Invalid> {
    let mut text = String::new();
    let mut at = 1;
    loop {
        match (rest.get(at), rest.get(at + 1)) {
            (Some(one), Some(two)) if *one == quote && *two == quote => {
                text.push(quote);
                at += 2;
            }
            (Some(one), _) if *one == quote => return Ok((text, at + 1)),
            (Some(other), _) => {
                text.push(*other);
                at += 1;
            }
            (None, _) => return Err(unreadable()),
        }
    }
}

/// Digits with a point somewhere, and an exponent if it has digits.
fn number(rest: &[char]) -> (TokenKind, usize) {
    let digits = |from: usize| rest.iter().skip(from).take_while(|one| one.is_ascii_digit()).count();
    let mut length = digits(0);
    if rest.get(length) == Some(&'.') {
        length += 1 + digits(length + 1);
    }
    if matches!(rest.get(length), Some('e' | 'E')) {
        let sign = usize::from(matches!(rest.get(length + 1), Some('+' | '-')));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    (TokenKind::Number(rest.iter().take(length).collect()), length)
}
