//! Whether Virga is well.

use crate::{Scope, fidelity, time};
use serde_json::{Map, Value as Json, json};
use virga_shape::pack;

pub(crate) fn health(admin: &Scope) -> Json {
    let calls = admin.calls.by_service();
    let services: Map<String, Json> = admin
        .cloud
        .services()
        .iter()
        .map(|(&name, service)| {
            let counts = fidelity::Counts::of(Some(service), name);
            let state = json!({
                "state": "running",
                "full": counts.full,
                "stored": counts.stored,
                "none": counts.none,
                "calls": calls.get(name).copied().unwrap_or(0),
            });
            (name.to_owned(), state)
        })
        .collect();
    let figures = admin.cloud.store().figures();
    json!({
        "status": "ok",
        "edition": "virga",
        "version": admin.version,
        "pid": std::process::id(),
        "uptime_s": admin.started.elapsed().as_secs(),
        "store": admin.cloud.store().kept_in().0,
        "data": admin.cloud.store().kept_in().1,
        "durable_commits": figures.durable_commits,
        "syncs": figures.syncs,
        "world": admin.cloud.world(),
        "worlds": admin.worlds.list().len(),
        "time": time::show(admin, None),
        "seed": admin.seed.get(),
        "calls": admin.calls.count(),
        "services": services,
    })
}

pub(crate) fn version(admin: &Scope) -> Json {
    json!({
        "version": admin.version,
        "edition": "virga",
        "models": {
            "botocore": pack::botocore_version(),
            "services": pack::services().len(),
        },
    })
}
