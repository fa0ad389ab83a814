//! Costs of a long queue: `cargo run --release -p virga-sqs --example million -- 1000000`.
//!
//! Sends, receives and deletes through the call door, with a hundred messages in the queue and with a million; says what
//! each costs in processor time and what a message of 1 KiB takes in memory. Linux only.

use serde_json::json;
use virga_base::AwsError;
use virga_service::{Call, Caller};
use virga_shape::Value;
use virga_testkit::World;

struct Bench {
    world: World,
    url: String,
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap_or("0");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024
}

/// Seconds of processor time so far, in hundredths, so that a busy machine does not count.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: f64 = fields
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum();
    ticks / 100.0
}

impl Bench {
    async fn new() -> Bench {
        let world = World::new(vec![virga_sqs::service()]);
        let made = world.ok("sqs", "CreateQueue", json!({ "QueueName": "q" })).await;
        let url = made["QueueUrl"].as_str().unwrap_or_default().to_owned();
        Bench { world, url }
    }

    async fn call(&self, operation: &str, fields: &[(&str, Value)]) -> Result<Option<Value>, AwsError> {
        let (account, region) = (self.world.account, self.world.region.clone());
        let mut call = Call::named("sqs", operation, Value::Null, Caller::root(account), account, region)?;
        if let Some(shape) = call.operation.input {
            let mut input = virga_shape::StructValue::new(call.model.shape_ref(shape));
            input.set("QueueUrl", Value::String(self.url.clone()));
            for (name, value) in fields {
                input.set(name, value.clone());
            }
            call.input = Value::Struct(input);
        }
        Ok(self.world.cloud.dispatch(call).await?.output)
    }

    async fn send(&self) -> Result<(), AwsError> {
        self.call("SendMessage", &[("MessageBody", Value::String("x".repeat(1024)))])
            .await
            .map(drop)
    }

    async fn receive(&self) -> Result<String, AwsError> {
        let answer = self.call("ReceiveMessage", &[]).await?;
        let handle = answer
            .as_ref()
            .and_then(Value::as_struct)
            .and_then(|answer| match answer.get("Messages") {
                Some(Value::List(messages)) => messages.first()?.as_struct()?.get_str("ReceiptHandle"),
                _ => None,
            });
        Ok(handle.unwrap_or_default().to_owned())
    }

    async fn measure(&self, turns: u32) -> Result<(), AwsError> {
        let each = |began: f64| (cpu_s() - began) * 1e6 / f64::from(turns);
        let began = cpu_s();
        for _ in 0..turns {
            self.send().await?;
        }
        println!("  send    {:6.2} us", each(began));
        let began = cpu_s();
        let mut handles = Vec::new();
        for _ in 0..turns {
            handles.push(self.receive().await?);
        }
        println!("  receive {:6.2} us", each(began));
        let began = cpu_s();
        for handle in handles {
            self.call("DeleteMessage", &[("ReceiptHandle", Value::String(handle))])
                .await?;
        }
        println!("  delete  {:6.2} us", each(began));
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), AwsError> {
    let messages: u64 = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(1_000_000);
    let bench = Bench::new().await;
    let before = resident_bytes();
    for _ in 0..messages {
        bench.send().await?;
    }
    let grown = resident_bytes().saturating_sub(before);
    println!("{} bytes for each message of 1024", grown / messages.max(1));
    println!("with {messages} messages:");
    bench.measure(100_000).await?;
    let bench = Bench::new().await;
    for _ in 0..100 {
        bench.send().await?;
    }
    println!("with 100 messages:");
    bench.measure(100_000).await
}
