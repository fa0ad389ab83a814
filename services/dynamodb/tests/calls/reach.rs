//! Tables of other accounts, by their ARNs.

use crate::{DYNAMODB, bench, key};
use serde_json::{Value as Json, json};
use virga_testkit::World;

const ARN: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/tab";

async fn allow(world: &World, actions: Json, resource: &str) {
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "AWS": "arn:aws:iam::111111111111:root" },
            "Action": actions,
            "Resource": resource,
        }],
    });
    let input = json!({ "ResourceArn": ARN, "Policy": policy.to_string() });
    world.ok(DYNAMODB, "PutResourcePolicy", input).await;
}

fn put(c: &str) -> Json {
    json!({ "TableName": ARN, "Item": key("a", c) })
}

#[tokio::test]
async fn a_policy_lets_another_account_in() {
    let world = bench().await;
    let other = world.as_account(111_111_111_111);
    let (code, message) = other.err(DYNAMODB, "PutItem", put("b")).await;
    assert_eq!(code, "AccessDeniedException");
    assert_eq!(
        message,
        format!(
            "User: arn:aws:iam::111111111111:root is not authorized to perform: dynamodb:PutItem on resource: {ARN} \
             because no resource-based policy allows the dynamodb:PutItem action"
        )
    );
    allow(
        &world,
        json!(["dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:DescribeTable"]),
        ARN,
    )
    .await;
    other.ok(DYNAMODB, "PutItem", put("b")).await;
    let get = json!({ "TableName": "tab", "Key": key("a", "b") });
    assert_eq!(world.ok(DYNAMODB, "GetItem", get.clone()).await["Item"], key("a", "b"));
    // The name alone is still the caller's own.
    assert_eq!(other.err(DYNAMODB, "GetItem", get).await.0, "ResourceNotFoundException");
    let described = other.ok(DYNAMODB, "DescribeTable", json!({ "TableName": ARN })).await;
    assert_eq!(described["Table"]["TableArn"], ARN);
    let (code, _) = other.err(DYNAMODB, "DeleteTable", json!({ "TableName": ARN })).await;
    assert_eq!(code, "AccessDeniedException");
    let third = world.as_account(222_222_222_222);
    assert_eq!(
        third.err(DYNAMODB, "PutItem", put("b")).await.0,
        "AccessDeniedException"
    );
}

#[tokio::test]
async fn batches_transactions_and_statements_reach_as_far() {
    let world = bench().await;
    let other = world.as_account(111_111_111_111);
    allow(&world, json!("dynamodb:*"), ARN).await;
    let request = json!([{ "PutRequest": { "Item": key("a", "1") } }]);
    let written = other
        .ok(DYNAMODB, "BatchWriteItem", json!({ "RequestItems": { ARN: request } }))
        .await;
    assert_eq!(written["UnprocessedItems"], json!({}));
    let transaction = json!({ "TransactItems": [{ "Put": put("2") }, { "Put": put("3") }] });
    other.ok(DYNAMODB, "TransactWriteItems", transaction).await;
    let statement = format!("SELECT c FROM \"{ARN}\" WHERE p = 'a'");
    let found = other
        .ok(DYNAMODB, "ExecuteStatement", json!({ "Statement": statement }))
        .await;
    assert_eq!(found["Items"].as_array().map(Vec::len), Some(3));
    let query = json!({
        "TableName": ARN,
        "KeyConditionExpression": "p = :p",
        "ExpressionAttributeValues": { ":p": { "S": "a" } },
    });
    assert_eq!(other.ok(DYNAMODB, "Query", query).await["Count"], 3);
    // Tables of two accounts do not go together.
    let mixed =
        json!({ "TransactItems": [{ "Put": put("4") }, { "Put": { "TableName": "own", "Item": key("a", "b") } }] });
    let (code, _) = other.err(DYNAMODB, "TransactWriteItems", mixed).await;
    assert_eq!(code, "ResourceNotFoundException");
}

#[tokio::test]
async fn an_index_is_a_resource_of_its_own() {
    let world = bench().await;
    let other = world.as_account(111_111_111_111);
    let create = json!({
        "TableName": "tab",
        "AttributeDefinitions": [{ "AttributeName": "c", "AttributeType": "S" }],
        "GlobalSecondaryIndexUpdates": [{ "Create": {
            "IndexName": "by_c",
            "KeySchema": [{ "AttributeName": "c", "KeyType": "HASH" }],
            "Projection": { "ProjectionType": "ALL" },
        } }],
    });
    world.ok(DYNAMODB, "UpdateTable", create).await;
    let query = json!({
        "TableName": ARN,
        "IndexName": "by_c",
        "KeyConditionExpression": "c = :c",
        "ExpressionAttributeValues": { ":c": { "S": "b" } },
    });
    allow(&world, json!("dynamodb:Query"), ARN).await;
    let (code, message) = other.err(DYNAMODB, "Query", query.clone()).await;
    assert_eq!(code, "AccessDeniedException");
    assert!(message.contains("table/tab/index/by_c "));
    allow(&world, json!("dynamodb:Query"), &format!("{ARN}/index/*")).await;
    assert_eq!(other.ok(DYNAMODB, "Query", query).await["Count"], 0);
}
