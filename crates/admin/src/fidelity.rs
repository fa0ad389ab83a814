//! How real each operation is, from the services themselves and the models.

use crate::answer::Refusal;
use crate::query::Query;
use crate::{Scope, text};
use http::StatusCode;
use serde_json::{Map, Value as Json, json};
use std::ops::AddAssign;
use virga_service::{Fidelity, Service};
use virga_shape::pack;

/// Operations by how real they are.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    pub full: u64,
    pub stored: u64,
    pub none: u64,
}

impl Counts {
    /// Of the service with that name, built or not.
    pub(crate) fn of(service: Option<&Service>, name: &str) -> Counts {
        let mut counts = Counts::default();
        let Some(entry) = pack::entry(name) else { return counts };
        let Some(service) = service else {
            // Needs no names, and so no inflating.
            counts.none = u64::from(entry.operation_count);
            return counts;
        };
        for operation in entry.operation_names() {
            match service.fidelity(operation) {
                Fidelity::Full => counts.full += 1,
                Fidelity::Stored => counts.stored += 1,
                Fidelity::None => counts.none += 1,
            }
        }
        counts
    }

    fn to_json(self) -> Json {
        json!({"full": self.full, "stored": self.stored, "none": self.none})
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.full += other.full;
        self.stored += other.stored;
        self.none += other.none;
    }
}

/// Counts of every service; with `service`, that one's operations; with `all`, everybody's.
pub(crate) fn fidelity(admin: &Scope, query: &Query) -> Result<Json, Refusal> {
    if let Some(name) = query.get("service") {
        let Some(entry) = pack::entry(name) else {
            let hint = text::did_you_mean(name, pack::services().iter().map(|entry| entry.name));
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "UnknownService",
                format!("AWS has no service {name:?}{hint}"),
            ));
        };
        return Ok(one(admin, entry.name, entry.full_name));
    }
    let mut total = Counts::default();
    let mut services = Map::new();
    for entry in pack::services() {
        let service = admin.cloud.service(entry.name);
        let counts = Counts::of(service, entry.name);
        total += counts;
        let value = if query.flag("all") {
            one(admin, entry.name, entry.full_name)
        } else {
            counts.to_json()
        };
        services.insert(entry.name.to_owned(), value);
    }
    Ok(json!({"total": total.to_json(), "services": services}))
}

fn one(admin: &Scope, name: &'static str, full_name: &str) -> Json {
    let service = admin.cloud.service(name);
    let operations: Map<String, Json> = pack::entry(name)
        .into_iter()
        .flat_map(|entry| entry.operation_names())
        .map(|operation| {
            let fidelity = service.map_or(Fidelity::None, |service| service.fidelity(operation));
            (operation.to_owned(), json!(fidelity))
        })
        .collect();
    json!({
        "service": name,
        "full_name": full_name,
        "built": service.is_some(),
        "total": Counts::of(service, name).to_json(),
        "operations": operations,
    })
}
