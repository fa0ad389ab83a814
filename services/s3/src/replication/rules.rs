//! Rules as they are applied: which versions go where, and as what.

use crate::state::{Encryption, Version};
use crate::wire::{ReplicationConfiguration, ReplicationRule, ReplicationRuleFilter, Tag};

/// A rule that is in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    priority: i32,
    prefix: String,
    tags: Vec<(String, String)>,
    /// Whether delete markers go too.
    markers: bool,
    /// Whether what KMS encrypts goes too.
    kms: bool,
    pub destination: Target,
}

/// Where a rule brings replicas, and as what.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub bucket: String,
    pub storage_class: Option<String>,
    /// The replicas' owner is the bucket's, not the original's.
    pub translates_owner: bool,
    pub kms_key_id: Option<String>,
}

/// The name in a bucket's ARN.
pub fn bucket_name(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let (head, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account, name) = (parts.next()?, parts.next()?, parts.next()?);
    let is_bucket = head == "arn" && service == "s3" && region.is_empty() && account.is_empty();
    (is_bucket && !name.is_empty() && !name.contains('/')).then_some(name)
}

/// The enabled rules of a configuration.
pub fn in_force(kept: ReplicationConfiguration) -> Vec<Rule> {
    let rules = kept.rules.unwrap_or_default().into_iter();
    rules
        .filter(|rule| rule.status.as_deref() == Some("Enabled"))
        .filter_map(Rule::of)
        .collect()
}

fn is_enabled(status: Option<&str>) -> bool {
    status == Some("Enabled")
}

fn pair(tag: &Tag) -> (String, String) {
    (
        tag.key.clone().unwrap_or_default(),
        tag.value.clone().unwrap_or_default(),
    )
}

impl Rule {
    fn of(rule: ReplicationRule) -> Option<Rule> {
        let destination = rule.destination?;
        // The first form of rules has no filter, and always brings delete markers along.
        let is_first_form = rule.filter.is_none();
        let ReplicationRuleFilter { prefix, tag, and } = rule.filter.unwrap_or_default();
        let and = and.unwrap_or_default();
        let kms = rule
            .source_selection_criteria
            .and_then(|criteria| criteria.sse_kms_encrypted_objects);
        let markers = rule.delete_marker_replication;
        let encryption = destination.encryption_configuration;
        Some(Rule {
            priority: rule.priority.unwrap_or(0),
            prefix: rule.prefix.or(prefix).or(and.prefix).unwrap_or_default(),
            tags: tag.iter().chain(and.tags.iter().flatten()).map(pair).collect(),
            markers: markers.map_or(is_first_form, |markers| is_enabled(markers.status.as_deref())),
            kms: kms.is_some_and(|kms| is_enabled(kms.status.as_deref())),
            destination: Target {
                bucket: bucket_name(destination.bucket.as_deref()?)?.to_owned(),
                storage_class: destination.storage_class,
                translates_owner: destination
                    .access_control_translation
                    .is_some_and(|translation| translation.owner.as_deref() == Some("Destination")),
                kms_key_id: encryption.and_then(|encryption| encryption.replica_kms_key_id),
            },
        })
    }

    fn meets(&self, key: &str, version: &Version) -> bool {
        let is_meant = match (&version.encryption, version.delete_marker) {
            // Rules with tags say nothing of what has none.
            (_, true) => self.markers && self.tags.is_empty(),
            (Encryption::Kms { .. }, _) => self.kms,
            _ => true,
        };
        is_meant && key.starts_with(&self.prefix) && self.tags.iter().all(|tag| version.tags.contains(tag))
    }
}

/// Where a version goes: each bucket once, as the rule of the highest priority has it.
pub fn destinations<'a>(rules: &'a [Rule], key: &str, version: &Version) -> Vec<&'a Target> {
    let mut met: Vec<&Rule> = rules.iter().filter(|rule| rule.meets(key, version)).collect();
    met.sort_by_key(|rule| std::cmp::Reverse(rule.priority));
    let mut found: Vec<&Target> = Vec::new();
    for rule in met {
        if found.iter().all(|target| target.bucket != rule.destination.bucket) {
            found.push(&rule.destination);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::bucket_name;

    #[test]
    fn a_bucket_has_an_arn_without_region_and_account() {
        assert_eq!(bucket_name("arn:aws:s3:::b"), Some("b"));
        for arn in ["b", "arn:aws:s3:::", "arn:aws:s3:::b/k", "arn:aws:sqs:us-east-1:1:q"] {
            assert_eq!(bucket_name(arn), None, "{arn}");
        }
    }
}
