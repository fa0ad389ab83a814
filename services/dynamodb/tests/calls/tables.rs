use crate::{DYNAMODB, bench, definition, key, world};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_table_is_created_described_listed_and_deleted() {
    let world = world();
    let created = world.ok(DYNAMODB, "CreateTable", definition("tab")).await;
    assert_eq!(created["TableDescription"]["TableStatus"], "CREATING");
    let described = world.ok(DYNAMODB, "DescribeTable", json!({ "TableName": "tab" })).await;
    let table = &described["Table"];
    assert_eq!(table["TableStatus"], "ACTIVE");
    assert_eq!(table["TableArn"], "arn:aws:dynamodb:us-east-1:000000000000:table/tab");
    assert_eq!(table["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(
        world.err(DYNAMODB, "CreateTable", definition("tab")).await,
        (
            "ResourceInUseException".to_owned(),
            "Table already exists: tab".to_owned()
        )
    );
    assert_eq!(
        world.ok(DYNAMODB, "ListTables", json!({})).await,
        json!({ "TableNames": ["tab"] })
    );
    world.ok(DYNAMODB, "DeleteTable", json!({ "TableName": "tab" })).await;
    assert_eq!(
        world
            .err(DYNAMODB, "DescribeTable", json!({ "TableName": "tab" }))
            .await
            .1,
        "Requested resource not found: Table: tab not found"
    );
}

#[tokio::test]
async fn another_table_of_the_same_name_has_none_of_its_items() {
    let world = bench().await;
    world
        .ok(
            DYNAMODB,
            "PutItem",
            json!({ "TableName": "tab", "Item": key("a", "b") }),
        )
        .await;
    world.ok(DYNAMODB, "DeleteTable", json!({ "TableName": "tab" })).await;
    world.ok(DYNAMODB, "CreateTable", definition("tab")).await;
    let got = world
        .ok(DYNAMODB, "GetItem", json!({ "TableName": "tab", "Key": key("a", "b") }))
        .await;
    assert_eq!(got, json!({}));
}

#[tokio::test]
async fn an_index_is_filled_with_what_was_there() {
    let world = bench().await;
    world
        .ok(
            DYNAMODB,
            "PutItem",
            json!({ "TableName": "tab", "Item": key("a", "b") }),
        )
        .await;
    let update = json!({
        "TableName": "tab",
        "AttributeDefinitions": [{ "AttributeName": "c", "AttributeType": "S" }],
        "GlobalSecondaryIndexUpdates": [{ "Create": {
            "IndexName": "byc",
            "KeySchema": [{ "AttributeName": "c", "KeyType": "HASH" }],
            "Projection": { "ProjectionType": "ALL" },
        } }],
    });
    let updated = world.ok(DYNAMODB, "UpdateTable", update.clone()).await;
    assert_eq!(updated["TableDescription"]["TableStatus"], "UPDATING");
    let described = world.ok(DYNAMODB, "DescribeTable", json!({ "TableName": "tab" })).await;
    assert_eq!(described["Table"]["GlobalSecondaryIndexes"][0]["ItemCount"], 1);
    assert_eq!(described["Table"]["GlobalSecondaryIndexes"][0]["IndexStatus"], "ACTIVE");
    assert_eq!(
        world.err(DYNAMODB, "UpdateTable", update).await.1,
        "Attempting to create an index which already exists"
    );
}

#[tokio::test]
async fn a_protected_table_stays() {
    let world = bench().await;
    world
        .ok(
            DYNAMODB,
            "UpdateTable",
            json!({ "TableName": "tab", "DeletionProtectionEnabled": true }),
        )
        .await;
    let (code, message) = world.err(DYNAMODB, "DeleteTable", json!({ "TableName": "tab" })).await;
    assert_eq!(code, "ValidationException");
    assert!(message.contains("protected against deletion"), "{message}");
}

#[tokio::test]
async fn capacity_is_decreased_four_times_a_day_and_then_hourly() {
    let world = bench().await;
    let units = |units: i64| json!({ "ReadCapacityUnits": units, "WriteCapacityUnits": 5 });
    let mut table = crate::definition("provisioned");
    table["BillingMode"] = json!("PROVISIONED");
    table["ProvisionedThroughput"] = units(100);
    world.ok(DYNAMODB, "CreateTable", table).await;
    let update = |count: i64| json!({ "TableName": "provisioned", "ProvisionedThroughput": units(count) });
    for number in 1..=4 {
        let updated = world.ok(DYNAMODB, "UpdateTable", update(100 - number)).await;
        let told = &updated["TableDescription"]["ProvisionedThroughput"]["NumberOfDecreasesToday"];
        assert_eq!(*told, json!(number));
    }
    let (code, message) = world.err(DYNAMODB, "UpdateTable", update(50)).await;
    assert_eq!(code, "LimitExceededException");
    assert_eq!(
        message,
        "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After the first 4 \
         decreases, each subsequent decrease in the same UTC day can be performed at most once every 3600 seconds. Number \
         of decreases today: 4. Last decrease at Thursday, January 1, 2026 12:00:00 AM UTC. Next decrease can be made at \
         Thursday, January 1, 2026 1:00:00 AM UTC"
    );
    // More is always allowed.
    world.ok(DYNAMODB, "UpdateTable", update(200)).await;
    world.pass(Duration::from_secs(3600)).await;
    world.ok(DYNAMODB, "UpdateTable", update(50)).await;
    assert_eq!(
        world.err(DYNAMODB, "UpdateTable", update(49)).await.0,
        "LimitExceededException"
    );
    world.pass(Duration::from_secs(86_400)).await;
    let updated = world.ok(DYNAMODB, "UpdateTable", update(49)).await;
    assert_eq!(
        updated["TableDescription"]["ProvisionedThroughput"]["NumberOfDecreasesToday"],
        1
    );
}

#[tokio::test]
async fn capacity_has_quotas_of_a_table_and_of_an_account() {
    const LIMIT: &str = "LimitExceededException";
    let world = crate::world();
    let table = |name: &str, units: i64| {
        let mut table = crate::definition(name);
        table["BillingMode"] = json!("PROVISIONED");
        table["ProvisionedThroughput"] = json!({ "ReadCapacityUnits": units, "WriteCapacityUnits": 1 });
        table
    };
    assert_eq!(
        world.err(DYNAMODB, "CreateTable", table("first", 40_001)).await,
        (
            LIMIT.to_owned(),
            "Subscriber limit exceeded: Requested ReadCapacityUnits for ProvisionedThroughput for table exceeds \
             TableMaxReadCapacityUnits of the account in region us-east-1"
                .to_owned()
        )
    );
    world.ok(DYNAMODB, "CreateTable", table("first", 40_000)).await;
    world.ok(DYNAMODB, "CreateTable", table("second", 39_999)).await;
    let (code, message) = world.err(DYNAMODB, "CreateTable", table("third", 2)).await;
    assert_eq!(code, LIMIT);
    assert!(message.contains("exceeds AccountMaxReadCapacityUnits"), "{message}");
    let update = |units: i64| {
        json!({
            "TableName": "second",
            "ProvisionedThroughput": { "ReadCapacityUnits": units, "WriteCapacityUnits": 1 },
        })
    };
    world.ok(DYNAMODB, "UpdateTable", update(40_000)).await;
    assert_eq!(world.err(DYNAMODB, "UpdateTable", update(40_001)).await.0, LIMIT);
    let mut bound = crate::definition("bound");
    bound["OnDemandThroughput"] = json!({ "MaxReadRequestUnits": 40_001, "MaxWriteRequestUnits": -1 });
    let (code, message) = world.err(DYNAMODB, "CreateTable", bound).await;
    assert_eq!(code, LIMIT);
    assert!(
        message.contains(
            "Requested MaxReadRequestUnits for OnDemandThroughput for table exceeds TableMaxReadCapacityUnits"
        ),
        "{message}"
    );
}

fn is_over(error: &(String, String), whose: &str, region: &str) -> bool {
    let (code, message) = error;
    let end = format!("exceeds {whose}MaxReadCapacityUnits of the account in region {region}");
    code == "LimitExceededException" && message.ends_with(&end)
}

fn provisioned(name: &str, units: i64) -> serde_json::Value {
    let mut table = crate::definition(name);
    table["BillingMode"] = json!("PROVISIONED");
    table["ProvisionedThroughput"] = json!({ "ReadCapacityUnits": units, "WriteCapacityUnits": 1 });
    table
}

#[tokio::test]
async fn what_is_restored_counts_towards_the_quotas() {
    let world = crate::world();
    let passes = || world.pass(Duration::from_secs(60));
    world.ok(DYNAMODB, "CreateTable", provisioned("first", 40_000)).await;
    passes().await;
    let recovery = json!({
        "TableName": "first",
        "PointInTimeRecoverySpecification": { "PointInTimeRecoveryEnabled": true },
    });
    world.ok(DYNAMODB, "UpdateContinuousBackups", recovery).await;
    let backup = json!({ "TableName": "first", "BackupName": "evening" });
    let made = world.ok(DYNAMODB, "CreateBackup", backup).await;
    let arn = made["BackupDetails"]["BackupArn"].clone();
    passes().await;
    let restore = |target: &str| json!({ "TargetTableName": target, "BackupArn": arn });
    let recover = |target: &str| json!({ "SourceTableName": "first", "TargetTableName": target, "UseLatestRestorableTime": true });
    world.ok(DYNAMODB, "RestoreTableFromBackup", restore("second")).await;
    for (operation, input) in [
        ("RestoreTableFromBackup", restore("third")),
        ("RestoreTableToPointInTime", recover("third")),
    ] {
        let error = world.err(DYNAMODB, operation, input).await;
        assert!(is_over(&error, "Account", "us-east-1"), "{operation}: {error:?}");
    }
    let (code, _) = world
        .err(DYNAMODB, "DescribeTable", json!({ "TableName": "third" }))
        .await;
    assert_eq!(code, "ResourceNotFoundException");
    let throughput = |units: i64| json!({ "ReadCapacityUnits": units, "WriteCapacityUnits": 1 });
    let mut large = restore("third");
    large["ProvisionedThroughputOverride"] = throughput(40_001);
    let error = world.err(DYNAMODB, "RestoreTableFromBackup", large).await;
    assert!(is_over(&error, "Table", "us-east-1"), "{error:?}");
    let mut on_demand = recover("third");
    on_demand["BillingModeOverride"] = json!("PAY_PER_REQUEST");
    world.ok(DYNAMODB, "RestoreTableToPointInTime", on_demand).await;
}

#[tokio::test]
async fn replicas_count_towards_the_quotas_of_their_regions() {
    let world = crate::world();
    let away = world.in_region("eu-west-1");
    for name in ["first", "second"] {
        away.ok(DYNAMODB, "CreateTable", provisioned(name, 39_990)).await;
    }
    world.ok(DYNAMODB, "CreateTable", provisioned("tab", 21)).await;
    world.pass(Duration::from_secs(60)).await;
    let replica = |kind: &str, units: Option<i64>| {
        let mut change = json!({ "RegionName": "eu-west-1" });
        if let Some(units) = units {
            change["ProvisionedThroughputOverride"] = json!({ "ReadCapacityUnits": units });
        }
        json!({ "TableName": "tab", "ReplicaUpdates": [{ kind: change }] })
    };
    let error = world.err(DYNAMODB, "UpdateTable", replica("Create", None)).await;
    assert!(is_over(&error, "Account", "eu-west-1"), "{error:?}");
    let error = world
        .err(DYNAMODB, "UpdateTable", replica("Create", Some(40_001)))
        .await;
    assert!(is_over(&error, "Table", "eu-west-1"), "{error:?}");
    world.ok(DYNAMODB, "UpdateTable", replica("Create", Some(20))).await;
    world.pass(Duration::from_secs(60)).await;
    let error = world.err(DYNAMODB, "UpdateTable", replica("Update", Some(21))).await;
    assert!(is_over(&error, "Account", "eu-west-1"), "{error:?}");
    world.ok(DYNAMODB, "UpdateTable", replica("Update", Some(19))).await;
    let named = json!({ "TableName": "tab" });
    for (region, units) in [(&world, 21), (&away, 19)] {
        let described = region.ok(DYNAMODB, "DescribeTable", named.clone()).await;
        assert_eq!(described["Table"]["ProvisionedThroughput"]["ReadCapacityUnits"], units);
    }
}

#[tokio::test]
async fn settings_of_global_tables_keep_to_the_quotas() {
    let world = crate::world();
    let away = world.in_region("eu-west-1");
    let mut table = provisioned("tab", 5);
    table["StreamSpecification"] = json!({ "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" });
    for region in [&world, &away] {
        region.ok(DYNAMODB, "CreateTable", table.clone()).await;
    }
    for name in ["first", "second"] {
        away.ok(DYNAMODB, "CreateTable", provisioned(name, 39_990)).await;
    }
    let group = json!([{ "RegionName": "us-east-1" }, { "RegionName": "eu-west-1" }]);
    let create = json!({ "GlobalTableName": "tab", "ReplicationGroup": group });
    world.ok(DYNAMODB, "CreateGlobalTable", create).await;
    let update = |region: &str, units: i64| {
        let change = json!({ "RegionName": region, "ReplicaProvisionedReadCapacityUnits": units });
        json!({ "GlobalTableName": "tab", "ReplicaSettingsUpdate": [change] })
    };
    const OPERATION: &str = "UpdateGlobalTableSettings";
    let error = world.err(DYNAMODB, OPERATION, update("us-east-1", 40_001)).await;
    assert!(is_over(&error, "Table", "us-east-1"), "{error:?}");
    let error = world.err(DYNAMODB, OPERATION, update("eu-west-1", 21)).await;
    assert!(is_over(&error, "Account", "eu-west-1"), "{error:?}");
    let described = away.ok(DYNAMODB, "DescribeTable", json!({ "TableName": "tab" })).await;
    assert_eq!(described["Table"]["ProvisionedThroughput"]["ReadCapacityUnits"], 5);
    world.ok(DYNAMODB, OPERATION, update("eu-west-1", 20)).await;
    world.ok(DYNAMODB, OPERATION, update("us-east-1", 40_000)).await;
}
