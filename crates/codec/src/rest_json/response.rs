//! Answers.

use super::JsonBody;
use crate::http_binding;
use crate::{OperationRef, WireResponse, errors};
use bytes::Bytes;
use http::HeaderMap;
use virga_base::AwsError;
use virga_shape::Value;

pub(crate) fn encode_response(op: OperationRef, output: &Value, request_id: &str) -> Result<WireResponse, AwsError> {
    let mut response = http_binding::encode_response(op, output, &JsonBody)?;
    errors::set_request_id(&mut response.headers, request_id);
    Ok(response)
}

pub(crate) fn decode_response(
    op: OperationRef,
    status: u16,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Value, AwsError> {
    http_binding::decode_response(op, status, headers, body, &JsonBody)
}
