//! RenameObject, which directory buckets alone have.

use crate::access::{self, Wanted};
use crate::errors;
use crate::wire::{RenameObjectOutput, RenameObjectRequest};
use virga_base::AwsError;
use virga_service::Ctx;

pub async fn rename(ctx: Ctx, input: RenameObjectRequest) -> Result<RenameObjectOutput, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: None,
        action: "PutObject",
        key: input.key.as_deref(),
    };
    access::open(&ctx, wanted).await?;
    // All buckets here are general purpose ones.
    Err(errors::method_not_allowed("PUT", "OBJECT"))
}
