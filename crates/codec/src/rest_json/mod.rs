//! The protocol `rest_json`.

use crate::{OperationRef, OwnedRequest, WireRequest, WireResponse};
use bytes::Bytes;
use http::HeaderMap;
use virga_base::AwsError;
use virga_shape::{ServiceModel, Value};

fn missing(op: OperationRef) -> AwsError {
    AwsError::not_implemented(&op.model.name, &op.operation.name)
}

pub fn decode_request(op: OperationRef, _request: &WireRequest<'_>) -> Result<Value, AwsError> {
    Err(missing(op))
}

pub fn encode_response(op: OperationRef, _output: &Value, _request_id: &str) -> Result<WireResponse, AwsError> {
    Err(missing(op))
}

pub fn encode_error(
    _op: Option<OperationRef>,
    _model: Option<&'static ServiceModel>,
    error: &AwsError,
    _request_id: &str,
) -> WireResponse {
    WireResponse {
        status: error.status,
        headers: HeaderMap::new(),
        body: Bytes::new(),
    }
}

pub fn encode_request(op: OperationRef, _input: &Value) -> Result<OwnedRequest, AwsError> {
    Err(missing(op))
}

pub fn decode_response(op: OperationRef, _status: u16, _headers: &HeaderMap, _body: &Bytes) -> Result<Value, AwsError> {
    Err(missing(op))
}

pub fn decode_error(op: OperationRef, _status: u16, _headers: &HeaderMap, _body: &Bytes) -> AwsError {
    missing(op)
}
