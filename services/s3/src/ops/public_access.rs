//! The block of public access, of a bucket and of an account.

use crate::access::rules::{self, Blocks};
use crate::access::{self, Wanted};
use crate::errors;
use crate::wire::{
    DeletePublicAccessBlockRequest, GetPublicAccessBlockOutput, GetPublicAccessBlockRequest,
    PublicAccessBlockConfiguration, PutPublicAccessBlockRequest,
};
use virga_base::AwsError;
use virga_service::Ctx;
use virga_shape::Unit;

pub async fn get(ctx: Ctx, input: GetPublicAccessBlockRequest) -> Result<GetPublicAccessBlockOutput, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "GetBucketPublicAccessBlock",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let blocks = open.home.read(|tx| rules::own_blocks(tx, &open.bucket))?;
    let blocks = blocks.ok_or_else(|| errors::no_such_public_access_block("BucketName", &open.bucket.name))?;
    Ok(GetPublicAccessBlockOutput {
        public_access_block_configuration: Some(PublicAccessBlockConfiguration {
            block_public_acls: Some(blocks.block_public_acls),
            ignore_public_acls: Some(blocks.ignore_public_acls),
            block_public_policy: Some(blocks.block_public_policy),
            restrict_public_buckets: Some(blocks.restrict_public_buckets),
        }),
    })
}

pub async fn put(ctx: Ctx, input: PutPublicAccessBlockRequest) -> Result<Unit, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "PutBucketPublicAccessBlock",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let asked = input
        .public_access_block_configuration
        .ok_or_else(errors::malformed_xml)?;
    if asked == PublicAccessBlockConfiguration::default() {
        return Err(errors::invalid_request("Must specify at least one configuration."));
    }
    let blocks = Blocks {
        block_public_acls: asked.block_public_acls.unwrap_or(false),
        ignore_public_acls: asked.ignore_public_acls.unwrap_or(false),
        block_public_policy: asked.block_public_policy.unwrap_or(false),
        restrict_public_buckets: asked.restrict_public_buckets.unwrap_or(false),
    };
    keep(&open, Some(blocks)).await
}

pub async fn delete(ctx: Ctx, input: DeletePublicAccessBlockRequest) -> Result<Unit, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "PutBucketPublicAccessBlock",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    keep(&open, None).await
}

async fn keep(open: &access::Open, blocks: Option<Blocks>) -> Result<Unit, AwsError> {
    let kept = blocks.and_then(|blocks| serde_json::to_vec(&blocks).ok());
    open.home
        .write(|tx| {
            let bucket = open.again(tx)?;
            Ok::<(), AwsError>(rules::put(tx, &bucket, rules::PUBLIC_ACCESS_BLOCK, kept.clone())?)
        })
        .await?;
    Ok(Unit)
}
