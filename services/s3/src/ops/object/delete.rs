//! DeleteObject.

use crate::access::{self, Open, Wanted};
use crate::errors;
use crate::events::{self, What};
use crate::lock;
use crate::object::conditions::Writing;
use crate::object::versions::{self, bare};
use crate::object::{key, version_id};
use crate::ops::object_lock;
use crate::state::{Version, Versioning};
use crate::wire::{DeleteObjectOutput, DeleteObjectRequest};
use virga_base::AwsError;
use virga_service::{Ctx, Tx};

/// What a deletion came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Whether a delete marker was made, or is what was deleted.
    pub marker: bool,
    pub version_id: Option<String>,
}

pub async fn delete(ctx: Ctx, input: DeleteObjectRequest) -> Result<DeleteObjectOutput, AwsError> {
    let key = key::read(input.key)?;
    let version_id = version_id::asked(input.version_id)?;
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: if version_id.is_some() {
            "DeleteObjectVersion"
        } else {
            "DeleteObject"
        },
        key: Some(&key),
    };
    let open = access::open(&ctx, wanted).await?;
    if input.if_match_last_modified_time.is_some() {
        return Err(errors::header_not_implemented(
            "x-amz-if-match-last-modified-time",
            None,
        ));
    }
    if input.if_match_size.is_some() {
        return Err(errors::header_not_implemented("x-amz-if-match-size", None));
    }
    if input.bypass_governance_retention.is_some() && !open.bucket.object_lock {
        return Err(no_lock_to_bypass());
    }
    if let Some(id) = &version_id {
        version_id::check(id)?;
    }
    let deletion = Deletion {
        key: &key,
        version_id: version_id.as_deref(),
        conditions: Writing::of_delete(input.if_match),
        new_id: version_id::draw(ctx.ids()),
        bypasses: object_lock::bypasses(&ctx, &open.bucket, Some(&key), input.bypass_governance_retention)?,
    };
    let deleted = open.home.write(|tx| deletion.run(tx, &open, &ctx)).await?;
    Ok(DeleteObjectOutput {
        delete_marker: deleted.marker.then_some(true),
        version_id: deleted.version_id,
        ..DeleteObjectOutput::default()
    })
}

pub fn no_lock_to_bypass() -> AwsError {
    errors::invalid_argument_named(
        "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.",
        "x-amz-bypass-governance-retention",
    )
}

/// One object, or one version, to be deleted.
pub struct Deletion<'a> {
    pub key: &'a str,
    pub version_id: Option<&'a str>,
    pub conditions: Writing,
    /// Of the delete marker that it may make.
    pub new_id: String,
    /// Whether governance retention is passed over.
    pub bypasses: bool,
}

impl Deletion<'_> {
    pub fn run(&self, tx: &mut Tx<'_>, open: &Open, ctx: &Ctx) -> Result<Deleted, AwsError> {
        let bucket = open.again(tx)?;
        if self.conditions.is_any() {
            self.conditions
                .check(self.key, versions::current(&tx.reading(), &bucket, self.key)?.as_ref())?;
        }
        if let Some(id) = self.version_id {
            let found = versions::find(&tx.reading(), &bucket, self.key, id)?;
            if let Some(version) = &found {
                lock::check_delete(version, self.bypasses, ctx.now())?;
                versions::remove(tx, &bucket, self.key, version)?;
                events::emit(tx, ctx, &bucket, What::RemovedDelete, self.key, version)?;
            }
            return Ok(Deleted {
                marker: found.is_some_and(|version| version.delete_marker),
                version_id: bucket.is_versioned().then(|| id.to_owned()),
            });
        }
        if bucket.versioning == Versioning::Never {
            if let Some(current) = versions::current(&tx.reading(), &bucket, self.key)? {
                versions::remove(tx, &bucket, self.key, &current)?;
                events::emit(tx, ctx, &bucket, What::RemovedDelete, self.key, &current)?;
            }
            return Ok(Deleted::default());
        }
        let marker = Version {
            delete_marker: true,
            ..bare(ctx.caller().account, ctx.now())
        };
        let marker = versions::add(tx, &bucket, self.key, marker, &self.new_id)?;
        events::emit(tx, ctx, &bucket, What::RemovedDeleteMarkerCreated, self.key, &marker)?;
        Ok(Deleted {
            marker: true,
            version_id: Some(marker.shown_id().to_owned()),
        })
    }
}
