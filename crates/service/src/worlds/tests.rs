//! Worlds with a service whose one deferred work writes a row, and may cause itself anew.

use super::{Fork, WorldError, Worlds};
use crate::{Cloud, CloudOptions, Ctx, DueRow, Service, SettleError, Validation};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use virga_base::{Clock, ClockMode, Ids, Timestamp};
use virga_store::{DiskEngine, Engine, MemoryEngine, Place, Store, StoreError, Table};

const ROWS: Table<(String,), u64> = Table::new(0x7f01, "test.rows");
fn start() -> Timestamp {
    Timestamp::from_secs(1_767_225_600)
}

fn options(engine: Box<dyn Engine>) -> CloudOptions {
    let again = |ctx: Ctx, payload: Vec<u8>| async move {
        let now = ctx.now();
        let row = ctx.due_row("again", payload);
        ctx.write(|tx| tx.schedule(now, &row).map(drop)).await?;
        Ok(())
    };
    let note = |ctx: Ctx, payload: Vec<u8>| async move {
        let (name, at) = (String::from_utf8_lossy(&payload).into_owned(), ctx.now().as_secs());
        let place = Place::world();
        ctx.cloud()
            .store()
            .write(&place, |tx| -> Result<(), StoreError> {
                tx.put(&ROWS, (&name,), &(at as u64))?;
                tx.notify(b"noted");
                Ok(())
            })
            .await?;
        Ok(())
    };
    CloudOptions {
        store: Store::new(engine),
        clock: Clock::frozen(start()),
        ids: Ids::seeded(1),
        services: vec![
            Service::new("sqs", Validation::Own)
                .due("note", note)
                .due("again", again),
        ],
        settings: BTreeMap::new(),
    }
}

fn worlds() -> Arc<Worlds> {
    Worlds::of(Cloud::new(options(Box::new(MemoryEngine::default()))))
}

fn named(name: &str) -> Fork {
    Fork {
        name: name.to_owned(),
        ..Fork::default()
    }
}

async fn put(cloud: &Cloud, name: &str) {
    let written: Result<(), StoreError> = cloud
        .store()
        .write(&Place::world(), |tx| tx.put(&ROWS, (name,), &1))
        .await;
    assert_eq!(written, Ok(()));
}

fn get(cloud: &Cloud, name: &str) -> Option<u64> {
    cloud
        .store()
        .read(&Place::world(), |tx| tx.get(&ROWS, (name,)))
        .expect("reads")
}

async fn defer(cloud: &Cloud, after_s: i64, kind: &str, name: &str) {
    let row = DueRow {
        service: "sqs".to_owned(),
        kind: kind.to_owned(),
        account: 0,
        region: "us-east-1".to_owned(),
        payload: name.as_bytes().to_vec(),
        attempts: 0,
    };
    let at = cloud.clock().now().plus_secs(after_s);
    let written: Result<(), StoreError> = cloud
        .store()
        .write(&Place::world(), |tx| tx.schedule(at, &row).map(drop))
        .await;
    assert_eq!(written, Ok(()));
}

/// Waits until a row is there.
async fn noted(cloud: &Cloud, name: &str) -> u64 {
    let wait = async {
        let mut watch = cloud.store().watch(b"noted");
        loop {
            if let Some(at) = get(cloud, name) {
                return at;
            }
            watch.changed().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait)
        .await
        .expect("noted in time")
}

#[tokio::test]
async fn a_fork_begins_alike_and_goes_its_own_way() {
    let worlds = worlds();
    let main = worlds.main();
    put(main, "before").await;
    defer(main, 60, "note", "later").await;
    let fork = worlds.fork(named("t1")).await.expect("forks");
    assert_eq!((fork.world(), fork.clock().now()), ("t1", start()));
    assert_eq!(get(&fork, "before"), Some(1));

    put(&fork, "only-there").await;
    put(main, "only-here").await;
    assert_eq!((get(main, "only-there"), get(&fork, "only-here")), (None, None));

    assert_eq!(fork.advance(start().plus_secs(90)).await, Ok(1));
    assert_eq!(get(&fork, "later"), Some(start().plus_secs(60).as_secs() as u64));
    assert_eq!((main.clock().now(), get(main, "later")), (start(), None));

    fork.reset().await.expect("resets");
    assert_eq!((get(&fork, "before"), get(main, "before")), (None, Some(1)));
    assert_eq!(fork.clock().mode(), ClockMode::Running { rate: 1.0 });
    assert_eq!(main.clock().mode(), ClockMode::Frozen);
}

#[tokio::test]
async fn forks_draw_ids_of_their_own() {
    let draw = async |name: &str| {
        let worlds = worlds();
        let fork = worlds.fork(named(name)).await.expect("forks");
        let again = worlds.fork(Fork {
            from: Some(name.to_owned()),
            ..named("child")
        });
        let child = again.await.expect("forks");
        [fork.ids().uuid(), child.ids().uuid(), worlds.main().ids().uuid()]
    };
    let (a, b) = (draw("a").await, draw("b").await);
    assert_eq!(a, draw("a").await, "the same calls give the same ids");
    assert_ne!(a[0], b[0]);
    assert_ne!(a[1], b[1]);
    assert_eq!(a[2], b[2], "a fork takes nothing from its parent");
    assert!(a[0] != a[1] && a[1] != a[2] && a[0] != a[2]);
}

#[tokio::test]
async fn one_task_runs_what_is_due_in_every_world() {
    let worlds = worlds();
    let running = tokio::spawn(worlds.clone().run());
    let a = worlds.fork(named("a")).await.expect("forks");
    let b = worlds.fork(named("b")).await.expect("forks");
    defer(worlds.main(), 10, "note", "x").await;
    defer(&a, 10, "note", "x").await;
    defer(&b, 10, "note", "x").await;
    a.set_time(start().plus_secs(10)).await.expect("moves");
    assert_eq!(noted(&a, "x").await, start().plus_secs(10).as_secs() as u64);
    assert_eq!((get(worlds.main(), "x"), get(&b, "x")), (None, None));
    b.run_time(100_000.0).await.expect("runs");
    assert!(noted(&b, "x").await >= start().plus_secs(10).as_secs() as u64);
    defer(&a, 0, "note", "y").await;
    noted(&a, "y").await;
    assert_eq!(get(worlds.main(), "x"), None);
    worlds.main().set_time(start().plus_secs(11)).await.expect("moves");
    noted(worlds.main(), "x").await;
    running.abort();
}

#[tokio::test]
async fn work_that_causes_itself_ends_a_settle_in_that_world_only() {
    let worlds = worlds();
    let fork = worlds.fork(named("loop")).await.expect("forks");
    defer(&fork, 0, "again", "x").await;
    assert_eq!(fork.settle_within(50).await, Err(SettleError::NeverEnds { steps: 50 }));
    assert_eq!(worlds.main().settle_within(50).await, Ok(0));
    defer(worlds.main(), 0, "note", "x").await;
    assert_eq!(worlds.main().settle_within(1).await, Ok(1), "the most is not too many");
}

#[tokio::test]
async fn names_and_numbers_are_bounded() {
    let options = options(Box::new(MemoryEngine::default()));
    let worlds = Worlds::open(options, 3).await.expect("opens");
    let fork = async |fork: Fork| worlds.fork(fork).await.map(|world| world.world().to_owned());
    assert!(matches!(fork(named("sqs")).await, Err(WorldError::Name { .. })));
    assert!(matches!(fork(named("main")).await, Err(WorldError::Name { .. })));
    assert_eq!(fork(named("a")).await, Ok("a".to_owned()));
    assert_eq!(fork(named("a")).await, Err(WorldError::Exists("a".to_owned())));
    let of_nothing = Fork {
        from: Some("zzz".to_owned()),
        ..named("b")
    };
    assert_eq!(fork(of_nothing).await, Err(WorldError::Unknown("zzz".to_owned())));
    assert_eq!(fork(named("b")).await, Ok("b".to_owned()));
    assert_eq!(fork(named("c")).await, Err(WorldError::TooMany { max: 3 }));
    put(&worlds.find("a").expect("is there"), "x").await;
    let anew = Fork {
        replace: true,
        ..named("a")
    };
    assert_eq!(fork(anew).await, Ok("a".to_owned()));
    assert_eq!(get(&worlds.find("a").expect("is there"), "x"), None);
    assert_eq!(worlds.drop_world("main").await, Err(WorldError::Main));
    assert_eq!(worlds.drop_world("b").await, Ok(()));
    assert_eq!(worlds.drop_world("b").await, Err(WorldError::Unknown("b".to_owned())));
    let names: Vec<String> = worlds.list().iter().map(|world| world.world().to_owned()).collect();
    assert_eq!(names, ["main", "a"]);
}

#[tokio::test]
async fn a_world_that_nobody_uses_is_dropped_after_its_time() {
    let worlds = worlds();
    let mortal = |name: &str| Fork {
        ttl: Some(Duration::from_secs(600)),
        ..named(name)
    };
    drop(worlds.fork(mortal("idle")).await.expect("forks"));
    drop(worlds.fork(named("stays")).await.expect("forks"));
    let busy = worlds.fork(mortal("busy")).await.expect("forks");
    let now = Instant::now();
    let (over, next) = worlds.drop_unused(now + Duration::from_secs(590)).await;
    assert_eq!(over, Vec::<String>::new());
    assert!(next.is_some_and(|next| next <= now + Duration::from_secs(601)));
    // A call under way holds its world, which is a use.
    let (over, _) = worlds.drop_unused(now + Duration::from_secs(605)).await;
    assert_eq!(over, ["idle"]);
    drop(busy);
    assert!(worlds.get("stays").is_some());
}

#[tokio::test]
async fn a_dropped_world_ends_for_those_who_wait_in_it() {
    let worlds = worlds();
    let fork = worlds.fork(named("t1")).await.expect("forks");
    let waiter = tokio::spawn({
        let fork = fork.clone();
        async move { fork.ended().await }
    });
    tokio::task::yield_now().await;
    assert!(!waiter.is_finished());
    worlds.drop_world("t1").await.expect("drops");
    waiter.await.expect("ends");
    fork.ended().await;
    assert!(fork.has_ended() && worlds.get("t1").is_none());
}

#[tokio::test]
async fn the_clock_of_a_kept_world_stays_where_it_was_moved() {
    let folder = std::env::temp_dir().join(format!("virga-worlds-{}", std::process::id()));
    let open = async || {
        let engine = DiskEngine::open(&folder).expect("opens");
        let mut options = options(Box::new(engine));
        options.clock = Clock::real();
        Worlds::open(options, 10).await.expect("opens")
    };
    let worlds = open().await;
    assert_eq!(worlds.main().clock().mode(), ClockMode::Running { rate: 1.0 });
    worlds.main().freeze(Some(start())).await.expect("freezes");
    drop(worlds);
    let worlds = open().await;
    let clock = worlds.main().clock();
    assert_eq!((clock.now(), clock.mode()), (start(), ClockMode::Frozen));
    worlds.main().reset_time().await.expect("resets");
    drop(worlds);
    let worlds = open().await;
    assert_eq!(worlds.main().clock().mode(), ClockMode::Running { rate: 1.0 });
    drop(worlds);
    std::fs::remove_dir_all(&folder).expect("removes");
}

#[tokio::test]
async fn kept_forks_are_there_after_a_restart() {
    let folder = std::env::temp_dir().join(format!("virga-forks-{}", std::process::id()));
    let open = async || {
        let engine = DiskEngine::open(&folder).expect("opens");
        Worlds::open(options(Box::new(engine)), 10).await.expect("opens")
    };
    let worlds = open().await;
    put(worlds.main(), "before").await;
    let first = Fork {
        ttl: Some(Duration::from_secs(600)),
        ..named("first")
    };
    let first = worlds.fork(first).await.expect("forks");
    let second = Fork {
        from: Some("first".to_owned()),
        ..named("second")
    };
    let second = worlds.fork(second).await.expect("forks");
    first.freeze(Some(start().plus_secs(7))).await.expect("freezes");
    put(&second, "there").await;
    defer(&second, 60, "note", "later").await;
    let drawn = [first.ids().uuid(), second.ids().uuid()];
    drop(worlds.fork(named("gone")).await.expect("forks"));
    worlds.drop_world("gone").await.expect("drops");
    drop((first, second, worlds));

    let worlds = open().await;
    let names: Vec<String> = worlds.list().iter().map(|world| world.world().to_owned()).collect();
    assert_eq!(names, ["main", "first", "second"]);
    let [first, second] = ["first", "second"].map(|name| worlds.find(name).expect("is there"));
    assert_eq!(first.clock().now(), start().plus_secs(7));
    let origin = first.origin().expect("a fork");
    assert_eq!((&*origin.parent, origin.ttl), ("main", Some(Duration::from_secs(600))));
    assert_eq!(second.origin().map(|origin| &*origin.parent), Some("first"));
    assert_eq!([get(&first, "before"), get(&first, "there")], [Some(1), None]);
    assert_eq!([get(&second, "before"), get(&second, "there")], [Some(1), Some(1)]);
    assert!(!drawn.contains(&first.ids().uuid()) && !drawn.contains(&second.ids().uuid()));
    second.freeze(Some(start())).await.expect("freezes");
    assert_eq!(second.advance(start().plus_secs(60)).await, Ok(1));
    assert_eq!(get(&second, "later"), Some(start().plus_secs(60).as_secs() as u64));
    // A dropped name is free again, and begins with the parent's rows.
    let gone = worlds.fork(named("gone")).await.expect("forks");
    assert_eq!(get(&gone, "before"), Some(1));
    drop((first, second, gone, worlds));
    std::fs::remove_dir_all(&folder).expect("removes");
}
