//! The block of public access of a whole account.

use super::check_account;
use super::wire::{
    DeletePublicAccessBlockRequest, GetPublicAccessBlockOutput, GetPublicAccessBlockRequest,
    PublicAccessBlockConfiguration, PutPublicAccessBlockRequest,
};
use crate::access::rules::{self, Blocks};
use crate::errors;
use virga_base::AwsError;
use virga_service::Ctx;
use virga_shape::Unit;

pub async fn get(ctx: Ctx, input: GetPublicAccessBlockRequest) -> Result<GetPublicAccessBlockOutput, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let account = ctx.account();
    let blocks = ctx.read(|tx| rules::account_blocks(tx, account))?;
    let blocks = blocks.ok_or_else(|| errors::no_such_public_access_block("AccountId", &account.to_string()))?;
    Ok(GetPublicAccessBlockOutput {
        public_access_block_configuration: Some(tell_blocks(blocks)),
    })
}

pub async fn put(ctx: Ctx, input: PutPublicAccessBlockRequest) -> Result<Unit, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let asked = input
        .public_access_block_configuration
        .ok_or_else(errors::malformed_xml)?;
    if asked == PublicAccessBlockConfiguration::default() {
        return Err(errors::invalid_request("Must specify at least one configuration."));
    }
    let blocks = read_blocks(&asked);
    ctx.write(|tx| rules::put_account_blocks(tx, ctx.account(), Some(blocks)))
        .await?;
    Ok(Unit)
}

pub async fn delete(ctx: Ctx, input: DeletePublicAccessBlockRequest) -> Result<Unit, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    ctx.write(|tx| rules::put_account_blocks(tx, ctx.account(), None))
        .await?;
    Ok(Unit)
}

/// What is not said is not blocked.
pub fn read_blocks(asked: &PublicAccessBlockConfiguration) -> Blocks {
    Blocks {
        block_public_acls: asked.block_public_acls.unwrap_or(false),
        ignore_public_acls: asked.ignore_public_acls.unwrap_or(false),
        block_public_policy: asked.block_public_policy.unwrap_or(false),
        restrict_public_buckets: asked.restrict_public_buckets.unwrap_or(false),
    }
}

pub fn tell_blocks(blocks: Blocks) -> PublicAccessBlockConfiguration {
    PublicAccessBlockConfiguration {
        block_public_acls: Some(blocks.block_public_acls),
        ignore_public_acls: Some(blocks.ignore_public_acls),
        block_public_policy: Some(blocks.block_public_policy),
        restrict_public_buckets: Some(blocks.restrict_public_buckets),
    }
}
