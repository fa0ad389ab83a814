//! Bucket policies.

use crate::access::{self, Wanted, rules};
use crate::errors;
use crate::policy;
use crate::wire::{
    DeleteBucketPolicyRequest, GetBucketPolicyOutput, GetBucketPolicyRequest, GetBucketPolicyStatusOutput,
    GetBucketPolicyStatusRequest, PolicyStatus, PutBucketPolicyRequest,
};
use virga_base::AwsError;
use virga_lang_policy::{Policy, Rules};
use virga_service::Ctx;
use virga_shape::Unit;

pub async fn get(ctx: Ctx, input: GetBucketPolicyRequest) -> Result<GetBucketPolicyOutput, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "GetBucketPolicy",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let kept = open.home.read(|tx| rules::get(tx, &open.bucket, rules::POLICY))?;
    let policy = kept.and_then(|kept| String::from_utf8(kept).ok());
    Ok(GetBucketPolicyOutput {
        policy: Some(policy.ok_or_else(|| errors::no_such_bucket_policy(&open.bucket.name))?),
    })
}

pub async fn put(ctx: Ctx, input: PutBucketPolicyRequest) -> Result<Unit, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "PutBucketPolicy",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let text = input.policy.unwrap_or_default();
    let policy = policy::read(&text, &open.bucket)?;
    let blocks = open.home.read(|tx| rules::blocks(tx, &open.bucket))?;
    if blocks.block_public_policy && policy.is_public() {
        return Err(errors::access_denied_because(
            &ctx.caller().arn(ctx.partition()),
            "PutBucketPolicy",
            &open.bucket.arn(),
            "because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access",
        ));
    }
    open.home
        .write(|tx| {
            let bucket = open.again(tx)?;
            let kept = Some(text.clone().into_bytes());
            Ok::<(), AwsError>(rules::put(tx, &bucket, rules::POLICY, kept)?)
        })
        .await?;
    Ok(Unit)
}

pub async fn delete(ctx: Ctx, input: DeleteBucketPolicyRequest) -> Result<Unit, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "DeleteBucketPolicy",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    open.home
        .write(|tx| {
            let bucket = open.again(tx)?;
            Ok::<(), AwsError>(rules::put(tx, &bucket, rules::POLICY, None)?)
        })
        .await?;
    Ok(Unit)
}

pub async fn status(ctx: Ctx, input: GetBucketPolicyStatusRequest) -> Result<GetBucketPolicyStatusOutput, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "GetBucketPolicyStatus",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let kept = open.home.read(|tx| rules::get(tx, &open.bucket, rules::POLICY))?;
    let text = kept.and_then(|kept| String::from_utf8(kept).ok());
    let text = text.ok_or_else(|| errors::no_such_bucket_policy(&open.bucket.name))?;
    let is_public = Policy::parse(&text, &Rules::LENIENT).is_ok_and(|policy| policy.is_public());
    Ok(GetBucketPolicyStatusOutput {
        policy_status: Some(PolicyStatus {
            is_public: Some(is_public),
        }),
    })
}
