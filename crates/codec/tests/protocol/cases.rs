//! The conformance cases, their JSON as values, and what compares messages.

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
            let mut metadata = suite["metadata"].clone();
            // The cases say it in their bodies alone.
            if direction == "output" && ["query", "ec2"].contains(&file) {
                metadata["xmlNamespace"] = json!("https://example.com/");
            }
            let model = model(&json!({"metadata": metadata, "shapes": suite["shapes"], "operations": operations}));
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

/// An XML document as nested text that does not depend on the space between elements, on the order of attributes, or on where
/// text is cut.
pub fn canonical_xml(xml: &str) -> String {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let mut out = String::new();
    let mut text = String::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                text.clear();
                let mut attributes: Vec<_> = start.attributes().map(|a| format!("{:?}", a.unwrap())).collect();
                attributes.sort();
                let name = start.name();
                out.push_str(&format!("<{} {attributes:?}>", String::from_utf8_lossy(name.as_ref())));
            }
            Event::End(_) => {
                // After a child's end only space may follow.
                if out.ends_with('>') && !out.ends_with("</>") {
                    out.push_str(&text);
                }
                text.clear();
                out.push_str("</>");
            }
            Event::Text(piece) => text.push_str(&piece.decode().unwrap()),
            Event::GeneralRef(piece) => text.push_str(&format!("&{};", piece.decode().unwrap())),
            Event::CData(piece) => text.push_str(&piece.decode().unwrap()),
            Event::Eof => return out,
            _ => {}
        }
    }
}

/// The fields of a form or query string, decoded as one likes to read them, in order.
pub fn fields(form: &str) -> Vec<String> {
    let mut out: Vec<String> = form
        .split('&')
        .filter(|field| !field.is_empty())
        .map(|field| {
            percent_encoding::percent_decode_str(&field.replace('+', "%20"))
                .decode_utf8()
                .unwrap()
                .into_owned()
        })
        .collect();
    out.sort();
    out
}

/// A shape of each scalar kind, and of each format of timestamps.
pub fn scalars() -> Map<String, Json> {
    let kinds = [
        "string",
        "integer",
        "long",
        "float",
        "double",
        "boolean",
        "timestamp",
        "blob",
    ];
    let formats = [("xiso", "iso8601"), ("xunix", "unixTimestamp"), ("xhttp", "rfc822")];
    let plain = kinds.iter().map(|kind| (format!("x{kind}"), json!({"type": kind})));
    let dated = formats.iter().map(|(name, format)| {
        let facts = json!({"type": "timestamp", "timestampFormat": format});
        ((*name).to_owned(), facts)
    });
    plain.chain(dated).collect()
}
