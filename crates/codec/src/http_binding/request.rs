//! Requests: path, query string and headers beside the body.

use super::BodyCodec;
use crate::{OperationRef, OwnedRequest, WireRequest};
use virga_base::AwsError;
use virga_shape::Value;

/// Reads a whole request; the streaming payload, if any, stays absent.
pub(crate) fn decode_request(
    op: OperationRef,
    _request: &WireRequest<'_>,
    _codec: &dyn BodyCodec,
) -> Result<Value, AwsError> {
    Err(AwsError::not_implemented(&op.model.name, &op.operation.name))
}

/// Writes a whole request without the protocol's own headers other than `content-type`.
pub(crate) fn encode_request(
    op: OperationRef,
    _input: &Value,
    _codec: &dyn BodyCodec,
) -> Result<OwnedRequest, AwsError> {
    Err(AwsError::not_implemented(&op.model.name, &op.operation.name))
}
