//! Policies, access control lists, ownership and the block of public access.

use crate::{BUCKET, Bench, object};
use serde_json::{Value as Json, json};
use virga_service::{Account, Caller};

const OTHER: u64 = 222_222_222_222;

/// A bucket that has lists, and lets in the public where they say so.
async fn open_bench() -> Bench {
    let bench = Bench { world: crate::world() };
    bench
        .ok("CreateBucket", json!({ "ObjectOwnership": "ObjectWriter" }))
        .await;
    bench.ok("DeletePublicAccessBlock", json!({})).await;
    bench
}

/// The code that a caller's operation ends with; nothing where it succeeds.
async fn code(bench: &Bench, caller: Caller, operation: &str, mut input: Json) -> Option<String> {
    input["Bucket"] = json!(BUCKET);
    let answer = bench.world.call_as(caller, "s3", operation, input).await;
    answer.err().map(|error| error.code.into_owned())
}

fn other() -> Caller {
    Caller::root(Account::from_number(OTHER))
}

fn nobody() -> Caller {
    Caller::anonymous(Account::DEFAULT)
}

fn denied() -> Option<String> {
    Some("AccessDenied".to_owned())
}

async fn put_policy(bench: &Bench, statements: Json) {
    let policy = json!({ "Version": "2012-10-17", "Statement": statements });
    bench
        .ok("PutBucketPolicy", json!({ "Policy": policy.to_string() }))
        .await;
}

fn statement(effect: &str, principal: Json, action: &str, resource: &str) -> Json {
    json!({ "Effect": effect, "Principal": principal, "Action": action, "Resource": resource })
}

#[tokio::test]
async fn others_are_let_in_by_policies_only_where_they_say_so() {
    let bench = open_bench().await;
    bench.put("a", "x").await;
    bench.put("b/c", "x").await;
    assert_eq!(
        code(&bench, other(), "GetObject", json!({ "Key": "a" })).await,
        denied()
    );
    let account = json!({ "AWS": OTHER.to_string() });
    put_policy(
        &bench,
        json!([
            statement("Allow", account.clone(), "s3:GetObject", "arn:aws:s3:::bucket/*"),
            statement("Deny", json!("*"), "s3:GetObject", "arn:aws:s3:::bucket/b/*"),
        ]),
    )
    .await;
    assert_eq!(code(&bench, other(), "GetObject", json!({ "Key": "a" })).await, None);
    assert_eq!(
        code(&bench, other(), "GetObject", json!({ "Key": "b/c" })).await,
        denied()
    );
    assert_eq!(
        code(&bench, nobody(), "GetObject", json!({ "Key": "a" })).await,
        denied()
    );
    // A denial is for the owner too, and told with its ground.
    let error = bench.call("GetObject", json!({ "Key": "b/c" })).await.err();
    assert!(error.is_some_and(|error| {
        error
            .message
            .ends_with("with an explicit deny in a resource-based policy")
    }));
    // Who may not list is not told what is not there.
    assert_eq!(
        code(&bench, other(), "GetObject", json!({ "Key": "none" })).await,
        denied()
    );
    put_policy(
        &bench,
        json!([
            statement("Allow", account.clone(), "s3:GetObject", "arn:aws:s3:::bucket/*"),
            statement("Allow", account, "s3:ListBucket", "arn:aws:s3:::bucket"),
        ]),
    )
    .await;
    let absent = code(&bench, other(), "GetObject", json!({ "Key": "none" })).await;
    assert_eq!(absent.as_deref(), Some("NoSuchKey"));
}

#[tokio::test]
async fn the_owner_can_mend_a_policy_that_shuts_everybody_out() {
    let bench = open_bench().await;
    put_policy(
        &bench,
        json!([statement("Deny", json!("*"), "s3:*", "arn:aws:s3:::bucket")]),
    )
    .await;
    assert_eq!(bench.err("GetBucketAcl", json!({})).await, "AccessDenied");
    bench.ok("GetBucketPolicy", json!({})).await;
    bench.ok("DeleteBucketPolicy", json!({})).await;
    bench.ok("GetBucketAcl", json!({})).await;
    assert_eq!(bench.err("GetBucketPolicy", json!({})).await, "NoSuchBucketPolicy");
}

#[tokio::test]
async fn tags_that_an_object_has_decide() {
    let bench = open_bench().await;
    bench.put_with("open", "x", json!({ "Tagging": "class=public" })).await;
    bench.put_with("shut", "x", json!({ "Tagging": "class=secret" })).await;
    let mut allow = statement("Allow", json!("*"), "s3:GetObject", "arn:aws:s3:::bucket/*");
    allow["Condition"] = json!({ "StringEquals": { "s3:ExistingObjectTag/class": "public" } });
    put_policy(&bench, json!([allow])).await;
    assert_eq!(
        code(&bench, nobody(), "GetObject", json!({ "Key": "open" })).await,
        None
    );
    assert_eq!(
        code(&bench, nobody(), "GetObject", json!({ "Key": "shut" })).await,
        denied()
    );
}

#[tokio::test]
async fn public_policies_are_blocked_at_first() {
    let bench = Bench::new().await;
    let open = json!([statement("Allow", json!("*"), "s3:GetObject", "arn:aws:s3:::bucket/*")]);
    let policy = json!({ "Statement": open }).to_string();
    let error = bench.err("PutBucketPolicy", json!({ "Policy": policy })).await;
    assert_eq!(error, "AccessDenied");
    let block = json!({ "PublicAccessBlockConfiguration": { "RestrictPublicBuckets": true } });
    bench.ok("PutPublicAccessBlock", block).await;
    put_policy(&bench, open).await;
    bench.put("a", "x").await;
    let status = bench.ok("GetBucketPolicyStatus", json!({})).await;
    assert_eq!(status["PolicyStatus"]["IsPublic"], json!(true));
    assert_eq!(
        code(&bench, other(), "GetObject", json!({ "Key": "a" })).await,
        denied()
    );
    bench.ok("DeletePublicAccessBlock", json!({})).await;
    assert_eq!(code(&bench, other(), "GetObject", json!({ "Key": "a" })).await, None);
    assert_eq!(
        bench.err("GetPublicAccessBlock", json!({})).await,
        "NoSuchPublicAccessBlockConfiguration"
    );
}

#[tokio::test]
async fn policies_are_checked() {
    let bench = open_bench().await;
    let allow = |action: &str, resource: &str| statement("Allow", json!("*"), action, resource);
    for (statement, message) in [
        (
            allow("s3:GetObject", "arn:aws:s3:::bucket"),
            "Action does not apply to any resource(s) in statement",
        ),
        (
            allow("s3:ListBucket", "arn:aws:s3:::bucket/*"),
            "Action does not apply to any resource(s) in statement",
        ),
        (
            allow("s3:GetObject", "arn:aws:s3:::other/*"),
            "Policy has invalid resource",
        ),
        (
            allow("s3:Nothing", "arn:aws:s3:::bucket/*"),
            "Policy has invalid action",
        ),
        (allow("sqs:*", "arn:aws:s3:::bucket/*"), "Policy has invalid action"),
        (
            json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "*" }),
            "Missing required field Principal",
        ),
        (
            statement("Allow", json!({ "AWS": "bob" }), "s3:*", "arn:aws:s3:::bucket"),
            "Invalid principal in policy",
        ),
    ] {
        let policy = json!({ "Version": "2012-10-17", "Statement": statement }).to_string();
        let error = bench.call("PutBucketPolicy", json!({ "Policy": policy })).await.err();
        let said = error.map(|error| (error.code.into_owned(), error.message));
        assert_eq!(said, Some(("MalformedPolicy".to_owned(), message.to_owned())));
    }
    for good in [
        allow("s3:*", "arn:aws:s3:::bucket"),
        allow("s3:*", "arn:aws:s3:::bucket*"),
        allow("s3:GetObject*", "arn:aws:s3:::bucket/${aws:username}/*"),
        allow("*", "arn:aws:s3:::*"),
    ] {
        put_policy(&bench, good).await;
    }
}

#[tokio::test]
async fn lists_let_in_whom_they_name() {
    let bench = open_bench().await;
    bench.put_with("open", "x", json!({ "ACL": "public-read" })).await;
    bench
        .put_with("known", "x", json!({ "ACL": "authenticated-read" }))
        .await;
    bench.put("shut", "x").await;
    for (key, nobody_may, other_may) in [("open", true, true), ("known", false, true), ("shut", false, false)] {
        let asked = json!({ "Key": key });
        assert_eq!(
            code(&bench, nobody(), "GetObject", asked.clone()).await.is_none(),
            nobody_may,
            "{key}"
        );
        assert_eq!(
            code(&bench, other(), "GetObject", asked).await.is_none(),
            other_may,
            "{key}"
        );
    }
    let block = json!({ "PublicAccessBlockConfiguration": { "IgnorePublicAcls": true } });
    bench.ok("PutPublicAccessBlock", block).await;
    assert_eq!(
        code(&bench, other(), "GetObject", json!({ "Key": "open" })).await,
        denied()
    );
    let block = json!({ "PublicAccessBlockConfiguration": { "BlockPublicAcls": true } });
    bench.ok("PutPublicAccessBlock", block).await;
    assert_eq!(
        bench
            .err("PutObject", object("more", "x", json!({ "ACL": "public-read" })))
            .await,
        "AccessDenied"
    );
    assert_eq!(
        bench.err("PutBucketAcl", json!({ "ACL": "public-read" })).await,
        "AccessDenied"
    );
}

#[tokio::test]
async fn a_writer_owns_what_it_writes_unless_the_bucket_says_otherwise() {
    let bench = open_bench().await;
    bench.ok("PutBucketAcl", json!({ "ACL": "public-read-write" })).await;
    assert_eq!(
        code(&bench, other(), "PutObject", object("theirs", "x", json!({}))).await,
        None
    );
    assert_eq!(bench.err("GetObject", json!({ "Key": "theirs" })).await, "AccessDenied");
    assert_eq!(
        code(&bench, other(), "GetObject", json!({ "Key": "theirs" })).await,
        None
    );
    let given = object("given", "x", json!({ "ACL": "bucket-owner-full-control" }));
    assert_eq!(code(&bench, other(), "PutObject", given.clone()).await, None);
    bench.ok("GetObject", json!({ "Key": "given" })).await;
    let acl = bench.ok("GetObjectAcl", json!({ "Key": "given" })).await;
    assert_eq!(acl["Grants"].as_array().map(Vec::len), Some(2), "{acl}");
    let rule = |rule: &str| json!({ "OwnershipControls": { "Rules": [{ "ObjectOwnership": rule }] } });
    bench
        .ok("PutBucketOwnershipControls", rule("BucketOwnerPreferred"))
        .await;
    assert_eq!(code(&bench, other(), "PutObject", given).await, None);
    let acl = bench.ok("GetObjectAcl", json!({ "Key": "given" })).await;
    assert_eq!(acl["Grants"].as_array().map(Vec::len), Some(1), "{acl}");
    // Lists end only where there is none left.
    let error = bench
        .err("PutBucketOwnershipControls", rule("BucketOwnerEnforced"))
        .await;
    assert_eq!(error, "InvalidBucketAclWithObjectOwnership");
    bench.ok("PutBucketAcl", json!({ "ACL": "private" })).await;
    bench
        .ok("PutBucketOwnershipControls", rule("BucketOwnerEnforced"))
        .await;
    bench.ok("GetObject", json!({ "Key": "theirs" })).await;
    assert_eq!(
        code(&bench, other(), "GetObject", json!({ "Key": "theirs" })).await,
        denied()
    );
}

#[tokio::test]
async fn lists_are_refused_where_the_owner_owns_all() {
    let bench = Bench::new().await;
    let refused = "AccessControlListNotSupported";
    assert_eq!(bench.err("PutBucketAcl", json!({ "ACL": "private" })).await, refused);
    for (options, code) in [
        (json!({ "ACL": "public-read" }), Some(refused)),
        (json!({ "ACL": "private" }), Some(refused)),
        (json!({ "ACL": "bucket-owner-full-control" }), None),
        (json!({ "ACL": "wrong" }), Some("InvalidArgument")),
    ] {
        let answer = bench.call("PutObject", object("k", "x", options)).await;
        assert_eq!(answer.err().map(|error| error.code).as_deref(), code);
    }
    bench.put("k", "x").await;
    assert_eq!(
        bench
            .err("PutObjectAcl", json!({ "Key": "k", "ACL": "public-read" }))
            .await,
        refused
    );
    let acl = bench.ok("GetBucketAcl", json!({})).await;
    assert_eq!(acl["Grants"][0]["Permission"], json!("FULL_CONTROL"));
    assert_eq!(acl["Grants"][0]["Grantee"]["ID"], acl["Owner"]["ID"]);
    assert_eq!(acl["Owner"]["DisplayName"], Json::Null);
}

#[tokio::test]
async fn documents_of_lists_are_checked_as_recorded() {
    let bench = open_bench().await;
    let owner = bench.ok("GetBucketAcl", json!({})).await["Owner"].clone();
    let group = |uri: &str| json!({ "Type": "Group", "URI": uri });
    let delivery = "http://acs.amazonaws.com/groups/s3/LogDelivery";
    let user = |id: &str| json!({ "Type": "CanonicalUser", "ID": id });
    let document = |owner: Json, grantee: Json, permission: &str| json!({ "AccessControlPolicy": { "Owner": owner, "Grants": [{ "Grantee": grantee, "Permission": permission }] } });
    for (input, code) in [
        (json!({}), "MissingSecurityHeader"),
        (json!({ "AccessControlPolicy": {} }), "MalformedACLError"),
        (document(Json::Null, group(delivery), "WRITE"), "MalformedACLError"),
        (document(owner.clone(), group(delivery), "WRONG"), "MalformedACLError"),
        (
            document(json!({ "ID": "wrong-id" }), group(delivery), "FULL_CONTROL"),
            "InvalidArgument",
        ),
        (document(owner.clone(), group("x"), "FULL_CONTROL"), "InvalidArgument"),
        (
            document(owner.clone(), user("wrong-id"), "FULL_CONTROL"),
            "InvalidArgument",
        ),
        (
            document(owner.clone(), json!({ "Type": "Bad", "ID": "x" }), "FULL_CONTROL"),
            "MalformedACLError",
        ),
        (
            json!({ "ACL": "private", "GrantRead": format!("uri=\"{delivery}\"") }),
            "InvalidRequest",
        ),
        (json!({ "GrantWrite": "fakekey=\"1234\"" }), "InvalidArgument"),
        (json!({ "GrantWrite": "id=\"wrong-id\"" }), "InvalidArgument"),
        (
            json!({ "GrantWrite": "emailAddress=\"a@example.com\"" }),
            "MethodNotAllowed",
        ),
    ] {
        assert_eq!(bench.err("PutBucketAcl", input.clone()).await, code, "{input}");
    }
    let good = document(owner.clone(), group(delivery), "WRITE");
    bench.ok("PutBucketAcl", good).await;
    let acl = bench.ok("GetBucketAcl", json!({})).await;
    assert_eq!(
        acl["Grants"],
        json!([{ "Grantee": group(delivery), "Permission": "WRITE" }])
    );
}
