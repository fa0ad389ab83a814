//! Forms that browsers send: fields, then a file that is streamed.

pub mod policy;
pub mod signature;
mod stream;
pub mod tagging;

pub use stream::read;

use crate::errors;
use virga_base::AwsError;

/// Bytes of all that comes before the file.
pub const FIELDS_MAX_BYTES: usize = 20 * 1024;

/// The fields that came before the file, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    fields: Vec<(String, String)>,
    /// What the client calls the file.
    pub file_name: Option<String>,
}

impl Fields {
    /// A field's value; names are told apart without regard to case.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn add(&mut self, name: String, value: String) {
        self.fields.push((name, value));
    }

    /// Puts the file's name where the fields ask for it.
    pub fn name_file(&mut self) {
        let name = self.file_name.clone().unwrap_or_default();
        for (field, value) in &mut self.fields {
            if field.eq_ignore_ascii_case("key") || field.eq_ignore_ascii_case("success_action_redirect") {
                *value = value.replace("${filename}", &name);
            }
        }
    }
}

/// What separates the parts, as `Content-Type` tells.
pub fn boundary(content_type: Option<&str>) -> Result<String, AwsError> {
    let wrong = || errors::precondition_failed("Bucket POST must be of the enclosure-type multipart/form-data");
    let mut parts = content_type.unwrap_or_default().split(';');
    if !parts
        .next()
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("multipart/form-data"))
    {
        return Err(wrong());
    }
    let boundary = parts.find_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary")
            .then(|| value.trim_matches('"').to_owned())
    });
    boundary
        .filter(|boundary| (1..=70).contains(&boundary.len()))
        .ok_or_else(|| errors::malformed_post("The body of your POST request is not well-formed multipart/form-data."))
}

#[cfg(test)]
mod tests {
    use super::boundary;

    #[test]
    fn a_boundary_is_found() {
        for (content_type, expected) in [
            ("multipart/form-data; boundary=abc", Ok("abc")),
            ("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"", Ok("a b")),
            ("multipart/form-data", Err("MalformedPOSTRequest")),
            ("text/html", Err("PreconditionFailed")),
            ("", Err("PreconditionFailed")),
        ] {
            let found = boundary(Some(content_type)).map_err(|error| error.code);
            assert_eq!(found.as_deref().map_err(|code| &**code), expected, "{content_type}");
        }
    }
}
