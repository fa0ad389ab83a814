//! What happened in a simulation: transactions in their order, and the calls and work that made them.

use crate::call::Call;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use virga_testkit::simulation::Event;

/// From one start of the cloud to its crash or the end.
#[derive(Debug, Default)]
pub struct Epoch {
    pub events: Vec<Happened>,
    /// By task.
    pub calls: BTreeMap<u64, Called>,
    /// Steps of move tasks, by task: the source queue.
    pub moves: BTreeMap<u64, String>,
    /// Moments when nobody had anything left to do, and the calls that waited.
    pub still: Vec<Still>,
    /// The commits that the crash left; all, where there was none.
    pub survives: Option<u64>,
}

#[derive(Debug)]
pub struct Happened {
    pub at_ms: i64,
    pub event: Event,
}

#[derive(Debug)]
pub struct Called {
    pub call: Call,
    pub began_ms: i64,
    /// What it ended with: the output, or the error's code.
    pub answer: Option<Result<Json, String>>,
    /// Whether the caller was told, or the crash came first.
    pub told: bool,
}

#[derive(Debug)]
pub struct Still {
    /// How many events had happened.
    pub after: usize,
    pub at_ms: i64,
    pub waiting: Vec<u64>,
}
