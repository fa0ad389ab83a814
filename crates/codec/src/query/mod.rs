//! The protocol `query`: a form in, XML out. [`form`] and [`request`] serve EC2's protocol as well.

mod error;
pub(crate) mod form;
mod json;
pub(crate) mod request;
mod response;

use crate::xml::{Naming, XmlError, read_error};
use crate::{OperationRef, OwnedRequest, WireRequest, WireResponse, errors};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use virga_base::AwsError;
use virga_shape::{ServiceModel, StructValue, Value};

pub use form::field as form_field;

const NAMING: Naming = Naming::Query;

/// Reads a request; the fields may stand in the body, in the query string or in both.
pub fn decode_request(op: OperationRef, request: &WireRequest<'_>) -> Result<Value, AwsError> {
    let Some(shape) = op.input() else {
        return Ok(Value::Null);
    };
    let mut input = request::decode(NAMING, shape, request.query, request.body)?;
    if is_sqs(op.model) {
        take_queue_url(&mut input, request);
    }
    Ok(Value::Struct(input))
}

/// SQS lets the path of the request stand for its `QueueUrl`.
fn take_queue_url(input: &mut StructValue, request: &WireRequest<'_>) {
    let Some((index, _)) = input.shape().member("QueueUrl") else {
        return;
    };
    if input.at(index).is_some() || request.path.trim_matches('/').is_empty() {
        return;
    }
    let host = request.headers.get(HOST).and_then(|host| host.to_str().ok());
    if let Some(host) = host {
        input.set_at(index, Value::String(format!("http://{host}{}", request.path)));
    }
}

/// Writes the answer of an operation that succeeded.
pub fn encode_response(op: OperationRef, output: &Value, request_id: &str) -> Result<WireResponse, AwsError> {
    Ok(WireResponse {
        status: op.operation.status,
        headers: headers("text/xml", request_id),
        body: response::encode(op, output, request_id).into(),
    })
}

/// Writes the answer of an operation that succeeded in JSON, for those who accept nothing else.
pub fn encode_response_as_json(op: OperationRef, output: &Value, request_id: &str) -> WireResponse {
    WireResponse {
        status: op.operation.status,
        headers: headers("application/json", request_id),
        body: json::encode(op, output, request_id).into(),
    }
}

/// Writes an error.
pub fn encode_error(
    _op: Option<OperationRef>,
    model: Option<&'static ServiceModel>,
    error: &AwsError,
    request_id: &str,
) -> WireResponse {
    error_answer("text/xml", error, request_id, error::encode(model, error, request_id))
}

/// Writes a request as a client sends it: a form in the body.
pub fn encode_request(op: OperationRef, input: &Value) -> Result<OwnedRequest, AwsError> {
    Ok(form_request(NAMING, op, input))
}

/// Reads the answer of an operation that succeeded.
pub fn decode_response(op: OperationRef, _status: u16, _headers: &HeaderMap, body: &Bytes) -> Result<Value, AwsError> {
    response::decode(op, body).map_err(|error| unreadable(&error))
}

/// Reads an error answer.
pub fn decode_error(op: OperationRef, status: u16, _headers: &HeaderMap, body: &Bytes) -> AwsError {
    received(NAMING, op, status, body)
}

/// A request of the query protocol or of EC2's.
pub(crate) fn form_request(naming: Naming, op: OperationRef, input: &Value) -> OwnedRequest {
    let mut body = String::with_capacity(256);
    form::push(&mut body, "Action", &op.operation.name);
    form::push(&mut body, "Version", &op.model.api_version);
    if let Value::Struct(fields) = input {
        request::encode(naming, fields, &mut body);
    }
    let mut headers = HeaderMap::new();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8"),
    );
    OwnedRequest {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers,
        body: body.into(),
    }
}

/// The headers that every answer of the query protocols has.
pub(crate) fn headers(content_type: &'static str, request_id: &str) -> HeaderMap {
    let mut headers = errors::answer_headers();
    errors::set_content_type(&mut headers, content_type);
    errors::set_request_id(&mut headers, request_id);
    headers
}

/// The headers that an error brings along; those that HTTP cannot carry are left out.
pub(crate) fn add_headers(headers: &mut HeaderMap, error: &AwsError) {
    for (name, value) in &error.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
}

/// The answer that is an error, of this status and body.
pub(crate) fn error_answer(
    content_type: &'static str,
    error: &AwsError,
    request_id: &str,
    (status, body): (u16, Vec<u8>),
) -> WireResponse {
    let mut headers = headers(content_type, request_id);
    add_headers(&mut headers, error);
    WireResponse {
        status,
        headers,
        body: body.into(),
    }
}

/// The error that an answer tells; its status alone where the body is none.
pub(crate) fn received(naming: Naming, op: OperationRef, status: u16, body: &[u8]) -> AwsError {
    match read_error(body, naming, op.model) {
        Ok(found) => errors::received(op.model, &found.code, found.message, status, found.members),
        Err(_) => errors::received(op.model, &status.to_string(), None, status, None),
    }
}

/// An answer that is not what the model says.
pub(crate) fn unreadable(error: &XmlError) -> AwsError {
    errors::serialization(format!("The answer cannot be read: {error}"))
}

/// Of all query services only SQS begins with a declaration and ends its errors with a `Detail`.
fn is_sqs(model: &ServiceModel) -> bool {
    model.name == "sqs"
}

fn declaration(model: &'static ServiceModel) -> &'static str {
    if is_sqs(model) { "<?xml version=\"1.0\"?>" } else { "" }
}
