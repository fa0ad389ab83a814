//! The commands' own HTTP client: one request per connection to a Virga nearby, and no more than that needs.

use crate::args::Parsed;
use crate::{Failure, Program};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// Where a Virga is looked for that nobody named.
pub(crate) const ENDPOINT_DEFAULT: &str = "http://127.0.0.1:4566";
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Advancing the clock may run a great deal of work.
const ANSWER_MAX: Duration = Duration::from_secs(600);

/// A Virga to speak to.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    endpoint: String,
    authority: String,
    address: String,
    /// The world to act in; the endpoint's where there is none.
    world: Option<String>,
}

/// The endpoint that the flag, else the environment names.
pub(crate) fn endpoint(program: &Program, parsed: &Parsed) -> String {
    let named = parsed
        .flag("endpoint")
        .or_else(|| program.environment.get("VIRGA_ENDPOINT").map(String::as_str));
    let endpoint = named
        .filter(|endpoint| !endpoint.is_empty())
        .unwrap_or(ENDPOINT_DEFAULT);
    endpoint.trim_end_matches('/').to_owned()
}

/// The world that the flag, else the environment names.
pub(crate) fn world(program: &Program, parsed: &Parsed) -> Result<Option<String>, Failure> {
    let named = parsed
        .flag("world")
        .or_else(|| program.environment.get("VIRGA_WORLD").map(String::as_str))
        .filter(|world| !world.is_empty());
    let is_label = |world: &str| world.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match named {
        Some(world) if !is_label(world) => Err(Failure::usage(format!(
            "--world (or VIRGA_WORLD) must be the name of a world, not {world:?}; `virga world list` lists all."
        ))),
        named => Ok(named.map(str::to_owned)),
    }
}

impl Client {
    /// For the endpoint that the flag, else the environment names.
    pub(crate) fn find(program: &Program, parsed: &Parsed) -> Result<Client, Failure> {
        let world = match parsed.command.takes("world") {
            true => world(program, parsed)?,
            false => None,
        };
        Ok(Client {
            world,
            ..Client::new(&endpoint(program, parsed))?
        })
    }

    pub(crate) fn new(endpoint: &str) -> Result<Client, Failure> {
        let wrong = |why: &str| {
            Failure::usage(format!(
                "The endpoint {endpoint:?} {why}; write it like {ENDPOINT_DEFAULT} in --endpoint or VIRGA_ENDPOINT."
            ))
        };
        let authority = match endpoint.split_once("://") {
            Some(("http", authority)) => authority,
            // Every Virga speaks HTTP on the same port.
            Some(("https", _)) => return Err(wrong("uses https, which these commands do not speak")),
            Some(_) => return Err(wrong("is not an http address")),
            None => endpoint,
        };
        if authority.is_empty() || authority.contains(['/', '@', '?', ' ']) {
            return Err(wrong("is not an http address"));
        }
        let host_end = authority.rfind(']').map_or(0, |end| end + 1);
        let port = authority
            .get(host_end..)
            .and_then(|rest| rest.rsplit_once(':'))
            .map(|(_, port)| port);
        if port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return Err(wrong("has no valid port"));
        }
        Ok(Client {
            endpoint: format!("http://{authority}"),
            authority: authority.to_owned(),
            address: match port {
                Some(_) => authority.to_owned(),
                None => format!("{authority}:80"),
            },
            world: None,
        })
    }

    /// The same Virga, to act in a world.
    pub(crate) fn in_world(&self, world: &str) -> Client {
        Client {
            world: Some(world.to_owned()),
            ..self.clone()
        }
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn get(&self, path: &str) -> Result<Json, Failure> {
        self.json("GET", path, "")
    }

    pub(crate) fn post(&self, path: &str, body: &Json) -> Result<Json, Failure> {
        self.json("POST", path, &body.to_string())
    }

    pub(crate) fn delete(&self, path: &str) -> Result<Json, Failure> {
        self.json("DELETE", path, "")
    }

    /// An answer that is not JSON.
    pub(crate) fn get_text(&self, path: &str) -> Result<String, Failure> {
        self.answer("GET", path, "")
    }

    /// Whether anybody takes a connection there.
    pub(crate) fn is_open(&self) -> bool {
        self.connect().is_ok()
    }

    /// Whether anybody answers there. A Virga that stops has its port still for a while, and answers no more.
    pub(crate) fn is_served(&self) -> bool {
        let asked = self
            .connect()
            .and_then(|stream| self.exchange(stream, "GET", "/_virga/health", ""));
        asked.is_ok()
    }

    /// Sends the head of a request whose body the caller sends, and from whose connection it reads the answer.
    pub(crate) fn begin(&self, method: &str, path: &str, length: u64) -> Result<TcpStream, Failure> {
        let mut stream = self.connect().map_err(|_| self.nobody())?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: virga-cli\r\nAccept: */*\r\nConnection: close\r\n\
             {}Content-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n",
            self.authority,
            self.world
                .as_ref()
                .map_or_else(String::new, |world| format!("X-Virga-World: {world}\r\n")),
        );
        let begun = stream.set_nodelay(true);
        let begun = begun.and_then(|()| stream.set_read_timeout(Some(ANSWER_MAX)));
        let begun = begun.and_then(|()| stream.write_all(head.as_bytes()));
        begun.map_err(|error| self.broke(&error))?;
        Ok(stream)
    }

    fn json(&self, method: &str, path: &str, body: &str) -> Result<Json, Failure> {
        let text = self.answer(method, path, body)?;
        serde_json::from_str(&text).map_err(|_| self.stranger())
    }

    fn answer(&self, method: &str, path: &str, body: &str) -> Result<String, Failure> {
        let stream = self.connect().map_err(|_| self.nobody())?;
        let (status, text) = self
            .exchange(stream, method, path, body)
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::InvalidData => self.stranger(),
                _ => self.broke(&error),
            })?;
        self.accept(status, text)
    }

    /// The text of an answer that is no refusal.
    pub(crate) fn accept(&self, status: u16, text: String) -> Result<String, Failure> {
        if (200..300).contains(&status) {
            return Ok(text);
        }
        let json: Json = serde_json::from_str(&text).unwrap_or(Json::Null);
        match json.pointer("/error/message").and_then(Json::as_str) {
            Some(message) => {
                let message = message.trim_end_matches('.');
                let end = if message.ends_with('?') { "" } else { "." };
                Err(Failure::refused(format!("Virga refused: {message}{end}")))
            }
            None => Err(self.stranger()),
        }
    }

    fn nobody(&self) -> Failure {
        Failure::usage(format!(
            "No Virga answers at {}. Start one with `virga start`, or name another with --endpoint or VIRGA_ENDPOINT.",
            self.endpoint
        ))
    }

    /// The connection ended where it should not.
    pub(crate) fn broke(&self, error: &std::io::Error) -> Failure {
        Failure::refused(format!("The connection to {} broke: {error}.", self.endpoint))
    }

    pub(crate) fn stranger(&self) -> Failure {
        Failure::usage(format!(
            "What answers at {} is not Virga. Name another endpoint with --endpoint or VIRGA_ENDPOINT.",
            self.endpoint
        ))
    }

    pub(crate) fn connect(&self) -> std::io::Result<TcpStream> {
        let mut last = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
        for address in self.address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, CONNECT_MAX) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn exchange(&self, mut stream: TcpStream, method: &str, path: &str, body: &str) -> std::io::Result<(u16, String)> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: virga-cli\r\nAccept: */*\r\nConnection: close\r\n\
             {}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.authority,
            self.world
                .as_ref()
                .map_or_else(String::new, |world| format!("X-Virga-World: {world}\r\n")),
            body.len()
        );
        stream.write_all(request.as_bytes())?;
        let reply = read_reply(&mut BufReader::new(stream), false)?;
        let text = String::from_utf8(reply.body).map_err(|_| std::io::ErrorKind::InvalidData)?;
        Ok((reply.status, text))
    }
}

/// An answer.
pub(crate) struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// Encodes a value of a query string.
pub(crate) fn encode(value: &str) -> String {
    utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()
}

/// Reads an answer, which has a body unless HEAD was asked. What is not HTTP is `InvalidData`.
pub(crate) fn read_reply(reader: &mut impl BufRead, is_head: bool) -> std::io::Result<Reply> {
    let head = read_head(reader)?;
    let mut body = Vec::new();
    if !is_head {
        read_body(reader, &head, &mut body)?;
    }
    let Head { status, headers, .. } = head;
    Ok(Reply { status, headers, body })
}

/// What is known of an answer before its body.
pub(crate) struct Head {
    pub(crate) status: u16,
    headers: HeaderMap,
    length: Option<u64>,
    chunked: bool,
}

pub(crate) fn read_head(reader: &mut impl BufRead) -> std::io::Result<Head> {
    let invalid = || std::io::Error::from(std::io::ErrorKind::InvalidData);
    let line = read_line(reader)?;
    let mut words = line.split(' ');
    if !words.next().is_some_and(|version| version.starts_with("HTTP/1.")) {
        return Err(invalid());
    }
    let status = words
        .next()
        .and_then(|status| status.parse().ok())
        .ok_or_else(invalid)?;
    let mut head = Head {
        status,
        headers: HeaderMap::new(),
        length: None,
        chunked: false,
    };
    loop {
        let line = read_line(reader)?;
        if line.is_empty() {
            return Ok(head);
        }
        let (name, value) = line.split_once(':').ok_or_else(invalid)?;
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value.trim())) {
            head.headers.append(name, value);
        }
        match name.to_ascii_lowercase().as_str() {
            "content-length" => head.length = Some(value.trim().parse::<u64>().map_err(|_| invalid())?),
            "transfer-encoding" => head.chunked = value.to_ascii_lowercase().contains("chunked"),
            _ => {}
        }
    }
}

/// Copies a body. One that ends too early is `UnexpectedEof`.
pub(crate) fn read_body(reader: &mut impl BufRead, head: &Head, out: &mut impl Write) -> std::io::Result<()> {
    match head.length {
        _ if matches!(head.status, 204 | 304) => Ok(()),
        _ if head.chunked => loop {
            let line = read_line(reader).map_err(|_| std::io::Error::from(std::io::ErrorKind::UnexpectedEof))?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            let invalid = |_| std::io::Error::from(std::io::ErrorKind::InvalidData);
            let size = u64::from_str_radix(digits, 16).map_err(invalid)?;
            if size == 0 {
                return Ok(());
            }
            read_exactly(reader, size, out)?;
            read_line(reader)?;
        },
        Some(length) => read_exactly(reader, length, out),
        None => std::io::copy(reader, out).map(drop),
    }
}

fn read_exactly(reader: &mut impl BufRead, length: u64, out: &mut impl Write) -> std::io::Result<()> {
    let read = std::io::copy(&mut reader.take(length), out)?;
    if read == length {
        Ok(())
    } else {
        Err(std::io::ErrorKind::UnexpectedEof.into())
    }
}

/// A line without its end; at most 64 KiB, so that a stranger cannot fill the memory.
fn read_line(reader: &mut impl BufRead) -> std::io::Result<String> {
    let mut line = Vec::new();
    reader.take(64 * 1024).read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_err(|_| std::io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::{Client, read_reply};

    #[test]
    fn every_form_of_a_body_is_read() {
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\nhello",
        ] {
            let reply = read_reply(&mut text.as_bytes(), false).expect("reads");
            assert_eq!((reply.status, reply.body.as_slice()), (200, &b"hello"[..]));
            let reply = read_reply(&mut text.as_bytes(), true).expect("reads");
            assert!(reply.body.is_empty());
        }
        for wrong in [
            "",
            "SSH-2.0\r\n",
            "HTTP/1.1 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
        ] {
            assert!(read_reply(&mut wrong.as_bytes(), false).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_endpoint_is_checked_before_use() {
        let address = |text: &str| Client::new(text).map(|client| client.address);
        assert_eq!(address("http://127.0.0.1:4566").as_deref(), Ok("127.0.0.1:4566"));
        assert_eq!(address("localhost:1").as_deref(), Ok("localhost:1"));
        assert_eq!(address("http://[::1]").as_deref(), Ok("[::1]:80"));
        for wrong in [
            "",
            "https://127.0.0.1",
            "ftp://x",
            "http://",
            "http://a:b",
            "http://a:99999",
            "http://a/b",
        ] {
            assert!(Client::new(wrong).is_err(), "{wrong}");
        }
    }
}
