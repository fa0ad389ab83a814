//! Who is who: accounts as keys, keys that Virga issued, keys from elsewhere, nobody.

use crate::support::{
    FORM, IDENTITY, KEY, KEY_EXPIRED, KEY_INACTIVE, Reply, SECRET, Server, TOKEN, authorization, dynamodb, identity,
    request,
};
use http::{HeaderMap, HeaderValue};
use virga_auth::{Facts, Signer, UNSIGNED_PAYLOAD, sha256_hex};
use virga_base::{Clock, Timestamp};

struct Signed<'a> {
    key: &'a str,
    secret: &'a str,
    token: Option<&'a str>,
    at: Timestamp,
    /// Sent as `x-amz-content-sha256` where it is set.
    payload: Option<&'a str>,
    body: &'a str,
}

impl Signed<'_> {
    fn by(key: &str) -> Signed<'_> {
        Signed {
            key,
            secret: SECRET,
            token: None,
            at: Clock::machine_now(),
            payload: None,
            body: IDENTITY,
        }
    }

    async fn send(&self, server: &Server) -> Reply {
        let mut headers = HeaderMap::new();
        let mut names = vec!["host"];
        let mut add = |name: &'static str, value: &str| {
            headers.insert(name, HeaderValue::try_from(value).expect("a value"));
            names.push(name);
        };
        if let Some(payload) = self.payload {
            add("x-amz-content-sha256", payload);
        }
        add("x-amz-date", &self.at.to_compact());
        if let Some(token) = self.token {
            add("x-amz-security-token", token);
        }
        let hash = sha256_hex(self.body.as_bytes());
        let facts = Facts {
            method: "POST",
            path: "/",
            query: "",
            host: Some("localhost:4566"),
            headers: (&headers).into(),
        };
        let authorization = Signer::authorization(
            self.secret,
            self.key,
            ("us-east-1", "sts"),
            self.at,
            &facts,
            &names.join(";"),
            self.payload.unwrap_or(&hash),
        );
        let mut text = format!("{FORM}Authorization: {authorization}\r\n");
        for (name, value) in &headers {
            text += &format!("{name}: {}\r\n", value.to_str().expect("text"));
        }
        server.send(request("POST /", &text, self.body)).await
    }
}

#[tokio::test]
async fn twelve_digits_are_an_account_and_other_keys_the_default_one() {
    let server = Server::start().await;
    for (key, account) in [
        ("111122223333", "111122223333"),
        ("test", "000000000000"),
        ("AKIAIOSFODNN7EXAMPLE", "000000000000"),
        ("ASIAIOSFODNN7EXAMPLE", "000000000000"),
        ("1111222233334", "000000000000"),
    ] {
        let arn = format!("<Arn>arn:aws:iam::{account}:root</Arn>");
        server.send(identity(key)).await.says(200, &arn);
    }
}

#[tokio::test]
async fn a_key_that_was_issued_is_verified() {
    let server = Server::start().await;
    let reply = Signed::by(KEY).send(&server).await;
    reply.says(200, "<Arn>arn:aws:iam::000000000042:user/ann</Arn>");
    reply.says(200, "<Account>000000000042</Account>");
    let wrong = Signed {
        secret: "wrong",
        ..Signed::by(KEY)
    };
    let reply = wrong.send(&server).await;
    reply.says(403, "<Code>SignatureDoesNotMatch</Code>");
    assert_eq!(server.records.last().error.as_deref(), Some("SignatureDoesNotMatch"));
    server
        .send(identity(KEY))
        .await
        .says(403, "Signature expired: 20260101T000000Z is now earlier than");
    let early = Signed {
        at: Clock::machine_now().plus_secs(3600),
        ..Signed::by(KEY)
    };
    early.send(&server).await.says(403, "Signature not yet current");
}

#[tokio::test]
async fn the_body_must_be_the_one_that_was_signed() {
    let server = Server::start().await;
    let hash = sha256_hex(IDENTITY.as_bytes());
    for payload in [hash.as_str(), UNSIGNED_PAYLOAD] {
        let signed = Signed {
            payload: Some(payload),
            ..Signed::by(KEY)
        };
        signed.send(&server).await.says(200, "user/ann");
    }
    let other = sha256_hex(b"other");
    let signed = Signed {
        payload: Some(&other),
        ..Signed::by(KEY)
    };
    signed.send(&server).await.says(403, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn inactive_and_expired_keys_and_wrong_tokens_are_refused() {
    let server = Server::start().await;
    Signed::by(KEY_INACTIVE)
        .send(&server)
        .await
        .says(403, "<Code>InvalidClientTokenId</Code>");
    Signed::by(KEY_EXPIRED)
        .send(&server)
        .await
        .says(403, "The security token included in the request is invalid.");
    let with_token = Signed {
        token: Some(TOKEN),
        ..Signed::by(KEY_EXPIRED)
    };
    with_token.send(&server).await.says(403, "<Code>ExpiredToken</Code>");
    server.cloud.clock().set(Timestamp::from_secs(1_767_225_599));
    with_token.send(&server).await.says(200, "user/ann");
    let issued = format!("FQoGZXIvYXdzE{}", "x".repeat(343));
    let lost = Signed {
        token: Some(&issued),
        ..Signed::by("ASIAZZZZZZZZZZZZZZZZ")
    };
    lost.send(&server).await.says(403, "<Code>InvalidClientTokenId</Code>");
}

#[tokio::test]
async fn nobody_may_call_what_is_not_open() {
    let server = Server::start().await;
    let reply = server.send(request("POST /", FORM, IDENTITY)).await;
    reply.says(403, "<Code>MissingAuthenticationToken</Code>");
    reply.says(403, "<Message>Request is missing Authentication Token</Message>");
    let target = "X-Amz-Target: DynamoDB_20120810.ListTables\r\nContent-Type: application/x-amz-json-1.0\r\n";
    let reply = server.send(request("POST /", target, "{}")).await;
    reply.says(400, "com.amazon.coral.service#MissingAuthenticationTokenException");
    let reply = server.send(request("GET /bucket/key", "", "")).await;
    assert_eq!(reply.body, "one two three", "S3 decides for itself");
    assert_eq!(
        server.records.last().who.map(|who| who.arn()).as_deref(),
        Some("anonymous")
    );
}

#[tokio::test]
async fn malformed_signatures_are_refused_as_aws_does() {
    let server = Server::start().await;
    let with = |authorization: &str| {
        let headers = format!("{FORM}X-Amz-Date: 20260101T000000Z\r\nAuthorization: {authorization}\r\n");
        request("POST /", &headers, IDENTITY)
    };
    for (header, words) in [
        (
            "AWS4-HMAC-SHA256",
            "Authorization header requires 'Credential' parameter.",
        ),
        ("Bearer abc", "Authorization header requires 'Credential' parameter."),
        ("AWS4-HMAC-SHA256 Foo", "missing equal-sign"),
        (
            "AWS4-HMAC-SHA256 Credential=test, SignedHeaders=host, Signature=0",
            "Credential must have exactly 5 slash-delimited elements",
        ),
    ] {
        let reply = server.send(with(header)).await;
        reply.says(400, "<Code>IncompleteSignature</Code>");
        reply.says(400, words);
    }
    let headers = "X-Amz-Date: 20260101T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential=x\r\n";
    let reply = server.send(request("GET /bucket/key", headers, "")).await;
    reply.says(400, "<Code>AuthorizationHeaderMalformed</Code>");
    let headers_of_none = authorization("test", "s3").replace("/eu-west-1/", "/aws-global/");
    let reply = server.send(request("PUT /bucket/key", &headers_of_none, "x")).await;
    reply.says(400, "the region 'aws-global' is wrong; expecting 'us-east-1'");
    let target = format!("X-Amz-Target: DynamoDB_20120810.ListTables\r\n{headers}");
    let reply = server.send(request("POST /", &target, "{}")).await;
    reply.says(400, "IncompleteSignatureException");
}

#[tokio::test]
async fn links_expire_by_real_time() {
    let server = Server::start().await;
    let link = |at: Timestamp, more: &str| {
        format!(
            "GET /bucket/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test%2F{}%2Fus-east-1%2Fs3%2Faws4_request\
             &X-Amz-Date={}&X-Amz-SignedHeaders=host&X-Amz-Signature=00{more}",
            at.to_compact().get(..8).expect("a date"),
            at.to_compact()
        )
    };
    let now = Clock::machine_now();
    let get = async |line: String, headers: &str| server.send(request(&line, headers, "")).await;
    assert_eq!(get(link(now, "&X-Amz-Expires=60"), "").await.body, "one two three");
    let expired = get(link(now.plus_secs(-61), "&X-Amz-Expires=60"), "").await;
    expired.says(403, "<Message>Request has expired</Message>");
    get(link(now, ""), "")
        .await
        .says(400, "<Code>AuthorizationQueryParametersError</Code>");
    get(link(now, "&X-Amz-Expires=604801"), "")
        .await
        .says(400, "X-Amz-Expires must be less than a week");
    get(link(now, "&X-Amz-Expires=60"), "x-amz-meta-a: b\r\n")
        .await
        .says(403, "<HeadersNotSigned>x-amz-meta-a</HeadersNotSigned>");
    get(link(now, "&X-Amz-Expires=60"), &authorization("test", "s3"))
        .await
        .says(400, "Only one auth mechanism allowed");
    assert!(server.send(dynamodb("", "ListTables", "{}")).await.status == 200);
}
