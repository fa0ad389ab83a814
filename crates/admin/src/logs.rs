//! The last calls, filtered, and followed by asking again with the cursor of the last answer.

use crate::answer::Refusal;
use crate::query::Query;
use crate::{Scope, calls, line, text};
use serde_json::{Value as Json, json};
use std::time::Duration;
use virga_base::Timestamp;
use virga_service::CallRecord;

pub(crate) const PARAMETERS: &[&str] = &[
    "service",
    "operation",
    "status",
    "since",
    "request_id",
    "after",
    "limit",
    "follow",
    "wait_s",
];
const LIMIT_DEFAULT: u64 = 1_000;
/// Seconds that a follower is kept waiting for the next call.
const WAIT_DEFAULT_S: u64 = 25;
const WAIT_MAX_S: u64 = 55;

/// Which calls are asked for.
struct Filter {
    service: Option<String>,
    operation: Option<String>,
    request_id: Option<String>,
    status: std::ops::RangeInclusive<u16>,
    since: Timestamp,
}

impl Filter {
    fn read(admin: &Scope, query: &Query) -> Result<Filter, Refusal> {
        let lower = |name| query.get(name).map(str::to_lowercase);
        Ok(Filter {
            service: lower("service"),
            operation: lower("operation"),
            request_id: query.get("request_id").map(str::to_owned),
            status: query.get("status").map_or(Ok(0..=u16::MAX), read_status)?,
            since: query
                .get("since")
                .map_or(Ok(Timestamp::from_millis(i64::MIN)), |since| {
                    if let Ok(ago) = text::parse_duration(since) {
                        let ago_ms = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
                        return Ok(admin.cloud.clock().now().plus_millis(-ago_ms));
                    }
                    text::parse_time(since).map_err(|_| {
                        Refusal::bad(format!("since must be a time or a duration such as 5m, not {since:?}"))
                    })
                })?,
        })
    }

    fn takes(&self, record: &CallRecord) -> bool {
        let same = |wanted: &Option<String>, is: Option<&str>| {
            wanted
                .as_ref()
                .is_none_or(|wanted| is.is_some_and(|is| is.eq_ignore_ascii_case(wanted)))
        };
        same(&self.service, record.service)
            && same(&self.operation, record.operation)
            && same(&self.request_id, Some(record.request_id.as_str()))
            && self.status.contains(&record.status)
            && record.at >= self.since
    }
}

/// With `follow`, waits until there is something to tell, or `wait_s` have passed.
pub(crate) async fn logs(admin: &Scope, query: &Query) -> Result<Json, Refusal> {
    let filter = Filter::read(admin, query)?;
    let limit = usize::try_from(query.number("limit")?.unwrap_or(LIMIT_DEFAULT)).unwrap_or(usize::MAX);
    if limit == 0 {
        return Err(Refusal::bad("limit must be at least 1"));
    }
    let after = query.number("after")?;
    let wait = Duration::from_secs(query.number("wait_s")?.unwrap_or(WAIT_DEFAULT_S).min(WAIT_MAX_S));
    let follow = query.flag("follow");
    let (mut cursor, mut missed, mut found) = (after.unwrap_or(0), 0, Vec::new());
    let search = async {
        loop {
            let page = admin.calls.after(cursor, calls::CALLS_MAX);
            cursor = page.next;
            missed += if after.is_some() { page.missed } else { 0 };
            found.extend(page.records.into_iter().filter(|(_, record)| filter.takes(record)));
            if !found.is_empty() || !follow {
                break;
            }
            admin.calls.wait_after(cursor).await;
        }
    };
    tokio::select! {
        () = search => {}
        () = tokio::time::sleep(wait) => {}
        () = admin.stopped() => {}
    }
    if after.is_some() {
        // Whoever pages gets the oldest first and comes again for the rest.
        if found.len() > limit {
            found.truncate(limit);
            cursor = found.last().map_or(cursor, |(number, _)| *number);
        }
    } else {
        found.drain(..found.len().saturating_sub(limit));
    }
    let calls: Vec<Json> = found
        .iter()
        .map(|(number, record)| line::to_json(*number, record))
        .collect();
    Ok(json!({"calls": calls, "next": cursor, "missed": missed}))
}

/// `404`, `4xx`, or `error` for all from 400.
fn read_status(text: &str) -> Result<std::ops::RangeInclusive<u16>, Refusal> {
    let wrong = || {
        Refusal::bad(format!(
            "status must be a number, 2xx to 5xx, ok or error, not {text:?}"
        ))
    };
    match text.to_lowercase().as_str() {
        "error" | "errors" => Ok(400..=u16::MAX),
        "ok" => Ok(0..=399),
        lower => match lower.strip_suffix("xx") {
            Some(class) => {
                let class: u16 = class
                    .parse()
                    .ok()
                    .filter(|class| (1..=5).contains(class))
                    .ok_or_else(wrong)?;
                Ok(class * 100..=class * 100 + 99)
            }
            None => lower.parse().map(|status| status..=status).map_err(|_| wrong()),
        },
    }
}
