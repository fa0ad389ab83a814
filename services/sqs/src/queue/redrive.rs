//! `RedrivePolicy` and `RedriveAllowPolicy`.

use crate::state::Redrive;
use crate::{errors, limits, queue::name};
use serde_json::{Value as Json, json};
use virga_base::{Arn, AwsError};

/// A source's redrive policy as given, before anybody has looked for the target.
pub struct RedrivePolicy {
    pub target: Arn,
    pub receive_count_max: u32,
}

fn refused(text: &str, reason: impl std::fmt::Display) -> AwsError {
    errors::invalid_parameter(text, "RedrivePolicy", reason)
}

/// Reads a redrive policy. `None` for an empty one, which takes the policy away.
pub fn parse(text: &str) -> Result<Option<RedrivePolicy>, AwsError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let Ok(Json::Object(policy)) = serde_json::from_str::<Json>(text) else {
        return Err(refused(text, "Redrive policy is not a valid JSON map."));
    };
    if policy.is_empty() {
        return Ok(None);
    }
    let mandatory = |field: &str| {
        policy.get(field).ok_or_else(|| {
            refused(
                text,
                format!("Redrive policy does not contain mandatory attribute: {field}."),
            )
        })
    };
    let target = mandatory("deadLetterTargetArn")?;
    let count = mandatory("maxReceiveCount")?;
    if let Some(unknown) = policy
        .keys()
        .find(|key| !matches!(key.as_str(), "deadLetterTargetArn" | "maxReceiveCount"))
    {
        return Err(refused(
            text,
            format!("Redrive policy contains unknown attribute: {unknown}."),
        ));
    }
    let receive_count_max = match count {
        Json::Number(number) => number.as_i64(),
        Json::String(text) => text.parse().ok(),
        _ => None,
    }
    .filter(|count| (1..=limits::RECEIVE_COUNT_MAX).contains(count))
    .and_then(|count| u32::try_from(count).ok())
    .ok_or_else(|| {
        let shown = count.as_str().map_or_else(|| count.to_string(), str::to_owned);
        refused(
            text,
            format!("Invalid value for maxReceiveCount: {shown}, valid values are from 1 to 1000 both inclusive."),
        )
    })?;
    let target = target
        .as_str()
        .and_then(name::parse_arn)
        .ok_or_else(|| refused(text, "Invalid value for deadLetterTargetArn."))?;
    Ok(Some(RedrivePolicy {
        target,
        receive_count_max,
    }))
}

impl RedrivePolicy {
    /// Checks what can be told of the target by its ARN.
    pub fn check(&self, text: &str, source: &Arn) -> Result<(), AwsError> {
        if self.target.account != source.account {
            return Err(refused(text, "Dead-letter target owner should be same as the source."));
        }
        if self.target.region != source.region {
            return Err(refused(
                text,
                "Dead-letter target must be in same region as the source.",
            ));
        }
        Ok(())
    }

    pub fn target_does_not_exist(text: &str) -> AwsError {
        refused(text, "Dead letter target does not exist.")
    }

    /// Checks the target itself: its kind, and whom it lets in.
    pub fn check_target(&self, text: &str, source: &Arn, target_allow: Option<&str>) -> Result<(), AwsError> {
        if name::is_fifo(&self.target.resource) != name::is_fifo(&source.resource) {
            return Err(refused(
                text,
                "Dead-letter queue must be same type of queue as the source.",
            ));
        }
        if target_allow.is_some_and(|allow| !allows(allow, &source.to_string())) {
            return Err(refused(
                text,
                "Dead-letter queue's redrive allow policy does not permit this source queue.",
            ));
        }
        Ok(())
    }

    pub fn to_redrive(&self) -> Redrive {
        Redrive {
            target_arn: self.target.to_string(),
            target: self.target.resource.clone(),
            receive_count_max: self.receive_count_max,
        }
    }
}

/// A redrive policy as GetQueueAttributes answers it.
pub fn show(redrive: &Redrive) -> String {
    json!({
        "deadLetterTargetArn": redrive.target_arn,
        "maxReceiveCount": redrive.receive_count_max,
    })
    .to_string()
}

/// Checks a `RedriveAllowPolicy`; answers whether it says anything.
pub fn check_allow(text: &str) -> Result<bool, AwsError> {
    let refused = |reason: &str| Err(errors::invalid_parameter(text, "RedriveAllowPolicy", reason));
    if text.trim().is_empty() {
        return Ok(false);
    }
    let Ok(Json::Object(policy)) = serde_json::from_str::<Json>(text) else {
        return refused("Amazon SQS can't create the redrive allow policy, as it's in an unsupported format.");
    };
    if policy.is_empty() {
        return Ok(false);
    }
    let sources = policy.get("sourceQueueArns");
    match policy.get("redrivePermission").and_then(Json::as_str) {
        Some("allowAll" | "denyAll") if sources.is_some() => {
            refused("The sourceQueueArns parameter can be specified only when redrivePermission is byQueue.")
        }
        Some("allowAll" | "denyAll") => Ok(true),
        Some("byQueue") => {
            let arns = sources.and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
            if arns.is_empty() || arns.len() > limits::REDRIVE_SOURCES_MAX {
                return refused("The sourceQueueArns parameter must contain from 1 to 10 queue ARNs.");
            }
            if arns.iter().any(|arn| arn.as_str().and_then(name::parse_arn).is_none()) {
                return refused("The sourceQueueArns parameter contains an invalid queue ARN.");
            }
            Ok(true)
        }
        _ => refused("The redrivePermission parameter must be allowAll, denyAll or byQueue."),
    }
}

/// Whether a dead-letter queue with this policy takes messages from a source.
fn allows(policy: &str, source_arn: &str) -> bool {
    let Ok(policy) = serde_json::from_str::<Json>(policy) else {
        return true;
    };
    match policy.get("redrivePermission").and_then(Json::as_str) {
        Some("denyAll") => false,
        Some("byQueue") => policy
            .get("sourceQueueArns")
            .and_then(Json::as_array)
            .is_some_and(|arns| arns.iter().any(|arn| arn.as_str() == Some(source_arn))),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::{allows, check_allow, parse, show};

    fn reason(text: &str) -> String {
        let message = parse(text).err().map(|error| error.message).unwrap_or_default();
        message.split("Reason: ").nth(1).unwrap_or_default().to_owned()
    }

    #[test]
    fn a_policy_is_read_and_shown_in_one_form() {
        let given = r#"{"maxReceiveCount": "7", "deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:d"}"#;
        let shown = parse(given).ok().flatten().map(|policy| show(&policy.to_redrive()));
        assert_eq!(
            shown.as_deref(),
            Some(r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:d","maxReceiveCount":7}"#)
        );
        assert!(matches!(parse(""), Ok(None)));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let arn = "arn:aws:sqs:us-east-1:000000000000:d";
        assert_eq!(reason("[]"), "Redrive policy is not a valid JSON map.");
        assert_eq!(
            reason(&format!(r#"{{"deadLetterTargetArn":"{arn}"}}"#)),
            "Redrive policy does not contain mandatory attribute: maxReceiveCount."
        );
        assert_eq!(
            reason(r#"{"maxReceiveCount":1}"#),
            "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."
        );
        for (count, shown) in [("0", "0"), ("1001", "1001"), ("\"x\"", "x")] {
            assert_eq!(
                reason(&format!(
                    r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":{count}}}"#
                )),
                format!("Invalid value for maxReceiveCount: {shown}, valid values are from 1 to 1000 both inclusive.")
            );
        }
    }

    #[test]
    fn a_dead_letter_queue_chooses_its_sources() {
        let arn = "arn:aws:sqs:us-east-1:000000000000:s";
        let by_queue = format!(r#"{{"redrivePermission":"byQueue","sourceQueueArns":["{arn}"]}}"#);
        assert!(matches!(check_allow(&by_queue), Ok(true)));
        assert!(allows(&by_queue, arn));
        assert!(!allows(&by_queue, "arn:aws:sqs:us-east-1:000000000000:other"));
        assert!(!allows(r#"{"redrivePermission":"denyAll"}"#, arn));
        assert!(allows(r#"{"redrivePermission":"allowAll"}"#, arn));
        assert!(check_allow(r#"{"redrivePermission":"some"}"#).is_err());
        assert!(check_allow(r#"{"redrivePermission":"byQueue"}"#).is_err());
    }
}
