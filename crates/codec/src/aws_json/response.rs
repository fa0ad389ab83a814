//! Answers.

use super::request::object;
use super::{Version, in_body};
use crate::json::{self, Names};
use crate::{OperationRef, WireResponse, errors};
use bytes::Bytes;
use http::HeaderMap;
use virga_base::AwsError;
use virga_shape::Value;

/// Operations without output answer with an empty body, as AWS does.
pub(crate) fn encode_response(
    version: Version,
    op: OperationRef,
    output: &Value,
    request_id: &str,
) -> Result<WireResponse, AwsError> {
    let mut headers = errors::answer_headers();
    errors::set_content_type(&mut headers, version.content_type());
    errors::set_request_id(&mut headers, request_id);
    let body = match op.output() {
        Some(_) => object(output)?,
        None => Vec::new(),
    };
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
    op.read_output(body, |body, out| json::read_members(body, out, Names::Model, in_body))
}
