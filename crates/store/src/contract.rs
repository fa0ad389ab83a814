//! The behaviour that every engine must show, as functions for each engine's tests to call.
//!
//! A failing check panics, as tests do.

use crate::engine::{Decision, Engine, Reader};
use std::ops::{Bound, ControlFlow};

type Make<'m> = &'m dyn Fn() -> Box<dyn Engine>;
type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// All checks; `make` gives a new, empty engine.
pub fn check_all(make: Make<'_>) {
    writes_are_read_back(make);
    scans_are_ordered_and_bounded(make);
    an_abort_takes_everything_back(make);
    a_transaction_sees_its_own_writes(make);
    a_panic_takes_everything_back(make);
    concurrent_increments_are_not_lost(make);
    readers_see_whole_transactions(make);
    clear_removes_every_row(make);
    forks_do_not_meet(make);
}

fn put(engine: &dyn Engine, pairs: &[(&[u8], &[u8])]) {
    let result = engine.write(&mut |tx| {
        for (key, value) in pairs {
            assert_eq!(tx.put(key, value), Ok(()));
        }
        Decision::Commit
    });
    assert!(result.is_ok());
}

fn value_at(tx: &(impl Reader + ?Sized), key: &[u8]) -> Option<Vec<u8>> {
    let mut out = None;
    assert_eq!(tx.get(key, &mut |value| out = Some(value.to_vec())), Ok(()));
    out
}

fn value(engine: &dyn Engine, key: &[u8]) -> Option<Vec<u8>> {
    let mut out = None;
    assert_eq!(engine.read(&mut |tx| out = value_at(tx, key)), Ok(()));
    out
}

fn scan(engine: &dyn Engine, from: Bound<&[u8]>, to: Bound<&[u8]>, reverse: bool, most: usize) -> Pairs {
    let mut out = Vec::new();
    let read = engine.read(&mut |tx| {
        out.clear();
        let scanned = tx.scan(from, to, reverse, &mut |key, value| {
            out.push((key.to_vec(), value.to_vec()));
            if out.len() == most {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        assert_eq!(scanned, Ok(()));
    });
    assert_eq!(read, Ok(()));
    out
}

fn keys(engine: &dyn Engine) -> Vec<Vec<u8>> {
    scan(engine, Bound::Unbounded, Bound::Unbounded, false, usize::MAX)
        .into_iter()
        .map(|(key, _)| key)
        .collect()
}

pub fn writes_are_read_back(make: Make<'_>) {
    let engine = make();
    assert_eq!(value(&*engine, b"a"), None);
    put(&*engine, &[(b"a", b"1"), (b"", b"empty key"), (b"b", b"")]);
    assert_eq!(value(&*engine, b"a").as_deref(), Some(&b"1"[..]));
    assert_eq!(value(&*engine, b"").as_deref(), Some(&b"empty key"[..]));
    assert_eq!(value(&*engine, b"b").as_deref(), Some(&b""[..]));
    put(&*engine, &[(b"a", b"2")]);
    assert_eq!(value(&*engine, b"a").as_deref(), Some(&b"2"[..]));
    let deleted = engine.write(&mut |tx| {
        assert_eq!(tx.delete(b"a"), Ok(()));
        assert_eq!(tx.delete(b"never there"), Ok(()));
        Decision::Commit
    });
    assert!(deleted.is_ok());
    assert_eq!(value(&*engine, b"a"), None);
}

pub fn scans_are_ordered_and_bounded(make: Make<'_>) {
    let engine = make();
    for i in (0..1000u16).rev() {
        put(&*engine, &[(&i.to_be_bytes(), &i.to_le_bytes())]);
    }
    let numbers = |pairs: Pairs| -> Vec<u16> {
        pairs
            .iter()
            .map(|(key, _)| u16::from_be_bytes([key[0], key[1]]))
            .collect()
    };
    let all = numbers(scan(&*engine, Bound::Unbounded, Bound::Unbounded, false, usize::MAX));
    assert_eq!(all, (0..1000).collect::<Vec<_>>());
    let (low, high) = (100u16.to_be_bytes(), 200u16.to_be_bytes());
    let inside = numbers(scan(
        &*engine,
        Bound::Excluded(&low),
        Bound::Included(&high),
        false,
        usize::MAX,
    ));
    assert_eq!(inside, (101..=200).collect::<Vec<_>>());
    let backward = numbers(scan(&*engine, Bound::Included(&low), Bound::Excluded(&high), true, 3));
    assert_eq!(backward, [199, 198, 197]);
}

pub fn an_abort_takes_everything_back(make: Make<'_>) {
    let engine = make();
    put(&*engine, &[(b"kept", b"1"), (b"gone", b"1")]);
    let aborted = engine.write(&mut |tx| {
        assert_eq!(tx.put(b"kept", b"2"), Ok(()));
        assert_eq!(tx.put(b"kept", b"3"), Ok(()));
        assert_eq!(tx.put(b"new", b"1"), Ok(()));
        assert_eq!(tx.delete(b"new"), Ok(()));
        assert_eq!(tx.put(b"other", b"1"), Ok(()));
        assert_eq!(tx.delete(b"gone"), Ok(()));
        Decision::Abort
    });
    assert!(aborted.is_ok());
    assert_eq!(value(&*engine, b"kept").as_deref(), Some(&b"1"[..]));
    assert_eq!(keys(&*engine), [b"gone".to_vec(), b"kept".to_vec()]);
}

pub fn a_transaction_sees_its_own_writes(make: Make<'_>) {
    let engine = make();
    put(&*engine, &[(b"a", b"1"), (b"b", b"1")]);
    let done = engine.write(&mut |tx| {
        assert_eq!(tx.put(b"c", b"1"), Ok(()));
        assert_eq!(tx.delete(b"a"), Ok(()));
        assert_eq!(value_at(tx, b"a"), None);
        assert_eq!(value_at(tx, b"c").as_deref(), Some(&b"1"[..]));
        let mut seen = Vec::new();
        let scanned = tx.scan(Bound::Unbounded, Bound::Unbounded, false, &mut |key, _| {
            seen.push(key.to_vec());
            ControlFlow::Continue(())
        });
        assert_eq!(scanned, Ok(()));
        assert_eq!(seen, [b"b".to_vec(), b"c".to_vec()]);
        Decision::Commit
    });
    assert!(done.is_ok());
}

pub fn a_panic_takes_everything_back(make: Make<'_>) {
    let engine = make();
    put(&*engine, &[(b"a", b"1")]);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = engine.write(&mut |tx| {
            assert_eq!(tx.put(b"a", b"2"), Ok(()));
            // Not `panic!`: the hook would print a trace that looks like a failing test.
            std::panic::resume_unwind(Box::new("a service's bug"));
        });
    }));
    assert!(caught.is_err());
    assert_eq!(value(&*engine, b"a").as_deref(), Some(&b"1"[..]));
    put(&*engine, &[(b"b", b"still writable")]);
}

pub fn concurrent_increments_are_not_lost(make: Make<'_>) {
    let engine = make();
    let read = |tx: &dyn Reader| {
        value_at(tx, b"n")
            .and_then(|v| v.try_into().ok())
            .map_or(0, u64::from_be_bytes)
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..250 {
                    let done = engine.write(&mut |tx| {
                        let mut old = None;
                        assert_eq!(
                            tx.get(b"n", &mut |v| old = v.try_into().ok().map(u64::from_be_bytes)),
                            Ok(())
                        );
                        assert_eq!(tx.put(b"n", &(old.unwrap_or(0) + 1).to_be_bytes()), Ok(()));
                        Decision::Commit
                    });
                    assert!(done.is_ok());
                }
            });
        }
    });
    assert_eq!(engine.read(&mut |tx| assert_eq!(read(tx), 1000)), Ok(()));
}

pub fn readers_see_whole_transactions(make: Make<'_>) {
    let engine = make();
    put(&*engine, &[(b"x", b"0"), (b"y", b"0")]);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for i in 0..500u16 {
                put(&*engine, &[(b"x", &i.to_be_bytes()), (b"y", &i.to_be_bytes())]);
            }
        });
        for _ in 0..500 {
            let both = engine.read(&mut |tx| assert_eq!(value_at(tx, b"x"), value_at(tx, b"y")));
            assert_eq!(both, Ok(()));
        }
    });
}

pub fn clear_removes_every_row(make: Make<'_>) {
    let engine = make();
    put(&*engine, &[(b"a", b"1"), (&[0xff; 40], b"2")]);
    assert_eq!(engine.clear(), Ok(()));
    assert!(keys(&*engine).is_empty());
}

/// Engines that cannot fork pass.
pub fn forks_do_not_meet(make: Make<'_>) {
    let parent = make();
    put(&*parent, &[(b"shared", b"1")]);
    let Some(child) = parent.fork() else { return };
    put(&*parent, &[(b"parent", b"1")]);
    put(&*child, &[(b"child", b"1"), (b"shared", b"2")]);
    assert_eq!(keys(&*parent), [b"parent".to_vec(), b"shared".to_vec()]);
    assert_eq!(keys(&*child), [b"child".to_vec(), b"shared".to_vec()]);
    assert_eq!(value(&*parent, b"shared").as_deref(), Some(&b"1"[..]));
}
