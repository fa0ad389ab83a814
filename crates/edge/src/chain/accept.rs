//! Accept: what came, measured against the limits; and what is not for AWS at all.

use super::{Desk, Exit, Refused, Target};
use crate::Streamed;
use crate::body::Payload;
use crate::body::answer::AnswerBody;
use crate::body::pieces::Pieces;
use crate::body::whole::{self, BodyError};
use crate::cors::{self, Standing};
use crate::world::{self, Chosen, WORLD};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, EXPECT, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use virga_auth::Headers;
use virga_base::{AwsError, Id, Marks, Timestamp};
use virga_service::{Carried, Head, UnknownWorld};
use virga_shape::Protocol;

/// The other end of a connection.
pub(crate) struct Peer {
    address: SocketAddr,
    ip: Arc<str>,
    secure: bool,
}

impl Peer {
    pub(crate) fn new(address: SocketAddr, secure: bool) -> Peer {
        Peer {
            address,
            ip: address.ip().to_canonical().to_string().into(),
            secure,
        }
    }
}

/// What is known of a request from the start, and never changes on its way; its [`Head`] first of all.
pub struct Arrival {
    /// The request's id, a UUID.
    pub id: Id,
    /// The virtual time.
    pub at: Timestamp,
    pub began: Instant,
    /// Shared with the call's context.
    pub head: Arc<Head>,
    pub peer: SocketAddr,
    pub(crate) standing: Standing,
    pub(crate) world: Chosen,
    marks: Marks,
    /// The bytes of all headers with their ends of line.
    headers_bytes: usize,
    /// What a request means, as the model's templates have it, where somebody asks for it later.
    path: OnceLock<Box<str>>,
    /// The status that a site answers in place of 200.
    status: OnceLock<u16>,
    /// The body once it is read, for the call's record; `None` where it streams or is packed in signed chunks.
    body: OnceLock<Option<Bytes>>,
}

impl Deref for Arrival {
    type Target = Head;

    fn deref(&self) -> &Head {
        &self.head
    }
}

impl Arrival {
    /// The host as it would be for the first world.
    pub(crate) fn plain_host(&self) -> Option<&str> {
        match &self.world {
            Chosen::Fork { host: Some(host), .. } => Some(host),
            _ => self.host(),
        }
    }

    /// The name of the world that was chosen, if it is not the first.
    pub fn world(&self) -> Option<&str> {
        match &self.world {
            Chosen::Fork { world, .. } => Some(world.world()),
            Chosen::Main | Chosen::Unknown(_) => None,
        }
    }

    /// Notes the path as the model's templates have it.
    pub(super) fn note_path(&self, path: &str) {
        self.path.get_or_init(|| path.into());
    }

    pub(super) fn noted_path(&self) -> Option<&str> {
        self.path.get().map(|path| &**path)
    }

    /// Notes the status that is answered in place of 200.
    pub(super) fn note_status(&self, status: u16) {
        self.status.get_or_init(|| status);
    }

    pub(super) fn noted_status(&self) -> Option<u16> {
        self.status.get().copied()
    }

    /// Notes the body as it came off the wire, or that it does not come whole, for the call's record.
    pub(super) fn note_body(&self, body: Option<&Bytes>) {
        self.body.get_or_init(|| body.cloned());
    }

    /// What was noted of the body.
    pub(super) fn carried(&self) -> Carried<'_> {
        match self.body.get() {
            Some(Some(body)) => Carried::Whole(body),
            Some(None) => Carried::Streamed,
            None => Carried::Unread,
        }
    }

    /// What follows `?`, as sent.
    pub fn query(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }

    /// A header's value, if it is there and readable.
    pub(crate) fn text(&self, name: &HeaderName) -> Option<&str> {
        self.value(name).and_then(virga_auth::text)
    }

    pub(crate) fn has(&self, name: &HeaderName) -> bool {
        self.value(name).is_some()
    }

    /// The headers, for what asks for several.
    pub(crate) fn marked(&self) -> Headers<'_> {
        Headers::marked(&self.headers, self.marks)
    }

    pub(crate) fn value(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.marked().find(name)
    }
}

/// A request's body, nothing of which has been read.
pub(super) struct Raw {
    pub(super) body: Payload,
}

/// A request as it comes to the chain: what of it is kept whatever becomes of it, behind a pointer.
pub(crate) struct Received {
    head: Arc<Head>,
    body: Payload,
    marks: Marks,
    /// The bytes of all headers with their ends of line.
    headers_bytes: usize,
}

impl Received {
    /// `payload` makes the body of what is on the wire, and of whether its client waits to be asked for it.
    pub(crate) fn new<B>(peer: &Peer, request: Request<B>, payload: impl FnOnce(B, bool) -> Payload) -> Received {
        let (sent, body) = request.into_parts();
        let (mut marks, mut headers_bytes, mut host) = (Marks::default(), 0, None);
        for (name, value) in &sent.headers {
            marks.add(name.as_str());
            headers_bytes += name.as_str().len() + value.len() + 4;
            if host.is_none() && name == HOST {
                host = Some(value);
            }
        }
        let host = match host {
            Some(host) => virga_auth::text(host),
            None => sent.uri.authority().map(Authority::as_str),
        };
        let body = payload(body, Headers::marked(&sent.headers, marks).find(&EXPECT).is_some());
        Received {
            head: Arc::new(Head {
                host: host.map(Box::from),
                method: sent.method,
                uri: sent.uri,
                version: sent.version,
                headers: sent.headers,
                secure: peer.secure,
                source_ip: Some(peer.ip.clone()),
            }),
            body,
            marks,
            headers_bytes,
        }
    }
}

pub(super) fn accept(desk: &Desk, peer: &Peer, received: Received) -> (Arrival, Raw) {
    let Received {
        head,
        body,
        marks,
        headers_bytes,
    } = received;
    let named = Headers::marked(&head.headers, marks).find(&WORLD);
    let world = world::choose(&desk.worlds, named, head.host());
    let standing = match marks.may_have(ORIGIN.as_str()) || marks.may_have(cors::FETCH_SITE.as_str()) {
        false => Standing::Plain,
        true => desk.shared.origins.standing(&head.headers),
    };
    let began = Instant::now();
    let cloud = desk.chosen(&world);
    let mut arrival = Arrival {
        id: Id::default(),
        at: cloud.clock().now_at(began),
        began,
        head,
        peer: peer.address,
        standing,
        world,
        marks,
        headers_bytes,
        path: OnceLock::new(),
        status: OnceLock::new(),
        body: OnceLock::new(),
    };
    // Asking Virga itself, for its health or the time, must not change what a seed gives the calls.
    let cloud = desk.cloud_for(&arrival);
    let ids = match is_internal(&arrival) {
        true => cloud.ids_aside(),
        false => cloud.ids(),
    };
    let id = Id::uuid(&ids.uuid_bytes());
    arrival.id = id;
    (arrival, Raw { body })
}

/// Refuses what is too much, and tells whether a request is for AWS; [`aside`] answers the others.
pub(super) fn admit(desk: &Desk, arrival: &Arrival) -> Result<bool, Exit> {
    check_size(desk, arrival)?;
    Ok(!is_internal(arrival) || (desk.shared.options.internal.is_none() && !is_allowed_preflight(arrival)))
}

/// Other questions of browsers go on: a bucket of S3 may have rules of its own for them.
fn is_allowed_preflight(arrival: &Arrival) -> bool {
    arrival.standing == Standing::Allowed && cors::is_preflight(&arrival.method, &arrival.headers)
}

/// Answers what is not for AWS.
pub(super) async fn aside(desk: &Desk, arrival: &Arrival, raw: Raw) -> Exit {
    if is_allowed_preflight(arrival) {
        let mut answer = Response::new(AnswerBody::whole(Bytes::new()));
        cors::allow_preflight(&arrival.headers, answer.headers_mut());
        return Exit::Aside(Box::new(answer));
    }
    let answered = match &desk.shared.options.internal {
        Some(internal) => serve_internal(desk, internal, arrival, raw).await,
        None => Err(AwsError::internal("nobody answers this")),
    };
    Exit::Aside(Box::new(answered.unwrap_or_else(|error| plain(&error))))
}

fn check_size(desk: &Desk, arrival: &Arrival) -> Result<(), Exit> {
    let limits = desk.limits();
    let line = arrival.uri.path().len() + arrival.query().len();
    if arrival.headers.len() <= limits.headers_max_count && arrival.headers_bytes + line <= limits.headers_max_bytes {
        return Ok(());
    }
    let error = AwsError::new(
        "RequestHeaderSectionTooLarge",
        "Your request header section exceeds the maximum allowed size.",
    )
    .with_status(431);
    Err(Refused::of(Target::unknown(Protocol::RestXml), None, error).into())
}

fn is_internal(arrival: &Arrival) -> bool {
    let path = arrival.uri.path();
    if path.starts_with("/_") {
        return ["/_virga", "/_localstack"].iter().any(|start| {
            path.strip_prefix(start)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
    }
    path == "/"
        && matches!(arrival.method, Method::GET | Method::HEAD)
        && arrival.uri.query().is_none()
        && !arrival.has(&AUTHORIZATION)
        && arrival.text(&ACCEPT).is_some_and(|kinds| kinds.contains("text/html"))
}

async fn serve_internal(
    desk: &Desk,
    internal: &crate::Internal,
    arrival: &Arrival,
    raw: Raw,
) -> Result<Response<AnswerBody>, AwsError> {
    if arrival.standing == Standing::Foreign {
        return Err(foreign(arrival));
    }
    let limits = desk.limits();
    let streamed = desk.shared.options.streamed.iter();
    let mut streamed = streamed.filter(|streamed| streamed.path == arrival.uri.path());
    if let Some(Streamed { answer, .. }) = streamed.next() {
        let request = internal_request(arrival, Pieces::new(raw.body, limits.body_read_max).boxed_unsync());
        let answered = crate::catch::catch(answer(request).as_mut()).await;
        let answer = answered.ok_or_else(|| AwsError::internal("An internal error occurred."))?;
        return Ok(answer.map(AnswerBody::streamed));
    }
    let body = whole::read(raw.body, limits.body_max_bytes, limits.body_read_max)
        .await
        .map_err(|error| body_error(&error))?;
    let answered = crate::catch::catch(internal(internal_request(arrival, body)).as_mut()).await;
    let answer = answered.ok_or_else(|| AwsError::internal("An internal error occurred."))?;
    Ok(answer.map(AnswerBody::whole))
}

/// What is known of a request that is not for AWS, with its body.
fn internal_request<B>(arrival: &Arrival, body: B) -> Request<B> {
    let mut request = Request::new(body);
    *request.method_mut() = arrival.method.clone();
    *request.uri_mut() = arrival.uri.clone();
    *request.headers_mut() = arrival.headers.clone();
    request.extensions_mut().insert(arrival.peer);
    match &arrival.world {
        Chosen::Main => {}
        Chosen::Fork { world, .. } => {
            request.extensions_mut().insert(world.clone());
        }
        Chosen::Unknown(unknown) => {
            request.extensions_mut().insert(UnknownWorld(unknown.message()));
        }
    }
    request
}

/// The refusal of a web page from elsewhere.
pub(super) fn foreign(arrival: &Arrival) -> AwsError {
    let origin = arrival.text(&ORIGIN).unwrap_or("another site");
    AwsError::new(
        "AccessDenied",
        format!("Pages of {origin} may not call Virga. If they shall, start it with their origin allowed."),
    )
    .with_status(403)
}

/// A body that could not be read, for protocols that have no words of their own.
pub(super) fn body_error(error: &BodyError) -> AwsError {
    match error {
        BodyError::TooLarge => AwsError::new("RequestEntityTooLarge", "Request Entity Too Large").with_status(413),
        BodyError::TimedOut => AwsError::new(
            "RequestTimeout",
            "Your socket connection to the server was not read from or written to within the timeout period.",
        )
        .with_status(408),
        BodyError::Broken => AwsError::new("IncompleteBody", "The request body terminated unexpectedly"),
        BodyError::NotPacked => AwsError::new("SerializationException", "The body is not in the encoding gzip"),
    }
}

/// An error in no protocol of AWS's.
fn plain(error: &AwsError) -> Response<AnswerBody> {
    let text = format!("{}: {}\n", error.code, error.message);
    let mut answer = Response::new(AnswerBody::whole(Bytes::from(text)));
    *answer.status_mut() = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}
