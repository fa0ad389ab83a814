//! The trees that the parsers make, with all placeholders replaced.

use super::function::Function;
use crate::AttributeValue;
use std::fmt;

/// Which parameter of a request an expression came in; errors begin with its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpressionKind {
    Condition,
    Filter,
    KeyCondition,
    Projection,
    Update,
}

impl ExpressionKind {
    pub fn name(self) -> &'static str {
        match self {
            ExpressionKind::Condition => "ConditionExpression",
            ExpressionKind::Filter => "FilterExpression",
            ExpressionKind::KeyCondition => "KeyConditionExpression",
            ExpressionKind::Projection => "ProjectionExpression",
            ExpressionKind::Update => "UpdateExpression",
        }
    }
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathElement {
    Name(String),
    Index(usize),
}

/// Where a value lies in an item: an attribute's name, then names in maps and places in lists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(pub(crate) Vec<PathElement>);

impl Path {
    pub fn elements(&self) -> &[PathElement] {
        &self.0
    }

    /// The name of the attribute that the path begins with.
    pub fn attribute(&self) -> &str {
        match self.0.first() {
            Some(PathElement::Name(name)) => name,
            _ => "",
        }
    }
}

/// As AWS shows it: `[a, b, [1]]`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<String> = self.0.iter().map(PathElement::to_string).collect();
        write!(f, "[{}]", shown.join(", "))
    }
}

impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathElement::Name(name) => f.write_str(name),
            PathElement::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// What is compared, computed with or stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    Path(Path),
    Value(AttributeValue),
    Call(Function, Vec<Operand>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparator {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Comparator::Equal => "=",
            Comparator::NotEqual => "<>",
            Comparator::Less => "<",
            Comparator::LessOrEqual => "<=",
            Comparator::Greater => ">",
            Comparator::GreaterOrEqual => ">=",
        }
    }

    pub(crate) fn is_ordering(self) -> bool {
        !matches!(self, Comparator::Equal | Comparator::NotEqual)
    }

    /// The one that says the same with its sides exchanged.
    pub(crate) fn mirrored(self) -> Comparator {
        match self {
            Comparator::Less => Comparator::Greater,
            Comparator::LessOrEqual => Comparator::GreaterOrEqual,
            Comparator::Greater => Comparator::Less,
            Comparator::GreaterOrEqual => Comparator::LessOrEqual,
            same => same,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Compare(Comparator, Operand, Operand),
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    Call(Function, Vec<Operand>),
}

/// A condition, a filter or a key condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub(crate) kind: ExpressionKind,
    pub(crate) test: Test,
}

/// The paths of a projection.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    pub(crate) paths: Vec<Path>,
}

impl Projection {
    pub fn paths(&self) -> &[Path] {
        &self.paths
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SetValue {
    Operand(Operand),
    Plus(Operand, Operand),
    Minus(Operand, Operand),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    Set(SetValue),
    Remove,
    Add(AttributeValue),
    Delete(AttributeValue),
}

/// The actions of an update in the order of the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    pub(crate) actions: Vec<(Path, Action)>,
    /// Whether it came as `AttributeUpdates`, of which some errors are worded otherwise.
    pub(crate) legacy: bool,
}

impl Update {
    /// The paths that it changes.
    pub fn targets(&self) -> impl Iterator<Item = &Path> {
        self.actions.iter().map(|(path, _)| path)
    }

    /// Whether it makes an item where there was none: removals alone do not.
    pub fn creates_item(&self) -> bool {
        self.actions.is_empty()
            || self
                .actions
                .iter()
                .any(|(_, action)| matches!(action, Action::Set(_) | Action::Add(_)))
    }
}
