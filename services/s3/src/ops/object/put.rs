//! PutObject.

use crate::access::{self, Open, Wanted, ownership};
use crate::acl::read::asked_acl;
use crate::events::{self, What};
use crate::lock::lock_of;
use crate::object::checksum::{self, asked, sent_checksums, tell_checksum};
use crate::object::conditions::Writing;
use crate::object::content::Written;
use crate::object::customer::{self, Cipher, customer_of};
use crate::object::encryption::{choose, encryption_of, tell_encryption};
use crate::object::headers::{headers_of, metadata, storage_class, website_redirect};
use crate::object::intake::{self, Announced};
use crate::object::versions::{self, bare};
use crate::object::{key, tags, version_id};
use crate::ops::encryption::{default_of, key_arn};
use crate::ops::object_lock;
use crate::state::{Algorithm, Lock, Version};
use crate::wire::{PutObjectOutput, PutObjectRequest};
use crate::{errors, lifecycle};
use virga_base::AwsError;
use virga_service::Ctx;

pub async fn put(ctx: Ctx, input: PutObjectRequest) -> Result<PutObjectOutput, AwsError> {
    run(ctx, input, false).await
}

/// The same for the file in a form, whose length is known at its end.
pub async fn post(ctx: Ctx, input: PutObjectRequest) -> Result<PutObjectOutput, AwsError> {
    run(ctx, input, true).await
}

async fn run(ctx: Ctx, mut input: PutObjectRequest, open_ended: bool) -> Result<PutObjectOutput, AwsError> {
    let key = key::read(input.key.take())?;
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "PutObject",
        key: Some(&key),
    };
    let open = access::open(&ctx, wanted).await?;
    if input.write_offset_bytes.is_some() {
        return Err(errors::header_not_implemented("x-amz-write-offset-bytes", None));
    }
    access::check_no_part(&ctx)?;
    checksum::check_kinds(ctx.request())?;
    let (owner, acl) = ownership::of_new_object(&ctx, &open, &asked_acl!(input, object))?;
    let conditions = Writing::new(input.if_match.take(), input.if_none_match.take())?;
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
    // The fields of a form are no headers.
    if version.lock != Lock::default() && !open_ended && !checksum::is_sent(ctx.request()) {
        return Err(errors::lock_without_checksum("Put Object"));
    }
    let (encryption, nonce) = (version.encryption, || ctx.ids().u64());
    version.encryption = customer::choose(customer.as_ref(), encryption, nonce);
    let nonce = customer::nonce_of(&version.encryption);
    // What cannot succeed is refused before its body comes.
    if conditions.is_any() {
        let current = open.home.read(|tx| versions::current(tx, &open.bucket, &key))?;
        conditions.check(&key, current.as_ref())?;
    }
    let announced = Announced {
        length: input.content_length,
        md5: input.content_md5.take(),
        checksum: asked(sent_checksums!(input), input.checksum_algorithm.as_deref())?,
        default: Some(Algorithm::Crc64Nvme),
        open_ended,
        cipher: customer.as_ref().map(|key| Cipher::new(key, nonce, 0)),
        ..Announced::default()
    };
    let taken = intake::take(&ctx, announced).await?;
    version.size = taken.size;
    version.etag = customer::etag_under(&version.encryption, taken.md5, || ctx.ids().u64());
    version.checksum = taken.checksum;
    version.modified = bare(version.owner, ctx.now()).modified;
    let what = if open_ended {
        What::CreatedPost
    } else {
        What::CreatedPut
    };
    let kept = store(&open, what, &key, version, &taken.written, &conditions).await?;
    let mut output = PutObjectOutput {
        e_tag: Some(kept.quoted_etag()),
        version_id: kept.id.clone(),
        expiration: open
            .home
            .read(|tx| lifecycle::expiration(tx, &open.bucket, &key, &kept))?,
        ..PutObjectOutput::default()
    };
    tell_checksum!(output, &kept.checksum);
    tell_encryption!(output, &kept.encryption);
    Ok(output)
}

/// Makes a version with its content the newest of its key, if the conditions hold; `what` is how that came.
pub async fn store(
    open: &Open,
    what: What,
    key: &str,
    version: Version,
    written: &Written,
    conditions: &Writing,
) -> Result<Version, AwsError> {
    let id = version_id::draw(open.home.ids());
    let store = |tx: &mut virga_service::Tx<'_>| -> Result<Version, AwsError> {
        let bucket = open.again(tx)?;
        if conditions.is_any() {
            conditions.check(key, versions::current(&tx.reading(), &bucket, key)?.as_ref())?;
        }
        let content = written.hold(tx, &bucket)?.ok_or_else(|| errors::no_such_key(key))?;
        let version = Version {
            content,
            ..version.clone()
        };
        let kept = versions::add(tx, &bucket, key, version, &id)?;
        events::emit(tx, &open.home, &bucket, what, key, &kept)?;
        Ok(kept)
    };
    open.home.write(store).await
}
