//! Literals: numbers, texts, lists, maps and bags, which are sets.

use super::parse::{Parser, item_of};
use super::token::{TokenKind, unreadable};
use crate::attribute::{Kind, check_value};
use crate::{AttributeValue, Invalid, Number};

impl Parser<'_> {
    /// A value that no item has a part in. `path` is where it lies, for errors.
    pub(super) fn literal(&mut self, path: &str) -> Result<AttributeValue, Invalid> {
        self.enter()?;
        let value = self.literal_at(path)?;
        self.leave();
        Ok(value)
    }

    fn literal_at(&mut self, path: &str) -> Result<AttributeValue, Invalid> {
        let value = match &self.token().kind {
            TokenKind::Text(text) => AttributeValue::S(text.clone()),
            TokenKind::Number(text) => number(text, path)?,
            TokenKind::Parameter(at) => self.parameter(*at),
            TokenKind::Symbol("-") => {
                let TokenKind::Number(text) = self.ahead(1) else {
                    return Err(self.malformed("Unexpected term"));
                };
                let value = number(&format!("-{text}"), path)?;
                self.advance();
                value
            }
            TokenKind::Symbol("[") => return self.list(path),
            TokenKind::Symbol("{") => return self.map(path),
            TokenKind::Symbol("<<") => return self.bag(path),
            TokenKind::Word(word) => {
                if matches!(self.ahead(1), TokenKind::Symbol("(")) {
                    return Err(Invalid(format!(
                        "Unsupported data type: {word} under key {path} at {}",
                        self.token().place()
                    )));
                }
                match word.to_ascii_uppercase().as_str() {
                    "TRUE" => AttributeValue::Bool(true),
                    "FALSE" => AttributeValue::Bool(false),
                    "NULL" => AttributeValue::Null,
                    _ => return Err(self.malformed("Unexpected keyword")),
                }
            }
            _ => return Err(self.malformed("Unexpected term")),
        };
        self.advance();
        Ok(value)
    }

    fn list(&mut self, path: &str) -> Result<AttributeValue, Invalid> {
        self.advance();
        let mut members = Vec::new();
        if !self.take_symbol("]") {
            loop {
                members.push(self.literal(&format!("{path}[{}]", members.len()))?);
                if !self.take_symbol(",") {
                    break;
                }
            }
            self.expect_symbol("]", "RIGHT_BRACKET")?;
        }
        Ok(AttributeValue::L(members))
    }

    fn map(&mut self, path: &str) -> Result<AttributeValue, Invalid> {
        self.members(|name| format!("{path}.{name}"))
    }

    /// An item: its members are attributes, each a root of its own.
    pub(super) fn item(&mut self) -> Result<AttributeValue, Invalid> {
        if self.is_symbol("{") {
            self.members(|_| "root".to_owned())
        } else {
            self.literal("root")
        }
    }

    fn members(&mut self, inner_path: impl Fn(&str) -> String) -> Result<AttributeValue, Invalid> {
        self.advance();
        let mut members = Vec::new();
        if !self.take_symbol("}") {
            loop {
                let TokenKind::Text(name) = &self.token().kind else {
                    return Err(self.malformed("Expected field name"));
                };
                let name = name.clone();
                self.advance();
                self.expect_symbol(":", "COLON")?;
                let value = self.literal(&inner_path(&name))?;
                members.push((name, value));
                if !self.take_symbol(",") {
                    break;
                }
            }
            self.expect_symbol("}", "RIGHT_CURLY")?;
        }
        Ok(AttributeValue::M(item_of(members)))
    }

    fn bag(&mut self, path: &str) -> Result<AttributeValue, Invalid> {
        self.advance();
        let mut members = Vec::new();
        if !self.take_symbol(">>") {
            loop {
                members.push(self.literal(path)?);
                if !self.take_symbol(",") {
                    break;
                }
            }
            self.expect_symbol(">>", "RIGHT_DOUBLE_ANGLE_BRACKET")?;
        }
        let set = set_of(members)?;
        check_value(&set)?;
        Ok(set)
    }
}

fn set_of(members: Vec<AttributeValue>) -> Result<AttributeValue, Invalid> {
    let Some(kind) = members.first().map(AttributeValue::kind) else {
        return Err(Invalid::new("Empty bags are not supported"));
    };
    let mut set = match kind {
        Kind::S => AttributeValue::Ss(Vec::new()),
        Kind::N => AttributeValue::Ns(Vec::new()),
        Kind::B => AttributeValue::Bs(Vec::new()),
        other => {
            return Err(Invalid(format!(
                "Unsupported data type: a bag of values of type {}",
                other.name()
            )));
        }
    };
    for member in members {
        match (&mut set, member) {
            (AttributeValue::Ss(set), AttributeValue::S(text)) => set.push(text),
            (AttributeValue::Ns(set), AttributeValue::N(number)) => set.push(number),
            (AttributeValue::Bs(set), AttributeValue::B(bytes)) => set.push(bytes),
            _ => {
                return Err(Invalid::new(
                    "Unsupported data type: a bag of values of different types",
                ));
            }
        }
    }
    Ok(set)
}

/// What is no number in Java's sense cannot be read at all; what is none of DynamoDB's is told with its place.
fn number(text: &str, path: &str) -> Result<AttributeValue, Invalid> {
    let unsigned = text.trim_start_matches('-');
    let (digits, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let exponent: i32 = exponent.parse().map_err(|_| unreadable())?;
    let places = digits.split_once('.').map_or(0, |(_, places)| places.len());
    let scale = i64::try_from(places)
        .unwrap_or(i64::MAX)
        .saturating_sub(i64::from(exponent));
    if i32::try_from(scale).is_err() {
        return Err(unreadable());
    }
    text.parse::<Number>()
        .map(AttributeValue::N)
        .map_err(|error| Invalid(format!("{error} under {path}")))
}
