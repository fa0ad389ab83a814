//! The words of a query.

use super::Wrong;

#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A name or keyword, as written.
    Word(String),
    /// A name in double quotes.
    Quoted(String),
    Text(String),
    Number(f64),
    /// Operators and punctuation.
    Sign(&'static str),
}

/// The longest first.
const SIGNS: [&str; 19] = [
    "<=", ">=", "<>", "!=", "||", "<", ">", "=", "(", ")", "[", "]", ",", ".", "*", "+", "-", "/", "%",
];

pub fn tokens(sql: &str) -> Result<Vec<Token>, Wrong> {
    let mut out = Vec::new();
    let mut rest = sql.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = if first == '\'' || first == '"' {
            let (text, length) = quoted(rest, first).ok_or_else(|| Wrong::Sql(rest.to_owned()))?;
            let token = if first == '"' {
                Token::Quoted(text)
            } else {
                Token::Text(text)
            };
            (token, length)
        } else if first.is_ascii_digit() {
            let length = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .unwrap_or(rest.len());
            let text = rest.get(..length).unwrap_or_default();
            let number = text.parse().map_err(|_| Wrong::Sql(rest.to_owned()))?;
            (Token::Number(number), length)
        } else if first.is_alphabetic() || first == '_' {
            let length = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            (Token::Word(rest.get(..length).unwrap_or_default().to_owned()), length)
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
            let sign = sign.ok_or_else(|| Wrong::Sql(rest.to_owned()))?;
            (Token::Sign(sign), sign.len())
        };
        out.push(token);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    // A semicolon is no sign; one at the end would have failed above, as it does on AWS.
    Ok(out)
}

/// Text in quotes, doubled ones standing for one, and its length with them.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            out.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
            chars.next();
            out.push(c);
        } else {
            return Some((out, at + 1));
        }
    }
    None
}
