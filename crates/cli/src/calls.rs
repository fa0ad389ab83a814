//! `virga calls`: the journal of calls, shown or saved.

use crate::args::Parsed;
use crate::client::{Client, encode};
use crate::{Failure, Program, journal, out};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use virga_admin::line::{CallLine, printable};
use virga_admin::text;

const FILTERS: &[&str] = &[
    "service",
    "operation",
    "status",
    "error",
    "account",
    "region",
    "world",
    "since",
    "request-id",
];
const LIMIT_DEFAULT: &str = "50";
/// Calls that are saved with one question.
const PAGE: usize = 250;

pub(crate) fn calls(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let client = Client::find(program, parsed)?;
    let filters: String = FILTERS
        .iter()
        .filter_map(|name| Some(format!("&{}={}", name.replace('-', "_"), encode(parsed.flag(name)?))))
        .collect();
    if let Some(path) = parsed.flag("save") {
        return save(program, parsed, &client, &filters, path);
    }
    let with = if parsed.has("body") { "&with=input" } else { "" };
    let limit = encode(parsed.flag("limit").unwrap_or(LIMIT_DEFAULT));
    let page = client.get(&format!("/_virga/calls?limit={limit}{with}{filters}"))?;
    if parsed.flag("output") != Some("json") {
        out::print(&heading())?;
    }
    let mut next = print(parsed, &page)?;
    if !parsed.has("follow") {
        return Ok(());
    }
    while let Some(page) = follow(&client, next, &format!("{with}{filters}"))? {
        next = print(parsed, &page)?;
    }
    Ok(())
}

/// The next calls once there are any; nothing once the Virga that was followed has stopped.
fn follow(client: &Client, after: u64, parameters: &str) -> Result<Option<Json>, Failure> {
    match client.get(&format!("/_virga/calls?follow=1&after={after}{parameters}")) {
        Ok(page) => Ok(Some(page)),
        Err(_) if !client.is_served() => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn number(page: &Json, name: &str) -> u64 {
    page.get(name).and_then(Json::as_u64).unwrap_or(0)
}

fn calls_of(page: &Json) -> impl Iterator<Item = &Json> {
    page.get("calls").and_then(Json::as_array).into_iter().flatten()
}

fn row(cells: [&str; 7]) -> String {
    let [number, time, place, call, status, took, rest] = cells;
    let line = format!("{number:>6}  {time:<24}  {place:<26}  {call:<30}  {status:<6}  {took:>9}  {rest}");
    format!("{}\n", line.trim_end())
}

fn heading() -> String {
    row(["NUMBER", "TIME", "WHERE", "CALL", "STATUS", "TOOK", "REQUEST"])
}

/// Prints a page and answers the cursor to go on with.
fn print(parsed: &Parsed, page: &Json) -> Result<u64, Failure> {
    let json = parsed.flag("output") == Some("json");
    let mut printed = String::new();
    let missed = number(page, "missed");
    if missed > 0 && !json {
        printed.push_str(&format!("({missed} calls were forgotten before they could be shown)\n"));
    }
    for call in calls_of(page) {
        match CallLine::from_json(call) {
            Some(line) if !json => {
                let id = call.get("request_id").and_then(Json::as_str).unwrap_or_default();
                printed.push_str(&table_row(number(call, "cursor"), &line, id));
                if parsed.has("body") {
                    printed.push_str(&input(call));
                }
            }
            _ => printed.push_str(&format!("{call}\n")),
        }
    }
    out::print(&printed)?;
    Ok(number(page, "next"))
}

fn table_row(cursor: u64, line: &CallLine<'_>, request_id: &str) -> String {
    let world = line.world.map_or_else(String::new, |world| format!("{world} "));
    let place = format!("{world}{} {}", line.account, line.region);
    let call = match (line.service, line.operation) {
        (Some(service), Some(operation)) => format!("{service}.{operation}"),
        _ => format!("{} {}", line.method, line.path),
    };
    let failed = match (line.error, line.message) {
        (Some(error), Some(message)) => format!("  {error}: {message}"),
        (Some(error), None) => format!("  {error}"),
        _ => String::new(),
    };
    row([
        &cursor.to_string(),
        &line.at.to_iso8601_millis(),
        &printable(place.trim()),
        &printable(&call),
        &line.status.to_string(),
        &text::write_micros(line.duration_us),
        &printable(&format!("{request_id}{failed}")),
    ])
}

/// The input below its row.
fn input(call: &Json) -> String {
    let indent = " ".repeat(8);
    let missing = call.get("body_missing").and_then(Json::as_str);
    match (call.get("input"), missing) {
        (Some(Json::Null) | None, None) => format!("{indent}(no input that its model knows)\n"),
        (Some(Json::Null) | None, Some(why)) => format!("{indent}(the body was not kept: {why})\n"),
        (Some(input), _) => format!("{input:#}")
            .lines()
            .map(|line| format!("{indent}{line}\n"))
            .collect(),
    }
}

/// How calls are told of that cannot be sent again.
#[derive(Default)]
struct Saved {
    calls: usize,
    without_body: BTreeMap<String, usize>,
    lines: String,
}

impl Saved {
    fn take(&mut self, page: &Json) {
        for call in calls_of(page) {
            self.calls += 1;
            self.lines.push_str(&format!("{call}\n"));
            // An unread body is one that does not matter.
            if let Some(why) = call.get("body_missing").and_then(Json::as_str)
                && why != "unread"
            {
                *self.without_body.entry(why.to_owned()).or_default() += 1;
            }
        }
    }

    fn tell(&self, parsed: &Parsed, path: &str, missed: u64) -> Result<(), Failure> {
        if parsed.flag("output") == Some("json") {
            let told = serde_json::json!({
                "file": path, "calls": self.calls, "missed": missed, "without_body": self.without_body,
            });
            return out::print(&format!("{told:#}\n"));
        }
        let calls = if self.calls == 1 {
            "1 call".to_owned()
        } else {
            format!("{} calls", self.calls)
        };
        let mut told = format!("{calls} saved to {path}.\n");
        for (why, count) in &self.without_body {
            told.push_str(&format!("{count} of them cannot be sent again: body {why}.\n"));
        }
        if missed > 0 {
            told.push_str(&format!("{missed} calls before them were forgotten already.\n"));
        }
        out::print(&told)
    }
}

fn save(program: &Program, parsed: &Parsed, client: &Client, filters: &str, path: &str) -> Result<(), Failure> {
    let unwritable = |error: std::io::Error| Failure::usage(format!("{path} cannot be written: {error}."));
    let seed = client.get("/_virga/health")?.get("seed").and_then(Json::as_u64);
    let parameters = format!("&with=exchange&limit={PAGE}{filters}");
    let (mut saved, mut next, mut missed) = (Saved::default(), 0, 0);
    loop {
        let page = client.get(&format!("/_virga/calls?after={next}{parameters}"))?;
        if next == 0 {
            missed = number(&page, "missed");
        }
        next = number(&page, "next");
        saved.take(&page);
        if calls_of(&page).count() < PAGE {
            break;
        }
    }
    let follows = parsed.has("follow");
    let head = journal::head(program.version, seed, missed, (!follows).then_some(saved.calls));
    let text = format!("{head}\n{}", saved.lines);
    if !follows {
        // Under another name first: who breaks off has the old file still.
        let partial = PathBuf::from(format!("{path}.partial"));
        std::fs::write(&partial, text).map_err(unwritable)?;
        std::fs::rename(&partial, Path::new(path)).map_err(unwritable)?;
        return saved.tell(parsed, path, missed);
    }
    let mut file = File::create(path).map_err(unwritable)?;
    file.write_all(text.as_bytes()).map_err(unwritable)?;
    while let Some(page) = follow(client, next, &parameters)? {
        next = number(&page, "next");
        saved.lines.clear();
        saved.take(&page);
        missed += number(&page, "missed");
        file.write_all(saved.lines.as_bytes()).map_err(unwritable)?;
    }
    saved.tell(parsed, path, missed)
}
