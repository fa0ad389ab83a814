//! CreateMultipartUpload and AbortMultipartUpload.

use crate::access::{self, Wanted, ownership};
use crate::acl::read::asked_acl;
use crate::lock::lock_of;
use crate::object::customer::{self, customer_of};
use crate::object::encryption::{choose, encryption_of, tell_encryption};
use crate::object::headers::{headers_of, metadata, storage_class, website_redirect};
use crate::object::versions::{self, bare};
use crate::object::{key, tags};
use crate::ops::encryption::{default_of, key_arn};
use crate::ops::object_lock;
use crate::state::{Content, UPLOADS, Upload, Version};
use crate::upload::checksums::{choose as choose_checksum, type_name};
use crate::upload::{id, parts};
use crate::wire::{
    AbortMultipartUploadOutput, AbortMultipartUploadRequest, CreateMultipartUploadOutput, CreateMultipartUploadRequest,
};
use crate::{errors, lifecycle};
use virga_base::{AwsError, Timestamp};
use virga_service::Ctx;

pub async fn create(
    ctx: Ctx,
    mut input: CreateMultipartUploadRequest,
) -> Result<CreateMultipartUploadOutput, AwsError> {
    let key = key::read(input.key.take())?;
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "PutObject",
        key: Some(&key),
    };
    let open = access::open(&ctx, wanted).await?;
    let checksum = choose_checksum(input.checksum_algorithm.as_deref(), input.checksum_type.as_deref())?;
    let (owner, acl) = ownership::of_new_object(&ctx, &open, &asked_acl!(input, object))?;
    let method = input.server_side_encryption.clone();
    let customer = customer_of!(input).beside(method.as_deref())?.read()?;
    let mut version = Version {
        headers: headers_of!(input),
        metadata: metadata(input.metadata.take())?,
        storage_class: storage_class(input.storage_class.take())?,
        website_redirect: website_redirect(input.website_redirect_location.take())?,
        tags: input.tagging.as_deref().map_or(Ok(Vec::new()), tags::read_header)?,
        encryption: choose(encryption_of!(input), default_of(&open)?, |key| {
            key_arn(&open, key.as_deref())
        })?,
        lock: object_lock::of_new_object(&ctx, &open, lock_of!(input))?,
        acl,
        ..bare(owner, ctx.now())
    };
    version.encryption = customer::choose(customer.as_ref(), version.encryption, || 0);
    let now = ctx.now();
    let (upload_id, number) = id::draw(ctx.ids(), now);
    let upload = Upload {
        number,
        initiated: Timestamp::from_secs(now.as_secs()),
        initiator: ctx.caller().account,
        version,
        checksum,
        met: None,
        is_disturbed: false,
    };
    let begin = |tx: &mut virga_service::Tx<'_>| -> Result<(), AwsError> {
        let bucket = open.again(tx)?;
        let current = versions::current(&tx.reading(), &bucket, &key)?;
        let upload = Upload {
            met: current.as_ref().map(met),
            ..upload.clone()
        };
        Ok(tx.put(&UPLOADS, (bucket.id, key.as_str(), upload_id.as_str()), &upload)?)
    };
    open.home.write(begin).await?;
    let given_up = open
        .home
        .read(|tx| lifecycle::abortion(tx, &open.bucket, &key, upload.initiated))?;
    let mut output = CreateMultipartUploadOutput {
        abort_date: given_up.as_ref().map(|(at, _)| *at),
        abort_rule_id: given_up.map(|(_, rule)| rule),
        bucket: Some(open.bucket.name.clone()),
        checksum_algorithm: checksum.map(|(algorithm, _)| algorithm.name().to_owned()),
        checksum_type: checksum.map(|(_, composite)| type_name(composite).to_owned()),
        ..CreateMultipartUploadOutput::default()
    };
    tell_encryption!(output, &upload.version.encryption);
    output.upload_id = Some(upload_id);
    output.key = Some(key);
    Ok(output)
}

/// What tells an object from another that came later under its key.
pub fn met(current: &Version) -> (Option<String>, Timestamp, Content) {
    (current.id.clone(), current.modified, current.content.clone())
}

pub async fn abort(ctx: Ctx, input: AbortMultipartUploadRequest) -> Result<AbortMultipartUploadOutput, AwsError> {
    let key = key::read(input.key)?;
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "AbortMultipartUpload",
        key: Some(&key),
    };
    let open = access::open(&ctx, wanted).await?;
    let upload_id = input.upload_id.unwrap_or_default();
    let initiated = input.if_match_initiated_time;
    let abort = |tx: &mut virga_service::Tx<'_>| -> Result<(), AwsError> {
        let bucket = open.again(tx)?;
        let upload = parts::find(&tx.reading(), &open, &key, &upload_id)?;
        if initiated.is_some_and(|time| time != upload.initiated) {
            return Err(errors::precondition_failed("x-amz-if-match-initiated-time"));
        }
        parts::remove_all(tx, &bucket, upload.number)?;
        Ok(tx.delete(&UPLOADS, (bucket.id, key.as_str(), upload_id.as_str()))?)
    };
    open.home.write(abort).await?;
    Ok(AbortMultipartUploadOutput::default())
}
