//! Frames: the pieces that a file is made of.

use crate::{BLOCK_MAX_BYTES, Error};
use sha2::{Digest, Sha256};
use std::io::{ErrorKind, Read, Write};

/// Bytes before what a frame holds.
const HEAD_BYTES: usize = 13;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Header,
    World,
    Rows,
    Bytes,
    WorldEnd,
    End,
}

impl Kind {
    const ALL: [(Kind, u8); 6] = [
        (Kind::Header, b'H'),
        (Kind::World, b'W'),
        (Kind::Rows, b'R'),
        (Kind::Bytes, b'B'),
        (Kind::WorldEnd, b'E'),
        (Kind::End, b'Z'),
    ];

    fn letter(self) -> u8 {
        Kind::ALL
            .into_iter()
            .find(|(kind, _)| *kind == self)
            .map_or(b'?', |(_, letter)| letter)
    }

    fn of(letter: u8) -> Option<Kind> {
        Kind::ALL
            .into_iter()
            .find(|(_, other)| *other == letter)
            .map(|(kind, _)| kind)
    }
}

pub(crate) struct Frame {
    pub(crate) kind: Kind,
    /// Length of what it holds, unpacked.
    pub(crate) raw_length: usize,
    pub(crate) payload: Vec<u8>,
}

/// Writes bytes and keeps count of them.
pub(crate) struct Sink<W> {
    pub(crate) out: W,
    pub(crate) sha: Sha256,
}

impl<W: Write> Sink<W> {
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.sha.update(bytes);
        self.out.write_all(bytes).map_err(|error| Error::Io(error.to_string()))
    }

    pub(crate) fn frame(&mut self, kind: Kind, raw_length: usize, payload: &[u8]) -> Result<(), Error> {
        let too_long = |_| Error::TooLarge("a row of it is");
        let length = u32::try_from(payload.len()).map_err(too_long)?;
        let raw_length = u32::try_from(raw_length).map_err(too_long)?;
        let mut head = Vec::with_capacity(HEAD_BYTES);
        head.push(kind.letter());
        head.extend_from_slice(&length.to_le_bytes());
        head.extend_from_slice(&raw_length.to_le_bytes());
        head.extend_from_slice(&crc(&head, payload).to_le_bytes());
        self.put(&head)?;
        self.put(payload)
    }
}

fn crc(head: &[u8], payload: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(head);
    crc.update(payload);
    crc.finalize()
}

/// Reads bytes and keeps count of them.
pub(crate) struct Source<R> {
    input: R,
    sha: Sha256,
    pub(crate) at: u64,
}

impl<R: Read> Source<R> {
    pub(crate) fn new(input: R) -> Source<R> {
        Source {
            input,
            sha: Sha256::new(),
            at: 0,
        }
    }

    pub(crate) fn damaged(&self, why: impl Into<String>) -> Error {
        Error::Damaged {
            at: self.at,
            why: why.into(),
        }
    }

    /// SHA-256 of all that has been taken, in hex.
    pub(crate) fn sha256(&self) -> String {
        hex(&self.sha.clone().finalize())
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        // What a length says is believed only as far as there are bytes.
        let read = (&mut self.input)
            .take(length as u64)
            .read_to_end(&mut bytes)
            .map_err(|error| Error::Io(error.to_string()))?;
        if read < length {
            self.at += read as u64;
            return Err(self.damaged("it ends here, and should not"));
        }
        self.sha.update(&bytes);
        self.at += length as u64;
        Ok(bytes)
    }

    pub(crate) fn is_at_end(&mut self) -> Result<bool, Error> {
        let mut byte = [0];
        loop {
            match self.input.read(&mut byte) {
                Ok(count) => return Ok(count == 0),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::Io(error.to_string())),
            }
        }
    }

    pub(crate) fn frame(&mut self) -> Result<Frame, Error> {
        let began = self.at;
        let damaged = |why: &str| Error::Damaged {
            at: began,
            why: why.to_owned(),
        };
        let head = self.take(HEAD_BYTES)?;
        let number = |from: usize| -> u32 {
            let bytes = head.get(from..from + 4).and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(u32::MAX, u32::from_le_bytes)
        };
        let (length, raw_length, told) = (number(1) as usize, number(5) as usize, number(9));
        let kind = head.first().copied().and_then(Kind::of);
        let Some(kind) = kind else {
            return Err(damaged("what is here is no part of a snapshot"));
        };
        if length.max(raw_length) > BLOCK_MAX_BYTES {
            return Err(damaged("a part is longer than any may be"));
        }
        let payload = self.take(length)?;
        if crc(head.get(..9).unwrap_or_default(), &payload) != told {
            return Err(damaged("a part does not match its checksum"));
        }
        Ok(Frame {
            kind,
            raw_length,
            payload,
        })
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
