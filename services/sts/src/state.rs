//! Every stored kind.

use serde::{Deserialize, Serialize};
use virga_service::{Account, Caller, Owned, Place, ReadTx, StoreError, Table, Timestamp, record};

/// Lifetime: from issue until a week after expiry, so that an ended key is told as ended and not as unknown.
/// Key: the access key id. Place: the world's, since a key is all that is known of whoever signs with it.
/// Value: the session.
pub const SESSIONS: Table<(String,), Session> = Table::new(0x0300, "sts.sessions");

/// Temporary credentials, and whom they stand for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub secret_access_key: String,
    pub session_token: String,
    pub issued: Timestamp,
    pub expires: Timestamp,
    /// Whom the credentials stand for; its access key id is the session's own.
    pub caller: Caller,
    pub kind: SessionKind,
    pub tags: Vec<SessionTag>,
    pub source_identity: Option<String>,
    /// The session policy, as given.
    pub policy: Option<String>,
    /// Managed policies that limit the session.
    pub policy_arns: Vec<String>,
    /// The MFA device that was named when the session began.
    pub mfa_serial_number: Option<String>,
}

record!(Session, 1);

impl Owned for Session {
    fn owner(&self) -> Account {
        self.caller.account
    }
}

/// The operation that a session comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionKind {
    AssumedRole,
    FederationToken,
    SessionToken,
    AssumedRoot,
}

/// A session's label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionTag {
    pub key: String,
    pub value: String,
    /// Whether it is handed on when the session assumes another role.
    pub transitive: bool,
}

/// The session behind an access key id.
pub fn session(tx: &ReadTx<'_>, access_key_id: &str) -> Result<Option<Session>, StoreError> {
    let world = Place::world();
    tx.elsewhere(&world).get(&SESSIONS, (access_key_id,))
}
