use crate::{DYNAMODB, bench, key};
use serde_json::{Value as Json, json};
use std::time::Duration;

fn put(p: &str, c: &str) -> Json {
    json!({ "Put": { "TableName": "tab", "Item": key(p, c) } })
}

#[tokio::test]
async fn all_or_nothing_with_reasons() {
    let world = bench().await;
    let check = json!({ "ConditionCheck": {
        "TableName": "tab", "Key": key("a", "missing"), "ConditionExpression": "attribute_exists(p)",
    } });
    let error = world
        .call(
            DYNAMODB,
            "TransactWriteItems",
            json!({ "TransactItems": [put("a", "b"), check] }),
        )
        .await
        .expect_err("the check fails");
    assert_eq!(error.code, "TransactionCanceledException");
    assert_eq!(
        error.message,
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]"
    );
    assert_eq!(
        error.details,
        [(
            "CancellationReasons".into(),
            json!([
                { "Code": "None" },
                { "Code": "ConditionalCheckFailed", "Message": "The conditional request failed" },
            ])
        )]
    );
    let got = world
        .ok(DYNAMODB, "GetItem", json!({ "TableName": "tab", "Key": key("a", "b") }))
        .await;
    assert_eq!(got, json!({}), "nothing was written");
    let twice = json!({ "TransactItems": [put("a", "b"), put("a", "b")] });
    assert_eq!(
        world.err(DYNAMODB, "TransactWriteItems", twice).await.1,
        "Transaction request cannot include multiple operations on one item"
    );
    world
        .ok(
            DYNAMODB,
            "TransactWriteItems",
            json!({ "TransactItems": [put("a", "b"), put("a", "c")] }),
        )
        .await;
    let get = |c: &str| json!({ "Get": { "TableName": "tab", "Key": key("a", c) } });
    let got = world
        .ok(
            DYNAMODB,
            "TransactGetItems",
            json!({ "TransactItems": [get("c"), get("none")], "ReturnConsumedCapacity": "TOTAL" }),
        )
        .await;
    assert_eq!(
        got,
        json!({
            "Responses": [{ "Item": key("a", "c") }, {}],
            "ConsumedCapacity": [{ "TableName": "tab", "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0 }],
        })
    );
}

#[tokio::test]
async fn a_token_holds_for_ten_minutes() {
    let world = bench().await;
    let add = |value: &str| {
        json!({ "ClientRequestToken": "once", "TransactItems": [{ "Update": {
            "TableName": "tab", "Key": key("a", "b"), "UpdateExpression": "ADD n :n",
            "ExpressionAttributeValues": { ":n": { "N": value } },
        } }] })
    };
    world.ok(DYNAMODB, "TransactWriteItems", add("1")).await;
    world.ok(DYNAMODB, "TransactWriteItems", add("1")).await;
    let n = async || {
        let got = world
            .ok(DYNAMODB, "GetItem", json!({ "TableName": "tab", "Key": key("a", "b") }))
            .await;
        got["Item"]["n"]["N"].clone()
    };
    assert_eq!(n().await, "1");
    assert_eq!(
        world.err(DYNAMODB, "TransactWriteItems", add("2")).await.0,
        "IdempotentParameterMismatchException"
    );
    world.pass(Duration::from_secs(600)).await;
    world.ok(DYNAMODB, "TransactWriteItems", add("2")).await;
    assert_eq!(n().await, "3");
}
