//! The engines, each behind the few calls that Virga needs.

use std::path::Path;

pub type Failure = Box<dyn std::error::Error>;
/// Rows to put, or to remove where there is no value.
pub type Batch = Vec<(Vec<u8>, Option<Vec<u8>>)>;

pub trait Engine {
    /// Writes a batch whole, and answers once it will survive a power cut.
    fn commit(&self, batch: &Batch) -> Result<(), Failure>;
    /// The length of a value.
    fn get(&self, key: &[u8]) -> Result<Option<usize>, Failure>;
    /// The keys of the first rows from `from` on.
    fn scan(&self, from: &[u8], rows: usize) -> Result<Vec<Vec<u8>>, Failure>;
}

pub const NAMES: &[&str] = &[
    #[cfg(feature = "redb")]
    "redb",
    #[cfg(feature = "redb")]
    "redb-quick",
    #[cfg(feature = "fjall")]
    "fjall",
];

pub fn open(name: &str, folder: &Path) -> Result<Box<dyn Engine>, Failure> {
    std::fs::create_dir_all(folder)?;
    match name {
        #[cfg(feature = "redb")]
        "redb" | "redb-quick" => Ok(Box::new(with_redb::open(folder, name == "redb-quick")?)),
        #[cfg(feature = "fjall")]
        "fjall" => Ok(Box::new(with_fjall::open(folder)?)),
        _ => Err(format!("no engine {name}").into()),
    }
}

/// What all engines may keep in memory.
const CACHE_BYTES: usize = 256 << 20;

#[cfg(feature = "redb")]
mod with_redb {
    use super::{Batch, CACHE_BYTES, Engine, Failure};
    use redb::{Database, ReadableDatabase, TableDefinition};
    use std::path::Path;

    const ROWS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("rows");

    pub struct Redb {
        database: Database,
        /// Saves at each commit what makes opening after a crash quick.
        quick: bool,
    }

    pub fn open(folder: &Path, quick: bool) -> Result<Redb, Failure> {
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create(folder.join("rows.redb"))?;
        let engine = Redb { database, quick };
        engine.commit(&Batch::new())?;
        Ok(engine)
    }

    impl Engine for Redb {
        fn commit(&self, batch: &Batch) -> Result<(), Failure> {
            let mut transaction = self.database.begin_write()?;
            transaction.set_quick_repair(self.quick);
            {
                let mut rows = transaction.open_table(ROWS)?;
                for (key, value) in batch {
                    match value {
                        Some(value) => drop(rows.insert(key.as_slice(), value.as_slice())?),
                        None => drop(rows.remove(key.as_slice())?),
                    }
                }
            }
            transaction.commit()?;
            Ok(())
        }

        fn get(&self, key: &[u8]) -> Result<Option<usize>, Failure> {
            let rows = self.database.begin_read()?.open_table(ROWS)?;
            Ok(redb::ReadableTable::get(&rows, key)?.map(|value| value.value().len()))
        }

        fn scan(&self, from: &[u8], count: usize) -> Result<Vec<Vec<u8>>, Failure> {
            let rows = self.database.begin_read()?.open_table(ROWS)?;
            redb::ReadableTable::range(&rows, from..)?
                .take(count)
                .map(|row| Ok(row?.0.value().to_vec()))
                .collect()
        }
    }
}

#[cfg(feature = "fjall")]
mod with_fjall {
    use super::{Batch, CACHE_BYTES, Engine, Failure};
    use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
    use std::path::Path;

    pub struct Fjall {
        database: Database,
        rows: Keyspace,
    }

    pub fn open(folder: &Path) -> Result<Fjall, Failure> {
        let database = Database::builder(folder).cache_size(CACHE_BYTES as u64).open()?;
        let rows = database.keyspace("rows", KeyspaceCreateOptions::default)?;
        Ok(Fjall { database, rows })
    }

    impl Engine for Fjall {
        fn commit(&self, batch: &Batch) -> Result<(), Failure> {
            let mut writes = self.database.batch().durability(Some(PersistMode::SyncData));
            for (key, value) in batch {
                match value {
                    Some(value) => writes.insert(&self.rows, key.as_slice(), value.as_slice()),
                    None => writes.remove(&self.rows, key.as_slice()),
                }
            }
            writes.commit()?;
            Ok(())
        }

        fn get(&self, key: &[u8]) -> Result<Option<usize>, Failure> {
            Ok(self.rows.get(key)?.map(|value| value.len()))
        }

        fn scan(&self, from: &[u8], count: usize) -> Result<Vec<Vec<u8>>, Failure> {
            self.rows
                .range(from..)
                .take(count)
                .map(|row| {
                    let (key, _) = row.into_inner()?;
                    Ok(key.to_vec())
                })
                .collect()
        }
    }
}
