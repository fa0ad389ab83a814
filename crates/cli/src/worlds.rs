//! `virga world`: listed, forked, dropped, compared.

use crate::args::Parsed;
use crate::client::{Client, encode};
use crate::manage::show;
use crate::{Failure, Program, out};
use serde_json::{Value as Json, json};
use std::time::Duration;
use virga_admin::text;

pub(crate) fn list(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let answer = Client::find(program, parsed)?.get("/_virga/worlds")?;
    show(parsed, &answer, || {
        let mut rows = vec![
            ["NAME", "FROM", "TIME", "UNUSED", "DROPPED AFTER"]
                .map(str::to_owned)
                .to_vec(),
        ];
        for world in answer.get("worlds").and_then(Json::as_array).into_iter().flatten() {
            let text = |name: &str| world.get(name).and_then(Json::as_str).unwrap_or("-").to_owned();
            let span = |name: &str| {
                let seconds = world.get(name).and_then(Json::as_f64);
                let span = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                span.map_or_else(|| "-".to_owned(), text::write_duration)
            };
            rows.push(vec![
                text("name"),
                text("parent"),
                text("now"),
                span("unused_s"),
                span("ttl_s"),
            ]);
        }
        out::table(&rows)
    })
}

pub(crate) fn fork(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let mut body = json!({
        "name": parsed.argument(0).unwrap_or_default(),
        "replace": parsed.has("replace"),
    });
    if let Some(from) = parsed.flag("from") {
        body["from"] = json!(from);
    }
    if let Some(ttl) = parsed.flag("ttl") {
        text::parse_duration(ttl).map_err(|error| Failure::usage(format!("--ttl: {error}.")))?;
        body["ttl"] = json!(ttl);
    }
    let answer = Client::find(program, parsed)?.post("/_virga/worlds", &body)?;
    show(parsed, &answer, || {
        let text = |name: &str| answer.get(name).and_then(Json::as_str).unwrap_or("?");
        format!(
            "The world {name} is a copy of {parent}. `virga env --world {name}` points clients at it.\n",
            name = text("name"),
            parent = text("parent")
        )
    })
}

pub(crate) fn drop_world(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let name = parsed.argument(0).unwrap_or_default();
    let answer = Client::find(program, parsed)?.delete(&format!("/_virga/worlds/{}", segment(name)))?;
    show(parsed, &answer, || format!("The world {name} is gone.\n"))
}

pub(crate) fn diff(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let (a, b) = (
        parsed.argument(0).unwrap_or_default(),
        parsed.argument(1).unwrap_or_default(),
    );
    let limit = parsed.flag("limit").unwrap_or("100");
    let path = format!(
        "/_virga/worlds/{}/diff/{}?limit={}",
        segment(a),
        segment(b),
        encode(limit)
    );
    let answer = Client::find(program, parsed)?.get(&path)?;
    show(parsed, &answer, || {
        let count = |name: &str| answer.get(name).and_then(Json::as_u64).unwrap_or(0);
        let mut rows = Vec::new();
        for row in answer.get("rows").and_then(Json::as_array).into_iter().flatten() {
            let text = |name: &str| row.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
            let sign = match text("where").as_str() {
                "only_a" => "-",
                "only_b" => "+",
                _ => "~",
            };
            rows.push(vec![
                sign.to_owned(),
                text("table"),
                text("account"),
                text("region"),
                text("key"),
            ]);
        }
        let mut text = out::table(&rows);
        if count("not_listed") > 0 {
            text.push_str(&format!("(and {} more; --limit lists more)\n", count("not_listed")));
        }
        if answer.get("same").and_then(Json::as_bool) == Some(true) {
            text.push_str(&format!("{a} and {b} have the same.\n"));
        } else {
            text.push_str(&format!(
                "{} only in {a}, {} only in {b}, {} changed.\n",
                count("only_a"),
                count("only_b"),
                count("changed")
            ));
        }
        text
    })
}

/// A name in a path; what is no name is refused by the server.
fn segment(name: &str) -> String {
    encode(name).replace("%2D", "-")
}
