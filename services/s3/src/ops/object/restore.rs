//! RestoreObject: brings a copy of an archived object, by the clock.

use super::read::read_version;
use crate::access::{self, Wanted};
use crate::errors;
use crate::events::{self, What};
use crate::lifecycle::rules::next_midnight;
use crate::object::{key, version_id, versions};
use crate::reply::Reply;
use crate::state::{Restore, Version};
use crate::wire::{RestoreObjectOutput, RestoreObjectRequest};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use virga_base::{AwsError, Timestamp};
use virga_service::{Ctx, Tx};

/// The kind of deferred work that tells of a copy's coming and going.
pub const RESTORED: &str = "restored";

const MINUTE_S: u64 = 60;
const HOUR_S: u64 = 60 * MINUTE_S;
const DAY_S: u64 = 24 * HOUR_S;

/// How long it takes AWS, at the most that it promises.
fn takes(class: &str, tier: &str) -> Option<Duration> {
    let seconds = match (class, tier) {
        ("GLACIER", "Expedited") => 5 * MINUTE_S,
        ("GLACIER", "Standard") => 5 * HOUR_S,
        ("GLACIER" | "DEEP_ARCHIVE", "Bulk" | "Standard") => match (class, tier) {
            ("DEEP_ARCHIVE", "Bulk") => 48 * HOUR_S,
            _ => 12 * HOUR_S,
        },
        _ => return None,
    };
    Some(Duration::from_secs(seconds))
}

/// What HEAD and GET tell of a restored copy; none where there is none.
pub fn shown(version: &Version, now: Timestamp) -> Option<String> {
    let restore = version.restore.as_ref().filter(|restore| now < restore.expires)?;
    Some(match now >= restore.ready {
        true => format!(
            "ongoing-request=\"false\", expiry-date=\"{}\"",
            restore.expires.to_http_date()
        ),
        false => "ongoing-request=\"true\"".to_owned(),
    })
}

pub async fn restore(ctx: Ctx, input: RestoreObjectRequest) -> Result<Reply<RestoreObjectOutput>, AwsError> {
    let key = key::read(input.key)?;
    let version_id = version_id::asked(input.version_id)?;
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "RestoreObject",
        key: Some(&key),
    };
    let open = access::open(&ctx, wanted).await?;
    let request = input.restore_request.ok_or_else(errors::malformed_xml)?;
    let days = request
        .days
        .filter(|days| *days > 0)
        .ok_or_else(errors::malformed_xml)?;
    let tier = request.glacier_job_parameters.and_then(|parameters| parameters.tier);
    let tier = tier.or(request.tier).unwrap_or_else(|| "Standard".to_owned());
    let now = ctx.now();
    let kept = Duration::from_secs(u64::try_from(days).unwrap_or(1).saturating_mul(DAY_S));
    let restore = |tx: &mut Tx<'_>| -> Result<bool, AwsError> {
        let bucket = open.again(tx)?;
        let mut version = read_version(&tx.reading(), &bucket, &key, version_id.as_deref(), "POST")?;
        let class = version.storage_class().to_owned();
        if !matches!(class.as_str(), "GLACIER" | "DEEP_ARCHIVE") {
            return Err(errors::restore_not_allowed(&class));
        }
        let current = version.restore.clone().filter(|restore| now < restore.expires);
        let is_there = current.as_ref().is_some_and(|restore| now >= restore.ready);
        if current.is_some() && !is_there {
            return Err(errors::restore_in_progress());
        }
        let ready = match current {
            Some(restore) => restore.ready,
            None => now.plus(takes(&class, &tier).ok_or_else(|| errors::no_such_tier(&class))?),
        };
        let expires = next_midnight(ready.max(now).plus(kept));
        version.restore = Some(Restore { ready, expires });
        versions::keep(tx, &bucket, &key, &version)?;
        let times = [Some(expires), (!is_there).then_some(ready)];
        for at in times.into_iter().flatten() {
            let coming = Coming {
                bucket: bucket.name.clone(),
                bucket_id: bucket.id,
                key: key.clone(),
                version: version.shown_id().to_owned(),
                at,
            };
            // It always has a JSON form.
            let payload = serde_json::to_vec(&coming).unwrap_or_default();
            tx.schedule(at, &open.home.due_row(RESTORED, payload))?;
        }
        events::emit(tx, &open.home, &bucket, What::RestorePost, &key, &version)?;
        Ok(is_there)
    };
    let was_there = open.home.write(restore).await?;
    Ok(Reply {
        status: Some(if was_there { 200 } else { 202 }),
        ..Reply::from(RestoreObjectOutput::default())
    })
}

/// When a copy comes or goes.
#[derive(Debug, Serialize, Deserialize)]
struct Coming {
    bucket: String,
    bucket_id: u64,
    key: String,
    version: String,
    at: Timestamp,
}

/// Tells that a copy is there, or takes it away. Nothing where the object, or how long it is kept, is another by now.
pub async fn come(ctx: Ctx, payload: Vec<u8>) -> Result<(), AwsError> {
    let coming: Coming =
        serde_json::from_slice(&payload).map_err(|_| AwsError::internal("what was restored cannot be read"))?;
    let found = access::find(&ctx, &coming.bucket)?;
    let Some(bucket) = found.filter(|bucket| bucket.id == coming.bucket_id) else {
        return Ok(());
    };
    let come = |tx: &mut Tx<'_>| -> Result<(), AwsError> {
        let found = versions::find(&tx.reading(), &bucket, &coming.key, &coming.version)?;
        let Some((mut version, restore)) = found.and_then(|version| Some((version.clone(), version.restore?))) else {
            return Ok(());
        };
        if restore.ready == coming.at {
            events::emit(tx, &ctx, &bucket, What::RestoreCompleted, &coming.key, &version)?;
        } else if restore.expires == coming.at {
            version.restore = None;
            versions::keep(tx, &bucket, &coming.key, &version)?;
            events::emit(tx, &ctx, &bucket, What::RestoreDelete, &coming.key, &version)?;
        }
        Ok(())
    };
    ctx.write(come).await
}
