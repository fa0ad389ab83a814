//! The list of a job's objects: lines of CSV in an object.

use super::{bad_request, not_implemented};
use crate::s3control::wire::JobManifest;
use percent_encoding::percent_decode_str;
use virga_base::{Arn, AwsError};

const CSV: &str = "S3BatchOperations_CSV_20180820";

/// An object that a manifest names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    pub bucket: String,
    pub key: String,
    pub version_id: Option<String>,
}

/// Where a manifest is, and what its columns are.
pub fn check(manifest: &JobManifest) -> Result<(), AwsError> {
    let spec = manifest
        .spec
        .as_ref()
        .and_then(|spec| Some((spec.format.as_deref()?, &spec.fields)));
    let Some((format, fields)) = spec else {
        return Err(bad_request("The manifest's format is required"));
    };
    if format != CSV {
        return Err(not_implemented("jobs with an inventory for a manifest"));
    }
    let fields = fields.as_deref().unwrap_or_default();
    let has = |name: &str| fields.iter().any(|field| field == name);
    if !has("Bucket") || !has("Key") {
        return Err(bad_request("The manifest's fields must have Bucket and Key"));
    }
    let location = manifest.location.as_ref();
    if location.and_then(|at| place(at.object_arn.as_deref()?)).is_none() {
        return Err(bad_request("The manifest must be given by its ARN"));
    }
    Ok(())
}

/// Bucket and key of an object's ARN.
pub fn place(arn: &str) -> Option<(String, String)> {
    let arn = Arn::parse(arn).ok().filter(|arn| arn.service == "s3")?;
    let (bucket, key) = arn.resource.split_once('/')?;
    Some((bucket.to_owned(), key.to_owned()))
}

/// Reads the lines; the error tells which of them is none.
pub fn read(text: &str, fields: &[String]) -> Result<Vec<Named>, String> {
    let mut out = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let values = split(line);
        if values.len() != fields.len() {
            return Err(format!("Line {} of the manifest does not have its fields.", at + 1));
        }
        let mut named = Named::default();
        for (field, value) in fields.iter().zip(values) {
            match field.as_str() {
                "Bucket" => named.bucket = value,
                // Keys are encoded as URLs are.
                "Key" => named.key = percent_decode_str(&value).decode_utf8_lossy().into_owned(),
                "VersionId" => named.version_id = Some(value).filter(|id| !id.is_empty() && id != "null"),
                _ => {}
            }
        }
        out.push(named);
    }
    Ok(out)
}

/// The values of a line, some of them in quotes.
fn split(line: &str) -> Vec<String> {
    let (mut values, mut value, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                value.push('"');
                letters.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => values.push(std::mem::take(&mut value)),
            letter => value.push(letter),
        }
    }
    values.push(value);
    values
}

#[cfg(test)]
mod tests {
    use super::{Named, place, read};

    #[test]
    fn lines_name_objects() {
        let fields = ["Bucket", "Key", "VersionId"].map(str::to_owned);
        let text = "b,a%20b,v1\r\n\"b\",\"x,\"\"y\"\"\",\n\n";
        let named = |key: &str, id: Option<&str>| Named {
            bucket: "b".to_owned(),
            key: key.to_owned(),
            version_id: id.map(str::to_owned),
        };
        assert_eq!(
            read(text, &fields),
            Ok(vec![named("a b", Some("v1")), named("x,\"y\"", None)])
        );
        assert!(read("b,k", &fields).is_err());
        assert_eq!(place("arn:aws:s3:::b/k/l"), Some(("b".to_owned(), "k/l".to_owned())));
        assert_eq!(place("arn:aws:s3:::b"), None);
    }
}
