//! Writes a file from its beginning to its end.

use crate::frame::{Kind, Sink, hex};
use crate::head::World;
use crate::{BLOCK_BYTES, End, Error, FORM, Header, MARK, ROW_MAX_BYTES, WorldEnd};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::io::Write;
use zstd::bulk::Compressor;

/// Fast, and near the best that can be had of small rows.
const LEVEL: i32 = 3;

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub worlds: u64,
    pub rows: u64,
    /// Of keys and values.
    pub bytes: u64,
    /// Objects whose bytes lie outside of the rows.
    pub objects: u64,
    pub object_bytes: u64,
}

/// Writes a snapshot. Worlds come one after another: [`Writer::begin_world`], rows, [`Writer::end_world`].
pub struct Writer<W> {
    sink: Sink<W>,
    packer: Compressor<'static>,
    block: Vec<u8>,
    packed: Vec<u8>,
    all: Totals,
    world: Totals,
}

impl<W: Write> Writer<W> {
    pub fn new(out: W, header: &Header) -> Result<Writer<W>, Error> {
        let mut sink = Sink {
            out,
            sha: Sha256::new(),
        };
        sink.put(&MARK)?;
        sink.put(&FORM.to_le_bytes())?;
        let mut writer = Writer {
            sink,
            packer: Compressor::new(LEVEL).map_err(|error| Error::Io(error.to_string()))?,
            block: Vec::with_capacity(BLOCK_BYTES),
            packed: Vec::new(),
            all: Totals::default(),
            world: Totals::default(),
        };
        writer.json(Kind::Header, header)?;
        Ok(writer)
    }

    fn json(&mut self, kind: Kind, value: &impl Serialize) -> Result<(), Error> {
        let text = serde_json::to_vec(value).map_err(|error| Error::Io(error.to_string()))?;
        self.sink.frame(kind, text.len(), &text)
    }

    pub fn begin_world(&mut self, name: &str) -> Result<(), Error> {
        self.world = Totals::default();
        self.json(Kind::World, &World { name: name.to_owned() })
    }

    pub fn row(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        if key.len() + value.len() > ROW_MAX_BYTES {
            return Err(Error::TooLarge("a row of it is"));
        }
        for part in [key, value] {
            let length = u32::try_from(part.len()).map_err(|_| Error::TooLarge("a row of it is"))?;
            self.block.extend_from_slice(&length.to_le_bytes());
        }
        self.block.extend_from_slice(key);
        self.block.extend_from_slice(value);
        self.world.rows += 1;
        self.world.bytes += (key.len() + value.len()) as u64;
        if self.block.len() >= BLOCK_BYTES {
            self.end_block()?;
        }
        Ok(())
    }

    fn end_block(&mut self) -> Result<(), Error> {
        self.end_block_of(Kind::Rows)
    }

    fn end_block_of(&mut self, kind: Kind) -> Result<(), Error> {
        if self.block.is_empty() {
            return Ok(());
        }
        self.packed.clear();
        self.packed.reserve(zstd::zstd_safe::compress_bound(self.block.len()));
        self.packer
            .compress_to_buffer(&self.block, &mut self.packed)
            .map_err(|error| Error::Io(error.to_string()))?;
        self.sink.frame(kind, self.block.len(), &self.packed)?;
        self.block.clear();
        self.block.shrink_to(BLOCK_BYTES * 2);
        Ok(())
    }

    /// Some bytes of an object of that name and length, [`crate::PART_MAX_BYTES`] at most. Each object is written from its
    /// beginning to its end, behind the rows.
    pub fn part(&mut self, name: &[u8; 16], length: u64, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        self.end_block()?;
        self.block.extend_from_slice(name);
        self.block.extend_from_slice(&length.to_le_bytes());
        self.block.extend_from_slice(&offset.to_le_bytes());
        self.block.extend_from_slice(bytes);
        self.world.objects += u64::from(offset == 0);
        self.world.object_bytes += bytes.len() as u64;
        self.end_block_of(Kind::Bytes)
    }

    /// Ends a world; its counts are filled in.
    pub fn end_world(&mut self, mut end: WorldEnd) -> Result<(), Error> {
        self.end_block()?;
        (end.rows, end.bytes) = (self.world.rows, self.world.bytes);
        (end.objects, end.object_bytes) = (self.world.objects, self.world.object_bytes);
        self.all.objects += end.objects;
        self.all.object_bytes += end.object_bytes;
        self.all.worlds += 1;
        self.all.rows += end.rows;
        self.all.bytes += end.bytes;
        self.json(Kind::WorldEnd, &end)
    }

    /// Ends the file and gives back where it was written to.
    pub fn finish(mut self) -> Result<(W, Totals), Error> {
        let end = End {
            worlds: self.all.worlds,
            rows: self.all.rows,
            bytes: self.all.bytes,
            objects: self.all.objects,
            object_bytes: self.all.object_bytes,
            sha256: hex(&self.sink.sha.clone().finalize()),
        };
        self.json(Kind::End, &end)?;
        self.sink.out.flush().map_err(|error| Error::Io(error.to_string()))?;
        Ok((self.sink.out, self.all))
    }
}
