use crate::{DYNAMODB, bench, key};
use serde_json::{Value as Json, json};
use virga_testkit::World;

async fn filled() -> World {
    let world = bench().await;
    for n in 0..10 {
        let mut item = key("a", &format!("s{n}"));
        item["n"] = json!({ "N": n.to_string() });
        world
            .ok(DYNAMODB, "PutItem", json!({ "TableName": "tab", "Item": item }))
            .await;
    }
    world
        .ok(
            DYNAMODB,
            "PutItem",
            json!({ "TableName": "tab", "Item": key("b", "s5") }),
        )
        .await;
    world
}

fn query(condition: &str, values: Json) -> Json {
    json!({ "TableName": "tab", "KeyConditionExpression": condition, "ExpressionAttributeValues": values })
}

fn sorts(answer: &Json) -> Vec<&str> {
    answer["Items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item["c"]["S"].as_str())
        .collect()
}

#[tokio::test]
async fn a_query_is_a_range_of_sort_keys() {
    let world = filled().await;
    let cases = [
        ("p = :p AND c = :x", vec!["s3"]),
        ("p = :p AND c < :x", vec!["s0", "s1", "s2"]),
        ("p = :p AND c <= :x", vec!["s0", "s1", "s2", "s3"]),
        ("p = :p AND c > :y", vec!["s8", "s9"]),
        ("p = :p AND c >= :y", vec!["s7", "s8", "s9"]),
        ("p = :p AND c BETWEEN :x AND :y", vec!["s3", "s4", "s5", "s6", "s7"]),
        ("p = :p AND begins_with(c, :x)", vec!["s3"]),
    ];
    for (condition, expected) in cases {
        let mut values = json!({ ":p": { "S": "a" } });
        for (name, value) in [(":x", "s3"), (":y", "s7")] {
            if condition.contains(name) {
                values[name] = json!({ "S": value });
            }
        }
        let mut input = query(condition, values);
        let found = world.ok(DYNAMODB, "Query", input.clone()).await;
        assert_eq!(sorts(&found), expected, "{condition}");
        input["ScanIndexForward"] = json!(false);
        let found = world.ok(DYNAMODB, "Query", input).await;
        let backward: Vec<&str> = expected.into_iter().rev().collect();
        assert_eq!(sorts(&found), backward, "{condition}, backward");
    }
}

#[tokio::test]
async fn pages_follow_each_other_in_both_directions() {
    let world = filled().await;
    for forward in [true, false] {
        let mut input = query("p = :p", json!({ ":p": { "S": "a" } }));
        input["Limit"] = json!(3);
        input["ScanIndexForward"] = json!(forward);
        let mut all = Vec::new();
        loop {
            let page = world.ok(DYNAMODB, "Query", input.clone()).await;
            all.extend(sorts(&page).into_iter().map(str::to_owned));
            match page.get("LastEvaluatedKey") {
                Some(last) => input["ExclusiveStartKey"] = last.clone(),
                None => break,
            }
        }
        let mut expected: Vec<String> = (0..10).map(|n| format!("s{n}")).collect();
        if !forward {
            expected.reverse();
        }
        assert_eq!(all, expected);
    }
}

#[tokio::test]
async fn a_filter_counts_what_it_looks_at() {
    let world = filled().await;
    let mut input = query("p = :p", json!({ ":p": { "S": "a" }, ":n": { "N": "7" } }));
    input["FilterExpression"] = json!("n > :n");
    input["Select"] = json!("COUNT");
    let counted = world.ok(DYNAMODB, "Query", input).await;
    assert_eq!(counted, json!({ "Count": 2, "ScannedCount": 10 }));
    let mut input = query("p = :p", json!({ ":p": { "S": "a" } }));
    input["FilterExpression"] = json!("c > :p");
    assert_eq!(
        world.err(DYNAMODB, "Query", input).await.1,
        "Filter Expression can only contain non-primary key attributes: Primary key attribute: c"
    );
}

#[tokio::test]
async fn segments_of_a_scan_have_each_item_once() {
    let world = filled().await;
    let mut found = Vec::new();
    for segment in 0..4 {
        let scan = json!({ "TableName": "tab", "Segment": segment, "TotalSegments": 4 });
        let page = world.ok(DYNAMODB, "Scan", scan).await;
        found.extend(page["Items"].as_array().into_iter().flatten().map(Json::to_string));
    }
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 11);
}

#[tokio::test]
async fn a_start_key_must_lie_in_the_query() {
    let world = filled().await;
    let cases = [
        (
            key("b", "s5"),
            "The provided starting key is outside query boundaries based on provided conditions",
        ),
        (json!({ "p": { "S": "a" } }), "The provided starting key is invalid"),
        (
            key("a", "s9"),
            "The provided starting key does not match the range key predicate",
        ),
    ];
    for (start, expected) in cases {
        let mut input = query("p = :p AND c < :c", json!({ ":p": { "S": "a" }, ":c": { "S": "s5" } }));
        input["ExclusiveStartKey"] = start;
        assert_eq!(world.err(DYNAMODB, "Query", input).await.1, expected);
    }
}

#[tokio::test]
async fn an_index_shows_what_it_holds_in_its_own_order() {
    let world = filled().await;
    let update = json!({
        "TableName": "tab",
        "AttributeDefinitions": [{ "AttributeName": "c", "AttributeType": "S" }, { "AttributeName": "n", "AttributeType": "N" }],
        "GlobalSecondaryIndexUpdates": [{ "Create": {
            "IndexName": "byn",
            "KeySchema": [{ "AttributeName": "c", "KeyType": "HASH" }, { "AttributeName": "n", "KeyType": "RANGE" }],
            "Projection": { "ProjectionType": "KEYS_ONLY" },
        } }],
    });
    world.ok(DYNAMODB, "UpdateTable", update).await;
    for (p, n) in [("x", "-3"), ("y", "1e5"), ("z", "2")] {
        let mut item = key(p, "s5");
        item["n"] = json!({ "N": n });
        item["other"] = json!({ "S": "unseen" });
        world
            .ok(DYNAMODB, "PutItem", json!({ "TableName": "tab", "Item": item }))
            .await;
    }
    let mut input = query("c = :c", json!({ ":c": { "S": "s5" } }));
    input["IndexName"] = json!("byn");
    input["Limit"] = json!(3);
    input["ReturnConsumedCapacity"] = json!("INDEXES");
    let page = world.ok(DYNAMODB, "Query", input.clone()).await;
    let numbers = |page: &Json| -> Vec<String> {
        let items = page["Items"].as_array().into_iter().flatten();
        items
            .filter_map(|item| item["n"]["N"].as_str())
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(numbers(&page), ["-3", "2", "5"]);
    assert_eq!(page["Items"][0].get("other"), None);
    assert_eq!(
        page["ConsumedCapacity"]["GlobalSecondaryIndexes"]["byn"]["CapacityUnits"],
        0.5
    );
    input["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
    let page = world.ok(DYNAMODB, "Query", input).await;
    assert_eq!(numbers(&page), ["100000"]);
    assert_eq!(page.get("LastEvaluatedKey"), None);
}

#[tokio::test]
async fn partitions_are_scanned_in_awss_order() {
    let world = bench().await;
    for p in ["msg2", "B", "A", "msg1"] {
        world
            .ok(DYNAMODB, "PutItem", json!({ "TableName": "tab", "Item": key(p, "s") }))
            .await;
    }
    let all = world.ok(DYNAMODB, "Scan", json!({ "TableName": "tab" })).await;
    let found: Vec<&str> = all["Items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item["p"]["S"].as_str())
        .collect();
    let place = |p: &str| found.iter().position(|found| *found == p);
    // Recorded: A before B, msg1 before msg2.
    assert!(place("A") < place("B") && place("msg1") < place("msg2"), "{found:?}");
}
