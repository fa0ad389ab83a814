//! Paths, operands and calls, which all grammars share, and the grammar of projections.

use super::check::{Checks, Rank};
use super::function::Function;
use super::names::Placeholders;
use super::reserved::is_reserved;
use super::syntax::{ExpressionKind, Operand, Path, PathElement, Projection};
use super::token::{TokenKind, Tokens};
use crate::{AttributeValue, Invalid};

/// The longest expression.
const EXPRESSION_MAX_BYTES: usize = 4096;
/// The most operators and functions of an expression.
const OPERATORS_MAX: usize = 300;
/// The most steps of a path.
const PATH_MAX: usize = 32;
/// How deep parentheses and calls may lie in one another. Every pair that is not redundant encloses an operator, so
/// that nothing which AWS accepts is deeper.
const DEPTH_MAX: usize = OPERATORS_MAX;

pub(crate) struct Parser<'t, 'p, 'a> {
    tokens: Tokens<'t>,
    at: usize,
    depth: usize,
    operators: usize,
    keywords: &'static [&'static str],
    pub(crate) checks: Checks,
    placeholders: &'p mut Placeholders<'a>,
}

impl<'t, 'p, 'a> Parser<'t, 'p, 'a> {
    /// Checks the text's length. Words of `keywords` are never names.
    pub(crate) fn new(
        kind: ExpressionKind,
        text: &'t str,
        keywords: &'static [&'static str],
        placeholders: &'p mut Placeholders<'a>,
    ) -> Result<Self, Invalid> {
        let checks = Checks::new(kind);
        if text.len() > EXPRESSION_MAX_BYTES {
            return Err(checks.error(&format!(
                "Expression size has exceeded the maximum allowed size; expression size: {}",
                text.len()
            )));
        }
        let tokens = Tokens::new(text);
        if tokens.get(0).kind == TokenKind::End {
            return Err(checks.error("The expression can not be empty;"));
        }
        Ok(Parser {
            tokens,
            at: 0,
            depth: 0,
            operators: 0,
            keywords,
            checks,
            placeholders,
        })
    }

    /// At the end of the text: tells what was noted.
    pub(crate) fn finish(mut self) -> Result<(), Invalid> {
        if self.tokens.get(self.at).kind != TokenKind::End {
            return Err(self.unexpected());
        }
        if self.operators > OPERATORS_MAX {
            // AWS counts no further than to the first that is too many.
            let message = format!(
                "The expression contains too many operators; operator count: {}",
                OPERATORS_MAX + 1
            );
            self.checks.note(Rank::Operators, message);
        }
        self.checks.finish()
    }

    pub(crate) fn unexpected(&self) -> Invalid {
        let (token, near) = (self.tokens.text(self.at), self.tokens.near(self.at));
        self.checks
            .error(&format!("Syntax error; token: \"{token}\", near: \"{near}\""))
    }

    pub(crate) fn ended(&self) -> bool {
        self.tokens.get(self.at).kind == TokenKind::End
    }

    pub(crate) fn symbol(&self) -> Option<&'t str> {
        (self.tokens.get(self.at).kind == TokenKind::Symbol).then(|| self.tokens.text(self.at))
    }

    pub(crate) fn is_symbol(&self, symbol: &str) -> bool {
        self.symbol() == Some(symbol)
    }

    pub(crate) fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    pub(crate) fn expect(&mut self, symbol: &str) -> Result<(), Invalid> {
        if self.take_symbol(symbol) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.tokens.get(self.at).kind == TokenKind::Word && self.tokens.text(self.at).eq_ignore_ascii_case(word)
    }

    pub(crate) fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    pub(crate) fn count_operator(&mut self) {
        self.operators += 1;
    }

    pub(crate) fn redundant(&mut self) {
        self.checks
            .note(Rank::Parentheses, "The expression has redundant parentheses;");
    }

    /// One level deeper. Too deep is an error at once, that the stack may bear it.
    pub(crate) fn enter(&mut self) -> Result<(), Invalid> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.checks.error("The expression has redundant parentheses;"));
        }
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// A value's placeholder, by itself.
    pub(crate) fn value(&mut self) -> Result<AttributeValue, Invalid> {
        if self.tokens.get(self.at).kind != TokenKind::Value {
            return Err(self.unexpected());
        }
        let placeholder = self.tokens.text(self.at);
        self.at += 1;
        match self.placeholders.value(placeholder) {
            Some(value) => Ok(value.clone()),
            None => {
                let message = format!(
                    "An expression attribute value used in expression is not defined; attribute value: {placeholder}"
                );
                self.checks.note(Rank::Value, message);
                Ok(AttributeValue::Null)
            }
        }
    }

    pub(crate) fn operand(&mut self) -> Result<Operand, Invalid> {
        match self.tokens.get(self.at).kind {
            TokenKind::Value => Ok(Operand::Value(self.value()?)),
            TokenKind::Word if self.next_is("(") && !self.is_keyword() => self.call(),
            _ => Ok(Operand::Path(self.path()?)),
        }
    }

    fn next_is(&self, symbol: &str) -> bool {
        self.tokens.get(self.at + 1).kind == TokenKind::Symbol && self.tokens.text(self.at + 1) == symbol
    }

    fn is_keyword(&self) -> bool {
        self.keywords.iter().any(|word| self.is_word(word))
    }

    fn call(&mut self) -> Result<Operand, Invalid> {
        let name = self.tokens.text(self.at);
        self.at += 2;
        self.enter()?;
        self.count_operator();
        let mut operands = vec![self.operand()?];
        while self.take_symbol(",") {
            operands.push(self.operand()?);
        }
        self.expect(")")?;
        self.leave();
        let Some(function) = Function::from_name(name) else {
            self.checks
                .note(Rank::Function, format!("Invalid function name; function: {name}"));
            return Ok(Operand::Value(AttributeValue::Null));
        };
        self.checks.call(function, &operands);
        Ok(Operand::Call(function, operands))
    }

    pub(crate) fn path(&mut self) -> Result<Path, Invalid> {
        let mut elements = vec![PathElement::Name(self.name()?)];
        loop {
            if self.take_symbol(".") {
                elements.push(PathElement::Name(self.name()?));
            } else if self.take_symbol("[") {
                elements.push(PathElement::Index(self.index()?));
                self.expect("]")?;
            } else {
                break;
            }
        }
        if elements.len() > PATH_MAX {
            self.checks
                .note(Rank::Index, "The document path has too many nesting elements");
        }
        Ok(Path(elements))
    }

    fn name(&mut self) -> Result<String, Invalid> {
        let text = self.tokens.text(self.at);
        match self.tokens.get(self.at).kind {
            TokenKind::Word if !self.is_keyword() => {
                if is_reserved(text) {
                    let message = format!("Attribute name is a reserved keyword; reserved keyword: {text}");
                    self.checks.note(Rank::Reserved, message);
                }
                self.at += 1;
                Ok(text.to_owned())
            }
            TokenKind::Name => {
                self.at += 1;
                Ok(match self.placeholders.name(text) {
                    Some(name) => name.to_owned(),
                    None => {
                        let message = format!(
                            "An expression attribute name used in the document path is not defined; attribute name: \
                             {text}"
                        );
                        self.checks.note(Rank::Name, message);
                        text.to_owned()
                    }
                })
            }
            _ => Err(self.unexpected()),
        }
    }

    fn index(&mut self) -> Result<usize, Invalid> {
        if self.tokens.get(self.at).kind != TokenKind::Digits {
            return Err(self.unexpected());
        }
        let text = self.tokens.text(self.at);
        self.at += 1;
        // AWS keeps places in lists as 32-bit whole numbers.
        Ok(
            match text.parse::<i32>().ok().and_then(|index| usize::try_from(index).ok()) {
                Some(index) => index,
                None => {
                    let message = format!("List index is not within the allowable range; index: [{text}]");
                    self.checks.note(Rank::Index, message);
                    0
                }
            },
        )
    }
}

/// Parses a `ProjectionExpression`.
pub fn parse_projection(text: &str, placeholders: &mut Placeholders<'_>) -> Result<Projection, Invalid> {
    let mut parser = Parser::new(ExpressionKind::Projection, text, &[], placeholders)?;
    let mut paths = vec![parser.path()?];
    while parser.take_symbol(",") {
        paths.push(parser.path()?);
    }
    parser.checks.paths(paths.iter());
    parser.finish()?;
    Ok(Projection { paths })
}
