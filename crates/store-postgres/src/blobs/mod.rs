//! The bytes of objects in the database: rows of pieces, and what the nodes tell each other of them.
//!
//! A file's row in `virga_blobs` is made before its first piece and removed after its last, so no piece is without one.
//! Pieces are committed without waiting for the database's disk; the commit that ends a file waits, and brings all that was
//! committed before to safety with it. Should the database crash between, pieces are missing, which the end counts.

mod pieces;
mod register;

pub use pieces::Pieces;
pub use register::SharedRegister;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::lane::alone;
use crate::pool::Pool;
use crate::url::Options;
use crate::wire::message::{Columns, Parameter};
use std::io;
use std::sync::Arc;
use virga_base::Ids;
use virga_blob::Name;
use virga_store::StoreError;

/// Connections for pieces, beside those for rows.
const CONNECTIONS: usize = 8;
/// Piece and commit alike are as safe as the commit that ends the file.
const LATER: &str = "SET synchronous_commit = off";

/// A database, and what of it is used for files.
struct Database {
    /// Waits for the disk.
    pool: Arc<Pool>,
    /// Does not.
    quick: Arc<Pool>,
    pauses: Ids,
}

fn failed(error: StoreError) -> io::Error {
    io::Error::other(error.to_string())
}

impl Database {
    fn safely<T>(&self, f: impl FnMut(&mut Connection) -> Result<T, Failure>) -> Result<T, StoreError> {
        alone(&self.pool, &self.pauses, f)
    }

    fn quickly<T>(&self, f: impl FnMut(&mut Connection) -> Result<T, Failure>) -> Result<T, StoreError> {
        alone(&self.quick, &self.pauses, f)
    }
}

/// Runs one statement and answers the first number of each of its rows.
fn numbers(
    connection: &mut Connection,
    sql: &str,
    types: &[u32],
    parameters: &[Parameter<'_>],
) -> Result<Vec<i64>, Failure> {
    let mut found = Vec::new();
    rows(connection, sql, types, parameters, &mut |mut row| {
        found.extend(row.number())
    })?;
    Ok(found)
}

fn names(
    connection: &mut Connection,
    sql: &str,
    types: &[u32],
    parameters: &[Parameter<'_>],
) -> Result<Vec<Name>, Failure> {
    let mut found = Vec::new();
    rows(connection, sql, types, parameters, &mut |mut row| {
        found.extend(row.next().and_then(|name| name.try_into().ok()).map(Name));
    })?;
    Ok(found)
}

fn rows(
    connection: &mut Connection,
    sql: &str,
    types: &[u32],
    parameters: &[Parameter<'_>],
    row: &mut dyn FnMut(Columns<'_>),
) -> Result<(), Failure> {
    connection.execute_once(sql, types, parameters);
    connection.sync();
    connection.finish(row)
}

pub(crate) fn open(options: &Options, pool: &Arc<Pool>, node: u64) -> (Pieces, SharedRegister) {
    let options = Options {
        connections: CONNECTIONS.min(options.connections),
        ..options.clone()
    };
    let database = Arc::new(Database {
        pool: pool.clone(),
        quick: Pool::with_wish(options, Some(LATER)),
        pauses: Ids::random(),
    });
    let register = SharedRegister::new(database.clone(), i64::from_be_bytes(node.to_be_bytes()));
    (Pieces::new(database), register)
}
