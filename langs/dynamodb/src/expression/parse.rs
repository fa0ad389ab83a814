//! The grammar of conditions, filters and key conditions.

use super::check::Rank;
use super::names::Placeholders;
use super::parse_paths::Parser;
use super::syntax::{Comparator, Condition, ExpressionKind, Operand, Test};
use crate::Invalid;

/// Words with a meaning in the grammar; none can be an attribute's name.
const KEYWORDS: &[&str] = &["AND", "OR", "NOT", "BETWEEN", "IN"];
/// The most operands that `IN` compares with.
const IN_MAX: usize = 100;

/// Parses a condition of the given kind.
pub fn parse_condition(
    kind: ExpressionKind,
    text: &str,
    placeholders: &mut Placeholders<'_>,
) -> Result<Condition, Invalid> {
    let mut parser = Parser::new(kind, text, KEYWORDS, placeholders)?;
    let parsed = parser.any()?;
    let test = parser.test(parsed)?;
    parser.finish()?;
    Ok(Condition { kind, test: *test })
}

/// What was read, which may turn out to be the left side of a comparison. Boxed, to keep small the stack that nested
/// parentheses need.
enum Node {
    Test(Box<Test>),
    Operand(Box<Operand>),
}

/// A node, and whether it is all within one pair of parentheses.
struct Parsed {
    node: Node,
    enclosed: bool,
}

impl Parsed {
    fn test(test: Test) -> Self {
        Parsed {
            node: Node::Test(Box::new(test)),
            enclosed: false,
        }
    }
}

impl Parser<'_, '_, '_> {
    /// The node as a condition: of operands, only the call of a function is one.
    fn test(&mut self, parsed: Parsed) -> Result<Box<Test>, Invalid> {
        let operand = match parsed.node {
            Node::Test(test) => return Ok(test),
            Node::Operand(operand) => *operand,
        };
        match operand {
            Operand::Call(function, operands) => {
                if function.gives_value() {
                    self.checks.misused(function);
                }
                Ok(Box::new(Test::Call(function, operands)))
            }
            // An unknown function was noted and replaced: what it stood for is an error in any case.
            operand @ Operand::Value(_) if self.checks.has_noted(Rank::Function) => {
                Ok(Box::new(Test::Compare(Comparator::Equal, operand.clone(), operand)))
            }
            _ => Err(self.unexpected()),
        }
    }

    fn any(&mut self) -> Result<Parsed, Invalid> {
        let first = self.all()?;
        if !self.is_word("OR") {
            return Ok(first);
        }
        let mut tests = vec![*self.test(first)?];
        while self.take_word("OR") {
            self.count_operator();
            let next = self.all()?;
            tests.push(*self.test(next)?);
        }
        Ok(Parsed::test(Test::Any(tests)))
    }

    fn all(&mut self) -> Result<Parsed, Invalid> {
        let first = self.negation()?;
        if !self.is_word("AND") {
            return Ok(first);
        }
        let mut tests = vec![*self.test(first)?];
        while self.take_word("AND") {
            self.count_operator();
            let next = self.negation()?;
            tests.push(*self.test(next)?);
        }
        Ok(Parsed::test(Test::All(tests)))
    }

    fn negation(&mut self) -> Result<Parsed, Invalid> {
        let mut negations = 0usize;
        while self.take_word("NOT") {
            self.count_operator();
            negations += 1;
        }
        let parsed = self.comparison()?;
        if negations == 0 {
            return Ok(parsed);
        }
        let test = self.test(parsed)?;
        // Two of them cancel; one is kept, since key conditions must see it.
        Ok(Parsed::test(if negations.is_multiple_of(2) {
            Test::Not(Box::new(Test::Not(test)))
        } else {
            Test::Not(test)
        }))
    }

    fn comparison(&mut self) -> Result<Parsed, Invalid> {
        let left = self.atom()?;
        match left.node {
            Node::Test(_) => Ok(left),
            Node::Operand(_) => self.compared(left),
        }
    }

    /// An operand with what may follow it.
    fn compared(&mut self, left: Parsed) -> Result<Parsed, Invalid> {
        let comparator = match self.symbol() {
            Some("=") => Some(Comparator::Equal),
            Some("<>") => Some(Comparator::NotEqual),
            Some("<") => Some(Comparator::Less),
            Some("<=") => Some(Comparator::LessOrEqual),
            Some(">") => Some(Comparator::Greater),
            Some(">=") => Some(Comparator::GreaterOrEqual),
            _ => None,
        };
        if let Some(comparator) = comparator {
            self.take_symbol(comparator.symbol());
            self.count_operator();
            let left = self.value_of(left)?;
            let right = self.atom()?;
            let right = self.value_of(right)?;
            self.checks.comparison(comparator, &left, &right);
            return Ok(Parsed::test(Test::Compare(comparator, left, right)));
        }
        if self.take_word("BETWEEN") {
            self.count_operator();
            return self.between(left);
        }
        if self.take_word("IN") {
            self.count_operator();
            return self.is_in(left);
        }
        Ok(left)
    }

    fn between(&mut self, value: Parsed) -> Result<Parsed, Invalid> {
        let value = self.value_of(value)?;
        let lower = self.atom()?;
        let lower = self.value_of(lower)?;
        if !self.take_word("AND") {
            return Err(self.unexpected());
        }
        let upper = self.atom()?;
        let upper = self.value_of(upper)?;
        self.checks.between(&value, &lower, &upper);
        Ok(Parsed::test(Test::Between(value, lower, upper)))
    }

    fn is_in(&mut self, value: Parsed) -> Result<Parsed, Invalid> {
        let value = self.value_of(value)?;
        self.expect("(")?;
        let mut options = vec![self.operand()?];
        while self.take_symbol(",") {
            options.push(self.operand()?);
        }
        self.expect(")")?;
        if options.len() > IN_MAX {
            let message = format!(
                "The IN operator is provided with too many operands; number of operands: {}",
                options.len()
            );
            self.checks.note(Rank::OperandCount, message);
        }
        self.checks.require_value(&value);
        options.iter().for_each(|option| self.checks.require_value(option));
        self.checks.distinct("IN", &value, &options);
        Ok(Parsed::test(Test::In(value, options)))
    }

    fn value_of(&mut self, parsed: Parsed) -> Result<Operand, Invalid> {
        match parsed.node {
            Node::Operand(operand) => Ok(*operand),
            Node::Test(_) => Err(self.unexpected()),
        }
    }

    /// An operand, or anything in parentheses.
    fn atom(&mut self) -> Result<Parsed, Invalid> {
        if !self.take_symbol("(") {
            return self.bare_operand();
        }
        self.enter()?;
        let inner = self.any()?;
        self.expect(")")?;
        self.leave();
        if inner.enclosed {
            self.redundant();
        }
        Ok(Parsed {
            node: inner.node,
            enclosed: true,
        })
    }

    fn bare_operand(&mut self) -> Result<Parsed, Invalid> {
        Ok(Parsed {
            node: Node::Operand(Box::new(self.operand()?)),
            enclosed: false,
        })
    }
}
