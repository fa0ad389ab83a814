//! Making, finding, listing, emptying and deleting queues; attributes and tags.

use crate::{Bench, arn, create, seconds, world};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use virga_testkit::{START_S, World};

#[tokio::test]
async fn a_new_queue_has_aws_defaults() {
    let queue = Bench::new(json!({})).await;
    assert_eq!(queue.url, "http://localhost:4566/000000000000/q");
    let answer = queue
        .ok("GetQueueAttributes", json!({ "AttributeNames": ["All"] }))
        .await;
    assert_eq!(
        answer["Attributes"],
        json!({
            "ApproximateNumberOfMessages": "0",
            "ApproximateNumberOfMessagesDelayed": "0",
            "ApproximateNumberOfMessagesNotVisible": "0",
            "CreatedTimestamp": START_S.to_string(),
            "DelaySeconds": "0",
            "LastModifiedTimestamp": START_S.to_string(),
            "MaximumMessageSize": "1048576",
            "MessageRetentionPeriod": "345600",
            "QueueArn": arn("q"),
            "ReceiveMessageWaitTimeSeconds": "0",
            "SqsManagedSseEnabled": "true",
            "VisibilityTimeout": "30",
        })
    );
    assert_eq!(queue.ok("GetQueueAttributes", json!({})).await, json!({}));
}

#[tokio::test]
async fn making_a_queue_again_compares_only_what_is_given() {
    let queue = Bench::new(json!({ "DelaySeconds": "1", "ReceiveMessageWaitTimeSeconds": "1" })).await;
    assert_eq!(create(&queue.world, "q", json!({})).await, queue.url);
    assert_eq!(
        create(&queue.world, "q", json!({ "DelaySeconds": "1" })).await,
        queue.url
    );
    let differing = json!({ "QueueName": "q", "Attributes": { "DelaySeconds": "2" } });
    assert_eq!(
        queue.world.err("sqs", "CreateQueue", differing).await,
        (
            "QueueNameExists".into(),
            "A queue already exists with the same name and a different value for attribute DelaySeconds".into()
        )
    );
}

#[tokio::test]
async fn queues_are_listed_by_name_in_pages() {
    let world = world();
    for name in ["a-1", "a-2", "a-3", "b"] {
        create(&world, name, json!({})).await;
    }
    let page = |answer: &Json| -> Vec<String> {
        let urls = answer["QueueUrls"].as_array().cloned().unwrap_or_default();
        urls.iter()
            .filter_map(|url| Some(url.as_str()?.rsplit('/').next()?.to_owned()))
            .collect()
    };
    let all = world.ok("sqs", "ListQueues", json!({})).await;
    assert_eq!(page(&all), ["a-1", "a-2", "a-3", "b"]);
    let input = json!({ "QueueNamePrefix": "a", "MaxResults": 2 });
    let first = world.ok("sqs", "ListQueues", input).await;
    assert_eq!(page(&first), ["a-1", "a-2"]);
    let input = json!({ "QueueNamePrefix": "a", "MaxResults": 2, "NextToken": first["NextToken"] });
    let second = world.ok("sqs", "ListQueues", input).await;
    assert_eq!(page(&second), ["a-3"]);
    assert_eq!(second.get("NextToken"), None);
    let none = world.ok("sqs", "ListQueues", json!({ "QueueNamePrefix": "z" })).await;
    assert_eq!(none, json!({}));
}

#[tokio::test]
async fn a_queue_is_found_by_every_form_of_its_url() {
    let queue = Bench::new(json!({})).await;
    for url in [
        "q",
        "http://127.0.0.1:4566/000000000000/q",
        "https://sqs.us-east-1.amazonaws.com/000000000000/q",
        "https://us-east-1.queue.amazonaws.com/000000000000/q",
        "http://localhost:4566/queue/us-east-1/000000000000/q",
    ] {
        let input = json!({ "QueueUrl": url, "AttributeNames": ["QueueArn"] });
        let answer = queue.world.ok("sqs", "GetQueueAttributes", input).await;
        assert_eq!(answer["Attributes"]["QueueArn"], json!(arn("q")), "{url}");
    }
    let elsewhere = queue.world.in_region("eu-west-1");
    let input = json!({ "QueueUrl": "q" });
    assert_eq!(elsewhere.err("sqs", "PurgeQueue", input).await.0, "QueueDoesNotExist");
    let input = json!({ "QueueUrl": "https://sqs.us-east-1.amazonaws.com/000000000000/q" });
    elsewhere.ok("sqs", "PurgeQueue", input).await;
    assert_eq!(
        queue
            .world
            .err("sqs", "PurgeQueue", json!({ "QueueUrl": "http://x/y" }))
            .await,
        (
            "InvalidAddress".into(),
            "The address http://x/y is not valid for this endpoint.".into()
        )
    );
}

#[tokio::test]
async fn a_name_that_no_queue_can_have_is_a_queue_that_does_not_exist() {
    let world = world();
    for name in ["ü".to_owned(), "x".repeat(81), "x".repeat(100_000)] {
        for (operation, field) in [("GetQueueUrl", "QueueName"), ("PurgeQueue", "QueueUrl")] {
            assert_eq!(
                world.err("sqs", operation, json!({ field: name })).await.0,
                "QueueDoesNotExist"
            );
        }
    }
}

#[tokio::test]
async fn a_deleted_queue_is_gone_and_can_be_made_anew() {
    let queue = Bench::new(json!({})).await;
    queue.send("old").await;
    queue.ok("DeleteQueue", json!({})).await;
    assert_eq!(
        queue.err("GetQueueAttributes", json!({})).await,
        ("QueueDoesNotExist".into(), "The specified queue does not exist.".into())
    );
    assert_eq!(create(&queue.world, "q", json!({})).await, queue.url);
    assert_eq!(queue.counts().await, (0, 0, 0));
}

#[tokio::test]
async fn aws_wait_after_a_deletion_can_be_asked_for() {
    let settings = BTreeMap::from([("delete_wait_s".to_owned(), "60".to_owned())]);
    let world = World::with_settings(
        vec![virga_sqs::service()],
        BTreeMap::from([("sqs".to_owned(), settings)]),
    );
    let url = create(&world, "q", json!({})).await;
    world.ok("sqs", "DeleteQueue", json!({ "QueueUrl": url })).await;
    world.pass(seconds(59)).await;
    assert_eq!(
        world.err("sqs", "CreateQueue", json!({ "QueueName": "q" })).await.0,
        "QueueDeletedRecently"
    );
    world.pass(seconds(1)).await;
    create(&world, "q", json!({})).await;
}

#[tokio::test]
async fn a_purge_empties_a_queue_once_a_minute() {
    let queue = Bench::new(json!({})).await;
    queue.send("visible").await;
    queue.send("in flight").await;
    let held = queue.receive(1, json!({})).await;
    queue
        .ok("SendMessage", json!({ "MessageBody": "delayed", "DelaySeconds": 5 }))
        .await;
    queue.ok("PurgeQueue", json!({})).await;
    assert_eq!(queue.counts().await, (0, 0, 0));
    assert_eq!(
        queue.err("PurgeQueue", json!({})).await,
        (
            "PurgeQueueInProgress".into(),
            "Only one PurgeQueue operation on q is allowed every 60 seconds.".into()
        )
    );
    queue.delete(&held[0]).await;
    queue.send("new").await;
    queue.pass(60).await;
    assert_eq!(queue.bodies(10, json!({})).await, ["new"]);
    queue.ok("PurgeQueue", json!({})).await;
}

#[tokio::test]
async fn attributes_are_set_and_refused() {
    let queue = Bench::new(json!({})).await;
    queue
        .ok(
            "SetQueueAttributes",
            json!({ "Attributes": { "VisibilityTimeout": "69", "Policy": "{}" } }),
        )
        .await;
    assert_eq!(queue.attribute("VisibilityTimeout").await.as_deref(), Some("69"));
    assert_eq!(queue.attribute("Policy").await.as_deref(), Some("{}"));
    queue
        .ok("SetQueueAttributes", json!({ "Attributes": { "Policy": "" } }))
        .await;
    assert_eq!(queue.attribute("Policy").await, None);
    for (given, code, message) in [
        (json!({ "Foo": "1" }), "InvalidAttributeName", "Unknown Attribute Foo."),
        (
            json!({ "DelaySeconds": "901" }),
            "InvalidAttributeValue",
            "Invalid value for the parameter DelaySeconds.",
        ),
        (
            json!({ "KmsMasterKeyId": "k", "SqsManagedSseEnabled": "true" }),
            "InvalidAttributeName",
            "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.",
        ),
    ] {
        assert_eq!(
            queue.err("SetQueueAttributes", json!({ "Attributes": given })).await,
            (code.into(), message.into())
        );
    }
    assert_eq!(
        queue
            .err("GetQueueAttributes", json!({ "AttributeNames": ["Foobar"] }))
            .await,
        ("InvalidAttributeName".into(), "Unknown Attribute Foobar.".into())
    );
}

#[tokio::test]
async fn missing_parameters_are_named() {
    let world = world();
    for (operation, input, parameter) in [
        ("CreateQueue", json!({}), "QueueName"),
        ("GetQueueUrl", json!({}), "QueueName"),
        ("SendMessage", json!({ "MessageBody": "x" }), "QueueUrl"),
        ("SendMessage", json!({ "QueueUrl": "q" }), "MessageBody"),
        ("DeleteMessage", json!({ "QueueUrl": "q" }), "ReceiptHandle"),
        ("TagQueue", json!({ "QueueUrl": "q" }), "Tags"),
        ("StartMessageMoveTask", json!({}), "SourceArn"),
    ] {
        assert_eq!(
            world.err("sqs", operation, input).await,
            (
                "MissingParameter".into(),
                format!("The request must contain the parameter {parameter}.")
            )
        );
    }
}

#[tokio::test]
async fn tags_come_and_go() {
    let queue = Bench::new(json!({})).await;
    assert_eq!(queue.ok("ListQueueTags", json!({})).await, json!({}));
    let tags = json!({ "tag1": "value1", "tag2": "value2", "Tag2": "" });
    queue.ok("TagQueue", json!({ "Tags": tags })).await;
    assert_eq!(queue.ok("ListQueueTags", json!({})).await, json!({ "Tags": tags }));
    queue.ok("UntagQueue", json!({ "TagKeys": ["tag1", "none"] })).await;
    let left = json!({ "Tags": { "tag2": "value2", "Tag2": "" } });
    assert_eq!(queue.ok("ListQueueTags", json!({})).await, left);
    let many: BTreeMap<String, String> = (0..49).map(|i| (format!("t{i}"), String::new())).collect();
    assert_eq!(
        queue.err("TagQueue", json!({ "Tags": many })).await,
        (
            "InvalidParameterValue".into(),
            "Too many tags added for queue q.".into()
        )
    );
}
