//! Object lock.

use crate::Bench;
use serde_json::{Value as Json, json};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn locked() -> Bench {
    let bench = Bench::versioned().await;
    let configuration = json!({ "ObjectLockConfiguration": { "ObjectLockEnabled": "Enabled" } });
    bench.ok("PutObjectLockConfiguration", configuration).await;
    bench
}

fn version(put: &Json) -> Json {
    json!({ "Key": "k", "VersionId": put["VersionId"] })
}

fn bypassing(mut input: Json) -> Json {
    input["BypassGovernanceRetention"] = json!(true);
    input
}

#[tokio::test]
async fn only_buckets_with_versions_can_lock() {
    let bench = Bench::new().await;
    let configuration = json!({ "ObjectLockConfiguration": { "ObjectLockEnabled": "Enabled" } });
    let found = bench.err("GetObjectLockConfiguration", json!({})).await;
    assert_eq!(found, "ObjectLockConfigurationNotFoundError");
    let refused = bench.err("PutObjectLockConfiguration", configuration.clone()).await;
    assert_eq!(refused, "InvalidBucketState");
    bench.put("k", "x").await;
    assert_eq!(
        bench.err("GetObjectRetention", json!({ "Key": "k" })).await,
        "InvalidRequest"
    );
    bench.versioning("Enabled").await;
    bench.ok("PutObjectLockConfiguration", configuration.clone()).await;
    assert_eq!(bench.ok("GetObjectLockConfiguration", json!({})).await, configuration);
    let suspended = json!({ "VersioningConfiguration": { "Status": "Suspended" } });
    assert_eq!(bench.err("PutBucketVersioning", suspended).await, "InvalidBucketState");
    assert_eq!(
        bench.err("GetObjectRetention", json!({ "Key": "k" })).await,
        "NoSuchObjectLockConfiguration"
    );
    assert_eq!(
        bench.err("GetObjectLegalHold", json!({ "Key": "k" })).await,
        "NoSuchObjectLockConfiguration"
    );
}

#[tokio::test]
async fn a_retained_version_stays_until_its_time() {
    let bench = locked().await;
    let rule = json!({ "DefaultRetention": { "Mode": "GOVERNANCE", "Days": 2 } });
    let configuration = json!({ "ObjectLockEnabled": "Enabled", "Rule": rule });
    let input = json!({ "ObjectLockConfiguration": configuration });
    bench.ok("PutObjectLockConfiguration", input).await;
    let governed = bench.put("k", "one").await;
    let got = bench.ok("GetObjectRetention", version(&governed)).await;
    assert_eq!(got["Retention"]["Mode"], json!("GOVERNANCE"));
    assert_eq!(bench.err("DeleteObject", version(&governed)).await, "AccessDenied");
    // Hiding it is no deletion.
    bench.ok("DeleteObject", json!({ "Key": "k" })).await;
    let until = json!("2026-02-01T00:00:00Z");
    let compliant = bench
        .put_with(
            "k",
            "two",
            json!({ "ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until }),
        )
        .await;
    assert_eq!(
        bench.err("DeleteObject", bypassing(version(&compliant))).await,
        "AccessDenied"
    );
    let many = bypassing(json!({ "Delete": { "Objects": [version(&governed), version(&compliant)] } }));
    let deleted = bench.ok("DeleteObjects", many).await;
    assert_eq!(deleted["Deleted"].as_array().map(Vec::len), Some(1));
    assert_eq!(deleted["Errors"][0]["Code"], json!("AccessDenied"));
    let shorter = json!({ "Retention": { "Mode": "COMPLIANCE", "RetainUntilDate": "2026-01-15T00:00:00Z" } });
    let mut input = version(&compliant);
    input["Retention"] = shorter["Retention"].clone();
    assert_eq!(bench.err("PutObjectRetention", bypassing(input)).await, "AccessDenied");
    bench.world.pass(DAY * 40).await;
    bench.ok("DeleteObject", version(&compliant)).await;
}

#[tokio::test]
async fn a_legal_hold_has_no_end_but_by_hand() {
    let bench = locked().await;
    let held = bench
        .put_with("k", "x", json!({ "ObjectLockLegalHoldStatus": "ON" }))
        .await;
    bench.world.pass(DAY * 1000).await;
    assert_eq!(
        bench.err("DeleteObject", bypassing(version(&held))).await,
        "AccessDenied"
    );
    let hold = |status: &str| {
        let mut input = version(&held);
        input["LegalHold"] = json!({ "Status": status });
        input
    };
    assert_eq!(bench.err("PutObjectLegalHold", hold("MAYBE")).await, "MalformedXML");
    bench.ok("PutObjectLegalHold", hold("OFF")).await;
    let got = bench.ok("GetObjectLegalHold", version(&held)).await;
    assert_eq!(got["LegalHold"]["Status"], json!("OFF"));
    bench.ok("DeleteObject", version(&held)).await;
}

#[tokio::test]
async fn locks_are_asked_for_in_full() {
    let bench = locked().await;
    for (options, code) in [
        (json!({ "ObjectLockMode": "GOVERNANCE" }), "InvalidArgument"),
        (
            json!({ "ObjectLockRetainUntilDate": "2030-01-01T00:00:00Z" }),
            "InvalidArgument",
        ),
        (
            json!({ "ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": "2020-01-01T00:00:00Z" }),
            "InvalidArgument",
        ),
        (json!({ "ObjectLockLegalHoldStatus": "MAYBE" }), "InvalidArgument"),
    ] {
        let input = crate::object("k", "x", options);
        assert_eq!(bench.err("PutObject", input).await, code);
    }
    let plain = Bench::new().await;
    let input = crate::object("k", "x", json!({ "ObjectLockLegalHoldStatus": "ON" }));
    assert_eq!(plain.err("PutObject", input).await, "InvalidRequest");
}
