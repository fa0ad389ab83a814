//! The grammar of `WHERE`.

use super::parse::Parser;
use super::token::TokenKind;
use crate::attribute::Kind;
use crate::expression::function::Function;
use crate::expression::syntax::{Comparator, Operand, Test};
use crate::{AttributeValue, Invalid};

/// What was read, which may turn out to be the left side of a comparison.
enum Node {
    Test(Box<Test>),
    Operand(Box<Operand>),
}

impl Node {
    fn test(test: Test) -> Self {
        Node::Test(Box::new(test))
    }
}

/// The functions that `WHERE` knows. Their names are told apart without case.
const FUNCTIONS: [Function; 6] = [
    Function::AttributeExists,
    Function::AttributeNotExists,
    Function::AttributeType,
    Function::BeginsWith,
    Function::Contains,
    Function::Size,
];

impl Parser<'_> {
    pub(super) fn condition(&mut self) -> Result<Test, Invalid> {
        let node = self.any()?;
        self.truth(node)
    }

    fn truth(&self, node: Node) -> Result<Test, Invalid> {
        match node {
            Node::Test(test) => Ok(*test),
            Node::Operand(_) => Err(self.malformed("Unexpected term")),
        }
    }

    fn any(&mut self) -> Result<Node, Invalid> {
        self.enter()?;
        let first = self.all()?;
        let node = if self.is_word("OR") {
            let mut tests = vec![self.truth(first)?];
            while self.take_word("OR") {
                self.right_hand()?;
                let next = self.all()?;
                tests.push(self.truth(next)?);
            }
            Node::test(Test::Any(tests))
        } else {
            first
        };
        self.leave();
        Ok(node)
    }

    fn all(&mut self) -> Result<Node, Invalid> {
        let first = self.negation()?;
        if !self.is_word("AND") {
            return Ok(first);
        }
        let mut tests = vec![self.truth(first)?];
        while self.take_word("AND") {
            self.right_hand()?;
            let next = self.negation()?;
            tests.push(self.truth(next)?);
        }
        Ok(Node::test(Test::All(tests)))
    }

    /// Fails where nothing follows an operator.
    fn right_hand(&self) -> Result<(), Invalid> {
        match self.token().kind {
            TokenKind::End => Err(self.malformed("Missing right-hand side expression of infix operator")),
            _ => Ok(()),
        }
    }

    fn negation(&mut self) -> Result<Node, Invalid> {
        let mut negated = false;
        let mut any = false;
        while self.take_word("NOT") {
            negated = !negated;
            any = true;
        }
        let node = self.predicate()?;
        if !any {
            return Ok(node);
        }
        let test = self.truth(node)?;
        Ok(Node::test(if negated { Test::Not(Box::new(test)) } else { test }))
    }

    fn predicate(&mut self) -> Result<Node, Invalid> {
        let left = self.primary()?;
        let comparator = match &self.token().kind {
            TokenKind::Symbol("=") => Some(Comparator::Equal),
            TokenKind::Symbol("<>" | "!=") => Some(Comparator::NotEqual),
            TokenKind::Symbol("<") => Some(Comparator::Less),
            TokenKind::Symbol("<=") => Some(Comparator::LessOrEqual),
            TokenKind::Symbol(">") => Some(Comparator::Greater),
            TokenKind::Symbol(">=") => Some(Comparator::GreaterOrEqual),
            _ => None,
        };
        if let Some(comparator) = comparator {
            self.advance();
            self.right_hand()?;
            let right = self.primary()?;
            return self.compared(comparator, left, right).map(Node::test);
        }
        if self.take_word("IS") {
            let negated = self.take_word("NOT");
            let test = self.is(left)?;
            return Ok(negate(test, negated));
        }
        let negated = self.is_word("NOT") && matches!(self.ahead(1), TokenKind::Word(_)) && self.take_word("NOT");
        if self.take_word("BETWEEN") {
            let left = self.operand(left)?;
            let lower = self.primary()?;
            let lower = self.operand(lower)?;
            if !self.take_word("AND") {
                return Err(self.malformed("Expected AND"));
            }
            let upper = self.primary()?;
            let upper = self.operand(upper)?;
            self.checks.between(&left, &lower, &upper);
            return Ok(negate(Test::Between(left, lower, upper), negated));
        }
        if self.take_word("IN") {
            let left = self.operand(left)?;
            let options = self.options()?;
            self.checks.distinct("IN", &left, &options);
            return Ok(negate(Test::In(left, options), negated));
        }
        if self.is_word("LIKE") {
            return Err(Invalid(format!(
                "Unsupported operator: LIKE at {}",
                self.token().place()
            )));
        }
        if negated {
            return Err(self.malformed("Unexpected keyword"));
        }
        Ok(left)
    }

    /// The truth of something may be compared with `TRUE` and `FALSE`.
    fn compared(&mut self, comparator: Comparator, left: Node, right: Node) -> Result<Test, Invalid> {
        match (left, right) {
            (Node::Test(test), Node::Operand(operand)) | (Node::Operand(operand), Node::Test(test)) => {
                match (*operand, comparator) {
                    (Operand::Value(AttributeValue::Bool(value)), Comparator::Equal | Comparator::NotEqual) => {
                        let same = value == (comparator == Comparator::Equal);
                        Ok(if same { *test } else { Test::Not(test) })
                    }
                    _ => Err(self.malformed("Unexpected term")),
                }
            }
            (Node::Operand(left), Node::Operand(right)) => {
                self.checks.comparison(comparator, &left, &right);
                Ok(Test::Compare(comparator, *left, *right))
            }
            (Node::Test(_), Node::Test(_)) => Err(self.malformed("Unexpected term")),
        }
    }

    fn operand(&self, node: Node) -> Result<Operand, Invalid> {
        match node {
            Node::Operand(operand) => Ok(*operand),
            Node::Test(_) => Err(self.malformed("Unexpected term")),
        }
    }

    /// What follows `IN`: a list in either kind of brackets, or a parameter that is a list.
    fn options(&mut self) -> Result<Vec<Operand>, Invalid> {
        let close = if self.take_symbol("[") {
            ("]", "RIGHT_BRACKET")
        } else if self.take_symbol("(") {
            (")", "RIGHT_PAREN")
        } else {
            return match self.literal("root")? {
                AttributeValue::L(list) => Ok(list.into_iter().map(Operand::Value).collect()),
                value => Ok(vec![Operand::Value(value)]),
            };
        };
        let mut options = Vec::new();
        loop {
            let option = self.primary()?;
            options.push(self.operand(option)?);
            if !self.take_symbol(",") {
                break;
            }
        }
        self.expect_symbol(close.0, close.1)?;
        Ok(options)
    }

    fn is(&mut self, left: Node) -> Result<Test, Invalid> {
        let left = self.operand(left)?;
        let TokenKind::Word(word) = &self.token().kind else {
            return Err(self.malformed("Expected type name"));
        };
        let kinds: &[Kind] = match word.to_ascii_uppercase().as_str() {
            "MISSING" => {
                self.advance();
                return Ok(Test::Call(Function::AttributeNotExists, vec![left]));
            }
            "NULL" => &[Kind::Null],
            "BOOL" | "BOOLEAN" => &[Kind::Bool],
            "STRING" | "CHAR" | "CHARACTER" | "VARCHAR" | "SYMBOL" | "CLOB" => &[Kind::S],
            "INT" | "INT4" | "INT8" | "INTEGER" | "SMALLINT" | "NUMERIC" | "DECIMAL" | "DEC" | "FLOAT" | "REAL"
            | "DOUBLE" => &[Kind::N],
            "BLOB" => &[Kind::B],
            "LIST" => &[Kind::L],
            "STRUCT" | "TUPLE" => &[Kind::M],
            "BAG" => &[Kind::Ss, Kind::Ns, Kind::Bs],
            _ => return Err(self.malformed("Expected type name")),
        };
        let more = match word.to_ascii_uppercase().as_str() {
            "DOUBLE" => "PRECISION",
            "CHARACTER" => "VARYING",
            _ => "",
        };
        self.advance();
        self.take_word(more);
        let mut tests: Vec<Test> = kinds
            .iter()
            .map(|kind| {
                let name = Operand::Value(AttributeValue::S(kind.name().to_owned()));
                Test::Call(Function::AttributeType, vec![left.clone(), name])
            })
            .collect();
        Ok(match tests.len() {
            1 => tests.remove(0),
            _ => Test::Any(tests),
        })
    }

    fn primary(&mut self) -> Result<Node, Invalid> {
        let is_call = matches!(self.ahead(1), TokenKind::Symbol("("));
        match &self.token().kind {
            TokenKind::Symbol("(") => {
                self.advance();
                let node = self.any()?;
                self.expect_symbol(")", "RIGHT_PAREN")?;
                Ok(node)
            }
            TokenKind::Word(_) if is_call => self.call(),
            TokenKind::Quoted(_) => self.path_node(),
            TokenKind::Word(word) => match word.to_ascii_uppercase().as_str() {
                "TRUE" | "FALSE" | "NULL" => self.literal_node(),
                "IS" | "IN" | "LIKE" | "BETWEEN" | "AND" | "OR" => Err(self.malformed("Unexpected operator")),
                _ => self.path_node(),
            },
            _ => self.literal_node(),
        }
    }

    fn path_node(&mut self) -> Result<Node, Invalid> {
        Ok(Node::Operand(Box::new(Operand::Path(self.path()?))))
    }

    fn literal_node(&mut self) -> Result<Node, Invalid> {
        Ok(Node::Operand(Box::new(Operand::Value(self.literal("root")?))))
    }

    fn call(&mut self) -> Result<Node, Invalid> {
        let place = self.token().place();
        let TokenKind::Word(word) = &self.token().kind else {
            return Err(self.malformed("Unexpected term"));
        };
        let name = word.to_ascii_lowercase();
        let Some(function) = FUNCTIONS.into_iter().find(|function| function.name() == name) else {
            return Err(Invalid(format!("Unrecognized function: {name} at {place}")));
        };
        self.advance();
        self.advance();
        let mut operands = Vec::new();
        if !self.take_symbol(")") {
            self.enter()?;
            loop {
                let operand = self.primary()?;
                operands.push(self.operand(operand)?);
                if !self.take_symbol(",") {
                    break;
                }
            }
            self.leave();
            self.expect_symbol(")", "RIGHT_PAREN")?;
        }
        self.checks.call(function, &operands);
        Ok(if function.gives_value() {
            Node::Operand(Box::new(Operand::Call(function, operands)))
        } else {
            Node::test(Test::Call(function, operands))
        })
    }
}

fn negate(test: Test, negated: bool) -> Node {
    Node::test(if negated { Test::Not(Box::new(test)) } else { test })
}
