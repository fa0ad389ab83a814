//! What the simulation has found, each played once more by hand.

use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use virga_base::{Account, AwsError, Clock, Ids, Region, Timestamp};
use virga_service::{Cloud, CloudOptions};
use virga_store::{MemoryEngine, Place, Store, StoreError, Table};
use virga_testkit::simulation::{Executor, Faults, Plan};
use virga_testkit::{START_S, World};

const SLOW: Plan = Plan {
    conflicts: 0,
    refusals: 0,
    slow: true,
    misdeed: None,
};

type Calls = Executor<Result<Json, AwsError>>;

fn begin(calls: &mut Calls, world: &World, operation: &'static str, input: Json) -> u64 {
    let world = world.as_account(0);
    calls.spawn(async move { world.call("sqs", operation, input).await })
}

/// A call that must end at once.
fn done(calls: &mut Calls, world: &World, operation: &'static str, input: Json) -> Json {
    let task = begin(calls, world, operation, input);
    match calls.poll(task) {
        Some(Ok(answer)) => answer,
        other => panic!("{operation}: {other:?}"),
    }
}

fn bodies(answer: Option<Result<Json, AwsError>>) -> Vec<String> {
    let Some(Ok(answer)) = answer else { panic!("{answer:?}") };
    let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
    messages
        .iter()
        .map(|message| message["Body"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_commit_is_told_of_though_its_caller_has_gone() {
    const ROWS: Table<(u64,), u64> = Table::new(0x7e03, "test.rows");
    let mut tasks: Executor<()> = Executor::default();
    let slow = Plan {
        slow: true,
        ..Plan::default()
    };
    let faults = Faults::in_memory(Box::new(MemoryEngine::default()), slow, 1, tasks.current());
    let store = std::sync::Arc::new(Store::new(faults.engine()));
    let mut watch = store.watch(b"t");
    let waiter = tasks.spawn(async move { watch.changed().await });
    assert_eq!(tasks.poll(waiter), None);
    let writer = tasks.spawn(async move {
        let place = Place::world();
        let written = store.write(&place, |tx| -> Result<(), StoreError> {
            tx.notify(b"t");
            tx.put(&ROWS, (1u64,), &1)
        });
        assert_eq!(written.await, Ok(()));
    });
    assert_eq!(tasks.poll(writer), None);
    assert!(tasks.woken().is_empty());
    tasks.forget(writer);
    assert_eq!(tasks.woken(), [waiter]);
}

#[test]
fn a_receiver_that_waits_follows_a_queue_that_is_made_again() {
    let (mut calls, world) = (Calls::default(), World::new(vec![virga_sqs::service()]));
    done(&mut calls, &world, "CreateQueue", json!({ "QueueName": "q" }));
    let waiter = begin(
        &mut calls,
        &world,
        "ReceiveMessage",
        json!({ "QueueUrl": "q", "WaitTimeSeconds": 20 }),
    );
    assert!(calls.poll(waiter).is_none());
    done(&mut calls, &world, "DeleteQueue", json!({ "QueueUrl": "q" }));
    done(&mut calls, &world, "CreateQueue", json!({ "QueueName": "q" }));
    assert!(calls.poll(waiter).is_none());
    done(
        &mut calls,
        &world,
        "SendMessage",
        json!({ "QueueUrl": "q", "MessageBody": "new" }),
    );
    assert_eq!(calls.woken(), [waiter]);
    assert_eq!(bodies(calls.poll(waiter)), ["new"]);
}

#[test]
fn a_receiver_that_waits_is_told_of_a_repeated_receive_that_shows_a_message() {
    let (mut calls, world) = (Calls::default(), World::new(vec![virga_sqs::service()]));
    let create = json!({ "QueueName": "q.fifo", "Attributes": { "FifoQueue": "true" } });
    done(&mut calls, &world, "CreateQueue", create);
    let send =
        json!({ "QueueUrl": "q.fifo", "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d" });
    done(&mut calls, &world, "SendMessage", send);
    let attempt =
        |timeout: u32| json!({ "QueueUrl": "q.fifo", "ReceiveRequestAttemptId": "a", "VisibilityTimeout": timeout });
    done(&mut calls, &world, "ReceiveMessage", attempt(30));
    let waiter = begin(
        &mut calls,
        &world,
        "ReceiveMessage",
        json!({ "QueueUrl": "q.fifo", "WaitTimeSeconds": 20 }),
    );
    assert!(calls.poll(waiter).is_none());
    done(&mut calls, &world, "ReceiveMessage", attempt(0));
    assert_eq!(calls.woken(), [waiter]);
    assert_eq!(bodies(calls.poll(waiter)), ["x"]);
}

#[test]
fn what_was_too_old_does_not_come_back_under_a_longer_retention() {
    let (mut calls, world) = (Calls::default(), World::new(vec![virga_sqs::service()]));
    let create = json!({ "QueueName": "q", "Attributes": { "MessageRetentionPeriod": "60" } });
    done(&mut calls, &world, "CreateQueue", create);
    done(
        &mut calls,
        &world,
        "SendMessage",
        json!({ "QueueUrl": "q", "MessageBody": "old" }),
    );
    // Without the work that falls due on the way: nobody has swept yet.
    let clock = world.cloud.clock();
    clock.set(Timestamp::from_millis(clock.now().as_millis() + 70_000));
    let longer = json!({ "QueueUrl": "q", "Attributes": { "MessageRetentionPeriod": "3600" } });
    done(&mut calls, &world, "SetQueueAttributes", longer);
    let received = begin(&mut calls, &world, "ReceiveMessage", json!({ "QueueUrl": "q" }));
    assert!(bodies(calls.poll(received)).is_empty());
}

#[test]
fn a_sweep_that_is_done_twice_leaves_one_behind_and_a_deleted_queue_none() {
    let mut tasks: Executor<()> = Executor::default();
    let faults = Faults::in_memory(Box::new(MemoryEngine::default()), SLOW, 1, tasks.current());
    let cloud = Cloud::new(CloudOptions {
        store: Store::new(faults.engine()),
        clock: Clock::frozen(Timestamp::from_secs(START_S)),
        ids: Ids::seeded(1),
        services: vec![virga_sqs::service()],
        settings: BTreeMap::new(),
    });
    let world = World {
        cloud: cloud.clone(),
        account: Account::DEFAULT,
        region: Region::default(),
    };
    let mut calls = Calls::default();
    let mut all = |operation: &'static str, input: Json| {
        faults.set_plan(Plan::default());
        done(&mut calls, &world, operation, input);
        faults.set_plan(SLOW);
    };
    let create = json!({ "QueueName": "q", "Attributes": { "MessageRetentionPeriod": "60" } });
    all("CreateQueue", create);
    let send = json!({ "QueueUrl": "q", "MessageBody": "x" });
    all("SendMessage", send.clone());
    cloud.clock().set(Timestamp::from_secs(START_S + 30));
    all("SendMessage", send);
    cloud.clock().set(Timestamp::from_secs(START_S + 62));
    // Claimed, swept and noted as done; the last of these the store refuses at first.
    for refused in [true, false] {
        let worker = cloud.clone();
        let worker = tasks.spawn(async move { assert!(worker.run_first().await.is_ok_and(|row| row.is_some())) });
        let mut commits = 0;
        while tasks.poll(worker).is_none() && tasks.alive().contains(&worker) {
            let refusals = if refused && commits == 1 { 100 } else { 0 };
            faults.set_plan(Plan { refusals, ..SLOW });
            faults.make_durable(1);
            commits += 1;
            assert!(commits < 10, "it goes on");
        }
        faults.set_plan(SLOW);
    }
    let is_due = |cloud: &Cloud| cloud.store().next_due().map(|at| at.map(Timestamp::as_secs));
    assert_eq!(is_due(&cloud), Ok(Some(START_S + 91)));
    faults.make_durable(10);
    all("DeleteQueue", json!({ "QueueUrl": "q" }));
    faults.set_plan(Plan::default());
    let worker = cloud.clone();
    let worker = tasks.spawn(async move { assert!(worker.run_first().await.is_ok_and(|row| row.is_some())) });
    assert!(tasks.poll(worker).is_some());
    assert_eq!(is_due(&cloud), Ok(None));
}
