//! FIFO queues: order and locking by group, deduplication, handles that expire, repeated receives.

use crate::{Bench, body};
use serde_json::{Value as Json, json};

async fn content_based() -> Bench {
    Bench::fifo(json!({ "ContentBasedDeduplication": "true" })).await
}

async fn fill(queue: &Bench, messages: &[(&str, &str)]) {
    for (group, body) in messages {
        queue.send_to_group(body, group).await;
    }
}

#[tokio::test]
async fn messages_come_group_by_group_in_order() {
    let queue = content_based().await;
    fill(&queue, &[("1", "1a"), ("2", "2a"), ("1", "1b"), ("1", "1c")]).await;
    assert_eq!(queue.bodies(10, json!({})).await, ["1a", "1b", "1c", "2a"]);
}

#[tokio::test]
async fn a_group_with_messages_in_flight_is_locked() {
    let queue = content_based().await;
    fill(
        &queue,
        &[
            ("1", "1a"),
            ("2", "2a"),
            ("1", "1b"),
            ("2", "2b"),
            ("1", "1c"),
            ("3", "3a"),
        ],
    )
    .await;
    let held = queue.receive(2, json!({})).await;
    assert_eq!(held.iter().map(body).collect::<Vec<_>>(), ["1a", "1b"]);
    assert_eq!(queue.counts().await, (4, 2, 0));
    queue.delete(&held[0]).await;
    assert_eq!(queue.bodies(10, json!({})).await, ["2a", "2b", "3a"]);
    queue.delete(&held[1]).await;
    assert_eq!(queue.bodies(10, json!({})).await, ["1c"]);
}

#[tokio::test]
async fn a_group_returns_to_the_end_of_the_line() {
    let queue = content_based().await;
    fill(
        &queue,
        &[("1", "1a"), ("2", "2a"), ("2", "2b"), ("3", "3a"), ("1", "1b")],
    )
    .await;
    let none = json!({ "VisibilityTimeout": 0 });
    assert_eq!(queue.bodies(3, none.clone()).await, ["1a", "1b", "2a"]);
    assert_eq!(queue.bodies(10, none).await, ["3a", "1a", "1b", "2a", "2b"]);
}

#[tokio::test]
async fn a_message_that_is_shown_again_opens_its_group() {
    let queue = content_based().await;
    fill(&queue, &[("1", "1a"), ("1", "1b"), ("2", "2a")]).await;
    let held = queue.receive(2, json!({})).await;
    assert!(queue.change(&held[0], 0).await.is_ok());
    assert_eq!(queue.bodies(3, json!({})).await, ["2a", "1a"]);
}

#[tokio::test]
async fn visibility_ends_for_the_whole_group() {
    let queue = Bench::fifo(json!({ "ContentBasedDeduplication": "true", "VisibilityTimeout": "1" })).await;
    fill(
        &queue,
        &[("1", "1a"), ("1", "1b"), ("1", "1c"), ("2", "2a"), ("3", "3a")],
    )
    .await;
    assert_eq!(queue.bodies(2, json!({})).await, ["1a", "1b"]);
    assert_eq!(queue.bodies(1, json!({})).await, ["2a"]);
    queue.pass(2).await;
    assert_eq!(queue.bodies(10, json!({})).await, ["3a", "1a", "1b", "1c", "2a"]);
}

#[tokio::test]
async fn duplicates_are_dropped_for_five_minutes() {
    let queue = content_based().await;
    let first = queue.send_to_group("x", "1").await;
    queue.pass(299).await;
    let second = queue.send_to_group("x", "2").await;
    assert_eq!(first["MessageId"], second["MessageId"]);
    assert_eq!(first["SequenceNumber"], second["SequenceNumber"]);
    let held = queue.receive(10, json!({})).await;
    assert_eq!(held.len(), 1);
    queue.delete(&held[0]).await;
    queue.send_to_group("x", "1").await;
    assert_eq!(queue.counts().await, (0, 0, 0));
    queue.pass(1).await;
    let third = queue.send_to_group("x", "1").await;
    assert_ne!(first["MessageId"], third["MessageId"]);
    assert!(third["SequenceNumber"].as_str() > first["SequenceNumber"].as_str());
    assert_eq!(queue.counts().await, (1, 0, 0));
}

#[tokio::test]
async fn an_id_of_ones_own_goes_before_the_content() {
    let queue = content_based().await;
    for (text, id) in [("a", "1"), ("a", "2"), ("b", "1")] {
        let input = json!({ "MessageBody": text, "MessageGroupId": "g", "MessageDeduplicationId": id });
        queue.ok("SendMessage", input).await;
    }
    let held = queue.receive(10, json!({})).await;
    let ids: Vec<&Json> = held
        .iter()
        .map(|message| &message["Attributes"]["MessageDeduplicationId"])
        .collect();
    assert_eq!(ids, [&json!("1"), &json!("2")]);
    let bare = Bench::fifo(json!({})).await;
    assert_eq!(
        bare.err("SendMessage", json!({ "MessageBody": "x", "MessageGroupId": "g" }))
            .await
            .1,
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    );
    assert_eq!(
        bare.err("SendMessage", json!({ "MessageBody": "x" })).await.1,
        "The request must contain the parameter MessageGroupId."
    );
}

#[tokio::test]
async fn the_scope_of_deduplication_can_be_the_group() {
    let queue = Bench::fifo(json!({
        "ContentBasedDeduplication": "true",
        "DeduplicationScope": "messageGroup",
    }))
    .await;
    fill(&queue, &[("1", "x"), ("2", "x"), ("1", "x")]).await;
    assert_eq!(queue.counts().await, (2, 0, 0));
    // A change of scope takes its time to spread, as AWS's recordings show.
    let queue = content_based().await;
    let scope = json!({ "Attributes": { "DeduplicationScope": "messageGroup" } });
    queue.ok("SetQueueAttributes", scope).await;
    fill(&queue, &[("1", "x"), ("2", "x")]).await;
    assert_eq!(queue.counts().await, (1, 0, 0));
    queue.pass(60).await;
    fill(&queue, &[("1", "y"), ("2", "y")]).await;
    assert_eq!(queue.counts().await, (3, 0, 0));
}

#[tokio::test]
async fn handles_expire_with_the_visibility() {
    let queue = Bench::fifo(json!({ "ContentBasedDeduplication": "true", "VisibilityTimeout": "1" })).await;
    queue.send_to_group("x", "1").await;
    let held = queue.receive(1, json!({})).await;
    assert!(queue.change(&held[0], 5).await.is_ok());
    queue.pass(4).await;
    assert!(queue.change(&held[0], 5).await.is_ok());
    queue.pass(5).await;
    let handle = held[0]["ReceiptHandle"].as_str().unwrap_or_default();
    let expired =
        format!("Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.");
    assert_eq!(
        queue.err("DeleteMessage", json!({ "ReceiptHandle": handle })).await,
        ("InvalidParameterValue".into(), expired.clone())
    );
    assert_eq!(
        queue.change(&held[0], 5).await.err().map(|error| error.message),
        Some(expired)
    );
    let held = queue.receive(1, json!({})).await;
    queue.delete(&held[0]).await;
    queue.delete(&held[0]).await;
    assert_eq!(queue.counts().await, (0, 0, 0));
}

#[tokio::test]
async fn the_queues_delay_is_the_only_one_and_works_backwards() {
    let queue = Bench::fifo(json!({ "ContentBasedDeduplication": "true", "DelaySeconds": "10" })).await;
    let input = |delay: u32| json!({ "MessageBody": "x", "MessageGroupId": "g", "DelaySeconds": delay });
    assert_eq!(
        queue.err("SendMessage", input(2)).await.1,
        "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for \
         this queue type."
    );
    queue.ok("SendMessage", input(0)).await;
    assert_eq!(queue.counts().await, (0, 0, 1));
    let shorter = json!({ "Attributes": { "DelaySeconds": "3" } });
    queue.ok("SetQueueAttributes", shorter).await;
    queue.pass(3).await;
    assert_eq!(queue.bodies(1, json!({})).await, ["x"]);
}

#[tokio::test]
async fn a_receive_is_repeated_by_its_attempt_id() {
    let queue = content_based().await;
    fill(&queue, &[("1", "1a"), ("2", "2a")]).await;
    let attempt = json!({ "ReceiveRequestAttemptId": "once" });
    let first = queue.receive(1, attempt.clone()).await;
    let second = queue.receive(1, attempt.clone()).await;
    assert_eq!(first, second);
    assert_eq!(queue.counts().await, (1, 1, 0));
    queue.delete(&first[0]).await;
    assert_eq!(queue.bodies(1, attempt).await, ["2a"]);
}

#[tokio::test]
async fn a_purge_forgets_deduplication_but_not_the_sequence() {
    let queue = content_based().await;
    let first = queue.send_to_group("x", "1").await;
    queue.ok("PurgeQueue", json!({})).await;
    let second = queue.send_to_group("x", "1").await;
    assert!(second["SequenceNumber"].as_str() > first["SequenceNumber"].as_str());
    assert_eq!(queue.bodies(10, json!({})).await, ["x"]);
}
