//! The parts of an item that a projection names, in the shape that they have in it.

use crate::expression::syntax::{Path, PathElement, Projection};
use crate::{AttributeValue, Item};
use std::collections::BTreeMap;

impl Projection {
    /// What the item has of it. Elements of a list close up, in the list's order.
    pub fn apply(&self, item: &Item) -> Item {
        project(self.paths.iter(), item)
    }
}

/// The paths as a tree; a step without further ones takes all.
#[derive(Default)]
struct Tree<'p>(BTreeMap<&'p PathElement, Tree<'p>>);

pub(super) fn project<'p>(paths: impl Iterator<Item = &'p Path>, item: &Item) -> Item {
    let mut tree = Tree::default();
    for path in paths {
        let mut at = &mut tree;
        for element in path.elements() {
            at = at.0.entry(element).or_default();
        }
    }
    members(&tree, item)
}

fn members(tree: &Tree<'_>, map: &Item) -> Item {
    let found = tree.0.iter().filter_map(|(element, inner)| match element {
        PathElement::Name(name) => Some((name.clone(), take(inner, map.get(name)?)?)),
        PathElement::Index(_) => None,
    });
    found.collect()
}

fn take(tree: &Tree<'_>, value: &AttributeValue) -> Option<AttributeValue> {
    if tree.0.is_empty() {
        return Some(value.clone());
    }
    match value {
        AttributeValue::M(map) => Some(members(tree, map))
            .filter(|map| !map.is_empty())
            .map(AttributeValue::M),
        AttributeValue::L(list) => {
            let found = tree.0.iter().filter_map(|(element, inner)| match element {
                PathElement::Index(index) => take(inner, list.get(*index)?),
                PathElement::Name(_) => None,
            });
            Some(found.collect::<Vec<_>>())
                .filter(|list| !list.is_empty())
                .map(AttributeValue::L)
        }
        _ => None,
    }
}
