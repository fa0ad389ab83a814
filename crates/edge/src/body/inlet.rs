//! A body on the wire that may be left unread without cutting its client off.

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// How much of an unread body is taken off the wire, and for how long.
const DRAIN_MAX_BYTES: usize = 64 * 1024 * 1024;
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// A request's body. Refusals leave it unread; then it is read and thrown away beside the answer, because a client that
/// is still sending when the connection closes often never sees the answer.
pub(crate) struct Inlet {
    incoming: Option<Incoming>,
    /// The client sends nothing before it is asked to.
    waits: bool,
}

impl Inlet {
    pub(crate) fn new(incoming: Incoming, waits: bool) -> Inlet {
        Inlet {
            incoming: Some(incoming),
            waits,
        }
    }

    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(incoming) = &mut self.incoming else {
            return Poll::Ready(None);
        };
        self.waits = false;
        let polled = Pin::new(incoming).poll_frame(cx);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.incoming = None;
        }
        polled
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.incoming
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Inlet {
    fn drop(&mut self) {
        let Some(mut incoming) = self.incoming.take() else {
            return;
        };
        if self.waits || incoming.is_end_stream() {
            return;
        }
        let drain = async move {
            let mut left = DRAIN_MAX_BYTES;
            while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut incoming).poll_frame(cx)).await {
                left = match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
                    Some(left) => left,
                    None => return,
                };
            }
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(DRAIN_MAX, drain));
        }
    }
}
