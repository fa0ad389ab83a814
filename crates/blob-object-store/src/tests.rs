//! The shelf over a store in memory, which has parts and ranges and no network.

use crate::writing::PART_BYTES;
use crate::{Objects, Place, open};
use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use std::sync::Arc;
use virga_blob::{Blobs, Name, Shelf, contract};
use virga_store::StoreError;

fn shelf(store: &Arc<InMemory>, prefix: &str) -> Objects {
    Objects::of(store.clone(), Path::from(prefix)).expect("threads")
}

async fn keys(store: &InMemory) -> Vec<String> {
    let listed = store.list(None).map_ok(|found| found.location.to_string());
    let mut keys: Vec<String> = listed.try_collect().await.expect("listed");
    keys.sort();
    keys
}

#[tokio::test]
async fn it_keeps_the_contract() -> Result<(), StoreError> {
    for prefix in ["", "of/one cloud"] {
        contract::check_all(&|| Blobs::alone(Box::new(shelf(&Arc::default(), prefix)))).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_file_appears_when_it_is_whole() {
    let store = Arc::new(InMemory::new());
    let shelf = shelf(&store, "a");
    let name = Name([9; 16]);
    for length in [0, 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES] {
        let wanted: Bytes = (0..length).map(|at| (at % 253) as u8).collect();
        let mut draft = shelf.create(name).expect("created");
        for some in wanted.chunks(700_001) {
            draft.write(some).expect("written");
            assert_eq!(shelf.length(name).expect("looked up"), None);
        }
        assert!(shelf.open(name).is_err() && keys(&store).await.is_empty());
        draft.settle().expect("settled");
        drop(draft);
        assert_eq!(keys(&store).await, [format!("a/{name}")]);
        assert_eq!(shelf.length(name).expect("looked up"), Some(length as u64));
        let mut source = shelf.open(name).expect("opened");
        assert_eq!(source.read(0, length + 1).expect("read"), wanted);
        assert!(shelf.remove(name).expect("removed"));
        assert!(!shelf.remove(name).expect("not there"));
        assert!(keys(&store).await.is_empty());
    }
}

#[tokio::test]
async fn what_others_have_there_is_passed_over() {
    let store = Arc::new(InMemory::new());
    let (ours, name) = (shelf(&store, "ours"), Name([1; 16]));
    let others = [
        format!("{name}"),
        format!("ours/deep/{name}"),
        format!("ours2/{name}"),
        "ours/else".to_owned(),
    ];
    for key in &others {
        let path = Path::from(key.as_str());
        store.put(&path, Bytes::from_static(b"x").into()).await.expect("put");
    }
    assert_eq!(ours.names().expect("listed"), []);
    ours.create(name).expect("created").settle().expect("settled");
    assert_eq!(ours.names().expect("listed"), [name]);
    assert!(ours.remove(name).expect("removed"));
    assert_eq!(keys(&store).await.len(), others.len());
}

#[test]
fn what_cannot_be_used_is_told_in_one_sentence() {
    let place = Place {
        bucket: "b".to_owned(),
        prefix: "p".to_owned(),
    };
    let told = |variables: &[(&str, &str)]| {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        match open(&place, variables) {
            Ok(_) => "opened".to_owned(),
            Err(error) => error.to_string(),
        }
    };
    let key = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];
    assert!(told(&[]).contains("set AWS_ACCESS_KEY_ID"));
    assert!(told(&key[..1]).contains("Secret"), "{}", told(&key[..1]));
    let with = |more: (&'static str, &'static str)| told(&[key[0], key[1], more]);
    let closed = with(("AWS_ENDPOINT_URL", "http://127.0.0.1:1"));
    assert!(
        closed.contains("refused") && closed.ends_with("(http://127.0.0.1:1/b)"),
        "{closed}"
    );
    // It goes nowhere: the address is one for documentation.
    let open = with(("AWS_ENDPOINT_URL", "http://192.0.2.1"));
    assert!(
        open.contains("http://192.0.2.1 is another machine") && open.contains("AWS_ALLOW_HTTP"),
        "{open}"
    );
    let bundle = with(("AWS_CA_BUNDLE", "/nowhere.pem"));
    assert!(bundle.contains("AWS_CA_BUNDLE /nowhere.pem cannot be read"), "{bundle}");
}
