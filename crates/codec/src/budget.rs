//! How much one body may ask for: depth of nesting and number of values.

use crate::errors;
use virga_base::AwsError;
use virga_base::limits::{NESTING_MAX_DEPTH, VALUE_MAX_NODES};

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
    pub(crate) fn enter(&mut self) -> Result<(), AwsError> {
        self.depth += 1;
        if self.depth > NESTING_MAX_DEPTH {
            return Err(errors::serialization(format!(
                "The request is nested deeper than {NESTING_MAX_DEPTH} levels"
            )));
        }
        self.node()
    }

    pub(crate) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// One more value of any kind.
    pub(crate) fn node(&mut self) -> Result<(), AwsError> {
        self.nodes += 1;
        if self.nodes > VALUE_MAX_NODES {
            return Err(errors::serialization(format!(
                "The request holds more than {VALUE_MAX_NODES} values"
            )));
        }
        Ok(())
    }
}
