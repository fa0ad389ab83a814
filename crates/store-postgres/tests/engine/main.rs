//! The engine against a PostgreSQL of its own. Where this machine has none, each test says so and does nothing.
#![cfg(unix)]

mod blobs;
mod claims;
mod loss;
mod nodes;
mod rows;

use std::sync::atomic::{AtomicU32, Ordering};
use virga_store::Engine;
use virga_store_postgres::PostgresEngine;
use virga_testkit::postgres::{self, Postgres};

/// The URL of an empty database.
fn database() -> Option<String> {
    database_of(postgres::shared()?)
}

fn database_of(postgres: &Postgres) -> Option<String> {
    match postgres.database() {
        Ok(url) => Some(url),
        Err(error) => panic!("no database: {error}"),
    }
}

fn open(url: &str) -> PostgresEngine {
    match PostgresEngine::open(url, None) {
        Ok(engine) => engine,
        Err(error) => panic!("{error}"),
    }
}

/// A new, empty world in the same database.
fn empty(engine: &PostgresEngine) -> Box<dyn Engine> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    match engine.fork(&format!("empty {}", COUNT.fetch_add(1, Ordering::Relaxed))) {
        Ok(engine) => engine,
        Err(error) => panic!("no fork: {error}"),
    }
}
