//! What is wrong with an expression that reads well: collected while parsing, the first by rank is told.

use super::function::Function;
use super::syntax::{Comparator, ExpressionKind, Operand, Path, PathElement};
use crate::attribute::Kind;
use crate::{AttributeValue, Invalid};

/// Which error is told where there are several; from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    Parentheses,
    Reserved,
    Function,
    Section,
    Index,
    Name,
    Value,
    Operators,
    Misuse,
    OperandCount,
    Operand,
    Overlap,
}

pub(crate) struct Checks {
    kind: ExpressionKind,
    first: Option<(Rank, String)>,
}

impl Checks {
    pub(crate) fn new(kind: ExpressionKind) -> Self {
        Checks { kind, first: None }
    }

    pub(crate) fn note(&mut self, rank: Rank, message: impl Into<String>) {
        if self.first.as_ref().is_none_or(|(first, _)| rank < *first) {
            self.first = Some((rank, message.into()));
        }
    }

    /// Whether something of at least this rank was noted.
    pub(crate) fn has_noted(&self, rank: Rank) -> bool {
        self.first.as_ref().is_some_and(|(first, _)| *first <= rank)
    }

    pub(crate) fn error(&self, message: &str) -> Invalid {
        Invalid(format!("Invalid {}: {message}", self.kind.name()))
    }

    pub(crate) fn finish(self) -> Result<(), Invalid> {
        match &self.first {
            Some((_, message)) => Err(self.error(message)),
            None => Ok(()),
        }
    }

    /// As `finish`, of a PartiQL statement: the error alone, since no parameter has it.
    pub(crate) fn finish_bare(self) -> Result<(), Invalid> {
        self.first.map_or(Ok(()), |(_, message)| Err(Invalid(message)))
    }

    pub(crate) fn operand_type(&mut self, operator: &str, shown: &str) {
        self.note(
            Rank::Operand,
            format!(
                "Incorrect operand type for operator or function; operator or function: {operator}, operand type: {shown}"
            ),
        );
    }

    /// Notes the operand where its type is known already and is not of those that `allowed` takes.
    pub(crate) fn require(&mut self, operator: &str, operand: &Operand, allowed: impl Fn(Kind) -> bool) {
        if let Some(kind) = known_kind(operand).filter(|kind| !allowed(*kind)) {
            self.operand_type(operator, kind.name());
        }
    }

    /// A function where a value is asked for must give one.
    pub(crate) fn require_value(&mut self, operand: &Operand) {
        if let Operand::Call(function, _) = operand
            && !function.gives_value()
        {
            self.misused(*function);
        }
    }

    pub(crate) fn misused(&mut self, function: Function) {
        self.note(
            Rank::Misuse,
            format!(
                "The function is not allowed to be used this way in an expression; function: {}",
                function.name()
            ),
        );
    }

    pub(crate) fn distinct<'o>(
        &mut self,
        operator: &str,
        first: &Operand,
        rest: impl IntoIterator<Item = &'o Operand>,
    ) {
        if let Operand::Path(path) = first
            && rest.into_iter().any(|operand| operand == first)
        {
            self.note(
                Rank::Operand,
                format!(
                    "The first operand must be distinct from the remaining operands for this operator or function; \
                     operator: {operator}, first operand: {path}"
                ),
            );
        }
    }

    pub(crate) fn comparison(&mut self, comparator: Comparator, left: &Operand, right: &Operand) {
        for operand in [left, right] {
            self.require_value(operand);
            if comparator.is_ordering() {
                self.require(comparator.symbol(), operand, Kind::is_ordered);
            }
        }
        self.distinct(comparator.symbol(), left, [right]);
    }

    pub(crate) fn between(&mut self, value: &Operand, lower: &Operand, upper: &Operand) {
        for operand in [value, lower, upper] {
            self.require_value(operand);
            self.require("BETWEEN", operand, Kind::is_ordered);
        }
        self.distinct("BETWEEN", value, [lower, upper]);
        if let (Operand::Value(lower), Operand::Value(upper)) = (lower, upper) {
            let shown =
                format!("lower bound operand: AttributeValue: {lower}, upper bound operand: AttributeValue: {upper}");
            if lower.kind() != upper.kind() {
                self.note(
                    Rank::Operand,
                    format!("The BETWEEN operator requires same data type for lower and upper bounds; {shown}"),
                );
            } else if lower.order(upper).is_some_and(std::cmp::Ordering::is_gt) {
                self.note(
                    Rank::Operand,
                    format!(
                        "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; {shown}"
                    ),
                );
            }
        }
    }

    /// A call by itself: where it may stand, how many operands, and of what types.
    pub(crate) fn call(&mut self, function: Function, operands: &[Operand]) {
        let name = function.name();
        if function.is_for_updates() != (self.kind == ExpressionKind::Update) {
            let place = if function.is_for_updates() {
                "a condition"
            } else {
                "an update"
            };
            self.note(
                Rank::Function,
                format!("The function is not allowed in {place} expression; function: {name}"),
            );
            return;
        }
        if operands.len() != function.operands() {
            self.note(
                Rank::OperandCount,
                format!(
                    "Incorrect number of operands for operator or function; operator or function: {name}, number of \
                     operands: {}",
                    operands.len()
                ),
            );
            return;
        }
        operands.iter().for_each(|operand| self.require_value(operand));
        let Some(first) = operands.first() else { return };
        if function.needs_path() && !matches!(first, Operand::Path(_)) {
            self.note(
                Rank::Operand,
                format!("Operator or function requires a document path; operator or function: {name}"),
            );
        }
        match function {
            Function::Size => self.require(name, first, |kind| !matches!(kind, Kind::N | Kind::Bool | Kind::Null)),
            Function::BeginsWith => operands
                .iter()
                .for_each(|operand| self.require(name, operand, |kind| matches!(kind, Kind::S | Kind::B))),
            Function::Contains => self.require(name, first, |kind| {
                kind.is_set() || matches!(kind, Kind::S | Kind::B | Kind::L)
            }),
            Function::ListAppend => operands
                .iter()
                .for_each(|operand| self.require(name, operand, |kind| kind == Kind::L)),
            Function::AttributeType => self.attribute_type(operands.last()),
            _ => {}
        }
        if matches!(function, Function::BeginsWith | Function::Contains) {
            self.distinct(name, first, operands.iter().skip(1));
        }
    }

    fn attribute_type(&mut self, operand: Option<&Operand>) {
        match operand {
            Some(Operand::Value(AttributeValue::S(name))) if Kind::from_name(name).is_some() => {}
            Some(Operand::Value(AttributeValue::S(name))) => self.note(
                Rank::Operand,
                format!(
                    "Invalid attribute type name found; type: {name}, valid types: {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}"
                ),
            ),
            Some(Operand::Value(value)) => self.operand_type("attribute_type", value.kind().name()),
            _ => self.operand_type("attribute_type", "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"),
        }
    }

    /// Notes the first two paths of which one is within the other, or which no item can have both.
    pub(crate) fn paths<'p>(&mut self, paths: impl Iterator<Item = &'p Path>) {
        let paths: Vec<&Path> = paths.collect();
        for (at, second) in paths.iter().enumerate() {
            for first in paths.iter().take(at) {
                let what = match relation(first, second) {
                    Relation::Apart => continue,
                    Relation::Overlap => "overlap",
                    Relation::Conflict => "conflict",
                };
                self.note(
                    Rank::Overlap,
                    format!(
                        "Two document paths {what} with each other; must remove or rewrite one of these paths; path \
                         one: {first}, path two: {second}"
                    ),
                );
                return;
            }
        }
    }
}

enum Relation {
    Apart,
    Overlap,
    Conflict,
}

fn relation(a: &Path, b: &Path) -> Relation {
    for (a, b) in a.elements().iter().zip(b.elements()) {
        match (a, b) {
            _ if a == b => {}
            (PathElement::Name(_), PathElement::Index(_)) | (PathElement::Index(_), PathElement::Name(_)) => {
                return Relation::Conflict;
            }
            _ => return Relation::Apart,
        }
    }
    Relation::Overlap
}

/// The type of an operand, where it does not depend on an item.
pub(crate) fn known_kind(operand: &Operand) -> Option<Kind> {
    match operand {
        Operand::Path(_) => None,
        Operand::Value(value) => Some(value.kind()),
        Operand::Call(Function::Size, _) => Some(Kind::N),
        Operand::Call(Function::ListAppend, _) => Some(Kind::L),
        Operand::Call(..) => None,
    }
}
