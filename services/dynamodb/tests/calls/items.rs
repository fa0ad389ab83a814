use crate::{DYNAMODB, bench, key};
use serde_json::json;

#[tokio::test]
async fn what_is_put_is_got() {
    let world = bench().await;
    let item = json!({
        "p": { "S": "a" }, "c": { "S": "b" }, "n": { "N": "1.50" }, "b": { "B": "AAE=" }, "l": { "L": [{ "BOOL": true }] },
        "m": { "M": { "x": { "NULL": true } } }, "ss": { "SS": ["z", "y"] }, "ns": { "NS": ["1", "2"] }, "bs": { "BS": ["AA=="] },
    });
    world
        .ok(DYNAMODB, "PutItem", json!({ "TableName": "tab", "Item": item }))
        .await;
    let got = world
        .ok(DYNAMODB, "GetItem", json!({ "TableName": "tab", "Key": key("a", "b") }))
        .await;
    let mut expected = item.clone();
    expected["n"] = json!({ "N": "1.5" });
    assert_eq!(got["Item"], expected);
    let table_arn = "arn:aws:dynamodb:us-east-1:000000000000:table/tab";
    let got = world
        .ok(
            DYNAMODB,
            "GetItem",
            json!({ "TableName": table_arn, "Key": key("a", "b") }),
        )
        .await;
    assert_eq!(got["Item"], expected);
}

#[tokio::test]
async fn a_failing_condition_can_show_the_item() {
    let world = bench().await;
    world
        .ok(
            DYNAMODB,
            "PutItem",
            json!({ "TableName": "tab", "Item": key("a", "b") }),
        )
        .await;
    let error = world
        .call(
            DYNAMODB,
            "PutItem",
            json!({
                "TableName": "tab", "Item": key("a", "b"), "ConditionExpression": "attribute_not_exists(p)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }),
        )
        .await
        .expect_err("the condition fails");
    assert_eq!(error.code, "ConditionalCheckFailedException");
    assert_eq!(error.details, [("Item".into(), key("a", "b"))]);
}

#[tokio::test]
async fn an_update_answers_what_is_asked_for() {
    let world = bench().await;
    let update = |values: &str| {
        json!({
            "TableName": "tab", "Key": key("a", "b"), "UpdateExpression": "ADD n :one", "ReturnValues": values,
            "ExpressionAttributeValues": { ":one": { "N": "1" } },
        })
    };
    let first = world.ok(DYNAMODB, "UpdateItem", update("UPDATED_OLD")).await;
    assert_eq!(first, json!({}));
    assert_eq!(
        world.ok(DYNAMODB, "UpdateItem", update("UPDATED_NEW")).await["Attributes"],
        json!({ "n": { "N": "2" } })
    );
    assert_eq!(
        world.ok(DYNAMODB, "UpdateItem", update("UPDATED_OLD")).await["Attributes"],
        json!({ "n": { "N": "2" } })
    );
    assert_eq!(
        world.ok(DYNAMODB, "UpdateItem", update("ALL_NEW")).await["Attributes"],
        json!({ "p": { "S": "a" }, "c": { "S": "b" }, "n": { "N": "4" } })
    );
}

#[tokio::test]
async fn bad_items_are_refused_in_awss_words() {
    let world = bench().await;
    let put = |item| json!({ "TableName": "tab", "Item": item });
    let cases = [
        (
            json!({ "p": { "S": "a" } }),
            "One or more parameter values were invalid: Missing the key c in the item",
        ),
        (
            json!({ "p": { "N": "1" }, "c": { "S": "b" } }),
            "One or more parameter values were invalid: Type mismatch for key p expected: S actual: N",
        ),
        (
            json!({ "p": { "S": "" }, "c": { "S": "b" } }),
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty \
             string value. Key: p",
        ),
        (
            json!({ "p": { "S": "a" }, "c": { "S": "b" }, "x": {} }),
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        ),
        (
            json!({ "p": { "S": "a" }, "c": { "S": "b" }, "x": { "S": "a", "N": "1" } }),
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
        ),
        (
            json!({ "p": { "S": "a" }, "c": { "S": "b" }, "x": { "S": "x".repeat(500_000) } }),
            "Item size has exceeded the maximum allowed size",
        ),
    ];
    for (item, expected) in cases {
        assert_eq!(
            world.err(DYNAMODB, "PutItem", put(item)).await,
            ("ValidationException".to_owned(), expected.to_owned())
        );
    }
    let got = world
        .err(
            DYNAMODB,
            "GetItem",
            json!({ "TableName": "tab", "Key": { "p": { "S": "a" } } }),
        )
        .await;
    assert_eq!(got.1, "The provided key element does not match the schema");
}

#[tokio::test]
async fn batches_write_and_read() {
    let world = bench().await;
    let requests: Vec<_> = (0..25)
        .map(|n| json!({ "PutRequest": { "Item": key("a", &n.to_string()) } }))
        .collect();
    let wrote = world
        .ok(
            DYNAMODB,
            "BatchWriteItem",
            json!({ "RequestItems": { "tab": requests }, "ReturnConsumedCapacity": "TOTAL" }),
        )
        .await;
    assert_eq!(
        wrote,
        json!({ "UnprocessedItems": {}, "ConsumedCapacity": [{ "TableName": "tab", "CapacityUnits": 25.0 }] })
    );
    let keys = json!({ "tab": { "Keys": [key("a", "1"), key("a", "none")], "ConsistentRead": true } });
    let got = world
        .ok(DYNAMODB, "BatchGetItem", json!({ "RequestItems": keys }))
        .await;
    assert_eq!(
        got,
        json!({ "Responses": { "tab": [key("a", "1")] }, "UnprocessedKeys": {} })
    );
    let twice = json!({ "tab": { "Keys": [key("a", "1"), key("a", "1")] } });
    assert_eq!(
        world
            .err(DYNAMODB, "BatchGetItem", json!({ "RequestItems": twice }))
            .await
            .1,
        "Provided list of item keys contains duplicates"
    );
}
