//! Who calls, and whose a key is.

use crate::wire::{
    DecodeAuthorizationMessageRequest, DecodeAuthorizationMessageResponse, GetAccessKeyInfoRequest,
    GetAccessKeyInfoResponse, GetCallerIdentityRequest, GetCallerIdentityResponse,
};
use crate::{errors, key, state};
use virga_service::{AwsError, Credential, Ctx};

pub async fn get_caller_identity(
    ctx: Ctx,
    _request: GetCallerIdentityRequest,
) -> Result<GetCallerIdentityResponse, AwsError> {
    let caller = ctx.caller();
    Ok(GetCallerIdentityResponse {
        user_id: Some(caller.user_id()),
        account: Some(caller.account.with_digits(str::to_owned)),
        arn: Some(caller.arn(ctx.partition())),
    })
}

/// Answers by what the key itself says, for keys of the form that names its account; a key of the older form, which
/// says nothing, is answered as the caller's.
pub async fn get_access_key_info(
    ctx: Ctx,
    request: GetAccessKeyInfoRequest,
) -> Result<GetAccessKeyInfoResponse, AwsError> {
    let id = request.access_key_id.unwrap_or_default();
    let issued = ctx.cloud().find_credential(&id, ctx.region()).await?;
    let account = match issued
        .map(|credential| credential.caller.account)
        .or_else(|| key::account(&id))
    {
        Some(account) => account,
        None if id.starts_with("AKIA") || id.starts_with("ASIA") => ctx.account(),
        None => return Err(errors::invalid_client_token_id()),
    };
    Ok(GetAccessKeyInfoResponse {
        account: Some(account.to_string()),
    })
}

/// No operation of Virga encodes a message yet, so none can be decoded.
pub async fn decode_authorization_message(
    _ctx: Ctx,
    _request: DecodeAuthorizationMessageRequest,
) -> Result<DecodeAuthorizationMessageResponse, AwsError> {
    Err(errors::invalid_authorization_message())
}

/// The session behind an access key id, for whoever checks a signature. Sessions that have ended are answered too.
pub async fn find_credential(ctx: Ctx, access_key_id: String) -> Result<Option<Credential>, AwsError> {
    let session = ctx.read(|tx| state::session(tx, &access_key_id))?;
    Ok(session.map(|session| Credential {
        secret_access_key: session.secret_access_key,
        session_token: Some(session.session_token),
        expires: Some(session.expires),
        active: true,
        caller: session.caller,
    }))
}
