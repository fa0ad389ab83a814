//! What goes in and comes out: operations, requests, answers.

use bytes::Bytes;
use http::HeaderMap;
use virga_shape::{Kind, Operation, ServiceModel, ShapeRef, StructValue, Value};

/// An operation together with the model that it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct OperationRef {
    pub model: &'static ServiceModel,
    pub operation: &'static Operation,
}

impl OperationRef {
    /// The operation of `model` with that name.
    pub fn find(model: &'static ServiceModel, name: &str) -> Option<OperationRef> {
        model.operation(name).map(|operation| OperationRef { model, operation })
    }

    pub fn input(self) -> Option<ShapeRef> {
        self.operation.input.map(|id| self.model.shape_ref(id))
    }

    pub fn output(self) -> Option<ShapeRef> {
        self.operation.output.map(|id| self.model.shape_ref(id))
    }

    /// The output, with the members that `read` finds in the body of an answer: none where that is empty. `Null` for
    /// operations without output.
    pub(crate) fn read_output<E>(
        self,
        body: &[u8],
        read: impl FnOnce(&[u8], &mut StructValue) -> Result<(), E>,
    ) -> Result<Value, E> {
        let Some(shape) = self.output() else {
            return Ok(Value::Null);
        };
        let mut out = StructValue::with_capacity(shape, shape.members().len().min(16));
        if !body.is_empty() {
            read(body, &mut out)?;
        }
        Ok(Value::Struct(out))
    }
}

/// A request as it came, its body whole (empty where the body streams).
#[derive(Clone, Copy, Debug)]
pub struct WireRequest<'a> {
    pub method: &'a str,
    /// Percent-encoded, as sent.
    pub path: &'a str,
    /// What follows `?`, as sent; may be empty.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a Bytes,
}

/// An answer; an empty body where the body streams.
#[derive(Clone, Debug, PartialEq)]
pub struct WireResponse {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A request that a client is about to sign and send.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnedRequest {
    pub method: String,
    /// Percent-encoded.
    pub path: String,
    /// Percent-encoded, without the `?`; may be empty.
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl OwnedRequest {
    /// The same request as a server sees it.
    pub fn as_wire(&self) -> WireRequest<'_> {
        WireRequest {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            body: &self.body,
        }
    }
}

/// The index of the input's member that travels as a raw streamed body, if there is one.
pub fn streaming_input(op: OperationRef) -> Option<u16> {
    op.input().and_then(streaming_payload)
}

/// The index of the output's member that travels as a raw streamed body, if there is one.
pub fn streaming_output(op: OperationRef) -> Option<u16> {
    op.output().and_then(streaming_payload)
}

/// The index of the input's member that is a stream of events, if there is one. It travels as frames
/// ([`crate::event_stream`]): decoding leaves it absent, encoding leaves it out.
pub fn event_stream_input(op: OperationRef) -> Option<u16> {
    op.input().and_then(event_stream_member)
}

/// The same for the output.
pub fn event_stream_output(op: OperationRef) -> Option<u16> {
    op.output().and_then(event_stream_member)
}

/// The payload of `shape` if it is a streaming blob.
pub(crate) fn streaming_payload(shape: ShapeRef) -> Option<u16> {
    let Kind::Structure { payload, .. } = shape.kind() else {
        return None;
    };
    let index = (*payload)?;
    let member = shape.members().get(usize::from(index))?;
    match shape.target(member).kind() {
        Kind::Blob { streaming, .. } if *streaming || member.streaming => Some(index),
        _ => None,
    }
}

pub(crate) fn event_stream_member(shape: ShapeRef) -> Option<u16> {
    shape
        .members()
        .iter()
        .position(|m| matches!(shape.target(m).kind(), Kind::Structure { event_stream: true, .. }))
        .map(|i| i as u16)
}
