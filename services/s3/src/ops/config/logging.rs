//! Where a bucket's access logs go.

use crate::config::{self, LOGGING, wanted};
use crate::state::{Bucket, LOGGED, world};
use crate::wire::{
    BucketLoggingStatus, GetBucketLoggingOutput, GetBucketLoggingRequest, LoggingEnabled, PutBucketLoggingRequest,
};
use crate::{access, errors};
use virga_base::AwsError;
use virga_service::{Ctx, Tx};
use virga_shape::Unit;

const PERMISSIONS: [&str; 3] = ["FULL_CONTROL", "READ", "WRITE"];

pub async fn put(ctx: Ctx, input: PutBucketLoggingRequest) -> Result<Unit, AwsError> {
    let open = access::open(&ctx, wanted!(input, "PutBucketLogging")).await?;
    // Marked as logged in the same transaction, so that requests to all other buckets need not look further.
    let name = open.bucket.name.as_str();
    let Some(enabled) = input.bucket_logging_status.and_then(|status| status.logging_enabled) else {
        let unmark = |tx: &mut Tx<'_>| tx.elsewhere(world()).delete(&LOGGED, (name,));
        config::delete_with(&open, LOGGING, "", unmark).await?;
        return Ok(Unit);
    };
    check(&ctx, &open.bucket, &enabled)?;
    let status = BucketLoggingStatus {
        logging_enabled: Some(enabled),
    };
    let mark = |tx: &mut Tx<'_>| tx.elsewhere(world()).put(&LOGGED, (name,), &());
    config::put_with(&open, LOGGING, "", status, mark).await?;
    Ok(Unit)
}

fn check(ctx: &Ctx, bucket: &Bucket, enabled: &LoggingEnabled) -> Result<(), AwsError> {
    let (Some(target), Some(_)) = (&enabled.target_bucket, &enabled.target_prefix) else {
        return Err(errors::malformed_xml());
    };
    let grants = enabled.target_grants.as_deref().unwrap_or_default();
    let known = |permission: Option<&str>| permission.is_some_and(|permission| PERMISSIONS.contains(&permission));
    if !grants.iter().all(|grant| known(grant.permission.as_deref())) {
        return Err(errors::malformed_xml());
    }
    if let Some(format) = &enabled.target_object_key_format {
        let source = format
            .partitioned_prefix
            .as_ref()
            .map(|prefix| prefix.partition_date_source.as_deref());
        let fits = match (&format.simple_prefix, source) {
            (Some(_), None) => true,
            (None, Some(source)) => source.is_none_or(|source| ["EventTime", "DeliveryTime"].contains(&source)),
            _ => false,
        };
        if !fits {
            return Err(errors::malformed_xml());
        }
    }
    let unfit = |message: &str| {
        Err(AwsError::new("InvalidTargetBucketForLogging", message).with_detail("TargetBucket", target.as_str()))
    };
    let Some(to) = access::find(ctx, target)? else {
        return unfit("The target bucket for logging does not exist");
    };
    if to.owner != bucket.owner {
        return unfit("The owner for the bucket to be logged and the target bucket must be the same.");
    }
    if to.region != bucket.region {
        let mut error = AwsError::new(
            "CrossLocationLoggingProhibitted",
            "Cross S3 location logging not allowed. ",
        )
        .with_status(403);
        if let Some(location) = &bucket.location {
            error = error.with_detail("SourceBucketLocation", location.as_str());
        }
        return Err(match &to.location {
            Some(location) => error.with_detail("TargetBucketLocation", location.as_str()),
            None => error,
        });
    }
    Ok(())
}

pub async fn get(ctx: Ctx, input: GetBucketLoggingRequest) -> Result<GetBucketLoggingOutput, AwsError> {
    let wanted = wanted!(input, "GetBucketLogging");
    let (_, found) = config::find::<BucketLoggingStatus>(&ctx, wanted, LOGGING).await?;
    Ok(GetBucketLoggingOutput {
        logging_enabled: found.and_then(|found| found.logging_enabled),
    })
}
