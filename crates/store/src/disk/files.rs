//! The file layer: all that the disk engine asks of a folder, so that tests can put one in its place that forgets.

use crate::StoreError;
use std::fmt::Debug;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// A file that is read and written anywhere.
pub(crate) trait DataFile: Debug + Send + Sync + 'static {
    fn length(&self) -> io::Result<u64>;
    /// Fills `out`; an error where the file ends before.
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;
    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Cuts off, or fills up with zeros.
    fn set_length(&self, length: u64) -> io::Result<()>;
    /// Completes once all that was written before will survive a power cut.
    fn sync(&self) -> io::Result<()>;
}

/// A folder of such files.
pub(crate) trait Files: Send + Sync + 'static {
    fn names(&self) -> io::Result<Vec<String>>;
    /// Opens a file, a new one where there is none. Its name survives a power cut once this has answered.
    fn open(&self, name: &str) -> io::Result<Box<dyn DataFile>>;
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Lets others open the folder.
    fn release(&self) {}
    /// For people.
    fn location(&self) -> String {
        String::new()
    }
}

/// A folder on disk, which no other process can open while this value lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// The lock goes when the file is closed, so also when the process is killed.
    lock: fs::File,
}

const LOCK: &str = "lock";
const MARK: &str = "virga-data";
const DRAFT: &str = "virga-data.new";
/// The form of the folder, for people and for other versions: 1 has no forks. What opens it brings it to this one.
const FORM: u32 = 2;

impl Folder {
    pub(crate) fn open(path: &Path) -> Result<Folder, StoreError> {
        let refused =
            |why: String| StoreError::Folder(format!("cannot open the data folder {}: {why}", path.display()));
        let failed = |error: io::Error| refused(error.to_string());
        fs::create_dir_all(path).map_err(failed)?;
        let lock_path = path.join(LOCK);
        let lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let owner = fs::read_to_string(&lock_path).unwrap_or_default();
                let owner = match owner.trim() {
                    "" => "another process".to_owned(),
                    number => format!("process {number}"),
                };
                return Err(refused(format!(
                    "{owner} is using it. Stop that Virga, or start this one with another folder."
                )));
            }
            Err(fs::TryLockError::Error(error)) => return Err(failed(error)),
        }
        fs::write(&lock_path, std::process::id().to_string()).map_err(failed)?;
        let mark_path = path.join(MARK);
        match fs::read_to_string(&mark_path) {
            Ok(mark) => match mark.trim().parse() {
                Ok(FORM) => {}
                Ok(1) => write_mark(path).map_err(failed)?,
                Ok(form) if form > FORM => {
                    return Err(refused(format!(
                        "it has form {form}, and this Virga knows forms up to {FORM}. Use the newer Virga that wrote it."
                    )));
                }
                _ => return Err(refused(format!("its file {MARK} says no form."))),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let is_strange = fs::read_dir(path)
                    .map_err(failed)?
                    .any(|entry| !entry.is_ok_and(|entry| entry.file_name() == LOCK || entry.file_name() == DRAFT));
                if is_strange {
                    return Err(refused("it holds other files and no data of Virga's.".to_owned()));
                }
                write_mark(path).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
        Ok(Folder {
            path: path.to_owned(),
            lock,
        })
    }
}

/// Wholly or not at all.
fn write_mark(path: &Path) -> io::Result<()> {
    let draft = path.join(DRAFT);
    fs::write(&draft, format!("{FORM}\n"))?;
    fs::File::open(&draft)?.sync_all()?;
    fs::rename(&draft, path.join(MARK))?;
    sync_folder(path)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    // Other systems keep names without being asked, or cannot be asked.
    if cfg!(unix) {
        fs::File::open(path)?.sync_all()?;
    }
    Ok(())
}

impl Files for Folder {
    fn names(&self) -> io::Result<Vec<String>> {
        fs::read_dir(&self.path)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DataFile>> {
        let path = self.path.join(name);
        let is_new = !path.try_exists()?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        if is_new {
            file.sync_all()?;
            sync_folder(&self.path)?;
        }
        Ok(Box::new(OnDisk(file)))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn release(&self) {
        let _ = self.lock.unlock();
    }

    fn location(&self) -> String {
        std::path::absolute(&self.path)
            .unwrap_or_else(|_| self.path.clone())
            .display()
            .to_string()
    }
}

#[derive(Debug)]
struct OnDisk(fs::File);

impl DataFile for OnDisk {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    #[cfg(unix)]
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, out, offset)
    }

    #[cfg(unix)]
    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.0, bytes, offset)
    }

    #[cfg(windows)]
    fn read(&self, mut offset: u64, mut out: &mut [u8]) -> io::Result<()> {
        while !out.is_empty() {
            let count = std::os::windows::fs::FileExt::seek_read(&self.0, out, offset)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            offset += count as u64;
            out = &mut out[count..];
        }
        Ok(())
    }

    #[cfg(windows)]
    fn write(&self, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let count = std::os::windows::fs::FileExt::seek_write(&self.0, bytes, offset)?;
            offset += count as u64;
            bytes = &bytes[count..];
        }
        Ok(())
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}
