//! What every engine must do, and what is particular to this one's rows.

use super::{empty, open};
use proptest::prelude::{Strategy, any};
use proptest::test_runner::{Config, TestRunner};
use std::ops::{Bound, ControlFlow};
use virga_store::{Decision, Engine, MemoryEngine, Reader, StoreError, contract};
use virga_testkit::postgres::database;

#[test]
fn keeps_the_contract() {
    let Some(url) = database() else { return };
    let engine = open(&url);
    contract::check_all(&|| empty(&engine));
}

#[test]
fn keeps_the_contract_of_engines_that_keep_their_rows() {
    let Some(url) = database() else { return };
    contract::check_durable(&|| Box::new(open(&url)));
}

#[test]
fn forks_are_found_again_and_can_be_forgotten() -> Result<(), StoreError> {
    let Some(url) = database() else { return Ok(()) };
    let names = |engine: &dyn Engine| -> Result<Vec<String>, StoreError> {
        Ok(engine.kept()?.into_iter().map(|(name, _)| name).collect())
    };
    let engine = open(&url);
    put(&engine, b"a", b"1")?;
    let fork = engine.fork("one")?;
    put(&*fork, b"b", b"2")?;
    fork.fork("of one")?;
    engine.fork("two")?;
    assert!(engine.fork("two").is_err(), "a name is given once");
    drop((fork, engine));
    let engine = open(&url);
    assert_eq!(names(&engine)?, ["one", "two"]);
    let kept = engine.kept()?;
    let Some((_, one)) = kept.into_iter().next() else {
        panic!("no fork")
    };
    assert_eq!(all(&*one)?.len(), 2);
    engine.forget("one")?;
    engine.forget("never there")?;
    assert_eq!(names(&engine)?, ["of one", "two"]);
    assert_eq!(all(&engine)?, [(b"a".to_vec(), b"1".to_vec())]);
    Ok(())
}

fn put(engine: &dyn Engine, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
    let mut done = Ok(());
    engine.write(&mut |tx| {
        done = tx.put(key, value);
        Decision::Commit
    })?;
    done
}

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

fn scan(
    tx: &dyn Reader,
    from: Bound<&[u8]>,
    to: Bound<&[u8]>,
    reverse: bool,
    most: usize,
) -> Result<Pairs, StoreError> {
    let mut out = Vec::new();
    tx.scan(from, to, reverse, &mut |key, value| {
        out.push((key.to_vec(), value.to_vec()));
        if out.len() >= most {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    Ok(out)
}

fn all(engine: &dyn Engine) -> Result<Pairs, StoreError> {
    let mut out = Ok(Pairs::new());
    engine.read(&mut |tx| out = scan(tx, Bound::Unbounded, Bound::Unbounded, false, usize::MAX))?;
    out
}

/// Keys that share beginnings, many of them longer than a row's key can be.
fn key() -> impl Strategy<Value = Vec<u8>> {
    let length = proptest::sample::select(vec![0usize, 1, 2, 1_998, 1_999, 2_000, 2_001, 2_500]);
    (length, proptest::sample::select(vec![0u8, 7, 0xff]), any::<[bool; 2]>()).prop_map(|(length, byte, end)| {
        let mut key = vec![byte; length];
        key.extend(end.map(u8::from));
        key
    })
}

fn bound(kind: u8, key: &[u8]) -> Bound<&[u8]> {
    match kind % 3 {
        0 => Bound::Unbounded,
        1 => Bound::Included(key),
        _ => Bound::Excluded(key),
    }
}

/// The same steps on this engine and on the memory engine show the same, within a transaction and after it.
#[test]
fn long_keys_and_half_done_changes_are_seen_as_in_memory() {
    let Some(url) = database() else { return };
    let engine = open(&url);
    let steps = proptest::collection::vec((key(), any::<Option<u8>>()), 0..60);
    let looks = proptest::collection::vec((key(), key(), any::<(u8, u8, bool, bool)>()), 1..6);
    let cases = proptest::collection::vec((steps, looks), 1..4);
    let config = Config {
        cases: 40,
        failure_persistence: None,
        ..Config::default()
    };
    let run = TestRunner::new(config).run(&cases, |transactions| {
        let (engine, memory) = (empty(&engine), MemoryEngine::default());
        for (steps, looks) in &transactions {
            let show = |engine: &dyn Engine| {
                let mut seen = Vec::new();
                let written = engine.write(&mut |tx| {
                    seen.clear();
                    for (key, value) in steps {
                        let done = match value {
                            Some(byte) => tx.put(key, &[*byte]),
                            None => tx.delete(key),
                        };
                        assert_eq!(done, Ok(()));
                    }
                    for (a, b, (from, to, reverse, is_short)) in looks {
                        let (low, high) = if a < b { (a, b) } else { (b, a) };
                        if low == high {
                            continue;
                        }
                        let most = if *is_short { 3 } else { usize::MAX };
                        seen.push(scan(&ReaderOf(tx), bound(*from, low), bound(*to, high), *reverse, most));
                        let mut found = None;
                        assert_eq!(tx.get(a, &mut |value| found = Some(value.to_vec())), Ok(()));
                        seen.push(Ok(found.into_iter().map(|value| (a.clone(), value)).collect()));
                    }
                    Decision::Commit
                });
                assert!(written.is_ok());
                (seen, all(engine))
            };
            assert_eq!(show(&*engine), show(&memory));
        }
        Ok(())
    });
    assert!(run.is_ok(), "{run:?}");
}

/// A writer, to be read only.
struct ReaderOf<'w>(&'w mut dyn virga_store::Writer);

impl Reader for ReaderOf<'_> {
    fn get(&self, key: &[u8], found: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        self.0.get(key, found)
    }

    fn scan(
        &self,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        reverse: bool,
        visit: virga_store::Visit<'_>,
    ) -> Result<(), StoreError> {
        self.0.scan(from, to, reverse, visit)
    }
}

/// Pages grow and are limited by bytes; nothing is left out between them.
#[test]
fn scans_cross_pages_in_both_directions() -> Result<(), StoreError> {
    let Some(url) = database() else { return Ok(()) };
    let engine = open(&url);
    let value = vec![1; 9_000];
    engine.write(&mut |tx| {
        (0..3_000u16).for_each(|n| assert_eq!(tx.put(&n.to_be_bytes(), if n % 3 == 0 { &value } else { b"" }), Ok(())));
        Decision::Commit
    })?;
    let mut seen = (Ok(Pairs::new()), Ok(Pairs::new()));
    engine.read(&mut |tx| {
        seen.0 = scan(tx, Bound::Unbounded, Bound::Unbounded, false, usize::MAX);
        seen.1 = scan(tx, Bound::Unbounded, Bound::Unbounded, true, usize::MAX);
    })?;
    let (up, mut down) = (seen.0?, seen.1?);
    let keys: Vec<Vec<u8>> = (0..3_000u16).map(|n| n.to_be_bytes().to_vec()).collect();
    assert!(up.iter().map(|(key, _)| key).eq(keys.iter()));
    down.reverse();
    assert!(up == down);
    Ok(())
}
