//! Requests that need a closer look than `addressing.rs` gives.

use virga_shape::address::{AddressError, Bucket, Facts, address};

/// A request in short: `METHOD path?query`, with what else it has as `name: value` words.
fn check(request: &str, headers: &[(&str, &str)], expected: &str) {
    let (method, url) = request.split_once(' ').expect("method and path");
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let header = |name: &str| {
        headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    };
    let facts = Facts {
        method,
        path,
        query,
        host: header("host").unwrap_or("localhost:4566"),
        target: header("x-amz-target"),
        smithy_protocol: header("smithy-protocol"),
        content_type: &|| header("content-type"),
        scope: header("scope"),
        form: header("action").map(|action| (action, header("version"))),
        user_agent: &|| header("user-agent"),
        has_header: &|name| header(name).is_some(),
    };
    let found = match address(&facts) {
        Ok(found) => {
            let bucket = found
                .bucket
                .map(|Bucket(name)| format!(" in {name}"))
                .unwrap_or_default();
            format!(
                "{} {} {}{bucket}",
                found.model.name,
                found.operation.name,
                found.protocol.as_str()
            )
        }
        Err(AddressError::UnknownService { named, protocol }) => format!("no service {named} {}", protocol.as_str()),
        Err(AddressError::UnknownOperation { model, protocol, name }) => {
            format!("{} has no {name} {}", model.name, protocol.as_str())
        }
    };
    assert_eq!(found, expected, "{request} {headers:?}");
}

#[test]
fn s3_tells_its_operations_apart() {
    let s3 = |request: &str, headers: &[(&str, &str)], operation: &str| {
        let headers: Vec<(&str, &str)> = [("scope", "s3")].iter().chain(headers).copied().collect();
        check(request, &headers, &format!("s3 {operation} rest-xml"));
    };
    s3("GET /", &[], "ListBuckets");
    s3("GET /?x-id=ListDirectoryBuckets", &[], "ListDirectoryBuckets");
    s3("PUT /b", &[], "CreateBucket");
    s3("PUT /b/", &[], "CreateBucket");
    s3("HEAD /b", &[], "HeadBucket");
    s3("GET /b", &[], "ListObjects");
    s3("GET /b/?list-type=2&prefix=a", &[], "ListObjectsV2");
    s3("GET /b?versions", &[], "ListObjectVersions");
    s3("GET /b?versions=", &[], "ListObjectVersions");
    s3("GET /b?location", &[], "GetBucketLocation");
    s3("GET /b?analytics", &[], "ListBucketAnalyticsConfigurations");
    s3("GET /b?analytics&id=a", &[], "GetBucketAnalyticsConfiguration");
    s3("PUT /b?lifecycle", &[], "PutBucketLifecycleConfiguration");
    s3("POST /b?delete", &[], "DeleteObjects");
    s3("PUT /b/k", &[], "PutObject");
    s3("PUT /b/k?x-id=PutObject", &[], "PutObject");
    s3("PUT /b/k", &[("x-amz-copy-source", "b/o")], "CopyObject");
    s3("PUT /b/k?partNumber=1&uploadId=u", &[], "UploadPart");
    s3(
        "PUT /b/k?partNumber=1&uploadId=u",
        &[("x-amz-copy-source", "b/o")],
        "UploadPartCopy",
    );
    s3("PUT /b/k?tagging", &[], "PutObjectTagging");
    s3("PUT /b/k?acl", &[], "PutObjectAcl");
    s3("POST /b/k?uploads", &[], "CreateMultipartUpload");
    s3("POST /b/k?uploadId=u", &[], "CompleteMultipartUpload");
    s3("DELETE /b/k?uploadId=u", &[], "AbortMultipartUpload");
    s3("DELETE /b/k", &[], "DeleteObject");
    s3("GET /b/k?uploadId=u", &[], "ListParts");
    s3("GET /b/k?versionId=v", &[], "GetObject");
    s3(
        "GET /b/k?attributes",
        &[("x-amz-object-attributes", "ETag")],
        "GetObjectAttributes",
    );
    s3("POST /b/k?select&select-type=2", &[], "SelectObjectContent");
    for key in ["a/", "/", "//", "/a", "a//b", "a/b/c/", "%2F", "..", "a%20b?", "?"] {
        let operation = if key == "?" { "ListObjects" } else { "GetObject" };
        s3(&format!("GET /b/{key}"), &[], operation);
    }
    // A key as S3 Control's paths begin, and S3 Control itself.
    s3("GET /v20180820/bucket/b", &[], "GetObject");
    let control = [("scope", "s3"), ("x-amz-account-id", "000000000000")];
    check("GET /v20180820/bucket/b", &control, "s3control GetBucket rest-xml");
    s3("POST /b", &[], "PostObject");
    check("PATCH /b", &[("scope", "s3")], "s3 has no PATCH /b rest-xml");
}

#[test]
fn a_bucket_in_the_host_name_joins_the_path() {
    for (request, operation) in [
        ("GET /", "ListObjects"),
        ("GET /?list-type=2", "ListObjectsV2"),
        ("PUT /k", "PutObject"),
        ("PUT //k", "PutObject"),
        ("PUT /", "CreateBucket"),
    ] {
        for host in [
            "my.bucket.s3.us-east-1.localhost:4566",
            "my.bucket.s3.localhost.localstack.cloud",
        ] {
            let expected = format!("s3 {operation} rest-xml in my.bucket");
            check(request, &[("scope", "s3"), ("host", host)], &expected);
            check(request, &[("host", host)], &expected);
        }
    }
    check(
        "GET /b",
        &[("host", "s3.us-east-1.localhost:4566")],
        "s3 ListObjects rest-xml",
    );
}

#[test]
fn unsigned_requests_find_their_service() {
    check("GET /b/k", &[], "s3 GetObject rest-xml");
    check(
        "GET /federation/credentials?role_name=r&account_id=a",
        &[],
        "s3 GetObject rest-xml",
    );
    let token = [("x-amz-sso_bearer_token", "t")];
    check(
        "GET /federation/credentials?role_name=r&account_id=a",
        &token,
        "sso GetRoleCredentials rest-json",
    );
    check(
        "POST /token",
        &[("content-type", "application/json")],
        "sso-oidc CreateToken rest-json",
    );
    let saml = [("action", "AssumeRoleWithSAML"), ("version", "2011-06-15")];
    check("POST /", &saml, "sts AssumeRoleWithSAML query");
    check(
        "POST /",
        &[("action", "AssumeRoleWithSAML")],
        "sts AssumeRoleWithSAML query",
    );
    check(
        "POST /",
        &[("x-amz-target", "AmazonSQS.SendMessage")],
        "sqs SendMessage json-1.0",
    );
    check(
        "GET /?Action=GetCallerIdentity&Version=2011-06-15",
        &[],
        "sts GetCallerIdentity query",
    );
    let queue = [("action", "SendMessage"), ("version", "2012-11-05")];
    check("POST /000000000000/q", &queue, "sqs SendMessage query");
}

#[test]
fn the_protocol_marks_decide() {
    let cbor = ("smithy-protocol", "rpc-v2-cbor");
    let path = "POST /service/GraniteServiceVersion20100801/operation/PutMetricData";
    check(path, &[cbor], "cloudwatch PutMetricData smithy-rpc-v2-cbor");
    check(
        path,
        &[cbor, ("scope", "monitoring")],
        "cloudwatch PutMetricData smithy-rpc-v2-cbor",
    );
    check(
        "POST /service/No/operation/X",
        &[cbor],
        "no service No smithy-rpc-v2-cbor",
    );
    check("POST /", &[cbor], "no service  smithy-rpc-v2-cbor");
    let target = ("x-amz-target", "GraniteServiceVersion20100801.PutMetricData");
    check("POST /", &[target], "cloudwatch PutMetricData json-1.0");
    let action = ("action", "PutMetricData");
    check(
        "POST /",
        &[action, ("scope", "monitoring")],
        "cloudwatch PutMetricData query",
    );
    let write = ("x-amz-target", "Timestream_20181101.WriteRecords");
    check("POST /", &[write], "timestream-write WriteRecords json-1.0");
    let tags = ("x-amz-target", "Timestream_20181101.TagResource");
    let host = ("host", "ingest.timestream.us-east-1.amazonaws.com");
    check("POST /", &[tags, host], "timestream-write TagResource json-1.0");
}

#[test]
fn versions_and_names_tell_relatives_apart() {
    let balancers = ("scope", "elasticloadbalancing");
    let describe = ("action", "DescribeLoadBalancers");
    check(
        "POST /",
        &[balancers, describe, ("version", "2012-06-01")],
        "elb DescribeLoadBalancers query",
    );
    check(
        "POST /",
        &[balancers, describe, ("version", "2015-12-01")],
        "elbv2 DescribeLoadBalancers query",
    );
    check(
        "POST /",
        &[("scope", "rds"), ("action", "CreateDBCluster")],
        "rds CreateDBCluster query",
    );
    check(
        "GET /restapis",
        &[("scope", "apigateway")],
        "apigateway GetRestApis rest-json",
    );
    check(
        "GET /v2/apis",
        &[("scope", "apigateway")],
        "apigatewayv2 GetApis rest-json",
    );
    let agent = [
        ("scope", "chime"),
        ("user-agent", "aws-sdk-js/3 api/chime-sdk-meetings#3.1"),
    ];
    check(
        "GET /tags?arn=a",
        &agent,
        "chime-sdk-meetings ListTagsForResource rest-json",
    );
}

#[test]
fn what_is_not_there_is_named() {
    check(
        "POST /",
        &[("x-amz-target", "AmazonSQS.Fly")],
        "sqs has no Fly json-1.0",
    );
    check(
        "POST /",
        &[("x-amz-target", "Nobody.Fly")],
        "no service Nobody json-1.1",
    );
    check(
        "POST /",
        &[("x-amz-target", "Nobody.Fly"), ("scope", "sqs")],
        "sqs has no Nobody.Fly json-1.0",
    );
    check("POST /", &[("x-amz-target", "")], "no service  json-1.1");
    check("POST /", &[("action", "Fly"), ("scope", "sns")], "sns has no Fly query");
    check("GET /x", &[("scope", "nobody")], "no service nobody rest-xml");
    check(
        "GET /2015-03-31/nothing",
        &[("scope", "lambda")],
        "lambda has no GET /2015-03-31/nothing rest-json",
    );
}
