//! The routes, asked in process.

use crate::line::tests::{record, tell};
use crate::{Admin, CallLog};
use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use virga_base::{Clock, Ids, Timestamp};
use virga_service::{Cloud, CloudOptions, Service, Validation, Worlds};
use virga_store::{MemoryEngine, Store};

fn admin() -> Arc<Admin> {
    let cloud = Cloud::new(CloudOptions {
        store: Store::new(Box::new(MemoryEngine::default())),
        clock: Clock::frozen(Timestamp::from_secs(1_767_225_600)),
        ids: Ids::seeded(1),
        services: vec![Service::new("sqs", Validation::Own)],
        settings: BTreeMap::new(),
    });
    Admin::new(Worlds::of(cloud), Arc::new(CallLog::default()), "0.0.0")
}

async fn ask_with(admin: &Arc<Admin>, request: Request<Bytes>) -> (StatusCode, String) {
    let response = (admin.internal())(request).await;
    (
        response.status(),
        String::from_utf8(response.into_body().to_vec()).expect("text"),
    )
}

async fn ask(admin: &Arc<Admin>, method: &str, path: &str, body: Json) -> (u16, Json) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .body(Bytes::from(body.to_string()))
        .expect("a request");
    let (status, text) = ask_with(admin, request).await;
    (
        status.as_u16(),
        serde_json::from_str(&text).unwrap_or_else(|_| json!(text)),
    )
}

#[tokio::test]
async fn health_tells_services_and_time() {
    let (status, body) = ask(&admin(), "GET", "/_virga/health", Json::Null).await;
    assert_eq!(status, 200);
    assert_eq!(body["status"], "ok");
    assert_eq!(body["services"]["sqs"]["state"], "running");
    assert_eq!(body["time"]["now"], "2026-01-01T00:00:00.000Z");
    assert_eq!(body["time"]["mode"], "frozen");
}

#[tokio::test]
async fn the_clock_moves_as_told() {
    let admin = admin();
    for (action, now, mode) in [
        (
            json!({"action": "set", "at": "2030-01-01"}),
            "2030-01-01T00:00:00.000Z",
            "frozen",
        ),
        (
            json!({"action": "advance", "by": "1d12h"}),
            "2030-01-02T12:00:00.000Z",
            "frozen",
        ),
        (
            json!({"action": "advance", "by": 60}),
            "2030-01-02T12:01:00.000Z",
            "frozen",
        ),
        (json!({"action": "settle"}), "2030-01-02T12:01:00.000Z", "frozen"),
        (
            json!({"action": "freeze", "at": 0}),
            "1970-01-01T00:00:00.000Z",
            "frozen",
        ),
    ] {
        let (status, body) = ask(&admin, "POST", "/_virga/time", action.clone()).await;
        assert_eq!(
            (status, &body["now"], &body["mode"]),
            (200, &json!(now), &json!(mode)),
            "{action}"
        );
        assert_eq!(body["steps"], 0);
    }
    let (_, body) = ask(&admin, "POST", "/_virga/time", json!({"action": "run", "rate": 60})).await;
    assert_eq!((&body["mode"], &body["rate"]), (&json!("running"), &json!(60.0)));
}

#[tokio::test]
async fn what_the_clock_cannot_do_is_refused_with_a_reason() {
    let admin = admin();
    for (body, part) in [
        (json!(null), "JSON object"),
        (json!({}), "\"action\" must say"),
        (json!({"action": "frezze"}), "did you mean \"freeze\"?"),
        (json!({"action": "advance"}), "needs \"by\""),
        (json!({"action": "advance", "by": "soon"}), "not a duration"),
        (json!({"action": "advance", "by": -5}), "not a duration"),
        (json!({"action": "advance", "by": "999999w"}), "year 9999"),
        (json!({"action": "set"}), "needs \"at\""),
        (json!({"action": "set", "at": true}), "must be a time"),
        (json!({"action": "run", "rate": 0}), "above 0"),
        (json!({"action": "settle", "by": 1}), "takes no \"by\""),
    ] {
        let (status, answer) = ask(&admin, "POST", "/_virga/time", body.clone()).await;
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(status == 400 && message.contains(part), "{body}: {message}");
    }
}

#[tokio::test]
async fn logs_are_filtered_and_paged() {
    let admin = admin();
    for (operation, status) in [("CreateQueue", 200), ("GetQueueUrl", 400), ("SendMessage", 200)] {
        tell(&admin.calls, record(operation, status));
    }
    let operations = async |path: &str| {
        let (_, body) = ask(&admin, "GET", path, Json::Null).await;
        let calls = body["calls"].as_array().cloned().unwrap_or_default();
        calls
            .iter()
            .map(|call| call["operation"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        operations("/_virga/logs").await,
        ["CreateQueue", "GetQueueUrl", "SendMessage"]
    );
    assert_eq!(operations("/_virga/calls?limit=1").await, ["SendMessage"]);
    assert_eq!(operations("/_virga/logs?after=0&limit=1").await, ["CreateQueue"]);
    assert_eq!(operations("/_virga/logs?status=4xx&service=SQS").await, ["GetQueueUrl"]);
    assert_eq!(
        operations("/_virga/logs?operation=sendmessage&since=5m").await,
        ["SendMessage"]
    );
    assert_eq!(operations("/_virga/logs?service=s3").await, Vec::<String>::new());
    assert_eq!(operations("/_virga/logs?since=2026-01-02").await, Vec::<String>::new());
    let (status, body) = ask(&admin, "GET", "/_virga/logs?servise=sqs", Json::Null).await;
    assert!(
        status == 400 && body.to_string().contains("did you mean \\\"service\\\"?"),
        "{body}"
    );
    assert_eq!(ask(&admin, "GET", "/_virga/logs?status=9xx", Json::Null).await.0, 400);
}

#[tokio::test]
async fn a_follower_is_answered_by_the_next_call_it_asks_for() {
    let admin = admin();
    let following = tokio::spawn({
        let admin = admin.clone();
        async move { ask(&admin, "GET", "/_virga/logs?follow=1&after=0&status=error", Json::Null).await }
    });
    tokio::time::sleep(Duration::from_millis(5)).await;
    tell(&admin.calls, record("CreateQueue", 200));
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(!following.is_finished());
    tell(&admin.calls, record("GetQueueUrl", 400));
    let (_, body) = following.await.expect("answers");
    assert_eq!(
        (&body["calls"][0]["operation"], &body["next"]),
        (&json!("GetQueueUrl"), &json!(2))
    );
    let (_, nothing) = ask(&admin, "GET", "/_virga/logs?follow=1&after=2&wait_s=0", Json::Null).await;
    assert_eq!((&nothing["calls"], &nothing["next"]), (&json!([]), &json!(2)));
}

#[tokio::test]
async fn fidelity_counts_all_of_aws() {
    let admin = admin();
    let (_, all) = ask(&admin, "GET", "/_virga/fidelity", Json::Null).await;
    assert!(
        all["services"]["ec2"]["none"].as_u64() > Some(500),
        "{}",
        all["services"]["ec2"]
    );
    let (_, one) = ask(&admin, "GET", "/_virga/fidelity?service=sqs", Json::Null).await;
    assert_eq!(
        (&one["built"], &one["operations"]["SendMessage"]),
        (&json!(true), &json!("none"))
    );
    let (status, unknown) = ask(&admin, "GET", "/_virga/fidelity?service=sqss", Json::Null).await;
    assert!(status == 404 && unknown.to_string().contains("sqs"), "{unknown}");
}

#[tokio::test]
async fn localstack_tools_find_what_they_look_for() {
    let admin = admin();
    let health = || {
        Request::builder()
            .uri("/_localstack/health")
            .body(Bytes::new())
            .expect("a request")
    };
    let (_, text) = ask_with(&admin, health()).await;
    assert_eq!(
        text,
        r#"{"services": {"sqs": "available"}, "edition": "virga", "version": "0.0.0"}"#
    );
    tell(&admin.calls, record("CreateQueue", 200));
    assert!(ask_with(&admin, health()).await.1.contains(r#""sqs": "running""#));
    assert_eq!(ask(&admin, "POST", "/_localstack/state/reset", Json::Null).await.0, 200);
    assert_eq!(
        ask(&admin, "GET", "/_localstack/info", Json::Null).await.1["edition"],
        "virga"
    );
    assert_eq!(
        ask(&admin, "POST", "/_localstack/health", json!({"action": "dance"}))
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn strays_are_shown_the_routes() {
    let admin = admin();
    let (status, body) = ask(&admin, "GET", "/_virga/heath", Json::Null).await;
    assert_eq!(status, 404);
    assert!(
        body["error"]["message"]
            .as_str()
            .is_some_and(|m| m.contains("did you mean \"/_virga/health\"?"))
    );
    assert!(body["routes"].as_array().is_some_and(|routes| routes.len() > 10));
    let (status, body) = ask(&admin, "GET", "/_virga/reset", Json::Null).await;
    assert_eq!(
        (status, &body["error"]["message"]),
        (405, &json!("/_virga/reset takes POST, not GET"))
    );
    assert_eq!(ask(&admin, "HEAD", "/_virga/health/", Json::Null).await.0, 200);
}

#[tokio::test]
async fn pages_from_elsewhere_may_do_nothing() {
    let admin = admin();
    let from = |origin: &str| {
        Request::post("/_virga/reset")
            .header("origin", origin)
            .body(Bytes::new())
            .expect("a request")
    };
    assert_eq!(ask_with(&admin, from("https://example.com")).await.0, 403);
    assert_eq!(ask_with(&admin, from("null")).await.0, 403);
    assert_eq!(ask_with(&admin, from("http://localhost:3000")).await.0, 200);
}

#[tokio::test]
async fn only_this_machine_may_stop_it() {
    let admin = admin();
    let stop = |peer: &str| {
        let mut request = Request::post("/_virga/stop").body(Bytes::new()).expect("a request");
        request
            .extensions_mut()
            .insert(peer.parse::<SocketAddr>().expect("an address"));
        request
    };
    assert_eq!(ask_with(&admin, stop("192.168.0.2:5000")).await.0, 403);
    assert_eq!(ask_with(&admin, stop("[::ffff:127.0.0.1]:5000")).await.0, 200);
    tokio::time::timeout(Duration::from_secs(1), admin.stopped())
        .await
        .expect("stops");
}

#[tokio::test]
async fn the_certificate_is_shown_once_there_is_one() {
    let admin = admin();
    assert_eq!(ask(&admin, "GET", "/_virga/certificate", Json::Null).await.0, 404);
    let pem = || Ok("-----BEGIN CERTIFICATE-----\n".to_owned());
    admin.set_certificate(Box::new(move || Box::pin(std::future::ready(pem()))));
    let (status, body) = ask(&admin, "GET", "/_virga/certificate", Json::Null).await;
    assert_eq!((status, body), (200, json!("-----BEGIN CERTIFICATE-----\n")));
}

#[tokio::test]
async fn calls_show_what_was_sent_and_answered() {
    let admin = admin();
    tell(&admin.calls, record("CreateQueue", 200));
    let (_, body) = ask(&admin, "GET", "/_virga/calls?with=input&world=main", Json::Null).await;
    assert_eq!(body["calls"][0]["input"], json!({"QueueName": "mail"}));
    let (_, body) = ask(
        &admin,
        "GET",
        "/_virga/calls?with=exchange&account=000000000000",
        Json::Null,
    )
    .await;
    let call = &body["calls"][0];
    assert_eq!(call["body"], "{\"QueueName\": \"mail\"}");
    assert_eq!(call["headers"], json!([["host", "localhost:4566"]]));
    assert_eq!(
        call["answer"],
        json!({"QueueUrl": "http://localhost:4566/000000000000/mail"})
    );
    for nothing in [
        "world=t1",
        "account=111122223333",
        "region=eu-west-1",
        "error=QueueDoesNotExist",
    ] {
        let (_, body) = ask(&admin, "GET", &format!("/_virga/calls?{nothing}"), Json::Null).await;
        assert_eq!(body["calls"], json!([]), "{nothing}");
    }
    assert_eq!(ask(&admin, "GET", "/_virga/calls?with=all", Json::Null).await.0, 400);
}

#[tokio::test]
async fn changes_of_virga_s_own_stand_among_the_calls() {
    let admin = admin();
    let freeze = json!({"action": "freeze", "at": "2026-01-01"});
    ask(&admin, "POST", "/_virga/time", freeze.clone()).await;
    ask(&admin, "POST", "/_virga/time", json!({"action": "fly"})).await;
    ask(&admin, "POST", "/_virga/reset", json!({})).await;
    ask(&admin, "GET", "/_virga/time", Json::Null).await;
    let (_, body) = ask(&admin, "GET", "/_virga/calls?service=virga&with=input", Json::Null).await;
    let calls = body["calls"].as_array().cloned().unwrap_or_default();
    let told: Vec<_> = calls.iter().map(|call| (&call["operation"], &call["input"])).collect();
    assert_eq!(told, [(&json!("Time"), &freeze), (&json!("Reset"), &json!({}))]);
    // They are no calls of AWS's.
    assert_eq!(ask(&admin, "GET", "/_virga/health", Json::Null).await.1["calls"], 0);
}

#[tokio::test]
async fn worlds_are_forked_compared_and_dropped() {
    let admin = admin();
    let (status, made) = ask(&admin, "POST", "/_virga/worlds", json!({"name": "t1", "ttl": "10m"})).await;
    assert_eq!(
        (status, &made["name"], &made["parent"]),
        (200, &json!("t1"), &json!("main")),
        "{made}"
    );
    assert_eq!(
        (&made["ttl_s"], &made["now"]),
        (&json!(600.0), &json!("2026-01-01T00:00:00.000Z"))
    );
    let (_, listed) = ask(&admin, "GET", "/_virga/worlds", Json::Null).await;
    let names: Vec<&Json> = listed["worlds"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|world| &world["name"])
        .collect();
    assert_eq!(names, [&json!("main"), &json!("t1")]);

    let (_, diff) = ask(&admin, "GET", "/_virga/worlds/main/diff/t1", Json::Null).await;
    assert_eq!(diff["same"], true, "{diff}");
    let fork = admin.worlds.get("t1").expect("is there");
    fork.set_time(Timestamp::from_secs(1)).await.expect("moves");
    let (_, diff) = ask(&admin, "GET", "/_virga/worlds/main/diff/t1?limit=1", Json::Null).await;
    assert_eq!(
        (&diff["same"], &diff["only_b"], &diff["not_listed"]),
        (&json!(false), &json!(1), &json!(0))
    );
    assert_eq!(
        (&diff["rows"][0]["table"], &diff["rows"][0]["where"]),
        (&json!("world.clock"), &json!("only_b"))
    );

    for (method, path, body, expected) in [
        ("POST", "/_virga/worlds", json!({"name": "t1"}), (409, "WorldExists")),
        (
            "POST",
            "/_virga/worlds",
            json!({"name": "sqs"}),
            (400, "InvalidWorldName"),
        ),
        (
            "POST",
            "/_virga/worlds",
            json!({"name": "t2", "from": "t3"}),
            (404, "UnknownWorld"),
        ),
        (
            "POST",
            "/_virga/worlds",
            json!({"name": "t2", "form": "main"}),
            (400, "BadRequest"),
        ),
        (
            "POST",
            "/_virga/worlds",
            json!({"name": "t2", "ttl": "soon"}),
            (400, "BadRequest"),
        ),
        ("POST", "/_virga/worlds", json!({}), (400, "BadRequest")),
        ("GET", "/_virga/worlds/t2", Json::Null, (404, "UnknownWorld")),
        ("GET", "/_virga/worlds/t1/diff/t2", Json::Null, (404, "UnknownWorld")),
        ("GET", "/_virga/worlds/t1/what", Json::Null, (404, "NotFound")),
        ("PUT", "/_virga/worlds/t1", Json::Null, (405, "MethodNotAllowed")),
        ("DELETE", "/_virga/worlds/main", Json::Null, (409, "WorldStays")),
    ] {
        let (status, answer) = ask(&admin, method, path, body).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (expected.0, &json!(expected.1)),
            "{method} {path}: {answer}"
        );
    }
    let (status, _) = ask(&admin, "DELETE", "/_virga/worlds/t1", Json::Null).await;
    assert_eq!((status, fork.has_ended()), (200, true));
}

#[tokio::test]
async fn a_request_acts_in_the_world_that_was_chosen() {
    let admin = admin();
    ask(&admin, "POST", "/_virga/worlds", json!({"name": "t1"})).await;
    let fork = admin.worlds.get("t1").expect("is there");
    let request = |body: &str| {
        let mut request = Request::post("/_virga/time")
            .body(Bytes::from(body.to_owned()))
            .expect("a request");
        request.extensions_mut().insert(fork.clone());
        request
    };
    let (_, text) = ask_with(&admin, request(r#"{"action": "set", "at": "2030-01-01"}"#)).await;
    assert!(text.contains("\"world\": \"t1\""), "{text}");
    assert_eq!(fork.clock().now().to_iso8601_millis(), "2030-01-01T00:00:00.000Z");
    let (_, time) = ask(&admin, "GET", "/_virga/time", Json::Null).await;
    assert_eq!(
        (&time["now"], &time["world"]),
        (&json!("2026-01-01T00:00:00.000Z"), &json!("main"))
    );
    let mut astray = Request::post("/_virga/reset").body(Bytes::new()).expect("a request");
    astray
        .extensions_mut()
        .insert(virga_service::UnknownWorld("there is no world".to_owned()));
    let (status, text) = ask_with(&admin, astray).await;
    assert!(
        status == StatusCode::NOT_FOUND && text.contains("UnknownWorld"),
        "{text}"
    );
}
