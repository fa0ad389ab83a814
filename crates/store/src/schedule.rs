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
pub(crate) const DUE: Table<(Timestamp, u64), DueRow> = Table::new(0x0001, "store.due");
/// Lifetime: the world's. Key: none. Value: the last number given to a row of work.
pub(crate) const DUE_NUMBER: Table<(), u64> = Table::new(0x0002, "store.due_number");
/// Lifetime: as long as somebody works on the row, which is then in no other table. Key: the node that does, the row's
/// number.
pub(crate) const CLAIMS: Table<(u64, u64), Claim> = Table::new(0x0008, "store.claims");
/// Lifetime: the node's. Key: the node. Value: a number that it changes all the time.
pub(crate) const NODES: Table<(u64,), u64> = Table::new(0x0009, "store.nodes");

/// A row that is being worked on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claim {
    pub(crate) at: Timestamp,
    pub(crate) row: DueRow,
}

record!(Claim, 1);

/// The node of a store that no other process changes.
pub const ALONE: u64 = 0;

/// The tables of deferred work, as people are shown them.
pub const TABLES: [crate::TableInfo; 4] = [DUE.info(), DUE_NUMBER.info(), CLAIMS.info(), NODES.info()];

pub(crate) fn insert(tx: &mut Tx<'_>, at: Timestamp, row: &DueRow) -> Result<DueId, StoreError> {
    let number = tx.get(&DUE_NUMBER, ())?.unwrap_or(0) + 1;
    tx.put(&DUE_NUMBER, (), &number)?;
    tx.put(&DUE, (at, number), row)?;
    Ok(DueId { at, number })
}

pub(crate) fn remove(tx: &mut Tx<'_>, id: DueId) -> Result<(), StoreError> {
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

/// Claims the first work that is due at `now` for a node, which is then the only one to work on it.
pub fn claim(tx: &mut Tx<'_>, now: Timestamp, node: u64) -> Result<Option<(DueId, DueRow)>, StoreError> {
    let world = Place::world();
    let mut tx = tx.elsewhere(&world);
    let found = tx.scan(&DUE).first()?;
    let Some(((at, number), row)) = found.filter(|((at, _), _)| *at <= now) else {
        return Ok(None);
    };
    // Only a node that is known can be found dead.
    if node != ALONE && tx.get(&NODES, (node,))?.is_none() {
        tx.put(&NODES, (node,), &0)?;
    }
    tx.delete(&DUE, (at, number))?;
    let claim = Claim { at, row };
    tx.put(&CLAIMS, (node, number), &claim)?;
    Ok(Some((DueId { at, number }, claim.row)))
}

/// Whether a node still has its claim; another node that took it for dead may have put the row back.
pub fn is_claimed(tx: &mut Tx<'_>, node: u64, number: u64) -> Result<bool, StoreError> {
    Ok(tx.elsewhere(&Place::world()).get(&CLAIMS, (node, number))?.is_some())
}

/// Whether anybody has claimed anything.
pub fn has_claims(tx: &ReadTx<'_>) -> Result<bool, StoreError> {
    let world = Place::world();
    let claims = tx.elsewhere(&world);
    Ok(claims.scan(&CLAIMS).first()?.is_some())
}

/// Ends a claim, and the row with it; answers whether the node still had it.
pub fn finish(tx: &mut Tx<'_>, node: u64, number: u64) -> Result<bool, StoreError> {
    let world = Place::world();
    let mut tx = tx.elsewhere(&world);
    let is_claimed = tx.get(&CLAIMS, (node, number))?.is_some();
    tx.delete(&CLAIMS, (node, number))?;
    Ok(is_claimed)
}

/// Makes due again, each under its old name and with one more attempt, what a node has claimed, save those numbers that
/// are kept. Answers how much.
pub fn put_back(tx: &mut Tx<'_>, node: u64, is_kept: impl Fn(u64) -> bool) -> Result<usize, StoreError> {
    let claims = tx.elsewhere(&Place::world()).scan(&CLAIMS).prefix((node,)).rows()?;
    put_back_all(
        tx,
        claims
            .into_iter()
            .filter(|((_, number), _)| !is_kept(*number))
            .collect(),
    )
}

/// Makes all claimed work due: whoever claimed it is gone, because nobody else has the store. Answers how much.
pub fn take_up(tx: &mut Tx<'_>) -> Result<usize, StoreError> {
    let claims = tx.elsewhere(&Place::world()).scan(&CLAIMS).rows()?;
    put_back_all(tx, claims)
}

fn put_back_all(tx: &mut Tx<'_>, claims: Vec<((u64, u64), Claim)>) -> Result<usize, StoreError> {
    let world = Place::world();
    let mut tx = tx.elsewhere(&world);
    let count = claims.len();
    for ((node, number), Claim { at, mut row }) in claims {
        row.attempts = row.attempts.saturating_add(1);
        tx.delete(&CLAIMS, (node, number))?;
        tx.put(&DUE, (at, number), &row)?;
        tx.note_due(at);
    }
    Ok(count)
}

/// Says that a node lives: `beat` is different each time.
pub fn beat(tx: &mut Tx<'_>, node: u64, beat: u64) -> Result<(), StoreError> {
    tx.elsewhere(&Place::world()).put(&NODES, (node,), &beat)
}

/// All nodes, and what each has said last.
pub fn nodes(tx: &ReadTx<'_>) -> Result<Vec<(u64, u64)>, StoreError> {
    let world = Place::world();
    let rows = tx.elsewhere(&world).scan(&NODES).rows()?;
    Ok(rows.into_iter().map(|((node,), beat)| (node, beat)).collect())
}

/// Takes a node for dead unless it has said something since; answers how much it had claimed, which is due again.
pub fn bury(tx: &mut Tx<'_>, node: u64, beat: u64) -> Result<Option<usize>, StoreError> {
    if tx.elsewhere(&Place::world()).get(&NODES, (node,))? != Some(beat) {
        return Ok(None);
    }
    tx.elsewhere(&Place::world()).delete(&NODES, (node,))?;
    put_back(tx, node, |_| false).map(Some)
}

#[cfg(test)]
mod tests {
    use super::{ALONE, DueRow, beat, bury, claim, finish, first, nodes, put_back, take_up};
    use crate::{MemoryEngine, Place, Store, StoreError};
    use virga_base::Timestamp;

    fn row(kind: &str) -> DueRow {
        DueRow {
            service: "s".into(),
            kind: kind.into(),
            account: 1,
            region: "us-east-1".into(),
            payload: Vec::new(),
            attempts: 0,
        }
    }

    #[tokio::test]
    async fn a_claim_is_one_nodes_until_it_is_dead() -> Result<(), StoreError> {
        let store = Store::new(Box::new(MemoryEngine::default()));
        let world = Place::world();
        let now = Timestamp::from_secs(10);
        let at = Timestamp::from_secs(5);
        store.write(&world, |tx| tx.schedule(at, &row("a")).map(drop)).await?;
        let Some((id, claimed)) = store.write(&world, |tx| claim(tx, now, 7)).await? else {
            panic!("nothing is due")
        };
        assert_eq!((claimed.kind.as_str(), claimed.attempts, id.at), ("a", 0, at));
        assert_eq!(store.read(&world, first)?, None);
        assert_eq!(store.write(&world, |tx| claim(tx, now, 8)).await?, None);
        assert_eq!(store.read(&world, nodes)?, [(7, 0)], "whoever claims is known");
        store.write(&world, |tx| beat(tx, 7, 1)).await?;
        assert_eq!(
            store.write(&world, |tx| bury(tx, 7, 0)).await?,
            None,
            "it has said something since"
        );
        assert_eq!(store.write(&world, |tx| bury(tx, 7, 1)).await?, Some(1));
        let Some((again, claimed)) = store.write(&world, |tx| claim(tx, now, 8)).await? else {
            panic!("nothing is due again")
        };
        assert_eq!((again, claimed.attempts), (id, 1));
        assert!(
            !store.write(&world, |tx| finish(tx, 7, id.number)).await?,
            "the dead one has nothing to finish"
        );
        assert!(store.write(&world, |tx| finish(tx, 8, id.number)).await?);
        assert!(
            !store.write(&world, |tx| finish(tx, 8, id.number)).await?,
            "nothing is finished twice"
        );
        Ok(())
    }

    #[tokio::test]
    async fn what_is_put_back_keeps_its_name() -> Result<(), StoreError> {
        let store = Store::new(Box::new(MemoryEngine::default()));
        let world = Place::world();
        let now = Timestamp::from_secs(10);
        for kind in ["a", "b"] {
            store.write(&world, |tx| tx.schedule(now, &row(kind)).map(drop)).await?;
        }
        let mut claimed = Vec::new();
        while let Some((id, _)) = store.write(&world, |tx| claim(tx, now, ALONE)).await? {
            claimed.push(id);
        }
        let kept = claimed[0].number;
        assert_eq!(
            store
                .write(&world, |tx| put_back(tx, ALONE, |number| number == kept))
                .await?,
            1
        );
        assert_eq!(
            store.read(&world, first)?.map(|(id, row)| (id, row.kind)),
            Some((claimed[1], "b".into()))
        );
        assert_eq!(store.write(&world, take_up).await?, 1);
        assert_eq!(store.read(&world, first)?.map(|(id, _)| id), Some(claimed[0]));
        store.write(&world, |tx| tx.unschedule(claimed[0])).await?;
        assert_eq!(store.read(&world, first)?.map(|(id, _)| id), Some(claimed[1]));
        Ok(())
    }
}
