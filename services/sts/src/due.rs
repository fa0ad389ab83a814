//! Deferred work: forgetting sessions.

use crate::state::SESSIONS;
use virga_service::{AwsError, Ctx, Place};

/// Forgets a session. Payload: its access key id.
pub const FORGET: &str = "forget";
/// Seconds from the expiry of a session until it is forgotten. AWS, too, tells ended keys from unknown ones for a while.
pub const FORGET_AFTER_S: i64 = 7 * 24 * 3600;

pub async fn forget(ctx: Ctx, payload: Vec<u8>) -> Result<(), AwsError> {
    let Ok(access_key_id) = String::from_utf8(payload) else {
        return Err(AwsError::internal("the name of a session to forget cannot be read"));
    };
    ctx.write(|tx| {
        tx.elsewhere(&Place::world())
            .delete(&SESSIONS, (access_key_id.as_str(),))
    })
    .await?;
    Ok(())
}
