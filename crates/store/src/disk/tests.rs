//! The disk engine on files that lose what was not synced, and that run full.

use super::files::{DataFile, Files};
use super::{DiskEngine, DiskLimits, locked};
use crate::engine::Durable;
use crate::{Decision, Engine, StoreError, contract};
use std::collections::BTreeMap;
use std::io;
use std::ops::{Bound, ControlFlow};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a disk would write at once, whole.
const SECTOR: usize = 512;

/// A sequence of numbers that looks like chance and repeats.
#[derive(Clone)]
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 29)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

#[derive(Debug, Default)]
struct SimFile {
    now: Vec<u8>,
    synced: Vec<u8>,
    /// What was done since the last sync.
    since: Vec<Done>,
}

#[derive(Debug)]
enum Done {
    Write(u64, Vec<u8>),
    Length(u64),
}

fn put(bytes: &mut Vec<u8>, offset: u64, part: &[u8]) {
    let (from, to) = (offset as usize, offset as usize + part.len());
    if bytes.len() < to {
        bytes.resize(to, 0);
    }
    bytes[from..to].copy_from_slice(part);
}

#[derive(Debug, Default)]
struct SimState {
    files: BTreeMap<String, SimFile>,
    /// Rises with each power cut; files opened before are dead.
    life: u64,
    /// Bytes that the disk has room for.
    room: Option<usize>,
}

/// A disk whose power can be cut.
#[derive(Clone, Debug, Default)]
struct SimDisk(Arc<Mutex<SimState>>);

impl SimDisk {
    fn state(&self) -> MutexGuard<'_, SimState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of what was not synced, some survives and some does not, in any order, sector by sector.
    fn cut_power(&self, chance: &mut Chance) {
        let mut state = self.state();
        state.life += 1;
        for file in state.files.values_mut() {
            let mut bytes = std::mem::take(&mut file.synced);
            for done in file.since.drain(..) {
                match done {
                    Done::Length(length) => {
                        if chance.below(2) == 0 {
                            bytes.resize(length as usize, 0);
                        }
                    }
                    Done::Write(offset, part) => {
                        let luck = chance.below(3);
                        for (index, sector) in part.chunks(SECTOR).enumerate() {
                            if luck == 0 || (luck == 1 && chance.below(2) == 0) {
                                put(&mut bytes, offset + (index * SECTOR) as u64, sector);
                            }
                        }
                    }
                }
            }
            file.now.clone_from(&bytes);
            file.synced = bytes;
        }
    }

    fn set_room(&self, room: Option<usize>) {
        self.state().room = room;
    }

    fn used(&self) -> usize {
        self.state().files.values().map(|file| file.now.len()).sum()
    }
}

#[derive(Debug)]
struct SimHandle {
    disk: SimDisk,
    name: String,
    life: u64,
}

impl SimHandle {
    fn with<T>(&self, f: impl FnOnce(&mut SimFile, Option<usize>) -> io::Result<T>) -> io::Result<T> {
        let used = self.disk.used();
        let mut state = self.disk.state();
        if state.life != self.life {
            return Err(io::Error::other("the power is cut"));
        }
        let left = state.room.map(|room| room.saturating_sub(used));
        f(state.files.entry(self.name.clone()).or_default(), left)
    }
}

impl DataFile for SimHandle {
    fn length(&self) -> io::Result<u64> {
        self.with(|file, _| Ok(file.now.len() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.with(|file, _| {
            let from = offset as usize;
            let part = file.now.get(from..from + out.len());
            out.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.with(|file, left| {
            let more = (offset as usize + bytes.len()).saturating_sub(file.now.len());
            if left.is_some_and(|left| left < more) {
                // As a real disk does: some of it is written all the same.
                let half = &bytes[..bytes.len() / 2];
                if offset as usize + half.len() <= file.now.len() {
                    put(&mut file.now, offset, half);
                    file.since.push(Done::Write(offset, half.to_vec()));
                }
                return Err(io::ErrorKind::StorageFull.into());
            }
            put(&mut file.now, offset, bytes);
            file.since.push(Done::Write(offset, bytes.to_vec()));
            Ok(())
        })
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.with(|file, left| {
            if left.is_some_and(|left| left < (length as usize).saturating_sub(file.now.len())) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            file.now.resize(length as usize, 0);
            file.since.push(Done::Length(length));
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.with(|file, _| {
            file.synced.clone_from(&file.now);
            file.since.clear();
            Ok(())
        })
    }
}

impl Files for SimDisk {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.state().files.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DataFile>> {
        let mut state = self.state();
        state.files.entry(name.to_owned()).or_default();
        Ok(Box::new(SimHandle {
            disk: self.clone(),
            name: name.to_owned(),
            life: state.life,
        }))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.state().files.remove(name);
        Ok(())
    }
}

/// So small that every few commits the base is written and the log turned.
const HASTY: DiskLimits = DiskLimits {
    log_bytes: 4096,
    removed_rows: 8,
    idle_ms: 5,
};

fn engine(disk: &SimDisk, limits: DiskLimits) -> DiskEngine {
    DiskEngine::start(Box::new(disk.clone()), limits, 7).unwrap_or_else(|error| panic!("{error}"))
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap_or_else(|error| panic!("{error}"))
        .block_on(future)
}

/// Writes rows in one transaction and waits until they are safe.
fn set(engine: &dyn Engine, rows: &[(Vec<u8>, Option<Vec<u8>>)]) -> Result<(), StoreError> {
    let durable = engine.write(&mut |tx| {
        let all = rows.iter().try_for_each(|(key, value)| match value {
            Some(value) => tx.put(key, value),
            None => tx.delete(key),
        });
        all.map_or(Decision::Abort, |()| Decision::Commit)
    })?;
    durable.map_or(Ok(()), block_on)
}

/// A transaction that puts this row, or none, and is kept or given up.
fn begin(engine: &dyn Engine, key: Option<u8>, decision: Decision) -> Durable {
    let durable = engine.write(&mut |tx| {
        let put = key.map_or(Ok(()), |key| tx.put(&[key], b"value"));
        put.map_or(Decision::Abort, |()| decision)
    });
    durable.unwrap_or_else(|error| panic!("{error}"))
}

/// Those who can only wait for what others have done: one that changes nothing, one that is given up, and a read.
fn onlookers(engine: &dyn Engine) -> [Durable; 3] {
    let mut seen = 0;
    assert_eq!(engine.read(&mut |_| seen = engine.seen()), Ok(()));
    let settled = engine.settled(seen).unwrap_or_else(|error| panic!("{error}"));
    let unchanged = begin(engine, None, Decision::Commit);
    [unchanged, begin(engine, Some(99), Decision::Abort), settled]
}

#[test]
fn nobody_is_answered_before_what_was_seen_is_safe() {
    let disk = SimDisk::default();
    let engine = engine(&disk, DiskLimits::default());
    assert!(onlookers(&engine).iter().all(Option::is_none));
    for is_full in [false, true] {
        let shared = &engine.root.shared;
        // Nothing is written while somebody else has the log.
        let log = locked(&shared.log);
        let mut waiting = vec![begin(&engine, Some(1), Decision::Commit)];
        waiting.extend(onlookers(&engine));
        let seen = engine.seen();
        disk.set_room(is_full.then_some(0));
        // Here the first batch stays in the middle of its way, and another begins.
        let power = disk.state();
        drop(log);
        while !locked(&shared.waiting).payload.is_empty() {
            std::thread::yield_now();
        }
        waiting.extend(onlookers(&engine));
        waiting.push(begin(&engine, Some(2), Decision::Commit));
        waiting.extend(onlookers(&engine));
        assert!(waiting.iter().all(Option::is_some));
        drop(power);
        for durable in waiting.into_iter().flatten() {
            assert_eq!(block_on(durable).is_err(), is_full);
        }
        disk.set_room(None);
        assert_eq!(engine.settled(seen).is_err(), is_full);
        assert!(onlookers(&engine).iter().all(Option::is_none));
    }
    assert_eq!(set(&engine, &[(vec![3], Some(vec![3]))]), Ok(()));
    // Putting a row and taking it away again is a change, and a step that has nothing to do waits for it.
    assert_eq!(engine.clear(), Ok(()));
    let log = locked(&engine.root.shared.log);
    let put = begin(&engine, Some(4), Decision::Commit);
    let taken = engine.write(&mut |tx| tx.delete(&[4]).map_or(Decision::Abort, |()| Decision::Commit));
    assert!(put.is_some() && taken.is_ok_and(|taken| taken.is_some()));
    drop(log);
    assert_eq!(engine.clear(), Ok(()));
    disk.cut_power(&mut Chance(1));
    drop(engine);
    assert_eq!(all(&self::engine(&disk, DiskLimits::default())), Ok(Rows::new()));
}

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

fn all(engine: &dyn Engine) -> Result<Rows, StoreError> {
    let mut rows = Rows::new();
    let mut scanned = Ok(());
    engine.read(&mut |tx| {
        scanned = tx.scan(Bound::Unbounded, Bound::Unbounded, false, &mut |key, value| {
            rows.insert(key.to_vec(), value.to_vec());
            ControlFlow::Continue(())
        });
    })?;
    scanned.map(|()| rows)
}

#[test]
fn keeps_the_contract() {
    contract::check_all(&|| Box::new(engine(&SimDisk::default(), DiskLimits::default())));
    contract::check_all(&|| Box::new(engine(&SimDisk::default(), HASTY)));
}

#[test]
fn keeps_its_rows() {
    for limits in [DiskLimits::default(), HASTY] {
        let disk = SimDisk::default();
        contract::check_durable(&|| Box::new(engine(&disk, limits)));
        contract::check_kept_forks(&|| Box::new(engine(&disk, limits)));
    }
    let folder = std::env::temp_dir().join(format!("virga-store-{}-rows", std::process::id()));
    contract::check_durable(&|| match DiskEngine::open(&folder) {
        Ok(engine) => Box::new(engine),
        Err(error) => panic!("{error}"),
    });
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn scans_see_all_layers_as_one() {
    let disk = SimDisk::default();
    let engine = engine(&disk, HASTY);
    let mut model = Rows::new();
    let mut chance = Chance(3);
    for round in 0..300u64 {
        let rows: Vec<_> = (0..chance.below(12))
            .map(|_| {
                let key = vec![b'k', chance.below(4) as u8, chance.below(40) as u8];
                let value = (chance.below(3) > 0).then(|| round.to_be_bytes().to_vec());
                (key, value)
            })
            .collect();
        assert_eq!(set(&engine, &rows), Ok(()));
        for (key, value) in rows {
            match value {
                Some(value) => drop(model.insert(key, value)),
                None => drop(model.remove(&key)),
            }
        }
        let bound = |chance: &mut Chance| {
            let key = vec![b'k', chance.below(4) as u8, chance.below(40) as u8];
            match chance.below(3) {
                0 => Bound::Included(key),
                1 => Bound::Excluded(key),
                _ => Bound::Unbounded,
            }
        };
        let (from, to, reverse) = (bound(&mut chance), bound(&mut chance), chance.below(2) == 0);
        let slice = |bound: &Bound<Vec<u8>>| bound.clone();
        let inside = |key: &Vec<u8>| {
            (match &from {
                Bound::Included(from) => key >= from,
                Bound::Excluded(from) => key > from,
                Bound::Unbounded => true,
            }) && match &to {
                Bound::Included(to) => key <= to,
                Bound::Excluded(to) => key < to,
                Bound::Unbounded => true,
            }
        };
        let mut expected: Vec<_> = model.iter().filter(|(key, _)| inside(key)).collect();
        if reverse {
            expected.reverse();
        }
        let mut seen = Vec::new();
        let (from, to) = (slice(&from), slice(&to));
        let read = engine.read(&mut |tx| {
            let (from, to) = (from.as_ref().map(Vec::as_slice), to.as_ref().map(Vec::as_slice));
            let scanned = tx.scan(from, to, reverse, &mut |key, value| {
                seen.push((key.to_vec(), value.to_vec()));
                ControlFlow::Continue(())
            });
            assert_eq!(scanned, Ok(()));
        });
        assert_eq!(read, Ok(()));
        assert!(seen.iter().map(|(key, value)| (key, value)).eq(expected));
    }
    drop(engine);
    assert_eq!(all(&self::engine(&disk, HASTY)), Ok(model));
}

/// What the `n`th transaction of writer `w` does. Each also counts itself, in the writer's first row.
fn step(w: u64, n: u64) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let mut chance = Chance(w << 32 | n);
    let key = |kind: u8, k: u64| vec![w as u8, kind, k as u8];
    let k = chance.below(30);
    let value = (chance.below(4) > 0).then(|| vec![n as u8; chance.below(700) as usize]);
    vec![
        (key(0, 0), Some(n.to_be_bytes().to_vec())),
        (key(1, k), value.clone()),
        (key(2, k), value),
    ]
}

const WRITERS: u64 = 4;

/// The rows after so many transactions of each writer.
fn after(counts: &[u64]) -> Rows {
    let mut rows = Rows::new();
    for (w, count) in counts.iter().enumerate() {
        for (key, value) in (1..=*count).flat_map(|n| step(w as u64, n)) {
            match value {
                Some(value) => drop(rows.insert(key, value)),
                None => drop(rows.remove(&key)),
            }
        }
    }
    rows
}

fn counts(rows: &Rows) -> Vec<u64> {
    (0..WRITERS)
        .map(|w| {
            let count = rows
                .get(&vec![w as u8, 0, 0])
                .and_then(|n| n.as_slice().try_into().ok());
            count.map_or(0, u64::from_be_bytes)
        })
        .collect()
}

/// Every acknowledged transaction is there, whole, and nothing else but what was on its way.
#[test]
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    for seed in 0..40 {
        let disk = SimDisk::default();
        let mut chance = Chance(seed);
        let mut acknowledged = vec![0; WRITERS as usize];
        for _ in 0..5 {
            let limits = if chance.below(2) == 0 {
                HASTY
            } else {
                DiskLimits::default()
            };
            let engine = engine(&disk, limits);
            let rows = all(&engine).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            let found = counts(&rows);
            for (found, acknowledged) in found.iter().zip(&acknowledged) {
                assert!((*acknowledged..=acknowledged + 1).contains(found), "seed {seed}");
            }
            assert!(rows == after(&found), "seed {seed}: rows are not those of {found:?}");
            acknowledged = std::thread::scope(|scope| {
                let engine = &engine;
                let writers: Vec<_> = (0..WRITERS)
                    .zip(&found)
                    .map(|(w, from)| {
                        scope.spawn(move || {
                            (*from + 1..)
                                .find(|n| set(engine, &step(w, *n)).is_err())
                                .map(|n| n - 1)
                        })
                    })
                    .collect();
                std::thread::sleep(Duration::from_micros(chance.below(20_000)));
                disk.cut_power(&mut chance);
                writers
                    .into_iter()
                    .map(|writer| writer.join().ok().flatten().unwrap_or(0))
                    .collect()
            });
        }
    }
}

/// A place by name, the folder's own by none, and its rows.
type Places = BTreeMap<String, Rows>;

fn all_places(engine: &DiskEngine) -> Result<Places, StoreError> {
    let mut places = Places::from([(String::new(), all(engine)?)]);
    for (name, fork) in engine.kept()? {
        places.insert(name, all(&*fork)?);
    }
    Ok(places)
}

/// Does something by chance to a folder and to what it should then hold.
fn act(engine: &DiskEngine, places: &mut Places, n: u64, chance: &mut Chance) -> Result<(), StoreError> {
    let names: Vec<String> = places.keys().cloned().collect();
    let name = &names[chance.below(names.len() as u64) as usize];
    let mut kept = engine.kept()?.into_iter();
    let fork = kept.find(|(other, _)| other == name).map(|(_, fork)| fork);
    let place: &dyn Engine = fork.as_deref().unwrap_or(engine);
    match chance.below(30) {
        0..3 => {
            let new = format!("fork-{n}");
            let rows = places.get(name).cloned().unwrap_or_default();
            places.insert(new.clone(), rows);
            place.fork(&new).map(drop)
        }
        3..6 if !name.is_empty() => {
            places.remove(name);
            engine.forget(name)
        }
        6 => {
            places.insert(name.clone(), Rows::new());
            place.clear()
        }
        _ => {
            let changes: Vec<_> = (0..chance.below(6))
                .map(|_| {
                    let value = (chance.below(2) > 0).then(|| vec![n as u8; chance.below(300) as usize]);
                    (vec![chance.below(40) as u8], value)
                })
                .collect();
            let rows = places.entry(name.clone()).or_default();
            for (key, value) in changes.clone() {
                match value {
                    Some(value) => drop(rows.insert(key, value)),
                    None => drop(rows.remove(&key)),
                }
            }
            set(place, &changes)
        }
    }
}

#[test]
fn forks_are_what_they_should_be_after_power_cuts_and_without() {
    let mut acts = 0;
    for seed in 0..30 {
        let disk = SimDisk::default();
        let mut chance = Chance(seed << 20);
        // What the last act that was answered left, and what the one left that was under way.
        let mut after = (Places::from([(String::new(), Rows::new())]), None);
        for _ in 0..6 {
            let engine = engine(&disk, HASTY);
            let found = all_places(&engine).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert!(
                found == after.0 || Some(&found) == after.1.as_ref(),
                "seed {seed}: places are not those that were made"
            );
            let mut acting = chance.clone();
            let steps = 20 + chance.below(300);
            let is_cut = chance.below(4) > 0;
            after = std::thread::scope(|scope| {
                let engine = &engine;
                let actor = scope.spawn(move || {
                    let mut places = found;
                    for n in acts..acts + steps {
                        let before = places.clone();
                        if act(engine, &mut places, n, &mut acting).is_err() {
                            return (before, Some(places));
                        }
                        if n % 16 == 0 {
                            match all_places(engine) {
                                Ok(found) => assert!(found == places, "seed {seed}, act {n}"),
                                Err(_) => return (places, None),
                            }
                        }
                    }
                    (places, None)
                });
                if is_cut {
                    std::thread::sleep(Duration::from_micros(chance.below(15_000)));
                    disk.cut_power(&mut chance);
                }
                actor.join().unwrap_or_else(|_| panic!("seed {seed}: see above"))
            });
            acts += steps;
        }
    }
}

/// Forks that are given up leave nothing behind, however they were layered.
#[test]
fn given_up_forks_leave_one_layer_and_no_rows() {
    let disk = SimDisk::default();
    let engine = engine(&disk, HASTY);
    for round in 0..10u8 {
        assert_eq!(set(&engine, &[(vec![round], Some(vec![round; 500]))]), Ok(()));
        let Ok(fork) = engine.fork("fork") else {
            panic!("no fork")
        };
        let large: Vec<_> = (0..100).map(|n| (vec![100 + n], Some(vec![n; 1000]))).collect();
        assert_eq!(set(&*fork, &large), Ok(()));
        let Ok(nested) = fork.fork("nested") else {
            panic!("no fork")
        };
        assert_eq!(set(&*nested, &[(vec![round], None)]), Ok(()));
        assert_eq!(set(&engine, &[(vec![round, 1], Some(vec![1]))]), Ok(()));
        for name in ["fork", "nested"] {
            assert_eq!(engine.forget(name), Ok(()));
        }
        assert!(all(&*fork).is_err(), "it is used no more");
    }
    let before = all(&engine);
    assert!(before.as_ref().is_ok_and(|rows| rows.len() == 20));
    let layers = || engine.root.shared.read().forks.layers.len();
    for _ in 0..1000 {
        if layers() == 1 {
            break;
        }
        // Joining goes on behind.
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(layers(), 1);
    assert_eq!(all(&engine), before);
    drop(engine);
    let engine = self::engine(&disk, HASTY);
    assert_eq!(all(&engine), before);
    assert_eq!(engine.root.shared.read().forks.layers.len(), 1);
}

#[test]
fn a_full_disk_refuses_writes_and_serves_reads() {
    for limits in [DiskLimits::default(), HASTY] {
        let disk = SimDisk::default();
        let engine = engine(&disk, limits);
        let mut model = Rows::new();
        let mut put = |n: u64| {
            let (key, value) = (n.to_be_bytes().to_vec(), vec![n as u8; 2000]);
            let done = set(&engine, &[(key.clone(), Some(value.clone()))]);
            if done.is_ok() {
                model.insert(key, value);
            }
            (done, all(&engine) == Ok(model.clone()))
        };
        for n in 0..20 {
            assert_eq!(put(n), (Ok(()), true));
        }
        disk.set_room(Some(disk.used() + 10_000));
        let mut refused = 0;
        // The base's file has free pages within, so it takes a while.
        for n in 20..5000 {
            if refused == 50 {
                break;
            }
            let (done, is_same) = put(n % 400);
            assert!(is_same, "{n}: the rows are not those that were acknowledged");
            match done {
                Ok(()) => {}
                Err(StoreError::Unwritable(_)) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(refused, 50);
        disk.set_room(None);
        // With room again the base is tried anew after a while, and writes go on.
        let mut done = put(1000);
        for _ in 0..300 {
            if done.0.is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
            done = put(1000);
        }
        assert_eq!(done, (Ok(()), true));
        drop(engine);
        disk.cut_power(&mut Chance(1));
        assert_eq!(all(&self::engine(&disk, limits)), Ok(model));
    }
}

#[test]
fn a_damaged_log_is_not_taken_for_a_short_one() {
    let disk = SimDisk::default();
    let engine = engine(&disk, DiskLimits::default());
    for n in 0..10u8 {
        assert_eq!(set(&engine, &[(vec![n], Some(vec![n; 10]))]), Ok(()));
    }
    // As a crash leaves it, with the log alone.
    disk.cut_power(&mut Chance(0));
    drop(engine);
    let log = disk.state().files.get("log-1").map(|file| file.now.len());
    assert!(log.is_some_and(|length| length > 100));
    disk.state().files.remove("rows.redb");
    let opened = DiskEngine::start(Box::new(disk), DiskLimits::default(), 8);
    assert!(matches!(opened.err(), Some(StoreError::Folder(_))));
}

#[test]
fn a_fork_of_a_disk_engine_goes_its_own_way() {
    let disk = SimDisk::default();
    let engine = engine(&disk, HASTY);
    for n in 0..100u8 {
        assert_eq!(set(&engine, &[(vec![n], Some(vec![1]))]), Ok(()));
    }
    let before = all(&engine);
    let Ok(fork) = engine.fork("fork") else {
        panic!("no fork")
    };
    for n in 50..150u8 {
        assert_eq!(set(&engine, &[(vec![n], Some(vec![2])), (vec![n - 50], None)]), Ok(()));
    }
    assert_eq!(all(&*fork), before);
    assert_eq!(set(&*fork, &[(vec![200], Some(vec![3])), (vec![0], None)]), Ok(()));
    assert!(all(&*fork).is_ok_and(|rows| rows.len() == 100));
    assert!(all(&engine).is_ok_and(|rows| rows.len() == 50 && !rows.contains_key(&vec![200u8])));
    assert_eq!(engine.clear(), Ok(()));
    assert_eq!(all(&engine), Ok(Rows::new()));
    assert!(all(&*fork).is_ok_and(|rows| rows.len() == 100));
    drop(engine);
    assert_eq!(all(&self::engine(&disk, HASTY)), Ok(Rows::new()));
}

#[test]
fn a_folder_in_use_is_refused() {
    let folder = std::env::temp_dir().join(format!("virga-store-{}-in-use", std::process::id()));
    let first = DiskEngine::open(&folder);
    assert!(first.is_ok());
    let second = DiskEngine::open(&folder).err().map(|error| error.to_string());
    assert!(second.is_some_and(|why| why.contains(&format!("process {} is using it", std::process::id()))));
    drop(first);
    assert!(DiskEngine::open(&folder).is_ok());
    assert!(std::fs::write(folder.join("virga-data"), "999").is_ok());
    let newer = DiskEngine::open(&folder).err().map(|error| error.to_string());
    assert!(newer.is_some_and(|why| why.contains("newer")));
    let _ = std::fs::remove_dir_all(folder);
}
