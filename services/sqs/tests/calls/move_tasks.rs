//! Message move tasks.

use crate::dead_letters::redrive;
use crate::{Bench, arn, counts, create};
use serde_json::{Value as Json, json};

/// A queue `q` whose dead letters lie in `d`, as many as asked for.
async fn with_dead_letters(number: usize) -> (Bench, String) {
    let queue = Bench::new(json!({ "VisibilityTimeout": "0" })).await;
    let dead = create(&queue.world, "d", json!({})).await;
    let policy = redrive("d", 1).to_string();
    queue
        .ok(
            "SetQueueAttributes",
            json!({ "Attributes": { "RedrivePolicy": policy } }),
        )
        .await;
    for i in 0..number {
        queue.send(&i.to_string()).await;
    }
    for _ in 0..=number {
        queue.bodies(1, json!({})).await;
    }
    assert_eq!(counts(&queue.world, &dead).await, (number as u64, 0, 0));
    (queue, dead)
}

async fn latest(queue: &Bench) -> Json {
    let input = json!({ "SourceArn": arn("d") });
    let answer = queue.world.ok("sqs", "ListMessageMoveTasks", input).await;
    answer["Results"][0].clone()
}

#[tokio::test]
async fn messages_go_back_to_where_they_came_from() {
    let (queue, dead) = with_dead_letters(3).await;
    queue
        .world
        .ok("sqs", "StartMessageMoveTask", json!({ "SourceArn": arn("d") }))
        .await;
    queue.pass(0).await;
    assert_eq!(counts(&queue.world, &dead).await, (0, 0, 0));
    let back = queue.receive(10, json!({})).await;
    assert_eq!(back.len(), 3);
    assert_eq!(back[0]["Attributes"]["ApproximateReceiveCount"], json!("1"));
    assert_eq!(back[0]["Attributes"].get("DeadLetterQueueSourceArn"), None);
    let task = latest(&queue).await;
    assert_eq!(task["Status"], json!("COMPLETED"));
    assert_eq!(task["ApproximateNumberOfMessagesMoved"], json!(3));
    assert_eq!(task["ApproximateNumberOfMessagesToMove"], json!(3));
    assert_eq!((task.get("TaskHandle"), task.get("DestinationArn")), (None, None));
}

#[tokio::test]
async fn a_rate_is_kept_and_a_task_can_be_cancelled() {
    let (queue, dead) = with_dead_letters(10).await;
    let to = create(&queue.world, "to", json!({})).await;
    let input = json!({
        "SourceArn": arn("d"),
        "DestinationArn": arn("to"),
        "MaxNumberOfMessagesPerSecond": 2,
    });
    let started = queue.world.ok("sqs", "StartMessageMoveTask", input.clone()).await;
    assert_eq!(
        queue.world.err("sqs", "StartMessageMoveTask", input).await.1,
        "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
    );
    queue.pass(0).await;
    assert_eq!(counts(&queue.world, &to).await, (2, 0, 0));
    queue.pass(1).await;
    assert_eq!(counts(&queue.world, &to).await, (4, 0, 0));
    let task = latest(&queue).await;
    assert_eq!(task["Status"], json!("RUNNING"));
    assert_eq!(task["TaskHandle"], started["TaskHandle"]);
    assert_eq!(task["MaxNumberOfMessagesPerSecond"], json!(2));
    let cancel = json!({ "TaskHandle": started["TaskHandle"] });
    let answer = queue.world.ok("sqs", "CancelMessageMoveTask", cancel.clone()).await;
    assert_eq!(answer, json!({ "ApproximateNumberOfMessagesMoved": 4 }));
    queue.pass(10).await;
    assert_eq!(latest(&queue).await["Status"], json!("CANCELLED"));
    assert_eq!(counts(&queue.world, &dead).await, (6, 0, 0));
    assert!(queue.world.call("sqs", "CancelMessageMoveTask", cancel).await.is_err());
}

#[tokio::test]
async fn a_task_fails_when_its_destination_goes() {
    let (queue, dead) = with_dead_letters(4).await;
    let to = create(&queue.world, "to", json!({})).await;
    let input = json!({
        "SourceArn": arn("d"),
        "DestinationArn": arn("to"),
        "MaxNumberOfMessagesPerSecond": 1,
    });
    queue.world.ok("sqs", "StartMessageMoveTask", input).await;
    queue.pass(1).await;
    queue.world.ok("sqs", "DeleteQueue", json!({ "QueueUrl": to })).await;
    queue.pass(5).await;
    let task = latest(&queue).await;
    assert_eq!(task["Status"], json!("FAILED"));
    assert_eq!(task["FailureReason"], json!("AWS.SimpleQueueService.NonExistentQueue"));
    assert_eq!(counts(&queue.world, &dead).await, (2, 0, 0));
}

#[tokio::test]
async fn a_message_of_unknown_origin_stops_the_task() {
    let (queue, dead) = with_dead_letters(0).await;
    let input = json!({ "QueueUrl": dead, "MessageBody": "sent here" });
    queue.world.ok("sqs", "SendMessage", input).await;
    let input = json!({ "SourceArn": arn("d") });
    queue.world.ok("sqs", "StartMessageMoveTask", input).await;
    queue.pass(0).await;
    assert_eq!(
        latest(&queue).await["FailureReason"],
        json!("CouldNotDetermineMessageSource")
    );
    assert_eq!(counts(&queue.world, &dead).await, (1, 0, 0));
}

#[tokio::test]
async fn tasks_need_a_dead_letter_queue_that_exists() {
    let queue = Bench::new(json!({})).await;
    let world = &queue.world;
    assert_eq!(
        world
            .err("sqs", "StartMessageMoveTask", json!({ "SourceArn": arn("q") }))
            .await,
        (
            "InvalidParameterValue".into(),
            "Source queue must be configured as a Dead Letter Queue.".into()
        )
    );
    let no_source = (
        "ResourceNotFoundException".to_owned(),
        "The resource that you specified for the SourceArn parameter doesn't exist.".to_owned(),
    );
    assert_eq!(
        world
            .err("sqs", "StartMessageMoveTask", json!({ "SourceArn": arn("none") }))
            .await,
        no_source
    );
    assert_eq!(
        world
            .err("sqs", "ListMessageMoveTasks", json!({ "SourceArn": arn("none") }))
            .await,
        no_source
    );
    let unknown = "eyJ0YXNrSWQiOiJ4Iiwic291cmNlQXJuIjoiYXJuOmF3czpzcXM6dXMtZWFzdC0xOjAwMDAwMDAwMDAwMDpxIn0=";
    assert_eq!(
        world
            .err("sqs", "CancelMessageMoveTask", json!({ "TaskHandle": unknown }))
            .await,
        ("ResourceNotFoundException".into(), "Task does not exist.".into())
    );
}

/// In a FIFO queue, what is visible may all lie behind a message that somebody works on. The task waits for that one.
#[tokio::test]
async fn a_task_waits_for_the_head_of_a_group() {
    let dead = Bench::fifo(json!({ "VisibilityTimeout": "45", "ContentBasedDeduplication": "true" })).await;
    let name = "source.fifo";
    let source = json!({ "FifoQueue": "true", "RedrivePolicy": redrive("q.fifo", 1).to_string() });
    let to = create(&dead.world, name, source).await;
    for body in ["first", "second"] {
        dead.send_to_group(body, "g").await;
    }
    assert_eq!(dead.bodies(1, json!({})).await, ["first"]);
    assert_eq!(dead.counts().await, (1, 1, 0));
    let start = json!({ "SourceArn": arn("q.fifo"), "DestinationArn": arn(name) });
    dead.world.ok("sqs", "StartMessageMoveTask", start.clone()).await;
    // At the same time for ever, as it was once, this would not end.
    dead.pass(44).await;
    assert_eq!(counts(&dead.world, &to).await, (0, 0, 0));
    dead.pass(1).await;
    assert_eq!(counts(&dead.world, &to).await, (2, 0, 0));
    // The group goes on earlier where that message is deleted.
    for body in ["third", "fourth"] {
        dead.send_to_group(body, "g").await;
    }
    let third = dead.receive(1, json!({})).await;
    dead.world.ok("sqs", "StartMessageMoveTask", start).await;
    dead.pass(1).await;
    dead.delete(&third[0]).await;
    dead.pass(19).await;
    assert_eq!(counts(&dead.world, &to).await, (3, 0, 0));
    let list = json!({ "SourceArn": arn("q.fifo") });
    let tasks = dead.world.ok("sqs", "ListMessageMoveTasks", list).await;
    assert_eq!(tasks["Results"][0]["Status"], json!("COMPLETED"));
}
