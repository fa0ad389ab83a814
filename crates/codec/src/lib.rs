//! AWS's wire protocols: a request becomes a [`Value`], a value becomes an answer, and the same backwards for clients.
//!
//! Each protocol is a folder with the same files: `request.rs`, `response.rs`, `error.rs`. What protocols share stands
//! beside them: `json/`, `cbor/` and `xml/` read and write bodies, `http_binding/` places members in headers, path and
//! query string. Nothing here knows a service; the model alone says what is where.

mod aws_json;
pub(crate) mod budget;
pub(crate) mod cbor;
mod ec2;
pub(crate) mod errors;
pub mod event_stream;
pub(crate) mod http_binding;
pub(crate) mod json;
mod query;
mod rest_json;
mod rest_xml;
mod rpc_v2_cbor;
pub(crate) mod scalar;
mod wire;
pub(crate) mod words;
pub(crate) mod xml;

/// So many members at most are in nearly all inputs; room for more is made when they come.
pub(crate) const USUAL_MEMBERS: usize = 4;

pub use query::{encode_response_as_json, form_field};
pub use wire::{
    OperationRef, OwnedRequest, WireRequest, WireResponse, event_stream_input, event_stream_output, streaming_input,
    streaming_output,
};

use bytes::Bytes;
use http::HeaderMap;
use virga_base::AwsError;
use virga_shape::{Protocol, ServiceModel, Value};

/// Reads a request's input: a structure, or `Null` where the operation takes none. A streaming payload stays absent.
pub fn decode_request(protocol: Protocol, op: OperationRef, request: &WireRequest<'_>) -> Result<Value, AwsError> {
    match protocol {
        Protocol::Query => query::decode_request(op, request),
        Protocol::Ec2 => ec2::decode_request(op, request),
        Protocol::Json10 | Protocol::Json11 => aws_json::decode_request(op, request),
        Protocol::RestJson => rest_json::decode_request(op, request),
        Protocol::RestXml => rest_xml::decode_request(op, request),
        Protocol::RpcV2Cbor => rpc_v2_cbor::decode_request(op, request),
    }
}

/// Writes the answer of an operation that succeeded. A streaming payload is left for the caller to send.
pub fn encode_response(
    protocol: Protocol,
    op: OperationRef,
    output: &Value,
    request_id: &str,
) -> Result<WireResponse, AwsError> {
    match protocol {
        Protocol::Query => query::encode_response(op, output, request_id),
        Protocol::Ec2 => ec2::encode_response(op, output, request_id),
        Protocol::Json10 => aws_json::encode_response(aws_json::Version::V1_0, op, output, request_id),
        Protocol::Json11 => aws_json::encode_response(aws_json::Version::V1_1, op, output, request_id),
        Protocol::RestJson => rest_json::encode_response(op, output, request_id),
        Protocol::RestXml => rest_xml::encode_response(op, output, request_id),
        Protocol::RpcV2Cbor => rpc_v2_cbor::encode_response(op, output, request_id),
    }
}

/// Writes an error. Without an operation (none could be found) the model alone guides, without a model nothing does.
pub fn encode_error(
    protocol: Protocol,
    op: Option<OperationRef>,
    model: Option<&'static ServiceModel>,
    error: &AwsError,
    request_id: &str,
) -> WireResponse {
    let model = op.map(|op| op.model).or(model);
    match protocol {
        Protocol::Query => query::encode_error(op, model, error, request_id),
        Protocol::Ec2 => ec2::encode_error(op, model, error, request_id),
        Protocol::Json10 => aws_json::encode_error(aws_json::Version::V1_0, op, model, error, request_id),
        Protocol::Json11 => aws_json::encode_error(aws_json::Version::V1_1, op, model, error, request_id),
        Protocol::RestJson => rest_json::encode_error(op, model, error, request_id),
        Protocol::RestXml => rest_xml::encode_error(op, model, error, request_id),
        Protocol::RpcV2Cbor => rpc_v2_cbor::encode_error(op, model, error, request_id),
    }
}

/// Writes a request as a client sends it, unsigned and without a host.
pub fn encode_request(protocol: Protocol, op: OperationRef, input: &Value) -> Result<OwnedRequest, AwsError> {
    match protocol {
        Protocol::Query => query::encode_request(op, input),
        Protocol::Ec2 => ec2::encode_request(op, input),
        Protocol::Json10 => aws_json::encode_request(aws_json::Version::V1_0, op, input),
        Protocol::Json11 => aws_json::encode_request(aws_json::Version::V1_1, op, input),
        Protocol::RestJson => rest_json::encode_request(op, input),
        Protocol::RestXml => rest_xml::encode_request(op, input),
        Protocol::RpcV2Cbor => rpc_v2_cbor::encode_request(op, input),
    }
}

/// Reads the answer of an operation that succeeded: a structure, or `Null` where the operation gives none.
pub fn decode_response(
    protocol: Protocol,
    op: OperationRef,
    status: u16,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Value, AwsError> {
    match protocol {
        Protocol::Query => query::decode_response(op, status, headers, body),
        Protocol::Ec2 => ec2::decode_response(op, status, headers, body),
        Protocol::Json10 | Protocol::Json11 => aws_json::decode_response(op, status, headers, body),
        Protocol::RestJson => rest_json::decode_response(op, status, headers, body),
        Protocol::RestXml => rest_xml::decode_response(op, status, headers, body),
        Protocol::RpcV2Cbor => rpc_v2_cbor::decode_response(op, status, headers, body),
    }
}

/// Reads an error answer. What cannot be read becomes an error whose code is the HTTP status.
pub fn decode_error(protocol: Protocol, op: OperationRef, status: u16, headers: &HeaderMap, body: &Bytes) -> AwsError {
    match protocol {
        Protocol::Query => query::decode_error(op, status, headers, body),
        Protocol::Ec2 => ec2::decode_error(op, status, headers, body),
        Protocol::Json10 | Protocol::Json11 => aws_json::decode_error(op, status, headers, body),
        Protocol::RestJson => rest_json::decode_error(op, status, headers, body),
        Protocol::RestXml => rest_xml::decode_error(op, status, headers, body),
        Protocol::RpcV2Cbor => rpc_v2_cbor::decode_error(op, status, headers, body),
    }
}
