//! What an update makes of an item. All operands are read from the item as it was before.

use super::path::get_mut;
use super::projection::project;
use crate::expression::function::Function;
use crate::expression::syntax::{Action, Operand, Path, PathElement, SetValue, Update};
use crate::{AttributeValue, Invalid, Item, Number};

const BAD_PATH: &str = "The document path provided in the update expression is invalid for update";
const BAD_OPERAND: &str = "An operand in the update expression has an incorrect data type";
const LEGACY_BAD_OPERAND: &str = "Type mismatch for attribute to update";
const MISSING: &str = "The provided expression refers to an attribute that does not exist in the item";

/// The outcome of an update.
#[derive(Clone, Debug, PartialEq)]
pub struct Updated {
    /// The whole item as it is now.
    pub item: Item,
    /// For `UPDATED_OLD`: what the update's paths led to before.
    pub old: Item,
    /// For `UPDATED_NEW`: what they lead to now.
    pub new: Item,
}

impl Update {
    /// Whether it takes away and does nothing else: such an update makes no item where there was none.
    pub fn only_takes_away(&self) -> bool {
        let takes_away = |action: &Action| matches!(action, Action::Remove | Action::Delete(_));
        !self.actions.is_empty() && self.actions.iter().all(|(_, action)| takes_away(action))
    }

    /// Fails where the update would change one of the table's key attributes.
    pub fn check_keys<'k>(&self, keys: impl IntoIterator<Item = &'k str>) -> Result<(), Invalid> {
        let mut keys = keys.into_iter();
        match keys.find(|key| self.targets().any(|path| path.attribute() == *key)) {
            None => Ok(()),
            Some(key) => Err(Invalid::parameter(format!(
                "Cannot update attribute {key}. This attribute is part of the key"
            ))),
        }
    }

    /// Applies it to the item, or to one that has only `key` where there was none. The result's size and nesting are
    /// for the caller to check.
    pub fn apply(&self, before: Option<&Item>, key: &Item) -> Result<Updated, Invalid> {
        self.apply_to(before, key).map_err(|error| {
            if self.legacy && error.0 == BAD_OPERAND {
                Invalid::new(LEGACY_BAD_OPERAND)
            } else {
                error
            }
        })
    }

    fn apply_to(&self, before: Option<&Item>, key: &Item) -> Result<Updated, Invalid> {
        let old = before.unwrap_or(key);
        let mut item = old.clone();
        let mut stores: Vec<(&Path, AttributeValue)> = Vec::new();
        let mut removals: Vec<&Path> = Vec::new();
        for (path, action) in &self.actions {
            match action {
                Action::Set(value) => stores.push((path, set_value(value, old)?)),
                Action::Add(value) => stores.push((path, added(path.get(old), value)?)),
                Action::Remove => removals.push(path),
                Action::Delete(value) => match deleted(path.get(old), value)? {
                    Deleted::Nothing => {}
                    Deleted::Some(left) => stores.push((path, left)),
                    Deleted::All => removals.push(path),
                },
            }
        }
        // Elements beyond a list's end are appended in the order of their places.
        stores.sort_by_key(|(path, _)| *path);
        for (path, value) in stores {
            store(&mut item, path, value)?;
        }
        // From the end, so that no removal moves what another one names.
        removals.sort_by(|a, b| b.cmp(a));
        for path in removals {
            // AWS ignores these where there was no item at all.
            if remove(&mut item, path).is_none() && before.is_some() {
                return Err(Invalid::new(BAD_PATH));
            }
        }
        Ok(Updated {
            old: before.map_or_else(Item::new, |before| project(self.targets(), before)),
            // The paths as they stand, also where elements have moved: what followed a removed one, nothing for one
            // that was appended.
            new: project(self.targets(), &item),
            item,
        })
    }
}

fn set_value(value: &SetValue, old: &Item) -> Result<AttributeValue, Invalid> {
    match value {
        SetValue::Operand(operand) => operand_value(operand, old),
        SetValue::Plus(left, right) => Ok(AttributeValue::N(number(left, old)?.add(&number(right, old)?)?)),
        SetValue::Minus(left, right) => Ok(AttributeValue::N(number(left, old)?.subtract(&number(right, old)?)?)),
    }
}

fn number(operand: &Operand, old: &Item) -> Result<Number, Invalid> {
    match operand_value(operand, old)? {
        AttributeValue::N(number) => Ok(number),
        _ => Err(Invalid::new(BAD_OPERAND)),
    }
}

fn operand_value(operand: &Operand, old: &Item) -> Result<AttributeValue, Invalid> {
    match operand {
        Operand::Value(value) => Ok(value.clone()),
        Operand::Path(path) => path.get(old).cloned().ok_or_else(|| Invalid::new(MISSING)),
        Operand::Call(function, operands) => match (function, operands.as_slice()) {
            (Function::IfNotExists, [Operand::Path(path), otherwise]) => match path.get(old) {
                Some(value) => Ok(value.clone()),
                None => operand_value(otherwise, old),
            },
            (Function::ListAppend, [first, second]) => {
                let (first, second) = (operand_value(first, old)?, operand_value(second, old)?);
                match (first, second) {
                    (AttributeValue::L(mut list), AttributeValue::L(more)) => {
                        list.extend(more);
                        Ok(AttributeValue::L(list))
                    }
                    _ => Err(Invalid::new(BAD_OPERAND)),
                }
            }
            _ => Err(Invalid::new(BAD_OPERAND)),
        },
    }
}

fn added(old: Option<&AttributeValue>, value: &AttributeValue) -> Result<AttributeValue, Invalid> {
    fn union<T: Clone + PartialEq>(old: &[T], new: &[T]) -> Vec<T> {
        let fresh = new.iter().filter(|member| !old.contains(member));
        old.iter().chain(fresh).cloned().collect()
    }
    let Some(old) = old else { return Ok(value.clone()) };
    match (old, value) {
        (AttributeValue::N(old), AttributeValue::N(value)) => Ok(AttributeValue::N(old.add(value)?)),
        (AttributeValue::Ss(old), AttributeValue::Ss(new)) => Ok(AttributeValue::Ss(union(old, new))),
        (AttributeValue::Ns(old), AttributeValue::Ns(new)) => Ok(AttributeValue::Ns(union(old, new))),
        (AttributeValue::Bs(old), AttributeValue::Bs(new)) => Ok(AttributeValue::Bs(union(old, new))),
        // Only `AttributeUpdates` come here with lists.
        (AttributeValue::L(old), AttributeValue::L(new)) => {
            Ok(AttributeValue::L(old.iter().chain(new).cloned().collect()))
        }
        _ => Err(Invalid::new(BAD_OPERAND)),
    }
}

enum Deleted {
    Nothing,
    Some(AttributeValue),
    All,
}

fn deleted(old: Option<&AttributeValue>, value: &AttributeValue) -> Result<Deleted, Invalid> {
    fn left<T: Clone + PartialEq>(old: &[T], gone: &[T]) -> Vec<T> {
        old.iter().filter(|member| !gone.contains(member)).cloned().collect()
    }
    let Some(old) = old else { return Ok(Deleted::Nothing) };
    let (left, empty) = match (old, value) {
        (AttributeValue::Ss(old), AttributeValue::Ss(gone)) => {
            let left = left(old, gone);
            let empty = left.is_empty();
            (AttributeValue::Ss(left), empty)
        }
        (AttributeValue::Ns(old), AttributeValue::Ns(gone)) => {
            let left = left(old, gone);
            let empty = left.is_empty();
            (AttributeValue::Ns(left), empty)
        }
        (AttributeValue::Bs(old), AttributeValue::Bs(gone)) => {
            let left = left(old, gone);
            let empty = left.is_empty();
            (AttributeValue::Bs(left), empty)
        }
        _ => return Err(Invalid::new(BAD_OPERAND)),
    };
    Ok(if empty { Deleted::All } else { Deleted::Some(left) })
}

/// All but the last step must be there.
fn store(item: &mut Item, path: &Path, value: AttributeValue) -> Result<(), Invalid> {
    match path.elements() {
        [PathElement::Name(name)] => {
            item.insert(name.clone(), value);
            Ok(())
        }
        [above @ .., last] => match (get_mut(item, above), last) {
            (Some(AttributeValue::M(map)), PathElement::Name(name)) => {
                map.insert(name.clone(), value);
                Ok(())
            }
            (Some(AttributeValue::L(list)), PathElement::Index(index)) => {
                match list.get_mut(*index) {
                    Some(place) => *place = value,
                    None => list.push(value),
                }
                Ok(())
            }
            _ => Err(Invalid::new(BAD_PATH)),
        },
        [] => Err(Invalid::new(BAD_PATH)),
    }
}

/// Nothing where the path leads through what is not there. That its last step is not there is no error.
fn remove(item: &mut Item, path: &Path) -> Option<()> {
    match path.elements() {
        [PathElement::Name(name)] => {
            item.remove(name);
            Some(())
        }
        [above @ .., last] => match (get_mut(item, above)?, last) {
            (AttributeValue::M(map), PathElement::Name(name)) => {
                map.remove(name);
                Some(())
            }
            (AttributeValue::L(list), PathElement::Index(index)) => {
                if *index < list.len() {
                    list.remove(*index);
                }
                Some(())
            }
            _ => None,
        },
        [] => None,
    }
}
