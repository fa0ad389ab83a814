//! The two threads that bring commits to the disk: one writes the log, one the base.

use super::base::Base;
use super::layers::Under;
use super::log::Log;
use super::transaction::State;
use super::{Shared, Waiting, locked};
use crate::StoreError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLockReadGuard, RwLockWriteGuard};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

/// How long after a failure the base is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// The log may grow to so many times its limit while the base cannot be written.
const BEHIND_MOST: u64 = 3;

/// Wakes the threads.
#[derive(Default)]
pub(super) struct Wake {
    log: OnceLock<Thread>,
    base: OnceLock<Thread>,
    stopping: AtomicBool,
    /// Nothing is written meanwhile. Changes while the log is locked.
    held: AtomicBool,
    /// Nothing is written any more.
    killed: AtomicBool,
    /// Set once the log's thread has ended, and nothing more comes for the base.
    drained: AtomicBool,
}

impl Wake {
    pub(super) fn log(&self) {
        if let Some(thread) = self.log.get() {
            thread.unpark();
        }
    }

    fn base(&self) {
        if let Some(thread) = self.base.get() {
            thread.unpark();
        }
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.log();
    }

    pub(super) fn kill(&self) {
        self.killed.store(true, Ordering::Release);
        self.stop();
    }

    pub(super) fn hold(&self, held: bool) {
        self.held.store(held, Ordering::Release);
        self.log();
    }

    pub(super) fn is_killed(&self) -> bool {
        self.killed.load(Ordering::Acquire)
    }

    fn may_write(&self) -> bool {
        !self.is_killed() && !self.held.load(Ordering::Acquire)
    }
}

pub(super) fn start(shared: &Arc<Shared>) -> Result<Vec<JoinHandle<()>>, StoreError> {
    let failed = |error: std::io::Error| StoreError::Engine(format!("cannot start a thread: {error}"));
    let spawn = |name: &str, run: fn(&Shared)| {
        let shared = shared.clone();
        thread::Builder::new().name(name.into()).spawn(move || run(&shared))
    };
    let base = spawn("store-base", run_base).map_err(failed)?;
    let _ = shared.wake.base.set(base.thread().clone());
    let log = spawn("store-log", run_log).map_err(failed)?;
    let _ = shared.wake.log.set(log.thread().clone());
    Ok(vec![log, base])
}

fn run_log(shared: &Shared) {
    let idle = Duration::from_millis(shared.limits.idle_ms.max(1));
    let mut settled = Instant::now();
    loop {
        let stopping = shared.wake.stopping.load(Ordering::Acquire);
        if stopping {
            locked(&shared.waiting).closed = true;
        }
        let wrote = {
            let mut log = locked(&shared.log);
            shared.wake.may_write() && shared.flush(&mut log)
        };
        if shared.must_settle(stopping || settled.elapsed() >= idle) {
            shared.settle();
            settled = Instant::now();
        }
        if stopping {
            break;
        }
        if !wrote {
            thread::park_timeout(idle);
        }
        shared.hold_back();
    }
    shared.wake.drained.store(true, Ordering::Release);
    shared.wake.base();
}

fn run_base(shared: &Shared) {
    loop {
        let drained = shared.wake.drained.load(Ordering::Acquire);
        if shared.wake.is_killed() {
            return;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| shared.work_on_base(drained)))
            .unwrap_or_else(|_| Err(StoreError::Engine("the base's writer panicked".into())));
        *locked(&shared.base_failure) = outcome.as_ref().err().map(ToString::to_string);
        match outcome {
            Ok(_) if drained => return,
            Ok(true) => {}
            Ok(false) => thread::park(),
            // The log has it all; the next start reads it.
            Err(_) if drained => return,
            Err(_) => thread::park_timeout(AGAIN),
        }
    }
}

impl Shared {
    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.rows.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the waiting commits to the log and answers them; `false` where none wait.
    fn flush(&self, log: &mut Log) -> bool {
        let waiting = self.take_waiting();
        if waiting.payload.is_empty() {
            return false;
        }
        let outcome = match &*locked(&self.base_failure) {
            // The log must not grow for ever.
            Some(why) if self.is_behind(log) => Err(why.clone()),
            _ => self.append(log, &waiting).map_err(|error| error.to_string()),
        };
        match outcome {
            Ok(()) => self.end(waiting),
            Err(why) => self.take_back(&mut self.write(), waiting, why),
        }
        true
    }

    pub(super) fn append(&self, log: &mut Log, waiting: &Waiting) -> std::io::Result<()> {
        log.append(&waiting.payload)?;
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.commits.fetch_add(waiting.commits, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn is_behind(&self, log: &Log) -> bool {
        log.length() > self.limits.log_bytes.saturating_mul(BEHIND_MOST)
    }

    /// As [`Shared::flush`], with nothing coming in meanwhile.
    pub(super) fn flush_all(&self, log: &mut Log, state: &mut State) -> Result<(), StoreError> {
        let waiting = self.take_waiting();
        if waiting.payload.is_empty() {
            return Ok(());
        }
        match self.append(log, &waiting) {
            Ok(()) => {
                self.end(waiting);
                Ok(())
            }
            Err(error) => {
                self.take_back(state, waiting, error.to_string());
                Err(StoreError::Unwritable(error.to_string()))
            }
        }
    }

    /// Takes back commits that the log could not take, and all that were built upon them since.
    pub(super) fn take_back(&self, state: &mut State, mut failed: Waiting, why: String) {
        let mut later = self.take_waiting();
        let refusal = Err(StoreError::Unwritable(why));
        state.undo(failed.undo.drain(..).chain(later.undo.drain(..)));
        self.fail([failed, later], &refusal);
    }

    fn must_settle(&self, in_any_case: bool) -> bool {
        let log_length = locked(&self.log).length();
        let state = self.read();
        let is_full = log_length >= self.limits.log_bytes;
        if state.aside.is_some() || !(in_any_case || is_full || state.marks >= self.limits.removed_rows) {
            return false;
        }
        is_full || state.forks_changed || state.layers.values().any(|layer| !layer.recent.is_empty())
    }

    /// Puts what was changed of late aside for the base, and turns to another file of the log.
    fn settle(&self) {
        let mut log = locked(&self.log);
        if !self.wake.may_write() {
            return;
        }
        let mut state = self.write();
        // What is put aside cannot be taken back, so all of it must be safe.
        if self.flush_all(&mut log, &mut state).is_err() {
            return;
        }
        // Where no other file can be had, this one goes on, and only grows.
        let _ = log.turn(&*self.files, state.base_through);
        state.put_aside(log.last());
        drop(state);
        self.wake.base();
    }

    /// Commits wait here, unanswered, where a file of the log is full and the one before is still being brought to the base.
    /// A start after a kill reads both, and shall be quick.
    fn hold_back(&self) {
        while locked(&self.log).length() >= self.limits.log_bytes
            && self.read().aside.is_some()
            && locked(&self.base_failure).is_none()
            && !self.wake.stopping.load(Ordering::Acquire)
        {
            thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// What the base's thread does when it is woken; `true` where there is more to do at once.
    fn work_on_base(&self, ending: bool) -> Result<bool, StoreError> {
        self.write_base()?;
        // Joining can wait for the next start.
        if ending { Ok(false) } else { self.join_some() }
    }

    /// Writes what was put aside to the base.
    fn write_base(&self) -> Result<(), StoreError> {
        let mut base = locked(&self.base);
        let Some(aside) = self.read().aside.clone() else {
            return Ok(());
        };
        let through = aside.through;
        let outcome = open(&base).and_then(|base| base.apply(&aside));
        let outcome = outcome.and_then(|()| {
            // Places and layers may be others by now. Tables of new layers there are none yet.
            let forks = self.read().forks.clone();
            open(&base)?.snapshots(&forks)
        });
        match outcome {
            Ok(now) => {
                let mut state = self.write();
                state.set_base(now);
                for layer in state.layers.values_mut() {
                    layer.settling = None;
                }
                state.aside = None;
                state.base_through = through;
                drop(state);
                // Where a file cannot be deleted, it is written over some time.
                let _ = locked(&self.log).free(&*self.files, through);
                // Nobody looks at the old rows any more, save forks.
                let freed = open(&base).and_then(Base::give_free);
                if freed.is_err() {
                    self.reopen_base(&mut base, &mut self.write());
                }
                freed
            }
            Err(error) => {
                self.reopen_base(&mut base, &mut self.write());
                Err(error)
            }
        }
    }

    /// After a failed write redb refuses all further work, reads too, until its file is opened again.
    pub(super) fn reopen_base(&self, base: &mut Option<Base>, state: &mut State) {
        state.lose_base();
        *base = None;
        if let Ok(opened) = Base::open(&*self.files)
            && let Ok(now) = opened.snapshots(&state.forks)
        {
            state.set_base(now);
            *base = Some(opened);
        }
    }
}

pub(super) fn open(base: &Option<Base>) -> Result<&Base, StoreError> {
    base.as_ref().ok_or_else(Under::lost)
}
