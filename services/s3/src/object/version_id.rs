//! Version ids: 32 letters and digits, which show whether S3 ever gave them out.

use crate::errors;
use crate::state::{FIRST_RANK, NULL};
use base64::alphabet::Alphabet;
use base64::engine::general_purpose::NO_PAD;
use base64::engine::{Engine, GeneralPurpose};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use virga_base::{AwsError, Ids};

/// Bytes of an id: random ones, the version's place among those of its key, and those that prove it.
const RANDOM: usize = 12;
const PLACE: usize = 6;
const PROOF: usize = 6;

static ENGINE: LazyLock<Option<GeneralPurpose>> = LazyLock::new(|| {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
    Alphabet::new(letters)
        .ok()
        .map(|alphabet| GeneralPurpose::new(&alphabet, NO_PAD))
});

/// What a new id is made of, by [`at`], once the version's rank is known.
pub fn draw(ids: &Ids) -> String {
    let mut random = [0; RANDOM];
    ids.fill(&mut random);
    encode(&random)
}

/// The id of a version of that rank. What is an id already stays as it is.
pub fn at(drawn: &str, rank: u64) -> String {
    let Some(random) = decode(drawn).filter(|random| random.len() == RANDOM) else {
        return drawn.to_owned();
    };
    let mut bytes = random;
    let hidden = FIRST_RANK.saturating_sub(rank) ^ mask(&bytes);
    bytes.extend_from_slice(hidden.to_be_bytes().get(8 - PLACE..).unwrap_or_default());
    let proof = prove(&bytes);
    bytes.extend_from_slice(&proof);
    encode(&bytes)
}

/// The rank of the version that has, or had, that id; none where it tells nothing.
pub fn rank(id: &str) -> Option<u64> {
    let bytes = genuine(id)?;
    let (random, place) = bytes.split_at_checked(RANDOM)?;
    let mut hidden = [0; 8];
    hidden
        .get_mut(8 - PLACE..)?
        .copy_from_slice(place.get(..PLACE).unwrap_or_default());
    FIRST_RANK.checked_sub(u64::from_be_bytes(hidden) ^ mask(random))
}

/// Hides a place from those who would count.
fn mask(random: &[u8]) -> u64 {
    let digest: [u8; 32] = Sha256::digest(random).into();
    let (head, _) = digest.split_at(8);
    u64::from_be_bytes(head.try_into().unwrap_or_default()) >> (64 - 8 * PLACE)
}

fn encode(bytes: &[u8]) -> String {
    ENGINE.as_ref().map(|engine| engine.encode(bytes)).unwrap_or_default()
}

fn decode(text: &str) -> Option<Vec<u8>> {
    ENGINE.as_ref().and_then(|engine| engine.decode(text).ok())
}

fn prove(bytes: &[u8]) -> [u8; PROOF] {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let mut proof = [0; PROOF];
    proof.copy_from_slice(&digest[..PROOF]);
    proof
}

/// Reads a request's `versionId`, where it has one.
///
/// # Errors
/// `InvalidArgument` for one without a value. What it names is looked at later.
pub fn asked(id: Option<String>) -> Result<Option<String>, AwsError> {
    match id.as_deref() {
        Some("") => Err(errors::invalid_argument(
            "Version id cannot be the empty string",
            "versionId",
            "",
        )),
        Some(_) | None => Ok(id),
    }
}

/// Checks a `versionId`.
///
/// # Errors
/// `InvalidArgument` where no version can ever have had it.
pub fn check(id: &str) -> Result<(), AwsError> {
    if id == NULL || genuine(id).is_some() {
        return Ok(());
    }
    Err(errors::invalid_argument(
        "Invalid version id specified",
        "versionId",
        id,
    ))
}

fn genuine(id: &str) -> Option<Vec<u8>> {
    let bytes = decode(id)?;
    let (told, proof) = bytes.split_at_checked(RANDOM + PLACE)?;
    let is_genuine = proof == prove(told);
    is_genuine.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{asked, at, check, draw, rank};
    use crate::state::FIRST_RANK;
    use virga_base::Ids;

    #[test]
    fn only_ids_that_were_given_out_are_ids() {
        let ids = Ids::seeded(1);
        let place = FIRST_RANK - 70_000;
        let id = at(&draw(&ids), place);
        assert_eq!(id.len(), 32);
        assert_ne!(id, at(&draw(&ids), place));
        assert_eq!(rank(&id), Some(place));
        assert_eq!(at(&id, 1), id);
        assert_eq!(check(&id), Ok(()));
        assert_eq!(check("null"), Ok(()));
        for strange in ["HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD", "", "x", "?"] {
            assert!(check(strange).is_err(), "{strange}");
        }
        assert!(asked(Some(String::new())).is_err());
        assert_eq!(asked(None), Ok(None));
        assert_eq!(asked(Some("x".to_owned())), Ok(Some("x".to_owned())));
    }
}
