//! CBOR bodies, as requests and answers of rpc-v2-cbor.
#![no_main]

use bytes::Bytes;
use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use virga_codec::{OperationRef, WireRequest, decode_error, decode_request, decode_response, encode_request};
use virga_shape::{Protocol, pack};

const PROTOCOL: Protocol = Protocol::RpcV2Cbor;
/// The protocol takes any service's shapes, those of other protocols among them.
const OPERATIONS: [(&str, &str); 4] = [
    ("cloudwatch", "PutMetricData"),
    ("cloudwatch", "GetMetricData"),
    ("dynamodb", "TransactWriteItems"),
    ("bedrock-runtime", "Converse"),
];

fuzz_target!(|data: &[u8]| {
    let Some((&choice, body)) = data.split_first() else {
        return;
    };
    let (service, name) = OPERATIONS[usize::from(choice) % OPERATIONS.len()];
    let op = OperationRef::find(pack::service(service).unwrap(), name).unwrap();
    let body = Bytes::copy_from_slice(body);
    let headers = HeaderMap::new();
    let _ = decode_error(PROTOCOL, op, 400, &headers, &body);
    let _ = decode_response(PROTOCOL, op, 200, &headers, &body);
    let request = WireRequest {
        method: "POST",
        path: "/",
        query: "",
        headers: &headers,
        body: &body,
    };
    let Ok(first) = decode_request(PROTOCOL, op, &request) else {
        return;
    };
    let again = encode_request(PROTOCOL, op, &first).unwrap();
    let second = decode_request(PROTOCOL, op, &again.as_wire()).unwrap();
    assert_eq!(format!("{second:?}"), format!("{first:?}"));
});
