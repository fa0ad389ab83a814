//! Key and value in one allocation.

use super::slots::Keyed;
use crate::StoreError;
use std::sync::Arc;

/// The longest key in bytes.
const KEY_LONGEST: usize = u16::MAX as usize;

/// Two bytes of key length, the key, the value. A clone shares them.
#[derive(Clone, Debug)]
pub(crate) struct Row(Arc<[u8]>);

impl Row {
    /// `scratch` is room to put the row together in; what it holds is lost.
    pub(crate) fn new(key: &[u8], value: &[u8], scratch: &mut Vec<u8>) -> Result<Row, StoreError> {
        let length = u16::try_from(key.len())
            .map_err(|_| StoreError::Engine(format!("a key is longer than {KEY_LONGEST} bytes")))?;
        scratch.clear();
        scratch.extend_from_slice(&length.to_le_bytes());
        scratch.extend_from_slice(key);
        scratch.extend_from_slice(value);
        Ok(Row(scratch.as_slice().into()))
    }

    pub(crate) fn split(&self) -> (&[u8], &[u8]) {
        let length = usize::from(u16::from_le_bytes([self.0[0], self.0[1]]));
        self.0[2..].split_at(length)
    }

    pub(crate) fn value(&self) -> &[u8] {
        self.split().1
    }

    /// Some byte of the row, for fetching it into the cache ahead of its use.
    pub(super) fn touch(&self) -> u8 {
        self.0[0]
    }
}

impl Keyed for Row {
    fn key(&self) -> &[u8] {
        self.split().0
    }

    fn touch_for_clone(&self) {
        std::hint::black_box(Arc::strong_count(&self.0));
    }
}
