//! S3 through the call door, on a clock that moves only by hand.

mod access;
mod access_points;
mod buckets;
mod control;
mod copies;
mod customers;
mod jobs;
mod lifecycle;
mod lists;
mod locks;
mod multipart;
mod objects;
mod replication;
mod versions;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::{Value as Json, json};
use virga_base::AwsError;
use virga_service::{Call, Caller};
use virga_shape::{Value, pack};
use virga_testkit::World;

pub fn world() -> World {
    World::new(vec![virga_s3::service()])
}

/// A world with one bucket in it.
pub struct Bench {
    pub world: World,
}

pub const BUCKET: &str = "bucket";

impl Bench {
    pub async fn new() -> Bench {
        let bench = Bench { world: world() };
        bench.ok("CreateBucket", json!({})).await;
        bench
    }

    pub async fn versioned() -> Bench {
        let bench = Bench::new().await;
        bench.versioning("Enabled").await;
        bench
    }

    pub async fn versioning(&self, status: &str) {
        self.ok(
            "PutBucketVersioning",
            json!({ "VersioningConfiguration": { "Status": status } }),
        )
        .await;
    }

    /// Calls an operation on the bucket.
    pub async fn call(&self, operation: &str, input: Json) -> Result<Json, AwsError> {
        let mut input = input;
        if input["Bucket"].is_null() {
            input["Bucket"] = json!(BUCKET);
        }
        self.world.call("s3", operation, input).await
    }

    pub async fn ok(&self, operation: &str, input: Json) -> Json {
        self.call(operation, input)
            .await
            .unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    /// The code of the error that it answers.
    pub async fn err(&self, operation: &str, input: Json) -> String {
        match self.call(operation, input).await {
            Ok(answer) => panic!("{operation} answered {answer}"),
            Err(error) => error.code.into_owned(),
        }
    }

    pub async fn put(&self, key: &str, body: &str) -> Json {
        self.put_with(key, body, json!({})).await
    }

    pub async fn put_with(&self, key: &str, body: &str, options: Json) -> Json {
        self.ok("PutObject", object(key, body, options)).await
    }

    /// The text of an object.
    pub async fn text(&self, key: &str) -> Option<String> {
        self.get(json!({ "Key": key })).await.ok().map(|(_, body)| body)
    }

    /// GetObject: output and body.
    pub async fn get(&self, input: Json) -> Result<(Json, String), AwsError> {
        let (_, output, body) = self.answer("GetObject", input).await?;
        Ok((output, String::from_utf8_lossy(&body).into_owned()))
    }

    /// Status, output and body.
    pub async fn answer(&self, operation: &str, mut input: Json) -> Result<(Option<u16>, Json, Bytes), AwsError> {
        input["Bucket"] = json!(BUCKET);
        let model = pack::service("s3").expect("the model");
        let shape = model.operation(operation).and_then(|op| op.input).expect("an input");
        let input = Value::from_json(model.shape_ref(shape), &input).expect("a fitting input");
        let (account, region) = (self.world.account, self.world.region.clone());
        let call = Call::named("s3", operation, input, Caller::root(account), account, region)?;
        let answer = self.world.cloud.dispatch(call).await?;
        let body = match answer.body {
            Some(body) => body.collect().await.expect("a body").to_bytes(),
            None => Bytes::new(),
        };
        let output = answer.output.map_or(Json::Null, |output| output.to_json());
        Ok((answer.status, output, body))
    }
}

/// The input of PutObject.
pub fn object(key: &str, body: &str, mut options: Json) -> Json {
    options["Key"] = json!(key);
    options["Body"] = json!(STANDARD.encode(body));
    options
}
