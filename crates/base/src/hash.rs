//! A quick hash for names that the program itself knows: no client can choose them so that they meet.

use std::hash::{BuildHasherDefault, Hasher};

/// A map by names that are known beforehand.
pub type NameMap<V> = std::collections::HashMap<&'static str, V, BuildHasherDefault<NameHasher>>;

/// FNV-1a.
pub struct NameHasher(u64);

impl Default for NameHasher {
    fn default() -> NameHasher {
        NameHasher(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
