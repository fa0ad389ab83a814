//! All that a service's author imports.
//!
//! A service is a value: a name, its operations, and its other faces. An operation is an async function from a [`Ctx`]
//! and its typed input to its typed output; it reads and writes state only through the context. Services meet only at
//! the call door ([`Ctx::call`]) and the [`outbox`].

mod caller;
mod checked;
mod claims;
mod cloud;
mod conductor;
mod ctx;
mod front;
mod operation;
pub mod outbox;
mod record;
mod scheduler;
mod service;
mod snapshot;
mod time;
mod worlds;

pub use caller::{Caller, Credential, Principal};
pub use checked::Checked;
pub use cloud::{Call, Cloud, CloudOptions};
pub use ctx::{Ctx, Head, Request};
pub use front::{CrossOrigin, CrossOriginHandler, Question, Served, ServedHandler, ServedWanted, Site, SiteHandler};
pub use operation::{Answer, Body, BoxFuture, Handler, Operation};
pub use record::{CallRecord, Carried, Exchange, Observer, Who};
pub use scheduler::{SETTLE_MAX_STEPS, SettleError};
pub use service::{DueHandler, Fidelity, FindCredential, Registered, Service, Setting, Validation};
pub use snapshot::{Load, Loaded, SnapshotError, What};
pub use worlds::{Fork, MAIN, Origin, UnknownWorld, WorldError, Worlds, is_reserved};

/// What services need of the crates below, so that they name one crate.
pub use virga_base::{Account, Arn, AwsError, Region, Timestamp};
pub use virga_blob as blob;
pub use virga_shape::{StructValue, Unit, Value};
pub use virga_store::schedule::{DueId, DueRow};
pub use virga_store::{Owned, Place, ReadTx, Side, StoreError, Table, TableInfo, Tx, Watch, differences, record};
