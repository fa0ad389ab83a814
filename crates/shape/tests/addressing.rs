//! Every operation of every service is recognised from the request that botocore sends for it.
//!
//! `addressing/requests.py` has botocore serialize the requests; `VIRGA_PYTHON` or `python3` runs it. They are looked at
//! twice: sent to one local address, and sent to AWS's host names. What cannot be told apart is listed, with reasons, in
//! `addressing/shared.json`, and the list must be exact.

use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use virga_shape::address::{Facts, address};

/// Service, operation; then service and operation found instead, or why none was.
type Misses = BTreeMap<(String, String), (String, String)>;

fn text<'a>(of: &'a Json, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_default()
}

/// Runs the script; `None`, with a word on stderr, where no botocore is to be had.
fn requests() -> Option<Vec<Json>> {
    let python = std::env::var("VIRGA_PYTHON").unwrap_or_else(|_| "python3".into());
    let importable = Command::new(&python).args(["-c", "import botocore"]).output();
    if !importable.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: {python} cannot import botocore, so that no request could be addressed");
        return None;
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("requests.jsonl");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/addressing/requests.py");
    let status = Command::new(&python)
        .arg(script)
        .arg(&file)
        .status()
        .expect("python runs");
    assert!(status.success(), "the script failed");
    let lines = std::fs::read_to_string(file).expect("the script's output");
    Some(
        lines
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect(),
    )
}

fn found(request: &Json, host: &str) -> (String, String, String) {
    let headers = request["headers"].as_object().expect("headers");
    let header = |name: &str| headers.get(name).and_then(Json::as_str);
    let facts = Facts {
        method: text(request, "method"),
        path: text(request, "path"),
        query: text(request, "query"),
        host,
        target: header("x-amz-target"),
        smithy_protocol: header("smithy-protocol"),
        content_type: &|| header("content-type"),
        scope: request["scope"].as_str(),
        form: request["action"]
            .as_str()
            .map(|action| (action, request["version"].as_str())),
        user_agent: &|| None,
        has_header: &|name| headers.contains_key(&name.to_ascii_lowercase()),
    };
    match address(&facts) {
        Ok(found) => (
            found.model.name.clone(),
            found.operation.name.clone(),
            found.protocol.as_str().to_owned(),
        ),
        Err(error) => ("none".into(), error.to_string(), String::new()),
    }
}

fn misses(requests: &[Json], host: impl Fn(&Json) -> String) -> Misses {
    let mut misses = Misses::new();
    for request in requests {
        let (service, operation) = (text(request, "service"), text(request, "operation"));
        let (found_service, found_operation, protocol) = found(request, &host(request));
        if (found_service.as_str(), found_operation.as_str()) != (service, operation) {
            misses.insert((service.into(), operation.into()), (found_service, found_operation));
        } else {
            assert!(
                protocol.starts_with(text(request, "protocol")),
                "{service} {operation} came over {} and was taken for {protocol}",
                request["protocol"]
            );
        }
    }
    misses
}

/// Entries name operations, or say `"all"` for those that another service has under the same names.
fn listed(requests: &[Json], hosts: &str) -> Misses {
    let list: Json = serde_json::from_str(include_str!("addressing/shared.json")).expect("JSON");
    let mut listed = Misses::new();
    for entry in list.as_array().expect("a list") {
        assert!(!text(entry, "reason").is_empty(), "no reason: {entry}");
        if !entry["hosts"].as_array().expect("hosts").contains(&json!(hosts)) {
            continue;
        }
        let service = text(entry, "service");
        let operations: BTreeSet<&str> = match &entry["operations"] {
            Json::String(all) if all == "all" => requests
                .iter()
                .filter(|request| text(request, "service") == service)
                .map(|request| text(request, "operation"))
                .collect(),
            operations => operations
                .as_array()
                .expect("names")
                .iter()
                .filter_map(Json::as_str)
                .collect(),
        };
        for operation in operations {
            let instead = match entry.get("operation") {
                Some(instead) => instead.as_str().expect("a name"),
                None => operation,
            };
            listed.insert(
                (service.into(), operation.into()),
                (text(entry, "addressed").into(), instead.into()),
            );
        }
    }
    listed
}

fn compare(hosts: &str, misses: &Misses, listed: &Misses) {
    let unlisted: Vec<_> = misses.iter().filter(|(key, _)| !listed.contains_key(key)).collect();
    let stale: Vec<_> = listed
        .iter()
        .filter(|(key, instead)| misses.get(*key) != Some(instead))
        .collect();
    assert!(
        unlisted.is_empty() && stale.is_empty(),
        "hosts {hosts}\nunlisted, {}: {unlisted:#?}\nstale: {stale:#?}",
        unlisted.len()
    );
}

#[test]
fn every_operation_is_recognised() {
    let Some(requests) = requests() else { return };
    assert_eq!(requests.len(), 18_752, "18,378 operations, some over several protocols");
    let local = misses(&requests, |_| "localhost:4566".into());
    let aws = misses(&requests, |request| text(request, "host").to_owned());
    compare("local", &local, &listed(&requests, "local"));
    compare("aws", &aws, &listed(&requests, "aws"));
}
