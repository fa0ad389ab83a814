//! Reading: pieces of content one behind the other, with one read ahead of what the client takes.

use crate::shelf::Source;
use crate::writer::joined;
use crate::{Content, Name, Pin};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::pin::Pin as StdPin;
use std::task::{Context, Poll, ready};
use tokio::task::JoinHandle;

/// Bytes of a file that are read at once. Where a file lies in pieces, they are of this length.
pub const PIECE_BYTES: usize = 256 * 1024;
const READ_BYTES: u64 = PIECE_BYTES as u64;

/// Some bytes of a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub content: Content,
    /// Within the content.
    pub range: Range<u64>,
}

impl Piece {
    /// The bytes, where they are in memory already.
    pub fn at_hand(&self) -> Option<Bytes> {
        let Content::Inline(bytes) = &self.content else {
            return None;
        };
        let range = usize::try_from(self.range.start).ok()?..usize::try_from(self.range.end).ok()?;
        bytes.get(range.clone()).map(|_| bytes.slice(range))
    }
}

/// Streams pieces of content. At most two reads of it are in memory, however slow the client is.
pub struct Body {
    pin: Pin,
    pieces: VecDeque<Piece>,
    /// Bytes that are still to be given.
    left: u64,
    /// The file that the first piece is of.
    open: Option<(Name, Box<dyn Source>)>,
    /// Comes next, where it is of a file.
    reading: Option<JoinHandle<io::Result<Chunk>>>,
}

struct Chunk {
    bytes: Bytes,
    name: Name,
    file: Box<dyn Source>,
}

impl Body {
    /// The same, as operations answer it.
    pub fn boxed(self) -> UnsyncBoxBody<Bytes, io::Error> {
        UnsyncBoxBody::new(self)
    }

    pub(crate) fn new(pin: Pin, pieces: impl IntoIterator<Item = Piece>) -> Body {
        let pieces: VecDeque<Piece> = pieces.into_iter().filter(|piece| !piece.range.is_empty()).collect();
        let left = pieces.iter().map(|piece| piece.range.end - piece.range.start).sum();
        Body {
            pin,
            pieces,
            left,
            open: None,
            reading: None,
        }
    }

    /// Begins to read what comes next, where it is in a file.
    fn read_ahead(&mut self) {
        let Some(Piece { content, range }) = self.pieces.front_mut() else {
            return;
        };
        let Content::File { name, .. } = content else { return };
        let (name, from) = (*name, range.start);
        // Up to where pieces of files end that lie in pieces.
        let count = (READ_BYTES - from % READ_BYTES).min(range.end - range.start);
        range.start += count;
        if range.is_empty() {
            self.pieces.pop_front();
        }
        let open = self.open.take().filter(|(open, _)| *open == name);
        let blobs = self.pin.blobs.clone();
        self.reading = Some(tokio::task::spawn_blocking(move || {
            let mut file = match open {
                Some((_, file)) => file,
                None => blobs.open(name)?,
            };
            let bytes = file.read(from, usize::try_from(count).unwrap_or(usize::MAX))?;
            if (bytes.len() as u64) < count {
                return Err(io::Error::new(
                    ErrorKind::UnexpectedEof,
                    format!("the file {name} is short"),
                ));
            }
            Ok(Chunk { bytes, name, file })
        }));
    }

    /// The bytes of the first piece, where they are at hand.
    fn at_hand(&mut self) -> Option<io::Result<Bytes>> {
        let piece = self.pieces.pop_front()?;
        let short = || io::Error::new(ErrorKind::UnexpectedEof, "the content is short");
        Some(piece.at_hand().ok_or_else(short))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: StdPin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        if this.left == 0 {
            return Poll::Ready(None);
        }
        if this.reading.is_none() {
            this.read_ahead();
        }
        let given = match &mut this.reading {
            Some(reading) => {
                let chunk = joined(ready!(StdPin::new(reading).poll(cx)));
                this.reading = None;
                chunk.map(|Chunk { bytes, name, file }| {
                    this.open = Some((name, file));
                    bytes
                })
            }
            None => match this.at_hand() {
                Some(given) => given,
                None => Err(io::Error::new(ErrorKind::UnexpectedEof, "the content is short")),
            },
        };
        match given {
            Ok(bytes) => {
                this.left = this.left.saturating_sub(bytes.len() as u64);
                this.read_ahead();
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Err(error) => {
                this.left = 0;
                this.pieces.clear();
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
