//! Configurations of which a bucket has several, each with an id: inventory, metrics, analytics, intelligent tiering.

use super::{ANALYTICS, INTELLIGENT_TIERING, INVENTORY, Kind, METRICS, read};
use crate::errors;
use crate::state::{Bucket, CONFIGURATIONS};
use crate::wire::{
    AnalyticsConfiguration, AnalyticsFilter, IntelligentTieringConfiguration, IntelligentTieringFilter,
    InventoryConfiguration, MetricsConfiguration, MetricsFilter, Tag,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use virga_base::AwsError;
use virga_service::{ReadTx, Tx};
use virga_shape::Typed;

const ID_MAX: usize = 64;
const PAGE_MAX: usize = 100;
const EACH_MAX: usize = 1000;

const INVENTORY_FIELDS: [&str; 16] = [
    "Size",
    "LastModifiedDate",
    "StorageClass",
    "ETag",
    "IsMultipartUploaded",
    "ReplicationStatus",
    "EncryptionStatus",
    "ObjectLockRetainUntilDate",
    "ObjectLockMode",
    "ObjectLockLegalHoldStatus",
    "IntelligentTieringAccessTier",
    "BucketKeyStatus",
    "ChecksumAlgorithm",
    "ObjectAccessControlList",
    "ObjectOwner",
    "LifecycleExpirationDate",
];

/// A configuration that has an id.
pub trait Listed: Typed {
    const KIND: Kind;

    fn id(&self) -> Option<&str>;

    /// What must hold besides the id.
    fn check(&self) -> Result<(), AwsError>;
}

/// Checks a configuration and that it has the id of its address.
pub fn check<T: Listed>(configuration: &T, id: &str) -> Result<(), AwsError> {
    if configuration.id() != Some(id) || id.is_empty() {
        return Err(errors::malformed_xml());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if id.len() > ID_MAX || !id.chars().all(plain) {
        return Err(errors::invalid_argument("The configuration id is invalid.", "id", id));
    }
    configuration.check()
}

/// Keeps a checked configuration, if there is room for it.
pub fn put(tx: &mut Tx<'_>, bucket: &Bucket, kind: Kind, id: &str, bytes: &Vec<u8>) -> Result<(), AwsError> {
    let known = tx.get(&CONFIGURATIONS, (bucket.id, kind.0, id))?.is_some();
    if !known {
        let count = tx
            .scan(&CONFIGURATIONS)
            .prefix((bucket.id, kind.0))
            .limit(EACH_MAX)
            .keys()?
            .len();
        if count >= EACH_MAX {
            return Err(AwsError::new(
                "TooManyConfigurations",
                "You are attempting to create a new configuration but have already reached the 1,000-configuration limit.",
            ));
        }
    }
    tx.put(&CONFIGURATIONS, (bucket.id, kind.0, id), bytes)?;
    Ok(())
}

/// Some of the configurations of a kind, in the order of their ids, and the token of the rest.
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

pub fn page<T: Listed>(tx: &ReadTx<'_>, bucket: &Bucket, token: Option<&str>) -> Result<Page<T>, AwsError> {
    let kind = T::KIND.0;
    let after = token.filter(|token| !token.is_empty()).map(read_token).transpose()?;
    let scan = tx.scan(&CONFIGURATIONS).prefix((bucket.id, kind));
    let scan = match &after {
        Some(after) => scan.after((bucket.id, kind, after.as_str())),
        None => scan,
    };
    let mut rows = Vec::new();
    scan.limit(PAGE_MAX + 1).each(|(_, _, id), bytes| {
        rows.push((id, bytes));
        std::ops::ControlFlow::Continue(())
    })?;
    let more = rows.len() > PAGE_MAX;
    rows.truncate(PAGE_MAX);
    let next = rows.last().filter(|_| more).map(|(id, _)| STANDARD.encode(id));
    let items = rows
        .iter()
        .map(|(_, bytes)| read(bytes))
        .collect::<Result<Vec<T>, AwsError>>()?;
    Ok(Page { items, next })
}

fn read_token(token: &str) -> Result<String, AwsError> {
    let id = STANDARD.decode(token).ok();
    id.and_then(|id| String::from_utf8(id).ok()).ok_or_else(|| {
        errors::invalid_argument(
            "The continuation token provided is incorrect",
            "continuation-token",
            token,
        )
    })
}

/// A filter is one thing; several stand in its `And`.
fn check_filter(parts: [bool; 4], and: Option<(usize, &[Tag])>, tag: Option<&Tag>) -> Result<(), AwsError> {
    let named = |tag: &Tag| tag.key.as_deref().is_some_and(|key| !key.is_empty()) && tag.value.is_some();
    let fits = parts.iter().filter(|part| **part).count() == 1
        && and.is_none_or(|(others, tags)| others + tags.len() >= 2 && tags.iter().all(named))
        && tag.is_none_or(named);
    if fits { Ok(()) } else { Err(errors::malformed_xml()) }
}

fn one_of(text: Option<&str>, known: &[&str]) -> Result<(), AwsError> {
    match text {
        Some(text) if known.contains(&text) => Ok(()),
        _ => Err(errors::malformed_xml()),
    }
}

fn check_bucket_arn(arn: Option<&str>) -> Result<(), AwsError> {
    let Some(arn) = arn else {
        return Err(errors::malformed_xml());
    };
    if arn.starts_with("arn:") && arn.contains(":s3:::") {
        return Ok(());
    }
    Err(AwsError::new("InvalidS3DestinationBucket", "Invalid bucket ARN."))
}

impl Listed for InventoryConfiguration {
    const KIND: Kind = INVENTORY;

    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    fn check(&self) -> Result<(), AwsError> {
        let destination = self
            .destination
            .as_ref()
            .and_then(|to| to.s3_bucket_destination.as_ref());
        let Some(destination) = destination.filter(|_| self.is_enabled.is_some()) else {
            return Err(errors::malformed_xml());
        };
        one_of(destination.format.as_deref(), &["CSV", "ORC", "Parquet"])?;
        one_of(self.included_object_versions.as_deref(), &["All", "Current"])?;
        let frequency = self
            .schedule
            .as_ref()
            .and_then(|schedule| schedule.frequency.as_deref());
        one_of(frequency, &["Daily", "Weekly"])?;
        for field in self.optional_fields.as_deref().unwrap_or_default() {
            one_of(Some(field), &INVENTORY_FIELDS)?;
        }
        check_bucket_arn(destination.bucket.as_deref())
    }
}

impl Listed for MetricsConfiguration {
    const KIND: Kind = METRICS;

    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    fn check(&self) -> Result<(), AwsError> {
        let Some(MetricsFilter {
            prefix,
            tag,
            access_point_arn,
            and,
        }) = &self.filter
        else {
            return Ok(());
        };
        let inner = and.as_ref().map(|and| {
            let others = usize::from(and.prefix.is_some()) + usize::from(and.access_point_arn.is_some());
            (others, and.tags.as_deref().unwrap_or_default())
        });
        let parts = [
            prefix.is_some(),
            tag.is_some(),
            access_point_arn.is_some(),
            and.is_some(),
        ];
        check_filter(parts, inner, tag.as_ref())
    }
}

impl Listed for AnalyticsConfiguration {
    const KIND: Kind = ANALYTICS;

    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    fn check(&self) -> Result<(), AwsError> {
        if let Some(AnalyticsFilter { prefix, tag, and }) = &self.filter {
            let inner = and.as_ref().map(|and| {
                (
                    usize::from(and.prefix.is_some()),
                    and.tags.as_deref().unwrap_or_default(),
                )
            });
            let parts = [prefix.is_some(), tag.is_some(), and.is_some(), false];
            check_filter(parts, inner, tag.as_ref())?;
        }
        let Some(analysis) = &self.storage_class_analysis else {
            return Err(errors::malformed_xml());
        };
        let Some(export) = &analysis.data_export else {
            return Ok(());
        };
        one_of(export.output_schema_version.as_deref(), &["V_1"])?;
        let destination = export
            .destination
            .as_ref()
            .and_then(|to| to.s3_bucket_destination.as_ref());
        let Some(destination) = destination else {
            return Err(errors::malformed_xml());
        };
        one_of(destination.format.as_deref(), &["CSV"])?;
        check_bucket_arn(destination.bucket.as_deref())
    }
}

impl Listed for IntelligentTieringConfiguration {
    const KIND: Kind = INTELLIGENT_TIERING;

    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    fn check(&self) -> Result<(), AwsError> {
        if let Some(IntelligentTieringFilter { prefix, tag, and }) = &self.filter {
            let inner = and.as_ref().map(|and| {
                (
                    usize::from(and.prefix.is_some()),
                    and.tags.as_deref().unwrap_or_default(),
                )
            });
            let parts = [prefix.is_some(), tag.is_some(), and.is_some(), false];
            check_filter(parts, inner, tag.as_ref())?;
        }
        one_of(self.status.as_deref(), &["Enabled", "Disabled"])?;
        let tierings = self.tierings.as_deref().unwrap_or_default();
        if tierings.is_empty() {
            return Err(errors::malformed_xml());
        }
        let mut seen = Vec::new();
        for tiering in tierings {
            let tier = tiering.access_tier.as_deref();
            one_of(tier, &["ARCHIVE_ACCESS", "DEEP_ARCHIVE_ACCESS"])?;
            let least = if tier == Some("ARCHIVE_ACCESS") { 90 } else { 180 };
            let Some(days) = tiering.days else {
                return Err(errors::malformed_xml());
            };
            if !(least..=730).contains(&days) {
                return Err(errors::invalid_request(&format!(
                    "'Days' for {} must be between {least} and 730",
                    tier.unwrap_or_default()
                )));
            }
            if seen.contains(&tier) {
                return Err(errors::invalid_request("Access tiers must be different"));
            }
            seen.push(tier);
        }
        Ok(())
    }
}
