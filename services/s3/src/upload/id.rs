//! Upload ids: text that sorts in the order in which uploads were begun, and holds the number of their parts.

use base64::alphabet::Alphabet;
use base64::engine::general_purpose::NO_PAD;
use base64::engine::{Engine, GeneralPurpose};
use sha2::{Digest, Sha512};
use std::sync::LazyLock;
use virga_base::{Ids, Timestamp};

/// Bytes of the time, in milliseconds, and of the number.
const TIME: usize = 6;
const NUMBER: usize = 16;

/// In the order of ASCII, so that ids sort as their bytes do.
static ENGINE: LazyLock<Option<GeneralPurpose>> = LazyLock::new(|| {
    let letters = ".0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
    Alphabet::new(letters)
        .ok()
        .map(|alphabet| GeneralPurpose::new(&alphabet, NO_PAD))
});

/// A new id, with its number.
pub fn draw(ids: &Ids, now: Timestamp) -> (String, u128) {
    let mut bytes = [0; TIME + NUMBER];
    let mut number = [0; NUMBER];
    ids.fill(&mut number);
    bytes[..TIME].copy_from_slice(&now.as_millis().max(0).to_be_bytes()[8 - TIME..]);
    bytes[TIME..].copy_from_slice(&number);
    // AWS's ids are long; clients must bear that.
    let mut all = bytes.to_vec();
    all.extend_from_slice(&Sha512::digest(bytes));
    let text = ENGINE.as_ref().map(|engine| engine.encode(all)).unwrap_or_default();
    (text, u128::from_be_bytes(number))
}

/// The number in an id; none where no upload has ever had it.
pub fn number(id: &str) -> Option<u128> {
    let bytes = ENGINE.as_ref()?.decode(id).ok()?;
    let (bytes, proof) = bytes.split_at_checked(TIME + NUMBER)?;
    if proof != Sha512::digest(bytes).as_slice() {
        return None;
    }
    let (_, number) = bytes.split_at_checked(TIME)?;
    number.try_into().ok().map(u128::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::{draw, number};
    use virga_base::{Ids, Timestamp};

    #[test]
    fn ids_sort_by_time_and_hold_their_number() {
        let ids = Ids::seeded(1);
        let mut drawn: Vec<(String, u128)> = [0, 1, 63, 64, 1_767_225_600_000, 1_767_225_600_001]
            .map(|ms| draw(&ids, Timestamp::from_millis(ms)))
            .to_vec();
        let sorted = drawn.clone();
        drawn.sort();
        assert_eq!(drawn, sorted);
        for (id, expected) in &drawn {
            assert_eq!(number(id), Some(*expected));
            assert_eq!(number(&id[1..]), None);
        }
        assert_eq!(number("fakeid"), None);
    }
}
