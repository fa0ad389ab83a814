//! Requests.

use super::{Version, in_body};
use crate::json::{self, Names};
use crate::wire::event_stream_member;
use crate::{OperationRef, OwnedRequest, USUAL_MEMBERS, WireRequest, errors};
use bytes::Bytes;
use http::HeaderMap;
use virga_base::AwsError;
use virga_shape::{StructValue, Value};

pub(crate) fn decode_request(op: OperationRef, request: &WireRequest<'_>) -> Result<Value, AwsError> {
    let Some(shape) = op.input() else {
        return Ok(Value::Null);
    };
    let mut out = StructValue::with_capacity(shape, shape.members().len().min(USUAL_MEMBERS));
    if !request.body.is_empty() {
        json::read_members(request.body, &mut out, Names::Model, in_body)?;
    }
    Ok(Value::Struct(out))
}

pub(crate) fn encode_request(version: Version, op: OperationRef, input: &Value) -> Result<OwnedRequest, AwsError> {
    let mut headers = HeaderMap::new();
    errors::set_content_type(&mut headers, version.content_type());
    let prefix = op.model.target_prefix.as_deref().unwrap_or(&op.model.service_id);
    let target = format!("{prefix}.{}", op.operation.name);
    errors::set_header(&mut headers, "x-amz-target", &target);
    errors::ask_for_query_errors(op.model, &mut headers);
    Ok(OwnedRequest {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers,
        body: Bytes::from(object(input)?),
    })
}

/// A structure's members in braces; `{}` for anything else.
pub(super) fn object(value: &Value) -> Result<Vec<u8>, AwsError> {
    let mut out = Vec::with_capacity(256);
    out.push(b'{');
    if let Some(value) = value.as_struct() {
        match event_stream_member(value.shape()) {
            Some(index) => {
                // Events travel apart.
                let mut without = value.clone();
                without.take_at(index);
                json::write_members(&mut out, &without, Names::Model, in_body)?;
            }
            None => {
                json::write_members(&mut out, value, Names::Model, in_body)?;
            }
        }
    }
    out.push(b'}');
    Ok(out)
}
