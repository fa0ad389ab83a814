//! The proof of a password: SCRAM-SHA-256 (RFC 5802 and 7677) and the older MD5.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use md5::Md5;
use sha2::{Digest, Sha256};

pub const MECHANISM: &str = "SCRAM-SHA-256";
/// A server that asks for more rounds wants to keep us busy.
const ROUNDS_MAX: u32 = 10_000_000;

type Hash = [u8; 32];

/// A proof under way.
pub struct Scram {
    nonce: String,
}

/// What the server must answer, should it know the password too.
pub struct Expected {
    signature: Hash,
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Option<Hash> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    parts.iter().for_each(|part| mac.update(part));
    Some(mac.finalize().into_bytes().into())
}

/// The password, made slow to guess.
fn stretched(password: &[u8], salt: &[u8], rounds: u32) -> Option<Hash> {
    let mut last = hmac(password, &[salt, &1u32.to_be_bytes()])?;
    let mut out = last;
    for _ in 1..rounds {
        last = hmac(password, &[&last])?;
        out.iter_mut().zip(last).for_each(|(out, byte)| *out ^= byte);
    }
    Some(out)
}

impl Scram {
    pub fn new(nonce: String) -> Scram {
        Scram { nonce }
    }

    /// What the client says first.
    pub fn first(&self) -> String {
        format!("n,,n=,r={}", self.nonce)
    }

    /// What the client answers, and what it then expects; nothing where the server's words make no sense.
    pub fn answer(&self, server: &str, password: &str) -> Option<(String, Expected)> {
        let part = |name: &str| server.split(',').find_map(|part| part.strip_prefix(name));
        let nonce = part("r=")?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return None;
        }
        let salt = STANDARD.decode(part("s=")?).ok()?;
        let rounds = part("i=")?
            .parse()
            .ok()
            .filter(|rounds| (1..=ROUNDS_MAX).contains(rounds))?;
        let salted = stretched(password.as_bytes(), &salt, rounds)?;
        let client_key = hmac(&salted, &[b"Client Key"])?;
        let last = format!("c=biws,r={nonce}");
        let all = format!("n=,r={},{server},{last}", self.nonce);
        let mut proof = hmac(&Sha256::digest(client_key), &[all.as_bytes()])?;
        proof.iter_mut().zip(client_key).for_each(|(byte, key)| *byte ^= key);
        let signature = hmac(&hmac(&salted, &[b"Server Key"])?, &[all.as_bytes()])?;
        Some((format!("{last},p={}", STANDARD.encode(proof)), Expected { signature }))
    }
}

impl Expected {
    /// Whether the server has proven that it knows the password.
    pub fn is(&self, server: &str) -> bool {
        let given = server.split(',').find_map(|part| part.strip_prefix("v="));
        given.and_then(|given| STANDARD.decode(given).ok()).as_deref() == Some(&self.signature[..])
    }
}

/// The answer to a server that asks for an MD5.
pub fn md5(user: &str, password: &str, salt: &[u8]) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let inner = hex(&Md5::new().chain_update(password).chain_update(user).finalize());
    format!(
        "md5{}",
        hex(&Md5::new().chain_update(inner).chain_update(salt).finalize())
    )
}

#[cfg(test)]
mod tests {
    use super::{Scram, md5};

    #[test]
    fn the_example_of_rfc_7677_without_its_name() {
        // The RFC's exchange names a user; PostgreSQL leaves that empty, so the proof differs from the RFC's.
        let scram = Scram::new("rOprNGfwEbeRWgbNEkqO".into());
        assert_eq!(scram.first(), "n,,n=,r=rOprNGfwEbeRWgbNEkqO");
        let server = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let Some((answer, expected)) = scram.answer(server, "pencil") else {
            panic!("no answer")
        };
        assert!(answer.starts_with("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p="));
        assert!(!expected.is("v=AAAA") && !expected.is("e=other-error"));
        assert!(scram.answer("r=another,s=AAAA,i=4096", "pencil").is_none());
    }

    #[test]
    fn an_md5_answer() {
        assert_eq!(md5("u", "p", &[1, 2, 3, 4]).len(), 35);
        assert_ne!(md5("u", "p", &[1, 2, 3, 4]), md5("u", "q", &[1, 2, 3, 4]));
    }
}
