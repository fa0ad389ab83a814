//! Version ids: 32 letters and digits, which show whether S3 ever gave them out.

use crate::errors;
use crate::state::NULL;
use base64::alphabet::Alphabet;
use base64::engine::general_purpose::NO_PAD;
use base64::engine::{Engine, GeneralPurpose};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use virga_base::{AwsError, Ids};

/// Random bytes of an id, and those that prove it.
const RANDOM: usize = 18;
const PROOF: usize = 6;

static ENGINE: LazyLock<Option<GeneralPurpose>> = LazyLock::new(|| {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
    Alphabet::new(letters)
        .ok()
        .map(|alphabet| GeneralPurpose::new(&alphabet, NO_PAD))
});

/// A new id.
pub fn draw(ids: &Ids) -> String {
    let mut bytes = [0; RANDOM + PROOF];
    let (random, proof) = bytes.split_at_mut(RANDOM);
    ids.fill(random);
    proof.copy_from_slice(&prove(random));
    encode(&bytes)
}

fn encode(bytes: &[u8]) -> String {
    ENGINE.as_ref().map(|engine| engine.encode(bytes)).unwrap_or_default()
}

fn prove(random: &[u8]) -> [u8; PROOF] {
    let digest: [u8; 32] = Sha256::digest(random).into();
    let mut proof = [0; PROOF];
    proof.copy_from_slice(&digest[..PROOF]);
    proof
}

/// Reads a `versionId`.
///
/// # Errors
/// `InvalidArgument` where no version can ever have had it.
pub fn check(id: &str) -> Result<(), AwsError> {
    if id == NULL || is_genuine(id) {
        return Ok(());
    }
    Err(errors::invalid_argument(
        "Invalid version id specified",
        "versionId",
        id,
    ))
}

fn is_genuine(id: &str) -> bool {
    let bytes = ENGINE.as_ref().and_then(|engine| engine.decode(id).ok());
    bytes.is_some_and(|bytes| match bytes.split_at_checked(RANDOM) {
        Some((random, proof)) => proof == prove(random),
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::{check, draw};
    use virga_base::Ids;

    #[test]
    fn only_ids_that_were_given_out_are_ids() {
        let ids = Ids::seeded(1);
        let id = draw(&ids);
        assert_eq!(id.len(), 32);
        assert_ne!(id, draw(&ids));
        assert_eq!(check(&id), Ok(()));
        assert_eq!(check("null"), Ok(()));
        for strange in ["HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD", "", "x", "?"] {
            assert!(check(strange).is_err(), "{strange}");
        }
    }
}
