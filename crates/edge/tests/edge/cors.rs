//! Web pages: which may call, and what their browsers are told.

use crate::support::{FORM, IDENTITY, Server, authorization, request};

#[tokio::test]
async fn a_preflight_is_answered_for_pages_of_this_machine() {
    let server = Server::start().await;
    let ask = |origin: &str| {
        let headers = format!(
            "Origin: {origin}\r\nAccess-Control-Request-Method: POST\r\n\
             Access-Control-Request-Headers: authorization,x-amz-target\r\n"
        );
        request("OPTIONS /", &headers, "")
    };
    let reply = server.send(ask("http://localhost:3000")).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("access-control-allow-origin"),
        Some("http://localhost:3000")
    );
    assert_eq!(
        reply.header("access-control-allow-headers"),
        Some("authorization,x-amz-target")
    );
    assert!(
        reply
            .header("access-control-allow-methods")
            .is_some_and(|methods| methods.contains("POST"))
    );
    let reply = server.send(ask("https://evil.example")).await;
    assert!(
        reply.status >= 400 && reply.header("access-control-allow-origin").is_none(),
        "{reply:?}"
    );
}

#[tokio::test]
async fn calls_of_pages_carry_their_origin() {
    let server = Server::start_with(|options| options.allow_origins.push("https://app.example".to_owned())).await;
    let call = |origin: &str| {
        let headers = format!("{FORM}Origin: {origin}\r\n{}", authorization("test", "sts"));
        request("POST /", &headers, IDENTITY)
    };
    for origin in ["http://127.0.0.1:8080", "app://bundle", "https://app.example"] {
        let reply = server.send(call(origin)).await;
        assert_eq!(
            (reply.status, reply.header("access-control-allow-origin")),
            (200, Some(origin))
        );
        let exposed = reply.header("access-control-expose-headers").unwrap_or_default();
        assert!(exposed.contains("x-amzn-requestid"));
    }
    let reply = server.send(call("https://evil.example")).await;
    reply.says(403, "https://evil.example");
    assert_eq!(reply.header("access-control-allow-origin"), None);
    let inside = request("GET /_virga/state", "Origin: https://evil.example\r\n", "");
    assert_eq!(server.send(inside).await.status, 403);
}
