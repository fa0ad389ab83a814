//! XML bodies, as requests of rest-xml.
#![no_main]

use bytes::Bytes;
use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use virga_codec::{OperationRef, WireRequest, decode_request, encode_request};
use virga_shape::{Protocol, pack};

const OPERATIONS: [(&str, &str, &str, &str); 6] = [
    ("s3", "PutBucketAcl", "/b", "acl"),
    ("s3", "DeleteObjects", "/b", "delete"),
    ("s3", "CompleteMultipartUpload", "/b/k", "uploadId=u"),
    ("s3", "PutBucketLifecycleConfiguration", "/b", "lifecycle"),
    (
        "route53",
        "ChangeResourceRecordSets",
        "/2013-04-01/hostedzone/Z/rrset",
        "",
    ),
    ("cloudfront", "CreateDistribution", "/2020-05-31/distribution", ""),
];

fuzz_target!(|data: &[u8]| {
    let Some((&choice, body)) = data.split_first() else {
        return;
    };
    let (service, name, path, query) = OPERATIONS[usize::from(choice) % OPERATIONS.len()];
    let op = OperationRef::find(pack::service(service).unwrap(), name).unwrap();
    let body = Bytes::copy_from_slice(body);
    let request = WireRequest {
        method: &op.operation.method,
        path,
        query,
        headers: &HeaderMap::new(),
        body: &body,
    };
    if let Ok(value) = decode_request(Protocol::RestXml, op, &request) {
        let again = encode_request(Protocol::RestXml, op, &value).unwrap();
        let read = decode_request(Protocol::RestXml, op, &again.as_wire()).unwrap();
        assert_eq!(format!("{read:?}"), format!("{value:?}"));
    }
});
