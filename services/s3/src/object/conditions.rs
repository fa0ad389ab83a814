//! Conditional reads and writes.

use crate::errors;
use crate::state::Version;
use virga_base::{AwsError, Timestamp};

/// The conditions of a read, or of a copy's source.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
    pub if_modified_since: Option<Timestamp>,
    pub if_unmodified_since: Option<Timestamp>,
}

/// A condition that does not hold, by its name in the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmet {
    Match,
    NoneMatch,
    ModifiedSince,
    UnmodifiedSince,
}

impl Unmet {
    /// The header's name.
    pub fn header(self) -> &'static str {
        match self {
            Unmet::Match => "If-Match",
            Unmet::NoneMatch => "If-None-Match",
            Unmet::ModifiedSince => "If-Modified-Since",
            Unmet::UnmodifiedSince => "If-Unmodified-Since",
        }
    }

    /// The error of a read.
    pub fn of_read(self, version: &Version) -> AwsError {
        match self {
            Unmet::Match | Unmet::UnmodifiedSince => errors::precondition_failed(self.header()),
            Unmet::NoneMatch | Unmet::ModifiedSince => errors::not_modified()
                .with_header("ETag", version.quoted_etag())
                .with_header("Last-Modified", version.modified.to_http_date()),
        }
    }

    /// The error of a copy, whose conditions are about its source.
    pub fn of_copy(self) -> AwsError {
        errors::precondition_failed(&format!("x-amz-copy-source-{}", self.header()))
    }
}

impl Reading {
    /// The first condition that does not hold. An entity tag that fits makes the time beside it moot, and a time in the
    /// future says nothing.
    pub fn unmet(&self, version: &Version, now: Timestamp) -> Option<Unmet> {
        if let Some(tags) = &self.if_match {
            if !fits(tags, &version.etag) {
                return Some(Unmet::Match);
            }
        } else if self.if_unmodified_since.is_some_and(|time| version.modified > time) {
            return Some(Unmet::UnmodifiedSince);
        }
        if let Some(tags) = &self.if_none_match {
            if fits(tags, &version.etag) {
                return Some(Unmet::NoneMatch);
            }
        } else if self
            .if_modified_since
            .is_some_and(|time| version.modified <= time && time <= now)
        {
            return Some(Unmet::ModifiedSince);
        }
        None
    }
}

/// Whether the version is still the one that `If-Range` names, so that `Range` holds.
pub fn range_holds(if_range: &str, version: &Version) -> bool {
    let named = if_range.trim();
    named.trim_matches('"') == version.etag || named == version.modified.to_http_date()
}

/// Whether an entity tag is among those that a header lists. Quotes may be left out.
fn fits(listed: &str, etag: &str) -> bool {
    listed.split(',').any(|tag| {
        let tag = tag.trim();
        let tag = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
        tag == "*" || tag == etag
    })
}

/// The conditions of a write.
#[derive(Clone, Debug, Default)]
pub struct Writing {
    /// Without quotes.
    if_match: Option<String>,
    if_none_match: bool,
}

impl Writing {
    /// Reads the headers, of which S3 takes one: `If-Match` with an entity tag, or `If-None-Match: *`.
    pub fn new(if_match: Option<String>, if_none_match: Option<String>) -> Result<Writing, AwsError> {
        if if_match.is_some() && if_none_match.is_some() {
            return Err(errors::header_not_implemented(
                "If-Match,If-None-Match",
                Some("Multiple conditional request headers present in the request"),
            ));
        }
        if if_match.as_deref() == Some("*") {
            return Err(errors::value_not_accepted("If-Match"));
        }
        if if_none_match.as_deref().is_some_and(|value| value != "*") {
            return Err(errors::value_not_accepted("If-None-Match"));
        }
        Ok(Writing {
            if_match: if_match.map(|etag| etag.trim().trim_matches('"').to_owned()),
            if_none_match: if_none_match.is_some(),
        })
    }

    /// The one condition of a deletion, which may be that there is something.
    pub fn of_delete(if_match: Option<String>) -> Writing {
        Writing {
            if_match: if_match.map(|etag| etag.trim().trim_matches('"').to_owned()),
            if_none_match: false,
        }
    }

    /// The name of the header that there is.
    pub fn header(&self) -> Option<&'static str> {
        match self {
            Writing { if_match: Some(_), .. } => Some("If-Match"),
            Writing {
                if_none_match: true, ..
            } => Some("If-None-Match"),
            Writing { .. } => None,
        }
    }

    pub fn is_any(&self) -> bool {
        self.if_match.is_some() || self.if_none_match
    }

    /// Compares with what is current.
    pub fn check(&self, key: &str, current: Option<&Version>) -> Result<(), AwsError> {
        let current = current.filter(|version| !version.delete_marker);
        if self.if_none_match && current.is_some() {
            return Err(errors::precondition_failed("If-None-Match"));
        }
        let Some(etag) = &self.if_match else { return Ok(()) };
        match current {
            None => Err(errors::no_such_key(key)),
            Some(version) if etag != "*" && version.etag != *etag => Err(errors::precondition_failed("If-Match")),
            Some(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Reading, Unmet, Writing, range_holds};
    use crate::object::versions::bare;
    use crate::state::Version;
    use virga_base::{Account, Timestamp};

    fn version() -> Version {
        Version {
            etag: "abc".to_owned(),
            modified: Timestamp::from_secs(100),
            ..bare(Account::DEFAULT, Timestamp::from_secs(100))
        }
    }

    #[test]
    fn a_range_holds_for_the_version_that_is_named() {
        for holds in ["\"abc\"", "Thu, 01 Jan 1970 00:01:40 GMT"] {
            assert!(range_holds(holds, &version()), "{holds}");
        }
        for other in ["\"abd\"", "Thu, 01 Jan 1970 00:01:41 GMT", "W/\"abc\""] {
            assert!(!range_holds(other, &version()), "{other}");
        }
    }

    #[test]
    fn entity_tags_outrank_times() {
        let now = Timestamp::from_secs(200);
        let at = |seconds| Some(Timestamp::from_secs(seconds));
        let text = |text: &str| Some(text.to_owned());
        for (reading, expected) in [
            (Reading::default(), None),
            (
                Reading {
                    if_match: text("\"abc\""),
                    if_unmodified_since: at(50),
                    ..Reading::default()
                },
                None,
            ),
            (
                Reading {
                    if_match: text("\"x\", abc"),
                    ..Reading::default()
                },
                None,
            ),
            (
                Reading {
                    if_match: text("x"),
                    ..Reading::default()
                },
                Some(Unmet::Match),
            ),
            (
                Reading {
                    if_none_match: text("x"),
                    if_modified_since: at(150),
                    ..Reading::default()
                },
                None,
            ),
            (
                Reading {
                    if_none_match: text("*"),
                    ..Reading::default()
                },
                Some(Unmet::NoneMatch),
            ),
            (
                Reading {
                    if_modified_since: at(100),
                    ..Reading::default()
                },
                Some(Unmet::ModifiedSince),
            ),
            (
                Reading {
                    if_modified_since: at(300),
                    ..Reading::default()
                },
                None,
            ),
            (
                Reading {
                    if_unmodified_since: at(99),
                    ..Reading::default()
                },
                Some(Unmet::UnmodifiedSince),
            ),
        ] {
            assert_eq!(reading.unmet(&version(), now), expected, "{reading:?}");
        }
    }

    #[test]
    fn writes_take_one_condition() {
        let text = |text: &str| Some(text.to_owned());
        let code = |if_match, if_none_match, current: Option<&Version>| {
            Writing::new(if_match, if_none_match)
                .and_then(|writing| writing.check("k", current))
                .map_err(|error| error.code.into_owned())
        };
        let version = version();
        assert_eq!(code(text("\"abc\""), None, Some(&version)), Ok(()));
        assert_eq!(
            code(text("x"), None, Some(&version)),
            Err("PreconditionFailed".to_owned())
        );
        assert_eq!(code(text("x"), None, None), Err("NoSuchKey".to_owned()));
        assert_eq!(code(None, text("*"), None), Ok(()));
        assert_eq!(
            code(None, text("*"), Some(&version)),
            Err("PreconditionFailed".to_owned())
        );
        assert_eq!(code(None, text("abc"), None), Err("NotImplemented".to_owned()));
        assert_eq!(code(text("*"), None, None), Err("NotImplemented".to_owned()));
        assert_eq!(code(text("a"), text("*"), None), Err("NotImplemented".to_owned()));
    }
}
