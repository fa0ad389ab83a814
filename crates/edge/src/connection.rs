//! One connection: TLS or not, HTTP/1.1 or HTTP/2, and the watch over its silence.

use crate::body::Payload;
use crate::body::answer::AnswerBody;
use crate::body::inlet::Inlet;
use crate::chain::{self, Desk, Peer, Received};
use crate::pulse::{Look, Pulse, Watch, Watched};
use http::header::CONNECTION;
use http::{HeaderValue, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use virga_base::limits::HEADERS_MAX_COUNT;

/// The first byte of a TLS handshake.
const TLS_HANDSHAKE: u8 = 0x16;
/// Streams that one HTTP/2 connection may have open.
const STREAMS_MAX: u32 = 250;
/// What is said to a client that did not finish its request's head.
const TOO_SLOW: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Opening {
    Tls,
    Http1,
    Http2,
}

pub(crate) async fn serve(stream: TcpStream, peer: SocketAddr, desk: Arc<Desk>, stopping: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let limits = desk.limits();
    let opening = tokio::select! {
        opening = tokio::time::timeout(limits.idle_max, sniff(&stream)) => opening,
        () = stopped(stopping.clone()) => return,
    };
    match opening {
        Ok(Some(Opening::Tls)) => {
            let acceptor = match desk.tls().acceptor().await {
                Ok(acceptor) => acceptor,
                Err(error) => {
                    log::error!("there is no certificate for TLS: {error}");
                    return;
                }
            };
            // A handshake that fails is the client's affair: it may not trust the certificate.
            let handshake = tokio::time::timeout(limits.headers_read_max, acceptor.accept(stream));
            let Ok(Ok(stream)) = handshake.await else { return };
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let peer = Peer::new(peer, true);
            if is_http2 {
                serve_http2(stream, peer, desk, stopping).await;
            } else {
                serve_http1(stream, peer, desk, stopping).await;
            }
        }
        Ok(Some(Opening::Http2)) => serve_http2(stream, Peer::new(peer, false), desk, stopping).await,
        Ok(Some(Opening::Http1)) => serve_http1(stream, Peer::new(peer, false), desk, stopping).await,
        // Closed or silent without a word.
        Ok(None) | Err(_) => {}
    }
}

/// Tells the opening from the first bytes, which stay unread. `None` for a connection that closes without any.
async fn sniff(stream: &TcpStream) -> Option<Opening> {
    let mut bytes = [0; 3];
    loop {
        let count = stream.peek(&mut bytes).await.ok()?;
        match bytes.get(..count)? {
            [] => return None,
            [TLS_HANDSHAKE, ..] => return Some(Opening::Tls),
            b"PRI" => return Some(Opening::Http2),
            b"P" | b"PR" => tokio::time::sleep(Duration::from_millis(1)).await,
            _ => return Some(Opening::Http1),
        }
    }
}

async fn stopped(mut stopping: watch::Receiver<bool>) {
    // The sender's end is a stop as well.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// What hyper asks for each request of a connection.
fn service(
    desk: Arc<Desk>,
    peer: Peer,
    pulse: Arc<Pulse>,
) -> impl HttpService<Incoming, ResBody = AnswerBody, Error = Infallible, Future: Send + 'static> {
    // One count of references for each connection: that of the desk is touched by all threads.
    let line = Arc::new((desk, peer));
    service_fn(move |request: http::Request<Incoming>| {
        let (line, under_way) = (line.clone(), pulse.begin());
        let may_close = request.version() < Version::HTTP_2 && request.body().is_end_stream();
        let mut closes = false;
        // Made here, since all that the future begins with is moved with it.
        let received = Received::new(&line.1, request, |body, waits| {
            // A client may wait for leave to send a body of no bytes, as the AWS CLI does with empty files. hyper gives none,
            // and the end that it gets in its place has botocore misread the next answer, unless that comes by another
            // connection.
            closes = waits && may_close;
            Payload::Incoming(Inlet::new(body, waits))
        });
        async move {
            let (desk, peer) = &*line;
            let mut answer = chain::walk(desk, peer, received).await;
            answer.body_mut().hold(under_way);
            if closes {
                answer
                    .headers_mut()
                    .insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(answer)
        }
    })
}

/// Why a connection's task goes on.
enum Turn {
    Ended,
    Stop,
    Look,
}

/// Tells whether the watch and the stop want to be looked at, since a connection's task wakes with every request and they
/// hardly ever do.
struct Call {
    has_come: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Call {
    /// With the waker that those are to be given; they are looked at once without being woken.
    fn new() -> (Arc<Call>, Waker) {
        let call = Arc::new(Call {
            has_come: AtomicBool::new(true),
            task: Mutex::default(),
        });
        (call.clone(), call.into())
    }

    fn has_come(&self, cx: &Context<'_>) -> bool {
        if !self.has_come.load(Ordering::Acquire) {
            return false;
        }
        // The task stays the same, so it need not be told again while nobody calls.
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        self.has_come.swap(false, Ordering::AcqRel)
    }

    fn repeat(&self) {
        self.has_come.store(true, Ordering::Release);
    }
}

impl Wake for Call {
    fn wake(self: Arc<Call>) {
        self.has_come.store(true, Ordering::Release);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(task) = task {
            task.wake();
        }
    }
}

async fn serve_http1<S>(stream: S, peer: Peer, desk: Arc<Desk>, stopping: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let pulse = Arc::new(Pulse::default());
    let limits = desk.limits().clone();
    let service = service(desk, peer, pulse.clone());
    let mut http1 = hyper::server::conn::http1::Builder::new();
    if limits.headers_max_count > HEADERS_MAX_COUNT {
        // A limit of one's own costs each request an allocation; hyper's is the usual one.
        http1.max_headers(limits.headers_max_count);
    }
    let mut connection = http1
        .max_buf_size(limits.headers_max_bytes.max(8192))
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(Watched::new(stream, pulse.clone())), service);
    let mut stop = pin!(stopped(stopping));
    let mut is_stopping = false;
    let mut watch = Watch::new(pulse, limits.idle_max, limits.headers_read_max);
    let mut look = pin!(tokio::time::sleep(watch.first()));
    let (call, waker) = Call::new();
    loop {
        let turn = poll_fn(|cx| {
            // Broken connections are everyday; what a request did wrong has been answered.
            if Pin::new(&mut connection).poll(cx).is_ready() {
                return Poll::Ready(Turn::Ended);
            }
            if call.has_come(cx) {
                let mut cx = Context::from_waker(&waker);
                if !is_stopping && stop.as_mut().poll(&mut cx).is_ready() {
                    return Poll::Ready(Turn::Stop);
                }
                if look.as_mut().poll(&mut cx).is_ready() {
                    return Poll::Ready(Turn::Look);
                }
            }
            Poll::Pending
        });
        match turn.await {
            Turn::Ended => return,
            Turn::Stop => {
                is_stopping = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
            Turn::Look => match watch.look() {
                Look::Again(after) => look.as_mut().reset(tokio::time::Instant::now() + after),
                Look::Silent => return,
                Look::Slow => break,
            },
        }
        call.repeat();
    }
    let mut stream = connection.into_parts().io.into_inner();
    let farewell = async {
        let _ = stream.write_all(TOO_SLOW).await;
        let _ = stream.shutdown().await;
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), farewell).await;
}

async fn serve_http2<S>(stream: S, peer: Peer, desk: Arc<Desk>, stopping: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let pulse = Arc::new(Pulse::default());
    let limits = desk.limits().clone();
    let service = service(desk, peer, pulse.clone());
    let mut connection = pin!(
        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(u32::try_from(limits.headers_max_bytes).unwrap_or(u32::MAX))
            .initial_stream_window_size(1024 * 1024)
            .initial_connection_window_size(4 * 1024 * 1024)
            .serve_connection(TokioIo::new(stream), service)
    );
    let mut stop = pin!(stopped(stopping));
    let mut is_stopping = false;
    // Frames that are no requests keep a connection alive as well, so only silence counts here.
    let mut watch = Watch::new(pulse, limits.idle_max, limits.idle_max);
    let mut look = pin!(tokio::time::sleep(watch.first()));
    loop {
        tokio::select! {
            biased;
            _ = &mut connection => return,
            () = &mut stop, if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = &mut look => match watch.look() {
                Look::Again(after) => look.as_mut().reset(tokio::time::Instant::now() + after),
                Look::Silent | Look::Slow => return,
            },
        }
    }
}
