//! The engines, each behind the few calls that Virga needs.

use std::path::Path;

pub type Failure = Box<dyn std::error::Error>;
/// Rows to put, or to remove where there is no value.
pub type Batch = Vec<(Vec<u8>, Option<Vec<u8>>)>;

pub trait Engine {
    /// Writes a batch whole, and answers once it will survive a power cut.
    fn commit(&self, batch: &Batch) -> Result<(), Failure>;
    /// The same for batches that could each come alone, whatever way is best.
    fn commit_each(&self, batches: Vec<Batch>) -> Result<(), Failure> {
        self.commit(&batches.into_iter().flatten().collect())
    }
    /// The length of a value.
    fn get(&self, key: &[u8]) -> Result<Option<usize>, Failure>;
    /// The keys of the first rows from `from` on.
    fn scan(&self, from: &[u8], rows: usize) -> Result<Vec<Vec<u8>>, Failure>;
}

pub const NAMES: &[&str] = &[
    #[cfg(feature = "virga")]
    "virga",
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
        #[cfg(feature = "virga")]
        "virga" => Ok(Box::new(with_virga::open(folder)?)),
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

/// Virga's own disk engine: a log before redb's file.
#[cfg(feature = "virga")]
mod with_virga {
    use super::{Batch, Engine, Failure};
    use std::ops::{Bound, ControlFlow};
    use std::path::Path;
    use virga_store::{Decision, DiskEngine, Durable, Engine as _, StoreError};

    pub struct Virga {
        engine: DiskEngine,
        runtime: tokio::runtime::Runtime,
    }

    pub fn open(folder: &Path) -> Result<Virga, Failure> {
        Ok(Virga {
            engine: DiskEngine::open(folder)?,
            runtime: tokio::runtime::Builder::new_current_thread().build()?,
        })
    }

    impl Virga {
        fn begin(&self, batch: &Batch) -> Result<Durable, StoreError> {
            self.engine.write(&mut |tx| {
                let all = batch.iter().try_for_each(|(key, value)| match value {
                    Some(value) => tx.put(key, value),
                    None => tx.delete(key),
                });
                all.map_or(Decision::Abort, |()| Decision::Commit)
            })
        }

        fn wait(&self, durable: Durable) -> Result<(), Failure> {
            Ok(durable.map_or(Ok(()), |durable| self.runtime.block_on(durable))?)
        }
    }

    impl Engine for Virga {
        fn commit(&self, batch: &Batch) -> Result<(), Failure> {
            self.wait(self.begin(batch)?)
        }

        fn commit_each(&self, batches: Vec<Batch>) -> Result<(), Failure> {
            let waits: Result<Vec<_>, _> = batches.iter().map(|batch| self.begin(batch)).collect();
            waits?.into_iter().try_for_each(|durable| self.wait(durable))
        }

        fn get(&self, key: &[u8]) -> Result<Option<usize>, Failure> {
            let (mut length, mut outcome) = (None, Ok(()));
            self.engine
                .read(&mut |tx| outcome = tx.get(key, &mut |value| length = Some(value.len())))?;
            outcome?;
            Ok(length)
        }

        fn scan(&self, from: &[u8], count: usize) -> Result<Vec<Vec<u8>>, Failure> {
            let (mut keys, mut outcome) = (Vec::with_capacity(count), Ok(()));
            self.engine.read(&mut |tx| {
                outcome = tx.scan(Bound::Included(from), Bound::Unbounded, false, &mut |key, _| {
                    keys.push(key.to_vec());
                    if keys.len() == count {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                });
            })?;
            outcome?;
            Ok(keys)
        }
    }
}
