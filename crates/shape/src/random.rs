//! Random values of any shape, for tests: what a protocol can carry of them, and no more.

use crate::{Bytes, Document, Kind, Location, Member, Protocol, ShapeRef, StructValue, Timestamp, Value};
use serde_json::json;
use std::collections::BTreeMap;

/// Values end at this depth.
const DEPTH_MAX: usize = 6;

/// A small generator of its own, so that a failing case is one number.
pub struct Chance(pub u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; zero where that is zero.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 8) as usize % bound.max(1)
    }

    pub fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    /// One of `from`, which is not empty.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Which values arrive as they were sent.
#[derive(Clone, Copy, Debug)]
pub struct Carries {
    pub empty_lists: bool,
    pub empty_flat_lists: bool,
    pub empty_maps: bool,
    pub empty_flat_maps: bool,
    pub empty_structures: bool,
    /// Nulls in sparse collections.
    pub nulls: bool,
    /// The character NUL, which XML does not have.
    pub nul: bool,
}

impl Carries {
    pub const ALL: Carries = Carries {
        empty_lists: true,
        empty_flat_lists: true,
        empty_maps: true,
        empty_flat_maps: true,
        empty_structures: true,
        nulls: true,
        nul: true,
    };

    const XML: Carries = Carries {
        empty_flat_lists: false,
        empty_flat_maps: false,
        nulls: false,
        nul: false,
        ..Carries::ALL
    };

    /// What requests of the protocol carry.
    pub fn request(protocol: Protocol) -> Carries {
        let form = |lists| Carries {
            empty_lists: lists,
            empty_flat_lists: lists,
            empty_maps: false,
            empty_structures: false,
            ..Carries::XML
        };
        match protocol {
            Protocol::Json10 | Protocol::Json11 | Protocol::RestJson | Protocol::RpcV2Cbor => Carries::ALL,
            Protocol::RestXml => Carries::XML,
            Protocol::Query => form(true),
            Protocol::Ec2 => form(false),
        }
    }

    /// What answers of the protocol carry.
    pub fn answer(protocol: Protocol) -> Carries {
        match protocol {
            Protocol::Query | Protocol::Ec2 => Carries::XML,
            other => Carries::request(other),
        }
    }
}

/// A structure of that shape, some members absent; of a union one at the most.
pub fn structure(chance: &mut Chance, carries: Carries, shape: ShapeRef) -> StructValue {
    structure_at(chance, carries, shape, 0)
}

fn structure_at(chance: &mut Chance, carries: Carries, shape: ShapeRef, depth: usize) -> StructValue {
    let mut out = StructValue::new(shape);
    let Kind::Structure { payload, union, .. } = shape.kind() else {
        return out;
    };
    let chosen = union.then(|| chance.below(shape.members().len()));
    for (index, member) in (0u16..).zip(shape.members()) {
        let target = shape.target(member);
        let is_wanted = match chosen {
            Some(chosen) => chosen == usize::from(index),
            None => member.location == Some(Location::Uri) || !chance.one_in(3),
        };
        if !is_wanted || member.travels_apart(target) {
            continue;
        }
        let value = match member.location {
            None => value_at(chance, carries, target, member.flattened, depth + 1),
            Some(Location::StatusCode) => Some(Value::Integer(200 + chance.below(4) as i64)),
            Some(_) => bound(chance, carries, member, target),
        };
        // An empty payload and an absent one are the same bytes.
        let is_nothing = match &value {
            Some(Value::String(text)) => text.is_empty(),
            Some(Value::Blob(bytes)) => bytes.is_empty(),
            _ => false,
        };
        if let Some(value) = value.filter(|_| !(is_nothing && *payload == Some(index))) {
            out.set_at(index, value);
        }
    }
    // A structure in the body's place is written as an empty one where it is absent.
    if let Some(index) = *payload {
        let member = &shape.members()[usize::from(index)];
        let target = shape.target(member);
        let is_structure = matches!(target.kind(), Kind::Structure { document: false, .. });
        if is_structure && !member.travels_apart(target) && out.at(index).is_none() {
            out.set_at(index, Value::Struct(StructValue::new(target)));
        }
    }
    out
}

/// A value for a place that is not the body: no empty lists in query strings, no control characters and outer spaces in
/// headers, no empty labels.
fn bound(chance: &mut Chance, carries: Carries, member: &Member, target: ShapeRef) -> Option<Value> {
    let clean = |text: &str| text.replace(char::is_control, "x").trim().to_owned();
    match (target.kind(), member.location) {
        (Kind::List { element, .. }, location) => {
            let count = usize::from(location == Some(Location::QueryString)) + chance.below(4);
            let element = target.target(element);
            let items = (0..count).map(|_| bound(chance, carries, member, element));
            items.collect::<Option<Vec<_>>>().map(Value::List)
        }
        // A server's map of all parameters holds those that other members name as well.
        (Kind::Map { .. }, Some(Location::QueryString)) => None,
        (Kind::Map { .. }, _) => {
            let entries = (0..1 + chance.below(3)).map(|i| {
                let text = clean(&text(chance, carries));
                (format!("key-{i}"), Value::String(text))
            });
            Some(Value::Map(entries.collect()))
        }
        (Kind::String, Some(Location::Uri)) => Some(Value::String(format!("l{}", text(chance, carries)))),
        (Kind::String, Some(Location::Header)) if !member.json_value => {
            Some(Value::String(clean(&text(chance, carries))))
        }
        _ => value_at(chance, carries, target, false, 0),
    }
}

/// `None` where chance found nothing that can be carried.
fn value_at(chance: &mut Chance, carries: Carries, shape: ShapeRef, flat: bool, depth: usize) -> Option<Value> {
    let count = match depth {
        0..=3 => chance.below(4),
        4..=DEPTH_MAX => chance.below(2),
        _ => 0,
    };
    let item = |chance: &mut Chance, target: ShapeRef, sparse: bool| match sparse && carries.nulls && chance.one_in(4) {
        true => Some(Value::Null),
        false => value_at(chance, carries, target, false, depth + 1),
    };
    Some(match shape.kind() {
        Kind::Structure { document: true, .. } => Value::Document(document(chance, carries, 0)),
        Kind::Structure { .. } => {
            let fields = match depth {
                0..=DEPTH_MAX => structure_at(chance, carries, shape, depth),
                _ => StructValue::new(shape),
            };
            if fields.is_empty() && !carries.empty_structures {
                return None;
            }
            Value::Struct(fields)
        }
        Kind::List {
            element,
            sparse,
            flattened,
        } => {
            let target = shape.target(element);
            let items: Vec<_> = (0..count).filter_map(|_| item(chance, target, *sparse)).collect();
            let may_be_empty = match flat || *flattened {
                true => carries.empty_flat_lists,
                false => carries.empty_lists,
            };
            if items.is_empty() && !may_be_empty {
                return None;
            }
            Value::List(items)
        }
        Kind::Map {
            value,
            sparse,
            flattened,
            ..
        } => {
            let target = shape.target(value);
            let entries: Vec<_> = (0..count)
                .filter_map(|i| Some((format!("{i}{}", text(chance, carries)), item(chance, target, *sparse)?)))
                .collect();
            let may_be_empty = match flat || *flattened {
                true => carries.empty_flat_maps,
                false => carries.empty_maps,
            };
            if entries.is_empty() && !may_be_empty {
                return None;
            }
            Value::Map(entries)
        }
        Kind::String => {
            let values = shape.constraints().map_or(&[][..], |constraints| &constraints.values);
            Value::String(match values.is_empty() || chance.one_in(2) {
                true => text(chance, carries),
                false => chance.pick(values).clone(),
            })
        }
        Kind::Integer => Value::Integer(match chance.below(4) {
            0 => i64::from(*chance.pick(&[0, 1, -1, i32::MAX, i32::MIN])),
            _ => i64::from(chance.next() as i32),
        }),
        Kind::Long => Value::Integer(match chance.below(4) {
            0 => *chance.pick(&[0, 23, -24, 65_536, i64::MAX, i64::MIN]),
            _ => chance.next() as i64,
        }),
        Kind::Float => Value::Double(f64::from(match chance.below(8) {
            0 => *chance.pick(&[0.0, -0.0, 1.1, f32::MAX, f32::NAN, f32::INFINITY, f32::NEG_INFINITY]),
            1 => chance.below(1000) as f32,
            _ => finite(f64::from(f32::from_bits(chance.next() as u32))) as f32,
        })),
        Kind::Double => Value::Double(match chance.below(8) {
            0 => *chance.pick(&[0.0, -0.0, 5e-324, f64::MAX, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
            1 => chance.below(1000) as f64,
            _ => finite(f64::from_bits(chance.next())),
        }),
        Kind::Boolean => Value::Bool(chance.one_in(2)),
        // From 1900 to 9999: HTTP dates of older times are not read.
        Kind::Timestamp(_) => {
            let millis = chance.below(255_000_000_000_000) as i64 - 2_200_000_000_000;
            Value::Timestamp(Timestamp::from_millis(match chance.one_in(2) {
                true => millis,
                false => millis / 1000 * 1000,
            }))
        }
        Kind::Blob { .. } => {
            let bytes = (0..chance.below(20)).map(|_| chance.below(256) as u8);
            Value::Blob(Bytes::from(bytes.collect::<Vec<_>>()))
        }
    })
}

fn finite(number: f64) -> f64 {
    if number.is_finite() { number } else { 0.5 }
}

/// A short text, odd characters among its own.
fn text(chance: &mut Chance, carries: Carries) -> String {
    const ODD: [char; 33] = [
        ' ', '"', '\'', '\\', '/', '\n', '\r', '\t', '\0', '\u{1}', '\u{1f}', '\u{7f}', '\u{85}', 'é', '\u{2028}',
        '😀', '%', '+', '&', '=', ',', '.', ';', ':', '{', '}', '[', ']', '<', '>', '-', '#', '?',
    ];
    let letters = (0..chance.below(8)).map(|_| match chance.below(3) {
        0 => *chance.pick(&ODD),
        1 => char::from(b'a' + chance.below(26) as u8),
        _ => char::from_u32(chance.below(0x11_0000) as u32).unwrap_or('x'),
    });
    letters.filter(|letter| carries.nul || *letter != '\0').collect()
}

/// Any JSON but null, which inside of documents is a value like others.
pub fn document(chance: &mut Chance, carries: Carries, depth: usize) -> Document {
    let inner = |chance: &mut Chance| match chance.one_in(6) {
        true => Document::Null,
        false => document(chance, carries, depth + 1),
    };
    match chance.below(if depth > 3 { 4 } else { 6 }) {
        0 => json!(chance.one_in(2)),
        1 => json!(chance.below(1 << 40) as i64 - (1 << 39)),
        2 => json!(chance.below(1000) as f64 / 8.0 + 0.0625),
        3 => json!(text(chance, carries)),
        4 => (0..chance.below(4)).map(|_| inner(chance)).collect(),
        _ => {
            let entries = (0..chance.below(4)).map(|_| (text(chance, carries), inner(chance)));
            Document::Object(entries.collect())
        }
    }
}

/// The same text for the same value: maps in order of their keys, nothing like an empty structure, NaN like NaN.
pub fn normal(value: &Value) -> String {
    match value {
        Value::Null => "{}".to_owned(),
        other => written(other, &|number| format!("{number:?}")),
    }
}

/// As [`normal`], for values from another's JSON, where floating-point numbers are exact but for the last place.
pub fn nearly(value: &Value) -> String {
    match value {
        Value::Null => "{}".to_owned(),
        other => written(other, &|number| format!("{number:.14e}")),
    }
}

fn written(value: &Value, double: &dyn Fn(f64) -> String) -> String {
    match value {
        Value::List(items) => {
            let items = items.iter().map(|item| written(item, double));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        Value::Map(entries) => {
            let sorted: BTreeMap<_, _> = entries.iter().map(|(key, item)| (key, written(item, double))).collect();
            format!("map {sorted:?}")
        }
        Value::Struct(fields) => {
            let members = fields.shape().members();
            let parts = fields.fields().iter().map(|(index, field)| {
                let name = &members[usize::from(*index)].name;
                format!("{name}: {}", written(field, double))
            });
            format!("{{{}}}", parts.collect::<Vec<_>>().join(", "))
        }
        Value::Double(number) => double(*number),
        other => format!("{other:?}"),
    }
}
