//! Amazon S3 Control, as far as it rules over buckets: an account's block of public access, tags by ARN. Keeps its rows with S3's.

mod jobs;
mod public_access;
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
        .on(wire::LIST_JOBS, jobs::list)
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
