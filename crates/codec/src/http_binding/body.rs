//! The body: either one payload member or all members that travel nowhere else.

use super::BodyCodec;
use crate::errors;
use virga_base::AwsError;
use virga_shape::{Kind, Member, ShapeRef, StructValue, Value};

/// What a shape's body is made of.
#[derive(Clone, Copy)]
pub(super) enum Body {
    /// No member travels in it.
    Nothing,
    /// The members without a location.
    Members,
    /// One member as it is: a blob's bytes, a string's text.
    Raw(u16, &'static Member),
    /// One member, written by the protocol.
    Payload(u16, &'static Member, ShapeRef),
    /// Streamed bytes or events, which travel apart.
    Stream,
}

pub(super) fn body_of(shape: ShapeRef) -> Body {
    let Kind::Structure { payload, .. } = shape.kind() else {
        return Body::Nothing;
    };
    let found = payload.and_then(|index| Some((index, shape.members().get(usize::from(index))?)));
    if let Some((index, member)) = found {
        let target = shape.target(member);
        return match target.kind() {
            Kind::Blob { streaming, .. } if *streaming || member.streaming => Body::Stream,
            Kind::Structure { event_stream: true, .. } => Body::Stream,
            Kind::Blob { .. } | Kind::String => Body::Raw(index, member),
            _ => Body::Payload(index, member, target),
        };
    }
    if shape.members().iter().any(|m| m.location.is_none()) {
        Body::Members
    } else {
        Body::Nothing
    }
}

/// Reads a body into `out`; an empty one sets nothing.
pub(super) fn read_body(body: &[u8], out: &mut StructValue, codec: &dyn BodyCodec) -> Result<(), AwsError> {
    if body.is_empty() {
        return Ok(());
    }
    match body_of(out.shape()) {
        Body::Nothing | Body::Stream => {}
        Body::Members => codec.read_members(body, out)?,
        Body::Raw(index, member) => {
            let value = match out.shape().target(member).kind() {
                Kind::Blob { .. } => Value::Blob(body.to_vec().into()),
                _ => match std::str::from_utf8(body) {
                    Ok(text) => Value::String(text.to_owned()),
                    Err(_) => return Err(errors::serialization("The body is not UTF-8")),
                },
            };
            out.set_at(index, value);
        }
        Body::Payload(index, member, target) => match codec.read_payload(body, member, target)? {
            Value::Null if !matches!(target.kind(), Kind::Structure { document: true, .. }) => {}
            value => out.set_at(index, value),
        },
    }
    Ok(())
}

/// A body and its content type; `None` where the shape has none to write, or it travels apart.
pub(super) fn write_body(
    value: &StructValue,
    codec: &dyn BodyCodec,
) -> Result<Option<(Vec<u8>, &'static str)>, AwsError> {
    match body_of(value.shape()) {
        Body::Nothing | Body::Stream => Ok(None),
        Body::Members => Ok(Some((codec.write_members(value)?, codec.content_type()))),
        Body::Raw(index, _) => match value.at(index) {
            Some(Value::Blob(bytes)) => Ok(Some((bytes.to_vec(), "application/octet-stream"))),
            Some(Value::String(text)) => Ok(Some((text.clone().into_bytes(), "text/plain"))),
            Some(Value::Null) | None => Ok(None),
            Some(_) => Err(errors::unfit(value.shape())),
        },
        Body::Payload(index, member, target) => {
            let body = codec.write_payload(member, target, value.at(index))?;
            Ok(Some((body, codec.content_type())))
        }
    }
}
