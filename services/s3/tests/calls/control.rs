//! S3 Control, beside S3.

use crate::Bench;
use serde_json::{Value as Json, json};
use virga_base::AwsError;
use virga_service::Account;
use virga_testkit::World;

/// A world with one bucket in it.
pub async fn bench() -> Bench {
    let bench = Bench {
        world: World::new(vec![virga_s3::service(), virga_s3::s3control::service()]),
    };
    bench.ok("CreateBucket", json!({})).await;
    bench
}

pub async fn call(bench: &Bench, operation: &str, mut input: Json) -> Result<Json, AwsError> {
    if input["AccountId"].is_null() {
        input["AccountId"] = json!(Account::DEFAULT.to_string());
    }
    bench.world.call("s3control", operation, input).await
}

pub async fn ok(bench: &Bench, operation: &str, input: Json) -> Json {
    let answer = call(bench, operation, input).await;
    answer.unwrap_or_else(|error| panic!("{operation}: {error}"))
}

pub async fn err(bench: &Bench, operation: &str, input: Json) -> String {
    match call(bench, operation, input).await {
        Ok(answer) => panic!("{operation} answered {answer}"),
        Err(error) => error.code.into_owned(),
    }
}
