//! From words to a query.

use super::Wrong;
use super::token::{Token, tokens};

/// How deep expressions may be nested.
const DEPTH_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// None is `*`.
    pub columns: Option<Vec<Column>>,
    /// The way from each document to its rows.
    pub from: Vec<Step>,
    pub alias: Option<String>,
    pub filter: Option<Expression>,
    pub limit: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub expression: Expression,
    pub name: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// In any case, where it was not quoted.
    Member {
        name: String,
        exact: bool,
    },
    Index(usize),
    All,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    Text(String),
    Number(f64),
    Bool(bool),
    Null,
    Missing,
    Path(Vec<Step>),
    Not(Box<Expression>),
    Negative(Box<Expression>),
    Binary(&'static str, Box<Expression>, Box<Expression>),
    Like(Box<Expression>, Box<Expression>, Option<Box<Expression>>),
    In(Box<Expression>, Vec<Expression>),
    Is(Box<Expression>, Box<Expression>),
    Cast(Box<Expression>, String),
    /// In lower case.
    Call(String, Vec<Expression>),
    /// In lower case; none is `*`.
    Total(String, Option<Box<Expression>>),
}

pub fn query(sql: &str) -> Result<Query, Wrong> {
    let mut parser = Parser {
        tokens: tokens(sql)?,
        at: 0,
        depth: 0,
    };
    let query = parser.query()?;
    match parser.peek() {
        None => Ok(query),
        Some(_) => Err(parser.wrong()),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn wrong(&self) -> Wrong {
        Wrong::Sql(self.peek().map_or("the end".to_owned(), |token| format!("{token:?}")))
    }

    fn sign(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(sign)) if *sign == wanted);
        self.at += usize::from(found);
        found
    }

    fn one_of(&mut self, wanted: &[&'static str]) -> Option<&'static str> {
        wanted.iter().copied().find(|sign| self.sign(sign))
    }

    fn keyword(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(wanted));
        self.at += usize::from(found);
        found
    }

    fn must(&mut self, found: bool) -> Result<(), Wrong> {
        if found { Ok(()) } else { Err(self.wrong()) }
    }

    fn name(&mut self) -> Result<Step, Wrong> {
        let step = match self.peek() {
            Some(Token::Word(name)) => Step::Member {
                name: name.clone(),
                exact: false,
            },
            Some(Token::Quoted(name)) => Step::Member {
                name: name.clone(),
                exact: true,
            },
            _ => return Err(self.wrong()),
        };
        self.at += 1;
        Ok(step)
    }

    fn query(&mut self) -> Result<Query, Wrong> {
        let found = self.keyword("select");
        self.must(found)?;
        let columns = if self.sign("*") { None } else { Some(self.columns()?) };
        let found = self.keyword("from") && self.keyword("s3object");
        self.must(found)?;
        // All documents are meant, with or without it.
        if self.sign("[") {
            let found = self.sign("*") && self.sign("]");
            self.must(found)?;
        }
        let from = self.steps()?;
        let as_said = self.keyword("as");
        let alias = match self.peek() {
            Some(Token::Word(word)) if !["where", "limit"].iter().any(|k| word.eq_ignore_ascii_case(k)) => {
                Some(word.clone())
            }
            _ if as_said => return Err(self.wrong()),
            _ => None,
        };
        self.at += usize::from(alias.is_some());
        let filter = if self.keyword("where") {
            Some(self.expression()?)
        } else {
            None
        };
        let limit = if self.keyword("limit") {
            match self.peek() {
                Some(Token::Number(number)) if number.fract() == 0.0 => {
                    let number = *number as u64;
                    self.at += 1;
                    Some(number)
                }
                _ => return Err(self.wrong()),
            }
        } else {
            None
        };
        let mut query = Query {
            columns,
            from,
            alias,
            filter,
            limit,
        };
        query.forget_alias();
        Ok(query)
    }

    fn columns(&mut self) -> Result<Vec<Column>, Wrong> {
        let mut columns = Vec::new();
        loop {
            let expression = self.expression()?;
            let name = if self.keyword("as") {
                match self.name()? {
                    Step::Member { name, .. } => Some(name),
                    Step::Index(_) | Step::All => None,
                }
            } else {
                None
            };
            columns.push(Column { expression, name });
            if !self.sign(",") {
                return Ok(columns);
            }
        }
    }

    fn steps(&mut self) -> Result<Vec<Step>, Wrong> {
        let mut steps = Vec::new();
        loop {
            if self.sign(".") {
                steps.push(self.name()?);
            } else if self.sign("[") {
                if self.sign("*") {
                    steps.push(Step::All);
                } else if let Some(Token::Number(number)) = self.peek() {
                    steps.push(Step::Index(*number as usize));
                    self.at += 1;
                } else if let Some(Token::Text(name)) = self.peek() {
                    let name = name.clone();
                    steps.push(Step::Member { name, exact: true });
                    self.at += 1;
                } else {
                    return Err(self.wrong());
                }
                let found = self.sign("]");
                self.must(found)?;
            } else {
                return Ok(steps);
            }
        }
    }

    fn expression(&mut self) -> Result<Expression, Wrong> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.wrong());
        }
        let mut left = self.conjunction()?;
        while self.keyword("or") {
            left = Expression::Binary("or", Box::new(left), Box::new(self.conjunction()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Expression, Wrong> {
        let mut left = self.negation()?;
        while self.keyword("and") {
            left = Expression::Binary("and", Box::new(left), Box::new(self.negation()?));
        }
        Ok(left)
    }

    fn negation(&mut self) -> Result<Expression, Wrong> {
        let mut negated = false;
        while self.keyword("not") {
            negated = !negated;
        }
        let inner = self.comparison()?;
        Ok(if negated {
            Expression::Not(Box::new(inner))
        } else {
            inner
        })
    }

    fn comparison(&mut self) -> Result<Expression, Wrong> {
        let left = self.sum()?;
        if let Some(sign) = self.one_of(&["<=", ">=", "<>", "!=", "<", ">", "="]) {
            let sign = if sign == "!=" { "<>" } else { sign };
            return Ok(Expression::Binary(sign, Box::new(left), Box::new(self.sum()?)));
        }
        if self.keyword("is") {
            let negated = self.keyword("not");
            let what = self.primary()?;
            let is = Expression::Is(Box::new(left), Box::new(what));
            return Ok(if negated { Expression::Not(Box::new(is)) } else { is });
        }
        let negated = self.keyword("not");
        let test = if self.keyword("like") {
            let pattern = self.sum()?;
            let escape = if self.keyword("escape") {
                Some(Box::new(self.sum()?))
            } else {
                None
            };
            Expression::Like(Box::new(left), Box::new(pattern), escape)
        } else if self.keyword("between") {
            let low = self.sum()?;
            let found = self.keyword("and");
            self.must(found)?;
            let above = Expression::Binary(">=", Box::new(left.clone()), Box::new(low));
            let below = Expression::Binary("<=", Box::new(left), Box::new(self.sum()?));
            Expression::Binary("and", Box::new(above), Box::new(below))
        } else if self.keyword("in") {
            let found = self.sign("(");
            self.must(found)?;
            let list = self.arguments()?;
            Expression::In(Box::new(left), list)
        } else if negated {
            return Err(self.wrong());
        } else {
            return Ok(left);
        };
        Ok(if negated { Expression::Not(Box::new(test)) } else { test })
    }

    fn sum(&mut self) -> Result<Expression, Wrong> {
        let mut left = self.product()?;
        while let Some(sign) = self.one_of(&["+", "-", "||"]) {
            left = Expression::Binary(sign, Box::new(left), Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expression, Wrong> {
        let mut left = self.primary()?;
        while let Some(sign) = self.one_of(&["*", "/", "%"]) {
            left = Expression::Binary(sign, Box::new(left), Box::new(self.primary()?));
        }
        Ok(left)
    }

    /// Behind the opening parenthesis, to the closing one.
    fn arguments(&mut self) -> Result<Vec<Expression>, Wrong> {
        let mut list = Vec::new();
        if self.sign(")") {
            return Ok(list);
        }
        loop {
            list.push(self.expression()?);
            if self.sign(")") {
                return Ok(list);
            }
            let found = self.sign(",");
            self.must(found)?;
        }
    }

    fn primary(&mut self) -> Result<Expression, Wrong> {
        if self.sign("(") {
            let inner = self.expression()?;
            let found = self.sign(")");
            self.must(found)?;
            return Ok(inner);
        }
        if self.sign("-") {
            self.depth += 1;
            if self.depth > DEPTH_MAX {
                return Err(self.wrong());
            }
            let inner = self.primary()?;
            self.depth -= 1;
            return Ok(Expression::Negative(Box::new(inner)));
        }
        let token = self.peek().cloned().ok_or_else(|| self.wrong())?;
        match token {
            Token::Text(text) => {
                self.at += 1;
                Ok(Expression::Text(text))
            }
            Token::Number(number) => {
                self.at += 1;
                Ok(Expression::Number(number))
            }
            Token::Word(word) => self.word(&word.to_ascii_lowercase()),
            Token::Quoted(_) => self.path(),
            Token::Sign(_) => Err(self.wrong()),
        }
    }

    fn path(&mut self) -> Result<Expression, Wrong> {
        let mut steps = vec![self.name()?];
        steps.extend(self.steps()?);
        Ok(Expression::Path(steps))
    }

    fn word(&mut self, word: &str) -> Result<Expression, Wrong> {
        let constant = match word {
            "null" => Some(Expression::Null),
            "missing" => Some(Expression::Missing),
            "true" => Some(Expression::Bool(true)),
            "false" => Some(Expression::Bool(false)),
            "from" | "where" | "limit" | "and" | "or" | "as" | "select" => return Err(self.wrong()),
            _ => None,
        };
        if let Some(constant) = constant {
            self.at += 1;
            return Ok(constant);
        }
        let is_call = matches!(self.tokens.get(self.at + 1), Some(Token::Sign("(")));
        if !is_call {
            return self.path();
        }
        self.at += 2;
        match word {
            "count" | "sum" | "min" | "max" | "avg" => {
                let of = if word == "count" && self.sign("*") {
                    None
                } else {
                    Some(Box::new(self.expression()?))
                };
                let found = self.sign(")");
                self.must(found)?;
                Ok(Expression::Total(word.to_owned(), of))
            }
            "cast" => {
                let of = self.expression()?;
                let found = self.keyword("as");
                self.must(found)?;
                let Step::Member { name, .. } = self.name()? else {
                    return Err(self.wrong());
                };
                let found = self.sign(")");
                self.must(found)?;
                Ok(Expression::Cast(Box::new(of), name.to_ascii_lowercase()))
            }
            "lower" | "upper" | "char_length" | "character_length" | "trim" | "substring" | "coalesce" | "nullif" => {
                let mut list = Vec::new();
                if !self.sign(")") {
                    list.push(self.expression()?);
                    while self.sign(",") || self.keyword("from") || self.keyword("for") {
                        list.push(self.expression()?);
                    }
                    let found = self.sign(")");
                    self.must(found)?;
                }
                Ok(Expression::Call(word.to_owned(), list))
            }
            _ => Err(self.wrong()),
        }
    }
}

#[cfg(feature = "parquet")]
impl Query {
    /// The members of a record that the query names, as it writes them; `None` is all of them.
    pub fn names(&self) -> Option<Vec<String>> {
        let mut names = Some(Vec::new());
        let mut visit = |path: &mut Vec<Step>, _: bool| match path.first() {
            Some(Step::Member { name, .. }) => {
                if let Some(names) = &mut names {
                    names.push(name.clone());
                }
            }
            _ => names = None,
        };
        for mut column in self.columns.clone()? {
            column.expression.paths(true, &mut visit);
        }
        if let Some(mut filter) = self.filter.clone() {
            filter.paths(true, &mut visit);
        }
        names.filter(|_| self.from.is_empty())
    }

    /// Whether the filter does more with a member than ask whether it is there.
    pub fn compares(&self, member: &str) -> bool {
        let mut found = false;
        if let Some(mut filter) = self.filter.clone() {
            filter.paths(true, &mut |path, is_compared| {
                let named =
                    |step: &Step| matches!(step, Step::Member { name, .. } if name.eq_ignore_ascii_case(member));
                found |= is_compared && path.first().is_some_and(named);
            });
        }
        found
    }
}

impl Query {
    /// Paths begin at the row, whether they say the row's name or not.
    fn forget_alias(&mut self) {
        let alias = self.alias.clone();
        let mut strip = |path: &mut Vec<Step>, _: bool| {
            let names_row = match path.first() {
                Some(Step::Member { name, .. }) => {
                    name.eq_ignore_ascii_case("s3object")
                        || alias.as_ref().is_some_and(|alias| alias.eq_ignore_ascii_case(name))
                }
                _ => false,
            };
            if names_row {
                path.remove(0);
            }
        };
        for column in self.columns.iter_mut().flatten() {
            column.expression.paths(true, &mut strip);
        }
        if let Some(filter) = &mut self.filter {
            filter.paths(true, &mut strip);
        }
    }
}

impl Expression {
    /// Calls `visit` with each path, and whether more is done with it than to ask whether it is there (`IS`).
    fn paths(&mut self, is_compared: bool, visit: &mut impl FnMut(&mut Vec<Step>, bool)) {
        match self {
            Expression::Path(path) => visit(path, is_compared),
            Expression::Not(a) | Expression::Negative(a) | Expression::Cast(a, _) => a.paths(is_compared, visit),
            Expression::Is(a, _) => a.paths(false, visit),
            Expression::Binary(_, a, b) => {
                a.paths(is_compared, visit);
                b.paths(is_compared, visit);
            }
            Expression::Like(a, b, c) => {
                a.paths(is_compared, visit);
                b.paths(is_compared, visit);
                if let Some(c) = c {
                    c.paths(is_compared, visit);
                }
            }
            Expression::In(a, list) => {
                a.paths(is_compared, visit);
                list.iter_mut().for_each(|item| item.paths(is_compared, visit));
            }
            Expression::Call(_, list) => list.iter_mut().for_each(|item| item.paths(is_compared, visit)),
            Expression::Total(_, of) => {
                if let Some(of) = of {
                    of.paths(is_compared, visit);
                }
            }
            Expression::Text(_)
            | Expression::Number(_)
            | Expression::Bool(_)
            | Expression::Null
            | Expression::Missing => {}
        }
    }
}
