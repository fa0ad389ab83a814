//! Copies.

use crate::Bench;
use serde_json::json;

#[tokio::test]
async fn a_copy_takes_what_it_is_told_to() {
    let bench = Bench::new().await;
    let options = json!({
        "ContentType": "text/plain", "Metadata": { "a": "1" }, "Tagging": "t=1", "StorageClass": "STANDARD_IA",
        "ChecksumAlgorithm": "SHA1",
    });
    bench.put_with("from", "hello", options).await;
    bench
        .ok("CopyObject", json!({ "Key": "to", "CopySource": "bucket/from" }))
        .await;
    let (got, body) = bench
        .get(json!({ "Key": "to", "ChecksumMode": "ENABLED" }))
        .await
        .expect("a copy");
    assert_eq!(body, "hello");
    assert_eq!(got["ContentType"], json!("text/plain"));
    assert_eq!(got["Metadata"], json!({ "a": "1" }));
    assert_eq!(got["TagCount"], json!(1));
    assert_eq!(got["ChecksumSHA1"], json!("qvTGHdzF6KLavt4PO0gs2a6pQ00="));
    assert!(got["StorageClass"].is_null());
    let replace = json!({
        "Key": "to", "CopySource": "/bucket/from", "MetadataDirective": "REPLACE", "TaggingDirective": "REPLACE",
        "ChecksumAlgorithm": "CRC32",
    });
    bench.ok("CopyObject", replace).await;
    let (got, _) = bench
        .get(json!({ "Key": "to", "ChecksumMode": "ENABLED" }))
        .await
        .expect("a copy");
    assert_eq!(got["ContentType"], json!("binary/octet-stream"));
    assert_eq!(got["Metadata"], json!({}));
    assert!(got["TagCount"].is_null());
    assert_eq!(got["ChecksumCRC32"], json!("NhCmhg=="));
    // The source is its own: it stays when the copy goes, and the other way round.
    bench.ok("DeleteObject", json!({ "Key": "from" })).await;
    assert_eq!(bench.text("to").await.as_deref(), Some("hello"));
}

#[tokio::test]
async fn a_large_copy_shares_the_file_of_its_source() {
    let bench = Bench::new().await;
    let large = "0123456789".repeat(20_000);
    bench.put("from", &large).await;
    bench
        .ok("CopyObject", json!({ "Key": "to", "CopySource": "bucket/from" }))
        .await;
    bench.ok("DeleteObject", json!({ "Key": "from" })).await;
    assert_eq!(bench.text("to").await.as_deref(), Some(large.as_str()));
    let (_, _, body) = bench
        .answer("GetObject", json!({ "Key": "to", "Range": "bytes=-3" }))
        .await
        .expect("its end");
    assert_eq!(&body[..], b"789");
}

#[tokio::test]
async fn copies_are_refused_as_aws_refuses_them() {
    let bench = Bench::new().await;
    bench.put("from", "hello").await;
    for (input, code) in [
        (json!({ "CopySource": "bucket/from", "Key": "from" }), "InvalidRequest"),
        (json!({ "CopySource": "bucket/other", "Key": "to" }), "NoSuchKey"),
        (json!({ "CopySource": "nobucket/other", "Key": "to" }), "NoSuchBucket"),
        (json!({ "CopySource": "bucket", "Key": "to" }), "InvalidArgument"),
        (
            json!({ "CopySource": "bucket/from", "Key": "to", "MetadataDirective": "MERGE" }),
            "InvalidArgument",
        ),
        (
            json!({ "CopySource": "bucket/from", "Key": "to", "CopySourceIfMatch": "x" }),
            "PreconditionFailed",
        ),
        (
            json!({ "CopySource": "bucket/from", "Key": "from", "IfNoneMatch": "*" }),
            "PreconditionFailed",
        ),
    ] {
        assert_eq!(bench.err("CopyObject", input.clone()).await, code, "{input}");
    }
}

/// As AWS does, an entity tag is told that is no MD5, and another one for the same bytes.
#[tokio::test]
async fn entity_tags_under_keys_of_kms_tell_nothing_of_the_bytes() {
    let bench = Bench::new().await;
    let kms = || json!({ "ServerSideEncryption": "aws:kms" });
    let plain = bench.put("plain", "hello").await["ETag"].clone();
    let one = bench.put_with("one", "hello", kms()).await["ETag"].clone();
    let two = bench.put_with("two", "hello", kms()).await["ETag"].clone();
    assert!(one != plain && two != plain && one != two);
    let copied = async |to: &str, from: &str, method: &str| {
        let input = json!({ "Key": to, "CopySource": format!("bucket/{from}"), "ServerSideEncryption": method });
        bench.ok("CopyObject", input).await["CopyObjectResult"]["ETag"].clone()
    };
    assert_eq!(copied("three", "one", "AES256").await, plain);
    let again = copied("four", "one", "aws:kms").await;
    assert!(again != one && again != plain);
    assert_ne!(copied("five", "plain", "aws:kms").await, plain);
    assert_eq!(bench.text("three").await.as_deref(), Some("hello"));
    assert_eq!(bench.text("four").await.as_deref(), Some("hello"));
}
