//! Sizes by the developer guide's "DynamoDB item sizes and formats".

use super::{AttributeValue, Item};

/// The greatest size of an item.
pub const ITEM_SIZE_MAX_BYTES: usize = 400 * 1024;
/// How deep values may lie in one another, what is in the innermost list or map counted too.
pub const NESTING_MAX: usize = 32;
/// The greatest length of an attribute's name, outside of keys.
const NAME_MAX_BYTES: usize = 65_535;
/// What a list or a map costs, whatever is in it.
const DOCUMENT_BYTES: usize = 3;
/// What each element of a list or a map costs beside itself.
const ELEMENT_BYTES: usize = 1;

/// What an item counts for: names and values.
pub fn item_size_bytes(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value.size_bytes()).sum()
}

/// Whether an attribute's name is longer than AWS allows.
pub fn name_is_too_long(name: &str) -> bool {
    name.len() > NAME_MAX_BYTES
}

impl AttributeValue {
    /// What the value counts for in its item, without its name.
    pub fn size_bytes(&self) -> usize {
        match self {
            AttributeValue::S(text) => text.len(),
            AttributeValue::N(number) => number.size_bytes(),
            AttributeValue::B(bytes) => bytes.len(),
            AttributeValue::Ss(set) => set.iter().map(String::len).sum(),
            AttributeValue::Ns(set) => set.iter().map(crate::Number::size_bytes).sum(),
            AttributeValue::Bs(set) => set.iter().map(Vec::len).sum(),
            AttributeValue::Bool(_) | AttributeValue::Null => 1,
            AttributeValue::L(list) => {
                DOCUMENT_BYTES
                    + list
                        .iter()
                        .map(|value| value.size_bytes() + ELEMENT_BYTES)
                        .sum::<usize>()
            }
            AttributeValue::M(map) => DOCUMENT_BYTES + item_size_bytes(map) + ELEMENT_BYTES * map.len(),
        }
    }

    /// How many lists and maps lie in one another, counting this one.
    pub fn depth(&self) -> usize {
        match self {
            AttributeValue::L(list) => 1 + list.iter().map(AttributeValue::depth).max().unwrap_or(0),
            AttributeValue::M(map) => 1 + map.values().map(AttributeValue::depth).max().unwrap_or(0),
            _ => 0,
        }
    }
}
