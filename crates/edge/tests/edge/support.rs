//! An edge on a free port, services made up for these tests, and a client that sees every byte.

use http_body_util::BodyExt;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use virga_base::{Account, AwsError, Clock, Ids, Timestamp};
use virga_edge::{Edge, EdgeOptions};
use virga_service::{
    Answer, CallRecord, Caller, Cloud, CloudOptions, Credential, Ctx, Exchange, Fidelity, Handler, Observer, Principal,
    Service, Validation, Worlds,
};
use virga_shape::{ShapeRef, StructValue, Value};
use virga_store::{MemoryEngine, Store};

pub const KEY: &str = "AKIAQQQQQQQQQQQQQQQQ";
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// A session that is over.
pub const KEY_EXPIRED: &str = "ASIAQQQQQQQQQQQQQQQQ";
pub const KEY_INACTIVE: &str = "AKIAQQQQQQQQQQQQQQQ2";
pub const TOKEN: &str = "session";

pub struct Server {
    pub address: SocketAddr,
    pub cloud: Arc<Cloud>,
    pub worlds: Arc<Worlds>,
    pub records: Arc<Records>,
    stop: Option<oneshot::Sender<()>>,
    pub done: JoinHandle<()>,
}

#[derive(Default)]
pub struct Records(Mutex<Vec<CallRecord>>);

impl Records {
    pub fn last(&self) -> CallRecord {
        let records = self.0.lock().expect("a lock");
        records.last().expect("a record").clone()
    }
}

impl Observer for Records {
    fn called(&self, record: CallRecord, _: &Exchange<'_>) {
        self.0.lock().expect("a lock").push(record);
    }
}

impl Server {
    pub async fn start() -> Server {
        Server::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut EdgeOptions)) -> Server {
        let records = Arc::new(Records::default());
        let mut options = EdgeOptions {
            port: 0,
            observer: records.clone(),
            internal: Some(Arc::new(|request| {
                let text = format!("{} {} {}", request.method(), request.uri(), request.body().len());
                Box::pin(async { http::Response::new(text.into()) })
            })),
            ..EdgeOptions::default()
        };
        change(&mut options);
        let edge = Edge::bind(options).await.expect("a free port");
        let cloud = cloud();
        let worlds = Worlds::of(cloud.clone());
        let address = edge.local_addr();
        let (stop, stopped) = oneshot::channel();
        let serving = edge.serve(worlds.clone(), async {
            let _ = stopped.await;
        });
        let done = tokio::spawn(async move { drop(serving.await) });
        Server {
            address,
            cloud,
            worlds,
            records,
            stop: Some(stop),
            done,
        }
    }

    pub fn stop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connected")
    }

    /// One request on a connection of its own.
    pub async fn send(&self, request: impl AsRef<[u8]>) -> Reply {
        let mut stream = self.connect().await;
        stream.write_all(request.as_ref()).await.expect("written");
        read_reply(&mut stream).await.expect("an answer")
    }
}

pub fn cloud() -> Arc<Cloud> {
    Cloud::new(CloudOptions {
        store: Store::new(Box::new(MemoryEngine::default())),
        clock: Clock::frozen(Timestamp::from_secs(1_767_225_600)),
        ids: Ids::seeded(1),
        services: services(),
        settings: BTreeMap::new(),
    })
}

fn handler<F, R>(f: F) -> Handler
where
    F: Fn(Ctx, Value, Option<ShapeRef>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Answer, AwsError>> + Send + 'static,
{
    Box::new(move |ctx, input, shape| Box::pin(f(ctx, input, shape)))
}

fn output(shape: Option<ShapeRef>, members: &[(&str, Value)]) -> Result<Answer, AwsError> {
    let shape = shape.expect("an output");
    let mut value = StructValue::new(shape);
    for (name, member) in members {
        value.set_at(shape.member(name).expect(name).0, member.clone());
    }
    Ok(Answer::from(Value::Struct(value)))
}

fn text(value: impl Into<String>) -> Value {
    Value::String(value.into())
}

fn services() -> Vec<Service> {
    let sts = Service::new("sts", Validation::Standard("ValidationError"))
        .register(
            "GetCallerIdentity",
            Fidelity::Full,
            handler(|ctx, _, shape| async move {
                let caller = ctx.caller();
                output(
                    shape,
                    &[
                        ("Account", text(ctx.account().to_string())),
                        ("Arn", text(caller.arn(ctx.partition()))),
                        ("UserId", text(format!("{} {}", ctx.region(), ctx.request().path()))),
                    ],
                )
            }),
        )
        .register(
            "GetAccessKeyInfo",
            Fidelity::Full,
            handler(|_, input, _| async move {
                assert!(!matches!(input, Value::Struct(_)), "meant to panic");
                Err(AwsError::internal("not reached"))
            }),
        )
        .register(
            "GetSessionToken",
            Fidelity::Full,
            handler(|_, _, shape| async move {
                tokio::time::sleep(Duration::from_millis(300)).await;
                output(shape, &[])
            }),
        )
        .register(
            "DecodeAuthorizationMessage",
            Fidelity::Full,
            handler(|ctx, _, shape| async move { output(shape, &[("DecodedMessage", text(ctx.cloud().world()))]) }),
        )
        .register(
            "GetFederationToken",
            Fidelity::Full,
            handler(|ctx, _, shape| async move {
                ctx.sleep_until(ctx.now().plus_secs(3600)).await;
                output(shape, &[])
            }),
        )
        .credentials(|_, key| async move {
            let credential = |token: Option<&str>, expires, active| Credential {
                secret_access_key: SECRET.to_owned(),
                session_token: token.map(str::to_owned),
                expires,
                active,
                caller: Caller {
                    account: Account::from_number(42),
                    principal: Principal::User {
                        name: "ann".to_owned(),
                        path: "/".to_owned(),
                        id: "AIDA".to_owned(),
                    },
                    access_key_id: Some(key.clone()),
                },
            };
            Ok(match key.as_str() {
                KEY => Some(credential(None, None, true)),
                KEY_INACTIVE => Some(credential(None, None, false)),
                KEY_EXPIRED => Some(credential(Some(TOKEN), Some(Timestamp::from_secs(1_767_225_600)), true)),
                _ => None,
            })
        });
    let dynamodb = Service::new("dynamodb", Validation::Standard("ValidationException")).register(
        "ListTables",
        Fidelity::Full,
        handler(|_, input, shape| async move {
            let limit = input.to_json().get("Limit").cloned().unwrap_or_default();
            output(shape, &[("LastEvaluatedTableName", text(limit.to_string()))])
        }),
    );
    let s3 = Service::new("s3", Validation::Own)
        .anonymous()
        .register(
            "PutObject",
            Fidelity::Full,
            handler(|ctx, input, shape| async move {
                let body = ctx.take_body().expect("a body that streams");
                let body = body.collect().await.map_err(|error| {
                    let broken = AwsError::internal(error.to_string());
                    error.downcast::<AwsError>().unwrap_or(broken)
                })?;
                let trailers = body.trailers().map_or(0, http::HeaderMap::len);
                let bytes = body.to_bytes();
                let encoding = input.to_json().get("ContentEncoding").cloned().unwrap_or_default();
                let told = format!("{} {trailers} {encoding}", bytes.len());
                output(shape, &[("ETag", text(told))])
            }),
        )
        .register(
            "GetObject",
            Fidelity::Full,
            handler(|_, _, shape| async move {
                let pieces = futures_of(&["one ", "two ", "three"]);
                let mut answer = output(shape, &[("ContentLength", Value::Integer(13))])?;
                answer.body = Some(pieces.boxed_unsync());
                Ok(answer)
            }),
        )
        .register(
            "HeadObject",
            Fidelity::Full,
            handler(|_, _, shape| async move { output(shape, &[("ContentLength", Value::Integer(13))]) }),
        )
        .register(
            "DeleteObjects",
            Fidelity::Full,
            handler(|_, _, shape| async move { output(shape, &[]) }),
        );
    let cloudwatch = Service::new("cloudwatch", Validation::Standard("ValidationError")).register(
        "ListMetrics",
        Fidelity::Full,
        handler(|_, input, shape| async move {
            let namespace = input.to_json().get("Namespace").cloned().unwrap_or_default();
            output(shape, &[("NextToken", text(namespace.to_string()))])
        }),
    );
    vec![sts, dynamodb, s3, cloudwatch]
}

/// A body of several pieces.
struct InPieces(std::collections::VecDeque<&'static str>);

fn futures_of(pieces: &[&'static str]) -> InPieces {
    InPieces(pieces.iter().copied().collect())
}

impl http_body::Body for InPieces {
    type Data = bytes::Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, std::io::Error>>> {
        let piece = self.0.pop_front();
        std::task::Poll::Ready(
            piece.map(|piece| Ok(http_body::Frame::data(bytes::Bytes::from_static(piece.as_bytes())))),
        )
    }
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Status, and whether the body has these words.
    pub fn says(&self, status: u16, words: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert!(self.body.contains(words), "{words:?} in {self:?}");
    }
}

/// Reads one answer; `None` where the connection ends without one.
pub async fn read_reply(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Option<Reply> {
    tokio::time::timeout(Duration::from_secs(20), read(stream))
        .await
        .expect("an answer or an end in time")
}

async fn read(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Option<Reply> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut lines = head.split("\r\n");
            let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
            if status == 100 {
                bytes.drain(..end + 4);
                continue;
            }
            let headers: Vec<(String, String)> = lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            let mut reply = Reply {
                status,
                headers,
                body: String::new(),
            };
            let mut body = bytes.split_off(end + 4);
            let length: usize = reply
                .header("content-length")
                .map_or(0, |n| n.parse().expect("a number"));
            while body.len() < length {
                if stream.read_buf(&mut body).await.ok()? == 0 {
                    break;
                }
            }
            reply.body = String::from_utf8_lossy(&body).into_owned();
            return Some(reply);
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// The `Authorization` of a key whose secret nobody knows.
pub fn authorization(key: &str, service: &str) -> String {
    format!(
        "X-Amz-Date: 20260101T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential={key}/20260101/eu-west-1/{service}/\
         aws4_request, SignedHeaders=host;x-amz-date, Signature=00\r\n"
    )
}

pub const FORM: &str = "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n";
pub const IDENTITY: &str = "Action=GetCallerIdentity&Version=2011-06-15";

/// A request with the length of its body.
pub fn request(line: &str, headers: &str, body: &str) -> String {
    format!(
        "{line} HTTP/1.1\r\nHost: localhost:4566\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// GetCallerIdentity by a key.
pub fn identity(key: &str) -> String {
    request("POST /", &format!("{FORM}{}", authorization(key, "sts")), IDENTITY)
}

/// An operation of DynamoDB.
pub fn dynamodb(headers: &str, operation: &str, body: &str) -> String {
    let target = format!(
        "X-Amz-Target: DynamoDB_20120810.{operation}\r\nContent-Type: application/x-amz-json-1.0\r\n{headers}{}",
        authorization("test", "dynamodb")
    );
    request("POST /", &target, body)
}
