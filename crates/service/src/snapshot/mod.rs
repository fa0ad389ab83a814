//! Snapshots: a whole cloud, one world or one account, written to a stream and loaded from a file.
//!
//! Saving reads the rows of one moment beside whatever goes on. Loading checks the whole file first, brings its rows to
//! forks that nobody sees, and then has each world take its fork's rows in one step.

mod load;
mod objects;
mod save;
#[cfg(test)]
mod tests;

pub use load::{Load, Loaded};

use crate::WorldError;
use crate::worlds::state;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use virga_base::Account;
use virga_store::StoreError;

/// How the names of copies begin that are no worlds. No world is named so.
pub(crate) const ASIDE: &str = "-";

fn aside(what: &str) -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    format!("{ASIDE}{what}-{}", LAST.fetch_add(1, Ordering::Relaxed))
}

/// What is saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Cloud,
    World(String),
    Account(String, Account),
}

/// Why a snapshot is not saved or not loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    File(virga_snapshot::Error),
    World(WorldError),
    /// What would be replaced, in words.
    Occupied(String),
    /// The file is not of what was asked for.
    Unfit(String),
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotError::File(error) => error.fmt(f),
            SnapshotError::World(error) => error.fmt(f),
            SnapshotError::Occupied(what) => {
                write!(
                    f,
                    "{what} has resources already; load with replace to give them up for the snapshot's"
                )
            }
            SnapshotError::Unfit(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for SnapshotError {}

impl From<virga_snapshot::Error> for SnapshotError {
    fn from(error: virga_snapshot::Error) -> SnapshotError {
        SnapshotError::File(error)
    }
}

impl From<WorldError> for SnapshotError {
    fn from(error: WorldError) -> SnapshotError {
        SnapshotError::World(error)
    }
}

impl From<StoreError> for SnapshotError {
    fn from(error: StoreError) -> SnapshotError {
        SnapshotError::World(WorldError::Store(error))
    }
}

/// Whether a table of the world's tells of the world itself. A snapshot has that in words of its own.
fn is_of_world(table: u16) -> bool {
    table == state::CLOCK.number || table == state::ORIGIN.number
}
