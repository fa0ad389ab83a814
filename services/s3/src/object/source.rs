//! `x-amz-copy-source`: the object that a copy is made of.

use super::version_id;
use crate::errors;
use percent_encoding::percent_decode_str;
use virga_base::AwsError;

/// An object in some bucket, as a header names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub bucket: String,
    pub key: String,
    pub version_id: Option<String>,
}

impl Source {
    /// Reads `/bucket/key?versionId=id`, encoded as URLs are.
    pub fn read(header: Option<&str>) -> Result<Source, AwsError> {
        let text = header.unwrap_or_default();
        let invalid = || {
            errors::invalid_argument(
                "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
                "x-amz-copy-source",
                text,
            )
        };
        let (path, version_id) = match text.rsplit_once("?versionId=") {
            Some((path, id)) => (path, Some(id.to_owned())),
            None => (text, None),
        };
        // Some clients write a space as forms do; a plus sign itself comes encoded.
        let path = path.replace('+', " ");
        let path = percent_decode_str(&path).decode_utf8().map_err(|_| invalid())?;
        let path = path.strip_prefix('/').unwrap_or(&path);
        let parts = match path.starts_with("arn:") {
            // `arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME/object/KEY`
            true => path.split_once("/object/"),
            false => path.split_once('/'),
        };
        let (bucket, key) = parts.ok_or_else(invalid)?;
        if bucket.is_empty() || key.is_empty() {
            return Err(invalid());
        }
        Ok(Source {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version_id: version_id::asked(version_id)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn a_source_names_bucket_and_key() {
        let read = |text: &str| {
            let source = Source::read(Some(text)).ok()?;
            Some((source.bucket, source.key, source.version_id.unwrap_or_default()))
        };
        let found = |bucket: &str, key: &str, id: &str| Some((bucket.to_owned(), key.to_owned(), id.to_owned()));
        assert_eq!(read("b/k"), found("b", "k", ""));
        assert_eq!(read("/b/k/l"), found("b", "k/l", ""));
        assert_eq!(read("b//k"), found("b", "/k", ""));
        assert_eq!(read("b%2Fk%20x+y%2B?versionId=abc"), found("b", "k x y+", "abc"));
        assert_eq!(read("b/k%3FversionId=abc"), found("b", "k?versionId=abc", ""));
        let point = "arn:aws:s3:us-west-2:111122223333:accesspoint/point";
        assert_eq!(read(&format!("{point}/object/a/b")), found(point, "a/b", ""));
        for strange in ["", "b", "b/", "/b", "//k", "%FF/k", "b/k?versionId="] {
            assert_eq!(read(strange), None, "{strange}");
        }
    }
}
