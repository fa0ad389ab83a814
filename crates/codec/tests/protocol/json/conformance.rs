//! The conformance cases of awsJson, rest-json and rpc-v2-cbor, each in both directions.
//!
//! A case that cannot pass stands in [`EXCLUDED`] with its reason; the test fails if an excluded case does pass or does
//! not exist.

use crate::cases::{Case, body, canonical_json, cases, fields, headers, value};
use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value as Json;
use std::panic::{AssertUnwindSafe, catch_unwind};
use virga_base::AwsError;
use virga_codec::{
    WireRequest, decode_error, decode_request, decode_response, encode_error, encode_request, encode_response,
};
use virga_shape::random::nearly;
use virga_shape::{Protocol, Value};

const FILES: [&str; 7] = [
    "json",
    "json_1_0",
    "json_1_0-query-compatible",
    "rest-json",
    "smithy-rpc-v2-cbor",
    "smithy-rpc-v2-cbor-query-compatible",
    "smithy-rpc-v2-cbor-non-query-compatible",
];

const COMPRESSION: &str = "compressing is not the codec's task, and the case does not show the body";
const TOKEN: &str = "filling in tokens is not the codec's task";
const PATH: &str = "the endpoint's own path is put before by whoever knows the endpoint";
const CHECKSUM: &str = "checksums are put on by whoever sends the request";
const NOTHING: &str = "the empty collection leaves nothing on the wire";
const ALL: &str = "servers put all parameters into the map, as Smithy's cases for servers ask";
const ALLOWED: &str = "a form that clients must accept and servers need not send: a content type without an output";
const STATUS: &str = "the case's status is another than its model's";

const EMPTY: &str = "clients write an absent payload as {}, which servers can not tell from an empty one";

/// File, half of the test, case, reason.
const EXCLUDED: &[(&str, &str, &str, &str)] = &[
    (
        "rest-json",
        "decode_request",
        "RestJsonHttpWithEmptyStructurePayload",
        EMPTY,
    ),
    (
        "rest-json",
        "decode_request",
        "RestJsonHttpWithHeadersButNoPayload",
        EMPTY,
    ),
    (
        "json",
        "decode_request",
        "SDKAppliedContentEncoding_awsJson1_1",
        COMPRESSION,
    ),
    (
        "json",
        "decode_request",
        "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_1",
        COMPRESSION,
    ),
    (
        "json_1_0",
        "decode_request",
        "SDKAppliedContentEncoding_awsJson1_0",
        COMPRESSION,
    ),
    (
        "json_1_0",
        "decode_request",
        "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_0",
        COMPRESSION,
    ),
    (
        "rest-json",
        "decode_request",
        "SDKAppliedContentEncoding_restJson1",
        COMPRESSION,
    ),
    (
        "rest-json",
        "decode_request",
        "SDKAppendedGzipAfterProvidedEncoding_restJson1",
        COMPRESSION,
    ),
    (
        "rest-json",
        "decode_request",
        "RestJsonQueryIdempotencyTokenAutoFill",
        TOKEN,
    ),
    (
        "json",
        "encode_request",
        "SDKAppliedContentEncoding_awsJson1_1",
        COMPRESSION,
    ),
    (
        "json",
        "encode_request",
        "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_1",
        COMPRESSION,
    ),
    (
        "json_1_0",
        "encode_request",
        "SDKAppliedContentEncoding_awsJson1_0",
        COMPRESSION,
    ),
    (
        "json_1_0",
        "encode_request",
        "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_0",
        COMPRESSION,
    ),
    (
        "rest-json",
        "encode_request",
        "SDKAppliedContentEncoding_restJson1",
        COMPRESSION,
    ),
    (
        "rest-json",
        "encode_request",
        "SDKAppendedGzipAfterProvidedEncoding_restJson1",
        COMPRESSION,
    ),
    (
        "rest-json",
        "encode_request",
        "RestJsonQueryIdempotencyTokenAutoFill",
        TOKEN,
    ),
    ("json", "encode_request", "AwsJson11HostWithPath", PATH),
    ("json_1_0", "encode_request", "AwsJson10HostWithPath", PATH),
    ("rest-json", "encode_request", "RestJsonHostWithPath", PATH),
    ("rest-json", "encode_request", "RestJsonHttpChecksumRequired", CHECKSUM),
    (
        "rest-json",
        "decode_request",
        "RestJsonHttpPrefixHeadersAreNotPresent",
        NOTHING,
    ),
    (
        "rest-json",
        "decode_request",
        "RestJsonOmitsEmptyListQueryValues",
        NOTHING,
    ),
    ("rest-json", "decode_request", "RestJsonQueryParamsStringListMap", ALL),
    ("rest-json", "decode_request", "RestJsonQueryPrecedence", ALL),
    (
        "smithy-rpc-v2-cbor",
        "encode_response",
        "NoOutputClientAllowsEmptyCbor",
        ALLOWED,
    ),
    (
        "smithy-rpc-v2-cbor",
        "encode_response",
        "NoOutputClientAllowsEmptyBody",
        ALLOWED,
    ),
    (
        "json_1_0-query-compatible",
        "encode_error",
        "QueryCompatibleAwsJson10CustomCodeError",
        STATUS,
    ),
    (
        "smithy-rpc-v2-cbor-query-compatible",
        "encode_error",
        "QueryCompatibleRpcV2CborCustomCodeError",
        STATUS,
    ),
];

/// Runs `check` over all cases of one direction and answers how many passed.
fn run(direction: &str, half: &str, wanted: fn(&Case) -> bool, check: fn(&Case)) -> usize {
    let mut failures = Vec::new();
    let mut passed = 0;
    let mut met = 0;
    let excluded = || EXCLUDED.iter().filter(|(_, h, _, _)| *h == half);
    for file in FILES {
        for case in cases(direction, file).iter().filter(|case| wanted(case)) {
            let known = excluded().find(|(f, _, id, _)| *f == file && *id == case.id);
            met += usize::from(known.is_some());
            let result = catch_unwind(AssertUnwindSafe(|| check(case)));
            match (result, known) {
                (Ok(()), None) => passed += 1,
                (Err(_), Some(_)) => {}
                (Ok(()), Some(_)) => failures.push(format!("{file} {}: excluded, but passes", case.id)),
                (Err(cause), None) => {
                    let text = cause.downcast_ref::<String>().cloned().unwrap_or_default();
                    failures.push(format!("{file} {}: {text}", case.id));
                }
            }
        }
    }
    assert_eq!(met, excluded().count(), "an excluded case does not exist");
    assert!(
        failures.is_empty(),
        "{} of {half} fail:\n{}",
        failures.len(),
        failures.join("\n")
    );
    passed
}

fn params(case: &Case) -> Value {
    case.op
        .input()
        .map_or(Value::Null, |shape| value(shape, &case.json["params"]))
}

fn result(case: &Case) -> Value {
    case.op
        .output()
        .map_or(Value::Null, |shape| value(shape, &case.json["result"]))
}

fn status(case: &Case) -> u16 {
    case.json["response"]["status_code"].as_u64().unwrap() as u16
}

#[test]
fn requests_are_read() {
    let passed = run(
        "input",
        "decode_request",
        |_| true,
        |case| {
            let serialized = &case.json["serialized"];
            let uri = serialized["uri"].as_str().unwrap();
            let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
            let headers = headers(&serialized["headers"]);
            let body = body(case.protocol, &serialized["body"]);
            let request = WireRequest {
                method: serialized["method"].as_str().unwrap(),
                path,
                query,
                headers: &headers,
                body: &body,
            };
            let read = decode_request(case.protocol, case.op, &request).unwrap();
            assert_eq!(nearly(&read), nearly(&params(case)));
        },
    );
    assert!(passed >= 190, "{passed}");
}

#[test]
fn requests_are_written() {
    let passed = run(
        "input",
        "encode_request",
        |_| true,
        |case| {
            let serialized = &case.json["serialized"];
            let written = encode_request(case.protocol, case.op, &params(case)).unwrap();
            let uri = serialized["uri"].as_str().unwrap();
            let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
            assert_eq!(written.method, serialized["method"].as_str().unwrap());
            assert_eq!(written.path, path);
            assert_eq!(fields(&written.query), fields(query));
            for (name, expected) in headers(&serialized["headers"]) {
                let name = name.unwrap();
                assert_eq!(written.headers.get(&name), Some(&expected), "{name}");
            }
            for name in serialized["forbidHeaders"].as_array().into_iter().flatten() {
                let name = name.as_str().unwrap();
                assert!(!written.headers.contains_key(name), "{name}");
            }
            let Some(_) = serialized["body"].as_str() else {
                return;
            };
            let expected = body(case.protocol, &serialized["body"]);
            if case.protocol == Protocol::RpcV2Cbor {
                assert_eq!(written.body.is_empty(), expected.is_empty());
                let read = |body: &Bytes| {
                    let mut request = written.as_wire();
                    request.body = body;
                    nearly(&decode_request(case.protocol, case.op, &request).unwrap())
                };
                assert_eq!(read(&written.body), read(&expected));
            } else {
                assert_eq!(canonical_json(&written.body), canonical_json(&expected));
            }
        },
    );
    assert!(passed >= 190, "{passed}");
}

#[test]
fn answers_are_read() {
    let passed = run(
        "output",
        "decode_response",
        |case| case.json.get("error").is_none(),
        |case| {
            let response = &case.json["response"];
            let body = body(case.protocol, &response["body"]);
            let read = decode_response(
                case.protocol,
                case.op,
                status(case),
                &headers(&response["headers"]),
                &body,
            )
            .unwrap();
            assert_eq!(nearly(&read), nearly(&result(case)));
        },
    );
    assert!(passed >= 150, "{passed}");
}

#[test]
fn answers_are_written_and_read_back() {
    let passed = run(
        "output",
        "encode_response",
        |case| case.json.get("error").is_none(),
        |case| {
            let written = encode_response(case.protocol, case.op, &result(case), "id-1").unwrap();
            assert_eq!(written.status, status(case));
            assert_eq!(written.headers["x-amzn-requestid"], "id-1");
            let read =
                decode_response(case.protocol, case.op, written.status, &written.headers, &written.body).unwrap();
            assert_eq!(nearly(&read), nearly(&result(case)));
            let expected = headers(&case.json["response"]["headers"]);
            for (name, expected) in &expected {
                // A request's header that slipped into an answer, the id that the test chose otherwise, and HTTP's own.
                if !["x-amz-target", "x-amzn-requestid", "content-type", "content-length"].contains(&name.as_str()) {
                    assert_eq!(written.headers.get(name), Some(expected), "{name}");
                }
            }
            let type_of = |headers: &HeaderMap| headers.get("content-type").cloned();
            if expected.contains_key("content-type") {
                assert_eq!(type_of(&written.headers), type_of(&expected));
            }
        },
    );
    assert!(passed >= 150, "{passed}");
}

/// What the case says about its error, as an error.
fn error_of(case: &Case) -> AwsError {
    let shape = case.op.model.shape_ref(case.op.operation.errors[0]);
    let mut error = AwsError::new(shape.name(), "");
    for (name, detail) in case.json["error"].as_object().unwrap() {
        if name.eq_ignore_ascii_case("message") {
            error.message = detail.as_str().unwrap().to_owned();
        } else {
            error = error.with_detail(name.clone(), detail.clone());
        }
    }
    error
}

fn details(error: &AwsError) -> Vec<String> {
    let mut details: Vec<String> = error
        .details
        .iter()
        .map(|(name, json)| format!("{name}: {json}"))
        .collect();
    details.sort();
    details
}

#[test]
fn errors_are_read() {
    let passed = run(
        "output",
        "decode_error",
        |case| case.json.get("error").is_some(),
        |case| {
            let response = &case.json["response"];
            let body = body(case.protocol, &response["body"]);
            let read = decode_error(
                case.protocol,
                case.op,
                status(case),
                &headers(&response["headers"]),
                &body,
            );
            let meant = error_of(case);
            assert_eq!(read.code, meant.code);
            assert_eq!(read.message, meant.message);
            assert_eq!(read.status, status(case));
            assert_eq!(details(&read), details(&meant));
        },
    );
    assert!(passed >= 30, "{passed}");
}

#[test]
fn errors_are_written_and_read_back() {
    let passed = run(
        "output",
        "encode_error",
        |case| case.json.get("error").is_some(),
        |case| {
            let meant = error_of(case).with_status(status(case));
            let written = encode_error(case.protocol, Some(case.op), None, &meant, "id-1");
            assert_eq!(written.status, status(case));
            let read = decode_error(case.protocol, case.op, written.status, &written.headers, &written.body);
            assert_eq!((&read.code, &read.message), (&meant.code, &meant.message));
            assert_eq!(details(&read), details(&meant));
            // Where the case shows them, type, members and the query protocol's code stand where it has them.
            for name in ["x-amzn-query-error", "x-header"] {
                if let Some(expected) = headers(&case.json["response"]["headers"]).get(name) {
                    assert_eq!(written.headers.get(name), Some(expected));
                }
            }
            if case.protocol == Protocol::RestJson {
                assert_eq!(written.headers["x-amzn-errortype"], meant.code.as_ref());
            } else if case.protocol != Protocol::RpcV2Cbor {
                let body: Json = serde_json::from_slice(&written.body).unwrap();
                assert!(body["__type"].as_str().unwrap().ends_with(meant.code.as_ref()));
            }
        },
    );
    assert!(passed >= 30, "{passed}");
}
