//! Who calls.

use serde::{Deserialize, Serialize};
use virga_base::{Account, Partition, Timestamp};

/// The identity behind a request, in IAM's terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Principal {
    /// Nobody signed.
    Anonymous,
    /// The account's root user; also callers whose access key Virga never issued.
    Root,
    /// An IAM user; `path` begins and ends with a slash.
    User { name: String, path: String, id: String },
    /// A session of a role; `role_path` begins and ends with a slash.
    AssumedRole {
        role: String,
        role_path: String,
        role_id: String,
        session: String,
    },
    /// A session made by GetFederationToken.
    FederatedUser { name: String },
    /// An AWS service acting on its own (`events.amazonaws.com`), or Virga's deferred work.
    Service { name: String },
}

/// A principal in its account, with the key it signed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    pub account: Account,
    pub principal: Principal,
    pub access_key_id: Option<String>,
}

impl Caller {
    /// The root user of an account.
    pub fn root(account: Account) -> Caller {
        Caller {
            account,
            principal: Principal::Root,
            access_key_id: None,
        }
    }

    /// Somebody who did not sign.
    pub fn anonymous(account: Account) -> Caller {
        Caller {
            account,
            principal: Principal::Anonymous,
            access_key_id: None,
        }
    }

    /// An AWS service acting in an account.
    pub fn service(account: Account, name: &str) -> Caller {
        Caller {
            account,
            principal: Principal::Service { name: name.to_owned() },
            access_key_id: None,
        }
    }

    /// The ARN that GetCallerIdentity answers.
    pub fn arn(&self, partition: Partition) -> String {
        let account = self.account;
        match &self.principal {
            Principal::Anonymous => "anonymous".to_owned(),
            // Asked for on every call of most users, so not left to the formatter.
            Principal::Root => {
                account.with_digits(|digits| ["arn:", partition.as_str(), ":iam::", digits, ":root"].concat())
            }
            Principal::User { name, path, .. } => format!("arn:{partition}:iam::{account}:user{path}{name}"),
            Principal::AssumedRole { role, session, .. } => {
                format!("arn:{partition}:sts::{account}:assumed-role/{role}/{session}")
            }
            Principal::FederatedUser { name } => format!("arn:{partition}:sts::{account}:federated-user/{name}"),
            Principal::Service { name } => name.clone(),
        }
    }

    /// The unique id that GetCallerIdentity answers as `UserId`.
    pub fn user_id(&self) -> String {
        match &self.principal {
            Principal::User { id, .. } => id.clone(),
            Principal::AssumedRole { role_id, session, .. } => format!("{role_id}:{session}"),
            Principal::FederatedUser { name } => format!("{}:{name}", self.account),
            Principal::Anonymous | Principal::Root | Principal::Service { .. } => {
                self.account.with_digits(str::to_owned)
            }
        }
    }
}

/// A key that Virga issued, as the service that issued it tells the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    pub secret_access_key: String,
    /// Must be sent along where it is set.
    pub session_token: Option<String>,
    /// From then on the key is refused.
    pub expires: Option<Timestamp>,
    /// False for keys that IAM has set inactive.
    pub active: bool,
    pub caller: Caller,
}
