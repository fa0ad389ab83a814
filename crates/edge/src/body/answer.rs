//! The body of an answer: whole or streamed.

use crate::pulse::UnderWay;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use virga_service::Body;

/// An answer's body. Its connection counts as busy until it is dropped.
pub struct AnswerBody {
    content: Content,
    _under_way: Option<UnderWay>,
}

enum Content {
    Whole(Bytes),
    /// Nothing, where the headers tell the length of what HEAD leaves out.
    Omitted,
    Streamed(Body),
}

impl AnswerBody {
    pub(crate) fn whole(bytes: Bytes) -> AnswerBody {
        AnswerBody {
            content: Content::Whole(bytes),
            _under_way: None,
        }
    }

    pub(crate) fn omitted() -> AnswerBody {
        AnswerBody {
            content: Content::Omitted,
            _under_way: None,
        }
    }

    pub(crate) fn streamed(body: Body) -> AnswerBody {
        AnswerBody {
            content: Content::Streamed(body),
            _under_way: None,
        }
    }

    /// The bytes of a body that is not streamed.
    pub(crate) fn as_whole(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Whole(bytes) => Some(bytes),
            Content::Omitted => Some(&[]),
            Content::Streamed(_) => None,
        }
    }

    pub(crate) fn hold(&mut self, under_way: UnderWay) {
        self._under_way = Some(under_way);
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match &mut self.content {
            Content::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Content::Omitted => Poll::Ready(None),
            Content::Streamed(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Omitted => true,
            Content::Streamed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Omitted => SizeHint::default(),
            Content::Streamed(body) => body.size_hint(),
        }
    }
}
