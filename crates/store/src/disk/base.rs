//! The base: the rows as of some record of the log, in redb's file.

use super::files::{DataFile, Files};
use crate::StoreError;
use crate::tree::{Row, Tree};
use redb::{
    Database, ReadOnlyTable, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition, WriteTransaction,
};
use std::io;
use std::ops::{Bound, ControlFlow};

const FILE: &str = "rows.redb";
const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");
const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");
/// The last record of the log that the rows hold.
const THROUGH: &str = "through";
const SALT: &str = "salt";
/// Pages that redb keeps in memory, read and written, in bytes.
const CACHE_BYTES: usize = 128 << 20;

fn failed(error: impl Into<redb::Error>) -> StoreError {
    StoreError::Engine(error.into().to_string())
}

/// The rows as one checkpoint left them, for as long as this value lives.
pub(super) struct Snapshot {
    rows: ReadOnlyTable<&'static [u8], &'static [u8]>,
}

pub(super) type Found<'a> = (
    redb::AccessGuard<'a, &'static [u8]>,
    redb::AccessGuard<'a, &'static [u8]>,
);

impl Snapshot {
    pub(super) fn get(&self, key: &[u8], found: &mut dyn FnMut(&[u8])) -> Result<bool, StoreError> {
        let value = ReadableTable::get(&self.rows, key).map_err(failed)?;
        Ok(value.map(|value| found(value.value())).is_some())
    }

    pub(super) fn has(&self, key: &[u8]) -> Result<bool, StoreError> {
        self.get(key, &mut |_| {})
    }

    /// The rows between two keys, of which the first is not greater than the second.
    pub(super) fn range(
        &self,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<impl DoubleEndedIterator<Item = Result<Found<'_>, StoreError>>, StoreError> {
        let range = ReadableTable::range::<&[u8]>(&self.rows, (from, to)).map_err(failed)?;
        Ok(range.map(|row| row.map_err(failed)))
    }
}

/// redb's file, opened for writing.
pub(super) struct Base {
    database: Database,
}

/// What the base says of itself.
pub(super) struct Numbers {
    pub(super) through: u64,
    pub(super) salt: u64,
}

impl Base {
    pub(super) fn open(files: &dyn Files) -> Result<Base, StoreError> {
        let file = files
            .open(FILE)
            .map_err(|error| StoreError::Folder(format!("cannot open {FILE}: {error}")))?;
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(Backend(file))
            .map_err(|error| StoreError::Folder(format!("cannot open {FILE}: {error}")))?;
        Ok(Base { database })
    }

    fn begin(&self) -> Result<WriteTransaction, StoreError> {
        let mut transaction = self.database.begin_write().map_err(failed)?;
        // Else opening after a crash would walk through all rows.
        transaction.set_quick_repair(true);
        Ok(transaction)
    }

    /// What the base says of itself. A new one draws its salt from `salt`.
    pub(super) fn numbers(&self, files: &dyn Files, salt: u64) -> Result<Numbers, StoreError> {
        let read = || -> Result<Option<Numbers>, redb::Error> {
            let transaction = self.database.begin_read()?;
            let numbers = match transaction.open_table(NUMBERS) {
                Ok(numbers) => numbers,
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let number = |name| Ok::<_, redb::Error>(ReadableTable::get(&numbers, name)?.map_or(0, |n| n.value()));
            Ok(Some(Numbers {
                through: number(THROUGH)?,
                salt: number(SALT)?,
            }))
        };
        if let Some(numbers) = read().map_err(failed)? {
            return Ok(numbers);
        }
        // Without its salt the log would look empty.
        let cannot = |error: io::Error| StoreError::Folder(format!("cannot read the data folder: {error}"));
        if super::log::is_any(files).map_err(cannot)? {
            return Err(StoreError::Folder(format!(
                "{FILE} is missing, or it is not the one of this folder"
            )));
        }
        let transaction = self.begin()?;
        let write = || -> Result<(), redb::Error> {
            transaction.open_table(ROWS)?;
            transaction.open_table(NUMBERS)?.insert(SALT, salt)?;
            Ok(())
        };
        write().map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(Numbers { through: 0, salt })
    }

    /// Writes what `rows` says over what was there, as of the log's record `through`.
    pub(super) fn apply(&self, rows: &Tree, through: u64) -> Result<(), StoreError> {
        self.write(through, |table| {
            let mut outcome = Ok(());
            rows.scan(Bound::Unbounded, Bound::Unbounded, false, &mut |row: &Row| {
                let (key, value) = row.split();
                let done = if row.is_gone() {
                    table.remove(key).map(drop)
                } else {
                    table.insert(key, value).map(drop)
                };
                match done {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        outcome = Err(error.into());
                        ControlFlow::Break(())
                    }
                }
            });
            outcome
        })
    }

    /// Removes every row, as of the log's record `through`.
    pub(super) fn clear(&self, through: u64) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        transaction.delete_table(ROWS).map_err(failed)?;
        Base::finish(transaction, through, |_| Ok(()))
    }

    fn write(
        &self,
        through: u64,
        f: impl FnOnce(&mut redb::Table<'_, &[u8], &[u8]>) -> Result<(), redb::Error>,
    ) -> Result<(), StoreError> {
        Base::finish(self.begin()?, through, f)
    }

    fn finish(
        transaction: WriteTransaction,
        through: u64,
        f: impl FnOnce(&mut redb::Table<'_, &[u8], &[u8]>) -> Result<(), redb::Error>,
    ) -> Result<(), StoreError> {
        let write = || -> Result<(), redb::Error> {
            f(&mut transaction.open_table(ROWS)?)?;
            transaction.open_table(NUMBERS)?.insert(THROUGH, through)?;
            Ok(())
        };
        write().map_err(failed)?;
        transaction.commit().map_err(failed)
    }

    /// Gives the pages free that only snapshots needed which are gone now. Else the next commit would not find them yet,
    /// and the file would grow.
    pub(super) fn give_free(&self) -> Result<(), StoreError> {
        self.begin()?.commit().map_err(failed)
    }

    pub(super) fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let transaction = self.database.begin_read().map_err(failed)?;
        let rows = transaction.open_table(ROWS).map_err(failed)?;
        Ok(Snapshot { rows })
    }
}

/// The file layer as redb wants it. It needs no locks of its own: the folder is locked.
#[derive(Debug)]
struct Backend(Box<dyn DataFile>);

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_length(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
}
