//! Key and value in one allocation.

use super::slots::Keyed;
use crate::StoreError;
use std::sync::Arc;

/// The longest key in bytes.
const KEY_LONGEST: u16 = GONE - 2;
/// Set in the length of a key whose row has been removed.
const GONE: u16 = 1 << 15;

/// Two bytes of key length, the key, the value. A clone shares them.
///
/// In a tree that lies over other rows, a row can also say that there is none with its key.
#[derive(Clone, Debug)]
pub(crate) struct Row(Arc<[u8]>);

impl Row {
    /// `scratch` is room to put the row together in; what it holds is lost.
    pub(crate) fn new(key: &[u8], value: &[u8], scratch: &mut Vec<u8>) -> Result<Row, StoreError> {
        Ok(Row::of(key_length(key)?, key, value, scratch))
    }

    /// The mark of a row that has been removed.
    pub(crate) fn gone(key: &[u8], scratch: &mut Vec<u8>) -> Result<Row, StoreError> {
        Ok(Row::of(key_length(key)? | GONE, key, &[], scratch))
    }

    fn of(length: u16, key: &[u8], value: &[u8], scratch: &mut Vec<u8>) -> Row {
        scratch.clear();
        scratch.extend_from_slice(&length.to_le_bytes());
        scratch.extend_from_slice(key);
        scratch.extend_from_slice(value);
        Row(scratch.as_slice().into())
    }

    fn length(&self) -> u16 {
        u16::from_le_bytes([self.0[0], self.0[1]])
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.length() & GONE != 0
    }

    pub(crate) fn split(&self) -> (&[u8], &[u8]) {
        self.0[2..].split_at(usize::from(self.length() & !GONE))
    }

    pub(crate) fn key(&self) -> &[u8] {
        self.split().0
    }

    pub(crate) fn value(&self) -> &[u8] {
        self.split().1
    }

    /// Some byte of the row, for fetching it into the cache ahead of its use.
    pub(super) fn touch(&self) -> u8 {
        self.0[0]
    }
}

fn key_length(key: &[u8]) -> Result<u16, StoreError> {
    u16::try_from(key.len())
        .ok()
        .filter(|length| *length <= KEY_LONGEST)
        .ok_or_else(|| StoreError::Engine(format!("a key is longer than {KEY_LONGEST} bytes")))
}

impl Keyed for Row {
    fn key(&self) -> &[u8] {
        self.split().0
    }

    fn touch_for_clone(&self) {
        std::hint::black_box(Arc::strong_count(&self.0));
    }
}
