//! Smithy's rpc-v2-cbor: `/service/NAME/operation/OPERATION`, CBOR both ways.

mod error;
mod request;
mod response;

pub(crate) use error::{decode_error, encode_error};
pub(crate) use request::{decode_request, encode_request};
pub(crate) use response::{decode_response, encode_response};

const CONTENT_TYPE: &str = "application/cbor";
const PROTOCOL_HEADER: &str = "smithy-protocol";
const PROTOCOL: &str = "rpc-v2-cbor";
