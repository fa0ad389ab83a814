//! DynamoDB's own language, as pure functions: numbers of 38 digits, attribute values with their sizes, PartiQL, and the five
//! kinds of expression with AWS's errors.
//!
//! The way of a request: [`Placeholders::new`] checks the names and values that came with it; `parse_*` turns each
//! expression into a tree; [`Placeholders::finish`] complains of what none of them used; then the trees are evaluated
//! on items: [`Condition::matches`], [`Projection::apply`], [`Update::apply`], [`Condition::key_condition`].

pub mod attribute;
mod error;
mod evaluate;
pub mod expression;
pub mod legacy;
pub mod number;
pub mod partiql;
pub mod stored;

pub use attribute::{AttributeValue, Item, KeyError, KeyRole, Kind};
pub use error::Invalid;
pub use evaluate::key_condition::{KeyCondition, KeyElement, SortCondition};
pub use evaluate::update::Updated;
pub use expression::names::Placeholders;
pub use expression::parse::parse_condition;
pub use expression::parse_paths::parse_projection;
pub use expression::parse_update::parse_update;
pub use expression::syntax::{Condition, ExpressionKind, Path, PathElement, Projection, Update};
pub use number::Number;

#[cfg(test)]
mod tests;
