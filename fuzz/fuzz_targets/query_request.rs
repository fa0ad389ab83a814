//! Forms, as requests of the query protocol and of EC2's.
#![no_main]

use bytes::Bytes;
use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use virga_codec::{OperationRef, WireRequest, decode_request, encode_request, form_field};
use virga_shape::{Protocol, pack};

const OPERATIONS: [(Protocol, &str, &str); 8] = [
    (Protocol::Query, "sqs", "SendMessageBatch"),
    (Protocol::Query, "sqs", "SetQueueAttributes"),
    (Protocol::Query, "sns", "Publish"),
    (Protocol::Query, "iam", "CreateRole"),
    (Protocol::Query, "cloudformation", "CreateChangeSet"),
    (Protocol::Query, "cloudwatch", "PutMetricData"),
    (Protocol::Ec2, "ec2", "RunInstances"),
    (Protocol::Ec2, "ec2", "DescribeInstances"),
];

fuzz_target!(|data: &[u8]| {
    let Some((&choice, body)) = data.split_first() else {
        return;
    };
    let (protocol, service, name) = OPERATIONS[usize::from(choice) % OPERATIONS.len()];
    let op = OperationRef::find(pack::service(service).unwrap(), name).unwrap();
    let _ = form_field("", body, "Action");
    let body = Bytes::copy_from_slice(body);
    let request = WireRequest {
        method: "POST",
        path: "/",
        query: "",
        headers: &HeaderMap::new(),
        body: &body,
    };
    let Ok(first) = decode_request(protocol, op, &request) else {
        return;
    };
    // What a form cannot say is gone after the first time; from then on nothing changes.
    let again = |value| {
        let request = encode_request(protocol, op, value).unwrap();
        decode_request(protocol, op, &request.as_wire()).unwrap()
    };
    let second = again(&first);
    assert_eq!(format!("{:?}", again(&second)), format!("{second:?}"));
});
