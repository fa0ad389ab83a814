//! What follows from a change of an object, written in the change's own transaction: notifications into the outbox, and
//! work for replication.

use crate::notification::destination::{self, Destination};
use crate::notification::record::Happened;
use crate::notification::{KIND, rules};
use crate::state::{Bucket, CONFIGURATIONS, SEQUENCERS, Version};
use crate::wire::NotificationConfiguration;
use crate::{configuration, replication};
use virga_service::{Ctx, StoreError, Tx};

pub use crate::notification::names::What;

/// Says that something has happened to an object. Every operation that changes one calls this, with the version as it is
/// kept now (of a deletion: as it was kept), in the transaction that changes it; `ctx` is the call or the bucket's home.
pub fn emit(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    bucket: &Bucket,
    what: What,
    key: &str,
    version: &Version,
) -> Result<(), StoreError> {
    replication::emit(tx, ctx, bucket, what, key, version)?;
    notify(tx, ctx, bucket, what, key, version)
}

/// Sends notifications alone.
pub fn notify(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    bucket: &Bucket,
    what: What,
    key: &str,
    version: &Version,
) -> Result<(), StoreError> {
    // Most buckets have no configuration: for them this is all.
    let Some(bytes) = tx.get(&CONFIGURATIONS, (bucket.id, KIND, ""))? else {
        return Ok(());
    };
    let Some(configuration) = configuration::read::<NotificationConfiguration>(&bytes) else {
        return Ok(());
    };
    let rules = rules::rules(&configuration);
    let met: Vec<_> = rules
        .iter()
        .filter(|rule| rule.meets(what.record_name(), key))
        .collect();
    let has_bridge = configuration.event_bridge_configuration.is_some();
    if met.is_empty() && !has_bridge {
        return Ok(());
    }
    let happened = Happened {
        what,
        bucket,
        key,
        version,
        sequencer: what.is_in_sequence().then(|| sequencer(tx, ctx, bucket)).transpose()?,
        at: ctx.now(),
    };
    let home = ctx.elsewhere(bucket.owner, bucket.region());
    for rule in met {
        if let Ok(destination) = Destination::parse(rule.service, rule.arn) {
            destination.send(tx, &home, happened.at, &happened.records(ctx, rule.id))?;
        }
    }
    if has_bridge {
        let event = happened.bridge_event(ctx);
        destination::post(tx, &home, happened.at, "events", "PutEvents", &bucket.region, &event)?;
    }
    Ok(())
}

/// Milliseconds have so many numbers each.
const PER_MILLISECOND: u64 = 1 << 12;

/// A number that is greater than all that the bucket had before, whatever its clock shows.
fn sequencer(tx: &mut Tx<'_>, ctx: &Ctx, bucket: &Bucket) -> Result<String, StoreError> {
    let now = u64::try_from(ctx.now().as_millis()).unwrap_or_default();
    let last = tx.get(&SEQUENCERS, (bucket.id,))?.unwrap_or_default();
    let next = (now * PER_MILLISECOND).max(last + 1);
    tx.put(&SEQUENCERS, (bucket.id,), &next)?;
    Ok(format!("{next:018X}"))
}
