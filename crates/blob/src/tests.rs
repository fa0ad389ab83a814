//! Folders keep the contract, private ones go with their process, and names and content are read as they are written.

use crate::{Blobs, Content, Finished, Name, contract};
use bytes::Bytes;
use http_body_util::BodyExt;
use std::path::PathBuf;
use virga_base::Ids;
use virga_store::StoreError;

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

#[tokio::test]
async fn folders_keep_the_contract() -> Result<(), StoreError> {
    contract::check_all(&Blobs::private).await?;
    let folder = Folder::new();
    contract::check_all(&|| Blobs::kept(folder.0.join(Ids::random().hex(8)))).await
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
    let mut writer = blobs.writer();
    writer.write(Bytes::from(vec![7; 100_000])).await.expect("written");
    let Finished { content, fresh } = writer.finish().await.expect("finished");
    Blobs::sweep_leftovers().expect("swept");
    assert!(!dead.exists() && !PathBuf::from(lock).exists());
    let read = async || blobs.body(blobs.pin(), [content.whole()]).collect().await;
    assert!(read().await.is_ok(), "a living one's stays");
    drop(fresh);
    blobs.close();
    assert!(blobs.files().expect("listed").is_empty());
    assert!(read().await.is_err());
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
