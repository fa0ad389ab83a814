//! The disk engine: rows in a folder, behind a log.
//!
//! A commit changes the rows in memory at once and is added to the log, which one thread writes and syncs for all commits
//! that came meanwhile; only then are they answered. From time to time what was changed is written to the base, redb's
//! file, by another thread, and that part of the log is free to be written over. Opening the folder opens the base and
//! reads the log behind it. Why so: `docs/decisions/disk-engine.md`.
//!
//! Where the log cannot be written, the commits that wait for it are taken back and fail; reads go on, and so do writes
//! once the log can be written again. Reads may see a commit that is still on its way to the disk.

mod base;
mod files;
mod layers;
mod log;
#[cfg(test)]
mod tests;
mod transaction;
mod writing;

use crate::engine::{Durable, EngineFigures};
use crate::{Decision, Engine, Reader, StoreError, Writer};
use base::Base;
use files::{Files, Folder};
use layers::{Layers, Under};
use log::Log;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;
use tokio::sync::oneshot;
use transaction::{Change, State, Undo, View};

/// When the base is brought up to the log, and how far it may fall behind.
#[derive(Clone, Copy, Debug)]
pub struct DiskLimits {
    /// Bytes of log.
    pub log_bytes: u64,
    /// Rows removed of late. A scan passes over all of these that lie in its range.
    pub removed_rows: usize,
    /// The longest time, in milliseconds, that a change is in the log alone.
    pub idle_ms: u64,
}

impl Default for DiskLimits {
    fn default() -> DiskLimits {
        DiskLimits {
            log_bytes: 16 << 20,
            removed_rows: 4096,
            idle_ms: 5000,
        }
    }
}

/// Keeps all rows in a folder. See the module.
///
/// Dropping it closes it ([`DiskEngine::close`]).
pub struct DiskEngine {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What the engine and its threads share. Locks are taken in the order of the fields.
struct Shared {
    files: Box<dyn Files>,
    limits: DiskLimits,
    /// `None` while it could not be opened again after a failure.
    base: Mutex<Option<Base>>,
    log: Mutex<Log>,
    rows: RwLock<State>,
    waiting: Mutex<Waiting>,
    /// Why the base could not be written when it was last tried.
    base_failure: Mutex<Option<String>>,
    syncs: AtomicU64,
    commits: AtomicU64,
    wake: writing::Wake,
}

/// The commits that are not in the log yet.
#[derive(Default)]
struct Waiting {
    payload: Vec<u8>,
    /// How to take them back, oldest first.
    undo: Vec<Undo>,
    answers: Vec<oneshot::Sender<Result<(), StoreError>>>,
    /// Nothing is written any more.
    closed: bool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl DiskEngine {
    /// Opens a folder, or makes it. Another process that has it open, or a folder that is no such, is an error that says
    /// so ([`StoreError::Folder`]).
    pub fn open(folder: &Path) -> Result<DiskEngine, StoreError> {
        DiskEngine::open_with(folder, DiskLimits::default())
    }

    pub fn open_with(folder: &Path, limits: DiskLimits) -> Result<DiskEngine, StoreError> {
        // Any number that clients do not know; not one that others must not guess.
        let salt = virga_base::Ids::random().u64();
        DiskEngine::start(Box::new(Folder::open(folder)?), limits, salt).map_err(|error| match error {
            StoreError::Folder(why) | StoreError::Engine(why) => StoreError::Folder(format!(
                "cannot open the data folder {}: {why}. Bring the folder back from a copy, or name another.",
                folder.display()
            )),
            error => error,
        })
    }

    /// Brings the base up to date, so that the folder opens quickly, and gives the folder free. What is written afterwards
    /// fails; reads go on.
    pub fn close(&self) {
        self.shared.wake.stop();
        for thread in locked(&self.threads).drain(..) {
            let _ = thread.join();
        }
        // The folder may be another's from now on.
        if let Some(base) = locked(&self.shared.base).take() {
            drop(base);
        }
        self.shared.files.release();
    }

    fn start(files: Box<dyn Files>, limits: DiskLimits, salt: u64) -> Result<DiskEngine, StoreError> {
        let base = Base::open(&*files)?;
        let numbers = base.numbers(&*files, salt)?;
        let mut state = State::new(Layers {
            base: Under::Rows(Arc::new(base.snapshot()?)),
            ..Layers::default()
        });
        let log = Log::open(&*files, numbers.salt, numbers.through, &mut |payload| {
            log::changes(payload, &mut |(key, value)| state.replay(key, value))
        })?;
        state.base_through = numbers.through;
        let shared = Arc::new(Shared {
            files,
            limits,
            base: Mutex::new(Some(base)),
            log: Mutex::new(log),
            rows: RwLock::new(state),
            waiting: Mutex::default(),
            base_failure: Mutex::default(),
            syncs: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            wake: writing::Wake::default(),
        });
        let threads = writing::start(&shared)?;
        Ok(DiskEngine {
            shared,
            threads: Mutex::new(threads),
        })
    }
}

impl Drop for DiskEngine {
    fn drop(&mut self) {
        self.close();
    }
}

impl Engine for DiskEngine {
    fn read(&self, f: &mut dyn FnMut(&dyn Reader)) -> Result<(), StoreError> {
        f(&View(&self.shared.read().layers));
        Ok(())
    }

    fn write(&self, f: &mut dyn FnMut(&mut dyn Writer) -> Decision) -> Result<Durable, StoreError> {
        let mut state = self.shared.write();
        let mut change = Change::new(&mut state);
        if f(&mut change) == Decision::Abort {
            return Ok(None);
        }
        let answer = {
            let mut waiting = locked(&self.shared.waiting);
            let waiting = &mut *waiting;
            if waiting.closed {
                return Err(StoreError::Unwritable("the store is being closed".into()));
            }
            if !change.keep(&mut waiting.payload, &mut waiting.undo) {
                return Ok(None);
            }
            let (sender, answer) = oneshot::channel();
            waiting.answers.push(sender);
            answer
        };
        drop(change);
        drop(state);
        self.shared.wake.log();
        Ok(Some(Box::pin(async move {
            answer
                .await
                .unwrap_or_else(|_| Err(StoreError::Unwritable("the store is being closed".into())))
        })))
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.shared.clear()
    }

    fn figures(&self) -> EngineFigures {
        EngineFigures {
            durable_commits: self.shared.commits.load(Ordering::Relaxed),
            syncs: self.shared.syncs.load(Ordering::Relaxed),
        }
    }

    fn kind(&self) -> &'static str {
        "disk"
    }

    fn location(&self) -> Option<String> {
        Some(self.shared.files.location())
    }

    /// A copy that is in memory alone: it is gone when the process ends. It keeps the rows that it shares with this one
    /// from being given free in the file.
    fn fork(&self, _name: &str) -> Result<Box<dyn Engine>, StoreError> {
        Ok(Box::new(Fork {
            rows: RwLock::new(State::new(self.shared.read().layers.clone())),
        }))
    }
}

/// A copy of a disk engine's rows. What is written to it stays in memory.
struct Fork {
    rows: RwLock<State>,
}

impl Engine for Fork {
    fn read(&self, f: &mut dyn FnMut(&dyn Reader)) -> Result<(), StoreError> {
        f(&View(&self.rows.read().unwrap_or_else(PoisonError::into_inner).layers));
        Ok(())
    }

    fn write(&self, f: &mut dyn FnMut(&mut dyn Writer) -> Decision) -> Result<Durable, StoreError> {
        let mut state = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        let mut change = Change::new(&mut state);
        if f(&mut change) == Decision::Commit {
            change.keep_in_memory();
        }
        Ok(None)
    }

    fn clear(&self) -> Result<(), StoreError> {
        let mut state = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        *state = State::new(Layers::default());
        Ok(())
    }

    fn fork(&self, _name: &str) -> Result<Box<dyn Engine>, StoreError> {
        let layers = self.rows.read().unwrap_or_else(PoisonError::into_inner).layers.clone();
        Ok(Box::new(Fork {
            rows: RwLock::new(State::new(layers)),
        }))
    }
}
