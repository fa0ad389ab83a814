//! Sending one message; what a batch shares with it.

use crate::address::Target;
use crate::queue::name;
use crate::queue::{content, digest};
use crate::shelf::Shelf;
use crate::state::{Message, QUEUES, Queue, Scope, Slot};
use crate::wire::{MessageAttributeValue, MessageSystemAttributeValue, SendMessageRequest, SendMessageResult};
use crate::{access, errors, limits};
use std::collections::BTreeMap;
use virga_base::{AwsError, Timestamp, hex};
use virga_service::{Ctx, Tx};

/// A message as a client hands it in, alone or in a batch.
pub struct Parcel {
    pub body: String,
    pub delay_s: Option<i32>,
    pub attributes: Option<BTreeMap<String, MessageAttributeValue>>,
    pub system_attributes: Option<BTreeMap<String, MessageSystemAttributeValue>>,
    pub deduplication_id: Option<String>,
    pub group: Option<String>,
}

/// A message that is in order by itself, on its way to a queue.
pub struct Draft {
    pub message: Message,
    pub size_bytes: usize,
    delay_s: Option<u32>,
    /// The client chose the deduplication id; else it is the body's hash.
    deduplication_chosen: bool,
    attributes_md5: Option<String>,
    trace_header_md5: Option<String>,
}

/// What the sender is told.
pub struct Receipt {
    pub message_id: String,
    pub body_md5: String,
    pub attributes_md5: Option<String>,
    pub trace_header_md5: Option<String>,
    pub sequence_number: Option<String>,
}

/// What a FIFO queue wants of each message; a batch in which one lacks it is refused as a whole.
pub fn check_fifo(group: Option<&str>) -> Result<(), AwsError> {
    match group {
        Some(_) => Ok(()),
        None => Err(errors::missing("MessageGroupId")),
    }
}

pub fn deduplication_missing() -> AwsError {
    errors::invalid(
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
    )
}

/// Checks a message by itself and for the kind of queue that it is sent to.
pub fn draft(target: &Target, parcel: Parcel) -> Result<Draft, AwsError> {
    let ctx = &target.asked;
    let fifo = name::is_fifo(&target.name);
    let not_for_this_queue = |value: &dyn std::fmt::Display, parameter: &str| {
        let reason = "The request include parameter that is not valid for this queue type.";
        errors::invalid_parameter(value, parameter, reason)
    };
    content::check_body(&parcel.body)?;
    let delay_s = match parcel.delay_s {
        Some(delay) if fifo && delay != 0 => return Err(not_for_this_queue(&delay, "DelaySeconds")),
        Some(delay) if !(0..=limits::DELAY_MAX_S).contains(&delay) => {
            let reason = "DelaySeconds must be >= 0 and <= 900.";
            return Err(errors::invalid_parameter(delay, "DelaySeconds", reason));
        }
        // A FIFO queue's own delay holds, whatever the message says.
        Some(_) if fifo => None,
        delay => delay.and_then(|delay| u32::try_from(delay).ok()),
    };
    if let Some(group) = &parcel.group {
        content::check_id(group, "MessageGroupId")?;
    }
    if let Some(id) = &parcel.deduplication_id {
        if !fifo {
            return Err(not_for_this_queue(id, "MessageDeduplicationId"));
        }
        content::check_id(id, "MessageDeduplicationId")?;
    }
    let attributes = content::attributes(parcel.attributes)?;
    let trace_header = content::trace_header(parcel.system_attributes)?;
    let deduplication_chosen = parcel.deduplication_id.is_some();
    let deduplication_id = match parcel.deduplication_id {
        None if fifo => Some(digest::content_id(&parcel.body)),
        chosen => chosen,
    };
    let named = attributes.iter().map(|(name, attribute)| (name.as_str(), attribute));
    let attributes_md5 = digest::attributes_md5(named);
    let now = ctx.now();
    Ok(Draft {
        size_bytes: content::size_bytes(&parcel.body, &attributes),
        delay_s,
        deduplication_chosen,
        attributes_md5,
        trace_header_md5: trace_header.as_deref().and_then(digest::trace_header_md5),
        message: Message {
            id: ctx.ids().uuid_bytes(),
            sent: now,
            kept_from: now,
            body_md5: digest::md5(parcel.body.as_bytes()),
            body: parcel.body,
            attributes,
            sender: ctx.caller().user_id(),
            trace_header,
            group: parcel.group,
            deduplication_id,
            source_arn: None,
            received_before: 0,
        },
    })
}

impl Draft {
    /// Whether the queue can take the message without a deduplication id of the client's.
    pub fn check_deduplication(&self, queue: &Queue) -> Result<(), AwsError> {
        match &queue.settings.fifo {
            Some(fifo) if !fifo.content_based && !self.deduplication_chosen => Err(deduplication_missing()),
            _ => Ok(()),
        }
    }

    /// Puts the message into the queue, unless it is there already; answers its id and, in FIFO queues, its sequence.
    pub fn enqueue(
        &self,
        tx: &mut Tx<'_>,
        queue: &Queue,
        shelf: &mut Shelf,
        now: Timestamp,
    ) -> Result<([u8; 16], Option<u64>), AwsError> {
        let settings = &queue.settings;
        if self.size_bytes > settings.message_max_bytes as usize {
            return Err(errors::message_too_long(settings.message_max_bytes));
        }
        let delay_s = self.delay_s.unwrap_or(settings.delay_s);
        let slot = Slot {
            hidden_until: (delay_s > 0).then(|| now.plus_secs(i64::from(delay_s))),
            delayed: delay_s > 0,
            ..Slot::default()
        };
        let message = &self.message;
        let Some(fifo) = &settings.fifo else {
            shelf.append(tx, message, slot)?;
            return Ok((message.id, None));
        };
        let scope = match fifo.scope_now(now) {
            Scope::Queue => "",
            Scope::MessageGroup => message.group.as_deref().unwrap_or_default(),
        };
        let hash = digest::hash(scope, message.deduplication_id.as_deref().unwrap_or_default());
        if let Some(duplicate) = shelf.duplicate(tx, hash)? {
            return Ok((duplicate.message, Some(duplicate.sequence)));
        }
        let sequence = shelf.append(tx, message, slot)?;
        shelf.remember(tx, hash, message.id, sequence)?;
        Ok((message.id, Some(sequence)))
    }

    pub fn receipt(self, id: &[u8; 16], sequence: Option<u64>) -> Receipt {
        Receipt {
            message_id: digest::uuid_text(id),
            body_md5: hex(&self.message.body_md5),
            attributes_md5: self.attributes_md5,
            trace_header_md5: self.trace_header_md5,
            sequence_number: sequence.map(digest::sequence_number),
        }
    }
}

pub async fn send(ctx: Ctx, input: SendMessageRequest) -> Result<SendMessageResult, AwsError> {
    let target = Target::find(&ctx, input.queue_url.as_deref())?;
    let body = input
        .message_body
        .filter(|body| !body.is_empty())
        .ok_or_else(|| errors::missing("MessageBody"))?;
    if name::is_fifo(&target.name) {
        check_fifo(input.message_group_id.as_deref())?;
    }
    let draft = draft(
        &target,
        Parcel {
            body,
            delay_s: input.delay_seconds,
            attributes: input.message_attributes,
            system_attributes: input.message_system_attributes,
            deduplication_id: input.message_deduplication_id,
            group: input.message_group_id,
        },
    )?;
    let now = draft.message.sent;
    let (id, sequence) = target
        .ctx
        .write(|tx| -> Result<_, AwsError> {
            let queue = target.found(tx.get(&QUEUES, (&target.name,))?)?;
            access::permit(&target, &queue, "SendMessage")?;
            draft.check_deduplication(&queue)?;
            let mut shelf = Shelf::open(tx, &queue, now)?;
            let sent = draft.enqueue(tx, &queue, &mut shelf, now)?;
            shelf.close(tx, &target.ctx)?;
            Ok(sent)
        })
        .await?;
    let receipt = draft.receipt(&id, sequence);
    Ok(SendMessageResult {
        md5_of_message_body: Some(receipt.body_md5),
        md5_of_message_attributes: receipt.attributes_md5,
        md5_of_message_system_attributes: receipt.trace_header_md5,
        message_id: Some(receipt.message_id),
        sequence_number: receipt.sequence_number,
    })
}
