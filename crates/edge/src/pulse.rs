//! Where a connection stands, so that silent and slow ones can be told from busy ones.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a connection's watch learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing is being asked; for that long.
    Idle(Duration),
    /// A request's head has begun but not ended; for that long.
    Head(Duration),
    /// Requests are under way.
    Busy,
}

/// Shared by a connection's stream, its requests and its watch.
pub(crate) struct Pulse {
    born: Instant,
    /// Requests whose answers have not been sent.
    under_way: AtomicU32,
    /// Milliseconds from `born` to the end of the last request.
    idle_since_ms: AtomicU64,
    /// Milliseconds from `born` to the first byte of the head that is being read, plus one; 0 if none is.
    head_since_ms: AtomicU64,
}

impl Pulse {
    pub(crate) fn new() -> Arc<Pulse> {
        Arc::new(Pulse {
            born: Instant::now(),
            under_way: AtomicU32::new(0),
            idle_since_ms: AtomicU64::new(0),
            head_since_ms: AtomicU64::new(0),
        })
    }

    pub(crate) fn state(&self) -> State {
        if self.under_way.load(Ordering::Relaxed) > 0 {
            return State::Busy;
        }
        let now_ms = self.now_ms();
        let passed = |since_ms: u64| Duration::from_millis(now_ms.saturating_sub(since_ms));
        match self.head_since_ms.load(Ordering::Relaxed) {
            0 => State::Idle(passed(self.idle_since_ms.load(Ordering::Relaxed))),
            since_ms => State::Head(passed(since_ms - 1)),
        }
    }

    /// A request's head has been read.
    pub(crate) fn begin(self: &Arc<Pulse>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        self.head_since_ms.store(0, Ordering::Relaxed);
        UnderWay(self.clone())
    }

    fn bytes_came(&self) {
        if self.under_way.load(Ordering::Relaxed) == 0 && self.head_since_ms.load(Ordering::Relaxed) == 0 {
            self.head_since_ms.store(self.now_ms() + 1, Ordering::Relaxed);
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// A request under way; dropped when its answer has been handed to the connection whole.
pub(crate) struct UnderWay(Arc<Pulse>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.idle_since_ms.store(self.0.now_ms(), Ordering::Relaxed);
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream that tells its pulse when bytes come.
pub(crate) struct Watched<S> {
    stream: S,
    pulse: Arc<Pulse>,
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S, pulse: Arc<Pulse>) -> Watched<S> {
        Watched { stream, pulse }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if polled.is_ready() && buffer.filled().len() > before {
            self.pulse.bytes_came();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
