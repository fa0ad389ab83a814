//! The way of a request: operations in their protocols, errors, ids, records, HTTP/1.1 and HTTP/2.

use crate::support::{FORM, IDENTITY, Server, authorization, dynamodb, identity, read_reply, request};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use virga_edge::{BindError, Edge, EdgeOptions};

#[tokio::test]
async fn a_query_call_is_answered_and_recorded() {
    let server = Server::start().await;
    let reply = server.send(identity("test")).await;
    reply.says(200, "<Arn>arn:aws:iam::000000000000:root</Arn>");
    reply.says(200, "<UserId>eu-west-1 /</UserId>");
    let id = reply.header("x-amzn-requestid").expect("an id").to_owned();
    assert!(reply.body.contains(&id));
    assert_eq!(reply.header("server"), Some("Virga"));
    assert!(reply.header("date").is_some());
    let record = server.records.last();
    assert_eq!(
        (
            record.service,
            record.operation,
            record.status,
            record.request_id.as_str()
        ),
        (Some("sts"), Some("GetCallerIdentity"), 200, id.as_str())
    );
    let who = record.who.expect("a caller");
    assert_eq!(
        (
            who.account.to_string().as_str(),
            who.region.as_str(),
            who.arn().as_str()
        ),
        ("000000000000", "eu-west-1", "arn:aws:iam::000000000000:root")
    );
}

#[tokio::test]
async fn a_query_call_may_stand_in_the_query_string() {
    let server = Server::start().await;
    let line = format!("GET /some/path?{IDENTITY}");
    let reply = server.send(request(&line, &authorization("test", "sts"), "")).await;
    reply.says(200, "<UserId>eu-west-1 /some/path</UserId>");
}

#[tokio::test]
async fn dynamodbs_answers_have_a_checksum() {
    let server = Server::start().await;
    let reply = server.send(dynamodb("", "ListTables", "{\"Limit\":5}")).await;
    reply.says(200, "{\"LastEvaluatedTableName\":\"5\"}");
    let sum = crc32fast::hash(reply.body.as_bytes()).to_string();
    assert_eq!(reply.header("x-amz-crc32"), Some(sum.as_str()));
    let reply = server.send(dynamodb("", "ListTables", "{\"Limit\":1000}")).await;
    reply.says(400, "Member must have value less than or equal to 100");
    assert!(reply.header("x-amz-crc32").is_some());
    assert_eq!(server.records.last().error.as_deref(), Some("ValidationException"));
}

#[tokio::test]
async fn s3_streams_both_ways_and_has_ids_of_its_own() {
    let server = Server::start().await;
    let reply = server
        .send(request("PUT /bucket/key", &authorization("test", "s3"), "hello"))
        .await;
    assert_eq!(
        (reply.status, reply.header("etag")),
        (200, Some("5 0 null")),
        "{reply:?}"
    );
    assert_eq!(reply.header("x-amz-request-id").map(str::len), Some(16));
    assert!(reply.header("x-amz-id-2").is_some() && reply.header("x-amzn-requestid").is_none());
    assert_eq!(reply.header("server"), Some("AmazonS3"));
    let reply = server.send(request("GET /bucket/key", "", "")).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "one two three"));
    let host = "GET /key HTTP/1.1\r\nHost: bucket.s3.localhost:4566\r\n\r\n";
    assert_eq!(server.send(host).await.body, "one two three");
    assert_eq!(server.records.last().operation, Some("GetObject"));
}

#[tokio::test]
async fn head_tells_a_length_and_sends_nothing() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    for _ in 0..2 {
        let head = request("HEAD /bucket/key", "", "");
        stream.write_all(head.as_bytes()).await.expect("written");
        let mut bytes = [0; 4096];
        let mut read = 0;
        while !bytes[..read].ends_with(b"\r\n\r\n") {
            read += tokio::io::AsyncReadExt::read(&mut stream, &mut bytes[read..])
                .await
                .expect("read");
        }
        let text = String::from_utf8_lossy(&bytes[..read]).to_ascii_lowercase();
        assert!(
            text.starts_with("http/1.1 200") && text.contains("content-length: 13"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn errors_speak_the_callers_protocol() {
    let server = Server::start().await;
    let form = |body: &str| request("POST /", &format!("{FORM}{}", authorization("test", "sts")), body);
    let reply = server.send(form("Action=Nonsense&Version=2011-06-15")).await;
    reply.says(400, "<Code>InvalidAction</Code>");
    reply.says(400, "Could not find operation Nonsense for version 2011-06-15");
    server
        .send(form(
            "Action=AssumeRoot&Version=2011-06-15&TargetPrincipal=1&TaskPolicyArn.arn=x",
        ))
        .await
        .says(501, "<Code>NotImplemented</Code>");
    let reply = server.send(dynamodb("", "Nonsense", "{}")).await;
    reply.says(400, "com.amazon.coral.service#UnknownOperationException");
    server
        .send(dynamodb("", "CreateTable", "{}"))
        .await
        .says(501, "NotImplemented");
    server
        .send(dynamodb("", "ListTables", "{"))
        .await
        .says(400, "SerializationException");
    let reply = server
        .send(request("PATCH /bucket/key", &authorization("test", "s3"), ""))
        .await;
    reply.says(405, "<Code>MethodNotAllowed</Code>");
    let reply = server
        .send(request("GET /nothing/here", &authorization("test", "lambda"), ""))
        .await;
    assert_eq!(reply.status, 404, "{reply:?}");
    let reply = server
        .send(request(
            "POST /",
            &format!("{FORM}{}", authorization("test", "nonsense")),
            IDENTITY,
        ))
        .await;
    reply.says(400, "AWS has no service that is named nonsense.");
    server
        .send(form("Version=2011-06-15"))
        .await
        .says(400, "<Code>MissingAction</Code>");
    server
        .send(request("GET /", &authorization("test", "sts"), ""))
        .await
        .says(400, "<Code>MissingAction</Code>");
}

#[tokio::test]
async fn a_panic_is_that_calls_end_only() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    let body = "Action=GetAccessKeyInfo&Version=2011-06-15&AccessKeyId=AKIAQQQQQQQQQQQQQQQQ";
    let panicking = request("POST /", &format!("{FORM}{}", authorization("test", "sts")), body);
    for _ in 0..2 {
        stream.write_all(panicking.as_bytes()).await.expect("written");
        let reply = read_reply(&mut stream).await.expect("an answer");
        reply.says(500, "<Code>InternalFailure</Code>");
        assert!(reply.header("x-amzn-requestid").is_some());
    }
}

#[tokio::test]
async fn requests_may_be_pipelined() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    let twice = identity("test") + &identity("111122223333");
    stream.write_all(twice.as_bytes()).await.expect("written");
    let mut all = Vec::new();
    while all
        .windows(11)
        .filter(|window| window == b"</Account>\n" || window.starts_with(b"</Account>"))
        .count()
        < 2
    {
        tokio::io::AsyncReadExt::read_buf(&mut stream, &mut all)
            .await
            .expect("read");
    }
    let text = String::from_utf8_lossy(&all);
    assert!(text.contains("000000000000") && text.contains("111122223333"));
}

#[tokio::test]
async fn http2_works_with_prior_knowledge() {
    let server = Server::start().await;
    let stream = server.connect().await;
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .expect("a handshake");
    tokio::spawn(connection);
    let ask = |key: &str| {
        http::Request::post("http://localhost:4566/")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-amz-date", "20260101T000000Z")
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0"),
            )
            .body(Full::new(Bytes::from_static(IDENTITY.as_bytes())))
            .expect("a request")
    };
    let answers = [
        sender.send_request(ask("000000000001")),
        sender.send_request(ask("000000000002")),
    ];
    for (answer, account) in answers.into_iter().zip(["000000000001", "000000000002"]) {
        let answer = answer.await.expect("an answer");
        assert_eq!(
            (answer.status().as_u16(), answer.version()),
            (200, http::Version::HTTP_2)
        );
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        assert!(String::from_utf8_lossy(&body).contains(account));
    }
}

#[tokio::test]
async fn what_is_not_aws_is_served_inside() {
    let server = Server::start().await;
    let reply = server.send(request("POST /_virga/time?x=1", "", "{}")).await;
    reply.says(200, "POST /_virga/time?x=1 2");
    assert!(reply.header("x-amzn-requestid").is_some());
    server
        .send(request("GET /_localstack/health", "", ""))
        .await
        .says(200, "GET /_localstack/health 0");
    let browser = "Accept: text/html,application/xhtml+xml\r\n";
    server.send(request("GET /", browser, "")).await.says(200, "GET / 0");
    // A bucket may begin like that.
    let reply = server.send(request("GET /_virgaplus/key", "", "")).await;
    assert_eq!(reply.body, "one two three");
}

#[tokio::test]
async fn a_stop_lets_requests_finish_and_closes_what_is_idle() {
    let mut server = Server::start().await;
    let idle = server.connect().await;
    let mut busy = server.connect().await;
    let body = "Action=GetSessionToken&Version=2011-06-15";
    let slow = request("POST /", &format!("{FORM}{}", authorization("test", "sts")), body);
    busy.write_all(slow.as_bytes()).await.expect("written");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    server.stop();
    read_reply(&mut busy)
        .await
        .expect("an answer")
        .says(200, "GetSessionTokenResponse");
    (&mut server.done).await.expect("an end");
    assert!(began.elapsed() < Duration::from_secs(3));
    drop(idle);
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_busy_port_is_told_apart() {
    let server = Server::start().await;
    let taken = Edge::bind(EdgeOptions {
        port: server.address.port(),
        ..EdgeOptions::default()
    })
    .await;
    assert!(matches!(taken.map(|_| ()), Err(BindError::PortBusy(address)) if address == server.address));
    let elsewhere = Edge::bind(EdgeOptions {
        host: "203.0.113.1".parse().expect("an address"),
        port: 0,
        ..EdgeOptions::default()
    })
    .await;
    assert!(matches!(elsewhere.map(|_| ()), Err(BindError::NoSuchAddress(_))));
}

#[tokio::test]
async fn requests_may_be_handled_in_process() {
    let edge = Edge::bind(EdgeOptions {
        port: 0,
        ..EdgeOptions::default()
    })
    .await
    .expect("a free port");
    let request = http::Request::post("http://localhost:4566/")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-amz-date", "20260101T000000Z")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0",
        )
        .body(Bytes::from_static(IDENTITY.as_bytes()))
        .expect("a request");
    let answer = edge
        .handle(virga_service::Worlds::of(crate::support::cloud()), request)
        .await;
    assert_eq!(answer.status(), 200);
    assert!(String::from_utf8_lossy(answer.body()).contains("<Account>000000000000</Account>"));
}

#[tokio::test]
async fn a_resource_of_s3_takes_its_methods_alone() {
    let server = Server::start().await;
    let signed = authorization("test", "s3");
    let reply = server.send(request("DELETE /bucket/key?retention", &signed, "")).await;
    reply.says(405, "<Method>DELETE</Method><ResourceType>RETENTION</ResourceType>");
    assert_eq!(reply.header("allow"), Some("GET, PUT"));
    let reply = server.send(request("POST /", &signed, "")).await;
    reply.says(405, "<Method>POST</Method><ResourceType>SERVICE</ResourceType>");
    assert_eq!(reply.header("allow"), Some("GET"));
    let hosted = format!("PATCH / HTTP/1.1\r\nHost: bucket.s3.localhost\r\n{signed}\r\n");
    let reply = server.send(hosted).await;
    reply.says(405, "<ResourceType>BUCKET</ResourceType>");
}
