//! Expressions on items.

mod condition;
pub mod key_condition;
mod path;
mod projection;
pub mod update;
