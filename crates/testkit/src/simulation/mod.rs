//! Simulation: many futures on one thread, in an order, over a store, and with faults that are all decided by one seed.
//!
//! Nothing here waits for real time and nothing runs beside. What happens is a function of the seed; a failure that names
//! its seed can be seen again.

mod engine;
mod executor;
mod random;

pub use engine::{Ending, Event, Faults, Misdeed, Plan};
pub use executor::Executor;
pub use random::Random;
