//! Batch jobs. None can be made, so none are listed.

use super::check_account;
use super::wire::{ListJobsRequest, ListJobsResult};
use virga_base::AwsError;
use virga_service::Ctx;

pub async fn list(ctx: Ctx, input: ListJobsRequest) -> Result<ListJobsResult, AwsError> {
    check_account(&ctx, input.account_id.as_deref())?;
    Ok(ListJobsResult {
        next_token: None,
        jobs: Some(Vec::new()),
    })
}
