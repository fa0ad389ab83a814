//! The grammar of `SET` and `REMOVE`.

use super::parse::Parser;
use super::token::TokenKind;
use crate::attribute::Kind;
use crate::expression::function::Function;
use crate::expression::syntax::{Action, Operand, Path, SetValue, Update};
use crate::{AttributeValue, Invalid};

impl Parser<'_> {
    /// One or more clauses, in any order.
    pub(super) fn update_clauses(&mut self) -> Result<Update, Invalid> {
        let mut actions: Vec<(Path, Action)> = Vec::new();
        loop {
            if self.take_word("SET") {
                loop {
                    let target = self.path()?;
                    self.expect_symbol("=", "EQ")?;
                    let action = self.assigned(&target)?;
                    actions.push((target, action));
                    if !self.take_symbol(",") {
                        break;
                    }
                }
            } else if self.take_word("REMOVE") {
                loop {
                    actions.push((self.path()?, Action::Remove));
                    if !self.take_symbol(",") {
                        break;
                    }
                }
            } else {
                break;
            }
        }
        if actions.is_empty() {
            return Err(self.malformed("Expected data manipulation"));
        }
        self.checks.paths(actions.iter().map(|(path, _)| path));
        Ok(Update { actions, legacy: false })
    }

    fn assigned(&mut self, target: &Path) -> Result<Action, Invalid> {
        if let TokenKind::Word(word) = &self.token().kind
            && matches!(self.ahead(1), TokenKind::Symbol("("))
        {
            match word.to_ascii_uppercase().as_str() {
                "SET_ADD" => return self.set_function("SET_ADD", target).map(Action::Add),
                "SET_DELETE" => return self.set_function("SET_DELETE", target).map(Action::Delete),
                _ => {}
            }
        }
        let left = self.set_operand()?;
        let operator = match &self.token().kind {
            TokenKind::Symbol(symbol @ ("+" | "-")) => *symbol,
            _ => return Ok(Action::Set(SetValue::Operand(left))),
        };
        self.advance();
        let right = self.set_operand()?;
        for operand in [&left, &right] {
            self.checks.require(operator, operand, |kind| kind == Kind::N);
        }
        Ok(Action::Set(if operator == "+" {
            SetValue::Plus(left, right)
        } else {
            SetValue::Minus(left, right)
        }))
    }

    fn set_operand(&mut self) -> Result<Operand, Invalid> {
        let is_call = matches!(self.ahead(1), TokenKind::Symbol("("));
        match &self.token().kind {
            TokenKind::Symbol("(") => {
                self.advance();
                self.enter()?;
                let operand = self.set_operand()?;
                self.leave();
                self.expect_symbol(")", "RIGHT_PAREN")?;
                Ok(operand)
            }
            TokenKind::Word(word) if is_call => {
                let name = word.to_ascii_lowercase();
                let place = self.token().place();
                if name != Function::ListAppend.name() {
                    return Err(Invalid(format!("Unrecognized function: {name} at {place}")));
                }
                self.advance();
                self.advance();
                self.enter()?;
                let mut operands = vec![self.set_operand()?];
                while self.take_symbol(",") {
                    operands.push(self.set_operand()?);
                }
                self.leave();
                self.expect_symbol(")", "RIGHT_PAREN")?;
                if operands.len() != 2 {
                    return Err(Invalid(format!(
                        "LIST_APPEND must have exactly two arguments at {place}"
                    )));
                }
                for operand in &operands {
                    self.checks.require(&name, operand, |kind| kind == Kind::L);
                }
                Ok(Operand::Call(Function::ListAppend, operands))
            }
            TokenKind::Quoted(_) => Ok(Operand::Path(self.path()?)),
            TokenKind::Word(word) => match word.to_ascii_uppercase().as_str() {
                "TRUE" | "FALSE" | "NULL" => Ok(Operand::Value(self.literal("root")?)),
                _ => Ok(Operand::Path(self.path()?)),
            },
            _ => Ok(Operand::Value(self.literal("root")?)),
        }
    }

    /// The members that are added to the target's set or taken from it.
    fn set_function(&mut self, name: &str, target: &Path) -> Result<AttributeValue, Invalid> {
        let place = self.token().place();
        self.advance();
        self.advance();
        let first_place = self.token().place();
        let mut operands = Vec::new();
        if !self.is_symbol(")") {
            operands.push(self.set_operand()?);
            while self.take_symbol(",") {
                operands.push(self.set_operand()?);
            }
        }
        self.expect_symbol(")", "RIGHT_PAREN")?;
        match operands.as_slice() {
            [Operand::Path(path), Operand::Value(value)] if path == target && value.kind().is_set() => {
                Ok(value.clone())
            }
            [Operand::Path(path), _] if path == target => Err(Invalid(format!(
                "The second argument to {name} must be a value with type SET at {first_place}"
            ))),
            [_, _] => Err(Invalid(format!(
                "The first argument to {name} must equal the assignment value at {place}"
            ))),
            _ => Err(Invalid(format!("{name} must have exactly two arguments at {place}"))),
        }
    }
}
