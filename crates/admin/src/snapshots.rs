//! Snapshots: saved as a stream, loaded from one.

use crate::answer::{Refusal, json_response};
use crate::changes::Change;
use crate::query::Query;
use crate::worlds::refuse;
use crate::{Admin, Scope, origin};
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use serde_json::{Value as Json, json};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc;
use virga_base::{Account, Ids, limits};
use virga_service::{Body, Cloud, Load, MAIN, SnapshotError, UnknownWorld, What};
use virga_snapshot::Error;

pub const PATH: &str = "/_virga/snapshot";
/// Bytes that are sent, or written to the disk, at once.
const PIECE_BYTES: usize = 256 * 1024;
/// Pieces that wait for a slow client.
const PIECES_MAX: usize = 4;

pub(crate) async fn answer(admin: Arc<Admin>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts, Bytes::new());
    let chosen = request.extensions().get::<Arc<Cloud>>().cloned();
    let scope = Scope {
        cloud: chosen.unwrap_or_else(|| admin.worlds.main().clone()),
        admin,
    };
    let change = Change::of(&scope, &request);
    let response = match go(&scope, &request, body).await {
        Ok(Answer::Stream(response)) => return response,
        Ok(Answer::Json(json)) => json_response(StatusCode::OK, &json),
        Err(refusal) => refusal.into_response(None),
    };
    if let Some(change) = change {
        change.note(&scope, &request, &response);
    }
    response.map(|bytes| Full::new(bytes).map_err(|never| match never {}).boxed_unsync())
}

enum Answer {
    Stream(Response<Body>),
    Json(Json),
}

async fn go(scope: &Scope, request: &Request<Bytes>, body: Body) -> Result<Answer, Refusal> {
    origin::check(request.headers())?;
    if let Some(UnknownWorld(message)) = request.extensions().get() {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "UnknownWorld", message));
    }
    let query = request.uri().query();
    match *request.method() {
        Method::GET => save(scope, &Query::read(query, &["world", "account"])?)
            .await
            .map(Answer::Stream),
        Method::POST => load(scope, &Query::read(query, &["as", "replace"])?, body)
            .await
            .map(Answer::Json),
        ref method => {
            let text = format!("{PATH} takes GET and POST, not {method}");
            let mut refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", text);
            refusal.allow = Some("GET, POST");
            Err(refusal)
        }
    }
}

async fn save(scope: &Scope, query: &Query) -> Result<Response<Body>, Refusal> {
    // A request that came by a world's own host means that one.
    let world = match query.get("world") {
        Some(world) => Some(world.to_owned()),
        None => Some(scope.cloud.world().to_owned()).filter(|world| world != MAIN),
    };
    let account = query.get("account").map(Account::parse).transpose();
    let account = account.map_err(|_| Refusal::bad("account must be twelve digits"))?;
    if let Some(world) = &world {
        scope.worlds.find(world).map_err(|error| refuse(scope, &error))?;
    }
    let what = match (world, account) {
        (None, None) => What::Cloud,
        (Some(world), None) => What::World(world),
        (world, Some(account)) => What::Account(world.unwrap_or_else(|| MAIN.to_owned()), account),
    };
    let (sender, mut pieces) = mpsc::channel(PIECES_MAX);
    let (worlds, version) = (scope.worlds.clone(), scope.version);
    tokio::task::spawn_blocking(move || {
        let pipe = Pipe {
            sender: sender.clone(),
            piece: BytesMut::new(),
        };
        match worlds.save(&what, version, pipe) {
            // The client went away.
            Err(_) if sender.is_closed() => {}
            Err(error) => {
                log::error!("a snapshot broke off: {error}");
                // The connection is cut, so that nobody takes the file for whole.
                let _ = sender.blocking_send(Err(io::Error::other(error.to_string())));
            }
            Ok(_) => {}
        }
    });
    // A failure at once is told in words.
    let first = pieces.recv().await;
    let first = match first {
        Some(Ok(first)) => first,
        Some(Err(error)) => return Err(Refusal::failed(error.to_string())),
        None => return Err(Refusal::failed("the snapshot broke off")),
    };
    let mut response = Response::new(
        Pieces {
            first: Some(first),
            pieces,
        }
        .boxed_unsync(),
    );
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-virga-snapshot"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The pieces of a snapshot as they are written.
struct Pieces {
    first: Option<Bytes>,
    pieces: mpsc::Receiver<io::Result<Bytes>>,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        let piece = self.pieces.poll_recv(cx);
        piece.map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

/// Writes into a channel; where nobody reads any more, it fails.
struct Pipe {
    sender: mpsc::Sender<io::Result<Bytes>>,
    piece: BytesMut,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = self.piece.split().freeze();
        let sent = self.sender.blocking_send(Ok(piece));
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

async fn load(scope: &Scope, query: &Query, body: Body) -> Result<Json, Refusal> {
    let file = spool(body).await?;
    let load = Load {
        file,
        name: query.get("as").map(str::to_owned),
        replace: query.flag("replace"),
    };
    let loaded = scope.worlds.load(load).await.map_err(|error| explain(scope, &error))?;
    let summary = &loaded.summary;
    Ok(json!({
        "loaded": summary.header.scope,
        "worlds": loaded.worlds,
        "rows": summary.totals.rows,
        "bytes": summary.totals.bytes,
        "made_at": summary.header.made_at().to_iso8601_millis(),
        "virga": summary.header.virga,
    }))
}

/// Keeps a body in a file that nobody else sees, and that is gone with the process.
async fn spool(mut body: Body) -> Result<File, Refusal> {
    let failed =
        |error: io::Error| Refusal::failed(format!("the snapshot cannot be kept while it is checked: {error}"));
    let mut file = blocking(temporary).await.map_err(failed)?;
    let (mut piece, mut total) = (BytesMut::new(), 0u64);
    loop {
        let frame = body.frame().await.transpose();
        let frame = frame.map_err(|error| Refusal::bad(format!("the snapshot did not come whole: {error}")))?;
        let is_last = frame.is_none();
        if let Some(data) = frame.and_then(|frame| frame.into_data().ok()) {
            total += data.len() as u64;
            if total > limits::SNAPSHOT_MAX_BYTES {
                let text = format!("a snapshot may have {} bytes at most", limits::SNAPSHOT_MAX_BYTES);
                return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "SnapshotTooLarge", text));
            }
            piece.extend_from_slice(&data);
        }
        if piece.len() >= PIECE_BYTES || is_last {
            let full = std::mem::take(&mut piece);
            let written = blocking(move || {
                file.write_all(&full)?;
                Ok(file)
            });
            file = written.await.map_err(failed)?;
        }
        if is_last {
            return Ok(file);
        }
    }
}

async fn blocking<T: Send + 'static>(f: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(f)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// A file without a name.
fn temporary() -> io::Result<File> {
    let path: PathBuf = std::env::temp_dir().join(format!("virga-load-{}", Ids::random().hex(32)));
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    #[cfg(windows)]
    // Deleted when it is closed.
    std::os::windows::fs::OpenOptionsExt::custom_flags(&mut options, 0x0400_0000);
    let file = options.open(&path)?;
    #[cfg(unix)]
    std::fs::remove_file(&path)?;
    Ok(file)
}

fn explain(scope: &Scope, error: &SnapshotError) -> Refusal {
    let text = error.to_string();
    let (status, code) = match error {
        SnapshotError::World(error) => return refuse(scope, error),
        SnapshotError::Occupied(_) => (StatusCode::CONFLICT, "InUse"),
        SnapshotError::Unfit(_) => (StatusCode::BAD_REQUEST, "UnfitSnapshot"),
        SnapshotError::File(Error::NotASnapshot) => (StatusCode::BAD_REQUEST, "NotASnapshot"),
        SnapshotError::File(Error::Newer { .. }) => (StatusCode::BAD_REQUEST, "NewerSnapshot"),
        SnapshotError::File(Error::Damaged { .. }) => (StatusCode::BAD_REQUEST, "DamagedSnapshot"),
        SnapshotError::File(Error::TooLarge(_)) => (StatusCode::PAYLOAD_TOO_LARGE, "SnapshotTooLarge"),
        SnapshotError::File(Error::Io(_)) => (StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure"),
    };
    Refusal::new(status, code, text)
}
