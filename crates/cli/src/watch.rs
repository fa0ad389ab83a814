//! Commands that look at a running Virga: the log of calls, the certificate, the fidelity table.

use crate::args::Parsed;
use crate::client::{Client, encode};
use crate::manage::show;
use crate::{Failure, Program, out};
use serde_json::Value as Json;
use virga_admin::line::CallLine;

const LIMIT_DEFAULT: &str = "100";

pub(crate) fn logs(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let client = Client::find(program, parsed)?;
    let filters: String = ["service", "operation", "status", "since"]
        .iter()
        .filter_map(|name| Some(format!("&{name}={}", encode(parsed.flag(name)?))))
        .collect();
    let limit = parsed.flag("limit").unwrap_or(LIMIT_DEFAULT);
    let page = client.get(&format!("/_virga/logs?limit={}{filters}", encode(limit)))?;
    let mut next = print_calls(parsed, &page)?;
    if !parsed.has("follow") {
        return Ok(());
    }
    loop {
        let path = format!("/_virga/logs?follow=1&after={next}{filters}");
        match client.get(&path) {
            Ok(page) => next = print_calls(parsed, &page)?,
            // The Virga that was followed has stopped: so has the log.
            Err(_) if !client.is_served() => return Ok(()),
            Err(failure) => return Err(failure),
        }
    }
}

/// Prints a page and answers the cursor to go on with.
fn print_calls(parsed: &Parsed, page: &Json) -> Result<u64, Failure> {
    let (json, colour) = (parsed.flag("output") == Some("json"), out::colour());
    let mut text = String::new();
    if let Some(missed) = page
        .get("missed")
        .and_then(Json::as_u64)
        .filter(|missed| *missed > 0 && !json)
    {
        text.push_str(&format!("({missed} calls were forgotten before they could be shown)\n"));
    }
    for call in page.get("calls").and_then(Json::as_array).into_iter().flatten() {
        match CallLine::from_json(call) {
            Some(line) if !json => line.write_human(&mut text, colour),
            _ => text.push_str(&format!("{call}\n")),
        }
    }
    out::print(&text)?;
    Ok(page.get("next").and_then(Json::as_u64).unwrap_or(0))
}

pub(crate) fn certificate(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    out::print(&Client::find(program, parsed)?.get_text("/_virga/certificate")?)
}

pub(crate) fn fidelity(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let client = Client::find(program, parsed)?;
    if let Some(service) = parsed.argument(0) {
        let answer = client.get(&format!("/_virga/fidelity?service={}", encode(service)))?;
        return show(parsed, &answer, || {
            let operations = answer.get("operations").and_then(Json::as_object);
            let rows: Vec<Vec<String>> = operations
                .into_iter()
                .flatten()
                .map(|(name, fidelity)| vec![name.clone(), fidelity.as_str().unwrap_or("?").to_owned()])
                .collect();
            out::table(&rows)
        });
    }
    let answer = client.get("/_virga/fidelity")?;
    show(parsed, &answer, || {
        let row = |name: &str, counts: &Json| {
            let count = |kind: &str| counts.get(kind).and_then(Json::as_u64).unwrap_or(0);
            let built = count("full") + count("stored") > 0;
            let cells = ["full", "stored", "none"].map(|kind| format!("{:>6}", count(kind)));
            let mut row = vec![name.to_owned()];
            row.extend(cells);
            (built, row)
        };
        let mut rows = vec![["SERVICE", "  FULL", "STORED", "  NONE"].map(str::to_owned).to_vec()];
        let mut others = 0;
        for (name, counts) in answer.get("services").and_then(Json::as_object).into_iter().flatten() {
            let (built, row) = row(name, counts);
            if built || parsed.has("all") {
                rows.push(row);
            } else {
                others += 1;
            }
        }
        rows.push(row("all of AWS", answer.get("total").unwrap_or(&Json::Null)).1);
        let mut text = out::table(&rows);
        if others > 0 {
            text.push_str(&format!(
                "{others} more services are known and answer 501; --all lists them.\n"
            ));
        }
        text
    })
}
