//! The built program on a data folder, and calls of SQS to it.

use serde_json::{Value as Json, json};
use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const READY_MAX: Duration = Duration::from_secs(20);

/// `virga start --data FOLDER` on a free port.
pub fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["start", "--port", "0", "--log-level", "off", "--data"])
        .arg(folder);
    clean(&mut command);
    command
}

/// Keeps the developer's own settings out.
pub fn clean(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("VIRGA_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
}

/// A running Virga; killed when it is dropped.
pub struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Server {
    /// Starts it and waits until it listens. `command` must not fork.
    pub fn start(mut command: Command, folder: &Path) -> Result<Server, String> {
        let child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        let mut server = Server {
            child,
            address: String::new(),
        };
        let pid_file: PathBuf = folder.join("virga.pid");
        let begin = Instant::now();
        while begin.elapsed() < READY_MAX {
            let ready = std::fs::read_to_string(&pid_file).unwrap_or_default();
            let ready: Json = serde_json::from_str(&ready).unwrap_or_default();
            // A killed one leaves its file behind.
            if ready["pid"].as_u64() == Some(u64::from(server.child.id())) {
                let endpoint = ready["endpoint"].as_str().unwrap_or_default();
                server.address = endpoint.trim_start_matches("http://").to_owned();
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait().map_err(|error| error.to_string())? {
                return Err(format!("Virga ended at once: {status}"));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err("Virga never became ready".to_owned())
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to stop and waits until its process has ended.
    #[allow(dead_code, reason = "one of the programs that share this file")]
    pub fn stop(mut self) -> Result<(), String> {
        self.client().ask("/_virga/stop", &json!({}))?;
        let status = self.child.wait().map_err(|error| error.to_string())?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("Virga ended with {status}"))
        }
    }

    /// Host and port.
    #[allow(dead_code, reason = "one of the programs that share this file")]
    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn client(&self) -> Client {
        Client {
            address: self.address.clone(),
            host: self.address.clone(),
            stream: None,
        }
    }
}

/// An answer that is none of success: the HTTP status and the body; or status 0 where nobody answered.
#[derive(Debug)]
pub struct Refused(pub u16, pub String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "answer {}: {}", self.0, self.1)
    }
}

impl std::error::Error for Refused {}

impl From<Refused> for String {
    fn from(refused: Refused) -> String {
        refused.to_string()
    }
}

/// One connection that is kept open.
pub struct Client {
    address: String,
    host: String,
    stream: Option<TcpStream>,
}

const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, \
    SignedHeaders=host;x-amz-date, Signature=0000000000000000000000000000000000000000000000000000000000000000";

impl Client {
    /// From now on in the world of that name.
    #[allow(dead_code, reason = "one of the programs that share this file")]
    pub fn in_world(mut self, name: &str) -> Client {
        let port = self.address.rsplit(':').next().unwrap_or_default();
        self.host = format!("{name}.localhost:{port}");
        self
    }

    /// Calls an operation of SQS.
    #[allow(dead_code, reason = "one of the programs that share this file")]
    pub fn sqs(&mut self, operation: &str, input: &Json) -> Result<Json, Refused> {
        let headers = format!(
            "Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AmazonSQS.{operation}\r\n\
             X-Amz-Date: 20260101T000000Z\r\nAuthorization: {AUTHORIZATION}\r\n"
        );
        let answer = self.send("/", &headers, &input.to_string())?;
        Ok(serde_json::from_str(&answer).unwrap_or_default())
    }

    /// The same in SQS's older protocol, with the answer as it stands.
    #[allow(dead_code, reason = "one of the programs that share this file")]
    pub fn sqs_by_query(&mut self, parameters: &str) -> Result<String, Refused> {
        let headers = format!(
            "Content-Type: application/x-www-form-urlencoded\r\nX-Amz-Date: 20260101T000000Z\r\n\
             Authorization: {AUTHORIZATION}\r\n"
        );
        self.send("/", &headers, &format!("{parameters}&Version=2012-11-05"))
    }

    /// Posts to one of Virga's own paths.
    pub fn ask(&mut self, path: &str, body: &Json) -> Result<Json, Refused> {
        let answer = self.send(path, "Content-Type: application/json\r\n", &body.to_string())?;
        Ok(serde_json::from_str(&answer).unwrap_or_default())
    }

    /// One of Virga's own paths.
    #[allow(dead_code, reason = "one of the programs that share this file")]
    pub fn get(&mut self, path: &str) -> Result<Json, Refused> {
        let answer = self.request("GET", path, "", "")?;
        Ok(serde_json::from_str(&answer).unwrap_or_default())
    }

    #[allow(dead_code, reason = "one of the programs that share this file")]
    pub fn delete(&mut self, path: &str) -> Result<(), Refused> {
        self.request("DELETE", path, "", "").map(drop)
    }

    fn send(&mut self, path: &str, headers: &str, body: &str) -> Result<String, Refused> {
        self.request("POST", path, headers, body)
    }

    fn request(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Result<String, Refused> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        match self.exchange(request.as_bytes()) {
            Ok((status, body)) if status < 300 => Ok(body),
            Ok((status, body)) => Err(Refused(status, body)),
            Err(error) => {
                self.stream = None;
                Err(Refused(0, error.to_string()))
            }
        }
    }

    fn exchange(&mut self, request: &[u8]) -> std::io::Result<(u16, String)> {
        let broken = || std::io::Error::from(std::io::ErrorKind::InvalidData);
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let stream = TcpStream::connect(&self.address)?;
                stream.set_nodelay(true)?;
                none.insert(stream)
            }
        };
        stream.write_all(request)?;
        let mut bytes = Vec::new();
        loop {
            let mut part = [0; 16 * 1024];
            let count = stream.read(&mut part)?;
            if count == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            bytes.extend_from_slice(&part[..count]);
            let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
                continue;
            };
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
            let length: Option<usize> = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .and_then(|length| length.trim().parse().ok());
            let length = length.ok_or_else(broken)?;
            if bytes.len() >= end + 4 + length {
                let body = String::from_utf8_lossy(&bytes[end + 4..end + 4 + length]).into_owned();
                return Ok((status.ok_or_else(broken)?, body));
            }
        }
    }
}
