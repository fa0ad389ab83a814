//! A notification configuration: what AWS refuses in one, and which of its rules an event meets.

use super::destination::{Destination, Service};
use super::names::{covers, overlap};
use crate::errors;
use crate::wire::{
    LambdaFunctionConfiguration, NotificationConfiguration, NotificationConfigurationFilter, QueueConfiguration,
    TopicConfiguration, event, filter_rule_name,
};
use virga_base::{AwsError, Ids};

/// Characters of a filter's value.
const VALUE_MAX: usize = 1024;

const EVENTS: [&str; 27] = [
    event::S3_REDUCED_REDUNDANCY_LOST_OBJECT,
    event::S3_OBJECT_CREATED,
    event::S3_OBJECT_CREATED_PUT,
    event::S3_OBJECT_CREATED_POST,
    event::S3_OBJECT_CREATED_COPY,
    event::S3_OBJECT_CREATED_COMPLETE_MULTIPART_UPLOAD,
    event::S3_OBJECT_REMOVED,
    event::S3_OBJECT_REMOVED_DELETE,
    event::S3_OBJECT_REMOVED_DELETE_MARKER_CREATED,
    event::S3_OBJECT_RESTORE,
    event::S3_OBJECT_RESTORE_POST,
    event::S3_OBJECT_RESTORE_COMPLETED,
    event::S3_OBJECT_RESTORE_DELETE,
    event::S3_REPLICATION,
    event::S3_REPLICATION_OPERATION_FAILED_REPLICATION,
    event::S3_REPLICATION_OPERATION_NOT_TRACKED,
    event::S3_REPLICATION_OPERATION_MISSED_THRESHOLD,
    event::S3_REPLICATION_OPERATION_REPLICATED_AFTER_THRESHOLD,
    event::S3_LIFECYCLE_TRANSITION,
    event::S3_INTELLIGENT_TIERING,
    event::S3_OBJECT_ACL_PUT,
    event::S3_LIFECYCLE_EXPIRATION,
    event::S3_LIFECYCLE_EXPIRATION_DELETE,
    event::S3_LIFECYCLE_EXPIRATION_DELETE_MARKER_CREATED,
    event::S3_OBJECT_TAGGING,
    event::S3_OBJECT_TAGGING_PUT,
    event::S3_OBJECT_TAGGING_DELETE,
];

/// One rule, wherever it sends.
pub struct Rule<'a> {
    pub id: &'a str,
    pub service: Service,
    pub arn: &'a str,
    pub events: &'a [String],
    filter: Option<&'a NotificationConfigurationFilter>,
}

impl Rule<'_> {
    fn filter_value(&self, name: &str) -> &str {
        let rules = self
            .filter
            .and_then(|filter| filter.key.as_ref()?.filter_rules.as_deref());
        let mut rules = rules.unwrap_or_default().iter();
        let found = rules.find(|rule| {
            rule.name
                .as_deref()
                .is_some_and(|given| given.eq_ignore_ascii_case(name))
        });
        found.and_then(|rule| rule.value.as_deref()).unwrap_or_default()
    }

    fn prefix(&self) -> &str {
        self.filter_value(filter_rule_name::PREFIX)
    }

    fn suffix(&self) -> &str {
        self.filter_value(filter_rule_name::SUFFIX)
    }

    /// Whether it is about this event of this key.
    pub fn meets(&self, name: &str, key: &str) -> bool {
        self.events.iter().any(|configured| covers(configured, name))
            && key.starts_with(self.prefix())
            && key.ends_with(self.suffix())
    }
}

/// All rules, in the order in which AWS looks at them.
pub fn rules(configuration: &NotificationConfiguration) -> Vec<Rule<'_>> {
    let topics = configuration.topic_configurations.iter().flatten().map(|rule| Rule {
        id: rule.id.as_deref().unwrap_or_default(),
        service: Service::Topic,
        arn: rule.topic_arn.as_deref().unwrap_or_default(),
        events: rule.events.as_deref().unwrap_or_default(),
        filter: rule.filter.as_ref(),
    });
    let queues = configuration.queue_configurations.iter().flatten().map(|rule| Rule {
        id: rule.id.as_deref().unwrap_or_default(),
        service: Service::Queue,
        arn: rule.queue_arn.as_deref().unwrap_or_default(),
        events: rule.events.as_deref().unwrap_or_default(),
        filter: rule.filter.as_ref(),
    });
    let functions = configuration.lambda_function_configurations.iter().flatten();
    let functions = functions.map(|rule| Rule {
        id: rule.id.as_deref().unwrap_or_default(),
        service: Service::Function,
        arn: rule.lambda_function_arn.as_deref().unwrap_or_default(),
        events: rule.events.as_deref().unwrap_or_default(),
        filter: rule.filter.as_ref(),
    });
    topics.chain(queues).chain(functions).collect()
}

/// Whether it says nothing.
pub fn is_empty(configuration: &NotificationConfiguration) -> bool {
    configuration.event_bridge_configuration.is_none() && rules(configuration).is_empty()
}

/// Checks all that needs no look at destinations, and completes it: ids are given, names of filters written as AWS does.
pub fn check(configuration: &mut NotificationConfiguration, ids: &Ids, region: &str) -> Result<(), AwsError> {
    for TopicConfiguration { id, filter, .. } in configuration.topic_configurations.iter_mut().flatten() {
        complete(id, filter.as_mut(), ids)?;
    }
    for QueueConfiguration { id, filter, .. } in configuration.queue_configurations.iter_mut().flatten() {
        complete(id, filter.as_mut(), ids)?;
    }
    let functions = configuration.lambda_function_configurations.iter_mut().flatten();
    for LambdaFunctionConfiguration { id, filter, .. } in functions {
        complete(id, filter.as_mut(), ids)?;
    }
    let rules = rules(configuration);
    for rule in &rules {
        if rule.events.is_empty() {
            return Err(errors::malformed_xml());
        }
        for name in rule.events {
            if !EVENTS.contains(&name.as_str()) {
                return Err(errors::invalid_argument(
                    "A specified event is not supported for notifications.",
                    "Event",
                    name,
                ));
            }
        }
        let destination = Destination::parse(rule.service, rule.arn)?;
        if destination.region() != region {
            return Err(errors::invalid_argument(
                "The notification destination service region is not valid for the bucket location constraint",
                rule.service.element(),
                rule.arn,
            ));
        }
    }
    for (at, rule) in rules.iter().enumerate() {
        for other in rules.iter().take(at) {
            if rule.id == other.id {
                return Err(AwsError::new(
                    "InvalidArgument",
                    "Same ID used for multiple configurations. IDs must be unique",
                ));
            }
            check_pair(rule, other)?;
        }
    }
    Ok(())
}

fn complete(
    id: &mut Option<String>,
    filter: Option<&mut NotificationConfigurationFilter>,
    ids: &Ids,
) -> Result<(), AwsError> {
    use base64::Engine as _;
    if id.as_deref().unwrap_or_default().is_empty() {
        *id = Some(base64::engine::general_purpose::STANDARD.encode(ids.uuid()));
    }
    let rules = filter.and_then(|filter| filter.key.as_mut()?.filter_rules.as_mut());
    let (mut prefixes, mut suffixes) = (0, 0);
    for rule in rules.into_iter().flatten() {
        let name = rule.name.as_deref().unwrap_or_default();
        let value = rule.value.as_deref().unwrap_or_default();
        if name.eq_ignore_ascii_case(filter_rule_name::PREFIX) {
            prefixes += 1;
            rule.name = Some("Prefix".to_owned());
        } else if name.eq_ignore_ascii_case(filter_rule_name::SUFFIX) {
            suffixes += 1;
            rule.name = Some("Suffix".to_owned());
        } else {
            return Err(errors::invalid_argument(
                "filter rule name must be either prefix or suffix",
                "FilterRule.Name",
                name,
            ));
        }
        if value.chars().count() > VALUE_MAX {
            return Err(errors::invalid_argument(
                "filter rule value cannot exceed 1024 characters",
                "FilterRule.Value",
                value,
            ));
        }
    }
    if prefixes > 1 || suffixes > 1 {
        let name = if prefixes > 1 { "prefix" } else { "suffix" };
        return Err(errors::invalid_argument(
            &format!("Cannot specify more than one {name} rule in a filter."),
            "FilterRule.Name",
            name,
        ));
    }
    Ok(())
}

/// Two rules must never both be about one thing that happens.
fn check_pair(one: &Rule<'_>, other: &Rule<'_>) -> Result<(), AwsError> {
    let events = one
        .events
        .iter()
        .any(|event| other.events.iter().any(|another| overlap(event, another)));
    let prefixes = one.prefix().starts_with(other.prefix()) || other.prefix().starts_with(one.prefix());
    let suffixes = one.suffix().ends_with(other.suffix()) || other.suffix().ends_with(one.suffix());
    if !(events && prefixes && suffixes) {
        return Ok(());
    }
    let plain = |rule: &Rule<'_>| rule.prefix().is_empty() && rule.suffix().is_empty();
    let message = if plain(one) && plain(other) {
        "Configurations overlap. Configurations on the same bucket cannot share a common event type."
    } else {
        "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are \
         overlapping for the same event type."
    };
    Err(AwsError::new("InvalidArgument", message))
}
