//! Errors: `{"__type": "namespace#Code", "message": …}`, without the namespace in version 1.1.

use super::{Version, in_body};
use crate::errors::{self, ResolvedError};
use crate::json::{self, Names};
use crate::{OperationRef, WireResponse};
use bytes::Bytes;
use http::HeaderMap;
use virga_base::AwsError;
use virga_shape::{Member, ServiceModel, StructValue};

pub(crate) fn encode_error(
    version: Version,
    _op: Option<OperationRef>,
    model: Option<&'static ServiceModel>,
    error: &AwsError,
    request_id: &str,
) -> WireResponse {
    let resolved = errors::resolve(model, error);
    let mut headers = errors::headers(model, &resolved, error, request_id);
    errors::set_content_type(&mut headers, version.content_type());
    let error_type = match (&error.json_type, version) {
        (Some(own), _) => own.to_string(),
        (None, Version::V1_0) => errors::absolute_type(model, &resolved),
        (None, Version::V1_1) => resolved.name.clone(),
    };
    WireResponse {
        status: resolved.status,
        headers,
        body: Bytes::from(error_body(Some(&error_type), &resolved, Names::Model, in_body)),
    }
}

/// The object with the type (where the body carries one), the message and the modelled members.
pub(crate) fn error_body(
    error_type: Option<&str>,
    resolved: &ResolvedError,
    names: Names,
    wanted: fn(&Member) -> bool,
) -> Vec<u8> {
    let mut out = vec![b'{'];
    if let Some(error_type) = error_type {
        out.extend_from_slice(b"\"__type\":");
        json::write_string(&mut out, error_type);
    }
    let spells_message = resolved.message_name.is_none() && resolved.shape.and_then(errors::message_member).is_some();
    if !resolved.message.is_empty() && !spells_message {
        separate(&mut out);
        json::write_string(&mut out, errors::message_name(resolved));
        out.push(b':');
        json::write_string(&mut out, &resolved.message);
    }
    if let Some(members) = &resolved.members {
        let mut written = Vec::new();
        // Members come from `Value::from_json` along the same shape, so that they always fit.
        if matches!(json::write_members(&mut written, members, names, wanted), Ok(true)) {
            separate(&mut out);
            out.append(&mut written);
        }
    }
    out.push(b'}');
    out
}

fn separate(out: &mut Vec<u8>) {
    if out.len() > 1 {
        out.push(b',');
    }
}

pub(crate) fn decode_error(op: OperationRef, status: u16, headers: &HeaderMap, body: &Bytes) -> AwsError {
    read_error(op, status, headers, body, Names::Model, in_body, |_| {})
}

/// Reads an error answer of any JSON protocol; `more` may fill members from elsewhere than the body.
pub(crate) fn read_error(
    op: OperationRef,
    status: u16,
    headers: &HeaderMap,
    body: &Bytes,
    names: Names,
    wanted: fn(&Member) -> bool,
    more: impl FnOnce(&mut StructValue),
) -> AwsError {
    let in_header = headers.get("x-amzn-errortype").and_then(|v| v.to_str().ok());
    let (in_body, message) = json::error_parts(body);
    let code = in_header
        .or(in_body.as_deref())
        .or_else(|| errors::query_error_code(headers))
        .map_or_else(|| status.to_string(), |code| errors::bare_code(code).to_owned());
    let members = errors::find(op.model, &code).map(|(shape, _)| {
        let mut members = StructValue::new(shape);
        if !body.is_empty() {
            // Members that cannot be read are missing; the error itself is not.
            let _ = json::read_members(body, &mut members, names, wanted);
        }
        more(&mut members);
        members
    });
    errors::received(op.model, &code, message, status, members)
}
