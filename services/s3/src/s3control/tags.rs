//! Tags of buckets and access points, by their ARNs.

use super::wire::{
    ListTagsForResourceRequest, ListTagsForResourceResult, Tag, TagResourceRequest, TagResourceResult,
    UntagResourceRequest, UntagResourceResult,
};
use super::{access_points, check_account};
use crate::ops::config::tagging;
use crate::state::ACCESS_POINTS;
use crate::wire::{GetBucketTaggingRequest, PutBucketTaggingRequest, Tagging};
use crate::{access, errors, wire};
use virga_base::{Arn, AwsError};
use virga_service::Ctx;

/// Characters of a tag's key and value.
const KEY_MAX: usize = 128;
const VALUE_MAX: usize = 256;

pub async fn list(ctx: Ctx, input: ListTagsForResourceRequest) -> Result<ListTagsForResourceResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let of = Tagged::read(&ctx, input.resource_arn.as_deref())?;
    let tags = of.get(&ctx).await?.into_iter().map(|(key, value)| Tag {
        key: Some(key),
        value: Some(value),
    });
    Ok(ListTagsForResourceResult {
        tags: Some(tags.collect()),
    })
}

pub async fn tag(ctx: Ctx, input: TagResourceRequest) -> Result<TagResourceResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let of = Tagged::read(&ctx, input.resource_arn.as_deref())?;
    let given = read(input.tags.unwrap_or_default())?;
    let mut tags = of.get(&ctx).await?;
    for (key, value) in given {
        match tags.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = value,
            None => tags.push((key, value)),
        }
    }
    of.put(ctx, tags).await?;
    Ok(TagResourceResult {})
}

pub async fn untag(ctx: Ctx, input: UntagResourceRequest) -> Result<UntagResourceResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let of = Tagged::read(&ctx, input.resource_arn.as_deref())?;
    let keys = input.tag_keys.unwrap_or_default();
    let mut tags = of.get(&ctx).await?;
    tags.retain(|(key, _)| !keys.contains(key));
    of.put(ctx, tags).await?;
    Ok(UntagResourceResult {})
}

/// What has tags, by its ARN.
enum Tagged {
    Bucket(String),
    AccessPoint(String),
}

impl Tagged {
    fn read(ctx: &Ctx, arn: Option<&str>) -> Result<Tagged, AwsError> {
        let arn = Arn::parse(arn.unwrap_or_default()).ok();
        let arn = arn.filter(|arn| arn.service == "s3").ok_or_else(no_such_resource)?;
        if let Some(name) = arn.resource.strip_prefix("accesspoint/") {
            let here = arn.account == ctx.account().to_string() && arn.region == ctx.region().as_str();
            let found = ctx.read(|tx| Ok::<_, AwsError>(tx.get(&ACCESS_POINTS, (name,))?))?;
            return match found.filter(|_| here) {
                Some(point) => Ok(Tagged::AccessPoint(point.name)),
                None => Err(no_such_resource()),
            };
        }
        if !arn.account.is_empty() || arn.resource.contains(['/', ':']) || access::find(ctx, &arn.resource)?.is_none() {
            return Err(no_such_resource());
        }
        Ok(Tagged::Bucket(arn.resource))
    }

    async fn get(&self, ctx: &Ctx) -> Result<Vec<(String, String)>, AwsError> {
        match self {
            Tagged::Bucket(bucket) => {
                let tags = get(ctx, bucket).await?;
                Ok(tags
                    .into_iter()
                    .filter_map(|tag| Some((tag.key?, tag.value?)))
                    .collect())
            }
            Tagged::AccessPoint(name) => Ok(access_points::find(ctx, name.clone())?.tags),
        }
    }

    async fn put(self, ctx: Ctx, tags: Vec<(String, String)>) -> Result<(), AwsError> {
        match self {
            Tagged::Bucket(bucket) => {
                let tags = tags.into_iter().map(|(key, value)| wire::Tag {
                    key: Some(key),
                    value: Some(value),
                });
                put(ctx, bucket, tags.collect()).await
            }
            Tagged::AccessPoint(name) => access_points::change(&ctx, &name, |point| point.tags.clone_from(&tags)).await,
        }
    }
}

fn no_such_resource() -> AwsError {
    AwsError::new("NoSuchResource", "The specified resource doesn't exist.").with_status(404)
}

/// Checks tags and reads them.
pub fn read(tags: Vec<Tag>) -> Result<Vec<(String, String)>, AwsError> {
    check(&tags)?;
    Ok(tags
        .into_iter()
        .filter_map(|tag| Some((tag.key?, tag.value?)))
        .collect())
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
