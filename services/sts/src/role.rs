//! The role that a request names.

use crate::errors;
use sha2::{Digest, Sha256};
use virga_service::{Account, Arn, AwsError};

const UPPER: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A role, as its ARN names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    pub partition: String,
    pub account: Account,
    /// Begins and ends with a slash.
    pub path: String,
    pub name: String,
}

impl Role {
    /// Reads `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`.
    pub fn parse(text: &str) -> Result<Role, AwsError> {
        let arn = Arn::parse(text).map_err(|_| errors::validation(format!("{text} is invalid")))?;
        Role::of(&arn).ok_or_else(|| errors::validation("Request ARN is invalid"))
    }

    fn of(arn: &Arn) -> Option<Role> {
        if arn.service != "iam" || !arn.region.is_empty() {
            return None;
        }
        let (path, name) = arn.resource.strip_prefix("role/")?.rsplit_once('/').map_or_else(
            || (String::from("/"), arn.resource.trim_start_matches("role/")),
            |(path, name)| (format!("/{path}/"), name),
        );
        let known = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(known) {
            return None;
        }
        Some(Role {
            partition: arn.partition.clone(),
            account: Account::parse(&arn.account).ok()?,
            path,
            name: name.to_owned(),
        })
    }

    /// The role's ARN in IAM.
    pub fn arn(&self) -> String {
        let Role {
            partition,
            account,
            path,
            name,
        } = self;
        format!("arn:{partition}:iam::{account}:role{path}{name}")
    }

    /// The ARN of one of its sessions.
    pub fn session_arn(&self, session: &str) -> String {
        let Role {
            partition,
            account,
            name,
            ..
        } = self;
        format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session}")
    }

    /// The role's unique id (`AROA…`, 21 characters). It follows from the ARN, so that it is the same in every session
    /// and after every start, as long as there is no IAM to draw one when the role is created.
    pub fn id(&self) -> String {
        let digest = Sha256::digest(self.arn());
        let letters = digest
            .iter()
            .take(17)
            .map(|byte| char::from(UPPER[usize::from(byte % 32)]));
        "AROA".chars().chain(letters).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Role;
    use virga_service::Account;

    #[test]
    fn a_role_is_read_off_its_arn() {
        let role = Role::parse("arn:aws:iam::123456789012:role/team/a/reader").unwrap();
        assert_eq!((role.path.as_str(), role.name.as_str()), ("/team/a/", "reader"));
        assert_eq!(role.account, Account::from_number(123_456_789_012));
        assert_eq!(role.arn(), "arn:aws:iam::123456789012:role/team/a/reader");
        // AWS leaves the path out of the session's ARN.
        assert_eq!(
            role.session_arn("me"),
            "arn:aws:sts::123456789012:assumed-role/reader/me"
        );
        assert_eq!(Role::parse("arn:aws:iam::123456789012:role/r").unwrap().path, "/");
    }

    #[test]
    fn an_id_follows_from_the_arn() {
        let id = |arn: &str| Role::parse(arn).unwrap().id();
        let one = id("arn:aws:iam::123456789012:role/reader");
        assert_eq!(one.len(), 21);
        assert!(one.starts_with("AROA"));
        assert_eq!(one, id("arn:aws:iam::123456789012:role/reader"));
        assert_ne!(one, id("arn:aws:iam::123456789012:role/writer"));
    }

    #[test]
    fn what_is_no_role_is_refused_in_aws_words() {
        let message = |arn: &str| Role::parse(arn).unwrap_err().message;
        assert_eq!(message("nothing-valid-in-here"), "nothing-valid-in-here is invalid");
        assert_eq!(
            message("arn::b:::something/test-role"),
            "arn::b:::something/test-role is invalid"
        );
        assert_eq!(
            message("arn:a:::something/test-role"),
            "arn:a:::something/test-role is invalid"
        );
        for other in [
            "arn:aws:iam::123456789012:user/somebody",
            "arn:aws:sqs:us-east-1:123456789012:role/r",
            "arn:aws:iam::12345:role/reader",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role/with space",
        ] {
            assert_eq!(message(other), "Request ARN is invalid", "{other}");
        }
    }
}
