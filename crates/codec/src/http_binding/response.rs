//! Answers: headers and status beside the body.

use super::body::{Body, body_of, read_body, write_body};
use super::{BodyCodec, decode_headers, encode_headers};
use crate::{OperationRef, WireResponse};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use virga_base::AwsError;
use virga_shape::{StructValue, Value};

/// Headers of an answer, or few more: room for them is made at once.
const HEADERS_USUAL: usize = 14;

/// Writes a whole answer, without a header for the request's id: that is the protocol's to add.
pub(crate) fn encode_response(
    op: OperationRef,
    output: &Value,
    codec: &dyn BodyCodec,
) -> Result<WireResponse, AwsError> {
    let mut headers = HeaderMap::with_capacity(HEADERS_USUAL);
    let mut status = op.operation.status;
    let mut body = None;
    let mut streams = false;
    if let Some(output) = output.as_struct() {
        if let Some(chosen) = encode_headers(output, &mut headers)? {
            status = chosen;
        }
        streams = matches!(body_of(output.shape()), Body::Stream);
        body = write_body(output, codec)?;
        if body.is_none() && matches!(body_of(output.shape()), Body::Raw(..)) {
            body = Some((Vec::new(), ""));
        }
    }
    let mut bytes = Vec::new();
    let bodiless = matches!(status, 100..=199 | 204 | 304);
    if !bodiless && !streams {
        let (written, content_type) = body.unwrap_or_else(|| {
            let empty = codec.empty_response();
            (empty.to_vec(), if empty.is_empty() { "" } else { codec.content_type() })
        });
        bytes = written;
        if !content_type.is_empty() {
            headers
                .entry(header::CONTENT_TYPE)
                .or_insert(HeaderValue::from_static(content_type));
        }
    }
    Ok(WireResponse {
        status,
        headers,
        body: Bytes::from(bytes),
    })
}

/// Reads a whole answer.
pub(crate) fn decode_response(
    op: OperationRef,
    status: u16,
    headers: &HeaderMap,
    body: &Bytes,
    codec: &dyn BodyCodec,
) -> Result<Value, AwsError> {
    let Some(shape) = op.output() else {
        return Ok(Value::Null);
    };
    let mut out = StructValue::with_capacity(shape, shape.members().len().min(16));
    decode_headers(status, headers, &mut out)?;
    read_body(body, &mut out, codec)?;
    Ok(Value::Struct(out))
}
