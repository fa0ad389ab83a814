//! SSE-C: keys that customers bring.

use crate::{Bench, object};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde_json::{Value as Json, json};

/// An input with the key of 32 such bytes, under a prefix of the members' names.
fn with_key(mut input: Json, byte: u8, prefix: &str) -> Json {
    let key = [byte; 32];
    input[format!("{prefix}SSECustomerAlgorithm")] = json!("AES256");
    input[format!("{prefix}SSECustomerKey")] = json!(STANDARD.encode(key));
    input[format!("{prefix}SSECustomerKeyMD5")] = json!(STANDARD.encode(Md5::digest(key)));
    input
}

fn keyed(input: Json, byte: u8) -> Json {
    with_key(input, byte, "")
}

#[tokio::test]
async fn only_the_key_opens_what_it_closed() {
    let bench = Bench::new().await;
    for body in ["secret".to_owned(), "secret".repeat(50_000)] {
        let put = bench.ok("PutObject", keyed(object("k", &body, json!({})), 1)).await;
        assert!(put["ServerSideEncryption"].is_null());
        let (got, read) = bench.get(keyed(json!({ "Key": "k" }), 1)).await.expect("an object");
        assert!(read == body && got["SSECustomerAlgorithm"] == json!("AES256"));
        let ranged = keyed(json!({ "Key": "k", "Range": "bytes=2-4" }), 1);
        assert_eq!(bench.get(ranged).await.expect("a range").1, "cre");
        for (operation, input, code) in [
            ("GetObject", json!({ "Key": "k" }), "InvalidRequest"),
            ("HeadObject", json!({ "Key": "k" }), "InvalidRequest"),
            ("GetObject", keyed(json!({ "Key": "k" }), 2), "AccessDenied"),
            (
                "CopyObject",
                json!({ "Key": "c", "CopySource": "bucket/k" }),
                "InvalidRequest",
            ),
        ] {
            assert_eq!(bench.err(operation, input).await, code, "{operation}");
        }
        // A copy may be opened to all, or closed with another key.
        let copy = with_key(json!({ "Key": "c", "CopySource": "bucket/k" }), 1, "CopySource");
        bench.ok("CopyObject", copy.clone()).await;
        assert!(bench.text("c").await.as_ref() == Some(&body));
        bench.ok("CopyObject", keyed(copy, 2)).await;
        let (_, read) = bench.get(keyed(json!({ "Key": "c" }), 2)).await.expect("a copy");
        assert!(read == body);
    }
    bench.put("plain", "x").await;
    let needless = keyed(json!({ "Key": "plain" }), 1);
    assert_eq!(bench.err("GetObject", needless).await, "InvalidRequest");
    let both = keyed(object("k", "x", json!({ "ServerSideEncryption": "AES256" })), 1);
    assert_eq!(bench.err("PutObject", both).await, "InvalidArgument");
}

#[tokio::test]
async fn parts_are_closed_with_the_key_of_their_upload() {
    let bench = Bench::new().await;
    let begun = bench.ok("CreateMultipartUpload", keyed(json!({ "Key": "k" }), 1)).await;
    let part = |number: i32, body: &str| {
        object(
            "k",
            body,
            json!({ "UploadId": begun["UploadId"], "PartNumber": number }),
        )
    };
    assert_eq!(bench.err("UploadPart", part(1, "x")).await, "InvalidRequest");
    assert_eq!(bench.err("UploadPart", keyed(part(1, "x"), 2)).await, "InvalidRequest");
    let (first, second) = ("a".repeat(5 * 1024 * 1024), "the end");
    let mut parts = Vec::new();
    for (number, body) in [(1, first.as_str()), (2, second)] {
        let answer = bench.ok("UploadPart", keyed(part(number, body), 1)).await;
        parts.push(json!({ "PartNumber": number, "ETag": answer["ETag"] }));
    }
    let completion = json!({ "Key": "k", "UploadId": begun["UploadId"], "MultipartUpload": { "Parts": parts } });
    bench.ok("CompleteMultipartUpload", completion).await;
    let (_, body) = bench.get(keyed(json!({ "Key": "k" }), 1)).await.expect("an object");
    assert!(body == format!("{first}{second}"));
    let over = json!({ "Key": "k", "Range": format!("bytes={}-{}", first.len() - 2, first.len() + 2) });
    assert_eq!(bench.get(keyed(over, 1)).await.expect("a range").1, "aathe");
}
