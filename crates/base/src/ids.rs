//! The one source of chance. Seeded, it repeats.

use crate::hash::fnv1a;
use crate::hex::hex_digits;
use rand_chacha::ChaCha12Rng;
use rand_core::{RngCore, SeedableRng};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

const HEX: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Draws ids, tokens and secrets from one cryptographic generator (ChaCha12).
pub struct Ids {
    /// The system's entropy where there is none.
    seed: Option<[u8; 32]>,
    source: Mutex<Source>,
}

struct Source {
    stream: u64,
    /// Made when it is first drawn from: most forks of a world never are.
    generator: Option<Box<ChaCha12Rng>>,
}

fn system_seed() -> [u8; 32] {
    let mut seed = [0; 32];
    // Without the system's entropy (no known platform) ids would repeat between runs but still be unique within one.
    if getrandom::fill(&mut seed).is_err() {
        seed[0] = 1;
    }
    seed
}

impl Ids {
    /// Every run draws the same ids in the same order.
    pub fn seeded(seed: u64) -> Ids {
        Ids::from_seed(ChaCha12Rng::seed_from_u64(seed).get_seed())
    }

    /// Every run draws the same ids in the same order.
    pub fn from_seed(seed: [u8; 32]) -> Ids {
        Ids::with(Some(seed), 0)
    }

    /// Seeded by the operating system.
    pub fn random() -> Ids {
        Ids::with(None, 0)
    }

    fn with(seed: Option<[u8; 32]>, stream: u64) -> Ids {
        Ids {
            seed,
            source: Mutex::new(Source {
                stream,
                generator: None,
            }),
        }
    }

    /// What it is seeded with, if it is.
    pub fn seed(&self) -> Option<[u8; 32]> {
        self.seed
    }

    /// The seed for a fork of that name: random for random ids; for seeded ones a function of the name and of what has
    /// been drawn so far, so that the same calls give it the same ids.
    pub fn fork_seed(&self, name: &str) -> Option<[u8; 32]> {
        self.seed?;
        self.draw(|generator| {
            let mut apart = generator.clone();
            apart.set_stream(fnv1a(
                &[&generator.get_stream().to_be_bytes(), name.as_bytes()].concat(),
            ));
            let mut seed = [0; 32];
            apart.fill_bytes(&mut seed);
            Some(seed)
        })
    }

    /// An independent source of the same seed: its draws repeat with it, and neither hurries the other on. Two of one
    /// number draw the same; number 0 is what a fresh source begins with. Of a source without a seed, another such.
    pub fn stream(&self, number: u64) -> Ids {
        Ids::with(self.seed, number)
    }

    fn source(&self) -> MutexGuard<'_, Source> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw<T>(&self, f: impl FnOnce(&mut ChaCha12Rng) -> T) -> T {
        let Source { stream, generator } = &mut *self.source();
        f(generator.get_or_insert_with(|| {
            let mut generator = ChaCha12Rng::from_seed(self.seed.unwrap_or_else(system_seed));
            generator.set_stream(*stream);
            Box::new(generator)
        }))
    }

    /// Goes to the beginning of the stream of that number, whose ids are drawn again. A source without a seed takes
    /// another from the system instead, so that its ids stay unique.
    pub fn restart(&self, number: u64) {
        *self.source() = Source {
            stream: number,
            generator: None,
        };
    }

    pub fn fill(&self, bytes: &mut [u8]) {
        self.draw(|generator| generator.fill_bytes(bytes));
    }

    pub fn u64(&self) -> u64 {
        self.draw(RngCore::next_u64)
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
        let [first, second, third, fourth] = *bytes.as_chunks::<4>().0 else {
            return Id::default();
        };
        let (second, third) = (hex_digits(second), hex_digits(third));
        text[..8].copy_from_slice(&hex_digits(first));
        text[9..13].copy_from_slice(&second[..4]);
        text[14..18].copy_from_slice(&second[4..]);
        text[19..23].copy_from_slice(&third[..4]);
        text[24..28].copy_from_slice(&third[4..]);
        text[28..].copy_from_slice(&hex_digits(fourth));
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
    fn forks_of_seeded_ids_repeat_and_differ() {
        let draw = |drawn_before: u32, name: &str| {
            let ids = Ids::seeded(7);
            (0..drawn_before).for_each(|_| drop(ids.uuid()));
            let seed = ids.fork_seed(name).map(Ids::from_seed).map(|fork| fork.uuid());
            (seed, ids.uuid())
        };
        assert_eq!(draw(3, "a"), draw(3, "a"));
        let all = [draw(3, "a").0, draw(3, "b").0, draw(4, "a").0, Some(draw(3, "a").1)];
        assert!(
            all.iter()
                .all(|id| all.iter().filter(|other| *other == id).count() == 1)
        );
        assert_eq!(Ids::random().fork_seed("a"), None);
    }

    #[test]
    fn a_uuid_has_version_and_variant() {
        let id = Ids::seeded(1).uuid();
        assert_eq!(id.len(), 36);
        assert_eq!(id.as_bytes()[14], b'4');
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
    }
}
