//! What makes a value invalid as a key.

use super::{AttributeValue, Kind};
use crate::Invalid;

/// The greatest size of a partition key's value.
const PARTITION_MAX_BYTES: usize = 2048;
/// The greatest size of a sort key's value.
const SORT_MAX_BYTES: usize = 1024;

/// Which part of the key a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRole {
    Partition,
    Sort,
}

/// Why a value cannot be a key; the wording differs with where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// Not of the type that the table declares.
    Type {
        name: String,
        expected: Kind,
        actual: Kind,
    },
    Empty {
        name: String,
        kind: Kind,
    },
    TooLong(KeyRole),
}

impl KeyError {
    /// As PutItem says it, of an item.
    pub fn in_item(&self) -> Invalid {
        match self {
            KeyError::Type { name, expected, actual } => Invalid::parameter(format!(
                "Type mismatch for key {name} expected: {} actual: {}",
                expected.name(),
                actual.name()
            )),
            other => other.in_key(),
        }
    }

    /// As operations say it that are given a `Key`.
    pub fn in_key(&self) -> Invalid {
        match self {
            KeyError::Type { .. } => Invalid::new("The provided key element does not match the schema"),
            KeyError::Empty { name, kind } => {
                let what = if *kind == Kind::B { "binary" } else { "string" };
                Invalid(format!(
                    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain \
                     an empty {what} value. Key: {name}"
                ))
            }
            KeyError::TooLong(KeyRole::Partition) => Invalid::parameter(format!(
                "Size of hashkey has exceeded the maximum size limit of{PARTITION_MAX_BYTES} bytes"
            )),
            KeyError::TooLong(KeyRole::Sort) => Invalid::parameter(format!(
                "Aggregated size of all range keys has exceeded the size limit of {SORT_MAX_BYTES} bytes"
            )),
        }
    }
}

/// Checks one key attribute's value against its declared type and AWS's bounds.
pub fn check_key_value(role: KeyRole, name: &str, expected: Kind, value: &AttributeValue) -> Result<(), KeyError> {
    if value.kind() != expected {
        return Err(KeyError::Type {
            name: name.to_owned(),
            expected,
            actual: value.kind(),
        });
    }
    let size = value.size_bytes();
    if size == 0 {
        return Err(KeyError::Empty {
            name: name.to_owned(),
            kind: expected,
        });
    }
    let limit = match role {
        KeyRole::Partition => PARTITION_MAX_BYTES,
        KeyRole::Sort => SORT_MAX_BYTES,
    };
    if size > limit {
        Err(KeyError::TooLong(role))
    } else {
        Ok(())
    }
}
