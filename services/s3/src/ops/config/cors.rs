//! PutBucketCors and its kin, and what the rules say of a request.

use crate::access;
use crate::config::{self, CORS, cors, wanted};
use crate::site::request_headers;
use crate::state::Bucket;
use crate::wire::{
    CORSConfiguration, DeleteBucketCorsRequest, GetBucketCorsOutput, GetBucketCorsRequest, PutBucketCorsRequest,
};
use virga_base::AwsError;
use virga_service::{CrossOrigin, Ctx, Question};
use virga_shape::Unit;

pub async fn put(ctx: Ctx, input: PutBucketCorsRequest) -> Result<Unit, AwsError> {
    let open = access::open(&ctx, wanted!(input, "PutBucketCORS")).await?;
    let configuration = input.cors_configuration.unwrap_or_default();
    cors::check(&configuration)?;
    config::put(&open, CORS, "", configuration).await?;
    Ok(Unit)
}

pub async fn get(ctx: Ctx, input: GetBucketCorsRequest) -> Result<GetBucketCorsOutput, AwsError> {
    let (open, found) = config::find::<CORSConfiguration>(&ctx, wanted!(input, "GetBucketCORS"), CORS).await?;
    let found = found.ok_or_else(|| {
        AwsError::new("NoSuchCORSConfiguration", "The CORS configuration does not exist")
            .with_status(404)
            .with_detail("BucketName", open.bucket.name.as_str())
    })?;
    Ok(GetBucketCorsOutput {
        cors_rules: found.cors_rules,
    })
}

pub async fn delete(ctx: Ctx, input: DeleteBucketCorsRequest) -> Result<Unit, AwsError> {
    let open = access::open(&ctx, wanted!(input, "PutBucketCORS")).await?;
    config::delete(&open, CORS, "").await?;
    Ok(Unit)
}

/// What a bucket's rules say of a page of another origin.
pub async fn decide(ctx: Ctx, question: Question) -> CrossOrigin {
    let path = question.path.strip_prefix('/').unwrap_or(&question.path);
    let (name, key) = path.split_once('/').unwrap_or((path, ""));
    let resource = if key.is_empty() { "BUCKET" } else { "OBJECT" };
    let found = access::find(&ctx, name);
    let bucket = match found {
        Ok(Some(bucket)) => bucket,
        Ok(None) => return CrossOrigin::Unruled,
        Err(error) => return CrossOrigin::Refused(error),
    };
    match rule(&ctx, &bucket, &question, resource) {
        Ok(mut headers) => {
            if question.preflight {
                headers.extend(request_headers(&ctx));
            }
            CrossOrigin::Allowed(headers)
        }
        Err(error) => CrossOrigin::Refused(error),
    }
}

fn rule(ctx: &Ctx, bucket: &Bucket, question: &Question, resource: &str) -> Result<Vec<(String, String)>, AwsError> {
    let Some(origin) = &question.origin else {
        return Err(AwsError::new(
            "BadRequest",
            "Insufficient information. Origin request header needed.",
        ));
    };
    let Some(method) = &question.method else {
        return Err(AwsError::new(
            "BadRequest",
            "Invalid Access-Control-Request-Method: null",
        ));
    };
    let home = access::home(ctx, bucket);
    let rules = home.read(|tx| config::get::<CORSConfiguration>(tx, bucket, CORS))?;
    let Some(rules) = rules else {
        return Err(forbidden("CORS is not enabled for this bucket.", method, "BUCKET"));
    };
    let asked = cors::Question {
        origin,
        method,
        headers: question.headers.as_deref(),
    };
    let allowed = cors::allow(&rules, asked).ok_or_else(|| {
        let message = "This CORS request is not allowed. This is usually because the evalution of Origin, request \
                       method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by \
                       the resource's CORS spec.";
        forbidden(message, method, resource)
    })?;
    let headers = allowed.into_iter().map(|(name, value)| (name.to_owned(), value));
    Ok(headers.collect())
}

fn forbidden(message: &str, method: &str, resource: &str) -> AwsError {
    AwsError::new("AccessForbidden", format!("CORSResponse: {message}"))
        .with_status(403)
        .with_detail("Method", method)
        .with_detail("ResourceType", resource)
}
