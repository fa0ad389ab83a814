//! The bytes of the last calls, in chunks.

use std::collections::VecDeque;
use virga_base::limits::JOURNAL_MAX_BYTES;

/// More than one call can take: two bodies and the headers of both ways.
pub(crate) const CHUNK_BYTES: usize = 512 * 1024;
const CHUNKS_MAX: usize = JOURNAL_MAX_BYTES / CHUNK_BYTES;

/// A queue of chunks. New bytes go into the last one; with all chunks in use, the first is emptied for them.
#[derive(Default)]
pub(crate) struct Room {
    chunks: VecDeque<Vec<u8>>,
    /// The number of the first chunk.
    first: u64,
    /// Kept, since the next chunk is needed soon.
    spare: Option<Vec<u8>>,
}

/// Where some bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    chunk: u64,
    start: u32,
    length: u32,
}

impl Room {
    /// Keeps some bytes, at the cost of the oldest. Nothing for more than a chunk.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Option<Span> {
        if bytes.len() > CHUNK_BYTES {
            return None;
        }
        let has_place = |chunk: &Vec<u8>| CHUNK_BYTES - chunk.len() >= bytes.len();
        if !self.chunks.back().is_some_and(has_place) {
            let chunk = self.empty_chunk();
            self.chunks.push_back(chunk);
        }
        let number = self.first + self.chunks.len() as u64 - 1;
        let chunk = self.chunks.back_mut()?;
        let start = u32::try_from(chunk.len()).ok()?;
        chunk.extend_from_slice(bytes);
        Some(Span {
            chunk: number,
            start,
            length: u32::try_from(bytes.len()).ok()?,
        })
    }

    fn empty_chunk(&mut self) -> Vec<u8> {
        let used = if self.chunks.len() >= CHUNKS_MAX {
            self.first += 1;
            self.chunks.pop_front()
        } else {
            self.spare.take()
        };
        match used {
            Some(mut chunk) => {
                chunk.clear();
                chunk
            }
            None => Vec::with_capacity(CHUNK_BYTES),
        }
    }

    /// The bytes of a span, unless they had to give way.
    pub(crate) fn get(&self, span: Span) -> Option<&[u8]> {
        let index = span.chunk.checked_sub(self.first)?;
        let chunk = self.chunks.get(usize::try_from(index).ok()?)?;
        let start = span.start as usize;
        chunk.get(start..start + span.length as usize)
    }

    /// Gives free what stands before a span.
    pub(crate) fn forget_before(&mut self, span: Span) {
        while self.first < span.chunk && self.chunks.len() > 1 {
            self.first += 1;
            self.spare = self.chunks.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CHUNK_BYTES, CHUNKS_MAX, Room};

    #[test]
    fn the_oldest_bytes_give_way() {
        let mut room = Room::default();
        let spans: Vec<_> = (0..=CHUNKS_MAX * 2)
            .map(|n| room.put(&vec![n as u8; CHUNK_BYTES / 2]).expect("fits"))
            .collect();
        assert_eq!(room.chunks.len(), CHUNKS_MAX);
        assert_eq!(room.get(spans[1]), None);
        assert_eq!(room.get(spans[2]).map(|bytes| bytes[0]), Some(2));
        let last = spans[CHUNKS_MAX * 2];
        assert_eq!(room.get(last).map(<[u8]>::len), Some(CHUNK_BYTES / 2));
        room.forget_before(last);
        assert_eq!((room.chunks.len(), room.spare.is_some()), (1, true));
        assert_eq!(room.get(last).map(<[u8]>::len), Some(CHUNK_BYTES / 2));
        assert_eq!(room.put(&vec![0; CHUNK_BYTES + 1]), None);
    }
}
