//! Front: what browsers ask that is no operation of AWS's. Services may have web sites under hosts of their own, and rules
//! of their own for pages of other origins.

use super::accept::{self, Raw};
use super::address::{self, Addressed};
use super::encode::{self, Encoded};
use super::{Arrival, Desk, Exit, Refused, Target};
use crate::body::answer::AnswerBody;
use crate::cors::{self, Standing};
use crate::place;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, CONTENT_LENGTH, ORIGIN, REFERER, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body::Body as _;
use memchr::memchr;
use std::borrow::Cow;
use virga_auth::Scheme;
use virga_base::Account;
use virga_codec::OperationRef;
use virga_service::{Caller, CrossOrigin, Question, Request, Served, Service, Site};
use virga_shape::{Protocol, pack};

/// What [`front`] leaves to the next stages.
pub(super) enum Fronted<'a> {
    Raw(Raw),
    /// A site's request, which means an operation.
    Addressed(Box<Addressed<'a>>),
}

/// Whether anything is asked of sites or about pages, so that [`front`] has to look at it.
pub(super) fn is_asked(desk: &Desk, arrival: &Arrival) -> bool {
    arrival.method == Method::OPTIONS || named_site(desk, arrival).is_some()
}

/// Answers what is asked of sites and about pages; lets all else through.
pub(super) async fn front<'a>(desk: &'a Desk, arrival: &'a Arrival, raw: Raw) -> Result<Fronted<'a>, Exit> {
    if arrival.method == Method::OPTIONS {
        options(desk, arrival).await?;
    }
    match named_site(desk, arrival) {
        Some((service, name)) => site(desk, arrival, service, name, raw)
            .await
            .map(|addressed| Fronted::Addressed(Box::new(addressed))),
        None => Ok(Fronted::Raw(raw)),
    }
}

/// The service and the site that a request's host names.
fn named_site<'a>(desk: &'a Desk, arrival: &'a Arrival) -> Option<(&'a Service, &'a str)> {
    let host = arrival.plain_host()?;
    // Hosts that are addresses or one label have no room for a site's name.
    if memchr(b'.', host.as_bytes()).is_none() || host.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut services = desk.chosen_services(arrival);
    services.find_map(|service| Some((service, service.site_of(host)?)))
}

async fn site<'a>(
    desk: &'a Desk,
    arrival: &'a Arrival,
    service: &'a Service,
    name: &str,
    raw: Raw,
) -> Result<Addressed<'a>, Exit> {
    let target = target_of(service);
    let region = place::region(None, || None, || arrival.plain_host());
    let request = request(arrival, &target);
    let answered = desk.cloud_for(arrival).site(service, name, region, request).await;
    let refuse = |error| Exit::from(Refused::of(target, None, error));
    let missing = || virga_base::AwsError::internal("a site has no answer");
    match answered.ok_or_else(missing).and_then(|answer| answer).map_err(refuse)? {
        Site::Page { status, headers, body } => {
            let mut answer = Response::new(AnswerBody::whole(Bytes::from(body)));
            *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            add(answer.headers_mut(), headers);
            if arrival.method == Method::HEAD {
                *answer.body_mut() = AnswerBody::whole(Bytes::new());
            }
            Err(Exit::Aside(Box::new(answer)))
        }
        Site::Operation { name, path, status } => {
            let operation = target.model.and_then(|model| Some((model, model.operation(name)?)));
            let Some((model, operation)) = operation else {
                return Err(refuse(missing()));
            };
            let op = OperationRef { model, operation };
            if let Some(status) = status {
                arrival.note_status(status);
            }
            arrival.note_path(&path);
            Ok(Addressed {
                target: Target::of(target.protocol, op),
                op,
                service: Some(service),
                path: Cow::Owned(path),
                claim: &Ok(None),
                body: raw.body,
            })
        }
    }
}

/// Answers a browser that asks whether it may send a request.
async fn options(desk: &Desk, arrival: &Arrival) -> Result<(), Exit> {
    let asked = arrival.text(&ACCESS_CONTROL_REQUEST_METHOD);
    if let Some((service, path)) = meant(desk, arrival, asked.unwrap_or("GET")) {
        let noted = path.clone();
        let question = Question {
            path,
            origin: text(arrival, &ORIGIN),
            method: asked.map(str::to_owned),
            headers: text(arrival, &ACCESS_CONTROL_REQUEST_HEADERS),
            preflight: true,
        };
        let target = target_of(service);
        match ask(desk, arrival, service, &target, question).await {
            CrossOrigin::Allowed(headers) => {
                let mut answer = Response::new(AnswerBody::whole(Bytes::new()));
                add(answer.headers_mut(), headers);
                answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(0));
                return Err(Exit::Aside(Box::new(answer)));
            }
            CrossOrigin::Refused(error) if !desk.shared.origins.are_named(&arrival.headers) => {
                arrival.note_path(&noted);
                return Err(Refused::of(target, None, error).into());
            }
            CrossOrigin::Refused(_) | CrossOrigin::Unruled => {}
        }
    }
    if arrival.standing != Standing::Allowed || !cors::is_preflight(&arrival.method, &arrival.headers) {
        return Ok(());
    }
    let mut answer = Response::new(AnswerBody::whole(Bytes::new()));
    cors::allow_preflight(&arrival.headers, answer.headers_mut());
    Err(Exit::Aside(Box::new(answer)))
}

/// The service with rules of its own that a method would mean at the request's address, and the path as its model has it.
fn meant<'a>(desk: &'a Desk, arrival: &'a Arrival, method: &str) -> Option<(&'a Service, String)> {
    let services = || desk.chosen_services(arrival);
    if let Some(host) = arrival.plain_host() {
        let mut sites = services().filter_map(|service| Some((service, service.site_of(host)?)));
        if let Some((service, name)) = sites.next() {
            return Some((service, format!("/{name}{}", arrival.uri.path())));
        }
    }
    let (name, path) = address::would_mean(arrival, method)?;
    let mut ruled = services().filter(|service| service.name == name && service.rules_pages());
    ruled.next().map(|service| (service, path))
}

/// Tells a page's browser what the service's own rules allow it to see of an answer.
pub(super) async fn tell(desk: &Desk, arrival: &Arrival, encoded: &mut Encoded) {
    let Some(target) = encoded.told.as_ref().map(|told| told.target) else {
        return;
    };
    match ruling(desk, arrival, &target).await {
        CrossOrigin::Allowed(headers) => {
            encoded.ruled = true;
            add(encoded.response.headers_mut(), headers);
        }
        CrossOrigin::Refused(_) => encoded.ruled = !desk.shared.origins.are_named(&arrival.headers),
        CrossOrigin::Unruled => {}
    }
}

/// Tells a service that keeps access logs of an answer.
pub(super) async fn log(desk: &Desk, arrival: &Arrival, encoded: &mut Encoded) {
    let Some((told, path)) = encoded.told.as_ref().zip(arrival.noted_path()) else {
        return;
    };
    let cloud = desk.cloud_for(arrival);
    let service = told.target.model.and_then(|model| cloud.service(&model.name));
    let Some(service) = service.filter(|service| cloud.wants_served(service, path)) else {
        return;
    };
    let claim = virga_auth::read(&address::signed_facts(arrival)).ok().flatten();
    let operation = told.target.operation.map_or("", |operation| operation.name.as_str());
    let body = encoded.response.body();
    let served = Served {
        operation: operation.to_owned(),
        path: path.to_owned(),
        status: encoded.response.status().as_u16(),
        error: told.error.as_ref().map(|error| error.code.clone().into_owned()),
        sent: body.size_hint().exact().filter(|_| arrival.method != Method::HEAD),
        took_ms: u64::try_from(arrival.began.elapsed().as_millis()).unwrap_or(u64::MAX),
        referrer: text(arrival, &REFERER),
        signature: claim.as_ref().map(|claim| match claim.scheme {
            Scheme::V2 => "SigV2",
            Scheme::V4 | Scheme::V4A => "SigV4",
        }),
        carrier: claim.as_ref().map(|claim| match address::is_link(claim) {
            true => "QueryString",
            false => "AuthHeader",
        }),
    };
    let (caller, region) = match &told.who {
        Some(who) => (who.caller.clone(), who.region.clone()),
        None => {
            let region = place::region(None, || None, || arrival.plain_host());
            (Caller::anonymous(Account::DEFAULT), region)
        }
    };
    let request = request(arrival, &told.target);
    cloud.tell_served(service, caller, region, request, served).await;
}

/// What the rules of the addressed service say of the page behind a request.
async fn ruling(desk: &Desk, arrival: &Arrival, target: &Target) -> CrossOrigin {
    let Some(path) = arrival.noted_path() else {
        return CrossOrigin::Unruled;
    };
    let service = target
        .model
        .and_then(|model| desk.cloud_for(arrival).service(&model.name));
    let (Some(service), Some(origin)) = (service.filter(|service| service.rules_pages()), text(arrival, &ORIGIN))
    else {
        return CrossOrigin::Unruled;
    };
    let method = text(arrival, &ACCESS_CONTROL_REQUEST_METHOD);
    let question = Question {
        path: path.to_owned(),
        origin: Some(origin),
        method: Some(method.unwrap_or_else(|| arrival.method.as_str().to_owned())),
        headers: text(arrival, &ACCESS_CONTROL_REQUEST_HEADERS),
        preflight: false,
    };
    ask(desk, arrival, service, target, question).await
}

/// Whether a browser sends this for a page that nobody has allowed, and it could change something: [`guard`] decides.
/// Requests that only read go on: the page sees nothing of their answers.
pub(super) fn is_dangerous(arrival: &Arrival) -> bool {
    let reads = matches!(arrival.method, Method::GET | Method::HEAD | Method::OPTIONS);
    // Only browsers send this; a page cannot keep them from it.
    !reads && arrival.standing == Standing::Foreign && arrival.has(&cors::FETCH_SITE)
}

/// Refuses what [`is_dangerous`], unless the service's own rules allow it.
pub(super) async fn guard(desk: &Desk, arrival: &Arrival, target: &Target) -> Result<(), Exit> {
    match ruling(desk, arrival, target).await {
        CrossOrigin::Allowed(_) => Ok(()),
        _ => Err(Refused::of(*target, None, accept::foreign(arrival)).into()),
    }
}

async fn ask(desk: &Desk, arrival: &Arrival, service: &Service, target: &Target, question: Question) -> CrossOrigin {
    let region = place::region(None, || None, || arrival.plain_host());
    let request = request(arrival, target);
    let cloud = desk.cloud_for(arrival);
    cloud.cross_origin(service, region, request, question).await
}

fn target_of(service: &Service) -> Target {
    Target {
        protocol: Protocol::RestXml,
        model: pack::service(service.name),
        operation: None,
    }
}

fn request(arrival: &Arrival, target: &Target) -> Request {
    Request {
        id: encode::request_id(target, arrival),
        head: Some(arrival.head.clone()),
        ..Request::default()
    }
}

fn text(arrival: &Arrival, name: &HeaderName) -> Option<String> {
    arrival.text(name).map(str::to_owned)
}

fn add(answer: &mut HeaderMap, headers: Vec<(String, String)>) {
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            if name == VARY {
                answer.append(name, value);
            } else {
                answer.insert(name, value);
            }
        }
    }
}
