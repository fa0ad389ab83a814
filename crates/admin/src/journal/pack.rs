//! One request and its answer as a row of bytes, without what must not be kept: signatures, session tokens, keys.

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use virga_base::limits::JOURNAL_BODY_MAX_BYTES;
use virga_service::{Carried, Exchange};
use virga_shape::Protocol;

/// Header names that say nothing about what is asked for, belong to one connection or one signature, or are secret.
fn is_left_out(name: &str) -> bool {
    matches!(
        name,
        "accept-encoding"
            | "amz-sdk-invocation-id"
            | "amz-sdk-request"
            | "authorization"
            | "connection"
            | "content-length"
            | "cookie"
            | "date"
            | "expect"
            | "host"
            | "keep-alive"
            | "te"
            | "transfer-encoding"
            | "upgrade"
            | "user-agent"
            | "x-amz-content-sha256"
            | "x-amz-copy-source-server-side-encryption-customer-key"
            | "x-amz-date"
            | "x-amz-decoded-content-length"
            | "x-amz-security-token"
            | "x-amz-server-side-encryption-customer-key"
            | "x-amz-trailer"
            | "x-amz-user-agent"
            | "x-virga-world"
    )
}
/// Answers that are so different each time that they say nothing.
fn is_left_out_of_answers(name: &str) -> bool {
    matches!(name, "content-length" | "date" | "server" | "set-cookie")
}
/// Parameters of links that are signed: `X-Amz-…` and those of the second version.
const LINK_START: &str = "X-Amz-";
const LINK_NAMES: &[&str] = &["AWSAccessKeyId", "Signature", "Expires"];

const WHOLE: u8 = 0;
const UNREAD: u8 = 1;
const STREAMED: u8 = 2;
const TOO_LONG: u8 = 3;

/// A body as the journal has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Whole(Bytes),
    /// The call was answered without it.
    Unread,
    Streamed,
    TooLong,
}

/// What was kept of a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unpacked {
    pub protocol: Protocol,
    /// `KEY/DATE/REGION/SERVICE/aws4_request`, or the key alone; empty where nobody signed.
    pub credential: String,
    /// Path and query string as sent.
    pub path: String,
    pub headers: HeaderMap,
    pub body: Kept,
    pub answer_headers: HeaderMap,
    pub answer: Kept,
}

const PROTOCOLS: &[Protocol] = &[
    Protocol::Query,
    Protocol::Ec2,
    Protocol::Json10,
    Protocol::Json11,
    Protocol::RestJson,
    Protocol::RestXml,
    Protocol::RpcV2Cbor,
];

/// Writes behind what is in `out`.
pub(crate) fn pack(out: &mut Vec<u8>, exchange: &Exchange<'_>) {
    let protocol = PROTOCOLS.iter().position(|protocol| *protocol == exchange.protocol);
    out.push(protocol.unwrap_or_default() as u8);
    let authorization = exchange.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
    match authorization.filter(|text| text.is_ascii()).and_then(credential) {
        Some(credential) => push(out, credential),
        None => push(out, credential_of_link(exchange.query).as_bytes()),
    }
    push_parts(out, |out| {
        out.extend_from_slice(exchange.path.as_bytes());
        push_query(out, exchange.query);
    });
    push_parts(out, |out| {
        if let Some(host) = exchange.host {
            push(out, HOST.as_str().as_bytes());
            push(out, host.as_bytes());
        }
        push_headers(out, exchange.headers, is_left_out);
    });
    push_body(out, exchange.body);
    push_parts(out, |out| {
        // Elsewhere all of an answer is in its body.
        if exchange.protocol.is_rest() {
            push_headers(out, exchange.answer_headers, is_left_out_of_answers);
        }
    });
    push_body(out, exchange.answer);
}

/// With its length before it.
fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Whatever `write` writes, with its length before it.
fn push_parts(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    write(out);
    let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

fn push_headers(out: &mut Vec<u8>, headers: &HeaderMap, left_out: fn(&str) -> bool) {
    for (name, value) in headers {
        if !left_out(name.as_str()) {
            push(out, name.as_str().as_bytes());
            push(out, value.as_bytes());
        }
    }
}

fn push_body(out: &mut Vec<u8>, body: Carried<'_>) {
    match body {
        Carried::Whole(bytes) if bytes.len() <= JOURNAL_BODY_MAX_BYTES => {
            out.push(WHOLE);
            push(out, bytes);
        }
        Carried::Whole(_) => out.push(TOO_LONG),
        Carried::Unread => out.push(UNREAD),
        Carried::Streamed => out.push(STREAMED),
    }
}

/// The credential of an `Authorization` header, or the key of one of the second version.
fn credential(authorization: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = b"Credential=";
    // As nearly all write it, found without a search.
    let usual = authorization.strip_prefix(b"AWS4-HMAC-SHA256 Credential=");
    let found = || authorization.windows(NAME.len()).position(|text| text == NAME);
    if let Some(rest) = usual.or_else(|| authorization.get(found()? + NAME.len()..)) {
        let end = rest.iter().position(|byte| matches!(byte, b',' | b' '));
        return rest.get(..end.unwrap_or(rest.len()));
    }
    let key = authorization.strip_prefix(b"AWS ")?;
    key.get(..key.iter().position(|byte| *byte == b':')?)
}

fn credential_of_link(query: &str) -> String {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let found = pairs.find(|(name, _)| matches!(*name, "X-Amz-Credential" | "AWSAccessKeyId"));
    found.map_or_else(String::new, |(_, value)| {
        percent_decode_str(value).decode_utf8_lossy().into_owned()
    })
}

/// A query string without what signs it.
fn push_query(out: &mut Vec<u8>, query: &str) {
    let mut separator = b'?';
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        if !name.starts_with(LINK_START) && !LINK_NAMES.contains(&name) {
            out.push(separator);
            out.extend_from_slice(pair.as_bytes());
            separator = b'&';
        }
    }
}

/// Reads what [`pack`] wrote.
pub(crate) fn unpack(bytes: &[u8]) -> Option<Unpacked> {
    let mut rest = bytes;
    let protocol = *PROTOCOLS.get(usize::from(take_byte(&mut rest)?))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(Unpacked {
        protocol,
        credential: text(take(&mut rest)?),
        path: text(take(&mut rest)?),
        headers: headers(take(&mut rest)?)?,
        body: take_body(&mut rest)?,
        answer_headers: headers(take(&mut rest)?)?,
        answer: take_body(&mut rest)?,
    })
}

fn take_byte(rest: &mut &[u8]) -> Option<u8> {
    let (byte, tail) = rest.split_first()?;
    *rest = tail;
    Some(*byte)
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, tail) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    let (part, tail) = tail.split_at_checked(length)?;
    *rest = tail;
    Some(part)
}

fn take_body(rest: &mut &[u8]) -> Option<Kept> {
    Some(match take_byte(rest)? {
        WHOLE => Kept::Whole(Bytes::copy_from_slice(take(rest)?)),
        UNREAD => Kept::Unread,
        STREAMED => Kept::Streamed,
        _ => Kept::TooLong,
    })
}

fn headers(mut rest: &[u8]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    while !rest.is_empty() {
        let name = HeaderName::from_bytes(take(&mut rest)?).ok()?;
        headers.append(name, HeaderValue::from_bytes(take(&mut rest)?).ok()?);
    }
    Some(headers)
}

#[cfg(test)]
mod tests {
    use super::{Kept, credential, pack, unpack};
    use http::{HeaderMap, HeaderName, HeaderValue};
    use virga_base::limits::JOURNAL_BODY_MAX_BYTES;
    use virga_service::{Carried, Exchange};
    use virga_shape::Protocol;

    fn headers(all: &[(&'static str, &'static str)]) -> HeaderMap {
        all.iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn what_is_kept_reads_back_without_secrets() {
        let sent = headers(&[
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=5ec3e7",
            ),
            ("x-amz-security-token", "5ec3e7"),
            ("x-amz-target", "AmazonSQS.SendMessage"),
            ("host", "localhost"),
        ]);
        let exchange = Exchange {
            protocol: Protocol::Json10,
            path: "/",
            query: "",
            host: Some("localhost:4566"),
            headers: &sent,
            body: Carried::Whole(b"{}"),
            answer_headers: &HeaderMap::new(),
            answer: Carried::Streamed,
        };
        let mut packed = Vec::new();
        pack(&mut packed, &exchange);
        assert!(!String::from_utf8_lossy(&packed).contains("5ec3e7"));
        let read = unpack(&packed).expect("reads back");
        assert_eq!(read.credential, "AKID/20260101/eu-west-1/sqs/aws4_request");
        assert_eq!(read.protocol, Protocol::Json10);
        assert_eq!(read.path, "/");
        assert_eq!(
            read.headers,
            headers(&[("host", "localhost:4566"), ("x-amz-target", "AmazonSQS.SendMessage")])
        );
        assert_eq!((read.body, read.answer), (Kept::Whole("{}".into()), Kept::Streamed));
        for length in 0..packed.len() {
            assert_eq!(unpack(&packed[..length]), None, "cut after {length} bytes");
        }
    }

    #[test]
    fn every_way_to_sign_names_its_key() {
        for (authorization, expected) in [
            (
                "AWS4-HMAC-SHA256 Credential=K/d/r/s/aws4_request,Signature=x",
                Some("K/d/r/s/aws4_request"),
            ),
            (
                "AWS4-HMAC-SHA256  SignedHeaders=host, Credential=K/d/r/s/aws4_request Signature=x",
                Some("K/d/r/s/aws4_request"),
            ),
            (
                "AWS4-ECDSA-P256-SHA256 Credential=K/d/s/aws4_request, Signature=x",
                Some("K/d/s/aws4_request"),
            ),
            ("AWS K:5ec3e7", Some("K")),
            ("Bearer 5ec3e7", None),
        ] {
            let found = credential(authorization.as_bytes());
            assert_eq!(found, expected.map(str::as_bytes), "{authorization}");
        }
    }

    #[test]
    fn signed_links_lose_their_signature() {
        let long = vec![b'x'; JOURNAL_BODY_MAX_BYTES + 1];
        let none = HeaderMap::new();
        let exchange = Exchange {
            protocol: Protocol::Query,
            path: "/a%20b",
            query: "Action=GetCallerIdentity&X-Amz-Credential=AKID%2F20260101%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Signature=5ec\
                    3e7&X-Amz-Security-Token=5ec3e7&Version=2011-06-15",
            host: None,
            headers: &none,
            body: Carried::Unread,
            answer_headers: &none,
            answer: Carried::Whole(&long),
        };
        let mut packed = Vec::new();
        pack(&mut packed, &exchange);
        let read = unpack(&packed).expect("reads back");
        assert_eq!(read.path, "/a%20b?Action=GetCallerIdentity&Version=2011-06-15");
        assert_eq!(read.credential, "AKID/20260101/us-east-1/sts/aws4_request");
        assert_eq!((read.body, read.answer), (Kept::Unread, Kept::TooLong));
        assert!(packed.len() < 200);
    }
}
