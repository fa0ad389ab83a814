//! Signatures in headers and query strings: reading and verifying must end, whatever is claimed.
#![no_main]

use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use virga_auth::{Facts, SigningKeys, UNSIGNED_PAYLOAD, check_link, read, verify};
use virga_base::Timestamp;

fuzz_target!(|input: (&str, &str, &str, &[u8], &str)| {
    let (path, query, host, authorization, date) = input;
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(authorization) {
        headers.insert("authorization", value);
    }
    if let Ok(value) = HeaderValue::from_str(date) {
        headers.insert("x-amz-date", value);
    }
    let facts = Facts {
        method: "GET",
        path,
        query,
        host: Some(host),
        headers: (&headers).into(),
    };
    let Ok(Some(claim)) = read(&facts) else { return };
    let _ = (claim.access_key_id(), claim.region(), claim.service(), claim.scope());
    let now = claim.signed_at().unwrap_or(Timestamp::EPOCH);
    let _ = check_link(&claim, now, |at| at.unwrap_or(now));
    let outcome = verify(&facts, &claim, &SigningKeys::default(), "secret", UNSIGNED_PAYLOAD, now);
    if let Err(fault) = outcome {
        for family in [virga_auth::Family::Query, virga_auth::Family::S3] {
            let _ = fault.to_error(family);
        }
    }
});
