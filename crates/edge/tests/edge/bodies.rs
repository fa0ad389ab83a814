//! Bodies: gzip, aws-chunked with and without signatures, trailing checksums, 100-continue.

use crate::support::{FORM, KEY, SECRET, Server, authorization, read_reply, request};
use base64::Engine as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue};
use std::io::Write;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use virga_auth::{ChunkChain, Facts, Signer, read, sha256};
use virga_base::Clock;

fn put(headers: &str, body: &str) -> String {
    request(
        "PUT /bucket/key",
        &format!("{}{headers}", authorization("test", "s3")),
        body,
    )
}

fn chunked(extra: &str, decoded: usize, body: &str) -> String {
    let headers = format!(
        "X-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nContent-Encoding: aws-chunked\r\n\
         X-Amz-Decoded-Content-Length: {decoded}\r\n{extra}"
    );
    put(&headers, body)
}

fn crc32(data: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(crc32fast::hash(data.as_bytes()).to_be_bytes())
}

#[tokio::test]
async fn a_gzipped_body_is_inflated() {
    let server = Server::start().await;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(b"Action=ListMetrics&Version=2010-08-01&Namespace=zipped")
        .expect("written");
    let body = encoder.finish().expect("finished");
    let json = b"{\"Namespace\":\"zipped\"}";
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(json).expect("written");
    let json = encoder.finish().expect("finished");
    let signed = authorization("test", "monitoring");
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: GraniteServiceVersion20100801.ListMetrics\r\n\
         Content-Type: application/x-amz-json-1.0\r\n{signed}Content-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        json.len()
    );
    let reply = server.send([head.as_bytes(), &json].concat()).await;
    reply.says(200, "zipped");
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\n{FORM}{signed}Content-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let reply = server.send([head.as_bytes(), &body].concat()).await;
    reply.says(200, "zipped");
    let broken = format!("{FORM}{signed}Content-Encoding: gzip\r\n");
    let reply = server.send(request("POST /", &broken, "not gzip")).await;
    assert_eq!(reply.status, 400, "{reply:?}");
}

#[tokio::test]
async fn unsigned_chunks_with_a_trailing_checksum() {
    let server = Server::start().await;
    let trailer = "X-Amz-Trailer: x-amz-checksum-crc32\r\n";
    let body = |sum: &str| format!("5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:{sum}\r\n\r\n");
    let good = body(&crc32("hello world"));
    let reply = server.send(chunked(trailer, 11, &good)).await;
    assert_eq!(
        (reply.status, reply.header("etag")),
        (200, Some("11 1 null")),
        "{reply:?}"
    );
    let bad = body(&crc32("other"));
    server
        .send(chunked(trailer, 11, &bad))
        .await
        .says(400, "The CRC32 you specified did not match the calculated checksum.");
    server
        .send(chunked(trailer, 12, &good))
        .await
        .says(400, "<Code>IncompleteBody</Code>");
    server
        .send(chunked(trailer, 11, "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"))
        .await
        .says(400, "<Code>MalformedTrailerError</Code>");
    let gzip = put(
        "X-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nContent-Encoding: aws-chunked,gzip\r\n\
         X-Amz-Decoded-Content-Length: 1\r\n",
        "1\r\nx\r\n0\r\n\r\n",
    );
    let reply = server.send(gzip).await;
    assert_eq!(reply.header("etag"), Some("1 0 \"gzip\""), "{reply:?}");
}

#[tokio::test]
async fn a_body_may_be_chunked_twice() {
    let server = Server::start().await;
    let inner = "5\r\nhello\r\n0\r\n\r\n";
    let head = format!(
        "PUT /bucket/key HTTP/1.1\r\nHost: localhost\r\n{}Transfer-Encoding: chunked\r\nContent-Encoding: aws-chunked\r\n\
         X-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nX-Amz-Decoded-Content-Length: 5\r\n\r\n",
        authorization("test", "s3")
    );
    let mut stream = server.connect().await;
    stream.write_all(head.as_bytes()).await.expect("written");
    for byte in inner.bytes() {
        stream
            .write_all(format!("1\r\n{}\r\n", byte as char).as_bytes())
            .await
            .expect("written");
    }
    stream.write_all(b"0\r\n\r\n").await.expect("written");
    let reply = read_reply(&mut stream).await.expect("an answer");
    assert_eq!(
        (reply.status, reply.header("etag")),
        (200, Some("5 0 null")),
        "{reply:?}"
    );
}

#[tokio::test]
async fn every_framing_error_is_answered() {
    let server = Server::start().await;
    for body in [
        "",
        "x",
        "z\r\n",
        "5\r\nhel",
        "5\r\nhelloXX0\r\n\r\n",
        "ffffffffffffffff\r\n",
        "-1\r\n",
        "5;\r\nhello\r\n",
    ] {
        server
            .send(chunked("", 5, body))
            .await
            .says(400, "<Code>IncompleteBody</Code>");
    }
    let no_length = put(
        "X-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n",
        "0\r\n\r\n",
    );
    server
        .send(no_length)
        .await
        .says(411, "<Code>MissingContentLength</Code>");
}

/// A body in signed chunks, under a request signed by the key that was issued.
fn signed_chunks(chunks: &[&str], trailers: &[(&str, String)], spoil: impl Fn(&mut String)) -> String {
    let decoded: usize = chunks.iter().map(|chunk| chunk.len()).sum();
    let payload = if trailers.is_empty() {
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    } else {
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
    };
    let at = Clock::machine_now();
    let mut headers = HeaderMap::new();
    let mut insert = |name: &'static str, value: &str| {
        headers.insert(name, HeaderValue::try_from(value).expect("a value"));
    };
    insert("content-encoding", "aws-chunked");
    insert("x-amz-content-sha256", payload);
    insert("x-amz-date", &at.to_compact());
    insert("x-amz-decoded-content-length", &decoded.to_string());
    for (name, _) in trailers {
        insert("x-amz-trailer", name);
    }
    let facts = Facts {
        method: "PUT",
        path: "/bucket/key",
        query: "",
        host: Some("localhost:4566"),
        headers: (&headers).into(),
    };
    let names = "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length";
    let place = ("us-east-1", "s3");
    let authorization = Signer::authorization(SECRET, KEY, place, at, &facts, names, payload);
    let mut with_claim = headers.clone();
    with_claim.insert("authorization", HeaderValue::try_from(&authorization).expect("a value"));
    let claimed = Facts {
        headers: (&with_claim).into(),
        ..facts
    };
    let claim = read(&claimed).expect("well-formed").expect("signed");
    let signer = Signer::derive(SECRET, claim.scope_date(), place.0, place.1);
    let mut chain = ChunkChain::new(signer, &claim);
    let mut body = String::new();
    for chunk in chunks.iter().chain(&[""]) {
        let signature = chain.sign_chunk(&sha256(chunk.as_bytes()));
        body += &format!("{:x};chunk-signature={signature}\r\n{chunk}", chunk.len());
        if !chunk.is_empty() {
            body += "\r\n";
        }
    }
    if !trailers.is_empty() {
        let mut lines = String::new();
        for (name, value) in trailers {
            lines += &format!("{name}:{value}\n");
        }
        body += &lines.replace('\n', "\r\n");
        body += &format!("x-amz-trailer-signature:{}\r\n", chain.sign_trailer(&lines));
    }
    body += "\r\n";
    spoil(&mut body);
    let mut text = format!("Authorization: {authorization}\r\n");
    for (name, value) in &headers {
        text += &format!("{name}: {}\r\n", value.to_str().expect("text"));
    }
    request("PUT /bucket/key", &text, &body)
}

#[tokio::test]
async fn signed_chunks_are_verified() {
    let server = Server::start().await;
    let data = "a".repeat(9000);
    let chunks = [&data[..8192], &data[8192..]];
    let reply = server.send(signed_chunks(&chunks, &[], |_| {})).await;
    assert_eq!(
        (reply.status, reply.header("etag")),
        (200, Some("9000 0 null")),
        "{reply:?}"
    );
    let trailers = [("x-amz-checksum-crc32", crc32(&data))];
    let reply = server.send(signed_chunks(&chunks, &trailers, |_| {})).await;
    assert_eq!(
        (reply.status, reply.header("etag")),
        (200, Some("9000 1 null")),
        "{reply:?}"
    );
    let other_data = |body: &mut String| *body = body.replacen("aa", "ab", 1);
    server
        .send(signed_chunks(&chunks, &[], other_data))
        .await
        .says(403, "<Code>SignatureDoesNotMatch</Code>");
    let no_signature = |body: &mut String| *body = body.replacen("chunk-signature=", "x=", 1);
    server
        .send(signed_chunks(&chunks, &[], no_signature))
        .await
        .says(403, "<Code>SignatureDoesNotMatch</Code>");
    let other_trailer = |body: &mut String| {
        let at = body.find("x-amz-trailer-signature:").expect("a signature") + 24;
        let other = if body[at..].starts_with('0') { "1" } else { "0" };
        body.replace_range(at..=at, other);
    };
    server
        .send(signed_chunks(&chunks, &trailers, other_trailer))
        .await
        .says(403, "<Code>SignatureDoesNotMatch</Code>");
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_is_told_or_refused() {
    let server = Server::start().await;
    let waiting = |headers: &str| {
        format!(
            "PUT /bucket/key HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n{headers}\r\n"
        )
    };
    let mut stream = server.connect().await;
    let good = waiting(&authorization("test", "s3"));
    stream.write_all(good.as_bytes()).await.expect("written");
    let mut head = [0; 25];
    stream.read_exact(&mut head).await.expect("an interim answer");
    assert_eq!(&head, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").await.expect("written");
    let reply = read_reply(&mut stream).await.expect("an answer");
    assert_eq!(reply.header("etag"), Some("5 0 null"));

    let mut stream = server.connect().await;
    let bad = waiting("X-Amz-Date: 20260101T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 x\r\n");
    stream.write_all(bad.as_bytes()).await.expect("written");
    let reply = tokio::time::timeout(Duration::from_secs(2), read_reply(&mut stream));
    let reply = reply.await.expect("at once").expect("an answer");
    // The body may come or not, so that nobody can tell what comes next: the client must know that this is the end.
    assert_eq!((reply.status, reply.header("connection")), (400, Some("close")));
}

#[tokio::test]
async fn digests_in_headers_are_compared() {
    let server = Server::start().await;
    let delete = |headers: &str| {
        let body = "<Delete><Object><Key>k</Key></Object></Delete>";
        request(
            "POST /bucket?delete",
            &format!("{}{headers}", authorization("test", "s3")),
            body,
        )
    };
    server
        .send(delete("Content-MD5: AAAAAAAAAAAAAAAAAAAAAA==\r\n"))
        .await
        .says(400, "<Code>BadDigest</Code>");
    server
        .send(delete("x-amz-checksum-crc32: AAAAAA==\r\n"))
        .await
        .says(400, "<Code>BadDigest</Code>");
    assert_eq!(server.send(delete("")).await.status, 200);
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    let large = "x".repeat(8 * 1024 * 1024);
    for _ in 0..2 {
        let unbuilt = request("PUT /bucket?policy", &authorization("test", "s3"), &large);
        stream.write_all(unbuilt.as_bytes()).await.expect("the body is taken");
        let reply = read_reply(&mut stream).await.expect("an answer");
        reply.says(501, "<Code>NotImplemented</Code>");
    }
}
