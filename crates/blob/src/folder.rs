//! The folder of files: one that is kept, or one of this process alone that goes with it.

use crate::Name;
use crate::buffers::Buffers;
use crate::shelf::{Draft, Shelf, Source};
use bytes::Bytes;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use virga_base::Ids;

/// How the names of private folders and of their locks begin and end.
const PRIVATE: &str = "virga-blobs-";
const LOCK: &str = ".lock";
/// How often a name for a private folder is tried.
const TRIES_MAX: u32 = 16;

/// Files by name, in 256 folders that are made when they are needed.
pub(crate) struct Folder {
    place: Place,
    buffers: Buffers,
    /// Which of the 256 this process has found or made, and knows to be safe.
    made: Mutex<[bool; 256]>,
}

enum Place {
    /// Outlives the process: what is finished is safe from a power cut.
    Kept(PathBuf),
    /// Made when the first file is, and removed with this value.
    Private(Mutex<Slot>),
}

/// Where a private folder is, or will be.
#[derive(Default)]
pub(crate) struct Slot {
    made: Option<Private>,
    is_closed: bool,
}

/// A private folder. Who finds its lock free knows that its process is gone.
pub(crate) struct Private {
    path: PathBuf,
    lock_path: PathBuf,
    _lock: File,
}

impl Private {
    fn make() -> io::Result<Private> {
        let base = std::env::temp_dir();
        let random = Ids::random();
        for _ in 0..TRIES_MAX {
            let path = base.join(format!("{PRIVATE}{}-{}", std::process::id(), random.hex(8)));
            let lock_path = lock_of(&path);
            let lock = match OpenOptions::new().write(true).create_new(true).open(&lock_path) {
                Ok(lock) => lock,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            };
            // Whoever sweeps may have come between, and taken it for a dead process's.
            if lock.try_lock().is_err() || !lock_path.exists() {
                continue;
            }
            make_private(&path)?;
            return Ok(Private {
                path,
                lock_path,
                _lock: lock,
            });
        }
        Err(io::Error::new(
            ErrorKind::AlreadyExists,
            "no private folder can be made",
        ))
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            log::warn!("the folder {} cannot be removed: {error}", self.path.display());
            return;
        }
        let _ = fs::remove_file(&self.lock_path);
    }
}

fn lock_of(path: &Path) -> PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(LOCK);
    text.into()
}

/// Nobody else reads what a client has sent.
fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Removes the private folders of processes that were killed.
pub(crate) fn sweep_leftovers() -> io::Result<()> {
    for entry in fs::read_dir(std::env::temp_dir())?.flatten() {
        let name = entry.file_name();
        let Some(folder) = name.to_str().and_then(|name| name.strip_suffix(LOCK)) else {
            continue;
        };
        if !folder.starts_with(PRIVATE) {
            continue;
        }
        let Ok(lock) = OpenOptions::new().write(true).open(entry.path()) else {
            continue;
        };
        if lock.try_lock().is_err() {
            continue;
        }
        match fs::remove_dir_all(entry.path().with_file_name(folder)) {
            Err(error) if error.kind() != ErrorKind::NotFound => log::warn!("{folder} cannot be removed: {error}"),
            _ => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

fn sync_folder(path: &Path) -> io::Result<()> {
    // Other systems keep names without being asked, or cannot be asked.
    if cfg!(unix) {
        // What a name without a folder lies in.
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        File::open(path)?.sync_all()?;
    }
    Ok(())
}

/// A file that is being written.
struct Written {
    file: File,
    /// The folder that its name stands in, where that must be safe too.
    kept_in: Option<PathBuf>,
}

impl Draft for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn settle(&mut self) -> io::Result<()> {
        let Some(folder) = &self.kept_in else { return Ok(()) };
        self.file.sync_all()?;
        sync_folder(folder)
    }
}

/// A file that is read, and where it stands.
struct Opened {
    file: File,
    at: u64,
    buffers: Buffers,
}

impl Source for Opened {
    fn length(&self) -> io::Result<u64> {
        self.file.metadata().map(|found| found.len())
    }

    fn read(&mut self, from: u64, count: usize) -> io::Result<Bytes> {
        if self.at != from {
            self.file.seek(SeekFrom::Start(from))?;
            self.at = from;
        }
        let Opened { file, at, buffers } = self;
        let bytes = buffers.fill(count, |mut room| {
            let wanted = room.len();
            while !room.is_empty() {
                match file.read(room) {
                    Ok(0) => break,
                    Ok(some) => room = room.get_mut(some..).unwrap_or_default(),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(wanted - room.len())
        })?;
        *at += bytes.len() as u64;
        Ok(bytes)
    }
}

impl Folder {
    pub(crate) fn kept(path: PathBuf) -> Folder {
        Folder {
            place: Place::Kept(path),
            buffers: Buffers::default(),
            made: Mutex::new([false; 256]),
        }
    }

    pub(crate) fn private() -> Folder {
        Folder {
            place: Place::Private(Mutex::default()),
            buffers: Buffers::default(),
            made: Mutex::new([false; 256]),
        }
    }

    /// Where it is; `None` where it has not been made.
    fn base(&self, make: bool) -> io::Result<Option<PathBuf>> {
        match &self.place {
            Place::Kept(path) => Ok(Some(path.clone())),
            Place::Private(private) => {
                let mut slot = private.lock().unwrap_or_else(PoisonError::into_inner);
                if slot.made.is_none() && make && !slot.is_closed {
                    slot.made = Some(Private::make()?);
                }
                Ok(slot.made.as_ref().map(|private| private.path.clone()))
            }
        }
    }

    /// Makes the folder that a name belongs in. Where files are kept, it is safe from a power cut before this returns, for
    /// whoever comes meanwhile too: a file is only as safe as the way to it.
    fn make_folder(&self, name: Name, folder: &Path) -> io::Result<()> {
        let [first, ..] = name.0;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(is_made) = made.get_mut(usize::from(first)) else {
            return Ok(());
        };
        if *is_made && folder.exists() {
            return Ok(());
        }
        fs::create_dir_all(folder)?;
        if self.is_kept() {
            folder.ancestors().skip(1).take(2).try_for_each(sync_folder)?;
        }
        *is_made = true;
        Ok(())
    }

    fn path(&self, name: Name, make: bool) -> io::Result<PathBuf> {
        let gone = || io::Error::new(ErrorKind::NotFound, format!("there is no file {name}"));
        let base = self.base(make)?.ok_or_else(gone)?;
        let [first, ..] = name.0;
        Ok(base.join(format!("{first:02x}")).join(name.to_string()))
    }
}

impl Shelf for Folder {
    fn create(&self, name: Name) -> io::Result<Box<dyn Draft>> {
        let path = self.path(name, true)?;
        let folder = path.parent().unwrap_or(&path);
        self.make_folder(name, folder)?;
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let kept_in = self.is_kept().then(|| folder.to_owned());
        Ok(Box::new(Written { file, kept_in }))
    }

    fn open(&self, name: Name) -> io::Result<Box<dyn Source>> {
        let file = File::open(self.path(name, false)?)?;
        Ok(Box::new(Opened {
            file,
            at: 0,
            buffers: self.buffers.clone(),
        }))
    }

    fn length(&self, name: Name) -> io::Result<Option<u64>> {
        match self.path(name, false).and_then(fs::metadata) {
            Ok(found) => Ok(Some(found.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn remove(&self, name: Name) -> io::Result<bool> {
        match self.path(name, false).and_then(fs::remove_file) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Others that lie there are not ours, and are passed over.
    fn names(&self) -> io::Result<Vec<Name>> {
        let mut names = Vec::new();
        let Some(base) = self.base(false)? else {
            return Ok(names);
        };
        let folders = match fs::read_dir(base) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(names),
            folders => folders?,
        };
        for folder in folders {
            let folder = folder?;
            if !folder.file_type()?.is_dir() {
                continue;
            }
            for entry in fs::read_dir(folder.path())? {
                names.extend(entry?.file_name().to_str().and_then(Name::parse));
            }
        }
        Ok(names)
    }

    fn is_kept(&self) -> bool {
        matches!(self.place, Place::Kept(_))
    }

    fn close(&self) {
        if let Place::Private(private) = &self.place {
            *private.lock().unwrap_or_else(PoisonError::into_inner) = Slot {
                made: None,
                is_closed: true,
            };
        }
    }
}
