//! Bytes come back as they were written, and files go when nobody holds, writes or reads them.

use crate::{Blobs, Content, Finished, Fresh, INLINE_MAX_BYTES, Name, Piece, hold, release, share, state};
use bytes::Bytes;
use http_body_util::BodyExt;
use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use virga_base::{Account, Ids};
use virga_store::{Clearer, MemoryEngine, Place, Store, StoreError, Tx};

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        Folder(std::env::temp_dir().join(format!("virga-blob-test-{}", Ids::random().hex(16))))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn bytes(length: usize) -> Bytes {
    (0..length).map(|at| (at % 251) as u8).collect()
}

async fn write(blobs: &Blobs, bytes: &Bytes, piece: usize) -> Finished {
    let mut writer = blobs.writer();
    for piece in bytes.chunks(piece) {
        writer.write(Bytes::copy_from_slice(piece)).await.expect("written");
    }
    assert_eq!(writer.length(), bytes.len() as u64);
    writer.finish().await.expect("finished")
}

async fn read(blobs: &Blobs, pieces: Vec<Piece>) -> io::Result<Bytes> {
    let body = blobs.body(blobs.pin(), pieces).boxed();
    Ok(body.collect().await?.to_bytes())
}

async fn in_store<T>(store: &Store, f: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
    store.write(&Place::world(), f).await
}

/// What a sweep of one world does.
async fn sweep(blobs: &Blobs, store: &Store) -> usize {
    let doubted = blobs.take_doubted();
    let mut names = doubted.names;
    if doubted.all {
        names.extend(blobs.files().expect("listed"));
    }
    blobs.leave_out_fresh(&mut names);
    let unheld = state::unheld(store, &names).await.expect("looked up");
    blobs.condemn(&unheld);
    blobs.remove_condemned()
}

fn store_of(blobs: &Blobs) -> Store {
    let mut store = Store::new(Box::new(MemoryEngine::default()));
    let left = blobs.clone();
    store.clear_away(Arc::new(Clearer(Box::new(move |what| left.doubt_left(what)))));
    store
}

#[tokio::test]
async fn bytes_come_back_in_ranges_and_pieces() {
    let folder = Folder::new();
    for blobs in [Blobs::private(), Blobs::kept(folder.0.clone())] {
        for (length, piece) in [
            (0, 1),
            (1, 1),
            (INLINE_MAX_BYTES, 100),
            (INLINE_MAX_BYTES + 1, INLINE_MAX_BYTES + 1),
            (3_000_001, 70_001),
            (600_000, 7),
        ] {
            let wanted = bytes(length);
            let Finished { content, fresh } = write(&blobs, &wanted, piece).await;
            assert_eq!(content.length(), length as u64);
            assert_eq!(content.name().is_some(), length > INLINE_MAX_BYTES);
            assert_eq!(read(&blobs, vec![content.whole()]).await.expect("read"), wanted);
            let (from, to) = (length / 3, length - length / 5);
            let part = Piece {
                content: content.clone(),
                range: from as u64..to as u64,
            };
            let small = Content::Inline(Bytes::from_static(b"between"));
            let all = vec![part, small.whole(), Content::EMPTY.whole(), content.whole()];
            let joined = [&wanted.slice(from..to), b"between".as_slice(), &wanted].concat();
            assert_eq!(read(&blobs, all).await.expect("read"), joined);
            drop(fresh);
        }
    }
}

#[tokio::test]
async fn a_file_that_is_short_or_gone_breaks_the_body_off() {
    let blobs = Blobs::private();
    let Finished { content, fresh } = write(&blobs, &bytes(300_000), 50_000).await;
    let name = content.name().expect("a file");
    let longer = Content::File { name, length: 300_001 };
    assert!(read(&blobs, vec![longer.whole()]).await.is_err());
    let gone = Content::File {
        name: Name([7; 16]),
        length: 5,
    };
    assert!(read(&blobs, vec![gone.whole()]).await.is_err());
    drop(fresh);
}

#[tokio::test]
async fn a_writer_that_is_dropped_leaves_nothing() {
    let blobs = Blobs::private();
    let mut writer = blobs.writer();
    writer.write(bytes(2_000_000)).await.expect("written");
    writer.write(bytes(2_000_000)).await.expect("written");
    drop(writer);
    // Removal waits for the write under way; the runtime of the test ends with neither open.
    while !blobs.shelf().names().expect("listed").is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_file_goes_with_its_last_holder() -> Result<(), StoreError> {
    let blobs = Blobs::private();
    let store = store_of(&blobs);
    let (first, second) = (Account::from_number(1), Account::from_number(2));
    let Finished { content, fresh } = write(&blobs, &bytes(100_000), 9999).await;
    assert_eq!(sweep(&blobs, &store).await, 0, "it is fresh");
    in_store(&store, |tx| hold(tx, first, &fresh)).await?;
    drop(fresh);
    assert_eq!(sweep(&blobs, &store).await, 0, "it is held");
    assert!(in_store(&store, |tx| share(tx, second, &content)).await?);
    assert!(in_store(&store, |tx| share(tx, second, &content)).await?);
    in_store(&store, |tx| release(tx, first, &content)).await?;
    in_store(&store, |tx| release(tx, second, &content)).await?;
    assert_eq!(sweep(&blobs, &store).await, 0, "the other holds it once more");
    assert_eq!(state::held(&store)?, HashSet::from([content.name().expect("a file")]));
    let aborted = in_store(&store, |tx| -> Result<(), StoreError> {
        release(tx, second, &content)?;
        Err(StoreError::Engine("no".into()))
    });
    assert!(aborted.await.is_err());
    assert_eq!(sweep(&blobs, &store).await, 0, "nothing was released");
    in_store(&store, |tx| release(tx, second, &content)).await?;
    assert_eq!(sweep(&blobs, &store).await, 1);
    assert!(!in_store(&store, |tx| share(tx, first, &content)).await?);
    assert!(read(&blobs, vec![content.whole()]).await.is_err());
    Ok(())
}

#[tokio::test]
async fn who_reads_a_row_can_read_its_file() -> Result<(), StoreError> {
    let blobs = Blobs::private();
    let store = store_of(&blobs);
    let account = Account::DEFAULT;
    let wanted = bytes(1_000_000);
    let Finished { content, fresh } = write(&blobs, &wanted, 50_000).await;
    in_store(&store, |tx| hold(tx, account, &fresh)).await?;
    drop(fresh);
    let (early, later) = (blobs.pin(), blobs.pin());
    in_store(&store, |tx| release(tx, account, &content)).await?;
    assert_eq!(sweep(&blobs, &store).await, 0, "somebody may read it");
    drop(early);
    assert_eq!(blobs.remove_condemned(), 0, "somebody else may");
    let body = blobs.body(later, [content.whole()]);
    assert_eq!(body.collect().await.expect("read").to_bytes(), wanted);
    blobs.doubted().await;
    let newer = blobs.pin();
    assert_eq!(sweep(&blobs, &store).await, 1, "who came later saw no row of it");
    drop(newer);
    Ok(())
}

#[tokio::test]
async fn what_nobody_holds_in_the_end_is_removed() {
    let blobs = Blobs::private();
    let store = store_of(&blobs);
    let Finished { content, fresh } = write(&blobs, &bytes(100_000), 50_000).await;
    let again: Fresh = fresh.clone();
    drop(fresh);
    assert_eq!(sweep(&blobs, &store).await, 0);
    drop(again);
    assert_eq!(sweep(&blobs, &store).await, 1);
    let name = content.name().expect("a file");
    // As from a snapshot: an attempt that broke off, then one that did not.
    for (sent, files) in [(60_000, 1), (100_000, 1)] {
        let (file, fresh) = blobs.adopt(name, 100_000).expect("adopted");
        file.expect("is not here").write(&bytes(sent)).expect("written");
        assert_eq!(blobs.files().expect("listed").len(), 0);
        drop(fresh);
        assert_eq!(blobs.files().expect("listed").len(), files);
    }
    assert!(blobs.adopt(name, 100_000).expect("adopted").0.is_none());
    assert_eq!(sweep(&blobs, &store).await, 1);
}

#[tokio::test]
async fn private_folders_of_dead_processes_are_swept() {
    let base = std::env::temp_dir();
    let dead = base.join(format!("virga-blobs-0-{}", Ids::random().hex(8)));
    std::fs::create_dir(&dead).expect("made");
    std::fs::write(dead.join("file"), b"left").expect("written");
    let mut lock = dead.clone().into_os_string();
    lock.push(".lock");
    std::fs::write(&lock, b"").expect("written");
    let blobs = Blobs::private();
    let Finished { content, fresh } = write(&blobs, &bytes(100_000), 50_000).await;
    Blobs::sweep_leftovers().expect("swept");
    assert!(!dead.exists() && !PathBuf::from(lock).exists());
    assert!(
        read(&blobs, vec![content.whole()]).await.is_ok(),
        "a living one's stays"
    );
    drop(fresh);
    blobs.close();
    assert!(blobs.files().expect("listed").is_empty());
    assert!(read(&blobs, vec![content.whole()]).await.is_err());
}

#[test]
fn names_are_read_as_they_are_shown() {
    let name = Name([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]);
    assert_eq!(name.to_string(), "000102030405060708090a0b0c0d0eff");
    assert_eq!(Name::parse("000102030405060708090a0b0c0d0eff"), Some(name));
    for other in [
        "",
        "lock",
        "000102030405060708090A0B0C0D0EFF",
        "+00102030405060708090a0b0c0d0eff",
    ] {
        assert_eq!(Name::parse(other), None);
    }
    let content = Content::Inline(Bytes::from_static(b"abc"));
    let stored = postcard::to_stdvec(&content).expect("stored");
    assert_eq!(postcard::from_bytes::<Content>(&stored).expect("read"), content);
}
