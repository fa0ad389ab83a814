//! The bytes of objects in the database: rows of pieces, and what the nodes tell each other of them.
//!
//! A file's row in `virga_blobs` is made before its first piece and removed after its last, so no piece is without one.
//! Pieces are committed without waiting for the database's disk; the commit that ends a file waits, and brings all that was
//! committed before to safety with it. Should the database crash between, pieces are missing, which the end counts.

use crate::connection::{Connection, GET_PIECE, IS_HELD, PUT_PIECE};
use crate::engine::{ROOT, run};
use crate::failure::Failure;
use crate::lane::alone;
use crate::pool::Pool;
use crate::session::BEGIN_WRITE;
use crate::url::Options;
use crate::wire::message::{BYTES, Columns, MANY, NUMBER, Parameter};
use bytes::Bytes;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use virga_base::Ids;
use virga_blob::state::keys_of_holds;
use virga_blob::{Beat, Draft, Name, PIECE_BYTES, Register, Shelf, Source, Stamp};
use virga_store::StoreError;

/// Connections for pieces, beside those for rows.
const CONNECTIONS: usize = 8;
/// A node that is not heard for so long is dead. A node itself believes it much earlier.
const DEAD_AFTER: Duration = Duration::from_secs(300);
const UNSURE_AFTER: Duration = Duration::from_secs(120);
/// Pieces that one transaction removes.
const REMOVED_AT_ONCE: i64 = 64;
/// Statements that go out in one bundle.
const BUNDLE_MAX: usize = 256;

/// Lengths of files that are not whole.
const UNFINISHED: i64 = -1;
const GOING: i64 = -2;

/// The database's clock, in milliseconds.
const NOW: &str = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
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

/// Bytes in rows of the database itself: the shelf of nodes for which no other is named.
#[derive(Clone)]
pub struct Pieces(Arc<Database>);

/// The rows by which nodes agree on the files that they share, wherever those lie.
pub struct SharedRegister {
    database: Arc<Database>,
    node: i64,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    /// Before the last beat that the database has answered.
    at: Option<Instant>,
    /// How often there was none for so long that others may have believed this node dead.
    lives: u64,
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
    let register = SharedRegister {
        database: database.clone(),
        node: i64::from_be_bytes(node.to_be_bytes()),
        heard: Mutex::default(),
    };
    (Pieces(database), register)
}

impl Shelf for Pieces {
    fn create(&self, name: Name) -> io::Result<Box<dyn Draft>> {
        Ok(Box::new(Written {
            database: self.0.clone(),
            name,
            waiting: Vec::new(),
            number: 0,
        }))
    }

    fn open(&self, name: Name) -> io::Result<Box<dyn Source>> {
        let length = self.length(name)?;
        let gone = || io::Error::new(ErrorKind::NotFound, format!("there is no file {name}"));
        Ok(Box::new(Opened {
            database: self.0.clone(),
            name,
            length: length.ok_or_else(gone)?,
        }))
    }

    fn length(&self, name: Name) -> io::Result<Option<u64>> {
        let sql = "SELECT length FROM virga_blobs WHERE name = $1 AND length >= 0";
        let found = self
            .0
            .quickly(|c| numbers(c, sql, &[BYTES], &[Parameter::Bytes(&name.0)]));
        Ok(found
            .map_err(failed)?
            .first()
            .and_then(|length| u64::try_from(*length).ok()))
    }

    fn remove(&self, name: Name) -> io::Result<bool> {
        let sql = "DELETE FROM virga_blob_pieces WHERE name = $1 AND number >= $2 AND number < $3 RETURNING number";
        let last = "SELECT number FROM virga_blob_pieces WHERE name = $1 ORDER BY number DESC LIMIT 1";
        let last = self
            .0
            .quickly(|c| numbers(c, last, &[BYTES], &[Parameter::Bytes(&name.0)]));
        let Some(last) = last.map_err(failed)?.first().copied() else {
            return Ok(false);
        };
        // From the end, so that what is left after a crash is found by its last.
        let mut to = last + 1;
        while to > 0 {
            let from = (to - REMOVED_AT_ONCE).max(0);
            let parameters = [
                Parameter::Bytes(&name.0),
                Parameter::Number(from),
                Parameter::Number(to),
            ];
            let removed = self.0.quickly(|c| run(c, sql, &[BYTES, NUMBER, NUMBER], &parameters));
            removed.map_err(failed)?;
            to = from;
        }
        Ok(true)
    }

    fn names(&self) -> io::Result<Vec<Name>> {
        let sql = "SELECT name FROM virga_blobs";
        self.0.quickly(|c| names(c, sql, &[], &[])).map_err(failed)
    }
}

/// A file that is being written: at most one piece of it is in memory.
struct Written {
    database: Arc<Database>,
    name: Name,
    waiting: Vec<u8>,
    /// Of the next piece.
    number: i64,
}

impl Written {
    fn put(&mut self) -> io::Result<()> {
        let (name, number) = (self.name, self.number);
        let piece = std::mem::take(&mut self.waiting);
        let put = self.database.quickly(|connection| {
            let parameters = [
                Parameter::Bytes(&name.0),
                Parameter::Number(number),
                Parameter::Bytes(&piece),
            ];
            connection.execute(PUT_PIECE, &parameters);
            connection.sync();
            connection.finish(&mut |_| {})
        });
        put.map_err(failed)?;
        self.number += 1;
        self.waiting = piece;
        self.waiting.clear();
        Ok(())
    }
}

impl Draft for Written {
    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = PIECE_BYTES - self.waiting.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.waiting.extend_from_slice(now);
            bytes = later;
            if self.waiting.len() == PIECE_BYTES {
                self.put()?;
            }
        }
        Ok(())
    }

    fn settle(&mut self) -> io::Result<()> {
        if !self.waiting.is_empty() {
            self.put()?;
        }
        let (name, count) = (self.name, self.number);
        // A statement that changes a row, so that its commit is waited for and all pieces are safe before it.
        let sql = "UPDATE virga_blobs SET length = length WHERE name = $1 AND \
                   (SELECT count(*) FROM virga_blob_pieces WHERE name = $1) = $2 RETURNING 1::BIGINT";
        let parameters = [Parameter::Bytes(&name.0), Parameter::Number(count)];
        let settled = self.database.safely(|c| numbers(c, sql, &[BYTES, NUMBER], &parameters));
        match settled.map_err(failed)?.is_empty() {
            true => Err(io::Error::other(format!(
                "the database has lost pieces of the file {name}"
            ))),
            false => Ok(()),
        }
    }
}

/// A file that is read.
struct Opened {
    database: Arc<Database>,
    name: Name,
    length: u64,
}

impl Source for Opened {
    fn length(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn read(&mut self, from: u64, count: usize) -> io::Result<Bytes> {
        let (number, within) = (from / PIECE_BYTES as u64, from % PIECE_BYTES as u64);
        let number = i64::try_from(number).map_err(io::Error::other)?;
        let count = (PIECE_BYTES as u64 - within).min(count as u64);
        let mut bytes = Bytes::new();
        let read = self.database.quickly(|connection| {
            connection.execute(
                GET_PIECE,
                &[
                    Parameter::Bytes(&self.name.0),
                    Parameter::Number(number),
                    // The first byte is the first.
                    Parameter::Number(within as i64 + 1),
                    Parameter::Number(count as i64),
                ],
            );
            connection.sync();
            connection.finish(&mut |mut row| bytes = Bytes::copy_from_slice(row.next().unwrap_or_default()))
        });
        read.map_err(failed)?;
        Ok(bytes)
    }
}

impl SharedRegister {
    /// Runs one statement that answers whether it found what it was to change.
    fn changes(&self, sql: &str, types: &[u32], parameters: &[Parameter<'_>]) -> io::Result<bool> {
        let found = self.database.safely(|c| numbers(c, sql, types, parameters));
        Ok(!found.map_err(failed)?.is_empty())
    }

    /// For the condition that a file is not another living node's to hold.
    fn is_free(&self) -> String {
        let dead = DEAD_AFTER.as_millis();
        format!(
            "(fresh = 0 OR node = {} OR node NOT IN (SELECT n.node FROM virga_blob_nodes n WHERE n.heard > {NOW} - {dead}))",
            self.node
        )
    }
}

impl Register for SharedRegister {
    fn begin(&self, name: Name) -> io::Result<()> {
        let sql = format!(
            "INSERT INTO virga_blobs (name, length, node, fresh, stamp) VALUES ($1, {UNFINISHED}, $2, 1, {NOW})"
        );
        let parameters = [Parameter::Bytes(&name.0), Parameter::Number(self.node)];
        let begun = self.database.quickly(|c| run(c, &sql, &[BYTES, NUMBER], &parameters));
        begun.map_err(failed)
    }

    fn settle(&self, name: Name, length: u64) -> io::Result<()> {
        let length = i64::try_from(length).map_err(io::Error::other)?;
        let sql = format!(
            "UPDATE virga_blobs SET length = $2 WHERE name = $1 AND node = $3 AND fresh = 1 AND length <> {GOING} \
             RETURNING 1::BIGINT"
        );
        let node = Parameter::Number(self.node);
        let parameters = [Parameter::Bytes(&name.0), Parameter::Number(length), node];
        match self.changes(&sql, &[BYTES, NUMBER, NUMBER], &parameters)? {
            true => Ok(()),
            false => Err(io::Error::other(format!("other nodes have given up the file {name}"))),
        }
    }

    fn adopt(&self, name: Name) -> io::Result<Option<u64>> {
        let (name_is, node) = (Parameter::Bytes(&name.0), Parameter::Number(self.node));
        let free = self.is_free();
        let take = format!(
            "UPDATE virga_blobs SET fresh = 1, node = $2, stamp = {NOW}, length = CASE WHEN length < 0 THEN {UNFINISHED} \
             ELSE length END WHERE name = $1 AND {free} RETURNING length"
        );
        let make = format!(
            "INSERT INTO virga_blobs (name, length, node, fresh, stamp) VALUES ($1, {UNFINISHED}, $2, 1, {NOW}) \
             ON CONFLICT (name) DO NOTHING RETURNING length"
        );
        for sql in [take.as_str(), &make] {
            let found = self
                .database
                .safely(|c| numbers(c, sql, &[BYTES, NUMBER], &[name_is, node]));
            if let Some(length) = found.map_err(failed)?.first() {
                return Ok(u64::try_from(*length).ok());
            }
        }
        Err(io::Error::other(format!(
            "another node is bringing the file {name} here; try again"
        )))
    }

    fn names(&self) -> io::Result<Vec<Name>> {
        let sql = format!("SELECT name FROM virga_blobs WHERE {}", self.is_free());
        self.database.safely(|c| names(c, &sql, &[], &[])).map_err(failed)
    }

    fn unheld(&self, files: &[Name]) -> Result<(Vec<Name>, Stamp), StoreError> {
        let wanted: Vec<Vec<u8>> = files.iter().map(|name| name.0.to_vec()).collect();
        // First who may still hold one: who is found free here and unheld afterwards is held by nobody again.
        let sql = format!(
            "SELECT name FROM virga_blobs WHERE name = ANY ($1) AND {}",
            self.is_free()
        );
        let free = self
            .database
            .safely(|c| names(c, &sql, &[MANY], &[Parameter::Many(&wanted)]))?;
        // One transaction over all worlds: a fork that is made meanwhile makes one of the two run again.
        let held = self.database.safely(|connection| {
            connection.query(BEGIN_WRITE);
            connection.finish(&mut |_| {})?;
            let mut worlds = numbers(connection, "SELECT world FROM virga_worlds", &[], &[])?;
            worlds.push(ROOT);
            let mut held = Vec::new();
            let all: Vec<(Name, i64)> = free
                .iter()
                .flat_map(|name| worlds.iter().map(move |world| (*name, *world)))
                .collect();
            for some in all.chunks(BUNDLE_MAX) {
                for (name, world) in some {
                    let (from, to) = keys_of_holds(*name);
                    let range = [Parameter::Bytes(&from), Parameter::Bytes(&to)];
                    let [from, to] = range;
                    connection.execute(
                        IS_HELD,
                        &[Parameter::Bytes(&name.0), Parameter::Number(*world), from, to],
                    );
                }
                connection.sync();
                connection.finish(&mut |mut row| held.extend(row.next().map(<[u8]>::to_vec)))?;
            }
            connection.query("COMMIT");
            connection.finish(&mut |_| {})?;
            Ok(held)
        })?;
        let stamp = self.database.safely(|connection| {
            if !held.is_empty() {
                run(
                    connection,
                    "UPDATE virga_blobs SET fresh = 0 WHERE name = ANY ($1) AND node = $2 AND fresh = 1",
                    &[MANY, NUMBER],
                    &[Parameter::Many(&held), Parameter::Number(self.node)],
                )?;
            }
            numbers(connection, &format!("SELECT {NOW}"), &[], &[])
        })?;
        let stamp = stamp.first().copied().unwrap_or(Stamp::MAX);
        let unheld = free.into_iter().filter(|name| !held.iter().any(|held| *held == name.0));
        Ok((unheld.collect(), stamp))
    }

    fn give_up(&self, name: Name, unheld: Stamp) -> io::Result<bool> {
        let sql = format!(
            "UPDATE virga_blobs SET length = {GOING} WHERE name = $1 AND stamp < $2 AND {} RETURNING 1::BIGINT",
            self.is_free()
        );
        let parameters = [Parameter::Bytes(&name.0), Parameter::Number(unheld)];
        self.changes(&sql, &[BYTES, NUMBER], &parameters)
    }

    fn forget(&self, name: Name) -> io::Result<()> {
        // Not one that was begun anew since.
        let sql = format!(
            "DELETE FROM virga_blobs WHERE name = $1 AND (length = {GOING} OR node = $2 AND length = {UNFINISHED})"
        );
        let parameters = [Parameter::Bytes(&name.0), Parameter::Number(self.node)];
        let forgotten = self.database.safely(|c| run(c, &sql, &[BYTES, NUMBER], &parameters));
        forgotten.map_err(failed)
    }

    fn beat(&self, pinned: Stamp) -> io::Result<Beat> {
        let at = Instant::now();
        let put = format!(
            "INSERT INTO virga_blob_nodes (node, pinned, heard) VALUES ($1, $2, {NOW}) ON CONFLICT (node) DO UPDATE SET \
             pinned = excluded.pinned, heard = excluded.heard RETURNING heard"
        );
        let dead = DEAD_AFTER.as_millis();
        let bury = format!("DELETE FROM virga_blob_nodes WHERE heard <= {NOW} - {dead}");
        let oldest = "SELECT min(pinned) FROM virga_blob_nodes";
        let parameters = [Parameter::Number(self.node), Parameter::Number(pinned)];
        let beat = self.database.safely(|connection| {
            let now = numbers(connection, &put, &[NUMBER, NUMBER], &parameters)?;
            run(connection, &bury, &[], &[])?;
            let oldest = numbers(connection, oldest, &[], &[])?;
            Ok((now.first().copied(), oldest.first().copied()))
        });
        let (Some(now), Some(oldest_pin)) = beat.map_err(failed)? else {
            return Err(io::Error::other("the database does not say what time it is"));
        };
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.at.is_some_and(|last| at.duration_since(last) > UNSURE_AFTER) {
            heard.lives += 1;
        }
        heard.at = Some(at);
        Ok(Beat { now, oldest_pin })
    }

    fn life(&self) -> Option<u64> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let at = heard.at?;
        (at.elapsed() <= UNSURE_AFTER).then_some(heard.lives)
    }

    fn leave(&self) {
        let sql = "DELETE FROM virga_blob_nodes WHERE node = $1";
        let left = self
            .database
            .safely(|c| run(c, sql, &[NUMBER], &[Parameter::Number(self.node)]));
        if let Err(error) = left {
            log::debug!("other nodes cannot be told that this one ends: {error}");
        }
    }
}
