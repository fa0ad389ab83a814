//! Random histories of a cloud with faults, each decided by a seed, held against simple models.
//!
//! [`simulate`] plays many clients of SQS on one thread: their calls take turns at every await, the clock jumps, the store
//! meets conflicts, refuses writes, is slow to make them durable, and crashes. [`check`] replays what was answered on a
//! [`Model`]. [`rows`] does the same with the store alone. See `docs/determinism.md`.

mod call;
mod check;
mod history;
mod model;
pub mod rows;
pub mod seeds;
mod simulate;

pub use call::Call;
pub use check::{Violation, check};
pub use history::{Called, Epoch, Happened, Still};
pub use model::Model;
pub use simulate::{Conditions, Outcome, simulate};
