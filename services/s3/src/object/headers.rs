//! What S3 keeps with an object and gives back in headers.

use super::rfc2047;
use crate::{errors, limits};
use std::collections::BTreeMap;
use virga_base::AwsError;

/// Storage classes that objects can be put in.
const STORAGE_CLASSES: [&str; 8] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "GLACIER_IR",
];

/// The type of an object whose uploader told none.
pub const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// The headers among the members of an input.
macro_rules! headers_of {
    ($input:expr) => {
        $crate::state::Headers {
            content_type: $input.content_type.take().filter(|text| !text.is_empty()),
            cache_control: $input.cache_control.take(),
            content_disposition: $input.content_disposition.take(),
            content_encoding: $input.content_encoding.take().filter(|text| !text.is_empty()),
            content_language: $input.content_language.take(),
            expires: $input.expires.take(),
        }
    };
}
pub(crate) use headers_of;

/// User metadata, checked.
pub fn metadata(given: Option<BTreeMap<String, String>>) -> Result<Vec<(String, String)>, AwsError> {
    let given = given.unwrap_or_default().into_iter();
    let metadata: Vec<(String, String)> = given
        .map(|(name, value)| {
            let read = rfc2047::decode(&value);
            (name, read.unwrap_or(value))
        })
        .collect();
    let size = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > limits::USER_METADATA_MAX_BYTES {
        return Err(errors::metadata_too_large(size));
    }
    Ok(metadata)
}

/// A storage class, none for `STANDARD`.
pub fn storage_class(given: Option<String>) -> Result<Option<String>, AwsError> {
    match given {
        Some(class) if !STORAGE_CLASSES.contains(&class.as_str()) => Err(errors::invalid_storage_class(&class)),
        Some(class) if class == "STANDARD" => Ok(None),
        other => Ok(other),
    }
}

/// `x-amz-website-redirect-location`, checked.
pub fn website_redirect(given: Option<String>) -> Result<Option<String>, AwsError> {
    match &given {
        Some(to) if !["/", "http://", "https://"].iter().any(|start| to.starts_with(start)) => Err(AwsError::new(
            "InvalidRedirectLocation",
            "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
        )),
        _ => Ok(given),
    }
}
