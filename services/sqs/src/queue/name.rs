//! Names of queues, and their ARNs.

use crate::errors;
use virga_base::{Arn, AwsError};

const NAME_MAX_LENGTH: usize = 80;

/// FIFO queues are told by their names.
pub fn is_fifo(name: &str) -> bool {
    name.ends_with(".fifo")
}

/// Whether a queue could have this name.
pub fn is_valid(name: &str) -> bool {
    let stem = name.strip_suffix(".fifo").unwrap_or(name);
    !stem.is_empty()
        && name.len() <= NAME_MAX_LENGTH
        && stem
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Checks the name of a queue to be made.
pub fn check(name: &str, fifo: bool) -> Result<(), AwsError> {
    match (fifo, is_fifo(name)) {
        (true, true) | (false, false) if is_valid(name) => Ok(()),
        (true, _) => Err(errors::invalid(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with \
             .fifo suffix and be 1 to 80 in length.",
        )),
        (false, _) => Err(errors::invalid(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        )),
    }
}

/// The ARN's queue name, account and region, if it is a queue's.
pub fn parse_arn(text: &str) -> Option<Arn> {
    Arn::parse(text)
        .ok()
        .filter(|arn| arn.service == "sqs" && is_valid(&arn.resource))
}

#[cfg(test)]
mod tests {
    use super::{check, parse_arn};

    #[test]
    fn names_follow_the_kind_of_queue() {
        for (name, fifo, fits) in [
            ("q", false, true),
            ("a-B_9", false, true),
            ("q.fifo", true, true),
            ("q.fifo", false, false),
            ("q", true, false),
            (".fifo", true, false),
            ("", false, false),
            ("a b", false, false),
            ("a/b", false, false),
            ("ü", false, false),
        ] {
            assert_eq!(check(name, fifo).is_ok(), fits, "{name} {fifo}");
        }
        assert!(check(&"q".repeat(80), false).is_ok());
        assert!(check(&"q".repeat(81), false).is_err());
        assert!(check(&format!("{}.fifo", "q".repeat(75)), true).is_ok());
        assert!(check(&format!("{}.fifo", "q".repeat(76)), true).is_err());
    }

    #[test]
    fn only_arns_of_queues_are_read() {
        assert!(parse_arn("arn:aws:sqs:us-east-1:000000000000:q.fifo").is_some());
        assert!(parse_arn("arn:aws:sns:us-east-1:000000000000:q").is_none());
        assert!(parse_arn("arn:aws:sqs:us-east-1:000000000000:q/x").is_none());
    }
}
