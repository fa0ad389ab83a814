//! Queues: made, found, listed, emptied, deleted.

use super::Page;
use crate::address::{Target, path_of_queue, queue_url};
use crate::queue::{attributes, name, redrive};
use crate::shelf::Shelf;
use crate::state::{DELETED, MOVE_TASKS, QUEUES, Queue, Redrive, SOURCES, TAGS, topic};
use crate::wire::{
    CreateQueueRequest, CreateQueueResult, DeleteQueueRequest, GetQueueUrlRequest, GetQueueUrlResult,
    ListQueuesRequest, ListQueuesResult, PurgeQueueRequest,
};
use crate::{access, due, errors, limits};
use std::ops::ControlFlow;
use virga_base::{Account, AwsError, Timestamp};
use virga_service::{Ctx, Tx};
use virga_shape::Unit;

/// The setting that turns on AWS's wait after a deletion.
pub const DELETE_WAIT: &str = "delete_wait_s";

/// These two are not for a queue's own URL.
fn not_at_a_queue(ctx: &Ctx, action: &str) -> Result<(), AwsError> {
    match path_of_queue(ctx) {
        None => Ok(()),
        Some(_) => Err(AwsError::new(
            "InvalidAction",
            format!("The action {action} is not valid for this endpoint."),
        )),
    }
}

pub async fn create(ctx: Ctx, input: CreateQueueRequest) -> Result<CreateQueueResult, AwsError> {
    not_at_a_queue(&ctx, "CreateQueue")?;
    access::signed(&ctx)?;
    let name = input.queue_name.ok_or_else(|| errors::missing("QueueName"))?;
    let given = attributes::named(input.attributes.unwrap_or_default())?;
    let tags = super::tag::check(input.tags.unwrap_or_default())?;
    let fifo = attributes::asks_for_fifo(&given);
    name::check(&name, fifo)?;
    let now = ctx.now();
    let mut settings = attributes::defaults(fifo);
    attributes::apply(&mut settings, &given, now, true)?;
    let id = ctx.ids().u64();
    let mut queue = Queue {
        id,
        data: id,
        name: name.clone(),
        created: now,
        modified: now,
        purged: None,
        settings,
    };
    let wait_s = ctx
        .setting(DELETE_WAIT)
        .and_then(|text| text.parse::<i64>().ok())
        .unwrap_or(0);
    ctx.write(|tx| -> Result<(), AwsError> {
        if let Some(existing) = tx.get(&QUEUES, (&name,))? {
            return match attributes::first_difference(&existing, &given)? {
                None => Ok(()),
                Some(differs) => Err(AwsError::new(
                    "QueueNameExists",
                    format!("A queue already exists with the same name and a different value for attribute {differs}"),
                )),
            };
        }
        check_deleted(tx, &name, now, wait_s)?;
        if let Some(policy) = given.get("RedrivePolicy") {
            queue.settings.redrive = target_of_redrive(tx, &ctx, &name, policy)?;
            link(tx, &name, None, queue.settings.redrive.as_ref())?;
        }
        tx.put(&QUEUES, (&name,), &queue)?;
        if !tags.0.is_empty() {
            tx.put(&TAGS, (id,), &tags)?;
        }
        Ok(())
    })
    .await?;
    Ok(CreateQueueResult {
        queue_url: Some(queue_url(&ctx, ctx.account(), &name)),
    })
}

fn check_deleted(tx: &mut Tx<'_>, name: &str, now: Timestamp, wait_s: i64) -> Result<(), AwsError> {
    if wait_s <= 0 {
        return Ok(());
    }
    if let Some(deleted) = tx.get(&DELETED, (name,))? {
        let deleted = Timestamp::from_millis(i64::try_from(deleted).unwrap_or(0));
        if now < deleted.plus_secs(wait_s) {
            return Err(AwsError::new(
                "QueueDeletedRecently",
                "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
            ));
        }
        tx.delete(&DELETED, (name,))?;
    }
    Ok(())
}

/// Reads a redrive policy and checks its target.
pub fn target_of_redrive(tx: &Tx<'_>, ctx: &Ctx, source: &str, text: &str) -> Result<Option<Redrive>, AwsError> {
    let Some(policy) = redrive::parse(text)? else {
        return Ok(None);
    };
    let source = ctx.arn(source);
    policy.check(text, &source)?;
    let target = tx.get(&QUEUES, (policy.target.resource.as_str(),))?;
    let target = target.ok_or_else(|| redrive::RedrivePolicy::target_does_not_exist(text))?;
    policy.check_target(text, &source, target.settings.redrive_allow.as_deref())?;
    Ok(Some(policy.to_redrive()))
}

/// Keeps the index of dead-letter queues' sources in step with a source's policy.
pub fn link(tx: &mut Tx<'_>, source: &str, old: Option<&Redrive>, new: Option<&Redrive>) -> Result<(), AwsError> {
    if let Some(old) = old {
        tx.delete(&SOURCES, (old.target.as_str(), source))?;
    }
    if let Some(new) = new {
        tx.put(&SOURCES, (new.target.as_str(), source), &())?;
    }
    Ok(())
}

pub async fn delete(ctx: Ctx, input: DeleteQueueRequest) -> Result<Unit, AwsError> {
    let target = Target::find(&ctx, input.queue_url.as_deref())?;
    let name = target.name.as_str();
    let now = target.ctx.now();
    let keep = target.ctx.setting(DELETE_WAIT).is_some_and(|text| text != "0");
    target
        .ctx
        .write(|tx| -> Result<(), AwsError> {
            let queue = target.found(tx.get(&QUEUES, (name,))?)?;
            access::own(&target, "DeleteQueue")?;
            tx.delete(&QUEUES, (name,))?;
            tx.delete(&TAGS, (queue.id,))?;
            tx.delete_all(&MOVE_TASKS, (queue.id,))?;
            link(tx, name, queue.settings.redrive.as_ref(), None)?;
            if keep {
                tx.put(&DELETED, (name,), &u64::try_from(now.as_millis()).unwrap_or(0))?;
            }
            Shelf::open(tx, &queue, now)?.give_up(tx)?;
            tx.schedule(now, &due::drop_row(&target.ctx, queue.data))?;
            tx.notify(&topic(&target.ctx, queue.id));
            Ok(())
        })
        .await?;
    Ok(Unit)
}

pub async fn url(ctx: Ctx, input: GetQueueUrlRequest) -> Result<GetQueueUrlResult, AwsError> {
    let name = input.queue_name.ok_or_else(|| errors::missing("QueueName"))?;
    let account = match input.queue_owner_aws_account_id {
        Some(owner) => Some(Account::parse(&owner).map_err(|_| errors::queue_does_not_exist(&ctx))?),
        None => None,
    };
    if !name::is_valid(&name) {
        return Err(errors::queue_does_not_exist(&ctx));
    }
    let target = Target::at(&ctx, account, None, &name);
    let queue = target
        .ctx
        .read(|tx| -> Result<_, AwsError> { Ok(tx.get(&QUEUES, (&name,))?) })?;
    access::permit(&target, &target.found(queue)?, "GetQueueUrl")?;
    Ok(GetQueueUrlResult {
        queue_url: Some(target.url()),
    })
}

pub async fn list(ctx: Ctx, input: ListQueuesRequest) -> Result<ListQueuesResult, AwsError> {
    not_at_a_queue(&ctx, "ListQueues")?;
    access::signed(&ctx)?;
    let page = Page::new(input.max_results, input.next_token)?;
    let prefix = input.queue_name_prefix.unwrap_or_default();
    let mut names = ctx.read(|tx| -> Result<Vec<String>, AwsError> {
        let scan = tx.scan(&QUEUES);
        let scan = match &page.after {
            Some(after) if *after >= prefix => scan.after((after,)),
            _ => scan.from((&prefix,)),
        };
        let mut names = Vec::new();
        scan.limit(page.limit + 1).each(|(name,), _| {
            if !name.starts_with(&prefix) {
                return ControlFlow::Break(());
            }
            names.push(name);
            ControlFlow::Continue(())
        })?;
        Ok(names)
    })?;
    let url = |name: &str| queue_url(&ctx, ctx.account(), name);
    let next_token = page.next_token(&mut names, url);
    let urls: Vec<String> = names.iter().map(|name| url(name)).collect();
    Ok(ListQueuesResult {
        queue_urls: (!urls.is_empty()).then_some(urls),
        next_token,
    })
}

pub async fn purge(ctx: Ctx, input: PurgeQueueRequest) -> Result<Unit, AwsError> {
    let target = Target::find(&ctx, input.queue_url.as_deref())?;
    let name = target.name.as_str();
    let now = target.ctx.now();
    let data = target.ctx.ids().u64();
    target
        .ctx
        .write(|tx| -> Result<(), AwsError> {
            let mut queue = target.found(tx.get(&QUEUES, (name,))?)?;
            access::permit(&target, &queue, "PurgeQueue")?;
            if queue
                .purged
                .is_some_and(|purged| now < purged.plus_secs(limits::PURGE_WAIT_S))
            {
                return Err(AwsError::new(
                    "PurgeQueueInProgress",
                    format!("Only one PurgeQueue operation on {name} is allowed every 60 seconds."),
                )
                .with_status(403));
            }
            let old = Shelf::open(tx, &queue, now)?;
            old.give_up(tx)?;
            queue.purged = Some(now);
            // A new place for messages; what lies in the old one is removed later.
            queue.data = data;
            tx.put(&QUEUES, (name,), &queue)?;
            let mut new = Shelf::open(tx, &queue, now)?;
            new.continue_after(&old);
            new.close(tx, &target.ctx)?;
            tx.schedule(now, &due::drop_row(&target.ctx, old.data()))?;
            Ok(())
        })
        .await?;
    Ok(Unit)
}
