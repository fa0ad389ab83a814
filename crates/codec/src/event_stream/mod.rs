//! `application/vnd.amazon.eventstream`: messages with headers and a payload, one after the other, guarded by CRC-32.
//!
//! A message is: total length, length of the headers, CRC of these two (four bytes each, big-endian), headers, payload,
//! CRC of all before. A header is: length of its name, name, type, value.

mod message;

pub use message::{Decoder, FrameError, HeaderValue, Message};

/// The content type of a body of messages.
pub const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

use crate::cbor;
use crate::errors;
use crate::json::{self, Names};
use crate::xml::{Iso8601Form, Naming, XmlWriter};
use bytes::Bytes;
use virga_base::AwsError;
use virga_shape::{Kind, Protocol, ShapeRef, StructValue, Value};

/// Makes the message of one event: member `index` of the stream's structure, holding `event`.
///
/// # Errors
/// An internal error if the value does not fit the shape.
pub fn encode_event(
    protocol: Protocol,
    stream: ShapeRef,
    index: u16,
    event: &StructValue,
) -> Result<Message, AwsError> {
    let member = stream.members().get(usize::from(index));
    let member = member.ok_or_else(|| errors::unfit(stream))?;
    let shape = event.shape();
    let is_error = matches!(shape.kind(), Kind::Structure { error: Some(_), .. });
    let (message_type, name_header) = if is_error {
        ("exception", ":exception-type")
    } else {
        ("event", ":event-type")
    };
    let (payload_name, payload) = match shape.members().iter().position(|m| m.event_payload) {
        Some(at) => (member_name(shape, at), event.at(at as u16)),
        None => (member.name.as_str(), None),
    };
    let (content_type, payload) = match payload {
        Some(Value::Blob(bytes)) => ("application/octet-stream", bytes.clone()),
        Some(Value::String(text)) => ("text/plain", Bytes::copy_from_slice(text.as_bytes())),
        Some(Value::Struct(inner)) => (content_type(protocol), write_payload(protocol, payload_name, inner)?),
        _ => (content_type(protocol), write_payload(protocol, payload_name, event)?),
    };
    Ok(Message::new(payload)
        .with_header(":message-type", HeaderValue::from(message_type))
        .with_header(name_header, HeaderValue::from(member.name.as_str()))
        .with_header(":content-type", HeaderValue::from(content_type)))
}

/// Reads the message of one event: the member of the stream's structure that it is, and what it holds. `None` for events
/// that the model does not know.
///
/// # Errors
/// A `SerializationException` if the payload does not fit the member's shape; XML payloads are not read.
pub fn decode_event(
    protocol: Protocol,
    stream: ShapeRef,
    message: &Message,
) -> Result<Option<(u16, StructValue)>, AwsError> {
    let name = message
        .header_text(":event-type")
        .or_else(|| message.header_text(":exception-type"));
    let Some((index, member)) = name.and_then(|name| stream.member(name)) else {
        return Ok(None);
    };
    let shape = stream.target(member);
    let mut event = StructValue::new(shape);
    let payload_member = shape.members().iter().enumerate().find(|(_, m)| m.event_payload);
    match payload_member.map(|(at, m)| (at as u16, shape.target(m))) {
        Some((at, target)) => {
            let value = match target.kind() {
                Kind::Blob { .. } => Value::Blob(message.payload.clone()),
                Kind::String => match std::str::from_utf8(&message.payload) {
                    Ok(text) => Value::String(text.to_owned()),
                    Err(_) => return Err(errors::serialization("An event's text is not UTF-8")),
                },
                _ => {
                    let mut inner = StructValue::new(target);
                    read_payload(protocol, &message.payload, &mut inner)?;
                    Value::Struct(inner)
                }
            };
            event.set_at(at, value);
        }
        None => read_payload(protocol, &message.payload, &mut event)?,
    }
    Ok(Some((index, event)))
}

fn member_name(shape: ShapeRef, index: usize) -> &'static str {
    shape.members().get(index).map_or("", |m| m.wire_name())
}

fn read_payload(protocol: Protocol, payload: &[u8], out: &mut StructValue) -> Result<(), AwsError> {
    if payload.is_empty() {
        return Ok(());
    }
    match protocol {
        Protocol::RpcV2Cbor => cbor::read_members(payload, out),
        Protocol::Json10 | Protocol::Json11 => json::read_members(payload, out, Names::Model, |_| true),
        Protocol::RestJson => json::read_members(payload, out, Names::Wire, |_| true),
        Protocol::RestXml | Protocol::Query | Protocol::Ec2 => {
            Err(errors::serialization("Events with XML payloads are not read"))
        }
    }
}

fn content_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::RestXml | Protocol::Query | Protocol::Ec2 => "text/xml",
        Protocol::RpcV2Cbor => "application/cbor",
        Protocol::Json10 => "application/x-amz-json-1.0",
        Protocol::Json11 => "application/x-amz-json-1.1",
        Protocol::RestJson => "application/json",
    }
}

fn write_payload(protocol: Protocol, root: &str, value: &StructValue) -> Result<Bytes, AwsError> {
    let mut out = Vec::new();
    match protocol {
        Protocol::RpcV2Cbor => cbor::write_members(&mut out, value, &[])?,
        Protocol::RestXml | Protocol::Query | Protocol::Ec2 => {
            let mut xml = XmlWriter::new(Naming::Xml, Iso8601Form::Millis);
            xml.root(root, None, value);
            out = xml.into_body();
        }
        Protocol::Json10 | Protocol::Json11 | Protocol::RestJson => {
            let names = match protocol {
                Protocol::RestJson => Names::Wire,
                _ => Names::Model,
            };
            out.push(b'{');
            json::write_members(&mut out, value, names, |_| true)?;
            out.push(b'}');
        }
    }
    Ok(Bytes::from(out))
}

#[cfg(test)]
mod tests;
