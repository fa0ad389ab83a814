//! The behaviour that the bytes of objects must show wherever they lie, as functions for each shelf's tests to call.
//!
//! A failing check panics, as tests do.

use crate::{Blobs, Content, Finished, Fresh, INLINE_MAX_BYTES, Name, PIECE_BYTES, Piece, hold, release, share, state};
use bytes::Bytes;
use http_body_util::BodyExt;
use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use virga_base::Account;
use virga_store::{Clearer, MemoryEngine, Place, Store, StoreError, Tx};

/// All checks; `make` gives a place of one process, with nothing in it.
pub async fn check_all(make: &(dyn Fn() -> Blobs + Sync)) -> Result<(), StoreError> {
    bytes_come_back_in_ranges_and_pieces(&make()).await;
    bytes_are_read_from_anywhere(&make()).await;
    a_file_that_is_short_or_gone_breaks_the_body_off(&make()).await;
    a_writer_that_is_dropped_leaves_nothing(&make()).await;
    a_file_goes_with_its_last_holder(&make()).await?;
    who_reads_a_row_can_read_its_file(&make()).await?;
    what_nobody_holds_in_the_end_is_removed(&make()).await;
    Ok(())
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

async fn bytes_come_back_in_ranges_and_pieces(blobs: &Blobs) {
    for (length, piece) in [
        (0, 1),
        (1, 1),
        (INLINE_MAX_BYTES, 100),
        (INLINE_MAX_BYTES + 1, INLINE_MAX_BYTES + 1),
        (3_000_001, 70_001),
        (600_000, 7),
        (12_345_678, 400_001),
    ] {
        let wanted = bytes(length);
        let Finished { content, fresh } = write(blobs, &wanted, piece).await;
        assert_eq!(content.length(), length as u64);
        assert_eq!(content.name().is_some(), length > INLINE_MAX_BYTES);
        assert_eq!(read(blobs, vec![content.whole()]).await.expect("read"), wanted);
        let (from, to) = (length / 3, length - length / 5);
        let part = Piece {
            content: content.clone(),
            range: from as u64..to as u64,
        };
        let small = Content::Inline(Bytes::from_static(b"between"));
        let all = vec![part, small.whole(), Content::EMPTY.whole(), content.whole()];
        let joined = [&wanted.slice(from..to), b"between".as_slice(), &wanted].concat();
        assert_eq!(read(blobs, all).await.expect("read"), joined);
        drop(fresh);
    }
}

/// As a source gives them: from anywhere, never more than there are.
async fn bytes_are_read_from_anywhere(blobs: &Blobs) {
    let wanted = bytes(700_001);
    let Finished { content, fresh } = write(blobs, &wanted, 50_000).await;
    let name = content.name().expect("a file");
    assert_eq!(blobs.length(name), Some(700_001));
    let mut source = blobs.open(name).expect("opens");
    assert_eq!(source.length().expect("a length"), 700_001);
    let mut check = |from: usize, count: usize| {
        let read = source.read(from as u64, count).expect("reads");
        let (from, to) = (from.min(700_001), (from + count).min(700_001));
        assert_eq!(read, wanted.slice(from..to), "from {from} to {to}");
    };
    for (from, count) in [
        (0, PIECE_BYTES),
        (PIECE_BYTES, PIECE_BYTES),
        (2 * PIECE_BYTES, PIECE_BYTES),
        (700_001, 10),
        (5, 1),
        (6, 10),
        (700_000, 1),
        (0, 3),
    ] {
        check(from, count);
    }
    drop(fresh);
    assert_eq!(blobs.length(Name([7; 16])), None);
    let missing = blobs.open(Name([7; 16])).and_then(|mut source| source.read(0, 1));
    assert_eq!(missing.map_err(|error| error.kind()), Err(io::ErrorKind::NotFound));
}

async fn a_file_that_is_short_or_gone_breaks_the_body_off(blobs: &Blobs) {
    let Finished { content, fresh } = write(blobs, &bytes(300_000), 50_000).await;
    let name = content.name().expect("a file");
    let longer = Content::File { name, length: 300_001 };
    assert!(read(blobs, vec![longer.whole()]).await.is_err());
    let gone = Content::File {
        name: Name([7; 16]),
        length: 5,
    };
    assert!(read(blobs, vec![gone.whole()]).await.is_err());
    drop(fresh);
}

async fn a_writer_that_is_dropped_leaves_nothing(blobs: &Blobs) {
    let mut writer = blobs.writer();
    writer.write(bytes(2_000_000)).await.expect("written");
    writer.write(bytes(2_000_000)).await.expect("written");
    drop(writer);
    // Removal waits for the write under way; the runtime of the test ends with neither open.
    while !blobs.shelf().names().expect("listed").is_empty() {
        tokio::task::yield_now().await;
    }
}

async fn a_file_goes_with_its_last_holder(blobs: &Blobs) -> Result<(), StoreError> {
    let store = store_of(blobs);
    let (first, second) = (Account::from_number(1), Account::from_number(2));
    let Finished { content, fresh } = write(blobs, &bytes(100_000), 9999).await;
    assert_eq!(sweep(blobs, &store).await, 0, "it is fresh");
    in_store(&store, |tx| hold(tx, first, &fresh)).await?;
    drop(fresh);
    assert_eq!(sweep(blobs, &store).await, 0, "it is held");
    assert!(in_store(&store, |tx| share(tx, second, &content)).await?);
    assert!(in_store(&store, |tx| share(tx, second, &content)).await?);
    in_store(&store, |tx| release(tx, first, &content)).await?;
    in_store(&store, |tx| release(tx, second, &content)).await?;
    assert_eq!(sweep(blobs, &store).await, 0, "the other holds it once more");
    assert_eq!(state::held(&store)?, HashSet::from([content.name().expect("a file")]));
    let aborted = in_store(&store, |tx| -> Result<(), StoreError> {
        release(tx, second, &content)?;
        Err(StoreError::Engine("no".into()))
    });
    assert!(aborted.await.is_err());
    assert_eq!(sweep(blobs, &store).await, 0, "nothing was released");
    in_store(&store, |tx| release(tx, second, &content)).await?;
    assert_eq!(sweep(blobs, &store).await, 1);
    assert!(!in_store(&store, |tx| share(tx, first, &content)).await?);
    assert!(read(blobs, vec![content.whole()]).await.is_err());
    Ok(())
}

async fn who_reads_a_row_can_read_its_file(blobs: &Blobs) -> Result<(), StoreError> {
    let store = store_of(blobs);
    let account = Account::DEFAULT;
    let wanted = bytes(1_000_000);
    let Finished { content, fresh } = write(blobs, &wanted, 50_000).await;
    in_store(&store, |tx| hold(tx, account, &fresh)).await?;
    drop(fresh);
    let (early, later) = (blobs.pin(), blobs.pin());
    in_store(&store, |tx| release(tx, account, &content)).await?;
    assert_eq!(sweep(blobs, &store).await, 0, "somebody may read it");
    drop(early);
    assert_eq!(blobs.remove_condemned(), 0, "somebody else may");
    let body = blobs.body(later, [content.whole()]);
    assert_eq!(body.collect().await.expect("read").to_bytes(), wanted);
    blobs.doubted().await;
    let newer = blobs.pin();
    assert_eq!(sweep(blobs, &store).await, 1, "who came later saw no row of it");
    drop(newer);
    Ok(())
}

async fn what_nobody_holds_in_the_end_is_removed(blobs: &Blobs) {
    let store = store_of(blobs);
    let Finished { content, fresh } = write(blobs, &bytes(100_000), 50_000).await;
    let again: Fresh = fresh.clone();
    drop(fresh);
    assert_eq!(sweep(blobs, &store).await, 0);
    drop(again);
    assert_eq!(sweep(blobs, &store).await, 1);
    let name = content.name().expect("a file");
    // As from a snapshot: an attempt that broke off, of which a shelf may keep what came or nothing, then one that did not.
    for is_whole in [false, true] {
        let (file, fresh) = blobs.adopt(name, 100_000).expect("adopted");
        let mut file = file.expect("is not here");
        file.write(&bytes(if is_whole { 100_000 } else { 60_000 }))
            .expect("written");
        if is_whole {
            blobs.settle(name, 100_000, file.as_mut()).expect("settled");
        }
        drop(file);
        assert_eq!(blobs.files().expect("listed"), []);
        drop(fresh);
        let found = blobs.files().expect("listed");
        assert!(found == [name] || !is_whole && found.is_empty(), "{found:?}");
    }
    assert!(blobs.adopt(name, 100_000).expect("adopted").0.is_none());
    assert_eq!(sweep(blobs, &store).await, 1);
}
