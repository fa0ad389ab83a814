//! When a bucket's lifecycle is looked at next: one row of deferred work for each bucket that has a configuration.

use super::rules::next_midnight;
use super::run::Walk;
use crate::state::{Bucket, LIFECYCLE_RUNS, LifecycleRun};
use virga_base::Timestamp;
use virga_service::{Ctx, StoreError, Tx};

/// The kind of work.
pub const LIFECYCLE: &str = "lifecycle";

/// Begins anew, after the configuration has changed; `number` is a random one.
pub fn begin(tx: &mut Tx<'_>, home: &Ctx, bucket: &Bucket, number: u64) -> Result<(), StoreError> {
    end(tx, bucket)?;
    let at = next_midnight(home.now());
    go_on(tx, home, at, &Walk::new(bucket, number, at))
}

/// Has a walk go on at a time.
pub fn go_on(tx: &mut Tx<'_>, home: &Ctx, at: Timestamp, walk: &Walk) -> Result<(), StoreError> {
    // A walk always has a JSON form.
    let payload = serde_json::to_vec(walk).unwrap_or_default();
    let due = tx.schedule(at, &home.due_row(LIFECYCLE, payload))?;
    let run = LifecycleRun {
        number: walk.number,
        due,
    };
    tx.put(&LIFECYCLE_RUNS, (walk.bucket,), &run)
}

/// Ends it: there is no configuration any more.
pub fn end(tx: &mut Tx<'_>, bucket: &Bucket) -> Result<(), StoreError> {
    if let Some(run) = tx.get(&LIFECYCLE_RUNS, (bucket.id,))? {
        tx.unschedule(run.due)?;
        tx.delete(&LIFECYCLE_RUNS, (bucket.id,))?;
    }
    Ok(())
}
