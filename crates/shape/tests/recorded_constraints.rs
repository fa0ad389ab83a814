//! What AWS answered to values that break the model's constraints, word for word.

use serde_json::{Value as Json, json};
use virga_shape::constraints::{Rules, check, check_with};
use virga_shape::{ShapeRef, Value, pack};

fn input_of(service: &str, operation: &str) -> ShapeRef {
    let model = pack::service(service).unwrap();
    model.shape_ref(model.operation(operation).unwrap().input.unwrap())
}

fn message(service: &str, operation: &str, input: &Json, rules: &Rules<'_>) -> String {
    let shape = input_of(service, operation);
    let value = Value::from_json(shape, input).unwrap();
    check_with(shape, &value, rules).unwrap_err().message
}

#[test]
fn messages_are_those_that_aws_sent() {
    for (service, operation, input, expected) in [
        (
            "kms",
            "GenerateRandom",
            json!({"NumberOfBytes": 1025}),
            "1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member must have \
             value less than or equal to 1024",
        ),
        (
            "kms",
            "GenerateRandom",
            json!({"NumberOfBytes": 0}),
            "1 validation error detected: Value '0' at 'numberOfBytes' failed to satisfy constraint: Member must have \
             value greater than or equal to 1",
        ),
        (
            "lambda",
            "PutProvisionedConcurrencyConfig",
            json!({"FunctionName": "f", "Qualifier": "1", "ProvisionedConcurrentExecutions": 0}),
            "1 validation error detected: Value '0' at 'provisionedConcurrentExecutions' failed to satisfy constraint: \
             Member must have value greater than or equal to 1",
        ),
        (
            "lambda",
            "UntagResource",
            json!({"Resource": "arn:aws:lambda:us-east-1:111111111111:function:f"}),
            "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null",
        ),
        (
            "stepfunctions",
            "CreateStateMachineAlias",
            json!({"name": "a", "routingConfiguration": [{"stateMachineVersionArn": "arn", "weight": 101}]}),
            "1 validation error detected: Value '101' at 'routingConfiguration.1.member.weight' failed to satisfy \
             constraint: Member must have value less than or equal to 100",
        ),
        (
            "lambda",
            "CreateAlias",
            json!({"FunctionName": "f", "Name": "n", "FunctionVersion": "1",
                "RoutingConfig": {"AdditionalVersionWeights": {"2": 2.0}}}),
            "1 validation error detected: Value '{2=2.0}' at 'routingConfig.additionalVersionWeights' failed to satisfy \
             constraint: Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member \
             must have value greater than or equal to 0.0, Member must not be null]",
        ),
        (
            "lambda",
            "CreateAlias",
            json!({"FunctionName": "f", "Name": "n", "FunctionVersion": "1",
                "RoutingConfig": {"AdditionalVersionWeights": {"$LATEST": 0.5}}}),
            "1 validation error detected: Value '{$LATEST=0.5}' at 'routingConfig.additionalVersionWeights' failed to \
             satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 1024, \
             Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]",
        ),
        (
            "lambda",
            "UpdateFunctionCode",
            json!({"FunctionName": "f", "Architectures": ["X86_64"]}),
            "1 validation error detected: Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member must \
             satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]",
        ),
        (
            "lambda",
            "UpdateFunctionCode",
            json!({"FunctionName": "f", "Architectures": ["x86_64", "arm64"]}),
            "1 validation error detected: Value '[x86_64, arm64]' at 'architectures' failed to satisfy constraint: \
             Member must have length less than or equal to 1",
        ),
    ] {
        assert_eq!(message(service, operation, &input, &Rules::default()), expected);
    }
}

#[test]
fn api_gateway_names_its_input_first() {
    let rules = Rules {
        body_prefix: Some("updateMethodResponseInput"),
        ..Rules::default()
    };
    let input = json!({"restApiId": "r", "resourceId": "s", "httpMethod": "GET", "statusCode": "wrong",
        "patchOperations": [{"op": "wrong_op"}]});
    let text = message("apigateway", "UpdateMethodResponse", &input, &rules);
    let told = [
        "Value 'wrong_op' at 'updateMethodResponseInput.patchOperations.1.member.op' failed to satisfy constraint: Member \
         must satisfy enum value set: [",
        "Value 'wrong' at 'statusCode' failed to satisfy constraint: Member must satisfy regular expression pattern: \
         [1-5]\\d\\d",
    ];
    assert!(text.starts_with("2 validation errors detected: "), "{text}");
    assert!(told.iter().all(|part| text.contains(part)), "{text}");
}

#[test]
fn what_is_right_passes() {
    let shape = input_of("dynamodb", "PutItem");
    let input = json!({"TableName": "table", "Item": {"id": {"S": "1"}}});
    let value = Value::from_json(shape, &input).unwrap();
    assert_eq!(check(shape, &value), Ok(()));
}
