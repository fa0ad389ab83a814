//! Snapshots with the built program: from engine to engine, damaged ones, and a file that the first release has made.

use serde_json::{Value as Json, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use virga_testkit::postgres;

const AUTHORIZATION: &str = "Authorization: AWS4-HMAC-SHA256 \
                             Credential=test/20260101/us-east-1/sqs/aws4_request, \
                             SignedHeaders=host;x-amz-date, Signature=5ec3e7\r\nX-Amz-Date: 20260101T000000Z";

/// A running server, in a folder of its own.
struct Server {
    folder: PathBuf,
    child: Child,
    endpoint: String,
}

fn command(folder: &PathBuf, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_virga"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("VIRGA_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).current_dir(folder).env("HOME", folder);
    command.env_remove("XDG_STATE_HOME");
    command
}

impl Server {
    fn start(name: &str, flags: &[&str]) -> Server {
        let folder = std::env::temp_dir().join(format!("virga-test-{}-snapshots-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut server = Server {
            child: Server::spawn(&folder, flags),
            endpoint: String::new(),
            folder,
        };
        server.wait();
        server
    }

    fn spawn(folder: &PathBuf, flags: &[&str]) -> Child {
        let said = std::fs::File::create(folder.join("said")).expect("a file");
        let mut start = command(folder, &["start", "--port", "0"]);
        start.args(flags).stdout(said).stderr(Stdio::inherit());
        start.spawn().expect("starts")
    }

    fn wait(&mut self) {
        let begin = Instant::now();
        loop {
            let said = std::fs::read_to_string(self.folder.join("said")).unwrap_or_default();
            let found = said
                .split_once("listens on ")
                .and_then(|(_, rest)| rest.split_whitespace().next());
            if let Some(endpoint) = found.filter(|_| said.contains('\n')) {
                self.endpoint = endpoint.trim_end_matches(['.', ',']).to_owned();
                return;
            }
            assert_eq!(self.child.try_wait().expect("a state"), None, "ended at once");
            assert!(begin.elapsed() < Duration::from_secs(20), "never became ready");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn kill_and_start(&mut self, flags: &[&str]) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
        self.child = Server::spawn(&self.folder, flags);
        self.wait();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = command(&self.folder, arguments);
        command.env("VIRGA_ENDPOINT", &self.endpoint).output().expect("runs")
    }

    fn ok(&self, arguments: &[&str]) {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// A call of SQS.
    fn sqs(&self, operation: &str, input: &Json) -> Json {
        let body = input.to_string();
        let request = format!(
            "POST / HTTP/1.1\r\n{AUTHORIZATION}\r\nHost: sqs.us-east-1.amazonaws.com\r\nConnection: close\r\nX-Amz-Target: AmazonSQS.{operation}\r\n\
             Content-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(self.endpoint.trim_start_matches("http://")).expect("connects");
        stream.write_all(request.as_bytes()).expect("sends");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
        assert!(head.starts_with("HTTP/1.1 200"), "{operation}: {answer}");
        serde_json::from_str(body).unwrap_or(Json::Null)
    }

    fn bodies(&self, queue: &str) -> Vec<String> {
        let url = self.sqs("GetQueueUrl", &json!({"QueueName": queue}))["QueueUrl"].clone();
        let receive = json!({"QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0});
        let answer = self.sqs("ReceiveMessage", &receive);
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        let mut bodies: Vec<String> = messages
            .iter()
            .filter_map(|message| message["Body"].as_str().map(str::to_owned))
            .collect();
        bodies.sort();
        bodies
    }

    fn seed(&self) {
        let url = self.sqs("CreateQueue", &json!({"QueueName": "mail"}))["QueueUrl"].clone();
        for body in ["hail", "rain"] {
            self.sqs("SendMessage", &json!({"QueueUrl": url, "MessageBody": body}));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn from_memory_to_a_data_folder_and_back() {
    let memory = Server::start("memory", &[]);
    memory.seed();
    memory.ok(&["snapshot", "save", "a.snap"]);
    assert!(!memory.folder.join("a.snap.part").exists());
    let mut disk = Server::start("disk", &["--data", "data"]);
    let file = memory.folder.join("a.snap").display().to_string();
    disk.ok(&["snapshot", "load", &file]);
    disk.kill_and_start(&["--data", "data"]);
    assert_eq!(disk.bodies("mail"), ["hail", "rain"]);
    disk.ok(&["snapshot", "save", "b.snap", "--world", "main"]);
    memory.ok(&["reset"]);
    let file = disk.folder.join("b.snap").display().to_string();
    memory.ok(&["snapshot", "load", &file]);
    memory.ok(&["snapshot", "load", &file, "--as", "test-1"]);
    assert_eq!(memory.bodies("mail"), ["hail", "rain"]);
}

/// Where this machine has no PostgreSQL, it says so and does nothing.
#[test]
fn from_a_data_folder_to_postgres_and_back() {
    let Some(database) = postgres::shared() else { return };
    let url = database.database().expect("a database");
    let disk = Server::start("to-postgres", &["--data", "data"]);
    disk.seed();
    disk.ok(&["snapshot", "save", "a.snap"]);
    let file = disk.folder.join("a.snap").display().to_string();
    let mut shared = Server::start("postgres", &["--store", &url]);
    shared.ok(&["snapshot", "load", &file]);
    shared.ok(&["snapshot", "load", &file, "--as", "test-1"]);
    shared.kill_and_start(&["--store", &url]);
    assert_eq!(shared.bodies("mail"), ["hail", "rain"]);
    let worlds = shared.run(&["world", "list"]);
    assert!(String::from_utf8_lossy(&worlds.stdout).contains("test-1"));
    shared.ok(&["snapshot", "save", "b.snap", "--world", "test-1"]);
    disk.ok(&["reset"]);
    let file = shared.folder.join("b.snap").display().to_string();
    disk.ok(&["snapshot", "load", &file, "--as", "main"]);
    assert_eq!(disk.bodies("mail"), ["hail", "rain"]);
}

#[test]
fn a_damaged_file_leaves_all_as_it_is() {
    let server = Server::start("damaged", &[]);
    server.seed();
    server.ok(&["snapshot", "save", "a.snap"]);
    let good = std::fs::read(server.folder.join("a.snap")).expect("read");
    for at in (0..good.len()).step_by(good.len() / 12) {
        let mut bad = good.clone();
        bad[at] ^= 4;
        for bytes in [&bad[..], &good[..at]] {
            std::fs::write(server.folder.join("bad.snap"), bytes).expect("written");
            let refused = server.run(&["snapshot", "load", "bad.snap", "--replace"]);
            let said = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert_eq!(refused.status.code(), Some(1), "{at}: {said}");
            assert!(said.contains("snapshot"), "{said}");
        }
    }
    assert_eq!(server.bodies("mail"), ["hail", "rain"]);
    let nobody = command(
        &server.folder,
        &["snapshot", "load", "a.snap", "--endpoint", "http://127.0.0.1:1"],
    )
    .output();
    assert_eq!(nobody.expect("runs").status.code(), Some(2));
}

/// `first_release.snap` is never written again.
#[test]
fn a_file_of_the_first_release_loads() {
    let server = Server::start("first", &[]);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/first_release.snap");
    server.ok(&["snapshot", "inspect", file]);
    server.ok(&["snapshot", "load", file]);
    assert_eq!(server.bodies("mail"), ["hail", "rain"]);
    let worlds = server.run(&["world", "list"]);
    assert!(String::from_utf8_lossy(&worlds.stdout).contains("test-1"));
    let time = server.run(&["time"]);
    let time = String::from_utf8_lossy(&time.stdout).into_owned();
    assert!(time.starts_with("2026-01-01T00:00:00.000Z, frozen"), "{time}");
}
