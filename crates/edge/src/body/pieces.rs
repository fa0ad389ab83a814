//! A request's body piece by piece, with a limit on the silence between two.

use super::Payload;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Sleep, sleep};
use virga_base::AwsError;

/// The pieces of a body. A timer runs only while a piece is awaited.
pub(crate) struct Pieces {
    payload: Payload,
    silence_max: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pieces {
    pub(crate) fn new(payload: Payload, silence_max: Duration) -> Pieces {
        Pieces {
            payload,
            silence_max,
            timer: None,
        }
    }

    /// The next piece of data; trailers of HTTP itself are passed over.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let incoming = match &mut self.payload {
            Payload::Whole(bytes) if bytes.is_empty() => return Poll::Ready(None),
            Payload::Whole(bytes) => return Poll::Ready(Some(Ok(std::mem::take(bytes)))),
            Payload::Incoming(incoming) => incoming,
        };
        loop {
            match incoming.poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.timer = None;
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::UnexpectedEof, error))));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {
                    let silence_max = self.silence_max;
                    let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(silence_max)));
                    return timer
                        .as_mut()
                        .poll(cx)
                        .map(|()| Some(Err(io::Error::new(io::ErrorKind::TimedOut, "the body came to a halt"))));
                }
            }
        }
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.get_mut()
            .poll_piece(cx)
            .map(|piece| piece.map(|data| data.map(Frame::data)))
    }

    fn size_hint(&self) -> http_body::SizeHint {
        match &self.payload {
            Payload::Whole(bytes) => http_body::SizeHint::with_exact(bytes.len() as u64),
            Payload::Incoming(incoming) => incoming.size_hint(),
        }
    }
}

/// An [`AwsError`] on its way through a stream; whoever reads the stream gets it back by [`io::Error::downcast`].
pub(crate) fn stream_error(error: AwsError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
