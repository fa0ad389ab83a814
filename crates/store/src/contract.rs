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
    forks_of_forks_do_not_meet(make);
    a_fork_is_adopted_whole(make);
    large_rows_are_kept(make);
    a_queue_that_moves_on_is_seen_right(make);
}

/// What an engine that keeps its rows must also do. `open` opens the same place again; the engine before is gone by then.
pub fn check_durable(open: Make<'_>) {
    let mut before = Pairs::new();
    for round in 0..5u8 {
        let engine = open();
        let all = scan(&*engine, Bound::Unbounded, Bound::Unbounded, false, usize::MAX);
        assert_eq!(all, before);
        for n in 0..50u8 {
            put(&*engine, &[(&[n, round], &[n; 200]), (b"count", &[round, n])]);
        }
        let deleted = engine.write(&mut |tx| {
            (0..25u8).for_each(|n| assert_eq!(tx.delete(&[n, round]), Ok(())));
            Decision::Commit
        });
        assert!(deleted.is_ok());
        let aborted = engine.write(&mut |tx| {
            assert_eq!(tx.put(b"never", b""), Ok(()));
            Decision::Abort
        });
        assert!(aborted.is_ok());
        before = scan(&*engine, Bound::Unbounded, Bound::Unbounded, false, usize::MAX);
        assert_eq!(before.len(), 25 * (usize::from(round) + 1) + 1);
    }
    let engine = open();
    assert_eq!(engine.clear(), Ok(()));
    put(&*engine, &[(b"after", b"")]);
    drop(engine);
    assert_eq!(keys(&*open()), [b"after".to_vec()]);
}

/// What an engine must do that keeps its forks too: [`Engine::kept`] and [`Engine::forget`]. `open` as above.
pub fn check_kept_forks(open: Make<'_>) {
    let kept = |engine: &dyn Engine| match engine.kept() {
        Ok(kept) => kept,
        Err(error) => panic!("{error}"),
    };
    let names = |engine: &dyn Engine| {
        let mut names: Vec<String> = kept(engine).into_iter().map(|(name, _)| name).collect();
        names.sort();
        names
    };
    let named = |engine: &dyn Engine, name: &str| {
        let found = kept(engine).into_iter().find(|(other, _)| other == name);
        found.map_or_else(|| panic!("no fork {name}"), |(_, fork)| fork)
    };
    {
        let engine = open();
        assert_eq!(engine.clear(), Ok(()));
        for n in 0..100u8 {
            put(&*engine, &[(&[n], &[0; 300])]);
        }
        let Ok(a) = engine.fork("a") else { panic!("no fork") };
        put(&*a, &[(b"za", b""), (&[1], b"of a")]);
        let Ok(b) = a.fork("b") else { panic!("no fork") };
        let deleted = b.write(&mut |tx| {
            (0..50u8).for_each(|n| assert_eq!(tx.delete(&[n]), Ok(())));
            Decision::Commit
        });
        assert!(deleted.is_ok());
        put(&*engine, &[(&[2], b"of the parent"), (b"parent", b"")]);
        assert!(engine.fork("a").is_err(), "the name is taken");
        assert_eq!(names(&*engine), ["a", "b"]);
    }
    {
        let engine = open();
        assert_eq!(names(&*engine), ["a", "b"]);
        let (a, b) = (named(&*engine, "a"), named(&*engine, "b"));
        assert_eq!((keys(&*engine).len(), keys(&*a).len(), keys(&*b).len()), (101, 101, 51));
        assert_eq!(value(&*a, &[1]).as_deref(), Some(&b"of a"[..]));
        assert_eq!(value(&*a, &[2]).as_deref(), Some(&[0; 300][..]));
        assert_eq!(value(&*b, &[1]), None);
        drop(a);
        assert_eq!(engine.forget("a"), Ok(()));
        assert_eq!(engine.clear(), Ok(()));
        assert_eq!(keys(&*b).len(), 51, "it lives on");
    }
    {
        let engine = open();
        assert_eq!(names(&*engine), ["b"]);
        assert!(keys(&*engine).is_empty());
        let b = named(&*engine, "b");
        assert_eq!(keys(&*b).len(), 51);
        put(&*b, &[(&[1], b"again")]);
        // The name is free again.
        let Ok(a) = b.fork("a") else { panic!("no fork") };
        assert_eq!(keys(&*a).len(), 52);
        drop((a, b));
        assert_eq!(engine.forget("b"), Ok(()));
        assert_eq!(engine.forget("b"), Ok(()), "there is nothing to forget");
    }
    let engine = open();
    assert_eq!(names(&*engine), ["a"]);
    let a = named(&*engine, "a");
    assert_eq!(value(&*a, &[1]).as_deref(), Some(&b"again"[..]));
    assert_eq!(keys(&*a).len(), 52);
    drop(a);
    assert_eq!(engine.forget("a"), Ok(()));
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

/// What was written to a fork is the place's from one moment to the next, and the place goes on from there.
pub fn a_fork_is_adopted_whole(make: Make<'_>) {
    let engine = make();
    put(&*engine, &[(b"a", b"1"), (b"b", b"1")]);
    let Ok(elder) = engine.fork("elder") else {
        panic!("no fork")
    };
    let Ok(fork) = engine.fork("next") else {
        panic!("no fork")
    };
    assert_eq!(fork.clear(), Ok(()));
    put(&*fork, &[(b"c", b"2"), (b"d", b"2")]);
    put(&*engine, &[(b"e", b"lost")]);
    assert!(engine.adopt("next", &*fork).is_ok());
    drop(fork);
    assert_eq!(keys(&*engine), [b"c".to_vec(), b"d".to_vec()]);
    put(&*engine, &[(b"c", b"3"), (b"f", b"3")]);
    assert_eq!(value(&*engine, b"c").as_deref(), Some(&b"3"[..]));
    assert_eq!(keys(&*engine).len(), 3);
    assert_eq!(keys(&*elder), [b"a".to_vec(), b"b".to_vec()]);
    // The name is free again, and a fork may adopt one of its own.
    let Ok(again) = elder.fork("next") else {
        panic!("no fork")
    };
    put(&*again, &[(b"g", b"4")]);
    assert!(elder.adopt("next", &*again).is_ok());
    drop(again);
    assert_eq!(keys(&*elder).len(), 3);
    drop(elder);
    assert_eq!(engine.forget("elder"), Ok(()));
    assert_eq!(keys(&*engine).len(), 3);
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

pub fn forks_do_not_meet(make: Make<'_>) {
    let parent = make();
    put(&*parent, &[(b"shared", b"1")]);
    let Ok(child) = parent.fork("child") else {
        panic!("no fork")
    };
    put(&*parent, &[(b"parent", b"1")]);
    put(&*child, &[(b"child", b"1"), (b"shared", b"2")]);
    assert_eq!(keys(&*parent), [b"parent".to_vec(), b"shared".to_vec()]);
    assert_eq!(keys(&*child), [b"child".to_vec(), b"shared".to_vec()]);
    assert_eq!(value(&*parent, b"shared").as_deref(), Some(&b"1"[..]));
}

pub fn forks_of_forks_do_not_meet(make: Make<'_>) {
    let first = make();
    for i in 0..2000u16 {
        put(&*first, &[(&i.to_be_bytes(), b"first")]);
    }
    let Ok(second) = first.fork("second") else {
        panic!("no fork")
    };
    put(&*second, &[(&5u16.to_be_bytes(), b"second")]);
    let Ok(third) = second.fork("third") else {
        panic!("no fork")
    };
    assert_eq!(first.clear(), Ok(()));
    let deleted = second.write(&mut |tx| {
        (0..1000u16).for_each(|i| assert_eq!(tx.delete(&i.to_be_bytes()), Ok(())));
        Decision::Commit
    });
    assert!(deleted.is_ok());
    assert_eq!(
        (keys(&*first).len(), keys(&*second).len(), keys(&*third).len()),
        (0, 1000, 2000)
    );
    assert_eq!(value(&*third, &5u16.to_be_bytes()).as_deref(), Some(&b"second"[..]));
    assert_eq!(value(&*third, &6u16.to_be_bytes()).as_deref(), Some(&b"first"[..]));
}

pub fn large_rows_are_kept(make: Make<'_>) {
    let engine = make();
    let (key, large) = (vec![b'k'; 4096], vec![7; 2 << 20]);
    put(&*engine, &[(&key, &large), (&key[1..], b"shorter")]);
    assert!(value(&*engine, &key) == Some(large));
    assert_eq!(value(&*engine, &key[1..]).as_deref(), Some(&b"shorter"[..]));
    let mut refused = Ok(());
    let aborted = engine.write(&mut |tx| {
        refused = tx.put(&[0; 70_000], b"");
        Decision::Abort
    });
    assert!(aborted.is_ok());
    assert!(matches!(refused, Err(crate::StoreError::Engine(_))));
}

/// Rows come at one end of a range and go at the other.
pub fn a_queue_that_moves_on_is_seen_right(make: Make<'_>) {
    let engine = make();
    for i in 0..500u32 {
        put(&*engine, &[(&i.to_be_bytes(), b"message"), (b"zz", &i.to_be_bytes())]);
        if i >= 20 {
            let oldest = (i - 20).to_be_bytes();
            assert_eq!(
                scan(&*engine, Bound::Unbounded, Bound::Unbounded, false, 1)[0].0,
                oldest
            );
            let deleted = engine.write(&mut |tx| {
                assert_eq!(tx.delete(&oldest), Ok(()));
                Decision::Commit
            });
            assert!(deleted.is_ok());
        }
    }
    assert_eq!(keys(&*engine).len(), 21);
}
