//! Whom a statement is about, and who asks.

use crate::Fault;
use crate::json::Json;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker<'a> {
    Anonymous,
    /// A user, session or root of an account.
    Principal {
        account: &'a str,
        arn: &'a str,
        /// The role behind a session.
        role_arn: Option<&'a str>,
        /// `AIDA…`, `AROA…`, as policies keep principals that were deleted.
        unique_id: Option<&'a str>,
        /// The account's id as S3 knows it.
        canonical_id: Option<&'a str>,
    },
    /// An AWS service, acting for an account.
    Service {
        account: &'a str,
        name: &'a str,
    },
    /// Somebody whom an identity provider has vouched for.
    Federated {
        provider: &'a str,
    },
}

impl Asker<'_> {
    /// The account it belongs to or acts for.
    pub fn account(&self) -> Option<&str> {
        match self {
            Asker::Principal { account, .. } | Asker::Service { account, .. } => Some(account),
            Asker::Anonymous | Asker::Federated { .. } => None,
        }
    }
}

/// One entry of `Principal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grantee {
    Everyone,
    /// All of an account, as far as its own policies let them.
    Account(String),
    Arn(String),
    /// What AWS makes of a principal that was deleted.
    UniqueId(String),
    CanonicalUser(String),
    Service(String),
    Federated(String),
}

/// How a statement came to be about somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Through {
    /// Its account is named.
    Account,
    /// All are.
    Everyone,
    /// It is named itself, or the policy is its own.
    Itself,
}

/// `Principal` or `NotPrincipal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principals {
    pub negated: bool,
    pub grantees: Vec<Grantee>,
}

impl Principals {
    pub(crate) fn parse(value: &Json, negated: bool, name: &'static str) -> Result<Principals, Fault> {
        let mut grantees = Vec::new();
        match value {
            Json::Text(text) if text == "*" => grantees.push(Grantee::Everyone),
            Json::Text(text) => {
                return Err(Fault::Principal {
                    kind: "AWS",
                    value: text.clone(),
                });
            }
            Json::Object(kinds) if kinds.is_empty() => return Err(Fault::Empty(name)),
            Json::Object(kinds) => {
                for (kind, values) in kinds {
                    let values = match values {
                        Json::Text(_) => std::slice::from_ref(values),
                        Json::List(values) => values.as_slice(),
                        _ => return Err(Fault::Kind(name)),
                    };
                    for value in values {
                        let Json::Text(text) = value else {
                            return Err(Fault::Kind(name));
                        };
                        grantees.push(Grantee::parse(kind, text)?);
                    }
                }
            }
            _ => return Err(Fault::Kind(name)),
        }
        Ok(Principals { negated, grantees })
    }

    /// How the asker is meant, if at all.
    pub fn matches(&self, asker: &Asker<'_>) -> Option<Through> {
        let through = self.grantees.iter().filter_map(|grantee| grantee.matches(asker)).max();
        match (self.negated, through) {
            (false, through) => through,
            (true, Some(_)) => None,
            (true, None) => Some(Through::Everyone),
        }
    }
}

impl Grantee {
    fn parse(kind: &str, text: &str) -> Result<Grantee, Fault> {
        let wrong = |kind| {
            Err(Fault::Principal {
                kind,
                value: text.to_owned(),
            })
        };
        match kind {
            "AWS" => aws(text).map_or_else(|| wrong("AWS"), Ok),
            "CanonicalUser" if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                Ok(Grantee::CanonicalUser(text.to_ascii_lowercase()))
            }
            "CanonicalUser" => wrong("CanonicalUser"),
            "Service" if text == "*" || !text.contains('.') || text.contains([' ', '/', ':']) => wrong("Service"),
            "Service" => Ok(Grantee::Service(text.to_owned())),
            "Federated" if text.is_empty() => wrong("Federated"),
            "Federated" => Ok(Grantee::Federated(text.to_owned())),
            other => Err(Fault::PrincipalKind(other.to_owned())),
        }
    }

    fn matches(&self, asker: &Asker<'_>) -> Option<Through> {
        match (self, asker) {
            (Grantee::Everyone, _) => Some(Through::Everyone),
            (Grantee::Account(named), Asker::Principal { account, arn, .. }) if named == account => {
                Some(if arn.ends_with(":root") {
                    Through::Itself
                } else {
                    Through::Account
                })
            }
            (Grantee::Arn(named), Asker::Principal { arn, role_arn, .. }) => {
                (named == arn || Some(named.as_str()) == *role_arn).then_some(Through::Itself)
            }
            (Grantee::UniqueId(named), Asker::Principal { unique_id, .. }) => {
                (Some(named.as_str()) == *unique_id).then_some(Through::Itself)
            }
            (Grantee::CanonicalUser(named), Asker::Principal { canonical_id, .. }) => {
                (Some(named.as_str()) == *canonical_id).then_some(Through::Account)
            }
            (Grantee::Service(named), Asker::Service { name, .. }) => (named == name).then_some(Through::Itself),
            (Grantee::Federated(named), Asker::Federated { provider }) => {
                (named == provider).then_some(Through::Itself)
            }
            _ => None,
        }
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn aws(text: &str) -> Option<Grantee> {
    if text == "*" {
        return Some(Grantee::Everyone);
    }
    if is_account(text) {
        return Some(Grantee::Account(text.to_owned()));
    }
    let Some(arn) = text.strip_prefix("arn:") else {
        let is_id = text.len() >= 20
            && ["AIDA", "AROA", "AGPA", "ANPA"]
                .iter()
                .any(|start| text.starts_with(start))
            && text
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        return is_id.then(|| Grantee::UniqueId(text.to_owned()));
    };
    let mut parts = arn.splitn(5, ':');
    let (partition, service, region) = (parts.next()?, parts.next()?, parts.next()?);
    let (account, resource) = (parts.next()?, parts.next()?);
    let known = partition == "aws" || partition.starts_with("aws-");
    if !known || !region.is_empty() || text.contains(['*', '?']) {
        return None;
    }
    let (kind, name) = resource.split_once('/').unwrap_or((resource, ""));
    match (service, kind) {
        ("iam", "root") if name.is_empty() && is_account(account) => Some(Grantee::Account(account.to_owned())),
        ("iam", "user") if account == "cloudfront" && !name.is_empty() => Some(Grantee::Arn(text.to_owned())),
        ("iam", "user" | "role") | ("sts", "assumed-role" | "federated-user") => {
            (is_account(account) && !name.is_empty()).then(|| Grantee::Arn(text.to_owned()))
        }
        _ => None,
    }
}
