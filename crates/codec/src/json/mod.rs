//! JSON bodies, read and written along a shape in one pass, straight between bytes and [`Value`]s.

mod document;
mod parser;
mod reader;
mod told;
mod writer;

pub(crate) use reader::{error_parts, read, read_members};
pub(crate) use writer::{write, write_members, write_string};

use virga_shape::Member;

/// Which of a member's names stands in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// The model's name: awsJson and rpc-v2-cbor know no other (`locationName` belongs to a service's other protocols).
    Model,
    /// The name on the wire: rest-json.
    Wire,
}

impl Names {
    pub(crate) fn of(self, member: &Member) -> &str {
        match self {
            Names::Model => &member.name,
            Names::Wire => member.wire_name(),
        }
    }
}

#[cfg(test)]
mod tests;
