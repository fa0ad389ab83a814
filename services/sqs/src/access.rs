//! Who may do what with a queue, as far as the queue itself decides.

use crate::address::Target;
use crate::errors;
use crate::queue::policy::evaluate;
use crate::state::Queue;
use virga_base::AwsError;
use virga_lang_policy::{Asker, Verdict};
use virga_service::Principal;

/// Checks an operation that a queue's policy may allow to others.
pub fn permit(target: &Target, queue: &Queue, action: &str) -> Result<(), AwsError> {
    let caller = target.asked.caller();
    let policy = queue.settings.policy.as_deref();
    let own = caller.account == target.ctx.account();
    let (account, arn);
    let asker = match &caller.principal {
        // The owner's root is never shut out, or nobody could mend the policy.
        Principal::Root if own => return Ok(()),
        Principal::Anonymous => Asker::Anonymous,
        // A service acts for whoever asked it: only the policy can let it in.
        Principal::Service { name } => {
            account = caller.account.to_string();
            Asker::Service {
                account: &account,
                name,
            }
        }
        _ if own && policy.is_none() => return Ok(()),
        _ => {
            account = caller.account.to_string();
            arn = caller.arn(target.asked.partition());
            Asker::Principal {
                account: &account,
                arn: &arn,
                role_arn: None,
                unique_id: None,
                canonical_id: None,
            }
        }
    };
    let own = own && !matches!(asker, Asker::Anonymous | Asker::Service { .. });
    let queue_arn = target.arn();
    match policy.map_or(Verdict::Silent, |policy| evaluate(policy, action, &queue_arn, &asker)) {
        Verdict::Allow => Ok(()),
        Verdict::Silent if own => Ok(()),
        Verdict::Deny if own => Err(errors::access_denied_explicitly(
            &caller.arn(target.asked.partition()),
            action,
            &queue_arn,
        )),
        Verdict::Silent | Verdict::Deny => Err(denied(target, action)),
    }
}

/// Checks an operation that only the queue's own account may call.
pub fn own(target: &Target, action: &str) -> Result<(), AwsError> {
    let caller = target.asked.caller();
    if caller.principal == Principal::Anonymous || caller.account != target.ctx.account() {
        return Err(denied(target, action));
    }
    Ok(())
}

/// Checks an operation that is about no queue.
pub fn signed(ctx: &virga_service::Ctx) -> Result<(), AwsError> {
    if ctx.caller().principal == Principal::Anonymous {
        let host = ctx.request().host().unwrap_or_default();
        return Err(errors::access_denied_to_anonymous(&format!("http://{host}/")));
    }
    Ok(())
}

fn denied(target: &Target, action: &str) -> AwsError {
    let caller = target.asked.caller();
    if caller.principal == Principal::Anonymous {
        return errors::access_denied_to_anonymous(&target.url());
    }
    errors::access_denied(&caller.arn(target.asked.partition()), action, &target.arn())
}
