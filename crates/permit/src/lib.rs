//! Callers in the words of policies, for services whose resources have policies of their own.

use virga_base::Partition;
use virga_lang_policy::Asker;
use virga_service::{Caller, Principal};

/// A caller, with what policies may name it by.
pub struct Who<'c> {
    caller: &'c Caller,
    account: String,
    arn: String,
    role_arn: Option<String>,
    user_id: String,
}

impl<'c> Who<'c> {
    pub fn of(caller: &'c Caller, partition: Partition) -> Who<'c> {
        let role_arn = match &caller.principal {
            Principal::AssumedRole { role, role_path, .. } => {
                let account = caller.account;
                Some(format!("arn:{partition}:iam::{account}:role{role_path}{role}"))
            }
            _ => None,
        };
        Who {
            caller,
            account: caller.account.to_string(),
            arn: caller.arn(partition),
            role_arn,
            user_id: caller.user_id(),
        }
    }

    pub fn account(&self) -> &str {
        &self.account
    }

    /// `aws:PrincipalArn`: that of the role behind a session.
    pub fn principal_arn(&self) -> &str {
        self.role_arn.as_deref().unwrap_or(&self.arn)
    }

    /// `aws:userid`.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// As policies are asked. `canonical_id` is the account's as S3 knows it, whose policies alone name it so.
    pub fn asker<'a>(&'a self, canonical_id: Option<&'a str>) -> Asker<'a> {
        match &self.caller.principal {
            Principal::Anonymous => Asker::Anonymous,
            Principal::Service { name } => Asker::Service {
                account: &self.account,
                name,
            },
            _ => Asker::Principal {
                account: &self.account,
                arn: &self.arn,
                role_arn: self.role_arn.as_deref(),
                unique_id: self.user_id.split(':').next(),
                canonical_id,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Who;
    use virga_base::{Account, Partition};
    use virga_lang_policy::Asker;
    use virga_service::Caller;

    #[test]
    fn a_root_is_asked_by_its_account_and_services_by_their_names() {
        let account = Account::parse("123456789012").expect("an account");
        let root = Caller::root(account);
        let who = Who::of(&root, Partition::Aws);
        assert_eq!(who.principal_arn(), "arn:aws:iam::123456789012:root");
        let asked = Asker::Principal {
            account: "123456789012",
            arn: "arn:aws:iam::123456789012:root",
            role_arn: None,
            unique_id: Some("123456789012"),
            canonical_id: Some("id"),
        };
        assert_eq!(who.asker(Some("id")), asked);
        let service = Caller::service(account, "sns.amazonaws.com");
        let asked = Asker::Service {
            account: "123456789012",
            name: "sns.amazonaws.com",
        };
        assert_eq!(Who::of(&service, Partition::Aws).asker(None), asked);
        assert_eq!(
            Who::of(&Caller::anonymous(account), Partition::Aws).asker(None),
            Asker::Anonymous
        );
    }
}
