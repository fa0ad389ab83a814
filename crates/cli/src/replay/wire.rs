//! One request as it was recorded, signed anew, and its answer. A call that waits is left waiting.

use crate::client::{Client, Reply, read_reply};
use crate::journal::Entry;
use crate::replay::swap::{Request, Secret};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;
use virga_auth::{EMPTY_SHA256, Facts, Signer, sha256_hex};
use virga_base::Clock;
use virga_shape::pack;

static WORLD: HeaderName = HeaderName::from_static("x-virga-world");
static AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
static SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
static CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
/// Stands for secrets that nobody has: Virga does not check the signatures of keys that it never issued.
const SECRET_OF_STRANGERS: &str = "virga";
const REGION_DEFAULT: &str = "us-east-1";
/// How long an answer may take once it has begun.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// A request whose answer may not be there yet.
pub(super) struct UnderWay(TcpStream);

/// Sends a recorded call to a world.
pub(super) fn send(
    client: &Client,
    entry: &Entry,
    request: &Request,
    secret: Option<&Secret>,
    world: &str,
) -> std::io::Result<UnderWay> {
    let mut headers = request.headers.clone();
    if let Ok(world) = HeaderValue::from_str(world) {
        headers.insert(&WORLD, world);
    }
    sign(entry, request, secret, &mut headers);
    let mut bytes = format!("{} {} HTTP/1.1\r\n", request.method, request.path).into_bytes();
    if !headers.contains_key(http::header::HOST) {
        bytes.extend_from_slice(format!("host: {}\r\n", client.authority()).as_bytes());
    }
    for (name, value) in &headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("content-length: {}\r\nconnection: close\r\n\r\n", request.body.len()).as_bytes());
    bytes.extend_from_slice(&request.body);
    let mut stream = client.connect()?;
    stream.set_nodelay(true)?;
    stream.write_all(&bytes)?;
    Ok(UnderWay(stream))
}

fn sign(entry: &Entry, request: &Request, secret: Option<&Secret>, headers: &mut HeaderMap) {
    let Some(credential) = &entry.credential else { return };
    let now = Clock::machine_now();
    let mut signed = String::from("host;x-amz-date");
    if let Ok(date) = HeaderValue::try_from(now.to_compact()) {
        headers.insert(&AMZ_DATE, date);
    }
    if let Some(token) = secret.and_then(|secret| HeaderValue::from_str(secret.token.as_deref()?).ok()) {
        headers.insert(&SECURITY_TOKEN, token);
        signed.push_str(";x-amz-security-token");
    }
    let payload = match request.body.as_ref() {
        [] => EMPTY_SHA256.to_owned(),
        body => sha256_hex(body),
    };
    let model = entry.service.as_deref().and_then(pack::service);
    let service = match (&credential.service, model) {
        (Some(service), _) => service,
        (None, Some(model)) => &model.signing_name,
        (None, None) => "",
    };
    if service == "s3"
        && let Ok(hash) = HeaderValue::from_str(&payload)
    {
        headers.insert(&CONTENT_SHA256, hash);
    }
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let authorization = Signer::authorization(
        secret.map_or(SECRET_OF_STRANGERS, |secret| &secret.secret_access_key),
        secret.map_or(&credential.access_key_id, |secret| &secret.access_key_id),
        (credential.region.as_deref().unwrap_or(REGION_DEFAULT), service),
        now,
        &Facts {
            method: request.method.as_str(),
            path,
            query,
            host: headers.get(http::header::HOST).and_then(|host| host.to_str().ok()),
            headers: (&*headers).into(),
        },
        &signed,
        &payload,
    );
    if let Ok(authorization) = HeaderValue::try_from(authorization) {
        headers.insert(http::header::AUTHORIZATION, authorization);
    }
}

impl UnderWay {
    /// Whether the answer has begun, waiting for it so long.
    pub(super) fn is_answered(&self, patience: Duration) -> bool {
        // Zero would wait for ever.
        let patience = patience.max(Duration::from_millis(1));
        if self.0.set_read_timeout(Some(patience)).is_err() {
            return true;
        }
        match self.0.peek(&mut [0]) {
            Ok(_) => true,
            Err(error) => !matches!(
                error.kind(),
                std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut | std::io::ErrorKind::Interrupted
            ),
        }
    }

    /// The answer.
    pub(super) fn finish(self, entry: &Entry) -> std::io::Result<Reply> {
        self.0.set_read_timeout(Some(ANSWER_MAX))?;
        read_reply(&mut BufReader::new(self.0), entry.method == http::Method::HEAD)
    }
}
