//! Tags of queues.

use crate::address::Target;
use crate::state::{QUEUES, TAGS, Tags};
use crate::wire::{ListQueueTagsRequest, ListQueueTagsResult, TagQueueRequest, UntagQueueRequest};
use crate::{access, errors, limits};
use std::collections::BTreeMap;
use virga_base::AwsError;
use virga_service::Ctx;
use virga_shape::Unit;

const KEY_MAX_LENGTH: usize = 128;
const VALUE_MAX_LENGTH: usize = 256;

/// Checks tags by themselves.
pub fn check(tags: BTreeMap<String, String>) -> Result<Tags, AwsError> {
    for (key, value) in &tags {
        if !(1..=KEY_MAX_LENGTH).contains(&key.chars().count()) {
            return Err(errors::invalid(
                "Tag keys must be between 1 and 128 characters in length.",
            ));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(errors::invalid(
                "Tag keys may not begin with aws:, which is reserved for AWS's use.",
            ));
        }
        if value.chars().count() > VALUE_MAX_LENGTH {
            return Err(errors::invalid(
                "Tag values must be between 0 and 256 characters in length.",
            ));
        }
    }
    Ok(Tags(tags))
}

pub async fn tag(ctx: Ctx, input: TagQueueRequest) -> Result<Unit, AwsError> {
    let target = Target::find(&ctx, input.queue_url.as_deref())?;
    let given = input
        .tags
        .filter(|tags| !tags.is_empty())
        .ok_or_else(|| errors::missing("Tags"))?;
    let given = check(given)?;
    change(&target, "TagQueue", |tags| {
        tags.0.extend(given.0.clone());
        if tags.0.len() > limits::TAGS_MAX {
            return Err(errors::invalid(format!(
                "Too many tags added for queue {}.",
                target.name
            )));
        }
        Ok(())
    })
    .await
}

pub async fn untag(ctx: Ctx, input: UntagQueueRequest) -> Result<Unit, AwsError> {
    let target = Target::find(&ctx, input.queue_url.as_deref())?;
    let keys = input
        .tag_keys
        .filter(|keys| !keys.is_empty())
        .ok_or_else(|| errors::invalid("Tag keys must be between 1 and 128 characters in length."))?;
    change(&target, "UntagQueue", |tags| {
        tags.0.retain(|key, _| !keys.contains(key));
        Ok(())
    })
    .await
}

async fn change(
    target: &Target,
    action: &str,
    mut apply: impl FnMut(&mut Tags) -> Result<(), AwsError>,
) -> Result<Unit, AwsError> {
    target
        .ctx
        .write(|tx| -> Result<(), AwsError> {
            let queue = target.found(tx.get(&QUEUES, (&target.name,))?)?;
            access::own(target, action)?;
            let mut tags = tx.get(&TAGS, (queue.id,))?.unwrap_or_default();
            apply(&mut tags)?;
            if tags.0.is_empty() {
                tx.delete(&TAGS, (queue.id,))?;
            } else {
                tx.put(&TAGS, (queue.id,), &tags)?;
            }
            Ok(())
        })
        .await?;
    Ok(Unit)
}

pub async fn list(ctx: Ctx, input: ListQueueTagsRequest) -> Result<ListQueueTagsResult, AwsError> {
    let target = Target::find(&ctx, input.queue_url.as_deref())?;
    let tags = target.ctx.read(|tx| -> Result<Tags, AwsError> {
        let queue = target.found(tx.get(&QUEUES, (&target.name,))?)?;
        access::permit(&target, &queue, "ListQueueTags")?;
        Ok(tx.get(&TAGS, (queue.id,))?.unwrap_or_default())
    })?;
    Ok(ListQueueTagsResult {
        tags: (!tags.0.is_empty()).then_some(tags.0),
    })
}
