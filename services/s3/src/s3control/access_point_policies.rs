//! Policies of access points.

use super::access_points::{change, find, named};
use super::check_account;
use super::wire::{
    DeleteAccessPointPolicyRequest, GetAccessPointPolicyRequest, GetAccessPointPolicyResult,
    GetAccessPointPolicyStatusRequest, GetAccessPointPolicyStatusResult, PolicyStatus, PutAccessPointPolicyRequest,
};
use crate::access::rules;
use crate::access_point::policy;
use crate::{access, errors};
use virga_base::AwsError;
use virga_lang_policy::{Policy, Rules};
use virga_service::Ctx;
use virga_shape::Unit;

pub async fn put(ctx: Ctx, input: PutAccessPointPolicyRequest) -> Result<Unit, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let name = named(input.name)?;
    let text = input.policy.unwrap_or_default();
    let point = find(&ctx, name.clone())?;
    let policy = policy::read(&text, &point)?;
    if policy.is_public() {
        let mut blocks = point.blocks;
        let account = point.account;
        let of_account = ctx.read(|tx| rules::account_blocks(tx, account))?;
        blocks = blocks.or(of_account.unwrap_or_default());
        // A bucket's block counts for the access points of its own account.
        if let Some(bucket) = access::find(&ctx, &point.bucket)?.filter(|bucket| bucket.owner == account) {
            let home = access::home(&ctx, &bucket);
            blocks = blocks.or(home.read(|tx| rules::blocks(tx, &bucket))?);
        }
        if blocks.block_public_policy {
            return Err(errors::access_denied());
        }
    }
    change(&ctx, &name, |point| point.policy = Some(text.clone())).await?;
    Ok(Unit)
}

pub async fn get(ctx: Ctx, input: GetAccessPointPolicyRequest) -> Result<GetAccessPointPolicyResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let policy = kept(&ctx, input.name)?;
    Ok(GetAccessPointPolicyResult { policy: Some(policy) })
}

pub async fn delete(ctx: Ctx, input: DeleteAccessPointPolicyRequest) -> Result<Unit, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let name = named(input.name)?;
    change(&ctx, &name, |point| point.policy = None).await?;
    Ok(Unit)
}

pub async fn status(
    ctx: Ctx,
    input: GetAccessPointPolicyStatusRequest,
) -> Result<GetAccessPointPolicyStatusResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let policy = kept(&ctx, input.name)?;
    let is_public = Policy::parse(&policy, &Rules::LENIENT).is_ok_and(|policy| policy.is_public());
    Ok(GetAccessPointPolicyStatusResult {
        policy_status: Some(PolicyStatus {
            is_public: Some(is_public),
        }),
    })
}

fn kept(ctx: &Ctx, name: Option<String>) -> Result<String, AwsError> {
    let point = find(ctx, named(name)?)?;
    point
        .policy
        .ok_or_else(|| errors::no_such_access_point_policy(&point.name))
}
