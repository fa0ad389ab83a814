//! Every path beside AWS, in one table, and the way to each.

use crate::answer::{Refusal, json_response};
use crate::changes::Change;
use crate::query::Query;
use crate::{Scope, answer, fidelity, health, localstack, logs, origin, snapshots, text, time, worlds};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value as Json, json};
use std::net::SocketAddr;
use virga_service::UnknownWorld;

/// A path, its methods, and what it is for.
struct Route {
    methods: &'static str,
    path: &'static str,
    text: &'static str,
}

const fn route(methods: &'static str, path: &'static str, text: &'static str) -> Route {
    Route { methods, path, text }
}

const ROUTES: &[Route] = &[
    route(
        "GET",
        "/_virga/health",
        "Whether Virga is well, and how far each service is built.",
    ),
    route(
        "GET",
        "/_virga/fidelity",
        "How real each operation is: full, stored or none. ?service=NAME lists operations.",
    ),
    route(
        "POST",
        "/_virga/reset",
        "Back to an empty cloud at the machine's time. As all that follows up to the calls: of the world that the host or the \
         header x-virga-world chooses.",
    ),
    route(
        "GET, POST",
        "/_virga/time",
        "The clock. POST {\"action\": \"freeze|set|advance|run|settle|reset\", \"at\", \"by\", \"rate\", \"steps_max\"} moves \
         it.",
    ),
    route(
        "GET, POST",
        worlds::PATH,
        "All worlds. POST {\"name\", \"from\", \"ttl\", \"replace\"} forks one. GET and DELETE /_virga/worlds/NAME; GET \
         /_virga/worlds/A/diff/B?limit.",
    ),
    route(
        "GET, POST",
        snapshots::PATH,
        "GET saves a snapshot: of all worlds, ?world=NAME, or also &account=ID. POST loads the one that is the body: ?as=NAME, \
         &replace.",
    ),
    route(
        "GET",
        "/_virga/calls",
        "The last calls. ?service, operation, status, error, account, region, world, since, request_id, after, limit, \
         follow, wait_s, with=input|exchange.",
    ),
    route("GET", "/_virga/logs", "The same as /_virga/calls."),
    route(
        "POST",
        "/_virga/stop",
        "Stops Virga once the calls under way are answered.",
    ),
    route(
        "GET",
        "/_virga/certificate",
        "The TLS certificate in PEM, for clients to trust.",
    ),
    route(
        "GET",
        "/_virga/version",
        "The version of Virga and of the API models in it.",
    ),
    route(
        "GET, POST",
        "/_localstack/health",
        "The state of each service, as LocalStack reports it.",
    ),
    route(
        "GET",
        "/_localstack/info",
        "Version and edition, as LocalStack reports them.",
    ),
    route(
        "GET",
        "/_localstack/init",
        "The init scripts' stages, as LocalStack reports them.",
    ),
    route("POST", "/_localstack/state/reset", "Back to an empty cloud."),
];

pub(crate) async fn answer(admin: &Scope, request: &Request<Bytes>) -> Response<Bytes> {
    let change = Change::of(admin, request);
    let response = match go(admin, request).await {
        Ok(response) => response,
        Err(refusal) => {
            let astray = matches!(refusal.code, "NotFound" | "MethodNotAllowed");
            refusal.into_response(astray.then(list))
        }
    };
    if let Some(change) = change {
        change.note(admin, request, &response);
    }
    response
}

async fn go(admin: &Scope, request: &Request<Bytes>) -> Result<Response<Bytes>, Refusal> {
    origin::check(request.headers())?;
    if let Some(UnknownWorld(message)) = request.extensions().get() {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "UnknownWorld", message));
    }
    let path = request.uri().path();
    let path = path.strip_suffix('/').unwrap_or(path);
    if let Some(rest) = path.strip_prefix(worlds::PATH).and_then(|rest| rest.strip_prefix('/')) {
        return worlds::one(admin, request, rest).await;
    }
    let route = ROUTES
        .iter()
        .find(|route| route.path == path)
        .ok_or_else(|| not_found(path))?;
    let method = if request.method() == Method::HEAD {
        "GET"
    } else {
        request.method().as_str()
    };
    if !route.methods.split(", ").any(|allowed| allowed == method) {
        let mut refusal = Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            format!("{path} takes {}, not {method}", route.methods.replace(", ", " and ")),
        );
        refusal.allow = Some(route.methods);
        return Err(refusal);
    }
    let query = |known: &[&'static str]| Query::read(request.uri().query(), known);
    let ok = |body: Json| Ok(json_response(StatusCode::OK, &body));
    match (method, path) {
        ("GET", "/_virga/health") => ok(health::health(admin)),
        ("GET", "/_virga/version") => ok(health::version(admin)),
        ("GET", "/_virga/fidelity") => ok(fidelity::fidelity(admin, &query(&["service", "all"])?)?),
        ("POST", "/_virga/reset") => {
            reset(admin).await?;
            ok(json!({"reset": true, "world": admin.cloud.world()}))
        }
        ("GET", "/_virga/time") => ok(time::show(admin, None)),
        ("POST", "/_virga/time") => ok(time::change(admin, request.body()).await?),
        ("GET", "/_virga/logs" | "/_virga/calls") => ok(logs::logs(admin, &query(logs::PARAMETERS)?).await?),
        ("GET", worlds::PATH) => ok(worlds::list(admin)),
        ("POST", worlds::PATH) => ok(worlds::fork(admin, request.body()).await?),
        ("POST", "/_virga/stop") => {
            origin::check_loopback(request.extensions().get::<SocketAddr>())?;
            admin.stop();
            ok(json!({"stopping": true}))
        }
        ("GET", "/_virga/certificate") => {
            let source = admin.certificate.get().ok_or_else(|| {
                Refusal::new(
                    StatusCode::NOT_FOUND,
                    "NoCertificate",
                    "this Virga has no TLS certificate",
                )
            })?;
            let pem = source().await.map_err(Refusal::failed)?;
            Ok(answer::respond(StatusCode::OK, "application/x-pem-file", pem))
        }
        ("GET", "/_localstack/health") => Ok(localstack::health(admin)),
        ("POST", "/_localstack/health") => {
            localstack::act(admin, request).await?;
            ok(json!({"status": "ok"}))
        }
        ("GET", "/_localstack/info") => Ok(localstack::info(admin)),
        ("GET", "/_localstack/init") => Ok(localstack::init()),
        ("POST", "/_localstack/state/reset") => {
            reset(admin).await?;
            ok(json!({"status": "ok"}))
        }
        _ => Err(not_found(path)),
    }
}

pub(crate) async fn reset(admin: &Scope) -> Result<(), Refusal> {
    let reset = admin.cloud.reset().await;
    reset.map_err(|error| Refusal::failed(format!("the reset failed: {error}")))
}

fn not_found(path: &str) -> Refusal {
    let hint = text::did_you_mean(path, ROUTES.iter().map(|route| route.path));
    Refusal::new(StatusCode::NOT_FOUND, "NotFound", format!("there is no {path:?}{hint}"))
}

fn list() -> Json {
    ROUTES
        .iter()
        .map(|route| json!({"methods": route.methods, "path": route.path, "text": route.text}))
        .collect()
}
