//! `virga calls` and `virga replay`: a session recorded on one server is sent again to another.

use serde_json::{Value as Json, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn virga(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_virga"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("VIRGA_") {
            command.env_remove(name);
        }
    }
    command
        .current_dir(folder)
        .env("HOME", folder)
        .env_remove("XDG_STATE_HOME");
    command
}

struct Server {
    folder: PathBuf,
    child: Child,
    address: String,
}

impl Server {
    fn start(name: &str, flags: &[&str]) -> Server {
        let folder = std::env::temp_dir().join(format!("virga-test-{}-history-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let child = virga(&folder)
            .args(["start", "--port", "0", "--data", "data"])
            .args(flags)
            .stdout(Stdio::null())
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

    fn send(&self, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("connects");
        let length = body.len();
        let request =
            format!("{head}\r\nHost: virga.test:4566\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).expect("sends");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answers");
        answer.split_once("\r\n\r\n").expect("a head").1.to_owned()
    }

    fn json(&self, operation: &str, input: &Json) -> Json {
        let head = format!(
            "POST / HTTP/1.1\r\n{AUTHORIZATION}\r\nX-Amz-Target: AmazonSQS.{operation}\r\n\
             Content-Type: application/x-amz-json-1.0"
        );
        serde_json::from_str(&self.send(&head, &input.to_string())).unwrap_or(Json::Null)
    }

    fn form(&self, form: &str) -> String {
        let head = format!("POST / HTTP/1.1\r\n{AUTHORIZATION}\r\nContent-Type: application/x-www-form-urlencoded");
        self.send(&head, &format!("{form}&Version=2012-11-05"))
    }

    fn run(&self, arguments: &[&str]) -> Output {
        virga(&self.folder)
            .args(arguments)
            .env("VIRGA_ENDPOINT", format!("http://{}", self.address))
            .output()
            .expect("runs")
    }

    /// What a command prints with `--output json`, and its exit code.
    fn told(&self, arguments: &[&str]) -> (Json, Option<i32>) {
        let output = self.run(&[arguments, &["--output", "json"]].concat());
        let told = serde_json::from_slice(&output.stdout);
        let told = told.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        (told, output.status.code())
    }

    /// The calls as a file has them, without what differs in each run.
    fn saved(&self, path: &str) -> Vec<Json> {
        let (_, code) = self.told(&["calls", "--save", path]);
        assert_eq!(code, Some(0));
        let text = std::fs::read_to_string(path).expect("a file");
        let mut calls: Vec<Json> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        calls.remove(0);
        for call in &mut calls {
            let is_own = call["service"] == "virga";
            let call = call.as_object_mut().expect("an object");
            call.remove("duration_us");
            if is_own {
                // Asking the server for anything draws ids as well, but others.
                call.remove("request_id");
                call.remove("at");
                call.remove("answer");
            }
            if let Some(headers) = call.get_mut("headers").and_then(Json::as_array_mut) {
                headers.sort_by_key(Json::to_string);
            }
        }
        calls
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

const AUTHORIZATION: &str = "Authorization: AWS4-HMAC-SHA256 \
                             Credential=111122223333/20260101/eu-west-1/sqs/aws4_request, \
                             SignedHeaders=host;x-amz-date, Signature=5ec3e7\r\nX-Amz-Date: 20260101T000000Z";
const URL: &str = "http://virga.test:4566/111122223333/mail";

/// A session of 17 calls and three changes of the clock and the worlds.
fn play(server: &Server) {
    let freeze = server.run(&["time", "freeze", "--at", "2026-01-01"]);
    assert!(freeze.status.success());
    server.json("CreateQueue", &json!({"QueueName": "mail"}));
    for n in 0..6 {
        let message = json!({"QueueUrl": URL, "MessageBody": format!("message {n}"), "DelaySeconds": n % 2});
        server.json("SendMessage", &message);
    }
    server.json("GetQueueUrl", &json!({"QueueName": "nothing"}));
    let advance = server.run(&["time", "advance", "5s"]);
    assert!(advance.status.success());
    let receive = json!({"QueueUrl": URL, "MaxNumberOfMessages": 10, "VisibilityTimeout": 30});
    let received = server.json("ReceiveMessage", &receive);
    let handle = |n: usize| {
        received["Messages"][n]["ReceiptHandle"]
            .as_str()
            .expect("a handle")
            .to_owned()
    };
    server.json("DeleteMessage", &json!({"QueueUrl": URL, "ReceiptHandle": handle(0)}));
    let encoded = handle(1).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let changed = server.form(&format!(
        "Action=ChangeMessageVisibility&QueueUrl={URL}&VisibilityTimeout=0&ReceiptHandle={encoded}"
    ));
    assert!(changed.contains("ChangeMessageVisibilityResponse"), "{changed}");
    let entries = json!([{"Id": "a", "ReceiptHandle": handle(2)}, {"Id": "b", "ReceiptHandle": "none"}]);
    server.json("DeleteMessageBatch", &json!({"QueueUrl": URL, "Entries": entries}));
    server.json("ReceiveMessage", &receive);
    server.json("NoSuchOperation", &json!({}));
    let fork = json!({"name": "t1"}).to_string();
    server.send("POST /_virga/worlds HTTP/1.1", &fork);
    let head = format!(
        "POST / HTTP/1.1\r\n{AUTHORIZATION}\r\nX-Virga-World: t1\r\nX-Amz-Target: AmazonSQS.SendMessage\r\n\
         Content-Type: application/x-amz-json-1.0"
    );
    server.send(&head, &json!({"QueueUrl": URL, "MessageBody": "elsewhere"}).to_string());
    server.json(
        "GetQueueAttributes",
        &json!({"QueueUrl": URL, "AttributeNames": ["All"]}),
    );
}

fn path(server: &Server, name: &str) -> String {
    server.folder.join(name).to_string_lossy().into_owned()
}

#[test]
fn with_the_same_seed_a_session_is_answered_the_same_bytes() {
    let (first, second) = (
        Server::start("first", &["--seed", "7"]),
        Server::start("second", &["--seed", "7"]),
    );
    play(&first);
    let file = path(&first, "calls.jsonl");
    let recorded = first.saved(&file);
    let text = std::fs::read_to_string(&file).expect("a file");
    assert!(!text.contains("5ec3e7"), "signatures are not kept");

    let (told, code) = second.told(&["replay", &file]);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(told["sent"], recorded.len());
    assert_eq!(
        (&told["same"], &told["same_answers"]),
        (&told["sent"], &told["sent"]),
        "{told}"
    );
    assert_eq!(told["changed"], 0);
    let replayed = second.saved(&path(&second, "calls.jsonl"));
    assert_eq!(recorded.len(), replayed.len());
    for (one, other) in recorded.iter().zip(&replayed) {
        assert_eq!(one, other);
    }
}

#[test]
fn without_a_seed_answered_handles_take_the_recorded_ones_places() {
    let (first, second) = (
        Server::start("seeded", &["--seed", "7"]),
        Server::start("unseeded", &[]),
    );
    play(&first);
    let file = path(&first, "calls.jsonl");
    first.saved(&file);
    let (told, code) = second.told(&["replay", &file]);
    assert_eq!((code, &told["same"]), (Some(0), &told["sent"]), "{told}");
    // One alone, one in a form, one in a batch.
    assert_eq!(told["changed"], 3, "{told}");
    assert!(told["same_answers"].as_u64() < told["sent"].as_u64(), "{told}");
    let recorded = first.told(&["status"]).0["calls"].clone();
    assert_eq!(second.told(&["status"]).0["calls"], recorded);
}

#[test]
fn what_ends_otherwise_is_told() {
    let server = Server::start("otherwise", &[]);
    play(&server);
    let file = path(&server, "calls.jsonl");
    server.saved(&file);
    // The world is there already, and the queue has messages of the first time.
    let (told, code) = server.told(&["replay", &file, "--world", "main", "--time"]);
    assert_eq!((code, &told["different"]), (Some(0), &json!([])), "{told}");
    let (told, code) = server.told(&["replay", &file]);
    assert_eq!(code, Some(1), "{told}");
    let different = told["different"].as_array().expect("a list");
    assert_eq!(different.len(), 1, "{told}");
    assert_eq!(
        (&different[0]["call"], &different[0]["is"]["error"]),
        (&json!("virga.Worlds"), &json!("WorldExists"))
    );
    let output = server.run(&["replay", &file]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("virga.Worlds: was 200, is 409 WorldExists"), "{text}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("1 call ended otherwise than recorded."));
}

#[test]
fn a_damaged_or_newer_file_is_refused_whole() {
    let server = Server::start("damaged", &[]);
    server.json("CreateQueue", &json!({"QueueName": "mail"}));
    server.json("ListQueues", &json!({}));
    let file = path(&server, "calls.jsonl");
    assert_eq!(server.saved(&file).len(), 2);
    let whole = std::fs::read_to_string(&file).expect("a file");
    let before = server.told(&["status"]).0["calls"].clone();
    for (text, part) in [
        (whole.replace("\"virga_journal\":1", "\"virga_journal\":9"), "version 9"),
        (whole[..whole.len() - 40].to_owned(), "line 3 is no call"),
        ("hello\n".to_owned(), "no journal"),
    ] {
        std::fs::write(&file, text).expect("written");
        let output = server.run(&["replay", &file]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(part) && said.lines().count() == 1, "{said}");
    }
    assert_eq!(server.run(&["replay", "nowhere.jsonl"]).status.code(), Some(2));
    assert_eq!(server.told(&["status"]).0["calls"], before, "nothing was sent");
}

#[test]
fn calls_are_shown_to_people() {
    let server = Server::start("shown", &[]);
    server.json("CreateQueue", &json!({"QueueName": "mail"}));
    server.form("Action=GetQueueUrl&QueueName=nothing");
    let output = server.run(&["calls", "--status", "error", "--body"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.starts_with("NUMBER  TIME"), "{text}");
    assert!(
        text.contains("111122223333 eu-west-1") && text.contains("sqs.GetQueueUrl"),
        "{text}"
    );
    assert!(text.contains("\"QueueName\": \"nothing\""), "{text}");
    assert!(!text.contains("CreateQueue"), "{text}");
    for (filter, lines) in [
        ("--region=us-east-1", 1),
        ("--account=111122223333", 3),
        ("--world=t1", 1),
    ] {
        let output = server.run(&["calls", filter]);
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).lines().count(),
            lines,
            "{filter}"
        );
    }
}

#[test]
fn calls_that_wait_for_time_are_left_waiting() {
    let (first, second) = (Server::start("waits", &[]), Server::start("waits-again", &[]));
    assert!(first.run(&["time", "freeze", "--at", "2026-01-01"]).status.success());
    first.json("CreateQueue", &json!({"QueueName": "mail"}));
    let receive = json!({"QueueUrl": URL, "WaitTimeSeconds": 20});
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| first.json("ReceiveMessage", &receive));
        // However late the call arrives, it is answered in the end.
        while !waiting.is_finished() {
            assert!(first.run(&["time", "advance", "5s"]).status.success());
        }
    });
    let file = path(&first, "calls.jsonl");
    assert!(first.saved(&file).len() > 3);
    let (told, code) = second.told(&["replay", &file]);
    assert_eq!((code, &told["same"]), (Some(0), &told["sent"]), "{told}");
}

#[test]
fn a_running_clock_is_frozen_to_follow_the_recorded_times() {
    let (first, second) = (Server::start("runs", &[]), Server::start("runs-again", &[]));
    first.json("CreateQueue", &json!({"QueueName": "mail"}));
    first.json("SendMessage", &json!({"QueueUrl": URL, "MessageBody": "hello"}));
    let file = path(&first, "calls.jsonl");
    let recorded = first.saved(&file);
    let (told, code) = second.told(&["replay", &file]);
    assert_eq!(
        (code, &second.told(&["time"]).0["mode"]),
        (Some(0), &json!("running")),
        "{told}"
    );
    let (told, code) = second.told(&["replay", &file, "--time"]);
    assert_eq!(code, Some(0), "{told}");
    let time = second.told(&["time"]).0;
    assert_eq!((&time["mode"], &time["now"]), (&json!("frozen"), &recorded[1]["at"]));
}
