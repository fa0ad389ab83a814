//! GetObjectAttributes.

use super::read::{read_version, shown_version};
use crate::access::{self, Wanted};
use crate::errors;
use crate::listing;
use crate::object::checksum::{tell_checksum, tell_checksum_value};
use crate::object::customer::{self, customer_of};
use crate::object::{key, version_id};
use crate::state::{Part, Version};
use crate::upload::parts;
use crate::wire::{
    Checksum, GetObjectAttributesOutput, GetObjectAttributesParts, GetObjectAttributesRequest, ObjectPart,
};
use virga_base::AwsError;
use virga_service::Ctx;

const KNOWN: [&str; 5] = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

pub async fn get(ctx: Ctx, mut input: GetObjectAttributesRequest) -> Result<GetObjectAttributesOutput, AwsError> {
    let key = key::read(input.key)?;
    let version_id = version_id::asked(input.version_id)?;
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
    let asked: Vec<&str> = asked
        .iter()
        .map(|name| name.trim())
        .filter(|name| !name.is_empty())
        .collect();
    if asked.is_empty() {
        return Err(errors::invalid_request(
            "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
        ));
    }
    if asked.iter().any(|name| !KNOWN.contains(name)) {
        return Err(errors::invalid_argument_named(
            "Invalid attribute name specified.",
            "x-amz-object-attributes",
        ));
    }
    let customer = customer_of!(input).read()?;
    let wants = |name: &str| asked.contains(&name);
    let max = listing::Asked::limit(input.max_parts, "max-parts")?;
    let marker = input.part_number_marker.unwrap_or(0);
    let (version, parts) = open.home.read(|tx| -> Result<_, AwsError> {
        let version = read_version(tx, &open.bucket, &key, version_id.as_deref(), "GET")?;
        customer::check_read(&version.encryption, customer.as_ref())?;
        let parts = match parts::of_content(&version.content).filter(|_| wants("ObjectParts") && told_by_part(&version))
        {
            Some(upload) => parts::list(tx, &open.bucket, upload, u32::try_from(marker).unwrap_or(0), max + 1)?,
            None => Vec::new(),
        };
        Ok((version, parts))
    })?;
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
        let bare = version.checksum.as_ref().map(without_count);
        tell_checksum!(checksum, &bare);
        output.checksum = Some(checksum);
    }
    if wants("ObjectParts")
        && let Some(count) = version.parts
    {
        let mut shown = GetObjectAttributesParts {
            total_parts_count: i32::try_from(count).ok(),
            ..GetObjectAttributesParts::default()
        };
        if told_by_part(&version) {
            let page: Vec<ObjectPart> = parts
                .iter()
                .take(max)
                .map(|(number, part)| shown_part(*number, part))
                .collect();
            shown.is_truncated = Some(parts.len() > max);
            shown.max_parts = i32::try_from(max).ok();
            shown.part_number_marker = Some(marker);
            shown.next_part_number_marker = Some(page.last().and_then(|part| part.part_number).unwrap_or(0));
            shown.parts = (!page.is_empty()).then_some(page);
        }
        output.object_parts = Some(shown);
    }
    if wants("StorageClass") {
        output.storage_class = Some(version.storage_class().to_owned());
    }
    if wants("ObjectSize") {
        output.object_size = i64::try_from(version.size).ok();
    }
    Ok(output)
}

/// What is made of the parts' checksums ends in their number, but not here.
fn without_count(checksum: &crate::state::Checksum) -> crate::state::Checksum {
    let value = checksum.value.split('-').next().unwrap_or_default();
    crate::state::Checksum {
        value: value.to_owned(),
        ..checksum.clone()
    }
}

/// Parts are told one by one where each has a checksum that the object's is made of.
fn told_by_part(version: &Version) -> bool {
    version.checksum.as_ref().is_some_and(|checksum| checksum.composite)
}

fn shown_part(number: u32, part: &Part) -> ObjectPart {
    let mut shown = ObjectPart {
        part_number: i32::try_from(number).ok(),
        size: i64::try_from(part.size).ok(),
        ..ObjectPart::default()
    };
    if let Some(checksum) = &part.checksum {
        tell_checksum_value!(shown, checksum);
    }
    shown
}
