//! The grammar of statements.

use super::NOT_WELL_FORMED;
use super::keyword::is_keyword;
use super::statement::{Delete, Insert, Order, Returning, Select, Selected, Statement, UpdateStatement};
use super::token::{Token, TokenKind, tokens};
use crate::attribute::check_value;
use crate::expression::check::Checks;
use crate::expression::syntax::{Condition, ExpressionKind, Path, PathElement, Update};
use crate::{AttributeValue, Invalid, Item};

/// How deep parentheses, calls and literals may lie in one another.
const DEPTH_MAX: usize = 200;

/// Reads one statement, with the values of its `?` in their order.
pub fn parse_statement(text: &str, parameters: &[AttributeValue]) -> Result<Statement, Invalid> {
    let tokens = tokens(text)?;
    let wanted = tokens
        .iter()
        .filter(|token| matches!(token.kind, TokenKind::Parameter(_)))
        .count();
    let mut parser = Parser {
        tokens,
        at: 0,
        depth: 0,
        parameters,
        checks: Checks::new(ExpressionKind::Filter),
    };
    let statement = parser.statement();
    match statement {
        Err(error) if error.0.starts_with(NOT_WELL_FORMED) => Err(error),
        _ if wanted != parameters.len() => Err(Invalid::new(
            "Number of parameters in request and statement don't match.",
        )),
        Err(error) => Err(error),
        Ok(statement) => {
            parser.checks.finish_bare()?;
            parameters.iter().try_for_each(check_value)?;
            Ok(statement)
        }
    }
}

pub(super) struct Parser<'p> {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    pub(super) parameters: &'p [AttributeValue],
    pub(super) checks: Checks,
}

const END: Token = Token {
    kind: TokenKind::End,
    line: 1,
    column: 1,
    length: 0,
};

impl Parser<'_> {
    pub(super) fn malformed(&self, what: &str) -> Invalid {
        Invalid(format!("{NOT_WELL_FORMED}{what}"))
    }

    pub(super) fn token(&self) -> &Token {
        self.tokens.get(self.at).unwrap_or(&END)
    }

    pub(super) fn ahead(&self, steps: usize) -> &TokenKind {
        &self.tokens.get(self.at + steps).unwrap_or(&END).kind
    }

    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    pub(super) fn enter(&mut self) -> Result<(), Invalid> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(super::token::unreadable());
        }
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(&self.token().kind, TokenKind::Word(found) if found.eq_ignore_ascii_case(word))
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    pub(super) fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.token().kind, TokenKind::Symbol(found) if found == symbol)
    }

    pub(super) fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect_symbol(&mut self, symbol: &str, name: &str) -> Result<(), Invalid> {
        if self.take_symbol(symbol) {
            Ok(())
        } else {
            Err(self.malformed(&format!("Expected {name}")))
        }
    }

    fn statement(&mut self) -> Result<Statement, Invalid> {
        let statement = if self.take_word("SELECT") {
            Statement::Select(self.select()?)
        } else if self.is_word("EXISTS") && matches!(self.ahead(1), TokenKind::Symbol("(")) {
            self.at += 2;
            if !self.take_word("SELECT") {
                return Err(self.malformed("Expected SELECT"));
            }
            let select = self.select()?;
            self.expect_symbol(")", "RIGHT_PAREN")?;
            Statement::Exists(select)
        } else if self.take_word("INSERT") {
            Statement::Insert(self.insert()?)
        } else if self.take_word("UPDATE") {
            let table = self.target()?;
            let update = self.update_clauses()?;
            let condition = self.condition_clause()?;
            Statement::Update(self.update(table, update, condition)?)
        } else if self.take_word("DELETE") {
            if !self.take_word("FROM") {
                return Err(self.malformed("Expected FROM"));
            }
            let table = self.target()?;
            let condition = self.condition_clause()?;
            Statement::Delete(self.delete(table, condition)?)
        } else if self.take_word("FROM") {
            let table = self.target()?;
            let condition = self.condition_clause()?;
            if self.take_word("DELETE") {
                Statement::Delete(self.delete(table, condition)?)
            } else {
                let update = self.update_clauses()?;
                Statement::Update(self.update(table, update, condition)?)
            }
        } else {
            return Err(self.malformed("Expected data manipulation"));
        };
        self.take_symbol(";");
        match self.token().kind {
            TokenKind::End => Ok(statement),
            _ => Err(self.malformed("Unexpected token after expression")),
        }
    }

    fn select(&mut self) -> Result<Select, Invalid> {
        let selected = if self.take_symbol("*") {
            None
        } else {
            let mut paths = vec![self.selected()?];
            while self.take_symbol(",") {
                paths.push(self.selected()?);
            }
            self.checks.paths(paths.iter());
            Some(Selected(paths))
        };
        if !self.take_word("FROM") {
            return Err(self.malformed("Expected FROM"));
        }
        let table = self.name()?;
        let index = if self.take_symbol(".") {
            Some(self.name()?)
        } else {
            None
        };
        self.refuse_alias()?;
        let condition = self.condition_clause()?;
        for clause in ["GROUP", "HAVING", "LIMIT", "OFFSET"] {
            if self.is_word(clause) {
                return Err(Invalid(format!(
                    "Unsupported clause: {clause} at {}",
                    self.token().place()
                )));
            }
        }
        let mut order = Vec::new();
        if self.take_word("ORDER") {
            if !self.take_word("BY") {
                return Err(self.malformed("Expected BY"));
            }
            loop {
                let path = self.path()?;
                let descending = self.take_word("DESC");
                if !descending {
                    self.take_word("ASC");
                }
                order.push(Order {
                    attribute: path.attribute().to_owned(),
                    descending,
                });
                if !self.take_symbol(",") {
                    break;
                }
            }
        }
        Ok(Select {
            table,
            index,
            selected,
            condition,
            order,
        })
    }

    fn selected(&mut self) -> Result<Path, Invalid> {
        let is_call = matches!(self.ahead(1), TokenKind::Symbol("("));
        match self.token().kind {
            TokenKind::Word(_) if is_call => Err(self.unexpected_component()),
            TokenKind::Word(_) | TokenKind::Quoted(_) => {
                let path = self.path()?;
                if self.take_word("AS") {
                    return Err(Invalid::new("Aliasing is not supported"));
                }
                Ok(path)
            }
            TokenKind::Text(_) | TokenKind::Number(_) | TokenKind::Parameter(_) => Err(self.unexpected_component()),
            _ => Err(self.malformed("Unexpected term")),
        }
    }

    fn unexpected_component(&self) -> Invalid {
        Invalid(format!("Unexpected path component at {}", self.token().place()))
    }

    fn refuse_alias(&mut self) -> Result<(), Invalid> {
        let alias = match &self.token().kind {
            TokenKind::Quoted(_) => true,
            TokenKind::Word(word) => word.eq_ignore_ascii_case("AS") || !is_keyword(word),
            _ => false,
        };
        if alias {
            return Err(Invalid::new("Aliasing is not supported"));
        }
        Ok(())
    }

    /// The table of a write.
    fn target(&mut self) -> Result<String, Invalid> {
        let table = self
            .name()
            .map_err(|_| self.malformed("Expected identifier for simple path"))?;
        if self.is_symbol(".") {
            return Err(Invalid::new("This operation is not supported on an index"));
        }
        if matches!(self.token().kind, TokenKind::Symbol(_)) {
            return Err(self.malformed("Expected data manipulation"));
        }
        self.refuse_alias()?;
        Ok(table)
    }

    fn condition_clause(&mut self) -> Result<Option<Condition>, Invalid> {
        if !self.take_word("WHERE") {
            return Ok(None);
        }
        let test = self.condition()?;
        Ok(Some(Condition {
            kind: ExpressionKind::Condition,
            test,
        }))
    }

    fn insert(&mut self) -> Result<Insert, Invalid> {
        if !self.take_word("INTO") {
            return Err(self.malformed("Expected INTO"));
        }
        let table = self.name()?;
        if self.is_symbol(".") {
            return Err(Invalid::new("This operation is not supported on an index"));
        }
        if !self.take_word("VALUE") {
            return Err(match &self.token().kind {
                TokenKind::Word(word) if is_keyword(word) => self.malformed("Unexpected keyword"),
                TokenKind::Symbol("(") if matches!(self.ahead(1), TokenKind::Word(word) if is_keyword(word)) => {
                    self.malformed("Unexpected keyword")
                }
                _ => self.malformed("Unexpected token after expression"),
            });
        }
        let AttributeValue::M(item) = self.item()? else {
            return Err(Invalid::new(
                "Unsupported operation: the value of an INSERT must be an item",
            ));
        };
        item.values().try_for_each(check_value)?;
        Ok(Insert { table, item })
    }

    fn update(
        &mut self,
        table: String,
        update: Update,
        condition: Option<Condition>,
    ) -> Result<UpdateStatement, Invalid> {
        Ok(UpdateStatement {
            table,
            update,
            condition,
            returning: self.returning()?,
        })
    }

    fn delete(&mut self, table: String, condition: Option<Condition>) -> Result<Delete, Invalid> {
        let returns_old = match self.returning()? {
            None => false,
            Some(Returning::AllOld) => true,
            Some(other) => {
                let clause = match other {
                    Returning::AllNew => "ALL NEW",
                    Returning::ModifiedOld => "MODIFIED OLD",
                    Returning::ModifiedNew | Returning::AllOld => "MODIFIED NEW",
                };
                return Err(Invalid(format!(
                    "Invalid returning clause: RETURNING {clause} *. Only RETURNING ALL OLD * is allowed in DELETE \
                     statements."
                )));
            }
        };
        Ok(Delete {
            table,
            condition,
            returns_old,
        })
    }

    fn returning(&mut self) -> Result<Option<Returning>, Invalid> {
        if !self.take_word("RETURNING") {
            return Ok(None);
        }
        let all = self.take_word("ALL");
        if !all && !self.take_word("MODIFIED") {
            return Err(self.malformed("Expected ALL or MODIFIED"));
        }
        let old = self.take_word("OLD");
        if !old && !self.take_word("NEW") {
            return Err(self.malformed("Expected OLD or NEW"));
        }
        self.expect_symbol("*", "STAR")?;
        Ok(Some(match (all, old) {
            (true, true) => Returning::AllOld,
            (true, false) => Returning::AllNew,
            (false, true) => Returning::ModifiedOld,
            (false, false) => Returning::ModifiedNew,
        }))
    }

    /// A name in quotes, or a word that is no keyword.
    fn name(&mut self) -> Result<String, Invalid> {
        let name = match &self.token().kind {
            TokenKind::Quoted(name) => name.clone(),
            TokenKind::Word(word) if !is_keyword(word) => word.clone(),
            TokenKind::Word(_) => return Err(self.malformed("Unexpected keyword")),
            TokenKind::End => return Err(self.malformed("Unexpected term")),
            _ => return Err(self.malformed("Expected identifier")),
        };
        self.advance();
        Ok(name)
    }

    pub(super) fn path(&mut self) -> Result<Path, Invalid> {
        let mut elements = vec![PathElement::Name(self.name()?)];
        loop {
            if self.take_symbol(".") {
                let name = self.name().map_err(|_| self.malformed("Invalid path dot component"))?;
                elements.push(PathElement::Name(name));
            } else if self.take_symbol("[") {
                let element = match &self.token().kind {
                    TokenKind::Number(digits) => digits.parse::<usize>().ok().map(PathElement::Index),
                    TokenKind::Text(name) => Some(PathElement::Name(name.clone())),
                    _ => None,
                };
                let Some(element) = element else {
                    return Err(self.unexpected_component());
                };
                self.advance();
                elements.push(element);
                self.expect_symbol("]", "RIGHT_BRACKET")?;
            } else {
                return Ok(Path(elements));
            }
        }
    }

    /// The value of the parameter at a place; what is missing is told at the end.
    pub(super) fn parameter(&self, at: usize) -> AttributeValue {
        self.parameters.get(at).cloned().unwrap_or(AttributeValue::Null)
    }
}

/// An item of the members, the last of a name counting.
pub(super) fn item_of(members: Vec<(String, AttributeValue)>) -> Item {
    members.into_iter().collect()
}
