//! The one source of chance. Seeded, it repeats.

use rand_chacha::ChaCha12Rng;
use rand_core::{RngCore, SeedableRng};
use std::fmt;
use std::sync::{Mutex, PoisonError};

const HEX: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Draws ids, tokens and secrets from one cryptographic generator (ChaCha12).
pub struct Ids {
    /// Whether what it draws is to be repeated.
    is_seeded: bool,
    generator: Mutex<ChaCha12Rng>,
}

impl Ids {
    /// Every run draws the same ids in the same order.
    pub fn seeded(seed: u64) -> Ids {
        Ids {
            is_seeded: true,
            generator: Mutex::new(ChaCha12Rng::seed_from_u64(seed)),
        }
    }

    /// Seeded by the operating system.
    pub fn random() -> Ids {
        let mut seed = [0; 32];
        // Without the system's entropy (no known platform) ids would repeat between runs but still be unique within one.
        if getrandom::fill(&mut seed).is_err() {
            seed[0] = 1;
        }
        Ids {
            is_seeded: false,
            generator: Mutex::new(ChaCha12Rng::from_seed(seed)),
        }
    }

    /// An independent source of the same seed: its draws repeat with it, and neither hurries the other on. Two of one
    /// number draw the same; number 0 is what a fresh source begins with.
    pub fn stream(&self, number: u64) -> Ids {
        let mut generator = self.generator.lock().unwrap_or_else(PoisonError::into_inner).clone();
        generator.set_stream(number);
        generator.set_word_pos(0);
        Ids {
            is_seeded: self.is_seeded,
            generator: Mutex::new(generator),
        }
    }

    /// Goes to the beginning of the stream of that number, whose ids are drawn again. A source without a seed takes a new
    /// one from itself instead, so that its ids and those of its streams stay unique.
    pub fn restart(&self, number: u64) {
        let mut generator = self.generator.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_seeded {
            let mut seed = [0; 32];
            generator.fill_bytes(&mut seed);
            *generator = ChaCha12Rng::from_seed(seed);
        }
        generator.set_stream(number);
        generator.set_word_pos(0);
    }

    pub fn fill(&self, bytes: &mut [u8]) {
        self.generator
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill_bytes(bytes);
    }

    pub fn u64(&self) -> u64 {
        self.generator.lock().unwrap_or_else(PoisonError::into_inner).next_u64()
    }

    /// The sixteen bytes of a version 4 UUID, for those who keep it rather than show it.
    pub fn uuid_bytes(&self) -> [u8; 16] {
        let mut b = [0; 16];
        self.fill(&mut b);
        b[6] = b[6] & 0x0f | 0x40;
        b[8] = b[8] & 0x3f | 0x80;
        b
    }

    /// A version 4 UUID in lower case with hyphens.
    pub fn uuid(&self) -> String {
        Id::uuid(&self.uuid_bytes()).as_str().to_owned()
    }

    /// `length` lower-case hexadecimal digits.
    pub fn hex(&self, length: usize) -> String {
        self.letters(length, HEX)
    }

    /// `length` characters of A–Z and 2–7, as in access key ids and role ids behind their four-letter prefix.
    pub fn upper(&self, length: usize) -> String {
        self.letters(length, UPPER)
    }

    /// `length` characters of the base64 alphabet, as in secret access keys.
    pub fn secret(&self, length: usize) -> String {
        self.letters(length, LETTERS)
    }

    fn letters(&self, length: usize, alphabet: &[u8]) -> String {
        let mut bytes = vec![0; length];
        self.fill(&mut bytes);
        // Every alphabet has a power of two letters, so the remainder is unbiased.
        bytes
            .iter()
            .map(|b| alphabet[usize::from(*b) % alphabet.len()] as char)
            .collect()
    }
}

/// A short id's text, kept in place: a UUID, or less. Made for every request, so it costs no allocation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Id {
    text: [u8; Id::LENGTH_MAX],
    length: u8,
}

impl Id {
    /// The length of a UUID's text.
    pub const LENGTH_MAX: usize = 36;

    /// A UUID's text from its bytes: lower case with hyphens.
    pub fn uuid(bytes: &[u8; 16]) -> Id {
        let mut text = [b'-'; Id::LENGTH_MAX];
        let mut at = 0;
        for (i, byte) in bytes.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                at += 1;
            }
            text[at] = HEX[usize::from(byte >> 4)];
            text[at + 1] = HEX[usize::from(byte & 15)];
            at += 2;
        }
        Id { text, length: 36 }
    }

    /// The id of the first letters, digits and punctuation in `text`, as many as fit.
    pub fn of(text: impl IntoIterator<Item = u8>) -> Id {
        let mut id = Id::default();
        let graphic = text.into_iter().filter(u8::is_ascii_graphic);
        for (at, byte) in graphic.take(Id::LENGTH_MAX).enumerate() {
            id.text[at] = byte;
            id.length = at as u8 + 1;
        }
        id
    }

    pub fn as_str(&self) -> &str {
        let text = self.text.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default()
    }
}

impl Default for Id {
    fn default() -> Id {
        Id {
            text: [0; Id::LENGTH_MAX],
            length: 0,
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{Id, Ids};

    #[test]
    fn the_same_seed_draws_the_same_ids() {
        let (a, b) = (Ids::seeded(7), Ids::seeded(7));
        assert_eq!(
            (a.uuid(), a.hex(9), a.upper(16), a.secret(40)),
            (b.uuid(), b.hex(9), b.upper(16), b.secret(40))
        );
        assert_ne!(Ids::seeded(7).uuid(), Ids::seeded(8).uuid());
        assert_ne!(Ids::random().uuid(), Ids::random().uuid());
    }

    #[test]
    fn streams_do_not_depend_on_each_other() {
        let ids = Ids::seeded(7);
        let first = ids.stream(3).uuid();
        ids.uuid();
        assert_eq!(ids.stream(3).uuid(), first);
        assert_eq!(ids.stream(0).uuid(), Ids::seeded(7).uuid());
        assert_ne!(ids.stream(4).uuid(), first);
        assert_ne!(Ids::seeded(8).stream(3).uuid(), first);
    }

    #[test]
    fn an_id_keeps_what_fits() {
        let bytes = 0x0123_4567_89ab_4def_8123_4567_89ab_cdef_u128.to_be_bytes();
        assert_eq!(Id::uuid(&bytes).as_str(), "01234567-89ab-4def-8123-456789abcdef");
        assert_eq!(Id::of(*b"a b\n\xffc").as_str(), "abc");
        assert_eq!(Id::of([b'x'; 99]).as_str().len(), Id::LENGTH_MAX);
        assert_eq!(Id::default().as_str(), "");
    }

    #[test]
    fn a_seeded_source_can_begin_anew() {
        let draw = |ids: &Ids| (ids.uuid(), ids.u64(), ids.secret(40));
        let seeded = Ids::seeded(7);
        let first = draw(&seeded);
        assert_ne!(draw(&seeded), first);
        seeded.restart(0);
        assert_eq!(draw(&seeded), first);
        seeded.restart(3);
        assert_eq!(draw(&seeded), draw(&seeded.stream(3)));
        let random = Ids::random();
        let first = (draw(&random), draw(&random.stream(3)));
        random.restart(0);
        assert_ne!(draw(&random), first.0);
        assert_ne!(draw(&random.stream(3)), first.1);
    }

    #[test]
    fn a_uuid_has_version_and_variant() {
        let id = Ids::seeded(1).uuid();
        assert_eq!(id.len(), 36);
        assert_eq!(id.as_bytes()[14], b'4');
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
    }
}
