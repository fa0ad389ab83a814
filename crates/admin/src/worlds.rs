//! Worlds: listed, forked, dropped, compared.

use crate::answer::{Refusal, json_response};
use crate::query::Query;
use crate::{Scope, text};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};
use virga_service::{Cloud, Fork, Place, Side, StoreError, TableInfo, WorldError, differences};

pub(crate) const PATH: &str = "/_virga/worlds";
/// Rows that a comparison lists.
const DIFF_DEFAULT_ROWS: u64 = 100;
const DIFF_MAX_ROWS: u64 = 10_000;
/// What worlds count for themselves, and which is never alike.
const BOOKKEEPING: [&str; 5] = [
    "store.claims",
    "store.due_number",
    "store.nodes",
    "store.openings",
    "world.origin",
];
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

/// One world, `NAME`, or the difference between two, `A/diff/B`.
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
        (&Method::GET | &Method::HEAD, [left, "diff", right]) => {
            let query = Query::read(request.uri().query(), &["limit"])?;
            ok(diff(admin, left, right, &query).await?)
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

/// What each world has that the other has not. Counts are of all rows; at most `limit` are listed.
async fn diff(admin: &Scope, left: &str, right: &str, query: &Query) -> Result<Json, Refusal> {
    let find = |name: &str| admin.worlds.find(name).map_err(|error| refuse(admin, &error));
    let (left, right) = (find(left)?, find(right)?);
    let limit = query.number("limit")?.unwrap_or(DIFF_DEFAULT_ROWS).min(DIFF_MAX_ROWS);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let compared = tokio::task::spawn_blocking(move || compare(&left, &right, limit)).await;
    compared
        .map_err(|_| Refusal::failed("the comparison broke off"))?
        .map_err(|error| Refusal::failed(error.to_string()))
}

#[derive(Default)]
struct Counts {
    only_left: u64,
    only_right: u64,
    both: u64,
}

impl Counts {
    fn add(&mut self, side: Side) {
        *match side {
            Side::OnlyLeft => &mut self.only_left,
            Side::OnlyRight => &mut self.only_right,
            Side::Both => &mut self.both,
        } += 1;
    }

    fn write(&self, into: &mut Map<String, Json>) {
        into.insert("only_a".to_owned(), json!(self.only_left));
        into.insert("only_b".to_owned(), json!(self.only_right));
        into.insert("changed".to_owned(), json!(self.both));
    }
}

fn compare(left: &Arc<Cloud>, right: &Arc<Cloud>, limit: usize) -> Result<Json, StoreError> {
    let tables: HashMap<u16, &TableInfo> = left.tables().map(|table| (table.number, table)).collect();
    let mut total = Counts::default();
    let mut groups: BTreeMap<(u16, Option<String>, String), Counts> = BTreeMap::new();
    let mut rows = Vec::new();
    let mut count = 0;
    differences(left.store(), right.store(), &mut |side, key| {
        let Some((account, region, table, rest)) = Place::split(key) else {
            return ControlFlow::Continue(());
        };
        let info = tables.get(&table);
        if info.is_some_and(|info| BOOKKEEPING.contains(&info.name)) {
            return ControlFlow::Continue(());
        }
        let account = account.map(|account| account.to_string());
        total.add(side);
        count += 1;
        if rows.len() < limit {
            let key = info.and_then(|info| info.key(rest));
            rows.push(json!({
                "where": match side {
                    Side::OnlyLeft => "only_a",
                    Side::OnlyRight => "only_b",
                    Side::Both => "changed",
                },
                "table": name(info.copied(), table),
                "account": account,
                "region": region,
                "key": key.unwrap_or_else(|| rest.escape_ascii().to_string()),
            }));
        }
        groups.entry((table, account, region)).or_default().add(side);
        ControlFlow::Continue(())
    })?;
    let groups: Vec<Json> = groups
        .into_iter()
        .map(|((table, account, region), counts)| {
            let mut group = Map::new();
            group.insert("table".to_owned(), json!(name(tables.get(&table).copied(), table)));
            group.insert("account".to_owned(), json!(account));
            group.insert("region".to_owned(), json!(region));
            counts.write(&mut group);
            Json::Object(group)
        })
        .collect();
    let mut answer = Map::new();
    answer.insert("a".to_owned(), json!(left.world()));
    answer.insert("b".to_owned(), json!(right.world()));
    answer.insert("same".to_owned(), json!(count == 0));
    total.write(&mut answer);
    answer.insert("not_listed".to_owned(), json!(count - rows.len()));
    answer.insert("tables".to_owned(), json!(groups));
    answer.insert("rows".to_owned(), json!(rows));
    Ok(Json::Object(answer))
}

fn name(info: Option<&TableInfo>, number: u16) -> String {
    info.map_or_else(|| format!("{number:#06x}"), |info| info.name.to_owned())
}

pub(crate) fn refuse(admin: &Scope, error: &WorldError) -> Refusal {
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
