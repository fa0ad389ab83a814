//! What is written is read back, for random values of random shapes.
//!
//! Left out of the random values is only what the wire cannot say: empty lists in query strings, control characters and
//! outer spaces in headers, empty labels.

use crate::cases::{model, normal};
use bytes::Bytes;
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use serde_json::{Map, Value as Json, json};
use virga_base::Timestamp;
use virga_codec::{
    OperationRef, decode_error, decode_request, decode_response, encode_error, encode_request, encode_response,
};
use virga_shape::{Kind, Location, Member, Protocol, ShapeRef, StructValue, Value};

/// A small generator of its own, so that a failing case is one number.
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 8) as usize % bound.max(1)
    }

    pub fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

const SCALARS: [&str; 8] = [
    "string",
    "integer",
    "long",
    "float",
    "double",
    "boolean",
    "timestamp",
    "blob",
];

/// A model whose one operation takes `In` and gives `Out`; `S0` to `S3` refer to each other in a circle.
pub fn random_model(chance: &mut Chance, protocol: Protocol) -> Json {
    let mut shapes = Map::new();
    for scalar in SCALARS {
        shapes.insert(format!("x{scalar}"), json!({"type": scalar}));
    }
    for (name, format) in [("xiso", "iso8601"), ("xunix", "unixTimestamp"), ("xhttp", "rfc822")] {
        shapes.insert(name.to_owned(), json!({"type": "timestamp", "timestampFormat": format}));
    }
    let scalars: Vec<String> = shapes.keys().filter(|name| *name != "xblob").cloned().collect();
    shapes.insert(
        "xdocument".to_owned(),
        json!({"type": "structure", "members": {}, "document": true}),
    );
    let mut targets: Vec<String> = shapes.keys().cloned().collect();
    targets.extend((0..4).map(|i| format!("S{i}")));
    for i in 0..6 {
        let target = chance.pick(&targets).clone();
        let name = format!("C{i}");
        let sparse = chance.one_in(3);
        let facts = if chance.one_in(2) {
            json!({"type": "list", "member": {"shape": target}, "sparse": sparse})
        } else {
            json!({"type": "map", "key": {"shape": "xstring"}, "value": {"shape": target}, "sparse": sparse})
        };
        shapes.insert(name.clone(), facts);
        targets.push(name);
    }
    for (i, name) in ["S0", "S1", "S2", "S3", "In", "Out", "Failure"].iter().enumerate() {
        let mut members = Map::new();
        for m in 0..1 + chance.below(7) {
            let mut facts = json!({"shape": chance.pick(&targets)});
            if chance.one_in(3) {
                facts["locationName"] = json!(format!("wire{i}{m}"));
            }
            members.insert(format!("Member{m}"), facts);
        }
        if *name == "Failure" {
            members.insert("message".to_owned(), json!({"shape": "xstring"}));
        }
        shapes.insert((*name).to_owned(), json!({"type": "structure", "members": members}));
    }
    shapes["Failure"]["exception"] = json!(true);
    let mut uri = "/".to_owned();
    if protocol == Protocol::RestJson {
        bind(chance, &scalars, &mut shapes);
        uri = "/a/{label0}/{label1+}/b?c=d".to_owned();
    }
    json!({
        "metadata": {"protocol": if matches!(protocol, Protocol::Json10 | Protocol::Json11) { "json" } else { protocol.as_str() },
            "jsonVersion": if protocol == Protocol::Json11 { "1.1" } else { "1.0" }, "targetPrefix": "Example_20261121"},
        "shapes": shapes,
        "operations": {"Try": {
            "name": "Try", "http": {"method": "POST", "requestUri": uri},
            "input": {"shape": "In"}, "output": {"shape": "Out"}, "errors": [{"shape": "Failure"}],
        }},
    })
}

/// Puts members of input and output into path, query string, headers and status; at times one into the whole body.
fn bind(chance: &mut Chance, scalars: &[String], shapes: &mut Map<String, Json>) {
    for scalar in scalars {
        shapes.insert(
            format!("L{scalar}"),
            json!({"type": "list", "member": {"shape": scalar}}),
        );
    }
    shapes.insert(
        "Prefixed".to_owned(),
        json!({"type": "map", "key": {"shape": "xstring"}, "value": {"shape": "xstring"}}),
    );
    for label in 0..2 {
        let name = format!("label{label}");
        shapes["In"]["members"][&name] =
            json!({"shape": chance.pick(scalars), "location": "uri", "locationName": name});
        shapes["In"]["required"] = json!(["label0", "label1"]);
    }
    for i in 0..chance.below(6) {
        let list = if chance.one_in(3) { "L" } else { "" };
        let target = format!("{list}{}", chance.pick(scalars));
        let name = format!("q{i} &+/ä");
        shapes["In"]["members"][format!("Query{i}")] =
            json!({"shape": target, "location": "querystring", "locationName": name});
    }
    for structure in ["In", "Out", "Failure"] {
        for i in 0..chance.below(6) {
            let list = if chance.one_in(3) { "L" } else { "" };
            let target = format!("{list}{}", chance.pick(scalars));
            let mut facts = json!({"shape": target, "location": "header", "locationName": format!("X-Header-{i}")});
            if target == "xstring" && chance.one_in(3) {
                facts["jsonvalue"] = json!(true);
            }
            shapes[structure]["members"][format!("Header{i}")] = facts;
        }
        if chance.one_in(2) {
            shapes[structure]["members"]["Prefixed"] =
                json!({"shape": "Prefixed", "location": "headers", "locationName": "x-prefix-"});
        }
        let members: Vec<String> = (0..7).map(|m| format!("Member{m}")).collect();
        if structure != "Failure" && chance.one_in(3) {
            // One member is the body: the others are none then.
            let object = shapes[structure]["members"].as_object_mut().unwrap();
            object.retain(|name, _| name == "Member0" || !members.contains(name));
            let target = *chance.pick(&["S0", "xstring", "xblob", "xdocument", "C0"]);
            object.insert("Member0".to_owned(), json!({"shape": target}));
            shapes[structure]["payload"] = json!("Member0");
        }
    }
    shapes["Out"]["members"]["Status"] = json!({"shape": "xinteger", "location": "statusCode"});
}

fn random_text(chance: &mut Chance) -> String {
    const PIECES: [&str; 20] = [
        "a", "Z", "0", " ", "\"", "\\", "/", "\n", "\t", "\0", "é", "😀", "\u{2028}", "%", "+", "&", "=", ",", "{", "<",
    ];
    (0..chance.below(6)).map(|_| *chance.pick(&PIECES)).collect()
}

fn random_document(chance: &mut Chance, depth: usize) -> Json {
    match chance.below(if depth > 3 { 4 } else { 6 }) {
        0 => json!(chance.one_in(2)),
        1 => json!(chance.below(1 << 40) as i64 - (1 << 39)),
        2 => json!(chance.below(1000) as f64 / 8.0 + 0.0625),
        3 => json!(random_text(chance)),
        4 => Json::Array((0..chance.below(4)).map(|_| random_inner(chance, depth)).collect()),
        _ => Json::Object(
            (0..chance.below(4))
                .map(|_| (random_text(chance), random_inner(chance, depth)))
                .collect(),
        ),
    }
}

/// Inside documents null is a value like others.
fn random_inner(chance: &mut Chance, depth: usize) -> Json {
    if chance.one_in(6) {
        Json::Null
    } else {
        random_document(chance, depth + 1)
    }
}

fn random_structure(chance: &mut Chance, shape: ShapeRef, depth: usize) -> StructValue {
    let mut out = StructValue::new(shape);
    for (index, member) in (0u16..).zip(shape.members()) {
        if member.location != Some(Location::Uri) && chance.one_in(3) {
            continue;
        }
        let target = shape.target(member);
        let value = match member.location {
            None => random_value(chance, target, depth + 1),
            Some(Location::StatusCode) => Value::Integer(200 + chance.below(4) as i64),
            Some(_) => bound_value(chance, member, target),
        };
        // An empty payload and an absent one are the same bytes.
        let empty = matches!(&value, Value::String(text) if text.is_empty())
            || matches!(&value, Value::Blob(bytes) if bytes.is_empty());
        let is_payload = matches!(shape.kind(), Kind::Structure { payload: Some(at), .. } if *at == index);
        let empty_query =
            member.location == Some(Location::QueryString) && matches!(&value, Value::List(l) if l.is_empty());
        if !(empty && is_payload || empty_query) {
            out.set_at(index, value);
        }
    }
    // A structure in the body's place is written as `{}` where it is absent.
    if let Kind::Structure {
        payload: Some(index), ..
    } = shape.kind()
    {
        let target = shape.target(&shape.members()[usize::from(*index)]);
        if matches!(target.kind(), Kind::Structure { document: false, .. }) && out.at(*index).is_none() {
            out.set_at(*index, Value::Struct(StructValue::new(target)));
        }
    }
    out
}

/// A value for a place that is not the body.
fn bound_value(chance: &mut Chance, member: &Member, target: ShapeRef) -> Value {
    let clean = |text: &str| text.replace(['\n', '\t', '\0'], "x").trim().to_owned();
    match (target.kind(), member.location) {
        (Kind::List { element, .. }, _) => {
            let item_shape = target.target(element);
            Value::List(
                (0..chance.below(4))
                    .map(|_| bound_value(chance, member, item_shape))
                    .collect(),
            )
        }
        (Kind::Map { .. }, _) => {
            let count = 1 + chance.below(3);
            Value::Map(
                (0..count)
                    .map(|i| (format!("key-{i}"), Value::String(clean(&random_text(chance)))))
                    .collect(),
            )
        }
        (Kind::String, Some(Location::Uri)) => Value::String(format!("l{}", random_text(chance))),
        (Kind::String, Some(Location::Header)) if !member.json_value => Value::String(clean(&random_text(chance))),
        _ => random_value(chance, target, 0),
    }
}

fn random_value(chance: &mut Chance, shape: ShapeRef, depth: usize) -> Value {
    let count = if depth > 6 { 0 } else { chance.below(4) };
    match shape.kind() {
        Kind::Structure { document: true, .. } => Value::Document(random_document(chance, 0)),
        Kind::Structure { .. } if depth > 6 => Value::Struct(StructValue::new(shape)),
        Kind::Structure { .. } => Value::Struct(random_structure(chance, shape, depth)),
        Kind::List { element, sparse, .. } => {
            let target = shape.target(element);
            let item = |chance: &mut Chance| match *sparse && chance.one_in(4) {
                true => Value::Null,
                false => random_value(chance, target, depth + 1),
            };
            Value::List((0..count).map(|_| item(chance)).collect())
        }
        Kind::Map { value, sparse, .. } => {
            let target = shape.target(value);
            let item = |chance: &mut Chance| match *sparse && chance.one_in(4) {
                true => Value::Null,
                false => random_value(chance, target, depth + 1),
            };
            Value::Map(
                (0..count)
                    .map(|i| (format!("{i}{}", random_text(chance)), item(chance)))
                    .collect(),
            )
        }
        Kind::String => Value::String(random_text(chance)),
        Kind::Integer => Value::Integer(*chance.pick(&[0, 1, -1, 255, i64::from(i32::MAX), i64::from(i32::MIN)])),
        Kind::Long => Value::Integer(*chance.pick(&[0, 23, -24, 65_536, i64::MAX, i64::MIN])),
        Kind::Float => Value::Double(f64::from(*chance.pick(&[
            0.0,
            1.1,
            -2.5e-7,
            f32::MAX,
            f32::NAN,
            f32::NEG_INFINITY,
        ]))),
        Kind::Double => Value::Double(*chance.pick(&[0.0, -0.0, 1.1, 1e300, 5e-324, f64::NAN, f64::INFINITY])),
        Kind::Boolean => Value::Bool(chance.one_in(2)),
        Kind::Timestamp(_) => {
            let millis = chance.below(4_000_000_000_000) as i64;
            Value::Timestamp(Timestamp::from_millis(if chance.one_in(2) {
                millis
            } else {
                millis / 1000 * 1000
            }))
        }
        Kind::Blob { .. } => Value::Blob(Bytes::from(
            (0..count).map(|_| chance.below(256) as u8).collect::<Vec<_>>(),
        )),
    }
}

/// A random operation of a random model, and values for it.
pub fn random_case(seed: u64, protocol: Protocol) -> (OperationRef, Value, Value) {
    let mut chance = Chance(seed);
    let op = OperationRef::find(model(&random_model(&mut chance, protocol)), "Try").unwrap();
    let input = random_structure(&mut chance, op.input().unwrap(), 0);
    let output = random_structure(&mut chance, op.output().unwrap(), 0);
    (op, Value::Struct(input), Value::Struct(output))
}

pub const PROTOCOLS: [Protocol; 4] = [
    Protocol::Json10,
    Protocol::Json11,
    Protocol::RestJson,
    Protocol::RpcV2Cbor,
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn what_is_written_reads_back(seed in any::<u64>(), which in 0_usize..4) {
        let protocol = PROTOCOLS[which];
        let (op, input, output) = random_case(seed, protocol);
        let request = encode_request(protocol, op, &input).unwrap();
        let read = decode_request(protocol, op, &request.as_wire()).unwrap();
        prop_assert_eq!(normal(&read), normal(&input), "{:?} {:?}", protocol, request);
        let response = encode_response(protocol, op, &output, "id").unwrap();
        let read = decode_response(protocol, op, response.status, &response.headers, &response.body).unwrap();
        // The status is in every answer.
        let mut expected = output.as_struct().unwrap().clone();
        if let Some((index, _)) = expected.shape().member("Status") {
            expected.set_at(index, Value::Integer(i64::from(response.status)));
        }
        prop_assert_eq!(normal(&read), normal(&Value::Struct(expected)), "{:?} {:?}", protocol, response);
    }

    #[test]
    fn errors_read_back(seed in any::<u64>(), which in 0_usize..4) {
        let protocol = PROTOCOLS[which];
        let (op, _, _) = random_case(seed, protocol);
        let mut chance = Chance(seed);
        let shape = op.model.shape_named("Failure").unwrap();
        let members = random_structure(&mut chance, shape, 0);
        let mut error = virga_base::AwsError::new("Failure", "text").with_status(409);
        for (index, value) in members.fields() {
            let member = &shape.members()[usize::from(*index)];
            let (name, json) = (&member.name, value.to_json());
            // Numbers that are none have no JSON.
            let same = Value::from_json(shape.target(member), &json).is_ok_and(|read| normal(&read) == normal(value));
            if name != "message" && same {
                error = error.with_detail(name.clone(), json);
            }
        }
        let written = encode_error(protocol, Some(op), None, &error, "id");
        prop_assert_eq!(written.status, 409);
        let read = decode_error(protocol, op, written.status, &written.headers, &written.body);
        prop_assert_eq!(&read.code, "Failure");
        prop_assert_eq!(&read.message, "text");
        for (name, json) in &read.details {
            let meant = error.details.iter().find(|(n, _)| n == name);
            prop_assert_eq!(Some(json), meant.map(|(_, json)| json), "{}", name);
        }
    }
}
