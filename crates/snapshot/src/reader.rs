//! Reads a file from its beginning to its end, and believes nothing of it.

use crate::frame::{Frame, Kind, Source};
use crate::head::World;
use crate::{End, Error, FILE_MAX_BYTES, FORM, Header, MARK, Totals, WORLDS_MAX, WorldEnd};
use serde::de::DeserializeOwned;
use std::io::Read;

/// What comes next in a file.
#[derive(Debug)]
pub enum Event {
    /// A world of that name begins.
    World(String),
    /// Rows of it.
    Rows(Block),
    /// Bytes of an object that its rows name. Each object comes from its beginning to its end.
    Part(Part),
    /// The world ends.
    End(WorldEnd),
}

/// Some rows.
#[derive(Debug)]
pub struct Block(Vec<u8>);

/// Some bytes of an object.
#[derive(Debug)]
pub struct Part {
    pub name: [u8; 16],
    /// Of the whole object, in bytes.
    pub length: u64,
    pub offset: u64,
    raw: Vec<u8>,
}

/// Bytes before an object's own.
const PART_HEAD_BYTES: usize = 32;

impl Part {
    fn read(raw: Vec<u8>) -> Option<Part> {
        let (name, rest) = raw.split_first_chunk::<16>()?;
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let (offset, _) = rest.split_first_chunk::<8>()?;
        Some(Part {
            name: *name,
            length: u64::from_le_bytes(*length),
            offset: u64::from_le_bytes(*offset),
            raw,
        })
    }

    pub fn bytes(&self) -> &[u8] {
        self.raw.get(PART_HEAD_BYTES..).unwrap_or_default()
    }

    /// Where it ends within the object.
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.bytes().len() as u64)
    }
}

impl Block {
    /// Key and value of each row.
    pub fn rows(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = self.0.as_slice();
        std::iter::from_fn(move || next_row(&mut rest))
    }
}

fn next_row<'b>(rest: &mut &'b [u8]) -> Option<(&'b [u8], &'b [u8])> {
    let (key_length, behind) = rest.split_first_chunk::<4>()?;
    let (value_length, behind) = behind.split_first_chunk::<4>()?;
    let (key, behind) = behind.split_at_checked(u32::from_le_bytes(*key_length) as usize)?;
    let (value, behind) = behind.split_at_checked(u32::from_le_bytes(*value_length) as usize)?;
    *rest = behind;
    Some((key, value))
}

/// Reads a snapshot. Only when [`Reader::next`] has answered `None` is it known to be whole.
pub struct Reader<R> {
    source: Source<R>,
    header: Header,
    all: Totals,
    world: Totals,
    in_world: bool,
    /// The object whose bytes are coming: its name, its length, and how many have come.
    object: Option<([u8; 16], u64, u64)>,
    ended: bool,
}

impl<R: Read> Reader<R> {
    pub fn open(input: R) -> Result<Reader<R>, Error> {
        let mut source = Source::new(input);
        let mark = source.take(MARK.len());
        if mark.is_ok_and(|mark| mark != MARK) || source.at < MARK.len() as u64 {
            return Err(Error::NotASnapshot);
        }
        let form = source.take(2)?.try_into().map_or(0, u16::from_le_bytes);
        if form > FORM {
            return Err(Error::Newer { form });
        }
        if form == 0 {
            return Err(source.damaged("it has no form"));
        }
        let frame = source.frame()?;
        if frame.kind != Kind::Header {
            return Err(source.damaged("its header is missing"));
        }
        let header = json(&source, &frame)?;
        Ok(Reader {
            source,
            header,
            all: Totals::default(),
            world: Totals::default(),
            in_world: false,
            object: None,
            ended: false,
        })
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next part; `None` at the end of a file that is whole.
    #[expect(clippy::should_implement_trait, reason = "it may fail, and a failure ends it")]
    pub fn next(&mut self) -> Result<Option<Event>, Error> {
        if self.ended {
            return Ok(None);
        }
        let sha256 = self.source.sha256();
        let frame = self.source.frame()?;
        match (frame.kind, self.in_world) {
            (Kind::World, false) => {
                let World { name } = json(&self.source, &frame)?;
                self.in_world = true;
                self.world = Totals::default();
                if self.all.worlds >= WORLDS_MAX {
                    return Err(Error::TooLarge("it has too many worlds"));
                }
                Ok(Some(Event::World(name)))
            }
            (Kind::Bytes, true) => self.part(&frame).map(|part| Some(Event::Part(part))),
            (Kind::Rows, true) => self.block(&frame).map(|block| Some(Event::Rows(block))),
            (Kind::WorldEnd, true) => {
                let end: WorldEnd = json(&self.source, &frame)?;
                if (end.rows, end.bytes) != (self.world.rows, self.world.bytes) {
                    return Err(self.source.damaged("a world has other rows than it says"));
                }
                let objects = (end.objects, end.object_bytes);
                if objects != (self.world.objects, self.world.object_bytes) || self.object.is_some() {
                    return Err(self.source.damaged("a world has other objects than it says"));
                }
                self.all.objects += end.objects;
                self.all.object_bytes += end.object_bytes;
                self.in_world = false;
                self.all.worlds += 1;
                self.all.rows += end.rows;
                self.all.bytes += end.bytes;
                Ok(Some(Event::End(end)))
            }
            (Kind::End, false) => {
                let end: End = json(&self.source, &frame)?;
                let told = (end.worlds, end.rows, end.bytes);
                if told != (self.all.worlds, self.all.rows, self.all.bytes) {
                    return Err(self.source.damaged("it has other rows than it says"));
                }
                if (end.objects, end.object_bytes) != (self.all.objects, self.all.object_bytes) {
                    return Err(self.source.damaged("it has other objects than it says"));
                }
                if end.sha256 != sha256 {
                    return Err(self.source.damaged("it does not match its checksum"));
                }
                if !self.source.is_at_end()? {
                    return Err(self.source.damaged("something follows its end"));
                }
                self.ended = true;
                Ok(None)
            }
            _ => Err(self.source.damaged("its parts are out of order")),
        }
    }

    fn unpack(&self, frame: &Frame) -> Result<Vec<u8>, Error> {
        let unpacked = zstd::bulk::decompress(&frame.payload, frame.raw_length).ok();
        unpacked
            .filter(|raw| raw.len() == frame.raw_length)
            .ok_or_else(|| self.source.damaged("rows cannot be unpacked"))
    }

    fn part(&mut self, frame: &Frame) -> Result<Part, Error> {
        let part = Part::read(self.unpack(frame)?).ok_or_else(|| self.source.damaged("an object has no name"))?;
        let expected = match self.object {
            None => part.offset == 0,
            Some(object) => object == (part.name, part.length, part.offset),
        };
        if !expected || part.end() > part.length || (part.bytes().is_empty() && part.length > 0) {
            return Err(self.source.damaged("the bytes of an object are out of order"));
        }
        self.object = (part.end() < part.length).then_some((part.name, part.length, part.end()));
        self.world.objects += u64::from(part.offset == 0);
        self.world.object_bytes += part.bytes().len() as u64;
        self.check_size()?;
        Ok(part)
    }

    fn check_size(&self) -> Result<(), Error> {
        let (all, world) = (&self.all, &self.world);
        if all.bytes + world.bytes + all.object_bytes + world.object_bytes > FILE_MAX_BYTES {
            return Err(Error::TooLarge("its rows and objects are"));
        }
        Ok(())
    }

    fn block(&mut self, frame: &Frame) -> Result<Block, Error> {
        let raw = self.unpack(frame)?;
        let block = Block(raw);
        let mut length = 0;
        for (key, value) in block.rows() {
            self.world.rows += 1;
            self.world.bytes += (key.len() + value.len()) as u64;
            length += 8 + key.len() + value.len();
        }
        if length != block.0.len() {
            return Err(self.source.damaged("rows cannot be told apart"));
        }
        self.check_size()?;
        Ok(block)
    }
}

fn json<T: DeserializeOwned, R: Read>(source: &Source<R>, frame: &Frame) -> Result<T, Error> {
    serde_json::from_slice(&frame.payload).map_err(|_| source.damaged("a part cannot be read"))
}
