//! What a request says about who signed it: in the `Authorization` header, or in the query string of a presigned link.

use crate::{Fault, Headers};
use http::header::{AUTHORIZATION, DATE};
use http::{HeaderName, HeaderValue};
use memchr::memchr;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use virga_base::Timestamp;

/// The parts of a request that a signature covers, the body aside.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub method: &'a str,
    /// As sent.
    pub path: &'a str,
    /// What follows `?`, as sent; may be empty.
    pub query: &'a str,
    /// The host and port as the client named it (HTTP/2 has no `Host` header).
    pub host: Option<&'a str>,
    pub headers: Headers<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `AWS4-HMAC-SHA256`.
    V4,
    /// `AWS4-ECDSA-P256-SHA256`: names no region in its scope.
    V4A,
    /// `AWS KEY:SIGNATURE`, or `AWSAccessKeyId` in the query string.
    V2,
}

/// Where the signature stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    Header,
    Query,
}

/// Who a request says it comes from. Nothing of it has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim<'a> {
    pub scheme: Scheme,
    pub carrier: Carrier,
    /// `KEY/DATE/REGION/SERVICE/aws4_request`; for version 2 the key alone.
    credential: Cow<'a, str>,
    /// Where the slashes are; the region of SigV4A is the empty text before its third.
    slashes: [usize; 4],
    /// In lower case, separated by semicolons.
    pub signed_headers: Cow<'a, str>,
    pub signature: Cow<'a, str>,
    /// The time of signing as it was written; empty where version 2 names none.
    pub time: Cow<'a, str>,
    /// How long a presigned link holds, in seconds; for version 2, when it ends, in seconds since 1970.
    pub expires_s: Option<i64>,
    pub session_token: Option<Cow<'a, str>>,
}

impl Claim<'_> {
    pub fn access_key_id(&self) -> &str {
        self.part(0, self.slashes[0])
    }

    /// The day of the credential scope, `YYYYMMDD`; empty for version 2.
    pub fn scope_date(&self) -> &str {
        self.between(0)
    }

    /// The region of the credential scope; empty for version 2 and SigV4A.
    pub fn region(&self) -> &str {
        self.between(1)
    }

    /// The signing name of the service in the credential scope; empty for version 2.
    pub fn service(&self) -> &str {
        self.between(2)
    }

    /// `DATE/REGION/SERVICE/aws4_request`.
    pub fn scope(&self) -> &str {
        self.credential.get(self.slashes[0] + 1..).unwrap_or_default()
    }

    /// The time of signing: compact, or for version 2 and the `Date` header an HTTP date.
    pub fn signed_at(&self) -> Option<Timestamp> {
        Timestamp::parse_compact(&self.time).or_else(|| Timestamp::parse_http_date(&self.time))
    }

    fn between(&self, index: usize) -> &str {
        self.part(self.slashes[index] + 1, self.slashes[index + 1])
    }

    fn part(&self, start: usize, end: usize) -> &str {
        self.credential.get(start..end).unwrap_or_default()
    }
}

static AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
static SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// A header's value, if it is all in ASCII: what `to_str` gives, but looking at many bytes at a time. Values hold no control
/// characters but tabs in any case.
pub fn text(value: &HeaderValue) -> Option<&str> {
    let bytes = value.as_bytes();
    match bytes.len() {
        // For so few the start costs more than it saves.
        0..LONG_BYTES => value.to_str().ok(),
        _ if bytes.is_ascii() => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

const LONG_BYTES: usize = 48;

/// Finds who a request says it comes from. `None` for requests that nobody signed.
pub fn read<'a>(facts: &Facts<'a>) -> Result<Option<Claim<'a>>, Fault> {
    let header = match facts.headers.find(&AUTHORIZATION) {
        Some(value) => Some(text(value).ok_or_else(|| Fault::header_scheme("?"))?),
        None => None,
    };
    let link = if facts.query.is_empty() {
        None
    } else {
        Link::find(facts.query)
    };
    match (header, link) {
        (Some(header), Some(link)) if link.is_presigned() => Err(Fault::TwoMechanisms {
            header: header.to_owned(),
        }),
        (Some(header), _) => read_header(facts, header).map(Some),
        (None, Some(link)) => link.read(),
        (None, None) => Ok(None),
    }
}

fn read_header<'a>(facts: &Facts<'a>, header: &'a str) -> Result<Claim<'a>, Fault> {
    // As nearly all begin.
    if let Some(rest) = header.strip_prefix("AWS4-HMAC-SHA256 ") {
        return read_v4_header(facts, header.trim_ascii(), Scheme::V4, rest.trim_ascii_end());
    }
    let header = header.trim_ascii();
    let blank = header.bytes().position(|byte| matches!(byte, b' ' | b'\t'));
    let (scheme, rest) = header.split_at(blank.unwrap_or(header.len()));
    match scheme {
        "AWS4-HMAC-SHA256" => read_v4_header(facts, header, Scheme::V4, rest),
        "AWS4-ECDSA-P256-SHA256" => read_v4_header(facts, header, Scheme::V4A, rest),
        "AWS" => {
            let (key, signature) = rest
                .trim_ascii()
                .split_once(':')
                .filter(|(key, signature)| !key.is_empty() && !signature.is_empty())
                .ok_or_else(|| Fault::header_parts(header, [false; 4]))?;
            Ok(Claim {
                time: header_text(facts, &AMZ_DATE)
                    .or_else(|| date(facts))
                    .unwrap_or_default()
                    .into(),
                session_token: header_text(facts, &SECURITY_TOKEN).map(Cow::Borrowed),
                ..version_2(Carrier::Header, key.into(), signature.into())
            })
        }
        _ if scheme.starts_with("AWS4-") => Err(Fault::Algorithm {
            name: scheme.to_owned(),
            carrier: Carrier::Header,
        }),
        _ => Err(Fault::header_scheme(header)),
    }
}

fn read_v4_header<'a>(facts: &Facts<'a>, header: &str, scheme: Scheme, rest: &'a str) -> Result<Claim<'a>, Fault> {
    let (mut credential, mut signed_headers, mut signature) = (None, None, None);
    let mut start = 0;
    while start < rest.len() {
        // This runs for every request, so bytes are searched; commas and equal signs are ASCII.
        let tail = rest.as_bytes().get(start..).unwrap_or_default();
        let end = start + memchr(b',', tail).unwrap_or(tail.len());
        let pair = rest.get(start..end).unwrap_or_default().trim_ascii();
        start = end + 1;
        if pair.is_empty() {
            continue;
        }
        if let Some(value) = pair.strip_prefix("Credential=") {
            credential = Some(value);
        } else if let Some(value) = pair.strip_prefix("SignedHeaders=") {
            signed_headers = Some(value);
        } else if let Some(value) = pair.strip_prefix("Signature=") {
            signature = Some(value);
        } else if memchr(b'=', pair.as_bytes()).is_none() {
            return Err(Fault::header_pair(header));
        }
    }
    let time = header_text(facts, &AMZ_DATE).or_else(|| date(facts));
    let parts = (
        credential.filter(|text| !text.is_empty()),
        signed_headers.filter(|text| !text.is_empty()),
        signature.filter(|text| !text.is_empty()),
        time,
    );
    let (Some(credential), Some(signed_headers), Some(signature), Some(time)) = parts else {
        let present = [
            parts.0.is_some(),
            parts.2.is_some(),
            parts.1.is_some(),
            parts.3.is_some(),
        ];
        return Err(Fault::header_parts(header, present));
    };
    let slashes = slashes(scheme, credential, Carrier::Header)?;
    Ok(Claim {
        scheme,
        carrier: Carrier::Header,
        credential: credential.into(),
        slashes,
        signed_headers: signed_headers.into(),
        signature: signature.into(),
        time: time.into(),
        expires_s: None,
        session_token: header_text(facts, &SECURITY_TOKEN).map(Cow::Borrowed),
    })
}

fn version_2<'a>(carrier: Carrier, key: Cow<'a, str>, signature: Cow<'a, str>) -> Claim<'a> {
    Claim {
        scheme: Scheme::V2,
        carrier,
        slashes: [key.len(); 4],
        credential: key,
        signed_headers: Cow::Borrowed(""),
        signature,
        time: Cow::Borrowed(""),
        expires_s: None,
        session_token: None,
    }
}

/// Checks the form of a credential and finds its slashes.
fn slashes(scheme: Scheme, credential: &str, carrier: Carrier) -> Result<[usize; 4], Fault> {
    let wrong = || Fault::Credential {
        text: credential.to_owned(),
        carrier,
    };
    let mut found = [0; 4];
    let mut count = 0;
    // Slashes are near each other, so a plain loop beats the search for each.
    let bytes = credential.bytes().enumerate();
    for (at, _) in bytes.filter(|(_, byte)| *byte == b'/') {
        *found.get_mut(count).ok_or_else(wrong)? = at;
        count += 1;
    }
    match scheme {
        Scheme::V4 if count == 4 => {}
        // KEY/DATE/SERVICE/aws4_request: the region is the empty text in front of the service's slash.
        Scheme::V4A if count == 3 => found = [found[0], found[1], found[1], found[2]],
        Scheme::V4 | Scheme::V4A | Scheme::V2 => return Err(wrong()),
    }
    let terminator = credential.get(found[3] + 1..).unwrap_or_default();
    if found[0] == 0 {
        return Err(wrong());
    }
    if terminator != "aws4_request" {
        return Err(Fault::Terminator {
            text: terminator.to_owned(),
            carrier,
        });
    }
    Ok(found)
}

fn header_text<'a>(facts: &Facts<'a>, name: &HeaderName) -> Option<&'a str> {
    facts.headers.find(name).and_then(text)
}

fn date<'a>(facts: &Facts<'a>) -> Option<&'a str> {
    header_text(facts, &DATE)
}

/// The parameters of a query string that carry a signature, as sent.
#[derive(Default)]
struct Link<'a> {
    algorithm: Option<&'a str>,
    credential: Option<&'a str>,
    date: Option<&'a str>,
    expires: Option<&'a str>,
    signed_headers: Option<&'a str>,
    signature: Option<&'a str>,
    token: Option<&'a str>,
    key_v2: Option<&'a str>,
    signature_v2: Option<&'a str>,
    expires_v2: Option<&'a str>,
    time_v2: Option<&'a str>,
    token_v2: Option<&'a str>,
}

impl<'a> Link<'a> {
    fn find(query: &'a str) -> Option<Link<'a>> {
        let mut link = Link::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let slot = match name.as_bytes() {
                [b'X' | b'x', b'-', b'A' | b'a', ..] => match name.to_ascii_lowercase().as_str() {
                    "x-amz-algorithm" => &mut link.algorithm,
                    "x-amz-credential" => &mut link.credential,
                    "x-amz-date" => &mut link.date,
                    "x-amz-expires" => &mut link.expires,
                    "x-amz-signedheaders" => &mut link.signed_headers,
                    "x-amz-signature" => &mut link.signature,
                    "x-amz-security-token" => {
                        link.token_v2 = Some(value);
                        &mut link.token
                    }
                    _ => continue,
                },
                b"AWSAccessKeyId" => &mut link.key_v2,
                b"Signature" => &mut link.signature_v2,
                b"Expires" => &mut link.expires_v2,
                b"Timestamp" => &mut link.time_v2,
                b"SecurityToken" => &mut link.token_v2,
                _ => continue,
            };
            *slot = Some(value);
        }
        (link.is_presigned() || link.key_v2.is_some()).then_some(link)
    }

    /// Whether the parameters are those of version 4.
    fn is_presigned(&self) -> bool {
        self.algorithm.is_some() || self.credential.is_some() || self.signature.is_some()
    }

    fn read(self) -> Result<Option<Claim<'a>>, Fault> {
        if !self.is_presigned() {
            return self.read_v2();
        }
        let missing: Vec<&'static str> = [
            ("X-Amz-Algorithm", self.algorithm),
            ("X-Amz-Credential", self.credential),
            ("X-Amz-Signature", self.signature),
            ("X-Amz-Date", self.date),
            ("X-Amz-SignedHeaders", self.signed_headers),
        ]
        .iter()
        .filter(|(_, value)| value.is_none_or(str::is_empty))
        .map(|(name, _)| *name)
        .collect();
        let (Some(algorithm), Some(credential), Some(signature), Some(time), Some(signed_headers), true) = (
            self.algorithm,
            self.credential,
            self.signature,
            self.date,
            self.signed_headers,
            missing.is_empty(),
        ) else {
            return Err(Fault::QueryParts { missing });
        };
        let scheme = match algorithm {
            "AWS4-HMAC-SHA256" => Scheme::V4,
            "AWS4-ECDSA-P256-SHA256" => Scheme::V4A,
            _ => {
                return Err(Fault::Algorithm {
                    name: decode(algorithm).into_owned(),
                    carrier: Carrier::Query,
                });
            }
        };
        let credential = decode(credential);
        let slashes = slashes(scheme, &credential, Carrier::Query)?;
        let time = decode(time);
        if Timestamp::parse_compact(&time).is_none() {
            return Err(Fault::Date {
                text: time.into_owned(),
                carrier: Carrier::Query,
            });
        }
        let expires_s = match self.expires {
            None => None,
            Some(text) => Some(
                text.parse::<i64>()
                    .ok()
                    .filter(|seconds| (0..=604_800).contains(seconds))
                    .ok_or_else(|| Fault::Expires { text: text.to_owned() })?,
            ),
        };
        Ok(Some(Claim {
            scheme,
            carrier: Carrier::Query,
            credential,
            slashes,
            signed_headers: decode(signed_headers),
            signature: decode(signature),
            time,
            expires_s,
            session_token: self.token.map(decode),
        }))
    }

    fn read_v2(self) -> Result<Option<Claim<'a>>, Fault> {
        let (Some(key), Some(signature)) = (self.key_v2, self.signature_v2) else {
            return Err(Fault::QueryPartsV2);
        };
        let expires_s = match self.expires_v2 {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| Fault::Expires { text: text.to_owned() })?),
        };
        Ok(Some(Claim {
            time: self.time_v2.map(decode).unwrap_or_default(),
            expires_s,
            session_token: self.token_v2.map(decode),
            ..version_2(Carrier::Query, decode(key), decode(signature))
        }))
    }
}

fn decode(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::{Carrier, Claim, Facts, Scheme, read};
    use crate::Fault;
    use http::{HeaderMap, HeaderValue};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .filter_map(|(name, value)| Some((http::HeaderName::from_static(name), HeaderValue::from_str(value).ok()?)))
            .collect()
    }

    fn claim<'a>(query: &'a str, headers: &'a HeaderMap) -> Result<Option<Claim<'a>>, Fault> {
        read(&Facts {
            method: "GET",
            path: "/",
            query,
            host: Some("localhost"),
            headers: headers.into(),
        })
    }

    #[test]
    fn a_header_of_version_4_is_read_with_any_spacing() {
        for comma in [",", ", ", " ,  "] {
            let text = format!(
                "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/sqs/aws4_request{comma}SignedHeaders=host;x-amz-date{comma}Signature=ab"
            );
            let headers = headers(&[("authorization", &text), ("x-amz-date", "20260101T000000Z")]);
            let claim = claim("", &headers).expect("well-formed").expect("signed");
            assert_eq!(
                (
                    claim.scheme,
                    claim.access_key_id(),
                    claim.scope_date(),
                    claim.region(),
                    claim.service()
                ),
                (Scheme::V4, "test", "20260101", "eu-west-1", "sqs")
            );
            assert_eq!((&*claim.signed_headers, &*claim.signature), ("host;x-amz-date", "ab"));
            assert_eq!(claim.scope(), "20260101/eu-west-1/sqs/aws4_request");
        }
    }

    #[test]
    fn sigv4a_has_no_region_and_version_2_no_scope() {
        let text = "AWS4-ECDSA-P256-SHA256 Credential=k/20260101/s3/aws4_request, SignedHeaders=host, Signature=ab";
        let v4a = headers(&[("authorization", text), ("x-amz-date", "20260101T000000Z")]);
        let claim_v4a = claim("", &v4a).expect("well-formed").expect("signed");
        assert_eq!(
            (
                claim_v4a.access_key_id(),
                claim_v4a.scope_date(),
                claim_v4a.region(),
                claim_v4a.service()
            ),
            ("k", "20260101", "", "s3")
        );
        let v2 = headers(&[("authorization", "AWS 000000000042:c2ln")]);
        let claim_v2 = claim("", &v2).expect("well-formed").expect("signed");
        assert_eq!((claim_v2.access_key_id(), claim_v2.service()), ("000000000042", ""));
    }

    #[test]
    fn a_presigned_link_is_read_from_the_query_string() {
        let none = HeaderMap::new();
        let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20260101%2Fus-east-1%2Fs3%2Faws4_request\
                     &X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=ab";
        let link = claim(query, &none).expect("well-formed").expect("signed");
        assert_eq!(
            (link.carrier, link.access_key_id(), link.service(), link.expires_s),
            (Carrier::Query, "AKID", "s3", Some(60))
        );
        let v2 = claim("AWSAccessKeyId=AKID&Signature=x%3D&Expires=1767225600", &none);
        let v2 = v2.expect("well-formed").expect("signed");
        assert_eq!(
            (v2.scheme, &*v2.signature, v2.expires_s),
            (Scheme::V2, "x=", Some(1_767_225_600))
        );
        assert_eq!(claim("Action=ListQueues", &none), Ok(None));
    }

    #[test]
    fn what_is_malformed_is_told_apart() {
        let of = |text: &str| {
            let headers = headers(&[("authorization", text), ("x-amz-date", "20260101T000000Z")]);
            claim("", &headers).map(|_| ()).expect_err(text)
        };
        let parts = "SignedHeaders=host, Signature=ab";
        assert!(matches!(of("AWS4-HMAC-SHA256"), Fault::HeaderParts { .. }));
        assert!(matches!(of("AWS4-HMAC-SHA256 Foo"), Fault::HeaderPair { .. }));
        assert!(matches!(of("Bearer abc"), Fault::HeaderScheme { .. }));
        assert!(matches!(of("AWS4-HMAC-MD5 Credential=a"), Fault::Algorithm { .. }));
        assert!(matches!(
            of(&format!("AWS4-HMAC-SHA256 Credential=test, {parts}")),
            Fault::Credential { .. }
        ));
        assert!(matches!(
            of(&format!("AWS4-HMAC-SHA256 Credential=a/b/c/d/aws5_request, {parts}")),
            Fault::Terminator { .. }
        ));
        let none = HeaderMap::new();
        assert!(matches!(
            claim("X-Amz-Signature=ab", &none),
            Err(Fault::QueryParts { .. })
        ));
        assert!(matches!(claim("AWSAccessKeyId=a", &none), Err(Fault::QueryPartsV2)));
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(512))]
        #[test]
        fn no_text_makes_reading_panic(header in "(AWS4-HMAC-SHA256 )?[ -~]{0,80}", query in "(X-Amz-Credential=)?[ -~]{0,80}") {
            let map = headers(&[("authorization", &header)]);
            let _ = claim(&query, &map);
            let _ = claim(&query, &HeaderMap::new());
        }
    }
}
