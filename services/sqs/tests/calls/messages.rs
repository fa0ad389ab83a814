//! Standard queues: sending, receiving, hiding, deleting, waiting, ageing.

use crate::{Bench, seconds};
use serde_json::json;
use std::sync::Arc;
use virga_testkit::START_S;

#[tokio::test]
async fn a_message_is_received_as_it_was_sent() {
    let queue = Bench::new(json!({})).await;
    let sent = queue
        .ok(
            "SendMessage",
            json!({
                "MessageBody": "message",
                "MessageAttributes": { "Foo": { "DataType": "String", "StringValue": "Bar" } },
                "MessageSystemAttributes": {
                    "AWSTraceHeader": {
                        "DataType": "String",
                        "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
                    },
                },
            }),
        )
        .await;
    assert_eq!(sent["MD5OfMessageBody"], json!("78e731027d8fd50ed642340b7c9a63b3"));
    assert_eq!(
        sent["MD5OfMessageAttributes"],
        json!("ae7155c6026991b6d54b11589678bf9c")
    );
    assert_eq!(
        sent["MD5OfMessageSystemAttributes"],
        json!("5ae4d5d7636402d80f4eb6d213245a88")
    );
    assert_eq!(sent.get("SequenceNumber"), None);
    let received = queue.receive(1, json!({})).await;
    let mut received = received[0].clone();
    received["ReceiptHandle"].take();
    let start_ms = (START_S * 1000).to_string();
    assert_eq!(
        received,
        json!({
            "MessageId": sent["MessageId"],
            "ReceiptHandle": null,
            "MD5OfBody": "78e731027d8fd50ed642340b7c9a63b3",
            "Body": "message",
            "Attributes": {
                "AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
                "ApproximateFirstReceiveTimestamp": start_ms,
                "ApproximateReceiveCount": "1",
                "SenderId": "000000000000",
                "SentTimestamp": start_ms,
            },
            "MD5OfMessageAttributes": "ae7155c6026991b6d54b11589678bf9c",
            "MessageAttributes": { "Foo": { "DataType": "String", "StringValue": "Bar" } },
        })
    );
}

#[tokio::test]
async fn nothing_is_answered_that_was_not_asked_for() {
    let queue = Bench::new(json!({ "VisibilityTimeout": "0" })).await;
    let attributes = json!({ "Foo": { "DataType": "String", "StringValue": "Bar" } });
    queue
        .ok(
            "SendMessage",
            json!({ "MessageBody": "m", "MessageAttributes": attributes }),
        )
        .await;
    let answer = queue.ok("ReceiveMessage", json!({})).await;
    let message = &answer["Messages"][0];
    for absent in ["Attributes", "MessageAttributes", "MD5OfMessageAttributes"] {
        assert_eq!(message.get(absent), None, "{absent}");
    }
    let answer = queue
        .ok("ReceiveMessage", json!({ "AttributeNames": ["SenderId"] }))
        .await;
    assert_eq!(
        answer["Messages"][0]["Attributes"],
        json!({ "SenderId": "000000000000" })
    );
    let empty = Bench::new(json!({})).await;
    assert_eq!(empty.ok("ReceiveMessage", json!({})).await, json!({}));
}

#[tokio::test]
async fn a_received_message_is_hidden_for_its_time() {
    let queue = Bench::new(json!({ "VisibilityTimeout": "10" })).await;
    queue.send("a").await;
    assert_eq!(queue.bodies(10, json!({})).await, ["a"]);
    assert_eq!(queue.counts().await, (0, 1, 0));
    queue.pass(9).await;
    assert!(queue.bodies(10, json!({})).await.is_empty());
    queue.pass(1).await;
    assert_eq!(queue.counts().await, (1, 0, 0));
    let again = queue.receive(10, json!({ "VisibilityTimeout": 100 })).await;
    assert_eq!(again[0]["Attributes"]["ApproximateReceiveCount"], json!("2"));
    queue.pass(99).await;
    assert!(queue.bodies(10, json!({})).await.is_empty());
    queue.delete(&again[0]).await;
    queue.delete(&again[0]).await;
    assert_eq!(queue.counts().await, (0, 0, 0));
}

#[tokio::test]
async fn old_handles_work_and_foreign_ones_do_not() {
    let queue = Bench::new(json!({ "VisibilityTimeout": "1" })).await;
    queue.send("a").await;
    let old = queue.receive(1, json!({})).await;
    queue.pass(2).await;
    assert!(queue.change(&old[0], 2).await.is_ok());
    assert_eq!(queue.counts().await, (0, 1, 0));
    queue.pass(2).await;
    let new = queue.receive(1, json!({})).await;
    assert_ne!(old[0]["ReceiptHandle"], new[0]["ReceiptHandle"]);
    queue.delete(&old[0]).await;
    queue.delete(&new[0]).await;
    assert_eq!(queue.counts().await, (0, 0, 0));
    let handle = new[0]["ReceiptHandle"].as_str().unwrap_or_default();
    let gone = queue.change(&new[0], 1).await.err();
    assert_eq!(
        gone.map(|error| error.message),
        Some(format!(
            "Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available \
             for visibility timeout change."
        ))
    );
    assert_eq!(
        queue.err("DeleteMessage", json!({ "ReceiptHandle": "garbage" })).await,
        (
            "ReceiptHandleIsInvalid".into(),
            "The input receipt handle \"garbage\" is not a valid receipt handle.".into()
        )
    );
    let other = crate::create(&queue.world, "other", json!({})).await;
    let input = json!({ "QueueUrl": other, "ReceiptHandle": handle });
    assert_eq!(
        queue.world.err("sqs", "DeleteMessage", input).await.0,
        "ReceiptHandleIsInvalid"
    );
}

#[tokio::test]
async fn a_message_is_hidden_for_twelve_hours_at_most() {
    let queue = Bench::new(json!({})).await;
    queue.send("a").await;
    let held = queue.receive(1, json!({})).await;
    assert!(queue.change(&held[0], 43_200).await.is_ok());
    queue.pass(1).await;
    assert_eq!(
        queue
            .change(&held[0], 43_200)
            .await
            .err()
            .map(|error| error.message)
            .as_deref(),
        Some(
            "Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is \
             beyond the limit [43200 seconds]"
        )
    );
    assert!(queue.change(&held[0], 43_199).await.is_ok());
    assert!(queue.change(&held[0], 43_201).await.is_err());
}

#[tokio::test]
async fn delays_come_from_the_queue_or_the_message() {
    let queue = Bench::new(json!({ "DelaySeconds": "5" })).await;
    queue.send("queue").await;
    queue
        .ok("SendMessage", json!({ "MessageBody": "none", "DelaySeconds": 0 }))
        .await;
    queue
        .ok("SendMessage", json!({ "MessageBody": "own", "DelaySeconds": 900 }))
        .await;
    assert_eq!(queue.counts().await, (1, 0, 2));
    assert_eq!(queue.bodies(10, json!({})).await, ["none"]);
    queue.pass(5).await;
    assert_eq!(queue.bodies(10, json!({})).await, ["queue"]);
    queue.pass(895).await;
    assert!(queue.bodies(10, json!({})).await.contains(&"own".to_owned()));
    assert_eq!(
        queue
            .err("SendMessage", json!({ "MessageBody": "x", "DelaySeconds": 901 }))
            .await,
        (
            "InvalidParameterValue".into(),
            "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.".into()
        )
    );
}

#[tokio::test]
async fn wrong_parameters_are_refused_in_aws_words() {
    let queue = Bench::new(json!({ "MaximumMessageSize": "1024" })).await;
    let invalid = |text: &str| ("InvalidParameterValue".to_owned(), text.to_owned());
    for (operation, input, expected) in [
        (
            "ReceiveMessage",
            json!({ "MaxNumberOfMessages": 11 }),
            "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
        ),
        (
            "ReceiveMessage",
            json!({ "WaitTimeSeconds": -1 }),
            "Value -1 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.",
        ),
        (
            "SendMessage",
            json!({ "MessageBody": "x", "MessageGroupId": "" }),
            "Value  for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and \
             punctuation characters. 1 to 128 in length.",
        ),
        (
            "SendMessage",
            json!({ "MessageBody": "x", "MessageDeduplicationId": "d" }),
            "Value d for parameter MessageDeduplicationId is invalid. Reason: The request include parameter that is not \
             valid for this queue type.",
        ),
        (
            "SendMessage",
            json!({ "MessageBody": "x".repeat(1025) }),
            "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.",
        ),
    ] {
        assert_eq!(queue.err(operation, input).await, invalid(expected));
    }
    assert_eq!(
        queue.err("SendMessage", json!({ "MessageBody": "\u{1}" })).await.0,
        "InvalidMessageContents"
    );
}

#[tokio::test]
async fn a_waiting_receiver_is_woken_by_arrival_by_time_and_by_the_end() {
    let queue = Arc::new(Bench::new(json!({ "ReceiveMessageWaitTimeSeconds": "20" })).await);
    let wait = |queue: &Arc<Bench>| {
        let queue = queue.clone();
        tokio::spawn(async move { queue.bodies(10, json!({})).await })
    };
    let arrival = wait(&queue);
    tokio::task::yield_now().await;
    queue.send("sent").await;
    assert_eq!(arrival.await.ok(), Some(vec!["sent".to_owned()]));

    queue
        .ok("SendMessage", json!({ "MessageBody": "delayed", "DelaySeconds": 3 }))
        .await;
    let time = wait(&queue);
    tokio::task::yield_now().await;
    queue.pass(2).await;
    tokio::task::yield_now().await;
    assert!(!time.is_finished());
    queue.pass(1).await;
    assert_eq!(time.await.ok(), Some(vec!["delayed".to_owned()]));

    let end = wait(&queue);
    tokio::task::yield_now().await;
    queue.pass(20).await;
    assert_eq!(end.await.ok(), Some(vec![]));

    let gone = {
        let queue = queue.clone();
        tokio::spawn(async move { queue.call("ReceiveMessage", json!({})).await })
    };
    tokio::task::yield_now().await;
    queue.ok("DeleteQueue", json!({})).await;
    let error = gone.await.ok().and_then(Result::err);
    assert_eq!(
        error.map(|error| error.code.into_owned()).as_deref(),
        Some("QueueDoesNotExist")
    );
}

#[tokio::test]
async fn messages_expire_after_the_retention_period() {
    let queue = Bench::new(json!({ "MessageRetentionPeriod": "60", "VisibilityTimeout": "100" })).await;
    queue.send("in flight").await;
    let held = queue.receive(1, json!({})).await;
    queue.send("old").await;
    queue.pass(30).await;
    queue.send("young").await;
    queue.pass(29).await;
    assert_eq!(queue.counts().await, (2, 1, 0));
    queue.pass(1).await;
    assert_eq!(queue.counts().await, (1, 0, 0));
    assert_eq!(
        queue.change(&held[0], 10).await.err().map(|error| error.status),
        Some(400)
    );
    assert_eq!(queue.bodies(10, json!({})).await, ["young"]);
    queue.pass(100).await;
    assert_eq!(queue.counts().await, (0, 0, 0));
}

#[tokio::test]
async fn a_shorter_retention_holds_for_what_is_there() {
    let queue = Bench::new(json!({})).await;
    queue.send("a").await;
    queue.pass(100).await;
    queue.send("b").await;
    let shorter = json!({ "Attributes": { "MessageRetentionPeriod": "60" } });
    queue.ok("SetQueueAttributes", shorter).await;
    assert_eq!(queue.counts().await, (1, 0, 0));
    queue.pass(60).await;
    assert_eq!(queue.counts().await, (0, 0, 0));
}

#[tokio::test]
async fn a_sweep_leaves_no_rows_behind() {
    let queue = Bench::new(json!({ "MessageRetentionPeriod": "60" })).await;
    for i in 0..2_500 {
        queue.send(&i.to_string()).await;
    }
    assert_eq!(queue.counts().await, (2_500, 0, 0));
    queue.world.pass(seconds(61)).await;
    assert_eq!(queue.counts().await, (0, 0, 0));
    assert!(queue.bodies(10, json!({})).await.is_empty());
    queue.send("x").await;
    queue.ok("DeleteQueue", json!({})).await;
    queue.pass(1).await;
    assert!(matches!(queue.world.cloud.store().next_due(), Ok(None)));
}
