//! What an engine must do. [`crate::contract`] holds the tests that each must pass.

use crate::Topics;
use std::any::Any;
use std::fmt;
use std::future::Future;
use std::ops::{Bound, ControlFlow};
use std::pin::Pin;
use std::sync::Arc;
use virga_base::AwsError;

/// A failure of the store itself, never of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// A row that cannot be read back: its table, for people.
    Corrupt(&'static str),
    /// The engine could not do its work.
    Engine(String),
    /// Nothing can be written now, most likely because the disk is full; what was to be written is taken back. Reads go
    /// on, and writes as soon as they can.
    Unwritable(String),
    /// The database where the rows lie cannot be reached now, or not in time.
    Unreachable(String),
    /// Another node has taken this deferred work, as it took this one for dead: what it would write is not written.
    Taken,
    /// A data folder that cannot be opened, and why; for people.
    Folder(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Corrupt(table) => write!(f, "a row of table {table} cannot be read"),
            StoreError::Engine(why) => write!(f, "the store failed: {why}"),
            StoreError::Unwritable(why) => write!(f, "nothing can be stored now: {why}"),
            StoreError::Unreachable(why) => write!(f, "the store is out of reach: {why}"),
            StoreError::Taken => f.write_str("another node has taken this work"),
            StoreError::Folder(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<StoreError> for AwsError {
    fn from(error: StoreError) -> AwsError {
        match error {
            StoreError::Unwritable(_) | StoreError::Unreachable(_) => {
                AwsError::new("ServiceUnavailable", error.to_string()).with_status(503)
            }
            StoreError::Corrupt(_) | StoreError::Engine(_) | StoreError::Taken | StoreError::Folder(_) => {
                AwsError::internal(error.to_string())
            }
        }
    }
}

/// Whether a transaction's writes shall stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Commit,
    Abort,
}

/// Completes when all that a transaction did and saw will survive a crash; `None` where it already does (or never will, in
/// memory).
pub type Durable = Option<Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>>;

/// Called with key and value of each row in turn; says whether to go on.
pub type Visit<'v> = &'v mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>;

/// A consistent view of all rows.
pub trait Reader {
    /// Calls `found` with the value at `key`, if there is one.
    fn get(&self, key: &[u8], found: &mut dyn FnMut(&[u8])) -> Result<(), StoreError>;

    /// Visits the rows between two keys in rising order, or falling where `reverse` is set.
    fn scan(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, reverse: bool, visit: Visit<'_>) -> Result<(), StoreError>;
}

/// A view that sees its own writes.
pub trait Writer: Reader {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError>;
    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError>;

    /// Once this is committed, wakes those who wait for it in other processes. Only called where
    /// [`Engine::share`] says that there may be such.
    fn tell_others(&mut self, topics: &Topics, is_due: bool) {
        let _ = (topics, is_due);
    }
}

/// Those who wait in this process, for an engine whose rows other processes change too.
pub trait Waiters: Send + Sync {
    /// The topics that somebody watches now.
    fn topics(&self) -> Vec<Vec<u8>>;

    /// Wakes those who watch a topic. They look again; it does no harm to wake them for nothing.
    fn wake(&self, topic: &[u8]);

    /// Wakes the scheduler.
    fn wake_due(&self);
}

/// What an engine has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineFigures {
    /// Commits that were answered once they would survive a crash.
    pub durable_commits: u64,
    /// Syncs of the disk that these shared.
    pub syncs: u64,
}

/// Forks by name.
pub type Kept = Vec<(String, Box<dyn Engine>)>;

/// The rows of one world.
///
/// Transactions are serializable: each sees the effects of all earlier commits and of none half done.
pub trait Engine: Send + Sync + 'static {
    /// Runs `f` on a consistent view.
    fn read(&self, f: &mut dyn FnMut(&dyn Reader)) -> Result<(), StoreError>;

    /// Runs `f`, again where the engine meets a conflict, and keeps what it wrote if it says so. What changes nothing or is
    /// given up has to be waited for as well: another's commit, which it saw, may not be safe yet.
    fn write(&self, f: &mut dyn FnMut(&mut dyn Writer) -> Decision) -> Result<Durable, StoreError>;

    /// How far a read sees: asked within it, and kept for [`Engine::settled`]. Never 0 where reads may see commits that a
    /// crash can take back; always 0 where they cannot.
    fn seen(&self) -> u64 {
        0
    }

    /// To be waited for before anybody is told of what was read. An error where that was taken back meanwhile.
    fn settled(&self, seen: u64) -> Result<Durable, StoreError> {
        let _ = seen;
        Ok(None)
    }

    /// Hands over those who wait in this process; answers whether other processes may change the rows. Such an engine
    /// wakes them for what others commit, and is told whom to wake there.
    fn share(&self, waiters: &Arc<dyn Waiters>) -> bool {
        let _ = waiters;
        false
    }

    /// Removes every row.
    fn clear(&self) -> Result<(), StoreError>;

    /// Counts for people and benches; zeros where there is nothing to count.
    fn figures(&self) -> EngineFigures {
        EngineFigures::default()
    }

    /// What it is, in a word for people: `memory`, `disk`.
    fn kind(&self) -> &'static str {
        "memory"
    }

    /// Where its rows outlive the process, for people; `None` where they do not.
    fn location(&self) -> Option<String> {
        None
    }

    /// A copy that shares all rows until either side writes. An engine that keeps its rows keeps the copy's too, under
    /// `name`, which no other fork of the same place may have.
    fn fork(&self, name: &str) -> Result<Box<dyn Engine>, StoreError>;

    /// The forks that this place holds from before, by name; empty where nothing outlives the process.
    fn kept(&self) -> Result<Kept, StoreError> {
        Ok(Vec::new())
    }

    /// Gives up the fork of that name for good; its engine is used no more. Forks of it live on.
    fn forget(&self, name: &str) -> Result<(), StoreError> {
        let _ = name;
        Ok(())
    }

    /// Gives up all rows here for those of a fork of this very place, in one step, and gives up the fork, whose engine is
    /// used no more.
    fn adopt(&self, name: &str, fork: &dyn Engine) -> Result<Durable, StoreError> {
        let durable = copy_over(fork, self)?;
        self.forget(name)?;
        Ok(durable)
    }

    /// The engine itself, for one that has to know whether another is of its kind.
    fn as_any(&self) -> Option<&dyn Any> {
        None
    }
}

/// Replaces all rows of `to` by those of `from`, in one transaction.
fn copy_over<E: Engine + ?Sized>(from: &dyn Engine, to: &E) -> Result<Durable, StoreError> {
    let mut outcome = Ok(());
    let durable = to.write(&mut |tx| {
        let copied = (|| {
            let mut old = Vec::new();
            tx.scan(Bound::Unbounded, Bound::Unbounded, false, &mut |key, _| {
                old.push(key.to_vec());
                ControlFlow::Continue(())
            })?;
            old.iter().try_for_each(|key| tx.delete(key))?;
            let mut put = Ok(());
            from.read(&mut |rows| {
                let scanned = rows.scan(Bound::Unbounded, Bound::Unbounded, false, &mut |key, value| {
                    put = tx.put(key, value);
                    match put {
                        Ok(()) => ControlFlow::Continue(()),
                        Err(_) => ControlFlow::Break(()),
                    }
                });
                if put.is_ok() {
                    put = scanned;
                }
            })?;
            put
        })();
        outcome = copied;
        match outcome {
            Ok(()) => Decision::Commit,
            Err(_) => Decision::Abort,
        }
    })?;
    outcome.map(|()| durable)
}

/// Shared, so that whoever opened an engine can also close it.
impl<E: Engine + ?Sized> Engine for Arc<E> {
    fn read(&self, f: &mut dyn FnMut(&dyn Reader)) -> Result<(), StoreError> {
        (**self).read(f)
    }

    fn write(&self, f: &mut dyn FnMut(&mut dyn Writer) -> Decision) -> Result<Durable, StoreError> {
        (**self).write(f)
    }

    fn seen(&self) -> u64 {
        (**self).seen()
    }

    fn settled(&self, seen: u64) -> Result<Durable, StoreError> {
        (**self).settled(seen)
    }

    fn share(&self, waiters: &Arc<dyn Waiters>) -> bool {
        (**self).share(waiters)
    }

    fn clear(&self) -> Result<(), StoreError> {
        (**self).clear()
    }

    fn figures(&self) -> EngineFigures {
        (**self).figures()
    }

    fn kind(&self) -> &'static str {
        (**self).kind()
    }

    fn location(&self) -> Option<String> {
        (**self).location()
    }

    fn fork(&self, name: &str) -> Result<Box<dyn Engine>, StoreError> {
        (**self).fork(name)
    }

    fn kept(&self) -> Result<Kept, StoreError> {
        (**self).kept()
    }

    fn forget(&self, name: &str) -> Result<(), StoreError> {
        (**self).forget(name)
    }

    fn adopt(&self, name: &str, fork: &dyn Engine) -> Result<Durable, StoreError> {
        (**self).adopt(name, fork)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        (**self).as_any()
    }
}
