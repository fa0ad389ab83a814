//! Replication: versions of one bucket brought to others of the same cloud, by deferred work.

mod bytes;
pub mod check;
pub mod rules;
pub mod run;

use crate::configuration;
use crate::events::What;
use crate::object::versions;
use crate::state::{Bucket, CONFIGURATIONS, Version, Versioning};
use crate::wire::ReplicationConfiguration;
use rules::{Rule, in_force};
use run::Task;
use virga_service::{Ctx, ReadTx, StoreError, Tx};

/// The kind of configuration.
pub const KIND: &str = "replication";

/// The states that `x-amz-replication-status` tells.
pub const PENDING: &str = "PENDING";
pub const COMPLETED: &str = "COMPLETED";
pub const FAILED: &str = "FAILED";
pub const REPLICA: &str = "REPLICA";

/// The rules of a bucket that are in force.
pub fn rules_of(tx: &ReadTx<'_>, bucket: &Bucket) -> Result<Vec<Rule>, StoreError> {
    let kept = configuration::get::<ReplicationConfiguration>(tx, bucket.id, KIND, "")?;
    Ok(kept.map(in_force).unwrap_or_default())
}

/// Whether a bucket has a configuration, in force or not.
pub fn is_configured(tx: &ReadTx<'_>, bucket: &Bucket) -> Result<bool, StoreError> {
    Ok(tx.get(&CONFIGURATIONS, (bucket.id, KIND, ""))?.is_some())
}

/// Puts what a change means to replicas into the schedule.
pub fn emit(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    bucket: &Bucket,
    what: What,
    key: &str,
    version: &Version,
) -> Result<(), StoreError> {
    let is_marker = what == What::RemovedDeleteMarkerCreated;
    let is_property = matches!(what, What::TaggingPut | What::TaggingDelete | What::AclPut);
    if !(what.is_creation() || is_marker || is_property) || bucket.versioning != Versioning::Enabled {
        return Ok(());
    }
    let was_sent = matches!(version.replication.as_deref(), Some(PENDING | COMPLETED | FAILED));
    if version.replication.as_deref() == Some(REPLICA) || (is_property && !was_sent) {
        return Ok(());
    }
    // Most buckets have no configuration: for them this is all.
    if !is_configured(&tx.reading(), bucket)? {
        return Ok(());
    }
    let rules = rules_of(&tx.reading(), bucket)?;
    if rules::destinations(&rules, key, version).is_empty() {
        return Ok(());
    }
    let Some(id) = version.id.clone() else { return Ok(()) };
    let pending = Version {
        replication: Some(PENDING.to_owned()),
        ..version.clone()
    };
    versions::keep(tx, bucket, key, &pending)?;
    let task = Task {
        name: bucket.name.clone(),
        bucket: bucket.id,
        key: key.to_owned(),
        version: id,
    };
    let home = ctx.elsewhere(bucket.owner, bucket.region());
    tx.schedule(home.now(), &home.due_row(run::REPLICATE, task.payload()))
        .map(drop)
}
