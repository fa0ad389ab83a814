//! Paths, query strings and headers of rest requests.
#![no_main]

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use virga_codec::{OperationRef, WireRequest, decode_request};
use virga_shape::{Protocol, pack};

const OPERATIONS: [(Protocol, &str, &str, &str); 5] = [
    (Protocol::RestJson, "lambda", "ListEventSourceMappings", "x-amz-a"),
    (Protocol::RestJson, "apigateway", "ImportRestApi", "x-amz-a"),
    (
        Protocol::RestJson,
        "polly",
        "StartSpeechSynthesisStream",
        "x-amzn-LexiconNames",
    ),
    (Protocol::RestXml, "s3", "PutObject", "Expires"),
    (
        Protocol::RestXml,
        "s3",
        "GetObjectAttributes",
        "x-amz-object-attributes",
    ),
];

fuzz_target!(|data: (u8, &str, &str, &[u8])| {
    let (choice, path, query, header) = data;
    let (protocol, service, name, header_name) = OPERATIONS[usize::from(choice) % OPERATIONS.len()];
    let op = OperationRef::find(pack::service(service).unwrap(), name).unwrap();
    let mut headers = HeaderMap::new();
    for line in header.split(|b| *b == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(HeaderName::from_bytes(header_name.as_bytes()).unwrap(), value.clone());
            headers.append("x-amz-meta-a", value);
        }
    }
    let request = WireRequest {
        method: &op.operation.method,
        path,
        query,
        headers: &headers,
        body: &Bytes::new(),
    };
    let _ = decode_request(protocol, op, &request);
});
