//! Damaged messages: every reader must refuse them or make something of them that it would write and read again, and
//! must never panic. The same damage on every run; the fuzz targets go further.

use crate::cases::cases;
use crate::damage::damage;
use bytes::Bytes;
use http::HeaderMap;
use virga_codec::{
    OperationRef, WireRequest, decode_error, decode_request, decode_response, encode_request, encode_response,
};
use virga_shape::Protocol;
use virga_shape::random::{Chance, normal};

const ROUNDS: u64 = 60;

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
                count(read_request(
                    case.protocol,
                    case.op,
                    path,
                    damage(body, &PIECES, &mut chance),
                ));
            }
        }
        for case in cases("output", name) {
            let body = case.json["response"]["body"].as_str().unwrap_or_default().as_bytes();
            for _ in 0..ROUNDS {
                count(read_answer(case.protocol, case.op, damage(body, &PIECES, &mut chance)));
            }
        }
    }
    assert!(
        refused > 1000 && understood > 1000,
        "{refused} refused, {understood} understood"
    );
}
