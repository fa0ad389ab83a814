//! The base: the rows as of some record of the log, in redb's file.

use super::files::{DataFile, Files};
use super::forks::{Forks, ROOT};
use super::layers::Under;
use crate::StoreError;
use crate::engine::Visit;
use crate::tree::{Row, Tree};
use redb::{
    Database, ReadOnlyTable, ReadableDatabase, ReadableTable, ReadableTableMetadata, StorageBackend, TableDefinition,
    TableHandle, WriteTransaction,
};
use std::collections::BTreeMap;
use std::io;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

const FILE: &str = "rows.redb";
const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");
/// The places and layers, as of the same record.
const FORKS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("forks");
const ALL: &str = "all";
/// The last record of the log that the rows hold.
const THROUGH: &str = "through";
const SALT: &str = "salt";
/// Pages that redb keeps in memory, read and written, in bytes.
const CACHE_BYTES: usize = 128 << 20;
/// Rows that are moved from layer to layer in one commit, in bytes.
const MOVED_BYTES_MOST: usize = 4 << 20;

fn failed(error: impl Into<redb::Error>) -> StoreError {
    StoreError::Engine(error.into().to_string())
}

/// A table, in redb and here. That of the folder's first layer has values as they are; it hides nothing, so it has no
/// marks. In the others a byte comes first: [`ROW`], or [`GONE`] where the key's row is removed.
#[derive(Clone, Copy)]
struct Name(u64);

const GONE: u8 = 0;
const ROW: u8 = 1;
const FIRST: &str = "rows";

impl Name {
    fn text(self) -> String {
        match self.0 {
            ROOT => FIRST.to_owned(),
            number => format!("{FIRST}-{number}"),
        }
    }

    fn has_marks(self) -> bool {
        self.0 != ROOT
    }

    /// The value of a row; `None` where it is a mark.
    fn value(self, stored: &[u8]) -> Option<&[u8]> {
        if !self.has_marks() {
            return Some(stored);
        }
        match stored.split_first() {
            Some((&ROW, value)) => Some(value),
            _ => None,
        }
    }
}

fn definition(name: &str) -> TableDefinition<'_, &'static [u8], &'static [u8]> {
    TableDefinition::new(name)
}

/// A table's rows as one checkpoint left them, for as long as this value lives.
pub(super) struct Snapshot {
    name: Name,
    rows: ReadOnlyTable<&'static [u8], &'static [u8]>,
}

type Found<'a> = (
    redb::AccessGuard<'a, &'static [u8]>,
    redb::AccessGuard<'a, &'static [u8]>,
);

impl Snapshot {
    /// Whether the table has a row with that key, which is handed on, or a mark that there is none, or nothing.
    pub(super) fn get(&self, key: &[u8], found: &mut dyn FnMut(&[u8])) -> Result<Option<bool>, StoreError> {
        let stored = ReadableTable::get(&self.rows, key).map_err(failed)?;
        Ok(stored.map(|stored| self.name.value(stored.value()).map(found).is_some()))
    }

    /// The rows between two keys, of which the first is not greater than the second.
    pub(super) fn walk(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, reverse: bool) -> Result<Walk<'_>, StoreError> {
        let range = ReadableTable::range::<&[u8]>(&self.rows, (from, to)).map_err(failed)?;
        let mut walk = Walk {
            name: self.name,
            range,
            reverse,
            next: None,
        };
        walk.advance()?;
        Ok(walk)
    }
}

/// A walk over a table, marks and all.
pub(super) struct Walk<'a> {
    name: Name,
    range: redb::Range<'a, &'static [u8], &'static [u8]>,
    reverse: bool,
    next: Option<Found<'a>>,
}

impl Walk<'_> {
    pub(super) fn key(&self) -> Option<&[u8]> {
        self.next.as_ref().map(|(key, _)| key.value())
    }

    /// Visits the present row, unless it is a mark.
    pub(super) fn show(&self, visit: Visit<'_>) -> ControlFlow<()> {
        match &self.next {
            Some((key, stored)) => match self.name.value(stored.value()) {
                Some(value) => visit(key.value(), value),
                None => ControlFlow::Continue(()),
            },
            None => ControlFlow::Continue(()),
        }
    }

    pub(super) fn advance(&mut self) -> Result<(), StoreError> {
        let next = if self.reverse {
            self.range.next_back()
        } else {
            self.range.next()
        };
        self.next = next.transpose().map_err(failed)?;
        Ok(())
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
    pub(super) forks: Forks,
}

/// What is put aside for the base: rows of layers, and the places and layers, all as of one record of the log.
pub(super) struct Aside {
    pub(super) through: u64,
    pub(super) forks: Forks,
    /// By layer, the lower first.
    pub(super) rows: Vec<(u64, Tree)>,
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
        type Read = Option<(u64, u64, Option<Forks>)>;
        let read = || -> Result<Read, redb::Error> {
            let transaction = self.database.begin_read()?;
            let numbers = match transaction.open_table(NUMBERS) {
                Ok(numbers) => numbers,
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let number = |name| Ok::<_, redb::Error>(ReadableTable::get(&numbers, name)?.map_or(0, |n| n.value()));
            let forks = match transaction.open_table(FORKS) {
                Ok(forks) => ReadableTable::get(&forks, ALL)?.map(|bytes| Forks::decode(bytes.value())),
                // The first release knew none.
                Err(redb::TableError::TableDoesNotExist(_)) => Some(Some(Forks::default())),
                Err(error) => return Err(error.into()),
            };
            Ok(Some((number(THROUGH)?, number(SALT)?, forks.flatten())))
        };
        if let Some((through, salt, forks)) = read().map_err(failed)? {
            let forks = forks.ok_or(StoreError::Corrupt("the folder's forks"))?;
            return Ok(Numbers { through, salt, forks });
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
            transaction.open_table(definition(FIRST))?;
            transaction.open_table(NUMBERS)?.insert(SALT, salt)?;
            Ok(())
        };
        write().map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(Numbers {
            through: 0,
            salt,
            forks: Forks::default(),
        })
    }

    /// Writes what was put aside over what was there, and removes the tables that no layer has any more.
    pub(super) fn apply(&self, aside: &Aside) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        let write = || -> Result<(), redb::Error> {
            for (layer, rows) in &aside.rows {
                let mut writing = Writing::open(&transaction, &aside.forks, *layer)?;
                let mut outcome = Ok(());
                rows.scan(Bound::Unbounded, Bound::Unbounded, false, &mut |row: &Row| {
                    let (key, value) = row.split();
                    outcome = writing.set(key, (!row.is_gone()).then_some(value));
                    if outcome.is_ok() {
                        ControlFlow::Continue(())
                    } else {
                        ControlFlow::Break(())
                    }
                });
                outcome?;
            }
            transaction.open_table(NUMBERS)?.insert(THROUGH, aside.through)?;
            transaction
                .open_table(FORKS)?
                .insert(ALL, aside.forks.encode().as_slice())?;
            let used: Vec<String> = aside
                .forks
                .layers
                .values()
                .map(|link| Name(link.table).text())
                .collect();
            let tables: Vec<_> = transaction.list_tables()?.collect();
            for table in tables {
                let is_rows = table.name().starts_with(FIRST);
                if is_rows && !used.iter().any(|name| name == table.name()) {
                    transaction.delete_table(table)?;
                }
            }
            Ok(())
        };
        write().map_err(failed)?;
        transaction.commit().map_err(failed)
    }

    /// Moves rows of a layer, no more than some, to its parent, which nobody else sees; `true` once none are left.
    pub(super) fn move_down(&self, forks: &Forks, layer: u64, rows_most: usize) -> Result<bool, StoreError> {
        let Some((link, parent)) = forks.layers.get(&layer).and_then(|link| Some((link, link.parent?))) else {
            return Ok(false);
        };
        let transaction = self.begin()?;
        let write = || -> Result<bool, redb::Error> {
            let name = Name(link.table);
            let text = name.text();
            let mut from = transaction.open_table(definition(&text))?;
            let mut to = Writing::open(&transaction, forks, parent)?;
            let mut bytes = 0;
            for _ in 0..rows_most {
                let Some((key, stored)) = from.pop_first()? else {
                    return Ok(true);
                };
                to.set(key.value(), name.value(stored.value()))?;
                bytes += stored.value().len();
                if bytes > MOVED_BYTES_MOST {
                    break;
                }
            }
            Ok(from.is_empty()?)
        };
        let is_done = write().map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(is_done)
    }

    /// Gives the pages free that only snapshots needed which are gone now. Else the next commit would not find them yet,
    /// and the file would grow.
    pub(super) fn give_free(&self) -> Result<(), StoreError> {
        self.begin()?.commit().map_err(failed)
    }

    /// What the base holds of each layer, all as of one moment.
    pub(super) fn snapshots(&self, forks: &Forks) -> Result<BTreeMap<u64, Under>, StoreError> {
        let transaction = self.database.begin_read().map_err(failed)?;
        let mut all = BTreeMap::new();
        for (layer, link) in &forks.layers {
            let name = Name(link.table);
            let rows = match transaction.open_table(definition(&name.text())) {
                Ok(rows) => rows,
                Err(redb::TableError::TableDoesNotExist(_)) => continue,
                Err(error) => return Err(failed(error)),
            };
            if !ReadableTableMetadata::is_empty(&rows).map_err(failed)? {
                all.insert(*layer, Under::Rows(Arc::new(Snapshot { name, rows })));
            }
        }
        Ok(all)
    }
}

type Table<'t> = redb::Table<'t, &'static [u8], &'static [u8]>;

/// A layer's table, and those of the layers below, in a transaction.
struct Writing<'t> {
    name: Name,
    table: Table<'t>,
    below: Vec<(Name, Table<'t>)>,
    scratch: Vec<u8>,
}

impl<'t> Writing<'t> {
    fn open(transaction: &'t WriteTransaction, forks: &Forks, layer: u64) -> Result<Writing<'t>, redb::Error> {
        let link = |layer: &u64| forks.layers.get(layer);
        let names = std::iter::successors(link(&layer), |above| above.parent.as_ref().and_then(link));
        let mut tables = Vec::new();
        for name in names.map(|link| Name(link.table)) {
            tables.push((name, transaction.open_table(definition(&name.text()))?));
        }
        if tables.is_empty() {
            return Err(redb::Error::Corrupted("a layer is missing".into()));
        }
        let (name, table) = tables.remove(0);
        Ok(Writing {
            name,
            table,
            below: tables,
            scratch: Vec::new(),
        })
    }

    /// Puts a row, or sees to it that there is none with that key.
    fn set(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), redb::Error> {
        match value {
            Some(value) if self.name.has_marks() => {
                self.scratch.clear();
                self.scratch.push(ROW);
                self.scratch.extend_from_slice(value);
                self.table.insert(key, self.scratch.as_slice())?;
            }
            Some(value) => drop(self.table.insert(key, value)?),
            None if self.has_below(key)? => drop(self.table.insert(key, &[GONE][..])?),
            None => drop(self.table.remove(key)?),
        }
        Ok(())
    }

    fn has_below(&self, key: &[u8]) -> Result<bool, redb::Error> {
        for (name, table) in &self.below {
            if let Some(stored) = table.get(key)? {
                return Ok(name.value(stored.value()).is_some());
            }
        }
        Ok(false)
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
