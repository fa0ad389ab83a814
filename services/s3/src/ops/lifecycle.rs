//! A bucket's lifecycle configuration.

use crate::access::{self, Wanted};
use crate::lifecycle::{KIND, check, schedule};
use crate::wire::{
    DeleteBucketLifecycleRequest, GetBucketLifecycleConfigurationOutput, GetBucketLifecycleConfigurationRequest,
    PutBucketLifecycleConfigurationOutput, PutBucketLifecycleConfigurationRequest,
    transition_default_minimum_object_size as minimum,
};
use crate::{configuration, errors};
use virga_base::AwsError;
use virga_service::Ctx;
use virga_shape::Unit;

pub async fn put(
    ctx: Ctx,
    input: PutBucketLifecycleConfigurationRequest,
) -> Result<PutBucketLifecycleConfigurationOutput, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "PutLifecycleConfiguration",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let size = input
        .transition_default_minimum_object_size
        .unwrap_or_else(|| minimum::ALL_STORAGE_CLASSES_128K.to_owned());
    if ![minimum::ALL_STORAGE_CLASSES_128K, minimum::VARIES_BY_STORAGE_CLASS].contains(&size.as_str()) {
        return Err(errors::invalid_request(&format!(
            "Invalid TransitionDefaultMinimumObjectSize found: {size}"
        )));
    }
    let mut rules = input
        .lifecycle_configuration
        .and_then(|given| given.rules)
        .ok_or_else(errors::malformed_xml)?;
    check::check(&mut rules, ctx.ids())?;
    let kept = GetBucketLifecycleConfigurationOutput {
        rules: Some(rules),
        transition_default_minimum_object_size: Some(size.clone()),
    };
    let number = ctx.ids().u64();
    let change = |tx: &mut virga_service::Tx<'_>| -> Result<(), AwsError> {
        let bucket = open.again(tx)?;
        configuration::put(tx, bucket.id, KIND, "", kept.clone())?;
        Ok(schedule::begin(tx, &open.home, &bucket, number)?)
    };
    open.home.write(change).await?;
    Ok(PutBucketLifecycleConfigurationOutput {
        transition_default_minimum_object_size: Some(size),
    })
}

pub async fn get(
    ctx: Ctx,
    input: GetBucketLifecycleConfigurationRequest,
) -> Result<GetBucketLifecycleConfigurationOutput, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "GetLifecycleConfiguration",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let found = open.home.read(|tx| configuration::get(tx, open.id(), KIND, ""))?;
    found.ok_or_else(|| {
        AwsError::new(
            "NoSuchLifecycleConfiguration",
            "The lifecycle configuration does not exist",
        )
        .with_status(404)
        .with_detail("BucketName", open.bucket.name.clone())
    })
}

pub async fn delete(ctx: Ctx, input: DeleteBucketLifecycleRequest) -> Result<Unit, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "PutLifecycleConfiguration",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let change = |tx: &mut virga_service::Tx<'_>| -> Result<(), AwsError> {
        let bucket = open.again(tx)?;
        configuration::delete(tx, bucket.id, KIND, "")?;
        Ok(schedule::end(tx, &bucket)?)
    };
    open.home.write(change).await?;
    Ok(Unit)
}
