//! The last calls, kept in a bounded ring. Being told of a call costs well under a microsecond: a lock, a push, and a
//! wake-up only where somebody sleeps.

use crate::journal::pack::{Unpacked, pack, unpack};
use crate::journal::room::{Room, Span};
use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use tokio::sync::Notify;
use virga_base::limits::JOURNAL_MAX_CALLS;
use virga_service::{CallRecord, Exchange, Observer};

/// What changes of Virga's own (its clock, its worlds, a reset) are called among the services.
pub const OWN_SERVICE: &str = "virga";
/// What a thread's buffer may keep between calls.
const SCRATCH_MAX_BYTES: usize = 16 * 1024;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

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
    /// By value in one piece of memory, which is gone through in order: records apart would be fetched one by one to be
    /// forgotten.
    records: VecDeque<(CallRecord, Option<Span>)>,
    /// What the spans point into.
    room: Room,
    /// The cursor of the newest record.
    newest: u64,
    /// As few as there are services, so found faster one by one than by any order.
    by_service: Vec<(&'static str, u64)>,
    /// How many of all were changes of Virga's own, and no calls of AWS's.
    own: u64,
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
        self.after_where(cursor, max, |_| true)
    }

    /// Those that are wanted of the `max` calls after a cursor, oldest first.
    pub(crate) fn after_where(&self, cursor: u64, max: usize, is_wanted: impl Fn(&CallRecord) -> bool) -> Page {
        let ring = self.ring();
        let oldest = ring.newest - ring.records.len() as u64;
        let from = cursor.clamp(oldest, ring.newest);
        let next = ring.newest.min(from.saturating_add(max as u64));
        let records = (from + 1..=next)
            .zip(ring.records.range((from - oldest) as usize..))
            .filter(|(_, (record, _))| is_wanted(record))
            .map(|(cursor, (record, _))| (cursor, Arc::new(record.clone())))
            .collect();
        Page {
            next,
            missed: oldest.saturating_sub(cursor),
            records,
        }
    }

    /// What is kept of a call's request and answer, if that is not forgotten.
    pub(crate) fn exchange(&self, cursor: u64) -> Option<Unpacked> {
        let packed = {
            let ring = self.ring();
            let oldest = ring.newest - ring.records.len() as u64;
            let index = usize::try_from(cursor.checked_sub(oldest + 1)?).ok()?;
            let (_, span) = ring.records.get(index)?;
            ring.room.get((*span)?)?.to_vec()
        };
        unpack(&packed)
    }

    /// Calls of AWS's so far.
    pub(crate) fn count(&self) -> u64 {
        let ring = self.ring();
        ring.newest - ring.own
    }

    /// The cursor of the newest call.
    pub fn newest(&self) -> u64 {
        self.ring().newest
    }

    /// Calls so far of each service that was called.
    pub fn by_service(&self) -> BTreeMap<&'static str, u64> {
        self.ring().by_service.iter().copied().collect()
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

impl Ring {
    /// Adds a call; answers the one that is forgotten for it.
    fn add(&mut self, record: CallRecord, packed: &[u8]) -> Option<CallRecord> {
        self.newest += 1;
        match record.service {
            Some(OWN_SERVICE) => self.own += 1,
            Some(service) => match self.by_service.iter_mut().find(|(name, _)| *name == service) {
                Some((_, count)) => *count += 1,
                None => self.by_service.push((service, 1)),
            },
            None => {}
        }
        let forgotten = if self.records.len() == JOURNAL_MAX_CALLS {
            self.records.pop_front()
        } else {
            None
        };
        let span = self.room.put(packed);
        self.records.push_back((record, span));
        if let Some((_, Some(oldest))) = self.records.front() {
            self.room.forget_before(*oldest);
        }
        forgotten.map(|(record, _)| record)
    }
}

impl Observer for CallLog {
    fn called(&self, record: CallRecord, exchange: &Exchange<'_>) {
        let mut scratch = SCRATCH.take();
        scratch.clear();
        pack(&mut scratch, exchange);
        // What is forgotten is freed outside the lock.
        drop(self.ring().add(record, &scratch));
        if scratch.capacity() <= SCRATCH_MAX_BYTES {
            SCRATCH.set(scratch);
        }
        self.followers.notify_waiters();
        // Looked at before it is taken: taking alone would have all threads wait for each other.
        if self.printer_sleeps.load(Ordering::SeqCst)
            && self.printer_sleeps.swap(false, Ordering::SeqCst)
            && let Some(printer) = self.printer.get()
        {
            printer.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CallLog;
    use crate::journal::pack::Kept;
    use crate::line::tests::{exchange, record, tell};
    use std::sync::Arc;
    use virga_base::limits::{JOURNAL_BODY_MAX_BYTES, JOURNAL_MAX_BYTES, JOURNAL_MAX_CALLS};
    use virga_service::{Carried, Observer};

    #[test]
    fn the_ring_forgets_the_oldest_and_says_so() {
        let log = CallLog::default();
        for _ in 0..JOURNAL_MAX_CALLS + 10 {
            tell(&log, record("SendMessage", 200));
        }
        let page = log.after(0, 3);
        assert_eq!(page.missed, 10);
        assert_eq!(page.records.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [11, 12, 13]);
        assert_eq!(page.next, 13);
        let end = log.after(log.newest(), 3);
        assert!(end.records.is_empty() && end.missed == 0 && end.next == log.newest());
        assert_eq!(log.by_service().get("sqs"), Some(&(JOURNAL_MAX_CALLS as u64 + 10)));
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
        tell(&log, record("SendMessage", 200));
        tokio::task::yield_now().await;
        assert!(!follower.is_finished());
        tell(&log, record("SendMessage", 200));
        assert!(follower.await.is_ok());
    }

    #[test]
    fn bodies_are_forgotten_before_their_records() {
        let log = CallLog::default();
        let body = vec![b'x'; JOURNAL_BODY_MAX_BYTES];
        let enough = JOURNAL_MAX_BYTES / JOURNAL_BODY_MAX_BYTES + 1;
        for _ in 0..enough {
            let mut exchange = exchange();
            exchange.body = Carried::Whole(&body);
            log.called(record("SendMessage", 200), &exchange);
        }
        assert_eq!(log.after(0, enough).records.len(), enough);
        assert_eq!(log.exchange(1), None);
        let last = log.exchange(enough as u64).map(|kept| kept.body);
        assert_eq!(last, Some(Kept::Whole(body.into())));
        assert_eq!((log.exchange(0), log.exchange(enough as u64 + 1)), (None, None));
    }
}
