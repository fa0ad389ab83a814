//! `encoding-type`: keys as URLs have them, for those that XML cannot hold.

use crate::errors;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use virga_base::AwsError;

/// What Java's `URLEncoder` leaves as it is, which is what S3 uses, and the slash.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/')
    .remove(b' ');

/// How a list writes keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    url: bool,
}

impl Encoding {
    /// Reads `encoding-type`.
    pub fn new(named: Option<&str>) -> Result<Encoding, AwsError> {
        match named {
            None | Some("") => Ok(Encoding { url: false }),
            Some(name) if name.eq_ignore_ascii_case("url") => Ok(Encoding { url: true }),
            Some(other) => Err(errors::invalid_argument(
                "Invalid Encoding Method specified in Request",
                "encoding-type",
                other,
            )),
        }
    }

    /// As the answer tells it.
    pub fn shown(self) -> Option<String> {
        self.url.then(|| "url".to_owned())
    }

    /// A key, a prefix or a delimiter as the answer tells it.
    pub fn text(self, text: &str) -> String {
        if self.url {
            utf8_percent_encode(text, KEPT).to_string().replace(' ', "+")
        } else {
            text.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Encoding;

    #[test]
    fn keys_are_written_as_urls_have_them() {
        let url = Encoding::new(Some("url")).expect("a method");
        for (key, expected) in [
            ("a/b c", "a/b+c"),
            ("a+b", "a%2Bb"),
            ("é", "%C3%A9"),
            ("a~b*c", "a%7Eb*c"),
            ("a%20", "a%2520"),
            ("\u{1}", "%01"),
        ] {
            assert_eq!(url.text(key), expected);
        }
        assert_eq!(Encoding::new(None).expect("none").text("a b"), "a b");
        assert!(Encoding::new(Some("base64")).is_err());
    }
}
