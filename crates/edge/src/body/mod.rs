//! Bodies: of requests on their way in, whole or in pieces; of answers on their way out.

pub(crate) mod answer;
pub(crate) mod checksum;
pub(crate) mod chunked;
pub(crate) mod inlet;
pub(crate) mod pieces;
pub(crate) mod whole;

use bytes::Bytes;
use http_body::Frame;
use inlet::Inlet;
use std::task::{Context, Poll};

/// A request's body as it came.
pub(crate) enum Payload {
    /// Still on the wire.
    Incoming(Inlet),
    Whole(Bytes),
}

impl Payload {
    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self {
            Payload::Incoming(inlet) => inlet.poll_frame(cx),
            Payload::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Payload::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
        }
    }
}
