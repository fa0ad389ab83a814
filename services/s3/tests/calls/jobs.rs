//! Batch jobs: what they do, how they wait, end and report.

use crate::control::{self, err, ok};
use crate::{BUCKET, Bench};
use serde_json::{Value as Json, json};
use std::time::Duration;

/// A bucket with two objects, and a manifest of three.
async fn bench() -> Bench {
    let bench = control::bench().await;
    for key in ["a b", "c"] {
        bench.put(key, "x").await;
    }
    bench.put("manifest.csv", "bucket,a%20b\nbucket,c\nbucket,none\n").await;
    bench
}

async fn job(bench: &Bench, operation: Json) -> Json {
    let told = bench.ok("HeadObject", json!({ "Key": "manifest.csv" })).await;
    json!({ "Operation": operation, "Priority": 1, "RoleArn": "arn:aws:iam::000000000000:role/jobs/batch",
        "ClientRequestToken": "token", "ConfirmationRequired": false,
        "Report": { "Enabled": true, "Bucket": "arn:aws:s3:::bucket", "Prefix": "reports", "ReportScope": "AllTasks",
            "Format": "Report_CSV_20180820" },
        "Manifest": { "Spec": { "Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key"] },
            "Location": { "ObjectArn": "arn:aws:s3:::bucket/manifest.csv", "ETag": told["ETag"] } } })
}

fn tagging() -> Json {
    json!({ "S3PutObjectTagging": { "TagSet": [{ "Key": "class", "Value": "old" }] } })
}

async fn described(bench: &Bench, made: &Json) -> Json {
    ok(bench, "DescribeJob", json!({ "JobId": made["JobId"] })).await["Job"].clone()
}

#[tokio::test]
async fn a_job_does_one_thing_to_each_object_of_its_manifest() {
    let bench = bench().await;
    let made = ok(&bench, "CreateJob", job(&bench, tagging()).await).await;
    assert_eq!(described(&bench, &made).await["Status"], "New");
    bench.world.pass(Duration::from_secs(1)).await;
    let told = described(&bench, &made).await;
    assert_eq!(told["Status"], "Complete");
    let progress = &told["ProgressSummary"];
    assert_eq!(progress["TotalNumberOfTasks"], 3);
    assert_eq!(progress["NumberOfTasksSucceeded"], 2);
    assert_eq!(progress["NumberOfTasksFailed"], 1);
    let tags = bench.ok("GetObjectTagging", json!({ "Key": "a b" })).await;
    assert_eq!(tags["TagSet"][0]["Value"], "old");
    // The report has a file of what succeeded and one of what failed, and a list of the two.
    let id = made["JobId"].as_str().unwrap_or_default();
    let manifest = bench.text(&format!("reports/job-{id}/manifest.json")).await;
    let manifest: Json = serde_json::from_str(&manifest.unwrap_or_default()).unwrap_or_default();
    let results = manifest["Results"].as_array().cloned().unwrap_or_default();
    let statuses: Vec<&str> = results
        .iter()
        .filter_map(|one| one["TaskExecutionStatus"].as_str())
        .collect();
    assert_eq!(statuses, ["succeeded", "failed"]);
    let failed = bench
        .text(results[1]["Key"].as_str().unwrap_or_default())
        .await
        .unwrap_or_default();
    assert_eq!(
        failed,
        "bucket,none,,failed,404,NoSuchKey,\"The specified key does not exist.\"\n"
    );
    let list = ok(&bench, "ListJobs", json!({ "JobStatuses": ["Complete"] })).await;
    assert_eq!(list["Jobs"][0]["Operation"], "S3PutObjectTagging");
}

#[tokio::test]
async fn a_long_manifest_is_read_piece_by_piece() {
    let bench = bench().await;
    // Some steps end with their count of objects, others with the piece of the manifest that they read.
    let lines: Vec<String> = (0..1_300)
        .map(|at| format!("bucket,{}{at}", "k".repeat(if at < 600 { 1 } else { 900 })))
        .collect();
    bench
        .put("manifest.csv", &format!("{}\n\n", lines.join("\r\n\n")))
        .await;
    let delete = json!({ "S3DeleteObjectTagging": {} });
    let made = ok(&bench, "CreateJob", job(&bench, delete).await).await;
    bench.world.pass(Duration::from_secs(1)).await;
    let told = described(&bench, &made).await;
    assert_eq!(
        (&told["Status"], &told["ProgressSummary"]["NumberOfTasksFailed"]),
        (&json!("Complete"), &json!(1_300))
    );
    let id = made["JobId"].as_str().unwrap_or_default();
    let manifest = bench.text(&format!("reports/job-{id}/manifest.json")).await;
    let manifest: Json = serde_json::from_str(&manifest.unwrap_or_default()).unwrap_or_default();
    let report = bench
        .text(manifest["Results"][0]["Key"].as_str().unwrap_or_default())
        .await;
    let report = report.unwrap_or_default();
    let named: Vec<&str> = report.lines().filter_map(|line| line.split(",,").next()).collect();
    assert_eq!(named, lines);
}

#[tokio::test]
async fn a_manifest_that_is_changed_ends_its_job() {
    let bench = bench().await;
    let mut input = job(&bench, tagging()).await;
    input["ConfirmationRequired"] = json!(true);
    let made = ok(&bench, "CreateJob", input).await;
    bench.world.pass(Duration::from_secs(1)).await;
    bench.put("manifest.csv", "").await;
    let ready = json!({ "JobId": made["JobId"], "RequestedJobStatus": "Ready" });
    ok(&bench, "UpdateJobStatus", ready).await;
    bench.world.pass(Duration::from_secs(1)).await;
    let told = described(&bench, &made).await;
    assert_eq!(told["Status"], "Failed");
    assert_eq!(
        told["FailureReasons"][0],
        json!({ "FailureCode": "InvalidManifest",
            "FailureReason": "The manifest's ETag is not the one that was given." })
    );
}

#[tokio::test]
async fn a_job_may_wait_to_be_confirmed() {
    let bench = bench().await;
    let mut input = job(&bench, tagging()).await;
    input["ConfirmationRequired"] = json!(true);
    let made = ok(&bench, "CreateJob", input).await;
    bench.world.pass(Duration::from_secs(1)).await;
    let told = described(&bench, &made).await;
    assert_eq!(
        (&told["Status"], &told["ProgressSummary"]["TotalNumberOfTasks"]),
        (&json!("Suspended"), &json!(3))
    );
    let wanted = |status: &str| json!({ "JobId": made["JobId"], "RequestedJobStatus": status });
    ok(&bench, "UpdateJobStatus", wanted("Ready")).await;
    bench.world.pass(Duration::from_secs(1)).await;
    assert_eq!(described(&bench, &made).await["Status"], "Complete");
    assert_eq!(
        err(&bench, "UpdateJobStatus", wanted("Cancelled")).await,
        "JobStatusException"
    );
}

#[tokio::test]
async fn copies_go_where_they_are_sent() {
    let bench = bench().await;
    bench.ok("CreateBucket", json!({ "Bucket": "another" })).await;
    let copy = json!({ "S3PutObjectCopy": { "TargetResource": "arn:aws:s3:::another", "TargetKeyPrefix": "copies",
        "StorageClass": "STANDARD_IA", "NewObjectTagging": [{ "Key": "k", "Value": "v w" }] } });
    let made = ok(&bench, "CreateJob", job(&bench, copy).await).await;
    bench.world.pass(Duration::from_secs(1)).await;
    assert_eq!(
        described(&bench, &made).await["ProgressSummary"]["NumberOfTasksSucceeded"],
        2
    );
    let head = json!({ "Bucket": "another", "Key": "copies/a b" });
    assert_eq!(
        bench.ok("HeadObject", head.clone()).await["StorageClass"],
        "STANDARD_IA"
    );
    assert_eq!(bench.ok("GetObjectTagging", head).await["TagSet"][0]["Value"], "v w");
}

#[tokio::test]
async fn a_job_acts_as_its_role_does() {
    let bench = bench().await;
    let denial = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Deny", "Principal": { "AWS":
        "arn:aws:iam::000000000000:role/jobs/batch" }, "Action": "s3:PutObjectTagging", "Resource":
        "arn:aws:s3:::bucket/c" }] });
    bench
        .ok("PutBucketPolicy", json!({ "Policy": denial.to_string() }))
        .await;
    let made = ok(&bench, "CreateJob", job(&bench, tagging()).await).await;
    bench.world.pass(Duration::from_secs(1)).await;
    assert_eq!(
        described(&bench, &made).await["ProgressSummary"]["NumberOfTasksSucceeded"],
        1
    );
}

#[tokio::test]
async fn a_job_without_its_manifest_fails() {
    let bench = bench().await;
    let mut input = job(&bench, tagging()).await;
    input["Manifest"]["Location"]["ETag"] = json!("0123");
    let made = ok(&bench, "CreateJob", input.clone()).await;
    bench.world.pass(Duration::from_secs(1)).await;
    let told = described(&bench, &made).await;
    assert_eq!(
        (&told["Status"], &told["FailureReasons"][0]["FailureCode"]),
        (&json!("Failed"), &json!("InvalidManifest"))
    );
    // The same request makes no second job; another one with its token is refused.
    assert_eq!(ok(&bench, "CreateJob", input.clone()).await, made);
    input["Priority"] = json!(2);
    assert_eq!(err(&bench, "CreateJob", input.clone()).await, "IdempotencyException");
    for (member, value, code) in [
        ("RoleArn", json!("none"), "BadRequestException"),
        ("Operation", json!({}), "BadRequestException"),
        ("Operation", json!({ "LambdaInvoke": {} }), "NotImplemented"),
        ("Manifest", Json::Null, "BadRequestException"),
    ] {
        let mut wrong = input.clone();
        wrong[member] = value;
        assert_eq!(err(&bench, "CreateJob", wrong).await, code, "{member}");
    }
    assert_eq!(
        err(&bench, "DescribeJob", json!({ "JobId": "none" })).await,
        "NotFoundException"
    );
    assert_eq!(
        bench.text("manifest.csv").await.map(|text| text.starts_with(BUCKET)),
        Some(true)
    );
}

#[tokio::test]
async fn jobs_have_tags_and_a_priority() {
    let bench = bench().await;
    let mut input = job(&bench, tagging()).await;
    input["Tags"] = json!([{ "Key": "a", "Value": "1" }]);
    let made = ok(&bench, "CreateJob", input).await;
    let of = || json!({ "JobId": made["JobId"] });
    assert_eq!(
        ok(&bench, "GetJobTagging", of()).await["Tags"],
        json!([{ "Key": "a", "Value": "1" }])
    );
    ok(&bench, "DeleteJobTagging", of()).await;
    assert_eq!(ok(&bench, "GetJobTagging", of()).await["Tags"], json!([]));
    let mut higher = of();
    higher["Priority"] = json!(9);
    ok(&bench, "UpdateJobPriority", higher).await;
    assert_eq!(described(&bench, &made).await["Priority"], 9);
}
