//! The batch operations: up to ten entries, each with a fate of its own.

use super::message::{change_one, delete_one, with_shelf};
use super::send::{Draft, Parcel, check_fifo, draft};
use crate::address::Target;
use crate::queue::name;
use crate::wire::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequest, ChangeMessageVisibilityBatchResult,
    ChangeMessageVisibilityBatchResultEntry, DeleteMessageBatchRequest, DeleteMessageBatchResult,
    DeleteMessageBatchResultEntry, SendMessageBatchRequest, SendMessageBatchResult, SendMessageBatchResultEntry,
};
use crate::{errors, limits};
use virga_base::{AwsError, Fault};
use virga_service::Ctx;

/// Checks what holds for the entries of every batch together; answers their ids.
fn check_ids<T>(entries: &[T], shape: &str, id: impl Fn(&T) -> Option<&String>) -> Result<Vec<String>, AwsError> {
    if entries.is_empty() {
        return Err(AwsError::new(
            "EmptyBatchRequest",
            format!("There should be at least one {shape} in the request."),
        ));
    }
    if entries.len() > limits::BATCH_MAX_ENTRIES {
        return Err(AwsError::new(
            "TooManyEntriesInBatchRequest",
            format!(
                "Maximum number of entries per request are {}. You have sent {}.",
                limits::BATCH_MAX_ENTRIES,
                entries.len()
            ),
        ));
    }
    let mut ids: Vec<String> = Vec::with_capacity(entries.len());
    for (i, entry) in entries.iter().enumerate() {
        let id = id(entry).ok_or_else(|| errors::missing(format_args!("{shape}.{}.Id", i + 1)))?;
        let fits =
            (1..=80).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !fits {
            return Err(AwsError::new(
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most \
                 80 letters long.",
            ));
        }
        if ids.contains(id) {
            return Err(AwsError::new("BatchEntryIdsNotDistinct", format!("Id {id} repeated.")));
        }
        ids.push(id.clone());
    }
    Ok(ids)
}

fn failed(id: String, error: AwsError) -> BatchResultErrorEntry {
    BatchResultErrorEntry {
        id: Some(id),
        sender_fault: Some(error.fault == Fault::Sender),
        code: Some(error.code.into_owned()),
        message: Some(error.message),
    }
}

/// Sorts the fates of entries into those that succeeded and those that failed.
fn sort<T, R>(
    ids: Vec<String>,
    fates: Vec<Result<T, AwsError>>,
    show: impl Fn(String, T) -> R,
) -> (Option<Vec<R>>, Option<Vec<BatchResultErrorEntry>>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (id, fate) in ids.into_iter().zip(fates) {
        match fate {
            Ok(done) => good.push(show(id, done)),
            Err(error) => bad.push(failed(id, error)),
        }
    }
    ((!good.is_empty()).then_some(good), (!bad.is_empty()).then_some(bad))
}

/// An entry's failure stays its own; Virga's failure is everybody's.
fn own<T>(fate: Result<T, AwsError>) -> Result<Result<T, AwsError>, AwsError> {
    match fate {
        Err(error) if error.fault == Fault::Receiver => Err(error),
        fate => Ok(fate),
    }
}

pub async fn send(ctx: Ctx, input: SendMessageBatchRequest) -> Result<SendMessageBatchResult, AwsError> {
    const SHAPE: &str = "SendMessageBatchRequestEntry";
    let target = Target::find(&ctx, input.queue_url.as_deref())?;
    let entries = input.entries.unwrap_or_default();
    let ids = check_ids(&entries, SHAPE, |entry| entry.id.as_ref())?;
    let mut drafts: Vec<Result<Draft, AwsError>> = Vec::with_capacity(entries.len());
    for (i, entry) in entries.into_iter().enumerate() {
        if name::is_fifo(&target.name) {
            check_fifo(entry.message_group_id.as_deref())?;
        }
        let body = entry
            .message_body
            .filter(|body| !body.is_empty())
            .ok_or_else(|| errors::missing(format_args!("{SHAPE}.{}.MessageBody", i + 1)))?;
        drafts.push(draft(
            &target,
            Parcel {
                body,
                delay_s: entry.delay_seconds,
                attributes: entry.message_attributes,
                system_attributes: entry.message_system_attributes,
                deduplication_id: entry.message_deduplication_id,
                group: entry.message_group_id,
            },
        ));
    }
    let size_bytes: usize = drafts.iter().flatten().map(|draft| draft.size_bytes).sum();
    if size_bytes > limits::BATCH_MAX_BYTES {
        return Err(AwsError::new(
            "BatchRequestTooLong",
            format!(
                "Batch requests cannot be longer than {} bytes. You have sent {size_bytes} bytes.",
                limits::BATCH_MAX_BYTES
            ),
        ));
    }
    let now = target.ctx.now();
    let sent = with_shelf(&target, "SendMessage", |tx, queue, shelf| {
        for draft in drafts.iter().flatten() {
            draft.check_deduplication(queue)?;
        }
        drafts
            .iter()
            .map(|draft| match draft {
                Ok(draft) => own(draft.enqueue(tx, queue, shelf, now)),
                Err(error) => Ok(Err(error.clone())),
            })
            .collect::<Result<Vec<_>, AwsError>>()
    })
    .await?;
    let fates = drafts
        .into_iter()
        .zip(sent)
        .map(|(draft, sent)| {
            let (id, sequence) = sent?;
            Ok(draft?.receipt(&id, sequence))
        })
        .collect();
    let (successful, failed) = sort(ids, fates, |id, receipt: super::send::Receipt| {
        SendMessageBatchResultEntry {
            id: Some(id),
            message_id: Some(receipt.message_id),
            md5_of_message_body: Some(receipt.body_md5),
            md5_of_message_attributes: receipt.attributes_md5,
            md5_of_message_system_attributes: receipt.trace_header_md5,
            sequence_number: receipt.sequence_number,
        }
    });
    Ok(SendMessageBatchResult { successful, failed })
}

pub async fn delete(ctx: Ctx, input: DeleteMessageBatchRequest) -> Result<DeleteMessageBatchResult, AwsError> {
    const SHAPE: &str = "DeleteMessageBatchRequestEntry";
    let target = Target::find(&ctx, input.queue_url.as_deref())?;
    let entries = input.entries.unwrap_or_default();
    let ids = check_ids(&entries, SHAPE, |entry| entry.id.as_ref())?;
    let handles = entries
        .into_iter()
        .enumerate()
        .map(|(i, entry)| {
            entry
                .receipt_handle
                .filter(|handle| !handle.is_empty())
                .ok_or_else(|| errors::missing(format_args!("{SHAPE}.{}.ReceiptHandle", i + 1)))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let fates = with_shelf(&target, "DeleteMessage", |tx, queue, shelf| {
        handles
            .iter()
            .map(|handle| own(delete_one(tx, queue, shelf, handle)))
            .collect::<Result<Vec<_>, AwsError>>()
    })
    .await?;
    let (successful, failed) = sort(ids, fates, |id, ()| DeleteMessageBatchResultEntry { id: Some(id) });
    Ok(DeleteMessageBatchResult { successful, failed })
}

pub async fn change_visibility(
    ctx: Ctx,
    input: ChangeMessageVisibilityBatchRequest,
) -> Result<ChangeMessageVisibilityBatchResult, AwsError> {
    const SHAPE: &str = "ChangeMessageVisibilityBatchRequestEntry";
    let target = Target::find(&ctx, input.queue_url.as_deref())?;
    let entries = input.entries.unwrap_or_default();
    let ids = check_ids(&entries, SHAPE, |entry| entry.id.as_ref())?;
    let changes = entries
        .into_iter()
        .enumerate()
        .map(|(i, entry)| {
            let missing = |field| errors::missing(format_args!("{SHAPE}.{}.{field}", i + 1));
            let handle = entry
                .receipt_handle
                .filter(|handle| !handle.is_empty())
                .ok_or_else(|| missing("ReceiptHandle"))?;
            let timeout_s = entry.visibility_timeout.ok_or_else(|| missing("VisibilityTimeout"))?;
            Ok((handle, timeout_s))
        })
        .collect::<Result<Vec<_>, AwsError>>()?;
    let fates = with_shelf(&target, "ChangeMessageVisibility", |tx, queue, shelf| {
        changes
            .iter()
            .map(|(handle, timeout_s)| own(change_one(tx, queue, shelf, handle, *timeout_s)))
            .collect::<Result<Vec<_>, AwsError>>()
    })
    .await?;
    let (successful, failed) = sort(ids, fates, |id, ()| ChangeMessageVisibilityBatchResultEntry {
        id: Some(id),
    });
    Ok(ChangeMessageVisibilityBatchResult { successful, failed })
}
