//! Damaged messages: every reader must refuse them or make something of them that it would write and read again, and
//! must never panic. The same damage on every run; the fuzz targets go further.

use crate::cases::{cases, normal, protocol};
use bytes::Bytes;
use http::HeaderMap;
use virga_codec::{
    OperationRef, WireRequest, decode_error, decode_request, decode_response, encode_request, encode_response,
};
use virga_shape::Protocol;

const ROUNDS: u64 = 60;

struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound.max(1)
    }
}

const PIECES: [&[u8]; 16] = [
    b"<",
    b">",
    b"</",
    b"/>",
    b"&",
    b"&#x0;",
    b"&lt;",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"<!DOCTYPE a>",
    b".1",
    b".999999999",
    b"=",
    b"%",
    b"\xff",
];

fn damage(message: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut out = message.to_vec();
    for _ in 0..1 + chance.below(3) {
        let at = chance.below(out.len() + 1);
        match chance.below(5) {
            0 if at < out.len() => out[at] = chance.below(256) as u8,
            1 => {
                let end = (at + 1 + chance.below(12)).min(out.len());
                out.drain(at.min(end)..end);
            }
            2 => {
                let piece = PIECES[chance.below(PIECES.len())];
                out.splice(at..at, piece.iter().copied());
            }
            3 => {
                let end = (at + chance.below(24)).min(out.len());
                let copy = out[at..end].to_vec();
                let to = chance.below(out.len() + 1);
                out.splice(to..to, copy);
            }
            _ => out.truncate(at),
        }
    }
    out
}

fn read_request(protocol: Protocol, op: OperationRef, path: &str, body: Vec<u8>) -> bool {
    let body = Bytes::from(body);
    let request = WireRequest {
        method: "POST",
        path,
        query: "",
        headers: &HeaderMap::new(),
        body: &body,
    };
    let Ok(first) = decode_request(protocol, op, &request) else {
        return false;
    };
    // What a form cannot say is gone after the first time; from then on nothing changes.
    let again = |value| {
        let request = encode_request(protocol, op, value).unwrap();
        decode_request(protocol, op, &request.as_wire()).unwrap()
    };
    let second = again(&first);
    assert_eq!(normal(&again(&second)), normal(&second));
    true
}

fn read_answer(protocol: Protocol, op: OperationRef, body: Vec<u8>) -> bool {
    let body = Bytes::from(body);
    decode_error(protocol, op, 400, &HeaderMap::new(), &body);
    let Ok(first) = decode_response(protocol, op, 200, &HeaderMap::new(), &body) else {
        return false;
    };
    let answer = encode_response(protocol, op, &first, "id").unwrap();
    let second = decode_response(protocol, op, answer.status, &answer.headers, &answer.body).unwrap();
    assert_eq!(normal(&second), normal(&first), "{body:?}");
    true
}

#[test]
fn damaged_messages_are_refused_or_understood() {
    let mut chance = Chance(1);
    let (mut refused, mut understood) = (0, 0);
    let mut count = |ok| *(if ok { &mut understood } else { &mut refused }) += 1;
    for name in ["query", "ec2", "rest-xml"] {
        for case in cases("input", name) {
            let wire = &case.json["serialized"];
            let path = wire["uri"].as_str().unwrap().split('?').next().unwrap();
            // Paths are not damaged here, and a label must have its value to be written again.
            if name == "rest-xml" && case.op.operation.uri.contains('{') {
                continue;
            }
            let body = wire["body"].as_str().unwrap_or_default().as_bytes();
            for _ in 0..ROUNDS {
                count(read_request(protocol(name), case.op, path, damage(body, &mut chance)));
            }
        }
        for case in cases("output", name) {
            let body = case.json["response"]["body"].as_str().unwrap_or_default().as_bytes();
            for _ in 0..ROUNDS {
                count(read_answer(protocol(name), case.op, damage(body, &mut chance)));
            }
        }
    }
    assert!(
        refused > 1000 && understood > 1000,
        "{refused} refused, {understood} understood"
    );
}
