//! Replication between buckets.

use crate::Bench;
use serde_json::{Value as Json, json};

const REPLICAS: &str = "replicas";

impl Bench {
    async fn replicated() -> Bench {
        let bench = Bench::versioned().await;
        bench.ok("CreateBucket", json!({ "Bucket": REPLICAS })).await;
        let enabled = json!({ "Bucket": REPLICAS, "VersioningConfiguration": { "Status": "Enabled" } });
        bench.ok("PutBucketVersioning", enabled).await;
        bench.replicate(rule(json!({}), "Enabled")).await;
        bench
    }

    async fn replicate(&self, rule: Json) {
        self.ok("PutBucketReplication", configuration(json!([rule]))).await;
    }

    async fn head(&self, bucket: &str, key: &str) -> Option<Json> {
        self.call("HeadObject", json!({ "Bucket": bucket, "Key": key }))
            .await
            .ok()
    }

    async fn settle(&self) {
        self.world.cloud.settle().await.expect("rest");
    }
}

fn configuration(rules: Json) -> Json {
    json!({ "ReplicationConfiguration": { "Role": "arn:aws:iam::000000000000:role/r", "Rules": rules } })
}

fn rule(filter: Json, markers: &str) -> Json {
    json!({
        "ID": "all",
        "Priority": 1,
        "Status": "Enabled",
        "Filter": filter,
        "DeleteMarkerReplication": { "Status": markers },
        "Destination": { "Bucket": format!("arn:aws:s3:::{REPLICAS}"), "StorageClass": "STANDARD_IA" },
    })
}

#[tokio::test]
async fn versions_come_to_the_other_bucket_with_all_that_is_theirs() {
    let bench = Bench::replicated().await;
    let big = "x".repeat(200_000);
    let put = bench
        .put_with("a", &big, json!({ "Metadata": { "who": "me" }, "Tagging": "k=v" }))
        .await;
    let head = bench.head("bucket", "a").await.unwrap_or_default();
    assert_eq!(head["ReplicationStatus"], json!("PENDING"));
    assert_eq!(bench.head(REPLICAS, "a").await, None);
    bench.settle().await;
    let head = bench.head("bucket", "a").await.unwrap_or_default();
    assert_eq!(head["ReplicationStatus"], json!("COMPLETED"));
    let replica = bench.head(REPLICAS, "a").await.unwrap_or_default();
    for (member, value) in [
        ("ReplicationStatus", json!("REPLICA")),
        ("StorageClass", json!("STANDARD_IA")),
        ("VersionId", put["VersionId"].clone()),
        ("ETag", put["ETag"].clone()),
        ("Metadata", json!({ "who": "me" })),
        ("TagCount", json!(1)),
        ("ContentLength", json!(200_000)),
    ] {
        assert_eq!(replica[member], value, "{member}");
    }
    let tags = json!({ "Key": "a", "Tagging": { "TagSet": [] } });
    bench.ok("PutObjectTagging", tags).await;
    bench.settle().await;
    let replica = bench.head(REPLICAS, "a").await.unwrap_or_default();
    assert_eq!(replica["TagCount"], Json::Null);
    // The original's bytes may go: the replica has its own hold on them.
    let version = json!({ "Key": "a", "VersionId": put["VersionId"] });
    bench.ok("DeleteObject", version).await;
    bench.settle().await;
    assert!(
        bench.head(REPLICAS, "a").await.is_some(),
        "deletions of versions stay here"
    );
}

#[tokio::test]
async fn delete_markers_go_where_the_rule_says_so() {
    let bench = Bench::replicated().await;
    bench.put("a", "x").await;
    bench.ok("DeleteObject", json!({ "Key": "a" })).await;
    bench.settle().await;
    assert_eq!(bench.head(REPLICAS, "a").await, None);
    bench.replicate(rule(json!({ "Prefix": "only/" }), "Disabled")).await;
    bench.put("only/a", "x").await;
    bench.put("b", "x").await;
    bench.ok("DeleteObject", json!({ "Key": "only/a" })).await;
    bench.settle().await;
    assert!(bench.head(REPLICAS, "only/a").await.is_some());
    assert_eq!(bench.head(REPLICAS, "b").await, None);
    let other = bench.head("bucket", "b").await.unwrap_or_default();
    assert_eq!(other["ReplicationStatus"], Json::Null);
}

#[tokio::test]
async fn both_buckets_must_have_versions() {
    let bench = Bench::new().await;
    let refused = async |rules: Json| match bench.call("PutBucketReplication", configuration(rules)).await {
        Ok(answer) => panic!("answered {answer}"),
        Err(error) => error.message,
    };
    assert_eq!(
        refused(json!([rule(json!({}), "Enabled")])).await,
        "Versioning must be 'Enabled' on the bucket to apply a replication configuration"
    );
    bench.versioning("Enabled").await;
    assert_eq!(
        refused(json!([rule(json!({}), "Enabled")])).await,
        "Destination bucket must have versioning enabled."
    );
    let code = bench.err("GetBucketReplication", json!({})).await;
    assert_eq!(code, "ReplicationConfigurationNotFoundError");
    let bench = Bench::replicated().await;
    let suspended = json!({ "VersioningConfiguration": { "Status": "Suspended" } });
    assert_eq!(bench.err("PutBucketVersioning", suspended).await, "InvalidBucketState");
}
