//! Amazon S3 Control: access points, batch jobs, an account's block of public access, tags by ARN, Storage Lens. Keeps its rows with
//! S3's.

mod access_point_policies;
mod access_points;
mod jobs;
mod multi_region;
mod multi_region_rules;
mod page;
mod public_access;
mod storage_lens;
mod tags;
#[expect(clippy::large_enum_variant, reason = "generated, and of few values")]
pub mod wire;

use crate::errors;
use virga_base::AwsError;
use virga_service::{Ctx, Principal, Service, Validation};

/// The service.
pub fn service() -> Service {
    Service::new(wire::MODEL, Validation::Own)
        .on(wire::GET_PUBLIC_ACCESS_BLOCK, public_access::get)
        .on(wire::PUT_PUBLIC_ACCESS_BLOCK, public_access::put)
        .on(wire::DELETE_PUBLIC_ACCESS_BLOCK, public_access::delete)
        .on(wire::CREATE_ACCESS_POINT, access_points::create)
        .on(wire::GET_ACCESS_POINT, access_points::get)
        .on(wire::LIST_ACCESS_POINTS, access_points::list)
        .on(wire::DELETE_ACCESS_POINT, access_points::delete)
        .on(wire::PUT_ACCESS_POINT_POLICY, access_point_policies::put)
        .on(wire::GET_ACCESS_POINT_POLICY, access_point_policies::get)
        .on(wire::GET_ACCESS_POINT_POLICY_STATUS, access_point_policies::status)
        .on(wire::DELETE_ACCESS_POINT_POLICY, access_point_policies::delete)
        .stored(wire::CREATE_MULTI_REGION_ACCESS_POINT, multi_region::create)
        .stored(wire::GET_MULTI_REGION_ACCESS_POINT, multi_region::get)
        .stored(wire::LIST_MULTI_REGION_ACCESS_POINTS, multi_region::list)
        .stored(wire::DELETE_MULTI_REGION_ACCESS_POINT, multi_region::delete)
        .stored(
            wire::DESCRIBE_MULTI_REGION_ACCESS_POINT_OPERATION,
            multi_region::describe,
        )
        .stored(
            wire::PUT_MULTI_REGION_ACCESS_POINT_POLICY,
            multi_region_rules::put_policy,
        )
        .stored(
            wire::GET_MULTI_REGION_ACCESS_POINT_POLICY,
            multi_region_rules::get_policy,
        )
        .stored(
            wire::GET_MULTI_REGION_ACCESS_POINT_POLICY_STATUS,
            multi_region_rules::policy_status,
        )
        .stored(
            wire::GET_MULTI_REGION_ACCESS_POINT_ROUTES,
            multi_region_rules::get_routes,
        )
        .stored(
            wire::SUBMIT_MULTI_REGION_ACCESS_POINT_ROUTES,
            multi_region_rules::submit_routes,
        )
        .stored(wire::PUT_STORAGE_LENS_CONFIGURATION, storage_lens::put)
        .stored(wire::GET_STORAGE_LENS_CONFIGURATION, storage_lens::get)
        .stored(wire::LIST_STORAGE_LENS_CONFIGURATIONS, storage_lens::list)
        .stored(wire::DELETE_STORAGE_LENS_CONFIGURATION, storage_lens::delete)
        .stored(wire::GET_STORAGE_LENS_CONFIGURATION_TAGGING, storage_lens::get_tags)
        .stored(wire::PUT_STORAGE_LENS_CONFIGURATION_TAGGING, storage_lens::put_tags)
        .stored(
            wire::DELETE_STORAGE_LENS_CONFIGURATION_TAGGING,
            storage_lens::delete_tags,
        )
        .on(wire::CREATE_JOB, jobs::create)
        .on(wire::DESCRIBE_JOB, jobs::describe)
        .on(wire::LIST_JOBS, jobs::list)
        .on(wire::UPDATE_JOB_STATUS, jobs::update_status)
        .on(wire::UPDATE_JOB_PRIORITY, jobs::update_priority)
        .on(wire::GET_JOB_TAGGING, jobs::get_tags)
        .on(wire::PUT_JOB_TAGGING, jobs::put_tags)
        .on(wire::DELETE_JOB_TAGGING, jobs::delete_tags)
        .due(jobs::STEP, jobs::step)
        .on(wire::TAG_RESOURCE, tags::tag)
        .on(wire::UNTAG_RESOURCE, tags::untag)
        .on(wire::LIST_TAGS_FOR_RESOURCE, tags::list)
}

/// Whether the caller is of the account that it names.
fn check_account(ctx: &Ctx, named: Option<&str>) -> Result<(), AwsError> {
    let own = ctx.account().to_string();
    match named {
        None => Err(errors::invalid_request("Missing AccountId")),
        Some(named) if named == own && ctx.caller().principal != Principal::Anonymous => Ok(()),
        Some(_) => Err(errors::access_denied()),
    }
}
