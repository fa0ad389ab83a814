//! GetObjectAttributes.

use super::read::{read_version, shown_version};
use crate::access::{self, Wanted};
use crate::errors;
use crate::object::checksum::tell_checksum;
use crate::object::key;
use crate::wire::{Checksum, GetObjectAttributesOutput, GetObjectAttributesParts, GetObjectAttributesRequest};
use virga_base::AwsError;
use virga_service::Ctx;

const KNOWN: [&str; 5] = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

pub async fn get(ctx: Ctx, input: GetObjectAttributesRequest) -> Result<GetObjectAttributesOutput, AwsError> {
    let key = key::read(input.key)?;
    let version_id = input.version_id.filter(|id| !id.is_empty());
    let wanted = Wanted {
        bucket: input.bucket.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        action: if version_id.is_some() {
            "GetObjectVersionAttributes"
        } else {
            "GetObjectAttributes"
        },
        key: Some(&key),
    };
    let open = access::open(&ctx, wanted).await?;
    let asked: Vec<String> = input.object_attributes.unwrap_or_default();
    let asked: Vec<&str> = asked.iter().map(|name| name.trim()).collect();
    if asked.is_empty() || asked.iter().any(|name| !KNOWN.contains(name)) {
        return Err(errors::invalid_argument_named(
            "Invalid attribute name specified.",
            "x-amz-object-attributes",
        ));
    }
    let version = open
        .home
        .read(|tx| read_version(tx, &open.bucket, &key, version_id.as_deref(), "GET"))?;
    let wants = |name: &str| asked.contains(&name);
    let mut output = GetObjectAttributesOutput {
        last_modified: Some(version.modified),
        version_id: shown_version(&open.bucket, &version),
        ..GetObjectAttributesOutput::default()
    };
    if wants("ETag") {
        output.e_tag = Some(version.etag.clone());
    }
    if wants("Checksum") && version.checksum.is_some() {
        let mut checksum = Checksum::default();
        tell_checksum!(checksum, &version.checksum);
        output.checksum = Some(checksum);
    }
    if wants("ObjectParts")
        && let Some(parts) = version.parts
    {
        output.object_parts = Some(GetObjectAttributesParts {
            total_parts_count: i32::try_from(parts).ok(),
            ..GetObjectAttributesParts::default()
        });
    }
    if wants("StorageClass") {
        output.storage_class = Some(version.storage_class().to_owned());
    }
    if wants("ObjectSize") {
        output.object_size = i64::try_from(version.size).ok();
    }
    Ok(output)
}
