//! Address: which operation of which service, and in which protocol.

use super::accept;
use super::{Arrival, Desk, Exit, Refused, Target, resource};
use crate::body::Payload;
use crate::body::whole;
use crate::cors::Standing;
use crate::world::Chosen;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderName, HeaderValue, Method};
use memchr::memchr;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use virga_auth::{Carrier, Claim, Facts as Signed, Fault};
use virga_base::AwsError;
use virga_codec::OperationRef;
use virga_service::Service;
use virga_shape::address::{self, AddressError};
use virga_shape::{Protocol, pack};

static TARGET: HeaderName = HeaderName::from_static("x-amz-target");
static SMITHY_PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");

/// What a request says about its signer.
pub(super) type Claimed<'a> = Result<Option<Claim<'a>>, Fault>;

/// A request whose operation is known.
pub(super) struct Addressed<'a> {
    pub(super) target: Target,
    pub(super) op: OperationRef,
    /// The service that has it, if that is built.
    pub(super) service: Option<&'a Service>,
    /// As the model has it: with the bucket that S3's host names carry.
    pub(super) path: Cow<'a, str>,
    /// Left where it was read: it is large, and all that follows only looks at it.
    pub(super) claim: &'a Claimed<'a>,
    pub(super) body: Payload,
}

/// Whether a request is a form, whose fields name the operation.
pub(super) fn is_form(arrival: &Arrival) -> bool {
    let is_kind = |kind: &HeaderValue| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded");
    arrival.method == Method::POST && arrival.value(&CONTENT_TYPE).is_some_and(is_kind) && !arrival.has(&TARGET)
}

/// Finds out what a request means. The body of a form has been read, by [`read_form`].
pub(super) fn address<'a>(
    desk: &'a Desk,
    arrival: &'a Arrival,
    claim: &'a Claimed<'a>,
    is_form: bool,
    body: Payload,
) -> Result<Addressed<'a>, Exit> {
    let is_gzip = is_form && arrival.text(&CONTENT_ENCODING).is_some_and(|name| name == "gzip");
    let inflated = match &body {
        // The signature covers the form as it is sent, so that is what goes on.
        Payload::Whole(form) if is_gzip => {
            let inflated = whole::inflate(form, desk.limits().body_max_bytes);
            let refuse = |error| Refused::of(Target::unknown(Protocol::Query), None, accept::body_error(&error));
            Some(inflated.map_err(refuse)?)
        }
        Payload::Whole(_) | Payload::Incoming(_) => None,
    };
    let fields = match (&inflated, &body) {
        (Some(form), _) => action(form),
        (None, Payload::Whole(form)) if is_form => action(form),
        (None, _) => None,
    };
    let scope = claim.as_ref().ok().and_then(Option::as_ref).map(Claim::service);
    let has_header = |name: &str| arrival.headers.contains_key(name);
    let facts = address::Facts {
        method: arrival.method.as_str(),
        path: arrival.uri.path(),
        query: arrival.query(),
        host: arrival.plain_host().unwrap_or_default(),
        target: arrival.text(&TARGET),
        smithy_protocol: arrival.text(&SMITHY_PROTOCOL),
        content_type: &|| arrival.text(&CONTENT_TYPE),
        scope: scope.filter(|scope| !scope.is_empty()),
        form: fields.as_ref().map(|(name, version)| (&**name, version.as_deref())),
        user_agent: &|| arrival.text(&USER_AGENT),
        has_header: &has_header,
    };
    let found = match address::address(&facts) {
        Ok(found) => found,
        Err(error) => {
            let version = fields.as_ref().and_then(|(_, version)| version.as_deref());
            return Err(unknown(arrival, &error, is_form && fields.is_none(), version).into());
        }
    };
    let op = OperationRef {
        model: found.model,
        operation: found.operation,
    };
    let target = Target::of(found.protocol, op);
    if let Chosen::Unknown(unknown) = &arrival.world
        && unknown.refuses(&found.model.name)
    {
        return Err(Refused::of(target, None, unknown.error()).into());
    }
    // S3's buckets have rules of their own for pages; that service decides.
    if arrival.standing == Standing::Foreign && !target.is("s3") {
        return Err(Refused::of(target, None, accept::foreign(arrival)).into());
    }
    let path = match found.bucket.map(|bucket| bucket.path(arrival.uri.path())) {
        Some(path) => Cow::Owned(path),
        None => Cow::Borrowed(arrival.uri.path()),
    };
    if target.is("s3")
        && let Some(error) = resource::refusal(arrival.method.as_str(), &path, arrival.query())
    {
        return Err(Refused::of(target, None, error).into());
    }
    let service = desk.cloud_for(arrival).service(&found.model.name);
    if arrival.standing != Standing::Plain || service.is_some_and(Service::keeps_logs) {
        arrival.note_path(&path);
    }
    Ok(Addressed {
        target,
        op,
        service,
        path,
        claim,
        body,
    })
}

/// The service that another method would mean at the same address, and the path as its model has it.
pub(super) fn would_mean(arrival: &Arrival, method: &str) -> Option<(&'static str, String)> {
    let claim = virga_auth::read(&signed_facts(arrival)).ok().flatten();
    let has_header = |name: &str| arrival.headers.contains_key(name);
    let scope = claim.as_ref().map(Claim::service).filter(|scope| !scope.is_empty());
    let found = address::address(&address::Facts {
        method,
        path: arrival.uri.path(),
        query: arrival.query(),
        host: arrival.plain_host().unwrap_or_default(),
        target: None,
        smithy_protocol: None,
        content_type: &|| None,
        scope,
        form: None,
        user_agent: &|| None,
        has_header: &has_header,
    })
    .ok()?;
    let path = match found.bucket {
        Some(bucket) => bucket.path(arrival.uri.path()),
        None => arrival.uri.path().to_owned(),
    };
    Some((found.model.name.as_str(), path))
}

/// What of a request its signature covers.
pub(super) fn signed_facts(arrival: &Arrival) -> Signed<'_> {
    Signed {
        method: arrival.method.as_str(),
        path: arrival.uri.path(),
        query: arrival.query(),
        host: arrival.host(),
        headers: arrival.marked(),
    }
}

/// Reads a form; unless its signature is so broken that it would be in vain.
pub(super) async fn read_form(
    desk: &Desk,
    arrival: &Arrival,
    claim: &Claimed<'_>,
    body: Payload,
) -> Result<Payload, Exit> {
    let refuse = |error: AwsError| Exit::from(Refused::of(Target::unknown(Protocol::Query), None, error));
    if let Err(fault) = claim {
        return Err(refuse(fault.to_error(virga_auth::Family::Query)));
    }
    let limits = desk.limits();
    let form = whole::read(body, limits.body_max_bytes, limits.body_read_max)
        .await
        .map_err(|error| refuse(accept::body_error(&error)))?;
    arrival.note_body(Some(&form));
    Ok(Payload::Whole(form))
}

/// `Action` and `Version` of a form.
fn action(form: &[u8]) -> Option<(Cow<'_, str>, Option<Cow<'_, str>>)> {
    let (mut name, mut version) = (None, None);
    let mut rest = form;
    while !rest.is_empty() && (name.is_none() || version.is_none()) {
        // Of the fields before these only the end counts.
        let (slot, value) = match rest {
            [b'A', b'c', b't', b'i', b'o', b'n', b'=', value @ ..] => (Some(&mut name), value),
            [b'V', b'e', b'r', b's', b'i', b'o', b'n', b'=', value @ ..] => (Some(&mut version), value),
            other => (None, other),
        };
        let mut is_encoded = false;
        let end = match slot {
            // Names are short, texts may be long.
            Some(_) => value.iter().position(|byte| {
                is_encoded |= *byte == b'%';
                *byte == b'&'
            }),
            None => memchr(b'&', value),
        };
        let (value, tail) = value.split_at(end.unwrap_or(value.len()));
        rest = tail.get(1..).unwrap_or_default();
        if let Some(slot) = slot {
            let text = std::str::from_utf8(value.trim_ascii_end()).ok()?;
            *slot = Some(match is_encoded {
                true => percent_decode_str(text).decode_utf8_lossy(),
                false => Cow::Borrowed(text),
            });
        }
    }
    Some((name?, version))
}

/// The refusal of a request that names nothing that AWS has.
fn unknown(arrival: &Arrival, error: &AddressError, action_missing: bool, version: Option<&str>) -> Refused {
    match error {
        AddressError::UnknownService { named, protocol } => unknown_service(named, *protocol, action_missing),
        AddressError::UnknownOperation { model, protocol, name } => {
            let target = Target {
                protocol: *protocol,
                model: Some(model),
                operation: None,
            };
            let error = match protocol {
                Protocol::Query | Protocol::Ec2 if action_missing => AwsError::new("MissingAction", "Missing Action"),
                Protocol::Ec2 => AwsError::new(
                    "InvalidAction",
                    format!("The action {name} is not valid for this web service."),
                ),
                Protocol::Query if model.name == "sqs" => AwsError::new(
                    "InvalidAction",
                    format!("The action {name} is not valid for this endpoint."),
                ),
                Protocol::Query => {
                    let version = version.unwrap_or(&model.api_version);
                    AwsError::new(
                        "InvalidAction",
                        format!("Could not find operation {name} for version {version}"),
                    )
                }
                Protocol::Json10 => AwsError::new("UnknownOperationException", "")
                    .with_json_type("com.amazon.coral.service#UnknownOperationException"),
                Protocol::Json11 => AwsError::new("UnknownOperationException", ""),
                Protocol::RpcV2Cbor | Protocol::RestJson => {
                    AwsError::new("UnknownOperationException", "").with_status(404)
                }
                Protocol::RestXml if model.name == "s3" => {
                    let path = would_mean(arrival, "GET").map(|(_, path)| path);
                    resource::no_method(arrival.method.as_str(), path.as_deref().unwrap_or("/"))
                }
                Protocol::RestXml => AwsError::new(
                    "UnknownOperationException",
                    format!("There is no operation {name} of {}.", model.service_id),
                )
                .with_status(404),
            };
            Refused::of(target, None, error)
        }
    }
}

/// The refusal where no service is meant, or one whose protocols all need a name of an operation that is not there.
fn unknown_service(named: &str, protocol: Protocol, action_missing: bool) -> Refused {
    let known = pack::services().iter().find(|entry| entry.signing_name == named);
    if let Some(entry) = known {
        let protocol = entry.protocols.first().copied().unwrap_or(protocol);
        let error = match protocol {
            Protocol::Query | Protocol::Ec2 => AwsError::new("MissingAction", "Missing Action"),
            _ => AwsError::new("UnknownOperationException", ""),
        };
        return Refused::of(Target::unknown(protocol), None, error);
    }
    let text = if named.is_empty() {
        "Nothing in the request names a service.".to_owned()
    } else {
        format!("AWS has no service that is named {named}.")
    };
    let (code, protocol) = match protocol {
        _ if action_missing => ("MissingAction", Protocol::Query),
        Protocol::Query | Protocol::Ec2 => ("InvalidAction", protocol),
        _ => ("UnknownOperationException", protocol),
    };
    let status = if protocol.is_rest() { 404 } else { 400 };
    let error = AwsError::new(code, text).with_status(status);
    Refused::of(Target::unknown(protocol), None, error)
}

/// Whether a claim is a presigned link's.
pub(super) fn is_link(claim: &Claim<'_>) -> bool {
    claim.carrier == Carrier::Query
}
