//! Sessions of the caller itself, and of users that only the caller knows.

use crate::errors;
use crate::policy::{SessionPolicy, session_policy};
use crate::session::{self, NewSession};
use crate::state::SessionKind;
use crate::tags::session_tags;
use crate::wire::{
    FederatedUser, GetFederationTokenRequest, GetFederationTokenResponse, GetSessionTokenRequest,
    GetSessionTokenResponse,
};
use virga_service::{AwsError, Caller, Ctx, Principal};

/// Seconds that a session lasts unless asked otherwise.
const DURATION_S: i32 = 43_200;

pub async fn get_session_token(ctx: Ctx, request: GetSessionTokenRequest) -> Result<GetSessionTokenResponse, AwsError> {
    refuse_sessions(&ctx, "GetSessionToken")?;
    let new = NewSession {
        kind: SessionKind::SessionToken,
        account: ctx.caller().account,
        principal: ctx.caller().principal.clone(),
        duration_s: request.duration_seconds.unwrap_or(DURATION_S),
        tags: Vec::new(),
        source_identity: None,
        policy: SessionPolicy {
            document: None,
            arns: Vec::new(),
            packed_percent: None,
        },
        mfa_serial_number: request.serial_number,
    };
    Ok(GetSessionTokenResponse {
        credentials: Some(session::issue(&ctx, new).await?),
    })
}

pub async fn get_federation_token(
    ctx: Ctx,
    request: GetFederationTokenRequest,
) -> Result<GetFederationTokenResponse, AwsError> {
    refuse_sessions(&ctx, "GetFederationToken")?;
    let name = request.name.unwrap_or_default();
    let tags = session_tags(&request.tags.unwrap_or_default(), &[], &[])?;
    let policy = session_policy(request.policy, request.policy_arns, &tags)?;
    // AWS answers a size here even where there is nothing to pack.
    let packed_policy_size = policy.packed_percent.or(Some(0));
    let user = Caller {
        account: ctx.caller().account,
        principal: Principal::FederatedUser { name },
        access_key_id: None,
    };
    let new = NewSession {
        kind: SessionKind::FederationToken,
        account: user.account,
        principal: user.principal.clone(),
        duration_s: request.duration_seconds.unwrap_or(DURATION_S),
        tags,
        source_identity: None,
        policy,
        mfa_serial_number: None,
    };
    Ok(GetFederationTokenResponse {
        credentials: Some(session::issue(&ctx, new).await?),
        federated_user: Some(FederatedUser {
            federated_user_id: Some(user.user_id()),
            arn: Some(user.arn(ctx.partition())),
        }),
        packed_policy_size,
    })
}

/// Both operations want long-term credentials.
fn refuse_sessions(ctx: &Ctx, operation: &str) -> Result<(), AwsError> {
    match session::of_caller(ctx)? {
        Some(_) => Err(errors::access_denied(format!(
            "Cannot call {operation} with session credentials"
        ))),
        None => Ok(()),
    }
}
