//! Requests.

use super::JsonBody;
use crate::http_binding;
use crate::{OperationRef, OwnedRequest, WireRequest};
use virga_base::AwsError;
use virga_shape::Value;

pub(crate) fn decode_request(op: OperationRef, request: &WireRequest<'_>) -> Result<Value, AwsError> {
    http_binding::decode_request(op, request, &JsonBody)
}

pub(crate) fn encode_request(op: OperationRef, input: &Value) -> Result<OwnedRequest, AwsError> {
    http_binding::encode_request(op, input, &JsonBody)
}
