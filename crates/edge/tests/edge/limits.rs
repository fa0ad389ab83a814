//! What is too much or too slow gets a proper answer.

use crate::support::{FORM, IDENTITY, Server, authorization, identity, read_reply, request};
use std::time::Duration;
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_unread() {
    let server = Server::start_with(|options| options.limits.body_max_bytes = 1000).await;
    let headers = format!("{FORM}{}", authorization("test", "sts"));
    let announced = format!("POST / HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: 1001\r\n\r\n");
    let reply = server.send(announced).await;
    reply.says(413, "<Code>RequestEntityTooLarge</Code>");
    assert_eq!(reply.header("connection"), Some("close"));
    let mut stream = server.connect().await;
    let open_ended = format!("POST / HTTP/1.1\r\nHost: localhost\r\n{headers}Transfer-Encoding: chunked\r\n\r\n");
    stream.write_all(open_ended.as_bytes()).await.expect("written");
    let chunk = format!("1f4\r\n{}\r\n", "x".repeat(500));
    for _ in 0..3 {
        stream.write_all(chunk.as_bytes()).await.expect("written");
    }
    let reply = read_reply(&mut stream).await.expect("an answer");
    reply.says(413, "RequestEntityTooLarge");
    let json = "X-Amz-Target: DynamoDB_20120810.ListTables\r\nContent-Type: application/x-amz-json-1.0\r\n";
    let head = format!("{json}{}", authorization("test", "dynamodb"));
    let reply = server.send(request("POST /", &head, &" ".repeat(1001))).await;
    reply.says(413, "RequestEntityTooLarge");
}

#[tokio::test]
async fn too_many_and_too_large_headers_are_refused() {
    let server = Server::start_with(|options| {
        options.limits.headers_max_count = 20;
        options.limits.headers_max_bytes = 10_000;
    })
    .await;
    let many: String = (0..25).map(|i| format!("X-H{i}: v\r\n")).collect();
    assert_eq!(server.send(request("GET /", &many, "")).await.status, 431);
    let large = format!("X-Large: {}\r\n", "x".repeat(9_990));
    assert_eq!(server.send(request("GET /", &large, "")).await.status, 431);
    let huge = format!("X-Large: {}\r\n", "x".repeat(90_000));
    let mut stream = server.connect().await;
    let _ = stream.write_all(request("GET /", &huge, "").as_bytes()).await;
    let reply = read_reply(&mut stream).await;
    assert!(reply.is_none_or(|reply| reply.status == 431));
}

#[tokio::test]
async fn a_head_that_does_not_end_is_told_so() {
    let server = Server::start_with(|options| options.limits.headers_read_max = Duration::from_millis(200)).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: ").await.expect("written");
    let reply = read_reply(&mut stream).await.expect("an answer");
    assert_eq!(reply.status, 408);
    assert!(read_reply(&mut stream).await.is_none(), "closed");
}

#[tokio::test]
async fn a_body_that_halts_is_told_so() {
    let server = Server::start_with(|options| options.limits.body_read_max = Duration::from_millis(200)).await;
    let headers = format!("{FORM}{}", authorization("test", "sts"));
    let mut stream = server.connect().await;
    let head = format!("POST / HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: 43\r\n\r\nAction=");
    stream.write_all(head.as_bytes()).await.expect("written");
    let reply = read_reply(&mut stream).await.expect("an answer");
    reply.says(408, "<Code>RequestTimeout</Code>");
}

#[tokio::test]
async fn silent_connections_are_closed_and_busy_ones_kept() {
    let server = Server::start_with(|options| {
        options.limits.idle_max = Duration::from_millis(300);
        options.limits.headers_read_max = Duration::from_millis(100);
    })
    .await;
    let mut silent = server.connect().await;
    let mut used = server.connect().await;
    for _ in 0..4 {
        used.write_all(identity("test").as_bytes()).await.expect("written");
        assert_eq!(read_reply(&mut used).await.map(|reply| reply.status), Some(200));
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    assert!(read_reply(&mut silent).await.is_none(), "closed without a word");
    let body = "Action=GetSessionToken&Version=2011-06-15";
    let slow = request("POST /", &format!("{FORM}{}", authorization("test", "sts")), body);
    used.write_all(slow.as_bytes()).await.expect("written");
    assert_eq!(read_reply(&mut used).await.map(|reply| reply.status), Some(200));
    assert!(read_reply(&mut used).await.is_none(), "closed once idle");
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_their_turn() {
    let server = Server::start_with(|options| options.limits.connections_max = 1).await;
    let mut first = server.connect().await;
    first.write_all(identity("test").as_bytes()).await.expect("written");
    assert_eq!(read_reply(&mut first).await.map(|reply| reply.status), Some(200));
    let mut second = server.connect().await;
    let headers = format!("{FORM}{}", authorization("test", "sts"));
    let ask = request("POST /", &headers, IDENTITY);
    second.write_all(ask.as_bytes()).await.expect("written");
    let waiting = tokio::time::timeout(Duration::from_millis(200), read_reply(&mut second)).await;
    assert!(waiting.is_err());
    drop(first);
    assert_eq!(read_reply(&mut second).await.map(|reply| reply.status), Some(200));
}
