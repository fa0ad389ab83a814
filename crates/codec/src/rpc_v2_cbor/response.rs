//! Answers.

use super::{CONTENT_TYPE, PROTOCOL, PROTOCOL_HEADER};
use crate::{OperationRef, WireResponse, cbor, errors};
use bytes::Bytes;
use http::HeaderMap;
use virga_base::AwsError;
use virga_shape::{StructValue, Value};

/// Operations without output answer with an empty body and no content type.
pub(crate) fn encode_response(op: OperationRef, output: &Value, request_id: &str) -> Result<WireResponse, AwsError> {
    let mut headers = errors::answer_headers();
    errors::set_header(&mut headers, PROTOCOL_HEADER, PROTOCOL);
    errors::set_request_id(&mut headers, request_id);
    let mut body = Vec::new();
    if let Some(shape) = op.output() {
        errors::set_content_type(&mut headers, CONTENT_TYPE);
        match output.as_struct() {
            Some(output) => cbor::write_members(&mut body, output, &[])?,
            None => cbor::write_members(&mut body, &StructValue::new(shape), &[])?,
        }
    }
    Ok(WireResponse {
        status: op.operation.status,
        headers,
        body: Bytes::from(body),
    })
}

pub(crate) fn decode_response(
    op: OperationRef,
    _status: u16,
    _headers: &HeaderMap,
    body: &Bytes,
) -> Result<Value, AwsError> {
    op.read_output(body, cbor::read_members)
}
