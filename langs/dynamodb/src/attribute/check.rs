//! What makes a value invalid wherever it stands.

use super::{AttributeValue, Item, NESTING_MAX};
use crate::Invalid;

/// Checks an item's values, each with all that is in it.
pub fn check_item(item: &Item) -> Result<(), Invalid> {
    item.values().try_for_each(check_value)
}

/// Checks sets (not empty, no member twice) and nesting.
pub fn check_value(value: &AttributeValue) -> Result<(), Invalid> {
    check_at(value, 0)
}

fn check_at(value: &AttributeValue, above: usize) -> Result<(), Invalid> {
    match value {
        AttributeValue::Ss(set) if set.is_empty() => Err(Invalid::parameter("An string set  may not be empty")),
        AttributeValue::Ns(set) if set.is_empty() => Err(Invalid::parameter("An number set  may not be empty")),
        AttributeValue::Bs(set) if set.is_empty() => Err(Invalid::parameter("Binary sets should not be empty")),
        AttributeValue::Ss(set) if repeats(set) => Err(Invalid::parameter(format!(
            "Input collection [{}] contains duplicates.",
            set.join(", ")
        ))),
        AttributeValue::Ns(set) if repeats(set) => Err(Invalid::new("Input collection contains duplicates")),
        AttributeValue::Bs(set) if repeats(set) => {
            let shown: Vec<String> = set.iter().map(|bytes| base64(bytes)).collect();
            Err(Invalid::parameter(format!(
                "Input collection [{}]of type BS contains duplicates.",
                shown.join(", ")
            )))
        }
        AttributeValue::L(_) | AttributeValue::M(_) if above + 1 >= NESTING_MAX => Err(Invalid::new(
            "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported \
             limit",
        )),
        AttributeValue::L(list) => list.iter().try_for_each(|value| check_at(value, above + 1)),
        AttributeValue::M(map) => map.values().try_for_each(|value| check_at(value, above + 1)),
        _ => Ok(()),
    }
}

fn repeats<T: Ord>(set: &[T]) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    !set.iter().all(|member| seen.insert(member))
}

/// Standard base64 with its filling: errors show binary members so.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let word = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            if place > chunk.len() {
                text.push('=');
                continue;
            }
            let letter = (word >> (18 - 6 * place)) & 63;
            text.push(LETTERS.get(letter as usize).map_or('=', |byte| char::from(*byte)));
        }
    }
    text
}
