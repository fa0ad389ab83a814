//! Where the bytes of objects are kept, as `--blobs` says it.

use std::path::PathBuf;

const S3: &str = "s3://";

/// A folder, or a part of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Folder(PathBuf),
    Bucket {
        bucket: String,
        /// What all keys begin with, without slashes at its ends; may be empty.
        prefix: String,
    },
}

impl Place {
    /// Reads a path or an `s3://BUCKET/PREFIX`; says what it should have been.
    pub fn parse(text: &str) -> Result<Place, String> {
        if text.is_empty() {
            return Err("the path of a folder, or s3://BUCKET/PREFIX".to_owned());
        }
        let Some((scheme, _)) = text.split_once("://") else {
            return Ok(Place::Folder(text.into()));
        };
        let Some(rest) = text.strip_prefix(S3) else {
            return Err(format!(
                "a folder or s3://BUCKET/PREFIX (there is no {scheme}:// here; what speaks S3 is reached by AWS_ENDPOINT_URL)"
            ));
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_end_matches('/');
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let is_part = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(|c: char| c.is_control());
        if bucket.is_empty() || !bucket.bytes().all(is_name) {
            return Err("s3://BUCKET/PREFIX with the name of a bucket".to_owned());
        }
        if !prefix.is_empty() && !prefix.split('/').all(is_part) {
            return Err("s3://BUCKET/PREFIX with a prefix of words between single slashes".to_owned());
        }
        Ok(Place::Bucket {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn folders_and_buckets_are_told_apart() {
        for folder in ["/mnt/shared", "shared", "C:\\shared", "s3", "s3:/b"] {
            assert_eq!(Place::parse(folder), Ok(Place::Folder(folder.into())));
        }
        for (text, bucket, prefix) in [
            ("s3://b", "b", ""),
            ("s3://b/", "b", ""),
            ("s3://my.bucket-1/a/b c/", "my.bucket-1", "a/b c"),
        ] {
            let (bucket, prefix) = (bucket.to_owned(), prefix.to_owned());
            assert_eq!(Place::parse(text), Ok(Place::Bucket { bucket, prefix }));
        }
        for (text, said) in [
            ("", "the path of a folder"),
            ("gs://b/p", "no gs:// here"),
            ("az://b", "no az:// here"),
            ("S3://b", "no S3:// here"),
            ("s3://", "name of a bucket"),
            ("s3://me@b/p", "name of a bucket"),
            ("s3://b//p", "single slashes"),
            ("s3://b/../p", "single slashes"),
        ] {
            let error = Place::parse(text).expect_err(text);
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
