//! SQS through the call door, on a clock that moves only by hand.

mod access;
mod batches;
mod dead_letters;
mod fifo;
mod messages;
mod model;
mod move_tasks;
mod queues;

use serde_json::{Value as Json, json};
use std::time::Duration;
use virga_base::AwsError;
use virga_testkit::World;

/// A world with SQS and one queue in it.
pub struct Bench {
    pub world: World,
    pub url: String,
}

pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub fn world() -> World {
    World::new(vec![virga_sqs::service()])
}

impl Bench {
    pub async fn new(attributes: Json) -> Bench {
        Bench::named("q", attributes).await
    }

    pub async fn fifo(attributes: Json) -> Bench {
        let mut attributes = attributes;
        attributes["FifoQueue"] = json!("true");
        Bench::named("q.fifo", attributes).await
    }

    async fn named(name: &str, attributes: Json) -> Bench {
        let world = world();
        let url = create(&world, name, attributes).await;
        Bench { world, url }
    }

    /// Calls an operation on the queue.
    pub async fn call(&self, operation: &str, input: Json) -> Result<Json, AwsError> {
        let mut input = input;
        input["QueueUrl"] = json!(self.url);
        self.world.call("sqs", operation, input).await
    }

    pub async fn ok(&self, operation: &str, input: Json) -> Json {
        self.call(operation, input)
            .await
            .unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    pub async fn err(&self, operation: &str, input: Json) -> (String, String) {
        match self.call(operation, input).await {
            Ok(answer) => panic!("{operation} answered {answer}"),
            Err(error) => (error.code.into_owned(), error.message),
        }
    }

    pub async fn send(&self, body: &str) -> Json {
        self.ok("SendMessage", json!({ "MessageBody": body })).await
    }

    pub async fn send_to_group(&self, body: &str, group: &str) -> Json {
        self.ok("SendMessage", json!({ "MessageBody": body, "MessageGroupId": group }))
            .await
    }

    /// Receives messages, with all their attributes.
    pub async fn receive(&self, max: u32, options: Json) -> Vec<Json> {
        let mut input = options;
        input["MaxNumberOfMessages"] = json!(max);
        input["MessageSystemAttributeNames"] = json!(["All"]);
        input["MessageAttributeNames"] = json!(["All"]);
        let answer = self.ok("ReceiveMessage", input).await;
        answer["Messages"].as_array().cloned().unwrap_or_default()
    }

    /// The bodies of what is received.
    pub async fn bodies(&self, max: u32, options: Json) -> Vec<String> {
        self.receive(max, options).await.iter().map(body).collect()
    }

    pub async fn delete(&self, message: &Json) {
        self.ok("DeleteMessage", json!({ "ReceiptHandle": message["ReceiptHandle"] }))
            .await;
    }

    pub async fn change(&self, message: &Json, timeout: u32) -> Result<Json, AwsError> {
        let input = json!({ "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": timeout });
        self.call("ChangeMessageVisibility", input).await
    }

    pub async fn attribute(&self, name: &str) -> Option<String> {
        attribute(&self.world, &self.url, name).await
    }

    /// Visible, in flight, delayed.
    pub async fn counts(&self) -> (u64, u64, u64) {
        counts(&self.world, &self.url).await
    }

    pub async fn pass(&self, length: u64) {
        self.world.pass(seconds(length)).await;
    }
}

pub fn body(message: &Json) -> String {
    message["Body"].as_str().unwrap_or_default().to_owned()
}

pub async fn create(world: &World, name: &str, attributes: Json) -> String {
    let answer = world
        .ok(
            "sqs",
            "CreateQueue",
            json!({ "QueueName": name, "Attributes": attributes }),
        )
        .await;
    answer["QueueUrl"].as_str().unwrap_or_default().to_owned()
}

pub async fn attribute(world: &World, url: &str, name: &str) -> Option<String> {
    let input = json!({ "QueueUrl": url, "AttributeNames": [name] });
    let answer = world.ok("sqs", "GetQueueAttributes", input).await;
    answer["Attributes"][name].as_str().map(str::to_owned)
}

pub async fn counts(world: &World, url: &str) -> (u64, u64, u64) {
    let input = json!({ "QueueUrl": url, "AttributeNames": ["All"] });
    let answer = world.ok("sqs", "GetQueueAttributes", input).await;
    let count = |name: &str| {
        let text = answer["Attributes"][name].as_str().unwrap_or_default();
        text.parse().unwrap_or(u64::MAX)
    };
    (
        count("ApproximateNumberOfMessages"),
        count("ApproximateNumberOfMessagesNotVisible"),
        count("ApproximateNumberOfMessagesDelayed"),
    )
}

pub fn arn(name: &str) -> String {
    format!("arn:aws:sqs:us-east-1:000000000000:{name}")
}
