use crate::{DYNAMODB, bench, definition, key, world};
use serde_json::{Value as Json, json};
use std::time::Duration;
use virga_testkit::World;

const STREAMS: &str = "dynamodbstreams";

/// A world with a table `tab` that writes a stream; answers its ARN and its shard.
async fn streaming(view: &str) -> (World, String, String) {
    let world = world();
    let mut table = definition("tab");
    table["StreamSpecification"] = json!({ "StreamEnabled": true, "StreamViewType": view });
    let created = world.ok(DYNAMODB, "CreateTable", table).await;
    let arn = created["TableDescription"]["LatestStreamArn"]
        .as_str()
        .expect("an ARN")
        .to_owned();
    let shard = shard(&world, &arn).await;
    (world, arn, shard)
}

async fn shard(world: &World, arn: &str) -> String {
    let described = world.ok(STREAMS, "DescribeStream", json!({ "StreamArn": arn })).await;
    described["StreamDescription"]["Shards"][0]["ShardId"]
        .as_str()
        .expect("a shard")
        .to_owned()
}

async fn put(world: &World, p: &str, n: u32) {
    let item = json!({ "p": { "S": p }, "c": { "S": "c" }, "n": { "N": n.to_string() } });
    world
        .ok(DYNAMODB, "PutItem", json!({ "TableName": "tab", "Item": item }))
        .await;
}

async fn iterator(world: &World, arn: &str, shard: &str, kind: &str, number: Option<&str>) -> Json {
    let mut input = json!({ "StreamArn": arn, "ShardId": shard, "ShardIteratorType": kind });
    if let Some(number) = number {
        input["SequenceNumber"] = json!(number);
    }
    world.ok(STREAMS, "GetShardIterator", input).await["ShardIterator"].clone()
}

async fn records(world: &World, iterator: &Json) -> Json {
    world
        .ok(STREAMS, "GetRecords", json!({ "ShardIterator": iterator }))
        .await
}

fn names(records: &Json) -> Vec<&str> {
    let records = records["Records"].as_array().expect("records");
    records
        .iter()
        .filter_map(|record| record["eventName"].as_str())
        .collect()
}

#[tokio::test]
async fn changes_are_read_in_order() {
    let (world, arn, shard) = streaming("NEW_AND_OLD_IMAGES").await;
    let latest = iterator(&world, &arn, &shard, "LATEST", None).await;
    put(&world, "a", 1).await;
    put(&world, "a", 2).await;
    // What changes nothing is no change.
    put(&world, "a", 2).await;
    world
        .ok(
            DYNAMODB,
            "DeleteItem",
            json!({ "TableName": "tab", "Key": key("a", "c") }),
        )
        .await;
    let read = records(&world, &latest).await;
    assert_eq!(names(&read), ["INSERT", "MODIFY", "REMOVE"]);
    let modify = &read["Records"][1];
    assert_eq!(modify["dynamodb"]["OldImage"]["n"], json!({ "N": "1" }));
    assert_eq!(modify["dynamodb"]["NewImage"]["n"], json!({ "N": "2" }));
    assert_eq!(modify["dynamodb"]["Keys"], key("a", "c"));
    assert_eq!(modify["dynamodb"]["StreamViewType"], "NEW_AND_OLD_IMAGES");
    assert_eq!(
        (&modify["eventVersion"], &modify["eventSource"]),
        (&json!("1.1"), &json!("aws:dynamodb"))
    );
    // Keys and both images, names and values.
    assert_eq!(modify["dynamodb"]["SizeBytes"], 4 + 2 * (4 + 3));
    assert_eq!(modify.get("userIdentity"), None);
    assert_eq!(read["Records"][0]["dynamodb"].get("OldImage"), None);
    assert_eq!(read["Records"][2]["dynamodb"].get("NewImage"), None);
    assert_eq!(names(&records(&world, &read["NextShardIterator"]).await), [""; 0]);

    let number = modify["dynamodb"]["SequenceNumber"].as_str();
    for (kind, expected) in [("AT_SEQUENCE_NUMBER", 2), ("AFTER_SEQUENCE_NUMBER", 1)] {
        let from = iterator(&world, &arn, &shard, kind, number).await;
        assert_eq!(names(&records(&world, &from).await).len(), expected, "{kind}");
    }
    let limited = json!({ "ShardIterator": iterator(&world, &arn, &shard, "TRIM_HORIZON", None).await, "Limit": 1 });
    let first = world.ok(STREAMS, "GetRecords", limited).await;
    assert_eq!(names(&first), ["INSERT"]);
    assert_eq!(
        names(&records(&world, &first["NextShardIterator"]).await),
        ["MODIFY", "REMOVE"]
    );
}

#[tokio::test]
async fn views_show_what_they_say() {
    for (view, new, old) in [
        ("KEYS_ONLY", false, false),
        ("NEW_IMAGE", true, false),
        ("OLD_IMAGE", false, true),
    ] {
        let (world, arn, shard) = streaming(view).await;
        put(&world, "a", 1).await;
        put(&world, "a", 2).await;
        let start = iterator(&world, &arn, &shard, "TRIM_HORIZON", None).await;
        let read = records(&world, &start).await;
        let change = &read["Records"][1]["dynamodb"];
        assert_eq!(change.get("NewImage").is_some(), new, "{view}");
        assert_eq!(change.get("OldImage").is_some(), old, "{view}");
    }
}

#[tokio::test]
async fn iterators_expire_and_records_are_trimmed() {
    let (world, arn, shard) = streaming("KEYS_ONLY").await;
    put(&world, "a", 1).await;
    let start = iterator(&world, &arn, &shard, "TRIM_HORIZON", None).await;
    let read = records(&world, &start).await;
    let number = read["Records"][0]["dynamodb"]["SequenceNumber"]
        .as_str()
        .map(str::to_owned);
    world.pass(Duration::from_secs(15 * 60)).await;
    let (code, _) = world
        .err(STREAMS, "GetRecords", json!({ "ShardIterator": start }))
        .await;
    assert_eq!(code, "ExpiredIteratorException");

    world.pass(Duration::from_secs(23 * 3600)).await;
    put(&world, "b", 1).await;
    world.pass(Duration::from_secs(3600)).await;
    let start = iterator(&world, &arn, &shard, "TRIM_HORIZON", None).await;
    let read = records(&world, &start).await;
    assert_eq!(read["Records"][0]["dynamodb"]["Keys"], key("b", "c"));
    assert_eq!(names(&read).len(), 1);
    let trimmed = json!({
        "StreamArn": arn, "ShardId": shard, "ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": number,
    });
    let (code, _) = world.err(STREAMS, "GetShardIterator", trimmed).await;
    assert_eq!(code, "TrimmedDataAccessException");
    world.pass(Duration::from_secs(86_400)).await;
    let start = iterator(&world, &arn, &shard, "TRIM_HORIZON", None).await;
    assert_eq!(names(&records(&world, &start).await), [""; 0]);
}

#[tokio::test]
async fn a_stream_outlives_its_table_by_a_day() {
    let (world, arn, shard) = streaming("KEYS_ONLY").await;
    put(&world, "a", 1).await;
    world.ok(DYNAMODB, "DeleteTable", json!({ "TableName": "tab" })).await;
    let described = world.ok(STREAMS, "DescribeStream", json!({ "StreamArn": arn })).await;
    let description = &described["StreamDescription"];
    assert_eq!(description["StreamStatus"], "DISABLED");
    assert!(description["Shards"][0]["SequenceNumberRange"]["EndingSequenceNumber"].is_string());
    let start = iterator(&world, &arn, &shard, "TRIM_HORIZON", None).await;
    let read = records(&world, &start).await;
    assert_eq!(names(&read), ["INSERT"]);
    assert_eq!(read.get("NextShardIterator"), None);
    world.pass(Duration::from_secs(86_400)).await;
    let (code, message) = world.err(STREAMS, "DescribeStream", json!({ "StreamArn": arn })).await;
    assert_eq!(code, "ResourceNotFoundException");
    assert_eq!(
        message,
        format!("Requested resource not found: Stream: {arn} not found")
    );
    let listed = world.ok(STREAMS, "ListStreams", json!({})).await;
    assert_eq!(listed["Streams"], json!([]));
}

#[tokio::test]
async fn streams_are_listed_by_pages() {
    let (world, arn, _) = streaming("KEYS_ONLY").await;
    let mut second = definition("uuu");
    second["TableName"] = json!("uuu");
    second["StreamSpecification"] = json!({ "StreamEnabled": true, "StreamViewType": "KEYS_ONLY" });
    world.ok(DYNAMODB, "CreateTable", second).await;
    let first = world.ok(STREAMS, "ListStreams", json!({ "Limit": 1 })).await;
    assert_eq!(first["Streams"][0]["StreamArn"], json!(arn));
    assert_eq!(first["LastEvaluatedStreamArn"], json!(arn));
    let rest = world
        .ok(STREAMS, "ListStreams", json!({ "ExclusiveStartStreamArn": arn }))
        .await;
    assert_eq!(rest["Streams"][0]["TableName"], "uuu");
    assert_eq!(rest.get("LastEvaluatedStreamArn"), None);
    let none = world
        .ok(STREAMS, "ListStreams", json!({ "TableName": "no-such-table" }))
        .await;
    assert_eq!(none["Streams"], json!([]));
}

#[tokio::test]
async fn bad_iterators_are_refused() {
    let (world, arn, shard) = streaming("KEYS_ONLY").await;
    let ask = |kind: &str, number: Option<&str>, shard: &str| {
        let mut input = json!({ "StreamArn": arn, "ShardId": shard, "ShardIteratorType": kind });
        if let Some(number) = number {
            input["SequenceNumber"] = json!(number);
        }
        input
    };
    for (input, code) in [
        (ask("AT_SEQUENCE_NUMBER", None, &shard), "ValidationException"),
        (
            ask("LATEST", Some("100000000000000000000"), &shard),
            "ValidationException",
        ),
        (
            ask("LATEST", None, "shardId-000000000000000000000-00000000"),
            "ResourceNotFoundException",
        ),
    ] {
        assert_eq!(world.err(STREAMS, "GetShardIterator", input).await.0, code);
    }
    let nonsense = json!({ "ShardIterator": "nonsense" });
    assert_eq!(
        world.err(STREAMS, "GetRecords", nonsense).await.0,
        "ValidationException"
    );
}

#[tokio::test]
async fn what_expires_is_deleted_in_the_services_name() {
    let (world, arn, shard) = streaming("NEW_AND_OLD_IMAGES").await;
    let start = virga_testkit::START_S;
    let item = |p: &str, expires: i64| {
        json!({ "TableName": "tab", "Item": {
            "p": { "S": p }, "c": { "S": "c" }, "expires": { "N": expires.to_string() },
        } })
    };
    world.ok(DYNAMODB, "PutItem", item("before", start + 60)).await;
    world
        .ok(
            DYNAMODB,
            "UpdateTimeToLive",
            json!({ "TableName": "tab", "TimeToLiveSpecification": { "AttributeName": "expires", "Enabled": true } }),
        )
        .await;
    world.ok(DYNAMODB, "PutItem", item("after", start + 120)).await;
    world.ok(DYNAMODB, "PutItem", item("moved", start + 120)).await;
    world.ok(DYNAMODB, "PutItem", item("moved", start + 9000)).await;
    // More than five years ago is taken for a mistake.
    world.ok(DYNAMODB, "PutItem", item("old", 162_777_600)).await;
    let text = json!({ "TableName": "tab", "Item": {
        "p": { "S": "text" }, "c": { "S": "c" }, "expires": { "S": (start + 60).to_string() },
    } });
    world.ok(DYNAMODB, "PutItem", text).await;
    let is_there = async |p: &str| {
        let got = world
            .ok(DYNAMODB, "GetItem", json!({ "TableName": "tab", "Key": key(p, "c") }))
            .await;
        got.get("Item").is_some()
    };
    world.pass(Duration::from_secs(59)).await;
    assert!(is_there("before").await);
    world.pass(Duration::from_secs(1)).await;
    assert!(!is_there("before").await && is_there("after").await);
    world.pass(Duration::from_secs(60)).await;
    assert!(!is_there("after").await);
    for p in ["moved", "old", "text"] {
        assert!(is_there(p).await, "{p}");
    }
    let from = iterator(&world, &arn, &shard, "TRIM_HORIZON", None).await;
    let read = records(&world, &from).await;
    let removed: Vec<&Json> = read["Records"]
        .as_array()
        .expect("records")
        .iter()
        .filter(|record| record["eventName"] == "REMOVE")
        .collect();
    assert_eq!(removed.len(), 2);
    for record in removed {
        assert_eq!(
            record["userIdentity"],
            json!({ "PrincipalId": "dynamodb.amazonaws.com", "Type": "Service" })
        );
    }
    world.pass(Duration::from_secs(9000)).await;
    assert!(!is_there("moved").await);
}

#[tokio::test]
async fn times_to_live_change_once_an_hour() {
    let world = bench().await;
    let set = |attribute: &str, enabled: bool| json!({ "TableName": "tab", "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": enabled } });
    let describe = async || {
        world
            .ok(DYNAMODB, "DescribeTimeToLive", json!({ "TableName": "tab" }))
            .await
    };
    assert_eq!(
        describe().await["TimeToLiveDescription"],
        json!({ "TimeToLiveStatus": "DISABLED" })
    );
    let refused = async |input: Json| world.err(DYNAMODB, "UpdateTimeToLive", input).await.1;
    assert_eq!(refused(set("a", false)).await, "TimeToLive is already disabled");
    world.ok(DYNAMODB, "UpdateTimeToLive", set("a", true)).await;
    assert_eq!(
        describe().await["TimeToLiveDescription"],
        json!({ "TimeToLiveStatus": "ENABLED", "AttributeName": "a" })
    );
    assert_eq!(refused(set("a", true)).await, "TimeToLive is already enabled");
    assert_eq!(
        refused(set("b", false)).await,
        "TimeToLive is active on a different AttributeName: current AttributeName is a"
    );
    assert_eq!(
        refused(set("a", false)).await,
        "Time to live has been modified multiple times within a fixed interval"
    );
    world.pass(Duration::from_secs(3600)).await;
    world.ok(DYNAMODB, "UpdateTimeToLive", set("a", false)).await;
    assert_eq!(
        describe().await["TimeToLiveDescription"],
        json!({ "TimeToLiveStatus": "DISABLED" })
    );
}
