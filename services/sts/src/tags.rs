//! Session tags: what a session is labelled with, and which labels it hands on when it assumes another role.

use crate::errors;
use crate::state::SessionTag;
use crate::wire::Tag;
use virga_service::AwsError;

/// Reads a request's tags on top of those that the calling session hands on, in the order of AWS's checks.
///
/// Keys are compared without regard to case. Inherited tags cannot be overridden, and are handed on further.
pub fn session_tags(
    requested: &[Tag],
    transitive_keys: &[String],
    inherited: &[SessionTag],
) -> Result<Vec<SessionTag>, AwsError> {
    let mut tags: Vec<SessionTag> = Vec::with_capacity(requested.len() + inherited.len());
    for tag in requested {
        let key = tag.key.clone().unwrap_or_default();
        if find(&tags, &key).is_some() {
            return Err(errors::invalid_parameter(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        if key.to_lowercase().starts_with("aws:") {
            return Err(errors::invalid_parameter(
                "aws: prefixed tag key names are not allowed for external use.",
            ));
        }
        tags.push(SessionTag {
            key,
            value: tag.value.clone().unwrap_or_default(),
            transitive: false,
        });
    }
    for key in transitive_keys {
        let Some(at) = find(&tags, key) else {
            return Err(errors::invalid_parameter(
                "The specified transitive tag key must be included in the requested tags.",
            ));
        };
        if let Some(tag) = tags.get_mut(at) {
            tag.transitive = true;
        }
    }
    for tag in inherited.iter().filter(|tag| tag.transitive) {
        if find(&tags, &tag.key).is_some() {
            return Err(errors::invalid_parameter(
                "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key \
                 from the calling session.",
            ));
        }
        tags.push(tag.clone());
    }
    Ok(tags)
}

fn find(tags: &[SessionTag], key: &str) -> Option<usize> {
    let key = key.to_lowercase();
    tags.iter().position(|tag| tag.key.to_lowercase() == key)
}

#[cfg(test)]
mod tests {
    use super::session_tags;
    use crate::state::SessionTag;
    use crate::wire::Tag;

    fn tag(key: &str, value: &str) -> Tag {
        Tag {
            key: Some(key.to_owned()),
            value: Some(value.to_owned()),
        }
    }

    fn held(key: &str, transitive: bool) -> SessionTag {
        SessionTag {
            key: key.to_owned(),
            value: "v".to_owned(),
            transitive,
        }
    }

    #[test]
    fn only_transitive_tags_are_handed_on() {
        let tags = session_tags(&[tag("b", "2")], &[], &[held("a", true), held("b", false)]).unwrap();
        assert_eq!(tags.iter().map(|t| t.key.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(tags[0].value, "2");
        assert!(tags[1].transitive);
    }

    #[test]
    fn keys_are_compared_without_case() {
        let tags = session_tags(&[tag("Team", "x")], &["team".to_owned()], &[]).unwrap();
        assert!(tags[0].transitive);
        let message =
            |tags: &[Tag], keys: &[String], held: &[SessionTag]| session_tags(tags, keys, held).unwrap_err().message;
        assert!(message(&[tag("Team", "x"), tag("team", "y")], &[], &[]).starts_with("Duplicate tag keys"));
        assert!(message(&[tag("Team", "x")], &["other".to_owned()], &[]).contains("must be included"));
        assert!(message(&[tag("team", "x")], &[], &[held("Team", true)]).contains("conflicts with a transitive"));
        assert!(message(&[tag("AWS:x", "x")], &[], &[]).starts_with("aws: prefixed"));
    }
}
