//! The operators of conditions.

/// What two values are compared as, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    NumericEquals,
    NumericLessThan,
    NumericLessThanEquals,
    NumericGreaterThan,
    NumericGreaterThanEquals,
    DateEquals,
    DateLessThan,
    DateLessThanEquals,
    DateGreaterThan,
    DateGreaterThanEquals,
    Bool,
    BinaryEquals,
    IpAddress,
    /// `ArnEquals` and `ArnLike`, which are the same.
    ArnLike,
    /// Whether the key is absent.
    Null,
}

/// How many of a key's values must satisfy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    ForAllValues,
    ForAnyValue,
}

/// An operator, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    pub quantifier: Option<Quantifier>,
    pub compare: Compare,
    /// Whether it is satisfied where the comparison fails (`StringNotEquals`).
    pub negated: bool,
    pub if_exists: bool,
}

impl Operator {
    /// Reads an operator's name, with its `ForAnyValue:` and `IfExists`.
    pub fn parse(name: &str) -> Option<Operator> {
        let (quantifier, rest) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(Quantifier::ForAllValues), rest),
            Some(("ForAnyValue", rest)) => (Some(Quantifier::ForAnyValue), rest),
            Some(_) => return None,
            None => (None, name),
        };
        let (base, if_exists) = match rest.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (rest, false),
        };
        let (compare, negated) = match base {
            "StringEquals" => (Compare::StringEquals, false),
            "StringNotEquals" => (Compare::StringEquals, true),
            "StringEqualsIgnoreCase" => (Compare::StringEqualsIgnoreCase, false),
            "StringNotEqualsIgnoreCase" => (Compare::StringEqualsIgnoreCase, true),
            "StringLike" => (Compare::StringLike, false),
            "StringNotLike" => (Compare::StringLike, true),
            "NumericEquals" => (Compare::NumericEquals, false),
            "NumericNotEquals" => (Compare::NumericEquals, true),
            "NumericLessThan" => (Compare::NumericLessThan, false),
            "NumericLessThanEquals" => (Compare::NumericLessThanEquals, false),
            "NumericGreaterThan" => (Compare::NumericGreaterThan, false),
            "NumericGreaterThanEquals" => (Compare::NumericGreaterThanEquals, false),
            "DateEquals" => (Compare::DateEquals, false),
            "DateNotEquals" => (Compare::DateEquals, true),
            "DateLessThan" => (Compare::DateLessThan, false),
            "DateLessThanEquals" => (Compare::DateLessThanEquals, false),
            "DateGreaterThan" => (Compare::DateGreaterThan, false),
            "DateGreaterThanEquals" => (Compare::DateGreaterThanEquals, false),
            "Bool" => (Compare::Bool, false),
            "BinaryEquals" => (Compare::BinaryEquals, false),
            "IpAddress" => (Compare::IpAddress, false),
            "NotIpAddress" => (Compare::IpAddress, true),
            "ArnEquals" | "ArnLike" => (Compare::ArnLike, false),
            "ArnNotEquals" | "ArnNotLike" => (Compare::ArnLike, true),
            "Null" if !if_exists => (Compare::Null, false),
            _ => return None,
        };
        Some(Operator {
            quantifier,
            compare,
            negated,
            if_exists,
        })
    }
}
