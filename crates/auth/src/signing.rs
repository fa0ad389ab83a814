//! Keys and signatures of version 4: the derivation of the signing key, the string to sign, HMAC-SHA256.

use crate::{Claim, Facts, canonical_request, read};
use hmac::{Hmac, Mac};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use virga_base::{Timestamp, hex};

/// How many derived keys are kept.
const KEYS_MAX: usize = 256;

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The SHA-256 of `bytes` in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&sha256(bytes))
}

pub(crate) fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length, so there is always one.
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(text);
            mac.finalize().into_bytes().into()
        }
        Err(_) => [0; 32],
    }
}

/// Compares without telling by its duration where the first difference is.
pub(crate) fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (x, y)| difference | (x ^ y)) == 0
}

/// What is signed: the algorithm, the time, the scope and the hash of the canonical request.
pub(crate) fn string_to_sign(time: &str, scope: &str, canonical_request: &str) -> String {
    let hash = sha256_hex(canonical_request.as_bytes());
    format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{hash}")
}

/// A key for one secret, day, region and service.
#[derive(Clone, Copy)]
pub struct Signer {
    key: [u8; 32],
}

impl Signer {
    pub fn derive(secret_access_key: &str, date: &str, region: &str, service: &str) -> Signer {
        let key = hmac(format!("AWS4{secret_access_key}").as_bytes(), date.as_bytes());
        let key = hmac(&key, region.as_bytes());
        let key = hmac(&key, service.as_bytes());
        Signer {
            key: hmac(&key, b"aws4_request"),
        }
    }

    /// The signature of `string_to_sign` in hexadecimal.
    pub fn sign(&self, string_to_sign: &str) -> String {
        hex(&hmac(&self.key, string_to_sign.as_bytes()))
    }

    /// Makes the value of a request's `Authorization` header. The headers that `signed_headers` names, in lower case and
    /// sorted, must already stand in `facts`; `payload` is the hash of the body or what stands for it.
    pub fn authorization(
        secret_access_key: &str,
        access_key_id: &str,
        (region, service): (&str, &str),
        at: Timestamp,
        facts: &Facts<'_>,
        signed_headers: &str,
        payload: &str,
    ) -> String {
        let time = at.to_compact();
        let date = time.get(..8).unwrap_or_default();
        let credential = format!("{access_key_id}/{date}/{region}/{service}/aws4_request");
        let header = |signature: &str| {
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed_headers}, Signature={signature}")
        };
        let mut draft = HeaderMap::new();
        if let (Ok(authorization), Ok(amz_date)) = (HeaderValue::try_from(header("-")), HeaderValue::try_from(&time)) {
            draft.insert(http::header::AUTHORIZATION, authorization);
            draft.insert(HeaderName::from_static("x-amz-date"), amz_date);
        }
        let own = Facts {
            headers: (&draft).into(),
            query: "",
            ..*facts
        };
        let signature = match read(&own) {
            Ok(Some(claim)) => {
                let canonical = canonical_request(facts, &claim, payload);
                Signer::derive(secret_access_key, date, region, service).sign(&string_to_sign(
                    &time,
                    claim.scope(),
                    &canonical,
                ))
            }
            // Only texts that are no header at all come here; no server takes them anyway.
            Ok(None) | Err(_) => String::new(),
        };
        header(&signature)
    }
}

/// Derived keys, kept because one serves a client the whole day.
#[derive(Default)]
pub struct SigningKeys {
    kept: Mutex<HashMap<String, Signer>>,
}

impl SigningKeys {
    /// The key for a claim, derived if it is not kept.
    pub fn get(&self, secret_access_key: &str, claim: &Claim<'_>) -> Signer {
        let name = format!("{secret_access_key}/{}", claim.scope());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signer) = kept.get(&name) {
            return *signer;
        }
        let signer = Signer::derive(secret_access_key, claim.scope_date(), claim.region(), claim.service());
        if kept.len() >= KEYS_MAX {
            kept.clear();
        }
        kept.insert(name, signer);
        signer
    }
}
