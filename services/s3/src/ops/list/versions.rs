//! ListObjectVersions.

use super::objects::some;
use super::{checksum_algorithm, checksum_type, restore_status, wants};
use crate::access::{self, Wanted};
use crate::listing::{Asked, Encoding, Entry, Versions, page};
use crate::object::version_id;
use crate::wire::{
    CommonPrefix, DeleteMarkerEntry, ListObjectVersionsOutput, ListObjectVersionsRequest, ObjectVersion,
};
use crate::{errors, owner};
use virga_base::AwsError;
use virga_service::Ctx;

pub async fn list(ctx: Ctx, input: ListObjectVersionsRequest) -> Result<ListObjectVersionsOutput, AwsError> {
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: "ListBucketVersions",
        key: None,
    };
    let open = access::open(&ctx, wanted).await?;
    let encoding = Encoding::new(input.encoding_type.as_deref())?;
    let restores = wants(input.optional_object_attributes.as_ref(), "RestoreStatus");
    if input.version_id_marker.as_deref() == Some("") {
        return Err(errors::invalid_argument(
            "A version-id marker cannot be empty.",
            "version-id-marker",
            "",
        ));
    }
    let id_marker = input.version_id_marker.unwrap_or_default();
    let asked = Asked {
        prefix: input.prefix.unwrap_or_default(),
        delimiter: input.delimiter.filter(|delimiter| !delimiter.is_empty()),
        marker: input.key_marker.clone().unwrap_or_default(),
        limit: Asked::limit(input.max_keys, "maxKeys")?,
    };
    if !id_marker.is_empty() {
        if asked.marker.is_empty() {
            return Err(errors::invalid_argument(
                "A version-id marker cannot be specified without a key marker.",
                "version-id-marker",
                &id_marker,
            ));
        }
        version_id::check(&id_marker)
            .map_err(|_| errors::invalid_argument("Invalid version id specified", "version-id-marker", &id_marker))?;
    }
    let found = open.home.read(|tx| -> Result<_, AwsError> {
        let (bucket, expected) = (&open.bucket, asked.limit + 1);
        let rows = if id_marker.is_empty() || asked.marker < asked.prefix {
            Versions::new(tx, bucket, asked.start(), expected)
        } else {
            Versions::behind(tx, bucket, &asked.marker, &id_marker, expected)?
        };
        page(rows, &asked)
    })?;
    let last = found.entries.last().filter(|_| found.is_truncated);
    let next_key_marker = last.map(|last| encoding.text(last.text()));
    let next_version_id_marker = last.and_then(|last| match last {
        Entry::Row(row) => Some(row.version.shown_id().to_owned()),
        Entry::Prefix(_) => None,
    });
    let (mut versions, mut markers, mut prefixes) = (Vec::new(), Vec::new(), Vec::new());
    for entry in found.entries {
        let row = match entry {
            Entry::Row(row) => row,
            Entry::Prefix(prefix) => {
                prefixes.push(CommonPrefix {
                    prefix: Some(encoding.text(&prefix)),
                });
                continue;
            }
        };
        let version = &row.version;
        if version.delete_marker {
            markers.push(DeleteMarkerEntry {
                owner: Some(owner::shown(version.owner)),
                key: Some(encoding.text(&row.key)),
                version_id: Some(version.shown_id().to_owned()),
                is_latest: Some(row.is_latest),
                last_modified: Some(version.modified),
            });
            continue;
        }
        versions.push(ObjectVersion {
            e_tag: Some(version.quoted_etag()),
            checksum_algorithm: checksum_algorithm(version),
            checksum_type: checksum_type(version),
            size: i64::try_from(version.size).ok(),
            storage_class: Some(version.storage_class().to_owned()),
            key: Some(encoding.text(&row.key)),
            version_id: Some(version.shown_id().to_owned()),
            is_latest: Some(row.is_latest),
            last_modified: Some(version.modified),
            owner: Some(owner::shown(version.owner)),
            restore_status: restores.then(|| restore_status(version, ctx.now())).flatten(),
        });
    }
    Ok(ListObjectVersionsOutput {
        is_truncated: Some(found.is_truncated),
        key_marker: Some(encoding.text(&asked.marker)),
        version_id_marker: Some(id_marker),
        next_key_marker,
        next_version_id_marker,
        versions: some(versions),
        delete_markers: some(markers),
        name: Some(open.bucket.name),
        prefix: Some(encoding.text(&asked.prefix)),
        delimiter: asked.delimiter.map(|delimiter| encoding.text(&delimiter)),
        max_keys: i32::try_from(asked.limit).ok(),
        common_prefixes: some(prefixes),
        encoding_type: encoding.shown(),
        ..ListObjectVersionsOutput::default()
    })
}
