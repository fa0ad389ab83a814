//! How much one body may ask for: depth of nesting and number of values.

use crate::errors;
use virga_base::AwsError;
use virga_base::limits::{NESTING_MAX_DEPTH, VALUE_MAX_NODES};

/// Why a body is refused, small enough for registers: readers return it at every value.
#[derive(Debug)]
pub(crate) struct Refused(Box<AwsError>);

impl From<Refused> for AwsError {
    fn from(refused: Refused) -> AwsError {
        *refused.0
    }
}

/// A `SerializationException` of a reader.
#[cold]
pub(crate) fn refuse(message: impl Into<String>) -> Refused {
    Refused(Box::new(errors::serialization(message)))
}

/// Counts what a reader makes out of one body. Skipped (unknown) members count as well.
#[derive(Debug)]
pub(crate) struct Budget {
    depth: usize,
    nodes: usize,
}

impl Budget {
    pub(crate) fn new() -> Budget {
        Budget { depth: 0, nodes: 0 }
    }

    /// One more list, map or structure opens; each `enter` is followed by a `leave`, except after an error.
    pub(crate) fn enter(&mut self) -> Result<(), Refused> {
        self.depth += 1;
        if self.depth > NESTING_MAX_DEPTH {
            return Err(refuse(format!(
                "The request is nested deeper than {NESTING_MAX_DEPTH} levels"
            )));
        }
        self.node()
    }

    pub(crate) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// One more value of any kind.
    pub(crate) fn node(&mut self) -> Result<(), Refused> {
        self.nodes += 1;
        if self.nodes > VALUE_MAX_NODES {
            return Err(refuse(format!("The request holds more than {VALUE_MAX_NODES} values")));
        }
        Ok(())
    }
}
