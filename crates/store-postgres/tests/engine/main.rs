//! The engine against a PostgreSQL of its own. Where this machine has none, each test says so and does nothing.
#![cfg(unix)]

mod blobs;
mod claims;
mod loss;
mod nodes;
mod rows;

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use virga_base::Ids;
use virga_blob::{Blobs, Shelf};
use virga_store::Engine;
use virga_store_postgres::PostgresEngine;

fn open(url: &str) -> PostgresEngine {
    PostgresEngine::open(url, None).expect("an engine")
}

/// Where the bytes of objects lie.
trait Shelves: Debug {
    /// The shelf of one node; `None` for the database's own.
    fn shelf(&self) -> Option<Box<dyn Shelf>>;
}

#[derive(Debug)]
struct Database;

impl Shelves for Database {
    fn shelf(&self) -> Option<Box<dyn Shelf>> {
        None
    }
}

/// A folder that all nodes reach, removed at the end.
#[derive(Debug)]
struct Folder(PathBuf);

impl Shelves for Folder {
    fn shelf(&self) -> Option<Box<dyn Shelf>> {
        Some(Blobs::folder(self.0.clone()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// All of which the tests are run with, one after the other.
fn places() -> Vec<Box<dyn Shelves>> {
    let folder = std::env::temp_dir().join(format!("virga-shared-blobs-{}", Ids::random().hex(16)));
    vec![Box::new(Database), Box::new(Folder(folder))]
}

/// A new, empty world in the same database.
fn empty(engine: &PostgresEngine) -> Box<dyn Engine> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    match engine.fork(&format!("empty {}", COUNT.fetch_add(1, Ordering::Relaxed))) {
        Ok(engine) => engine,
        Err(error) => panic!("no fork: {error}"),
    }
}
