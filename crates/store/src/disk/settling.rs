//! Which commits are safe, for those who have only seen them.
//!
//! A transaction that changes nothing, one that is given up, and a read may all rest on a commit that is not in the log yet.
//! Commits come in batches, each with a number. Whoever looks notes the number of the newest batch that has a change, and
//! waits for that one before answering: for the sync that is under way, or the next; most often for none.

use super::{Answer, Shared, Waiting, locked};
use crate::StoreError;
use crate::engine::Durable;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::oneshot;

/// The numbers of batches. They change while [`Waiting`] is locked, and `newest` while the rows are, too.
pub(super) struct Batches {
    /// The last with a change that can be seen.
    newest: AtomicU64,
    /// All up to this one have ended.
    ended: AtomicU64,
    /// The last that was taken back.
    failed: AtomicU64,
}

impl Default for Batches {
    fn default() -> Batches {
        let none = Batches::FIRST - 1;
        Batches {
            newest: AtomicU64::new(none),
            ended: AtomicU64::new(none),
            failed: AtomicU64::new(0),
        }
    }
}

impl Batches {
    /// 0 stands for no look at all, and 1 for rows that were there at the start.
    pub(super) const FIRST: u64 = 2;

    /// See [`crate::Engine::seen`].
    pub(super) fn seen(&self) -> u64 {
        self.newest.load(Ordering::Acquire)
    }

    /// A change was added to this batch.
    pub(super) fn add(&self, waiting: &Waiting) {
        self.newest.store(waiting.number, Ordering::Release);
    }
}

impl Waiting {
    pub(super) fn new(number: u64, closed: bool) -> Waiting {
        Waiting {
            number,
            payload: Vec::new(),
            layer: super::ROOT,
            undo: Vec::new(),
            commits: 0,
            answers: Vec::new(),
            answers_before: Vec::new(),
            closed,
        }
    }
}

/// Waits to be answered.
pub(super) fn wait(answers: &mut Vec<Answer>) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>> {
    let (sender, answer) = oneshot::channel();
    answers.push(sender);
    Box::pin(async move {
        let closed = || StoreError::Unwritable("the store is being closed".into());
        answer.await.unwrap_or_else(|_| Err(closed()))
    })
}

pub(super) fn answer(answers: Vec<Answer>, outcome: &Result<(), StoreError>) {
    for sender in answers {
        let _ = sender.send(outcome.clone());
    }
}

impl Shared {
    /// See [`crate::Engine::settled`].
    pub(super) fn settled(&self, seen: u64) -> Result<Durable, StoreError> {
        let is_safe = || {
            if seen <= self.batches.failed.load(Ordering::Acquire) {
                return Err(StoreError::Unwritable("what was seen could not be stored".into()));
            }
            Ok(seen <= self.batches.ended.load(Ordering::Acquire))
        };
        if is_safe()? {
            return Ok(None);
        }
        let mut waiting = locked(&self.waiting);
        // It may have ended meanwhile.
        if is_safe()? {
            return Ok(None);
        }
        let answers = if seen < waiting.number {
            &mut waiting.answers_before
        } else {
            &mut waiting.answers
        };
        Ok(Some(wait(answers)))
    }

    /// Takes the batch that waits, to write it; the next one begins.
    pub(super) fn take_waiting(&self) -> Waiting {
        let mut waiting = locked(&self.waiting);
        let next = waiting.number + u64::from(!waiting.payload.is_empty());
        let mut next = Waiting::new(next, waiting.closed);
        next.answers_before = std::mem::take(&mut waiting.answers_before);
        std::mem::replace(&mut *waiting, next)
    }

    /// The batch that was taken last is safe, and so are all before.
    pub(super) fn end(&self, batch: Waiting) {
        let before = {
            let mut waiting = locked(&self.waiting);
            self.batches.ended.store(waiting.number - 1, Ordering::Release);
            std::mem::take(&mut waiting.answers_before)
        };
        answer(batch.answers, &Ok(()));
        answer(before, &Ok(()));
    }

    /// The batch that was taken last, and the one begun since and taken with it, are taken back. The rows are locked.
    pub(super) fn fail(&self, batches: [Waiting; 2], refusal: &Result<(), StoreError>) {
        let before = {
            let mut waiting = locked(&self.waiting);
            self.batches.failed.store(waiting.number - 1, Ordering::Release);
            // What is seen from now on is of a batch that is empty and safe.
            self.batches.newest.store(waiting.number, Ordering::Release);
            self.batches.ended.store(waiting.number, Ordering::Release);
            waiting.number += 1;
            std::mem::take(&mut waiting.answers_before)
        };
        for batch in batches {
            answer(batch.answers, refusal);
        }
        answer(before, refusal);
    }
}
