//! Object lock: the bucket's configuration, and the retention and legal hold of versions.

use super::object::read::read_version;
use crate::access::{self, Asked, Open, Wanted};
use crate::configuration;
use crate::errors;
use crate::lock::{self, KIND};
use crate::object::{key, version_id, versions};
use crate::state::{Bucket, Lock, Versioning};
use crate::wire::{
    self, GetObjectLegalHoldOutput, GetObjectLegalHoldRequest, GetObjectLockConfigurationOutput,
    GetObjectLockConfigurationRequest, GetObjectRetentionOutput, GetObjectRetentionRequest, ObjectLockConfiguration,
    ObjectLockLegalHold, ObjectLockRetention, PutObjectLegalHoldOutput, PutObjectLegalHoldRequest,
    PutObjectLockConfigurationOutput, PutObjectLockConfigurationRequest, PutObjectRetentionOutput,
    PutObjectRetentionRequest,
};
use virga_base::AwsError;
use virga_service::{Ctx, ReadTx, Service, StoreError};

/// Adds the operations to the service.
pub fn register(service: Service) -> Service {
    service
        .on(wire::GET_OBJECT_LOCK_CONFIGURATION, get_configuration)
        .on(wire::PUT_OBJECT_LOCK_CONFIGURATION, put_configuration)
        .on(wire::GET_OBJECT_RETENTION, get_retention)
        .on(wire::PUT_OBJECT_RETENTION, put_retention)
        .on(wire::GET_OBJECT_LEGAL_HOLD, get_legal_hold)
        .on(wire::PUT_OBJECT_LEGAL_HOLD, put_legal_hold)
}

/// A bucket's configuration; none where it has none, or no rule.
pub fn of_bucket(tx: &ReadTx<'_>, bucket: &Bucket) -> Result<Option<ObjectLockConfiguration>, StoreError> {
    match bucket.object_lock {
        true => configuration::get(tx, bucket.id, KIND, ""),
        false => Ok(None),
    }
}

/// The lock of an object that is written now.
pub fn of_new_object(ctx: &Ctx, open: &Open, asked: lock::Asked) -> Result<Lock, AwsError> {
    let bucket = &open.bucket;
    if !bucket.object_lock {
        return asked.lock(false, None, ctx.now());
    }
    let default = open.home.read(|tx| of_bucket(tx, bucket))?;
    asked.lock(true, default.as_ref(), ctx.now())
}

/// Whether the caller passes over governance: it wants to, and may.
pub fn bypasses(ctx: &Ctx, bucket: &Bucket, key: Option<&str>, wants: Option<bool>) -> Result<bool, AwsError> {
    if wants != Some(true) {
        return Ok(false);
    }
    match access::authorize(ctx, &Asked::new(bucket, "BypassGovernanceRetention", key)) {
        Ok(()) => Ok(true),
        Err(error) if error.status < 500 => Ok(false),
        Err(error) => Err(error),
    }
}

async fn get_configuration(
    ctx: Ctx,
    input: GetObjectLockConfigurationRequest,
) -> Result<GetObjectLockConfigurationOutput, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "GetBucketObjectLockConfiguration",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    if !open.bucket.object_lock {
        return Err(errors::no_object_lock_configuration(&open.bucket.name));
    }
    let found = open.home.read(|tx| of_bucket(tx, &open.bucket))?;
    let enabled = || ObjectLockConfiguration {
        object_lock_enabled: Some("Enabled".to_owned()),
        rule: None,
    };
    Ok(GetObjectLockConfigurationOutput {
        object_lock_configuration: Some(found.unwrap_or_else(enabled)),
    })
}

async fn put_configuration(
    ctx: Ctx,
    input: PutObjectLockConfigurationRequest,
) -> Result<PutObjectLockConfigurationOutput, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "PutBucketObjectLockConfiguration",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let configuration = input.object_lock_configuration;
    let configuration = configuration.ok_or_else(errors::missing_request_body)?;
    lock::check_configuration(&configuration)?;
    let put = |tx: &mut virga_service::Tx<'_>| -> Result<(), AwsError> {
        let mut bucket = open.again(tx)?;
        if bucket.versioning != Versioning::Enabled {
            return Err(errors::versioning_must_be_enabled());
        }
        if !bucket.object_lock {
            bucket.object_lock = true;
            open.keep(tx, &bucket)?;
        }
        configuration::put(tx, bucket.id, KIND, "", configuration.clone())
    };
    open.home.write(put).await?;
    Ok(PutObjectLockConfigurationOutput::default())
}

/// The version that a call is about, in a bucket with object lock.
struct Target {
    open: Open,
    key: String,
    version_id: Option<String>,
}

impl Target {
    async fn open(
        ctx: &Ctx,
        (bucket, expected_owner): (Option<String>, Option<String>),
        key: Option<String>,
        version_id: Option<String>,
        action: &'static str,
    ) -> Result<Target, AwsError> {
        let key = key::read(key)?;
        let wanted = Wanted {
            bucket: bucket.as_deref(),
            expected_owner: expected_owner.as_deref(),
            action,
            key: Some(&key),
        };
        let open = access::open(ctx, wanted).await?;
        if !open.bucket.object_lock {
            return Err(errors::no_lock_configuration());
        }
        let version_id = version_id::asked(version_id)?;
        Ok(Target { open, key, version_id })
    }

    fn lock(&self) -> Result<Lock, AwsError> {
        let (open, id) = (&self.open, self.version_id.as_deref());
        let version = open
            .home
            .read(|tx| read_version(tx, &open.bucket, &self.key, id, "GET"))?;
        Ok(version.lock)
    }

    async fn change(&self, mut change: impl FnMut(&mut Lock) -> Result<(), AwsError>) -> Result<(), AwsError> {
        let write = |tx: &mut virga_service::Tx<'_>| -> Result<(), AwsError> {
            let bucket = self.open.again(tx)?;
            let mut version = read_version(&tx.reading(), &bucket, &self.key, self.version_id.as_deref(), "PUT")?;
            change(&mut version.lock)?;
            Ok(versions::keep(tx, &bucket, &self.key, &version)?)
        };
        self.open.home.write(write).await
    }
}

async fn get_retention(ctx: Ctx, input: GetObjectRetentionRequest) -> Result<GetObjectRetentionOutput, AwsError> {
    let place = (input.bucket, input.expected_bucket_owner);
    let target = Target::open(&ctx, place, input.key, input.version_id, "GetObjectRetention").await?;
    let lock = target.lock()?;
    if lock.mode.is_none() {
        return Err(errors::object_has_no_lock());
    }
    Ok(GetObjectRetentionOutput {
        retention: Some(ObjectLockRetention {
            mode: lock.mode,
            retain_until_date: lock.until,
        }),
    })
}

async fn put_retention(ctx: Ctx, input: PutObjectRetentionRequest) -> Result<PutObjectRetentionOutput, AwsError> {
    let place = (input.bucket, input.expected_bucket_owner);
    let target = Target::open(&ctx, place, input.key, input.version_id, "PutObjectRetention").await?;
    let bucket = &target.open.bucket;
    let bypasses = bypasses(&ctx, bucket, Some(&target.key), input.bypass_governance_retention)?;
    let (wanted, now) = (input.retention.ok_or_else(errors::malformed_xml)?, ctx.now());
    target
        .change(|held| lock::retain(held, wanted.clone(), bypasses, now))
        .await?;
    Ok(PutObjectRetentionOutput::default())
}

async fn get_legal_hold(ctx: Ctx, input: GetObjectLegalHoldRequest) -> Result<GetObjectLegalHoldOutput, AwsError> {
    let place = (input.bucket, input.expected_bucket_owner);
    let target = Target::open(&ctx, place, input.key, input.version_id, "GetObjectLegalHold").await?;
    let held = target.lock()?.legal_hold.ok_or_else(errors::object_has_no_lock)?;
    Ok(GetObjectLegalHoldOutput {
        legal_hold: Some(ObjectLockLegalHold {
            status: Some(if held { "ON" } else { "OFF" }.to_owned()),
        }),
    })
}

async fn put_legal_hold(ctx: Ctx, input: PutObjectLegalHoldRequest) -> Result<PutObjectLegalHoldOutput, AwsError> {
    let place = (input.bucket, input.expected_bucket_owner);
    let held = match input.legal_hold.and_then(|hold| hold.status).as_deref() {
        Some("ON") => Some(true),
        Some("OFF") => Some(false),
        _ => None,
    };
    let target = Target::open(&ctx, place, input.key, input.version_id, "PutObjectLegalHold").await;
    // What cannot be read is told before what the bucket lacks.
    let (target, held) = match (target, held) {
        (Err(error), None) if error.code == "InvalidRequest" => return Err(errors::malformed_xml()),
        (target, held) => (target?, held.ok_or_else(errors::malformed_xml)?),
    };
    target
        .change(|lock| {
            lock.legal_hold = Some(held);
            Ok(())
        })
        .await?;
    Ok(PutObjectLegalHoldOutput::default())
}
