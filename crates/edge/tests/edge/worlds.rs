//! Which world a request acts in.

use crate::support::{FORM, Server, authorization, request};
use virga_service::Fork;

const WHERE: &str = "Action=DecodeAuthorizationMessage&Version=2011-06-15&EncodedMessage=x";

fn asking(host: &str, headers: &str, body: &str) -> String {
    let headers = format!("{FORM}{headers}{}", authorization("test", "sts"));
    request("POST /", &headers, body).replace("Host: localhost:4566", &format!("Host: {host}"))
}

async fn server_with(name: &str) -> Server {
    let server = Server::start().await;
    let fork = Fork {
        name: name.to_owned(),
        ..Fork::default()
    };
    server.worlds.fork(fork).await.expect("forks");
    server
}

#[tokio::test]
async fn a_world_is_chosen_by_host_or_header() {
    let server = server_with("t1").await;
    for (host, header, expected) in [
        ("localhost:4566", "", "main"),
        ("127.0.0.1:4566", "", "main"),
        ("sts.eu-west-1.localhost:4566", "", "main"),
        ("main.localhost:4566", "", "main"),
        ("t1.localhost:4566", "", "t1"),
        ("t1.localhost", "", "t1"),
        ("T1.localhost", "X-Virga-World: t1\r\n", "t1"),
        ("sts.t1.localhost:4566", "", "t1"),
        ("sts.eu-west-1.t1.localhost:4566", "", "t1"),
        ("localhost:4566", "X-Virga-World: t1\r\n", "t1"),
        ("t1.localhost:4566", "X-Virga-World: main\r\n", "main"),
    ] {
        let reply = server.send(asking(host, header, WHERE)).await;
        reply.says(200, &format!("<DecodedMessage>{expected}</DecodedMessage>"));
        let world = server.records.last().world;
        assert_eq!(world.as_deref().unwrap_or("main"), expected, "{host} {header}");
    }
}

#[tokio::test]
async fn a_world_that_is_not_there_is_never_taken_for_another() {
    let server = server_with("t1").await;
    for (host, header, named) in [
        ("localhost:4566", "X-Virga-World: t2\r\n", "t2"),
        ("t1.localhost:4566", "X-Virga-World: T1\r\n", "T1"),
        ("t2.localhost:4566", "", "t2"),
        ("sts.t2.localhost:4566", "", "t2"),
    ] {
        let reply = server.send(asking(host, header, WHERE)).await;
        reply.says(400, "<Code>UnknownWorld</Code>");
        reply.says(400, named);
    }
    let reply = server
        .send("GET /key HTTP/1.1\r\nHost: bucket.localhost\r\nX-Virga-World: t2\r\n\r\n")
        .await;
    assert!(reply.status >= 400, "{reply:?}");
}

#[tokio::test]
async fn a_bucket_stands_before_the_world() {
    let server = server_with("t1").await;
    for (host, world) in [
        ("bucket.s3.localhost", None),
        ("bucket.s3.t1.localhost:4566", Some("t1")),
        ("bucket.s3.eu-west-1.t1.localhost:4566", Some("t1")),
        ("bucket.s3.t2.localhost:4566", None),
    ] {
        let reply = server.send(format!("GET /key HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        reply.says(200, "one two three");
        let record = server.records.last();
        assert_eq!(record.operation, Some("GetObject"), "{host}");
        assert_eq!(record.world.as_deref(), world, "{host}");
    }
}

#[tokio::test]
async fn a_call_ends_when_its_world_is_dropped() {
    let server = server_with("t1").await;
    let waiting = asking(
        "t1.localhost:4566",
        "",
        "Action=GetFederationToken&Version=2011-06-15&Name=ann",
    );
    let dropping = async {
        // Until the call is in the world: it holds it.
        let world = server.worlds.get("t1").expect("is there");
        while std::sync::Arc::strong_count(&world) < 3 {
            tokio::task::yield_now().await;
        }
        drop(world);
        server.worlds.drop_world("t1").await.expect("drops");
    };
    let (reply, ()) = tokio::join!(server.send(waiting), dropping);
    reply.says(400, "<Code>UnknownWorld</Code>");
    reply.says(400, "was dropped while this call was under way");
}
