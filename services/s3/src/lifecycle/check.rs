//! What AWS refuses in a lifecycle configuration.

use super::rules::{DAY_S, depth};
use crate::errors;
use crate::wire::{
    LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration, NoncurrentVersionTransition,
    Tag, Transition, transition_storage_class as class,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashSet;
use virga_base::{AwsError, Ids, Timestamp};

const RULES_MAX: usize = 1000;
/// Characters.
const ID_MAX: usize = 255;
const TAG_KEY_MAX: usize = 128;
const TAG_VALUE_MAX: usize = 256;
/// Newer versions that a rule can spare.
const SPARED_MAX: i32 = 100;
/// Days that an object stays before it goes to a class for what is rarely used.
const INFREQUENT_MIN_DAYS: i32 = 30;

const CLASSES: [&str; 6] = [
    class::GLACIER,
    class::STANDARD_IA,
    class::ONEZONE_IA,
    class::INTELLIGENT_TIERING,
    class::DEEP_ARCHIVE,
    class::GLACIER_IR,
];

fn invalid(message: &str) -> AwsError {
    AwsError::new("InvalidArgument", message)
}

/// Checks the rules, and gives ids to those that have none.
pub fn check(rules: &mut [LifecycleRule], ids: &Ids) -> Result<(), AwsError> {
    if rules.is_empty() {
        return Err(errors::malformed_xml());
    }
    if rules.len() > RULES_MAX {
        return Err(errors::invalid_request(
            "The number of lifecycle rules must not exceed the allowed limit of 1000 rules",
        ));
    }
    let mut seen = HashSet::new();
    for rule in rules {
        let id = rule.id.take().filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(|| STANDARD.encode(ids.uuid()));
        if id.chars().count() > ID_MAX {
            return Err(invalid("ID length should not exceed allowed limit of 255"));
        }
        check_rule(rule)?;
        if !seen.insert(id.clone()) {
            return Err(invalid("Rule ID must be unique. Found same ID for more than one rule"));
        }
        rule.id = Some(id);
    }
    Ok(())
}

fn check_rule(rule: &LifecycleRule) -> Result<(), AwsError> {
    let is_known = matches!(rule.status.as_deref(), Some("Enabled" | "Disabled"));
    if !is_known || rule.filter.is_some() == rule.prefix.is_some() {
        return Err(errors::malformed_xml());
    }
    let filter = rule.filter.as_ref();
    if let Some(filter) = filter {
        check_filter(filter)?;
    }
    let transitions = rule.transitions.as_deref().unwrap_or_default();
    let noncurrent = rule.noncurrent_version_transitions.as_deref().unwrap_or_default();
    if rule.expiration.is_none()
        && transitions.is_empty()
        && noncurrent.is_empty()
        && rule.noncurrent_version_expiration.is_none()
        && rule.abort_incomplete_multipart_upload.is_none()
    {
        return Err(errors::invalid_request(
            "At least one action needs to be specified in a rule",
        ));
    }
    let tagged = filter.is_some_and(has_tags);
    if let Some(expiration) = &rule.expiration {
        check_expiration(expiration)?;
        if expiration.expired_object_delete_marker.is_some() && tagged {
            return Err(errors::invalid_request(
                "ExpiredObjectDeleteMarker cannot be specified with Tags.",
            ));
        }
    }
    if let Some(abort) = &rule.abort_incomplete_multipart_upload {
        check_abort(abort.days_after_initiation, tagged, filter.is_some_and(has_sizes))?;
    }
    if let Some(end) = &rule.noncurrent_version_expiration {
        check_noncurrent_expiration(end)?;
    }
    let prefix = shown_prefix(rule);
    check_transitions(transitions, rule.expiration.as_ref(), &prefix)?;
    check_noncurrent_transitions(noncurrent, rule.noncurrent_version_expiration.as_ref(), &prefix)
}

fn shown_prefix(rule: &LifecycleRule) -> String {
    let filter = rule.filter.as_ref();
    let and = filter.and_then(|filter| filter.and.as_ref());
    let prefix = rule.prefix.as_ref().or_else(|| filter?.prefix.as_ref());
    let prefix = prefix.or_else(|| and?.prefix.as_ref());
    format!("'(prefix={})'", prefix.map(String::as_str).unwrap_or_default())
}

fn has_tags(filter: &LifecycleRuleFilter) -> bool {
    let and = filter.and.as_ref().and_then(|and| and.tags.as_ref());
    filter.tag.is_some() || and.is_some_and(|tags| !tags.is_empty())
}

fn has_sizes(filter: &LifecycleRuleFilter) -> bool {
    let of_and = filter
        .and
        .as_ref()
        .is_some_and(|and| and.object_size_greater_than.is_some() || and.object_size_less_than.is_some());
    filter.object_size_greater_than.is_some() || filter.object_size_less_than.is_some() || of_and
}

fn check_filter(filter: &LifecycleRuleFilter) -> Result<(), AwsError> {
    let LifecycleRuleFilter {
        prefix,
        tag,
        object_size_greater_than,
        object_size_less_than,
        and,
    } = filter;
    let given = [
        prefix.is_some(),
        tag.is_some(),
        object_size_greater_than.is_some(),
        object_size_less_than.is_some(),
        and.is_some(),
    ];
    if given.iter().filter(|given| **given).count() > 1 {
        return Err(errors::malformed_xml());
    }
    check_tags(tag.as_slice())?;
    let Some(and) = and else { return Ok(()) };
    let tags = and.tags.as_deref().unwrap_or_default();
    check_tags(tags)?;
    let sizes = [and.object_size_greater_than, and.object_size_less_than];
    let count = usize::from(and.prefix.is_some()) + tags.len() + sizes.iter().flatten().count();
    if count < 2 {
        return Err(errors::malformed_xml());
    }
    match sizes {
        [Some(low), Some(high)] if high <= low => Err(errors::invalid_request(
            "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.",
        )),
        _ => Ok(()),
    }
}

fn check_tags(tags: &[Tag]) -> Result<(), AwsError> {
    let mut seen = HashSet::new();
    for tag in tags {
        let (Some(key), Some(value)) = (&tag.key, &tag.value) else {
            return Err(errors::malformed_xml());
        };
        if key.is_empty() || key.chars().count() > TAG_KEY_MAX {
            return Err(errors::invalid_request(
                "A Tag's Key must be a length between 1 and 128.",
            ));
        }
        if value.chars().count() > TAG_VALUE_MAX {
            return Err(errors::invalid_request(
                "A Tag's Value must be a length between 0 and 256.",
            ));
        }
        if !seen.insert(key.as_str()) {
            return Err(errors::invalid_request("Duplicate Tag Keys are not allowed."));
        }
    }
    Ok(())
}

fn check_expiration(expiration: &LifecycleExpiration) -> Result<(), AwsError> {
    let LifecycleExpiration {
        date,
        days,
        expired_object_delete_marker: marker,
    } = expiration;
    let given = usize::from(date.is_some()) + usize::from(days.is_some()) + usize::from(marker.is_some());
    if given != 1 {
        return Err(errors::malformed_xml());
    }
    if days.is_some_and(|days| days <= 0) {
        return Err(invalid("'Days' for Expiration action must be a positive integer"));
    }
    check_date(*date)
}

fn check_date(date: Option<Timestamp>) -> Result<(), AwsError> {
    match date {
        Some(date) if date.as_millis().rem_euclid(DAY_S * 1000) != 0 => Err(errors::invalid_argument(
            "'Date' must be at midnight GMT",
            "Date",
            &date.to_iso8601_millis(),
        )),
        _ => Ok(()),
    }
}

fn check_abort(days: Option<i32>, tagged: bool, sized: bool) -> Result<(), AwsError> {
    let days = days.ok_or_else(errors::malformed_xml)?;
    if days <= 0 {
        return Err(invalid(
            "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer",
        ));
    }
    if tagged {
        return Err(errors::invalid_request(
            "AbortIncompleteMultipartUpload cannot be specified with Tags.",
        ));
    }
    if sized {
        return Err(errors::invalid_request(
            "AbortIncompleteMultipartUpload cannot be specified with Object Size.",
        ));
    }
    Ok(())
}

fn check_noncurrent_expiration(end: &NoncurrentVersionExpiration) -> Result<(), AwsError> {
    let days = end.noncurrent_days.ok_or_else(errors::malformed_xml)?;
    if days <= 0 {
        return Err(invalid(
            "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer",
        ));
    }
    check_spared(end.newer_noncurrent_versions, "NoncurrentVersionExpiration")
}

fn check_spared(spared: Option<i32>, action: &str) -> Result<(), AwsError> {
    match spared {
        Some(spared) if spared <= 0 => Err(invalid(&format!(
            "'NewerNoncurrentVersions' for {action} action must be a positive integer"
        ))),
        Some(spared) if spared > SPARED_MAX => Err(invalid(&format!(
            "'NewerNoncurrentVersions' for {action} action must be less than or equal to {SPARED_MAX}"
        ))),
        _ => Ok(()),
    }
}

fn check_class(class: Option<&str>) -> Result<&str, AwsError> {
    class
        .filter(|class| CLASSES.contains(class))
        .ok_or_else(errors::malformed_xml)
}

fn is_too_soon(class: &str, days: i32) -> bool {
    matches!(class, class::STANDARD_IA | class::ONEZONE_IA) && days < INFREQUENT_MIN_DAYS
}

fn check_transitions(
    transitions: &[Transition],
    expiration: Option<&LifecycleExpiration>,
    prefix: &str,
) -> Result<(), AwsError> {
    let mut seen = HashSet::new();
    let (mut by_days, mut by_date) = (false, false);
    let end_days = expiration.and_then(|expiration| expiration.days);
    let end_date = expiration.and_then(|expiration| expiration.date);
    for transition in transitions {
        let class = check_class(transition.storage_class.as_deref())?;
        if transition.days.is_some() == transition.date.is_some() {
            return Err(errors::malformed_xml());
        }
        check_date(transition.date)?;
        by_days |= transition.days.is_some();
        by_date |= transition.date.is_some();
        if let Some(days) = transition.days {
            check_transition_days(class, days, end_days, prefix)?;
        }
        if let (Some(date), Some(end)) = (transition.date, end_date)
            && end <= date
        {
            return Err(invalid(&format!(
                "'Date' in the Expiration action for filter {prefix} must be later than 'Date' in the Transition action"
            )));
        }
        if !seen.insert(class) {
            return Err(errors::invalid_request(&format!(
                "'StorageClass' must be different for 'Transition' actions in same 'Rule' with filter {prefix}"
            )));
        }
    }
    if by_days && by_date {
        return Err(errors::invalid_request(&format!(
            "Found mixed 'Date' and 'Days' based Transition actions in lifecycle rule for filter {prefix}"
        )));
    }
    if (by_days && end_date.is_some()) || (by_date && end_days.is_some()) {
        return Err(errors::invalid_request(&format!(
            "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for filter {prefix}"
        )));
    }
    let days = transitions
        .iter()
        .filter_map(|one| Some((one.storage_class.as_deref()?, one.days?)));
    check_order(days.collect(), "'Days' in the Transition action", prefix)
}

/// Objects sink from class to class, and stay in those for what is rarely used for a while.
fn check_order(mut steps: Vec<(&str, i32)>, what: &str, prefix: &str) -> Result<(), AwsError> {
    steps.sort_by_key(|(class, _)| depth(class));
    for pair in steps.windows(2) {
        let [(class, days), (next_class, next_days)] = pair else {
            continue;
        };
        let stays = match *class {
            class::STANDARD_IA | class::ONEZONE_IA => INFREQUENT_MIN_DAYS,
            _ => 1,
        };
        if i64::from(*next_days) - i64::from(*days) < i64::from(stays) {
            let (start, end) = (
                format!("{what} for StorageClass '{next_class}' for filter {prefix}"),
                format!("{what} for StorageClass '{class}' for filter {prefix}"),
            );
            return Err(invalid(&match stays {
                1 => format!("{start} must be greater than {end}"),
                _ => format!("{start} must be {stays} days more than {end}"),
            }));
        }
    }
    Ok(())
}

fn check_transition_days(class: &str, days: i32, end: Option<i32>, prefix: &str) -> Result<(), AwsError> {
    if days < 0 {
        return Err(invalid("'Days' for Transition action must be nonnegative integer"));
    }
    if is_too_soon(class, days) {
        return Err(invalid(&format!(
            "'Days' in Transition action must be greater than or equal to 30 for storageClass '{class}'"
        )));
    }
    if end.is_some_and(|end| end <= days) {
        return Err(invalid(&format!(
            "'Days' in the Expiration action for filter {prefix} must be greater than 'Days' in the Transition action"
        )));
    }
    Ok(())
}

fn check_noncurrent_transitions(
    transitions: &[NoncurrentVersionTransition],
    end: Option<&NoncurrentVersionExpiration>,
    prefix: &str,
) -> Result<(), AwsError> {
    let mut seen = HashSet::new();
    for transition in transitions {
        let class = check_class(transition.storage_class.as_deref())?;
        let days = transition.noncurrent_days.ok_or_else(errors::malformed_xml)?;
        if days < 0 {
            return Err(invalid(
                "'NoncurrentDays' for NoncurrentVersionTransition action must be nonnegative integer",
            ));
        }
        if is_too_soon(class, days) {
            return Err(invalid(&format!(
                "'NoncurrentDays' in NoncurrentVersionTransition action must be greater than or equal to 30 for \
                 storageClass '{class}'"
            )));
        }
        if end.and_then(|end| end.noncurrent_days).is_some_and(|end| end <= days) {
            return Err(invalid(
                "'NoncurrentDays' in the NoncurrentVersionExpiration action must be greater than 'NoncurrentDays' in \
                 the NoncurrentVersionTransition action",
            ));
        }
        check_spared(transition.newer_noncurrent_versions, "NoncurrentVersionTransition")?;
        if !seen.insert(class) {
            return Err(errors::invalid_request(
                "'StorageClass' must be different for 'NoncurrentVersionTransition' actions in same 'Rule'",
            ));
        }
    }
    let days = transitions.iter();
    let days = days.filter_map(|one| Some((one.storage_class.as_deref()?, one.noncurrent_days?)));
    check_order(
        days.collect(),
        "'NoncurrentDays' in the NoncurrentVersionTransition action",
        prefix,
    )
}
