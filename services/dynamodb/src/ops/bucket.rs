//! A bucket of S3, by the call door.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http_body_util::BodyExt;
use serde_json::{Value as Json, json};
use virga_base::AwsError;
use virga_service::{Answer, Caller, Ctx, Value};
use virga_shape::pack;

const S3: &str = "s3";

pub struct Bucket<'c> {
    ctx: &'c Ctx,
    name: &'c str,
}

/// An error of S3 as exports and imports tell it: code and message.
pub fn failure(error: &AwsError) -> (String, String) {
    let code = match error.code.as_ref() {
        "NoSuchBucket" => "S3NoSuchBucket",
        "AccessDenied" => "S3AccessDenied",
        _ => "UNKNOWN",
    };
    (code.to_owned(), error.message.clone())
}

impl<'c> Bucket<'c> {
    pub fn new(ctx: &'c Ctx, name: &'c str) -> Self {
        Bucket { ctx, name }
    }

    /// Calls as the account's root: what the caller may was asked when the work was ordered.
    async fn call(&self, operation: &str, input: &Json) -> Result<Answer, AwsError> {
        let unknown = || AwsError::not_implemented("S3", operation);
        let model = pack::service(S3).ok_or_else(unknown)?;
        let shape = model.operation(operation).and_then(|operation| operation.input);
        let shape = model.shape_ref(shape.ok_or_else(unknown)?);
        let input = Value::from_json(shape, input).map_err(|_| AwsError::internal("a call of S3 cannot be made"))?;
        let caller = Caller::root(self.ctx.account());
        self.ctx.call(caller, S3, operation, input).await
    }

    /// The keys that begin with a prefix, in their order.
    pub async fn keys(&self, prefix: Option<&str>) -> Result<Vec<String>, AwsError> {
        let mut keys = Vec::new();
        let mut input = json!({ "Bucket": self.name, "Prefix": prefix.unwrap_or_default() });
        loop {
            let answer = self.call("ListObjectsV2", &input).await?;
            let answer = answer.output.map_or(Json::Null, |output| output.to_json());
            let found = answer["Contents"].as_array().into_iter().flatten();
            keys.extend(found.filter_map(|object| object["Key"].as_str().map(str::to_owned)));
            match answer.get("NextContinuationToken") {
                Some(token) => input["ContinuationToken"] = token.clone(),
                None => return Ok(keys),
            }
        }
    }

    pub async fn get(&self, key: &str) -> Result<Vec<u8>, AwsError> {
        let input = json!({ "Bucket": self.name, "Key": key });
        let answer = self.call("GetObject", &input).await?;
        let Some(body) = answer.body else {
            return Ok(Vec::new());
        };
        let collected = body.collect().await;
        let collected = collected.map_err(|_| AwsError::internal("an object's bytes cannot be read"))?;
        Ok(collected.to_bytes().to_vec())
    }

    pub async fn put(&self, key: &str, bytes: &[u8], encryption: (Option<&str>, Option<&str>)) -> Result<(), AwsError> {
        let mut input = json!({ "Bucket": self.name, "Key": key, "Body": BASE64.encode(bytes) });
        if let Some(algorithm) = encryption.0 {
            input["ServerSideEncryption"] = if algorithm == "KMS" { "aws:kms" } else { algorithm }.into();
        }
        if let Some(key_id) = encryption.1 {
            input["SSEKMSKeyId"] = key_id.into();
        }
        self.call("PutObject", &input).await.map(drop)
    }
}
