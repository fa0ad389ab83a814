//! Multi-region access points: made, found, listed, deleted. AWS takes minutes over what is done at once here; but as on AWS
//! most errors are told by what looks after a request, not by its own answer.

use super::public_access::{read_blocks, tell_blocks};
use super::wire::{
    AsyncErrorDetails, AsyncOperation, AsyncRequestParameters, AsyncResponseDetails, CreateMultiRegionAccessPointInput,
    CreateMultiRegionAccessPointRequest, CreateMultiRegionAccessPointResult, DeleteMultiRegionAccessPointInput,
    DeleteMultiRegionAccessPointRequest, DeleteMultiRegionAccessPointResult,
    DescribeMultiRegionAccessPointOperationRequest, DescribeMultiRegionAccessPointOperationResult,
    GetMultiRegionAccessPointRequest, GetMultiRegionAccessPointResult, ListMultiRegionAccessPointsRequest,
    ListMultiRegionAccessPointsResult, MultiRegionAccessPointRegionalResponse, MultiRegionAccessPointReport,
    MultiRegionAccessPointsAsyncResponse, PutMultiRegionAccessPointPolicyInput, Region, RegionReport,
};
use super::{check_account, page};
use crate::access::rules::Blocks;
use crate::state::{
    MULTI_REGION_POINTS, MULTI_REGION_REQUESTS, MultiRegionChange, MultiRegionPoint, MultiRegionRequest, Route,
};
use crate::{access, errors};
use virga_base::{Account, AwsError, Timestamp};
use virga_service::{Ctx, Place, Tx};

const PAGE_MAX: i32 = 100;
const BUCKETS_MAX: usize = 20;
const NAME_MIN: usize = 3;
const NAME_MAX: usize = 50;
/// All that is asked of them is asked of this region.
const REGION: &str = "us-west-2";
const SUCCEEDED: &str = "SUCCEEDED";

/// They belong to no region.
fn place(ctx: &Ctx) -> Place {
    Place::account(ctx.account())
}

pub async fn create(
    ctx: Ctx,
    input: CreateMultiRegionAccessPointRequest,
) -> Result<CreateMultiRegionAccessPointResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let details = input.details.ok_or_else(errors::malformed_xml)?;
    let name = details.name.unwrap_or_default();
    check_name(&name)?;
    let regions = details.regions.unwrap_or_default();
    if regions.is_empty() {
        return Err(errors::malformed_xml());
    }
    if regions.len() > BUCKETS_MAX {
        return Err(AwsError::new(
            "TooManyMultiRegionAccessPointregionsError",
            "You have attempted to create a Multi-Region Access Point with more Regions than are allowed for an account.",
        ));
    }
    let (routes, error) = routes(&ctx, regions)?;
    let point = MultiRegionPoint {
        alias: format!("m{}.mrap", ctx.ids().hex(12)),
        name: name.clone(),
        created: Timestamp::from_secs(ctx.now().as_secs()),
        blocks: details
            .public_access_block
            .map_or(Blocks::ALL, |asked| read_blocks(&asked)),
        routes,
        policy: None,
    };
    let change = MultiRegionChange::Create {
        blocks: point.blocks,
        routes: point.routes.clone(),
    };
    let asked = Asked::new(&ctx, name, change);
    ctx.write(|tx| {
        // They belong to no region.
        let place = place(&ctx);
        let mut tx = tx.elsewhere(&place);
        let known = tx.get(&MULTI_REGION_POINTS, (point.name.as_str(),))?;
        let error = known.map(|_| already_owned()).or_else(|| error.clone());
        if error.is_none() {
            tx.put(&MULTI_REGION_POINTS, (point.name.as_str(),), &point)?;
        }
        asked.keep(&mut tx, error)
    })
    .await?;
    Ok(CreateMultiRegionAccessPointResult {
        request_token_arn: Some(asked.token),
    })
}

/// The buckets that are asked for, and what is wrong with them: each must be there, each in another region.
fn routes(ctx: &Ctx, regions: Vec<Region>) -> Result<(Vec<Route>, Option<AwsError>), AwsError> {
    let (mut routes, mut error): (Vec<Route>, _) = (Vec::new(), None);
    for region in regions {
        let name = region.bucket.unwrap_or_default();
        let owner = match region.bucket_account_id.as_deref() {
            Some(account) => Account::parse(account).ok(),
            None => Some(ctx.account()),
        };
        let wrong = match access::find(ctx, &name)? {
            None => errors::no_such_bucket(&name),
            Some(bucket) if owner != Some(bucket.owner) => errors::access_denied(),
            Some(bucket) if routes.iter().any(|route| route.region == bucket.region) => same_region(),
            Some(bucket) => {
                routes.push(Route {
                    bucket: name,
                    bucket_owner: bucket.owner,
                    region: bucket.region,
                    dial_percent: 100,
                });
                continue;
            }
        };
        error.get_or_insert(wrong);
    }
    Ok((routes, error))
}

pub async fn delete(
    ctx: Ctx,
    input: DeleteMultiRegionAccessPointRequest,
) -> Result<DeleteMultiRegionAccessPointResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let name = input.details.and_then(|details| details.name).unwrap_or_default();
    let asked = Asked::new(&ctx, name.clone(), MultiRegionChange::Delete);
    ctx.write(|tx| {
        // They belong to no region.
        let place = place(&ctx);
        let mut tx = tx.elsewhere(&place);
        if tx.get(&MULTI_REGION_POINTS, (name.as_str(),))?.is_none() {
            return Err(no_such_point(&name));
        }
        tx.delete(&MULTI_REGION_POINTS, (name.as_str(),))?;
        asked.keep(&mut tx, None)
    })
    .await?;
    Ok(DeleteMultiRegionAccessPointResult {
        request_token_arn: Some(asked.token),
    })
}

pub async fn get(
    ctx: Ctx,
    input: GetMultiRegionAccessPointRequest,
) -> Result<GetMultiRegionAccessPointResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let point = find(&ctx, &input.name.unwrap_or_default())?;
    Ok(GetMultiRegionAccessPointResult {
        access_point: Some(report(point)),
    })
}

pub async fn list(
    ctx: Ctx,
    input: ListMultiRegionAccessPointsRequest,
) -> Result<ListMultiRegionAccessPointsResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let max = input.max_results.filter(|max| *max > 0).unwrap_or(PAGE_MAX);
    let max = usize::try_from(max.min(PAGE_MAX)).unwrap_or(1);
    let after = page::read_token(input.next_token.as_deref())?;
    let mut found = ctx.read(|tx| -> Result<_, AwsError> {
        // They belong to no region.
        let place = place(&ctx);
        let tx = tx.elsewhere(&place);
        let scan = tx.scan(&MULTI_REGION_POINTS).after((after.as_str(),));
        Ok(scan.limit(max + 1).rows()?)
    })?;
    let next_token = page::cut(&mut found, max, |(_, point)| &point.name);
    Ok(ListMultiRegionAccessPointsResult {
        access_points: Some(found.into_iter().map(|(_, point)| report(point)).collect()),
        next_token,
    })
}

pub async fn describe(
    ctx: Ctx,
    input: DescribeMultiRegionAccessPointOperationRequest,
) -> Result<DescribeMultiRegionAccessPointOperationResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    let token = input.request_token_arn.unwrap_or_default();
    let found = ctx.read(|tx| {
        // They belong to no region.
        let place = place(&ctx);
        let tx = tx.elsewhere(&place);
        Ok::<_, AwsError>(tx.get(&MULTI_REGION_REQUESTS, (token.as_str(),))?)
    })?;
    let Some(asked) = found else {
        return Err(
            AwsError::new("NoSuchAsyncRequest", "The specified request was not found.")
                .with_status(404)
                .with_detail("RequestTokenARN", token),
        );
    };
    let operation = operation(&asked.what);
    let status = if asked.error.is_none() { SUCCEEDED } else { "FAILED" };
    let (request_parameters, details) = tell(asked.name, asked.what);
    let response_details = match asked.error {
        None => details,
        Some((code, message)) => Some(AsyncResponseDetails {
            multi_region_access_point_details: None,
            error_details: Some(AsyncErrorDetails {
                code: Some(code),
                message: Some(message),
                ..AsyncErrorDetails::default()
            }),
        }),
    };
    Ok(DescribeMultiRegionAccessPointOperationResult {
        async_operation: Some(AsyncOperation {
            creation_time: Some(asked.created),
            operation: Some(operation.to_owned()),
            request_token_arn: Some(token),
            request_parameters: Some(request_parameters),
            request_status: Some(status.to_owned()),
            response_details,
        }),
    })
}

fn operation(what: &MultiRegionChange) -> &'static str {
    match what {
        MultiRegionChange::Create { .. } => "CreateMultiRegionAccessPoint",
        MultiRegionChange::Delete => "DeleteMultiRegionAccessPoint",
        MultiRegionChange::PutPolicy { .. } => "PutMultiRegionAccessPointPolicy",
    }
}

/// What was asked, and what came of it in each region.
fn tell(name: String, what: MultiRegionChange) -> (AsyncRequestParameters, Option<AsyncResponseDetails>) {
    let mut parameters = AsyncRequestParameters::default();
    let name = Some(name);
    match what {
        MultiRegionChange::Create { blocks, routes } => {
            let regions = routes.iter().map(|route| MultiRegionAccessPointRegionalResponse {
                name: Some(route.region.clone()),
                request_status: Some(SUCCEEDED.to_owned()),
            });
            let details = AsyncResponseDetails {
                multi_region_access_point_details: Some(MultiRegionAccessPointsAsyncResponse {
                    regions: Some(regions.collect()),
                }),
                error_details: None,
            };
            let regions = routes.into_iter().map(|route| Region {
                bucket: Some(route.bucket),
                bucket_account_id: Some(route.bucket_owner.to_string()),
            });
            parameters.create_multi_region_access_point_request = Some(CreateMultiRegionAccessPointInput {
                name,
                public_access_block: Some(tell_blocks(blocks)),
                regions: Some(regions.collect()),
            });
            return (parameters, Some(details));
        }
        MultiRegionChange::Delete => {
            parameters.delete_multi_region_access_point_request = Some(DeleteMultiRegionAccessPointInput { name });
        }
        MultiRegionChange::PutPolicy { policy } => {
            parameters.put_multi_region_access_point_policy_request = Some(PutMultiRegionAccessPointPolicyInput {
                name,
                policy: Some(policy),
            });
        }
    }
    (parameters, None)
}

fn report(point: MultiRegionPoint) -> MultiRegionAccessPointReport {
    let regions = point.routes.into_iter().map(|route| RegionReport {
        bucket: Some(route.bucket),
        region: Some(route.region),
        bucket_account_id: Some(route.bucket_owner.to_string()),
    });
    MultiRegionAccessPointReport {
        name: Some(point.name),
        alias: Some(point.alias),
        created_at: Some(point.created),
        public_access_block: Some(tell_blocks(point.blocks)),
        status: Some("READY".to_owned()),
        regions: Some(regions.collect()),
    }
}

/// Something that is asked, under the token that it is looked after by.
pub struct Asked {
    pub token: String,
    request: MultiRegionRequest,
}

impl Asked {
    pub fn new(ctx: &Ctx, name: String, what: MultiRegionChange) -> Asked {
        let operation = operation(&what).to_ascii_lowercase();
        let (partition, account, id) = (ctx.partition(), ctx.account(), ctx.ids().hex(24));
        Asked {
            token: format!("arn:{partition}:s3:{REGION}:{account}:async-request/mrap/{operation}/{id}"),
            request: MultiRegionRequest {
                created: ctx.now(),
                name,
                what,
                error: None,
            },
        }
    }

    /// Keeps it with the change itself, or with what that failed with.
    pub fn keep(&self, tx: &mut Tx<'_>, error: Option<AwsError>) -> Result<(), AwsError> {
        let request = MultiRegionRequest {
            error: error.map(|error| (error.code.into_owned(), error.message.to_string())),
            ..self.request.clone()
        };
        Ok(tx.put(&MULTI_REGION_REQUESTS, (self.token.as_str(),), &request)?)
    }
}

pub fn find(ctx: &Ctx, name: &str) -> Result<MultiRegionPoint, AwsError> {
    let found = ctx.read(|tx| {
        // They belong to no region.
        let place = place(ctx);
        let tx = tx.elsewhere(&place);
        Ok::<_, AwsError>(tx.get(&MULTI_REGION_POINTS, (name,))?)
    })?;
    found.ok_or_else(|| no_such_point(name))
}

/// Changes one that is there.
pub async fn change(
    ctx: &Ctx,
    name: &str,
    change: impl Fn(&mut MultiRegionPoint, &mut Tx<'_>) -> Result<(), AwsError> + Send + Sync,
) -> Result<(), AwsError> {
    ctx.write(|tx| {
        // They belong to no region.
        let place = place(ctx);
        let mut tx = tx.elsewhere(&place);
        let found = tx.get(&MULTI_REGION_POINTS, (name,))?;
        let mut point = found.ok_or_else(|| no_such_point(name))?;
        change(&mut point, &mut tx)?;
        Ok(tx.put(&MULTI_REGION_POINTS, (name,), &point)?)
    })
    .await
}

fn check_name(name: &str) -> Result<(), AwsError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let good = (NAME_MIN..=NAME_MAX).contains(&name.len())
        && name.bytes().all(plain)
        && !name.starts_with('-')
        && !name.ends_with('-');
    if good {
        return Ok(());
    }
    Err(AwsError::new(
        "InvalidMultiRegionAccessPointName",
        "The supplied Multi-Region Access Point name is not valid.",
    ))
}

fn already_owned() -> AwsError {
    AwsError::new(
        "MultiRegionAccessPointAlreadyOwnedByYou",
        "You already have a Multi-Region Access Point with the same name.",
    )
}

fn same_region() -> AwsError {
    AwsError::new(
        "MultiRegionAccessPointSameBucketRegion",
        "The buckets used to create a Multi-Region Access Point cannot be in the same Region.",
    )
}

pub fn no_such_point(name: &str) -> AwsError {
    AwsError::new(
        "NoSuchMultiRegionAccessPoint",
        "The specified Multi-Region Access Point does not exist.",
    )
    .with_status(404)
    .with_detail("Name", name)
}
