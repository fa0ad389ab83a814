//! A bucket's notification configuration.

use crate::access::{self, Open, Wanted};
use crate::notification::destination::Destination;
use crate::notification::{KIND, record, rules};
use crate::wire::{
    GetBucketNotificationConfigurationRequest, NotificationConfiguration, PutBucketNotificationConfigurationRequest,
};
use crate::{configuration, errors};
use virga_base::AwsError;
use virga_service::Ctx;
use virga_shape::Unit;

pub async fn put(ctx: Ctx, input: PutBucketNotificationConfigurationRequest) -> Result<Unit, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "PutBucketNotification",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let mut given = input.notification_configuration.ok_or_else(errors::malformed_xml)?;
    rules::check(&mut given, ctx.ids(), &open.bucket.region)?;
    if !input.skip_destination_validation.unwrap_or(false) {
        try_out(&ctx, &open, &given).await?;
    }
    let change = |tx: &mut virga_service::Tx<'_>| -> Result<(), AwsError> {
        let bucket = open.again(tx)?;
        if rules::is_empty(&given) {
            configuration::delete(tx, bucket.id, KIND, "")?;
            return Ok(());
        }
        configuration::put(tx, bucket.id, KIND, "", given.clone())
    };
    open.home.write(change).await?;
    Ok(Unit)
}

/// Sends each destination the test event; all that refuse it are told together.
async fn try_out(ctx: &Ctx, open: &Open, given: &NotificationConfiguration) -> Result<(), AwsError> {
    let test = record::test_event(ctx, &open.bucket);
    let mut refused: Vec<(String, String)> = Vec::new();
    let mut tried: Vec<&str> = Vec::new();
    for rule in rules::rules(given) {
        if tried.contains(&rule.arn) {
            continue;
        }
        tried.push(rule.arn);
        let destination = Destination::parse(rule.service, rule.arn)?;
        if let Some(reason) = destination.try_out(&open.home, &test).await? {
            refused.push((rule.arn.to_owned(), reason));
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    let error = AwsError::new(
        "InvalidArgument",
        "Unable to validate the following destination configurations",
    );
    if let [(arn, reason)] = refused.as_slice() {
        return Err(error
            .with_detail("ArgumentName", arn.clone())
            .with_detail("ArgumentValue", reason.clone()));
    }
    let numbered = refused.into_iter().enumerate();
    Err(numbered.fold(error, |error, (at, (arn, reason))| {
        let number = at + 1;
        error
            .with_detail(format!("ArgumentName{number}"), arn)
            .with_detail(format!("ArgumentValue{number}"), reason)
    }))
}

pub async fn get(
    ctx: Ctx,
    input: GetBucketNotificationConfigurationRequest,
) -> Result<NotificationConfiguration, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "GetBucketNotification",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let found = open.home.read(|tx| configuration::get(tx, open.id(), KIND, ""))?;
    Ok(found.unwrap_or_default())
}
