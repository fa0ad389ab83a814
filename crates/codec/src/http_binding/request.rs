//! Requests: path, query string and headers beside the body.

use super::body::{read_body, write_body};
use super::{BodyCodec, decode_headers, encode_headers, uri};
use crate::{OperationRef, OwnedRequest, USUAL_MEMBERS, WireRequest};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use virga_base::AwsError;
use virga_shape::{StructValue, Value};

/// Reads a whole request; the streaming payload, if any, stays absent.
pub(crate) fn decode_request(
    op: OperationRef,
    request: &WireRequest<'_>,
    codec: &dyn BodyCodec,
) -> Result<Value, AwsError> {
    let Some(shape) = op.input() else {
        return Ok(Value::Null);
    };
    let mut out = StructValue::with_capacity(shape, shape.members().len().min(USUAL_MEMBERS));
    uri::read_labels(&op.operation.uri, request.path, &mut out)?;
    uri::read_query(&op.operation.uri, request.query, &mut out)?;
    decode_headers(0, request.headers, &mut out)?;
    read_body(request.body, &mut out, codec)?;
    Ok(Value::Struct(out))
}

/// Writes a whole request without the protocol's own headers other than `content-type`.
pub(crate) fn encode_request(op: OperationRef, input: &Value, codec: &dyn BodyCodec) -> Result<OwnedRequest, AwsError> {
    let input = input.as_struct();
    let mut headers = HeaderMap::new();
    let mut body = Vec::new();
    if let Some(input) = input {
        encode_headers(input, &mut headers)?;
        if let Some((bytes, content_type)) = write_body(input, codec)? {
            body = bytes;
            // A member may be the content type itself.
            headers
                .entry(header::CONTENT_TYPE)
                .or_insert(HeaderValue::from_static(content_type));
        }
    }
    Ok(OwnedRequest {
        method: op.operation.method.clone(),
        path: uri::write_path(&op.operation.uri, input)?,
        query: uri::write_query(&op.operation.uri, input)?,
        headers,
        body: Bytes::from(body),
    })
}
