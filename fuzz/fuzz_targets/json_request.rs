//! JSON bodies, as requests and answers of awsJson and rest-json.
#![no_main]

use bytes::Bytes;
use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use virga_codec::{OperationRef, WireRequest, decode_error, decode_request, decode_response, encode_request};
use virga_shape::{Protocol, constraints, pack};

const OPERATIONS: [(Protocol, &str, &str, &str); 8] = [
    (Protocol::Json10, "sqs", "SendMessageBatch", "/"),
    (Protocol::Json10, "dynamodb", "TransactWriteItems", "/"),
    (Protocol::Json10, "stepfunctions", "CreateStateMachine", "/"),
    (Protocol::Json11, "kinesis", "PutRecords", "/"),
    (Protocol::Json11, "events", "PutRule", "/"),
    (Protocol::RestJson, "lambda", "CreateFunction", "/2015-03-31/functions"),
    (Protocol::RestJson, "bedrock-runtime", "Converse", "/model/m/converse"),
    (Protocol::RestJson, "apigateway", "UpdateRestApi", "/restapis/r"),
];

fuzz_target!(|data: &[u8]| {
    let Some((&choice, body)) = data.split_first() else {
        return;
    };
    let (protocol, service, name, path) = OPERATIONS[usize::from(choice) % OPERATIONS.len()];
    let op = OperationRef::find(pack::service(service).unwrap(), name).unwrap();
    let body = Bytes::copy_from_slice(body);
    let headers = HeaderMap::new();
    let _ = decode_error(protocol, op, 400, &headers, &body);
    let _ = decode_response(protocol, op, 200, &headers, &body);
    let request = WireRequest {
        method: &op.operation.method,
        path,
        query: "",
        headers: &headers,
        body: &body,
    };
    let Ok(first) = decode_request(protocol, op, &request) else {
        return;
    };
    let _ = constraints::check(op.input().unwrap(), &first);
    let again = encode_request(protocol, op, &first).unwrap();
    let second = decode_request(protocol, op, &again.as_wire()).unwrap();
    assert_eq!(format!("{second:?}"), format!("{first:?}"));
});
