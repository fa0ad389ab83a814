//! An object's bytes: small ones in a row of their own, large ones in files.

use crate::reply::whole;
use crate::state::{BYTES, Bucket, Content};
use bytes::Bytes;
use std::ops::Range;
use virga_base::AwsError;
use virga_blob::{Finished, Fresh, Pin};
use virga_service::{Body, Ctx, ReadTx, StoreError, Tx};

/// Content that is there but that no row of its object names yet. Keep it until the transaction that holds it is over.
pub struct Written {
    content: virga_blob::Content,
    origin: Origin,
    /// Under which a row would keep it.
    number: u128,
}

enum Origin {
    Fresh(Fresh),
    /// Another object holds it too.
    Shared,
}

impl Written {
    /// What a writer has finished.
    pub fn fresh(ctx: &Ctx, finished: Finished) -> Written {
        Written {
            content: finished.content,
            origin: Origin::Fresh(finished.fresh),
            number: number(ctx),
        }
    }

    /// What an object holds that was just read, with its bytes where they are in a row.
    pub fn shared(ctx: &Ctx, content: &Content, bytes: Option<Bytes>) -> Written {
        Written {
            content: as_blob(content, bytes),
            origin: Origin::Shared,
            number: number(ctx),
        }
    }

    /// Holds it for one more object of a bucket; answers what that object's row is to say.
    ///
    /// None where it was shared and is no more there.
    pub fn hold(&self, tx: &mut Tx<'_>, bucket: &Bucket) -> Result<Option<Content>, StoreError> {
        match (&self.content, &self.origin) {
            (virga_blob::Content::Inline(bytes), _) if bytes.is_empty() => Ok(Some(Content::Nothing)),
            (virga_blob::Content::Inline(bytes), _) => {
                tx.put(&BYTES, (bucket.id, self.number), &bytes.to_vec())?;
                Ok(Some(Content::Row(self.number)))
            }
            (virga_blob::Content::File { name, length }, origin) => {
                let held = match origin {
                    Origin::Fresh(fresh) => virga_blob::hold(tx, bucket.owner, fresh).map(|()| true)?,
                    Origin::Shared => virga_blob::share(tx, bucket.owner, &self.content)?,
                };
                Ok(held.then_some(Content::File {
                    name: *name,
                    length: *length,
                }))
            }
        }
    }
}

fn number(ctx: &Ctx) -> u128 {
    u128::from_be_bytes(ctx.ids().uuid_bytes())
}

fn as_blob(content: &Content, bytes: Option<Bytes>) -> virga_blob::Content {
    match content {
        Content::Nothing => virga_blob::Content::EMPTY,
        Content::Row(_) => virga_blob::Content::Inline(bytes.unwrap_or_default()),
        Content::File { name, length } => virga_blob::Content::File {
            name: *name,
            length: *length,
        },
    }
}

/// Gives up the content of an object whose row goes in this transaction.
pub fn release(tx: &mut Tx<'_>, bucket: &Bucket, content: &Content) -> Result<(), StoreError> {
    match content {
        Content::Nothing => Ok(()),
        Content::Row(number) => tx.delete(&BYTES, (bucket.id, *number)),
        Content::File { .. } => virga_blob::release(tx, bucket.owner, &as_blob(content, None)),
    }
}

/// The bytes that are in a row.
pub fn row(tx: &ReadTx<'_>, bucket: &Bucket, content: &Content) -> Result<Option<Bytes>, StoreError> {
    match content {
        Content::Row(number) => Ok(tx.get(&BYTES, (bucket.id, *number))?.map(Bytes::from)),
        Content::Nothing | Content::File { .. } => Ok(None),
    }
}

/// Streams a range of an object's bytes. `pin` was taken before its row was read, `bytes` are those that [`row`] found.
pub fn stream(
    ctx: &Ctx,
    pin: Pin,
    content: &Content,
    bytes: Option<Bytes>,
    range: Range<u64>,
) -> Result<Body, AwsError> {
    match content {
        Content::Nothing => Ok(whole(Bytes::new())),
        Content::Row(_) => {
            let bytes = bytes.unwrap_or_default();
            let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
            let (from, to) = (at(range.start), at(range.end));
            if from > to {
                return Err(AwsError::internal("a range ends before it begins"));
            }
            Ok(whole(bytes.slice(from..to)))
        }
        Content::File { .. } => {
            let content = as_blob(content, None);
            let piece = virga_blob::Piece { content, range };
            Ok(ctx.blobs().body(pin, [piece]).boxed())
        }
    }
}
