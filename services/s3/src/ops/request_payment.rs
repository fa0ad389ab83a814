//! Who pays for requests.

use crate::access::{self, Wanted, rules};
use crate::errors;
use crate::wire::{GetBucketRequestPaymentOutput, GetBucketRequestPaymentRequest, PutBucketRequestPaymentRequest};
use virga_base::AwsError;
use virga_service::Ctx;
use virga_shape::Unit;

pub async fn get(ctx: Ctx, input: GetBucketRequestPaymentRequest) -> Result<GetBucketRequestPaymentOutput, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "GetBucketRequestPayment",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let requester = open.home.read(|tx| rules::requester_pays(tx, &open.bucket))?;
    let payer = if requester { "Requester" } else { "BucketOwner" };
    Ok(GetBucketRequestPaymentOutput {
        payer: Some(payer.to_owned()),
    })
}

pub async fn put(ctx: Ctx, input: PutBucketRequestPaymentRequest) -> Result<Unit, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "PutBucketRequestPayment",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let payer = input.request_payment_configuration.and_then(|asked| asked.payer);
    let payer = payer.filter(|payer| ["Requester", "BucketOwner"].contains(&payer.as_str()));
    let payer = payer.ok_or_else(errors::malformed_xml)?;
    let kept = (payer == "Requester").then(|| payer.into_bytes());
    open.home
        .write(|tx| {
            let bucket = open.again(tx)?;
            Ok::<(), AwsError>(rules::put(tx, &bucket, rules::REQUEST_PAYMENT, kept.clone())?)
        })
        .await?;
    Ok(Unit)
}
