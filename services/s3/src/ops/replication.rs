//! A bucket's replication configuration.

use crate::access::{self, Wanted};
use crate::replication::{KIND, check};
use crate::wire::{
    DeleteBucketReplicationRequest, GetBucketReplicationOutput, GetBucketReplicationRequest,
    PutBucketReplicationRequest,
};
use crate::{configuration, errors};
use virga_base::AwsError;
use virga_service::Ctx;
use virga_shape::Unit;

pub async fn put(ctx: Ctx, input: PutBucketReplicationRequest) -> Result<Unit, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "PutReplicationConfiguration",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let mut given = input.replication_configuration.ok_or_else(errors::malformed_xml)?;
    check::check(&ctx, &open.bucket, &mut given)?;
    let change = |tx: &mut virga_service::Tx<'_>| -> Result<(), AwsError> {
        let bucket = open.again(tx)?;
        configuration::put(tx, bucket.id, KIND, "", given.clone())
    };
    open.home.write(change).await?;
    Ok(Unit)
}

pub async fn get(ctx: Ctx, input: GetBucketReplicationRequest) -> Result<GetBucketReplicationOutput, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "GetReplicationConfiguration",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let found = open.home.read(|tx| configuration::get(tx, open.id(), KIND, ""))?;
    let found = found.ok_or_else(|| {
        AwsError::new(
            "ReplicationConfigurationNotFoundError",
            "The replication configuration was not found",
        )
        .with_status(404)
        .with_detail("BucketName", open.bucket.name.clone())
    })?;
    Ok(GetBucketReplicationOutput {
        replication_configuration: Some(found),
    })
}

pub async fn delete(ctx: Ctx, input: DeleteBucketReplicationRequest) -> Result<Unit, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "PutReplicationConfiguration",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let change = |tx: &mut virga_service::Tx<'_>| -> Result<(), AwsError> {
        let bucket = open.again(tx)?;
        Ok(configuration::delete(tx, bucket.id, KIND, "")?)
    };
    open.home.write(change).await?;
    Ok(Unit)
}
