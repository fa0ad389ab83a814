//! Lifecycle: what becomes of objects with time, by the rules of their bucket.

pub mod check;
pub mod rules;
pub mod run;
pub mod schedule;

use crate::configuration;
use crate::state::{Bucket, Version};
use crate::wire::GetBucketLifecycleConfigurationOutput;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rules::Rule;
use virga_base::Timestamp;
use virga_service::{ReadTx, StoreError};

/// The kind of configuration. What is kept is what GetBucketLifecycleConfiguration answers.
pub const KIND: &str = "lifecycle";

/// What ids show as they are in headers.
const ID: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// The rules of a bucket that are in force.
pub fn rules_of(tx: &ReadTx<'_>, bucket: &Bucket) -> Result<Vec<Rule>, StoreError> {
    let kept = configuration::get::<GetBucketLifecycleConfigurationOutput>(tx, bucket.id, KIND, "")?;
    Ok(kept.map(rules::in_force).unwrap_or_default())
}

/// `x-amz-expiration` of the object that a key means now; none where no rule will ever end it.
pub fn expiration(
    tx: &ReadTx<'_>,
    bucket: &Bucket,
    key: &str,
    version: &Version,
) -> Result<Option<String>, StoreError> {
    let rules = rules_of(tx, bucket)?;
    let ends = rules
        .iter()
        .filter(|rule| rule.filter.meets(key, version))
        .filter_map(|rule| Some((rule.expires(version)?, rule)));
    Ok(ends.min_by_key(|(at, _)| *at).map(|(at, rule)| {
        let id = utf8_percent_encode(&rule.id, ID);
        format!("expiry-date=\"{}\", rule-id=\"{id}\"", at.to_http_date())
    }))
}

/// When an upload that was begun then is given up, and by which rule; the first of them.
pub fn abortion(
    tx: &ReadTx<'_>,
    bucket: &Bucket,
    key: &str,
    initiated: Timestamp,
) -> Result<Option<(Timestamp, String)>, StoreError> {
    let rules = rules_of(tx, bucket)?;
    let ends = rules
        .into_iter()
        .filter(|rule| key.starts_with(&rule.filter.prefix))
        .filter_map(|rule| Some((rules::days_after(initiated, rule.abort_days?), rule.id)));
    Ok(ends.min_by_key(|(at, _)| *at))
}
