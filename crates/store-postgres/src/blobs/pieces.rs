//! The shelf whose files are rows of pieces.

use super::{Database, failed, names, numbers};
use crate::connection::{GET_PIECE, PUT_PIECE};
use crate::engine::run;
use crate::wire::message::{BYTES, NUMBER, Parameter};
use bytes::Bytes;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use virga_blob::{Draft, Name, PIECE_BYTES, Shelf, Source};

/// Pieces that one transaction removes.
const REMOVED_AT_ONCE: i64 = 64;

/// Bytes in rows of the database itself: the shelf of nodes for which no other is named.
#[derive(Clone)]
pub struct Pieces(Arc<Database>);

impl Pieces {
    pub(super) fn new(database: Arc<Database>) -> Pieces {
        Pieces(database)
    }
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
