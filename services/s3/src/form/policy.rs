//! The policy of a form: until when it holds, and what its fields must say.

use super::Fields;
use crate::errors;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use virga_base::{AwsError, Timestamp};

/// What a policy leaves to be checked of the file: its least and most bytes.
pub type Range = Option<(u64, u64)>;

/// Fields that a policy need not speak of.
const FREE: [&str; 5] = ["x-amz-signature", "file", "policy", "awsaccesskeyid", "signature"];

/// Checks a form's fields by its policy.
///
/// # Errors
/// `InvalidPolicyDocument` where it cannot be understood, `AccessDenied` where it does not hold.
pub fn check(policy: &str, fields: &Fields, bucket: &str, now: Timestamp) -> Result<Range, AwsError> {
    let text = STANDARD.decode(policy.trim()).ok();
    let json = text.and_then(|text| serde_json::from_slice::<Json>(&text).ok());
    let Some(Json::Object(document)) = json else {
        return Err(invalid("Invalid JSON."));
    };
    let expiration = document
        .get("expiration")
        .ok_or_else(|| invalid("Policy missing expiration."))?;
    let ends = expiration.as_str().and_then(Timestamp::parse_iso8601);
    let ends = ends.ok_or_else(|| {
        let shown = expiration
            .as_str()
            .map_or_else(|| expiration.to_string(), str::to_owned);
        invalid(&format!("Invalid 'expiration' value: '{shown}'"))
    })?;
    let Some(Json::Array(conditions)) = document.get("conditions") else {
        return Err(match document.get("conditions") {
            None => invalid("Policy missing conditions."),
            Some(_) => invalid("Invalid 'conditions' value: must be a List."),
        });
    };
    let conditions: Vec<Condition> = conditions.iter().map(Condition::read).collect::<Result<_, _>>()?;
    if ends < now {
        return Err(unmet("Policy expired."));
    }
    let mut range = None;
    for condition in &conditions {
        match condition {
            Condition::Length(least, most) => range = Some((*least, *most)),
            Condition::Field {
                starts,
                field,
                value,
                shown,
            } => {
                let sent = match field.strip_prefix('$') {
                    None => None,
                    Some(name) if name.eq_ignore_ascii_case("bucket") => Some(bucket),
                    Some(name) => fields.get(name),
                };
                let good = match (sent, starts) {
                    (Some(sent), true) => starts_with(field, sent, value),
                    (Some(sent), false) => sent == value,
                    // A field that need not begin with anything need not be there.
                    (None, _) => *starts && value.is_empty(),
                };
                if !good {
                    return Err(unmet(&format!("Policy Condition failed: {shown}")));
                }
            }
        }
    }
    let spoken_of = |name: &str| {
        conditions.iter().any(|condition| match condition {
            Condition::Field { field, .. } => field.trim_start_matches('$').eq_ignore_ascii_case(name),
            Condition::Length(..) => false,
        })
    };
    let extra: Vec<&str> = fields
        .iter()
        .map(|(name, _)| name)
        .filter(|name| {
            let lower = name.to_ascii_lowercase();
            !FREE.contains(&lower.as_str()) && !lower.starts_with("x-ignore-") && !spoken_of(name)
        })
        .collect();
    if !extra.is_empty() {
        return Err(unmet(&format!("Extra input fields: {}", extra.join(", "))));
    }
    Ok(range)
}

/// Lists of types may be sent where one is allowed.
fn starts_with(field: &str, sent: &str, value: &str) -> bool {
    if field.eq_ignore_ascii_case("$content-type") {
        return sent.split(',').all(|one| one.trim().starts_with(value));
    }
    sent.starts_with(value)
}

enum Condition {
    /// The file's least and most bytes.
    Length(u64, u64),
    Field {
        starts: bool,
        /// With its dollar sign.
        field: String,
        value: String,
        /// As errors show it.
        shown: String,
    },
}

impl Condition {
    fn read(json: &Json) -> Result<Condition, AwsError> {
        match json {
            Json::Object(members) => {
                let mut members = members.iter();
                let (Some((name, value)), None) = (members.next(), members.next()) else {
                    return Err(invalid(
                        "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
                    ));
                };
                let value = value
                    .as_str()
                    .ok_or_else(|| invalid("Invalid Simple-Condition: value must be a string."))?;
                Ok(Condition::field(false, &format!("${name}"), value))
            }
            Json::Array(parts) => Condition::read_list(parts),
            _ => Err(invalid("Invalid 'conditions' value: must contain Objects or Lists.")),
        }
    }

    fn read_list(parts: &[Json]) -> Result<Condition, AwsError> {
        let operation = parts.first().and_then(Json::as_str).unwrap_or_default();
        let [_, first, second] = parts else {
            return Err(invalid(&format!(
                "Invalid Condition: wrong number of arguments for \"{operation}\"."
            )));
        };
        let length = |json: &Json| match json {
            Json::String(text) => text.parse().ok(),
            json => json.as_u64(),
        };
        match operation.to_ascii_lowercase().as_str() {
            "content-length-range" => match (length(first), length(second)) {
                (Some(least), Some(most)) => Ok(Condition::Length(least, most)),
                _ => Err(invalid("Invalid content-length-range: arguments must be integers.")),
            },
            kind @ ("eq" | "starts-with") => match (first.as_str(), second.as_str()) {
                (Some(field), Some(value)) => Ok(Condition::field(kind == "starts-with", field, value)),
                _ => Err(invalid("Invalid Condition: arguments must be strings.")),
            },
            _ => Err(invalid(&format!("Invalid Condition: unknown operation '{operation}'."))),
        }
    }

    fn field(starts: bool, field: &str, value: &str) -> Condition {
        let quoted = |text: &str| Json::from(text).to_string();
        let name = if starts { "starts-with" } else { "eq" };
        Condition::Field {
            starts,
            field: field.to_owned(),
            value: value.to_owned(),
            shown: format!("[{}, {}, {}]", quoted(name), quoted(field), quoted(value)),
        }
    }
}

fn invalid(why: &str) -> AwsError {
    errors::invalid_policy_document(&format!("Invalid Policy: {why}"))
}

fn unmet(why: &str) -> AwsError {
    AwsError::new("AccessDenied", format!("Invalid according to Policy: {why}")).with_status(403)
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::form::Fields;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use virga_base::Timestamp;

    fn said(policy: &str, fields: &[(&str, &str)]) -> Result<Option<(u64, u64)>, String> {
        let mut form = Fields::default();
        for (name, value) in fields {
            form.add((*name).to_owned(), (*value).to_owned());
        }
        check(&STANDARD.encode(policy), &form, "b", Timestamp::from_secs(0)).map_err(|error| error.message)
    }

    fn of(conditions: &str, fields: &[(&str, &str)]) -> Result<Option<(u64, u64)>, String> {
        said(
            &format!(r#"{{"expiration":"1970-01-02T00:00:00Z","conditions":{conditions}}}"#),
            fields,
        )
    }

    #[test]
    fn conditions_hold_or_are_named() {
        let key = &[("Key", "user/x")][..];
        for (conditions, fields, failed) in [
            (r#"[{"bucket":"b"},["starts-with","$kEy","user/"]]"#, key, None),
            (r#"[["eq","$key","user/y"]]"#, key, Some(r#"["eq", "$key", "user/y"]"#)),
            (r#"[{"key":"User/x"}]"#, key, Some(r#"["eq", "$key", "User/x"]"#)),
            (r#"[["eq","key","user/x"]]"#, key, Some(r#"["eq", "key", "user/x"]"#)),
            (r#"[["starts-with","$key",""],["starts-with","$acl",""]]"#, key, None),
            (
                r#"[{"key":"user/x"},{"acl":"private"}]"#,
                key,
                Some(r#"["eq", "$acl", "private"]"#),
            ),
        ] {
            let expected =
                failed.map(|failed| format!("Invalid according to Policy: Policy Condition failed: {failed}"));
            assert_eq!(of(conditions, fields).err(), expected, "{conditions}");
        }
        assert_eq!(of(r#"[["content-length-range",1,"9"]]"#, &[]), Ok(Some((1, 9))));
        assert_eq!(
            of("[]", key).err().as_deref(),
            Some("Invalid according to Policy: Extra input fields: Key")
        );
        assert_eq!(of("[]", &[("x-ignore-me", ""), ("policy", "")]), Ok(None));
    }

    #[test]
    fn policies_that_cannot_be_understood() {
        for (policy, expected) in [
            ("{", "Invalid Policy: Invalid JSON."),
            (r#"{"conditions":[]}"#, "Invalid Policy: Policy missing expiration."),
            (
                r#"{"expiration":"tomorrow","conditions":[]}"#,
                "Invalid Policy: Invalid 'expiration' value: 'tomorrow'",
            ),
            (
                r#"{"expiration":"1970-01-02T00:00:00Z"}"#,
                "Invalid Policy: Policy missing conditions.",
            ),
            (
                r#"{"expiration":"1970-01-02T00:00:00Z","conditions":[{"a":"b","c":"d"}]}"#,
                "Invalid Policy: Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
            ),
            (
                r#"{"expiration":"1969-01-02T00:00:00Z","conditions":[]}"#,
                "Invalid according to Policy: Policy expired.",
            ),
        ] {
            assert_eq!(said(policy, &[]).err().as_deref(), Some(expected), "{policy}");
        }
    }
}
