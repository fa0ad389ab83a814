//! Tags of buckets, by their ARNs.

use super::check_account;
use super::wire::{
    ListTagsForResourceRequest, ListTagsForResourceResult, Tag, TagResourceRequest, TagResourceResult,
    UntagResourceRequest, UntagResourceResult,
};
use crate::ops::config::tagging;
use crate::wire::{GetBucketTaggingRequest, PutBucketTaggingRequest, Tagging};
use crate::{access, errors, wire};
use virga_base::{Arn, AwsError};
use virga_service::Ctx;

/// Characters of a tag's key and value.
const KEY_MAX: usize = 128;
const VALUE_MAX: usize = 256;

pub async fn list(ctx: Ctx, input: ListTagsForResourceRequest) -> Result<ListTagsForResourceResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let bucket = bucket(&ctx, input.resource_arn.as_deref())?;
    let tags = get(&ctx, &bucket).await?;
    let tags = tags.into_iter().map(|tag| Tag {
        key: tag.key,
        value: tag.value,
    });
    Ok(ListTagsForResourceResult {
        tags: Some(tags.collect()),
    })
}

pub async fn tag(ctx: Ctx, input: TagResourceRequest) -> Result<TagResourceResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let bucket = bucket(&ctx, input.resource_arn.as_deref())?;
    let given = input.tags.unwrap_or_default();
    check(&given)?;
    let mut tags = get(&ctx, &bucket).await?;
    for Tag { key, value } in given {
        match tags.iter_mut().find(|tag| tag.key == key) {
            Some(known) => known.value = value,
            None => tags.push(wire::Tag { key, value }),
        }
    }
    put(ctx, bucket, tags).await?;
    Ok(TagResourceResult {})
}

pub async fn untag(ctx: Ctx, input: UntagResourceRequest) -> Result<UntagResourceResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let bucket = bucket(&ctx, input.resource_arn.as_deref())?;
    let keys = input.tag_keys.unwrap_or_default();
    let mut tags = get(&ctx, &bucket).await?;
    tags.retain(|tag| !tag.key.as_ref().is_some_and(|key| keys.contains(key)));
    put(ctx, bucket, tags).await?;
    Ok(UntagResourceResult {})
}

/// The bucket of an ARN.
fn bucket(ctx: &Ctx, arn: Option<&str>) -> Result<String, AwsError> {
    let name = Arn::parse(arn.unwrap_or_default())
        .ok()
        .filter(|arn| arn.service == "s3" && arn.account.is_empty() && !arn.resource.contains(['/', ':']))
        .map(|arn| arn.resource);
    match name {
        Some(name) if access::find(ctx, &name)?.is_some() => Ok(name),
        _ => Err(AwsError::new("NoSuchResource", "The specified resource doesn't exist.").with_status(404)),
    }
}

async fn get(ctx: &Ctx, bucket: &str) -> Result<Vec<wire::Tag>, AwsError> {
    let asked = GetBucketTaggingRequest {
        bucket: Some(bucket.to_owned()),
        ..GetBucketTaggingRequest::default()
    };
    match tagging::get(ctx.clone(), asked).await {
        Ok(output) => Ok(output.tag_set.unwrap_or_default()),
        Err(error) if error.code == "NoSuchTagSet" => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

async fn put(ctx: Ctx, bucket: String, tags: Vec<wire::Tag>) -> Result<(), AwsError> {
    let asked = PutBucketTaggingRequest {
        bucket: Some(bucket),
        tagging: Some(Tagging { tag_set: Some(tags) }),
        ..PutBucketTaggingRequest::default()
    };
    tagging::put(ctx, asked).await?;
    Ok(())
}

fn check(tags: &[Tag]) -> Result<(), AwsError> {
    for (at, tag) in tags.iter().enumerate() {
        let (Some(key), Some(value)) = (&tag.key, &tag.value) else {
            return Err(errors::malformed_xml());
        };
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(errors::invalid_tag(
                "User-defined tag keys can't start with \"aws:\". This prefix is reserved for system tags. Remove \
                 \"aws:\" from your tag keys and try again.",
            ));
        }
        if tags.iter().take(at).any(|other| other.key == tag.key) {
            return Err(errors::invalid_tag(
                "There are duplicate tag keys in your request. Remove the duplicate tag keys and try again.",
            ));
        }
        let good = |text: &str| {
            text.chars()
                .all(|one| one.is_alphanumeric() || one == ' ' || "+-=._:/@".contains(one))
        };
        let (key_length, value_length) = (key.chars().count(), value.chars().count());
        if !good(key) || !good(value) || !(1..=KEY_MAX).contains(&key_length) || value_length > VALUE_MAX {
            return Err(errors::invalid_tag(
                "This request contains a tag key or value that isn't valid. Valid characters include the following: \
                 [a-zA-Z+-=._:/]. Tag keys can contain up to 128 characters. Tag values can contain up to 256 characters.",
            ));
        }
    }
    Ok(())
}
