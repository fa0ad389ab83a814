//! Session policies: their form, and how much of the allotted space they take.

use crate::errors;
use crate::state::SessionTag;
use crate::wire::PolicyDescriptorType;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde_json::Value as Json;
use std::io::Write;
use virga_service::{Arn, AwsError};

/// Managed policies that a session may name.
const POLICY_ARNS_MAX: usize = 10;
/// AWS packs policies and tags in a form it does not document; this is what its examples come to when deflated.
const ALLOTTED_BYTES: usize = 1600;

/// What a session may do at most, beyond what its principal may.
#[derive(Debug, PartialEq, Eq)]
pub struct SessionPolicy {
    pub document: Option<String>,
    pub arns: Vec<String>,
    /// In percent of the allotted space; `None` where the request has neither policy nor tags.
    pub packed_percent: Option<i32>,
}

/// Checks the policy, the managed policies and the tags of a request.
pub fn session_policy(
    document: Option<String>,
    arns: Option<Vec<PolicyDescriptorType>>,
    tags: &[SessionTag],
) -> Result<SessionPolicy, AwsError> {
    let arns: Vec<String> = arns.unwrap_or_default().into_iter().filter_map(|p| p.arn).collect();
    if arns.len() > POLICY_ARNS_MAX {
        let shown = format!("[{}]", arns.join(", "));
        let limit = format!("Member must have length less than or equal to {POLICY_ARNS_MAX}");
        return Err(errors::constraint(&shown, "policyArns", &limit));
    }
    for arn in &arns {
        if !is_managed_policy(arn) {
            return Err(errors::validation(format!("ARN {arn} is not valid.")));
        }
    }
    if let Some(document) = &document {
        check_document(document)?;
    }
    let policy_text: String = document.iter().chain(&arns).flat_map(|text| text.chars()).collect();
    let tags_text: String = tags
        .iter()
        .flat_map(|tag| [tag.key.as_str(), tag.value.as_str()])
        .collect();
    if policy_text.is_empty() && tags_text.is_empty() {
        return Ok(SessionPolicy {
            document,
            arns,
            packed_percent: None,
        });
    }
    let policy_percent = percent(&policy_text);
    if policy_percent > 100 {
        return Err(errors::packed_policy_too_large(policy_percent));
    }
    let tags_percent = percent(&tags_text);
    if tags_percent > 100 {
        return Err(errors::packed_tags_too_large(tags_percent));
    }
    let both = percent(&format!("{policy_text}{tags_text}"));
    if both > 100 {
        return Err(errors::packed_policy_too_large(both));
    }
    let packed_percent = i32::try_from(both).ok();
    Ok(SessionPolicy {
        document,
        arns,
        packed_percent,
    })
}

fn is_managed_policy(arn: &str) -> bool {
    Arn::parse(arn).is_ok_and(|arn| arn.service == "iam" && arn.resource.starts_with("policy/"))
}

fn percent(text: &str) -> usize {
    if text.is_empty() {
        return 0;
    }
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    let packed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    let bytes = packed.map_or(text.len(), |packed| packed.len());
    (bytes * 100).div_ceil(ALLOTTED_BYTES)
}

/// The form of an identity policy, as far as AWS checks it before anything is evaluated.
fn check_document(document: &str) -> Result<(), AwsError> {
    let malformed = |message: &str| Err(errors::malformed_policy(message));
    let Ok(policy) = serde_json::from_str::<Json>(document) else {
        return malformed("The policy is not in the valid JSON format.");
    };
    let Some(policy) = policy.as_object() else {
        return malformed("The policy is not in the valid JSON format.");
    };
    let known = ["Version", "Id", "Statement"];
    if policy.keys().any(|key| !known.contains(&key.as_str())) {
        return malformed("Syntax errors in policy.");
    }
    match policy.get("Version") {
        None => {}
        Some(Json::String(version)) if version == "2012-10-17" || version == "2008-10-17" => {}
        Some(_) => return malformed("Policy document must be version 2012-10-17 or greater."),
    }
    let statements = match policy.get("Statement") {
        Some(Json::Array(statements)) if !statements.is_empty() => statements.as_slice(),
        Some(statement @ Json::Object(_)) => std::slice::from_ref(statement),
        _ => return malformed("Syntax errors in policy."),
    };
    for statement in statements {
        let Some(statement) = statement.as_object() else {
            return malformed("Syntax errors in policy.");
        };
        if statement.contains_key("Principal") || statement.contains_key("NotPrincipal") {
            return malformed("Policy document should not specify a principal.");
        }
        if !matches!(statement.get("Effect").and_then(Json::as_str), Some("Allow" | "Deny")) {
            return malformed("Syntax errors in policy.");
        }
        if !statement.contains_key("Action") && !statement.contains_key("NotAction") {
            return malformed("Policy statement must contain actions.");
        }
        if !statement.contains_key("Resource") && !statement.contains_key("NotResource") {
            return malformed("Policy statement must contain resources.");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::session_policy;
    use crate::state::SessionTag;
    use crate::wire::PolicyDescriptorType;

    fn of(document: &str) -> Result<Option<i32>, (String, String)> {
        session_policy(Some(document.to_owned()), None, &[])
            .map(|policy| policy.packed_percent)
            .map_err(|error| (error.code.into_owned(), error.message))
    }

    #[test]
    fn a_small_policy_takes_a_few_percent() {
        let percent = of(
            r#"{"Version":"2012-10-17","Statement":[{"Sid":"Stmt1","Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#,
        );
        assert!(matches!(percent, Ok(Some(4..=8))), "{percent:?}");
        // Without a version, and with one statement in place of a list.
        assert!(of(r#"{"Statement":{"Effect":"Deny","NotAction":"s3:*","NotResource":"*"}}"#).is_ok());
        assert_eq!(session_policy(None, None, &[]).unwrap().packed_percent, None);
    }

    #[test]
    fn malformed_policies_are_told_apart() {
        let message = |document: &str| {
            let (code, message) = of(document).unwrap_err();
            assert_eq!(code, "MalformedPolicyDocumentException");
            message
        };
        assert_eq!(message("{"), "The policy is not in the valid JSON format.");
        assert_eq!(message("[]"), "The policy is not in the valid JSON format.");
        assert_eq!(message("{}"), "Syntax errors in policy.");
        assert_eq!(
            message(r#"{"Version":"1999-01-01","Statement":[]}"#),
            "Policy document must be version 2012-10-17 or greater."
        );
        assert_eq!(
            message(r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}]}"#),
            "Policy document should not specify a principal."
        );
        assert_eq!(
            message(r#"{"Statement":[{"Effect":"Allow","Resource":"*"}]}"#),
            "Policy statement must contain actions."
        );
        assert_eq!(
            message(r#"{"Statement":[{"Effect":"Allow","Action":"*"}]}"#),
            "Policy statement must contain resources."
        );
    }

    #[test]
    fn managed_policies_are_named_by_arn() {
        let arns = |arns: &[String]| {
            let arns = arns
                .iter()
                .map(|arn| PolicyDescriptorType { arn: Some(arn.clone()) })
                .collect();
            session_policy(None, Some(arns), &[]).map_err(|error| error.message)
        };
        let good = "arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned();
        assert_eq!(
            arns(std::slice::from_ref(&good)).unwrap().arns,
            std::slice::from_ref(&good)
        );
        assert_eq!(
            arns(&["arn:aws:s3:::b".into()]).unwrap_err(),
            "ARN arn:aws:s3:::b is not valid."
        );
        assert!(
            arns(&vec![good; 11])
                .unwrap_err()
                .ends_with("Member must have length less than or equal to 10")
        );
    }

    #[test]
    fn what_packs_too_large_is_refused() {
        // Nothing to compress: every tag differs.
        let tags: Vec<SessionTag> = (0..50u32)
            .map(|i| SessionTag {
                key: format!("{:x}{:x}", i.wrapping_mul(2_654_435_761), i.wrapping_mul(40_503)),
                value: (0..30u32)
                    .map(|j| format!("{:x}", (i * 31 + j).wrapping_mul(2_246_822_519)))
                    .collect(),
                transitive: false,
            })
            .collect();
        let error = session_policy(None, None, &tags).unwrap_err();
        assert_eq!(error.code, "PackedPolicyTooLargeException");
        assert!(
            error.message.starts_with("Packed size of session tags consumes "),
            "{error}"
        );
    }
}
