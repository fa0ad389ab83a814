//! XML bodies, as answers and errors of query, ec2 and rest-xml.
#![no_main]

use bytes::Bytes;
use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use virga_codec::{OperationRef, decode_error, decode_response, encode_response};
use virga_shape::{Protocol, pack};

const OPERATIONS: [(Protocol, &str, &str); 6] = [
    (Protocol::Query, "sqs", "ReceiveMessage"),
    (Protocol::Query, "iam", "GetAccountAuthorizationDetails"),
    (Protocol::Ec2, "ec2", "DescribeInstances"),
    (Protocol::RestXml, "s3", "ListObjectVersions"),
    (Protocol::RestXml, "s3", "GetBucketAcl"),
    (Protocol::RestXml, "s3", "GetBucketLocation"),
];

fuzz_target!(|data: &[u8]| {
    let Some((&choice, body)) = data.split_first() else {
        return;
    };
    let (protocol, service, name) = OPERATIONS[usize::from(choice) % OPERATIONS.len()];
    let op = OperationRef::find(pack::service(service).unwrap(), name).unwrap();
    let body = Bytes::copy_from_slice(body);
    let headers = HeaderMap::new();
    let _ = decode_error(protocol, op, 400, &headers, &body);
    if let Ok(value) = decode_response(protocol, op, 200, &headers, &body) {
        let answer = encode_response(protocol, op, &value, "id").unwrap();
        let read = decode_response(protocol, op, answer.status, &answer.headers, &answer.body).unwrap();
        assert_eq!(format!("{read:?}"), format!("{value:?}"));
    }
});
