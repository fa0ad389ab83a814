//! Access control lists, pure: who was granted what, and how that is asked for and shown.

pub mod canned;
pub mod read;

use crate::owner::{account_of, canonical_id};
use crate::wire;
use serde::{Deserialize, Serialize};
use virga_base::Account;
use virga_service::{Caller, Principal};

/// The Amazon EC2 service, which `aws-exec-read` is for.
const EC2_ID: &str = "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c";
const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const AUTHENTICATED_USERS: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
const LOG_DELIVERY: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Permission {
    Read,
    Write,
    ReadAcp,
    WriteAcp,
    FullControl,
}

impl Permission {
    pub fn as_str(self) -> &'static str {
        match self {
            Permission::Read => "READ",
            Permission::Write => "WRITE",
            Permission::ReadAcp => "READ_ACP",
            Permission::WriteAcp => "WRITE_ACP",
            Permission::FullControl => "FULL_CONTROL",
        }
    }

    pub fn parse(text: &str) -> Option<Permission> {
        let all = [
            Permission::Read,
            Permission::Write,
            Permission::ReadAcp,
            Permission::WriteAcp,
            Permission::FullControl,
        ];
        all.into_iter().find(|permission| permission.as_str() == text)
    }
}

/// To whom something is granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grantee {
    /// A canonical id.
    User(String),
    AllUsers,
    /// Everybody who has signed.
    AuthenticatedUsers,
    LogDelivery,
}

impl Grantee {
    fn group(uri: &str) -> Option<Grantee> {
        match uri {
            ALL_USERS => Some(Grantee::AllUsers),
            AUTHENTICATED_USERS => Some(Grantee::AuthenticatedUsers),
            LOG_DELIVERY => Some(Grantee::LogDelivery),
            _ => None,
        }
    }

    fn is_public(&self) -> bool {
        matches!(self, Grantee::AllUsers | Grantee::AuthenticatedUsers)
    }

    fn covers(&self, caller: &Caller) -> bool {
        match self {
            Grantee::AllUsers => true,
            Grantee::AuthenticatedUsers => caller.principal != Principal::Anonymous,
            Grantee::LogDelivery => {
                matches!(&caller.principal, Principal::Service { name } if name == "logging.s3.amazonaws.com")
            }
            Grantee::User(id) => caller.principal != Principal::Anonymous && account_of(id) == Some(caller.account),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub grantee: Grantee,
    pub permission: Permission,
}

impl Grant {
    pub fn new(grantee: Grantee, permission: Permission) -> Grant {
        Grant { grantee, permission }
    }
}

/// Whose it is, and what was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acl {
    pub owner: Account,
    pub grants: Vec<Grant>,
}

impl Acl {
    /// Its owner may do everything, and nobody else anything.
    pub fn private(owner: Account) -> Acl {
        Acl {
            owner,
            grants: vec![Grant::new(Grantee::User(canonical_id(owner)), Permission::FullControl)],
        }
    }

    /// As rows keep it; nothing is [`Acl::private`].
    pub fn load(owner: Account, kept: Option<&str>) -> Acl {
        match kept.and_then(|kept| serde_json::from_str(kept).ok()) {
            Some(grants) => Acl { owner, grants },
            None => Acl::private(owner),
        }
    }

    /// What [`Acl::load`] takes.
    pub fn keep(&self) -> Option<String> {
        if *self == Acl::private(self.owner) {
            return None;
        }
        serde_json::to_string(&self.grants).ok()
    }

    /// Whether the caller was granted it. `ignore_public` leaves out what was granted to everybody. The owner may always
    /// read and write the list itself.
    pub fn grants(&self, caller: &Caller, permission: Permission, ignore_public: bool) -> bool {
        let own = caller.principal != Principal::Anonymous && caller.account == self.owner;
        if own && matches!(permission, Permission::ReadAcp | Permission::WriteAcp) {
            return true;
        }
        self.grants.iter().any(|grant| {
            (grant.permission == permission || grant.permission == Permission::FullControl)
                && grant.grantee.covers(caller)
                && !(ignore_public && grant.grantee.is_public())
        })
    }

    /// Whether it grants anything to everybody.
    pub fn is_public(&self) -> bool {
        self.grants.iter().any(|grant| grant.grantee.is_public())
    }

    /// As the operations answer it.
    pub fn shown(&self) -> Vec<wire::Grant> {
        self.grants.iter().map(shown).collect()
    }
}

/// A grant in the model's form.
pub fn shown(grant: &Grant) -> wire::Grant {
    let group = |uri: &str| wire::Grantee {
        type_: Some("Group".to_owned()),
        uri: Some(uri.to_owned()),
        ..wire::Grantee::default()
    };
    let grantee = match &grant.grantee {
        Grantee::User(id) => wire::Grantee {
            type_: Some("CanonicalUser".to_owned()),
            id: Some(id.clone()),
            ..wire::Grantee::default()
        },
        Grantee::AllUsers => group(ALL_USERS),
        Grantee::AuthenticatedUsers => group(AUTHENTICATED_USERS),
        Grantee::LogDelivery => group(LOG_DELIVERY),
    };
    wire::Grant {
        grantee: Some(grantee),
        permission: Some(grant.permission.as_str().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::canned::{On, grants};
    use super::{Acl, Grant, Grantee, Permission};
    use crate::owner::canonical_id;
    use virga_base::Account;
    use virga_service::Caller;

    fn account(digit: u64) -> Account {
        Account::from_number(111_111_111_111 * digit)
    }

    #[test]
    fn a_list_is_kept_and_found_again() {
        let private = Acl::private(account(1));
        assert_eq!(private.keep(), None);
        let mut acl = private.clone();
        acl.grants.push(Grant::new(Grantee::AllUsers, Permission::Read));
        acl.grants.push(Grant::new(
            Grantee::User(canonical_id(account(2))),
            Permission::WriteAcp,
        ));
        assert_eq!(Acl::load(account(1), acl.keep().as_deref()), acl);
        assert_eq!(Acl::load(account(1), None), private);
        let empty = Acl {
            owner: account(1),
            grants: Vec::new(),
        };
        assert_eq!(Acl::load(account(1), empty.keep().as_deref()), empty);
    }

    #[test]
    fn grants_reach_those_they_name() {
        let (owner, other, nobody) = (
            Caller::root(account(1)),
            Caller::root(account(2)),
            Caller::anonymous(account(1)),
        );
        let of = |canned: &str| Acl {
            owner: account(1),
            grants: grants(canned, account(1), account(1), On::Object).unwrap_or_default(),
        };
        for (canned, read) in [
            ("private", [true, false, false]),
            ("public-read", [true, true, true]),
            ("authenticated-read", [true, true, false]),
        ] {
            let acl = of(canned);
            let may = [&owner, &other, &nobody].map(|caller| acl.grants(caller, Permission::Read, false));
            assert_eq!(may, read, "{canned}");
            assert!(!acl.grants(&other, Permission::Read, true), "{canned}");
            assert!(!acl.grants(&nobody, Permission::ReadAcp, false));
        }
        let empty = Acl {
            owner: account(1),
            grants: Vec::new(),
        };
        assert!(empty.grants(&owner, Permission::WriteAcp, false) && !empty.grants(&owner, Permission::Read, false));
    }
}
