//! Deferred work as rows: every delay, retry, expiry, poll and delivery of the whole world, in the order it is due.

use crate::{Place, ReadTx, StoreError, Table, Tx, record};
use serde::{Deserialize, Serialize};
use virga_base::Timestamp;

/// What shall be done, by whom, for whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueRow {
    /// The service that does it, by model name.
    pub service: String,
    /// One of the kinds that the service declares.
    pub kind: String,
    /// The account and region that the work runs in.
    pub account: u64,
    pub region: String,
    /// The service's own bytes.
    pub payload: Vec<u8>,
    /// How often it has been tried.
    pub attempts: u32,
}

record!(DueRow, 1);

/// Names a row of deferred work: when it is due, and its number among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DueId {
    pub at: Timestamp,
    pub number: u64,
}

/// Lifetime: until the work is done. Key: due time, number. Value: the work.
const DUE: Table<(Timestamp, u64), DueRow> = Table::new(0x0001, "store.due");
/// Lifetime: the world's. Key: none. Value: the last number given to a row of work.
const DUE_NUMBER: Table<(), u64> = Table::new(0x0002, "store.due_number");
/// Lifetime: as long as somebody works on the row. Key: as the row's. Value: none.
const CLAIMED: Table<(Timestamp, u64), ()> = Table::new(0x0004, "store.claimed");

pub(crate) fn insert(tx: &mut Tx<'_>, at: Timestamp, row: &DueRow) -> Result<DueId, StoreError> {
    let number = tx.get(&DUE_NUMBER, ())?.unwrap_or(0) + 1;
    tx.put(&DUE_NUMBER, (), &number)?;
    tx.put(&DUE, (at, number), row)?;
    Ok(DueId { at, number })
}

pub(crate) fn remove(tx: &mut Tx<'_>, id: DueId) -> Result<(), StoreError> {
    tx.delete(&CLAIMED, (id.at, id.number))?;
    tx.delete(&DUE, (id.at, id.number))
}

/// The work that is due first, whenever that is.
pub fn first(tx: &ReadTx<'_>) -> Result<Option<(DueId, DueRow)>, StoreError> {
    let place = Place::world();
    let world = tx.elsewhere(&place);
    Ok(world
        .scan(&DUE)
        .first()?
        .map(|((at, number), row)| (DueId { at, number }, row)))
}

/// Claims the first work that is due at `now`: it moves to `lease_until` with one more attempt, so that it is tried again
/// if whoever claimed it dies. Answers the work as it was found, and its new name.
pub fn claim(
    tx: &mut Tx<'_>,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Option<(DueId, DueRow, DueId)>, StoreError> {
    let found = tx.elsewhere(&Place::world()).scan(&DUE).first()?;
    let Some(((at, number), row)) = found.filter(|((at, _), _)| *at <= now) else {
        return Ok(None);
    };
    let id = DueId { at, number };
    tx.unschedule(id)?;
    let again = DueRow {
        attempts: row.attempts.saturating_add(1),
        ..row.clone()
    };
    let leased = tx.schedule(lease_until, &again)?;
    tx.elsewhere(&Place::world())
        .put(&CLAIMED, (leased.at, leased.number), &())?;
    Ok(Some((id, row, leased)))
}

/// Makes all claimed work due at `now`: whoever claimed it is gone, because nobody else has the store. Answers how much.
pub fn take_up(tx: &mut Tx<'_>, now: Timestamp) -> Result<usize, StoreError> {
    let claimed = tx.elsewhere(&Place::world()).scan(&CLAIMED).keys()?;
    for &(at, number) in &claimed {
        let row = tx.elsewhere(&Place::world()).get(&DUE, (at, number))?;
        tx.unschedule(DueId { at, number })?;
        if let Some(row) = row {
            tx.schedule(at.min(now), &row)?;
        }
    }
    Ok(claimed.len())
}
