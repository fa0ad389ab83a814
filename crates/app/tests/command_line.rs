//! The built program, as a user meets it: started, asked, moved, stopped, and told wrong things.

use serde_json::{Value as Json, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// An empty folder to work in, so that no settings file of the developer's is read; removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("virga-test-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn virga(folder: &Folder, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_virga"));
    command.args(line.split_whitespace()).current_dir(&folder.0);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("VIRGA_") {
            command.env_remove(name);
        }
    }
    command.env("HOME", &folder.0).env_remove("XDG_STATE_HOME");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

/// A running server, and the folder it runs in.
struct Server {
    folder: Folder,
    child: Child,
    endpoint: String,
}

impl Server {
    fn start(name: &str, flags: &str) -> Server {
        let folder = Folder::new(name);
        let mut child = virga(&folder, &format!("start --port 0 --data data {flags}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("starts");
        let pid_file = folder.0.join("data/virga.pid");
        let begin = Instant::now();
        let ready: Json = loop {
            if let Some(ready) = std::fs::read_to_string(&pid_file)
                .ok()
                .and_then(|text| serde_json::from_str(&text).ok())
            {
                break ready;
            }
            assert_eq!(child.try_wait().expect("a state"), None, "ended at once");
            assert!(begin.elapsed() < Duration::from_secs(20), "never became ready");
            std::thread::sleep(Duration::from_millis(5));
        };
        let endpoint = ready["endpoint"].as_str().expect("an endpoint").to_owned();
        Server {
            folder,
            child,
            endpoint,
        }
    }

    fn run(&self, line: &str) -> Output {
        virga(&self.folder, line)
            .env("VIRGA_ENDPOINT", &self.endpoint)
            .output()
            .expect("runs")
    }

    fn json(&self, line: &str) -> Json {
        let output = self.run(&format!("{line} --output json"));
        assert_eq!(code(&output), 0, "{line}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// Sends a request as it stands and answers the status line's code and the body.
    fn send(&self, request: &str) -> (u16, String) {
        let address = self.endpoint.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).expect("connects");
        stream.write_all(request.as_bytes()).expect("sends");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answers");
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .expect("a status");
        (
            status,
            answer
                .split_once("\r\n\r\n")
                .map(|(_, body)| body.to_owned())
                .unwrap_or_default(),
        )
    }

    /// STS's GetCallerIdentity, unsigned: a call of AWS, whatever comes of it.
    fn call(&self) -> u16 {
        let body = "Action=GetCallerIdentity&Version=2011-06-15";
        let request = format!(
            "POST / HTTP/1.1\r\nHost: sts.us-east-1.amazonaws.com\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.send(&request).0
    }

    /// Asks for a stop and answers all that the server printed.
    fn stop(mut self) -> String {
        let output = self.run("stop");
        assert_eq!(
            (code(&output), text(&output.stdout).as_str()),
            (0, "Virga has stopped.\n"),
            "{}",
            text(&output.stderr)
        );
        let mut printed = String::new();
        let mut stdout = self.child.stdout.take().expect("piped");
        stdout.read_to_string(&mut printed).expect("reads");
        assert!(self.child.wait().expect("ends").success());
        assert!(
            !self.folder.0.join("data/virga.pid").exists(),
            "the pid file is removed"
        );
        printed
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_server_is_started_asked_and_stopped() {
    let server = Server::start("whole", "");
    let status = server.json("status");
    assert_eq!((&status["status"], &status["calls"]), (&json!("ok"), &json!(0)));
    assert!(status["services"]["sts"]["full"].as_u64() > Some(0), "{status}");
    let shown = text(&server.run("status").stdout);
    assert!(shown.contains(&server.endpoint) && shown.contains("sts ("), "{shown}");

    let env = text(
        &server
            .run("env --shell bash --account 111122223333 --region eu-west-1")
            .stdout,
    );
    assert!(
        env.contains(&format!("export AWS_ENDPOINT_URL={}\n", server.endpoint)),
        "{env}"
    );
    assert!(
        env.contains("AWS_ACCESS_KEY_ID=111122223333\n") && env.contains("AWS_DEFAULT_REGION=eu-west-1\n"),
        "{env}"
    );

    let answered = server.call();
    let logged = text(&server.run("logs").stdout);
    assert!(logged.contains(&answered.to_string()), "{logged}");
    assert_eq!(
        logged.lines().count(),
        1,
        "Virga's own paths are not in the log: {logged}"
    );
    let call: Json =
        serde_json::from_slice(&server.run("logs --limit 1 --output json").stdout).expect("one line of JSON");
    assert_eq!(call["status"], json!(answered));

    assert_eq!(text(&server.run("reset").stdout), "The cloud is empty.\n");
    let certificate = text(&server.run("cert").stdout);
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----"), "{certificate}");
    let fidelity = text(&server.run("fidelity").stdout);
    assert!(
        fidelity.contains("sts") && fidelity.contains("all of AWS"),
        "{fidelity}"
    );
    assert!(text(&server.run("fidelity sts").stdout).contains("GetCallerIdentity"));
    assert_eq!(
        text(&server.run("version").stdout),
        format!("virga {}\n", env!("CARGO_PKG_VERSION"))
    );

    let printed = server.stop();
    assert!(
        printed.contains("export AWS_ENDPOINT_URL=") && printed.contains(&logged),
        "{printed}"
    );
}

#[test]
fn time_is_in_the_users_hands() {
    let server = Server::start("time", "");
    assert_eq!(server.json("time")["mode"], "running");
    assert_eq!(
        server.json("time freeze --at 2030-01-01")["now"],
        "2030-01-01T00:00:00.000Z"
    );
    assert_eq!(server.json("time advance 1d12h")["now"], "2030-01-02T12:00:00.000Z");
    assert_eq!(server.json("time set 2031-01-01")["mode"], "frozen");
    assert_eq!(server.json("time settle")["steps"], 0);
    assert_eq!(server.json("time run --rate 60")["rate"], 60.0);
    assert_eq!(server.json("time reset")["rate"], 1.0);
    let refused = server.run("time run --rate 1e12");
    assert_eq!(code(&refused), 1, "the server refuses");
    assert!(
        text(&refused.stderr).contains("Virga refused"),
        "{}",
        text(&refused.stderr)
    );
    let wrong = server.run("time advance soon");
    assert_eq!(code(&wrong), 2);
    assert!(text(&wrong.stderr).contains("90s, 2h"), "{}", text(&wrong.stderr));
    server.stop();
}

#[test]
fn the_log_is_followed_and_printed_as_json() {
    let server = Server::start("follow", "--log json");
    let mut follower = virga(&server.folder, "logs --follow --output json")
        .env("VIRGA_ENDPOINT", &server.endpoint)
        .stdout(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut lines = BufReader::new(follower.stdout.take().expect("piped")).lines();
    let answered = server.call();
    let line: Json = serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON");
    assert_eq!(line["status"], json!(answered));
    let endpoint = server.endpoint.clone();
    let printed = server.stop();
    assert!(
        follower.wait().expect("ends").success(),
        "following ends with the server"
    );
    let printed: Vec<Json> = printed
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(printed.len(), 2, "{printed:?}");
    assert_eq!(printed[0]["endpoint"], json!(endpoint));
    assert_eq!(printed[1]["request_id"], line["request_id"]);
}

#[test]
fn pages_of_the_web_may_not_reset() {
    let server = Server::start("origin", "--log-level off");
    let first = text(&server.run("cert").stdout);
    assert!(
        first.contains("END CERTIFICATE") && first == text(&server.run("cert").stdout),
        "{first}"
    );
    let reset = |origin: &str| {
        let head = "POST /_virga/reset HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n";
        server.send(&format!("{head}Origin: {origin}\r\n\r\n")).0
    };
    assert_eq!(
        (reset("https://example.com"), reset("http://localhost:3000")),
        (403, 200)
    );
    let (status, body) =
        server.send("GET /_localstack/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!(status, 200);
    assert!(body.contains("\"sts\": \"available\""), "{body}");
    assert_eq!(server.stop(), "", "with the log off nothing is printed");
}

#[test]
fn a_detached_server_answers_when_the_command_returns() {
    let folder = Folder::new("detach");
    let started = virga(&folder, "start --detach --port 0 --data d")
        .output()
        .expect("runs");
    assert_eq!(code(&started), 0, "{}", text(&started.stderr));
    let ready = std::fs::read_to_string(folder.0.join("d/virga.pid")).expect("a pid file");
    let ready: Json = serde_json::from_str(&ready).expect("JSON");
    let endpoint = ready["endpoint"].as_str().expect("an endpoint");
    assert!(
        text(&started.stdout).contains(&format!("{endpoint} (pid {}", ready["pid"])),
        "{}",
        text(&started.stdout)
    );
    let port = endpoint.rsplit(':').next().unwrap_or_default();
    let again = virga(&folder, &format!("start --detach --data d --port {port}"))
        .output()
        .expect("runs");
    assert_eq!(code(&again), 2);
    assert!(text(&again.stderr).contains("is using it"), "{}", text(&again.stderr));
    assert!(folder.0.join("d/virga.pid").exists(), "the first one still runs");
    let stopped = virga(&folder, "stop --endpoint").arg(endpoint).output().expect("runs");
    assert_eq!(code(&stopped), 0, "{}", text(&stopped.stderr));
    let log = text(&std::fs::read(folder.0.join("d/virga.log")).expect("a log"));
    assert!(
        log.starts_with("Virga") && log.contains("is using it"),
        "both wrote to it: {log}"
    );
}

#[test]
fn what_cannot_start_says_why_and_what_to_do() {
    let folder = Folder::new("wrong");
    std::fs::write(folder.0.join("a-file"), "").expect("a file");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    for (line, parts) in [
        (format!("start --port {port}"), ["is in use", "--port"]),
        (format!("start --detach --port {port}"), ["is in use", "--port"]),
        ("start --port 99999".to_owned(), ["--port must be", "0 to 65535"]),
        ("start --host 192.0.2.1 --port 0".to_owned(), ["192.0.2.1", "--host"]),
        (
            "start --port 0 --data a-file/x".to_owned(),
            ["a-file/x cannot be written", "--data"],
        ),
        ("start --stor disk".to_owned(), ["no flag --stor", "start --help"]),
        (
            "start --store mysql://me@host/x".to_owned(),
            ["--store must be", "postgres://"],
        ),
        (
            "start --store postgres://host".to_owned(),
            ["names no user", "postgres://USER@HOST"],
        ),
        (
            "start --store postgres://me:secret@127.0.0.1:1/x".to_owned(),
            ["postgres://me@127.0.0.1:1/x", "refused"],
        ),
        (
            "start --store postgres://me@127.0.0.1:1/x --blobs gs://b/p".to_owned(),
            ["--blobs must be", "no gs:// here"],
        ),
        ("start --blobs s3://b/p".to_owned(), ["--blobs is for", "--store"]),
        ("strat".to_owned(), ["did you mean", "start"]),
        (
            "status --endpoint http://127.0.0.1:1".to_owned(),
            ["No Virga answers", "virga start"],
        ),
        (
            "stop --endpoint http://127.0.0.1:1".to_owned(),
            ["No Virga answers", "--endpoint"],
        ),
    ] {
        let output = virga(&folder, &line).output().expect("runs");
        let message = text(&output.stderr);
        assert_eq!((code(&output), message.lines().count()), (2, 1), "{line}: {message}");
        assert!(parts.iter().all(|part| message.contains(part)), "{line}: {message}");
    }
    // Nobody gets as far as the database.
    let bucket = "start --store postgres://me@127.0.0.1:1/x --blobs s3://b/p";
    let output = virga(&folder, bucket)
        .env_remove("AWS_ACCESS_KEY_ID")
        .output()
        .expect("runs");
    let message = text(&output.stderr);
    assert_eq!((code(&output), message.lines().count()), (2, 1), "{message}");
    assert!(
        message.contains("--features object-store") != cfg!(feature = "object-store"),
        "{message}"
    );
    let variable = virga(&folder, "start").env("VIRGA_PROT", "1").output().expect("runs");
    assert_eq!(code(&variable), 2);
    assert!(
        text(&variable.stderr).contains("VIRGA_PORT"),
        "{}",
        text(&variable.stderr)
    );
    std::fs::write(folder.0.join("virga.toml"), "log_leve = \"warn\"\n").expect("a file");
    let file = virga(&folder, "start").output().expect("runs");
    assert_eq!(code(&file), 2);
    assert!(
        text(&file.stderr).contains("did you mean \"log_level\"?"),
        "{}",
        text(&file.stderr)
    );
}

#[cfg(unix)]
#[test]
fn the_systems_request_to_end_is_a_graceful_stop() {
    let mut server = Server::start("signal", "");
    let pid = server.child.id().to_string();
    assert!(Command::new("kill").arg(pid).status().expect("kill runs").success());
    assert!(server.child.wait().expect("ends").success());
    assert!(!server.folder.0.join("data/virga.pid").exists());
}

#[test]
fn the_page_of_settings_is_fresh() {
    let folder = Folder::new("settings");
    let written = virga(&folder, "settings --output markdown").output().expect("runs");
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/settings.md");
    let kept = std::fs::read_to_string(page).unwrap_or_default();
    assert_eq!(
        text(&written.stdout),
        kept,
        "docs/settings.md is stale; write it with `virga settings --output markdown > docs/settings.md`"
    );
}
