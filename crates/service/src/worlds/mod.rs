//! All worlds of a process. A world is a whole cloud; a fork begins as a copy of another and shares all rows with it until
//! either writes.

mod blobs;
mod life;
pub(crate) mod name;
pub(crate) mod state;

pub(crate) use life::Life;
pub use life::Origin;
pub use name::is_reserved;

use crate::conductor::Conductor;
use crate::{Cloud, CloudOptions, snapshot};
use state::ORIGIN;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, Notify};
use virga_base::{Clock, Ids, limits};
use virga_blob::Blobs;
use virga_store::{Place, Store, StoreError};

/// The name of the first world, which every request means that chooses no other.
pub const MAIN: &str = "main";
/// How long a fork waits for deferred work of its parent to come to rest. What is still at work then is done again in the
/// fork.
pub(crate) const REST_MAX: Duration = Duration::from_secs(1);
/// How long the rows of a dropped world wait for the last who uses it.
const LEAVE_MAX: Duration = Duration::from_secs(10);

/// A fork to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fork {
    pub name: String,
    /// The world that it begins as a copy of; the first where absent.
    pub from: Option<String>,
    /// It is dropped after so long without a request.
    pub ttl: Option<Duration>,
    /// Whether a world that has the name already is dropped.
    pub replace: bool,
}

/// Goes with a request that chose a world that is not there: what is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWorld(pub String);

/// Why there is no such world, or cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorldError {
    Name {
        name: String,
        why: &'static str,
    },
    Exists(String),
    Unknown(String),
    TooMany {
        max: usize,
    },
    /// The first world stays.
    Main,
    Store(StoreError),
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WorldError::Name { name, why } => write!(f, "a world cannot be named {name:?}: {why}"),
            WorldError::Exists(name) => write!(f, "there is a world {name:?} already; drop it first, or replace it"),
            WorldError::Unknown(name) => write!(f, "there is no world {name:?}"),
            WorldError::TooMany { max } => write!(f, "there are {max} worlds already, which is the most (worlds_max)"),
            WorldError::Main => write!(f, "the world {MAIN:?} cannot be dropped or replaced; it can be reset"),
            WorldError::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for WorldError {}

impl From<StoreError> for WorldError {
    fn from(error: StoreError) -> WorldError {
        WorldError::Store(error)
    }
}

/// The worlds, by name.
pub struct Worlds {
    main: Arc<Cloud>,
    forks: RwLock<HashMap<Arc<str>, Arc<Cloud>>>,
    /// Held while a world is made or dropped.
    pub(crate) changing: Mutex<()>,
    conductor: Arc<Conductor>,
    pub(crate) worlds_max: usize,
    /// Told when there is a new world with an end.
    mortal: Notify,
}

impl Worlds {
    /// Begins with one world. Nothing of an earlier process is taken up.
    pub fn of(main: Arc<Cloud>) -> Arc<Worlds> {
        Worlds::with(main, limits::WORLDS_MAX)
    }

    fn with(main: Arc<Cloud>, worlds_max: usize) -> Arc<Worlds> {
        let conductor = Conductor::new();
        conductor.add(&main);
        Arc::new(Worlds {
            main,
            forks: RwLock::default(),
            changing: Mutex::default(),
            conductor,
            worlds_max,
            mortal: Notify::new(),
        })
    }

    /// Begins with the worlds that the store holds from an earlier process: each with its own clock, and with ids that it
    /// has not drawn before. At most `worlds_max` at once are made from then on.
    pub async fn open(options: CloudOptions, worlds_max: usize) -> Result<Arc<Worlds>, StoreError> {
        Worlds::open_with_blobs(options, Blobs::private(), worlds_max).await
    }

    /// The same with object bytes of that process. Those that no world holds are removed.
    pub async fn open_with_blobs(
        options: CloudOptions,
        blobs: Blobs,
        worlds_max: usize,
    ) -> Result<Arc<Worlds>, StoreError> {
        let main = Cloud::with_blobs(options, blobs);
        main.recall_clock()?;
        let worlds = Worlds::with(main, worlds_max);
        for (name, store) in worlds.main.store().kept()? {
            // What was saved or loaded when the process ended is begun anew by whoever wants it.
            if name.starts_with(snapshot::ASIDE) {
                drop(store);
                worlds.main.store().forget(&name)?;
                continue;
            }
            worlds.put(worlds.take_up(&name, store)?);
        }
        if worlds.main.blobs().is_kept() {
            worlds.main.blobs().doubt_all();
        }
        Ok(worlds)
    }

    pub(crate) fn take_up(&self, name: &str, store: Store) -> Result<Arc<Cloud>, StoreError> {
        let row = store.read(&Place::world(), |tx| tx.get(&ORIGIN, ()))?;
        // Where the process died between the fork and its first row, the row is the parent's.
        let row = row.filter(|row| row.name == name);
        let ids_seed = row.as_ref().and_then(|row| row.ids_seed);
        let ids_seed = ids_seed.or_else(|| self.main.ids().fork_seed(name));
        let origin = Origin {
            parent: row.as_ref().map_or(MAIN, |row| &*row.parent).into(),
            made_at: row.as_ref().map_or_else(Clock::machine_now, |row| row.made_at),
            ttl: row.and_then(|row| row.ttl_ms).map(Duration::from_millis),
        };
        // The rows hold ids of earlier starts.
        let ids = ids(ids_seed).stream(store.count_opening()?);
        let fork = self.main.beside(store, ids, name, origin);
        fork.clock().reset();
        fork.recall_clock()?;
        Ok(fork)
    }

    /// The first world.
    pub fn main(&self) -> &Arc<Cloud> {
        &self.main
    }

    /// The world of that name.
    pub fn get(&self, name: &str) -> Option<Arc<Cloud>> {
        if name == MAIN {
            return Some(self.main.clone());
        }
        self.forks
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    /// The world of that name, or the error that there is none.
    pub fn find(&self, name: &str) -> Result<Arc<Cloud>, WorldError> {
        self.get(name).ok_or_else(|| WorldError::Unknown(name.to_owned()))
    }

    /// All worlds: the first, then the others by name.
    pub fn list(&self) -> Vec<Arc<Cloud>> {
        let mut worlds: Vec<_> = {
            let forks = self.forks.read().unwrap_or_else(PoisonError::into_inner);
            forks.values().cloned().collect()
        };
        worlds.sort_by(|a, b| a.world().cmp(b.world()));
        worlds.insert(0, self.main.clone());
        worlds
    }

    /// Makes a world that begins as a copy of another: its rows, its clock and, where ids are seeded, a function of its
    /// ids. From then on they have nothing in common.
    pub async fn fork(&self, fork: Fork) -> Result<Arc<Cloud>, WorldError> {
        let Fork {
            name,
            from,
            ttl,
            replace,
        } = fork;
        if replace && name == MAIN {
            return Err(WorldError::Main);
        }
        name::check(&name).map_err(|why| WorldError::Name {
            name: name.clone(),
            why,
        })?;
        let _changing = self.changing.lock().await;
        let from = from.as_deref().unwrap_or(MAIN);
        let parent = self.find(from)?;
        if self.get(&name).is_some() {
            match replace {
                // Its rows are needed until the copy is made.
                true if from == name => return Err(WorldError::Exists(name)),
                true => self.remove(&name).await?,
                false => return Err(WorldError::Exists(name)),
            }
        }
        let count = self.forks.read().unwrap_or_else(PoisonError::into_inner).len() + 1;
        if count >= self.worlds_max {
            return Err(WorldError::TooMany { max: self.worlds_max });
        }
        let (child, at_rest) = {
            let rest = tokio::time::timeout(REST_MAX, parent.working.write()).await;
            let ids_seed = parent.ids().fork_seed(&name);
            let origin = Origin {
                parent: parent.shared_name(),
                made_at: Clock::machine_now(),
                ttl,
            };
            let store = parent.store().fork(&name)?;
            (parent.beside(store, ids(ids_seed), &name, origin), rest.is_ok())
        };
        if !at_rest {
            // Whoever claimed the work does it in the parent.
            child.take_up_work().await?;
        }
        child.remember_origin().await?;
        self.put(child.clone());
        Ok(child)
    }

    pub(crate) fn put(&self, world: Arc<Cloud>) {
        self.conductor.add(&world);
        let ends = world.origin().is_some_and(|origin| origin.ttl.is_some());
        let mut forks = self.forks.write().unwrap_or_else(PoisonError::into_inner);
        forks.insert(world.shared_name(), world);
        drop(forks);
        if ends {
            self.mortal.notify_one();
        }
    }

    /// Drops a world with all that is in it. Calls under way in it end, and so do waits.
    pub async fn drop_world(&self, name: &str) -> Result<(), WorldError> {
        if name == MAIN {
            return Err(WorldError::Main);
        }
        let _changing = self.changing.lock().await;
        self.remove(name).await
    }

    /// The same, by one who holds `changing`.
    pub(crate) async fn remove(&self, name: &str) -> Result<(), WorldError> {
        let removed = self.forks.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        let world = removed.ok_or_else(|| WorldError::Unknown(name.to_owned()))?;
        world.end();
        if !world.store().is_kept() {
            self.main.blobs().doubt_all();
            return Ok(());
        }
        let began = Instant::now();
        // Whoever was in the midst of a transaction is out of it in a moment.
        while Arc::strong_count(&world) > 1 {
            if began.elapsed() > LEAVE_MAX {
                let error = StoreError::Engine(format!("the world {name:?} is dropped, but its rows are still in use"));
                return Err(error.into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(world);
        self.main.store().forget(name)?;
        self.main.blobs().doubt_all();
        Ok(())
    }

    /// Drops the worlds whose time without use is over at `now`; answers their names, and when to look again.
    pub async fn drop_unused(&self, now: Instant) -> (Vec<String>, Option<Instant>) {
        let (mut over, mut next) = (Vec::new(), None::<Instant>);
        {
            let forks = self.forks.read().unwrap_or_else(PoisonError::into_inner);
            for world in forks.values() {
                let Some(ttl) = world.origin().and_then(|origin| origin.ttl) else {
                    continue;
                };
                // A call under way is a use.
                let in_use = Arc::strong_count(world) > 1;
                if in_use {
                    world.touch();
                }
                let unused = if in_use { Duration::ZERO } else { world.unused_for(now) };
                if unused >= ttl {
                    over.push(world.world().to_owned());
                } else {
                    let at = now + (ttl - unused);
                    next = Some(next.map_or(at, |next| next.min(at)));
                }
            }
        }
        for name in &over {
            if let Err(error) = self.drop_world(name).await {
                log::warn!("the world {name} was to be dropped after its time: {error}");
            }
        }
        (over, next)
    }

    /// Runs deferred work of all worlds as it falls due, and drops those whose time is over, until the task is dropped.
    pub async fn run(self: Arc<Worlds>) {
        let lifetimes = async {
            loop {
                let (_, next) = self.drop_unused(Instant::now()).await;
                let told = self.mortal.notified();
                match next {
                    None => told.await,
                    Some(next) => tokio::select! {
                        () = told => {}
                        () = tokio::time::sleep_until(next.into()) => {}
                    },
                }
            }
        };
        tokio::join!(self.conductor.clone().run(), lifetimes, self.keep_swept());
    }
}

fn ids(seed: Option<[u8; 32]>) -> Ids {
    seed.map_or_else(Ids::random, Ids::from_seed)
}

#[cfg(test)]
mod tests;
