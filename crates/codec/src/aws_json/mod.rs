//! awsJson 1.0 and 1.1: one address, the operation in `x-amz-target`, JSON bodies with the model's names.

mod error;
mod request;
mod response;

pub(crate) use error::{decode_error, encode_error, error_body, read_error};
pub(crate) use request::{decode_request, encode_request};
pub(crate) use response::{decode_response, encode_response};

use virga_shape::Member;

/// The version of the protocol: content types and the spelling of errors differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V1_0,
    V1_1,
}

impl Version {
    fn content_type(self) -> &'static str {
        match self {
            Version::V1_0 => "application/x-amz-json-1.0",
            Version::V1_1 => "application/x-amz-json-1.1",
        }
    }
}

/// All members travel in the body, whatever location other protocols of the service give them.
fn in_body(_member: &Member) -> bool {
    true
}
