//! Deferred work of a node that is taken for dead: another does it, and the first can neither finish it nor write for it.

use super::open;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use virga_base::{Account, AwsError, Clock, Ids, Region, Timestamp};
use virga_service::{Cloud, CloudOptions, Ctx, DueRow, Service, Validation};
use virga_store::{Place, Store, StoreError, Table, schedule};
use virga_testkit::postgres::database;

const COUNTS: Table<(u64,), u64> = Table::new(0x7f02, "test.counts");

async fn count(ctx: &Ctx) -> Result<(), AwsError> {
    ctx.write(|tx| {
        let count = tx.get(&COUNTS, (0u64,))?.unwrap_or(0);
        tx.put(&COUNTS, (0u64,), &(count + 1))
    })
    .await
    .map_err(|error: StoreError| error.into())
}

fn node(url: &str, service: Service) -> Arc<Cloud> {
    Cloud::new(CloudOptions {
        store: Store::new(Box::new(open(url))),
        clock: Clock::real(),
        ids: Ids::random(),
        services: vec![service],
        settings: BTreeMap::new(),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_is_not_heard_loses_its_work_for_good() -> Result<(), StoreError> {
    let Some(url) = database() else { return Ok(()) };
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, mut results) = mpsc::unbounded_channel();
    let slow = Service::new("sqs", Validation::Own).due("work", {
        let (begun, go_on, told) = (begun.clone(), go_on.clone(), told.clone());
        move |ctx, _| {
            let (begun, go_on, told) = (begun.clone(), go_on.clone(), told.clone());
            async move {
                begun.notify_one();
                go_on.notified().await;
                let result = count(&ctx).await;
                let _ = told.send(("slow", result.clone()));
                result
            }
        }
    });
    let quick = Service::new("sqs", Validation::Own).due("work", move |ctx, _| {
        let told = told.clone();
        async move {
            let result = count(&ctx).await;
            let _ = told.send(("quick", result.clone()));
            result
        }
    });
    let (slow, quick) = (node(&url, slow), node(&url, quick));
    let row = DueRow {
        service: "sqs".into(),
        kind: "work".into(),
        account: Account::DEFAULT.number(),
        region: "us-east-1".into(),
        payload: Vec::new(),
        attempts: 0,
    };
    let at = Timestamp::from_secs(1);
    slow.store()
        .write(&Place::world(), |tx| tx.schedule(at, &row).map(drop))
        .await?;
    // Settling claims work, and does not say that its node lives: it stands for one that has stopped in the midst of it.
    let settling = tokio::spawn({
        let slow = slow.clone();
        async move { slow.settle().await }
    });
    begun.notified().await;
    assert_eq!(quick.store().next_due()?, None, "one node has it");
    let scheduler = tokio::spawn(quick.clone().run_scheduler());
    let result = tokio::time::timeout(Duration::from_secs(30), results.recv()).await;
    assert_eq!(result.ok().flatten(), Some(("quick", Ok(()))));
    go_on.notify_one();
    let Some(("slow", Err(error))) = results.recv().await else {
        panic!("written by a node that is taken for dead")
    };
    assert!(error.message.contains("another node"), "{error}");
    assert!(settling.await.is_ok());
    let place = Place::new(Account::DEFAULT, &Region::default());
    let store = slow.store();
    assert_eq!(store.read(&place, |tx| tx.get(&COUNTS, (0u64,)))?, Some(1));
    // Work has told of itself before it is finished.
    let finished = async {
        while store.read(&Place::world(), schedule::has_claims)? {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok::<(), StoreError>(())
    };
    assert_eq!(
        tokio::time::timeout(Duration::from_secs(10), finished).await,
        Ok(Ok(()))
    );
    assert_eq!(store.next_due()?, None);
    scheduler.abort();
    Ok(())
}
