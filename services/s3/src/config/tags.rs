//! Tags of buckets.

use crate::errors;
use crate::limits::BUCKET_TAGS_MAX;
use crate::object::tags::check_one;
use crate::wire::Tag;
use virga_base::AwsError;

/// Checks a set of tags in AWS's words.
pub fn check(tags: &[Tag]) -> Result<(), AwsError> {
    let mut seen: Vec<&str> = Vec::new();
    for tag in tags {
        let (Some(key), Some(value)) = (&tag.key, &tag.value) else {
            return Err(errors::malformed_xml());
        };
        if key.starts_with("aws:") {
            return Err(errors::invalid_tag("System tags cannot be added/updated by requester"));
        }
        check_one(key, value)?;
        if seen.contains(&key.as_str()) {
            return Err(errors::invalid_tag("Cannot provide multiple Tags with the same key")
                .with_detail("TagKey", key.clone()));
        }
        seen.push(key);
    }
    if tags.len() > BUCKET_TAGS_MAX {
        return Err(AwsError::new(
            "BadRequest",
            format!("Bucket tag count cannot be greater than {BUCKET_TAGS_MAX}"),
        ));
    }
    Ok(())
}
