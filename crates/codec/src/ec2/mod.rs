//! The protocol `ec2`: a form in, XML out, each a little other than in `query`.

mod error;
mod response;

use crate::query::{error_answer, form_request, headers, received, request, unreadable};
use crate::xml::Naming;
use crate::{OperationRef, OwnedRequest, WireRequest, WireResponse};
use bytes::Bytes;
use http::HeaderMap;
use virga_base::AwsError;
use virga_shape::{ServiceModel, Value};

const CONTENT_TYPE: &str = "text/xml;charset=UTF-8";

/// Reads a request; the fields may stand in the body, in the query string or in both.
pub fn decode_request(op: OperationRef, request: &WireRequest<'_>) -> Result<Value, AwsError> {
    match op.input() {
        Some(shape) => request::decode(Naming::Ec2Request, shape, request.query, request.body).map(Value::Struct),
        None => Ok(Value::Null),
    }
}

/// Writes the answer of an operation that succeeded.
pub fn encode_response(op: OperationRef, output: &Value, request_id: &str) -> Result<WireResponse, AwsError> {
    Ok(WireResponse {
        status: op.operation.status,
        headers: headers(CONTENT_TYPE, request_id),
        body: response::encode(op, output, request_id).into(),
    })
}

/// Writes an error.
pub fn encode_error(
    _op: Option<OperationRef>,
    model: Option<&'static ServiceModel>,
    error: &AwsError,
    request_id: &str,
) -> WireResponse {
    error_answer(CONTENT_TYPE, error, request_id, error::encode(model, error, request_id))
}

/// Writes a request as a client sends it: a form in the body.
pub fn encode_request(op: OperationRef, input: &Value) -> Result<OwnedRequest, AwsError> {
    Ok(form_request(Naming::Ec2Request, op, input))
}

/// Reads the answer of an operation that succeeded.
pub fn decode_response(op: OperationRef, _status: u16, _headers: &HeaderMap, body: &Bytes) -> Result<Value, AwsError> {
    response::decode(op, body).map_err(|error| unreadable(&error))
}

/// Reads an error answer.
pub fn decode_error(op: OperationRef, status: u16, _headers: &HeaderMap, body: &Bytes) -> AwsError {
    received(Naming::Xml, op, status, body)
}
