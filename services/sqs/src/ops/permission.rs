//! AddPermission and RemovePermission, which write statements into a queue's policy.

use crate::address::Target;
use crate::queue::policy;
use crate::state::{QUEUES, Queue};
use crate::wire::{AddPermissionRequest, RemovePermissionRequest};
use crate::{access, errors, limits};
use virga_base::{Account, AwsError};
use virga_service::Ctx;
use virga_shape::Unit;

/// What an owner may let others do.
const SHARED: [&str; 10] = [
    "*",
    "ChangeMessageVisibility",
    "DeleteMessage",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "ListQueueTags",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
];

/// What only an owner may do.
const OWN: [&str; 10] = [
    "AddPermission",
    "CancelMessageMoveTask",
    "CreateQueue",
    "DeleteQueue",
    "ListMessageMoveTasks",
    "ListQueues",
    "RemovePermission",
    "SetQueueAttributes",
    "StartMessageMoveTask",
    "TagQueue",
];

fn label(given: Option<String>) -> Result<String, AwsError> {
    let label = given
        .filter(|label| !label.is_empty())
        .ok_or_else(|| errors::missing("Label"))?;
    let fits = label.len() <= 80
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if fits {
        Ok(label)
    } else {
        Err(errors::invalid_parameter(
            label,
            "Label",
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        ))
    }
}

fn check_actions(actions: &[String]) -> Result<(), AwsError> {
    if actions.is_empty() {
        return Err(errors::missing("Actions"));
    }
    if actions.len() > limits::PERMISSION_ACTIONS_MAX {
        return Err(AwsError::new(
            "OverLimit",
            format!("{} Actions were found, maximum allowed is 7.", actions.len()),
        )
        .with_status(403));
    }
    for action in actions {
        if OWN.contains(&action.as_str()) || action == "UntagQueue" {
            return Err(errors::invalid_parameter(
                format!("SQS:{action}"),
                "ActionName",
                "Only the queue owner is allowed to invoke this action.",
            ));
        }
        if !SHARED.contains(&action.as_str()) {
            return Err(errors::invalid_parameter(
                format!("SQS:{action}"),
                "ActionName",
                "Please refer to the appropriate WSDL for a list of valid actions. ",
            ));
        }
    }
    Ok(())
}

pub async fn add(ctx: Ctx, input: AddPermissionRequest) -> Result<Unit, AwsError> {
    let target = Target::find(&ctx, input.queue_url.as_deref())?;
    let label = label(input.label)?;
    let actions = input.actions.unwrap_or_default();
    check_actions(&actions)?;
    let accounts = input.aws_account_ids.unwrap_or_default();
    if accounts.is_empty() || accounts.iter().any(|account| Account::parse(account).is_err()) {
        return Err(errors::invalid_parameter(
            format!("[{}]", accounts.join(", ")),
            "PrincipalId",
            "Unable to verify.",
        ));
    }
    let arn = target.arn();
    change(&target, "AddPermission", |queue| {
        let policy = policy::add_statement(queue.settings.policy.as_deref(), &arn, &label, &accounts, &actions);
        queue.settings.policy =
            Some(policy.ok_or_else(|| errors::invalid_parameter(&label, "Label", "Already exists."))?);
        Ok(())
    })
    .await
}

pub async fn remove(ctx: Ctx, input: RemovePermissionRequest) -> Result<Unit, AwsError> {
    let target = Target::find(&ctx, input.queue_url.as_deref())?;
    let label = label(input.label)?;
    change(&target, "RemovePermission", |queue| {
        let policy = policy::remove_statement(queue.settings.policy.as_deref(), &label);
        queue.settings.policy =
            policy.ok_or_else(|| errors::invalid_parameter(&label, "Label", "can't find label on existing policy."))?;
        Ok(())
    })
    .await
}

async fn change(
    target: &Target,
    action: &str,
    mut apply: impl FnMut(&mut Queue) -> Result<(), AwsError>,
) -> Result<Unit, AwsError> {
    target
        .ctx
        .write(|tx| -> Result<(), AwsError> {
            let mut queue = target.found(tx.get(&QUEUES, (&target.name,))?)?;
            access::own(target, action)?;
            apply(&mut queue)?;
            queue.modified = target.ctx.now();
            tx.put(&QUEUES, (&target.name,), &queue)?;
            Ok(())
        })
        .await?;
    Ok(Unit)
}
