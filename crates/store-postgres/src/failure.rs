//! What can go wrong between here and the database, by what is to be done about it.

use crate::wire::message::SqlError;
use virga_store::StoreError;

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Somebody else was quicker: run the transaction again.
    Conflict(String),
    /// The connection is gone, and nothing of the transaction has happened.
    Lost(String),
    /// The connection went while a commit was under way: nobody knows whether it happened.
    Unknown(String),
    /// Running it again would not help.
    Refused(StoreError),
}

impl Failure {
    /// By the code that a server gave, for a statement that was not a commit or certainly did not happen.
    pub fn of(error: &SqlError) -> Failure {
        let message = error.message.clone();
        match error.code.as_str() {
            "40001" | "40P01" => Failure::Conflict(message),
            "40003" | "08007" => Failure::Unknown(message),
            // It goes down, it is not up yet, or it ended a connection that idled.
            "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => Failure::Lost(message),
            // A node that has become a copy of another takes no writes.
            "25006" => Failure::Refused(StoreError::Unwritable(message)),
            code if code.starts_with("08") => Failure::Lost(message),
            // No room on its disk, in its memory, or for connections.
            code if code.starts_with("53") => Failure::Refused(StoreError::Unwritable(message)),
            code => Failure::Refused(StoreError::Engine(format!("{message} (SQLSTATE {code})"))),
        }
    }

    /// What a request is told that is not tried again.
    pub fn into_error(self) -> StoreError {
        match self {
            Failure::Conflict(why) => StoreError::Unreachable(format!("too much is changed at once: {why}")),
            Failure::Lost(why) => StoreError::Unreachable(why),
            Failure::Unknown(why) => StoreError::Unreachable(format!(
                "the connection to the database was lost while it stored this, which may or may not have happened: {why}"
            )),
            Failure::Refused(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Failure;
    use crate::wire::message::SqlError;
    use virga_store::StoreError;

    #[test]
    fn codes_say_what_to_do() {
        let of = |code: &str| {
            Failure::of(&SqlError {
                code: code.into(),
                message: "m".into(),
            })
        };
        assert_eq!(of("40001"), Failure::Conflict("m".into()));
        assert_eq!(of("40P01"), Failure::Conflict("m".into()));
        assert_eq!(of("40003"), Failure::Unknown("m".into()));
        assert_eq!(of("57P01"), Failure::Lost("m".into()));
        assert_eq!(of("08006"), Failure::Lost("m".into()));
        assert!(matches!(of("53100"), Failure::Refused(StoreError::Unwritable(_))));
        assert!(matches!(of("42601"), Failure::Refused(StoreError::Engine(_))));
    }
}
