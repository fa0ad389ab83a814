//! What a file says of itself, as JSON. Members that are not known are passed over, those that are missing have defaults,
//! so that both can grow without another form.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use virga_base::{Account, Timestamp};

/// Of what a snapshot is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "lowercase")]
pub enum Scope {
    /// All worlds.
    Cloud,
    World {
        world: String,
    },
    /// One account in one world.
    Account {
        world: String,
        account: String,
    },
}

impl Scope {
    /// The account, where it is of one.
    pub fn account(&self) -> Option<Account> {
        match self {
            Scope::Account { account, .. } => Account::parse(account).ok(),
            Scope::Cloud | Scope::World { .. } => None,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::Cloud => f.write_str("the whole cloud"),
            Scope::World { world } => write!(f, "the world {world}"),
            Scope::Account { world, account } => write!(f, "the account {account} of the world {world}"),
        }
    }
}

/// The beginning of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the Virga that made it.
    pub virga: String,
    /// When, by the machine's clock, in milliseconds since 1970.
    pub made_at_ms: i64,
    pub scope: Scope,
    /// The engine that the rows came from, for people.
    #[serde(default)]
    pub engine: String,
    /// The tables that Virga knew, by number.
    #[serde(default)]
    pub tables: BTreeMap<u16, String>,
}

impl Header {
    pub fn made_at(&self) -> Timestamp {
        Timestamp::from_millis(self.made_at_ms)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct World {
    pub(crate) name: String,
}

/// How a world's clock goes that was moved.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClockAt {
    pub shown_ms: i64,
    /// The machine's time when it showed that.
    pub machine_ms: i64,
    /// Virtual seconds per second; `None` stands still.
    pub rate: Option<f64>,
}

/// What is known of a world when all its rows are written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorldEnd {
    /// Virtual time when it was saved, in milliseconds since 1970.
    #[serde(default)]
    pub now_ms: i64,
    /// Absent for a clock that nobody has moved.
    #[serde(default)]
    pub clock: Option<ClockAt>,
    /// How often the rows have been opened: ids that a seed gives are other ones each time.
    #[serde(default)]
    pub openings: u64,
    /// The last number given to a row of deferred work.
    #[serde(default)]
    pub due_number: u64,
    /// The world that it was forked from.
    #[serde(default)]
    pub parent: Option<String>,
    #[serde(default)]
    pub ttl_ms: Option<u64>,
    /// Set by the writer.
    #[serde(default)]
    pub rows: u64,
    /// Of keys and values; set by the writer.
    #[serde(default)]
    pub bytes: u64,
    /// Objects whose bytes lie outside of the rows; set by the writer.
    #[serde(default)]
    pub objects: u64,
    /// Of these objects; set by the writer.
    #[serde(default)]
    pub object_bytes: u64,
}

/// The end of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    pub worlds: u64,
    pub rows: u64,
    pub bytes: u64,
    #[serde(default)]
    pub objects: u64,
    #[serde(default)]
    pub object_bytes: u64,
    /// Of all bytes before this frame, in hex.
    pub sha256: String,
}
