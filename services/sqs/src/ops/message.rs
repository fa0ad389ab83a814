//! Deleting a received message, and changing for how long it stays hidden.

use crate::address::Target;
use crate::queue::receipt::Receipt;
use crate::shelf::{Change, Shelf};
use crate::state::{QUEUES, Queue};
use crate::wire::{ChangeMessageVisibilityRequest, DeleteMessageRequest};
use crate::{access, errors, limits};
use virga_base::AwsError;
use virga_service::{Ctx, Tx};
use virga_shape::Unit;

pub async fn delete(ctx: Ctx, input: DeleteMessageRequest) -> Result<Unit, AwsError> {
    let target = Target::find(&ctx, input.queue_url.as_deref())?;
    let handle = input
        .receipt_handle
        .filter(|handle| !handle.is_empty())
        .ok_or_else(|| errors::missing("ReceiptHandle"))?;
    with_shelf(&target, "DeleteMessage", |tx, queue, shelf| {
        delete_one(tx, queue, shelf, &handle)
    })
    .await?;
    Ok(Unit)
}

pub async fn change_visibility(ctx: Ctx, input: ChangeMessageVisibilityRequest) -> Result<Unit, AwsError> {
    let target = Target::find(&ctx, input.queue_url.as_deref())?;
    let handle = input
        .receipt_handle
        .filter(|handle| !handle.is_empty())
        .ok_or_else(|| errors::missing("ReceiptHandle"))?;
    let timeout_s = input
        .visibility_timeout
        .ok_or_else(|| errors::missing("VisibilityTimeout"))?;
    with_shelf(&target, "ChangeMessageVisibility", |tx, queue, shelf| {
        change_one(tx, queue, shelf, &handle, timeout_s)
    })
    .await?;
    Ok(Unit)
}

/// Runs something on the messages of a queue that others may be let to.
pub async fn with_shelf<T>(
    target: &Target,
    action: &str,
    mut run: impl FnMut(&mut Tx<'_>, &Queue, &mut Shelf) -> Result<T, AwsError>,
) -> Result<T, AwsError> {
    let now = target.ctx.now();
    target
        .ctx
        .write(|tx| -> Result<T, AwsError> {
            let queue = target.found(tx.get(&QUEUES, (&target.name,))?)?;
            access::permit(target, &queue, action)?;
            let mut shelf = Shelf::open(tx, &queue, now)?;
            let result = run(tx, &queue, &mut shelf)?;
            shelf.close(tx, &target.ctx)?;
            Ok(result)
        })
        .await
}

/// Deletes a message by its handle. One that is gone already is no error.
pub fn delete_one(tx: &mut Tx<'_>, queue: &Queue, shelf: &mut Shelf, handle: &str) -> Result<(), AwsError> {
    let receipt = Receipt::parse(handle)
        .filter(|receipt| receipt.queue == queue.id)
        .ok_or_else(|| errors::not_a_receipt_handle(handle))?;
    match shelf.delete(tx, &receipt)? {
        Change::Expired => Err(errors::receipt_handle_expired(handle)),
        Change::Done | Change::Gone | Change::TooLong => Ok(()),
    }
}

/// Changes for how long a message stays hidden.
pub fn change_one(
    tx: &mut Tx<'_>,
    queue: &Queue,
    shelf: &mut Shelf,
    handle: &str,
    timeout_s: i32,
) -> Result<(), AwsError> {
    let timeout_s = u32::try_from(timeout_s)
        .ok()
        .filter(|timeout| *timeout <= limits::VISIBILITY_MAX_S as u32)
        .ok_or_else(|| {
            let reason = "VisibilityTimeout must be an integer between 0 and 43200.";
            errors::invalid_parameter(timeout_s, "VisibilityTimeout", reason)
        })?;
    let receipt = Receipt::parse(handle)
        .filter(|receipt| receipt.queue == queue.id)
        .ok_or_else(errors::not_a_receipt_handle_for_change)?;
    match shelf.change_visibility(tx, &receipt, timeout_s)? {
        Change::Done => Ok(()),
        Change::Gone => Err(errors::not_available_for_change(handle)),
        Change::Expired => Err(errors::receipt_handle_expired(handle)),
        Change::TooLong => Err(errors::invalid_parameter(
            timeout_s,
            "VisibilityTimeout",
            "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
        )),
    }
}
