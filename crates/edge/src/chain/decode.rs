//! Decode: the input as a value of the model's shape, and the body where it streams.

use super::accept::body_error;
use super::verify::{Proof, Verified};
use super::{Arrival, Desk, Exit, Refused, Target, encode};
use crate::body::Payload;
use crate::body::checksum;
use crate::body::chunked::{self, ChunkDecoder, ChunkedBody, HashedBody};
use crate::body::pieces::Pieces;
use crate::body::whole::{self, BodyError};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::BodyExt;
use std::borrow::Cow;
use std::sync::Mutex;
use virga_auth::{Family, Fault};
use virga_base::AwsError;
use virga_codec::{OperationRef, WireRequest, streaming_input};
use virga_service::{Body, Call, Checked, Fidelity, Request, Service, Who};
use virga_shape::Value;

static CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
static CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
static DECODED_LENGTH: HeaderName = HeaderName::from_static("x-amz-decoded-content-length");
const CHUNKED: &str = "aws-chunked";

/// A call that is known in full.
pub(super) struct Decoded {
    pub(super) target: Target,
    pub(super) who: Who,
    pub(super) call: Checked,
}

impl Decoded {
    pub(super) fn refuse(self, error: AwsError) -> Refused {
        Refused {
            target: self.target,
            who: Some(self.who),
            error,
        }
    }
}

pub(super) async fn decode(desk: &Desk, arrival: &Arrival, verified: Verified<'_>) -> Result<Decoded, Exit> {
    let Verified {
        target,
        op,
        path,
        who,
        body,
        proof,
    } = verified;
    let read = read(desk, arrival, op, &target, &path, body, proof).await;
    let (service, input, stream) = read.map_err(|error| Refused::of(target, Some(&who), error))?;
    let request = Request {
        ids: None,
        claim: None,
        id: encode::request_id(&target, arrival),
        host: arrival.host_value(),
        secure: arrival.secure,
        source_ip: Some(arrival.source_ip.clone()),
        user_agent: arrival.value(&USER_AGENT).cloned(),
        headers: Some(arrival.headers.clone()),
        method: arrival.method.clone(),
        uri: arrival.uri.clone(),
        protocol: Some(target.protocol),
        body: Mutex::new(stream),
    };
    let call = Call {
        model: op.model,
        operation: op.operation,
        input,
        caller: who.caller.clone(),
        account: who.account,
        region: who.region.clone(),
        request,
    };
    match service.check(call) {
        Ok(call) => Ok(Decoded { target, who, call }),
        Err(error) => Err(Refused::of(target, Some(&who), error).into()),
    }
}

/// The service, the input, and the body where it streams.
async fn read<'a>(
    desk: &'a Desk,
    arrival: &'a Arrival,
    op: OperationRef,
    target: &Target,
    path: &str,
    body: Payload,
    proof: Proof,
) -> Result<(&'a Service, Value, Option<Body>), AwsError> {
    let service = desk.cloud_for(arrival).service(&op.model.name);
    let fidelity = service.map_or(Fidelity::None, |service| service.fidelity(&op.operation.name));
    let (Some(service), Fidelity::Stored | Fidelity::Full) = (service, fidelity) else {
        return Err(AwsError::not_implemented(&op.model.service_id, &op.operation.name));
    };
    let framing = Framing::of(arrival);
    let mut headers = framing.headers(&arrival.headers);
    let (whole, stream) = if streaming_input(op).is_some() {
        (Bytes::new(), Some(stream(desk, arrival, &framing, body, proof)?))
    } else {
        let (bytes, trailers) = read_whole(desk, arrival, op, &framing, body, proof).await?;
        if !trailers.is_empty() {
            headers.to_mut().extend(trailers);
        }
        (bytes, None)
    };
    let request = WireRequest {
        method: arrival.method.as_str(),
        path,
        query: arrival.query(),
        headers: &headers,
        body: &whole,
    };
    let input = virga_codec::decode_request(target.protocol, op, &request)?;
    Ok((service, input, stream))
}

/// DynamoDB takes no larger requests.
const DYNAMODB_BODY_MAX_BYTES: usize = 16 * 1024 * 1024;

/// The last of the encodings that a body is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Packing {
    Gzip,
    Deflate,
    Unknown,
}

impl Packing {
    fn of(name: &str) -> Option<Packing> {
        match name.to_ascii_lowercase().as_str() {
            "gzip" => Some(Packing::Gzip),
            "deflate" => Some(Packing::Deflate),
            "identity" => None,
            _ => Some(Packing::Unknown),
        }
    }
}

/// How a body is packed.
#[derive(Default)]
struct Framing {
    /// In `aws-chunked`, with whatever signatures.
    chunked: bool,
    packing: Option<Packing>,
    /// The encodings that are left for the service to know.
    rest: Option<String>,
}

impl Framing {
    fn of(arrival: &Arrival) -> Framing {
        let encoding = arrival.text(&CONTENT_ENCODING);
        let payload = arrival.text(&CONTENT_SHA256);
        if encoding.is_none() && payload.is_none() {
            return Framing::default();
        }
        let names = encoding.unwrap_or_default().split(',').map(str::trim);
        let rest: Vec<&str> = names
            .clone()
            .filter(|name| !name.is_empty() && *name != CHUNKED)
            .collect();
        let is_streaming = payload.is_some_and(|payload| payload.starts_with("STREAMING-"));
        Framing {
            chunked: is_streaming || names.clone().any(|name| name == CHUNKED),
            packing: rest.last().and_then(|name| Packing::of(name)),
            rest: (!rest.is_empty()).then(|| rest.join(",")),
        }
    }

    /// The headers as they would be without the framing.
    fn headers<'a>(&self, headers: &'a HeaderMap) -> Cow<'a, HeaderMap> {
        if !self.chunked {
            return Cow::Borrowed(headers);
        }
        let mut bare = headers.clone();
        match self.rest.as_ref().and_then(|rest| HeaderValue::try_from(rest).ok()) {
            Some(rest) => {
                bare.insert(CONTENT_ENCODING, rest);
            }
            None => {
                bare.remove(CONTENT_ENCODING);
            }
        }
        if let Some(length) = headers.get(&DECODED_LENGTH) {
            bare.insert(CONTENT_LENGTH, length.clone());
        }
        Cow::Owned(bare)
    }
}

/// The body as a stream, checked as it comes. Errors of AWS's come out of it as such.
fn stream(desk: &Desk, arrival: &Arrival, framing: &Framing, body: Payload, proof: Proof) -> Result<Body, AwsError> {
    arrival.note_body(None);
    let pieces = Pieces::new(body, desk.limits().body_read_max);
    if framing.chunked {
        let decoder = ChunkDecoder::new(&arrival.headers, proof.chain)?;
        return Ok(ChunkedBody::new(pieces, decoder).boxed_unsync());
    }
    Ok(match proof.sha256 {
        Some(expected) => HashedBody::new(pieces, expected).boxed_unsync(),
        None => pieces.boxed_unsync(),
    })
}

/// The body whole, unpacked and checked, with what came behind it.
async fn read_whole(
    desk: &Desk,
    arrival: &Arrival,
    op: OperationRef,
    framing: &Framing,
    body: Payload,
    proof: Proof,
) -> Result<(Bytes, HeaderMap), AwsError> {
    let limits = desk.limits();
    let is_s3 = op.model.name == "s3";
    let is_dynamodb = op
        .model
        .target_prefix
        .as_deref()
        .is_some_and(|prefix| prefix.starts_with("DynamoDB"));
    let max_bytes = if is_dynamodb {
        limits.body_max_bytes.min(DYNAMODB_BODY_MAX_BYTES)
    } else {
        limits.body_max_bytes
    };
    let refuse = |error: &BodyError| match error {
        BodyError::NotPacked if is_dynamodb => AwsError::new("InternalServerError", "").with_status(500),
        BodyError::TooLarge if is_s3 => AwsError::new("MaxMessageLengthExceeded", "Your request was too big."),
        error => body_error(error),
    };
    let mut bytes = whole::read(body, max_bytes, limits.body_read_max)
        .await
        .map_err(|error| refuse(&error))?;
    arrival.note_body((!framing.chunked).then_some(&bytes));
    if let Some(expected) = proof.sha256 {
        let computed = virga_auth::sha256_hex(&bytes);
        if computed != expected {
            let family = if is_s3 { Family::S3 } else { Family::Query };
            let claimed = expected;
            return Err(Fault::Payload { claimed, computed }.to_error(family));
        }
    }
    let mut trailers = HeaderMap::new();
    if framing.chunked {
        let decoder = ChunkDecoder::new(&arrival.headers, proof.chain)?;
        (bytes, trailers) = chunked::decode_whole(decoder, bytes)?;
    }
    match framing.packing {
        Some(Packing::Gzip) if !is_s3 => {
            bytes = whole::inflate(&bytes, max_bytes).map_err(|error| refuse(&error))?;
        }
        Some(Packing::Deflate) if is_dynamodb => {
            bytes = whole::inflate_zlib(&bytes, max_bytes).map_err(|error| refuse(&error))?;
        }
        Some(Packing::Unknown) if is_dynamodb => return Err(refuse(&BodyError::NotPacked)),
        _ => {}
    }
    if let Some(sent) = arrival.text(&CONTENT_MD5) {
        checksum::check_md5(sent, &bytes)?;
    }
    if op.operation.http_checksum.is_some() {
        checksum::check_headers(&arrival.headers, &bytes)?;
    }
    Ok((bytes, trailers))
}
