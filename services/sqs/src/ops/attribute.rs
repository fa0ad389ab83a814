//! Attributes of queues, and which queues have this one for their dead letters.

use super::Page;
use super::queue::{link, target_of_redrive};
use crate::address::{Target, queue_url};
use crate::queue::attributes::{self, Counts};
use crate::shelf::Shelf;
use crate::state::{COUNTERS, HIDDEN, QUEUES, Queue, SOURCES};
use crate::wire::{
    GetQueueAttributesRequest, GetQueueAttributesResult, ListDeadLetterSourceQueuesRequest,
    ListDeadLetterSourceQueuesResult, SetQueueAttributesRequest,
};
use crate::{access, errors};
use virga_base::AwsError;
use virga_service::Ctx;
use virga_shape::Unit;

pub async fn get(ctx: Ctx, input: GetQueueAttributesRequest) -> Result<GetQueueAttributesResult, AwsError> {
    let target = Target::find(&ctx, input.queue_url.as_deref())?;
    let names = input.attribute_names.unwrap_or_default();
    let (queue, counts) = counted(&target).await?;
    access::permit(&target, &queue, "GetQueueAttributes")?;
    if let Some(unknown) = names.iter().find(|name| *name != "All" && !attributes::is_name(name)) {
        return Err(errors::unknown_attribute(unknown));
    }
    let arn = target.arn();
    let shown = if names.iter().any(|name| name == "All") {
        attributes::show_all(&queue, &arn, counts)
    } else {
        names
            .into_iter()
            .filter_map(|name| {
                let value = attributes::show(&queue, &arn, counts, &name)?;
                Some((name, value))
            })
            .collect()
    };
    Ok(GetQueueAttributesResult {
        attributes: (!shown.is_empty()).then_some(shown),
    })
}

/// The queue with its exact counts. Counts lag only behind the clock, and then this catches up first.
async fn counted(target: &Target) -> Result<(Queue, Counts), AwsError> {
    loop {
        // Time may go on while a slow store catches up.
        let now = target.ctx.now();
        let (queue, counters, first_hidden) = target.ctx.read(|tx| -> Result<_, AwsError> {
            let queue = target.found(tx.get(&QUEUES, (&target.name,))?)?;
            let counters = tx.get(&COUNTERS, (queue.data,))?.unwrap_or_default();
            let first_hidden = tx.scan(&HIDDEN).prefix((queue.data,)).first()?;
            Ok((queue, counters, first_hidden))
        })?;
        let late = first_hidden.is_some_and(|((_, until, _), _)| until <= now)
            || counters.expires.is_some_and(|expires| expires <= now);
        if !late {
            let counts = Counts {
                visible: counters.visible,
                in_flight: counters.in_flight,
                delayed: counters.delayed,
            };
            return Ok((queue, counts));
        }
        target
            .ctx
            .write(|tx| -> Result<(), AwsError> {
                let mut shelf = Shelf::open(tx, &queue, now)?;
                shelf.upkeep(tx)?;
                Ok(shelf.close(tx, &target.ctx)?)
            })
            .await?;
    }
}

pub async fn set(ctx: Ctx, input: SetQueueAttributesRequest) -> Result<Unit, AwsError> {
    let target = Target::find(&ctx, input.queue_url.as_deref())?;
    let given = input
        .attributes
        .filter(|given| !given.is_empty())
        .ok_or_else(|| errors::missing("Attributes"))?;
    let given = attributes::named(given)?;
    let name = target.name.as_str();
    let now = target.ctx.now();
    target
        .ctx
        .write(|tx| -> Result<(), AwsError> {
            let old = target.found(tx.get(&QUEUES, (name,))?)?;
            access::own(&target, "SetQueueAttributes")?;
            let mut queue = old.clone();
            attributes::apply(&mut queue.settings, &given, now, false)?;
            if let Some(policy) = given.get("RedrivePolicy") {
                queue.settings.redrive = target_of_redrive(tx, &target.ctx, name, policy)?;
                link(tx, name, old.settings.redrive.as_ref(), queue.settings.redrive.as_ref())?;
            }
            queue.modified = now;
            tx.put(&QUEUES, (name,), &queue)?;
            follow(tx, &target, &old, &queue)
        })
        .await?;
    Ok(Unit)
}

/// Does to the messages what changed settings ask for.
fn follow(tx: &mut virga_service::Tx<'_>, target: &Target, old: &Queue, new: &Queue) -> Result<(), AwsError> {
    let retention = old.settings.retention_s != new.settings.retention_s;
    let delay = new.settings.fifo.is_some() && old.settings.delay_s != new.settings.delay_s;
    if !retention && !delay {
        return Ok(());
    }
    if retention {
        // What was too old under the old retention stays gone under a longer one, though nobody has looked yet.
        let mut before = Shelf::open(tx, old, target.ctx.now())?;
        while before.upkeep(tx)? {}
        before.close(tx, &target.ctx)?;
    }
    let mut shelf = Shelf::open(tx, new, target.ctx.now())?;
    if retention {
        shelf.retain_anew();
    }
    shelf.upkeep(tx)?;
    if delay {
        shelf.delay_anew(tx, new.settings.delay_s)?;
    }
    Ok(shelf.close(tx, &target.ctx)?)
}

pub async fn list_sources(
    ctx: Ctx,
    input: ListDeadLetterSourceQueuesRequest,
) -> Result<ListDeadLetterSourceQueuesResult, AwsError> {
    let target = Target::find(&ctx, input.queue_url.as_deref())?;
    let page = Page::new(input.max_results, input.next_token)?;
    let name = target.name.as_str();
    let mut names = target.ctx.read(|tx| -> Result<Vec<String>, AwsError> {
        let queue = target.found(tx.get(&QUEUES, (name,))?)?;
        access::permit(&target, &queue, "ListDeadLetterSourceQueues")?;
        let scan = tx.scan(&SOURCES).prefix((name,));
        let scan = match &page.after {
            Some(after) => scan.after((name, after)),
            None => scan,
        };
        let keys = scan.limit(page.limit + 1).keys()?;
        Ok(keys.into_iter().map(|(_, source)| source).collect())
    })?;
    let url = |name: &str| queue_url(&ctx, target.ctx.account(), name);
    let next_token = page.next_token(&mut names, url);
    Ok(ListDeadLetterSourceQueuesResult {
        queue_urls: Some(names.iter().map(|name| url(name)).collect()),
        next_token,
    })
}
