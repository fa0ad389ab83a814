//! Signatures of version 2, as S3 still takes them: HMAC-SHA1 of a few headers and the resource.

use crate::signing::is_same;
use crate::{Carrier, Claim, Facts, Fault};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use percent_encoding::percent_decode_str;
use sha1::Sha1;
use std::collections::BTreeMap;
use virga_base::Timestamp;

/// The parameters that are signed; all others are not.
const SIGNED: [&str; 37] = [
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
    "encryption",
    "intelligent-tiering",
];

/// How far a client's clock may be off, in seconds.
const SKEW_MAX_S: i64 = 15 * 60;

/// Recomputes a signature of version 2. `path` is the resource with its bucket, as sent otherwise; `now` is the real time.
pub fn verify_v2(
    facts: &Facts<'_>,
    path: &str,
    claim: &Claim<'_>,
    secret_access_key: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    if claim.carrier == Carrier::Header {
        let signed_at = claim.signed_at().ok_or_else(|| Fault::Date {
            text: claim.time.to_string(),
            carrier: claim.carrier,
        })?;
        if signed_at.plus_secs(SKEW_MAX_S) < now {
            return Err(Fault::Expired { signed_at, now });
        }
        if signed_at > now.plus_secs(SKEW_MAX_S) {
            return Err(Fault::NotYet { signed_at, now });
        }
    }
    let to_sign = string_to_sign(facts, path, claim);
    if is_same(sign(secret_access_key, &to_sign).as_bytes(), claim.signature.as_bytes()) {
        return Ok(());
    }
    Err(Fault::Mismatch {
        access_key_id: claim.access_key_id().to_owned(),
        string_to_sign: to_sign,
        canonical_request: String::new(),
        signature: claim.signature.to_string(),
    })
}

fn sign(secret_access_key: &str, text: &str) -> String {
    // HMAC takes keys of any length, so there is always one.
    match Hmac::<Sha1>::new_from_slice(secret_access_key.as_bytes()) {
        Ok(mut mac) => {
            mac.update(text.as_bytes());
            STANDARD.encode(mac.finalize().into_bytes())
        }
        Err(_) => String::new(),
    }
}

fn string_to_sign(facts: &Facts<'_>, path: &str, claim: &Claim<'_>) -> String {
    let header = |name: &str| {
        let value = facts.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().trim()
    };
    let date = match (claim.carrier, claim.expires_s) {
        (Carrier::Query, Some(ends)) => ends.to_string(),
        _ if facts.headers.contains_key("x-amz-date") => String::new(),
        _ => header("date").to_owned(),
    };
    let mut amz: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in facts.headers.iter() {
        if name.as_str().starts_with("x-amz-") {
            let value = std::str::from_utf8(value.as_bytes()).unwrap_or_default();
            amz.entry(name.as_str()).or_default().push(value.trim());
        }
    }
    let amz: String = amz
        .iter()
        .map(|(name, values)| format!("{name}:{}\n", values.join(",")))
        .collect();
    let mut signed: Vec<(&str, Option<String>)> = facts
        .query
        .split('&')
        .filter_map(|pair| {
            let (name, value) = match pair.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (pair, None),
            };
            let value = value.map(|value| percent_decode_str(value).decode_utf8_lossy().into_owned());
            SIGNED.contains(&name).then_some((name, value))
        })
        .collect();
    signed.sort();
    let signed: Vec<String> = signed
        .into_iter()
        .map(|(name, value)| match value {
            Some(value) if !value.is_empty() => format!("{name}={value}"),
            _ => name.to_owned(),
        })
        .collect();
    let query = match signed.is_empty() {
        true => String::new(),
        false => format!("?{}", signed.join("&")),
    };
    format!(
        "{}\n{}\n{}\n{date}\n{amz}{path}{query}",
        facts.method,
        header("content-md5"),
        header("content-type")
    )
}

#[cfg(test)]
mod tests {
    use super::verify_v2;
    use crate::{Facts, Fault, read};
    use http::{HeaderMap, HeaderName, HeaderValue};
    use virga_base::Timestamp;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    fn verified(method: &str, path: &str, query: &str, headers: &[(&str, &str)], at: &str) -> Result<(), Fault> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(*name), HeaderValue::try_from(*value)) {
                map.append(name, value);
            }
        }
        let facts = Facts {
            method,
            path,
            query,
            host: None,
            headers: (&map).into(),
        };
        let claim = read(&facts)?.unwrap_or_else(|| panic!("a claim"));
        let now = Timestamp::parse_http_date(at).unwrap_or_else(|| panic!("a date"));
        verify_v2(&facts, path, &claim, SECRET, now)
    }

    const AT: &str = "Tue, 27 Mar 2007 19:36:42 GMT";

    /// Signed by botocore.
    #[test]
    fn what_botocore_signed_holds() {
        let sent = |acl: &'static str| {
            [
                ("date", AT),
                ("content-type", "text/plain"),
                ("x-amz-meta-b", "2"),
                ("x-amz-acl", acl),
                ("authorization", "AWS AKIAIOSFODNN7EXAMPLE:0o1+0Jv9/gh3m4gwLNhDaV6aIDU="),
            ]
        };
        let query = "acl&x=1&versionId=3%2F4";
        assert_eq!(verified("PUT", "/bucket/a%20b", query, &sent("private"), AT), Ok(()));
        for (method, acl) in [("GET", "private"), ("PUT", "public-read")] {
            let refused = verified(method, "/bucket/a%20b", query, &sent(acl), AT);
            assert!(matches!(refused, Err(Fault::Mismatch { .. })), "{refused:?}");
        }
        let late = verified(
            "PUT",
            "/bucket/a%20b",
            query,
            &sent("private"),
            "Tue, 27 Mar 2007 19:52:42 GMT",
        );
        assert!(matches!(late, Err(Fault::Expired { .. })), "{late:?}");
        let link = "response-content-type=text%2Fplain&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE\
                    &Signature=R5Gfpt%2BjF7u5spyy28nLU3cRqRw%3D&Expires=1175024262";
        assert_eq!(verified("GET", "/bucket/a%20b", link, &[], AT), Ok(()));
        let changed = link.replace("text%2Fplain", "text%2Fhtml");
        let refused = verified("GET", "/bucket/a%20b", &changed, &[], AT);
        assert!(matches!(refused, Err(Fault::Mismatch { .. })), "{refused:?}");
    }
}
