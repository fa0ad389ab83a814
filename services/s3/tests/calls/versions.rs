//! Versions and delete markers.

use crate::Bench;
use serde_json::{Value as Json, json};

fn id(answer: &Json) -> String {
    answer["VersionId"].as_str().unwrap_or_default().to_owned()
}

/// Ids of all versions and markers, sorted, `*` behind those that are the latest.
async fn listed(bench: &Bench) -> Vec<String> {
    let answer = bench.ok("ListObjectVersions", json!({})).await;
    let mut all: Vec<(bool, String)> = Vec::new();
    for kind in ["Versions", "DeleteMarkers"] {
        for entry in answer[kind].as_array().cloned().unwrap_or_default() {
            all.push((entry["IsLatest"] == json!(true), id(&entry)));
        }
    }
    let mut out: Vec<String> = all
        .into_iter()
        .map(|(latest, id)| if latest { format!("{id}*") } else { id })
        .collect();
    out.sort();
    out
}

fn sorted(ids: &[&str]) -> Vec<String> {
    let mut out: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    out.sort();
    out
}

#[tokio::test]
async fn versions_outlive_what_comes_after_them() {
    let bench = Bench::new().await;
    bench.put("key", "before").await;
    bench.versioning("Enabled").await;
    let first = id(&bench.put("key", "first").await);
    let second = id(&bench.put("key", "second").await);
    assert_ne!(first, second);
    let at = async |id: &str| {
        bench
            .get(json!({ "Key": "key", "VersionId": id }))
            .await
            .map(|(_, body)| body)
    };
    assert_eq!(at("null").await.ok().as_deref(), Some("before"));
    assert_eq!(at(&first).await.ok().as_deref(), Some("first"));
    assert_eq!(bench.text("key").await.as_deref(), Some("second"));

    let marker = bench.ok("DeleteObject", json!({ "Key": "key" })).await;
    assert_eq!(marker["DeleteMarker"], json!(true));
    assert_eq!(bench.text("key").await, None);
    let code = at(&id(&marker)).await.map_err(|error| error.code.into_owned());
    assert_eq!(code, Err("MethodNotAllowed".to_owned()));
    assert_eq!(listed(&bench).await.len(), 4);

    // Without its marker the object is back.
    bench
        .ok("DeleteObject", json!({ "Key": "key", "VersionId": id(&marker) }))
        .await;
    assert_eq!(bench.text("key").await.as_deref(), Some("second"));
    bench
        .ok("DeleteObject", json!({ "Key": "key", "VersionId": second }))
        .await;
    assert_eq!(bench.text("key").await.as_deref(), Some("first"));
    bench
        .ok("DeleteObject", json!({ "Key": "key", "VersionId": "null" }))
        .await;
    bench
        .ok("DeleteObject", json!({ "Key": "key", "VersionId": first }))
        .await;
    assert_eq!(listed(&bench).await, Vec::<String>::new());
    bench.ok("DeleteBucket", json!({})).await;
}

#[tokio::test]
async fn suspended_buckets_have_one_null_version() {
    let bench = Bench::versioned().await;
    let first = id(&bench.put("key", "first").await);
    bench.versioning("Suspended").await;
    // AWS does not tell the null version's id of a PUT.
    assert_eq!(id(&bench.put("key", "null one").await), "");
    bench.put("key", "null two").await;
    assert_eq!(listed(&bench).await, sorted(&[&first, "null*"]));
    let marker = bench.ok("DeleteObject", json!({ "Key": "key" })).await;
    assert_eq!(id(&marker), "null");
    assert_eq!(listed(&bench).await, sorted(&[&first, "null*"]));
    assert_eq!(bench.text("key").await, None);
    bench.versioning("Enabled").await;
    let second = id(&bench.put("key", "second").await);
    assert_eq!(listed(&bench).await, sorted(&[&first, "null", &format!("{second}*")]));
}

#[tokio::test]
async fn ids_that_never_were_are_told_from_those_that_are_gone() {
    let bench = Bench::versioned().await;
    let first = id(&bench.put("key", "first").await);
    bench
        .ok("DeleteObject", json!({ "Key": "key", "VersionId": first }))
        .await;
    let code = async |id: &str| bench.err("GetObject", json!({ "Key": "key", "VersionId": id })).await;
    assert_eq!(code(&first).await, "NoSuchVersion");
    assert_eq!(code("HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD").await, "InvalidArgument");
}

#[tokio::test]
async fn many_are_deleted_at_once() {
    let bench = Bench::versioned().await;
    let first = id(&bench.put("a", "1").await);
    bench.put("b", "2").await;
    let objects = json!([
        { "Key": "a", "VersionId": first }, { "Key": "b" }, { "Key": "c", "VersionId": "nonsense" },
    ]);
    let answer = bench
        .ok("DeleteObjects", json!({ "Delete": { "Objects": objects } }))
        .await;
    assert_eq!(answer["Deleted"][0], json!({ "Key": "a", "VersionId": first }));
    assert_eq!(answer["Deleted"][1]["DeleteMarker"], json!(true));
    assert_eq!(answer["Errors"][0]["Code"], json!("NoSuchVersion"));
    assert_eq!(bench.text("a").await, None);
    assert_eq!(bench.text("b").await, None);
    let code = bench.err("DeleteObjects", json!({ "Delete": { "Objects": [] } })).await;
    assert_eq!(code, "MalformedXML");
}
