//! The list of a job's objects: lines of CSV in an object.

use super::{bad_request, not_implemented};
use crate::s3control::wire::JobManifest;
use memchr::memchr;
use percent_encoding::percent_decode_str;
use virga_base::{Arn, AwsError};

const CSV: &str = "S3BatchOperations_CSV_20180820";
/// A line names a bucket, a key of 1,024 bytes, each of them encoded, and a version.
pub const LINE_MAX_BYTES: usize = 64 * 1024;

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

/// The lines of a manifest, of which one piece after another is there.
pub struct Lines<'f> {
    fields: &'f [String],
    pieces: Vec<u8>,
    /// Of the pieces that are kept, and of all.
    taken: usize,
    passed_bytes: u64,
    number: u64,
}

impl Lines<'_> {
    pub fn of(fields: &[String]) -> Lines<'_> {
        Lines {
            fields,
            pieces: Vec::new(),
            taken: 0,
            passed_bytes: 0,
            number: 0,
        }
    }

    pub fn add(&mut self, piece: &[u8]) {
        self.pieces.drain(..self.taken);
        self.taken = 0;
        self.pieces.extend_from_slice(piece);
    }

    /// How many bytes the lines come to that were taken.
    pub fn passed_bytes(&self) -> u64 {
        self.passed_bytes
    }

    /// Takes the next line that names an object, if it is there as a whole; what `is_last` needs no end. The error tells which
    /// line is none.
    pub fn next(&mut self, is_last: bool) -> Result<Option<Named>, String> {
        loop {
            let rest = self.pieces.get(self.taken..).unwrap_or_default();
            let (line, length) = match memchr(b'\n', rest) {
                Some(end) => (rest.get(..end).unwrap_or_default(), end + 1),
                None if is_last && !rest.is_empty() => (rest, rest.len()),
                None if rest.len() <= LINE_MAX_BYTES => return Ok(None),
                None => (rest, rest.len()),
            };
            self.number += 1;
            if line.len() > LINE_MAX_BYTES {
                return Err(format!("Line {} of the manifest is too long.", self.number));
            }
            let text = String::from_utf8_lossy(line);
            let text = text.strip_suffix('\r').unwrap_or(&text);
            let named = if text.trim().is_empty() {
                None
            } else {
                let named = read(text, self.fields);
                Some(named.ok_or_else(|| format!("Line {} of the manifest does not have its fields.", self.number))?)
            };
            self.taken += length;
            self.passed_bytes += length as u64;
            if named.is_some() {
                return Ok(named);
            }
        }
    }
}

/// The object that a line names.
fn read(line: &str, fields: &[String]) -> Option<Named> {
    let values = split(line);
    if values.len() != fields.len() {
        return None;
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
    Some(named)
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
    use super::{LINE_MAX_BYTES, Lines, Named, place};

    /// All objects of a text that comes in pieces of a size.
    fn all(text: &str, fields: &[String], size: usize) -> Result<Vec<Named>, String> {
        let (mut lines, mut out) = (Lines::of(fields), Vec::new());
        for piece in text.as_bytes().chunks(size) {
            lines.add(piece);
            while let Some(named) = lines.next(false)? {
                out.push(named);
            }
        }
        while let Some(named) = lines.next(true)? {
            out.push(named);
        }
        assert_eq!(lines.passed_bytes(), text.len() as u64);
        Ok(out)
    }

    #[test]
    fn lines_name_objects() {
        let fields = ["Bucket", "Key", "VersionId"].map(str::to_owned);
        let named = |key: &str, id: Option<&str>| Named {
            bucket: "b".to_owned(),
            key: key.to_owned(),
            version_id: id.map(str::to_owned),
        };
        for text in [
            "b,a%20b,v1\r\n\"b\",\"x,\"\"y\"\"\",\n\n",
            "\nb,a%20b,v1\n\r\nb,\"x,\"\"y\"\"\",null",
        ] {
            for size in 1..=text.len() {
                let wanted = vec![named("a b", Some("v1")), named("x,\"y\"", None)];
                assert_eq!(all(text, &fields, size), Ok(wanted), "{size}");
            }
        }
        assert_eq!(
            all("b,k,\n\nb,k", &fields, 4),
            Err("Line 3 of the manifest does not have its fields.".to_owned())
        );
        assert_eq!(place("arn:aws:s3:::b/k/l"), Some(("b".to_owned(), "k/l".to_owned())));
        assert_eq!(place("arn:aws:s3:::b"), None);
    }

    #[test]
    fn a_line_is_not_kept_without_bounds() {
        let fields = ["Bucket", "Key"].map(str::to_owned);
        let long = "k".repeat(LINE_MAX_BYTES);
        for end in ["", "\n"] {
            assert_eq!(
                all(&format!("b,k\nb,{long}{end}"), &fields, 1 << 20),
                Err("Line 2 of the manifest is too long.".to_owned())
            );
        }
    }
}
