//! Writing: short files are put at once, long ones uploaded in parts of which two are in memory at most.

use crate::failure::failed;
use crate::objects::Inner;
use bytes::BytesMut;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};
use std::io;
use std::sync::Arc;
use tokio::task::JoinHandle;
use virga_blob::{Draft, Name};

/// The least that S3 takes for a part other than the last. Its 10,000 parts are 48 GiB, and the longest file is of 5 GiB.
pub(crate) const PART_BYTES: usize = 5 * 1024 * 1024;

/// A file that is being written; an object once it is settled.
pub(crate) struct Written {
    inner: Arc<Inner>,
    path: Path,
    /// At most a part.
    waiting: BytesMut,
    upload: Option<Box<dyn MultipartUpload>>,
    /// A part on its way, while the next comes in.
    sending: Option<JoinHandle<object_store::Result<()>>>,
}

impl Written {
    pub(crate) fn new(inner: Arc<Inner>, name: Name) -> Written {
        Written {
            path: inner.path(name),
            inner,
            waiting: BytesMut::new(),
            upload: None,
            sending: None,
        }
    }

    /// Sends what waits as a part, once the one before is there.
    fn send(&mut self) -> io::Result<()> {
        self.wait()?;
        let mut upload = match self.upload.take() {
            Some(upload) => upload,
            None => {
                let (store, path) = (self.inner.store.clone(), self.path.clone());
                let begun = async move { store.put_multipart(&path).await.map_err(failed) };
                self.inner.runtime.run(begun)?
            }
        };
        let part = upload.put_part(PutPayload::from(self.waiting.split().freeze()));
        self.upload = Some(upload);
        self.sending = Some(self.inner.runtime.spawn(part));
        Ok(())
    }

    /// Waits for the part that is on its way.
    fn wait(&mut self) -> io::Result<()> {
        let Some(sending) = self.sending.take() else {
            return Ok(());
        };
        let sent = async move { sending.await.map_err(io::Error::other)?.map_err(failed) };
        self.inner.runtime.run(sent)
    }
}

impl Draft for Written {
    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            // Only now is it sure that this part is not the last.
            if self.waiting.len() == PART_BYTES {
                self.send()?;
            }
            let room = PART_BYTES - self.waiting.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.waiting.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    fn settle(&mut self) -> io::Result<()> {
        if self.upload.is_none() {
            let (store, path) = (self.inner.store.clone(), self.path.clone());
            let payload = PutPayload::from(self.waiting.split().freeze());
            let put = async move { store.put(&path, payload).await.map_err(failed).map(drop) };
            return self.inner.runtime.run(put);
        }
        if !self.waiting.is_empty() {
            self.send()?;
        }
        self.wait()?;
        let Some(mut upload) = self.upload.take() else {
            return Err(io::Error::other("the upload is gone"));
        };
        self.inner.runtime.run(async move {
            let completed = upload.complete().await.map_err(failed);
            if completed.is_err() {
                // Where it was completed all the same, whoever gives up the file removes an object.
                let _ = upload.abort().await;
            }
            completed.map(drop)
        })
    }
}

impl Drop for Written {
    /// What was not settled leaves nothing.
    fn drop(&mut self) {
        let Some(mut upload) = self.upload.take() else { return };
        let (sending, path) = (self.sending.take(), self.path.clone());
        self.inner.runtime.spawn(async move {
            if let Some(sending) = sending {
                let _ = sending.await;
            }
            if let Err(error) = upload.abort().await
                && !matches!(error, object_store::Error::NotFound { .. })
            {
                log::debug!("the upload of {path} cannot be aborted: {error}");
            }
        });
    }
}
