//! Whether a document lets in everybody, as S3 understands that.

use crate::condition::network;
use crate::{Compare, Condition, Effect, Grantee, Pattern, Policy, Quantifier, Statement};
use std::net::IpAddr;

/// The keys that narrow a statement down to somebody known, if their values are fixed.
const NARROWING: [&str; 17] = [
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:sourceip",
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceowner",
    "aws:sourceaccount",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:userid",
    "s3:dataaccesspointarn",
    "s3:dataaccesspointaccount",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "aws:vpcsourceip",
];

impl Policy {
    /// Whether some statement lets in everybody: an allowance whose principal is a wildcard, and that no condition narrows
    /// down to fixed values.
    pub fn is_public(&self) -> bool {
        self.statements.iter().any(Statement::is_public)
    }
}

impl Statement {
    /// See [`Policy::is_public`].
    pub fn is_public(&self) -> bool {
        let open = match &self.principals {
            None => false,
            Some(principals) => principals.negated || principals.grantees.contains(&Grantee::Everyone),
        };
        self.effect == Effect::Allow && open && !self.conditions.iter().any(narrows)
    }
}

fn narrows(condition: &Condition) -> bool {
    let operator = condition.operator;
    // What is also met without the key narrows nothing.
    if operator.negated || operator.if_exists || operator.quantifier == Some(Quantifier::ForAllValues) {
        return false;
    }
    let key = condition.key.to_ascii_lowercase();
    if !NARROWING.contains(&key.as_str()) || condition.values.is_empty() {
        return false;
    }
    condition.values.iter().all(|value| match operator.compare {
        Compare::IpAddress => is_narrow_network(value.text()),
        Compare::StringEquals | Compare::StringEqualsIgnoreCase => !value.has_variables(),
        Compare::StringLike | Compare::ArnLike => is_fixed(&key, value),
        _ => false,
    })
}

fn is_fixed(key: &str, value: &Pattern) -> bool {
    if value.is_fixed() {
        return true;
    }
    let text = value.text();
    // An access point may be any, as long as its account is known.
    key == "s3:dataaccesspointarn"
        && text
            .split(':')
            .nth(4)
            .is_some_and(|account| account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Wider than half a continent is everybody.
fn is_narrow_network(text: &str) -> bool {
    match network(text) {
        Some((IpAddr::V4(_), bits)) => bits >= 8,
        Some((IpAddr::V6(_), bits)) => bits >= 32,
        None => false,
    }
}
