//! Worlds: listed, forked, dropped.

use crate::answer::{Refusal, json_response};
use crate::{Scope, text};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Map, Value as Json, json};
use std::time::{Duration, Instant};
use virga_service::{Cloud, Fork, WorldError};

pub(crate) const PATH: &str = "/_virga/worlds";
const EXAMPLE: &str = "such as {\"name\": \"test-1\", \"ttl\": \"10m\"}";

pub(crate) fn list(admin: &Scope) -> Json {
    let worlds: Vec<Json> = admin.worlds.list().iter().map(|world| describe(world)).collect();
    json!({"worlds": worlds})
}

fn describe(world: &Cloud) -> Json {
    let origin = world.origin();
    let now = world.clock().now();
    let next = world.store().next_due().ok().flatten();
    json!({
        "name": world.world(),
        "parent": origin.map(|origin| &*origin.parent),
        "made_at": origin.map(|origin| origin.made_at.to_iso8601_millis()),
        "ttl_s": origin.and_then(|origin| origin.ttl).map(|ttl| ttl.as_secs_f64()),
        "unused_s": world.unused_for(Instant::now()).as_secs(),
        "now": now.to_iso8601_millis(),
        "next_due": next.map(|next| next.to_iso8601_millis()),
    })
}

pub(crate) async fn fork(admin: &Scope, body: &[u8]) -> Result<Json, Refusal> {
    let body: Map<String, Json> =
        serde_json::from_slice(body).map_err(|_| Refusal::bad(format!("the body must be a JSON object, {EXAMPLE}")))?;
    let mut fork = Fork {
        // A request that chose a world forks that one.
        from: Some(admin.cloud.world().to_owned()),
        ..Fork::default()
    };
    for (key, value) in &body {
        match (key.as_str(), value) {
            ("name", Json::String(name)) => fork.name.clone_from(name),
            ("from", Json::String(from)) => fork.from = Some(from.clone()),
            ("from" | "ttl", Json::Null) => {}
            ("ttl", Json::String(ttl)) => fork.ttl = Some(read_ttl(ttl)?),
            ("ttl", Json::Number(ttl)) => fork.ttl = Some(read_ttl(&ttl.to_string())?),
            ("replace", Json::Bool(replace)) => fork.replace = *replace,
            ("name" | "from" | "ttl" | "replace", _) => {
                return Err(Refusal::bad(format!("{key:?} cannot be {value}; write {EXAMPLE}")));
            }
            (key, _) => {
                let hint = text::did_you_mean(key, ["name", "from", "ttl", "replace"]);
                return Err(Refusal::bad(format!("a fork has no {key:?}{hint}")));
            }
        }
    }
    if fork.name.is_empty() {
        return Err(Refusal::bad(format!(
            "\"name\" must say how the world is named, {EXAMPLE}"
        )));
    }
    let world = admin.worlds.fork(fork).await.map_err(|error| refuse(admin, &error))?;
    Ok(describe(&world))
}

fn read_ttl(text: &str) -> Result<Duration, Refusal> {
    let ttl = text::parse_duration(text).map_err(|error| Refusal::bad(format!("\"ttl\": {error}")))?;
    if ttl.is_zero() {
        return Err(Refusal::bad("\"ttl\" must be above zero"));
    }
    Ok(ttl)
}

/// One world: `NAME`.
pub(crate) async fn one(admin: &Scope, request: &Request<Bytes>, rest: &str) -> Result<Response<Bytes>, Refusal> {
    let parts: Vec<&str> = rest.split('/').collect();
    let ok = |body: Json| Ok(json_response(StatusCode::OK, &body));
    match (request.method(), parts.as_slice()) {
        (&Method::GET | &Method::HEAD, [name]) => {
            let world = admin.worlds.find(name).map_err(|error| refuse(admin, &error))?;
            ok(describe(&world))
        }
        (&Method::DELETE, [name]) => {
            let dropped = admin.worlds.drop_world(name).await;
            dropped.map_err(|error| refuse(admin, &error))?;
            ok(json!({"dropped": name}))
        }
        (method, [_]) => {
            let text = format!("a world takes GET and DELETE, not {method}");
            let mut refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", text);
            refusal.allow = Some("GET, DELETE");
            Err(refusal)
        }
        _ => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "NotFound",
            format!("there is no {PATH}/{rest}"),
        )),
    }
}

fn refuse(admin: &Scope, error: &WorldError) -> Refusal {
    let (status, code) = match error {
        WorldError::Name { .. } => (StatusCode::BAD_REQUEST, "InvalidWorldName"),
        WorldError::Exists(_) => (StatusCode::CONFLICT, "WorldExists"),
        WorldError::Unknown(name) => {
            let worlds = admin.worlds.list();
            let hint = text::did_you_mean(name, worlds.iter().map(|world| world.world()));
            return Refusal::new(StatusCode::NOT_FOUND, "UnknownWorld", format!("{error}{hint}"));
        }
        WorldError::TooMany { .. } => (StatusCode::CONFLICT, "TooManyWorlds"),
        WorldError::Main => (StatusCode::CONFLICT, "WorldStays"),
        WorldError::Store(error) => return Refusal::failed(error.to_string()),
    };
    Refusal::new(status, code, error.to_string())
}
