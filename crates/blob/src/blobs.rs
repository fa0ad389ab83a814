//! The files of a process, shared by all worlds: who is about to hold one, who may be reading one, and which may be removed.

use crate::folder::{self, Folder};
use crate::{Body, Content, Name, Piece, Writer};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use virga_base::Ids;

/// The files of a process. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Blobs {
    inner: Arc<Inner>,
}

struct Inner {
    folder: Folder,
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
    /// Files that nobody holds, and the epoch in which that was found: older pins may still read them.
    condemned: VecDeque<(u64, Name)>,
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
        Blobs::new(Folder::Kept(folder))
    }

    /// Files in a folder among the system's temporary ones, made for the first file and removed with the last clone.
    pub fn private() -> Blobs {
        Blobs::new(Folder::private())
    }

    /// Removes what processes that were killed have left of private folders. It blocks.
    pub fn sweep_leftovers() -> io::Result<()> {
        folder::sweep_leftovers()
    }

    fn new(folder: Folder) -> Blobs {
        Blobs {
            inner: Arc::new(Inner {
                folder,
                names: Ids::random(),
                state: Mutex::default(),
                removed: Condvar::new(),
                bell: Notify::new(),
            }),
        }
    }

    /// Removes the folder where it is private. What is still being written or read then fails.
    pub fn close(&self) {
        self.inner.folder.close();
    }

    /// Whether the files outlive the process.
    pub fn is_kept(&self) -> bool {
        matches!(self.inner.folder, Folder::Kept(_))
    }

    /// Begins to write.
    pub fn writer(&self) -> Writer {
        Writer::new(self.clone())
    }

    /// Begins to write a file under the name that it has elsewhere. No file where it is here already. Either way it is not
    /// removed as long as the second value lives. It blocks.
    pub fn adopt(&self, name: Name, length: u64) -> io::Result<(Option<File>, Fresh)> {
        let mut state = self.state();
        while state.removing.contains(&name) {
            state = self.inner.removed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        *state.fresh.entry(name).or_default() += 1;
        drop(state);
        let fresh = Fresh::of(Guard {
            blobs: self.clone(),
            name,
            is_told: AtomicBool::new(true),
        });
        let folder = &self.inner.folder;
        match folder.length(name) {
            Some(here) if here == length => return Ok((None, fresh)),
            // What an earlier attempt has left.
            Some(_) => drop(folder.remove(name)?),
            None => {}
        }
        Ok((Some(folder.create(name)?), fresh))
    }

    /// Brings an adopted file to safety. It blocks.
    pub fn settle(&self, name: Name, file: &File) -> io::Result<()> {
        self.inner.folder.settle(name, file)
    }

    /// The length of a file in bytes; `None` where there is no such file. It blocks.
    pub fn length(&self, name: Name) -> Option<u64> {
        self.inner.folder.length(name)
    }

    /// Opens a file to read. It blocks.
    pub fn open(&self, name: Name) -> io::Result<File> {
        self.inner.folder.open(name)
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

    pub(crate) fn folder(&self) -> &Folder {
        &self.inner.folder
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
        Arc::new(Guard {
            blobs: self.clone(),
            name,
            is_told: AtomicBool::new(false),
        })
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
        let mut names = self.inner.folder.names()?;
        self.leave_out_fresh(&mut names);
        Ok(names)
    }

    /// Leaves out the files that somebody is about to hold; they are doubted when that somebody is done.
    pub fn leave_out_fresh(&self, names: &mut Vec<Name>) {
        let state = self.state();
        names.retain(|name| !state.fresh.contains_key(name));
    }

    /// Says that no world holds these files, nor will again.
    pub fn condemn(&self, names: &[Name]) {
        if names.is_empty() {
            return;
        }
        let mut state = self.state();
        let epoch = state.epoch;
        state.epoch += 1;
        state.condemned.extend(names.iter().map(|name| (epoch, *name)));
    }

    /// Removes the condemned files that nobody may be reading any more; answers how many. It blocks.
    pub fn remove_condemned(&self) -> usize {
        let mut count = 0;
        loop {
            let name = {
                let mut state = self.state();
                let oldest_pin = state.pins.keys().next().copied().unwrap_or(u64::MAX);
                let ready = state.condemned.front().is_some_and(|(epoch, _)| *epoch < oldest_pin);
                let Some((_, name)) = ready.then(|| state.condemned.pop_front()).flatten() else {
                    return count;
                };
                // A snapshot that is being loaded brings it again.
                if state.fresh.contains_key(&name) {
                    continue;
                }
                state.removing.insert(name);
                name
            };
            match self.inner.folder.remove(name) {
                Ok(was_there) => count += usize::from(was_there),
                Err(error) => log::warn!("the file {name} cannot be removed: {error}"),
            }
            self.state().removing.remove(&name);
            self.inner.removed.notify_all();
        }
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
        let is_waited_for = state.condemned.front().is_some_and(|(epoch, _)| *epoch >= self.epoch);
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
            if let Err(error) = blobs.folder().remove(name) {
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

    fn of(guard: Guard) -> Fresh {
        Fresh {
            guard: Some(Arc::new(guard)),
        }
    }

    pub(crate) fn of_written(guard: Arc<Guard>) -> Fresh {
        Fresh { guard: Some(guard) }
    }

    pub(crate) fn name(&self) -> Option<Name> {
        self.guard.as_ref().map(|guard| guard.name)
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
