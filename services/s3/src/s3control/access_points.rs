//! Access points: made, found, listed, deleted.

use super::public_access::{read_blocks, tell_blocks};
use super::wire::{
    AccessPoint as Listed, CreateAccessPointRequest, CreateAccessPointResult, DeleteAccessPointRequest,
    GetAccessPointRequest, GetAccessPointResult, ListAccessPointsRequest, ListAccessPointsResult, VpcConfiguration,
};
use super::{check_account, page, tags};
use crate::access::rules::Blocks;
use crate::state::{
    ACCESS_POINT_ALIASES, ACCESS_POINTS, AccessPoint, AliasOf, BUCKET_ACCESS_POINTS, BUCKETS, Bucket, world,
};
use crate::{access, access_point, errors};
use std::collections::BTreeMap;
use virga_base::{Account, AwsError, Partition, Region, Timestamp};
use virga_service::{Ctx, Place, Tx};
use virga_shape::Unit;

/// Access points on one page.
const PAGE_MAX: i32 = 1000;

pub async fn create(ctx: Ctx, input: CreateAccessPointRequest) -> Result<CreateAccessPointResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let name = named(input.name)?;
    let tags = tags::read(input.tags.unwrap_or_default())?;
    let bucket_name = input.bucket.unwrap_or_default();
    let bucket = access::find(&ctx, &bucket_name)?.ok_or_else(|| errors::no_such_bucket(&bucket_name))?;
    let owner = match input.bucket_account_id.as_deref() {
        Some(account) => Account::parse(account).map_err(|_| errors::invalid_request("Invalid BucketAccountId"))?,
        None => ctx.account(),
    };
    if owner != bucket.owner {
        return Err(errors::access_denied());
    }
    if bucket.region != ctx.region().as_str() {
        return Err(errors::permanent_redirect(&bucket.name, &bucket.region));
    }
    let point = AccessPoint {
        alias: access_point::alias(&ctx, &name),
        name,
        account: ctx.account(),
        region: bucket.region.clone(),
        bucket: bucket.name.clone(),
        bucket_id: bucket.id,
        bucket_owner: bucket.owner,
        vpc_id: input.vpc_configuration.and_then(|vpc| vpc.vpc_id),
        blocks: input
            .public_access_block_configuration
            .map_or(Blocks::ALL, |asked| read_blocks(&asked)),
        created: Timestamp::from_secs(ctx.now().as_secs()),
        policy: None,
        tags,
    };
    ctx.write(|tx| make(tx, &bucket, &point)).await?;
    Ok(CreateAccessPointResult {
        access_point_arn: Some(point.arn()),
        alias: Some(point.alias),
    })
}

fn make(tx: &mut Tx<'_>, bucket: &Bucket, point: &AccessPoint) -> Result<(), AwsError> {
    let name = point.name.as_str();
    if tx.get(&ACCESS_POINTS, (name,))?.is_some() {
        return Err(errors::access_point_already_owned_by_you(name));
    }
    tx.put(&ACCESS_POINTS, (name,), point)?;
    // Aliases share the world's names with buckets, and the bucket may be another account's.
    let mut shared = tx.elsewhere(world());
    let there = shared.get(&BUCKETS, (bucket.name.as_str(),))?;
    if there.is_none_or(|there| there.id != bucket.id) {
        return Err(errors::no_such_bucket(&bucket.name));
    }
    let of = AliasOf {
        account: point.account,
        region: point.region.clone(),
        name: point.name.clone(),
    };
    shared.put(&ACCESS_POINT_ALIASES, (point.alias.as_str(),), &of)?;
    // A bucket knows its access points, which keep it from being deleted.
    let account = point.account.to_string();
    tx.elsewhere(&Place::new(bucket.owner, &bucket.region())).put(
        &BUCKET_ACCESS_POINTS,
        (bucket.id, account.as_str(), name),
        &(),
    )?;
    Ok(())
}

pub async fn get(ctx: Ctx, input: GetAccessPointRequest) -> Result<GetAccessPointResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let point = find(&ctx, named(input.name)?)?;
    Ok(GetAccessPointResult {
        access_point_arn: Some(point.arn()),
        network_origin: Some(point.network_origin().to_owned()),
        endpoints: Some(endpoints(&point.region)),
        public_access_block_configuration: Some(tell_blocks(point.blocks)),
        creation_date: Some(point.created),
        bucket_account_id: Some(point.bucket_owner.to_string()),
        vpc_configuration: point.vpc_id.map(|vpc_id| VpcConfiguration { vpc_id: Some(vpc_id) }),
        name: Some(point.name),
        bucket: Some(point.bucket),
        alias: Some(point.alias),
        data_source_id: None,
        data_source_type: None,
    })
}

/// Where AWS has its access points of a region.
fn endpoints(region: &str) -> BTreeMap<String, String> {
    let suffix = match Region::parse(region).unwrap_or_default().partition() {
        Partition::China => "amazonaws.com.cn",
        _ => "amazonaws.com",
    };
    [
        ("ipv4", "s3-accesspoint"),
        ("fips", "s3-accesspoint-fips"),
        ("fips_dualstack", "s3-accesspoint-fips.dualstack"),
        ("dualstack", "s3-accesspoint.dualstack"),
    ]
    .into_iter()
    .map(|(kind, start)| (kind.to_owned(), format!("{start}.{region}.{suffix}")))
    .collect()
}

pub async fn delete(ctx: Ctx, input: DeleteAccessPointRequest) -> Result<Unit, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let name = named(input.name)?;
    ctx.write(|tx| remove(tx, &name)).await?;
    Ok(Unit)
}

fn remove(tx: &mut Tx<'_>, name: &str) -> Result<(), AwsError> {
    let point = tx
        .get(&ACCESS_POINTS, (name,))?
        .ok_or_else(|| errors::no_such_access_point(name))?;
    tx.delete(&ACCESS_POINTS, (name,))?;
    // What it left elsewhere goes with it.
    tx.elsewhere(world())
        .delete(&ACCESS_POINT_ALIASES, (point.alias.as_str(),))?;
    let region = Region::parse(&point.region).unwrap_or_default();
    let account = point.account.to_string();
    tx.elsewhere(&Place::new(point.bucket_owner, &region))
        .delete(&BUCKET_ACCESS_POINTS, (point.bucket_id, account.as_str(), name))?;
    Ok(())
}

pub async fn list(ctx: Ctx, input: ListAccessPointsRequest) -> Result<ListAccessPointsResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let max = input.max_results.unwrap_or(PAGE_MAX);
    let max = usize::try_from(max.clamp(1, PAGE_MAX)).unwrap_or(1);
    let after = page::read_token(input.next_token.as_deref())?;
    let bucket = input.bucket.as_deref();
    let mut found = Vec::new();
    ctx.read(|tx| -> Result<(), AwsError> {
        found.clear();
        let scan = tx.scan(&ACCESS_POINTS).after((after.as_str(),));
        scan.each(|_, point: AccessPoint| {
            if bucket.is_none_or(|bucket| bucket == point.bucket) {
                found.push(point);
            }
            page::until(found.len() > max)
        })?;
        Ok(())
    })?;
    let next_token = page::cut(&mut found, max, |point| &point.name);
    let list = found.into_iter().map(|point| Listed {
        access_point_arn: Some(point.arn()),
        network_origin: Some(point.network_origin().to_owned()),
        bucket_account_id: Some(point.bucket_owner.to_string()),
        vpc_configuration: point.vpc_id.map(|vpc_id| VpcConfiguration { vpc_id: Some(vpc_id) }),
        name: Some(point.name),
        bucket: Some(point.bucket),
        alias: Some(point.alias),
        data_source_id: None,
        data_source_type: None,
    });
    Ok(ListAccessPointsResult {
        access_point_list: Some(list.collect()),
        next_token,
    })
}

/// The name that an address has, if it can be one.
pub fn named(name: Option<String>) -> Result<String, AwsError> {
    let name = name.unwrap_or_default();
    access_point::check_name(&name)?;
    Ok(name)
}

pub fn find(ctx: &Ctx, name: String) -> Result<AccessPoint, AwsError> {
    let found = ctx.read(|tx| Ok::<_, AwsError>(tx.get(&ACCESS_POINTS, (name.as_str(),))?))?;
    found.ok_or_else(|| errors::no_such_access_point(&name))
}

/// Changes an access point that is there.
pub async fn change(ctx: &Ctx, name: &str, change: impl Fn(&mut AccessPoint) + Send + Sync) -> Result<(), AwsError> {
    ctx.write(|tx| {
        let found = tx.get(&ACCESS_POINTS, (name,))?;
        let mut point = found.ok_or_else(|| errors::no_such_access_point(name))?;
        change(&mut point);
        tx.put(&ACCESS_POINTS, (name,), &point)?;
        Ok(())
    })
    .await
}
