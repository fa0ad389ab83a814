use super::{Names, error_parts, read, write};
use virga_base::AwsError;
use virga_shape::{Hear, Held, Mismatch, ServiceModel, ShapeRef, Tell, Value};

/// A small model with every kind.
fn shape(name: &str) -> ShapeRef {
    static MODEL: std::sync::OnceLock<ServiceModel> = std::sync::OnceLock::new();
    let model = MODEL.get_or_init(|| {
        let json = serde_json::json!({
            "metadata": {"protocol": "json"}, "operations": {},
            "shapes": {
                "All": {"type": "structure", "members": {
                    "s": {"shape": "S"}, "i": {"shape": "I"}, "l": {"shape": "L"}, "d": {"shape": "D"},
                    "b": {"shape": "B"}, "t": {"shape": "T"}, "blob": {"shape": "Blob"}, "list": {"shape": "List"},
                    "map": {"shape": "Map"}, "all": {"shape": "All"}, "doc": {"shape": "Doc"},
                    "alls": {"shape": "Alls"}}},
                "Alls": {"type": "map", "key": {"shape": "S"}, "value": {"shape": "All"}},
                "S": {"type": "string"}, "I": {"type": "integer"}, "L": {"type": "long"}, "D": {"type": "double"},
                "B": {"type": "boolean"}, "T": {"type": "timestamp"}, "Blob": {"type": "blob"},
                "List": {"type": "list", "member": {"shape": "All"}},
                "Map": {"type": "map", "key": {"shape": "S"}, "value": {"shape": "S"}},
                "Sparse": {"type": "map", "key": {"shape": "S"}, "value": {"shape": "S"}, "sparse": true},
                "Doc": {"type": "structure", "members": {}, "document": true}
            }
        });
        virga_shape::botocore::convert("test", &json).unwrap()
    });
    model.shape_named(name).unwrap()
}

fn read_as(name: &str, text: &str) -> Result<Value, AwsError> {
    read(shape(name), None, text.as_bytes(), Names::Model)
}

fn rewritten(name: &str, text: &str) -> String {
    let value = read_as(name, text).unwrap();
    let mut out = Vec::new();
    write(&mut out, shape(name), None, &value, Names::Model).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn escapes_are_read_and_the_needed_ones_written() {
    let text = r#"{"s":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\u0000"}"#;
    assert_eq!(
        rewritten("All", text),
        "{\"s\":\"a\\\"\\\\/\\u0008\\u000c\\n\\r\\té😀\\u0000\"}"
    );
}

#[test]
fn the_last_of_two_wins_and_null_is_absent() {
    assert_eq!(rewritten("All", r#"{"s":"a","s":"b","i":1,"i":null}"#), r#"{"s":"b"}"#);
    assert_eq!(rewritten("Map", r#"{"a":"1","b":null,"a":"2"}"#), r#"{"a":"2"}"#);
    assert_eq!(rewritten("Sparse", r#"{"a":"1","b":null}"#), r#"{"a":"1","b":null}"#);
}

#[test]
fn unknown_members_are_passed_over() {
    let text = r#" { "x" : [1, {"y": [null, true, false, "\n", -1.5e-3]}] , "s" : "a" } "#;
    assert_eq!(rewritten("All", text), r#"{"s":"a"}"#);
}

#[test]
fn numbers_are_checked() {
    assert_eq!(
        rewritten("All", r#"{"i":-2147483648,"l":9223372036854775807,"d":1e3,"t":1.5}"#),
        r#"{"i":-2147483648,"l":9223372036854775807,"d":1000.0,"t":1.5}"#
    );
    assert_eq!(
        rewritten("All", r#"{"i":2.0,"d":"-Infinity"}"#),
        r#"{"i":2,"d":"-Infinity"}"#
    );
    for wrong in [
        r#"{"i":2147483648}"#,
        r#"{"i":1.5}"#,
        r#"{"l":9223372036854775808}"#,
        r#"{"d":1e999}"#,
        r#"{"i":01}"#,
        r#"{"i":+1}"#,
        r#"{"i":.5}"#,
        r#"{"i":1.}"#,
        r#"{"i":1e}"#,
        r#"{"i":-}"#,
        r#"{"d":"1"}"#,
        r#"{"d":"inf"}"#,
    ] {
        assert!(read_as("All", wrong).is_err(), "{wrong}");
    }
}

#[test]
fn broken_texts_are_refused() {
    for wrong in [
        "",
        "  ",
        "{",
        "[]",
        "{\"s\"}",
        "{\"s\":}",
        "{\"s\":\"a\",}",
        "{,}",
        "{\"s\":\"a\"}}",
        "{\"s\":\"a\" \"i\":1}",
        "{s:1}",
        "{'s':1}",
        "nul",
        "{\"s\":tru}",
        "{\"b\":truex}",
        "{\"s\":\"\n\"}",
        "{\"s\":\"\\x\"}",
        "{\"s\":\"\\ud800\"}",
        "{\"s\":\"\\ud800\\u0041\"}",
        "{\"s\":\"\\udc00\"}",
        "{\"s\":\"\\u12\"}",
        "{\"blob\":\"a\"}",
        "{\"blob\":\"YQ=\"}",
        "{\"list\":[{}}",
        "{\"list\":[,]}",
        "{\"list\":[{},]}",
        "{\"x\":[1,]}",
        "{\"x\":{\"a\":1,}}",
    ] {
        assert!(read_as("All", wrong).is_err(), "{wrong}");
    }
    assert!(read(shape("All"), None, b"{\"s\":\"\xff\"}", Names::Model).is_err());
}

#[test]
fn wrong_kinds_are_told_in_the_words_of_aws() {
    for (text, words) in [
        (r#"{"i":"1"}"#, "STRING_VALUE can not be converted to an Integer"),
        (r#"{"s":1}"#, "NUMBER_VALUE can not be converted to a String"),
        (r#"{"s":true}"#, "TRUE_VALUE can not be converted to a String"),
        (r#"{"s":[]}"#, "Start of list found where not expected"),
        (r#"{"all":[]}"#, "Start of list found where not expected"),
        (r#"{"list":{}}"#, "Start of structure or map found where not expected"),
        (
            r#"{"t":"x"}"#,
            "STRING_VALUE can not be converted to milliseconds since epoch",
        ),
        (r#"{"list":1}"#, "Unexpected field type"),
    ] {
        let error = read_as("All", text).unwrap_err();
        assert_eq!(
            (error.code.as_ref(), error.message.as_str()),
            ("SerializationException", words),
            "{text}"
        );
    }
}

#[test]
fn depth_is_bounded_in_known_and_unknown_members() {
    for (open, close) in [("{\"all\":", "}"), ("{\"x\":[", "]}"), ("{\"doc\":[", "]}")] {
        let deep = format!("{}{}{}", open.repeat(100_000), "null", close.repeat(100_000));
        assert!(read_as("All", &deep).is_err());
        let inner = format!("{{\"x\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(read_as("All", &inner).is_err());
    }
    let fine = format!("{}{{}}{}", "{\"all\":".repeat(100), "}".repeat(100));
    assert_eq!(rewritten("All", &fine), fine);
}

#[test]
fn documents_keep_their_numbers() {
    let text = r#"{"doc":{"a":[1,18446744073709551615,-1,1.5,null,"x"],"b":{}}}"#;
    assert_eq!(rewritten("All", text), text);
}

#[test]
fn what_an_error_says_is_found_in_any_spelling() {
    let parts = |text: &str| error_parts(text.as_bytes());
    let both = (Some("ns#A".to_owned()), Some("m".to_owned()));
    assert_eq!(parts(r#"{"__type":"ns#A","x":{},"Message":"m"}"#), both);
    assert_eq!(parts(r#"{"message":"m","code":"ns#A""#), both);
    assert_eq!(parts("<html>"), (None, None));
}

#[test]
fn plain_runs_end_at_the_first_special_byte() {
    for special in [b'"', b'\\', 0, 0x1f] {
        for at in 0..100 {
            let mut bytes = vec![b'!'; 100];
            bytes[at] = special;
            bytes.extend_from_slice("é\u{80}\u{7f}\"".as_bytes());
            assert_eq!(super::parser::plain_length(&bytes), at);
            for end in 0..bytes.len() {
                assert_eq!(super::parser::is_plain(&bytes[..end]), end <= at);
            }
        }
    }
    let text = "\u{7f}é😀 #[]!~ abc";
    assert_eq!(super::parser::plain_length(text.as_bytes()), 17);
    assert!((0..9).all(|times| super::parser::is_plain(text.repeat(times).as_bytes())));
}

/// Tells a tree whose structures have one member each.
struct Known(Value);

impl Known {
    fn tell_value(value: &Value, to: &mut dyn Hear) {
        match value {
            Value::String(text) => to.text(text),
            Value::Blob(bytes) => to.blob(bytes),
            Value::Bool(flag) => to.bool(*flag),
            Value::List(items) => {
                to.open_list();
                items.iter().for_each(|item| Known::tell_value(item, to));
                to.close_list();
            }
            Value::Map(entries) => {
                to.open_map();
                for (key, item) in entries {
                    let only = item
                        .as_struct()
                        .and_then(|item| Some((item.shape(), item.fields().first()?)));
                    match only {
                        Some((shape, (index, Value::String(text)))) if text.starts_with("plain") => {
                            to.plain_entry(key, (shape, *index), text.as_bytes());
                        }
                        Some((shape, (index, Value::String(text)))) => to.text_entry(key, (shape, *index), text),
                        _ => {
                            to.key(key);
                            Known::tell_value(item, to);
                        }
                    }
                }
                to.close_map();
            }
            Value::Struct(value) => {
                for (index, member) in value.fields() {
                    to.only_member(value.shape(), *index);
                    Known::tell_value(member, to);
                    to.close_structure();
                }
            }
            other => panic!("{other:?} is not told"),
        }
    }
}

impl Tell for Known {
    fn tell(&self, _shape: ShapeRef, to: &mut dyn Hear) -> Result<(), Mismatch> {
        Known::tell_value(&self.0, to);
        Ok(())
    }

    fn written_bytes(&self) -> usize {
        0
    }
}

#[test]
fn what_is_told_is_written_as_its_tree_is() {
    for text in [
        r#"{"list":[]}"#,
        r#"{"map":{}}"#,
        r#"{"list":[{"s":"a\"\n"},{"b":true},{"blob":"aGk="},{"list":[{"s":"x"},{"b":false}]},{"s":"y"}]}"#,
        r#"{"map":{"a":"1","\"b":"2"}}"#,
        r#"{"all":{"all":{"s":""}}}"#,
        r#"{"alls":{"a":{"s":"x\"y"},"\"":{"s":"plain"},"c":{"b":true},"d":{"list":[]},"e":{"s":"plain"}}}"#,
    ] {
        let tree = read_as("All", text).unwrap();
        let held = Value::Held(Held::new(shape("All"), Known(tree.clone())));
        let mut out = Vec::new();
        write(&mut out, shape("All"), None, &held, Names::Model).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), text);
        assert_eq!(held.to_json(), tree.to_json());
        let Value::Held(held) = held else {
            panic!("another value")
        };
        assert_eq!(held.to_value(), Ok(tree));
    }
}
