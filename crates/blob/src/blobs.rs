//! The files of a process, shared by all worlds: who is about to hold one, who may be reading one, and which may be removed.

use crate::folder::{self, Folder};
use crate::{Body, Content, Draft, Name, Piece, Register, Shelf, Source, Stamp, Writer};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use virga_base::Ids;
use virga_store::StoreError;

/// The files of a process. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Blobs {
    inner: Arc<Inner>,
}

struct Inner {
    shelf: Box<dyn Shelf>,
    /// Where other nodes have files on the same shelf.
    register: Option<Box<dyn Register>>,
    /// Names that no other Virga gives, whatever seed its worlds have: a snapshot takes names elsewhere.
    names: Ids,
    state: Mutex<State>,
    /// Told when a removal is over.
    removed: Condvar,
    /// Told when there is something to look at.
    bell: Notify,
}

#[derive(Default)]
struct State {
    /// Being written, or written and not yet held; and how many care.
    fresh: HashMap<Name, usize>,
    /// Being removed now.
    removing: HashSet<Name>,
    doubted: Vec<Name>,
    is_all_doubted: bool,
    /// Counts the files that were found to be held by nobody.
    epoch: u64,
    /// How many pins were taken in an epoch.
    pins: BTreeMap<u64, usize>,
    /// Files that nobody holds, in the order in which that was found: older pins may still read them.
    condemned: VecDeque<Condemned>,
    /// When beats were, by the epochs that began with them. Those are left out that no pin is of.
    beats: BTreeMap<u64, Stamp>,
    /// No node has an older pin.
    oldest_pin: Stamp,
}

/// A file that nobody holds.
struct Condemned {
    name: Name,
    /// In which that was found.
    epoch: u64,
    /// The same for all nodes.
    stamp: Stamp,
}

/// Files that may be held by nobody.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Doubted {
    pub names: Vec<Name>,
    /// Whether any file may be.
    pub all: bool,
}

impl Blobs {
    /// The files in a folder that outlives the process. What a writer has finished is safe from a power cut.
    pub fn kept(folder: PathBuf) -> Blobs {
        Blobs::new(Blobs::folder(folder), None)
    }

    /// The files on a shelf that nobody else uses.
    pub fn alone(shelf: Box<dyn Shelf>) -> Blobs {
        Blobs::new(shelf, None)
    }

    /// A folder that outlives the process.
    pub fn folder(path: PathBuf) -> Box<dyn Shelf> {
        Box::new(Folder::kept(path))
    }

    /// The files on a shelf that other nodes use too. It blocks.
    pub fn shared(shelf: Box<dyn Shelf>, register: Box<dyn Register>) -> io::Result<Blobs> {
        let blobs = Blobs::new(shelf, Some(register));
        // Before anything is read, the others know of this node.
        blobs.beat()?;
        Ok(blobs)
    }

    /// Files in a folder among the system's temporary ones, made for the first file and removed with the last clone.
    pub fn private() -> Blobs {
        Blobs::new(Box::new(Folder::private()), None)
    }

    /// Removes what processes that were killed have left of private folders. It blocks.
    pub fn sweep_leftovers() -> io::Result<()> {
        folder::sweep_leftovers()
    }

    fn new(shelf: Box<dyn Shelf>, register: Option<Box<dyn Register>>) -> Blobs {
        Blobs {
            inner: Arc::new(Inner {
                shelf,
                register,
                names: Ids::random(),
                state: Mutex::default(),
                removed: Condvar::new(),
                bell: Notify::new(),
            }),
        }
    }

    /// Removes the folder where it is private. What is still being written or read then fails. It blocks.
    pub fn close(&self) {
        self.inner.shelf.close();
        if let Some(register) = &self.inner.register {
            register.leave();
        }
    }

    /// Whether the files outlive the process.
    pub fn is_kept(&self) -> bool {
        self.inner.shelf.is_kept()
    }

    /// Whether other nodes use the files too. [`Blobs::beat`] must then be called all the time.
    pub fn is_shared(&self) -> bool {
        self.inner.register.is_some()
    }

    /// Begins to write.
    pub fn writer(&self) -> Writer {
        Writer::new(self.clone())
    }

    /// Begins to write a file under the name that it has elsewhere. No file where it is here already. Either way it is not
    /// removed as long as the second value lives. It blocks.
    pub fn adopt(&self, name: Name, length: u64) -> io::Result<(Option<Box<dyn Draft>>, Fresh)> {
        let mut state = self.state();
        while state.removing.contains(&name) {
            state = self.inner.removed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        // Rows will name it again.
        state.condemned.retain(|condemned| condemned.name != name);
        *state.fresh.entry(name).or_default() += 1;
        drop(state);
        let fresh = Fresh::of_written(Arc::new(self.guard(name, true)));
        let shelf = &self.inner.shelf;
        let here = match &self.inner.register {
            Some(register) => register.adopt(name)?,
            None => shelf.length(name)?,
        };
        if here == Some(length) {
            return Ok((None, fresh));
        }
        // What an earlier attempt has left.
        shelf.remove(name)?;
        Ok((Some(shelf.create(name)?), fresh))
    }

    /// Brings an adopted file to safety, of which all is written. It blocks.
    pub fn settle(&self, name: Name, length: u64, draft: &mut dyn Draft) -> io::Result<()> {
        draft.settle()?;
        self.note_settled(name, length)
    }

    pub(crate) fn note_settled(&self, name: Name, length: u64) -> io::Result<()> {
        let register = self.inner.register.as_ref();
        register.map_or(Ok(()), |register| register.settle(name, length))
    }

    /// Begins a file that is nowhere yet. It blocks.
    pub(crate) fn create(&self, name: Name) -> io::Result<Box<dyn Draft>> {
        if let Some(register) = &self.inner.register {
            register.begin(name)?;
        }
        self.inner.shelf.create(name)
    }

    pub(crate) fn shelf(&self) -> &dyn Shelf {
        self.inner.shelf.as_ref()
    }

    /// The length of a file in bytes; `None` where there is no such file. It blocks.
    pub fn length(&self, name: Name) -> Option<u64> {
        self.inner.shelf.length(name).ok().flatten()
    }

    /// Opens a file to read. It blocks.
    pub fn open(&self, name: Name) -> io::Result<Box<dyn Source>> {
        self.inner.shelf.open(name)
    }

    /// From now on no file is removed that a row names, until the pin is dropped. Take it before you read the row.
    pub fn pin(&self) -> Pin {
        let mut state = self.state();
        let epoch = state.epoch;
        *state.pins.entry(epoch).or_default() += 1;
        drop(state);
        Pin {
            blobs: self.clone(),
            epoch,
        }
    }

    /// Streams pieces, one behind the other.
    pub fn body(&self, pin: Pin, pieces: impl IntoIterator<Item = Piece>) -> Body {
        Body::new(pin, pieces)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new name, which is not removed as long as the guard lives.
    pub(crate) fn begin(&self) -> Arc<Guard> {
        let mut bytes = [0; 16];
        self.inner.names.fill(&mut bytes);
        let name = Name(bytes);
        self.state().fresh.insert(name, 1);
        Arc::new(self.guard(name, false))
    }

    fn guard(&self, name: Name, is_told: bool) -> Guard {
        Guard {
            blobs: self.clone(),
            name,
            is_told: AtomicBool::new(is_told),
            life: self.life(),
        }
    }

    /// See [`Register::life`].
    fn life(&self) -> Option<u64> {
        let register = self.inner.register.as_ref();
        register.map_or(Some(0), |register| register.life())
    }

    /// Tells the other nodes that this one lives, and hears what they may be reading. Nothing where there are none. It
    /// blocks.
    pub fn beat(&self) -> io::Result<()> {
        let Some(register) = &self.inner.register else {
            return Ok(());
        };
        let pinned = {
            let state = self.state();
            let oldest = state.pins.keys().next().copied().unwrap_or(u64::MAX);
            let beat = state.beats.range(..=oldest).next_back();
            beat.map_or(Stamp::MIN, |(_, stamp)| *stamp)
        };
        let beat = register.beat(pinned)?;
        let mut state = self.state();
        state.oldest_pin = beat.oldest_pin;
        state.epoch += 1;
        let epoch = state.epoch;
        state.beats.insert(epoch, beat.now);
        let oldest = state.pins.keys().next().copied().unwrap_or(epoch);
        if let Some(first) = state.beats.range(..=oldest).next_back().map(|(epoch, _)| *epoch) {
            state.beats = state.beats.split_off(&first);
        }
        Ok(())
    }

    /// Has somebody look whether a file is still held.
    pub fn doubt(&self, name: Name) {
        self.state().doubted.push(name);
        self.inner.bell.notify_one();
    }

    /// The same, of what a transaction has left ([`virga_store::Tx::leave`]).
    pub fn doubt_left(&self, what: &[u8]) {
        if let Ok(bytes) = what.try_into() {
            self.doubt(Name(bytes));
        }
    }

    /// Has somebody look at all files: many holds have gone at once.
    pub fn doubt_all(&self) {
        self.state().is_all_doubted = true;
        self.inner.bell.notify_one();
    }

    /// Completes when there are files to look at, or to remove.
    pub async fn doubted(&self) {
        self.inner.bell.notified().await;
    }

    /// Takes what was doubted.
    pub fn take_doubted(&self) -> Doubted {
        let mut state = self.state();
        Doubted {
            names: std::mem::take(&mut state.doubted),
            all: std::mem::take(&mut state.is_all_doubted),
        }
    }

    /// Puts back what could not be looked at; it waits for the next bell.
    pub fn put_back(&self, doubted: Doubted) {
        let mut state = self.state();
        state.doubted.extend(doubted.names);
        state.is_all_doubted |= doubted.all;
    }

    /// All files that nobody is about to hold. It blocks.
    pub fn files(&self) -> io::Result<Vec<Name>> {
        let mut names = match &self.inner.register {
            Some(register) => register.names()?,
            None => self.inner.shelf.names()?,
        };
        self.leave_out_fresh(&mut names);
        Ok(names)
    }

    /// Where other nodes have a say in which files are needed: condemns those that no world of any node holds, for good, and
    /// that no node is about to. It blocks.
    pub fn condemn_unheld(&self, names: &[Name]) -> Result<(), StoreError> {
        if let Some(register) = self.inner.register.as_ref().filter(|_| !names.is_empty()) {
            let (unheld, stamp) = register.unheld(names)?;
            self.condemn_at(&unheld, stamp);
        }
        Ok(())
    }

    /// Leaves out the files that somebody is about to hold; they are doubted when that somebody is done.
    pub fn leave_out_fresh(&self, names: &mut Vec<Name>) {
        let state = self.state();
        names.retain(|name| !state.fresh.contains_key(name));
    }

    /// Says that no world holds these files, nor will again.
    pub fn condemn(&self, names: &[Name]) {
        self.condemn_at(names, Stamp::MIN);
    }

    fn condemn_at(&self, names: &[Name], stamp: Stamp) {
        if names.is_empty() {
            return;
        }
        let mut state = self.state();
        let epoch = state.epoch;
        state.epoch += 1;
        let condemned = names.iter().map(|name| Condemned {
            name: *name,
            epoch,
            stamp,
        });
        state.condemned.extend(condemned);
    }

    /// Removes the condemned files that nobody may be reading any more; answers how many. It blocks.
    pub fn remove_condemned(&self) -> usize {
        let mut count = 0;
        loop {
            let Condemned { name, stamp, .. } = {
                let mut state = self.state();
                let oldest_pin = state.pins.keys().next().copied().unwrap_or(u64::MAX);
                let ready = state.condemned.front().is_some_and(|condemned| {
                    condemned.epoch < oldest_pin && (!self.is_shared() || condemned.stamp < state.oldest_pin)
                });
                let Some(condemned) = ready.then(|| state.condemned.pop_front()).flatten() else {
                    return count;
                };
                // A snapshot that is being loaded brings it again.
                if state.fresh.contains_key(&condemned.name) {
                    continue;
                }
                state.removing.insert(condemned.name);
                condemned
            };
            match self.remove(name, Some(stamp)) {
                Ok(was_there) => count += usize::from(was_there),
                Err(error) => log::warn!("the file {name} cannot be removed: {error}"),
            }
            self.state().removing.remove(&name);
            self.inner.removed.notify_all();
        }
    }

    /// Removes a file: one that was condemned, or that nobody was told of.
    fn remove(&self, name: Name, condemned: Option<Stamp>) -> io::Result<bool> {
        let Some(register) = &self.inner.register else {
            return self.inner.shelf.remove(name);
        };
        if let Some(stamp) = condemned
            && !register.give_up(name, stamp)?
        {
            return Ok(false);
        }
        let was_there = self.inner.shelf.remove(name)?;
        register.forget(name)?;
        Ok(was_there)
    }
}

/// Keeps files that rows name from being removed.
pub struct Pin {
    pub(crate) blobs: Blobs,
    epoch: u64,
}

impl Clone for Pin {
    /// Of the same time, however much later.
    fn clone(&self) -> Pin {
        *self.blobs.state().pins.entry(self.epoch).or_default() += 1;
        Pin {
            blobs: self.blobs.clone(),
            epoch: self.epoch,
        }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut state = self.blobs.state();
        if let Some(count) = state.pins.get_mut(&self.epoch) {
            *count -= 1;
            if *count == 0 {
                state.pins.remove(&self.epoch);
            }
        }
        let is_waited_for = state
            .condemned
            .front()
            .is_some_and(|condemned| condemned.epoch >= self.epoch);
        drop(state);
        if is_waited_for {
            self.blobs.inner.bell.notify_one();
        }
    }
}

/// Keeps a file from being removed that is written, or was and is not yet held.
pub(crate) struct Guard {
    pub(crate) blobs: Blobs,
    pub(crate) name: Name,
    /// Whether anybody was told of the file, and a row may name it.
    is_told: AtomicBool,
    /// Of this node, when it was begun.
    life: Option<u64>,
}

impl Guard {
    pub(crate) fn tell(&self) {
        self.is_told.store(true, Ordering::Relaxed);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let is_told = self.is_told.load(Ordering::Relaxed);
        {
            let mut state = self.blobs.state();
            if let Some(count) = state.fresh.get_mut(&self.name) {
                *count -= 1;
                if *count == 0 {
                    state.fresh.remove(&self.name);
                }
            }
        }
        if is_told {
            return self.blobs.doubt(self.name);
        }
        let (blobs, name) = (self.blobs.clone(), self.name);
        let remove = move || {
            if let Err(error) = blobs.remove(name, None) {
                log::warn!("the file {name} cannot be removed: {error}");
            }
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

/// Content that was just written, and is kept until a row names it: keep this until the transaction is over. Content that
/// no row names then is removed.
#[derive(Clone)]
pub struct Fresh {
    guard: Option<Arc<Guard>>,
}

impl Fresh {
    pub(crate) const INLINE: Fresh = Fresh { guard: None };

    pub(crate) fn of_written(guard: Arc<Guard>) -> Fresh {
        Fresh { guard: Some(guard) }
    }

    pub(crate) fn name(&self) -> Option<Name> {
        self.guard.as_ref().map(|guard| guard.name)
    }

    /// Whether no other node can have given it up.
    pub(crate) fn is_safe(&self) -> bool {
        let guard = self.guard.as_ref();
        guard.is_none_or(|guard| guard.life.is_some() && guard.life == guard.blobs.life())
    }
}

/// For debugging: what is fresh is told by its name alone.
impl std::fmt::Debug for Fresh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fresh({:?})", self.name())
    }
}

impl Content {
    /// The whole of it, to be streamed.
    pub fn whole(&self) -> Piece {
        Piece {
            content: self.clone(),
            range: 0..self.length(),
        }
    }
}
