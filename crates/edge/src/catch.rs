//! A panic in one call is that call's end, not the program's.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

struct Catch<'a, F: ?Sized> {
    inner: Pin<&'a mut F>,
}

impl<F: Future + ?Sized> Future for Catch<'_, F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let inner = self.inner.as_mut();
        // The future is dropped, never polled again, after it has panicked.
        match catch_unwind(AssertUnwindSafe(|| inner.poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
            Err(_) => Poll::Ready(None),
        }
    }
}

/// Runs a future where it stands, since a large one costs to move; `None` if it panicked. The panic hook has told of it
/// by then.
pub(crate) fn catch<F: Future + ?Sized>(inner: Pin<&mut F>) -> impl Future<Output = Option<F::Output>> {
    Catch { inner }
}

#[cfg(test)]
mod tests {
    use super::catch;
    use std::pin::pin;

    #[tokio::test]
    async fn a_panic_becomes_none() {
        assert_eq!(catch(pin!(async { 1 })).await, Some(1));
        let failed = pin!(async {
            tokio::task::yield_now().await;
            assert!(std::hint::black_box(false), "meant to fail");
        });
        assert_eq!(catch(failed).await, None);
    }
}
