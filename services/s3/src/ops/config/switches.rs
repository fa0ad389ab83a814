//! What of a bucket is on or off: acceleration, and access by tags.

use crate::config::{self, ABAC, ACCELERATE, wanted};
use crate::wire::{
    AbacStatus, AccelerateConfiguration, GetBucketAbacOutput, GetBucketAbacRequest,
    GetBucketAccelerateConfigurationOutput, GetBucketAccelerateConfigurationRequest, PutBucketAbacRequest,
    PutBucketAccelerateConfigurationRequest,
};
use crate::{access, errors};
use virga_base::AwsError;
use virga_service::Ctx;
use virga_shape::Unit;

pub async fn put_acceleration(ctx: Ctx, input: PutBucketAccelerateConfigurationRequest) -> Result<Unit, AwsError> {
    let open = access::open(&ctx, wanted!(input, "PutAccelerateConfiguration")).await?;
    if open.bucket.name.contains('.') {
        return Err(errors::invalid_request(
            "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names",
        ));
    }
    let configuration = input.accelerate_configuration.unwrap_or_default();
    let on = match configuration.status.as_deref() {
        Some("Enabled") => true,
        Some("Suspended") => false,
        _ => return Err(errors::malformed_xml()),
    };
    // Nothing is suspended that never was.
    let known = open
        .home
        .read(|tx| config::get::<AccelerateConfiguration>(tx, &open.bucket, ACCELERATE))?;
    if on || known.is_some() {
        config::put(&open, ACCELERATE, "", configuration).await?;
    }
    Ok(Unit)
}

pub async fn get_acceleration(
    ctx: Ctx,
    input: GetBucketAccelerateConfigurationRequest,
) -> Result<GetBucketAccelerateConfigurationOutput, AwsError> {
    let wanted = wanted!(input, "GetAccelerateConfiguration");
    let (_, found) = config::find::<AccelerateConfiguration>(&ctx, wanted, ACCELERATE).await?;
    Ok(GetBucketAccelerateConfigurationOutput {
        status: found.and_then(|found| found.status),
        ..GetBucketAccelerateConfigurationOutput::default()
    })
}

pub async fn put_abac(ctx: Ctx, input: PutBucketAbacRequest) -> Result<Unit, AwsError> {
    let open = access::open(&ctx, wanted!(input, "PutBucketAbac")).await?;
    let status = input.abac_status.unwrap_or_default();
    if !matches!(status.status.as_deref(), Some("Enabled" | "Disabled")) {
        return Err(errors::malformed_xml());
    }
    config::put(&open, ABAC, "", status).await?;
    Ok(Unit)
}

pub async fn get_abac(ctx: Ctx, input: GetBucketAbacRequest) -> Result<GetBucketAbacOutput, AwsError> {
    let (_, found) = config::find::<AbacStatus>(&ctx, wanted!(input, "GetBucketAbac"), ABAC).await?;
    let disabled = || AbacStatus {
        status: Some("Disabled".to_owned()),
    };
    Ok(GetBucketAbacOutput {
        abac_status: Some(found.unwrap_or_else(disabled)),
    })
}
