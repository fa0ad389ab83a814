//! Finding what a path leads to.

use crate::expression::syntax::{Path, PathElement};
use crate::{AttributeValue, Item};

impl Path {
    /// The value that the path leads to, if the item has it.
    pub fn get<'i>(&self, item: &'i Item) -> Option<&'i AttributeValue> {
        let mut elements = self.elements().iter();
        let mut value = item.get(match elements.next()? {
            PathElement::Name(name) => name,
            PathElement::Index(_) => return None,
        })?;
        for element in elements {
            value = match (element, value) {
                (PathElement::Name(name), AttributeValue::M(map)) => map.get(name)?,
                (PathElement::Index(index), AttributeValue::L(list)) => list.get(*index)?,
                _ => return None,
            };
        }
        Some(value)
    }
}

/// The value that some steps lead to from an item, for changing.
pub(super) fn get_mut<'i>(item: &'i mut Item, elements: &[PathElement]) -> Option<&'i mut AttributeValue> {
    let (first, rest) = elements.split_first()?;
    let mut value = item.get_mut(match first {
        PathElement::Name(name) => name,
        PathElement::Index(_) => return None,
    })?;
    for element in rest {
        value = match (element, value) {
            (PathElement::Name(name), AttributeValue::M(map)) => map.get_mut(name)?,
            (PathElement::Index(index), AttributeValue::L(list)) => list.get_mut(*index)?,
            _ => return None,
        };
    }
    Some(value)
}
