//! The disk engine: rows in a folder, behind a log.
//!
//! A commit changes the rows in memory at once and is added to the log, which one thread writes and syncs for all commits
//! that came meanwhile; only then are they answered. From time to time what was changed is written to the base, redb's
//! file, by another thread, and that part of the log is free to be written over. Opening the folder opens the base and
//! reads the log behind it. Why so: `docs/decisions/disk-engine.md`.
//!
//! Where the log cannot be written, the commits that wait for it are taken back and fail; reads go on, and so do writes
//! once the log can be written again. Reads may see a commit that is still on its way to the disk; whoever answers by them
//! waits for it ([`Engine::settled`]).

mod base;
mod files;
mod forks;
mod joining;
mod layers;
mod log;
mod settling;
#[cfg(test)]
mod tests;
mod transaction;
mod writing;

use crate::engine::{Durable, EngineFigures, Kept};
use crate::{Decision, Engine, Reader, StoreError, Writer};
use base::Base;
use files::{Files, Folder};
use forks::ROOT;
use log::Log;
use settling::Batches;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;
use tokio::sync::oneshot;
use transaction::{Change, State, Undo};

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
            log_bytes: 8 << 20,
            removed_rows: 4096,
            idle_ms: 5000,
        }
    }
}

/// Keeps all rows in a folder. See the module.
///
/// Dropping it closes it ([`DiskEngine::close`]).
pub struct DiskEngine {
    root: Fork,
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
    batches: Batches,
    /// Why the base could not be written when it was last tried.
    base_failure: Mutex<Option<String>>,
    syncs: AtomicU64,
    commits: AtomicU64,
    wake: writing::Wake,
}

/// The commits that are not in the log yet: a batch, which one sync makes safe.
struct Waiting {
    /// Its number; see [`Batches`].
    number: u64,
    payload: Vec<u8>,
    /// Which layer the payload's last change is of.
    layer: u64,
    /// How to take them back, oldest first.
    undo: Vec<Undo>,
    commits: u64,
    /// Who waits for it.
    answers: Vec<Answer>,
    /// Who waits for the batch before, which is being written.
    answers_before: Vec<Answer>,
    /// Nothing is written any more.
    closed: bool,
}

type Answer = oneshot::Sender<Result<(), StoreError>>;

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

    /// Brings the base up to date, so that the folder opens quickly, and gives the folder free. What is read or written
    /// afterwards, forks too, fails.
    pub fn close(&self) {
        self.root.shared.wake.stop();
        self.release();
    }

    /// Ends as a process does that is killed: what is not in the log yet is lost, and whoever waits for it is told so. For
    /// tests.
    pub fn kill(&self) {
        self.root.shared.wake.kill();
        self.release();
        locked(&self.root.shared.waiting).closed = true;
        drop(self.root.shared.take_waiting());
    }

    /// While held, nothing comes to the disk: commits wait. For tests.
    pub fn hold(&self, held: bool) {
        let log = locked(&self.root.shared.log);
        self.root.shared.wake.hold(held);
        drop(log);
    }

    fn release(&self) {
        let shared = &self.root.shared;
        for thread in locked(&self.threads).drain(..) {
            let _ = thread.join();
        }
        // The folder may be another's from now on.
        shared.write().lose_base();
        drop(locked(&shared.base).take());
        shared.files.release();
    }

    fn start(files: Box<dyn Files>, limits: DiskLimits, salt: u64) -> Result<DiskEngine, StoreError> {
        let base = Base::open(&*files)?;
        let numbers = base.numbers(&*files, salt)?;
        let mut state = State::new(numbers.forks.clone(), numbers.through, base.snapshots(&numbers.forks)?);
        let log = Log::open(&*files, numbers.salt, numbers.through, &mut |payload| {
            state.replay(payload)
        })?;
        // The log may tell of layers that took another's table.
        state.set_base(base.snapshots(&state.forks)?);
        let shared = Arc::new(Shared {
            files,
            limits,
            base: Mutex::new(Some(base)),
            log: Mutex::new(log),
            rows: RwLock::new(state),
            waiting: Mutex::new(Waiting::new(Batches::FIRST, false)),
            batches: Batches::default(),
            base_failure: Mutex::default(),
            syncs: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            wake: writing::Wake::default(),
        });
        let threads = writing::start(&shared)?;
        Ok(DiskEngine {
            root: Fork { shared, place: ROOT },
            threads: Mutex::new(threads),
        })
    }
}

impl Drop for DiskEngine {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn write_place(&self, place: u64, f: &mut dyn FnMut(&mut dyn Writer) -> Decision) -> Result<Durable, StoreError> {
        let mut state = self.write();
        let layer = state.forks.layer_of(place)?;
        let mut change = Change::new(&mut state, layer);
        if f(&mut change) == Decision::Abort {
            return self.settled(self.batches.seen());
        }
        let durable = {
            let mut waiting = locked(&self.waiting);
            let waiting = &mut *waiting;
            if waiting.closed {
                return Err(StoreError::Unwritable("the store is being closed".into()));
            }
            if change.keep(waiting) {
                waiting.commits += 1;
                self.batches.add(waiting);
                Some(settling::wait(&mut waiting.answers))
            } else {
                None
            }
        };
        let Some(durable) = durable else {
            // It may have changed nothing because of a commit that is still on its way.
            return self.settled(self.batches.seen());
        };
        drop(change);
        drop(state);
        self.wake.log();
        Ok(Some(durable))
    }

    fn figures(&self) -> EngineFigures {
        EngineFigures {
            durable_commits: self.commits.load(Ordering::Relaxed),
            syncs: self.syncs.load(Ordering::Relaxed),
        }
    }
}

/// A place of a folder: the folder's own, or a fork's.
struct Fork {
    shared: Arc<Shared>,
    place: u64,
}

impl Fork {
    fn of(shared: &Arc<Shared>, place: u64) -> Box<dyn Engine> {
        Box::new(Fork {
            shared: shared.clone(),
            place,
        })
    }
}

impl Engine for Fork {
    fn read(&self, f: &mut dyn FnMut(&dyn Reader)) -> Result<(), StoreError> {
        self.shared.read_place(self.place, f)
    }

    fn write(&self, f: &mut dyn FnMut(&mut dyn Writer) -> Decision) -> Result<Durable, StoreError> {
        self.shared.write_place(self.place, f)
    }

    fn seen(&self) -> u64 {
        self.shared.batches.seen()
    }

    fn settled(&self, seen: u64) -> Result<Durable, StoreError> {
        self.shared.settled(seen)
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.shared.clear(self.place)
    }

    fn figures(&self) -> EngineFigures {
        self.shared.figures()
    }

    fn kind(&self) -> &'static str {
        "disk"
    }

    fn location(&self) -> Option<String> {
        Some(self.shared.files.location())
    }

    fn fork(&self, name: &str) -> Result<Box<dyn Engine>, StoreError> {
        let place = self.shared.fork(self.place, name)?;
        Ok(Fork::of(&self.shared, place))
    }

    fn kept(&self) -> Result<Kept, StoreError> {
        let forks = self.shared.forks().into_iter();
        Ok(forks
            .map(|(name, place)| (name, Fork::of(&self.shared, place)))
            .collect())
    }

    fn forget(&self, name: &str) -> Result<(), StoreError> {
        self.shared.forget(name)
    }

    fn adopt(&self, name: &str, _fork: &dyn Engine) -> Result<Durable, StoreError> {
        self.shared.adopt(self.place, name).map(|()| None)
    }
}

/// The folder's own place.
impl Engine for DiskEngine {
    fn read(&self, f: &mut dyn FnMut(&dyn Reader)) -> Result<(), StoreError> {
        self.root.read(f)
    }

    fn write(&self, f: &mut dyn FnMut(&mut dyn Writer) -> Decision) -> Result<Durable, StoreError> {
        self.root.write(f)
    }

    fn seen(&self) -> u64 {
        self.root.seen()
    }

    fn settled(&self, seen: u64) -> Result<Durable, StoreError> {
        self.root.settled(seen)
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.root.clear()
    }

    fn figures(&self) -> EngineFigures {
        self.root.figures()
    }

    fn kind(&self) -> &'static str {
        self.root.kind()
    }

    fn location(&self) -> Option<String> {
        self.root.location()
    }

    fn fork(&self, name: &str) -> Result<Box<dyn Engine>, StoreError> {
        self.root.fork(name)
    }

    fn kept(&self) -> Result<Kept, StoreError> {
        self.root.kept()
    }

    fn forget(&self, name: &str) -> Result<(), StoreError> {
        self.root.forget(name)
    }

    fn adopt(&self, name: &str, fork: &dyn Engine) -> Result<Durable, StoreError> {
        self.root.adopt(name, fork)
    }
}
