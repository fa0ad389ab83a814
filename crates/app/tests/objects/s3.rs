//! Calls of S3 by hand, with bodies of bytes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const WAIT_MAX: Duration = Duration::from_secs(60);

/// Sends the head of a request and as much of its body as there is; `length` is what it is said to have.
pub fn begin(address: &str, method: &str, path: &str, headers: &str, length: usize) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(WAIT_MAX))?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\
         X-Amz-Date: 20260101T000000Z\r\nX-Amz-Content-Sha256: UNSIGNED-PAYLOAD\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature={}\r\n{headers}\r\n",
        "0".repeat(64)
    );
    stream.write_all(head.as_bytes())?;
    Ok(stream)
}

/// One call: status and body.
pub fn call(address: &str, method: &str, path: &str, headers: &str, body: &[u8]) -> Result<(u16, Vec<u8>), String> {
    let told = |error: std::io::Error| format!("{method} {path}: {error}");
    let mut stream = begin(address, method, path, headers, body.len()).map_err(told)?;
    stream.write_all(body).map_err(told)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(told)?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.ok_or_else(|| format!("{method} {path}: no answer"))?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| format!("{method} {path}: {head}"))?;
    Ok((status, answer.split_off(end + 4)))
}

/// One call that must succeed.
pub fn done(address: &str, method: &str, path: &str, body: &[u8]) -> Result<Vec<u8>, String> {
    let (status, answer) = call(address, method, path, "", body)?;
    match status {
        200..300 => Ok(answer),
        _ => Err(format!(
            "{method} {path}: {status} {}",
            String::from_utf8_lossy(&answer)
        )),
    }
}

/// The texts of all elements of a name.
pub fn texts(xml: &[u8], name: &str) -> Vec<String> {
    let xml = String::from_utf8_lossy(xml);
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts = xml.split(&open).skip(1);
    parts
        .filter_map(|part| Some(part.split_once(&close)?.0.to_owned()))
        .collect()
}
