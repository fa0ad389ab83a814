//! Objects: written, read, deleted.

use crate::{Bench, object};
use serde_json::json;

#[tokio::test]
async fn what_is_put_is_got() {
    let bench = Bench::new().await;
    let put = bench
        .put_with(
            "a//b/../c d/é",
            "hello",
            json!({ "ContentType": "text/plain", "Metadata": { "who": "me" }, "StorageClass": "STANDARD_IA" }),
        )
        .await;
    assert_eq!(put["ETag"], json!("\"5d41402abc4b2a76b9719d911017c592\""));
    assert_eq!(put["ChecksumType"], json!("FULL_OBJECT"));
    let (got, body) = bench.get(json!({ "Key": "a//b/../c d/é" })).await.expect("the object");
    assert_eq!(body, "hello");
    assert_eq!(got["ContentLength"], json!(5));
    assert_eq!(got["ContentType"], json!("text/plain"));
    assert_eq!(got["Metadata"], json!({ "who": "me" }));
    assert_eq!(got["StorageClass"], json!("STANDARD_IA"));
    bench.put("a//b/../c d/é", "other").await;
    assert_eq!(bench.text("a//b/../c d/é").await.as_deref(), Some("other"));
    bench.ok("DeleteObject", json!({ "Key": "a//b/../c d/é" })).await;
    assert_eq!(bench.text("a//b/../c d/é").await, None);
}

#[tokio::test]
async fn a_range_is_answered_in_part() {
    let bench = Bench::new().await;
    bench.put("key", "0123456789").await;
    let input = json!({ "Key": "key", "Range": "bytes=2-4" });
    let (status, output, body) = bench.answer("GetObject", input).await.expect("a part");
    assert_eq!(status, Some(206));
    assert_eq!(output["ContentRange"], json!("bytes 2-4/10"));
    assert_eq!(&body[..], b"234");
    let code = bench
        .err("GetObject", json!({ "Key": "key", "Range": "bytes=10-" }))
        .await;
    assert_eq!(code, "InvalidRange");
}

#[tokio::test]
async fn what_came_wrong_is_not_stored() {
    let bench = Bench::new().await;
    for (option, value, code) in [
        ("ContentMD5", "AAAAAAAAAAAAAAAAAAAAAA==", "BadDigest"),
        ("ContentMD5", "nonsense", "InvalidDigest"),
        ("ChecksumCRC32", "AAAAAA==", "BadDigest"),
        ("ChecksumSHA256", "AAAAAA==", "InvalidRequest"),
        ("StorageClass", "OUTPOSTS", "InvalidStorageClass"),
        ("ServerSideEncryption", "rot13", "InvalidArgument"),
        ("WebsiteRedirectLocation", "nowhere", "InvalidRedirectLocation"),
        ("IfMatch", "abc", "NoSuchKey"),
    ] {
        let mut options = json!({});
        options[option] = json!(value);
        assert_eq!(
            bench.err("PutObject", object("key", "text", options)).await,
            code,
            "{option}"
        );
    }
    let mut short = object("key", "text", json!({}));
    short["ContentLength"] = json!(5);
    assert_eq!(bench.err("PutObject", short).await, "IncompleteBody");
    let long = "k".repeat(1025);
    assert_eq!(
        bench.err("PutObject", object(&long, "text", json!({}))).await,
        "KeyTooLongError"
    );
    assert_eq!(bench.text("key").await, None);
}

#[tokio::test]
async fn an_archived_object_is_restored_by_the_clock() {
    let hour = std::time::Duration::from_secs(60 * 60);
    let bench = Bench::new().await;
    bench.put_with("k", "cold", json!({ "StorageClass": "GLACIER" })).await;
    bench.put("warm", "x").await;
    let restore = |key: &str| json!({ "Key": key, "RestoreRequest": { "Days": 1 } });
    assert_eq!(
        bench.err("GetObject", json!({ "Key": "k" })).await,
        "InvalidObjectState"
    );
    assert_eq!(bench.err("RestoreObject", restore("warm")).await, "InvalidObjectState");
    assert_eq!(bench.err("RestoreObject", json!({ "Key": "k" })).await, "MalformedXML");
    let (status, ..) = bench.answer("RestoreObject", restore("k")).await.expect("begun");
    assert_eq!(status, Some(202));
    assert_eq!(
        bench.err("RestoreObject", restore("k")).await,
        "RestoreAlreadyInProgress"
    );
    assert_eq!(
        bench.ok("HeadObject", json!({ "Key": "k" })).await["Restore"],
        json!("ongoing-request=\"true\"")
    );
    bench.world.pass(hour * 5).await;
    assert_eq!(bench.text("k").await.as_deref(), Some("cold"));
    let (status, ..) = bench.answer("RestoreObject", restore("k")).await.expect("prolonged");
    assert_eq!(status, Some(200));
    bench.world.pass(hour * 48).await;
    assert_eq!(
        bench.err("GetObject", json!({ "Key": "k" })).await,
        "InvalidObjectState"
    );
    assert!(bench.ok("HeadObject", json!({ "Key": "k" })).await["Restore"].is_null());
}
