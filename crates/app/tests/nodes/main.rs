//! Several Virgas on one PostgreSQL: what one is told, the other knows; one is killed, and nothing is lost or done twice.
//! Where this machine has no PostgreSQL, each test says so and does nothing.
#![cfg(unix)]

mod load;
#[path = "../keeping/server.rs"]
mod server;

use serde_json::{Value as Json, json};
use server::{Client, Server};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use virga_testkit::postgres;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Data folders of nodes, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("nodes-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Folder(path)
    }

    /// `virga start --store URL`, with a folder of its own for the rest.
    fn node(&self, name: &str, url: &str) -> Result<Server, String> {
        let folder = self.0.join(name);
        let mut command = server::command(Path::new(env!("CARGO_BIN_EXE_virga")), &folder);
        command.args(["--store", url]);
        Server::start(command, &folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn queue(name: &str) -> String {
    format!("http://localhost:4566/000000000000/{name}")
}

fn call(client: &mut Client, operation: &str, input: &Json) -> Result<Json, String> {
    client
        .sqs(operation, input)
        .map_err(|refused| format!("{operation}: {}", String::from(refused)))
}

fn bodies(answer: &Json) -> Vec<String> {
    let messages = answer["Messages"].as_array().into_iter().flatten();
    messages
        .filter_map(|message| Some(message["Body"].as_str()?.to_owned()))
        .collect()
}

#[test]
fn what_one_node_is_told_wakes_who_waits_at_the_other() -> Outcome {
    let Some(server) = postgres::shared() else {
        return Ok(());
    };
    let (folder, url) = (Folder::new("wakes"), server.database()?);
    let (here, there) = (folder.node("here", &url)?, folder.node("there", &url)?);
    call(&mut here.client(), "CreateQueue", &json!({"QueueName": "mail"}))?;
    call(
        &mut there.client(),
        "CreateQueue",
        &json!({"QueueName": "mail.fifo", "Attributes": {"FifoQueue": "true", "ContentBasedDeduplication": "true"}}),
    )?;
    for name in ["mail", "mail.fifo"] {
        for round in 0..3 {
            let body = format!("{name} {round}");
            let waiting = std::thread::spawn({
                let mut client = here.client();
                move || {
                    let input = json!({"QueueUrl": queue(name), "WaitTimeSeconds": 20});
                    let answer = call(&mut client, "ReceiveMessage", &input);
                    (answer, Instant::now())
                }
            });
            // Long enough for the receiver to wait; a shorter time would only test less.
            std::thread::sleep(Duration::from_millis(400));
            let mut message = json!({"QueueUrl": queue(name), "MessageBody": body});
            if name.ends_with("fifo") {
                message["MessageGroupId"] = format!("group-{round}").into();
            }
            call(&mut there.client(), "SendMessage", &message)?;
            let sent = Instant::now();
            let (answer, woken) = waiting.join().map_err(|_| "the receiver panicked")?;
            assert_eq!(bodies(&answer?), [body]);
            let took = woken.saturating_duration_since(sent);
            assert!(took < Duration::from_secs(5), "woken after {took:?}");
            println!("woken at the other node after {} ms", took.as_millis());
        }
    }
    Ok(())
}

#[test]
fn a_node_dies_and_nothing_is_lost_or_done_twice() -> Outcome {
    let Some(server) = postgres::shared() else {
        return Ok(());
    };
    let (folder, url) = (Folder::new("death"), server.database()?);
    let (first, second) = (folder.node("first", &url)?, folder.node("second", &url)?);
    let tally = load::run(first, &second)?;
    println!("{tally:?}");
    assert!(
        tally.failed < 100,
        "only what was under way at the dead node may fail: {tally:?}"
    );
    assert_eq!(
        (tally.lost, tally.again, tally.out_of_order, tally.doubled),
        (0, 0, 0, 0),
        "{tally:?}"
    );
    assert!(tally.acknowledged > 200 && tally.deleted > 200, "{tally:?}");
    Ok(())
}

#[test]
fn deferred_work_goes_on_at_another_node() -> Outcome {
    const MESSAGES: usize = 120;
    let Some(server) = postgres::shared() else {
        return Ok(());
    };
    let (folder, url) = (Folder::new("work"), server.database()?);
    let (mut first, second) = (folder.node("first", &url)?, folder.node("second", &url)?);
    let mut client = second.client();
    call(&mut client, "CreateQueue", &json!({"QueueName": "dead"}))?;
    let policy = json!({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead", "maxReceiveCount": 1});
    let attributes = json!({"RedrivePolicy": policy.to_string()});
    call(
        &mut client,
        "CreateQueue",
        &json!({"QueueName": "home", "Attributes": attributes}),
    )?;
    for n in 0..MESSAGES {
        call(
            &mut client,
            "SendMessage",
            &json!({"QueueUrl": queue("dead"), "MessageBody": n.to_string()}),
        )?;
    }
    let delayed = json!({"QueueUrl": queue("home"), "MessageBody": "delayed", "DelaySeconds": 3});
    call(&mut first.client(), "SendMessage", &delayed)?;
    // About six seconds of work, row upon row; the first node dies in the midst of it.
    let task = json!({
        "SourceArn": "arn:aws:sqs:us-east-1:000000000000:dead",
        "DestinationArn": "arn:aws:sqs:us-east-1:000000000000:home",
        "MaxNumberOfMessagesPerSecond": 20,
    });
    call(&mut first.client(), "StartMessageMoveTask", &task)?;
    std::thread::sleep(Duration::from_millis(1_500));
    first.kill();
    let (mut found, begin) = (Vec::new(), Instant::now());
    let input = json!({
        "QueueUrl": queue("home"), "WaitTimeSeconds": 1, "MaxNumberOfMessages": 10, "VisibilityTimeout": 600,
    });
    while found.len() <= MESSAGES && begin.elapsed() < Duration::from_secs(40) {
        found.extend(bodies(&call(&mut client, "ReceiveMessage", &input)?));
    }
    // Whatever is there besides has been done twice.
    found.extend(bodies(&call(&mut client, "ReceiveMessage", &input)?));
    found.sort();
    let mut expected: Vec<String> = (0..MESSAGES).map(|n| n.to_string()).collect();
    expected.push("delayed".to_owned());
    expected.sort();
    assert_eq!(found, expected);
    println!(
        "the work of the dead node was done after {:.1} s",
        begin.elapsed().as_secs_f64()
    );
    Ok(())
}

#[test]
fn a_database_that_is_gone_is_a_503_until_it_is_back() -> Outcome {
    let Some(server) = postgres::start() else { return Ok(()) };
    let (folder, url) = (Folder::new("gone"), server.database()?);
    let node = folder.node("node", &url)?;
    let mut client = node.client();
    call(&mut client, "CreateQueue", &json!({"QueueName": "mail"}))?;
    let send = json!({"QueueUrl": queue("mail"), "MessageBody": "x"});
    call(&mut client, "SendMessage", &send)?;
    server.stop()?;
    for operation in ["SendMessage", "ReceiveMessage"] {
        let input = if operation == "SendMessage" {
            &send
        } else {
            &json!({"QueueUrl": queue("mail")})
        };
        let Err(refused) = client.sqs(operation, input) else {
            return Err("there is no database".into());
        };
        assert_eq!(refused.0, 503, "{}", refused.1);
        assert!(refused.1.contains("ServiceUnavailable"), "{}", refused.1);
    }
    server.go_on()?;
    call(&mut client, "SendMessage", &send)?;
    let input = json!({"QueueUrl": queue("mail"), "MaxNumberOfMessages": 10});
    assert_eq!(bodies(&call(&mut client, "ReceiveMessage", &input)?).len(), 2);
    Ok(())
}
