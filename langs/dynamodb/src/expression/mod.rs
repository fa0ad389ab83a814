//! The expressions: one scanner, one set of operands and paths, and a parser for each of the three grammars.

pub(crate) mod check;
pub(crate) mod function;
pub mod names;
pub mod parse;
pub mod parse_paths;
pub mod parse_update;
pub mod reserved;
pub mod syntax;
pub(crate) mod token;
