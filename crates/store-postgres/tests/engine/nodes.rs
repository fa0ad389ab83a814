//! Several nodes on one database: conflicts are run again, and who waits is woken.

use super::open;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use virga_store::schedule::DueRow;
use virga_store::{Decision, Engine, Place, Reader, Store, StoreError, Table, Tx};
use virga_testkit::postgres::database;

fn number(tx: &(impl Reader + ?Sized), key: &[u8]) -> u64 {
    let mut out = 0;
    let got = tx.get(key, &mut |value| out = value.try_into().map_or(0, u64::from_be_bytes));
    // A transaction that has failed is run again, whatever it makes of this.
    if got.is_ok() { out } else { 0 }
}

/// Four threads on each of three nodes, all on the same two rows, between which they move a sum.
#[test]
fn nodes_that_conflict_lose_nothing() -> Result<(), StoreError> {
    const EACH: u64 = 40;
    let Some(url) = database() else { return Ok(()) };
    let nodes = [open(&url), open(&url), open(&url)];
    let runs = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for node in nodes.iter().flat_map(|node| [node; 4]) {
            let runs = &runs;
            scope.spawn(move || {
                for _ in 0..EACH {
                    let done = node.write(&mut |tx| {
                        runs.fetch_add(1, Ordering::Relaxed);
                        let (up, down) = (number(tx, b"up"), number(tx, b"down"));
                        let _ = tx.put(b"up", &(up + 1).to_be_bytes());
                        let _ = tx.put(b"down", &down.wrapping_sub(1).to_be_bytes());
                        Decision::Commit
                    });
                    assert!(done.is_ok(), "{:?}", done.err());
                    let both = node.read(&mut |tx| assert_eq!(number(tx, b"up").wrapping_add(number(tx, b"down")), 0));
                    assert_eq!(both, Ok(()));
                }
            });
        }
    });
    nodes[0].read(&mut |tx| assert_eq!(number(tx, b"up"), 12 * EACH))?;
    let [writes, commits] = nodes.iter().fold([0, 0], |[writes, commits], node| {
        let figures = node.figures();
        [writes + figures.durable_commits, commits + figures.syncs]
    });
    println!(
        "{writes} writes in {} runs and {commits} commits",
        runs.load(Ordering::Relaxed)
    );
    assert_eq!(writes, 12 * EACH);
    Ok(())
}

/// Two nodes each look whether the other has taken the last place, and take it: only serializable transactions stop them.
#[test]
fn nodes_do_not_decide_on_what_the_other_changes() -> Result<(), StoreError> {
    let Some(url) = database() else { return Ok(()) };
    let nodes = [open(&url), open(&url)];
    for round in 0..40u8 {
        let barrier = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            for (node, [mine, other]) in nodes.iter().zip([[0u8, 1], [1, 0]]) {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    let done = node.write(&mut |tx| {
                        if number(tx, &[round, other]) == 0 {
                            let _ = tx.put(&[round, mine], &1u64.to_be_bytes());
                        }
                        Decision::Commit
                    });
                    assert!(done.is_ok());
                });
            }
        });
        nodes[0].read(&mut |tx| assert_eq!(number(tx, &[round, 0]) + number(tx, &[round, 1]), 1))?;
    }
    Ok(())
}

#[derive(Default)]
struct Rung(tokio::sync::Notify);

impl virga_base::Bell for Rung {
    fn ring(&self, _: u64) {
        self.0.notify_one();
    }
}

const ROWS: Table<(u64,), u64> = Table::new(0x7f01, "test.rows");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiters_are_woken_by_other_nodes() -> Result<(), StoreError> {
    let Some(url) = database() else { return Ok(()) };
    let [here, there] = [open(&url), open(&url)].map(|engine| Arc::new(Store::new(Box::new(engine))));
    assert!(here.is_shared());
    let place = Place::world();
    for round in 1..=20u64 {
        let mut watch = here.watch(b"topic");
        assert_ne!(here.read(&place, |tx| tx.get(&ROWS, (0u64,)))?, Some(round));
        there
            .write(&place, |tx: &mut Tx<'_>| -> Result<(), StoreError> {
                tx.put(&ROWS, (0u64,), &round)?;
                tx.notify(b"topic");
                Ok(())
            })
            .await?;
        let began = Instant::now();
        // The first wakes may be for what came before.
        while here.read(&place, |tx| tx.get(&ROWS, (0u64,)))? != Some(round) {
            let woken = tokio::time::timeout(Duration::from_secs(5), watch.changed()).await;
            assert!(woken.is_ok(), "not woken in round {round}");
        }
        assert!(began.elapsed() < Duration::from_secs(5));
    }
    // A watch that begins after all that, and meets one commit only.
    let mut watch = here.watch(b"another");
    there
        .write(&place, |tx: &mut Tx<'_>| -> Result<(), StoreError> {
            tx.notify(b"another");
            Ok(())
        })
        .await?;
    assert!(
        tokio::time::timeout(Duration::from_secs(5), watch.changed())
            .await
            .is_ok()
    );

    let due = Arc::new(Rung::default());
    here.ring_bell(due.clone(), 1);
    // What the first question finds counts as news; the second change must be the other node's.
    let _ = tokio::time::timeout(Duration::from_secs(1), due.0.notified()).await;
    let row = DueRow {
        service: "s".into(),
        kind: "k".into(),
        account: 1,
        region: "us-east-1".into(),
        payload: Vec::new(),
        attempts: 0,
    };
    there
        .write(&place, |tx| {
            tx.schedule(virga_base::Timestamp::from_secs(1), &row).map(drop)
        })
        .await?;
    assert!(
        tokio::time::timeout(Duration::from_secs(5), due.0.notified())
            .await
            .is_ok()
    );
    Ok(())
}
