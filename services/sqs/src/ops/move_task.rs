//! Message move tasks: the redrive of a dead-letter queue, as deferred work at its own pace.

use crate::access;
use crate::address::Target;
use crate::queue::name;
use crate::shelf::Shelf;
use crate::state::{MOVE_TASKS, Message, MoveStatus, MoveTask, QUEUES, Queue, SOURCES, Slot};
use crate::wire::{
    CancelMessageMoveTaskRequest, CancelMessageMoveTaskResult, ListMessageMoveTasksRequest, ListMessageMoveTasksResult,
    ListMessageMoveTasksResultEntry, StartMessageMoveTaskRequest, StartMessageMoveTaskResult,
};
use crate::{due, errors, limits};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use virga_base::{Account, Arn, AwsError, Region};
use virga_service::{Ctx, Tx};

/// Messages that a task without a rate moves in one transaction.
const MOVED_AT_ONCE: usize = 500;

/// How long a task waits, in seconds, before it looks again whether a message has left the head of its group.
const BLOCKED_S: i64 = 20;

const NO_SOURCE: &str = "The resource that you specified for the SourceArn parameter doesn't exist.";
const NO_DESTINATION: &str = "The resource that you specified for the DestinationArn parameter doesn't exist.";

/// The queue that an ARN names.
fn target(ctx: &Ctx, arn: &str, parameter: &str) -> Result<(Arn, Target), AwsError> {
    let refused = || {
        errors::invalid(format!(
            "You must use this format to specify the {parameter}: arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
        ))
    };
    let arn = name::parse_arn(arn).ok_or_else(refused)?;
    let account = Account::parse(&arn.account).map_err(|_| refused())?;
    let region = Region::parse(&arn.region).map_err(|_| refused())?;
    let target = Target::at(ctx, Some(account), Some(region), &arn.resource);
    Ok((arn, target))
}

fn handle(id: &str, source_arn: &str) -> String {
    STANDARD.encode(json!({ "taskId": id, "sourceArn": source_arn }).to_string())
}

/// Task id and source of a handle.
fn read_handle(handle: &str) -> Option<(String, String)> {
    let json: Json = serde_json::from_slice(&STANDARD.decode(handle).ok()?).ok()?;
    let part = |name: &str| json.get(name)?.as_str().map(str::to_owned);
    Some((part("taskId")?, part("sourceArn")?))
}

/// A source's tasks, the newest first.
fn tasks(tx: &Tx<'_>, queue: &Queue) -> Result<Vec<(u64, MoveTask)>, AwsError> {
    let rows = tx.scan(&MOVE_TASKS).prefix((queue.id,)).reverse().rows()?;
    Ok(rows.into_iter().map(|((_, number), task)| (number, task)).collect())
}

pub async fn start(ctx: Ctx, input: StartMessageMoveTaskRequest) -> Result<StartMessageMoveTaskResult, AwsError> {
    let source_arn = input.source_arn.ok_or_else(|| errors::missing("SourceArn"))?;
    let rate = input.max_number_of_messages_per_second;
    if let Some(rate) = rate
        && !(1..=limits::MOVE_RATE_MAX_PER_S).contains(&rate)
    {
        let reason = "Must be between 1 and 500, if provided.";
        return Err(errors::invalid_parameter(rate, "MaxNumberOfMessagesPerSecond", reason));
    }
    let (_, source) = target(&ctx, &source_arn, "SourceArn")?;
    let destination = match &input.destination_arn {
        Some(arn) => Some(target(&ctx, arn, "DestinationArn")?),
        None => None,
    };
    let id = ctx.ids().uuid();
    let now = source.ctx.now();
    source
        .ctx
        .write(|tx| -> Result<(), AwsError> {
            access::own(&source, "StartMessageMoveTask")?;
            let queue = tx.get(&QUEUES, (&source.name,))?;
            let queue = queue.ok_or_else(|| errors::resource_not_found(NO_SOURCE))?;
            if let Some((arn, to)) = &destination {
                check_destination(tx, &source, to, arn)?;
            }
            if tx.scan(&SOURCES).prefix((&source.name,)).first()?.is_none() {
                return Err(errors::invalid(
                    "Source queue must be configured as a Dead Letter Queue.",
                ));
            }
            let old = tasks(tx, &queue)?;
            if old.first().is_some_and(|(_, task)| task.status == MoveStatus::Running) {
                return Err(errors::invalid(
                    "There is already a task running. Only one active task is allowed for a source queue arn at a \
                     given time.",
                ));
            }
            for (number, _) in old.iter().skip(limits::MOVE_TASKS_KEPT - 1) {
                tx.delete(&MOVE_TASKS, (queue.id, *number))?;
            }
            let number = old.first().map_or(1, |(number, _)| number + 1);
            let mut shelf = Shelf::open(tx, &queue, now)?;
            shelf.upkeep(tx)?;
            let task = MoveTask {
                id: id.clone(),
                status: MoveStatus::Running,
                destination: destination.as_ref().map(|(arn, to)| (to.name.clone(), arn.to_string())),
                rate_per_s: rate.and_then(|rate| u32::try_from(rate).ok()),
                moved: 0,
                to_move: shelf.counts().visible,
                failure: None,
                started: now,
            };
            shelf.close(tx, &source.ctx)?;
            tx.put(&MOVE_TASKS, (queue.id, number), &task)?;
            tx.schedule(now, &due::move_row(&source.ctx, &source.name, queue.id, number))?;
            Ok(())
        })
        .await?;
    Ok(StartMessageMoveTaskResult {
        task_handle: Some(handle(&id, &source_arn)),
    })
}

fn check_destination(tx: &Tx<'_>, source: &Target, to: &Target, arn: &Arn) -> Result<(), AwsError> {
    if arn.account != source.ctx.account().to_string() || arn.region != source.ctx.region().as_str() {
        return Err(errors::resource_not_found(NO_DESTINATION));
    }
    if tx.get(&QUEUES, (&to.name,))?.is_none() {
        return Err(errors::resource_not_found(NO_DESTINATION));
    }
    if to.name == source.name {
        return Err(errors::invalid(
            "Source queue arn and destination queue arn cannot be the same.",
        ));
    }
    if name::is_fifo(&to.name) != name::is_fifo(&source.name) {
        return Err(errors::invalid(
            "Source queue and destination queue must be of the same type.",
        ));
    }
    Ok(())
}

pub async fn cancel(ctx: Ctx, input: CancelMessageMoveTaskRequest) -> Result<CancelMessageMoveTaskResult, AwsError> {
    let given = input.task_handle.ok_or_else(|| errors::missing("TaskHandle"))?;
    let refused = || errors::invalid_parameter(&given, "TaskHandle", "The task handle is not valid.");
    let (id, source_arn) = read_handle(&given).ok_or_else(refused)?;
    let (_, source) = target(&ctx, &source_arn, "SourceArn")?;
    let moved = source
        .ctx
        .write(|tx| -> Result<u64, AwsError> {
            let queue = tx.get(&QUEUES, (&source.name,))?;
            let queue = queue.ok_or_else(|| errors::resource_not_found(NO_SOURCE))?;
            access::own(&source, "CancelMessageMoveTask")?;
            let (number, mut task) = tasks(tx, &queue)?
                .into_iter()
                .find(|(_, task)| task.id == id)
                .ok_or_else(|| errors::resource_not_found("Task does not exist."))?;
            if task.status != MoveStatus::Running {
                return Err(AwsError::new(
                    "UnsupportedOperation",
                    "Only active tasks can be cancelled.",
                ));
            }
            task.status = MoveStatus::Cancelled;
            tx.put(&MOVE_TASKS, (queue.id, number), &task)?;
            Ok(task.moved)
        })
        .await?;
    Ok(CancelMessageMoveTaskResult {
        approximate_number_of_messages_moved: i64::try_from(moved).ok(),
    })
}

pub async fn list(ctx: Ctx, input: ListMessageMoveTasksRequest) -> Result<ListMessageMoveTasksResult, AwsError> {
    let source_arn = input.source_arn.ok_or_else(|| errors::missing("SourceArn"))?;
    let max = input.max_results.unwrap_or(1);
    if !(1..=limits::MOVE_TASKS_KEPT as i32).contains(&max) {
        let reason = "Must be between 1 and 10, if provided.";
        return Err(errors::invalid_parameter(max, "MaxResults", reason));
    }
    let (_, source) = target(&ctx, &source_arn, "SourceArn")?;
    let rows = source.ctx.read(|tx| -> Result<_, AwsError> {
        let queue = tx.get(&QUEUES, (&source.name,))?;
        let queue = queue.ok_or_else(|| errors::resource_not_found(NO_SOURCE))?;
        access::own(&source, "ListMessageMoveTasks")?;
        let scan = tx.scan(&MOVE_TASKS).prefix((queue.id,)).reverse();
        Ok(scan.limit(usize::try_from(max).unwrap_or(1)).rows()?)
    })?;
    let results = rows.into_iter().map(|(_, task)| show(task, &source_arn)).collect();
    Ok(ListMessageMoveTasksResult { results: Some(results) })
}

fn show(task: MoveTask, source_arn: &str) -> ListMessageMoveTasksResultEntry {
    let status = match task.status {
        MoveStatus::Running => "RUNNING",
        MoveStatus::Completed => "COMPLETED",
        MoveStatus::Cancelled => "CANCELLED",
        MoveStatus::Failed => "FAILED",
    };
    ListMessageMoveTasksResultEntry {
        task_handle: (task.status == MoveStatus::Running).then(|| handle(&task.id, source_arn)),
        status: Some(status.to_owned()),
        source_arn: Some(source_arn.to_owned()),
        destination_arn: task.destination.map(|(_, arn)| arn),
        max_number_of_messages_per_second: task.rate_per_s.and_then(|rate| i32::try_from(rate).ok()),
        approximate_number_of_messages_moved: i64::try_from(task.moved).ok(),
        approximate_number_of_messages_to_move: i64::try_from(task.to_move).ok(),
        failure_reason: task.failure,
        started_timestamp: Some(task.started.as_millis()),
    }
}

/// Moves a task's next messages, and comes back for more: after a second where the task has a rate.
pub async fn step(ctx: Ctx, bytes: Vec<u8>) -> Result<(), AwsError> {
    let (source, queue_id, number): (String, u64, u64) = due::payload(&bytes)?;
    let now = ctx.now();
    // Redriven messages are new messages.
    let ids: Vec<[u8; 16]> = (0..MOVED_AT_ONCE).map(|_| ctx.ids().uuid_bytes()).collect();
    ctx.write(|tx| -> Result<(), AwsError> {
        let Some(queue) = tx.get(&QUEUES, (&source,))?.filter(|queue| queue.id == queue_id) else {
            return Ok(());
        };
        let Some(mut task) = tx
            .get(&MOVE_TASKS, (queue_id, number))?
            .filter(|task| task.status == MoveStatus::Running)
        else {
            return Ok(());
        };
        let max = task
            .rate_per_s
            .map_or(MOVED_AT_ONCE, |rate| rate as usize)
            .min(MOVED_AT_ONCE);
        let mut shelf = Shelf::open(tx, &queue, now)?;
        shelf.upkeep(tx)?;
        move_some(tx, &ctx, &mut shelf, &mut task, &ids[..max], &queue)?;
        if task.status == MoveStatus::Running {
            if shelf.counts().visible == 0 {
                task.status = MoveStatus::Completed;
            } else {
                let at = if shelf.peek(tx)?.is_none() {
                    // All that is visible is behind a message that somebody works on.
                    let looks = now.plus_secs(BLOCKED_S);
                    shelf.next_visible(tx)?.map_or(looks, |visible| visible.min(looks))
                } else if task.rate_per_s.is_some() {
                    now.plus_secs(1)
                } else {
                    now
                };
                tx.schedule(at, &due::move_row(&ctx, &source, queue_id, number))?;
            }
        }
        shelf.close(tx, &ctx)?;
        tx.put(&MOVE_TASKS, (queue_id, number), &task)?;
        Ok(())
    })
    .await
}

fn move_some(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    from: &mut Shelf,
    task: &mut MoveTask,
    ids: &[[u8; 16]],
    source: &Queue,
) -> Result<(), AwsError> {
    let now = ctx.now();
    let mut destinations: BTreeMap<String, Shelf> = BTreeMap::new();
    for id in ids {
        let Some(next) = from.peek(tx)? else {
            break;
        };
        let to = match &task.destination {
            Some((name, _)) => Some(name.clone()),
            None => next
                .source_arn
                .as_deref()
                .and_then(name::parse_arn)
                .map(|arn| arn.resource),
        };
        let failure = match to {
            None => Some("CouldNotDetermineMessageSource"),
            Some(to) if destinations.contains_key(&to) => {
                deliver(tx, from, destinations.get_mut(&to), id, now)?;
                None
            }
            Some(to) => match tx.get(&QUEUES, (&to,))?.filter(|queue| queue.id != source.id) {
                None => Some("AWS.SimpleQueueService.NonExistentQueue"),
                Some(queue) => {
                    let shelf = destinations.entry(to).or_insert(Shelf::open(tx, &queue, now)?);
                    deliver(tx, from, Some(shelf), id, now)?;
                    None
                }
            },
        };
        if let Some(failure) = failure {
            task.status = MoveStatus::Failed;
            task.failure = Some(failure.to_owned());
            break;
        }
        task.moved += 1;
    }
    for shelf in destinations.into_values() {
        shelf.close(tx, ctx)?;
    }
    Ok(())
}

fn deliver(
    tx: &mut Tx<'_>,
    from: &mut Shelf,
    to: Option<&mut Shelf>,
    id: &[u8; 16],
    now: virga_base::Timestamp,
) -> Result<(), AwsError> {
    let (Some(message), Some(to)) = (from.take_first(tx)?, to) else {
        return Ok(());
    };
    let message = Message {
        id: *id,
        sent: now,
        kept_from: now,
        source_arn: None,
        received_before: 0,
        ..message
    };
    to.append(tx, &message, Slot::default())?;
    Ok(())
}
