//! What is written is read back, for random values of random shapes.
//!
//! Left out of the random values is only what the wire cannot say: nothing at all (an empty map in a form, an empty
//! flattened list), and the character NUL in XML.

use crate::cases::{model, normal};
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use serde_json::{Map, Value as Json, json};
use virga_base::Timestamp;
use virga_codec::{OperationRef, decode_request, decode_response, encode_request, encode_response};
use virga_shape::{Kind, Protocol, ShapeRef, StructValue, Value};

/// A small generator of its own, so that a failing case is one number.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
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

/// A model whose one operation takes and gives the structure `S0`; `S0` to `S3` refer to each other in a circle.
fn random_model(chance: &mut Chance, protocol: Protocol) -> Json {
    let mut shapes = Map::new();
    for scalar in SCALARS {
        shapes.insert(format!("x{scalar}"), json!({"type": scalar}));
    }
    for (name, format) in [("xiso", "iso8601"), ("xunix", "unixTimestamp"), ("xhttp", "rfc822")] {
        shapes.insert(name.to_owned(), json!({"type": "timestamp", "timestampFormat": format}));
    }
    let mut simple: Vec<String> = shapes.keys().cloned().collect();
    let structures: Vec<String> = (0..4).map(|i| format!("S{i}")).collect();
    for i in 0..6 {
        let mut targets = simple.clone();
        targets.extend(structures.iter().cloned());
        let target = targets[chance.below(targets.len() as u64) as usize].clone();
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
            let target = targets[chance.below(targets.len() as u64) as usize].clone();
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

/// Which values the wire can carry.
#[derive(Clone, Copy)]
struct Wire {
    empty_lists: bool,
    empty_maps: bool,
    empty_structures: bool,
}

fn random_structure(chance: &mut Chance, wire: Wire, shape: ShapeRef, depth: u64) -> StructValue {
    let mut out = StructValue::new(shape);
    for (index, member) in (0u16..).zip(shape.members()) {
        if chance.one_in(3) {
            continue;
        }
        let flat = member.flattened;
        if let Some(value) = random_value(chance, wire, shape.target(member), flat, depth + 1) {
            out.set_at(index, value);
        }
    }
    out
}

/// `None` where chance found nothing that the wire can carry.
fn random_value(chance: &mut Chance, wire: Wire, shape: ShapeRef, flat: bool, depth: u64) -> Option<Value> {
    let count = if depth > 6 { 0 } else { chance.below(4) };
    Some(match shape.kind() {
        Kind::Structure { .. } => {
            let fields = if depth > 6 {
                StructValue::new(shape)
            } else {
                random_structure(chance, wire, shape, depth)
            };
            if fields.is_empty() && !wire.empty_structures {
                return None;
            }
            Value::Struct(fields)
        }
        Kind::List { element, .. } => {
            let items: Vec<_> = (0..count)
                .filter_map(|_| random_value(chance, wire, shape.target(element), false, depth + 1))
                .collect();
            if items.is_empty() && (!wire.empty_lists || flat && wire.empty_structures) {
                return None;
            }
            Value::List(items)
        }
        Kind::Map { value, .. } => {
            let entries: Vec<_> = (0..count)
                .filter_map(|i| {
                    let item = random_value(chance, wire, shape.target(value), false, depth + 1)?;
                    Some((format!("{i}{}", random_text(chance)), item))
                })
                .collect();
            if entries.is_empty() && (!wire.empty_maps || flat) {
                return None;
            }
            Value::Map(entries)
        }
        Kind::String => Value::String(random_text(chance)),
        Kind::Integer => Value::Integer(i64::from(chance.below(1 << 32) as u32 as i32)),
        Kind::Long => Value::Integer(chance.below(u64::MAX) as i64),
        Kind::Float | Kind::Double => Value::Double(match chance.below(8) {
            0 => f64::INFINITY,
            1 => f64::NEG_INFINITY,
            2 => f64::NAN,
            3 => -0.0,
            4 => chance.below(1000) as f64,
            _ => f64::from_bits(chance.below(u64::MAX) & !(0x7ff << 52) | (chance.below(2046) << 52)),
        }),
        Kind::Boolean => Value::Bool(chance.one_in(2)),
        // From 1900 to 9999: HTTP dates of older times are not read.
        Kind::Timestamp(_) => Value::Timestamp(Timestamp::from_millis(
            chance.below(255_000_000_000_000) as i64 - 2_200_000_000_000,
        )),
        Kind::Blob { .. } => {
            let length = chance.below(20);
            Value::Blob((0..length).map(|_| chance.below(256) as u8).collect::<Vec<_>>().into())
        }
    })
}

fn random_text(chance: &mut Chance) -> String {
    const ODD: [char; 20] = [
        '<',
        '>',
        '&',
        '"',
        '\'',
        '\r',
        '\n',
        '\t',
        ' ',
        '+',
        '%',
        '=',
        '.',
        ';',
        '\u{1}',
        '\u{1f}',
        '\u{7f}',
        '\u{85}',
        '\u{2028}',
        '\u{1f600}',
    ];
    let length = chance.below(8);
    (0..length)
        .map(|_| match chance.below(3) {
            0 => ODD[chance.below(ODD.len() as u64) as usize],
            1 => char::from(b'a' + chance.below(26) as u8),
            _ => char::from_u32(chance.below(0x11_0000) as u32)
                .filter(|c| *c != '\0')
                .unwrap_or('x'),
        })
        .collect()
}

fn round_trip(protocol: Protocol, seed: u64) -> Result<(), proptest::test_runner::TestCaseError> {
    let mut chance = Chance(seed);
    let json = random_model(&mut chance, protocol);
    let op = OperationRef::find(model(&json), "Try").unwrap();
    let form = Wire {
        empty_lists: protocol == Protocol::Query,
        empty_maps: false,
        empty_structures: false,
    };
    let xml = Wire {
        empty_lists: true,
        empty_maps: true,
        empty_structures: true,
    };
    for _ in 0..4 {
        let wire = if protocol == Protocol::RestXml { xml } else { form };
        let input = Value::Struct(random_structure(&mut chance, wire, op.input().unwrap(), 0));
        let request = encode_request(protocol, op, &input).unwrap();
        let read = decode_request(protocol, op, &request.as_wire());
        prop_assert_eq!(
            read.map(|v| normal(&v)),
            Ok(normal(&input)),
            "{:?} for {}",
            request,
            json
        );

        let output = Value::Struct(random_structure(&mut chance, xml, op.output().unwrap(), 0));
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
