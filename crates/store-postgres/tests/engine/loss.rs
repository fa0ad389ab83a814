//! A database that is not there, is not ours, or goes away.

use super::open;
use std::time::{Duration, Instant};
use virga_store::{Decision, Engine, StoreError};
use virga_store_postgres::PostgresEngine;
use virga_testkit::postgres::{self, database};

#[test]
fn what_cannot_be_opened_says_why() -> std::io::Result<()> {
    let Some(url) = database() else { return Ok(()) };
    let Some(server) = postgres::shared() else {
        return Ok(());
    };
    let error = |url: &str| PostgresEngine::open(url, None).err().unwrap_or_default();
    let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    for (url, part) in [
        ("postgres://host".to_owned(), "names no user"),
        (format!("postgres://me@127.0.0.1:{closed}/x"), "refused"),
        (
            format!("postgres://nobody-known@127.0.0.1:{}/x", server.port()),
            "does not exist",
        ),
        (
            format!("postgres://virga@127.0.0.1:{}/no-such-database", server.port()),
            "does not exist",
        ),
        (format!("{url}?sslmode=require"), "no TLS"),
    ] {
        let error = error(&url);
        assert!(
            error.contains(part) && error.starts_with("The ") && error.ends_with('.'),
            "{url}: {error}"
        );
    }
    drop(open(&url));
    let name = url.rsplit('/').next().unwrap_or_default();
    server.sql(name, "UPDATE virga_form SET value = '9'")?;
    assert!(error(&url).contains("form 9"), "{}", error(&url));
    Ok(())
}

#[test]
fn passwords_are_proven_and_never_told() -> std::io::Result<()> {
    let Some(server) = postgres::start() else { return Ok(()) };
    for (user, kind) in [("scram", "scram-sha-256"), ("older", "md5")] {
        server.sql(
            "postgres",
            &format!("SET password_encryption = '{kind}'; CREATE ROLE {user} LOGIN SUPERUSER PASSWORD 'p@ss word'"),
        )?;
    }
    let rules = "local all all trust\nhost all virga 127.0.0.1/32 trust\nhost all scram 127.0.0.1/32 scram-sha-256\n\
                 host all older 127.0.0.1/32 md5\nhost all all 127.0.0.1/32 password\n";
    let file = server.sql("postgres", "SHOW hba_file")?;
    std::fs::write(file.trim(), rules)?;
    server.sql(
        "postgres",
        "CREATE ROLE plain LOGIN SUPERUSER PASSWORD 'p@ss word'; SELECT pg_reload_conf()",
    )?;
    let url = server.database().expect("a database");
    for user in ["scram", "older", "plain"] {
        let with = |login: &str| url.replace("virga@", &format!("{login}@"));
        // The rules are read again soon, not at once.
        let give_up = Instant::now() + Duration::from_secs(10);
        let error = loop {
            match PostgresEngine::open(&with(&format!("{user}:wr0ng")), None) {
                Err(error) => break error,
                Ok(_) => assert!(Instant::now() < give_up, "any password will do"),
            }
        };
        assert!(error.contains("password") && !error.contains("wr0ng"), "{error}");
        assert!(
            PostgresEngine::open(&with(user), None)
                .err()
                .is_some_and(|error| error.contains("none is given"))
        );
        assert_eq!(
            PostgresEngine::open(&with(&format!("{user}:p%40ss%20word")), None).err(),
            None
        );
        assert_eq!(PostgresEngine::open(&with(user), Some("p@ss word".into())).err(), None);
    }
    Ok(())
}

#[test]
fn a_database_that_goes_away_is_missed_and_found_again() -> std::io::Result<()> {
    let Some(server) = postgres::start() else { return Ok(()) };
    let url = server.database().expect("a database");
    let engine = open(&url);
    let put = |key: &[u8]| -> Result<(), StoreError> {
        let written = engine.write(&mut |tx| match tx.put(key, b"") {
            Ok(()) => Decision::Commit,
            Err(_) => Decision::Abort,
        });
        written.map(drop)
    };
    let read = || engine.read(&mut |tx| drop(tx.get(b"before", &mut |_| {})));
    assert_eq!((put(b"before"), read()), (Ok(()), Ok(())));
    // Died and came back between two requests: nobody notices.
    server.stop()?;
    server.go_on()?;
    assert_eq!((put(b"again"), read()), (Ok(()), Ok(())));
    server.stop()?;
    assert!(matches!(put(b"gone"), Err(StoreError::Unreachable(_))));
    assert!(matches!(read(), Err(StoreError::Unreachable(_))));
    let error = virga_base::AwsError::from(read().err().unwrap_or(StoreError::Corrupt("nothing")));
    assert_eq!((error.status, error.code.as_ref()), (503, "ServiceUnavailable"));
    server.go_on()?;
    assert_eq!((put(b"after"), read()), (Ok(()), Ok(())));
    Ok(())
}

/// Every write that is answered is there after the server's crashes, and a write whose outcome nobody knows says so.
#[test]
fn nothing_answered_is_lost_when_the_server_dies() -> std::io::Result<()> {
    let Some(server) = postgres::start() else { return Ok(()) };
    let url = server.database().expect("a database");
    let engine = open(&url);
    let done = std::sync::atomic::AtomicBool::new(false);
    let (answered, twice) = std::thread::scope(|scope| -> std::io::Result<_> {
        let writers: Vec<_> = (0..6u8)
            .map(|writer| {
                let (engine, done) = (&engine, &done);
                scope.spawn(move || {
                    let mut answered = Vec::new();
                    for n in 0u32.. {
                        if done.load(std::sync::atomic::Ordering::Relaxed) {
                            break;
                        }
                        let key = [&[writer][..], &n.to_be_bytes()].concat();
                        let written = engine.write(&mut |tx| {
                            let mut count = 0u8;
                            let _ = tx.get(&key, &mut |value| count = value.first().copied().unwrap_or(0));
                            let _ = tx.put(&key, &[count + 1]);
                            Decision::Commit
                        });
                        if written.is_ok() {
                            answered.push(key);
                        }
                    }
                    answered
                })
            })
            .collect();
        for _ in 0..4 {
            std::thread::sleep(Duration::from_millis(300));
            server.stop()?;
            server.go_on()?;
        }
        std::thread::sleep(Duration::from_millis(300));
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        let answered: Vec<Vec<u8>> = writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap_or_default())
            .collect();
        let mut twice = 0;
        let read = engine.read(&mut |tx| {
            let _ = tx.scan(
                std::ops::Bound::Unbounded,
                std::ops::Bound::Unbounded,
                false,
                &mut |_, value| {
                    twice += u32::from(value != [1]);
                    std::ops::ControlFlow::Continue(())
                },
            );
        });
        assert_eq!(read, Ok(()));
        Ok((answered, twice))
    })?;
    let mut lost = 0;
    for key in &answered {
        let mut found = false;
        assert_eq!(engine.read(&mut |tx| drop(tx.get(key, &mut |_| found = true))), Ok(()));
        lost += u32::from(!found);
    }
    println!("{} writes answered, {lost} lost, {twice} done twice", answered.len());
    assert!(answered.len() > 100);
    assert_eq!((lost, twice), (0, 0));
    Ok(())
}
