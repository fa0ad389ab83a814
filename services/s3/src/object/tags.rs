//! Tags of objects, as `x-amz-tagging` carries them.

use crate::{errors, limits};
use percent_encoding::percent_decode_str;
use virga_base::AwsError;

/// Characters of a tag's key and value.
const KEY_MAX: usize = 128;
const VALUE_MAX: usize = 256;

/// Reads `key=value&key2=value2`.
pub fn read_header(text: &str) -> Result<Vec<(String, String)>, AwsError> {
    let mut tags = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if value.contains('=') {
            return Err(not_encoded(text));
        }
        let decode = |part: &str| decode(part).ok_or_else(|| not_encoded(text));
        tags.push((decode(key)?, decode(value)?));
    }
    let repeated = tags
        .iter()
        .enumerate()
        .any(|(at, (key, _))| tags.iter().skip(at + 1).any(|(other, _)| other == key));
    if repeated || tags.iter().any(|(key, _)| key.is_empty()) {
        return Err(not_encoded(text));
    }
    check(&tags)?;
    Ok(tags)
}

fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

fn not_encoded(text: &str) -> AwsError {
    errors::invalid_argument(
        "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name \
         duplicates.",
        "x-amz-tagging",
        text,
    )
}

/// What holds for an object's tags, however they come.
pub fn check(tags: &[(String, String)]) -> Result<(), AwsError> {
    if tags.len() > limits::OBJECT_TAGS_MAX {
        return Err(AwsError::new("BadRequest", "Object tags cannot be greater than 10"));
    }
    for (key, value) in tags {
        check_one(key, value)?;
    }
    Ok(())
}

/// What holds for one tag, of an object or a bucket.
pub fn check_one(key: &str, value: &str) -> Result<(), AwsError> {
    if key.is_empty() || key.chars().count() > KEY_MAX || !is_plain(key) {
        return Err(errors::invalid_tag("The TagKey you have provided is invalid").with_detail("TagKey", key));
    }
    if value.chars().count() > VALUE_MAX || !is_plain(value) {
        return Err(errors::invalid_tag("The TagValue you have provided is invalid")
            .with_detail("TagKey", key)
            .with_detail("TagValue", value));
    }
    if key.starts_with("aws:") {
        return Err(errors::invalid_tag("Your TagKey cannot be prefixed with aws:").with_detail("TagKey", key));
    }
    Ok(())
}

/// Letters, digits, spaces and `_ . : / = + - @`.
fn is_plain(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c))
}

#[cfg(test)]
mod tests {
    use super::read_header;

    #[test]
    fn a_header_is_a_query_string() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let ok = |text: &str| read_header(text).map_err(|error| error.code.into_owned());
        assert_eq!(
            ok("a=1&b=x%20y&c"),
            Ok(vec![pair("a", "1"), pair("b", "x y"), pair("c", "")])
        );
        assert_eq!(ok(""), Ok(vec![]));
        assert_eq!(ok("a=1&a=2"), Err("InvalidArgument".to_owned()));
        assert_eq!(ok("a=1,b=2"), Err("InvalidArgument".to_owned()));
        assert_eq!(ok("aws:x=1"), Err("InvalidTag".to_owned()));
        assert_eq!(ok("a=%3C"), Err("InvalidTag".to_owned()));
    }
}
