//! Answers: headers and status beside the body.

use super::BodyCodec;
use crate::{OperationRef, WireResponse};
use bytes::Bytes;
use http::HeaderMap;
use virga_base::AwsError;
use virga_shape::{StructValue, Value};

/// Writes a whole answer, without a header for the request's id: that is the protocol's to add.
pub(crate) fn encode_response(
    op: OperationRef,
    _output: &Value,
    _codec: &dyn BodyCodec,
) -> Result<WireResponse, AwsError> {
    Err(AwsError::not_implemented(&op.model.name, &op.operation.name))
}

/// Reads a whole answer.
pub(crate) fn decode_response(
    op: OperationRef,
    _status: u16,
    _headers: &HeaderMap,
    _body: &Bytes,
    _codec: &dyn BodyCodec,
) -> Result<Value, AwsError> {
    Err(AwsError::not_implemented(&op.model.name, &op.operation.name))
}

/// Writes those members that travel in headers (also those of errors); answers with the status member, if it is set.
pub(crate) fn encode_headers(_value: &StructValue, _headers: &mut HeaderMap) -> Result<Option<u16>, AwsError> {
    Ok(None)
}

/// Reads those members that travel in headers and the status into `out`.
pub(crate) fn decode_headers(_status: u16, _headers: &HeaderMap, _out: &mut StructValue) -> Result<(), AwsError> {
    Ok(())
}
