//! Writing: small content stays in memory, large content goes to its file in large pieces.

use crate::blobs::Guard;
use crate::shelf::Draft;
use crate::{Blobs, Content, Fresh, INLINE_MAX_BYTES};
use bytes::{Bytes, BytesMut};
use std::io;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// Bytes that go to the file at once. Twice as many are in memory at most: while some are written, others come.
const PIECE_BYTES: usize = 512 * 1024;
/// Shorter pieces are copied together: each by itself costs more than its bytes.
const COPIED_MAX_BYTES: usize = 16 * 1024;

/// Takes the bytes of one object. Dropped before its end, it leaves nothing.
pub struct Writer {
    blobs: Blobs,
    /// In order; the last may still grow.
    waiting: Vec<Bytes>,
    growing: BytesMut,
    waiting_bytes: usize,
    length: u64,
    file: Option<Writing>,
}

/// A file that is being written.
struct Writing {
    guard: Arc<Guard>,
    /// The last piece, which gives the file back.
    writing: JoinHandle<io::Result<Box<dyn Draft>>>,
}

/// What was written.
#[derive(Debug)]
pub struct Finished {
    pub content: Content,
    /// Hand it to [`crate::hold`], and keep it until that transaction is over.
    pub fresh: Fresh,
}

impl Writer {
    pub(crate) fn new(blobs: Blobs) -> Writer {
        Writer {
            blobs,
            waiting: Vec::new(),
            growing: BytesMut::new(),
            waiting_bytes: 0,
            length: 0,
            file: None,
        }
    }

    /// Bytes so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Takes the next bytes. It waits while earlier ones are on their way to the disk.
    pub async fn write(&mut self, bytes: Bytes) -> io::Result<()> {
        self.length += bytes.len() as u64;
        self.waiting_bytes += bytes.len();
        if bytes.len() <= COPIED_MAX_BYTES {
            self.growing.extend_from_slice(&bytes);
        } else {
            self.end_growing();
            self.waiting.push(bytes);
        }
        match self.waiting_bytes >= PIECE_BYTES {
            true => self.flush(false).await,
            false => Ok(()),
        }
    }

    fn end_growing(&mut self) {
        if !self.growing.is_empty() {
            self.waiting.push(self.growing.split().freeze());
        }
    }

    /// Sends what waits to the file, once what was sent before is there.
    async fn flush(&mut self, is_last: bool) -> io::Result<()> {
        self.end_growing();
        let pieces = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        let (guard, file) = match self.file.take() {
            Some(Writing { guard, writing }) => (guard, Some(joined(writing.await)?)),
            None => (self.blobs.begin(), None),
        };
        // Who drops the writer now does not leave a file that is made afterwards: the guard removes it last.
        let (kept, length) = (guard.clone(), self.length);
        let writing = tokio::task::spawn_blocking(move || {
            let mut file = match file {
                Some(file) => file,
                None => kept.blobs.create(kept.name)?,
            };
            for piece in pieces {
                file.write(&piece)?;
            }
            if is_last {
                file.settle()?;
                kept.blobs.note_settled(kept.name, length)?;
            }
            Ok(file)
        });
        self.file = Some(Writing { guard, writing });
        Ok(())
    }

    /// Ends it. A file is safe then, where files are kept.
    pub async fn finish(mut self) -> io::Result<Finished> {
        if self.file.is_none() && self.length <= INLINE_MAX_BYTES as u64 {
            self.end_growing();
            let content = Content::Inline(match self.waiting.as_slice() {
                [one] => one.clone(),
                several => several.concat().into(),
            });
            return Ok(Finished {
                content,
                fresh: Fresh::INLINE,
            });
        }
        self.flush(true).await?;
        let Some(Writing { guard, writing }) = self.file.take() else {
            return Err(io::Error::other("the file is gone"));
        };
        drop(joined(writing.await)?);
        guard.tell();
        let content = Content::File {
            name: guard.name,
            length: self.length,
        };
        Ok(Finished {
            content,
            fresh: Fresh::of_written(guard),
        })
    }
}

pub(crate) fn joined<T>(outcome: Result<io::Result<T>, tokio::task::JoinError>) -> io::Result<T> {
    outcome.unwrap_or_else(|_| Err(io::Error::other("the work on a file broke off")))
}
