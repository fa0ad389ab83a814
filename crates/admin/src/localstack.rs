//! `/_localstack/*`, in the shapes that tools written for LocalStack read.

use crate::answer::{Refusal, python_json};
use crate::{Scope, routes};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Map, Value as Json, json};

/// A service is `available` until its first call and `running` from then on.
pub(crate) fn health(admin: &Scope) -> Response<Bytes> {
    let calls = admin.calls.by_service();
    let services: Map<String, Json> = admin
        .cloud
        .services()
        .keys()
        .map(|&name| {
            let state = if calls.contains_key(name) {
                "running"
            } else {
                "available"
            };
            (name.to_owned(), json!(state))
        })
        .collect();
    python_json(&json!({"services": services, "edition": "virga", "version": admin.version}))
}

/// `{"action": "restart"}` empties the cloud, `{"action": "kill"}` stops it.
pub(crate) async fn act(admin: &Scope, request: &Request<Bytes>) -> Result<(), Refusal> {
    let body: Json = serde_json::from_slice(request.body()).unwrap_or(Json::Null);
    match body.get("action").and_then(Json::as_str) {
        Some("restart") => routes::reset(admin).await,
        Some("kill") => {
            crate::origin::check_loopback(request.extensions().get())?;
            admin.stop();
            Ok(())
        }
        _ => Err(Refusal::bad("\"action\" must be restart or kill")),
    }
}

pub(crate) fn info(admin: &Scope) -> Response<Bytes> {
    python_json(&json!({
        "version": admin.version,
        "edition": "virga",
        "is_license_activated": false,
        "session_id": "",
        "machine_id": "",
        "system": std::env::consts::OS,
        "is_docker": false,
        "server_time_utc": admin.cloud.clock().now().to_iso8601_millis().trim_end_matches('Z'),
        "uptime": admin.started.elapsed().as_secs(),
    }))
}

/// There are no init scripts yet, so every stage before the end is complete.
pub(crate) fn init() -> Response<Bytes> {
    python_json(&json!({
        "completed": {"BOOT": true, "START": true, "READY": true, "SHUTDOWN": false},
        "scripts": [],
    }))
}
