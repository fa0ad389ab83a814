//! A small HTTP/1.1 load: keep-alive connections in one thread, each sending its next request on the last answer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1";
const SIGNATURE: &str = "aws4_request, SignedHeaders=host;x-amz-date, \
     Signature=0000000000000000000000000000000000000000000000000000000000000000";

/// A signed-looking request as SDKs send it. The key is one that Virga never issued, so its signature is not checked.
pub fn request(service: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST / HTTP/1.1\r\nHost: localhost:4566\r\nUser-Agent: virga-bench\r\nX-Amz-Date: 20260101T000000Z\r\n{headers}\
         Authorization: {AUTHORIZATION}/{service}/{SIGNATURE}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// STS GetCallerIdentity.
pub fn caller_identity() -> Vec<u8> {
    let headers = "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n";
    request("sts", headers, "Action=GetCallerIdentity&Version=2011-06-15")
}

/// An operation over awsJson 1.0.
pub fn json(service: &str, target: &str, body: &str) -> Vec<u8> {
    let headers = format!("Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: {target}\r\n");
    request(service, &headers, body)
}

/// The head of an S3 request, whose body of so many bytes follows unsigned.
pub fn s3_head(method: &str, path: &str, headers: &str, length: u64) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost:4566\r\nUser-Agent: virga-bench\r\nX-Amz-Date: 20260101T000000Z\r\n\
         x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n{headers}Authorization: {AUTHORIZATION}/s3/{SIGNATURE}\r\n\
         Content-Length: {length}\r\n\r\n"
    )
    .into_bytes()
}

/// A whole request of S3.
pub fn s3(method: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut request = s3_head(method, path, headers, body.len() as u64);
    request.extend_from_slice(body);
    request
}

pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Result<Connection, String> {
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Connection {
            stream,
            buffer: Vec::with_capacity(16 * 1024),
        })
    }

    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.stream.write_all(bytes).await.map_err(|error| error.to_string())
    }

    /// Reads what comes next; fails where the server has closed.
    pub async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, String> {
        match self.stream.read(buffer).await {
            Ok(0) => Err("the server closed the connection".to_owned()),
            read => read.map_err(|error| error.to_string()),
        }
    }

    /// Sends a request, or the rest of one, and reads the head of its answer, which must have this status. Of the body, as much
    /// may have been [`taken`](Connection::taken) as came with it.
    pub async fn send(&mut self, request: &[u8], status: &str) -> Result<(), String> {
        self.write(request).await?;
        self.buffer.clear();
        loop {
            let Some(end) = self.more().await? else {
                continue;
            };
            if !self.buffer[..end].starts_with(format!("HTTP/1.1 {status}").as_bytes()) {
                return Err(String::from_utf8_lossy(&self.buffer).into_owned());
            }
            self.buffer.drain(..end + 4);
            return Ok(());
        }
    }

    /// Bytes of the body that came with the head of the answer.
    pub fn taken(&self) -> u64 {
        self.buffer.len() as u64
    }

    /// Reads more of an answer; answers where its head ends, if that is here.
    async fn more(&mut self) -> Result<Option<usize>, String> {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Err("the server closed the connection".to_owned()),
            Ok(_) => Ok(find(&self.buffer, b"\r\n\r\n")),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Sends one request; answers the body of a 200, fails on anything else.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<&[u8], String> {
        self.write(request).await?;
        self.buffer.clear();
        loop {
            let Some(end) = self.more().await? else {
                continue;
            };
            let head = std::str::from_utf8(&self.buffer[..end]).map_err(|error| error.to_string())?;
            let length = content_length(head).ok_or_else(|| format!("no content-length in: {head}"))?;
            if self.buffer.len() >= end + 4 + length {
                if !head.starts_with("HTTP/1.1 200") {
                    return Err(String::from_utf8_lossy(&self.buffer).into_owned());
                }
                return Ok(&self.buffer[end + 4..end + 4 + length]);
            }
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn content_length(head: &str) -> Option<usize> {
    let line = head.lines().find(|line| {
        line.get(..15)
            .is_some_and(|name| name.eq_ignore_ascii_case("content-length:"))
    })?;
    line[15..].trim().parse().ok()
}

/// What a load found.
pub struct Measured {
    pub per_second: f64,
    pub p99_us: f64,
}

pub struct Load {
    pub address: SocketAddr,
    pub connections: usize,
    pub seconds: f64,
}

/// Connections of most loads.
const CONNECTIONS: usize = 32;

/// The load that most figures are of.
pub async fn measure(address: SocketAddr, requests: &[Vec<u8>], seconds: f64) -> Result<Measured, String> {
    let load = Load {
        address,
        connections: CONNECTIONS,
        seconds,
    };
    load.run(requests).await
}

impl Load {
    /// Sends the requests in turn on every connection until the time is over.
    pub async fn run(&self, requests: &[Vec<u8>]) -> Result<Measured, String> {
        let began = Instant::now();
        let until = began + Duration::from_secs_f64(self.seconds);
        let mut tasks = JoinSet::new();
        for _ in 0..self.connections {
            let (address, requests) = (self.address, requests.to_vec());
            tasks.spawn(async move {
                let mut connection = Connection::open(address).await?;
                let mut times_us = Vec::with_capacity(64 * 1024);
                for request in requests.iter().cycle() {
                    let sent = Instant::now();
                    if sent >= until {
                        break;
                    }
                    connection.exchange(request).await?;
                    times_us.push(sent.elapsed().as_micros() as u32);
                }
                Ok::<_, String>(times_us)
            });
        }
        let mut times_us = Vec::new();
        while let Some(done) = tasks.join_next().await {
            times_us.extend(done.map_err(|error| error.to_string())??);
        }
        let per_second = times_us.len() as f64 / began.elapsed().as_secs_f64();
        times_us.sort_unstable();
        let p99_us = times_us
            .get(times_us.len() * 99 / 100)
            .copied()
            .map_or(f64::NAN, f64::from);
        Ok(Measured { per_second, p99_us })
    }
}
