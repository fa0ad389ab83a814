//! The one error of this crate: what DynamoDB says in a `ValidationException`.

use std::fmt;

/// The message of a `ValidationException`, worded as AWS words it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub String);

impl Invalid {
    pub fn new(message: impl Into<String>) -> Self {
        Invalid(message.into())
    }

    /// With AWS's opening of errors about values.
    pub fn parameter(message: impl fmt::Display) -> Self {
        Invalid(format!("One or more parameter values were invalid: {message}"))
    }

    pub fn message(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Invalid {}
