//! What is wrong with a document.

use std::fmt;

/// The first thing that is wrong with a document. Services word it; the `Display` form is for people and logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Longer than the rules allow.
    TooLong {
        bytes: usize,
        max_bytes: usize,
    },
    /// No JSON object, or one in which a key stands twice.
    NotJson(String),
    /// A member that the language does not know, of the document or of a statement.
    UnknownField(String),
    /// A member that must be there, or one of a pair: `Statement`, `Effect`, `Principal`, `Action`, `Resource`.
    Missing(&'static str),
    /// A member that the rules forbid here (`Principal` in an identity's policy).
    Forbidden(&'static str),
    /// Both of a pair: `Action` and `NotAction`.
    Both(&'static str),
    /// A member of the wrong kind of JSON.
    Kind(&'static str),
    /// A list without members.
    Empty(&'static str),
    /// `Version` that is neither of the two.
    Version(String),
    /// `Effect` that is neither `Allow` nor `Deny`.
    Effect(String),
    Sid(String),
    DuplicateSid(String),
    /// A kind of principal that the language does not know.
    PrincipalKind(String),
    /// A principal of a form that cannot exist.
    Principal {
        kind: &'static str,
        value: String,
    },
    /// An action without `service:`.
    Action(String),
    /// A resource that is neither an ARN nor `*`.
    Resource(String),
    /// An operator that the language does not know.
    Operator(String),
    /// A key of a condition without a value, or a value of a wrong form for its operator.
    ConditionValue {
        operator: String,
        key: String,
        value: String,
    },
    /// `${` without its end.
    Variable(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::TooLong { bytes, max_bytes } => write!(f, "{bytes} bytes, where {max_bytes} are allowed"),
            Fault::NotJson(why) => write!(f, "not JSON: {why}"),
            Fault::UnknownField(name) => write!(f, "unknown field {name}"),
            Fault::Missing(name) => write!(f, "{name} is missing"),
            Fault::Forbidden(name) => write!(f, "{name} is not allowed here"),
            Fault::Both(name) => write!(f, "{name} and Not{name} exclude each other"),
            Fault::Kind(name) => write!(f, "{name} is of the wrong kind"),
            Fault::Empty(name) => write!(f, "{name} is empty"),
            Fault::Version(text) => write!(f, "unknown version {text}"),
            Fault::Effect(text) => write!(f, "unknown effect {text}"),
            Fault::Sid(text) => write!(f, "a Sid may not be {text:?}"),
            Fault::DuplicateSid(text) => write!(f, "the Sid {text:?} stands twice"),
            Fault::PrincipalKind(kind) => write!(f, "unknown kind of principal {kind}"),
            Fault::Principal { kind, value } => write!(f, "{value:?} is no principal of the kind {kind}"),
            Fault::Action(text) => write!(f, "{text:?} is no action"),
            Fault::Resource(text) => write!(f, "{text:?} is no resource"),
            Fault::Operator(name) => write!(f, "unknown operator {name}"),
            Fault::ConditionValue { operator, key, value } => {
                write!(f, "{value:?} is no value of {operator} for {key}")
            }
            Fault::Variable(text) => write!(f, "{text:?} has a variable without an end"),
        }
    }
}

impl std::error::Error for Fault {}
