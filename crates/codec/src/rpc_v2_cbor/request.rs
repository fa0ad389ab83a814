//! Requests.

use super::{CONTENT_TYPE, PROTOCOL, PROTOCOL_HEADER};
use crate::{OperationRef, OwnedRequest, USUAL_MEMBERS, WireRequest, cbor, errors};
use bytes::Bytes;
use http::{HeaderMap, header};
use virga_base::AwsError;
use virga_shape::{StructValue, Value};

pub(crate) fn decode_request(op: OperationRef, request: &WireRequest<'_>) -> Result<Value, AwsError> {
    let Some(shape) = op.input() else {
        return Ok(Value::Null);
    };
    let mut out = StructValue::with_capacity(shape, shape.members().len().min(USUAL_MEMBERS));
    if !request.body.is_empty() {
        cbor::read_members(request.body, &mut out)?;
    }
    Ok(Value::Struct(out))
}

/// Without an input there is neither body nor content type.
pub(crate) fn encode_request(op: OperationRef, input: &Value) -> Result<OwnedRequest, AwsError> {
    let mut headers = HeaderMap::new();
    errors::set_header(&mut headers, PROTOCOL_HEADER, PROTOCOL);
    errors::set_header(&mut headers, header::ACCEPT.as_str(), CONTENT_TYPE);
    errors::ask_for_query_errors(op.model, &mut headers);
    let mut body = Vec::new();
    if let Some(input) = input.as_struct() {
        errors::set_content_type(&mut headers, CONTENT_TYPE);
        cbor::write_members(&mut body, input, &[])?;
    }
    let service = op.model.target_prefix.as_deref().unwrap_or(&op.model.service_id);
    Ok(OwnedRequest {
        method: "POST".to_owned(),
        path: format!("/service/{service}/operation/{}", op.operation.name),
        query: String::new(),
        headers,
        body: Bytes::from(body),
    })
}
