//! Dead-letter queues: which may be named, what they receive, whom they list.

use crate::{Bench, arn, attribute, counts, create};
use serde_json::{Value as Json, json};

pub fn redrive(target: &str, count: u32) -> Json {
    json!({ "deadLetterTargetArn": arn(target), "maxReceiveCount": count })
}

/// A source `q` whose dead letters go to `d`.
async fn pair(count: u32) -> (Bench, String) {
    let queue = Bench::new(json!({ "VisibilityTimeout": "0" })).await;
    let dead = create(&queue.world, "d", json!({})).await;
    let policy = redrive("d", count).to_string();
    queue
        .ok(
            "SetQueueAttributes",
            json!({ "Attributes": { "RedrivePolicy": policy } }),
        )
        .await;
    (queue, dead)
}

#[tokio::test]
async fn a_message_received_too_often_is_moved_with_all_it_has() {
    let (queue, dead) = pair(2).await;
    let sent = queue
        .ok(
            "SendMessage",
            json!({
                "MessageBody": "x",
                "MessageAttributes": { "a": { "DataType": "Number", "StringValue": "1" } },
            }),
        )
        .await;
    assert_eq!(queue.bodies(1, json!({})).await, ["x"]);
    assert_eq!(queue.bodies(1, json!({})).await, ["x"]);
    queue.pass(10).await;
    assert!(queue.bodies(1, json!({})).await.is_empty());
    assert_eq!(queue.counts().await, (0, 0, 0));
    let dead = Bench {
        world: queue.world,
        url: dead,
    };
    let received = dead.receive(10, json!({})).await;
    assert_eq!(received.len(), 1);
    assert_eq!(received[0]["MessageId"], sent["MessageId"]);
    assert_eq!(received[0]["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"]);
    assert_eq!(received[0]["Attributes"]["DeadLetterQueueSourceArn"], json!(arn("q")));
    assert_eq!(received[0]["Attributes"]["ApproximateReceiveCount"], json!("3"));
}

#[tokio::test]
async fn a_dead_letter_keeps_its_age_in_a_standard_queue() {
    let (queue, dead) = pair(1).await;
    let shorter = json!({ "QueueUrl": dead, "Attributes": { "MessageRetentionPeriod": "60" } });
    queue.world.ok("sqs", "SetQueueAttributes", shorter).await;
    queue.send("x").await;
    queue.pass(50).await;
    queue
        .world
        .ok(
            "sqs",
            "SendMessage",
            json!({ "QueueUrl": dead, "MessageBody": "young" }),
        )
        .await;
    queue.bodies(1, json!({})).await;
    queue.bodies(1, json!({})).await;
    assert_eq!(counts(&queue.world, &dead).await, (2, 0, 0));
    queue.pass(11).await;
    assert_eq!(counts(&queue.world, &dead).await, (1, 0, 0));
    queue.pass(60).await;
    assert_eq!(counts(&queue.world, &dead).await, (0, 0, 0));
}

#[tokio::test]
async fn without_its_target_a_policy_has_no_effect() {
    let (queue, dead) = pair(1).await;
    queue.world.ok("sqs", "DeleteQueue", json!({ "QueueUrl": dead })).await;
    queue.send("x").await;
    for _ in 0..3 {
        assert_eq!(queue.bodies(1, json!({})).await, ["x"]);
    }
}

#[tokio::test]
async fn a_queue_may_be_its_own_dead_letter_queue() {
    let queue = Bench::new(json!({ "VisibilityTimeout": "0" })).await;
    let policy = redrive("q", 1).to_string();
    queue
        .ok(
            "SetQueueAttributes",
            json!({ "Attributes": { "RedrivePolicy": policy } }),
        )
        .await;
    queue.send("x").await;
    for _ in 0..3 {
        assert_eq!(queue.bodies(10, json!({})).await, ["x"]);
    }
    assert_eq!(queue.counts().await, (1, 0, 0));
}

#[tokio::test]
async fn a_fifo_dead_letter_opens_its_group() {
    let policy = json!({ "deadLetterTargetArn": arn("d.fifo"), "maxReceiveCount": 1 }).to_string();
    let queue = Bench::fifo(json!({ "ContentBasedDeduplication": "true" })).await;
    let dead = create(
        &queue.world,
        "d.fifo",
        json!({ "FifoQueue": "true", "ContentBasedDeduplication": "true" }),
    )
    .await;
    queue
        .ok(
            "SetQueueAttributes",
            json!({ "Attributes": { "RedrivePolicy": policy, "VisibilityTimeout": "1" } }),
        )
        .await;
    queue.send_to_group("a", "1").await;
    queue.send_to_group("b", "1").await;
    assert_eq!(queue.bodies(1, json!({})).await, ["a"]);
    queue.pass(1).await;
    assert_eq!(queue.bodies(10, json!({})).await, ["b"]);
    let input = json!({ "QueueUrl": dead, "AttributeNames": ["All"] });
    let answer = queue.world.ok("sqs", "ReceiveMessage", input).await;
    assert_eq!(answer["Messages"][0]["Body"], json!("a"));
    assert_eq!(answer["Messages"][0]["Attributes"]["MessageGroupId"], json!("1"));
}

#[tokio::test]
async fn targets_are_checked() {
    let queue = Bench::new(json!({})).await;
    create(&queue.world, "f.fifo", json!({ "FifoQueue": "true" })).await;
    let closed = json!({ "RedriveAllowPolicy": "{\"redrivePermission\":\"denyAll\"}" });
    create(&queue.world, "closed", closed).await;
    let elsewhere = |account: &str, region: &str| json!({ "deadLetterTargetArn": format!("arn:aws:sqs:{region}:{account}:d"), "maxReceiveCount": 1 });
    for (policy, reason) in [
        (redrive("none", 1), "Dead letter target does not exist."),
        (
            redrive("f.fifo", 1),
            "Dead-letter queue must be same type of queue as the source.",
        ),
        (
            elsewhere("111111111111", "us-east-1"),
            "Dead-letter target owner should be same as the source.",
        ),
        (
            elsewhere("000000000000", "eu-west-1"),
            "Dead-letter target must be in same region as the source.",
        ),
        (
            redrive("closed", 1),
            "Dead-letter queue's redrive allow policy does not permit this source queue.",
        ),
    ] {
        let policy = policy.to_string();
        let (code, message) = queue
            .err(
                "SetQueueAttributes",
                json!({ "Attributes": { "RedrivePolicy": policy } }),
            )
            .await;
        assert_eq!(code, "InvalidParameterValue");
        assert_eq!(
            message,
            format!("Value {policy} for parameter RedrivePolicy is invalid. Reason: {reason}")
        );
    }
}

#[tokio::test]
async fn sources_are_listed_while_their_policy_stands() {
    let (queue, dead) = pair(1).await;
    let policy = redrive("d", 1).to_string();
    let other = create(&queue.world, "other", json!({ "RedrivePolicy": policy })).await;
    let list = json!({ "QueueUrl": dead });
    let answer = queue.world.ok("sqs", "ListDeadLetterSourceQueues", list.clone()).await;
    assert_eq!(answer, json!({ "queueUrls": [other, queue.url] }));
    let input = json!({ "QueueUrl": dead, "MaxResults": 1 });
    let first = queue.world.ok("sqs", "ListDeadLetterSourceQueues", input).await;
    let input = json!({ "QueueUrl": dead, "MaxResults": 1, "NextToken": first["NextToken"] });
    let second = queue.world.ok("sqs", "ListDeadLetterSourceQueues", input).await;
    assert_eq!(
        (&first["queueUrls"], &second),
        (&json!([other]), &json!({ "queueUrls": [queue.url] }))
    );
    queue
        .ok("SetQueueAttributes", json!({ "Attributes": { "RedrivePolicy": "" } }))
        .await;
    queue.world.ok("sqs", "DeleteQueue", json!({ "QueueUrl": other })).await;
    let answer = queue.world.ok("sqs", "ListDeadLetterSourceQueues", list).await;
    assert_eq!(answer, json!({ "queueUrls": [] }));
    assert_eq!(attribute(&queue.world, &queue.url, "RedrivePolicy").await, None);
}
