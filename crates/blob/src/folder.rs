//! The folder of files: one that is kept, or one of this process alone that goes with it.

use crate::Name;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use virga_base::Ids;

/// How the names of private folders and of their locks begin and end.
const PRIVATE: &str = "virga-blobs-";
const LOCK: &str = ".lock";
/// How often a name for a private folder is tried.
const TRIES_MAX: u32 = 16;

/// Files by name, in 256 folders that are made when they are needed.
pub(crate) enum Folder {
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
        File::open(path)?.sync_all()?;
    }
    Ok(())
}

impl Folder {
    pub(crate) fn private() -> Folder {
        Folder::Private(Mutex::default())
    }

    pub(crate) fn close(&self) {
        if let Folder::Private(private) = self {
            *private.lock().unwrap_or_else(PoisonError::into_inner) = Slot {
                made: None,
                is_closed: true,
            };
        }
    }

    fn is_kept(&self) -> bool {
        matches!(self, Folder::Kept(_))
    }

    /// Where it is; `None` where it has not been made.
    fn base(&self, make: bool) -> io::Result<Option<PathBuf>> {
        match self {
            Folder::Kept(path) => Ok(Some(path.clone())),
            Folder::Private(private) => {
                let mut slot = private.lock().unwrap_or_else(PoisonError::into_inner);
                if slot.made.is_none() && make && !slot.is_closed {
                    slot.made = Some(Private::make()?);
                }
                Ok(slot.made.as_ref().map(|private| private.path.clone()))
            }
        }
    }

    fn path(&self, name: Name, make: bool) -> io::Result<PathBuf> {
        let gone = || io::Error::new(ErrorKind::NotFound, format!("there is no file {name}"));
        let base = self.base(make)?.ok_or_else(gone)?;
        let [first, ..] = name.0;
        Ok(base.join(format!("{first:02x}")).join(name.to_string()))
    }

    pub(crate) fn create(&self, name: Name) -> io::Result<File> {
        let path = self.path(name, true)?;
        let open = || OpenOptions::new().write(true).create_new(true).open(&path);
        match open() {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            opened => return opened,
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
            if let Some(base) = folder.parent().filter(|_| self.is_kept()) {
                sync_folder(base)?;
            }
        }
        open()
    }

    /// Brings a file that is all written to safety, where the folder is kept.
    pub(crate) fn settle(&self, name: Name, file: &File) -> io::Result<()> {
        if !self.is_kept() {
            return Ok(());
        }
        file.sync_all()?;
        self.path(name, false)?.parent().map_or(Ok(()), sync_folder)
    }

    pub(crate) fn open(&self, name: Name) -> io::Result<File> {
        File::open(self.path(name, false)?)
    }

    pub(crate) fn length(&self, name: Name) -> Option<u64> {
        let found = self.path(name, false).and_then(fs::metadata);
        found.ok().map(|found| found.len())
    }

    /// Answers whether there was such a file.
    pub(crate) fn remove(&self, name: Name) -> io::Result<bool> {
        match self.path(name, false).and_then(fs::remove_file) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// All files. Others that lie there are not ours, and are passed over.
    pub(crate) fn names(&self) -> io::Result<Vec<Name>> {
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
}
