//! Multipart uploads.

use crate::{Bench, object};
use serde_json::{Value as Json, json};

const MEBIBYTE: usize = 1024 * 1024;

async fn begin(bench: &Bench, options: Json) -> String {
    let mut input = options;
    input["Key"] = json!("k");
    let begun = bench.ok("CreateMultipartUpload", input).await;
    begun["UploadId"].as_str().unwrap_or_default().to_owned()
}

async fn part(bench: &Bench, id: &str, number: i32, body: &str) -> Json {
    let input = object("k", body, json!({ "UploadId": id, "PartNumber": number }));
    let answer = bench.ok("UploadPart", input).await;
    json!({ "PartNumber": number, "ETag": answer["ETag"] })
}

fn completion(id: &str, parts: &[Json]) -> Json {
    json!({ "Key": "k", "UploadId": id, "MultipartUpload": { "Parts": parts } })
}

#[tokio::test]
async fn parts_become_one_object() {
    let bench = Bench::new().await;
    let id = begin(&bench, json!({ "ContentType": "text/plain", "Metadata": { "a": "1" } })).await;
    let (first, second) = ("a".repeat(5 * MEBIBYTE), "b".repeat(5 * MEBIBYTE + 7));
    // In any order; a part that comes again replaces the one before.
    let last = part(&bench, &id, 30, "tail").await;
    part(&bench, &id, 10, "not this").await;
    let unused = part(&bench, &id, 15, "unused").await;
    let (one, two) = (
        part(&bench, &id, 10, &first).await,
        part(&bench, &id, 20, &second).await,
    );
    let wrong = |parts: &[Json]| completion(&id, parts);
    for (parts, code) in [
        (&[][..], "MalformedXML"),
        (&[two.clone(), one.clone()], "InvalidPartOrder"),
        (&[one.clone(), one.clone()], "InvalidPartOrder"),
        (&[json!({ "PartNumber": 11, "ETag": one["ETag"] })], "InvalidPart"),
        (&[json!({ "PartNumber": 10, "ETag": two["ETag"] })], "InvalidPart"),
        (&[one.clone(), unused, two.clone()], "EntityTooSmall"),
        (&[json!({ "PartNumber": 10 })], "MalformedXML"),
        (&[json!({ "PartNumber": 0, "ETag": one["ETag"] })], "InvalidArgument"),
    ] {
        assert_eq!(bench.err("CompleteMultipartUpload", wrong(parts)).await, code);
    }
    let nothing = json!({ "Key": "k", "UploadId": id });
    assert_eq!(bench.err("CompleteMultipartUpload", nothing).await, "InvalidRequest");
    let sized = |size: usize| {
        let mut input = completion(&id, &[one.clone(), two.clone(), last.clone()]);
        input["MpuObjectSize"] = json!(size);
        input
    };
    assert_eq!(bench.err("CompleteMultipartUpload", sized(5)).await, "InvalidRequest");
    let size = first.len() + second.len() + 4;
    let done = bench.ok("CompleteMultipartUpload", sized(size)).await;
    assert!(done["ETag"].as_str().is_some_and(|etag| etag.ends_with("-3\"")));
    assert_eq!(done["ChecksumType"], json!("FULL_OBJECT"));
    // The answer may have been lost.
    let again = bench.ok("CompleteMultipartUpload", sized(size)).await;
    assert_eq!(again["ETag"], done["ETag"]);

    let (got, body) = bench.get(json!({ "Key": "k" })).await.expect("an object");
    assert_eq!(
        (got["ContentType"].clone(), got["Metadata"].clone()),
        (json!("text/plain"), json!({ "a": "1" }))
    );
    assert_eq!(body, format!("{first}{second}tail"));
    let edges = 5 * MEBIBYTE - 2..=10 * MEBIBYTE + 8;
    let range = format!("bytes={}-{}", edges.start(), edges.end());
    let (got, ranged) = bench.get(json!({ "Key": "k", "Range": range })).await.expect("a range");
    assert_eq!(ranged, body.get(edges).unwrap_or_default());
    assert_eq!(got["ContentLength"], json!(ranged.len()));
    for (number, content) in [(1, &*first), (2, &second), (3, "tail")] {
        let (got, body) = bench
            .get(json!({ "Key": "k", "PartNumber": number }))
            .await
            .expect("a part");
        assert_eq!(got["PartsCount"], json!(3));
        assert!(body == content, "part {number}");
    }
    let (code, _) = bench
        .world
        .err(
            "s3",
            "GetObject",
            json!({ "Bucket": "bucket", "Key": "k", "PartNumber": 4 }),
        )
        .await;
    assert_eq!(code, "InvalidPartNumber");

    // A copy is one piece again, with the same sum.
    let copied = bench
        .ok("CopyObject", json!({ "Key": "c", "CopySource": "bucket/k" }))
        .await;
    assert_eq!(
        copied["CopyObjectResult"]["ChecksumCRC64NVME"],
        done["ChecksumCRC64NVME"]
    );
    bench.ok("DeleteObject", json!({ "Key": "k" })).await;
    let (_, copy) = bench.get(json!({ "Key": "c" })).await.expect("a copy");
    assert!(copy == body);
    bench.ok("DeleteObject", json!({ "Key": "c" })).await;
    bench.ok("DeleteBucket", json!({})).await;
}

#[tokio::test]
async fn an_upload_that_is_over_is_no_upload() {
    let bench = Bench::new().await;
    let id = begin(&bench, json!({})).await;
    let one = part(&bench, &id, 1, "one").await;
    bench
        .ok("AbortMultipartUpload", json!({ "Key": "k", "UploadId": id }))
        .await;
    for (operation, input) in [
        ("AbortMultipartUpload", json!({ "Key": "k", "UploadId": id })),
        ("ListParts", json!({ "Key": "k", "UploadId": id })),
        (
            "UploadPart",
            object("k", "x", json!({ "UploadId": id, "PartNumber": 1 })),
        ),
        ("CompleteMultipartUpload", completion(&id, std::slice::from_ref(&one))),
        (
            "CompleteMultipartUpload",
            completion("fakeid", std::slice::from_ref(&one)),
        ),
        ("CompleteMultipartUpload", json!({ "Key": "k", "UploadId": "fakeid" })),
    ] {
        assert_eq!(bench.err(operation, input).await, "NoSuchUpload", "{operation}");
    }
    // Another key has no part in it.
    let id = begin(&bench, json!({})).await;
    assert_eq!(
        bench.err("ListParts", json!({ "Key": "other", "UploadId": id })).await,
        "NoSuchUpload"
    );
    for number in [0, -1, 10_001] {
        let input = object("k", "x", json!({ "UploadId": id, "PartNumber": number }));
        assert_eq!(bench.err("UploadPart", input).await, "InvalidArgument");
    }
    // An upload under way does not keep its bucket.
    part(&bench, &id, 1, "one").await;
    bench.ok("DeleteBucket", json!({})).await;
}

#[tokio::test]
async fn parts_may_be_copied_from_objects() {
    let bench = Bench::new().await;
    bench.put("source", "0123456789").await;
    let id = begin(&bench, json!({ "ChecksumAlgorithm": "SHA256" })).await;
    let copy = |number: i32, range: Option<&str>| json!({ "Key": "k", "UploadId": id, "PartNumber": number, "CopySource": "bucket/source", "CopySourceRange": range });
    let copied = bench.ok("UploadPartCopy", copy(1, Some("bytes=2-4"))).await;
    let result = &copied["CopyPartResult"];
    assert_eq!(
        result["ChecksumSHA256"],
        json!("EUvRUfj7DFhkLSFw2krn18V5dyYKwsyJBTBsq2sqyrw=")
    );
    assert_eq!(
        bench.err("UploadPartCopy", copy(1, Some("bytes=2-10"))).await,
        "InvalidArgument"
    );
    let named = json!({ "PartNumber": 1, "ETag": result["ETag"] });
    assert_eq!(
        bench.err("CompleteMultipartUpload", completion(&id, &[named])).await,
        "InvalidRequest"
    );
    let named = json!({ "PartNumber": 1, "ETag": result["ETag"], "ChecksumSHA256": result["ChecksumSHA256"] });
    let done = bench.ok("CompleteMultipartUpload", completion(&id, &[named])).await;
    assert_eq!(done["ChecksumType"], json!("COMPOSITE"));
    assert_eq!(bench.text("k").await.as_deref(), Some("234"));
    let input = json!({ "Key": "k", "ObjectAttributes": ["Checksum", "ObjectParts"], "MaxParts": 1 });
    let attributes = bench.ok("GetObjectAttributes", input).await;
    assert_eq!(attributes["ObjectParts"]["Parts"][0]["Size"], json!(3));
    assert_eq!(attributes["ObjectParts"]["IsTruncated"], json!(false));
}

#[tokio::test]
async fn uploads_are_listed_by_key_and_age() {
    let bench = Bench::new().await;
    let mut ids = Vec::new();
    for key in ["b/2", "a", "b/1", "a"] {
        let begun = bench.ok("CreateMultipartUpload", json!({ "Key": key })).await;
        ids.push((key, begun["UploadId"].clone()));
        bench.world.pass(std::time::Duration::from_secs(1)).await;
    }
    let keys = |page: &Json| -> Vec<Json> {
        let uploads = page["Uploads"].as_array().cloned().unwrap_or_default();
        uploads.iter().map(|upload| upload["UploadId"].clone()).collect()
    };
    let wanted = [&ids[1].1, &ids[3].1, &ids[2].1, &ids[0].1].map(Clone::clone);
    assert_eq!(keys(&bench.ok("ListMultipartUploads", json!({})).await), wanted);
    let (mut seen, mut input) = (Vec::new(), json!({ "MaxUploads": 1 }));
    loop {
        let page = bench.ok("ListMultipartUploads", input.clone()).await;
        seen.extend(keys(&page));
        input["KeyMarker"] = page["NextKeyMarker"].clone();
        input["UploadIdMarker"] = page["NextUploadIdMarker"].clone();
        if page["IsTruncated"] == json!(false) {
            break;
        }
    }
    assert_eq!(seen, wanted);
    let rolled = bench.ok("ListMultipartUploads", json!({ "Delimiter": "/" })).await;
    assert_eq!(rolled["CommonPrefixes"], json!([{ "Prefix": "b/" }]));
    assert_eq!(keys(&rolled), wanted[..2]);
    let strange = json!({ "KeyMarker": "a", "UploadIdMarker": ids[0].1 });
    assert_eq!(bench.err("ListMultipartUploads", strange).await, "InvalidArgument");
}

#[tokio::test]
async fn a_completion_may_depend_on_what_is_there() {
    let bench = Bench::new().await;
    let complete = |id: String, one: Json, condition: &'static str, value: &'static str| {
        let mut input = completion(&id, &[one]);
        input[condition] = json!(value);
        input
    };
    let id = begin(&bench, json!({})).await;
    let one = part(&bench, &id, 1, "one").await;
    bench.put("k", "other").await;
    let if_none = complete(id.clone(), one.clone(), "IfNoneMatch", "*");
    assert_eq!(
        bench.err("CompleteMultipartUpload", if_none.clone()).await,
        "PreconditionFailed"
    );
    // It was there, if only for a while.
    bench.ok("DeleteObject", json!({ "Key": "k" })).await;
    assert_eq!(
        bench.err("CompleteMultipartUpload", if_none).await,
        "ConditionalRequestConflict"
    );
    let if_match = complete(id.clone(), one.clone(), "IfMatch", "\"x\"");
    assert_eq!(bench.err("CompleteMultipartUpload", if_match).await, "NoSuchKey");
    bench.ok("CompleteMultipartUpload", completion(&id, &[one])).await;
    assert_eq!(bench.text("k").await.as_deref(), Some("one"));
}

#[tokio::test]
async fn versions_keep_their_parts() {
    let bench = Bench::versioned().await;
    let large = "x".repeat(200_000);
    let id = begin(&bench, json!({})).await;
    let one = part(&bench, &id, 1, &large).await;
    let done = bench
        .ok("CompleteMultipartUpload", completion(&id, std::slice::from_ref(&one)))
        .await;
    bench.put("k", "newer").await;
    let old = json!({ "Key": "k", "VersionId": done["VersionId"] });
    let (_, body) = bench.get(old.clone()).await.expect("a version");
    assert!(body == large);
    // Again, though it is not the newest any more.
    let again = bench.ok("CompleteMultipartUpload", completion(&id, &[one])).await;
    assert_eq!(again["VersionId"], done["VersionId"]);
    bench.ok("DeleteObject", old.clone()).await;
    assert_eq!(
        bench
            .get(old)
            .await
            .err()
            .map(|error| error.code.into_owned())
            .as_deref(),
        Some("NoSuchVersion")
    );
    assert_eq!(bench.text("k").await.as_deref(), Some("newer"));
}

#[tokio::test]
async fn an_upload_that_nobody_completes_is_given_up() {
    let bench = Bench::new().await;
    let rules = json!([{
        "ID": "r", "Status": "Enabled", "Filter": { "Prefix": "" },
        "AbortIncompleteMultipartUpload": { "DaysAfterInitiation": 2 },
    }]);
    let input = json!({ "LifecycleConfiguration": { "Rules": rules } });
    bench.ok("PutBucketLifecycleConfiguration", input).await;
    let id = begin(&bench, json!({})).await;
    part(&bench, &id, 1, "one").await;
    let listed = bench.ok("ListParts", json!({ "Key": "k", "UploadId": id })).await;
    assert_eq!(listed["AbortRuleId"], json!("r"));
    let day = std::time::Duration::from_secs(24 * 60 * 60);
    bench.world.pass(day).await;
    bench.ok("ListParts", json!({ "Key": "k", "UploadId": id })).await;
    bench.world.pass(day * 3).await;
    assert_eq!(
        bench.err("ListParts", json!({ "Key": "k", "UploadId": id })).await,
        "NoSuchUpload"
    );
}
