//! One call as a line: for people, or as JSON. The server's own log and `virga logs` write the same lines.

use crate::text;
use serde_json::{Value as Json, json};
use std::borrow::Cow;
use std::fmt::Write as _;
use virga_base::Timestamp;
use virga_service::{CallRecord, Who};

/// How lines of the log are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Human,
    Json,
}

/// What a line for people shows of a call.
#[derive(Clone, Debug)]
pub struct CallLine<'a> {
    pub at: Timestamp,
    pub service: Option<&'a str>,
    pub operation: Option<&'a str>,
    pub world: Option<&'a str>,
    pub account: Cow<'a, str>,
    pub region: &'a str,
    pub method: &'a str,
    pub path: &'a str,
    pub status: u16,
    pub error: Option<&'a str>,
    pub message: Option<&'a str>,
    pub duration_us: u64,
}

impl<'a> From<&'a CallRecord> for CallLine<'a> {
    fn from(record: &'a CallRecord) -> CallLine<'a> {
        CallLine {
            at: record.at,
            service: record.service,
            operation: record.operation,
            world: record.world.as_deref(),
            account: record
                .who
                .as_ref()
                .map_or(Cow::Borrowed(""), |who| who.account.to_string().into()),
            region: record.who.as_ref().map_or("", |who| who.region.as_str()),
            method: record.method.as_str(),
            path: &record.path,
            status: record.status,
            error: record.error.as_deref(),
            message: record.message.as_deref(),
            duration_us: record.duration_us,
        }
    }
}

impl<'a> CallLine<'a> {
    /// Reads what [`to_json`] wrote; `None` if it is something else.
    pub fn from_json(json: &'a Json) -> Option<CallLine<'a>> {
        let text = |name: &str| json.get(name).and_then(Json::as_str);
        Some(CallLine {
            at: Timestamp::parse_iso8601(text("at")?)?,
            service: text("service"),
            operation: text("operation"),
            world: text("world"),
            account: text("account")?.into(),
            region: text("region")?,
            method: text("method")?,
            path: text("path")?,
            status: u16::try_from(json.get("status")?.as_u64()?).ok()?,
            error: text("error"),
            message: text("message"),
            duration_us: json.get("duration_us")?.as_u64()?,
        })
    }

    /// Appends `TIME  service.Operation  STATUS ErrorCode  DURATION  message` and a line break. World, account
    /// and region are shown where they are not the default ones.
    pub fn write_human(&self, out: &mut String, colour: bool) {
        let (dim, strong, end) = if colour {
            ("\x1b[2m", "\x1b[1m", "\x1b[0m")
        } else {
            ("", "", "")
        };
        let status_colour = match (colour, self.status) {
            (false, _) => "",
            (true, 500..) => "\x1b[31m",
            (true, 400..) => "\x1b[33m",
            (true, _) => "\x1b[32m",
        };
        let what = match (self.service, self.operation) {
            (Some(service), Some(operation)) => format!("{service}.{operation}"),
            (Some(service), None) => format!("{service} {} {}", self.method, printable(self.path)),
            _ => format!("{} {}", self.method, printable(self.path)),
        };
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "{dim}{}{end}  {strong}{what:<32}{end}  {status_colour}{}",
            self.at.to_iso8601_millis(),
            self.status
        );
        if let Some(error) = self.error {
            let _ = write!(out, " {}", printable(error));
        }
        let _ = write!(out, "{end}  {dim}{}", text::write_micros(self.duration_us));
        if let Some(world) = self.world {
            let _ = write!(out, "  {}", printable(world));
        }
        if !self.account.is_empty() && self.account != "000000000000" {
            let _ = write!(out, "  {}", printable(&self.account));
        }
        if !self.region.is_empty() && self.region != "us-east-1" {
            let _ = write!(out, "  {}", printable(self.region));
        }
        out.push_str(end);
        if let Some(message) = self.message.filter(|message| !message.is_empty()) {
            let _ = write!(out, "  {}", printable(message));
        }
        out.push('\n');
    }
}

/// A call as JSON, with its number in the log.
pub fn to_json(cursor: u64, record: &CallRecord) -> Json {
    let who = record.who.as_ref();
    json!({
        "cursor": cursor,
        "at": record.at.to_iso8601_millis(),
        "request_id": record.request_id.as_str(),
        "service": record.service,
        "operation": record.operation,
        "world": record.world,
        "account": who.map(|who| who.account.to_string()).unwrap_or_default(),
        "region": who.map(|who| who.region.as_str()).unwrap_or_default(),
        "caller": who.map(Who::arn).unwrap_or_default(),
        "method": record.method.as_str(),
        "path": record.path,
        "status": record.status,
        "error": record.error,
        "message": record.message,
        "duration_us": record.duration_us,
    })
}

/// Without control characters: what a client sends must not move the reader's terminal.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{CallLine, to_json};
    use crate::CallLog;
    use http::{HeaderMap, Method};
    use std::borrow::Cow;
    use std::sync::LazyLock;
    use virga_base::{Account, Id, Region, Timestamp};
    use virga_service::{CallRecord, Caller, Carried, Exchange, Observer, Who};
    use virga_shape::Protocol;

    pub(crate) fn record(operation: &'static str, status: u16) -> CallRecord {
        CallRecord {
            at: Timestamp::from_secs(1_767_225_600),
            request_id: Id::of(*b"r"),
            service: Some("sqs"),
            operation: Some(operation),
            world: None,
            who: Some(Who {
                caller: Caller::root(Account::DEFAULT),
                account: Account::DEFAULT,
                region: Region::default(),
            }),
            method: Method::POST,
            path: Cow::Borrowed("/"),
            status,
            error: (status >= 400).then(|| "QueueDoesNotExist".to_owned()),
            message: (status >= 400).then(|| "No such\x1b[2J queue.".to_owned()),
            duration_us: 400,
        }
    }

    pub(crate) fn exchange() -> Exchange<'static> {
        static NONE: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);
        Exchange {
            protocol: Protocol::Json10,
            path: "/",
            query: "",
            host: Some("localhost:4566"),
            headers: &NONE,
            body: Carried::Whole(b"{\"QueueName\": \"mail\"}"),
            answer_headers: &NONE,
            answer: Carried::Whole(b"{\"QueueUrl\": \"http://localhost:4566/000000000000/mail\"}"),
        }
    }

    pub(crate) fn tell(log: &CallLog, record: CallRecord) {
        log.called(record, &exchange());
    }

    #[test]
    fn a_line_tells_who_what_and_how_long() {
        let mut line = String::new();
        CallLine::from(&record("CreateQueue", 200)).write_human(&mut line, false);
        assert_eq!(
            line,
            "2026-01-01T00:00:00.000Z  sqs.CreateQueue                   200  0.4 ms\n"
        );
    }

    #[test]
    fn json_reads_back_and_control_characters_stay_out() {
        let mut failed = record("GetQueueUrl", 400);
        if let (Some(who), Ok(region)) = (&mut failed.who, Region::parse("eu-west-1")) {
            who.region = region;
        }
        let json = to_json(7, &failed);
        let mut line = String::new();
        CallLine::from_json(&json)
            .expect("reads back")
            .write_human(&mut line, false);
        assert_eq!(
            line,
            "2026-01-01T00:00:00.000Z  sqs.GetQueueUrl                   400 QueueDoesNotExist  0.4 ms  eu-west-1  \
             No such [2J queue.\n"
        );
    }
}
