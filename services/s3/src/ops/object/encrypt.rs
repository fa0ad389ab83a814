//! UpdateObjectEncryption: another encryption for an object that is there.

use super::read::read_version;
use crate::access::{self, Wanted};
use crate::errors;
use crate::object::{key, version_id, versions};
use crate::ops::encryption::key_arn;
use crate::state::Encryption;
use crate::wire::{ObjectEncryption, UpdateObjectEncryptionRequest, UpdateObjectEncryptionResponse};
use virga_base::AwsError;
use virga_service::{Ctx, Tx};

pub async fn update(
    ctx: Ctx,
    input: UpdateObjectEncryptionRequest,
) -> Result<UpdateObjectEncryptionResponse, AwsError> {
    let key = key::read(input.key)?;
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "UpdateObjectEncryption",
        key: Some(&key),
    };
    let open = access::open(&ctx, wanted).await?;
    let Some(ObjectEncryption::SSEKMS(asked)) = input.object_encryption else {
        return Err(errors::malformed_xml());
    };
    // Only whole ARNs are taken, unlike elsewhere.
    let arn = asked.kms_key_arn.filter(|arn| arn.starts_with("arn:"));
    let arn = arn.ok_or_else(|| errors::invalid_request("The KMS key must be given by its ARN."))?;
    let encryption = Encryption::Kms {
        key_id: key_arn(&open, Some(&arn)),
        bucket_key: asked.bucket_key_enabled.unwrap_or(false),
        context: None,
        twice: false,
    };
    let id = version_id::asked(input.version_id)?;
    let change = |tx: &mut Tx<'_>| -> Result<(), AwsError> {
        let bucket = open.again(tx)?;
        let mut version = read_version(&tx.reading(), &bucket, &key, id.as_deref(), "PUT")?;
        match version.encryption {
            Encryption::S3 | Encryption::Kms { twice: false, .. } => {}
            Encryption::Kms { .. } | Encryption::Customer { .. } => {
                return Err(errors::invalid_request(
                    "The encryption of this object cannot be updated.",
                ));
            }
        }
        version.encryption.clone_from(&encryption);
        Ok(versions::keep(tx, &bucket, &key, &version)?)
    };
    open.home.write(change).await?;
    Ok(UpdateObjectEncryptionResponse::default())
}
