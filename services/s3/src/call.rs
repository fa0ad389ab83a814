//! Calls that S3 makes itself, with inputs written as JSON.

use serde_json::Value as Json;
use virga_base::AwsError;
use virga_service::{Answer, Caller, Ctx};
use virga_shape::{Value, pack};

/// An input of an operation; none where the model has no such operation, or another input.
pub fn input(service: &str, operation: &str, input: &Json) -> Option<Value> {
    let model = pack::service(service)?;
    let shape = model.operation(operation)?.input?;
    Value::from_json(model.shape_ref(shape), input).ok()
}

/// Calls an operation of S3's own as somebody.
pub async fn s3(ctx: &Ctx, caller: Caller, operation: &str, input: &Json) -> Result<Answer, AwsError> {
    let input = self::input("s3", operation, input);
    let input = input.ok_or_else(|| AwsError::internal(format!("{operation} cannot be called")))?;
    ctx.call(caller, "s3", operation, input).await
}
