//! The structures of every `wire.rs` keep what they are given: through the type and back, and through each protocol of
//! their service. What the services' models do not have (recursion, unions, sparse collections, documents) is in
//! `model.json`, from which `cargo xtask gen` makes a `wire.rs` as it makes a service's.

mod structures;
#[allow(dead_code, reason = "generated for the whole model")]
mod wire;

use std::sync::OnceLock;
use structures::STRUCTURES;
use virga_codec::{
    OperationRef, OwnedRequest, WireResponse, decode_request, decode_response, encode_request, encode_response,
};
use virga_shape::random::{Carries, Chance, normal, structure};
use virga_shape::{
    Location, Mismatch, Operation, Protocol, ServiceModel, ShapeId, ShapeRef, StructValue, Typed, Value, botocore, pack,
};

/// A value made into the type and turned back.
type Through = fn(Value, ShapeRef) -> Result<Value, Mismatch>;

fn through<T: Typed>(value: Value, shape: ShapeRef) -> Result<Value, Mismatch> {
    Ok(T::from_value(value)?.into_value(shape))
}

/// Model, shape, and the way of a value through its type.
type Row = (&'static str, &'static str, Through);

const fn row<T: Typed>(model: &'static str, shape: &'static str) -> Row {
    (model, shape, through::<T>)
}

/// The rows of one model, whose types are in a module that is called `types` where this stands.
macro_rules! rows {
    ($model:literal; $($name:ident $(= $shape:literal)?,)*) => {
        &[$($crate::row::<types::$name>($model, rows!(@shape $name $($shape)?))),*]
    };
    (@shape $name:ident) => { stringify!($name) };
    (@shape $name:ident $shape:literal) => { $shape };
}
use rows;

fn structures() -> impl Iterator<Item = &'static Row> {
    STRUCTURES.iter().copied().flatten()
}

/// Values of each shape in each protocol.
const ROUNDS: u64 = 40;

fn model(name: &str) -> &'static ServiceModel {
    static EXAMPLE: OnceLock<ServiceModel> = OnceLock::new();
    match name {
        "example" => EXAMPLE.get_or_init(|| {
            let json = serde_json::from_str(include_str!("model.json")).expect("JSON");
            botocore::convert("example", &json).expect("a model")
        }),
        name => pack::service(name).expect(name),
    }
}

/// The models that have types, each once.
fn models() -> Vec<&'static ServiceModel> {
    let mut names: Vec<&str> = structures().map(|(name, ..)| *name).collect();
    names.dedup();
    names.into_iter().map(model).collect()
}

fn through_of(shape: ShapeRef) -> Option<Through> {
    let found = structures().find(|(model, name, _)| *model == shape.model().name && *name == shape.name());
    found.map(|(_, _, through)| *through)
}

#[test]
fn every_structure_keeps_what_it_is_given() {
    for (name, shape, through) in structures() {
        let shape = model(name).shape_named(shape).expect(shape);
        for seed in 0..ROUNDS {
            let value = Value::Struct(structure(&mut Chance(seed), Carries::ALL, shape));
            let back = through(value.clone(), shape).unwrap_or_else(|error| panic!("{shape:?}, seed {seed}: {error}"));
            assert_eq!(normal(&back), normal(&value), "{shape:?}, seed {seed}");
        }
    }
}

#[test]
fn nothing_is_a_structure_without_members() {
    for (name, shape, through) in structures() {
        let shape = model(name).shape_named(shape).expect(shape);
        let empty = Value::Struct(StructValue::new(shape));
        assert_eq!(through(Value::Null, shape), Ok(empty.clone()), "{shape:?}");
        assert_eq!(through(empty.clone(), shape), Ok(empty), "{shape:?}");
    }
}

#[test]
fn absent_null_and_empty_stay_apart() {
    let shape = model("example").shape_named("GrowRequest").expect("a shape");
    let names = |value: Option<Value>| {
        let mut input = StructValue::new(shape);
        if let Some(value) = value {
            input.set("Names", value);
        }
        let output = through::<wire::GrowRequest>(Value::Struct(input), shape).expect("it fits");
        output.as_struct().and_then(|output| output.get("Names")).cloned()
    };
    for value in [
        None,
        Some(Value::List(vec![])),
        Some(Value::List(vec![Value::Null])),
        Some(Value::List(vec![Value::String(String::new())])),
    ] {
        assert_eq!(names(value.clone()), value);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let shape = model("example").shape_named("Tree").expect("a shape");
    for (name, value) in [
        ("Name", Value::Integer(1)),
        ("Count", Value::Integer(i64::from(i32::MAX) + 1)),
        ("Left", Value::List(vec![])),
        ("Children", Value::List(vec![Value::Bool(true)])),
        ("Value", Value::String("oak".to_owned())),
        ("Born", Value::Double(0.5)),
    ] {
        let mut tree = StructValue::new(shape);
        assert!(tree.set(name, value), "{name}");
        assert!(through::<wire::Tree>(Value::Struct(tree), shape).is_err(), "{name}");
    }
}

/// Sides that S3 itself does not tell apart on the wire: the old notifications have two members that are both `Event`, and
/// no region is written as an empty one.
const AMBIGUOUS: [&str; 3] = [
    "PutBucketNotificationRequest",
    "NotificationConfigurationDeprecated",
    "GetBucketLocationOutput",
];

/// Documents have no form in these.
fn speaks(protocol: Protocol, operation: &Operation) -> bool {
    let has_none = matches!(protocol, Protocol::Query | Protocol::Ec2 | Protocol::RestXml);
    !(has_none && operation.name == "Note")
}

/// Operation, the shape of one of its sides, and the type of it.
fn sides(
    model: &'static ServiceModel,
    side: fn(&Operation) -> Option<ShapeId>,
) -> impl Iterator<Item = (Protocol, OperationRef, ShapeRef, Through)> {
    let operations = model.operations.iter().filter_map(move |operation| {
        let shape = model.shape_ref(side(operation)?);
        if model.name == "s3" && AMBIGUOUS.contains(&shape.name()) {
            return None;
        }
        Some((OperationRef { model, operation }, shape, through_of(shape)?))
    });
    operations.flat_map(move |(op, shape, through)| {
        let protocols = model
            .protocols
            .iter()
            .filter(move |protocol| speaks(**protocol, op.operation));
        protocols.map(move |protocol| (*protocol, op, shape, through))
    })
}

#[test]
fn every_input_survives_every_protocol_of_its_service() {
    let mut count = 0;
    for (protocol, op, shape, through) in models().into_iter().flat_map(|model| sides(model, |o| o.input)) {
        for seed in 0..ROUNDS {
            let place = format!("{protocol:?} {shape:?}, seed {seed}");
            let input = Value::Struct(structure(&mut Chance(seed), Carries::request(protocol), shape));
            let sent = through(input, shape).expect(&place);
            let request: OwnedRequest = encode_request(protocol, op, &sent).expect(&place);
            let read = decode_request(protocol, op, &request.as_wire()).expect(&place);
            let read = through(read, shape).expect(&place);
            assert_eq!(normal(&read), normal(&sent), "{place}: {request:?}");
            count += 1;
        }
    }
    assert!(count > 60 * ROUNDS, "{count}");
}

#[test]
fn every_output_survives_every_protocol_of_its_service() {
    let mut count = 0;
    for (protocol, op, shape, through) in models().into_iter().flat_map(|model| sides(model, |o| o.output)) {
        for seed in 0..ROUNDS {
            let place = format!("{protocol:?} {shape:?}, seed {seed}");
            let mut output = structure(&mut Chance(seed), Carries::answer(protocol), shape);
            // The status is in every answer.
            for (index, member) in (0u16..).zip(shape.members()) {
                if member.location == Some(Location::StatusCode) {
                    output.set_at(index, Value::Integer(i64::from(op.operation.status)));
                }
            }
            let sent = through(Value::Struct(output), shape).expect(&place);
            let answer: WireResponse = encode_response(protocol, op, &sent, "id").expect(&place);
            let read = decode_response(protocol, op, answer.status, &answer.headers, &answer.body).expect(&place);
            let read = through(read, shape).expect(&place);
            assert_eq!(normal(&read), normal(&sent), "{place}: {answer:?}");
            count += 1;
        }
    }
    assert!(count > 40 * ROUNDS, "{count}");
}
