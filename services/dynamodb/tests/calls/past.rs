//! Reads that lag behind, where settings ask for it.

use crate::{DYNAMODB, key};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::time::Duration;
use virga_testkit::World;

/// A world with the table `tab`, whose items are in an index by their sort key, too.
async fn world(read_lag_ms: u32, index_lag_ms: u32) -> World {
    let settings = BTreeMap::from([
        ("read_lag_ms".to_owned(), read_lag_ms.to_string()),
        ("index_lag_ms".to_owned(), index_lag_ms.to_string()),
    ]);
    let world = World::with_settings(
        vec![virga_dynamodb::service()],
        BTreeMap::from([("dynamodb".to_owned(), settings)]),
    );
    let mut table = crate::definition("tab");
    table["GlobalSecondaryIndexes"] = json!([{
        "IndexName": "by_c",
        "KeySchema": [{ "AttributeName": "c", "KeyType": "HASH" }],
        "Projection": { "ProjectionType": "ALL" },
    }]);
    world.ok(DYNAMODB, "CreateTable", table).await;
    world
}

async fn put(world: &World, c: &str, n: i64) {
    let mut item = key("a", c);
    item["n"] = json!({ "N": n.to_string() });
    world
        .ok(DYNAMODB, "PutItem", json!({ "TableName": "tab", "Item": item }))
        .await;
}

/// What GetItem sees of an item's number.
async fn got(world: &World, c: &str, consistent: bool) -> Option<String> {
    let input = json!({ "TableName": "tab", "Key": key("a", c), "ConsistentRead": consistent });
    let answer = world.ok(DYNAMODB, "GetItem", input).await;
    answer["Item"]["n"]["N"].as_str().map(str::to_owned)
}

fn numbers(answer: &Json) -> Vec<&str> {
    let items = answer["Items"].as_array().expect("items");
    items.iter().filter_map(|item| item["n"]["N"].as_str()).collect()
}

async fn pass(world: &World, millis: u64) {
    world.pass(Duration::from_millis(millis)).await;
}

#[tokio::test]
async fn eventually_consistent_reads_see_what_was() {
    let world = world(1000, 0).await;
    put(&world, "b", 1).await;
    assert_eq!(got(&world, "b", false).await, None);
    assert_eq!(got(&world, "b", true).await.as_deref(), Some("1"));
    pass(&world, 999).await;
    assert_eq!(got(&world, "b", false).await, None);
    pass(&world, 1).await;
    assert_eq!(got(&world, "b", false).await.as_deref(), Some("1"));
    put(&world, "b", 2).await;
    pass(&world, 500).await;
    put(&world, "b", 3).await;
    assert_eq!(got(&world, "b", false).await.as_deref(), Some("1"));
    pass(&world, 500).await;
    assert_eq!(got(&world, "b", false).await.as_deref(), Some("2"));
    pass(&world, 500).await;
    assert_eq!(got(&world, "b", false).await.as_deref(), Some("3"));
    let delete = json!({ "TableName": "tab", "Key": key("a", "b") });
    world.ok(DYNAMODB, "DeleteItem", delete).await;
    assert_eq!(got(&world, "b", false).await.as_deref(), Some("3"));
    let keys = json!({ "RequestItems": { "tab": { "Keys": [key("a", "b")] } } });
    let batch = world.ok(DYNAMODB, "BatchGetItem", keys).await;
    assert_eq!(batch["Responses"]["tab"][0]["n"]["N"], "3");
    let transaction = json!({ "TransactItems": [{ "Get": { "TableName": "tab", "Key": key("a", "b") } }] });
    let answer = world.ok(DYNAMODB, "TransactGetItems", transaction).await;
    assert_eq!(answer["Responses"], json!([{}]));
}

#[tokio::test]
async fn pages_of_queries_and_scans_are_of_one_time() {
    let world = world(1000, 0).await;
    for (c, n) in [("b", 1), ("c", 2), ("d", 3)] {
        put(&world, c, n).await;
    }
    pass(&world, 2000).await;
    put(&world, "a", 0).await;
    put(&world, "c", 20).await;
    let delete = json!({ "TableName": "tab", "Key": key("a", "d") });
    world.ok(DYNAMODB, "DeleteItem", delete).await;
    let mut query = json!({
        "TableName": "tab",
        "KeyConditionExpression": "p = :p",
        "ExpressionAttributeValues": { ":p": { "S": "a" } },
    });
    assert_eq!(
        numbers(&world.ok(DYNAMODB, "Query", query.clone()).await),
        ["1", "2", "3"]
    );
    query["ScanIndexForward"] = json!(false);
    query["Limit"] = json!(2);
    let first = world.ok(DYNAMODB, "Query", query.clone()).await;
    assert_eq!(numbers(&first), ["3", "2"]);
    query["ExclusiveStartKey"] = first["LastEvaluatedKey"].clone();
    assert_eq!(numbers(&world.ok(DYNAMODB, "Query", query).await), ["1"]);
    let scan = json!({ "TableName": "tab" });
    assert_eq!(
        numbers(&world.ok(DYNAMODB, "Scan", scan.clone()).await),
        ["1", "2", "3"]
    );
    let consistent = json!({ "TableName": "tab", "ConsistentRead": true });
    assert_eq!(numbers(&world.ok(DYNAMODB, "Scan", consistent).await), ["0", "1", "20"]);
    let statement = json!({ "Statement": "SELECT * FROM tab WHERE p = 'a'" });
    let found = world.ok(DYNAMODB, "ExecuteStatement", statement).await;
    assert_eq!(numbers(&found), ["1", "2", "3"]);
    pass(&world, 1000).await;
    assert_eq!(numbers(&world.ok(DYNAMODB, "Scan", scan).await), ["0", "1", "20"]);
}

#[tokio::test]
async fn indexes_lag_by_themselves() {
    let world = world(0, 1000).await;
    put(&world, "b", 1).await;
    let query = json!({
        "TableName": "tab",
        "IndexName": "by_c",
        "KeyConditionExpression": "c = :c",
        "ExpressionAttributeValues": { ":c": { "S": "b" } },
    });
    assert_eq!(got(&world, "b", false).await.as_deref(), Some("1"));
    assert_eq!(world.ok(DYNAMODB, "Query", query.clone()).await["Count"], 0);
    pass(&world, 1000).await;
    assert_eq!(numbers(&world.ok(DYNAMODB, "Query", query.clone()).await), ["1"]);
    put(&world, "b", 2).await;
    assert_eq!(numbers(&world.ok(DYNAMODB, "Query", query.clone()).await), ["1"]);
    let delete = json!({ "TableName": "tab", "Key": key("a", "b") });
    world.ok(DYNAMODB, "DeleteItem", delete).await;
    assert_eq!(numbers(&world.ok(DYNAMODB, "Query", query.clone()).await), ["1"]);
    pass(&world, 1000).await;
    assert_eq!(world.ok(DYNAMODB, "Query", query).await["Count"], 0);
}

#[tokio::test]
async fn what_is_kept_for_that_is_no_recovery_and_is_forgotten() {
    let world = world(1000, 0).await;
    put(&world, "b", 1).await;
    let described = world
        .ok(DYNAMODB, "DescribeContinuousBackups", json!({ "TableName": "tab" }))
        .await;
    let recovery = &described["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"];
    assert_eq!(recovery["PointInTimeRecoveryStatus"], "DISABLED");
    for _ in 0..2 {
        pass(&world, 86_400_000).await;
        put(&world, "b", 2).await;
        assert!(got(&world, "b", false).await.is_some());
    }
    world.ok(DYNAMODB, "DeleteTable", json!({ "TableName": "tab" })).await;
    pass(&world, 1000).await;
    world.ok(DYNAMODB, "CreateTable", crate::definition("tab")).await;
    assert_eq!(got(&world, "b", false).await, None);
}
