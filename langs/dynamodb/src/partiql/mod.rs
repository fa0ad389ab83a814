//! PartiQL as DynamoDB has it: one statement on one table, read into what the expressions are read into.
//!
//! [`parse_statement`] reads the text with its parameters; [`key_of`] and [`Select::plan`] say which items it is about,
//! given the keys of the table or the index.

mod keyword;
mod parse;
mod parse_condition;
mod parse_update;
mod parse_value;
mod plan;
mod statement;
mod token;

pub use parse::parse_statement;
pub use plan::{KeyAndCondition, ReadPlan, absent, key_of};
pub use statement::{Delete, Insert, Order, Returning, Select, Selected, Statement, UpdateStatement};

/// The opening of what is said of a statement that cannot be read.
const NOT_WELL_FORMED: &str = "Statement wasn't well formed, can't be processed: ";
