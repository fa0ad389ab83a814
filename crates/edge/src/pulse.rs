//! Where a connection stands, so that silent and slow ones can be told from busy ones.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Shared by a connection's stream, its requests and its watch. It reads no clock, because it beats with every request;
/// the [`Watch`] does, which looks only now and then.
#[derive(Default)]
pub(crate) struct Pulse {
    /// Requests whose answers have not been sent.
    under_way: AtomicU32,
    /// Requests that have begun.
    begun: AtomicU64,
    /// Whether a request's head has begun and not ended.
    in_head: AtomicBool,
}

impl Pulse {
    /// A request's head has been read.
    pub(crate) fn begin(self: &Arc<Pulse>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.in_head.store(false, Ordering::Relaxed);
        UnderWay(self.clone())
    }

    fn bytes_came(&self) {
        if self.under_way.load(Ordering::Relaxed) == 0 {
            self.in_head.store(true, Ordering::Relaxed);
        }
    }
}

/// What a look at a connection finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// All is well; look again after that time.
    Again(Duration),
    /// Nothing has been asked for too long.
    Silent,
    /// A request's head has taken too long.
    Slow,
}

/// Tells silent and slow connections by finding them unchanged.
pub(crate) struct Watch {
    pulse: Arc<Pulse>,
    idle_max: Duration,
    head_max: Duration,
    /// What was last seen to be new, and when.
    seen: (u64, bool),
    since: Instant,
}

impl Watch {
    pub(crate) fn new(pulse: Arc<Pulse>, idle_max: Duration, head_max: Duration) -> Watch {
        Watch {
            pulse,
            idle_max,
            head_max,
            seen: (0, false),
            since: Instant::now(),
        }
    }

    /// How long to wait for the first look.
    pub(crate) fn first(&self) -> Duration {
        self.head_max.min(self.idle_max)
    }

    pub(crate) fn look(&mut self) -> Look {
        let begun = self.pulse.begun.load(Ordering::Relaxed);
        let in_head = self.pulse.in_head.load(Ordering::Relaxed);
        if self.pulse.under_way.load(Ordering::Relaxed) > 0 || self.seen != (begun, in_head) {
            self.seen = (begun, in_head);
            self.since = Instant::now();
            return Look::Again(self.first());
        }
        let passed = self.since.elapsed();
        let limit = if in_head { self.head_max } else { self.idle_max };
        match limit.checked_sub(passed) {
            Some(left) if !left.is_zero() => Look::Again(left.min(self.first()).max(Duration::from_millis(1))),
            _ if in_head => Look::Slow,
            _ => Look::Silent,
        }
    }
}

/// A request under way; dropped when its answer has been handed to the connection whole.
pub(crate) struct UnderWay(Arc<Pulse>);

impl Drop for UnderWay {
    fn drop(&mut self) {
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

#[cfg(test)]
mod tests {
    use super::{Look, Pulse, Watch};
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn what_stays_unchanged_too_long_is_found() {
        let pulse = Arc::new(Pulse::default());
        let mut watch = Watch::new(pulse.clone(), Duration::from_millis(40), Duration::from_millis(20));
        assert!(matches!(watch.look(), Look::Again(_)));
        pulse.bytes_came();
        assert!(matches!(watch.look(), Look::Again(_)), "a head has begun");
        std::thread::sleep(Duration::from_millis(25));
        assert_eq!(watch.look(), Look::Slow);
        let under_way = pulse.begin();
        std::thread::sleep(Duration::from_millis(50));
        assert!(matches!(watch.look(), Look::Again(_)), "busy");
        drop(under_way);
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(watch.look(), Look::Silent);
    }
}
