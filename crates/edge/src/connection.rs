//! One connection: TLS or not, HTTP/1.1 or HTTP/2, and the watch over its silence.

use crate::body::Payload;
use crate::body::answer::AnswerBody;
use crate::body::inlet::Inlet;
use crate::chain::{self, Desk, Peer};
use crate::pulse::{Look, Pulse, Watch, Watched};
use http::header::EXPECT;
use hyper::body::Incoming;
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
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

fn payload(request: http::Request<Incoming>) -> http::Request<Payload> {
    let waits = request.headers().contains_key(EXPECT);
    request.map(|body| Payload::Incoming(Inlet::new(body, waits)))
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
        async move {
            let (desk, peer) = &*line;
            let answer = chain::walk(desk, peer, payload(request)).await;
            Ok::<_, Infallible>(answer.map(|body| body.holding(under_way)))
        }
    })
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
    loop {
        tokio::select! {
            biased;
            // Broken connections are everyday; what a request did wrong has been answered.
            _ = &mut connection => return,
            () = &mut stop, if !is_stopping => {
                is_stopping = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
            () = &mut look => match watch.look() {
                Look::Again(after) => look.as_mut().reset(tokio::time::Instant::now() + after),
                Look::Silent => return,
                Look::Slow => break,
            },
        }
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
