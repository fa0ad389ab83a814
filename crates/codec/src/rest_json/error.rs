//! Errors: the code in `x-amzn-errortype`, the members in headers and body.

use super::in_body;
use crate::aws_json;
use crate::errors;
use crate::http_binding;
use crate::json::Names;
use crate::{OperationRef, WireResponse};
use bytes::Bytes;
use http::HeaderMap;
use virga_base::AwsError;
use virga_shape::ServiceModel;

pub(crate) fn encode_error(
    _op: Option<OperationRef>,
    model: Option<&'static ServiceModel>,
    error: &AwsError,
    request_id: &str,
) -> WireResponse {
    let resolved = errors::resolve(model, error);
    let mut headers = errors::headers(model, &resolved, error, request_id);
    let error_type = error.json_type.as_deref().unwrap_or(&resolved.name);
    errors::set_header(&mut headers, "x-amzn-errortype", error_type);
    errors::set_content_type(&mut headers, "application/json");
    if let Some(members) = &resolved.members {
        // A detail that no header can carry is left out rather than the error.
        let _ = http_binding::encode_headers(members, &mut headers);
    }
    WireResponse {
        status: resolved.status,
        headers,
        body: Bytes::from(aws_json::error_body(None, &resolved, Names::Wire, in_body)),
    }
}

pub(crate) fn decode_error(op: OperationRef, status: u16, headers: &HeaderMap, body: &Bytes) -> AwsError {
    aws_json::read_error(op, status, headers, body, Names::Wire, in_body, |members| {
        let _ = http_binding::decode_headers(status, headers, members);
    })
}
