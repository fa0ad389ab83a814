//! What is written is read back, for random values of random shapes.

use crate::cases::{model, scalars};
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use serde_json::{Map, Value as Json, json};
use virga_codec::{
    OperationRef, decode_error, decode_request, decode_response, encode_error, encode_request, encode_response,
};
use virga_shape::random::{Carries, Chance, normal, structure};
use virga_shape::{Protocol, Value};

/// A model whose one operation takes `In` and gives `Out`; `S0` to `S3` refer to each other in a circle.
pub fn random_model(chance: &mut Chance, protocol: Protocol) -> Json {
    let mut shapes = scalars();
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
    for name in ["In", "Out", "Failure"] {
        for i in 0..chance.below(6) {
            let list = if chance.one_in(3) { "L" } else { "" };
            let target = format!("{list}{}", chance.pick(scalars));
            let mut facts = json!({"shape": target, "location": "header", "locationName": format!("X-Header-{i}")});
            if target == "xstring" && chance.one_in(3) {
                facts["jsonvalue"] = json!(true);
            }
            shapes[name]["members"][format!("Header{i}")] = facts;
        }
        if chance.one_in(2) {
            shapes[name]["members"]["Prefixed"] =
                json!({"shape": "Prefixed", "location": "headers", "locationName": "x-prefix-"});
        }
        let members: Vec<String> = (0..7).map(|m| format!("Member{m}")).collect();
        if name != "Failure" && chance.one_in(3) {
            // One member is the body: the others are none then.
            let object = shapes[name]["members"].as_object_mut().unwrap();
            object.retain(|member, _| member == "Member0" || !members.contains(member));
            let target = *chance.pick(&["S0", "xstring", "xblob", "xdocument", "C0"]);
            object.insert("Member0".to_owned(), json!({"shape": target}));
            shapes[name]["payload"] = json!("Member0");
        }
    }
    shapes["Out"]["members"]["Status"] = json!({"shape": "xinteger", "location": "statusCode"});
}

/// A random operation of a random model, and values for it.
pub fn random_case(seed: u64, protocol: Protocol) -> (OperationRef, Value, Value) {
    let mut chance = Chance(seed);
    let op = OperationRef::find(model(&random_model(&mut chance, protocol)), "Try").unwrap();
    let input = structure(&mut chance, Carries::request(protocol), op.input().unwrap());
    let output = structure(&mut chance, Carries::answer(protocol), op.output().unwrap());
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
        let members = structure(&mut chance, Carries::answer(protocol), shape);
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
