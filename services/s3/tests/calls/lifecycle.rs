//! Lifecycle: rules, and what they do as time passes.

use crate::Bench;
use serde_json::{Value as Json, json};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

impl Bench {
    async fn rules(&self, rules: Json) {
        self.ok(
            "PutBucketLifecycleConfiguration",
            json!({ "LifecycleConfiguration": { "Rules": rules } }),
        )
        .await;
    }

    async fn refused(&self, rules: Json) -> (String, String) {
        let input = json!({ "LifecycleConfiguration": { "Rules": rules } });
        match self.call("PutBucketLifecycleConfiguration", input).await {
            Ok(answer) => panic!("answered {answer}"),
            Err(error) => (error.code.into_owned(), error.message),
        }
    }

    async fn keys(&self) -> Vec<String> {
        let list = self.ok("ListObjectsV2", json!({})).await;
        let keys = list["Contents"].as_array().cloned().unwrap_or_default();
        keys.iter()
            .filter_map(|object| object["Key"].as_str().map(str::to_owned))
            .collect()
    }

    /// How many versions and delete markers there are.
    async fn counts(&self) -> (usize, usize) {
        let list = self.ok("ListObjectVersions", json!({})).await;
        let count = |name: &str| list[name].as_array().map_or(0, Vec::len);
        (count("Versions"), count("DeleteMarkers"))
    }
}

fn rule(id: &str, filter: Json, more: Json) -> Json {
    let mut rule = json!({ "ID": id, "Status": "Enabled", "Filter": filter });
    if let (Some(rule), Some(more)) = (rule.as_object_mut(), more.as_object()) {
        rule.extend(more.clone());
    }
    rule
}

#[tokio::test]
async fn objects_end_at_midnight_after_their_days() {
    let bench = Bench::new().await;
    bench.world.pass(Duration::from_secs(10 * 3600)).await;
    bench
        .rules(json!([
            rule(
                "logs",
                json!({ "Prefix": "logs/" }),
                json!({ "Expiration": { "Days": 3 } })
            ),
            rule(
                "big",
                json!({ "ObjectSizeGreaterThan": 4 }),
                json!({ "Expiration": { "Days": 1 } })
            ),
            rule(
                "tagged",
                json!({ "And": { "Prefix": "t", "Tags": [{ "Key": "a", "Value": "b" }] } }),
                json!({ "Expiration": { "Days": 5 } })
            ),
        ]))
        .await;
    let put = bench.put("logs/1", "x").await;
    assert_eq!(
        put["Expiration"],
        json!("expiry-date=\"Mon, 05 Jan 2026 00:00:00 GMT\", rule-id=\"logs\"")
    );
    let put = bench.put("keep", "x").await;
    assert_eq!(put["Expiration"], Json::Null);
    bench.put("long", "12345").await;
    bench.put_with("t", "x", json!({ "Tagging": "a=b" })).await;
    let head = bench.ok("HeadObject", json!({ "Key": "logs/1" })).await;
    assert_eq!(head["Expiration"], put_expiration("Mon, 05 Jan 2026", "logs"));

    bench.world.pass(DAY).await;
    assert_eq!(bench.keys().await, ["keep", "logs/1", "long", "t"]);
    bench.world.pass(DAY).await;
    assert_eq!(bench.keys().await, ["keep", "logs/1", "t"]);
    bench.world.pass(2 * DAY).await;
    assert_eq!(bench.keys().await, ["keep", "t"]);
    bench.world.pass(30 * DAY).await;
    assert_eq!(bench.keys().await, ["keep"]);
}

fn put_expiration(day: &str, rule: &str) -> Json {
    json!(format!("expiry-date=\"{day} 00:00:00 GMT\", rule-id=\"{rule}\""))
}

#[tokio::test]
async fn many_objects_end_in_steps() {
    let bench = Bench::new().await;
    for number in 0..1203 {
        bench.put(&format!("k{number}"), "x").await;
    }
    bench.put("other", "x").await;
    bench
        .rules(json!([rule(
            "all",
            json!({ "Prefix": "k" }),
            json!({ "Expiration": { "Days": 1 } })
        )]))
        .await;
    bench.world.pass(DAY).await;
    assert_eq!(bench.keys().await, ["other"]);
}

#[tokio::test]
async fn versions_are_marked_then_removed_then_their_markers() {
    let bench = Bench::versioned().await;
    bench
        .rules(json!([rule(
            "end",
            json!({}),
            json!({ "Expiration": { "Days": 2 }, "NoncurrentVersionExpiration": { "NoncurrentDays": 3 } })
        ),]))
        .await;
    bench.put("a", "1").await;
    bench.put("a", "2").await;
    bench.world.pass(2 * DAY).await;
    assert_eq!(bench.counts().await, (2, 1));
    assert_eq!(bench.text("a").await, None);
    bench.world.pass(DAY).await;
    assert_eq!(bench.counts().await, (1, 1), "the first was replaced three days ago");
    bench.world.pass(2 * DAY).await;
    assert_eq!(bench.counts().await, (0, 1));
    bench.world.pass(DAY).await;
    assert_eq!(bench.counts().await, (0, 0), "a marker alone goes too");
}

#[tokio::test]
async fn some_newer_versions_are_spared() {
    let bench = Bench::versioned().await;
    bench
        .rules(json!([rule(
            "spare",
            json!({ "Prefix": "" }),
            json!({ "NoncurrentVersionExpiration": { "NoncurrentDays": 1, "NewerNoncurrentVersions": 2 } })
        )]))
        .await;
    for number in 0..6 {
        bench.put("a", &number.to_string()).await;
    }
    bench.world.pass(3 * DAY).await;
    assert_eq!(bench.counts().await, (3, 0), "the current one and two more");
    assert_eq!(bench.text("a").await.as_deref(), Some("5"));
}

#[tokio::test]
async fn objects_sink_through_storage_classes() {
    let bench = Bench::new().await;
    bench
        .rules(json!([rule(
            "sink",
            json!({ "Prefix": "" }),
            json!({ "Transitions": [
                { "Days": 30, "StorageClass": "STANDARD_IA" },
                { "Days": 90, "StorageClass": "GLACIER" },
            ] })
        )]))
        .await;
    bench.put("big", &"x".repeat(128 * 1024)).await;
    bench.put("small", "x").await;
    let class = async |key: &str| {
        let head = bench.ok("HeadObject", json!({ "Key": key })).await;
        head["StorageClass"].as_str().map(str::to_owned)
    };
    bench.world.pass(29 * DAY).await;
    assert_eq!(class("big").await, None);
    bench.world.pass(DAY).await;
    assert_eq!(class("big").await.as_deref(), Some("STANDARD_IA"));
    bench.world.pass(60 * DAY).await;
    assert_eq!(class("big").await.as_deref(), Some("GLACIER"));
    assert_eq!(class("small").await, None, "less than 128 KiB stays");
}

#[tokio::test]
async fn rules_end_with_their_configuration() {
    let bench = Bench::new().await;
    bench
        .rules(json!([rule("all", json!({}), json!({ "Expiration": { "Days": 1 } }))]))
        .await;
    bench.put("a", "x").await;
    bench.ok("DeleteBucketLifecycle", json!({})).await;
    let code = bench.err("GetBucketLifecycleConfiguration", json!({})).await;
    assert_eq!(code, "NoSuchLifecycleConfiguration");
    bench.world.pass(9 * DAY).await;
    assert_eq!(bench.keys().await, ["a"]);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let bench = Bench::new().await;
    let days = || json!({ "Expiration": { "Days": 7 } });
    for (rules, code) in [
        (json!([]), "MalformedXML"),
        (
            json!([{ "Status": "Enabled", "Expiration": { "Days": 7 } }]),
            "MalformedXML",
        ),
        (
            json!([rule("x", json!({ "Prefix": "a", "ObjectSizeLessThan": 3 }), days())]),
            "MalformedXML",
        ),
        (
            json!([rule(
                "x",
                json!({}),
                json!({ "Status": "enabled", "Expiration": { "Days": 7 } })
            )]),
            "MalformedXML",
        ),
        (
            json!([rule("x", json!({}), json!({ "Expiration": { "Days": 0 } }))]),
            "InvalidArgument",
        ),
        (json!([rule("x", json!({}), json!({}))]), "InvalidRequest"),
        (
            json!([rule("x", json!({}), days()), rule("x", json!({}), days())]),
            "InvalidArgument",
        ),
        (json!([rule(&"x".repeat(256), json!({}), days())]), "InvalidArgument"),
        (
            json!([rule("x", json!({}), json!({ "NoncurrentVersionExpiration": {} }))]),
            "MalformedXML",
        ),
        (
            json!([rule(
                "x",
                json!({}),
                json!({ "Expiration": { "Days": 7, "ExpiredObjectDeleteMarker": true } })
            )]),
            "MalformedXML",
        ),
        (
            json!([rule(
                "x",
                json!({}),
                json!({ "Transitions": [{ "Days": 3, "StorageClass": "STANDARD_IA" }] })
            )]),
            "InvalidArgument",
        ),
    ] {
        assert_eq!(bench.refused(rules.clone()).await.0, code, "{rules}");
    }
    let sinks = |steps: &[(i32, &str)]| {
        let step = |(days, class): &(i32, &str)| json!({ "Days": days, "StorageClass": class });
        json!([rule(
            "x",
            json!({}),
            json!({ "Transitions": steps.iter().map(step).collect::<Vec<Json>>() })
        )])
    };
    for steps in [
        [(60, "GLACIER"), (30, "STANDARD_IA")],
        [(0, "GLACIER_IR"), (1, "DEEP_ARCHIVE")],
    ] {
        bench.rules(sinks(&steps)).await;
    }
    for (steps, message) in [
        ([(30, "STANDARD_IA"), (59, "GLACIER")], "must be 30 days more than"),
        ([(9, "DEEP_ARCHIVE"), (9, "GLACIER")], "must be greater than"),
    ] {
        let (code, told) = bench.refused(sinks(&steps)).await;
        assert!(code == "InvalidArgument" && told.contains(message), "{code}: {told}");
    }
    let date = json!({ "Expiration": { "Date": "2026-02-01T10:00:00Z" } });
    let (code, message) = bench.refused(json!([rule("x", json!({}), date)])).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("InvalidArgument", "'Date' must be at midnight GMT")
    );
    let tags = json!({ "And": { "Tags": [{ "Key": "a", "Value": "1" }, { "Key": "a", "Value": "2" }] } });
    let (code, message) = bench.refused(json!([rule("x", tags, days())])).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("InvalidRequest", "Duplicate Tag Keys are not allowed.")
    );
}
