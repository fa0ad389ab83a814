//! Quick hashes. Of names that the program itself knows: no client can choose them so that they meet.

use std::hash::{BuildHasherDefault, Hasher};

/// A map by names that are known beforehand.
pub type NameMap<V> = std::collections::HashMap<&'static str, V, BuildHasherDefault<NameHasher>>;

/// Where FNV-1a begins.
const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a of some bytes, going on from the hash of those before them.
fn fnv1a_on(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// FNV-1a. It protects nothing.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    fnv1a_on(FNV_BASIS, bytes)
}

/// FNV-1a.
pub struct NameHasher(u64);

impl Default for NameHasher {
    fn default() -> NameHasher {
        NameHasher(FNV_BASIS)
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = fnv1a_on(self.0, bytes);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{NameHasher, fnv1a};
    use std::hash::Hasher as _;

    #[test]
    fn pieces_hash_as_the_whole_does() {
        // As its authors publish them.
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
        let mut hasher = NameHasher::default();
        hasher.write(b"foo");
        hasher.write(b"bar");
        assert_eq!(hasher.finish(), fnv1a(b"foobar"));
    }
}
