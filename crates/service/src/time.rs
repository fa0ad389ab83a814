//! A world's time, moved by hand. Where it was moved to is a row of the world: it outlives the process where the rows do,
//! and a fork begins with it.

use crate::worlds::state::{CLOCK, ClockRow};
use crate::{Cloud, SETTLE_MAX_STEPS, SettleError};
use std::sync::Arc;
use virga_base::{ClockMode, Timestamp};
use virga_store::{Place, StoreError};

/// How far an ordinary clock may differ from the machine's, in milliseconds, and still be that.
const OFFSET_MAX_MS: u64 = 2;

impl Cloud {
    /// Stands still, here or at a time.
    pub async fn freeze(&self, at: Option<Timestamp>) -> Result<(), StoreError> {
        self.clock().freeze();
        if let Some(at) = at {
            self.clock().set(at);
        }
        self.remember_clock().await
    }

    /// Moves to a time, forwards or back. What is due by then runs at the new time.
    pub async fn set_time(&self, to: Timestamp) -> Result<(), StoreError> {
        self.clock().set(to);
        self.remember_clock().await
    }

    /// Runs on at `rate` virtual seconds per second.
    pub async fn run_time(&self, rate: f64) -> Result<(), StoreError> {
        self.clock().run(rate);
        self.remember_clock().await
    }

    /// Back to the machine's time.
    pub async fn reset_time(&self) -> Result<(), StoreError> {
        self.clock().reset();
        self.remember_clock().await
    }

    /// Runs all work that is due now, in order, with what it causes; answers how much there was.
    pub async fn settle(self: &Arc<Cloud>) -> Result<u64, SettleError> {
        self.settle_within(SETTLE_MAX_STEPS).await
    }

    /// Moves the clock to `target` step by step: each piece of work due by then runs at its own time, in order, with what
    /// it causes. Answers how much there was.
    pub async fn advance(self: &Arc<Cloud>, target: Timestamp) -> Result<u64, SettleError> {
        self.advance_within(target, SETTLE_MAX_STEPS).await
    }

    /// As [`Cloud::advance`], and gives up after `steps_max` pieces of work; the clock stays where that was.
    pub async fn advance_within(self: &Arc<Cloud>, target: Timestamp, steps_max: u64) -> Result<u64, SettleError> {
        let outcome = self.step_to(target, steps_max).await;
        let remembered = self.remember_clock().await;
        let steps = outcome?;
        remembered?;
        Ok(steps)
    }

    pub(crate) async fn remember_clock(&self) -> Result<(), StoreError> {
        let state = self.clock().state();
        let is_plain = state.mode == (ClockMode::Running { rate: 1.0 })
            && state.shown.as_millis().abs_diff(state.machine.as_millis()) <= OFFSET_MAX_MS;
        let row = ClockRow::of(state);
        self.store()
            .write(&Place::world(), |tx| {
                if is_plain {
                    tx.delete(&CLOCK, ())
                } else {
                    tx.put(&CLOCK, (), &row)
                }
            })
            .await
    }

    /// Goes on by the clock that the rows remember.
    pub(crate) fn recall_clock(&self) -> Result<(), StoreError> {
        if let Some(row) = self.store().read(&Place::world(), |tx| tx.get(&CLOCK, ()))? {
            self.clock().restore(row.state());
        }
        Ok(())
    }
}
