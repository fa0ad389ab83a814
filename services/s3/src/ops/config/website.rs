//! A bucket's website: its configuration. What it serves is in `site.rs`.

use crate::access;
use crate::config::{self, WEBSITE, wanted, website};
use crate::site::no_website;
use crate::wire::{
    DeleteBucketWebsiteRequest, GetBucketWebsiteOutput, GetBucketWebsiteRequest, PutBucketWebsiteRequest,
    WebsiteConfiguration,
};
use virga_base::AwsError;
use virga_service::Ctx;
use virga_shape::Unit;

pub async fn put(ctx: Ctx, input: PutBucketWebsiteRequest) -> Result<Unit, AwsError> {
    let open = access::open(&ctx, wanted!(input, "PutBucketWebsite")).await?;
    let configuration = input.website_configuration.unwrap_or_default();
    website::check(&configuration)?;
    config::put(&open, WEBSITE, "", configuration).await?;
    Ok(Unit)
}

pub async fn get(ctx: Ctx, input: GetBucketWebsiteRequest) -> Result<GetBucketWebsiteOutput, AwsError> {
    let wanted = wanted!(input, "GetBucketWebsite");
    let (open, found) = config::find::<WebsiteConfiguration>(&ctx, wanted, WEBSITE).await?;
    let found = found.ok_or_else(|| no_website(&open.bucket.name))?;
    Ok(GetBucketWebsiteOutput {
        redirect_all_requests_to: found.redirect_all_requests_to,
        index_document: found.index_document,
        error_document: found.error_document,
        routing_rules: found.routing_rules,
    })
}

pub async fn delete(ctx: Ctx, input: DeleteBucketWebsiteRequest) -> Result<Unit, AwsError> {
    let open = access::open(&ctx, wanted!(input, "DeleteBucketWebsite")).await?;
    config::delete(&open, WEBSITE, "").await?;
    Ok(Unit)
}
