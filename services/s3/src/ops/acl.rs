//! Access control lists of buckets and objects.

use crate::access::ownership::{check_enforced, check_public, is_enforced};
use crate::access::{self, Wanted, rules};
use crate::acl::canned::On;
use crate::acl::read::{self, Asked, asked_acl};
use crate::acl::{Acl, Grant};
use crate::events::{self, What};
use crate::object::{key, version_id, versions};
use crate::state::{Bucket, Version};
use crate::wire::{
    AccessControlPolicy, GetBucketAclOutput, GetBucketAclRequest, GetObjectAclOutput, GetObjectAclRequest,
    PutBucketAclRequest, PutObjectAclOutput, PutObjectAclRequest,
};
use crate::{errors, owner};
use virga_base::{Account, AwsError};
use virga_service::{Ctx, ReadTx};
use virga_shape::Unit;

pub async fn get_of_bucket(ctx: Ctx, input: GetBucketAclRequest) -> Result<GetBucketAclOutput, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "GetBucketAcl",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let acl = match is_enforced(&open.bucket) {
        true => Acl::private(open.bucket.owner),
        false => open.home.read(|tx| rules::acl(tx, &open.bucket))?,
    };
    Ok(GetBucketAclOutput {
        owner: Some(owner::shown(acl.owner)),
        grants: Some(acl.shown()),
    })
}

pub async fn put_of_bucket(ctx: Ctx, mut input: PutBucketAclRequest) -> Result<Unit, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "PutBucketAcl",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let asked = asked_acl!(input, bucket);
    let owner = open.bucket.owner;
    let grants = grants(&asked, input.access_control_policy.as_ref(), owner, owner, On::Bucket)?;
    if is_enforced(&open.bucket) {
        return Err(errors::acl_not_supported());
    }
    let acl = Acl { owner, grants };
    check_public(&open, &acl)?;
    let kept = acl.keep().map(String::into_bytes);
    open.home
        .write(|tx| {
            let bucket = open.again(tx)?;
            Ok::<(), AwsError>(rules::put(tx, &bucket, rules::ACL, kept.clone())?)
        })
        .await?;
    Ok(Unit)
}

pub async fn get_of_object(ctx: Ctx, input: GetObjectAclRequest) -> Result<GetObjectAclOutput, AwsError> {
    let key = key::read(input.key)?;
    let version_id = version_id::asked(input.version_id)?;
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: match version_id {
            Some(_) => "GetObjectVersionAcl",
            None => "GetObjectAcl",
        },
        key: Some(&key),
    };
    let open = access::open(&ctx, wanted).await?;
    let find = |tx: &ReadTx<'_>| find(tx, &open.bucket, &key, version_id.as_deref());
    let version = open.home.read(find)?;
    if version.delete_marker {
        return Err(match version_id {
            Some(_) => errors::method_not_allowed("GET", "DeleteMarker"),
            None => errors::no_such_key(&key),
        });
    }
    let acl = of_version(&open.bucket, &version);
    Ok(GetObjectAclOutput {
        owner: Some(owner::shown(acl.owner)),
        grants: Some(acl.shown()),
        ..GetObjectAclOutput::default()
    })
}

pub async fn put_of_object(ctx: Ctx, mut input: PutObjectAclRequest) -> Result<PutObjectAclOutput, AwsError> {
    let key = key::read(input.key.take())?;
    let version_id = version_id::asked(input.version_id.take())?;
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: match version_id {
            Some(_) => "PutObjectVersionAcl",
            None => "PutObjectAcl",
        },
        key: Some(&key),
    };
    let open = access::open(&ctx, wanted).await?;
    let asked = asked_acl!(input, bucket);
    let find = |tx: &ReadTx<'_>| -> Result<Version, AwsError> {
        let version = find(tx, &open.bucket, &key, version_id.as_deref())?;
        match version.delete_marker {
            true => Err(errors::method_not_allowed("PUT", "DeleteMarker")),
            false => Ok(version),
        }
    };
    let owner = match is_enforced(&open.bucket) {
        true => open.bucket.owner,
        false => open.home.read(find)?.owner,
    };
    let document = input.access_control_policy.as_ref();
    let grants = grants(&asked, document, owner, open.bucket.owner, On::Object)?;
    if is_enforced(&open.bucket) {
        check_enforced(&open.bucket, &asked, &grants)?;
        open.home.read(find)?;
        return Ok(PutObjectAclOutput::default());
    }
    let acl = Acl { owner, grants };
    check_public(&open, &acl)?;
    open.home
        .write(|tx| {
            let bucket = open.again(tx)?;
            let mut version = find(&tx.reading())?;
            version.acl = acl.keep();
            versions::keep(tx, &bucket, &key, &version)?;
            Ok::<(), AwsError>(events::emit(tx, &ctx, &bucket, What::AclPut, &key, &version)?)
        })
        .await?;
    Ok(PutObjectAclOutput::default())
}

/// The list that holds for an object.
pub fn of_version(bucket: &Bucket, version: &Version) -> Acl {
    match is_enforced(bucket) {
        true => Acl::private(bucket.owner),
        false => Acl::load(version.owner, version.acl.as_deref()),
    }
}

/// The version that is meant, a delete marker among them.
fn find(tx: &ReadTx<'_>, bucket: &Bucket, key: &str, id: Option<&str>) -> Result<Version, AwsError> {
    match id {
        Some(id) => {
            version_id::check(id)?;
            versions::find(tx, bucket, key, id)?.ok_or_else(|| errors::no_such_version(key, id))
        }
        None => versions::newest(tx, bucket, key)?.ok_or_else(|| errors::no_such_key(key)),
    }
}

/// The grants that a request asks for, in the one way that it may choose.
fn grants(
    asked: &Asked,
    document: Option<&AccessControlPolicy>,
    owner: Account,
    bucket_owner: Account,
    on: On,
) -> Result<Vec<Grant>, AwsError> {
    match (asked.grants(owner, bucket_owner, on)?, document) {
        (Some(_), Some(_)) => Err(errors::unexpected_content()),
        (Some(grants), None) => Ok(grants),
        (None, Some(document)) => read::document(document, owner),
        (None, None) => Err(errors::missing_security_header("x-amz-acl")),
    }
}
