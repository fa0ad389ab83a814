//! Capacity that runs out, where the setting asks for it.

use crate::{DYNAMODB, key};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::time::Duration;
use virga_testkit::World;

const EXCEEDED: &str = "ProvisionedThroughputExceededException";
const OF_TABLE: &str = "The level of configured provisioned throughput for the table was exceeded. Consider increasing your \
                        provisioning level with the UpdateTable API.";

/// A table of five units of each kind, with an index of two of each.
async fn world() -> World {
    let settings = BTreeMap::from([("throttle".to_owned(), "true".to_owned())]);
    let world = World::with_settings(
        vec![virga_dynamodb::service()],
        BTreeMap::from([("dynamodb".to_owned(), settings)]),
    );
    let units = |units: i64| json!({ "ReadCapacityUnits": units, "WriteCapacityUnits": units });
    let mut table = crate::definition("tab");
    table["BillingMode"] = json!("PROVISIONED");
    table["ProvisionedThroughput"] = units(5);
    world.ok(DYNAMODB, "CreateTable", table.clone()).await;
    table["TableName"] = json!("indexed");
    table["AttributeDefinitions"]
        .as_array_mut()
        .expect("a list")
        .push(json!({ "AttributeName": "i", "AttributeType": "S" }));
    table["GlobalSecondaryIndexes"] = json!([{
        "IndexName": "by_i",
        "KeySchema": [{ "AttributeName": "i", "KeyType": "HASH" }],
        "Projection": { "ProjectionType": "ALL" },
        "ProvisionedThroughput": units(2),
    }]);
    world.ok(DYNAMODB, "CreateTable", table).await;
    world
}

fn put(name: &str, c: &str) -> Json {
    json!({ "TableName": name, "Item": { "p": { "S": "a" }, "c": { "S": c }, "i": { "S": "x" } } })
}

#[tokio::test]
async fn writes_beyond_the_capacity_are_refused_until_time_has_passed() {
    let world = world().await;
    for number in 0..5 {
        world.ok(DYNAMODB, "PutItem", put("tab", &number.to_string())).await;
    }
    let error = world
        .call(DYNAMODB, "PutItem", put("tab", "5"))
        .await
        .expect_err("the capacity is used up");
    assert_eq!((error.code.as_ref(), error.message.as_str()), (EXCEEDED, OF_TABLE));
    let (member, reasons) = &error.details[0];
    assert_eq!(member, "ThrottlingReasons");
    assert_eq!(
        *reasons,
        json!([{
            "reason": "TableWriteProvisionedThroughputExceeded",
            "resource": "arn:aws:dynamodb:us-east-1:000000000000:table/tab",
        }])
    );
    let scan = json!({ "TableName": "tab", "Select": "COUNT" });
    assert_eq!(world.ok(DYNAMODB, "Scan", scan).await["Count"], 5);
    world.pass(Duration::from_secs(1)).await;
    for number in 0..5 {
        world.ok(DYNAMODB, "PutItem", put("tab", &number.to_string())).await;
    }
    assert_eq!(world.err(DYNAMODB, "PutItem", put("tab", "5")).await.0, EXCEEDED);
}

#[tokio::test]
async fn unused_capacity_is_kept_for_five_minutes() {
    let world = world().await;
    world.pass(Duration::from_secs(3600)).await;
    // 1,500 units are kept, and each write takes 301 of them.
    for p in ["a", "b", "c", "d", "e"] {
        world.ok(DYNAMODB, "PutItem", put_large("tab", p, "c")).await;
    }
    assert_eq!(
        world.err(DYNAMODB, "PutItem", put_large("tab", "f", "c")).await.0,
        EXCEEDED
    );
}

/// A write of 301 units.
fn put_large(name: &str, p: &str, c: &str) -> Json {
    let x = "x".repeat(300 * 1024);
    json!({ "TableName": name, "Item": { "p": { "S": p }, "c": { "S": c }, "x": { "S": x } } })
}

/// A table on demand of which one partition key has just been written as much as it bears.
async fn hot() -> World {
    let world = world().await;
    world.ok(DYNAMODB, "CreateTable", crate::definition("hot")).await;
    for c in ["a", "b", "c", "d"] {
        world.ok(DYNAMODB, "PutItem", put_large("hot", "a", c)).await;
    }
    world
}

#[tokio::test]
async fn one_partition_key_bears_a_thousand_units_written_in_a_second() {
    let world = hot().await;
    let error = world
        .call(DYNAMODB, "PutItem", put("hot", "e"))
        .await
        .expect_err("the partition key is hot");
    assert_eq!(error.code, "ThrottlingException");
    assert_eq!(
        error.message,
        "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or \
         index so please try again shortly. If exceptions persist, check if you have a hot key: \
         https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html"
    );
    let (member, reasons) = &error.details[0];
    assert_eq!(member, "throttlingReasons");
    assert_eq!(
        *reasons,
        json!([{
            "reason": "TableWriteKeyRangeThroughputExceeded",
            "resource": "arn:aws:dynamodb:us-east-1:000000000000:table/hot",
        }])
    );
    world.ok(DYNAMODB, "PutItem", put_large("hot", "b", "a")).await;
    let get = json!({ "TableName": "hot", "Key": key("a", "a") });
    world.ok(DYNAMODB, "GetItem", get).await;
    world.pass(Duration::from_secs(1)).await;
    world.ok(DYNAMODB, "PutItem", put("hot", "e")).await;
}

#[tokio::test]
async fn a_hot_partition_key_keeps_back_its_own_of_a_batch_and_all_of_a_transaction() {
    let world = hot().await;
    let item = |p: &str| json!({ "p": { "S": p }, "c": { "S": "z" } });
    let request = |p: &str| json!({ "PutRequest": { "Item": item(p) } });
    let batch = json!({ "RequestItems": { "hot": [request("a"), request("b")] } });
    let done = world.ok(DYNAMODB, "BatchWriteItem", batch).await;
    assert_eq!(done["UnprocessedItems"], json!({ "hot": [request("a")] }));
    let action = |p: &str| json!({ "Put": { "TableName": "hot", "Item": item(p) } });
    let transaction = json!({ "TransactItems": [action("b"), action("a")] });
    let (code, message) = world.err(DYNAMODB, "TransactWriteItems", transaction).await;
    assert_eq!(code, "TransactionCanceledException");
    assert!(message.contains("[None, ThrottlingError]"), "{message}");
}

#[tokio::test]
async fn queries_read_three_thousand_units_of_a_partition_key_in_a_second() {
    let world = hot().await;
    let query = |p: &str| {
        json!({
            "TableName": "hot",
            "ConsistentRead": true,
            "Select": "COUNT",
            "KeyConditionExpression": "p = :p",
            "ExpressionAttributeValues": { ":p": { "S": p } },
        })
    };
    // Each reads three or four items of 75 units.
    let mut pages = 0;
    let error = loop {
        match world.call(DYNAMODB, "Query", query("a")).await {
            Ok(_) => pages += 1,
            Err(error) => break error,
        }
    };
    assert!((10..=14).contains(&pages), "{pages}");
    assert_eq!(error.code, "ThrottlingException");
    assert_eq!(error.details[0].1[0]["reason"], "TableReadKeyRangeThroughputExceeded");
    world.ok(DYNAMODB, "Query", query("b")).await;
}

#[tokio::test]
async fn reads_are_paid_as_they_are_asked() {
    let world = world().await;
    let get = |consistent: bool| json!({ "TableName": "tab", "Key": key("a", "b"), "ConsistentRead": consistent });
    for _ in 0..4 {
        world.ok(DYNAMODB, "GetItem", get(true)).await;
    }
    for _ in 0..2 {
        world.ok(DYNAMODB, "GetItem", get(false)).await;
    }
    assert_eq!(world.err(DYNAMODB, "GetItem", get(false)).await.0, EXCEEDED);
    // Writes have a capacity of their own.
    world.ok(DYNAMODB, "PutItem", put("tab", "b")).await;
}

#[tokio::test]
async fn what_is_told_of_capacity_is_what_was_asked() {
    let world = world().await;
    let mut input = put("indexed", "a");
    assert_eq!(world.ok(DYNAMODB, "PutItem", input.clone()).await, json!({}));
    input["ReturnConsumedCapacity"] = json!("TOTAL");
    assert_eq!(
        world.ok(DYNAMODB, "PutItem", input).await["ConsumedCapacity"],
        json!({ "TableName": "indexed", "CapacityUnits": 1.0 })
    );
}

#[tokio::test]
async fn an_index_holds_up_its_table() {
    let world = world().await;
    for c in ["a", "b"] {
        world.ok(DYNAMODB, "PutItem", put("indexed", c)).await;
    }
    let (code, message) = world.err(DYNAMODB, "PutItem", put("indexed", "c")).await;
    assert_eq!(code, EXCEEDED);
    assert!(message.contains("for one or more global secondary indexes of the table was exceeded"));
    let query = json!({
        "TableName": "indexed",
        "IndexName": "by_i",
        "KeyConditionExpression": "i = :i",
        "ExpressionAttributeValues": { ":i": { "S": "x" } },
    });
    for _ in 0..4 {
        assert_eq!(world.ok(DYNAMODB, "Query", query.clone()).await["Count"], 2);
    }
    assert_eq!(world.err(DYNAMODB, "Query", query).await.0, EXCEEDED);
    let get = json!({ "TableName": "indexed", "Key": key("a", "a") });
    assert_eq!(world.ok(DYNAMODB, "GetItem", get).await["Item"]["c"]["S"], "a");
}

#[tokio::test]
async fn batches_leave_what_there_is_no_room_for() {
    let world = world().await;
    let puts: Vec<Json> = (0..8)
        .map(|number| json!({ "PutRequest": { "Item": put("tab", &number.to_string())["Item"] } }))
        .collect();
    let write = json!({ "RequestItems": { "tab": puts } });
    let written = world.ok(DYNAMODB, "BatchWriteItem", write.clone()).await;
    assert_eq!(written["UnprocessedItems"]["tab"].as_array().map(Vec::len), Some(3));
    assert_eq!(written.get("ConsumedCapacity"), None);
    assert_eq!(world.err(DYNAMODB, "BatchWriteItem", write).await.0, EXCEEDED);
    let keys: Vec<Json> = (0..20).map(|number| key("a", &number.to_string())).collect();
    let read = json!({ "RequestItems": { "tab": { "Keys": keys, "ProjectionExpression": "c" } } });
    let found = world.ok(DYNAMODB, "BatchGetItem", read).await;
    assert_eq!(found["Responses"]["tab"].as_array().map(Vec::len), Some(5));
    let left = &found["UnprocessedKeys"]["tab"];
    assert_eq!(left["Keys"].as_array().map(Vec::len), Some(10));
    assert_eq!(left["ProjectionExpression"], "c");
}

#[tokio::test]
async fn transactions_say_which_action_was_too_much() {
    let world = world().await;
    let transact = |c: &str| json!({ "TransactItems": [{ "Put": put("tab", c) }, { "Put": put("indexed", c) }] });
    // Each action takes two units, of the index, too.
    world.ok(DYNAMODB, "TransactWriteItems", transact("a")).await;
    let error = world
        .call(DYNAMODB, "TransactWriteItems", transact("b"))
        .await
        .expect_err("the index has nothing left");
    assert_eq!(error.code, "TransactionCanceledException");
    assert!(error.message.ends_with("[None, ProvisionedThroughputExceeded]"));
    let get = json!({ "TableName": "tab", "Key": key("a", "b") });
    assert_eq!(world.ok(DYNAMODB, "GetItem", get).await, json!({}));
}

#[tokio::test]
async fn statements_pay_like_all_others() {
    let world = world().await;
    let insert = |c: usize| json!({ "Statement": format!("INSERT INTO tab VALUE {{'p': 'a', 'c': '{c}'}}") });
    for number in 0..5 {
        world.ok(DYNAMODB, "ExecuteStatement", insert(number)).await;
    }
    assert_eq!(world.err(DYNAMODB, "ExecuteStatement", insert(5)).await.0, EXCEEDED);
    let batch = json!({ "Statements": [insert(5), { "Statement": "INSERT INTO indexed VALUE {'p': 'a', 'c': 'b'}" }] });
    let answered = world.ok(DYNAMODB, "BatchExecuteStatement", batch).await;
    assert_eq!(
        answered["Responses"][0]["Error"]["Code"],
        "ProvisionedThroughputExceeded"
    );
    assert_eq!(answered["Responses"][1], json!({ "TableName": "indexed" }));
    let transaction = json!({ "TransactStatements": [insert(6)] });
    let (code, _) = world.err(DYNAMODB, "ExecuteTransaction", transaction).await;
    assert_eq!(code, "TransactionCanceledException");
}

#[tokio::test]
async fn tables_on_demand_have_a_bound_where_it_was_set() {
    let world = world().await;
    let mut table = crate::definition("bound");
    table["OnDemandThroughput"] = json!({ "MaxReadRequestUnits": -1, "MaxWriteRequestUnits": 1 });
    world.ok(DYNAMODB, "CreateTable", table).await;
    world.ok(DYNAMODB, "PutItem", put("bound", "a")).await;
    let (code, message) = world.err(DYNAMODB, "PutItem", put("bound", "b")).await;
    assert_eq!(code, "ThrottlingException");
    assert_eq!(
        message,
        "Throughput exceeds the maximum OnDemandThroughput configured on table or index"
    );
    for _ in 0..20 {
        let get = json!({ "TableName": "bound", "Key": key("a", "a"), "ConsistentRead": true });
        world.ok(DYNAMODB, "GetItem", get).await;
    }
}

#[tokio::test]
async fn more_capacity_helps_and_a_failed_condition_costs() {
    let world = world().await;
    world.ok(DYNAMODB, "PutItem", put("tab", "a")).await;
    let mut input = put("tab", "a");
    input["ConditionExpression"] = json!("attribute_not_exists(p)");
    for _ in 0..4 {
        let (code, _) = world.err(DYNAMODB, "PutItem", input.clone()).await;
        assert_eq!(code, "ConditionalCheckFailedException");
    }
    assert_eq!(world.err(DYNAMODB, "PutItem", input).await.0, EXCEEDED);
    let units = json!({ "ReadCapacityUnits": 5, "WriteCapacityUnits": 50 });
    let update = json!({ "TableName": "tab", "ProvisionedThroughput": units });
    world.ok(DYNAMODB, "UpdateTable", update).await;
    world.pass(Duration::from_secs(1)).await;
    for number in 0..50 {
        world.ok(DYNAMODB, "PutItem", put("tab", &number.to_string())).await;
    }
    assert_eq!(world.err(DYNAMODB, "PutItem", put("tab", "x")).await.0, EXCEEDED);
}
