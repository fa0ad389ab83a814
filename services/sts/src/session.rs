//! Issuing credentials.

use crate::due::{FORGET, FORGET_AFTER_S};
use crate::key;
use crate::policy::SessionPolicy;
use crate::state::{self, SESSIONS, Session, SessionKind, SessionTag};
use crate::wire::Credentials;
use virga_service::{Account, AwsError, Caller, Ctx, Place, Principal, StoreError, Timestamp};

/// Characters of a session token. AWS's vary and grow; clients must not rely on it.
const TOKEN_LENGTH: usize = 356;
/// How AWS's tokens of that length begin.
const TOKEN_START: &str = "FQoGZXIvYXdzE";

/// What a session is made of, beyond what is drawn.
pub struct NewSession {
    pub kind: SessionKind,
    pub account: Account,
    pub principal: Principal,
    pub duration_s: i32,
    pub tags: Vec<SessionTag>,
    pub source_identity: Option<String>,
    pub policy: SessionPolicy,
    pub mfa_serial_number: Option<String>,
}

/// Draws credentials, keeps the session and has it forgotten some time after its end.
pub async fn issue(ctx: &Ctx, new: NewSession) -> Result<Credentials, AwsError> {
    let ids = ctx.ids();
    let access_key_id = key::temporary(new.account, ids.u64());
    // Whole seconds, which is all that the answer's format shows.
    let issued = Timestamp::from_secs(ctx.now().as_secs());
    let session = Session {
        secret_access_key: ids.secret(40),
        session_token: format!("{TOKEN_START}{}", ids.secret(TOKEN_LENGTH - TOKEN_START.len())),
        issued,
        expires: issued.plus_secs(new.duration_s.into()),
        caller: Caller {
            account: new.account,
            principal: new.principal,
            access_key_id: Some(access_key_id.clone()),
        },
        kind: new.kind,
        tags: new.tags,
        source_identity: new.source_identity,
        policy: new.policy.document,
        policy_arns: new.policy.arns,
        mfa_serial_number: new.mfa_serial_number,
    };
    let forget = ctx.due_row(FORGET, access_key_id.clone().into_bytes());
    ctx.write(|tx| {
        tx.schedule(session.expires.plus_secs(FORGET_AFTER_S), &forget)?;
        tx.elsewhere(&Place::world())
            .put(&SESSIONS, (access_key_id.as_str(),), &session)
    })
    .await?;
    Ok(Credentials {
        access_key_id: Some(access_key_id),
        secret_access_key: Some(session.secret_access_key),
        session_token: Some(session.session_token),
        expiration: Some(session.expires),
    })
}

/// The session that the caller acts in, if it signed with a key that STS issued.
pub fn of_caller(ctx: &Ctx) -> Result<Option<Session>, StoreError> {
    match &ctx.caller().access_key_id {
        Some(id) => ctx.read(|tx| state::session(tx, id)),
        None => Ok(None),
    }
}
