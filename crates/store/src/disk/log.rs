//! The log: what was committed since the base was last written, in records that each hold the commits of one fsync.
//!
//! A record is its payload's length (4 bytes), a checksum (4), its number (8), the payload. Numbers rise by one and are
//! never used again, so a file can be written over from its beginning: behind the last record of the new run lies one with
//! a lesser number, or none whose checksum holds. The checksum also covers the folder's salt, which no client knows, so
//! that nothing a client stores can pass for a record.

use super::files::{DataFile, Files};
use super::forks::{ROOT, Step};
use crate::StoreError;
use std::io;

const HEAD: usize = 16;
const NAME: &str = "log-";
/// A file longer than this is cut when it is used again.
const KEPT_LENGTH_MOST: u64 = 32 << 20;

/// One change of a row; `None` removes it.
pub(crate) type Change<'a> = (&'a [u8], Option<&'a [u8]>);

/// What a payload tells of, in order.
pub(super) enum Item<'a> {
    /// A row of this layer changes.
    Change(u64, Change<'a>),
    Step(Step),
}

const REMOVED: u16 = 1 << 15;
/// Stands where a key's length would: what follows is no change of a row. No key is so long.
const OTHER: u16 = u16::MAX;
/// The changes that follow are of another layer. At the beginning of a payload it is [`ROOT`].
const LAYER: u8 = 0;
const STEP: u8 = 1;

/// Adds a change to a payload. The key is no longer than a row allows.
pub(crate) fn write_change(out: &mut Vec<u8>, (key, value): Change<'_>) {
    let length = key.len() as u16 & !REMOVED;
    match value {
        Some(value) => {
            out.extend_from_slice(&length.to_le_bytes());
            out.extend_from_slice(&(value.len() as u32).to_le_bytes());
            out.extend_from_slice(key);
            out.extend_from_slice(value);
        }
        None => {
            out.extend_from_slice(&(length | REMOVED).to_le_bytes());
            out.extend_from_slice(key);
        }
    }
}

/// Says which layer the changes that follow are of.
pub(super) fn write_layer(out: &mut Vec<u8>, layer: u64) {
    out.extend_from_slice(&OTHER.to_le_bytes());
    out.push(LAYER);
    out.extend_from_slice(&layer.to_le_bytes());
}

/// Adds a step. The changes that follow are of the same layer as those before.
pub(super) fn write_step(out: &mut Vec<u8>, step: &Step) {
    let bytes = step.encode();
    out.extend_from_slice(&OTHER.to_le_bytes());
    out.push(STEP);
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(&bytes);
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

fn take_array<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    take(bytes, N)?.try_into().ok()
}

/// The next item, unless it only names a layer.
fn read_item<'a>(bytes: &mut &'a [u8], layer: &mut u64) -> Option<Option<Item<'a>>> {
    let length = u16::from_le_bytes(take_array(bytes)?);
    if length != OTHER {
        return Some(Some(Item::Change(*layer, read_change(length, bytes)?)));
    }
    let [kind] = take_array(bytes)?;
    match kind {
        LAYER => {
            *layer = u64::from_le_bytes(take_array(bytes)?);
            Some(None)
        }
        STEP => {
            let count = u32::from_le_bytes(take_array(bytes)?) as usize;
            Some(Some(Item::Step(Step::decode(take(bytes, count)?)?)))
        }
        _ => None,
    }
}

fn read_change<'a>(length: u16, bytes: &mut &'a [u8]) -> Option<Change<'a>> {
    let key_length = usize::from(length & !REMOVED);
    if length & REMOVED != 0 {
        return Some((take(bytes, key_length)?, None));
    }
    let value_length = u32::from_le_bytes(take_array(bytes)?) as usize;
    let key = take(bytes, key_length)?;
    Some((key, Some(take(bytes, value_length)?)))
}

/// What a payload tells of, in order.
pub(super) fn items(
    mut payload: &[u8],
    apply: &mut dyn FnMut(Item<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut layer = ROOT;
    while !payload.is_empty() {
        if let Some(item) = read_item(&mut payload, &mut layer).ok_or(StoreError::Corrupt("the log"))? {
            apply(item)?;
        }
    }
    Ok(())
}

fn checksum(salt: u64, number: u64, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&salt.to_le_bytes());
    hasher.update(&number.to_le_bytes());
    hasher.update(&(payload.len() as u64).to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

struct LogFile {
    name: String,
    file: Box<dyn DataFile>,
    /// The number of its last record; 0 where it has none that count.
    last: u64,
    /// Where the next record comes.
    end: u64,
}

/// The files of the log, the one that is written to last.
pub(crate) struct Log {
    salt: u64,
    /// The number of the last record that is safe.
    last: u64,
    files: Vec<LogFile>,
    scratch: Vec<u8>,
}

impl Log {
    /// Reads what is there, and hands on the payloads of all records behind number `base`, in order.
    pub(crate) fn open(
        files: &dyn Files,
        salt: u64,
        base: u64,
        replay: &mut dyn FnMut(&[u8]) -> Result<(), StoreError>,
    ) -> Result<Log, StoreError> {
        let failed = |error: io::Error| StoreError::Folder(format!("cannot read the log: {error}"));
        let mut log = Log {
            salt,
            last: base,
            files: Vec::new(),
            scratch: Vec::new(),
        };
        let mut runs = Vec::new();
        for name in files.names().map_err(failed)? {
            if name.starts_with(NAME) {
                let file = files.open(&name).map_err(failed)?;
                let mut bytes = vec![0; file.length().map_err(failed)? as usize];
                file.read(0, &mut bytes).map_err(failed)?;
                let (first, last, end) = log.run(&bytes);
                let file = LogFile { name, file, last, end };
                runs.push((first, file, bytes));
            }
        }
        runs.sort_by_key(|(first, ..)| *first);
        for (first, file, bytes) in runs {
            // A run that ends at or before the base is of no more use, but its file is.
            if file.last > log.last {
                if first > log.last + 1 {
                    return Err(StoreError::Folder(format!(
                        "the log has no record {}, but later ones: a file of the data folder is missing or damaged",
                        log.last + 1
                    )));
                }
                let mut rest = bytes.get(..file.end as usize).unwrap_or_default();
                while let Some((number, payload)) = record(&mut rest) {
                    if number == log.last + 1 {
                        replay(payload)?;
                        log.last = number;
                    }
                }
            }
            log.files.push(file);
        }
        if log.files.is_empty() {
            log.add(files).map_err(failed)?;
        }
        let last = log.last;
        let current = log.current()?;
        if current.last != last {
            // All its records are in the base, and the next one would not follow upon them.
            (current.end, current.last) = (0, 0);
        }
        // What was read may have been written but not yet synced when the last process ended. What is built upon it must
        // not outlive it.
        log.current()?.file.sync().map_err(failed)?;
        Ok(log)
    }

    /// The first and last number of the run that a file begins with, and its length in bytes.
    fn run(&self, bytes: &[u8]) -> (u64, u64, u64) {
        let (mut first, mut last, mut rest) = (0, 0, bytes);
        let mut end = 0;
        while let Some((number, payload)) = record(&mut rest) {
            let is_next = last == 0 || number == last + 1;
            let head = &bytes[end as usize + 4..];
            let told = head.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
            if number == 0 || !is_next || told != Some(checksum(self.salt, number, payload)) {
                break;
            }
            if first == 0 {
                first = number;
            }
            last = number;
            end += (HEAD + payload.len()) as u64;
        }
        (first, last, end)
    }

    fn current(&mut self) -> Result<&mut LogFile, StoreError> {
        self.files.last_mut().ok_or(StoreError::Corrupt("the log"))
    }

    fn add(&mut self, files: &dyn Files) -> io::Result<()> {
        let free = (1..)
            .map(|n| format!("{NAME}{n}"))
            .find(|name| self.files.iter().all(|file| file.name != *name));
        let name = free.unwrap_or_default();
        self.files.push(LogFile {
            file: files.open(&name)?,
            name,
            last: 0,
            end: 0,
        });
        Ok(())
    }

    /// The number of the last record that is safe.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// How many bytes the present file holds.
    pub(crate) fn length(&self) -> u64 {
        self.files.last().map_or(0, |file| file.end)
    }

    /// Writes a record and syncs it. After an error nothing of it counts: the next record is written in its place.
    pub(crate) fn append(&mut self, payload: &[u8]) -> io::Result<()> {
        let number = self.last + 1;
        let length = u32::try_from(payload.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        self.scratch.clear();
        self.scratch.extend_from_slice(&length.to_le_bytes());
        self.scratch
            .extend_from_slice(&checksum(self.salt, number, payload).to_le_bytes());
        self.scratch.extend_from_slice(&number.to_le_bytes());
        self.scratch.extend_from_slice(payload);
        let Some(file) = self.files.last_mut() else {
            return Err(io::ErrorKind::NotFound.into());
        };
        file.file.write(file.end, &self.scratch)?;
        file.file.sync()?;
        file.end += self.scratch.len() as u64;
        file.last = number;
        self.last = number;
        self.scratch.shrink_to(1 << 20);
        Ok(())
    }

    /// Goes on in another file, so that the present one can be freed.
    pub(crate) fn turn(&mut self, files: &dyn Files, base: u64) -> io::Result<()> {
        let spare = self.files.iter().position(|file| file.last <= base);
        match spare {
            Some(index) => {
                let mut file = self.files.remove(index);
                if file.end > KEPT_LENGTH_MOST {
                    file.file.set_length(0)?;
                }
                (file.end, file.last) = (0, 0);
                self.files.push(file);
                Ok(())
            }
            None => self.add(files),
        }
    }

    /// Deletes files that hold nothing behind `base`, save one that is kept to be written over.
    pub(crate) fn free(&mut self, files: &dyn Files, base: u64) -> io::Result<()> {
        let mut spares = 0;
        let mut index = 0;
        while index + 1 < self.files.len() {
            if self.files[index].last <= base {
                spares += 1;
                if spares > 1 {
                    let file = self.files.remove(index);
                    files.remove(&file.name)?;
                    continue;
                }
            }
            index += 1;
        }
        Ok(())
    }
}

/// Whether a folder has a log with anything in it.
pub(super) fn is_any(files: &dyn Files) -> io::Result<bool> {
    for name in files.names()? {
        if name.starts_with(NAME) && files.open(&name)?.length()? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes a record off the front, its checksum unseen: number and payload.
fn record<'a>(bytes: &mut &'a [u8]) -> Option<(u64, &'a [u8])> {
    let length = u32::from_le_bytes(take_array(bytes)?) as usize;
    let _checksum: [u8; 4] = take_array(bytes)?;
    let number = u64::from_le_bytes(take_array(bytes)?);
    Some((number, take(bytes, length)?))
}
