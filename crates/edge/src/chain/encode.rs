//! Encode: the answer or the error in the protocol that the caller speaks.

use super::compress::{self, Encoding};
use super::dispatch::Answered;
use super::{Arrival, Exit, Refused, Target};
use crate::body::answer::AnswerBody;
use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body::Body as _;
use virga_base::{AwsError, Id};
use virga_codec::WireResponse;
use virga_service::{Answer, Who};
use virga_shape::{Protocol, Value};

static CRC32: HeaderName = HeaderName::from_static("x-amz-crc32");

/// An answer in its protocol, with what its record tells.
pub(super) struct Encoded {
    pub(super) response: Response<AnswerBody>,
    /// Nothing for what was answered beside AWS.
    pub(super) told: Option<Told>,
    /// Whether the service has told the page's browser by rules of its own what it may see.
    pub(super) ruled: bool,
}

/// What the record of a call tells.
pub(super) struct Told {
    pub(super) target: Target,
    pub(super) who: Option<Box<Who>>,
    pub(super) error: Option<Box<AwsError>>,
}

pub(super) fn encode(arrival: &Arrival, outcome: Result<Answered, Exit>) -> Encoded {
    match outcome {
        Ok(Answered { target, who, answer }) => match write(arrival, &target, answer) {
            Ok(response) => Encoded {
                response,
                ruled: false,
                told: Some(Told {
                    target,
                    who: Some(who),
                    error: None,
                }),
            },
            Err(error) => refuse(
                arrival,
                Refused {
                    target,
                    who: Some(who),
                    error,
                },
            ),
        },
        Err(Exit::Refused(refused)) => refuse(arrival, *refused),
        Err(Exit::Aside(response)) => Encoded {
            response: *response,
            told: None,
            ruled: false,
        },
    }
}

/// A request's id as its service writes ids: S3's have sixteen letters and digits, all others are UUIDs.
pub(super) fn request_id(target: &Target, arrival: &Arrival) -> Id {
    if !target.is("s3") {
        return arrival.id;
    }
    let digits = arrival.id.as_str().bytes().filter(|byte| *byte != b'-');
    Id::of(digits.take(16).map(|byte| byte.to_ascii_uppercase()))
}

fn write(arrival: &Arrival, target: &Target, answer: Answer) -> Result<Response<AnswerBody>, AwsError> {
    let Some(op) = target.op() else {
        return Err(AwsError::internal("an answer without an operation"));
    };
    let Answer {
        output,
        body,
        headers,
        status,
    } = answer;
    let output = output.unwrap_or(Value::Null);
    let id = request_id(target, arrival);
    let mut wire = if target.protocol == Protocol::Query && arrival.text(&ACCEPT) == Some("application/json") {
        virga_codec::encode_response_as_json(op, &output, id.as_str())
    } else {
        virga_codec::encode_response(target.protocol, op, &output, id.as_str())?
    };
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            wire.headers.insert(name, value);
        }
    }
    wire.status = status.unwrap_or(wire.status);
    if let (200, Some(status)) = (wire.status, arrival.noted_status()) {
        wire.status = status;
    }
    if target.is_dynamodb() {
        compress(arrival, &mut wire);
        add_crc32(&mut wire);
    }
    let mut response = match body {
        None => response(arrival, wire),
        Some(body) => {
            let mut response = response(arrival, wire);
            if arrival.method != Method::HEAD {
                if let (Some(length), false) = (
                    body.size_hint().exact(),
                    response.headers().contains_key(CONTENT_LENGTH),
                ) {
                    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
                }
                *response.body_mut() = AnswerBody::streamed(body);
            }
            response
        }
    };
    if matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        *response.body_mut() = AnswerBody::whole(Bytes::new());
    }
    Ok(response)
}

fn refuse(arrival: &Arrival, refused: Refused) -> Encoded {
    let Refused { target, who, error } = refused;
    let id = request_id(&target, arrival);
    let mut wire = if is_stray_get(arrival, &target, &error) {
        // What AWS's front answers to a browser at the endpoint of a service that speaks awsJson.
        WireResponse {
            status: 404,
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"<UnknownOperationException/>\n"),
        }
    } else {
        virga_codec::encode_error(target.protocol, target.op(), target.model, &error, id.as_str())
    };
    if target.is_dynamodb() {
        add_crc32(&mut wire);
    }
    Encoded {
        response: response(arrival, wire),
        ruled: false,
        told: Some(Told {
            target,
            who,
            error: Some(Box::new(error)),
        }),
    }
}

fn is_stray_get(arrival: &Arrival, target: &Target, error: &AwsError) -> bool {
    arrival.method == Method::GET
        && target.operation.is_none()
        && error.code == "UnknownOperationException"
        && matches!(target.protocol, Protocol::Json10 | Protocol::Json11)
}

fn response(arrival: &Arrival, wire: WireResponse) -> Response<AnswerBody> {
    let WireResponse { status, headers, body } = wire;
    // An answer to HEAD has no body, but its headers may tell the length of what it leaves out.
    let body = if arrival.method == Method::HEAD && body.is_empty() && headers.contains_key(CONTENT_LENGTH) {
        AnswerBody::omitted()
    } else {
        AnswerBody::whole(body)
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}

/// Packs an answer in the encoding that its caller prefers.
fn compress(arrival: &Arrival, wire: &mut WireResponse) {
    if wire.body.len() <= compress::MIN_BYTES {
        return;
    }
    let Some(encoding) = arrival.text(&ACCEPT_ENCODING).and_then(Encoding::accepted) else {
        return;
    };
    if let Ok(packed) = encoding.pack(&wire.body) {
        wire.body = packed.into();
        let name = HeaderValue::from_static(encoding.name());
        wire.headers.insert(CONTENT_ENCODING, name);
    }
}

/// DynamoDB's clients check their answers.
fn add_crc32(wire: &mut WireResponse) {
    let sum = crc32fast::hash(&wire.body);
    wire.headers.insert(&CRC32, HeaderValue::from(sum));
}
