//! The tags of buckets.

use crate::config::{self, TAGGING, tags, wanted};
use crate::reply::{Reply, no_content};
use crate::wire::{
    DeleteBucketTaggingRequest, GetBucketTaggingOutput, GetBucketTaggingRequest, PutBucketTaggingRequest, Tagging,
};
use crate::{access, errors};
use virga_base::AwsError;
use virga_service::Ctx;
use virga_shape::Unit;

pub async fn put(ctx: Ctx, input: PutBucketTaggingRequest) -> Result<Reply<Unit>, AwsError> {
    let open = access::open(&ctx, wanted!(input, "PutBucketTagging")).await?;
    let tagging = input.tagging.ok_or_else(errors::malformed_xml)?;
    let set = tagging.tag_set.unwrap_or_default();
    tags::check(&set)?;
    if set.is_empty() {
        config::delete(&open, TAGGING, "").await?;
    } else {
        config::put(&open, TAGGING, "", Tagging { tag_set: Some(set) }).await?;
    }
    Ok(no_content())
}

pub async fn get(ctx: Ctx, input: GetBucketTaggingRequest) -> Result<GetBucketTaggingOutput, AwsError> {
    let (open, found) = config::find::<Tagging>(&ctx, wanted!(input, "GetBucketTagging"), TAGGING).await?;
    let found = found.ok_or_else(|| {
        AwsError::new("NoSuchTagSet", "The TagSet does not exist")
            .with_status(404)
            .with_detail("BucketName", open.bucket.name.as_str())
    })?;
    Ok(GetBucketTaggingOutput { tag_set: found.tag_set })
}

pub async fn delete(ctx: Ctx, input: DeleteBucketTaggingRequest) -> Result<Unit, AwsError> {
    let open = access::open(&ctx, wanted!(input, "PutBucketTagging")).await?;
    config::delete(&open, TAGGING, "").await?;
    Ok(Unit)
}
