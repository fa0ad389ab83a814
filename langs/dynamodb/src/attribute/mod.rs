//! Attribute values: the ten types, their sizes, their order and what makes one invalid.

mod check;
mod key;
mod size;

pub use check::{check_item, check_value};
pub use key::{KeyError, KeyRole, check_key_value};
pub use size::{ITEM_SIZE_MAX_BYTES, NESTING_MAX, item_size_bytes, name_is_too_long};

use crate::Number;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

/// An item, or the inside of a map: values by attribute name.
pub type Item = BTreeMap<String, AttributeValue>;

/// A value of one of DynamoDB's ten types. Sets keep the order in which they came.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValue {
    S(String),
    N(Number),
    B(Vec<u8>),
    Ss(Vec<String>),
    Ns(Vec<Number>),
    Bs(Vec<Vec<u8>>),
    M(Item),
    L(Vec<AttributeValue>),
    Bool(bool),
    Null,
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    S,
    N,
    B,
    Ss,
    Ns,
    Bs,
    M,
    L,
    Bool,
    Null,
}

impl Kind {
    pub const ALL: [Kind; 10] = [
        Kind::S,
        Kind::N,
        Kind::B,
        Kind::Ss,
        Kind::Ns,
        Kind::Bs,
        Kind::M,
        Kind::L,
        Kind::Bool,
        Kind::Null,
    ];

    /// As it stands in JSON: `S`, `NS`, `BOOL`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::S => "S",
            Kind::N => "N",
            Kind::B => "B",
            Kind::Ss => "SS",
            Kind::Ns => "NS",
            Kind::Bs => "BS",
            Kind::M => "M",
            Kind::L => "L",
            Kind::Bool => "BOOL",
            Kind::Null => "NULL",
        }
    }

    /// As the errors of `ADD` and `DELETE` say it.
    pub fn long_name(self) -> &'static str {
        match self {
            Kind::S => "STRING",
            Kind::N => "NUMBER",
            Kind::B => "BINARY",
            Kind::Ss => "STRING_SET",
            Kind::Ns => "NUMBER_SET",
            Kind::Bs => "BINARY_SET",
            Kind::M => "MAP",
            Kind::L => "LIST",
            Kind::Bool => "BOOLEAN",
            Kind::Null => "NULL",
        }
    }

    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub fn is_set(self) -> bool {
        matches!(self, Kind::Ss | Kind::Ns | Kind::Bs)
    }

    /// Whether two values of it have an order.
    pub fn is_ordered(self) -> bool {
        matches!(self, Kind::S | Kind::N | Kind::B)
    }
}

impl AttributeValue {
    pub fn kind(&self) -> Kind {
        match self {
            AttributeValue::S(_) => Kind::S,
            AttributeValue::N(_) => Kind::N,
            AttributeValue::B(_) => Kind::B,
            AttributeValue::Ss(_) => Kind::Ss,
            AttributeValue::Ns(_) => Kind::Ns,
            AttributeValue::Bs(_) => Kind::Bs,
            AttributeValue::M(_) => Kind::M,
            AttributeValue::L(_) => Kind::L,
            AttributeValue::Bool(_) => Kind::Bool,
            AttributeValue::Null => Kind::Null,
        }
    }

    /// Equal as DynamoDB sees it: the order of a set's members does not count, at any depth.
    pub fn same(&self, other: &AttributeValue) -> bool {
        fn same_set<T: PartialEq>(a: &[T], b: &[T]) -> bool {
            a.len() == b.len() && a.iter().all(|member| b.contains(member))
        }
        match (self, other) {
            (AttributeValue::Ss(a), AttributeValue::Ss(b)) => same_set(a, b),
            (AttributeValue::Ns(a), AttributeValue::Ns(b)) => same_set(a, b),
            (AttributeValue::Bs(a), AttributeValue::Bs(b)) => same_set(a, b),
            (AttributeValue::L(a), AttributeValue::L(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
            }
            (AttributeValue::M(a), AttributeValue::M(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && a.same(b))
            }
            (a, b) => a == b,
        }
    }

    /// The order of two values of one ordered type; nothing for any others.
    pub fn order(&self, other: &AttributeValue) -> Option<Ordering> {
        match (self, other) {
            (AttributeValue::S(a), AttributeValue::S(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (AttributeValue::N(a), AttributeValue::N(b)) => Some(a.cmp(b)),
            (AttributeValue::B(a), AttributeValue::B(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

/// As AWS shows scalars in its errors: `{N:5}`.
impl fmt::Display for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AttributeValue::S(text) => write!(f, "{{S:{text}}}"),
            AttributeValue::N(number) => write!(f, "{{N:{number}}}"),
            AttributeValue::Bool(value) => write!(f, "{{BOOL:{value}}}"),
            AttributeValue::Null => f.write_str("{NULL:true}"),
            other => write!(f, "{{{}:}}", other.kind().name()),
        }
    }
}
