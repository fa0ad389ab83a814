//! The shelf in buckets of Virga's own S3, alone and shared by nodes with a PostgreSQL of their own. Where this machine has
//! none, what needs it says so and does nothing.
#![cfg(unix)]

// The very tests of the database's own shelf.
#[path = "../../../store-postgres/tests/engine/blobs.rs"]
mod blobs;
mod server;

use server::bucket;
use virga_blob::{Blobs, Name, Shelf, contract};
use virga_blob_object_store::Place;
use virga_store::StoreError;
use virga_store_postgres::PostgresEngine;

fn open(url: &str) -> PostgresEngine {
    PostgresEngine::open(url, None).expect("an engine")
}

/// Where the bytes of objects lie.
trait Shelves: std::fmt::Debug {
    /// The shelf of one node.
    fn shelf(&self) -> Option<Box<dyn Shelf>>;
}

impl Shelves for Place {
    fn shelf(&self) -> Option<Box<dyn Shelf>> {
        Some(opened(self))
    }
}

/// All of which the tests are run with.
fn places() -> Vec<Box<dyn Shelves>> {
    vec![Box::new(bucket("some/prefix"))]
}

fn opened(place: &Place) -> Box<dyn Shelf> {
    match virga_blob_object_store::open(place, server::variables()) {
        Ok(objects) => Box::new(objects),
        Err(error) => panic!("{place}: {error}"),
    }
}

#[tokio::test]
async fn it_keeps_the_contract() -> Result<(), StoreError> {
    for prefix in ["", "of/one cloud + all"] {
        contract::check_all(&|| Blobs::alone(opened(&bucket(prefix)))).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_upload_that_was_left_is_a_file_that_is_not_whole() {
    let place = bucket("left");
    let (name, other) = (Name([5; 16]), Name([6; 16]));
    let dead = opened(&place);
    for name in [name, other] {
        let mut draft = dead.create(name).expect("created");
        draft.write(&vec![7; 6 * 1024 * 1024]).expect("written");
        // Nobody aborts what a dead process has begun.
        std::mem::forget(draft);
    }
    let shelf = opened(&place);
    assert_eq!(shelf.names().expect("listed"), [name, other]);
    assert_eq!(shelf.length(name).expect("looked up"), None);
    assert!(shelf.open(name).is_err());
    assert!(shelf.remove(name).expect("aborted"));
    assert!(!shelf.remove(name).expect("nothing is left"));
    assert_eq!(shelf.names().expect("listed"), [other]);
    // And who gives up aborts it.
    let mut draft = shelf.create(name).expect("created");
    draft.write(&vec![7; 6 * 1024 * 1024]).expect("written");
    assert_eq!(shelf.names().expect("listed"), [name, other]);
    drop(draft);
    while shelf.names().expect("listed") != [other] {
        tokio::task::yield_now().await;
    }
}

#[test]
fn it_speaks_tls_with_whom_it_was_told_to_trust() {
    let place = bucket("by/tls");
    let file = std::env::temp_dir().join(format!("virga-buckets-{}.pem", std::process::id()));
    let variables = server::variables_by_tls(&file);
    let open = |trusted: bool| {
        let variables = variables.clone().into_iter();
        virga_blob_object_store::open(&place, variables.filter(|(name, _)| trusted || name != "AWS_CA_BUNDLE"))
    };
    let Err(error) = open(false) else {
        panic!("nobody knows that certificate");
    };
    assert!(error.to_string().contains("certificate"), "{error}");
    let shelf = open(true).expect("opened");
    let (name, wanted) = (Name([3; 16]), vec![9; 7 * 1024 * 1024]);
    let mut draft = shelf.create(name).expect("created");
    draft.write(&wanted).expect("written");
    draft.settle().expect("settled");
    let mut source = shelf.open(name).expect("opened");
    assert!(source.read(0, wanted.len()).expect("read") == wanted);
    std::fs::remove_file(&file).expect("removed");
}

#[test]
fn a_bucket_that_is_not_there_is_told_of() {
    let place = Place {
        bucket: "nowhere".to_owned(),
        prefix: String::new(),
    };
    let Err(error) = virga_blob_object_store::open(&place, server::variables()) else {
        panic!("opened");
    };
    assert_eq!(
        error.to_string(),
        "it answers 404 NoSuchBucket: The specified bucket does not exist"
    );
}
