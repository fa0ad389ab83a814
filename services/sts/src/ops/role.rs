//! Assuming a role, and the root user of another account.

use crate::errors;
use crate::policy::{SessionPolicy, session_policy};
use crate::role::Role;
use crate::session::{self, NewSession};
use crate::state::SessionKind;
use crate::tags::session_tags;
use crate::wire::{AssumeRoleRequest, AssumeRoleResponse, AssumeRootRequest, AssumeRootResponse, AssumedRoleUser};
use virga_service::{Account, Arn, AwsError, Ctx, Principal};

/// Seconds that a role session lasts unless asked otherwise.
pub const ROLE_DURATION_S: i32 = 3600;
/// Seconds that a role session lasts at most when a role session asked for it.
const CHAINED_DURATION_MAX_S: i32 = 3600;
/// Seconds that a root session lasts, unless asked otherwise and at most.
const ROOT_DURATION_S: i32 = 900;
/// The managed policies that say what a root session is for.
const ROOT_TASKS: [&str; 5] = [
    "IAMAuditRootUserCredentials",
    "IAMCreateRootUserPassword",
    "IAMDeleteRootUserCredentials",
    "S3UnlockBucketPolicy",
    "SQSUnlockQueuePolicy",
];

pub async fn assume_role(ctx: Ctx, request: AssumeRoleRequest) -> Result<AssumeRoleResponse, AwsError> {
    let role = Role::parse(&request.role_arn.unwrap_or_default())?;
    let session_name = request.role_session_name.unwrap_or_default();
    let calling = session::of_caller(&ctx)?;
    let chained = calling
        .as_ref()
        .is_some_and(|session| session.kind == SessionKind::AssumedRole);
    let duration_s = request.duration_seconds.unwrap_or(ROLE_DURATION_S);
    if chained && duration_s > CHAINED_DURATION_MAX_S {
        return Err(errors::validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        ));
    }
    let inherited = calling
        .as_ref()
        .filter(|_| chained)
        .map_or(&[][..], |session| &session.tags);
    let tags = session_tags(
        &request.tags.unwrap_or_default(),
        &request.transitive_tag_keys.unwrap_or_default(),
        inherited,
    )?;
    let held_identity = calling.and_then(|session| session.source_identity);
    let source_identity = match (held_identity, request.source_identity) {
        (Some(held), Some(wanted)) if held != wanted => {
            return Err(errors::access_denied(format!(
                "User: {} is not authorized to perform: sts:SetSourceIdentity on resource: {}",
                ctx.caller().arn(ctx.partition()),
                role.arn()
            )));
        }
        (held, wanted) => held.or(wanted),
    };
    let policy = session_policy(request.policy, request.policy_arns, &tags)?;
    let packed_policy_size = policy.packed_percent;
    let new = NewSession {
        kind: SessionKind::AssumedRole,
        account: role.account,
        principal: principal(&role, &session_name),
        duration_s,
        tags,
        source_identity: source_identity.clone(),
        policy,
        mfa_serial_number: request.serial_number,
    };
    let credentials = session::issue(&ctx, new).await?;
    Ok(AssumeRoleResponse {
        credentials: Some(credentials),
        assumed_role_user: Some(assumed_role_user(&role, &session_name)),
        packed_policy_size,
        source_identity,
    })
}

/// Whom a session of a role stands for.
pub fn principal(role: &Role, session_name: &str) -> Principal {
    Principal::AssumedRole {
        role: role.name.clone(),
        role_path: role.path.clone(),
        role_id: role.id(),
        session: session_name.to_owned(),
    }
}

/// How an answer names a session of a role.
pub fn assumed_role_user(role: &Role, session_name: &str) -> AssumedRoleUser {
    AssumedRoleUser {
        assumed_role_id: Some(format!("{}:{session_name}", role.id())),
        arn: Some(role.session_arn(session_name)),
    }
}

pub async fn assume_root(ctx: Ctx, request: AssumeRootRequest) -> Result<AssumeRootResponse, AwsError> {
    let target = request.target_principal.unwrap_or_default();
    let account = root_account(&target)
        .ok_or_else(|| errors::validation(format!("{target} is not an account or the ARN of a root user")))?;
    let task = request
        .task_policy_arn
        .and_then(|policy| policy.arn)
        .unwrap_or_default();
    let known = task
        .strip_prefix("arn:aws:iam::aws:policy/root-task/")
        .is_some_and(|name| ROOT_TASKS.contains(&name));
    if !known {
        return Err(errors::validation(format!("ARN {task} is not valid.")));
    }
    let source_identity = session::of_caller(&ctx)?.and_then(|session| session.source_identity);
    let new = NewSession {
        kind: SessionKind::AssumedRoot,
        account,
        principal: Principal::Root,
        duration_s: match request.duration_seconds {
            None | Some(0) => ROOT_DURATION_S,
            Some(duration_s) => duration_s,
        },
        tags: Vec::new(),
        source_identity: source_identity.clone(),
        policy: SessionPolicy {
            document: None,
            arns: vec![task],
            packed_percent: None,
        },
        mfa_serial_number: None,
    };
    Ok(AssumeRootResponse {
        credentials: Some(session::issue(&ctx, new).await?),
        source_identity,
    })
}

fn root_account(target: &str) -> Option<Account> {
    if let Ok(account) = Account::parse(target) {
        return Some(account);
    }
    let arn = Arn::parse(target).ok()?;
    if arn.service != "iam" || arn.resource != "root" {
        return None;
    }
    Account::parse(&arn.account).ok()
}
