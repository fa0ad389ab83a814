//! Policies of multi-region access points, and where they send requests.

use super::check_account;
use super::multi_region::{Asked, change, find, no_such_point};
use super::wire::{
    EstablishedMultiRegionAccessPointPolicy, GetMultiRegionAccessPointPolicyRequest,
    GetMultiRegionAccessPointPolicyResult, GetMultiRegionAccessPointPolicyStatusRequest,
    GetMultiRegionAccessPointPolicyStatusResult, GetMultiRegionAccessPointRoutesRequest,
    GetMultiRegionAccessPointRoutesResult, MultiRegionAccessPointPolicyDocument, MultiRegionAccessPointRoute,
    PolicyStatus, PutMultiRegionAccessPointPolicyRequest, PutMultiRegionAccessPointPolicyResult,
    SubmitMultiRegionAccessPointRoutesRequest, SubmitMultiRegionAccessPointRoutesResult,
};
use crate::access::rules;
use crate::state::{MULTI_REGION_POINTS, MultiRegionChange, MultiRegionPoint};
use crate::{errors, policy};
use virga_base::{Arn, AwsError};
use virga_lang_policy::{Policy, Rules};
use virga_service::{Ctx, Place};

pub async fn put_policy(
    ctx: Ctx,
    input: PutMultiRegionAccessPointPolicyRequest,
) -> Result<PutMultiRegionAccessPointPolicyResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let details = input.details.ok_or_else(errors::malformed_xml)?;
    let (name, text) = (details.name.unwrap_or_default(), details.policy.unwrap_or_default());
    let point = find(&ctx, &name)?;
    let of_account = ctx.read(|tx| rules::account_blocks(tx, ctx.account()))?;
    let blocks = point.blocks.or(of_account.unwrap_or_default());
    let error = match policy::parse(&text) {
        Err(error) => Some(error),
        Ok(policy) if policy.is_public() && blocks.block_public_policy => Some(errors::access_denied()),
        Ok(_) => None,
    };
    let what = MultiRegionChange::PutPolicy { policy: text.clone() };
    let asked = Asked::new(&ctx, name.clone(), what);
    change(&ctx, &name, |point, tx| {
        if error.is_none() {
            point.policy = Some(text.clone());
        }
        asked.keep(tx, error.clone())
    })
    .await?;
    Ok(PutMultiRegionAccessPointPolicyResult {
        request_token_arn: Some(asked.token),
    })
}

pub async fn get_policy(
    ctx: Ctx,
    input: GetMultiRegionAccessPointPolicyRequest,
) -> Result<GetMultiRegionAccessPointPolicyResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let policy = kept(&ctx, &input.name.unwrap_or_default())?;
    Ok(GetMultiRegionAccessPointPolicyResult {
        policy: Some(MultiRegionAccessPointPolicyDocument {
            established: Some(EstablishedMultiRegionAccessPointPolicy { policy: Some(policy) }),
            // What is proposed is established at once.
            proposed: None,
        }),
    })
}

pub async fn policy_status(
    ctx: Ctx,
    input: GetMultiRegionAccessPointPolicyStatusRequest,
) -> Result<GetMultiRegionAccessPointPolicyStatusResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let policy = kept(&ctx, &input.name.unwrap_or_default())?;
    let is_public = Policy::parse(&policy, &Rules::LENIENT).is_ok_and(|policy| policy.is_public());
    Ok(GetMultiRegionAccessPointPolicyStatusResult {
        established: Some(PolicyStatus {
            is_public: Some(is_public),
        }),
    })
}

fn kept(ctx: &Ctx, name: &str) -> Result<String, AwsError> {
    find(ctx, name)?.policy.ok_or_else(|| {
        AwsError::new(
            "NoSuchMultiRegionAccessPointPolicy",
            "The specified Multi-Region Access Point policy does not exist.",
        )
        .with_status(404)
        .with_detail("Name", name)
    })
}

pub async fn get_routes(
    ctx: Ctx,
    input: GetMultiRegionAccessPointRoutesRequest,
) -> Result<GetMultiRegionAccessPointRoutesResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let mrap = input.mrap.unwrap_or_default();
    let point = by_arn(&ctx, &mrap)?;
    let routes = point.routes.into_iter().map(|route| MultiRegionAccessPointRoute {
        bucket: Some(route.bucket),
        region: Some(route.region),
        traffic_dial_percentage: Some(route.dial_percent),
    });
    Ok(GetMultiRegionAccessPointRoutesResult {
        routes: Some(routes.collect()),
        mrap: Some(mrap),
    })
}

pub async fn submit_routes(
    ctx: Ctx,
    input: SubmitMultiRegionAccessPointRoutesRequest,
) -> Result<SubmitMultiRegionAccessPointRoutesResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let updates = input.route_updates.unwrap_or_default();
    let known = |percent: Option<i32>| matches!(percent, Some(0 | 100));
    if updates.is_empty() || !updates.iter().all(|update| known(update.traffic_dial_percentage)) {
        return Err(errors::malformed_xml());
    }
    let point = by_arn(&ctx, &input.mrap.unwrap_or_default())?;
    change(&ctx, &point.name, |point, _| {
        for update in &updates {
            let meant = point.routes.iter_mut().find(|route| {
                update.region.as_ref().is_none_or(|region| *region == route.region)
                    && update.bucket.as_ref().is_none_or(|bucket| *bucket == route.bucket)
            });
            let meant = meant
                .ok_or_else(|| errors::invalid_request("The route is not part of the Multi-Region Access Point"))?;
            meant.dial_percent = update.traffic_dial_percentage.unwrap_or(meant.dial_percent);
        }
        if point.routes.iter().all(|route| route.dial_percent == 0) {
            return Err(errors::invalid_request("At least one route must be active"));
        }
        Ok(())
    })
    .await?;
    Ok(SubmitMultiRegionAccessPointRoutesResult {})
}

/// Routes are asked for by `arn:aws:s3::111122223333:accesspoint/ALIAS`.
fn by_arn(ctx: &Ctx, text: &str) -> Result<MultiRegionPoint, AwsError> {
    let arn = Arn::parse(text).ok();
    let alias = arn.as_ref().and_then(|arn| arn.resource.strip_prefix("accesspoint/"));
    let alias = alias.ok_or_else(|| errors::invalid_request("Invalid Multi-Region Access Point ARN"))?;
    let mut found = None;
    ctx.read(|tx| -> Result<(), AwsError> {
        // They belong to no region.
        let place = Place::account(ctx.account());
        let tx = tx.elsewhere(&place);
        tx.scan(&MULTI_REGION_POINTS).each(|_, point: MultiRegionPoint| {
            if point.alias == alias {
                found = Some(point);
            }
            super::page::until(found.is_some())
        })?;
        Ok(())
    })?;
    found.ok_or_else(|| no_such_point(alias))
}
