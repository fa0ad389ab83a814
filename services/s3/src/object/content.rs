//! An object's bytes: small ones in a row of their own, large ones in files.

use super::customer::{self, Key, Run};
use crate::reply::whole;
use crate::state::{BYTES, Bucket, Content, Version};
use crate::upload::parts;
use bytes::Bytes;
use std::ops::Range;
use virga_blob::{Finished, Fresh, Piece, Pin};
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
        Content::Row(_) | Content::Parts(_) => virga_blob::Content::Inline(bytes.unwrap_or_default()),
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
        Content::Parts(number) => parts::remove_all(tx, bucket, *number),
    }
}

/// Some bytes of one content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    pub piece: Piece,
    /// Of its encryption with a customer's key.
    pub nonce: u64,
}

/// The bytes that a range of an object is made of, for [`stream`]. Those of rows are read now.
pub fn extents(
    tx: &ReadTx<'_>,
    bucket: &Bucket,
    version: &Version,
    range: Range<u64>,
) -> Result<Vec<Extent>, StoreError> {
    if let Content::Parts(number) = &version.content {
        let mut extents = Vec::new();
        for (part, range) in parts::overlapping(tx, bucket, *number, &range)? {
            let bytes = row(tx, bucket, &part.content)?;
            let content = as_blob(&part.content, bytes);
            extents.push(Extent {
                piece: Piece { content, range },
                nonce: part.nonce,
            });
        }
        return Ok(extents);
    }
    let content = as_blob(&version.content, row(tx, bucket, &version.content)?);
    Ok(vec![Extent {
        piece: Piece { content, range },
        nonce: customer::nonce_of(&version.encryption),
    }])
}

/// A range of some extents.
pub fn cut(extents: &[Extent], range: &Range<u64>) -> Vec<Extent> {
    let (mut cut, mut at) = (Vec::new(), 0);
    for Extent { piece, nonce } in extents {
        let (from, to) = (piece.range.start, piece.range.end);
        let next = at + (to - from);
        let within = from + range.start.clamp(at, next) - at..from + range.end.clamp(at, next) - at;
        if within.start < within.end {
            cut.push(Extent {
                piece: Piece {
                    content: piece.content.clone(),
                    range: within,
                },
                nonce: *nonce,
            });
        }
        at = next;
    }
    cut
}

/// The bytes that are in a row.
pub fn row(tx: &ReadTx<'_>, bucket: &Bucket, content: &Content) -> Result<Option<Bytes>, StoreError> {
    match content {
        Content::Row(number) => Ok(tx.get(&BYTES, (bucket.id, *number))?.map(Bytes::from)),
        Content::Nothing | Content::File { .. } | Content::Parts(_) => Ok(None),
    }
}

/// Streams some extents, decrypted where there is a key. `pin` was taken before their rows were read.
pub fn stream(ctx: &Ctx, pin: Pin, extents: Vec<Extent>, key: Option<&Key>) -> Body {
    let runs: Vec<Run> = extents
        .iter()
        .filter(|_| key.is_some())
        .map(|Extent { piece, nonce }| Run {
            length: piece.range.end - piece.range.start,
            nonce: *nonce,
            at: piece.range.start,
        })
        .collect();
    let at_hand = match extents.as_slice() {
        [] => Some(Bytes::new()),
        [only] => only.piece.at_hand(),
        _ => None,
    };
    let body = match at_hand {
        Some(bytes) => whole(bytes),
        None => {
            let pieces = extents.into_iter().map(|extent| extent.piece);
            ctx.blobs().body(pin, pieces).boxed()
        }
    };
    match key {
        Some(key) => customer::decrypt(body, key.clone(), runs),
        None => body,
    }
}

#[cfg(test)]
mod tests {
    use super::{Extent, cut};
    use virga_blob::{Content, Piece};

    #[test]
    fn a_range_of_pieces_is_cut_from_each() {
        let piece = |range: std::ops::Range<u64>| Extent {
            piece: Piece {
                content: Content::EMPTY,
                range,
            },
            nonce: 0,
        };
        let pieces = [piece(0..5), piece(10..13), piece(0..4)];
        let ranges = |from, to| -> Vec<(u64, u64)> {
            let cut = cut(&pieces, &(from..to)).into_iter();
            cut.map(|extent| (extent.piece.range.start, extent.piece.range.end))
                .collect()
        };
        assert_eq!(ranges(0, 12), [(0, 5), (10, 13), (0, 4)]);
        assert_eq!(ranges(1, 2), [(1, 2)]);
        assert_eq!(ranges(4, 9), [(4, 5), (10, 13), (0, 1)]);
        assert_eq!(ranges(6, 7), [(11, 12)]);
        assert_eq!(ranges(12, 12), []);
    }
}
