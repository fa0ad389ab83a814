//! The grammar of update expressions.

use super::check::Rank;
use super::names::Placeholders;
use super::parse_paths::Parser;
use super::syntax::{Action, ExpressionKind, Operand, Path, SetValue, Update};
use crate::attribute::Kind;
use crate::{AttributeValue, Invalid};

/// Words with a meaning in the grammar; none can be an attribute's name.
const SECTIONS: &[&str] = &["SET", "REMOVE", "ADD", "DELETE"];

/// Parses an `UpdateExpression`.
pub fn parse_update(text: &str, placeholders: &mut Placeholders<'_>) -> Result<Update, Invalid> {
    let mut parser = Parser::new(ExpressionKind::Update, text, SECTIONS, placeholders)?;
    let mut seen: Vec<&str> = Vec::new();
    let mut actions: Vec<(Path, Action)> = Vec::new();
    while !parser.ended() {
        let Some(section) = SECTIONS.iter().find(|section| parser.is_word(section)) else {
            return Err(parser.unexpected());
        };
        parser.take_word(section);
        if seen.contains(section) {
            let message = format!("The \"{section}\" section can only be used once in an update expression;");
            parser.checks.note(Rank::Section, message);
        }
        seen.push(section);
        loop {
            let path = parser.path()?;
            let action = parser.action(section)?;
            actions.push((path, action));
            if !parser.take_symbol(",") {
                break;
            }
        }
    }
    parser.checks.paths(actions.iter().map(|(path, _)| path));
    parser.finish()?;
    Ok(Update { actions, legacy: false })
}

impl Parser<'_, '_, '_> {
    /// What follows the path.
    fn action(&mut self, section: &str) -> Result<Action, Invalid> {
        match section {
            "SET" => {
                self.expect("=")?;
                Ok(Action::Set(self.set_value()?.0))
            }
            "REMOVE" => Ok(Action::Remove),
            "ADD" => {
                let value = self.value()?;
                self.section_type(section, &value, |kind| kind == Kind::N || kind.is_set());
                Ok(Action::Add(value))
            }
            _ => {
                let value = self.value()?;
                self.section_type(section, &value, Kind::is_set);
                Ok(Action::Delete(value))
            }
        }
    }

    fn section_type(&mut self, section: &str, value: &AttributeValue, allowed: impl Fn(Kind) -> bool) {
        if !allowed(value.kind()) {
            let message = format!(
                "Incorrect operand type for operator or function; operator: {section}, operand type: {}, typeSet: \
                 ALLOWED_FOR_{section}_OPERAND",
                value.kind().long_name()
            );
            self.checks.note(Rank::Operand, message);
        }
    }

    /// What is set, and whether it is all within one pair of parentheses.
    fn set_value(&mut self) -> Result<(SetValue, bool), Invalid> {
        let (left, enclosed) = self.set_operand()?;
        let Some(operator @ ("+" | "-")) = self.symbol() else {
            return Ok((left, enclosed));
        };
        let SetValue::Operand(left) = left else {
            return Err(self.unexpected());
        };
        self.take_symbol(operator);
        self.count_operator();
        let SetValue::Operand(right) = self.set_operand()?.0 else {
            return Err(self.unexpected());
        };
        for operand in [&left, &right] {
            self.checks.require(operator, operand, |kind| kind == Kind::N);
        }
        let sum = if operator == "+" {
            SetValue::Plus(left, right)
        } else {
            SetValue::Minus(left, right)
        };
        Ok((sum, false))
    }

    fn set_operand(&mut self) -> Result<(SetValue, bool), Invalid> {
        if !self.take_symbol("(") {
            let operand: Operand = self.operand()?;
            return Ok((SetValue::Operand(operand), false));
        }
        self.enter()?;
        let (inner, enclosed) = self.set_value()?;
        self.expect(")")?;
        self.leave();
        if enclosed {
            self.redundant();
        }
        Ok((inner, true))
    }
}
