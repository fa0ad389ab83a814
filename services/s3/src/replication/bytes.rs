//! The bytes of a replica: files are held once more, rows are copied.

use crate::state::{BYTES, Bucket, Content, PARTS};
use crate::upload::parts;
use virga_service::{Place, StoreError, Tx};

/// From which bucket to which.
pub struct Bytes<'a> {
    pub source: &'a Bucket,
    pub target: &'a Bucket,
    /// Where the target's rows are.
    pub place: &'a Place,
}

impl Bytes<'_> {
    /// Gives the target a hold on content of the source, whose rows are where the transaction is; `number` is a random one.
    /// None where the bytes have gone.
    pub fn copy(&self, tx: &mut Tx<'_>, content: &Content, number: u128) -> Result<Option<Content>, StoreError> {
        match content {
            Content::Nothing => Ok(Some(Content::Nothing)),
            Content::Row(at) => {
                let Some(bytes) = tx.get(&BYTES, (self.source.id, *at))? else {
                    return Ok(None);
                };
                tx.elsewhere(self.place).put(&BYTES, (self.target.id, number), &bytes)?;
                Ok(Some(Content::Row(number)))
            }
            Content::File { name, length } => {
                let file = virga_blob::Content::File {
                    name: *name,
                    length: *length,
                };
                let is_held = virga_blob::share(tx, self.target.owner, &file)?;
                Ok(is_held.then(|| content.clone()))
            }
            Content::Parts(upload) => {
                for (place, mut part) in parts::list(&tx.reading(), self.source, *upload, 0, usize::MAX)? {
                    let of_part = number.wrapping_add(u128::from(place));
                    let Some(copied) = self.copy(tx, &part.content, of_part)? else {
                        return Ok(None);
                    };
                    part.content = copied;
                    tx.elsewhere(self.place)
                        .put(&PARTS, (self.target.id, number, place), &part)?;
                }
                Ok(Some(Content::Parts(number)))
            }
        }
    }
}
