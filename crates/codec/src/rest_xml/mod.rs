//! The protocol `rest-xml`: members in path, query string and headers, XML in bodies.

mod body;
mod error;
mod s3;

use crate::http_binding;
use crate::query::{add_headers, headers as answer_headers};
use crate::xml::{Naming, XmlError, read_error};
use crate::{OperationRef, OwnedRequest, WireRequest, WireResponse, errors, event_stream};
use body::{Direction, XmlBody};
use bytes::Bytes;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use virga_base::AwsError;
use virga_shape::{Kind, Protocol, ServiceModel, StructValue, Value};

const CONTENT_TYPE: &str = "application/xml";

/// Reads a request; a streaming payload stays absent.
pub fn decode_request(op: OperationRef, request: &WireRequest<'_>) -> Result<Value, AwsError> {
    let linked = s3::is_s3(op.model).then(|| s3::linked_headers(request)).flatten();
    let request = &WireRequest {
        headers: linked.as_ref().unwrap_or(request.headers),
        ..*request
    };
    let read = http_binding::decode_request(op, request, &XmlBody::new(op, Direction::Request));
    read.map_err(|error| {
        if s3::is_s3(op.model) {
            s3::in_its_words(error)
        } else {
            error
        }
    })
}

/// Writes the answer of an operation that succeeded; a streaming payload is left to the caller.
pub fn encode_response(op: OperationRef, output: &Value, request_id: &str) -> Result<WireResponse, AwsError> {
    let mut response = http_binding::encode_response(op, output, &XmlBody::new(op, Direction::Response))?;
    if let Some(events) = events(op, output)? {
        response.body = events;
        let kind = HeaderValue::from_static(event_stream::CONTENT_TYPE);
        response.headers.insert(http::header::CONTENT_TYPE, kind);
    }
    add_request_id(&mut response.headers, Some(op.model), request_id);
    if op.operation.method == "HEAD" {
        response.body = Bytes::new();
    }
    Ok(response)
}

/// The messages of a stream of events that are all known: a list, each a structure of the one event that it is.
fn events(op: OperationRef, output: &Value) -> Result<Option<Bytes>, AwsError> {
    let (Some(fields), Some(shape)) = (output.as_struct(), op.output()) else {
        return Ok(None);
    };
    let Kind::Structure {
        payload: Some(index), ..
    } = shape.kind()
    else {
        return Ok(None);
    };
    let Some(Value::List(events)) = fields.at(*index) else {
        return Ok(None);
    };
    let Some(stream) = shape
        .members()
        .get(usize::from(*index))
        .map(|member| shape.target(member))
    else {
        return Ok(None);
    };
    if !matches!(stream.kind(), Kind::Structure { event_stream: true, .. }) {
        return Ok(None);
    }
    let mut out = Vec::new();
    for event in events.iter().filter_map(Value::as_struct) {
        for (index, value) in event.fields() {
            let Some(inner) = value.as_struct() else { continue };
            let message = event_stream::encode_event(Protocol::RestXml, stream, *index, inner)?;
            message
                .encode(&mut out)
                .map_err(|error| errors::unwritable(error.to_string()))?;
        }
    }
    Ok(Some(out.into()))
}

/// Writes an error; without a body where HTTP allows none.
pub fn encode_error(
    op: Option<OperationRef>,
    model: Option<&'static ServiceModel>,
    error: &AwsError,
    request_id: &str,
) -> WireResponse {
    let resolved = errors::resolve(model, error);
    let mut headers = answer_headers(CONTENT_TYPE, request_id);
    add_request_id(&mut headers, model, request_id);
    if let Some(members) = &resolved.members {
        // A member that no header can carry is left out; the error itself still goes out.
        let _ = http_binding::encode_headers(members, &mut headers);
    }
    add_headers(&mut headers, error);
    let bodiless = op.is_some_and(|op| op.operation.method == "HEAD") || matches!(resolved.status, 204 | 304);
    WireResponse {
        status: resolved.status,
        headers,
        body: if bodiless {
            Bytes::new()
        } else {
            error::encode(model, error, &resolved, request_id).into()
        },
    }
}

/// Writes a request as a client sends it.
pub fn encode_request(op: OperationRef, input: &Value) -> Result<OwnedRequest, AwsError> {
    http_binding::encode_request(op, input, &XmlBody::new(op, Direction::Request))
}

/// Reads the answer of an operation that succeeded.
pub fn decode_response(op: OperationRef, status: u16, headers: &HeaderMap, body: &Bytes) -> Result<Value, AwsError> {
    http_binding::decode_response(op, status, headers, body, &XmlBody::new(op, Direction::Response))
}

/// Reads an error answer.
pub fn decode_error(op: OperationRef, status: u16, headers: &HeaderMap, body: &Bytes) -> AwsError {
    match read_error(body, Naming::Xml, op.model) {
        Ok(found) => {
            let members = found.members.map(|mut members: StructValue| {
                // What the headers say badly is as good as not said.
                let _ = http_binding::decode_headers(status, headers, &mut members);
                members
            });
            errors::received(op.model, &found.code, found.message, status, members)
        }
        Err(_) => errors::received(op.model, &status.to_string(), None, status, None),
    }
}

/// S3 has names of its own for the request's id, and a second one.
fn add_request_id(headers: &mut HeaderMap, model: Option<&'static ServiceModel>, request_id: &str) {
    let Ok(value) = HeaderValue::from_str(request_id) else {
        return;
    };
    if !model.is_some_and(s3::is_s3) {
        headers.insert(HeaderName::from_static("x-amzn-requestid"), value);
        return;
    }
    headers.remove("x-amzn-requestid");
    headers.insert(HeaderName::from_static("x-amz-request-id"), value);
    if let Ok(value) = HeaderValue::from_str(&s3::host_id(request_id)) {
        headers.insert(HeaderName::from_static("x-amz-id-2"), value);
    }
}

/// The error for a body that is not what the model says.
fn malformed(op: OperationRef, error: &XmlError) -> AwsError {
    if op.model.name == "route53" {
        return AwsError::new("InvalidInput", format!("Invalid XML ; {error}"));
    }
    let code = match op.operation.name.as_str() {
        "PutBucketAcl" | "PutObjectAcl" if s3::is_s3(op.model) => "MalformedACLError",
        _ => "MalformedXML",
    };
    AwsError::new(
        code,
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}
