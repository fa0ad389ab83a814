//! Lists: prefixes, delimiters, pages.

use crate::Bench;
use serde_json::{Value as Json, json};

async fn filled(keys: &[&str]) -> Bench {
    let bench = Bench::new().await;
    for key in keys {
        bench.put(key, "x").await;
    }
    bench
}

fn texts(answer: &Json, list: &str, member: &str) -> Vec<String> {
    let list = answer[list].as_array().cloned().unwrap_or_default();
    list.iter()
        .filter_map(|entry| entry[member].as_str().map(str::to_owned))
        .collect()
}

/// All pages of ListObjectsV2, one thing on each: keys, and prefixes in brackets.
async fn one_by_one(bench: &Bench, asked: Json) -> Vec<String> {
    let mut out = Vec::new();
    let mut input = asked;
    input["MaxKeys"] = json!(1);
    loop {
        let answer = bench.ok("ListObjectsV2", input.clone()).await;
        assert!(answer["KeyCount"].as_i64() <= Some(1));
        out.extend(texts(&answer, "Contents", "Key"));
        out.extend(
            texts(&answer, "CommonPrefixes", "Prefix")
                .iter()
                .map(|prefix| format!("[{prefix}]")),
        );
        if answer["IsTruncated"] == json!(false) {
            return out;
        }
        input["ContinuationToken"] = answer["NextContinuationToken"].clone();
    }
}

#[tokio::test]
async fn a_delimiter_rolls_up() {
    let bench = filled(&["a", "b/1", "b/2", "b/c/3", "d", "e/4", "\u{e9}/5", "f//6"]).await;
    let all = ["a", "[b/]", "d", "[e/]", "[f/]", "[\u{e9}/]"];
    let answer = bench.ok("ListObjectsV2", json!({ "Delimiter": "/" })).await;
    assert_eq!(texts(&answer, "Contents", "Key"), ["a", "d"]);
    assert_eq!(
        texts(&answer, "CommonPrefixes", "Prefix"),
        ["b/", "e/", "f/", "\u{e9}/"]
    );
    assert_eq!(answer["KeyCount"], json!(6));
    assert_eq!(one_by_one(&bench, json!({ "Delimiter": "/" })).await, all);
    let within = one_by_one(&bench, json!({ "Delimiter": "/", "Prefix": "b/" })).await;
    assert_eq!(within, ["b/1", "b/2", "[b/c/]"]);
    let behind = one_by_one(&bench, json!({ "Prefix": "b", "StartAfter": "b/1" })).await;
    assert_eq!(behind, ["b/2", "b/c/3"]);
    let other = one_by_one(&bench, json!({ "Delimiter": "//" })).await;
    assert_eq!(other, ["a", "b/1", "b/2", "b/c/3", "d", "e/4", "[f//]", "\u{e9}/5"]);
}

#[tokio::test]
async fn version_one_tells_its_next_marker_beside_a_delimiter() {
    let bench = filled(&["a", "b/1", "b/2", "c"]).await;
    let answer = bench.ok("ListObjects", json!({ "Delimiter": "/", "MaxKeys": 2 })).await;
    assert_eq!(answer["NextMarker"], json!("b/"));
    let answer = bench
        .ok("ListObjects", json!({ "Delimiter": "/", "Marker": "b/" }))
        .await;
    assert_eq!(texts(&answer, "Contents", "Key"), ["c"]);
    assert!(answer["CommonPrefixes"].is_null());
    let answer = bench.ok("ListObjects", json!({ "MaxKeys": 1 })).await;
    assert!(answer["NextMarker"].is_null());
    assert_eq!(answer["IsTruncated"], json!(true));
    let answer = bench.ok("ListObjects", json!({ "MaxKeys": 0 })).await;
    assert_eq!(answer["IsTruncated"], json!(false));
}

#[tokio::test]
async fn versions_come_page_by_page() {
    let bench = Bench::versioned().await;
    for body in ["1", "2"] {
        for key in ["a", "b/x", "b/y", "c"] {
            bench.put(key, body).await;
        }
    }
    bench.ok("DeleteObject", json!({ "Key": "c" })).await;
    let mut seen = Vec::new();
    let mut input = json!({ "MaxKeys": 2 });
    loop {
        let answer = bench.ok("ListObjectVersions", input.clone()).await;
        seen.extend(
            texts(&answer, "DeleteMarkers", "Key")
                .iter()
                .map(|key| format!("-{key}")),
        );
        seen.extend(texts(&answer, "Versions", "Key"));
        if answer["IsTruncated"] == json!(false) {
            break;
        }
        input["KeyMarker"] = answer["NextKeyMarker"].clone();
        input["VersionIdMarker"] = answer["NextVersionIdMarker"].clone();
    }
    assert_eq!(seen, ["a", "a", "b/x", "b/x", "b/y", "b/y", "-c", "c", "c"]);
    let answer = bench.ok("ListObjectVersions", json!({ "Delimiter": "/" })).await;
    assert_eq!(texts(&answer, "CommonPrefixes", "Prefix"), ["b/"]);
    assert_eq!(texts(&answer, "Versions", "Key"), ["a", "a", "c", "c"]);
    let latest: Vec<bool> = answer["Versions"]
        .as_array()
        .map(|versions| {
            versions
                .iter()
                .map(|version| version["IsLatest"] == json!(true))
                .collect()
        })
        .unwrap_or_default();
    assert_eq!(latest, [true, false, false, false]);
}

#[tokio::test]
async fn strange_requests_are_refused() {
    let bench = filled(&[]).await;
    for (operation, input) in [
        ("ListObjects", json!({ "EncodingType": "base64" })),
        ("ListObjects", json!({ "MaxKeys": -1 })),
        ("ListObjectsV2", json!({ "ContinuationToken": "" })),
        ("ListObjectsV2", json!({ "ContinuationToken": "strange" })),
        ("ListObjectVersions", json!({ "VersionIdMarker": "null" })),
    ] {
        assert_eq!(bench.err(operation, input.clone()).await, "InvalidArgument", "{input}");
    }
}

#[tokio::test]
async fn a_page_goes_on_behind_versions_that_are_gone() {
    let bench = Bench::versioned().await;
    for _ in 0..5 {
        bench.put("k", "x").await;
    }
    bench.put("l", "x").await;
    let all = texts(
        &bench.ok("ListObjectVersions", json!({})).await,
        "Versions",
        "VersionId",
    );
    let page = bench.ok("ListObjectVersions", json!({ "MaxKeys": 3 })).await;
    let behind = json!({ "KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"] });
    for gone in 0..4 {
        if gone > 0 {
            bench
                .ok("DeleteObject", json!({ "Key": "k", "VersionId": all[gone - 1] }))
                .await;
        }
        let rest = bench.ok("ListObjectVersions", behind.clone()).await;
        assert_eq!(texts(&rest, "Versions", "VersionId"), all[3..], "{gone} are gone");
        assert_eq!(rest["Versions"][0]["IsLatest"], json!(gone == 3), "{gone} are gone");
        assert_eq!(rest["Versions"][1]["IsLatest"], json!(false));
        assert_eq!(rest["Versions"][2]["IsLatest"], json!(true));
    }
    // The same where the newest that is left is a delete marker.
    bench.ok("DeleteObject", json!({ "Key": "m" })).await;
    bench.put("m", "x").await;
    let page = bench
        .ok("ListObjectVersions", json!({ "Prefix": "m", "MaxKeys": 1 }))
        .await;
    let (key, id) = (page["NextKeyMarker"].clone(), page["NextVersionIdMarker"].clone());
    bench.ok("DeleteObject", json!({ "Key": "m", "VersionId": id })).await;
    let rest = bench
        .ok("ListObjectVersions", json!({ "KeyMarker": key, "VersionIdMarker": id }))
        .await;
    assert_eq!(rest["DeleteMarkers"][0]["IsLatest"], json!(true));
}

#[tokio::test]
async fn beside_a_token_no_other_place_counts_or_is_told() {
    let bench = filled(&["a", "b", "c", "d"]).await;
    let first = bench
        .ok("ListObjectsV2", json!({ "MaxKeys": 1, "StartAfter": "a" }))
        .await;
    assert_eq!(first["StartAfter"], json!("a"));
    let token = first["NextContinuationToken"].clone();
    let next = bench
        .ok(
            "ListObjectsV2",
            json!({ "ContinuationToken": token, "StartAfter": "c" }),
        )
        .await;
    assert_eq!(texts(&next, "Contents", "Key"), ["c", "d"]);
    assert!(next["StartAfter"].is_null());
}
