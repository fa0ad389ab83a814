//! How the names of headers are written over HTTP/1.1. They mean the same in any case, but S3 has its own, and there are
//! scripts that look for it: `ETag`, `Content-Type`, beside `x-amz-request-id`.

use bytes::Bytes;
use http::{Extensions, Response};
use http_body_util::Empty;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::cell::RefCell;
use std::convert::Infallible;
use std::future::{Future, ready};
use std::io::Cursor;
use std::pin::pin;
use std::task::{Context, Waker};

/// As S3 writes them; all others are in small letters. Each with a value by which a request with them can be read.
const NAMES: [(&str, &str); 24] = [
    ("Accept-Ranges", "-"),
    ("Access-Control-Allow-Credentials", "-"),
    ("Access-Control-Allow-Headers", "-"),
    ("Access-Control-Allow-Methods", "-"),
    ("Access-Control-Allow-Origin", "-"),
    ("Access-Control-Expose-Headers", "-"),
    ("Access-Control-Max-Age", "-"),
    ("Allow", "-"),
    ("Cache-Control", "-"),
    ("Connection", "close"),
    ("Content-Disposition", "-"),
    ("Content-Encoding", "-"),
    ("Content-Language", "-"),
    ("Content-Length", "0"),
    ("Content-Range", "-"),
    ("Content-Type", "-"),
    ("Date", "-"),
    ("ETag", "-"),
    ("Expires", "-"),
    ("Last-Modified", "-"),
    ("Location", "-"),
    ("Server", "-"),
    ("Transfer-Encoding", "chunked"),
    ("Vary", "-"),
];

thread_local! {
    /// Each thread's own, since a copy counts references for every name.
    static LETTERS: Extensions = learn(|_| true);
    static USUAL: Extensions = learn(|name| !is_seldom(name));
}

/// Has an answer's names written as S3 writes them.
pub(crate) fn as_s3<B>(answer: &mut Response<B>) {
    // A copy costs each answer something for every name.
    let letters = match answer.headers().keys().any(|name| is_seldom(name.as_str())) {
        true => &LETTERS,
        false => &USUAL,
    };
    letters.with(|letters| answer.extensions_mut().extend(letters.clone()));
}

/// Whether most answers do not have the header of that name, in whatever letters.
fn is_seldom(name: &str) -> bool {
    const USUAL: [&str; 9] = [
        "Accept-Ranges",
        "Connection",
        "Content-Length",
        "Content-Type",
        "Date",
        "ETag",
        "Last-Modified",
        "Server",
        "Transfer-Encoding",
    ];
    !name.starts_with("x-") && !USUAL.iter().any(|usual| usual.eq_ignore_ascii_case(name))
}

/// hyper keeps what it writes names by in a type of its own, which it makes only of requests that it reads. So it is given
/// one to read.
fn learn(wanted: fn(&str) -> bool) -> Extensions {
    let mut request = b"GET / HTTP/1.1\r\n".to_vec();
    for (name, value) in NAMES.iter().filter(|(name, _)| wanted(name)) {
        request.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    request.extend_from_slice(b"\r\n");
    let learnt = RefCell::new(Extensions::new());
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
        *learnt.borrow_mut() = request.extensions().clone();
        ready(Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())))
    });
    let mut http1 = http1::Builder::new();
    let http1 = http1.preserve_header_case(true).header_read_timeout(None);
    {
        let connection = pin!(http1.serve_connection(TokioIo::new(Cursor::new(request)), service));
        // All is in memory: what there is to learn is learnt at once.
        let _ = connection.poll(&mut Context::from_waker(Waker::noop()));
    }
    learnt.into_inner()
}

#[cfg(test)]
mod tests {
    use super::{NAMES, as_s3, is_seldom};
    use bytes::Bytes;
    use http::Response;
    use http_body_util::Full;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use std::convert::Infallible;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn answer(wanted: fn(&str) -> bool) -> String {
        let service = service_fn(move |_| async move {
            let mut answer = Response::new(Full::new(Bytes::from_static(b"x")));
            for (name, _) in NAMES.iter().filter(|(name, _)| wanted(name)) {
                if !matches!(*name, "Content-Length" | "Transfer-Encoding" | "Connection") {
                    let name = http::HeaderName::from_bytes(name.as_bytes()).expect("a name");
                    answer.headers_mut().insert(name, "-".parse().expect("a value"));
                }
            }
            answer
                .headers_mut()
                .insert("x-amz-request-id", "-".parse().expect("a value"));
            as_s3(&mut answer);
            Ok::<_, Infallible>(answer)
        });
        let (mut here, there) = tokio::io::duplex(1 << 14);
        here.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .await
            .expect("written");
        let served = http1::Builder::new().serve_connection(TokioIo::new(there), service);
        served.await.expect("served");
        let mut text = String::new();
        here.read_to_string(&mut text).await.expect("read");
        text
    }

    #[tokio::test]
    async fn names_are_written_as_s3_writes_them() {
        let all: fn(&str) -> bool = |_| true;
        for wanted in [all, |name| !is_seldom(name), all] {
            let text = answer(wanted).await;
            let expected = NAMES
                .iter()
                .filter(|(name, _)| *name != "Transfer-Encoding" && wanted(name));
            for (name, _) in expected {
                assert!(text.contains(&format!("\r\n{name}: ")), "{name} in {text}");
            }
            assert!(text.contains("\r\nx-amz-request-id: -\r\n"), "{text}");
        }
    }
}
