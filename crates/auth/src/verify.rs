//! The checks of a claim, in AWS's order: form, time, signature.

use crate::signing::{is_same, string_to_sign};
use crate::{Carrier, Claim, Facts, Fault, Scheme, Signer, SigningKeys, canonical_request};
use virga_base::Timestamp;

/// How far a client's clock may be off, in seconds.
const SKEW_MAX_S: i64 = 15 * 60;

/// A claim that holds: what the signatures of chunks go on from. `None` in schemes that are not verified.
pub struct Verified {
    pub signer: Option<Signer>,
}

/// Recomputes the signature of a request. `payload` is the hash of the body or what stands for it; `now` is the real
/// time, because the client's clock is.
pub fn verify(
    facts: &Facts<'_>,
    claim: &Claim<'_>,
    keys: &SigningKeys,
    secret_access_key: &str,
    payload: &str,
    now: Timestamp,
) -> Result<Verified, Fault> {
    if claim.scheme != Scheme::V4 {
        return Ok(Verified { signer: None });
    }
    check_time(claim, now)?;
    if !claim
        .signed_headers
        .split(';')
        .any(|name| name == "host" || name == ":authority")
    {
        return Err(Fault::HostNotSigned);
    }
    let signed_at = claim.signed_at().map(Timestamp::to_compact).unwrap_or_default();
    let canonical = canonical_request(facts, claim, payload);
    let to_sign = string_to_sign(&signed_at, claim.scope(), &canonical);
    let signer = keys.get(secret_access_key, claim);
    if !is_same(signer.sign(&to_sign).as_bytes(), claim.signature.as_bytes()) {
        return Err(Fault::Mismatch {
            access_key_id: claim.access_key_id().to_owned(),
            string_to_sign: to_sign,
            canonical_request: canonical,
            signature: claim.signature.to_string(),
        });
    }
    Ok(Verified { signer: Some(signer) })
}

fn check_time(claim: &Claim<'_>, now: Timestamp) -> Result<(), Fault> {
    let Some(signed_at) = claim.signed_at() else {
        return Err(Fault::Date {
            text: claim.time.to_string(),
            carrier: claim.carrier,
        });
    };
    let time = signed_at.to_compact();
    if time.get(..8) != Some(claim.scope_date()) {
        return Err(Fault::ScopeDate {
            scope: claim.scope_date().to_owned(),
            time,
            carrier: claim.carrier,
        });
    }
    let limit_s = match (claim.carrier, claim.expires_s) {
        // A link that names its lifetime has been checked by `check_link`.
        (Carrier::Query, Some(_)) => return Ok(()),
        _ => SKEW_MAX_S,
    };
    if signed_at.plus_secs(limit_s) < now {
        return Err(Fault::Expired { signed_at, now });
    }
    if signed_at > now.plus_secs(SKEW_MAX_S) {
        return Err(Fault::NotYet { signed_at, now });
    }
    Ok(())
}

/// Whether a presigned link still holds. No secret is needed for that. `now` is the real time, by which the client signs;
/// the link's life is that of its world, whose time is `shown(None)`, and was `shown(Some(t))` at the real time `t`.
pub fn check_link(
    claim: &Claim<'_>,
    now: Timestamp,
    shown: impl Fn(Option<Timestamp>) -> Timestamp,
) -> Result<(), Fault> {
    let (Carrier::Query, Some(expires_s)) = (claim.carrier, claim.expires_s) else {
        return Ok(());
    };
    let (ends, now, lifetime_s) = match claim.scheme {
        // Names no time of signing, only the real time of its end.
        Scheme::V2 => (Timestamp::from_secs(expires_s), now, None),
        Scheme::V4 | Scheme::V4A => {
            let Some(signed_at) = claim.signed_at() else {
                return Ok(());
            };
            if signed_at > now.plus_secs(SKEW_MAX_S) {
                return Err(Fault::LinkNotYet);
            }
            (
                shown(Some(signed_at)).plus_secs(expires_s),
                shown(None),
                Some(expires_s),
            )
        }
    };
    if ends < now {
        return Err(Fault::LinkExpired { ends, now, lifetime_s });
    }
    Ok(())
}

/// Whether the session token sent is the one that belongs to the key.
pub fn check_token(claim: &Claim<'_>, session_token: Option<&str>) -> Result<(), Fault> {
    match (claim.session_token.as_deref(), session_token) {
        (None, None) => Ok(()),
        (Some(sent), Some(kept)) if is_same(sent.as_bytes(), kept.as_bytes()) => Ok(()),
        _ => Err(Fault::Token),
    }
}
