//! The last calls, kept in a bounded ring. Being told of a call costs well under a microsecond: a lock, a push, and a
//! wake-up only where somebody sleeps.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use tokio::sync::Notify;
use virga_service::{CallRecord, Observer};

/// Calls that are kept; older ones are forgotten.
pub const CALLS_MAX: usize = 5_000;

/// The log of calls. Every call has a number, its cursor, counting from 1.
#[derive(Default)]
pub struct CallLog {
    ring: Mutex<Ring>,
    followers: Notify,
    printer: OnceLock<Thread>,
    /// Whether the printer must be woken.
    printer_sleeps: AtomicBool,
}

#[derive(Default)]
struct Ring {
    records: VecDeque<Arc<CallRecord>>,
    /// The cursor of the newest record.
    newest: u64,
    by_service: BTreeMap<&'static str, u64>,
}

/// Some calls in order.
pub struct Page {
    pub records: Vec<(u64, Arc<CallRecord>)>,
    /// The cursor to ask with for what follows.
    pub next: u64,
    /// Calls after the asked cursor that are forgotten already.
    pub missed: u64,
}

impl CallLog {
    /// Calls after a cursor, at most `max`, oldest first.
    pub fn after(&self, cursor: u64, max: usize) -> Page {
        let ring = self.ring();
        let oldest = ring.newest - ring.records.len() as u64;
        let from = cursor.clamp(oldest, ring.newest);
        let records: Vec<_> = (from + 1..)
            .zip(ring.records.iter().skip((from - oldest) as usize).take(max).cloned())
            .collect();
        Page {
            next: from + records.len() as u64,
            missed: oldest.saturating_sub(cursor),
            records,
        }
    }

    /// The cursor of the newest call, which is the number of calls so far.
    pub fn newest(&self) -> u64 {
        self.ring().newest
    }

    /// Calls so far of each service that was called.
    pub fn by_service(&self) -> BTreeMap<&'static str, u64> {
        self.ring().by_service.clone()
    }

    /// Completes when there is a call after `cursor`.
    pub async fn wait_after(&self, cursor: u64) {
        loop {
            let told = self.followers.notified();
            let mut told = std::pin::pin!(told);
            // Listen first, then look: a call in between is not missed.
            told.as_mut().enable();
            if self.newest() > cursor {
                return;
            }
            told.await;
        }
    }

    /// Makes the calling thread the one that is unparked for new calls.
    pub(crate) fn print_here(&self) {
        let _ = self.printer.set(std::thread::current());
    }

    /// Parks the printer's thread until there is a call after `cursor`, or it is unparked otherwise.
    pub(crate) fn park_until_after(&self, cursor: u64) {
        self.printer_sleeps.store(true, Ordering::SeqCst);
        if self.newest() <= cursor {
            std::thread::park();
        }
        self.printer_sleeps.store(false, Ordering::SeqCst);
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for CallLog {
    fn called(&self, record: CallRecord) {
        let record = Arc::new(record);
        let forgotten = {
            let mut ring = self.ring();
            ring.newest += 1;
            if let Some(service) = record.service {
                *ring.by_service.entry(service).or_default() += 1;
            }
            let forgotten = if ring.records.len() == CALLS_MAX {
                ring.records.pop_front()
            } else {
                None
            };
            ring.records.push_back(record);
            forgotten
        };
        // Freed outside the lock.
        drop(forgotten);
        self.followers.notify_waiters();
        if self.printer_sleeps.swap(false, Ordering::SeqCst)
            && let Some(printer) = self.printer.get()
        {
            printer.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CALLS_MAX, CallLog};
    use crate::line::tests::record;
    use std::sync::Arc;
    use virga_service::Observer;

    #[test]
    fn the_ring_forgets_the_oldest_and_says_so() {
        let log = CallLog::default();
        for _ in 0..CALLS_MAX + 10 {
            log.called(record("SendMessage", 200));
        }
        let page = log.after(0, 3);
        assert_eq!(page.missed, 10);
        assert_eq!(page.records.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [11, 12, 13]);
        assert_eq!(page.next, 13);
        let end = log.after(log.newest(), 3);
        assert!(end.records.is_empty() && end.missed == 0 && end.next == log.newest());
        assert_eq!(log.by_service().get("sqs"), Some(&(CALLS_MAX as u64 + 10)));
        assert_eq!(
            log.after(u64::MAX, 3).next,
            log.newest(),
            "a cursor from the future is brought back"
        );
    }

    #[tokio::test]
    async fn followers_are_woken() {
        let log = Arc::new(CallLog::default());
        let follower = tokio::spawn({
            let log = log.clone();
            async move { log.wait_after(1).await }
        });
        log.called(record("SendMessage", 200));
        tokio::task::yield_now().await;
        assert!(!follower.is_finished());
        log.called(record("SendMessage", 200));
        assert!(follower.await.is_ok());
    }
}
