//! The tags of objects.

use super::object::read::{read_version, shown_version};
use crate::access::{self, Asked, Open, Wanted};
use crate::errors;
use crate::events::{self, What};
use crate::object::{key, tags, version_id, versions};
use crate::state::Version;
use crate::wire::{
    DeleteObjectTaggingOutput, DeleteObjectTaggingRequest, GetObjectTaggingOutput, GetObjectTaggingRequest,
    PutObjectTaggingOutput, PutObjectTaggingRequest, Tag,
};
use virga_base::AwsError;
use virga_service::Ctx;

/// The object that a call is about.
struct Target {
    open: Open,
    key: String,
    version_id: Option<String>,
}

impl Target {
    async fn open(
        ctx: &Ctx,
        bucket: Option<String>,
        expected_owner: Option<String>,
        key: Option<String>,
        version_id: Option<String>,
        actions: [&'static str; 2],
    ) -> Result<Target, AwsError> {
        let key = key::read(key)?;
        let version_id = version_id::asked(version_id)?;
        let [plain, of_version] = actions;
        let wanted = Wanted {
            bucket: bucket.as_deref(),
            expected_owner: expected_owner.as_deref(),
            action: if version_id.is_some() { of_version } else { plain },
            key: Some(&key),
        };
        let open = access::open(ctx, wanted).await?;
        Ok(Target { open, key, version_id })
    }

    /// Gives the object these tags; answers its version id.
    async fn tag(&self, tags: Vec<(String, String)>, method: &str) -> Result<Option<String>, AwsError> {
        let write = |tx: &mut virga_service::Tx<'_>| -> Result<Version, AwsError> {
            let bucket = self.open.again(tx)?;
            let id = self.version_id.as_deref();
            let mut version = read_version(&tx.reading(), &bucket, &self.key, id, method)?;
            version.tags.clone_from(&tags);
            versions::keep(tx, &bucket, &self.key, &version)?;
            let what = if method == "DELETE" {
                What::TaggingDelete
            } else {
                What::TaggingPut
            };
            events::emit(tx, &self.open.home, &bucket, what, &self.key, &version)?;
            Ok(version)
        };
        let version = self.open.home.write(write).await?;
        Ok(shown_version(&self.open.bucket, &version))
    }
}

pub async fn get(ctx: Ctx, input: GetObjectTaggingRequest) -> Result<GetObjectTaggingOutput, AwsError> {
    let actions = ["GetObjectTagging", "GetObjectVersionTagging"];
    let (bucket, owner) = (input.bucket, input.expected_bucket_owner);
    let target = Target::open(&ctx, bucket, owner, input.key, input.version_id, actions).await?;
    let open = &target.open;
    let version = open.home.read(|tx| {
        let id = target.version_id.as_deref();
        // Of what is missing, this operation alone names the bucket too.
        read_version(tx, &open.bucket, &target.key, id, "GET").map_err(|mut error| {
            let key = error
                .details
                .iter_mut()
                .find(|(name, _)| error.code == "NoSuchKey" && name == "Key");
            if let Some((_, key)) = key {
                *key = format!("{}/{}", open.bucket.name, target.key).into();
            }
            error
        })
    })?;
    let version_id = shown_version(&open.bucket, &version);
    let tags = version.tags.into_iter().map(|(key, value)| Tag {
        key: Some(key),
        value: Some(value),
    });
    Ok(GetObjectTaggingOutput {
        version_id,
        tag_set: Some(tags.collect()),
    })
}

pub async fn put(ctx: Ctx, input: PutObjectTaggingRequest) -> Result<PutObjectTaggingOutput, AwsError> {
    let key = key::read(input.key)?;
    let version_id = version_id::asked(input.version_id)?;
    let target = Target {
        open: access::reach(&ctx, input.bucket.as_deref(), input.expected_bucket_owner.as_deref())?,
        key,
        version_id,
    };
    access::check_region(&ctx, &target.open.bucket)?;
    let action = match target.version_id {
        Some(_) => "PutObjectVersionTagging",
        None => "PutObjectTagging",
    };
    let given = input
        .tagging
        .ok_or_else(errors::malformed_xml)?
        .tag_set
        .unwrap_or_default();
    let mut read: Vec<(String, String)> = Vec::with_capacity(given.len());
    for tag in given {
        let (Some(key), Some(value)) = (tag.key, tag.value) else {
            return Err(errors::malformed_xml());
        };
        if read.iter().any(|(known, _)| *known == key) {
            return Err(
                errors::invalid_tag("Cannot provide multiple Tags with the same key").with_detail("TagKey", key)
            );
        }
        read.push((key, value));
    }
    tags::check(&read)?;
    // Policies may ask what the tags are.
    let asked = Asked {
        version_id: target.version_id.as_deref(),
        tags: Some(&read),
        ..Asked::new(&target.open.bucket, action, Some(&target.key))
    };
    access::authorize(&ctx, &asked)?;
    Ok(PutObjectTaggingOutput {
        version_id: target.tag(read, "PUT").await?,
    })
}

pub async fn delete(ctx: Ctx, input: DeleteObjectTaggingRequest) -> Result<DeleteObjectTaggingOutput, AwsError> {
    let actions = ["DeleteObjectTagging", "DeleteObjectVersionTagging"];
    let (bucket, owner) = (input.bucket, input.expected_bucket_owner);
    let target = Target::open(&ctx, bucket, owner, input.key, input.version_id, actions).await?;
    Ok(DeleteObjectTaggingOutput {
        version_id: target.tag(Vec::new(), "DELETE").await?,
    })
}
