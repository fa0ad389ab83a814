//! What is written is read back, for random values of random shapes.

use crate::cases::{model, scalars};
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use serde_json::{Map, Value as Json, json};
use virga_codec::{OperationRef, decode_request, decode_response, encode_request, encode_response};
use virga_shape::random::{Carries, Chance, normal, structure};
use virga_shape::{Protocol, Value};

/// A model whose one operation takes and gives the structure `S0`; `S0` to `S3` refer to each other in a circle.
fn random_model(chance: &mut Chance, protocol: Protocol) -> Json {
    let mut shapes = scalars();
    let mut simple: Vec<String> = shapes.keys().cloned().collect();
    let structures: Vec<String> = (0..4).map(|i| format!("S{i}")).collect();
    for i in 0..6 {
        let mut targets = simple.clone();
        targets.extend(structures.iter().cloned());
        let target = targets[chance.below(targets.len())].clone();
        let name = format!("C{i}");
        let mut facts = Map::new();
        if chance.one_in(2) {
            let mut member = json!({"shape": target});
            if chance.one_in(2) {
                member["locationName"] = json!("item");
            }
            facts.insert("type".to_owned(), json!("list"));
            facts.insert("member".to_owned(), member);
        } else {
            let (mut key, mut value) = (json!({"shape": "xstring"}), json!({"shape": target}));
            if chance.one_in(2) {
                key["locationName"] = json!("K");
                value["locationName"] = json!("V");
            }
            facts.insert("type".to_owned(), json!("map"));
            facts.insert("key".to_owned(), key);
            facts.insert("value".to_owned(), value);
        }
        shapes.insert(name.clone(), Json::Object(facts));
        simple.push(name);
    }
    for (i, structure) in structures.iter().enumerate() {
        let mut members = Map::new();
        let mut targets = simple.clone();
        targets.extend(structures.iter().cloned());
        for m in 0..1 + chance.below(7) {
            let target = targets[chance.below(targets.len())].clone();
            let mut facts = json!({"shape": target});
            if target.starts_with('C') && chance.one_in(3) {
                facts["flattened"] = json!(true);
            }
            if chance.one_in(3) {
                facts["locationName"] = json!(format!("wire{i}{m}"));
            }
            if protocol == Protocol::RestXml && target == "xstring" && chance.one_in(3) {
                facts["xmlAttribute"] = json!(true);
                facts["locationName"] = json!(format!("p:attribute{m}"));
            }
            members.insert(format!("Member{m}"), facts);
        }
        shapes.insert(structure.clone(), json!({"type": "structure", "members": members}));
    }
    json!({
        "metadata": {"protocol": protocol.as_str(), "apiVersion": "2026-11-21", "xmlNamespace": "https://example.com/"},
        "shapes": shapes,
        "operations": {"Try": {
            "name": "Try",
            "http": {"method": "POST", "requestUri": "/"},
            "input": {"shape": "S0"},
            "output": {"shape": "S0"},
        }},
    })
}

fn round_trip(protocol: Protocol, seed: u64) -> Result<(), proptest::test_runner::TestCaseError> {
    let mut chance = Chance(seed);
    let json = random_model(&mut chance, protocol);
    let op = OperationRef::find(model(&json), "Try").unwrap();
    for _ in 0..4 {
        let input = Value::Struct(structure(&mut chance, Carries::request(protocol), op.input().unwrap()));
        let request = encode_request(protocol, op, &input).unwrap();
        let read = decode_request(protocol, op, &request.as_wire());
        prop_assert_eq!(
            read.map(|v| normal(&v)),
            Ok(normal(&input)),
            "{:?} for {}",
            request,
            json
        );

        let output = Value::Struct(structure(&mut chance, Carries::answer(protocol), op.output().unwrap()));
        let answer = encode_response(protocol, op, &output, "id").unwrap();
        let read = decode_response(protocol, op, answer.status, &answer.headers, &answer.body);
        prop_assert_eq!(
            read.map(|v| normal(&v)),
            Ok(normal(&output)),
            "{:?} for {}",
            answer.body,
            json
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn query_reads_what_it_writes(seed in any::<u64>()) {
        round_trip(Protocol::Query, seed)?;
    }

    #[test]
    fn ec2_reads_what_it_writes(seed in any::<u64>()) {
        round_trip(Protocol::Ec2, seed)?;
    }

    #[test]
    fn rest_xml_reads_what_it_writes(seed in any::<u64>()) {
        round_trip(Protocol::RestXml, seed)?;
    }
}
