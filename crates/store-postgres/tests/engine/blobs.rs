//! The bytes of objects are every node's, and go when no node needs them.

use super::{Shelves, open, places};
use bytes::Bytes;
use http_body_util::BodyExt;
use std::collections::BTreeMap;
use std::io::{Cursor, Seek};
use std::sync::Arc;
use virga_base::{Account, Clock, Ids};
use virga_blob::{Blobs, Content, Finished, Fresh, hold, release};
use virga_service::{Cloud, CloudOptions, Fork, Load, What, Worlds};
use virga_store::{MemoryEngine, Place, Store, StoreError};
use virga_testkit::postgres::{self, database};

fn options(store: Store) -> CloudOptions {
    CloudOptions {
        store,
        clock: Clock::real(),
        ids: Ids::random(),
        services: Vec::new(),
        settings: BTreeMap::new(),
    }
}

async fn node(url: &str, shelves: &dyn Shelves) -> Arc<Worlds> {
    let engine = open(url);
    let (pieces, register) = engine.blobs();
    let shelf = shelves.shelf().unwrap_or_else(|| Box::new(pieces));
    let blobs = Blobs::shared(shelf, Box::new(register)).expect("shared");
    let options = options(Store::new(Box::new(engine)));
    Worlds::open_with_blobs(options, blobs, 10).await.expect("opens")
}

fn bytes(length: usize) -> Bytes {
    (0..length).map(|at| (at % 251) as u8).collect()
}

async fn write(world: &Cloud, bytes: &Bytes) -> Finished {
    let mut writer = world.blobs().writer();
    for piece in bytes.chunks(70_001) {
        writer.write(Bytes::copy_from_slice(piece)).await.expect("written");
    }
    writer.finish().await.expect("finished")
}

async fn held(world: &Cloud, fresh: &Fresh) {
    let place = Place::world();
    let held = world.store().write(&place, |tx| hold(tx, Account::DEFAULT, fresh));
    held.await.expect("held");
}

async fn released(world: &Cloud, content: &Content) {
    let place = Place::world();
    let released = world.store().write(&place, |tx| -> Result<(), StoreError> {
        release(tx, Account::DEFAULT, content)
    });
    released.await.expect("released");
}

async fn read(world: &Cloud, content: &Content) -> std::io::Result<Bytes> {
    let body = world.blobs().body(world.blobs().pin(), [content.whole()]);
    Ok(body.collect().await?.to_bytes())
}

/// What the nodes do every few seconds, and one of them a sweep.
async fn sweep(who: &Worlds, nodes: &[&Arc<Worlds>]) -> usize {
    // What was published at a beat was so at the one before.
    for _ in 0..3 {
        // The database counts in milliseconds.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        for node in nodes {
            node.main().blobs().beat().expect("beats");
        }
    }
    let found = who.sweep_blobs().await.expect("sweeps");
    for _ in 0..3 {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        for node in nodes {
            node.main().blobs().beat().expect("beats");
        }
    }
    found + who.sweep_blobs().await.expect("sweeps")
}

fn is_there(worlds: &Worlds, content: &Content) -> bool {
    content
        .name()
        .is_some_and(|name| worlds.main().blobs().length(name).is_some())
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_see_each_others_bytes_and_keep_what_any_world_names() {
    for shelves in places() {
        let Some(url) = database() else { return };
        let (first, second) = (node(&url, &*shelves).await, node(&url, &*shelves).await);
        let both = [&first, &second];
        let wanted = bytes(1_000_001);
        let Finished { content, fresh } = write(first.main(), &wanted).await;
        first.main().blobs().doubt_all();
        second.main().blobs().doubt_all();
        assert_eq!(sweep(&second, &both).await, 0, "the other is about to hold it");
        held(first.main(), &fresh).await;
        drop(fresh);
        assert_eq!(sweep(&first, &both).await, 0);
        assert_eq!(
            read(second.main(), &content).await.expect("read"),
            wanted,
            "{shelves:?}"
        );
        // A part from the midst of a piece to the midst of another.
        let part = virga_blob::Piece {
            content: content.clone(),
            range: 100_000..700_000,
        };
        let blobs = second.main().blobs();
        let body = blobs
            .body(blobs.pin(), [part])
            .collect()
            .await
            .expect("read")
            .to_bytes();
        assert_eq!(body, wanted.slice(100_000..700_000));
        // The first node does not know of this world.
        let fork = Fork {
            name: "fork".to_owned(),
            ..Fork::default()
        };
        let fork = second.fork(fork).await.expect("forks");
        released(first.main(), &content).await;
        assert_eq!(
            sweep(&first, &both).await,
            0,
            "{shelves:?}: a world of the other node holds it"
        );
        assert_eq!(read(&fork, &content).await.expect("read"), wanted);
        drop(fork);
        second.drop_world("fork").await.expect("drops");
        assert_eq!(sweep(&second, &both).await, 1);
        assert!(!is_there(&first, &content) && read(first.main(), &content).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_at_another_node_reads_to_the_end() {
    for shelves in places() {
        let Some(url) = database() else { return };
        let (first, second) = (node(&url, &*shelves).await, node(&url, &*shelves).await);
        let both = [&first, &second];
        let wanted = bytes(3_000_000);
        let Finished { content, fresh } = write(first.main(), &wanted).await;
        held(first.main(), &fresh).await;
        drop(fresh);
        let reader = second.main().blobs().pin();
        released(first.main(), &content).await;
        assert_eq!(sweep(&first, &both).await, 0, "somebody may read it elsewhere");
        let body = second.main().blobs().body(reader, [content.whole()]);
        assert_eq!(body.collect().await.expect("read").to_bytes(), wanted);
        // Who came later saw no row of it.
        let _later = second.main().blobs().pin();
        assert_eq!(sweep(&first, &both).await, 1);
        assert!(!is_there(&second, &content));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_node_has_left_is_swept_by_the_others() {
    for shelves in places() {
        let Some(server) = postgres::start() else { return };
        let url = server.database().expect("a database");
        let name = url.rsplit('/').next().expect("a name").to_owned();
        let (first, second) = (node(&url, &*shelves).await, node(&url, &*shelves).await);
        let kept = write(first.main(), &bytes(300_000)).await;
        held(first.main(), &kept.fresh).await;
        // Written, and no row; written halfway.
        let lost = write(first.main(), &bytes(400_000)).await;
        let mut half = first.main().blobs().writer();
        // More than a part, where it is uploaded in parts.
        for _ in 0..4 {
            half.write(bytes(2_000_000)).await.expect("written");
        }
        let pin = first.main().blobs().pin();
        second.main().blobs().doubt_all();
        assert_eq!(sweep(&second, &[&first, &second]).await, 0, "it lives");
        std::mem::forget((kept.fresh, lost.fresh, half, pin));
        let oldest = "UPDATE virga_blob_nodes SET heard = heard - 301000";
        server.sql(&name, oldest).expect("aged");
        second.main().blobs().doubt_all();
        assert_eq!(sweep(&second, &[&second]).await, 2);
        let count = server.sql(&name, "SELECT count(*) FROM virga_blobs").expect("counted");
        assert_eq!(count.trim(), "1");
        match shelves.shelf() {
            Some(shelf) => assert_eq!(shelf.names().expect("listed"), Vec::from_iter(kept.content.name())),
            None => {
                let count = "SELECT count(*) FROM virga_blob_pieces";
                assert_eq!(server.sql(&name, count).expect("counted").trim(), "2");
            }
        }
        // A node that starts later.
        let third = node(&url, &*shelves).await;
        assert_eq!(read(third.main(), &kept.content).await.expect("read"), bytes(300_000));
        assert!(!is_there(&third, &lost.content));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_carry_bytes_in_and_out() {
    for shelves in places() {
        let Some(url) = database() else { return };
        let wanted = bytes(2_345_678);
        let blobs = Blobs::private();
        let memory = Store::new(Box::new(MemoryEngine::default()));
        let memory = Worlds::open_with_blobs(options(memory), blobs, 10)
            .await
            .expect("opens");
        let Finished { content, fresh } = write(memory.main(), &wanted).await;
        held(memory.main(), &fresh).await;
        let first = node(&url, &*shelves).await;
        for (from, to) in [(&memory, &first), (&first, &memory), (&memory, &first)] {
            let saved = from.clone();
            let saved = tokio::task::spawn_blocking(move || saved.save(&What::Cloud, "test", Cursor::new(Vec::new())));
            let (saved, _) = saved.await.expect("runs").expect("saves");
            let path = std::env::temp_dir().join(format!("virga-shared-snapshot-{}", Ids::random().hex(16)));
            std::fs::write(&path, saved.into_inner()).expect("written");
            let mut file = std::fs::File::open(&path).expect("opens");
            file.rewind().expect("rewinds");
            std::fs::remove_file(&path).expect("removes");
            to.load(Load {
                file,
                name: None,
                replace: true,
            })
            .await
            .expect("loads");
            assert_eq!(read(to.main(), &content).await.expect("read"), wanted);
            assert_eq!(sweep(to, &[to]).await, 0);
        }
        let second = node(&url, &*shelves).await;
        assert_eq!(read(second.main(), &content).await.expect("read"), wanted);
    }
}
