//! Eight bytes looked at as one word, for what must be escaped in text.

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES << 7;

/// A word of the same byte eight times.
pub(crate) const fn all(byte: u8) -> u64 {
    ONES * byte as u64
}

/// The high bits of the bytes that are zero. The lowest bit set is exact; those above it may be echoes.
pub(crate) const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

/// The same of the control characters, those below the space.
pub(crate) const fn controls(word: u64) -> u64 {
    word.wrapping_sub(all(b' ')) & !word & HIGHS
}

#[cfg(test)]
mod tests {
    use super::{all, controls, zeros};

    #[test]
    fn the_first_that_is_looked_for_is_exact() {
        for byte in 0..=u8::MAX {
            for at in 0..8 {
                let mut bytes = [b'!'; 8];
                bytes[at] = byte;
                let word = u64::from_le_bytes(bytes);
                let first = |found: u64| (found != 0).then_some(found.trailing_zeros() as usize / 8);
                assert_eq!(first(controls(word)), (byte < b' ').then_some(at), "{byte}");
                assert_eq!(first(zeros(word ^ all(b'"'))), (byte == b'"').then_some(at), "{byte}");
            }
        }
    }
}
