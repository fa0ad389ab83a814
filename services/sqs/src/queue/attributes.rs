//! Queue attributes: their defaults, their rules, and how they are shown.

use crate::state::{Fifo, Queue, Scope, Settings};
use crate::{errors, limits, queue::redrive};
use std::collections::BTreeMap;
use virga_base::{AwsError, Timestamp};

/// Attributes as clients give and get them.
pub type Attributes = BTreeMap<String, String>;

/// Every attribute that GetQueueAttributes knows.
const NAMES: [&str; 21] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "ContentBasedDeduplication",
    "CreatedTimestamp",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "LastModifiedTimestamp",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "Policy",
    "QueueArn",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
];

pub fn is_name(name: &str) -> bool {
    NAMES.contains(&name)
}

/// How many messages a queue holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub visible: u64,
    pub in_flight: u64,
    pub delayed: u64,
}

/// A new queue's settings.
pub fn defaults(fifo: bool) -> Settings {
    Settings {
        visibility_timeout_s: 30,
        delay_s: 0,
        message_max_bytes: limits::MESSAGE_MAX_BYTES,
        retention_s: 345_600,
        wait_s: 0,
        policy: None,
        redrive: None,
        redrive_allow: None,
        kms_key: None,
        kms_reuse_s: 300,
        managed_sse: true,
        fifo: fifo.then_some(Fifo {
            content_based: false,
            scope: Scope::Queue,
            scope_before: None,
            limit_per_group: false,
        }),
    }
}

/// Trims names, as clients are known to send `"VisibilityTimeout "`, and refuses unknown ones.
pub fn named(given: Attributes) -> Result<Attributes, AwsError> {
    let given: Attributes = given
        .into_iter()
        .map(|(name, value)| (name.trim().to_owned(), value))
        .collect();
    for name in given.keys() {
        let read_only = name.starts_with("Approximate")
            || matches!(name.as_str(), "QueueArn" | "CreatedTimestamp" | "LastModifiedTimestamp");
        if read_only || !is_name(name) {
            return Err(errors::unknown_attribute(name));
        }
    }
    Ok(given)
}

/// Whether the attributes of a queue to be made ask for a FIFO queue.
pub fn asks_for_fifo(given: &Attributes) -> bool {
    given
        .get("FifoQueue")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// Applies attributes to settings; `RedrivePolicy`, which needs a look at another queue, is left to the caller.
pub fn apply(settings: &mut Settings, given: &Attributes, now: Timestamp, creating: bool) -> Result<(), AwsError> {
    check_fifo(settings, given, creating)?;
    let sse = given
        .get("SqsManagedSseEnabled")
        .map(|value| boolean("SqsManagedSseEnabled", value))
        .transpose()?;
    if sse == Some(true) && given.get("KmsMasterKeyId").is_some_and(|key| !key.is_empty()) {
        return Err(AwsError::new(
            "InvalidAttributeName",
            "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.",
        ));
    }
    for (name, value) in given {
        match name.as_str() {
            "VisibilityTimeout" => {
                settings.visibility_timeout_s = number(name, value, 0, limits::VISIBILITY_MAX_S as u32)?;
            }
            "DelaySeconds" => settings.delay_s = number(name, value, 0, limits::DELAY_MAX_S as u32)?,
            "MaximumMessageSize" => {
                let (min, max) = (limits::MESSAGE_MAX_MIN_BYTES, limits::MESSAGE_MAX_BYTES);
                settings.message_max_bytes = number(name, value, min, max)?;
            }
            "MessageRetentionPeriod" => {
                let (min, max) = (limits::RETENTION_MIN_S, limits::RETENTION_MAX_S);
                settings.retention_s = number(name, value, min, max)?;
            }
            "ReceiveMessageWaitTimeSeconds" => settings.wait_s = number(name, value, 0, limits::WAIT_MAX_S as u32)?,
            "KmsDataKeyReusePeriodSeconds" => {
                let (min, max) = (limits::KMS_REUSE_MIN_S, limits::KMS_REUSE_MAX_S);
                settings.kms_reuse_s = number(name, value, min, max)?;
            }
            "KmsMasterKeyId" => {
                settings.kms_key = (!value.is_empty()).then(|| value.clone());
                // The two kinds of encryption exclude each other; taking the key away brings the other not back.
                if settings.kms_key.is_some() {
                    settings.managed_sse = false;
                }
            }
            "Policy" => {
                settings.policy = match value.trim() {
                    "" => None,
                    text if is_policy(text) => Some(value.clone()),
                    _ => return Err(errors::invalid_attribute(name)),
                };
            }
            "RedriveAllowPolicy" => {
                settings.redrive_allow = redrive::check_allow(value)?.then(|| value.clone());
            }
            _ => {}
        }
    }
    if let Some(sse) = sse {
        settings.managed_sse = sse;
        if sse {
            settings.kms_key = None;
        }
    }
    apply_fifo(settings, given, now, creating)
}

fn is_policy(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok_and(|policy| policy.is_object())
}

fn number(name: &str, value: &str, min: u32, max: u32) -> Result<u32, AwsError> {
    value
        .trim()
        .parse()
        .ok()
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| errors::invalid_attribute(name))
}

fn boolean(name: &str, value: &str) -> Result<bool, AwsError> {
    if value.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if value.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(errors::invalid_attribute(name))
    }
}

fn check_fifo(settings: &Settings, given: &Attributes, creating: bool) -> Result<(), AwsError> {
    if settings.fifo.is_none() {
        let only_fifo = |name: &str| {
            AwsError::new(
                "InvalidAttributeName",
                format!("You can specify the {name} only when FifoQueue is set to true."),
            )
        };
        for name in given.keys() {
            match name.as_str() {
                "FifoQueue" | "ContentBasedDeduplication" => return Err(errors::unknown_attribute(name)),
                "DeduplicationScope" | "FifoThroughputLimit" => return Err(only_fifo(name)),
                _ => {}
            }
        }
    } else if let Some(value) = given.get("FifoQueue").filter(|_| !creating)
        && !boolean("FifoQueue", value)?
    {
        return Err(errors::invalid_attribute_because(
            "FifoQueue",
            "Modifying queue type is not supported.",
        ));
    }
    Ok(())
}

fn apply_fifo(settings: &mut Settings, given: &Attributes, now: Timestamp, creating: bool) -> Result<(), AwsError> {
    let Some(fifo) = &mut settings.fifo else {
        return Ok(());
    };
    if let Some(value) = given.get("ContentBasedDeduplication") {
        fifo.content_based = boolean("ContentBasedDeduplication", value)?;
    }
    if let Some(value) = given.get("DeduplicationScope") {
        let scope = match value.as_str() {
            "queue" => Scope::Queue,
            "messageGroup" => Scope::MessageGroup,
            _ => return Err(errors::invalid_attribute("DeduplicationScope")),
        };
        if scope != fifo.scope {
            let before = fifo.scope_now(now);
            fifo.scope_before = (!creating).then(|| (before, now.plus_secs(limits::SETTINGS_SPREAD_S)));
            fifo.scope = scope;
        }
    }
    if let Some(value) = given.get("FifoThroughputLimit") {
        fifo.limit_per_group = match value.as_str() {
            "perQueue" => false,
            "perMessageGroupId" => true,
            _ => return Err(errors::invalid_attribute("FifoThroughputLimit")),
        };
    }
    if fifo.limit_per_group && fifo.scope == Scope::Queue {
        return Err(errors::invalid_attribute_because(
            "FifoThroughputLimit",
            "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.",
        ));
    }
    Ok(())
}

impl Fifo {
    /// The scope that holds now: a change takes its time to reach all of SQS.
    pub fn scope_now(&self, now: Timestamp) -> Scope {
        match self.scope_before {
            Some((before, until)) if now < until => before,
            _ => self.scope,
        }
    }
}

/// One attribute as it is shown; `None` where the queue has none of that name.
pub fn show(queue: &Queue, arn: &str, counts: Counts, name: &str) -> Option<String> {
    let settings = &queue.settings;
    let fifo = settings.fifo.as_ref();
    Some(match name {
        "ApproximateNumberOfMessages" => counts.visible.to_string(),
        "ApproximateNumberOfMessagesDelayed" => counts.delayed.to_string(),
        "ApproximateNumberOfMessagesNotVisible" => counts.in_flight.to_string(),
        "ContentBasedDeduplication" => fifo?.content_based.to_string(),
        "CreatedTimestamp" => queue.created.as_secs().to_string(),
        "DeduplicationScope" => match fifo?.scope {
            Scope::Queue => "queue",
            Scope::MessageGroup => "messageGroup",
        }
        .to_owned(),
        "DelaySeconds" => settings.delay_s.to_string(),
        "FifoQueue" => fifo.map(|_| "true".to_owned())?,
        "FifoThroughputLimit" => if fifo?.limit_per_group {
            "perMessageGroupId"
        } else {
            "perQueue"
        }
        .to_owned(),
        "KmsDataKeyReusePeriodSeconds" => {
            settings.kms_key.as_ref()?;
            settings.kms_reuse_s.to_string()
        }
        "KmsMasterKeyId" => settings.kms_key.clone()?,
        "LastModifiedTimestamp" => queue.modified.as_secs().to_string(),
        "MaximumMessageSize" => settings.message_max_bytes.to_string(),
        "MessageRetentionPeriod" => settings.retention_s.to_string(),
        "Policy" => settings.policy.clone()?,
        "QueueArn" => arn.to_owned(),
        "ReceiveMessageWaitTimeSeconds" => settings.wait_s.to_string(),
        "RedriveAllowPolicy" => settings.redrive_allow.clone()?,
        "RedrivePolicy" => redrive::show(settings.redrive.as_ref()?),
        "SqsManagedSseEnabled" => settings.managed_sse.to_string(),
        "VisibilityTimeout" => settings.visibility_timeout_s.to_string(),
        _ => return None,
    })
}

/// Every attribute that the queue has.
pub fn show_all(queue: &Queue, arn: &str, counts: Counts) -> Attributes {
    NAMES
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), show(queue, arn, counts, name)?)))
        .collect()
}

/// The first attribute given to CreateQueue that an existing queue of the name has otherwise.
pub fn first_difference<'a>(queue: &Queue, given: &'a Attributes) -> Result<Option<&'a str>, AwsError> {
    for (name, value) in given {
        let mut wanted = queue.clone();
        if name == "RedrivePolicy" {
            wanted.settings.redrive = redrive::parse(value)?.map(|policy| policy.to_redrive());
        } else {
            let one = Attributes::from([(name.clone(), value.clone())]);
            apply(&mut wanted.settings, &one, queue.created, true)?;
        }
        let none = Counts::default();
        if show(queue, "", none, name) != show(&wanted, "", none, name) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::{Attributes, apply, defaults, first_difference, named, show};
    use crate::state::{Queue, Settings};
    use virga_base::Timestamp;

    fn set(settings: &mut Settings, name: &str, value: &str) -> Result<(), String> {
        let given = named(Attributes::from([(name.to_owned(), value.to_owned())])).map_err(|error| error.message)?;
        apply(settings, &given, Timestamp::EPOCH, false).map_err(|error| error.message)
    }

    #[test]
    fn numbers_have_ranges() {
        for (name, low, high) in [
            ("VisibilityTimeout", 0, 43_200),
            ("DelaySeconds", 0, 900),
            ("MaximumMessageSize", 1_024, 1_048_576),
            ("MessageRetentionPeriod", 60, 1_209_600),
            ("ReceiveMessageWaitTimeSeconds", 0, 20),
            ("KmsDataKeyReusePeriodSeconds", 60, 86_400),
        ] {
            let mut settings = defaults(false);
            assert_eq!(set(&mut settings, name, &low.to_string()), Ok(()));
            assert_eq!(set(&mut settings, name, &high.to_string()), Ok(()));
            for wrong in [(low - 1).to_string(), (high + 1).to_string(), "x".into(), String::new()] {
                assert_eq!(
                    set(&mut settings, name, &wrong),
                    Err(format!("Invalid value for the parameter {name}."))
                );
            }
        }
    }

    #[test]
    fn unknown_and_read_only_names_are_refused() {
        for name in [
            "Foo",
            "QueueArn",
            "CreatedTimestamp",
            "ApproximateNumberOfMessages",
            "All",
        ] {
            assert_eq!(
                set(&mut defaults(false), name, "1"),
                Err(format!("Unknown Attribute {name}."))
            );
        }
        assert_eq!(set(&mut defaults(false), "VisibilityTimeout ", "1"), Ok(()));
    }

    #[test]
    fn the_kind_of_queue_decides() {
        let standard = |name, value| set(&mut defaults(false), name, value);
        assert_eq!(
            standard("FifoQueue", "true"),
            Err("Unknown Attribute FifoQueue.".into())
        );
        assert_eq!(
            standard("DeduplicationScope", "queue"),
            Err("You can specify the DeduplicationScope only when FifoQueue is set to true.".into())
        );
        let mut fifo = defaults(true);
        assert_eq!(set(&mut fifo, "FifoQueue", "true"), Ok(()));
        assert_eq!(
            set(&mut fifo, "FifoQueue", "false"),
            Err("Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.".into())
        );
        assert!(set(&mut fifo.clone(), "FifoThroughputLimit", "perMessageGroupId").is_err());
        assert_eq!(set(&mut fifo, "DeduplicationScope", "messageGroup"), Ok(()));
        assert_eq!(set(&mut fifo, "FifoThroughputLimit", "perMessageGroupId"), Ok(()));
    }

    #[test]
    fn encryption_is_of_one_kind() {
        let mut settings = defaults(false);
        assert_eq!(set(&mut settings, "KmsMasterKeyId", "k"), Ok(()));
        assert!(!settings.managed_sse);
        assert_eq!(set(&mut settings, "KmsMasterKeyId", ""), Ok(()));
        assert!(!settings.managed_sse && settings.kms_key.is_none());
        assert_eq!(set(&mut settings, "SqsManagedSseEnabled", "true"), Ok(()));
        assert!(settings.managed_sse);
    }

    #[test]
    fn only_attributes_that_are_given_are_compared() {
        let queue = Queue {
            id: 1,
            data: 1,
            name: "q".into(),
            created: Timestamp::EPOCH,
            modified: Timestamp::EPOCH,
            purged: None,
            settings: defaults(false),
        };
        let differs = |name: &str, value: &str| {
            let given = Attributes::from([(name.to_owned(), value.to_owned())]);
            first_difference(&queue, &given).ok().flatten().map(str::to_owned)
        };
        assert_eq!(differs("DelaySeconds", "0"), None);
        assert_eq!(differs("DelaySeconds", "1"), Some("DelaySeconds".into()));
        assert_eq!(differs("Policy", ""), None);
        assert_eq!(show(&queue, "arn", super::Counts::default(), "FifoQueue"), None);
    }
}
