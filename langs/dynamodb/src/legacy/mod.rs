//! The parameters that came before expressions, compiled to what the expressions compile to.
//!
//! A service gives the parameters as they came, each value checked by itself; what AWS says of them comes back.

mod condition;
mod keys;
mod mixing;
mod update;

pub use condition::{LegacyCondition, parse_expected, parse_filter};
pub use keys::LegacyKeyConditions;
pub use mixing::{check_conditional_operator, check_filter_keys, check_mixing};
pub use update::{AttributeUpdate, UpdateAction, parse_attribute_updates, parse_attributes_to_get};

use crate::expression::syntax::{Path, PathElement};

/// How several conditions are joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConditionalOperator {
    #[default]
    And,
    Or,
}

/// Names here are whole names: a dot in one leads nowhere.
fn attribute_path(name: &str) -> Path {
    Path(vec![PathElement::Name(name.to_owned())])
}
