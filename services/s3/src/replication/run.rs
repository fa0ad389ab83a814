//! The work of replication: one version brought to all buckets that rules name.

use super::bytes::Bytes;
use super::rules::{self, Target};
use super::{COMPLETED, FAILED, REPLICA, rules_of};
use crate::access;
use crate::events::{self, What};
use crate::object::versions;
use crate::state::{Bucket, Encryption, Version, Versioning};
use serde::{Deserialize, Serialize};
use virga_base::AwsError;
use virga_service::{Ctx, Place, Tx};

/// The kind of work.
pub const REPLICATE: &str = "replicate";

/// A version to be replicated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub name: String,
    pub bucket: u64,
    pub key: String,
    pub version: String,
}

impl Task {
    pub fn payload(&self) -> Vec<u8> {
        // A task always has a JSON form.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Brings a version, or what has changed of it, to where the rules want it.
pub async fn run(ctx: Ctx, payload: Vec<u8>) -> Result<(), AwsError> {
    let task: Task =
        serde_json::from_slice(&payload).map_err(|_| AwsError::internal("work of replication cannot be read"))?;
    let Some(source) = access::find(&ctx, &task.name)?.filter(|bucket| bucket.id == task.bucket) else {
        return Ok(());
    };
    let found = ctx.read(|tx| -> Result<_, AwsError> {
        let Some(version) = versions::find(tx, &source, &task.key, &task.version)? else {
            return Ok(None);
        };
        Ok(Some((version, rules_of(tx, &source)?)))
    })?;
    let Some((version, rules)) = found else {
        return Ok(());
    };
    let mut is_complete = true;
    for target in rules::destinations(&rules, &task.key, &version) {
        let replica = Replica {
            key: &task.key,
            original: &version,
            source: &source,
            number: u128::from_be_bytes(ctx.ids().uuid_bytes()),
            target,
            ctx: &ctx,
        };
        let bucket = access::find(&ctx, &target.bucket)?;
        is_complete &= match bucket.filter(|bucket| bucket.versioning == Versioning::Enabled) {
            Some(bucket) => ctx.write(|tx| replica.put(tx, &bucket)).await?,
            None => false,
        };
    }
    let status = if is_complete { COMPLETED } else { FAILED };
    let tell = |tx: &mut Tx<'_>| -> Result<(), AwsError> {
        let Some(mut version) = versions::find(&tx.reading(), &source, &task.key, &task.version)? else {
            return Ok(());
        };
        version.replication = Some(status.to_owned());
        versions::keep(tx, &source, &task.key, &version)?;
        if !is_complete {
            events::notify(tx, &ctx, &source, What::ReplicationFailed, &task.key, &version)?;
        }
        Ok(())
    };
    ctx.write(tell).await
}

/// A version on its way to another bucket.
struct Replica<'a> {
    key: &'a str,
    original: &'a Version,
    source: &'a Bucket,
    /// Under which its bytes are kept, where they are in rows.
    number: u128,
    target: &'a Target,
    ctx: &'a Ctx,
}

impl Replica<'_> {
    /// Writes it where the bucket's rows are, or brings it up to date there; false where its bytes have gone meanwhile.
    fn put(&self, tx: &mut Tx<'_>, bucket: &Bucket) -> Result<bool, AwsError> {
        // A replica may be in any region and account.
        let place = Place::new(bucket.owner, &bucket.region());
        let Some(id) = &self.original.id else { return Ok(false) };
        let original = versions::find(&tx.reading(), self.source, self.key, id)?;
        if original.is_none_or(|original| original.content != self.original.content) {
            // It has been deleted meanwhile.
            return Ok(true);
        }
        if let Some(there) = versions::find(&tx.elsewhere(&place).reading(), bucket, self.key, id)? {
            let fresh = Version {
                tags: self.original.tags.clone(),
                acl: self.original.acl.clone(),
                ..there
            };
            versions::keep(&mut tx.elsewhere(&place), bucket, self.key, &fresh)?;
            return Ok(true);
        }
        let bytes = Bytes {
            source: self.source,
            target: bucket,
            place: &place,
        };
        let Some(content) = bytes.copy(tx, &self.original.content, self.number)? else {
            return Ok(false);
        };
        let mut tx = tx.elsewhere(&place);
        let replica = Version {
            content,
            replication: Some(REPLICA.to_owned()),
            storage_class: match &self.target.storage_class {
                Some(class) if !self.original.delete_marker => Some(class.clone()).filter(|class| class != "STANDARD"),
                _ => self.original.storage_class.clone(),
            },
            owner: if self.target.translates_owner {
                bucket.owner
            } else {
                self.original.owner
            },
            acl: self.original.acl.clone().filter(|_| !self.target.translates_owner),
            encryption: self.encryption(),
            restore: None,
            ..self.original.clone()
        };
        let replica = versions::add(&mut tx, bucket, self.key, replica, id)?;
        let what = if replica.delete_marker {
            What::RemovedDeleteMarkerCreated
        } else {
            What::CreatedPut
        };
        events::notify(&mut tx, self.ctx, bucket, what, self.key, &replica)?;
        Ok(true)
    }

    fn encryption(&self) -> Encryption {
        match (&self.original.encryption, &self.target.kms_key_id) {
            (
                Encryption::Kms {
                    bucket_key,
                    context,
                    twice,
                    ..
                },
                Some(key_id),
            ) => Encryption::Kms {
                key_id: key_id.clone(),
                bucket_key: *bucket_key,
                context: context.clone(),
                twice: *twice,
            },
            (original, _) => original.clone(),
        }
    }
}
