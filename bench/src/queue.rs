//! SQS under load: cycles, and a queue with a million messages.

use crate::load::{self, Connection};
use crate::report::Report;
use crate::server::Server;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

fn text_between<'a>(body: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let start = body.find(before)? + before.len();
    body[start..].find(after).map(|end| &body[start..start + end])
}

async fn call(server: &Server, target: &str, body: &str) -> Result<String, String> {
    let mut connection = Connection::open(server.address).await?;
    let answer = connection
        .exchange(&load::json("sqs", &format!("AmazonSQS.{target}"), body))
        .await?;
    Ok(String::from_utf8_lossy(answer).into_owned())
}

/// Makes a queue; answers its URL.
pub async fn create(server: &Server, name: &str) -> Result<String, String> {
    let answer = call(server, "CreateQueue", &format!(r#"{{"QueueName":"{name}"}}"#)).await?;
    text_between(&answer, r#""QueueUrl":""#, "\"")
        .map(str::to_owned)
        .ok_or(answer)
}

/// Empties a queue by deleting and making it again: PurgeQueue may be called only once a minute.
pub async fn purge(server: &Server, url: &str) -> Result<(), String> {
    call(server, "DeleteQueue", &format!(r#"{{"QueueUrl":"{url}"}}"#)).await?;
    let name = url.rsplit('/').next().unwrap_or_default();
    create(server, name).await.map(drop)
}

/// SendMessage with a body of so many bytes.
pub fn send_request(url: &str, bytes: usize) -> Vec<u8> {
    let body = "x".repeat(bytes);
    load::json(
        "sqs",
        "AmazonSQS.SendMessage",
        &format!(r#"{{"QueueUrl":"{url}","MessageBody":"{body}"}}"#),
    )
}

fn receive_request(url: &str) -> Vec<u8> {
    load::json("sqs", "AmazonSQS.ReceiveMessage", &format!(r#"{{"QueueUrl":"{url}"}}"#))
}

/// Whole cycles of send, receive and delete per second, on 32 connections.
pub async fn cycles(server: &Server, url: &str, seconds: f64) -> Result<f64, String> {
    let began = Instant::now();
    let until = began + Duration::from_secs_f64(seconds);
    let mut tasks = JoinSet::new();
    for _ in 0..32 {
        let (address, url) = (server.address, url.to_owned());
        tasks.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let (send, receive) = (send_request(&url, 256), receive_request(&url));
            let mut done = 0u64;
            while Instant::now() < until {
                connection.exchange(&send).await?;
                let answer = String::from_utf8_lossy(connection.exchange(&receive).await?).into_owned();
                let handle = text_between(&answer, r#""ReceiptHandle":""#, "\"").ok_or("received nothing")?;
                let body = format!(r#"{{"QueueUrl":"{url}","ReceiptHandle":"{handle}"}}"#);
                connection
                    .exchange(&load::json("sqs", "AmazonSQS.DeleteMessage", &body))
                    .await?;
                done += 1;
            }
            Ok::<_, String>(done)
        });
    }
    let mut done = 0;
    while let Some(task) = tasks.join_next().await {
        done += task.map_err(|error| error.to_string())??;
    }
    Ok(done as f64 / began.elapsed().as_secs_f64())
}

async fn fill(server: &Server, url: &str, messages: u64, bytes: usize) -> Result<(), String> {
    let body = "x".repeat(bytes);
    let entries: Vec<String> = (0..10)
        .map(|i| format!(r#"{{"Id":"{i}","MessageBody":"{body}"}}"#))
        .collect();
    let batch = format!(r#"{{"QueueUrl":"{url}","Entries":[{}]}}"#, entries.join(","));
    let request = load::json("sqs", "AmazonSQS.SendMessageBatch", &batch);
    let mut connection = Connection::open(server.address).await?;
    for _ in 0..messages / 10 {
        connection.exchange(&request).await?;
    }
    Ok(())
}

/// The rate of cycles in a queue with a hundred messages against that in a queue with many; memory of each message.
pub async fn depth(program: &Path, messages: u64, seconds: f64, report: &mut Report) -> Result<(), String> {
    let (server, _) = Server::start_virga(program).await?;
    let (small, large) = (create(&server, "small").await?, create(&server, "large").await?);
    fill(&server, &small, 100, 1024).await?;
    let before = server.resident_bytes()?;
    fill(&server, &large, messages, 1024).await?;
    let each = (server.resident_bytes()? - before) as f64 / messages as f64;
    report.at_most(
        &format!("memory of a 1 KiB message, KiB (of {messages})"),
        each / 1024.0,
        1.6,
    );
    // Whole cycles, since what is received and not deleted is in flight, and of that there may be 120,000 at most.
    let mut ratios = Vec::new();
    for _ in 0..3 {
        let few = cycles(&server, &small, seconds).await?;
        let many = cycles(&server, &large, seconds).await?;
        ratios.push(few / many);
    }
    report.at_most(
        "send, receive and delete: rate at 100 messages over rate at many",
        crate::report::median(&mut ratios),
        1.3,
    );
    Ok(())
}
