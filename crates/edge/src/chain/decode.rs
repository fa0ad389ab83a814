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
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::BodyExt;
use std::borrow::Cow;
use std::sync::Mutex;
use virga_auth::{Family, Fault};
use virga_base::AwsError;
use virga_codec::{OperationRef, WireRequest, streaming_input};
use virga_service::{Body, Call, Caller, Checked, Fidelity, Registered, Request, Service, Who};
use virga_shape::{Protocol, Value};

static CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
static CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
static DECODED_LENGTH: HeaderName = HeaderName::from_static("x-amz-decoded-content-length");
const CHUNKED: &str = "aws-chunked";

/// A call that is known in full.
pub(super) struct Decoded<'a> {
    pub(super) target: Target,
    pub(super) service: &'a Service,
    pub(super) registered: &'a Registered,
    pub(super) who: Box<Who>,
    pub(super) call: Checked,
}

impl Decoded<'_> {
    pub(super) fn refuse(self, error: AwsError) -> Refused {
        Refused {
            target: self.target,
            who: Some(self.who),
            error,
        }
    }
}

pub(super) async fn decode<'a>(desk: &Desk, arrival: &Arrival, verified: Verified<'a>) -> Result<Decoded<'a>, Exit> {
    let Verified {
        target,
        op,
        service,
        path,
        mut who,
        body,
        proof,
    } = verified;
    let (service, registered) = match built(service, op) {
        Ok(built) => built,
        Err(error) => return Err(refused(target, who, error)),
    };
    let (whole, stream) = if streaming_input(op).is_some() {
        match stream(desk, arrival, body, proof) {
            Ok(stream) => (None, Some(stream)),
            Err(error) => return Err(refused(target, who, error)),
        }
    } else {
        match whole::read(body, max_bytes(desk, op), desk.limits().body_read_max).await {
            Ok(bytes) => (Some((bytes, proof)), None),
            Err(error) => return Err(refused(target, who, unread(op, &error))),
        }
    };
    let input = match input(desk, arrival, op, target.protocol, &path, whole) {
        Ok(input) => input,
        Err(error) => return Err(refused(target, who, error)),
    };
    // The exchange tells it to the record, so that the call alone has it from here on.
    let access_key_id = who.caller.access_key_id.take();
    let call = Call {
        model: op.model,
        operation: op.operation,
        input,
        caller: Caller {
            access_key_id,
            ..who.caller.clone()
        },
        account: who.account,
        region: who.region.clone(),
        request: Request {
            ids: None,
            claim: None,
            id: encode::request_id(&target, arrival),
            head: Some(arrival.head.clone()),
            protocol: Some(target.protocol),
            body: Mutex::new(stream),
        },
    };
    match service.check(call) {
        Ok(call) => Ok(Decoded {
            target,
            service,
            registered,
            who,
            call,
        }),
        Err(error) => Err(refused(target, who, error)),
    }
}

fn refused(target: Target, who: Box<Who>, error: AwsError) -> Exit {
    let who = Some(who);
    Refused { target, who, error }.into()
}

/// The service and its operation, if it has that.
fn built(service: Option<&Service>, op: OperationRef) -> Result<(&Service, &Registered), AwsError> {
    service
        .and_then(|service| Some((service, service.operation(&op.operation.name)?)))
        .filter(|(_, registered)| registered.fidelity != Fidelity::None)
        .ok_or_else(|| AwsError::not_implemented(&op.model.service_id, &op.operation.name))
}

/// The input, of which the body is a part unless it streams.
fn input(
    desk: &Desk,
    arrival: &Arrival,
    op: OperationRef,
    protocol: Protocol,
    path: &str,
    whole: Option<(Bytes, Option<Box<Proof>>)>,
) -> Result<Value, AwsError> {
    let framing = Framing::of(arrival);
    let mut headers = framing.headers(&arrival.headers);
    let mut body = Bytes::new();
    if let Some((bytes, proof)) = whole {
        let (unpacked, trailers) = unpack(desk, arrival, op, &framing, bytes, proof)?;
        if let Some(trailers) = trailers {
            headers.to_mut().extend(*trailers);
        }
        body = unpacked;
    }
    let request = WireRequest {
        method: arrival.method.as_str(),
        path,
        query: arrival.query(),
        headers: &headers,
        body: &body,
    };
    virga_codec::decode_request(protocol, op, &request)
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
fn stream(desk: &Desk, arrival: &Arrival, body: Payload, proof: Option<Box<Proof>>) -> Result<Body, AwsError> {
    arrival.note_body(None);
    let pieces = Pieces::new(body, desk.limits().body_read_max);
    if Framing::of(arrival).chunked {
        let decoder = ChunkDecoder::new(&arrival.headers, proof.and_then(|proof| proof.chain))?;
        return Ok(ChunkedBody::new(pieces, decoder).boxed_unsync());
    }
    Ok(match proof.and_then(|proof| proof.sha256) {
        Some(expected) => HashedBody::new(pieces, expected).boxed_unsync(),
        None => pieces.boxed_unsync(),
    })
}

fn is_s3(op: OperationRef) -> bool {
    op.model.name == "s3"
}

fn is_dynamodb(op: OperationRef) -> bool {
    let prefix = op.model.target_prefix.as_deref();
    prefix.is_some_and(|prefix| prefix.starts_with("DynamoDB"))
}

fn max_bytes(desk: &Desk, op: OperationRef) -> usize {
    let max_bytes = desk.limits().body_max_bytes;
    if is_dynamodb(op) {
        max_bytes.min(DYNAMODB_BODY_MAX_BYTES)
    } else {
        max_bytes
    }
}

/// A body that could not be read, in the words of its service.
fn unread(op: OperationRef, error: &BodyError) -> AwsError {
    match error {
        BodyError::NotPacked if is_dynamodb(op) => AwsError::new("InternalServerError", "").with_status(500),
        BodyError::TooLarge if is_s3(op) => AwsError::new("MaxMessageLengthExceeded", "Your request was too big."),
        error => body_error(error),
    }
}

/// A whole body, unpacked and checked, with what came behind it.
fn unpack(
    desk: &Desk,
    arrival: &Arrival,
    op: OperationRef,
    framing: &Framing,
    mut bytes: Bytes,
    proof: Option<Box<Proof>>,
) -> Result<(Bytes, Option<Box<HeaderMap>>), AwsError> {
    arrival.note_body((!framing.chunked).then_some(&bytes));
    let mut chain = None;
    if let Some(proof) = proof {
        if let Some(claimed) = proof.sha256 {
            let computed = virga_auth::sha256_hex(&bytes);
            if computed != claimed {
                let family = if is_s3(op) { Family::S3 } else { Family::Query };
                return Err(Fault::Payload { claimed, computed }.to_error(family));
            }
        }
        chain = proof.chain;
    }
    let mut trailers = None;
    if framing.chunked {
        let decoder = ChunkDecoder::new(&arrival.headers, chain)?;
        let (decoded, behind) = chunked::decode_whole(decoder, bytes)?;
        bytes = decoded;
        trailers = (!behind.is_empty()).then(|| Box::new(behind));
    }
    if let Some(packing) = framing.packing {
        let (max_bytes, is_dynamodb) = (max_bytes(desk, op), is_dynamodb(op));
        let unpacked = match packing {
            Packing::Gzip if !is_s3(op) => Some(whole::inflate(&bytes, max_bytes)),
            Packing::Deflate if is_dynamodb => Some(whole::inflate_zlib(&bytes, max_bytes)),
            Packing::Unknown if is_dynamodb => Some(Err(BodyError::NotPacked)),
            _ => None,
        };
        if let Some(unpacked) = unpacked {
            bytes = unpacked.map_err(|error| unread(op, &error))?;
        }
    }
    if let Some(sent) = arrival.text(&CONTENT_MD5) {
        checksum::check_md5(sent, &bytes)?;
    }
    if op.operation.http_checksum.is_some() {
        checksum::check_headers(&arrival.headers, &bytes)?;
    }
    Ok((bytes, trailers))
}
