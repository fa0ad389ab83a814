//! What SQS does later: sweeping out expired messages, removing the rows of deleted and purged queues, moving messages.

use crate::shelf::{self, Shelf};
use crate::state::QUEUES;
use serde::Serialize;
use serde::de::DeserializeOwned;
use virga_base::AwsError;
use virga_service::{Ctx, DueRow};

pub const SWEEP: &str = "sweep";
pub const DROP: &str = "drop";
pub const MOVE: &str = "move";

fn row(ctx: &Ctx, kind: &str, payload: &impl Serialize) -> DueRow {
    // Names and numbers always have a JSON form.
    ctx.due_row(kind, serde_json::to_vec(payload).unwrap_or_default())
}

/// Reads back what a row was given.
pub fn payload<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, AwsError> {
    serde_json::from_slice(bytes).map_err(|_| AwsError::internal("deferred work of SQS cannot be read"))
}

/// Removes a queue's expired messages.
pub fn sweep_row(ctx: &Ctx, name: &str, data: u64) -> DueRow {
    row(ctx, SWEEP, &(name, data))
}

/// Removes the rows under a data id that no queue has any more.
pub fn drop_row(ctx: &Ctx, data: u64) -> DueRow {
    row(ctx, DROP, &data)
}

/// Moves the next messages of a task.
pub fn move_row(ctx: &Ctx, source: &str, queue_id: u64, number: u64) -> DueRow {
    row(ctx, MOVE, &(source, queue_id, number))
}

pub async fn sweep(ctx: Ctx, bytes: Vec<u8>) -> Result<(), AwsError> {
    let (name, data): (String, u64) = payload(&bytes)?;
    let now = ctx.now();
    let mut first = true;
    loop {
        let more = ctx
            .write(|tx| -> Result<bool, AwsError> {
                let Some(queue) = tx.get(&QUEUES, (&name,))?.filter(|queue| queue.data == data) else {
                    return Ok(false);
                };
                let mut shelf = Shelf::open(tx, &queue, now)?;
                if first {
                    shelf.sweep_has_come();
                }
                let more = shelf.upkeep(tx)?;
                shelf.close(tx, &ctx)?;
                Ok(more)
            })
            .await?;
        first = false;
        if !more {
            return Ok(());
        }
    }
}

pub async fn drop_rows(ctx: Ctx, bytes: Vec<u8>) -> Result<(), AwsError> {
    let data: u64 = payload(&bytes)?;
    while ctx
        .write(|tx| shelf::drop_rows(tx, data).map_err(AwsError::from))
        .await?
    {}
    Ok(())
}
