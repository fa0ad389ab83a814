//! One world's store: an engine, and those who wait for what it commits.

use crate::{Decision, Effects, Engine, EngineFigures, Place, ReadTx, StoreError, Table, TableInfo, Tx, Waiters};
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::watch;
use virga_base::{Bell, BellCord, Timestamp};

/// Lifetime: the world's. Key: none. Value: how often the rows have been opened, a fork's parent included.
pub(crate) const OPENINGS: Table<(), u64> = Table::new(0x0003, "store.openings");

/// The store's own tables, as people are shown them.
pub const TABLES: [TableInfo; 1] = [OPENINGS.info()];

/// All rows of one world.
pub struct Store {
    pub(crate) engine: Box<dyn Engine>,
    watchers: Arc<Watchers>,
    /// Other processes may change the rows.
    is_shared: bool,
    clearer: Option<Arc<Clearer>>,
}

/// Told of what transactions leave.
pub struct Clearer(pub Box<Tell>);

type Tell = dyn Fn(&[u8]) + Send + Sync;

struct Watchers {
    /// Lets commits pass without a lock while nobody waits.
    count: AtomicUsize,
    topics: Mutex<HashMap<Vec<u8>, Watched>>,
    bell: OnceLock<BellCord>,
    /// New work that is due before this, in milliseconds, rings the bell; the ringer knows of all else.
    known_due_ms: AtomicI64,
}

/// How many watch a topic, and how they are woken.
type Watched = (usize, watch::Sender<u64>);

impl Waiters for Watchers {
    fn topics(&self) -> Vec<Vec<u8>> {
        if self.count.load(Ordering::Acquire) == 0 {
            return Vec::new();
        }
        self.locked().keys().cloned().collect()
    }

    fn wake(&self, topic: &[u8]) {
        if let Some((_, sender)) = self.locked().get(topic) {
            sender.send_modify(|n| *n += 1);
        }
    }

    fn wake_due(&self) {
        if let Some(cord) = self.bell.get() {
            cord.pull();
        }
    }
}

impl Watchers {
    fn locked(&self) -> MutexGuard<'_, HashMap<Vec<u8>, Watched>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    pub fn new(engine: Box<dyn Engine>) -> Store {
        let watchers = Arc::new(Watchers {
            count: AtomicUsize::new(0),
            topics: Mutex::default(),
            bell: OnceLock::new(),
            known_due_ms: AtomicI64::new(i64::MAX),
        });
        let waiters: Arc<dyn Waiters> = watchers.clone();
        Store {
            is_shared: engine.share(&waiters),
            engine,
            watchers,
            clearer: None,
        }
    }

    /// Has `clearer` told of what transactions [`Tx::leave`], once they have committed. A crash may come first.
    pub fn clear_away(&mut self, clearer: Arc<Clearer>) {
        self.clearer = Some(clearer);
    }

    /// Whether other processes may change the rows.
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Another world that begins with all of this one's rows and shares them until either writes. An engine that keeps its
    /// rows keeps the fork's under `name`.
    pub fn fork(&self, name: &str) -> Result<Store, StoreError> {
        self.engine.fork(name).map(Store::new)
    }

    /// The forks that the engine holds from before, by name.
    pub fn kept(&self) -> Result<Vec<(String, Store)>, StoreError> {
        let kept = self.engine.kept()?.into_iter();
        Ok(kept.map(|(name, engine)| (name, Store::new(engine))).collect())
    }

    /// Gives up the fork of that name for good. Nobody may use it any more.
    pub fn forget(&self, name: &str) -> Result<(), StoreError> {
        self.engine.forget(name)
    }

    /// The rows as they are now, where a copy costs nothing; else the rows as they will be.
    pub(crate) fn still(&self) -> Result<Still<'_>, StoreError> {
        Ok(match self.is_kept() {
            true => Still::Live(&*self.engine),
            false => Still::Copy(self.engine.fork("still")?),
        })
    }

    /// Whether the rows outlive the process.
    pub fn is_kept(&self) -> bool {
        self.engine.location().is_some()
    }

    /// Reads a consistent view. `f` may run more than once. It may see commits that are not durable yet; see
    /// [`Store::read_noting`].
    pub fn read<T, E: From<StoreError>>(
        &self,
        place: &Place,
        mut f: impl FnMut(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut out = None;
        self.engine.read(&mut |rows| out = Some(f(&ReadTx::new(rows, place))))?;
        out.unwrap_or_else(|| Err(StoreError::Engine("the engine ran no transaction".into()).into()))
    }

    /// As [`Store::read`], and notes in `seen` how far it saw: before anybody is told, [`Store::settle`] waits for that.
    pub fn read_noting<T, E: From<StoreError>>(
        &self,
        place: &Place,
        seen: &AtomicU64,
        mut f: impl FnMut(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.read(place, |tx| {
            let reaches = self.engine.seen();
            if reaches > 0 {
                seen.fetch_max(reaches, Ordering::Relaxed);
            }
            f(tx)
        })
    }

    /// Whether reads may see what is not durable yet.
    pub fn sees_early(&self) -> bool {
        self.engine.seen() > 0
    }

    /// Answers once all that was noted is durable.
    pub async fn settle(&self, seen: &AtomicU64) -> Result<(), StoreError> {
        match seen.load(Ordering::Relaxed) {
            0 => Ok(()),
            seen => match self.engine.settled(seen)? {
                Some(durable) => durable.await,
                None => Ok(()),
            },
        }
    }

    /// Runs a transaction and answers once all that it did and saw is durable. `f` may run more than once; an error takes
    /// back all it wrote.
    pub async fn write<T, E: From<StoreError>>(
        &self,
        place: &Place,
        mut f: impl FnMut(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut out = None;
        let mut effects = Effects::default();
        let durable = self.engine.write(&mut |rows| {
            effects = Effects::default();
            let result = f(&mut Tx::new(rows, place, &mut effects));
            let decision = if result.is_ok() {
                Decision::Commit
            } else {
                Decision::Abort
            };
            if self.is_shared && result.is_ok() && !effects.is_empty() {
                rows.tell_others(&effects.topics, effects.due.is_some());
            }
            out = Some(result);
            decision
        })?;
        let out = out.unwrap_or_else(|| Err(StoreError::Engine("the engine ran no transaction".into()).into()));
        // Announced however this ends: a caller that goes away while it waits has still written.
        let announcement = out.is_ok().then(|| Announcement {
            store: self,
            effects: &effects,
        });
        if let Some(durable) = durable {
            durable.await?;
        }
        drop(announcement);
        out
    }

    fn announce(&self, effects: &Effects) {
        if let Some(clearer) = &self.clearer {
            effects.left.iter().for_each(|what| (clearer.0)(what));
        }
        let known = &self.watchers.known_due_ms;
        if effects
            .due
            .is_some_and(|due| due.as_millis() < known.load(Ordering::SeqCst))
        {
            self.ring();
        }
        if effects.topics.is_empty() || self.watchers.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let topics = self.watchers.locked();
        for topic in effects.topics.iter() {
            if let Some((_, sender)) = topics.get(topic) {
                sender.send_modify(|n| *n += 1);
            }
        }
    }

    /// Watches a topic from now on. Watch first, then look, then wait: nothing is missed between.
    pub fn watch(&self, topic: &[u8]) -> Watch {
        let mut topics = self.watchers.locked();
        self.watchers.count.fetch_add(1, Ordering::AcqRel);
        let (count, sender) = topics
            .entry(topic.to_vec())
            .or_insert_with(|| (0, watch::Sender::new(0)));
        *count += 1;
        Watch {
            receiver: sender.subscribe(),
            topic: topic.to_vec(),
            watchers: self.watchers.clone(),
        }
    }

    /// Rings `bell` for `world` when deferred work is added that is due before all that is known. Only the first bell is
    /// taken.
    pub fn ring_bell(&self, bell: Arc<dyn Bell>, world: u64) {
        let _ = self.watchers.bell.set(BellCord { bell, world });
    }

    /// Rings the bell: the work that is due first may be another.
    pub fn ring(&self) {
        self.watchers.wake_due();
    }

    /// When the first deferred work is due. From then on the bell is rung only for work before that.
    pub fn learn_next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let known = &self.watchers.known_due_ms;
        // Work that comes between the two steps rings, needed or not.
        known.store(i64::MAX, Ordering::SeqCst);
        let next = self.next_due()?;
        if let Some(next) = next {
            known.store(next.as_millis(), Ordering::SeqCst);
        }
        Ok(next)
    }

    /// Removes every row, and wakes all who wait.
    pub fn clear(&self) -> Result<(), StoreError> {
        self.engine.clear()?;
        self.wake_all();
        Ok(())
    }

    /// Rings the bell and wakes all who wait: any row may be another.
    pub(crate) fn wake_all(&self) {
        self.watchers.known_due_ms.store(i64::MAX, Ordering::SeqCst);
        self.ring();
        for (_, sender) in self.watchers.locked().values() {
            sender.send_modify(|n| *n += 1);
        }
    }

    /// Counts one more opening of these rows, and answers how many there were before.
    ///
    /// It need not wait until the count is durable: a crash that takes it back takes back all that was written after it.
    pub fn count_opening(&self) -> Result<u64, StoreError> {
        let mut count = Ok(0);
        let place = Place::world();
        // Not waited for, see above; an engine that fails later fails those who write later.
        let _durable = self.engine.write(&mut |rows| {
            let mut effects = Effects::default();
            let mut tx = Tx::new(rows, &place, &mut effects);
            count = tx.get(&OPENINGS, ()).and_then(|count| {
                let count = count.unwrap_or(0);
                tx.put(&OPENINGS, (), &(count + 1))?;
                Ok(count)
            });
            match count {
                Ok(_) => Decision::Commit,
                Err(_) => Decision::Abort,
            }
        })?;
        count
    }

    /// What the engine has done since it was opened.
    pub fn figures(&self) -> EngineFigures {
        self.engine.figures()
    }

    /// What the engine is, in a word for people, and where its rows outlive the process.
    pub fn kept_in(&self) -> (&'static str, Option<String>) {
        (self.engine.kind(), self.engine.location())
    }

    /// When the first deferred work is due.
    pub fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(&Place::world(), |tx| {
            Ok(crate::schedule::first(tx)?.map(|(id, _)| id.at))
        })
    }
}

/// Tells of a commit when it is dropped.
struct Announcement<'a> {
    store: &'a Store,
    effects: &'a Effects,
}

impl Drop for Announcement<'_> {
    fn drop(&mut self) {
        self.store.announce(self.effects);
    }
}

/// Rows to be read for a while.
pub(crate) enum Still<'s> {
    Live(&'s dyn Engine),
    Copy(Box<dyn Engine>),
}

impl Deref for Still<'_> {
    type Target = dyn Engine;

    fn deref(&self) -> &dyn Engine {
        match self {
            Still::Live(engine) => *engine,
            Still::Copy(engine) => &**engine,
        }
    }
}

/// A wait for commits that notify a topic.
pub struct Watch {
    receiver: watch::Receiver<u64>,
    topic: Vec<u8>,
    watchers: Arc<Watchers>,
}

impl Watch {
    /// Completes when a commit since the last call (or since the watch began) has notified the topic.
    pub async fn changed(&mut self) {
        // The sender lives as long as a watch does.
        let _ = self.receiver.changed().await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut topics = self.watchers.locked();
        self.watchers.count.fetch_sub(1, Ordering::AcqRel);
        if let Some((count, _)) = topics.get_mut(&self.topic) {
            *count -= 1;
            if *count == 0 {
                topics.remove(&self.topic);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{MemoryEngine, Place, Store, StoreError, Table};

    const ROWS: Table<(u64,), u64> = Table::new(0x7f01, "test.rows");

    #[tokio::test]
    async fn a_watch_misses_nothing_and_goes_away() -> Result<(), StoreError> {
        let store = Store::new(Box::new(MemoryEngine::default()));
        let place = Place::world();
        let mut watch = store.watch(b"t");
        store
            .write(&place, |tx| -> Result<(), StoreError> {
                tx.put(&ROWS, (1u64,), &7)?;
                tx.notify(b"t");
                Ok(())
            })
            .await?;
        watch.changed().await;
        assert_eq!(store.read(&place, |tx| tx.get(&ROWS, (1u64,)))?, Some(7));
        drop(watch);
        assert!(store.watchers.topics.lock().is_ok_and(|topics| topics.is_empty()));
        Ok(())
    }

    #[tokio::test]
    async fn an_error_takes_back_the_writes_and_wakes_nobody() -> Result<(), StoreError> {
        let store = Store::new(Box::new(MemoryEngine::default()));
        let place = Place::world();
        let watch = store.watch(b"t");
        let result = store
            .write(&place, |tx| -> Result<(), StoreError> {
                tx.put(&ROWS, (1u64,), &7)?;
                tx.notify(b"t");
                Err(StoreError::Engine("no".into()))
            })
            .await;
        assert!(result.is_err());
        assert_eq!(store.read(&place, |tx| tx.get(&ROWS, (1u64,)))?, None);
        assert!(watch.receiver.has_changed().is_ok_and(|changed| !changed));
        Ok(())
    }
}
