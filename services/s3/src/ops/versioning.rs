//! PutBucketVersioning and GetBucketVersioning.

use crate::access::{self, Wanted};
use crate::state::Versioning;
use crate::wire::{GetBucketVersioningOutput, GetBucketVersioningRequest, PutBucketVersioningRequest};
use crate::{errors, replication};
use virga_base::AwsError;
use virga_service::Ctx;
use virga_shape::Unit;

pub async fn put(ctx: Ctx, input: PutBucketVersioningRequest) -> Result<Unit, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "PutBucketVersioning",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let configuration = input.versioning_configuration.unwrap_or_default();
    let versioning = match configuration.status.as_deref() {
        Some("Enabled") => Versioning::Enabled,
        Some("Suspended") => Versioning::Suspended,
        None => {
            return Err(AwsError::new(
                "IllegalVersioningConfigurationException",
                "The Versioning element must be specified",
            ));
        }
        Some(_) => return Err(errors::malformed_xml()),
    };
    let mfa_delete = match configuration.mfa_delete.as_deref() {
        None => None,
        Some("Enabled") => Some(true),
        Some("Disabled") => Some(false),
        Some(_) => return Err(errors::malformed_xml()),
    };
    // Only who has a device may turn it on; there are none to prove here.
    if mfa_delete == Some(true) && input.mfa.is_none() {
        return Err(errors::mfa_not_given());
    }
    open.home
        .write(|tx| -> Result<(), AwsError> {
            let mut bucket = open.again(tx)?;
            if bucket.object_lock && versioning == Versioning::Suspended {
                return Err(errors::versions_are_locked());
            }
            let is_replicated = replication::is_configured(&tx.reading(), &bucket)?;
            if is_replicated && versioning == Versioning::Suspended {
                return Err(errors::versions_are_replicated());
            }
            bucket.versioning = versioning;
            bucket.mfa_delete = mfa_delete.unwrap_or(bucket.mfa_delete);
            Ok(open.keep(tx, &bucket)?)
        })
        .await?;
    Ok(Unit)
}

pub async fn get(ctx: Ctx, input: GetBucketVersioningRequest) -> Result<GetBucketVersioningOutput, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "GetBucketVersioning",
        key: None,
    };
    let bucket = access::open(&ctx, wanted).await?.bucket;
    let status = match bucket.versioning {
        Versioning::Never => return Ok(GetBucketVersioningOutput::default()),
        Versioning::Enabled => "Enabled",
        Versioning::Suspended => "Suspended",
    };
    Ok(GetBucketVersioningOutput {
        status: Some(status.to_owned()),
        mfa_delete: bucket.mfa_delete.then(|| "Enabled".to_owned()),
    })
}
