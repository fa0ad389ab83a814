//! What nodes tell each other of the files that they share.

use super::{Database, failed, names, numbers};
use crate::connection::IS_HELD;
use crate::engine::{ROOT, run};
use crate::session::BEGIN_WRITE;
use crate::wire::message::{BYTES, MANY, NUMBER, Parameter};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use virga_blob::state::keys_of_holds;
use virga_blob::{Beat, Name, Register, Stamp};
use virga_store::StoreError;

/// A node that is not heard for so long is dead. A node itself believes it much earlier.
const DEAD_AFTER: Duration = Duration::from_secs(300);
const UNSURE_AFTER: Duration = Duration::from_secs(120);
/// Statements that go out in one bundle.
const BUNDLE_MAX: usize = 256;

/// Lengths of files that are not whole.
const UNFINISHED: i64 = -1;
const GOING: i64 = -2;

/// The database's clock, in milliseconds.
const NOW: &str = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";

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

impl SharedRegister {
    pub(super) fn new(database: Arc<Database>, node: i64) -> SharedRegister {
        SharedRegister {
            database,
            node,
            heard: Mutex::default(),
        }
    }

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
