use crate::{DYNAMODB, bench, key};
use serde_json::{Value as Json, json};
use virga_testkit::World;

async fn run(world: &World, statement: &str) -> Json {
    world
        .ok(DYNAMODB, "ExecuteStatement", json!({ "Statement": statement }))
        .await
}

async fn refused(world: &World, statement: &str) -> (String, String) {
    world
        .err(DYNAMODB, "ExecuteStatement", json!({ "Statement": statement }))
        .await
}

/// Items `a` with sort keys `1` to `5`, and one `b`.
async fn filled() -> World {
    let world = bench().await;
    for c in 1..=5 {
        let insert = format!("INSERT INTO tab VALUE {{'p': 'a', 'c': '{c}', 'n': {c}, 'm': {{'x': {c}}}}}");
        assert_eq!(run(&world, &insert).await["Items"], json!([]));
    }
    run(&world, "INSERT INTO tab VALUE {'p': 'b', 'c': '1'}").await;
    world
}

fn column(answer: &Json, name: &str) -> Vec<String> {
    let items = answer["Items"].as_array().expect("items");
    items
        .iter()
        .filter_map(|item| item[name].as_object()?.values().next()?.as_str().map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn selects_read_parts_of_a_table() {
    let world = filled().await;
    for (clauses, expected) in [
        ("WHERE p = 'a' AND c > '3'", vec!["4", "5"]),
        ("WHERE p = 'a' AND n IN [1, 3]", vec!["1", "3"]),
        (
            "WHERE p = 'a' AND c BETWEEN '2' AND '3' ORDER BY c DESC",
            vec!["3", "2"],
        ),
        ("WHERE p = 'a' AND begins_with(c, '2')", vec!["2"]),
        ("WHERE m.x = 4", vec!["4"]),
        ("WHERE n IS MISSING", vec!["1"]),
        ("WHERE p IN ['a', 'b'] AND c = '1'", vec!["1", "1"]),
        ("WHERE p = 'c'", vec![]),
    ] {
        let found = run(&world, &format!("SELECT * FROM tab {clauses}")).await;
        assert_eq!(column(&found, "c"), expected, "{clauses}");
    }
    let found = run(&world, "SELECT m.x, c FROM \"tab\" WHERE p = 'a' AND c = '2'").await;
    assert_eq!(found["Items"], json!([{ "x": { "N": "2" }, "c": { "S": "2" } }]));
    let with_parameters = json!({
        "Statement": "SELECT c FROM tab WHERE p = ? AND n < ?", "Parameters": [{ "S": "a" }, { "N": "2" }],
        "ReturnConsumedCapacity": "TOTAL",
    });
    let found = world.ok(DYNAMODB, "ExecuteStatement", with_parameters).await;
    assert_eq!(found["Items"], json!([{ "c": { "S": "1" } }]));
    assert_eq!(found["ConsumedCapacity"]["CapacityUnits"], 0.5);
}

#[tokio::test]
async fn pages_go_on_where_the_last_one_ended() {
    let world = filled().await;
    let mut seen = Vec::new();
    let mut input = json!({ "Statement": "SELECT c FROM tab WHERE p IN ['a', 'b']", "Limit": 2 });
    for _ in 0..5 {
        let page = world.ok(DYNAMODB, "ExecuteStatement", input.clone()).await;
        seen.extend(column(&page, "c"));
        match page.get("NextToken") {
            Some(token) => input["NextToken"] = token.clone(),
            None => break,
        }
    }
    assert_eq!(seen, ["1", "2", "3", "4", "5", "1"]);
    input["NextToken"] = json!("nonsense");
    assert_eq!(
        world.err(DYNAMODB, "ExecuteStatement", input).await.0,
        "ValidationException"
    );
}

#[tokio::test]
async fn writes_are_of_one_item_that_is_there() {
    let world = filled().await;
    let (code, message) = refused(&world, "INSERT INTO tab VALUE {'p': 'a', 'c': '1'}").await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("DuplicateItemException", "Duplicate primary key exists in table")
    );
    let updated = run(
        &world,
        "UPDATE tab SET n = n + 10 REMOVE m WHERE p = 'a' AND c = '1' RETURNING ALL NEW *",
    )
    .await;
    assert_eq!(
        updated["Items"],
        json!([{ "p": { "S": "a" }, "c": { "S": "1" }, "n": { "N": "11" } }])
    );
    let modified = run(
        &world,
        "UPDATE tab SET n = 1 WHERE p = 'a' AND c = '1' RETURNING MODIFIED OLD *",
    )
    .await;
    assert_eq!(modified["Items"], json!([{ "n": { "N": "11" } }]));
    let nothing = run(
        &world,
        "UPDATE tab REMOVE n WHERE p = 'a' AND c = '1' RETURNING MODIFIED NEW *",
    )
    .await;
    assert_eq!(nothing["Items"], json!([]));
    for statement in [
        "UPDATE tab SET n = 1 WHERE p = 'none' AND c = '1'",
        "UPDATE tab SET n = 1 WHERE p = 'a' AND c = '2' AND n = 7",
        "DELETE FROM tab WHERE p = 'a' AND c = '2' AND n = 7",
    ] {
        assert_eq!(
            refused(&world, statement).await.0,
            "ConditionalCheckFailedException",
            "{statement}"
        );
    }
    let deleted = run(
        &world,
        "DELETE FROM tab WHERE p = 'a' AND c = '2' AND n = 2 RETURNING ALL OLD *",
    )
    .await;
    assert_eq!(column(&deleted, "n"), ["2"]);
    let again = run(
        &world,
        "DELETE FROM tab WHERE p = 'a' AND c = '2' AND n = 2 RETURNING ALL OLD *",
    )
    .await;
    assert_eq!(again["Items"], json!([]));
    assert_eq!(
        refused(&world, "DELETE FROM tab WHERE p = 'a'").await.1,
        "Where clause does not contain a mandatory equality on all key attributes"
    );
    assert_eq!(
        refused(&world, "INSERT INTO tab VALUE {'p': 'a'}").await.1,
        "One or more parameter values were invalid: Missing the key c in the item"
    );
    assert_eq!(
        refused(&world, "SELECT * FROM tab.nothing").await.1,
        "The table does not have the specified index"
    );
    assert_eq!(
        refused(&world, "SELECT * FROM none").await.0,
        "ResourceNotFoundException"
    );
}

#[tokio::test]
async fn a_batch_answers_each_statement() {
    let world = filled().await;
    let batch = |statements: &[&str]| {
        let statements: Vec<Json> = statements.iter().map(|text| json!({ "Statement": text })).collect();
        json!({ "Statements": statements })
    };
    let answered = world
        .ok(
            DYNAMODB,
            "BatchExecuteStatement",
            batch(&[
                "INSERT INTO tab VALUE {'p': 'new', 'c': '1'}",
                "INSERT INTO tab VALUE {'p': 'a', 'c': '1'}",
                "UPDATE tab SET n = ? WHERE p = 'a' AND c = '1'",
                "DELETE FROM tab WHERE p = 'a' AND c = '3' RETURNING ALL OLD *",
                "SLECT",
                "DELETE FROM none WHERE p = 'a'",
            ]),
        )
        .await;
    let responses = &answered["Responses"];
    assert_eq!(responses[0], json!({ "TableName": "tab" }));
    assert_eq!(responses[1]["Error"]["Code"], "DuplicateItem");
    assert_eq!(
        responses[2]["Error"],
        json!({
            "Code": "ValidationError", "Message": "Number of parameters in request and statement don't match.",
        })
    );
    assert_eq!(responses[3]["Item"]["n"], json!({ "N": "3" }));
    assert_eq!(
        responses[4]["Error"]["Message"],
        "Statement wasn't well formed, can't be processed: Expected data manipulation"
    );
    assert_eq!(responses[5]["Error"]["Code"], "ResourceNotFound");
    let read = world
        .ok(
            DYNAMODB,
            "BatchExecuteStatement",
            batch(&[
                "SELECT n FROM tab WHERE p = 'a' AND c = '4'",
                "SELECT * FROM tab WHERE p = 'none' AND c = '1'",
                "SELECT * FROM tab WHERE p = 'a'",
            ]),
        )
        .await;
    assert_eq!(
        read["Responses"][0],
        json!({ "TableName": "tab", "Item": { "n": { "N": "4" } } })
    );
    assert_eq!(read["Responses"][1], json!({ "TableName": "tab" }));
    assert_eq!(
        read["Responses"][2]["Error"]["Message"],
        "Select statements within BatchExecuteStatement must specify the primary key in the where clause."
    );
}

#[tokio::test]
async fn a_transaction_is_done_whole_or_not() {
    let world = filled().await;
    let transact = |statements: &[&str]| {
        let statements: Vec<Json> = statements.iter().map(|text| json!({ "Statement": text })).collect();
        json!({ "TransactStatements": statements })
    };
    let done = world
        .ok(
            DYNAMODB,
            "ExecuteTransaction",
            transact(&[
                "EXISTS(SELECT * FROM tab WHERE p = 'a' AND c = '5' AND n = 5)",
                "INSERT INTO tab VALUE {'p': 'new', 'c': '1'}",
                "UPDATE tab SET n = 0 WHERE p = 'a' AND c = '1'",
                "DELETE FROM tab WHERE p = 'a' AND c = '2'",
            ]),
        )
        .await;
    assert_eq!(done["Responses"], json!([]));
    let read = world
        .ok(
            DYNAMODB,
            "ExecuteTransaction",
            transact(&[
                "SELECT n FROM tab WHERE p = 'a' AND c = '1'",
                "SELECT n FROM tab WHERE p = 'a' AND c = '2'",
            ]),
        )
        .await;
    assert_eq!(read["Responses"], json!([{ "Item": { "n": { "N": "0" } } }, {}]));
    let error = world
        .call(
            DYNAMODB,
            "ExecuteTransaction",
            transact(&[
                "UPDATE tab SET n = 7 WHERE p = 'a' AND c = '1'",
                "INSERT INTO tab VALUE {'p': 'new', 'c': '1'}",
                "EXISTS(SELECT * FROM tab WHERE p = 'a' AND c = '5' AND n = 6)",
            ]),
        )
        .await
        .expect_err("the item is there");
    assert_eq!(error.code, "TransactionCanceledException");
    assert!(
        error.message.ends_with("[None, DuplicateItem, ConditionalCheckFailed]"),
        "{}",
        error.message
    );
    let got = world
        .ok(DYNAMODB, "GetItem", json!({ "TableName": "tab", "Key": key("a", "1") }))
        .await;
    assert_eq!(got["Item"]["n"], json!({ "N": "0" }));
    for (statement, message) in [
        (
            "SELECT * FROM tab WHERE p = 'a'",
            "Select statements within ExecuteTransaction must specify the primary key in the where clause.",
        ),
        (
            "EXISTS(SELECT * FROM tab WHERE p = 'a' AND c = '1')",
            "EXISTS() must contain a single item read with additional condition",
        ),
    ] {
        let (code, told) = world.err(DYNAMODB, "ExecuteTransaction", transact(&[statement])).await;
        assert_eq!(code, "ValidationException");
        assert_eq!(told, format!("Validation failed in TransactStatements[0]: {message}"));
    }
    let mut token = transact(&["INSERT INTO tab VALUE {'p': 'once', 'c': '1'}"]);
    token["ClientRequestToken"] = json!("token");
    for _ in 0..2 {
        world.ok(DYNAMODB, "ExecuteTransaction", token.clone()).await;
    }
}
