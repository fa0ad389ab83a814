//! DescribeLimits, DescribeEndpoints.

use crate::limits::{ACCOUNT_UNITS_MAX, TABLE_UNITS_MAX};
use crate::wire;
use virga_base::AwsError;
use virga_service::Ctx;

/// How long clients may keep an endpoint.
const ENDPOINT_MINUTES: i64 = 1440;

pub async fn limits(_ctx: Ctx, _input: wire::DescribeLimitsInput) -> Result<wire::DescribeLimitsOutput, AwsError> {
    // The quotas of a new account.
    Ok(wire::DescribeLimitsOutput {
        account_max_read_capacity_units: Some(ACCOUNT_UNITS_MAX),
        account_max_write_capacity_units: Some(ACCOUNT_UNITS_MAX),
        table_max_read_capacity_units: Some(TABLE_UNITS_MAX),
        table_max_write_capacity_units: Some(TABLE_UNITS_MAX),
    })
}

pub async fn endpoints(
    ctx: Ctx,
    _input: wire::DescribeEndpointsRequest,
) -> Result<wire::DescribeEndpointsResponse, AwsError> {
    // Where the caller is already: a client that follows the answer must not leave for AWS.
    let address = match ctx.request().host() {
        Some(host) => host.to_owned(),
        None => format!("dynamodb.{}.amazonaws.com", ctx.region().as_str()),
    };
    Ok(wire::DescribeEndpointsResponse {
        endpoints: Some(vec![wire::Endpoint {
            address: Some(address),
            cache_period_in_minutes: Some(ENDPOINT_MINUTES),
        }]),
    })
}
