use super::{Rules, check, check_with};
use crate::{ServiceModel, ShapeRef, Value};
use serde_json::{Value as Json, json};

fn input() -> ShapeRef {
    static MODEL: std::sync::OnceLock<ServiceModel> = std::sync::OnceLock::new();
    let model = MODEL.get_or_init(|| {
        let json = json!({
            "metadata": {"protocol": "json"}, "operations": {},
            "shapes": {
                "Input": {"type": "structure", "members": {
                    "FunctionName": {"shape": "Name"}, "MaxResults": {"shape": "Max"}, "Item": {"shape": "Item"},
                    "Architectures": {"shape": "Architectures"}, "Tags": {"shape": "Tags"},
                    "Weights": {"shape": "Weights"}, "Secret": {"shape": "Secret"}, "Items": {"shape": "Items"},
                    "Body": {"shape": "Stream"}, "Data": {"shape": "Data"}, "Code": {"shape": "Code", "location": "uri"},
                    "Routes": {"shape": "Routes"}},
                    "required": ["FunctionName", "Body"]},
                "Name": {"type": "string", "min": 1, "max": 8, "pattern": "[a-z]+"},
                "Max": {"type": "integer", "min": 1, "max": 1000},
                "Item": {"type": "structure", "members": {"Key": {"shape": "Text"}, "Pass": {"shape": "Secret"},
                    "Weight": {"shape": "Double"}}, "required": ["Key"]},
                "Items": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Item"}},
                "Architectures": {"type": "list", "member": {"shape": "Architecture"}, "max": 2},
                "Architecture": {"type": "string", "enum": ["x86_64", "arm64"]},
                "Tags": {"type": "list", "member": {"shape": "Item"}},
                "Routes": {"type": "list", "member": {"shape": "Item"}, "max": 1},
                "Weights": {"type": "map", "key": {"shape": "Version"}, "value": {"shape": "Double"}},
                "Version": {"type": "string", "min": 1, "max": 1024, "pattern": "[0-9]+"},
                "Double": {"type": "double", "min": 0.0, "max": 1.0},
                "Secret": {"type": "string", "min": 6, "sensitive": true},
                "Text": {"type": "string"}, "Code": {"type": "string", "pattern": "[1-5]\\d\\d"},
                "Stream": {"type": "blob", "streaming": true}, "Data": {"type": "blob", "max": 2}
            }
        });
        crate::botocore::convert("test", &json).unwrap()
    });
    model.shape_named("Input").unwrap()
}

fn message(json: &Json) -> String {
    let value = Value::from_json(input(), json).unwrap();
    check(input(), &value).map_or_else(|error| error.message, |()| "fine".to_owned())
}

#[test]
fn constraints_are_told_in_the_words_of_aws() {
    let one = |json: Json, expected: &str| {
        let mut json = json;
        if json.get("FunctionName").is_none() {
            json["FunctionName"] = "f".into();
        }
        assert_eq!(message(&json), format!("1 validation error detected: {expected}"));
    };
    assert_eq!(
        message(&json!({"FunctionName": "f", "MaxResults": 1000, "Weights": {"1": 1}})),
        "fine"
    );
    assert_eq!(
        message(&json!({})),
        "1 validation error detected: Value null at 'functionName' failed to satisfy constraint: Member must not be null"
    );
    one(
        json!({"MaxResults": 1001}),
        "Value '1001' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 1000",
    );
    one(
        json!({"FunctionName": "aaaaaaaaa"}),
        "Value 'aaaaaaaaa' at 'functionName' failed to satisfy constraint: Member must have length less than or equal \
         to 8",
    );
    one(
        json!({"Architectures": ["X86_64"]}),
        "Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must \
         satisfy enum value set: [x86_64, arm64], Member must not be null]",
    );
    one(
        json!({"Architectures": ["x86_64", "arm64", "arm64"]}),
        "Value '[x86_64, arm64, arm64]' at 'architectures' failed to satisfy constraint: Member must have length less \
         than or equal to 2",
    );
    one(
        json!({"Weights": {"2": 2.0}}),
        "Value '{2=2.0}' at 'weights' failed to satisfy constraint: Map value must satisfy constraint: [Member must \
         have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be \
         null]",
    );
    one(
        json!({"Weights": {"$LATEST": 0.5}}),
        "Value '{$LATEST=0.5}' at 'weights' failed to satisfy constraint: Map keys must satisfy constraint: [Member \
         must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must \
         satisfy regular expression pattern: [0-9]+]",
    );
    one(
        json!({"Tags": [{"Key": "a"}, {}]}),
        "Value null at 'tags.2.member.key' failed to satisfy constraint: Member must not be null",
    );
    one(
        json!({"Items": {"t": {}}}),
        "Value null at 'items.t.member.key' failed to satisfy constraint: Member must not be null",
    );
    one(
        json!({"Item": {"Key": "a", "Weight": 1.5}}),
        "Value '1.5' at 'item.weight' failed to satisfy constraint: Member must have value less than or equal to 1.0",
    );
    one(
        json!({"Secret": "abc"}),
        "Value at 'secret' failed to satisfy constraint: Member must have length greater than or equal to 6",
    );
    one(
        json!({"Data": "AAAA"}),
        "Value 'java.nio.HeapByteBuffer[pos=0 lim=3 cap=3]' at 'data' failed to satisfy constraint: Member must have \
         length less than or equal to 2",
    );
    one(
        json!({"Routes": [{"Key": "a", "Pass": "geheim"}, {"Key": "b", "Weight": 1.0}]}),
        "Value '[Item(key=a, pass=***, weight=null), Item(key=b, pass=null, weight=1.0)]' at 'routes' failed to satisfy \
         constraint: Member must have length less than or equal to 1",
    );
}

#[test]
fn several_are_joined() {
    assert_eq!(
        message(&json!({"FunctionName": "", "MaxResults": 0})),
        "3 validation errors detected: Value '' at 'functionName' failed to satisfy constraint: Member must have length \
         greater than or equal to 1; Value '' at 'functionName' failed to satisfy constraint: Member must satisfy \
         regular expression pattern: [a-z]+; Value '0' at 'maxResults' failed to satisfy constraint: Member must have \
         value greater than or equal to 1"
    );
}

#[test]
fn services_may_choose() {
    let json = json!({"FunctionName": "f", "Item": {}, "Code": "wrong", "Architectures": ["x"]});
    let value = Value::from_json(input(), &json).unwrap();
    let rules = Rules {
        code: "ValidationError".into(),
        enums: false,
        body_prefix: Some("putItemInput"),
        values_shown: false,
        ..Rules::default()
    };
    let error = check_with(input(), &value, &rules).unwrap_err();
    assert_eq!(error.code, "ValidationError");
    assert_eq!(
        error.message,
        "2 validation errors detected: Value null at 'putItemInput.item.key' failed to satisfy constraint: Member must \
         not be null; Value at 'code' failed to satisfy constraint: Member must satisfy regular expression pattern: \
         [1-5]\\d\\d"
    );
}

#[test]
fn nothing_is_a_structure_without_members() {
    assert_eq!(
        check(input(), &Value::Null).unwrap_err().message,
        "1 validation error detected: Value null at 'functionName' failed to satisfy constraint: Member must not be null"
    );
}
