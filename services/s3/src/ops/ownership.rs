//! Whose the objects of a bucket are.

use crate::access::ownership::{ENFORCED, PREFERRED, WRITER};
use crate::access::{self, Wanted, rules};
use crate::acl::Acl;
use crate::errors;
use crate::wire::{
    DeleteBucketOwnershipControlsRequest, GetBucketOwnershipControlsOutput, GetBucketOwnershipControlsRequest,
    OwnershipControls, OwnershipControlsRule, PutBucketOwnershipControlsRequest,
};
use virga_base::AwsError;
use virga_service::Ctx;
use virga_shape::Unit;

pub async fn get(
    ctx: Ctx,
    input: GetBucketOwnershipControlsRequest,
) -> Result<GetBucketOwnershipControlsOutput, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "GetBucketOwnershipControls",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let ownership = open.bucket.ownership.clone();
    let rule = OwnershipControlsRule {
        object_ownership: Some(ownership.ok_or_else(|| errors::no_ownership_controls(&open.bucket.name))?),
    };
    Ok(GetBucketOwnershipControlsOutput {
        ownership_controls: Some(OwnershipControls {
            rules: Some(vec![rule]),
        }),
    })
}

pub async fn put(ctx: Ctx, input: PutBucketOwnershipControlsRequest) -> Result<Unit, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "PutBucketOwnershipControls",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let rules = input.ownership_controls.and_then(|controls| controls.rules);
    let ownership = match rules.as_deref() {
        Some([rule]) => rule.object_ownership.clone().unwrap_or_default(),
        _ => return Err(errors::malformed_xml()),
    };
    if ![ENFORCED, PREFERRED, WRITER].contains(&ownership.as_str()) {
        return Err(errors::malformed_xml());
    }
    if ownership == ENFORCED {
        let acl = open.home.read(|tx| rules::acl(tx, &open.bucket))?;
        if acl != Acl::private(open.bucket.owner) {
            return Err(errors::acl_with_ownership());
        }
    }
    keep(&open, Some(ownership)).await
}

pub async fn delete(ctx: Ctx, input: DeleteBucketOwnershipControlsRequest) -> Result<Unit, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "PutBucketOwnershipControls",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    keep(&open, None).await
}

async fn keep(open: &access::Open, ownership: Option<String>) -> Result<Unit, AwsError> {
    open.home
        .write(|tx| {
            let mut bucket = open.again(tx)?;
            bucket.ownership.clone_from(&ownership);
            Ok::<(), AwsError>(open.keep(tx, &bucket)?)
        })
        .await?;
    Ok(Unit)
}
