//! Rows travel between engines, and a file that is not whole changes nothing.

use super::{Load, Loaded, SnapshotError, What};
use crate::{Cloud, CloudOptions, DueRow, Fork, Place, Table, WorldError, Worlds};
use proptest::prelude::{any, prop, proptest};
use proptest::test_runner::Config;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use virga_base::{Account, Clock, ClockMode, Ids, Region, Timestamp};
use virga_blob::{Content, Finished, hold};
use virga_store::{DiskEngine, Engine, MemoryEngine, Store, StoreError, schedule};

const ROWS: Table<(u64,), Vec<u8>> = Table::new(0x7f01, "test.rows");

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "virga-snapshot-{}-{}",
            std::process::id(),
            LAST.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn file(&self, bytes: &[u8]) -> File {
        let path = self.0.join("file");
        File::create(&path)
            .and_then(|mut file| file.write_all(bytes))
            .expect("written");
        File::open(&path).expect("opened")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn open(engine: Box<dyn Engine>, seed: u64) -> Arc<Worlds> {
    let options = CloudOptions {
        store: Store::new(engine),
        clock: Clock::frozen(Timestamp::from_secs(1000)),
        ids: Ids::seeded(seed),
        services: Vec::new(),
        settings: BTreeMap::new(),
    };
    Worlds::open(options, 10).await.expect("opens")
}

async fn in_memory() -> Arc<Worlds> {
    open(Box::new(MemoryEngine::default()), 7).await
}

fn place(account: u64) -> Place {
    Place::new(Account::from_number(account), &Region::default())
}

async fn put(world: &Cloud, account: u64, key: u64, value: &[u8]) {
    let (value, place) = (value.to_vec(), place(account));
    let written = world
        .store()
        .write(&place, |tx| -> Result<(), StoreError> { tx.put(&ROWS, (key,), &value) });
    written.await.expect("written");
}

fn rows(world: &Cloud, account: u64) -> Vec<(u64, Vec<u8>)> {
    let rows = world.store().read(&place(account), |tx| tx.scan(&ROWS).rows());
    let rows: Vec<((u64,), Vec<u8>)> = rows.expect("read");
    rows.into_iter().map(|((key,), value)| (key, value)).collect()
}

async fn save(worlds: &Arc<Worlds>, what: What) -> Vec<u8> {
    let worlds = worlds.clone();
    let saved = tokio::task::spawn_blocking(move || worlds.save(&what, "1.2.3", Vec::new()));
    saved.await.expect("joined").expect("saved").0
}

async fn load(worlds: &Arc<Worlds>, bytes: &[u8], name: Option<&str>, replace: bool) -> Result<Loaded, SnapshotError> {
    let folder = Folder::new();
    let load = Load {
        file: folder.file(bytes),
        name: name.map(str::to_owned),
        replace,
    };
    worlds.load(load).await
}

fn main_world() -> What {
    What::World("main".to_owned())
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("a runtime")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bytes_of_objects_go_along() {
    let memory = in_memory().await;
    let (ours, theirs) = (Account::from_number(5), Account::from_number(6));
    let mut contents = Vec::new();
    for (account, length) in [(ours, 3_000_000), (theirs, 100_000)] {
        let mut writer = memory.main().blobs().writer();
        writer.write(vec![5; length].into()).await.expect("written");
        let Finished { content, fresh } = writer.finish().await.expect("finished");
        let place = place(account.number());
        let held = memory.main().store().write(&place, |tx| hold(tx, account, &fresh));
        held.await.expect("held");
        contents.push(content);
    }
    let whole = save(&memory, main_world()).await;
    let part = save(&memory, What::Account("main".to_owned(), ours)).await;
    memory.main().reset().await.expect("resets");
    assert_eq!(memory.sweep_blobs().await, Ok(2));
    let folder = Folder::new();
    let disk = open(Box::new(DiskEngine::open(&folder.0.join("state")).expect("opens")), 8).await;
    for (file, there) in [(&part, [true, false]), (&whole, [true, true]), (&part, [true, true])] {
        load(&disk, file, None, true).await.expect("loads");
        disk.sweep_blobs().await.expect("sweeps");
        let blobs = disk.main().blobs();
        for (content, there) in contents.iter().zip(there) {
            let length = content.name().and_then(|name| blobs.length(name));
            assert_eq!(length, there.then_some(content.length()));
        }
        let body = blobs.body(blobs.pin(), contents.first().map(Content::whole));
        let bytes = http_body_util::BodyExt::collect(body).await.expect("read").to_bytes();
        assert!(bytes.len() == 3_000_000 && bytes.iter().all(|byte| *byte == 5));
    }
    // What is refused leaves nothing.
    let refused = load(&memory, &whole[..whole.len() - 9], None, true).await;
    assert!(refused.is_err());
    assert_eq!(memory.main().blobs().files().map(|files| files.len()).ok(), Some(0));
}

proptest! {
    #![proptest_config(Config::with_cases(24))]
    #[test]
    fn rows_go_from_memory_to_disk_and_back(
        wanted in prop::collection::btree_map((0u64..3, any::<u64>()), prop::collection::vec(any::<u8>(), 0..400), 0..60)) {
        runtime().block_on(async {
            let memory = in_memory().await;
            for ((account, key), value) in &wanted {
                put(memory.main(), *account, *key, value).await;
            }
            let folder = Folder::new();
            let disk = open(Box::new(DiskEngine::open(&folder.0.join("state")).expect("opens")), 8).await;
            load(&disk, &save(&memory, main_world()).await, None, false).await.expect("loads");
            let again = in_memory().await;
            load(&again, &save(&disk, What::Cloud).await, None, false).await.expect("loads");
            for worlds in [&disk, &again] {
                for account in 0..3 {
                    let expected: Vec<_> = wanted.iter().filter(|((of, _), _)| *of == account)
                        .map(|((_, key), value)| (*key, value.clone())).collect();
                    assert_eq!(rows(worlds.main(), account), expected);
                }
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_changes_nothing() {
    let worlds = in_memory().await;
    put(worlds.main(), 1, 1, b"saved").await;
    let bytes = save(&worlds, main_world()).await;
    put(worlds.main(), 1, 1, b"kept").await;
    for at in (0..bytes.len()).step_by(3) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x20;
        let refused = load(&worlds, &damaged, None, true).await;
        assert!(matches!(refused, Err(SnapshotError::File(_))), "byte {at}");
        let refused = load(&worlds, &bytes[..at], Some("other"), true).await;
        assert!(matches!(refused, Err(SnapshotError::File(_))), "length {at}");
    }
    assert_eq!(rows(worlds.main(), 1), [(1, b"kept".to_vec())]);
    assert_eq!(worlds.list().len(), 1);
    load(&worlds, &bytes, None, true).await.expect("loads");
    assert_eq!(rows(worlds.main(), 1), [(1, b"saved".to_vec())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_replaced_only_where_that_is_said() {
    let worlds = in_memory().await;
    put(worlds.main(), 1, 1, b"a").await;
    let world = save(&worlds, main_world()).await;
    let account = save(&worlds, What::Account("main".into(), Account::from_number(1))).await;
    let cloud = save(&worlds, What::Cloud).await;
    for bytes in [&world, &account, &cloud] {
        let refused = load(&worlds, bytes, None, false).await;
        assert!(matches!(refused, Err(SnapshotError::Occupied(_))));
    }
    load(&worlds, &world, Some("next"), false).await.expect("loads");
    let next = worlds.get("next").expect("there");
    assert_eq!(rows(&next, 1), [(1, b"a".to_vec())]);
    assert_eq!(next.origin().map(|origin| &*origin.parent), Some("main"));
    // A cloud's worlds take the place of all that are there.
    let refused = load(&worlds, &cloud, None, false).await;
    assert!(matches!(refused, Err(SnapshotError::Occupied(_))));
    drop(next);
    load(&worlds, &cloud, None, true).await.expect("loads");
    assert!(worlds.get("next").is_none());
    for (name, bytes) in [("s3", &world), ("nowhere", &account)] {
        let refused = load(&worlds, bytes, Some(name), false).await;
        assert!(matches!(refused, Err(SnapshotError::World(_))), "{name}");
    }
    let unknown = save_error(&worlds, What::World("nowhere".into())).await;
    assert_eq!(unknown, SnapshotError::World(WorldError::Unknown("nowhere".into())));
}

async fn save_error(worlds: &Arc<Worlds>, what: What) -> SnapshotError {
    let worlds = worlds.clone();
    let saved = tokio::task::spawn_blocking(move || worlds.save(&what, "1.2.3", Vec::new()));
    saved.await.expect("joined").expect_err("refused")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_cloud_is_loaded_with_its_worlds_and_clocks() {
    let worlds = in_memory().await;
    put(worlds.main(), 1, 1, b"a").await;
    let fork = Fork {
        name: "test-1".into(),
        ..Fork::default()
    };
    let fork = worlds.fork(fork).await.expect("forks");
    put(&fork, 1, 2, b"b").await;
    fork.freeze(Some(Timestamp::from_secs(5000))).await.expect("freezes");
    let bytes = save(&worlds, What::Cloud).await;
    let folder = Folder::new();
    let path = folder.0.join("state");
    for _ in 0..2 {
        let disk = open(Box::new(DiskEngine::open(&path).expect("opens")), 9).await;
        load(&disk, &bytes, None, true).await.expect("loads");
    }
    // And all is there after a restart, with nothing left of the way here.
    let disk = open(Box::new(DiskEngine::open(&path).expect("opens")), 9).await;
    let names: Vec<String> = disk.list().iter().map(|world| world.world().to_owned()).collect();
    assert_eq!(names, ["main", "test-1"]);
    assert_eq!(disk.main().store().kept().map(|kept| kept.len()), Ok(1));
    let loaded = disk.get("test-1").expect("there");
    assert_eq!(rows(&loaded, 1), [(1, b"a".to_vec()), (2, b"b".to_vec())]);
    assert_eq!(
        (loaded.clock().now(), loaded.clock().mode()),
        (Timestamp::from_secs(5000), ClockMode::Frozen)
    );
    assert_eq!(rows(disk.main(), 1), [(1, b"a".to_vec())]);
}

fn work(account: u64, kind: &str) -> DueRow {
    DueRow {
        service: "test".into(),
        kind: kind.into(),
        account,
        region: "us-east-1".into(),
        payload: Vec::new(),
        attempts: 0,
    }
}

async fn defer(world: &Cloud, at: i64, account: u64, kind: &str) -> u64 {
    let (row, place) = (work(account, kind), place(account));
    let at = Timestamp::from_secs(at);
    let deferred = world.store().write(&place, |tx| tx.schedule(at, &row));
    deferred.await.expect("deferred").number
}

/// Claims all work there is; answers its numbers and kinds.
async fn claim_all(world: &Cloud) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    let far = Timestamp::from_secs(1 << 40);
    while let Some((id, row)) = world
        .store()
        .write(&Place::world(), |tx| schedule::claim(tx, far, schedule::ALONE))
        .await
        .expect("claims")
    {
        found.push((id.number, row.kind));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_replaced_alone_and_its_work_with_it() {
    let from = in_memory().await;
    put(from.main(), 1, 1, b"one").await;
    put(from.main(), 2, 1, b"two").await;
    defer(from.main(), 10, 1, "claimed").await;
    defer(from.main(), 20, 1, "loaded").await;
    defer(from.main(), 30, 2, "other").await;
    // One is being worked on while the account is saved.
    let shared = Place::world();
    let claimed = from.main().store().write(&shared, |tx| {
        schedule::claim(tx, Timestamp::from_secs(10), schedule::ALONE)
    });
    assert!(claimed.await.expect("claims").is_some());
    let bytes = save(&from, What::Account("main".into(), Account::from_number(1))).await;

    let to = in_memory().await;
    put(to.main(), 1, 9, b"old").await;
    put(to.main(), 2, 1, b"stays").await;
    defer(to.main(), 40, 2, "stays").await;
    defer(to.main(), 50, 1, "goes").await;
    let loaded = load(&to, &bytes, None, true).await.expect("loads");
    assert_eq!(loaded.worlds, ["main"]);
    assert_eq!(rows(to.main(), 1), [(1, b"one".to_vec())]);
    assert_eq!(rows(to.main(), 2), [(1, b"stays".to_vec())]);
    // Number 1 is taken by what stays; the last number was 3 where the account came from.
    let later = defer(to.main(), 60, 1, "later").await;
    assert_eq!(later, 5);
    let found = claim_all(to.main()).await;
    let kinds: Vec<&str> = found.iter().map(|(_, kind)| kind.as_str()).collect();
    assert_eq!(kinds, ["claimed", "loaded", "stays", "later"]);
    assert_eq!(
        found.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
        [4, 2, 1, 5]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_the_saved_world_drew_are_drawn_no_more() {
    let (from, to) = (in_memory().await, in_memory().await);
    let drawn = from.main().ids().uuid();
    let bytes = save(&from, main_world()).await;
    load(&to, &bytes, None, true).await.expect("loads");
    let first = to.main().ids().uuid();
    assert_ne!(first, drawn);
    load(&to, &bytes, None, true).await.expect("loads");
    assert!(![drawn, first].contains(&to.main().ids().uuid()));
}

/// A pair of rows is changed together all the time; a file never has them apart.
#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_under_load_is_of_one_moment() {
    let folder = Folder::new();
    let engines: [Box<dyn Engine>; 2] = [
        Box::new(MemoryEngine::default()),
        Box::new(DiskEngine::open(&folder.0.join("state")).expect("opens")),
    ];
    for engine in engines {
        let worlds = open(engine, 7).await;
        for key in 0..3000 {
            put_many(worlds.main(), key).await;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let writer = tokio::spawn({
            let (world, stop) = (worlds.main().clone(), stop.clone());
            async move {
                let mut count = 0u64;
                while !stop.load(Ordering::Relaxed) {
                    count += 1;
                    // The first and the last row that a save comes to.
                    let value = count.to_be_bytes().to_vec();
                    let here = place(1);
                    let written = world.store().write(&here, |tx| -> Result<(), StoreError> {
                        tx.put(&ROWS, (0u64,), &value)?;
                        tx.elsewhere(&place(9)).put(&ROWS, (u64::MAX,), &value)
                    });
                    written.await.expect("written");
                    tokio::task::yield_now().await;
                }
                count
            }
        });
        let mut seen = Vec::new();
        for _ in 0..20 {
            let bytes = save(&worlds, main_world()).await;
            let other = in_memory().await;
            load(&other, &bytes, None, false).await.expect("loads");
            let (first, last) = (rows(other.main(), 1).remove(0), rows(other.main(), 9));
            assert_eq!(
                Some(first.1.clone()).filter(|value| !value.is_empty()),
                last.first().map(|(_, value)| value.clone())
            );
            seen.push(first.1);
        }
        stop.store(true, Ordering::Relaxed);
        let count = writer.await.expect("joined");
        seen.dedup();
        assert!(
            seen.len() > 5 && count > 20,
            "the load went on meanwhile: {} of {count}",
            seen.len()
        );
        assert_eq!(
            worlds.main().store().kept().map(|kept| kept.len()),
            Ok(0),
            "no copy is left"
        );
    }
}

async fn put_many(world: &Cloud, key: u64) {
    if key.is_multiple_of(1000) {
        let place = place(1);
        let written = world.store().write(&place, |tx| -> Result<(), StoreError> {
            (key..key + 1000).try_for_each(|key| tx.put(&ROWS, (key,), &Vec::new()))
        });
        written.await.expect("written");
    }
}
