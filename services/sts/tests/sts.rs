//! STS through the call door, under a clock that stands still.

mod assertion;

use assertion::saml_assertion;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};
use std::time::Duration;
use virga_base::{Region, Timestamp};
use virga_service::{Caller, Credential, Principal};
use virga_testkit::{START_S, World};

const ROLE: &str = "arn:aws:iam::111122223333:role/team/reader";

fn world() -> World {
    World::new(vec![virga_sts::service()])
}

/// Who signs with the credentials of an answer, as the edge finds out.
async fn credential(world: &World, answer: &Json) -> Credential {
    let id = text(answer, "/Credentials/AccessKeyId");
    let found = world.cloud.find_credential(&id, &Region::default()).await;
    found
        .unwrap_or_else(|error| panic!("{error}"))
        .unwrap_or_else(|| panic!("{id} is unknown"))
}

fn text(answer: &Json, pointer: &str) -> String {
    let found = answer.pointer(pointer).and_then(Json::as_str);
    found
        .unwrap_or_else(|| panic!("{pointer} is missing in {answer}"))
        .to_owned()
}

fn expiration_s(answer: &Json) -> i64 {
    let shown = answer.pointer("/Credentials/Expiration");
    let shown = shown.unwrap_or_else(|| panic!("no expiration in {answer}"));
    let at = match shown {
        Json::String(text) => Timestamp::parse_iso8601(text),
        number => number.as_f64().map(Timestamp::from_secs_f64),
    };
    at.unwrap_or_else(|| panic!("{shown} is no time")).as_secs() - START_S
}

async fn assume(world: &World, more: Json) -> Json {
    world.ok("sts", "AssumeRole", role_request(more)).await
}

fn role_request(more: Json) -> Json {
    let mut request = json!({"RoleArn": ROLE, "RoleSessionName": "me"});
    if let (Some(request), Json::Object(more)) = (request.as_object_mut(), more) {
        request.extend(more);
    }
    request
}

#[tokio::test]
async fn the_default_caller_is_the_root_user_of_its_account() {
    let answer = world().as_account(42).ok("sts", "GetCallerIdentity", json!({})).await;
    assert_eq!(
        answer,
        json!({"UserId": "000000000042", "Account": "000000000042", "Arn": "arn:aws:iam::000000000042:root"})
    );
}

#[tokio::test]
async fn arns_are_those_of_the_regions_partition() {
    let answer = world()
        .in_region("cn-north-1")
        .ok("sts", "GetCallerIdentity", json!({}))
        .await;
    assert_eq!(text(&answer, "/Arn"), "arn:aws-cn:iam::000000000000:root");
}

#[tokio::test]
async fn an_assumed_role_is_who_its_credentials_say() {
    let world = world();
    let answer = assume(&world, json!({})).await;
    let user = text(&answer, "/AssumedRoleUser/Arn");
    assert_eq!(user, "arn:aws:sts::111122223333:assumed-role/reader/me");
    let id = text(&answer, "/AssumedRoleUser/AssumedRoleId");
    assert!(
        id.starts_with("AROA") && id.ends_with(":me") && id.len() == 21 + 3,
        "{id}"
    );
    assert_eq!(answer.get("PackedPolicySize"), None);

    let access_key_id = text(&answer, "/Credentials/AccessKeyId");
    assert!(
        access_key_id.starts_with("ASIA") && access_key_id.len() == 20,
        "{access_key_id}"
    );
    assert_eq!(text(&answer, "/Credentials/SecretAccessKey").len(), 40);
    assert_eq!(text(&answer, "/Credentials/SessionToken").len(), 356);
    assert_eq!(expiration_s(&answer), 3600);

    let credential = credential(&world, &answer).await;
    assert_eq!(
        credential.secret_access_key,
        text(&answer, "/Credentials/SecretAccessKey")
    );
    assert_eq!(
        credential.session_token,
        Some(text(&answer, "/Credentials/SessionToken"))
    );
    assert_eq!(credential.caller.access_key_id, Some(access_key_id));
    let role_world = world.as_account(credential.caller.account.number());
    let identity = role_world
        .call_as(credential.caller, "sts", "GetCallerIdentity", json!({}))
        .await
        .unwrap();
    assert_eq!(identity, json!({"UserId": id, "Account": "111122223333", "Arn": user}));
}

#[tokio::test]
async fn every_session_has_its_own_credentials_and_the_role_its_one_id() {
    let world = world();
    let (one, two) = (assume(&world, json!({})).await, assume(&world, json!({})).await);
    for field in ["AccessKeyId", "SecretAccessKey", "SessionToken"] {
        let pointer = format!("/Credentials/{field}");
        assert_ne!(text(&one, &pointer), text(&two, &pointer));
    }
    assert_eq!(one["AssumedRoleUser"], two["AssumedRoleUser"]);
}

#[tokio::test]
async fn the_same_seed_issues_the_same_credentials() {
    assert_eq!(assume(&world(), json!({})).await, assume(&world(), json!({})).await);
}

#[tokio::test]
async fn an_ended_session_stays_known_for_a_week() {
    let world = world();
    let answer = assume(&world, json!({"DurationSeconds": 900})).await;
    assert_eq!(expiration_s(&answer), 900);
    world.pass(Duration::from_secs(900)).await;
    assert_eq!(
        credential(&world, &answer).await.expires,
        Some(world.cloud.clock().now())
    );
    world.pass(Duration::from_secs(7 * 24 * 3600)).await;
    let id = text(&answer, "/Credentials/AccessKeyId");
    assert_eq!(world.cloud.find_credential(&id, &Region::default()).await, Ok(None));
}

#[tokio::test]
async fn role_arns_are_checked() {
    let world = world();
    for (arn, message) in [
        ("nothing-valid-in-here", "nothing-valid-in-here is invalid"),
        ("arn:aws:iam::111122223333:user/reader", "Request ARN is invalid"),
    ] {
        let error = world
            .err("sts", "AssumeRole", role_request(json!({"RoleArn": arn})))
            .await;
        assert_eq!(error, ("ValidationError".to_owned(), message.to_owned()));
    }
}

#[tokio::test]
async fn a_role_session_chains_for_an_hour_at_most() {
    let world = world();
    let first = credential(&world, &assume(&world, json!({"DurationSeconds": 43_200})).await).await;
    let longer = role_request(json!({"DurationSeconds": 3601}));
    let error = world
        .call_as(first.caller.clone(), "sts", "AssumeRole", longer)
        .await
        .unwrap_err();
    assert_eq!(error.code, "ValidationError");
    assert_eq!(
        error.message,
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
    );
    let hour = role_request(json!({"DurationSeconds": 3600}));
    let answer = world.call_as(first.caller, "sts", "AssumeRole", hour).await.unwrap();
    assert_eq!(expiration_s(&answer), 3600);
}

#[tokio::test]
async fn transitive_tags_go_along_the_chain_and_cannot_be_overridden() {
    let world = world();
    let tags = json!([{"Key": "SessionTag1", "Value": "1"}, {"Key": "Other", "Value": "2"}]);
    let mut session = assume(&world, json!({"Tags": tags, "TransitiveTagKeys": ["sessiontag1"]})).await;
    // Still so in the session that the second session starts.
    for _ in 0..2 {
        let caller = credential(&world, &session).await.caller;
        let again = role_request(json!({"Tags": [{"Key": "sessionTAG1", "Value": "2"}]}));
        let error = world
            .call_as(caller.clone(), "sts", "AssumeRole", again)
            .await
            .unwrap_err();
        assert_eq!(error.code, "InvalidParameterValue");
        assert!(
            error
                .message
                .ends_with("conflicts with a transitive tag key from the calling session."),
            "{error}"
        );
        let other = role_request(json!({"Tags": [{"Key": "Other", "Value": "3"}]}));
        session = world.call_as(caller, "sts", "AssumeRole", other).await.unwrap();
    }
}

#[tokio::test]
async fn a_source_identity_once_set_stays() {
    let world = world();
    let first = assume(&world, json!({"SourceIdentity": "alice"})).await;
    assert_eq!(text(&first, "/SourceIdentity"), "alice");
    let caller = credential(&world, &first).await.caller;
    let second = world
        .call_as(caller.clone(), "sts", "AssumeRole", role_request(json!({})))
        .await
        .unwrap();
    assert_eq!(text(&second, "/SourceIdentity"), "alice");
    let bob = role_request(json!({"SourceIdentity": "bob"}));
    let error = world.call_as(caller, "sts", "AssumeRole", bob).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("AccessDenied", 403));
    assert!(error.message.contains("sts:SetSourceIdentity"), "{error}");
}

#[tokio::test]
async fn session_policies_are_checked_and_measured() {
    let world = world();
    let policy =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]});
    let answer = assume(&world, json!({"Policy": policy.to_string()})).await;
    assert!(
        answer["PackedPolicySize"]
            .as_i64()
            .is_some_and(|percent| (1..=10).contains(&percent)),
        "{answer}"
    );
    let error = world
        .err("sts", "AssumeRole", role_request(json!({"Policy": "{"})))
        .await;
    assert_eq!(error.0, "MalformedPolicyDocumentException");
}

#[tokio::test]
async fn a_session_token_stands_for_its_caller() {
    let world = world().as_account(7);
    let user = Caller {
        account: world.account,
        principal: Principal::User {
            name: "ann".into(),
            path: "/".into(),
            id: "AIDAEXAMPLE".into(),
        },
        access_key_id: None,
    };
    let answer = world
        .call_as(user.clone(), "sts", "GetSessionToken", json!({}))
        .await
        .unwrap();
    assert_eq!(expiration_s(&answer), 43_200);
    let session = credential(&world, &answer).await.caller;
    assert_eq!((session.account, &session.principal), (user.account, &user.principal));
    for operation in ["GetSessionToken", "GetFederationToken"] {
        let input = if operation == "GetSessionToken" {
            json!({})
        } else {
            json!({"Name": "bob"})
        };
        let error = world
            .call_as(session.clone(), "sts", operation, input)
            .await
            .unwrap_err();
        assert_eq!((error.code.as_ref(), error.status), ("AccessDenied", 403));
        assert_eq!(
            error.message,
            format!("Cannot call {operation} with session credentials")
        );
    }
    // A session of a user may still assume roles, with no limit of an hour.
    let longer = role_request(json!({"DurationSeconds": 7200}));
    assert!(world.call_as(session, "sts", "AssumeRole", longer).await.is_ok());
}

#[tokio::test]
async fn a_federated_user_is_named_by_the_caller() {
    let world = world().as_account(7);
    let answer = world
        .ok(
            "sts",
            "GetFederationToken",
            json!({"Name": "bob", "DurationSeconds": 900}),
        )
        .await;
    assert_eq!(
        answer["FederatedUser"],
        json!({"FederatedUserId": "000000000007:bob", "Arn": "arn:aws:sts::000000000007:federated-user/bob"})
    );
    assert_eq!((&answer["PackedPolicySize"], expiration_s(&answer)), (&json!(0), 900));
    let caller = credential(&world, &answer).await.caller;
    let identity = world
        .call_as(caller, "sts", "GetCallerIdentity", json!({}))
        .await
        .unwrap();
    assert_eq!(text(&identity, "/Arn"), "arn:aws:sts::000000000007:federated-user/bob");
}

#[tokio::test]
async fn an_access_key_tells_its_account() {
    let world = world().as_account(7);
    let info = |id: String| {
        let world = &world;
        async move { world.call("sts", "GetAccessKeyInfo", json!({"AccessKeyId": id})).await }
    };
    let session = assume(&world, json!({})).await;
    let answer = info(text(&session, "/Credentials/AccessKeyId")).await.unwrap();
    assert_eq!(text(&answer, "/Account"), "111122223333");
    // Never issued here: read off the key.
    assert_eq!(
        text(&info("ASIAQNZGKIQY56JQ7WML".into()).await.unwrap(), "/Account"),
        "029608264753"
    );
    // The older form names nobody.
    assert_eq!(
        text(&info("AKIAIOSFODNN7EXAMPLE".into()).await.unwrap(), "/Account"),
        "000000000007"
    );
    let error = info("NOTAKEYATALLREALLY".into()).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("InvalidClientTokenId", 403));
}

#[tokio::test]
async fn no_authorization_message_is_valid_yet() {
    let error = world()
        .err("sts", "DecodeAuthorizationMessage", json!({"EncodedMessage": "abc"}))
        .await;
    assert_eq!(error.0, "InvalidAuthorizationMessageException");
}

#[tokio::test]
async fn the_root_user_of_another_account_can_be_assumed_for_a_task() {
    let world = world();
    let task = json!({"arn": "arn:aws:iam::aws:policy/root-task/SQSUnlockQueuePolicy"});
    for target in ["111122223333", "arn:aws:iam::111122223333:root"] {
        let request = json!({"TargetPrincipal": target, "TaskPolicyArn": task});
        let answer = world.ok("sts", "AssumeRoot", request).await;
        assert_eq!(expiration_s(&answer), 900);
        let caller = credential(&world, &answer).await.caller;
        assert_eq!(
            (caller.account.number(), caller.principal),
            (111_122_223_333, Principal::Root)
        );
    }
    let other = json!({"TargetPrincipal": "111122223333", "TaskPolicyArn": {"arn": "arn:aws:iam::aws:policy/Admin"}});
    assert_eq!(world.err("sts", "AssumeRoot", other).await.0, "ValidationError");
}

fn web_identity(claims: &Json, more: Json) -> Json {
    let part = |json: &Json| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let token = format!("{}.{}.c2ln", part(&json!({"alg": "RS256"})), part(claims));
    let mut request = role_request(json!({"WebIdentityToken": token}));
    if let (Some(request), Json::Object(more)) = (request.as_object_mut(), more) {
        request.extend(more);
    }
    request
}

#[tokio::test]
async fn a_web_identity_assumes_a_role() {
    let world = world();
    let claims = json!({"iss": "https://oidc.example/id/1", "sub": "system:a:b", "aud": "sts.amazonaws.com", "exp": START_S + 60});
    let answer = world
        .ok("sts", "AssumeRoleWithWebIdentity", web_identity(&claims, json!({})))
        .await;
    assert_eq!(text(&answer, "/SubjectFromWebIdentityToken"), "system:a:b");
    assert_eq!(text(&answer, "/Audience"), "sts.amazonaws.com");
    assert_eq!(
        text(&answer, "/Provider"),
        "arn:aws:iam::111122223333:oidc-provider/oidc.example/id/1"
    );
    assert_eq!(
        text(&answer, "/AssumedRoleUser/Arn"),
        "arn:aws:sts::111122223333:assumed-role/reader/me"
    );

    world.pass(Duration::from_secs(60)).await;
    let (code, message) = world
        .err("sts", "AssumeRoleWithWebIdentity", web_identity(&claims, json!({})))
        .await;
    assert_eq!(code, "ExpiredTokenException");
    assert!(
        message.starts_with("Token expired: current date/time 1767225660 must be before"),
        "{message}"
    );
}

#[tokio::test]
async fn an_access_token_needs_its_provider_named() {
    let world = world();
    let request = |more: Json| {
        let mut request = role_request(json!({"WebIdentityToken": "Atza|opaque"}));
        if let (Some(request), Json::Object(more)) = (request.as_object_mut(), more) {
            request.extend(more);
        }
        request
    };
    let (code, message) = world.err("sts", "AssumeRoleWithWebIdentity", request(json!({}))).await;
    assert_eq!(code, "InvalidIdentityTokenException");
    assert!(message.contains("is not a valid JWT"), "{message}");
    let amazon = request(json!({"ProviderId": "www.amazon.com"}));
    let answer = world.ok("sts", "AssumeRoleWithWebIdentity", amazon).await;
    assert_eq!(text(&answer, "/Provider"), "www.amazon.com");
}

fn saml_request(assertion: &str, more: Json) -> Json {
    let mut request = json!({
        "RoleArn": "arn:aws:iam::111122223333:role/reader",
        "PrincipalArn": "arn:aws:iam::111122223333:saml-provider/Idp",
        "SAMLAssertion": assertion,
    });
    if let (Some(request), Json::Object(more)) = (request.as_object_mut(), more) {
        request.extend(more);
    }
    request
}

#[tokio::test]
async fn a_saml_assertion_assumes_a_role() {
    let world = world();
    let answer = world
        .ok(
            "sts",
            "AssumeRoleWithSAML",
            saml_request(&saml_assertion("jo@example", 1800), json!({})),
        )
        .await;
    assert_eq!(
        text(&answer, "/AssumedRoleUser/Arn"),
        "arn:aws:sts::111122223333:assumed-role/reader/jo@example"
    );
    assert_eq!(text(&answer, "/Issuer"), "https://idp.example");
    assert_eq!(
        (text(&answer, "/Subject"), text(&answer, "/SubjectType")),
        ("jo".into(), "persistent".into())
    );
    assert_eq!(text(&answer, "/Audience"), "https://signin.aws.amazon.com/saml");
    assert_eq!(text(&answer, "/SourceIdentity"), "jo");
    assert_eq!(expiration_s(&answer), 1800);
    let shorter = saml_request(&saml_assertion("jo@example", 1800), json!({"DurationSeconds": 900}));
    assert_eq!(expiration_s(&world.ok("sts", "AssumeRoleWithSAML", shorter).await), 900);
}

#[tokio::test]
async fn a_saml_assertion_allows_only_its_roles() {
    let world = world();
    let good = saml_assertion("jo", 1800);
    for (more, code, message) in [
        (
            json!({"RoleArn": "arn:aws:iam::111122223333:role/admin"}),
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithSAML",
        ),
        (
            json!({"PrincipalArn": "arn:aws:iam::111122223333:role/reader"}),
            "ValidationError",
            "Principal ARN is invalid",
        ),
        (
            json!({"SAMLAssertion": "????"}),
            "InvalidIdentityTokenException",
            "Invalid base64 SAMLResponse",
        ),
        (
            json!({"SAMLAssertion": saml_assertion("not a name", 1800)}),
            "InvalidIdentityTokenException",
            "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}",
        ),
    ] {
        let error = world.err("sts", "AssumeRoleWithSAML", saml_request(&good, more)).await;
        assert_eq!(error, (code.to_owned(), message.to_owned()));
    }
}

#[tokio::test]
async fn saml_times_count_where_the_user_wants_it() {
    let settings = [(
        "sts".to_owned(),
        [("check_saml_times".to_owned(), "true".to_owned())].into(),
    )];
    let world = World::with_settings(vec![virga_sts::service()], settings.into());
    let request = saml_request(&saml_assertion("jo", 1800), json!({}));
    world.ok("sts", "AssumeRoleWithSAML", request.clone()).await;
    world.pass(Duration::from_secs(300)).await;
    assert_eq!(
        world.err("sts", "AssumeRoleWithSAML", request).await.0,
        "ExpiredTokenException"
    );
}
