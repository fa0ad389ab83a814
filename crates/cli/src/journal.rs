//! The journal as a file: a head, then one call per line, all JSON. `docs/history.md` describes it.

use crate::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value as Json, json};
use std::path::Path;
use virga_base::Timestamp;
use virga_shape::Protocol;

/// The version of the format.
const VERSION: u64 = 1;
const VERSION_KEY: &str = "virga_journal";
/// Many times what a server keeps; one that follows for long may come near.
const FILE_MAX_BYTES: u64 = 1024 * 1024 * 1024;
const PROTOCOLS: [Protocol; 7] = [
    Protocol::Query,
    Protocol::Ec2,
    Protocol::Json10,
    Protocol::Json11,
    Protocol::RestJson,
    Protocol::RestXml,
    Protocol::RpcV2Cbor,
];

/// What a file says of itself.
#[derive(Debug)]
pub(crate) struct Head {
    /// The seed of the server that it was saved from.
    pub seed: Option<u64>,
}

/// A call as it was recorded.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Its number in the journal that it was saved from.
    pub number: u64,
    pub at: Timestamp,
    pub world: Option<String>,
    pub service: Option<String>,
    pub operation: Option<String>,
    pub protocol: Option<Protocol>,
    pub method: Method,
    /// With the query string.
    pub path: String,
    pub credential: Option<Credential>,
    pub headers: HeaderMap,
    pub body: Body,
    pub status: u16,
    pub error: Option<String>,
    pub message: Option<String>,
    pub duration_us: u64,
    /// Null where it failed, or was not kept.
    pub answer: Json,
}

/// Who signed, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credential {
    pub access_key_id: String,
    pub region: Option<String>,
    pub service: Option<String>,
}

#[derive(Debug)]
pub(crate) enum Body {
    Whole(Vec<u8>),
    /// `unread`, `streamed`, `too long` or `forgotten`.
    Missing(String),
}

impl Entry {
    /// `sqs.SendMessage`, or method and path of what no operation was found for.
    pub(crate) fn name(&self) -> String {
        match (&self.service, &self.operation) {
            (Some(service), Some(operation)) => format!("{service}.{operation}"),
            _ => format!("{} {}", self.method, self.path),
        }
    }

    fn read(json: &Json) -> Option<Entry> {
        let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
        let protocol = text("protocol");
        let body = match (text("body"), text("body_base64"), text("body_missing")) {
            (Some(body), None, None) => Body::Whole(body.into_bytes()),
            (None, Some(body), None) => Body::Whole(STANDARD.decode(body).ok()?),
            (None, None, Some(why)) => Body::Missing(why),
            _ => return None,
        };
        let mut headers = HeaderMap::new();
        for header in json.get("headers").and_then(Json::as_array).into_iter().flatten() {
            let name = HeaderName::try_from(header.get(0)?.as_str()?).ok()?;
            headers.append(name, HeaderValue::from_str(header.get(1)?.as_str()?).ok()?);
        }
        let path = text("path")?;
        let is_plain = |byte: u8| byte.is_ascii_graphic();
        if !path.starts_with('/') || !path.bytes().all(is_plain) {
            return None;
        }
        Some(Entry {
            number: json.get("cursor")?.as_u64()?,
            at: Timestamp::parse_iso8601(&text("at")?)?,
            world: text("world"),
            service: text("service"),
            operation: text("operation"),
            protocol: match protocol {
                Some(name) => Some(*PROTOCOLS.iter().find(|protocol| protocol.as_str() == name)?),
                None => None,
            },
            method: Method::try_from(text("method")?.as_str()).ok()?,
            path,
            credential: match json.get("credential") {
                None | Some(Json::Null) => None,
                Some(credential) => Some(Credential::read(credential)?),
            },
            headers,
            body,
            status: u16::try_from(json.get("status")?.as_u64()?).ok()?,
            error: text("error"),
            message: text("message"),
            duration_us: json.get("duration_us")?.as_u64()?,
            answer: json.get("answer").cloned().unwrap_or(Json::Null),
        })
    }
}

impl Credential {
    fn read(json: &Json) -> Option<Credential> {
        let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
        Some(Credential {
            access_key_id: text("access_key_id").filter(|key| key.bytes().all(|byte| byte.is_ascii_graphic()))?,
            region: text("region"),
            service: text("service"),
        })
    }
}

/// The first line. `calls` is how many follow, where that is known beforehand.
pub(crate) fn head(version: &str, seed: Option<u64>, missed: u64, calls: Option<usize>) -> Json {
    json!({VERSION_KEY: VERSION, "saved_by": version, "seed": seed, "missed": missed, "calls": calls})
}

/// Reads a whole file, so that nothing is done by half of one.
pub(crate) fn read(path: &str) -> Result<(Head, Vec<Entry>), Failure> {
    let unreadable = |error: std::io::Error| Failure::usage(format!("{path} cannot be read: {error}."));
    let length = std::fs::metadata(Path::new(path)).map_err(unreadable)?.len();
    if length > FILE_MAX_BYTES {
        return Err(Failure::usage(format!(
            "{path} is too long for a journal of calls: it has {length} bytes, and {FILE_MAX_BYTES} are the most."
        )));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    parse(path, &bytes)
}

fn parse(path: &str, bytes: &[u8]) -> Result<(Head, Vec<Entry>), Failure> {
    let stranger = || {
        Failure::usage(format!(
            "{path} is no journal of calls; save one with `virga calls --save FILE`."
        ))
    };
    let text = std::str::from_utf8(bytes).map_err(|_| stranger())?;
    let mut lines = text.lines();
    let head: Json = serde_json::from_str(lines.next().unwrap_or_default()).map_err(|_| stranger())?;
    let version = head.get(VERSION_KEY).and_then(Json::as_u64).ok_or_else(stranger)?;
    if version != VERSION {
        return Err(Failure::usage(format!(
            "{path} is a journal of version {version}, written by another Virga; this one reads version {VERSION}."
        )));
    }
    let mut entries = Vec::new();
    for (index, line) in lines.enumerate() {
        let entry = serde_json::from_str(line).ok().and_then(|json| Entry::read(&json));
        let Some(entry) = entry else {
            let line = index + 2;
            return Err(Failure::usage(format!("{path} is damaged: line {line} is no call.")));
        };
        entries.push(entry);
    }
    let expected = head.get("calls").and_then(Json::as_u64);
    if expected.is_some_and(|expected| expected != entries.len() as u64) || !text.ends_with('\n') {
        return Err(Failure::usage(format!(
            "{path} is damaged: it ends after {} of {} calls.",
            entries.len(),
            expected.map_or_else(|| "its".to_owned(), |expected| expected.to_string())
        )));
    }
    let seed = head.get("seed").and_then(Json::as_u64);
    Ok((Head { seed }, entries))
}

#[cfg(test)]
mod tests {
    use super::{Body, head, parse};
    use serde_json::json;

    fn call() -> String {
        json!({
            "cursor": 3, "at": "2026-01-01T00:00:00.000Z", "service": "sqs", "operation": "SendMessage", "world": null,
            "protocol": "json-1.0", "method": "POST", "path": "/", "status": 200, "duration_us": 400, "error": null,
            "credential": {"access_key_id": "test", "region": "us-east-1", "service": "sqs"},
            "headers": [["host", "localhost"]], "body": "{}", "answer": {"MessageId": "m"},
        })
        .to_string()
    }

    #[test]
    fn a_whole_file_reads() {
        let text = format!("{}\n{}\n", head("0.1.0", Some(7), 0, Some(1)), call());
        let (head, entries) = parse("f", text.as_bytes()).expect("reads");
        assert_eq!(head.seed, Some(7));
        let entry = entries.first().expect("a call");
        assert_eq!((entry.number, entry.name().as_str()), (3, "sqs.SendMessage"));
        assert!(matches!(&entry.body, Body::Whole(body) if body == b"{}"));
        assert_eq!(
            entry.credential.as_ref().map(|who| who.access_key_id.as_str()),
            Some("test")
        );
    }

    #[test]
    fn damage_is_told_in_a_sentence() {
        let whole = format!("{}\n{}\n{}\n", head("0.1.0", None, 0, Some(2)), call(), call());
        assert!(parse("f", whole.as_bytes()).is_ok());
        for (text, part) in [
            (String::new(), "no journal"),
            ("{}\n".to_owned(), "no journal"),
            ("\u{7f}ELF".to_owned(), "no journal"),
            (whole.replace("\"virga_journal\":1", "\"virga_journal\":2"), "version 2"),
            (whole.replace("\"cursor\":3", "\"cursor\":-3"), "line 2"),
            (whole.replacen("json-1.0", "telex", 1), "line 2"),
            (
                whole.replacen("\"path\":\"/\"", "\"path\":\"/ HTTP/1.1\\r\\nX: y\"", 1),
                "line 2",
            ),
            (
                format!("{}\n{}\n", head("0.1.0", None, 0, Some(2)), call()),
                "after 1 of 2",
            ),
            (whole.trim_end().to_owned(), "damaged"),
        ] {
            let failure = parse("f", text.as_bytes()).expect_err("refused");
            assert!(failure.message().contains(part), "{}", failure.message());
        }
        for length in 0..whole.len() {
            assert!(
                parse("f", &whole.as_bytes()[..length]).is_err(),
                "cut after {length} bytes"
            );
        }
    }
}
