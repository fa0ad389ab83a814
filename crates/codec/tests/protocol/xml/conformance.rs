//! The conformance cases of query, ec2 and rest-xml, each in both directions.
//!
//! A case that cannot pass stands in [`EXCLUDED`] with its reason; the test fails if an excluded case does pass.

use crate::cases::{Case, canonical_xml, cases, fields, headers, value};
use bytes::Bytes;
use http::HeaderMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use virga_base::AwsError;
use virga_codec::{
    WireRequest, decode_error, decode_request, decode_response, encode_error, encode_request, encode_response,
};
use virga_shape::random::normal;
use virga_shape::{Kind, Location, Value};

const COMPRESSION: &str = "compressing is not the codec's task, and the case does not show the body";
const TOKEN: &str = "filling in tokens is not the codec's task";
const PATH: &str = "the endpoint's own path is put before by whoever knows the endpoint";
const NOTHING: &str = "the empty collection leaves nothing on the wire";
const NAME: &str = "botocore's form of the model loses whose name it is (botocore leaves the case out too)";
const SHADOW: &str = "a server's map of all parameters holds those that other members name as well";
const LOCATION: &str = "no model of AWS puts a member of an answer into the query string";

/// Protocol, half of the test, case, reason.
const EXCLUDED: &[(&str, &str, &str, &str)] = &[
    (
        "query",
        "decode_request",
        "SDKAppliedContentEncoding_awsQuery",
        COMPRESSION,
    ),
    (
        "query",
        "decode_request",
        "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery",
        COMPRESSION,
    ),
    (
        "query",
        "encode_request",
        "SDKAppliedContentEncoding_awsQuery",
        COMPRESSION,
    ),
    (
        "query",
        "encode_request",
        "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery",
        COMPRESSION,
    ),
    (
        "ec2",
        "decode_request",
        "SDKAppliedContentEncoding_ec2Query",
        COMPRESSION,
    ),
    (
        "ec2",
        "decode_request",
        "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_ec2Query",
        COMPRESSION,
    ),
    (
        "ec2",
        "encode_request",
        "SDKAppliedContentEncoding_ec2Query",
        COMPRESSION,
    ),
    (
        "ec2",
        "encode_request",
        "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_ec2Query",
        COMPRESSION,
    ),
    (
        "rest-xml",
        "decode_request",
        "SDKAppliedContentEncoding_restXml",
        COMPRESSION,
    ),
    (
        "rest-xml",
        "decode_request",
        "SDKAppendedGzipAfterProvidedEncoding_restXml",
        COMPRESSION,
    ),
    (
        "rest-xml",
        "encode_request",
        "SDKAppliedContentEncoding_restXml",
        COMPRESSION,
    ),
    (
        "rest-xml",
        "encode_request",
        "SDKAppendedGzipAfterProvidedEncoding_restXml",
        COMPRESSION,
    ),
    (
        "query",
        "decode_request",
        "QueryProtocolIdempotencyTokenAutoFill",
        TOKEN,
    ),
    (
        "query",
        "encode_request",
        "QueryProtocolIdempotencyTokenAutoFill",
        TOKEN,
    ),
    ("ec2", "decode_request", "Ec2ProtocolIdempotencyTokenAutoFill", TOKEN),
    ("ec2", "encode_request", "Ec2ProtocolIdempotencyTokenAutoFill", TOKEN),
    ("rest-xml", "decode_request", "QueryIdempotencyTokenAutoFill", TOKEN),
    ("rest-xml", "encode_request", "QueryIdempotencyTokenAutoFill", TOKEN),
    ("query", "encode_request", "QueryHostWithPath", PATH),
    ("ec2", "encode_request", "Ec2QueryHostWithPath", PATH),
    ("query", "decode_request", "QueryEmptyQueryMaps", NOTHING),
    ("ec2", "decode_request", "Ec2EmptyQueryLists", NOTHING),
    ("rest-xml", "decode_request", "HttpPrefixHeadersAreNotPresent", NOTHING),
    ("rest-xml", "decode_response", "HttpPrefixHeadersAreNotPresent", NOTHING),
    ("rest-xml", "encode_response", "HttpPrefixHeadersAreNotPresent", NOTHING),
    ("rest-xml", "decode_request", "BodyWithXmlName", NAME),
    ("rest-xml", "encode_request", "BodyWithXmlName", NAME),
    ("rest-xml", "decode_response", "BodyWithXmlName", NAME),
    ("rest-xml", "encode_request", "RestXmlHttpPayloadWithUnion", NAME),
    ("rest-xml", "encode_request", "HttpPayloadWithXmlNamespace", NAME),
    (
        "rest-xml",
        "encode_request",
        "HttpPayloadWithXmlNamespaceAndPrefix",
        NAME,
    ),
    ("rest-xml", "encode_request", "XmlAttributesOnPayload", NAME),
    ("rest-xml", "decode_request", "RestXmlQueryPrecedence", SHADOW),
    ("rest-xml", "decode_request", "RestXmlQueryParamsStringListMap", SHADOW),
    ("rest-xml", "decode_response", "IgnoreQueryParamsInResponse", LOCATION),
    ("rest-xml", "encode_response", "IgnoreQueryParamsInResponse", LOCATION),
];

/// Runs one half over all cases of a file and compares the failures with the exclusions.
fn check(protocol: &str, half: &str, cases: &[Case], test: impl Fn(&Case)) {
    assert!(!cases.is_empty());
    let mut wrong = Vec::new();
    let mut passed = 0;
    for case in cases {
        let excluded = EXCLUDED
            .iter()
            .any(|(p, h, id, _)| *p == protocol && *h == half && *id == case.id);
        let result = catch_unwind(AssertUnwindSafe(|| test(case)));
        match (result, excluded) {
            (Ok(()), false) => passed += 1,
            (Err(_), true) => {}
            (Ok(()), true) => wrong.push(format!("{}: passes, take it off the exclusions", case.id)),
            (Err(error), false) => {
                let text = error.downcast_ref::<String>().map_or("", String::as_str);
                wrong.push(format!("{}: {}", case.id, text.replace('\n', " ")));
            }
        }
    }
    println!("{protocol} {half}: {passed} of {} cases", cases.len());
    assert!(wrong.is_empty(), "{protocol} {half}:\n{}", wrong.join("\n"));
    for (_, _, id, _) in EXCLUDED.iter().filter(|(p, h, ..)| *p == protocol && *h == half) {
        assert!(cases.iter().any(|case| case.id == *id), "no case {id}");
    }
}

fn split_uri(uri: &str) -> (&str, &str) {
    uri.split_once('?').unwrap_or((uri, ""))
}

fn params(case: &Case) -> Value {
    match case.op.input() {
        Some(shape) => value(shape, &case.json["params"]),
        None => Value::Null,
    }
}

fn server_reads_requests(name: &str) {
    check(name, "decode_request", &cases("input", name), |case| {
        let wire = &case.json["serialized"];
        let (path, query) = split_uri(wire["uri"].as_str().unwrap());
        let body = Bytes::copy_from_slice(wire["body"].as_str().unwrap_or_default().as_bytes());
        let request = WireRequest {
            method: wire["method"].as_str().unwrap(),
            path,
            query,
            headers: &headers(&wire["headers"]),
            body: &body,
        };
        let mut read = decode_request(case.protocol, case.op, &request).unwrap_or_else(|e| panic!("{e}"));
        let expected = params(case);
        if let (Value::Struct(read), Value::Struct(expected)) = (&mut read, &expected) {
            // A server finds each parameter in the map of all of them too; what clients mean does not say so.
            for (index, member) in (0u16..).zip(read.shape().members()) {
                let map = matches!(read.shape().target(member).kind(), Kind::Map { .. });
                if map && member.location == Some(Location::QueryString) && expected.at(index).is_none() {
                    read.take_at(index);
                }
            }
        }
        assert_eq!(normal(&read), normal(&expected));
    });
}

fn client_writes_requests(name: &str) {
    check(name, "encode_request", &cases("input", name), |case| {
        let wire = &case.json["serialized"];
        let request = encode_request(case.protocol, case.op, &params(case)).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(request.method, wire["method"].as_str().unwrap());
        let (path, query) = split_uri(wire["uri"].as_str().unwrap());
        assert_eq!(request.path, path);
        assert_eq!(fields(&request.query), fields(query));
        let body = std::str::from_utf8(&request.body).unwrap();
        if let Some(expected) = wire["body"].as_str() {
            match name {
                "rest-xml" if expected.trim_start().starts_with('<') => {
                    assert_eq!(canonical_xml(body), canonical_xml(expected.trim_start()))
                }
                "rest-xml" => assert_eq!(body, expected),
                _ => assert_eq!(fields(body), fields(expected)),
            }
        }
        for (header, text) in &headers(&wire["headers"]) {
            let found = request.headers.get(header).map(|v| v.to_str().unwrap_or_default());
            let expected = text.to_str().unwrap();
            assert!(
                found == Some(expected) || header == "content-type" && found.is_some_and(|f| f.starts_with(expected)),
                "{header} is {found:?}, not {expected}"
            );
        }
        for header in wire["forbidHeaders"].as_array().into_iter().flatten() {
            assert!(!request.headers.contains_key(header.as_str().unwrap()), "{header}");
        }
    });
}

fn result(case: &Case) -> Value {
    match case.op.output() {
        Some(shape) => value(shape, &case.json["result"]),
        None => Value::Null,
    }
}

/// Status, headers and body of the case's answer.
fn answer(case: &Case) -> (u16, HeaderMap, Bytes) {
    let wire = &case.json["response"];
    let body = Bytes::copy_from_slice(wire["body"].as_str().unwrap_or_default().as_bytes());
    (
        wire["status_code"].as_u64().unwrap() as u16,
        headers(&wire["headers"]),
        body,
    )
}

fn successes(name: &str) -> Vec<Case> {
    let mut all = cases("output", name);
    all.retain(|case| case.json.get("result").is_some());
    all
}

fn failures(name: &str) -> Vec<Case> {
    let mut all = cases("output", name);
    all.retain(|case| case.json.get("errorCode").is_some());
    all
}

fn client_reads_answers(name: &str) {
    check(name, "decode_response", &successes(name), |case| {
        let (status, headers, body) = answer(case);
        let read = decode_response(case.protocol, case.op, status, &headers, &body).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(normal(&read), normal(&result(case)));
    });
}

fn server_writes_answers(name: &str) {
    check(name, "encode_response", &successes(name), |case| {
        let (status, ..) = answer(case);
        let expected = result(case);
        let written = encode_response(case.protocol, case.op, &expected, "request-id").unwrap();
        assert_eq!(written.status, status);
        let read = decode_response(case.protocol, case.op, written.status, &written.headers, &written.body);
        assert_eq!(normal(&read.unwrap_or_else(|e| panic!("{e}"))), normal(&expected));
    });
}

/// The case's error as an operation would give it.
fn error(case: &Case) -> AwsError {
    let message = case.json["errorMessage"].as_str().unwrap_or_default();
    let shape = case
        .op
        .model
        .shapes
        .iter()
        .find(|shape| matches!(shape.kind, Kind::Structure { error: Some(_), .. }))
        .unwrap();
    let mut error = AwsError::new(shape.name.clone(), message);
    for (member, json) in case.json["error"].as_object().unwrap() {
        if member != "Message" {
            error = error.with_detail(member.clone(), json.clone());
        }
    }
    error
}

fn assert_same_error(read: &AwsError, expected: &AwsError, status: u16) {
    assert_eq!((&read.code, read.status), (&expected.code, status));
    if !expected.message.is_empty() {
        assert_eq!(read.message, expected.message);
    }
    let sorted = |error: &AwsError| {
        let mut details: Vec<_> = error.details.iter().map(|d| format!("{d:?}")).collect();
        details.sort();
        details
    };
    assert_eq!(sorted(read), sorted(expected));
}

fn errors_are_read_and_written(name: &str) {
    check(name, "decode_error", &failures(name), |case| {
        let (status, headers, body) = answer(case);
        assert!(
            std::str::from_utf8(&body)
                .unwrap()
                .contains(case.json["errorCode"].as_str().unwrap())
        );
        let read = decode_error(case.protocol, case.op, status, &headers, &body);
        assert_same_error(&read, &error(case), status);
    });
    check(name, "encode_error", &failures(name), |case| {
        let (status, ..) = answer(case);
        let expected = error(case);
        let written = encode_error(case.protocol, Some(case.op), None, &expected, "request-id");
        assert_eq!(written.status, status);
        let body = std::str::from_utf8(&written.body).unwrap();
        let code = format!("<Code>{}</Code>", case.json["errorCode"].as_str().unwrap());
        assert!(body.contains(&code), "{body}");
        let read = decode_error(case.protocol, case.op, written.status, &written.headers, &written.body);
        assert_same_error(&read, &expected, status);
    });
}

macro_rules! protocol_tests {
    ($module:ident, $name:literal) => {
        mod $module {
            #[test]
            fn server_reads_requests() {
                super::server_reads_requests($name);
            }
            #[test]
            fn client_writes_requests() {
                super::client_writes_requests($name);
            }
            #[test]
            fn client_reads_answers() {
                super::client_reads_answers($name);
            }
            #[test]
            fn server_writes_answers() {
                super::server_writes_answers($name);
            }
            #[test]
            fn errors_are_read_and_written() {
                super::errors_are_read_and_written($name);
            }
        }
    };
}

protocol_tests!(query, "query");
protocol_tests!(ec2, "ec2");
protocol_tests!(rest_xml, "rest-xml");
