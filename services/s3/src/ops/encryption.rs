//! What a bucket encrypts new objects with, where their writers say nothing.

use crate::access::{self, Open, rules};
use crate::config::wanted;
use crate::errors;
use crate::state::Encryption;
use crate::wire::{
    BlockedEncryptionTypes, DeleteBucketEncryptionRequest, GetBucketEncryptionOutput, GetBucketEncryptionRequest,
    PutBucketEncryptionRequest, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use virga_base::AwsError;
use virga_service::Ctx;
use virga_shape::Unit;

/// The kind of the row.
const KIND: &str = "encryption";

/// The one rule of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rule {
    algorithm: String,
    key_id: Option<String>,
    bucket_key: bool,
    blocked: Vec<String>,
}

impl Default for Rule {
    /// What every bucket has.
    fn default() -> Rule {
        Rule {
            algorithm: "AES256".to_owned(),
            key_id: None,
            bucket_key: false,
            blocked: Vec::new(),
        }
    }
}

/// Whether somebody has said what a bucket encrypts with.
pub fn is_told(open: &Open) -> Result<bool, AwsError> {
    Ok(open.home.read(|tx| rules::get(tx, &open.bucket, KIND))?.is_some())
}

impl Rule {
    fn of(open: &Open) -> Result<Rule, AwsError> {
        let kept = open.home.read(|tx| rules::get(tx, &open.bucket, KIND))?;
        Ok(kept
            .and_then(|kept| serde_json::from_slice(&kept).ok())
            .unwrap_or_default())
    }

    fn read(configuration: ServerSideEncryptionConfiguration) -> Result<Rule, AwsError> {
        let mut given = configuration.rules.unwrap_or_default();
        let (Some(rule), true) = (given.pop(), given.is_empty()) else {
            return Err(errors::malformed_xml());
        };
        let default = rule.apply_server_side_encryption_by_default;
        let default = default.ok_or_else(errors::malformed_xml)?;
        let algorithm = default.sse_algorithm.unwrap_or_default();
        if !["AES256", "aws:kms", "aws:kms:dsse"].contains(&algorithm.as_str()) {
            return Err(errors::malformed_xml());
        }
        let key_id = default.kms_master_key_id.filter(|key| !key.is_empty());
        if key_id.is_some() && algorithm == "AES256" {
            return Err(errors::invalid_argument_named(
                "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
                "ApplyServerSideEncryptionByDefault",
            ));
        }
        let blocked = rule.blocked_encryption_types;
        Ok(Rule {
            algorithm,
            key_id,
            bucket_key: rule.bucket_key_enabled.unwrap_or(false),
            blocked: blocked.and_then(|types| types.encryption_type).unwrap_or_default(),
        })
    }

    fn shown(self) -> ServerSideEncryptionConfiguration {
        let blocked = (!self.blocked.is_empty()).then_some(BlockedEncryptionTypes {
            encryption_type: Some(self.blocked),
        });
        ServerSideEncryptionConfiguration {
            rules: Some(vec![ServerSideEncryptionRule {
                apply_server_side_encryption_by_default: Some(ServerSideEncryptionByDefault {
                    sse_algorithm: Some(self.algorithm),
                    kms_master_key_id: self.key_id,
                }),
                bucket_key_enabled: Some(self.bucket_key),
                blocked_encryption_types: blocked,
            }]),
        }
    }
}

pub async fn get(ctx: Ctx, input: GetBucketEncryptionRequest) -> Result<GetBucketEncryptionOutput, AwsError> {
    let open = access::open(&ctx, wanted!(input, "GetEncryptionConfiguration")).await?;
    Ok(GetBucketEncryptionOutput {
        server_side_encryption_configuration: Some(Rule::of(&open)?.shown()),
    })
}

pub async fn put(ctx: Ctx, input: PutBucketEncryptionRequest) -> Result<Unit, AwsError> {
    let open = access::open(&ctx, wanted!(input, "PutEncryptionConfiguration")).await?;
    let rule = Rule::read(input.server_side_encryption_configuration.unwrap_or_default())?;
    keep(&open, serde_json::to_vec(&rule).ok()).await
}

/// A bucket without a rule of its own has AWS's.
pub async fn delete(ctx: Ctx, input: DeleteBucketEncryptionRequest) -> Result<Unit, AwsError> {
    let open = access::open(&ctx, wanted!(input, "PutEncryptionConfiguration")).await?;
    keep(&open, None).await
}

async fn keep(open: &Open, row: Option<Vec<u8>>) -> Result<Unit, AwsError> {
    open.home
        .write(|tx| {
            let bucket = open.again(tx)?;
            Ok::<(), AwsError>(rules::put(tx, &bucket, KIND, row.clone())?)
        })
        .await?;
    Ok(Unit)
}

/// What new objects of a bucket are encrypted with.
pub fn default_of(open: &Open) -> Result<Encryption, AwsError> {
    let rule = Rule::of(open)?;
    if rule.algorithm == "AES256" {
        return Ok(Encryption::S3);
    }
    Ok(Encryption::Kms {
        key_id: key_arn(open, rule.key_id.as_deref()),
        bucket_key: rule.bucket_key,
        context: None,
        twice: rule.algorithm == "aws:kms:dsse",
    })
}

/// A key as answers name it, however it was given; AWS's own where none was.
pub fn key_arn(open: &Open, key: Option<&str>) -> String {
    let Some(key) = key else { return account_key(open) };
    // What cannot be a key of KMS's is told as it was given.
    let is_id = key.len() == 36 && key.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if !is_id && !key.starts_with("mrk-") && !key.starts_with("alias/") {
        return key.to_owned();
    }
    let region = open.bucket.region();
    let account = open.bucket.owner;
    let resource = if key.starts_with("alias/") { "" } else { "key/" };
    format!("arn:{}:kms:{region}:{account}:{resource}{key}", region.partition())
}

/// AWS's own key for the objects of an account in a region: always the same.
fn account_key(open: &Open) -> String {
    let (region, account) = (&open.bucket.region, open.bucket.owner);
    let digest: [u8; 32] = Sha256::digest(format!("aws/s3 {account} {region}")).into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    key_arn(open, Some(virga_base::Id::uuid(&bytes).as_str()))
}
