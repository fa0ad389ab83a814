//! State. Everything that Virga remembers is a row here: an ordered, transactional map from bytes to bytes.
//!
//! A service declares [`Table`]s, each a stable number, a key made of parts and a [`Record`]; it reads and writes them
//! inside [`Store::read`] and [`Store::write`]. A transaction is a plain synchronous function that may be run again, so
//! it must have no effect but on its [`Tx`]. Deferred work is a row too, see [`schedule`].
//!
//! Rows are held by an [`Engine`]: [`MemoryEngine`], a persistent tree whose forks cost nothing, or [`DiskEngine`], which
//! answers once a commit is safe in its folder. All engines pass [`contract`].
//!
//! Keys are, in order: account, region, table, the table's own parts, in an escape that keeps the order of the parts.
//! Only this crate and each service's `state.rs` make them.

pub mod contract;
mod difference;
mod disk;
mod engine;
mod key;
mod luggage;
mod memory;
mod moving;
pub mod schedule;
mod store;
mod table;
mod tree;
mod tx;

pub use difference::{Side, differences};
pub use disk::{DiskEngine, DiskLimits};
pub use engine::{Decision, Durable, Engine, EngineFigures, Kept, Reader, StoreError, Visit, Waiters, Writer};
pub use key::{Key, KeyPart, Place};
pub use luggage::{Luggage, luggage};
pub use memory::MemoryEngine;
pub use moving::{EachRow, Frozen, Incoming};
pub use store::{Clearer, Store, TABLES, Watch};
pub use table::{Owned, Record, Table, TableInfo, decode_record, encode_record};
pub use tx::{Effects, ReadTx, Scan, Topics, Tx};
