//! What a world remembers of itself beside its services' rows.

use serde::{Deserialize, Serialize};
use virga_base::{ClockMode, ClockState, Timestamp};
use virga_store::{Table, TableInfo, record};

/// How a clock goes that was moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClockRow {
    pub shown: Timestamp,
    pub machine: Timestamp,
    /// Virtual seconds per second; `None` stands still.
    pub rate: Option<f64>,
}

record!(ClockRow, 1);

impl ClockRow {
    pub(crate) fn of(state: ClockState) -> ClockRow {
        ClockRow {
            shown: state.shown,
            machine: state.machine,
            rate: match state.mode {
                ClockMode::Frozen => None,
                ClockMode::Running { rate } => Some(rate),
            },
        }
    }

    pub(crate) fn state(&self) -> ClockState {
        ClockState {
            shown: self.shown,
            machine: self.machine,
            mode: self.rate.map_or(ClockMode::Frozen, |rate| ClockMode::Running { rate }),
        }
    }
}

/// Where a world comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OriginRow {
    /// Differs from the world's own where the row came with the rows that a fork shares.
    pub name: String,
    pub parent: String,
    pub made_at: Timestamp,
    pub ttl_ms: Option<u64>,
    /// For ids that are seeded.
    pub ids_seed: Option<[u8; 32]>,
}

record!(OriginRow, 1);

/// Lifetime: the world's. Key: none. Value: its clock, where it was moved.
pub(crate) const CLOCK: Table<(), ClockRow> = Table::new(0x0005, "world.clock");
/// Lifetime: the world's, where rows outlive the process. Key: none. Value: where it comes from.
pub(crate) const ORIGIN: Table<(), OriginRow> = Table::new(0x0006, "world.origin");

/// The world's own tables, as people are shown them.
pub(crate) const TABLES: [TableInfo; 2] = [CLOCK.info(), ORIGIN.info()];
