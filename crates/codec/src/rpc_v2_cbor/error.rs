//! Errors: a map with `__type`, the message and the modelled members.

use super::{CONTENT_TYPE, PROTOCOL, PROTOCOL_HEADER};
use crate::{OperationRef, WireResponse, cbor, errors};
use bytes::Bytes;
use http::HeaderMap;
use virga_base::AwsError;
use virga_shape::{ServiceModel, StructValue};

pub(crate) fn encode_error(
    _op: Option<OperationRef>,
    model: Option<&'static ServiceModel>,
    error: &AwsError,
    request_id: &str,
) -> WireResponse {
    let resolved = errors::resolve(model, error);
    let mut headers = errors::headers(model, &resolved, error, request_id);
    errors::set_header(&mut headers, PROTOCOL_HEADER, PROTOCOL);
    errors::set_content_type(&mut headers, CONTENT_TYPE);
    let error_type = match &error.json_type {
        Some(own) => own.to_string(),
        None => errors::absolute_type(model, &resolved),
    };
    let mut more = vec![("__type", error_type.as_str())];
    let spells_message = resolved.shape.and_then(errors::message_member).is_some();
    if !resolved.message.is_empty() && !spells_message {
        more.push((errors::message_name(&resolved), &resolved.message));
    }
    let mut body = Vec::new();
    let written = match &resolved.members {
        Some(members) => cbor::write_members(&mut body, members, &more),
        None => {
            cbor::write_texts(&mut body, &more);
            Ok(())
        }
    };
    if written.is_err() {
        // Cannot be, since members come from `Value::from_json` along the same shape; the type alone then.
        body.clear();
        cbor::write_texts(&mut body, &more);
    }
    WireResponse {
        status: resolved.status,
        headers,
        body: Bytes::from(body),
    }
}

pub(crate) fn decode_error(op: OperationRef, status: u16, headers: &HeaderMap, body: &Bytes) -> AwsError {
    let (code, message) = cbor::error_parts(body);
    let code = code
        .as_deref()
        .or_else(|| errors::query_error_code(headers))
        .map_or_else(|| status.to_string(), |code| errors::bare_code(code).to_owned());
    let members = errors::find(op.model, &code).map(|(shape, _)| {
        let mut members = StructValue::new(shape);
        // Members that cannot be read are missing; the error itself is not.
        let _ = cbor::read_members(body, &mut members);
        members
    });
    errors::received(op.model, &code, message, status, members)
}
