//! `--seed`: two servers that are sent the same calls answer the same bytes.

use serde_json::{Value as Json, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Server {
    folder: PathBuf,
    child: Child,
    address: String,
}

impl Server {
    fn start(name: &str, seed: u64) -> Server {
        let folder = std::env::temp_dir().join(format!("virga-test-{}-seed-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_virga"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("VIRGA_") {
                command.env_remove(name);
            }
        }
        let child = command
            .args(["start", "--port", "0", "--data", "data", "--seed", &seed.to_string()])
            .current_dir(&folder)
            .env("HOME", &folder)
            .env_remove("XDG_STATE_HOME")
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("starts");
        let mut server = Server {
            address: String::new(),
            child,
            folder,
        };
        let begin = Instant::now();
        while server.address.is_empty() {
            if let Ok(text) = std::fs::read_to_string(server.folder.join("data/virga.pid"))
                && let Ok(ready) = serde_json::from_str::<Json>(&text)
            {
                let endpoint = ready["endpoint"].as_str().expect("an endpoint");
                server.address = endpoint.trim_start_matches("http://").to_owned();
            }
            assert_eq!(server.child.try_wait().expect("a state"), None, "ended at once");
            assert!(begin.elapsed() < Duration::from_secs(20), "never became ready");
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    }

    /// The whole answer as it came, but for the `Date`, which is the machine's.
    fn send(&self, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("connects");
        let length = body.len();
        let request =
            format!("{head}\r\nHost: virga.test:4566\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).expect("sends");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let head: Vec<&str> = head
            .split("\r\n")
            .filter(|line| !line.to_ascii_lowercase().starts_with("date:"))
            .collect();
        format!("{}\r\n\r\n{body}", head.join("\r\n"))
    }

    fn virga(&self, path: &str, body: &Json) {
        let head = format!("POST /_virga/{path} HTTP/1.1\r\nContent-Type: application/json");
        let answer = self.send(&head, &body.to_string());
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A server, and all that it has answered.
struct Script<'a> {
    server: &'a Server,
    answers: Vec<String>,
}

fn authorization(service: &str) -> String {
    format!(
        "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature=00\r\nX-Amz-Date: 20260101T000000Z"
    )
}

impl Script<'_> {
    fn keep(&mut self, answer: String) -> String {
        self.answers.push(answer.clone());
        answer
    }

    fn json(&mut self, operation: &str, input: &Json) -> Json {
        let head = format!(
            "POST / HTTP/1.1\r\n{}\r\nX-Amz-Target: AmazonSQS.{operation}\r\nContent-Type: application/x-amz-json-1.0",
            authorization("sqs")
        );
        let answer = self.server.send(&head, &input.to_string());
        let answer = self.keep(answer);
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        serde_json::from_str(body).unwrap_or(Json::Null)
    }

    fn query(&mut self, service: &str, version: &str, form: &str) -> String {
        let head = format!(
            "POST / HTTP/1.1\r\n{}\r\nContent-Type: application/x-www-form-urlencoded",
            authorization(service)
        );
        let answer = self.server.send(&head, &format!("{form}&Version={version}"));
        self.keep(answer)
    }

    fn sqs(&mut self, form: &str) -> String {
        self.query("sqs", "2012-11-05", form)
    }

    fn sts(&mut self, form: &str) -> String {
        self.query("sts", "2011-06-15", form)
    }
}

/// Plays the calls; `idle` questions to Virga itself come between, which must not matter.
fn play(server: &Server, idle: usize) -> Vec<String> {
    server.virga("time", &json!({ "action": "freeze", "at": "2026-01-01T00:00:00Z" }));
    for _ in 0..idle {
        server.send("GET /_virga/health HTTP/1.1", "");
    }
    let mut script = Script {
        server,
        answers: Vec::new(),
    };
    queues(&mut script);
    messages(&mut script, idle);
    fifo(&mut script);
    dead_letters(&mut script);
    tokens(&mut script);
    script.answers
}

fn url(name: &str) -> String {
    format!("http://virga.test:4566/000000000000/{name}")
}

fn queues(script: &mut Script<'_>) {
    let tags: serde_json::Map<String, Json> = (0..20).map(|n| (format!("tag{n}"), json!(n.to_string()))).collect();
    script.json("CreateQueue", &json!({ "QueueName": "mail", "tags": tags }));
    script.sqs("Action=CreateQueue&QueueName=dead");
    for n in 0..12 {
        script.json("CreateQueue", &json!({ "QueueName": format!("other{n}") }));
    }
    script.json("ListQueues", &json!({}));
    script.json("ListQueues", &json!({ "MaxResults": 3 }));
    script.sqs("Action=ListQueues");
    let grant = json!({ "QueueUrl": url("mail"), "Label": "l", "AWSAccountIds": ["111111111111", "222222222222"],
                        "Actions": ["SendMessage", "ReceiveMessage"] });
    script.json("AddPermission", &grant);
    script.json("ListQueueTags", &json!({ "QueueUrl": url("mail") }));
    script.sqs(&format!("Action=ListQueueTags&QueueUrl={}", url("mail")));
    script.json(
        "GetQueueAttributes",
        &json!({ "QueueUrl": url("mail"), "AttributeNames": ["All"] }),
    );
    script.sqs(&format!(
        "Action=GetQueueAttributes&AttributeName.1=All&QueueUrl={}",
        url("mail")
    ));
    script.json("GetQueueUrl", &json!({ "QueueName": "nothing" }));
    script.sqs("Action=GetQueueUrl&QueueName=nothing");
    script.json("NoSuchOperation", &json!({}));
}

fn messages(script: &mut Script<'_>, idle: usize) {
    let attributes: serde_json::Map<String, Json> = (0..9)
        .map(|n| {
            (
                format!("name{n}"),
                json!({ "DataType": "String", "StringValue": n.to_string() }),
            )
        })
        .collect();
    let input = json!({ "QueueUrl": url("mail"), "MessageBody": "hello", "MessageAttributes": attributes });
    script.json("SendMessage", &input);
    let entries: Vec<Json> = (0..10)
        .map(|n| json!({ "Id": format!("i{n}"), "MessageBody": format!("body {n}") }))
        .collect();
    script.json(
        "SendMessageBatch",
        &json!({ "QueueUrl": url("mail"), "Entries": entries }),
    );
    script.sqs(&format!(
        "Action=SendMessage&MessageBody=query&QueueUrl={}",
        url("mail")
    ));
    for _ in 0..idle {
        script.server.send("GET /_virga/time HTTP/1.1", "");
    }
    let input = json!({ "QueueUrl": url("mail"), "MaxNumberOfMessages": 10, "VisibilityTimeout": 30,
                        "MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"] });
    let first = script.json("ReceiveMessage", &input);
    let handle = |n: usize| first["Messages"][n]["ReceiptHandle"].clone();
    let held = first["Messages"].as_array().map_or(0, Vec::len);
    assert_eq!(held, 10, "{first}");
    script.json(
        "DeleteMessage",
        &json!({ "QueueUrl": url("mail"), "ReceiptHandle": handle(0) }),
    );
    let change = json!({ "QueueUrl": url("mail"), "ReceiptHandle": handle(1), "VisibilityTimeout": 0 });
    script.json("ChangeMessageVisibility", &change);
    let entries = json!([{ "Id": "a", "ReceiptHandle": handle(2) }, { "Id": "b", "ReceiptHandle": "none" }]);
    script.json(
        "DeleteMessageBatch",
        &json!({ "QueueUrl": url("mail"), "Entries": entries }),
    );
    script
        .server
        .virga("time", &json!({ "action": "advance", "by": "45s" }));
    script.json("ReceiveMessage", &input);
    script.sqs(&format!(
        "Action=ReceiveMessage&MaxNumberOfMessages=10&AttributeName.1=All&QueueUrl={}",
        url("mail")
    ));
    script.json("PurgeQueue", &json!({ "QueueUrl": url("mail") }));
    script.json("DeleteQueue", &json!({ "QueueUrl": url("other3") }));
}

fn fifo(script: &mut Script<'_>) {
    let attributes = json!({ "FifoQueue": "true", "ContentBasedDeduplication": "true" });
    script.json(
        "CreateQueue",
        &json!({ "QueueName": "q.fifo", "Attributes": attributes }),
    );
    for n in 0..12 {
        let input = json!({ "QueueUrl": url("q.fifo"), "MessageBody": format!("{}", n % 9), "MessageGroupId": format!("g{}", n % 3) });
        script.json("SendMessage", &input);
    }
    let input = json!({ "QueueUrl": url("q.fifo"), "MaxNumberOfMessages": 4, "AttributeNames": ["All"] });
    script.json("ReceiveMessage", &input);
    script.json("ReceiveMessage", &input);
}

/// Deferred work draws ids as well: those of the messages that it moves.
fn dead_letters(script: &mut Script<'_>) {
    let arn = |name: &str| format!("arn:aws:sqs:us-east-1:000000000000:{name}");
    let policy = json!({ "deadLetterTargetArn": arn("dead"), "maxReceiveCount": 1 }).to_string();
    let attributes = json!({ "RedrivePolicy": policy, "VisibilityTimeout": "0" });
    script.json(
        "CreateQueue",
        &json!({ "QueueName": "source", "Attributes": attributes }),
    );
    for n in 0..5 {
        script.json(
            "SendMessage",
            &json!({ "QueueUrl": url("source"), "MessageBody": n.to_string() }),
        );
    }
    let input = json!({ "QueueUrl": url("source"), "MaxNumberOfMessages": 10, "AttributeNames": ["All"] });
    script.json("ReceiveMessage", &input);
    script.json("ReceiveMessage", &input);
    script.json("ListDeadLetterSourceQueues", &json!({ "QueueUrl": url("dead") }));
    script.json("StartMessageMoveTask", &json!({ "SourceArn": arn("dead") }));
    // Drawn while the work may be under way.
    script.json(
        "SendMessage",
        &json!({ "QueueUrl": url("mail"), "MessageBody": "meanwhile" }),
    );
    script.server.virga("time", &json!({ "action": "settle" }));
    script.json("ListMessageMoveTasks", &json!({ "SourceArn": arn("dead") }));
    let moved = script.json("ReceiveMessage", &input);
    assert_eq!(moved["Messages"].as_array().map(Vec::len), Some(5), "{moved}");
}

fn tokens(script: &mut Script<'_>) {
    script.sts("Action=GetCallerIdentity");
    script.sts("Action=AssumeRole&RoleArn=arn:aws:iam::000000000000:role/r&RoleSessionName=session");
    script.sts("Action=AssumeRole&RoleArn=broken&RoleSessionName=session");
    script.sts("Action=GetSessionToken");
    script.sts("Action=GetFederationToken&Name=somebody");
    script.query("ec2", "2016-11-15", "Action=DescribeInstances");
}

#[test]
fn the_same_seed_and_the_same_calls_give_the_same_bytes() {
    let server = Server::start("first", 7);
    let first = play(&server, 0);
    let again = play(&Server::start("again", 7), 3);
    assert!(first.len() > 60, "{} answers", first.len());
    for (n, (one, other)) in first.iter().zip(&again).enumerate() {
        assert_eq!(one, other, "answer {n}");
    }
    let failed = first
        .iter()
        .filter(|answer| !answer.starts_with("HTTP/1.1 200"))
        .count();
    assert!(failed < 8, "{failed} calls failed");

    // A reset goes back to the beginning of the seed.
    server.virga("reset", &json!({}));
    for (n, (one, other)) in first.iter().zip(&play(&server, 0)).enumerate() {
        assert_eq!(one, other, "answer {n} after a reset");
    }

    let other = play(&Server::start("other", 8), 0);
    for (n, (one, other)) in first.iter().zip(&other).enumerate() {
        assert_ne!(one, other, "answer {n} has nothing of the seed");
    }
}
