//! Receiving messages, at once or after a wait.

use crate::address::Target;
use crate::queue::attributes;
use crate::queue::content::{self, AttributeFilter};
use crate::queue::digest;
use crate::queue::receipt::Receipt;
use crate::shelf::{DeadLetters, Delivered, Shelf};
use crate::state::{AttributeValue, QUEUES, Queue, topic};
use crate::wire::{
    Message, MessageAttributeValue, ReceiveMessageRequest, ReceiveMessageResult,
    message_system_attribute_name as system,
};
use crate::{access, errors, limits};
use std::collections::BTreeMap;
use virga_base::{AwsError, Timestamp, hex};
use virga_service::Ctx;
use virga_shape::Protocol;

/// The system attributes that a receiver may ask for.
const SYSTEM: [&str; 9] = [
    system::SENDER_ID,
    system::SENT_TIMESTAMP,
    system::APPROXIMATE_RECEIVE_COUNT,
    system::APPROXIMATE_FIRST_RECEIVE_TIMESTAMP,
    system::SEQUENCE_NUMBER,
    system::MESSAGE_DEDUPLICATION_ID,
    system::MESSAGE_GROUP_ID,
    system::AWS_TRACE_HEADER,
    system::DEAD_LETTER_QUEUE_SOURCE_ARN,
];

/// What is asked of each attempt to receive.
struct Wish {
    max: usize,
    visibility_s: Option<u32>,
    attempt: Option<u128>,
}

/// What an attempt found.
struct Found {
    queue: Queue,
    delivered: Vec<Delivered>,
    /// When the next hidden message will be visible.
    next: Option<Timestamp>,
    /// There was more to clear away than one attempt may; try again at once.
    more: bool,
}

pub async fn receive(ctx: Ctx, input: ReceiveMessageRequest) -> Result<ReceiveMessageResult, AwsError> {
    let target = Target::find(&ctx, input.queue_url.as_deref())?;
    let wish = wish(&target, &input)?;
    let names = system_names(&ctx, &input)?;
    let filter = AttributeFilter::new(input.message_attribute_names);
    let found = poll(&target, &wish, input.wait_time_seconds).await?;
    let messages: Vec<Message> = found
        .delivered
        .into_iter()
        .map(|one| show(&found.queue, one, &names, &filter))
        .collect();
    Ok(ReceiveMessageResult {
        messages: (!messages.is_empty()).then_some(messages),
    })
}

fn wish(target: &Target, input: &ReceiveMessageRequest) -> Result<Wish, AwsError> {
    let max = input.max_number_of_messages.unwrap_or(1);
    if !(1..=limits::RECEIVE_MAX_MESSAGES).contains(&max) {
        let reason = "Must be between 1 and 10, if provided.";
        return Err(errors::invalid_parameter(max, "MaxNumberOfMessages", reason));
    }
    if let Some(wait) = input.wait_time_seconds
        && !(0..=limits::WAIT_MAX_S).contains(&wait)
    {
        let reason = "Must be >= 0 and <= 20, if provided.";
        return Err(errors::invalid_parameter(wait, "WaitTimeSeconds", reason));
    }
    if let Some(timeout) = input.visibility_timeout
        && !(0..=limits::VISIBILITY_MAX_S).contains(&timeout)
    {
        let reason = "Must be >= 0 and <= 43200, if provided.";
        return Err(errors::invalid_parameter(timeout, "VisibilityTimeout", reason));
    }
    let attempt = match &input.receive_request_attempt_id {
        None => None,
        Some(id) if !crate::queue::name::is_fifo(&target.name) => {
            let reason = "The request include parameter that is not valid for this queue type.";
            return Err(errors::invalid_parameter(id, "ReceiveRequestAttemptId", reason));
        }
        Some(id) => {
            content::check_id(id, "ReceiveRequestAttemptId")?;
            Some(digest::hash("", id))
        }
    };
    Ok(Wish {
        max: usize::try_from(max).unwrap_or(1),
        visibility_s: input.visibility_timeout.and_then(|timeout| u32::try_from(timeout).ok()),
        attempt,
    })
}

/// The system attributes that are asked for. There are two parameters for them: over JSON the new one wins, over the
/// query protocol the old one.
fn system_names(ctx: &Ctx, input: &ReceiveMessageRequest) -> Result<Vec<&'static str>, AwsError> {
    let old = input.attribute_names.as_deref().unwrap_or_default();
    let new = input.message_system_attribute_names.as_deref().unwrap_or_default();
    let query = ctx.request().protocol == Some(Protocol::Query);
    let names = match (query, old.is_empty(), new.is_empty()) {
        (true, false, _) | (false, _, true) => old,
        _ => new,
    };
    let known = |name: &String| name == system::ALL || SYSTEM.contains(&name.as_str()) || attributes::is_name(name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        return Err(errors::unknown_attribute(unknown));
    }
    let all = names.iter().any(|name| name == system::ALL);
    Ok(SYSTEM
        .into_iter()
        .filter(|name| all || names.iter().any(|asked| asked == name))
        .collect())
}

/// Tries, and tries again whenever something may have changed, until there are messages or the wait is over.
async fn poll(target: &Target, wish: &Wish, wait_s: Option<i32>) -> Result<Found, AwsError> {
    let began = target.ctx.now();
    let found = attempt(target, wish).await?;
    let wait_s = wait_s.map_or(i64::from(found.queue.settings.wait_s), i64::from);
    if wait_s == 0 || !found.delivered.is_empty() {
        return again_while_more(target, wish, found).await;
    }
    let deadline = began.plus_secs(wait_s);
    let mut watched = found.queue.id;
    let mut watch = target.ctx.watch(&topic(&target.ctx, watched));
    loop {
        // The time before the look: what comes while a slow store answers it is looked for once more.
        let looked = target.ctx.now();
        let found = attempt(target, wish).await?;
        let found = again_while_more(target, wish, found).await?;
        if !found.delivered.is_empty() || looked >= deadline {
            return Ok(found);
        }
        if found.queue.id != watched {
            // The queue was deleted and made again meanwhile.
            watched = found.queue.id;
            watch = target.ctx.watch(&topic(&target.ctx, watched));
            continue;
        }
        let wake = found.next.map_or(deadline, |next| next.min(deadline));
        tokio::select! {
            // Of one order, so that it is no chance how often this looks.
            biased;
            () = watch.changed() => {}
            () = target.ctx.sleep_until(wake) => {}
        }
    }
}

async fn again_while_more(target: &Target, wish: &Wish, mut found: Found) -> Result<Found, AwsError> {
    while found.more && found.delivered.is_empty() {
        found = attempt(target, wish).await?;
    }
    Ok(found)
}

async fn attempt(target: &Target, wish: &Wish) -> Result<Found, AwsError> {
    let now = target.ctx.now();
    target
        .ctx
        .write(|tx| -> Result<Found, AwsError> {
            let queue = target.found(tx.get(&QUEUES, (&target.name,))?)?;
            access::permit(target, &queue, "ReceiveMessage")?;
            let mut shelf = Shelf::open(tx, &queue, now)?;
            let more = shelf.upkeep(tx)?;
            let visibility_s = wish.visibility_s.unwrap_or(queue.settings.visibility_timeout_s);
            if let Some(hash) = wish.attempt
                && let Some(delivered) = shelf.repeat(tx, hash, visibility_s)?
            {
                shelf.close(tx, &target.ctx)?;
                return Ok(Found {
                    queue,
                    delivered,
                    next: None,
                    more: false,
                });
            }
            if queue.settings.fifo.is_none() && shelf.counts().in_flight >= limits::IN_FLIGHT_MAX {
                return Err(AwsError::new(
                    "OverLimit",
                    "The maximum number of in flight messages for the queue has been reached.",
                )
                .with_status(403));
            }
            let source_arn = queue
                .settings
                .redrive
                .as_ref()
                .map(|_| target.arn())
                .unwrap_or_default();
            let mut dead_letters = DeadLetters::new(queue.settings.redrive.as_ref(), &source_arn);
            let delivered = shelf.receive(tx, &mut dead_letters, wish.max, visibility_s)?;
            dead_letters.close(tx, &target.ctx)?;
            if let Some(hash) = wish.attempt
                && !delivered.is_empty()
            {
                shelf.remember_receive(tx, hash, &delivered)?;
            }
            let next = if delivered.is_empty() {
                shelf.next_visible(tx)?
            } else {
                None
            };
            let more = more || (delivered.is_empty() && shelf.has_passed_over());
            shelf.close(tx, &target.ctx)?;
            Ok(Found {
                queue,
                delivered,
                next,
                more,
            })
        })
        .await
}

fn show(queue: &Queue, one: Delivered, names: &[&'static str], filter: &AttributeFilter) -> Message {
    let receipt = Receipt {
        queue: queue.id,
        data: queue.data,
        group: one.group,
        sequence: one.sequence,
        received: one.slot.received,
    };
    let attributes: BTreeMap<String, String> = names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), system_attribute(queue, &one, name)?)))
        .collect();
    let message = one.message;
    let wanted = || message.attributes.iter().filter(|(name, _)| filter.wants(name));
    let md5 = digest::attributes_md5(wanted().map(|(name, attribute)| (name.as_str(), attribute)));
    let message_attributes = md5.is_some().then(|| {
        wanted()
            .map(|(name, attribute)| {
                let mut value = MessageAttributeValue {
                    data_type: Some(attribute.data_type.clone()),
                    ..MessageAttributeValue::default()
                };
                match &attribute.value {
                    AttributeValue::Text(text) => value.string_value = Some(text.clone()),
                    AttributeValue::Binary(bytes) => value.binary_value = Some(bytes.clone().into()),
                }
                (name.clone(), value)
            })
            .collect()
    });
    Message {
        message_id: Some(digest::uuid_text(&message.id)),
        receipt_handle: Some(receipt.to_handle()),
        md5_of_body: Some(hex(&message.body_md5)),
        attributes: (!attributes.is_empty()).then_some(attributes),
        md5_of_message_attributes: md5,
        message_attributes,
        body: Some(message.body),
    }
}

fn system_attribute(queue: &Queue, one: &Delivered, name: &str) -> Option<String> {
    let message = &one.message;
    match name {
        system::SENDER_ID => Some(message.sender.clone()),
        system::SENT_TIMESTAMP => Some(message.sent.as_millis().to_string()),
        system::APPROXIMATE_RECEIVE_COUNT => Some(one.slot.received.to_string()),
        system::APPROXIMATE_FIRST_RECEIVE_TIMESTAMP => {
            one.slot.received_first.map(|first| first.as_millis().to_string())
        }
        system::SEQUENCE_NUMBER => {
            queue.settings.fifo.as_ref()?;
            Some(digest::sequence_number(one.sequence))
        }
        system::MESSAGE_DEDUPLICATION_ID => message.deduplication_id.clone(),
        system::MESSAGE_GROUP_ID => message.group.clone(),
        system::AWS_TRACE_HEADER => message.trace_header.clone(),
        system::DEAD_LETTER_QUEUE_SOURCE_ARN => message.source_arn.clone(),
        _ => None,
    }
}
