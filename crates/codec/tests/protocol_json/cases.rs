//! What the tests of the JSON and CBOR protocols share: the conformance cases and their JSON as values.

use base64::Engine as _;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use virga_base::Timestamp;
use virga_codec::OperationRef;
use virga_shape::{Kind, Protocol, ServiceModel, ShapeRef, StructValue, Value, botocore};

/// One conformance case with a model of its own.
pub struct Case {
    pub id: String,
    pub op: OperationRef,
    pub protocol: Protocol,
    pub json: Json,
}

/// The cases of one file, `direction` being `input` or `output`.
pub fn cases(direction: &str, file: &str) -> Vec<Case> {
    let path = format!(
        "{}/tests/protocol-cases/{direction}/{file}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).unwrap();
    let suites: Vec<Json> = serde_json::from_str(&text).unwrap();
    let mut out = Vec::new();
    for suite in &suites {
        for case in suite["cases"].as_array().unwrap() {
            let name = case["given"]["name"].as_str().unwrap();
            let mut operations = Map::new();
            operations.insert(name.to_owned(), case["given"].clone());
            let model = model(&json!({
                "metadata": suite["metadata"], "shapes": suite["shapes"], "operations": operations
            }));
            out.push(Case {
                id: case["id"].as_str().unwrap().to_owned(),
                op: OperationRef::find(model, name).unwrap(),
                protocol: model.protocols[0],
                json: case.clone(),
            });
        }
    }
    out
}

/// A model for the life of the test.
pub fn model(json: &Json) -> &'static ServiceModel {
    Box::leak(Box::new(botocore::convert("example", json).unwrap()))
}

/// The cases' JSON: blobs as text, times in seconds, numbers that are none by name.
pub fn value(shape: ShapeRef, json: &Json) -> Value {
    match (shape.kind(), json) {
        (Kind::Structure { document: true, .. }, any) => Value::Document(any.clone()),
        (Kind::Structure { .. }, Json::Object(object)) => {
            let mut out = StructValue::new(shape);
            for (name, item) in object {
                if item.is_null() {
                    continue;
                }
                let (index, member) = shape.member(name).unwrap_or_else(|| panic!("no member {name}"));
                out.set_at(index, value(shape.target(member), item));
            }
            Value::Struct(out)
        }
        (Kind::List { element, .. }, Json::Array(items)) => {
            Value::List(items.iter().map(|item| value(shape.target(element), item)).collect())
        }
        (Kind::Map { value: item, .. }, Json::Object(entries)) => {
            let target = shape.target(item);
            Value::Map(entries.iter().map(|(k, v)| (k.clone(), value(target, v))).collect())
        }
        (Kind::String, Json::String(text)) => Value::String(text.clone()),
        // A jsonvalue member: the cases give the JSON itself.
        (Kind::String, json @ (Json::Object(_) | Json::Array(_))) => Value::String(json.to_string()),
        (Kind::Blob { .. }, Json::String(text)) => Value::Blob(Bytes::copy_from_slice(text.as_bytes())),
        (Kind::Integer | Kind::Long, Json::Number(number)) => Value::Integer(number.as_i64().unwrap()),
        (Kind::Boolean, Json::Bool(b)) => Value::Bool(*b),
        (Kind::Timestamp(_), Json::Number(number)) => {
            Value::Timestamp(Timestamp::from_secs_f64(number.as_f64().unwrap()))
        }
        (Kind::Float | Kind::Double, Json::Number(number)) => Value::Double(number.as_f64().unwrap()),
        (Kind::Float | Kind::Double, Json::String(text)) => Value::Double(match text.as_str() {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            other => panic!("{other}"),
        }),
        (_, Json::Null) => Value::Null,
        (kind, json) => panic!("{json} is not {kind:?}"),
    }
}

/// The same text for the same value: maps sorted, nothing like an empty structure, numbers that are none equal to
/// themselves.
pub fn normal(value: &Value) -> String {
    match value {
        Value::List(items) => format!("[{}]", items.iter().map(normal).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => {
            let sorted: BTreeMap<_, _> = entries.iter().map(|(key, item)| (key, normal(item))).collect();
            format!("map {sorted:?}")
        }
        Value::Struct(fields) => {
            let members = fields.shape().members();
            let parts = fields
                .fields()
                .iter()
                .map(|(index, field)| format!("{}: {}", members[usize::from(*index)].name, normal(field)));
            format!("{{{}}}", parts.collect::<Vec<_>>().join(", "))
        }
        // serde_json reads the cases' own numbers with an error in the last place.
        Value::Double(n) => format!("{n:.14e}"),
        other => format!("{other:?}"),
    }
}

pub fn headers(json: &Json) -> HeaderMap {
    let mut out = HeaderMap::new();
    for (name, text) in json.as_object().into_iter().flatten() {
        out.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(text.as_str().unwrap()).unwrap(),
        );
    }
    out
}

/// A case's body: text, or base64 for CBOR.
pub fn body(protocol: Protocol, json: &Json) -> Bytes {
    let text = json.as_str().unwrap_or_default();
    if protocol == Protocol::RpcV2Cbor {
        base64::engine::general_purpose::STANDARD.decode(text).unwrap().into()
    } else {
        Bytes::copy_from_slice(text.as_bytes())
    }
}

/// JSON without the difference between `1` and `1.0`, or between two orders of keys.
pub fn canonical_json(text: &[u8]) -> String {
    fn walk(json: &Json) -> String {
        match json {
            Json::Number(n) => format!("{:?}", n.as_f64().unwrap()),
            Json::Array(items) => format!("[{}]", items.iter().map(walk).collect::<Vec<_>>().join(",")),
            Json::Object(map) => {
                let sorted: BTreeMap<_, _> = map.iter().map(|(k, v)| (k, walk(v))).collect();
                format!("{sorted:?}")
            }
            other => other.to_string(),
        }
    }
    match serde_json::from_slice(text) {
        Ok(json) => walk(&json),
        Err(_) => String::from_utf8_lossy(text).into_owned(),
    }
}

/// A query string's decoded pairs in a fixed order.
pub fn query_pairs(query: &str) -> Vec<String> {
    let mut pairs: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            percent_encoding::percent_decode_str(pair)
                .decode_utf8()
                .unwrap()
                .into_owned()
        })
        .collect();
    pairs.sort();
    pairs
}
