//! The last calls, filtered, and followed by asking again with the cursor of the last answer.

use crate::answer::Refusal;
use crate::journal::shown;
use crate::query::Query;
use crate::{Scope, line, text};
use serde_json::{Value as Json, json};
use std::time::Duration;
use virga_base::Timestamp;
use virga_base::limits::JOURNAL_MAX_CALLS;
use virga_service::{CallRecord, MAIN};

pub(crate) const PARAMETERS: &[&str] = &[
    "service",
    "operation",
    "status",
    "since",
    "request_id",
    "error",
    "account",
    "region",
    "world",
    "with",
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
    error: Option<String>,
    account: Option<String>,
    region: Option<String>,
    world: Option<String>,
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
            error: query.get("error").map(str::to_owned),
            account: query.get("account").map(str::to_owned),
            region: query.get("region").map(str::to_owned),
            world: query.get("world").map(str::to_owned),
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
            && same(&self.error, record.error.as_deref())
            && same(&self.world, Some(record.world.as_deref().unwrap_or(MAIN)))
            && self.takes_place(record)
            && self.status.contains(&record.status)
            && record.at >= self.since
    }

    fn takes_place(&self, record: &CallRecord) -> bool {
        if self.account.is_none() && self.region.is_none() {
            return true;
        }
        record.who.as_ref().is_some_and(|who| {
            let account = self.account.as_ref();
            account.is_none_or(|account| *account == who.account.to_string())
                && self.region.as_ref().is_none_or(|region| region == who.region.as_str())
        })
    }
}

/// What is shown of a call besides its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum With {
    Nothing,
    Input,
    /// All that it takes to send it again.
    Exchange,
}

impl With {
    fn read(query: &Query) -> Result<With, Refusal> {
        match query.get("with") {
            None => Ok(With::Nothing),
            Some("input") => Ok(With::Input),
            Some("exchange") => Ok(With::Exchange),
            Some(other) => Err(Refusal::bad(format!("with must be input or exchange, not {other:?}"))),
        }
    }

    fn show(self, admin: &Scope, cursor: u64, record: &CallRecord) -> Json {
        let mut json = line::to_json(cursor, record);
        if let (true, Some(map)) = (self != With::Nothing, json.as_object_mut()) {
            let kept = admin.calls.exchange(cursor);
            match self {
                With::Exchange => shown::add_exchange(map, record, kept.as_ref()),
                _ => shown::add_input(map, record, kept.as_ref()),
            }
        }
        json
    }
}

/// With `follow`, waits until there is something to tell, or `wait_s` have passed.
pub(crate) async fn logs(admin: &Scope, query: &Query) -> Result<Json, Refusal> {
    let filter = Filter::read(admin, query)?;
    let with = With::read(query)?;
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
            let page = admin.calls.after(cursor, JOURNAL_MAX_CALLS);
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
        .map(|(number, record)| with.show(admin, *number, record))
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
