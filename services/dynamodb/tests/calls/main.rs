//! DynamoDB through the call door, on a clock that moves only by hand.

mod features;
mod items;
mod past;
mod queries;
mod reach;
mod statements;
mod streams;
mod tables;
mod throttle;
mod transactions;

use serde_json::{Value as Json, json};
use virga_testkit::World;

const DYNAMODB: &str = "dynamodb";

fn world() -> World {
    World::new(vec![
        virga_dynamodb::service(),
        virga_dynamodb::dynamodbstreams::service(),
    ])
}

/// A world with a table `t` of partition key `p` and sort key `c`, both strings.
async fn bench() -> World {
    let world = world();
    world.ok(DYNAMODB, "CreateTable", definition("tab")).await;
    world
}

fn definition(name: &str) -> Json {
    json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            { "AttributeName": "p", "AttributeType": "S" },
            { "AttributeName": "c", "AttributeType": "S" },
        ],
        "KeySchema": [
            { "AttributeName": "p", "KeyType": "HASH" },
            { "AttributeName": "c", "KeyType": "RANGE" },
        ],
    })
}

fn key(p: &str, c: &str) -> Json {
    json!({ "p": { "S": p }, "c": { "S": c } })
}
