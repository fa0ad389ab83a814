//! What was kept of a call, decoded: its input and its answer as JSON, by the API model.

use super::pack::{Kept, Unpacked};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value as Json, json};
use virga_codec::{OperationRef, WireRequest};
use virga_service::CallRecord;
use virga_shape::{ShapeRef, Value, pack};

/// What stands in place of a value that the model calls sensitive.
const HIDDEN: &str = "***";
/// Members that are hidden whatever their model says: that of STS calls neither of its own sensitive.
const SECRET: &[&str] = &["SecretAccessKey", "SecretKey", "SessionToken"];

/// The members that make a call one that can be sent again.
pub(crate) fn add_exchange(json: &mut Map<String, Json>, record: &CallRecord, kept: Option<&Unpacked>) {
    let Some(kept) = kept else {
        json.insert("body_missing".to_owned(), json!("forgotten"));
        return;
    };
    let headers: Vec<Json> = kept
        .headers
        .iter()
        .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
        .collect();
    json.insert("protocol".to_owned(), json!(kept.protocol.as_str()));
    json.insert("path".to_owned(), json!(kept.path));
    json.insert("credential".to_owned(), credential(&kept.credential));
    json.insert("headers".to_owned(), json!(headers));
    match &kept.body {
        Kept::Whole(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => json.insert("body".to_owned(), json!(text)),
            Err(_) => json.insert("body_base64".to_owned(), json!(STANDARD.encode(bytes))),
        },
        Kept::Unread => json.insert("body_missing".to_owned(), json!("unread")),
        Kept::Streamed => json.insert("body_missing".to_owned(), json!("streamed")),
        Kept::TooLong => json.insert("body_missing".to_owned(), json!("too long")),
    };
    json.insert("answer".to_owned(), answer(record, kept).unwrap_or(Json::Null));
}

/// The operation's input, or a sentence about why there is none.
pub(crate) fn add_input(json: &mut Map<String, Json>, record: &CallRecord, kept: Option<&Unpacked>) {
    let (input, missing) = match kept {
        None => (None, Some("forgotten")),
        Some(kept) => match &kept.body {
            Kept::Whole(body) => (input(record, kept, body), None),
            Kept::Unread => (None, Some("unread")),
            Kept::Streamed => (input(record, kept, &Bytes::new()), Some("streamed")),
            Kept::TooLong => (None, Some("too long")),
        },
    };
    json.insert("input".to_owned(), input.unwrap_or(Json::Null));
    if let Some(missing) = missing {
        json.insert("body_missing".to_owned(), json!(missing));
    }
}

/// Access key, region and service of a credential; the second version names the key alone.
fn credential(credential: &str) -> Json {
    // The key may itself have slashes, the scope has four parts.
    let parts: Vec<&str> = credential.rsplitn(5, '/').collect();
    match parts.as_slice() {
        [""] | [] => Json::Null,
        [_, service, region, _, key] => json!({"access_key_id": key, "region": region, "service": service}),
        // SigV4A names no region.
        [_, service, _, key] => json!({"access_key_id": key, "service": service}),
        _ => json!({"access_key_id": credential}),
    }
}

fn operation(record: &CallRecord) -> Option<OperationRef> {
    OperationRef::find(pack::service(record.service?)?, record.operation?)
}

fn input(record: &CallRecord, kept: &Unpacked, body: &Bytes) -> Option<Json> {
    let Some(op) = operation(record) else {
        // What is asked of Virga itself is JSON.
        return serde_json::from_slice(body).ok();
    };
    let (path, query) = kept.path.split_once('?').unwrap_or((&kept.path, ""));
    let request = WireRequest {
        method: record.method.as_str(),
        path,
        query,
        headers: &kept.headers,
        body,
    };
    let input = virga_codec::decode_request(kept.protocol, op, &request).ok()?;
    Some(to_json(&input))
}

fn answer(record: &CallRecord, kept: &Unpacked) -> Option<Json> {
    let Kept::Whole(body) = &kept.answer else { return None };
    if record.error.is_some() {
        return None;
    }
    answer_to_json(operation(record)?, kept, record.status, body)
}

fn answer_to_json(op: OperationRef, kept: &Unpacked, status: u16, body: &Bytes) -> Option<Json> {
    let headers: &HeaderMap = &kept.answer_headers;
    let output = virga_codec::decode_response(kept.protocol, op, status, headers, body).ok()?;
    Some(to_json(&output))
}

/// A value as JSON, without what the model calls sensitive.
pub fn to_json(value: &Value) -> Json {
    let mut json = value.to_json();
    if let Value::Struct(structure) = value {
        hide(&mut json, structure.shape());
    }
    json
}

fn hide(json: &mut Json, shape: ShapeRef) {
    if shape.shape().sensitive && !json.is_null() {
        *json = json!(HIDDEN);
        return;
    }
    match json {
        Json::Array(items) => {
            if let Some(element) = shape.element() {
                items.iter_mut().for_each(|item| hide(item, element));
            }
        }
        Json::Object(entries) => {
            for (name, entry) in entries {
                if SECRET.iter().any(|secret| name.eq_ignore_ascii_case(secret)) && entry.is_string() {
                    *entry = json!(HIDDEN);
                    continue;
                }
                let target = match shape.member(name) {
                    Some((_, member)) => Some(shape.target(member)),
                    None => shape.element(),
                };
                if let Some(target) = target {
                    hide(entry, target);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::to_json;
    use serde_json::json;
    use virga_shape::{Value, pack};

    #[test]
    fn secrets_are_hidden() {
        let model = pack::service("sts").expect("a model");
        let output = model
            .operation("GetSessionToken")
            .and_then(|operation| operation.output);
        let shape = model.shape_ref(output.expect("an output"));
        let answer = json!({"Credentials": {
            "AccessKeyId": "ASIA", "SecretAccessKey": "5ec3e7", "SessionToken": "5ec3e7",
            "Expiration": "2026-01-01T00:00:00Z",
        }});
        let shown = to_json(&Value::from_json(shape, &answer).expect("an answer"));
        assert_eq!(shown["Credentials"]["AccessKeyId"], "ASIA");
        assert!(!shown.to_string().contains("5ec3e7"), "{shown}");
    }
}
