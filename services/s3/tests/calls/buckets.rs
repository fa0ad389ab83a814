//! Buckets and their names.

use crate::{Bench, world};
use serde_json::json;

#[tokio::test]
async fn a_name_is_the_worlds() {
    let here = world();
    here.ok("s3", "CreateBucket", json!({ "Bucket": "shared-name" })).await;
    // Again, by its owner, in us-east-1: nothing happens.
    here.ok("s3", "CreateBucket", json!({ "Bucket": "shared-name" })).await;
    let other = here.as_account(111_122_223_333);
    let (code, _) = other
        .err("s3", "CreateBucket", json!({ "Bucket": "shared-name" }))
        .await;
    assert_eq!(code, "BucketAlreadyExists");
    let (code, _) = other.err("s3", "HeadBucket", json!({ "Bucket": "shared-name" })).await;
    assert_eq!(code, "AccessDenied");
    let elsewhere = here.in_region("eu-west-1");
    let configuration = json!({ "LocationConstraint": "eu-west-1" });
    let input = json!({ "Bucket": "shared-name", "CreateBucketConfiguration": configuration });
    let (code, _) = elsewhere.err("s3", "CreateBucket", input).await;
    assert_eq!(code, "BucketAlreadyOwnedByYou");
}

#[tokio::test]
async fn buckets_are_listed_page_by_page() {
    let world = world();
    for name in ["alpha", "beta", "beta-two", "gamma"] {
        world.ok("s3", "CreateBucket", json!({ "Bucket": name })).await;
    }
    let first = world.ok("s3", "ListBuckets", json!({ "MaxBuckets": 3 })).await;
    let names = |answer: &serde_json::Value| -> Vec<String> {
        let buckets = answer["Buckets"].as_array().cloned().unwrap_or_default();
        buckets
            .iter()
            .filter_map(|bucket| bucket["Name"].as_str().map(str::to_owned))
            .collect()
    };
    assert_eq!(names(&first), ["alpha", "beta", "beta-two"]);
    let token = &first["ContinuationToken"];
    let second = world
        .ok(
            "s3",
            "ListBuckets",
            json!({ "MaxBuckets": 3, "ContinuationToken": token }),
        )
        .await;
    assert_eq!(names(&second), ["gamma"]);
    assert!(second["ContinuationToken"].is_null());
    let answer = world.ok("s3", "ListBuckets", json!({ "Prefix": "beta" })).await;
    assert_eq!(names(&answer), ["beta", "beta-two"]);
    let (code, _) = world
        .err("s3", "ListBuckets", json!({ "BucketRegion": "eu-east-1" }))
        .await;
    assert_eq!(code, "InvalidArgument");
}

#[tokio::test]
async fn only_an_empty_bucket_can_be_deleted() {
    let bench = Bench::new().await;
    bench.put("key", "text").await;
    assert_eq!(bench.err("DeleteBucket", json!({})).await, "BucketNotEmpty");
    bench.ok("DeleteObject", json!({ "Key": "key" })).await;
    bench.ok("DeleteBucket", json!({})).await;
    assert_eq!(bench.err("HeadBucket", json!({})).await, "NoSuchBucket");
}
