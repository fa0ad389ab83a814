//! Damaged messages: every reader must refuse them or make something of them that it would write and read again, and
//! must never panic. The same damage on every run; the fuzz targets go further.

use super::properties::{PROTOCOLS, random_case};
use crate::damage::damage;
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use virga_codec::{OperationRef, OwnedRequest, decode_error, decode_request, decode_response, encode_request};
use virga_codec::{encode_response, event_stream};
use virga_shape::Protocol;
use virga_shape::random::{Chance, normal};

const PIECES: [&[u8]; 16] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b"\\u",
    b"\\ud800",
    b",",
    b":",
    b"null",
    b"1e999",
    b"-",
    b"\xbf",
    b"\xff",
    b"\x9b\xff",
];

fn damage_text(text: &str, chance: &mut Chance) -> String {
    String::from_utf8_lossy(&damage(text.as_bytes(), &PIECES, chance)).into_owned()
}

/// Whether the request was read; if so, what was read must survive being written and read again.
fn read_request(protocol: Protocol, op: OperationRef, request: &OwnedRequest) -> bool {
    let Ok(first) = decode_request(protocol, op, &request.as_wire()) else {
        return false;
    };
    // Headers and labels may hold what cannot be written: then there is nothing to compare.
    if let Ok(again) = encode_request(protocol, op, &first) {
        let second = decode_request(protocol, op, &again.as_wire());
        if protocol != Protocol::RestJson {
            assert_eq!(normal(&second.unwrap()), normal(&first), "{request:?}");
        }
    }
    true
}

#[test]
fn damaged_messages_are_refused_or_understood() {
    let mut chance = Chance(1);
    let (mut understood, mut refused) = (0, 0);
    for seed in 0..40 {
        for protocol in PROTOCOLS {
            let (op, input, output) = random_case(seed, protocol);
            let request = encode_request(protocol, op, &input).unwrap();
            let response = encode_response(protocol, op, &output, "id").unwrap();
            for _ in 0..30 {
                let mut bad = request.clone();
                match chance.below(4) {
                    0 => bad.path = damage_text(&bad.path, &mut chance),
                    1 => bad.query = damage_text(&bad.query, &mut chance),
                    2 => {
                        let name = format!("x-header-{}", chance.below(6));
                        let value = damage(b"Mon, 16 Dec 2019 23:48:18 GMT, \"a\", 1, true", &PIECES, &mut chance);
                        if let Ok(value) = HeaderValue::from_bytes(&value) {
                            bad.headers
                                .append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
                        }
                    }
                    _ => bad.body = damage(&bad.body, &PIECES, &mut chance).into(),
                }
                *(if read_request(protocol, op, &bad) {
                    &mut understood
                } else {
                    &mut refused
                }) += 1;
                let body = Bytes::from(damage(&response.body, &PIECES, &mut chance));
                let _ = decode_response(protocol, op, response.status, &response.headers, &body);
                let _ = decode_error(protocol, op, 400, &response.headers, &body);
            }
        }
    }
    assert!(understood > 500 && refused > 500, "{understood} {refused}");
}

#[test]
fn damaged_event_streams_are_refused() {
    let mut chance = Chance(2);
    let message = event_stream::Message::new(&b"payload"[..])
        .with_header(":event-type", event_stream::HeaderValue::from("Records"))
        .with_header("n", event_stream::HeaderValue::Integer(7));
    let mut good = Vec::new();
    message.encode(&mut good).unwrap();
    for _ in 0..5_000 {
        let bad = damage(&good, &PIECES, &mut chance);
        if let Ok(Some((read, length))) = event_stream::Message::decode(&bad) {
            assert_eq!(
                (read, length),
                (message.clone(), good.len()),
                "a checksum let {bad:?} pass"
            );
        }
    }
}
