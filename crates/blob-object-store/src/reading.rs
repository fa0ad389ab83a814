//! Reading: who reads on is answered from a stream that runs ahead, who reads once asks for no more than that.

use crate::failure::failed;
use crate::objects::Inner;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use virga_blob::{Name, Source};

/// What is asked for at once of a file that is read on and on. It is not in memory at once.
const STRETCH_BYTES: u64 = 16 * 1024 * 1024;

/// A file that is read.
pub(crate) struct Opened {
    inner: Arc<Inner>,
    length: u64,
    /// Not there while a read is under way, nor after one that failed.
    stretch: Option<Stretch>,
    name: Name,
}

/// Some bytes of a file that are on their way.
struct Stretch {
    path: Path,
    /// Where the next byte stands.
    at: u64,
    /// Where the stream ends.
    end: u64,
    /// Come, and not yet taken.
    rest: Bytes,
    stream: BoxStream<'static, object_store::Result<Bytes>>,
}

impl Stretch {
    async fn open(store: &dyn ObjectStore, path: Path, from: u64, end: u64) -> io::Result<Stretch> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(from..end)),
            ..GetOptions::default()
        };
        let got = store.get_opts(&path, options).await.map_err(failed)?;
        Ok(Stretch {
            at: from,
            end,
            rest: Bytes::new(),
            stream: got.into_stream(),
            path,
        })
    }

    async fn take(&mut self, count: usize) -> io::Result<Bytes> {
        let mut taken = BytesMut::new();
        loop {
            if self.rest.is_empty() {
                let short = || io::Error::new(ErrorKind::UnexpectedEof, format!("{} is short", self.path));
                self.rest = self.stream.next().await.ok_or_else(short)?.map_err(failed)?;
            }
            let wanted = count - taken.len();
            let some = self.rest.split_to(wanted.min(self.rest.len()));
            self.at += some.len() as u64;
            if some.len() == count {
                return Ok(some);
            }
            taken.reserve(wanted);
            taken.extend_from_slice(&some);
            if taken.len() == count {
                return Ok(taken.freeze());
            }
        }
    }
}

/// Answers the bytes from `from` to `end`; none where there are none.
async fn read(
    store: Arc<dyn ObjectStore>,
    path: Path,
    mut open: Option<Stretch>,
    range: std::ops::Range<u64>,
    length: u64,
) -> io::Result<(Stretch, Bytes)> {
    let mut taken = BytesMut::new();
    let mut at = range.start;
    loop {
        let stretch = match &mut open {
            Some(stretch) if stretch.at == at && stretch.end > at => stretch,
            other => {
                // Who goes on where the last read ended is taken to go on further.
                let goes_on = other.as_ref().is_some_and(|last| last.at == at);
                let end = if goes_on {
                    range.end.max(length.min(at + STRETCH_BYTES))
                } else {
                    range.end
                };
                other.insert(Stretch::open(&*store, path.clone(), at, end).await?)
            }
        };
        let count = stretch.end.min(range.end) - at;
        let some = stretch.take(usize::try_from(count).unwrap_or(usize::MAX)).await?;
        at += some.len() as u64;
        let is_all = at == range.end;
        let bytes = match taken.is_empty() {
            true if is_all => some,
            _ => {
                taken.extend_from_slice(&some);
                if !is_all {
                    continue;
                }
                taken.freeze()
            }
        };
        return match open {
            Some(stretch) => Ok((stretch, bytes)),
            None => Err(io::Error::other("nothing was opened")),
        };
    }
}

impl Opened {
    pub(crate) fn new(inner: Arc<Inner>, name: Name, length: u64) -> Opened {
        Opened {
            inner,
            length,
            stretch: None,
            name,
        }
    }
}

impl Source for Opened {
    fn length(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn read(&mut self, from: u64, count: usize) -> io::Result<Bytes> {
        let end = self.length.min(from.saturating_add(count as u64));
        if from >= end {
            return Ok(Bytes::new());
        }
        let (store, path) = (self.inner.store.clone(), self.inner.path(self.name));
        let (stretch, bytes) =
            self.inner
                .runtime
                .run(read(store, path, self.stretch.take(), from..end, self.length))?;
        self.stretch = Some(stretch);
        Ok(bytes)
    }
}
