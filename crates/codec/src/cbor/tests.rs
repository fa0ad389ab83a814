use super::{error_parts, read_members, write_members};
use virga_base::AwsError;
use virga_shape::{ServiceModel, ShapeRef, StructValue, Value};

fn shape() -> ShapeRef {
    static MODEL: std::sync::OnceLock<ServiceModel> = std::sync::OnceLock::new();
    let model = MODEL.get_or_init(|| {
        let json = serde_json::json!({
            "metadata": {"protocol": "smithy-rpc-v2-cbor"}, "operations": {},
            "shapes": {
                "All": {"type": "structure", "members": {
                    "s": {"shape": "S"}, "i": {"shape": "I"}, "l": {"shape": "L"}, "f": {"shape": "F"},
                    "b": {"shape": "B"}, "t": {"shape": "T"}, "blob": {"shape": "Blob"}, "list": {"shape": "List"},
                    "map": {"shape": "Map"}, "all": {"shape": "All"}, "doc": {"shape": "Doc"}}},
                "S": {"type": "string"}, "I": {"type": "integer"}, "L": {"type": "long"}, "F": {"type": "float"},
                "B": {"type": "boolean"}, "T": {"type": "timestamp"}, "Blob": {"type": "blob"},
                "List": {"type": "list", "member": {"shape": "L"}},
                "Map": {"type": "map", "key": {"shape": "S"}, "value": {"shape": "S"}, "sparse": true},
                "Doc": {"type": "structure", "members": {}, "document": true}
            }
        });
        virga_shape::botocore::convert("test", &json).unwrap()
    });
    model.shape_named("All").unwrap()
}

fn read(bytes: &[u8]) -> Result<serde_json::Value, AwsError> {
    let mut out = StructValue::new(shape());
    read_members(bytes, &mut out)?;
    Ok(Value::Struct(out).to_json())
}

/// One member with a value in CBOR.
fn with(name: &str, value: &[u8]) -> Vec<u8> {
    let mut out = vec![0xa1];
    super::write_text(&mut out, name);
    out.extend_from_slice(value);
    out
}

#[test]
fn every_form_of_a_number_is_read() {
    for (bytes, number) in [
        (vec![0x18, 0xff], 255),
        (vec![0x19, 1, 0], 256),
        (vec![0x1a, 0, 1, 0, 0], 65_536),
        (vec![0x1b, 0, 0, 0, 1, 0, 0, 0, 0], 4_294_967_296_i64),
        (vec![0x3b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], i64::MIN),
        (vec![0x20], -1),
        (vec![0xf9, 0x42, 0x00], 3),
    ] {
        assert_eq!(read(&with("l", &bytes)).unwrap()["l"], number);
    }
    for bytes in [
        [0xf9, 0x3c, 0x00].as_slice(),
        &[0xfa, 0x3f, 0x80, 0, 0],
        &[0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0],
        &[1],
    ] {
        assert_eq!(read(&with("f", bytes)).unwrap()["f"], 1.0);
    }
    assert_eq!(
        read(&with("f", &[0xf9, 0x00, 0x01])).unwrap()["f"],
        5.960_464_477_539_063e-8
    );
    assert!(read(&with("l", &[0x1b, 0x80, 0, 0, 0, 0, 0, 0, 0])).is_err());
    assert!(read(&with("i", &[0x1a, 0x80, 0, 0, 0])).is_err());
    assert!(read(&with("i", &[0xf9, 0x3e, 0x00])).is_err(), "1.5 is no integer");
}

#[test]
fn indefinite_lengths_tags_and_nulls_are_read() {
    let body = b"\xbf\x61s\x7f\x61a\x62bc\xff\x64list\x9f\x01\x02\xf6\xff\x63map\xbf\x61k\xf6\xff\x64blob\x5f\x41\x00\xff\x61t\xc1\x01\x61b\xf6\xff";
    let json = read(body).unwrap();
    assert_eq!(
        json,
        serde_json::json!({"s": "abc", "list": [1, 2], "map": {"k": null}, "blob": "AA==", "t": "1970-01-01T00:00:01Z"})
    );
    assert_eq!(
        read(&with("t", &[0xc1, 0xf9, 0x3e, 0x00])).unwrap()["t"],
        "1970-01-01T00:00:01.500Z"
    );
    assert_eq!(read(b"\xd9\xd9\xf7\xa0").unwrap(), serde_json::json!({}));
}

#[test]
fn hostile_bodies_are_refused() {
    for wrong in [
        vec![],
        vec![0xbf],
        vec![0xa1],
        vec![0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0xa0, 0xa0],
        vec![0x80],
        vec![0xff],
        vec![0x1c],
        vec![0xa1, 0x01, 0x01],
        with("s", &[0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x61]),
        with("s", &[0x61, 0xff]),
        with("s", &[0x7f, 0x41, 0x61, 0xff]),
        with("s", &[0x7f, 0x7f, 0xff, 0xff]),
        with("list", &[0x9b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        with("list", &[0x81, 0xff]),
        with("t", &[0xc1, 0xf9, 0x7e, 0x00]),
        with("t", &[0xc0, 0x61, 0x61]),
        with("x", &[0xff]),
        with("x", &[0xf8, 0x20]),
        with("x", &[0xc1; 100_000]),
        with("x", &[0x9f; 100_000]),
        with("doc", &[0x81; 100_000]),
        with("all", &b"\xa1\x63all".repeat(100_000)),
    ] {
        assert!(read(&wrong).is_err(), "{:02x?}", &wrong[..wrong.len().min(16)]);
    }
}

#[test]
fn what_is_written_reads_back() {
    let json = serde_json::json!({"s": "é", "i": -70_000, "l": i64::MAX, "f": 1.1, "b": true, "blob": "AAEC",
        "t": "2020-01-01T00:00:00.123Z", "list": [23, 24, -25], "map": {"k": "v"}, "doc": {"a": [1, 1.5, null, "x"]}});
    let value = Value::from_json(shape(), &json).unwrap();
    let mut out = Vec::new();
    write_members(&mut out, value.as_struct().unwrap(), &[]).unwrap();
    assert_eq!(read(&out).unwrap(), json);
}

#[test]
fn what_an_error_says_is_found() {
    let body = b"\xbf\x61x\x81\x01\x66__type\x64ns#A\x67message\x61m\xff";
    assert_eq!(error_parts(body), (Some("ns#A".to_owned()), Some("m".to_owned())));
    assert_eq!(error_parts(b"<html>"), (None, None));
}
