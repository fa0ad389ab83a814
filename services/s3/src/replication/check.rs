//! What AWS refuses in a replication configuration.

use super::rules::bucket_name;
use crate::access;
use crate::errors;
use crate::state::{Bucket, Versioning};
use crate::wire::{ReplicationConfiguration, ReplicationRule};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashSet;
use virga_base::AwsError;
use virga_service::Ctx;

const RULES_MAX: usize = 1000;
/// Characters.
const ID_MAX: usize = 255;

/// Checks a configuration, and gives ids to the rules that have none.
pub fn check(ctx: &Ctx, bucket: &Bucket, given: &mut ReplicationConfiguration) -> Result<(), AwsError> {
    if bucket.versioning != Versioning::Enabled {
        return Err(errors::invalid_request(
            "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
        )
        .with_detail("BucketName", bucket.name.clone()));
    }
    if given.role.as_deref().unwrap_or_default().is_empty() {
        return Err(errors::malformed_xml());
    }
    let rules = given
        .rules
        .as_mut()
        .filter(|rules| !rules.is_empty())
        .ok_or_else(errors::malformed_xml)?;
    if rules.len() > RULES_MAX {
        return Err(errors::invalid_request(
            "The number of replication rules must not exceed the allowed limit of 1000 rules.",
        ));
    }
    let (mut ids, mut priorities) = (HashSet::new(), HashSet::new());
    for rule in rules {
        let id = rule.id.take().filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(|| STANDARD.encode(ctx.ids().uuid()));
        if id.chars().count() > ID_MAX {
            return Err(AwsError::new(
                "InvalidArgument",
                "ID length should not exceed allowed limit of 255",
            ));
        }
        if !ids.insert(id.clone()) {
            return Err(AwsError::new("InvalidArgument", "Rule Id must be unique"));
        }
        rule.id = Some(id);
        let target = check_rule(ctx, bucket, rule)?;
        if rule.filter.is_some() && !priorities.insert((target, rule.priority)) {
            return Err(errors::invalid_request(
                "Priority must be unique for rules that have the same destination bucket.",
            ));
        }
    }
    Ok(())
}

/// Answers the name of the bucket that it brings replicas to.
fn check_rule(ctx: &Ctx, bucket: &Bucket, rule: &ReplicationRule) -> Result<String, AwsError> {
    let is_known = matches!(rule.status.as_deref(), Some("Enabled" | "Disabled"));
    if !is_known || (rule.filter.is_some() && rule.prefix.is_some()) {
        return Err(errors::malformed_xml());
    }
    if rule.filter.is_some() {
        let of_this_form = |what: &str| {
            errors::invalid_request(&format!(
                "{what} must be specified for this version of Cross Region Replication configuration schema. Please \
                 refer to S3 Developer Guide for more information."
            ))
        };
        if rule.priority.is_none() {
            return Err(of_this_form("Priority"));
        }
        if rule.delete_marker_replication.is_none() {
            return Err(of_this_form("DeleteMarkerReplication"));
        }
    }
    let destination = rule.destination.as_ref().ok_or_else(errors::malformed_xml)?;
    let arn = destination.bucket.as_deref().ok_or_else(errors::malformed_xml)?;
    let name = bucket_name(arn)
        .ok_or_else(|| errors::invalid_argument("Invalid bucket ARN.", "Destination Bucket ARN", arn))?;
    if name == bucket.name {
        return Err(errors::invalid_request(
            "Destination bucket cannot be the same as the source bucket.",
        ));
    }
    let criteria = rule.source_selection_criteria.as_ref();
    let kms = criteria.and_then(|criteria| criteria.sse_kms_encrypted_objects.as_ref());
    if kms.is_some_and(|kms| kms.status.as_deref() == Some("Enabled")) && destination.encryption_configuration.is_none()
    {
        return Err(errors::invalid_request(
            "ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.",
        ));
    }
    let found = access::find(ctx, name)?;
    if found.is_none_or(|found| found.versioning != Versioning::Enabled) {
        return Err(errors::invalid_request(
            "Destination bucket must have versioning enabled.",
        ));
    }
    Ok(name.to_owned())
}
