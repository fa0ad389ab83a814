use crate::{DYNAMODB, bench, definition, key};
use serde_json::{Value as Json, json};
use std::time::Duration;
use virga_testkit::World;

const ARN: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/tab";

async fn put(world: &World, table: &str, p: &str, n: u32) {
    let item = json!({ "p": { "S": p }, "c": { "S": "c" }, "n": { "N": n.to_string() } });
    world
        .ok(DYNAMODB, "PutItem", json!({ "TableName": table, "Item": item }))
        .await;
}

async fn number(world: &World, table: &str, p: &str) -> Option<String> {
    let got = world
        .ok(DYNAMODB, "GetItem", json!({ "TableName": table, "Key": key(p, "c") }))
        .await;
    got["Item"]["n"]["N"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn a_backup_restores_what_was_there() {
    let world = bench().await;
    put(&world, "tab", "a", 1).await;
    let created = world
        .ok(
            DYNAMODB,
            "CreateBackup",
            json!({ "TableName": "tab", "BackupName": "first" }),
        )
        .await;
    let arn = created["BackupDetails"]["BackupArn"].clone();
    assert_eq!(created["BackupDetails"]["BackupStatus"], "CREATING");
    put(&world, "tab", "a", 2).await;
    put(&world, "tab", "b", 1).await;
    let described = world.ok(DYNAMODB, "DescribeBackup", json!({ "BackupArn": arn })).await;
    let details = &described["BackupDescription"];
    assert_eq!(details["BackupDetails"]["BackupStatus"], "AVAILABLE");
    assert_eq!(details["SourceTableDetails"]["ItemCount"], 1);
    assert_eq!(details["SourceTableDetails"]["BillingMode"], "PAY_PER_REQUEST");

    let restore = |target: &str| json!({ "TargetTableName": target, "BackupArn": arn });
    let restored = world.ok(DYNAMODB, "RestoreTableFromBackup", restore("back")).await;
    assert_eq!(restored["TableDescription"]["TableStatus"], "CREATING");
    assert_eq!(restored["TableDescription"]["ItemCount"], 1);
    assert_eq!(restored["TableDescription"]["RestoreSummary"]["SourceBackupArn"], arn);
    assert_eq!(number(&world, "back", "a").await.as_deref(), Some("1"));
    assert_eq!(number(&world, "back", "b").await, None);
    put(&world, "back", "c", 1).await;
    assert_eq!(number(&world, "tab", "c").await, None);
    let (code, message) = world.err(DYNAMODB, "RestoreTableFromBackup", restore("back")).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("TableAlreadyExistsException", "Table already exists: back")
    );

    let listed = world.ok(DYNAMODB, "ListBackups", json!({ "TableName": "tab" })).await;
    assert_eq!(listed["BackupSummaries"][0]["BackupArn"], arn);
    let deleted = world.ok(DYNAMODB, "DeleteBackup", json!({ "BackupArn": arn })).await;
    assert_eq!(deleted["BackupDescription"]["BackupDetails"]["BackupStatus"], "DELETED");
    let (code, message) = world.err(DYNAMODB, "DescribeBackup", json!({ "BackupArn": arn })).await;
    assert_eq!(code, "BackupNotFoundException");
    assert_eq!(
        json!(message),
        json!(format!("Backup not found: {}", arn.as_str().unwrap_or_default()))
    );
    let (code, message) = world
        .err(
            DYNAMODB,
            "CreateBackup",
            json!({ "TableName": "none", "BackupName": "first" }),
        )
        .await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("TableNotFoundException", "Table not found: none")
    );
}

#[tokio::test]
async fn a_table_is_recovered_as_it_was_at_a_time() {
    let world = bench().await;
    let describe = async || {
        let described = world
            .ok(DYNAMODB, "DescribeContinuousBackups", json!({ "TableName": "tab" }))
            .await;
        described["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"].clone()
    };
    assert_eq!(describe().await, json!({ "PointInTimeRecoveryStatus": "DISABLED" }));
    put(&world, "tab", "kept", 1).await;
    put(&world, "tab", "changed", 1).await;
    put(&world, "tab", "gone", 1).await;
    let recover = |at: i64| json!({ "SourceTableName": "tab", "TargetTableName": "back", "RestoreDateTime": at });
    let start = virga_testkit::START_S;
    let (code, _) = world.err(DYNAMODB, "RestoreTableToPointInTime", recover(start)).await;
    assert_eq!(code, "PointInTimeRecoveryUnavailableException");
    world
        .ok(
            DYNAMODB,
            "UpdateContinuousBackups",
            json!({
                "TableName": "tab", "PointInTimeRecoverySpecification": { "PointInTimeRecoveryEnabled": true },
            }),
        )
        .await;
    assert_eq!(describe().await["RecoveryPeriodInDays"], 35);
    world.pass(Duration::from_secs(100)).await;
    put(&world, "tab", "changed", 2).await;
    put(&world, "tab", "new", 1).await;
    world
        .ok(
            DYNAMODB,
            "DeleteItem",
            json!({ "TableName": "tab", "Key": key("gone", "c") }),
        )
        .await;
    world.pass(Duration::from_secs(100)).await;
    put(&world, "tab", "changed", 3).await;

    let (code, _) = world
        .err(DYNAMODB, "RestoreTableToPointInTime", recover(start - 1))
        .await;
    assert_eq!(code, "InvalidRestoreTimeException");
    world
        .ok(DYNAMODB, "RestoreTableToPointInTime", recover(start + 50))
        .await;
    for (p, expected) in [
        ("kept", Some("1")),
        ("changed", Some("1")),
        ("gone", Some("1")),
        ("new", None),
    ] {
        assert_eq!(number(&world, "back", p).await.as_deref(), expected, "{p}");
    }
    let mut later = recover(start + 150);
    later["TargetTableName"] = json!("later");
    world.ok(DYNAMODB, "RestoreTableToPointInTime", later).await;
    for (p, expected) in [
        ("kept", Some("1")),
        ("changed", Some("2")),
        ("gone", None),
        ("new", Some("1")),
    ] {
        assert_eq!(number(&world, "later", p).await.as_deref(), expected, "{p}");
    }

    // What is older than the period is forgotten; a deleted table leaves a backup for as long.
    world.pass(Duration::from_secs(36 * 86_400)).await;
    let (code, _) = world
        .err(DYNAMODB, "RestoreTableToPointInTime", recover(start + 150))
        .await;
    assert_eq!(code, "TableAlreadyExistsException");
    world.ok(DYNAMODB, "DeleteTable", json!({ "TableName": "tab" })).await;
    let listed = world
        .ok(DYNAMODB, "ListBackups", json!({ "BackupType": "SYSTEM" }))
        .await;
    let backup = &listed["BackupSummaries"][0];
    assert_eq!(backup["BackupName"], "tab$DeletedTableBackup");
    let restore = json!({ "TargetTableName": "ttt", "BackupArn": backup["BackupArn"] });
    world.ok(DYNAMODB, "RestoreTableFromBackup", restore).await;
    assert_eq!(number(&world, "ttt", "changed").await.as_deref(), Some("3"));
    world.pass(Duration::from_secs(35 * 86_400)).await;
    let listed = world.ok(DYNAMODB, "ListBackups", json!({})).await;
    assert_eq!(listed["BackupSummaries"], json!([]));
}

#[tokio::test]
async fn replicas_hold_the_same_items() {
    let world = bench().await;
    let away = world.in_region("eu-west-1");
    put(&world, "tab", "before", 1).await;
    let update = |updates: Json| json!({ "TableName": "tab", "ReplicaUpdates": updates });
    let created = world
        .ok(
            DYNAMODB,
            "UpdateTable",
            update(json!([{ "Create": { "RegionName": "eu-west-1" } }])),
        )
        .await;
    assert_eq!(
        created["TableDescription"]["Replicas"],
        json!([{ "RegionName": "eu-west-1", "ReplicaStatus": "CREATING" }])
    );
    assert_eq!(number(&away, "tab", "before").await.as_deref(), Some("1"));
    let described = away.ok(DYNAMODB, "DescribeTable", json!({ "TableName": "tab" })).await;
    assert_eq!(described["Table"]["GlobalTableVersion"], "2019.11.21");
    assert_eq!(
        described["Table"]["Replicas"],
        json!([{ "RegionName": "us-east-1", "ReplicaStatus": "ACTIVE" }])
    );
    assert!(
        described["Table"]["LatestStreamArn"]
            .as_str()
            .is_some_and(|arn| arn.starts_with("arn:aws:dynamodb:eu-west-1:"))
    );

    put(&world, "tab", "here", 1).await;
    put(&away, "tab", "there", 1).await;
    world.pass(Duration::from_secs(1)).await;
    for region in [&world, &away] {
        for p in ["before", "here", "there"] {
            assert_eq!(number(region, "tab", p).await.as_deref(), Some("1"), "{p}");
        }
    }
    // Of two changes at once, the later one wins everywhere.
    put(&world, "tab", "both", 1).await;
    put(&away, "tab", "both", 2).await;
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(number(&world, "tab", "both").await, number(&away, "tab", "both").await);
    world
        .ok(
            DYNAMODB,
            "DeleteItem",
            json!({ "TableName": "tab", "Key": key("there", "c") }),
        )
        .await;
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(number(&away, "tab", "there").await, None);

    let own = update(json!([{ "Create": { "RegionName": "us-east-1" } }]));
    assert!(
        world
            .err(DYNAMODB, "UpdateTable", own)
            .await
            .1
            .starts_with("Cannot add, delete, or update")
    );
    let third = update(json!([{ "Create": { "RegionName": "eu-north-1" } }]));
    world.ok(DYNAMODB, "UpdateTable", third).await;
    put(&away, "tab", "all", 7).await;
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(
        number(&world.in_region("eu-north-1"), "tab", "all").await.as_deref(),
        Some("7")
    );

    world
        .ok(
            DYNAMODB,
            "UpdateTable",
            update(json!([{ "Delete": { "RegionName": "eu-west-1" } }])),
        )
        .await;
    assert_eq!(
        away.err(DYNAMODB, "DescribeTable", json!({ "TableName": "tab" }))
            .await
            .0,
        "ResourceNotFoundException"
    );
    let (_, message) = world
        .err(
            DYNAMODB,
            "UpdateTable",
            update(json!([{ "Delete": { "RegionName": "eu-west-1" } }])),
        )
        .await;
    assert!(message.contains("one or more replicas were not part of the global table"));
    world.ok(DYNAMODB, "DeleteTable", json!({ "TableName": "tab" })).await;
    let left = world
        .in_region("eu-north-1")
        .ok(DYNAMODB, "DescribeTable", json!({ "TableName": "tab" }))
        .await;
    assert_eq!(left["Table"].get("Replicas"), None);
}

#[tokio::test]
async fn tags_are_kept_in_awss_bounds() {
    let world = bench().await;
    let tag = |tags: Json| json!({ "ResourceArn": ARN, "Tags": tags });
    world
        .ok(
            DYNAMODB,
            "TagResource",
            tag(json!([{ "Key": "a", "Value": "1" }, { "Key": "b", "Value": "" }])),
        )
        .await;
    world
        .ok(
            DYNAMODB,
            "UntagResource",
            json!({ "ResourceArn": ARN, "TagKeys": ["a", "x"] }),
        )
        .await;
    let listed = world
        .ok(DYNAMODB, "ListTagsOfResource", json!({ "ResourceArn": ARN }))
        .await;
    assert_eq!(listed["Tags"], json!([{ "Key": "b", "Value": "" }]));
    for bad in [
        json!([]),
        json!([{ "Key": "hi!", "Value": "x" }]),
        json!([{ "Key": "", "Value": "x" }]),
    ] {
        assert_eq!(
            world.err(DYNAMODB, "TagResource", tag(bad)).await.0,
            "ValidationException"
        );
    }
    let index = json!({ "ResourceArn": format!("{ARN}/index/i") });
    assert!(
        world
            .err(DYNAMODB, "ListTagsOfResource", index)
            .await
            .1
            .contains("Invalid ResourceArn")
    );
    let (code, message) = world
        .err(
            DYNAMODB,
            "ListTagsOfResource",
            json!({ "ResourceArn": format!("{ARN}x") }),
        )
        .await;
    assert_eq!(code, "ResourceNotFoundException");
    assert_eq!(
        message,
        format!("Requested resource not found: ResourcArn: {ARN}x not found")
    );
}

#[tokio::test]
async fn policies_have_revisions() {
    let world = bench().await;
    let put = |action: &str, revision: Option<&str>| {
        let policy = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": action }] });
        let mut input = json!({ "ResourceArn": ARN, "Policy": policy.to_string() });
        if let Some(revision) = revision {
            input["ExpectedRevisionId"] = json!(revision);
        }
        input
    };
    let none = world
        .err(DYNAMODB, "GetResourcePolicy", json!({ "ResourceArn": ARN }))
        .await;
    assert_eq!(none.0, "PolicyNotFoundException");
    assert_eq!(
        none.1,
        format!("Resource-based policy not found for the provided ResourceArn: {ARN}")
    );
    let first = world
        .ok(DYNAMODB, "PutResourcePolicy", put("dynamodb:*", Some("NO_POLICY")))
        .await["RevisionId"]
        .clone();
    let same = world.ok(DYNAMODB, "PutResourcePolicy", put("dynamodb:*", None)).await;
    assert_eq!(same["RevisionId"], first);
    let second = world
        .ok(DYNAMODB, "PutResourcePolicy", put("dynamodb:GetItem", first.as_str()))
        .await["RevisionId"]
        .clone();
    assert_ne!(second, first);
    let (code, message) = world
        .err(DYNAMODB, "PutResourcePolicy", put("dynamodb:PutItem", first.as_str()))
        .await;
    assert_eq!(code, "PolicyNotFoundException");
    assert!(message.contains("but the policy associated to target table tab has revision id"));
    let deleted = world
        .ok(DYNAMODB, "DeleteResourcePolicy", json!({ "ResourceArn": ARN }))
        .await;
    assert_eq!(deleted["RevisionId"], second);
    assert_eq!(
        world
            .ok(DYNAMODB, "DeleteResourcePolicy", json!({ "ResourceArn": ARN }))
            .await,
        json!({})
    );
}

#[tokio::test]
async fn destinations_are_kept_as_they_are_set() {
    let world = bench().await;
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
    let input = json!({ "TableName": "tab", "StreamArn": arn });
    let enabled = world
        .ok(DYNAMODB, "EnableKinesisStreamingDestination", input.clone())
        .await;
    assert_eq!(enabled["DestinationStatus"], "ENABLING");
    let describe = async || {
        world
            .ok(
                DYNAMODB,
                "DescribeKinesisStreamingDestination",
                json!({ "TableName": "tab" }),
            )
            .await["KinesisDataStreamDestinations"]
            .clone()
    };
    assert_eq!(
        describe().await,
        json!([{ "StreamArn": arn, "DestinationStatus": "ACTIVE" }])
    );
    let mut update = input.clone();
    update["UpdateKinesisStreamingConfiguration"] = json!({ "ApproximateCreationDateTimePrecision": "MICROSECOND" });
    world
        .ok(DYNAMODB, "UpdateKinesisStreamingDestination", update.clone())
        .await;
    let (_, message) = world.err(DYNAMODB, "UpdateKinesisStreamingDestination", update).await;
    assert!(message.starts_with("Invalid Request: Precision is already set to the desired value of MICROSECOND"));
    world
        .ok(DYNAMODB, "DisableKinesisStreamingDestination", input.clone())
        .await;
    assert_eq!(describe().await[0]["DestinationStatus"], "DISABLED");
    let (code, _) = world.err(DYNAMODB, "DisableKinesisStreamingDestination", input).await;
    assert_eq!(code, "ValidationException");
}

#[tokio::test]
async fn settings_of_auto_scaling_are_described_as_they_were_set() {
    let world = bench().await;
    let settings = json!({
        "MinimumUnits": 1, "MaximumUnits": 10, "ScalingPolicyUpdate": {
            "PolicyName": "p", "TargetTrackingScalingPolicyConfiguration": { "TargetValue": 70.0 },
        },
    });
    world
        .ok(
            DYNAMODB,
            "UpdateTableReplicaAutoScaling",
            json!({ "TableName": "tab", "ProvisionedWriteCapacityAutoScalingUpdate": settings }),
        )
        .await;
    let described = world
        .ok(
            DYNAMODB,
            "DescribeTableReplicaAutoScaling",
            json!({ "TableName": "tab" }),
        )
        .await;
    let replica = &described["TableAutoScalingDescription"]["Replicas"][0];
    assert_eq!(replica["RegionName"], "us-east-1");
    let shown = &replica["ReplicaProvisionedWriteCapacityAutoScalingSettings"];
    assert_eq!(shown["MaximumUnits"], 10);
    assert_eq!(shown["ScalingPolicies"][0]["PolicyName"], "p");
}

#[tokio::test]
async fn insights_and_limits_are_told() {
    let world = bench().await;
    let describe = json!({ "TableName": "tab" });
    assert_eq!(
        world
            .ok(DYNAMODB, "DescribeContributorInsights", describe.clone())
            .await,
        json!({ "TableName": "tab", "ContributorInsightsStatus": "DISABLED" })
    );
    world
        .ok(
            DYNAMODB,
            "UpdateContributorInsights",
            json!({ "TableName": "tab", "ContributorInsightsAction": "ENABLE" }),
        )
        .await;
    let described = world.ok(DYNAMODB, "DescribeContributorInsights", describe).await;
    assert_eq!(described["ContributorInsightsStatus"], "ENABLED");
    let limits = world.ok(DYNAMODB, "DescribeLimits", json!({})).await;
    assert_eq!(limits["TableMaxReadCapacityUnits"], 40_000);
    let endpoints = world.ok(DYNAMODB, "DescribeEndpoints", json!({})).await;
    assert_eq!(endpoints["Endpoints"][0]["Address"], "localhost:4566");
}

#[tokio::test]
async fn global_tables_of_2017_connect_tables_that_are_there() {
    let world = bench().await;
    let away = world.in_region("eu-west-1");
    let group = json!([{ "RegionName": "us-east-1" }, { "RegionName": "eu-west-1" }]);
    let create = |name: &str| json!({ "GlobalTableName": name, "ReplicationGroup": group });
    let (code, _) = world.err(DYNAMODB, "CreateGlobalTable", create("none")).await;
    assert_eq!(code, "TableNotFoundException");
    let mut table = definition("g17");
    table["StreamSpecification"] = json!({ "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" });
    for region in [&world, &away] {
        region.ok(DYNAMODB, "CreateTable", table.clone()).await;
    }
    let created = world.ok(DYNAMODB, "CreateGlobalTable", create("g17")).await;
    assert_eq!(created["GlobalTableDescription"]["GlobalTableStatus"], "CREATING");
    put(&away, "g17", "a", 1).await;
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(number(&world, "g17", "a").await.as_deref(), Some("1"));
    let listed = away.ok(DYNAMODB, "ListGlobalTables", json!({})).await;
    assert_eq!(listed["GlobalTables"][0]["GlobalTableName"], "g17");
    let (code, message) = world
        .err(DYNAMODB, "DescribeGlobalTable", json!({ "GlobalTableName": "none" }))
        .await;
    assert_eq!(code, "GlobalTableNotFoundException");
    assert_eq!(
        message,
        "Global table not found: Global table with name: 'none' does not exist."
    );
}

#[tokio::test]
async fn capacity_of_global_tables_of_2017_is_set_region_by_region() {
    let world = bench().await;
    let away = world.in_region("eu-west-1");
    let units = json!({ "ReadCapacityUnits": 5, "WriteCapacityUnits": 5 });
    let mut table = definition("g17");
    table["BillingMode"] = json!("PROVISIONED");
    table["ProvisionedThroughput"] = units.clone();
    table["StreamSpecification"] = json!({ "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" });
    table["GlobalSecondaryIndexes"] = json!([{
        "IndexName": "by_c",
        "KeySchema": [{ "AttributeName": "c", "KeyType": "HASH" }],
        "Projection": { "ProjectionType": "ALL" },
        "ProvisionedThroughput": units,
    }]);
    for region in [&world, &away] {
        region.ok(DYNAMODB, "CreateTable", table.clone()).await;
    }
    let group = json!([{ "RegionName": "us-east-1" }, { "RegionName": "eu-west-1" }]);
    let create = json!({ "GlobalTableName": "g17", "ReplicationGroup": group });
    world.ok(DYNAMODB, "CreateGlobalTable", create).await;
    let scaling = json!({ "MinimumUnits": 5, "MaximumUnits": 50 });
    let update = json!({
        "GlobalTableName": "g17",
        "GlobalTableProvisionedWriteCapacityUnits": 7,
        "GlobalTableProvisionedWriteCapacityAutoScalingSettingsUpdate": scaling,
        "GlobalTableGlobalSecondaryIndexSettingsUpdate": [{ "IndexName": "by_c", "ProvisionedWriteCapacityUnits": 8 }],
        "ReplicaSettingsUpdate": [{
            "RegionName": "eu-west-1",
            "ReplicaProvisionedReadCapacityUnits": 9,
            "ReplicaGlobalSecondaryIndexSettingsUpdate": [{ "IndexName": "by_c", "ProvisionedReadCapacityUnits": 3 }],
        }],
    });
    let updated = world.ok(DYNAMODB, "UpdateGlobalTableSettings", update).await;
    assert_eq!(updated["ReplicaSettings"][0]["ReplicaStatus"], "UPDATING");
    let told = away
        .ok(
            DYNAMODB,
            "DescribeGlobalTableSettings",
            json!({ "GlobalTableName": "g17" }),
        )
        .await["ReplicaSettings"]
        .clone();
    let (here, there) = (&told[0], &told[1]);
    assert_eq!(
        (&here["RegionName"], &there["RegionName"]),
        (&json!("us-east-1"), &json!("eu-west-1"))
    );
    for region in [here, there] {
        assert_eq!(region["ReplicaProvisionedWriteCapacityUnits"], 7);
        assert_eq!(
            region["ReplicaProvisionedWriteCapacityAutoScalingSettings"]["MaximumUnits"],
            50
        );
        assert_eq!(
            region["ReplicaGlobalSecondaryIndexSettings"][0]["ProvisionedWriteCapacityUnits"],
            8
        );
    }
    assert_eq!(here["ReplicaProvisionedReadCapacityUnits"], 5);
    assert_eq!(there["ReplicaProvisionedReadCapacityUnits"], 9);
    assert_eq!(
        there["ReplicaGlobalSecondaryIndexSettings"][0]["ProvisionedReadCapacityUnits"],
        3
    );
    let described = away.ok(DYNAMODB, "DescribeTable", json!({ "TableName": "g17" })).await;
    assert_eq!(described["Table"]["ProvisionedThroughput"]["ReadCapacityUnits"], 9);
    let nowhere = json!({ "GlobalTableName": "g17", "ReplicaSettingsUpdate": [{ "RegionName": "us-west-2" }] });
    let (code, _) = world.err(DYNAMODB, "UpdateGlobalTableSettings", nowhere).await;
    assert_eq!(code, "ReplicaNotFoundException");
    let none = json!({ "GlobalTableName": "none" });
    let (code, _) = world.err(DYNAMODB, "UpdateGlobalTableSettings", none).await;
    assert_eq!(code, "GlobalTableNotFoundException");
    let on_demand = json!({ "GlobalTableName": "g17", "GlobalTableBillingMode": "PAY_PER_REQUEST" });
    let updated = world.ok(DYNAMODB, "UpdateGlobalTableSettings", on_demand).await;
    assert_eq!(
        updated["ReplicaSettings"][1]["ReplicaBillingModeSummary"]["BillingMode"],
        "PAY_PER_REQUEST"
    );
}
