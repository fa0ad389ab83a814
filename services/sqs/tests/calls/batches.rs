//! Batches: errors of the whole, and fates of entries.

use crate::Bench;
use serde_json::{Value as Json, json};

#[tokio::test]
async fn entries_have_fates_of_their_own() {
    let queue = Bench::new(json!({})).await;
    let answer = queue
        .ok(
            "SendMessageBatch",
            json!({ "Entries": [
                { "Id": "good", "MessageBody": "a" },
                { "Id": "bad", "MessageBody": "\u{1}" },
                { "Id": "late", "MessageBody": "b", "DelaySeconds": 1800 },
            ] }),
        )
        .await;
    assert_eq!(answer["Successful"][0]["Id"], json!("good"));
    assert_eq!(
        answer["Failed"],
        json!([
            {
                "Id": "bad",
                "SenderFault": true,
                "Code": "InvalidMessageContents",
                "Message": "Invalid binary character '#x1' was found in the message body, the set of allowed characters \
                            is #x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF].",
            },
            {
                "Id": "late",
                "SenderFault": true,
                "Code": "InvalidParameterValue",
                "Message": "Value 1800 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.",
            },
        ])
    );
    let held = queue.receive(10, json!({})).await;
    assert_eq!(held.len(), 1);
    let handle = &held[0]["ReceiptHandle"];
    let answer = queue
        .ok(
            "ChangeMessageVisibilityBatch",
            json!({ "Entries": [
                { "Id": "1", "ReceiptHandle": handle, "VisibilityTimeout": 0 },
                { "Id": "2", "ReceiptHandle": "x", "VisibilityTimeout": 0 },
            ] }),
        )
        .await;
    assert_eq!(answer["Successful"], json!([{ "Id": "1" }]));
    assert_eq!(answer["Failed"][0]["Code"], json!("ReceiptHandleIsInvalid"));
    assert_eq!(queue.counts().await, (1, 0, 0));
    let entries = json!([{ "Id": "1", "ReceiptHandle": handle }, { "Id": "2", "ReceiptHandle": "x" }]);
    let answer = queue.ok("DeleteMessageBatch", json!({ "Entries": entries })).await;
    assert_eq!(answer["Successful"], json!([{ "Id": "1" }]));
    assert_eq!(answer["Failed"][0]["Id"], json!("2"));
    assert_eq!(queue.counts().await, (0, 0, 0));
}

#[tokio::test]
async fn a_batch_is_refused_as_a_whole() {
    let queue = Bench::new(json!({})).await;
    let entries = |ids: &[&str]| -> Json { ids.iter().map(|id| json!({ "Id": id, "MessageBody": "x" })).collect() };
    let eleven: Vec<String> = (0..11).map(|i| i.to_string()).collect();
    let eleven: Vec<&str> = eleven.iter().map(String::as_str).collect();
    let bad_id = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most \
                  80 letters long.";
    for (entries, code, message) in [
        (
            entries(&[]),
            "EmptyBatchRequest",
            "There should be at least one SendMessageBatchRequestEntry in the request.",
        ),
        (
            entries(&eleven),
            "TooManyEntriesInBatchRequest",
            "Maximum number of entries per request are 10. You have sent 11.",
        ),
        (entries(&["a", ""]), "InvalidBatchEntryId", bad_id),
        (entries(&["a:b"]), "InvalidBatchEntryId", bad_id),
        (
            entries(&["1", "2", "2", "1"]),
            "BatchEntryIdsNotDistinct",
            "Id 2 repeated.",
        ),
        (
            json!([{ "Id": "1", "MessageBody": "x".repeat(1_048_576) }, { "Id": "2", "MessageBody": "y" }]),
            "BatchRequestTooLong",
            "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.",
        ),
    ] {
        assert_eq!(
            queue.err("SendMessageBatch", json!({ "Entries": entries })).await,
            (code.into(), message.into())
        );
    }
    assert_eq!(queue.counts().await, (0, 0, 0));
    assert_eq!(
        queue.err("DeleteMessageBatch", json!({ "Entries": [] })).await.1,
        "There should be at least one DeleteMessageBatchRequestEntry in the request."
    );
}

#[tokio::test]
async fn a_fifo_batch_needs_groups_and_deduplication() {
    let queue = Bench::fifo(json!({})).await;
    let whole = json!({ "Id": "1", "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d" });
    let no_group = json!({ "Id": "2", "MessageBody": "x", "MessageDeduplicationId": "e" });
    let no_id = json!({ "Id": "2", "MessageBody": "x", "MessageGroupId": "g" });
    assert_eq!(
        queue
            .err("SendMessageBatch", json!({ "Entries": [whole, no_group] }))
            .await
            .1,
        "The request must contain the parameter MessageGroupId."
    );
    assert_eq!(
        queue
            .err("SendMessageBatch", json!({ "Entries": [whole, no_id] }))
            .await
            .1,
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    );
    assert_eq!(queue.counts().await, (0, 0, 0));
    let answer = queue.ok("SendMessageBatch", json!({ "Entries": [whole] })).await;
    assert_eq!(
        answer["Successful"][0]["SequenceNumber"].as_str().map(str::len),
        Some(20)
    );
}
