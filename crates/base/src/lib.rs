//! Words that every crate of Virga shares.
//!
//! Nothing here knows HTTP, a protocol or a store. Only this crate reads the wall clock or draws random numbers; all
//! others are handed a [`Clock`] and [`Ids`], so that the same seed and the same calls give the same bytes.

mod arn;
mod bell;
mod clock;
mod error;
mod hash;
mod hex;
mod ids;
pub mod limits;
mod marks;
mod place;
mod time;

pub use arn::{Arn, ArnError};
pub use bell::{Bell, BellCord};
pub use clock::{Clock, ClockMode, ClockState};
pub use error::{AwsError, Fault};
pub use hash::{NameHasher, NameMap, fnv1a};
pub use hex::hex;
pub use ids::{Id, Ids};
pub use marks::Marks;
pub use place::{Account, Partition, PlaceError, Region};
pub use time::Timestamp;
