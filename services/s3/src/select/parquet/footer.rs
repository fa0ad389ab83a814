//! What a file says of itself, at its end.

use super::thrift::{I32, LIST, STRUCT, Thrift};
use super::{Failure, PARSING};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

const MAGIC: &[u8] = b"PAR1";
const FOOTER_MAX_BYTES: usize = 16 * 1024 * 1024;
/// Fields of a schema, and how deep they may be nested. The library goes into them by recursion, and makes room for as many
/// as a file claims to have.
const FIELDS_MAX: usize = 10_000;
const DEPTH_MAX: usize = 32;

pub fn read(bytes: &[u8]) -> Result<ParquetMetaData, Failure> {
    let footer = find(bytes).ok_or(PARSING)?;
    if footer.len() > FOOTER_MAX_BYTES {
        return Err(super::TOO_LARGE);
    }
    let mut schema = Schema::default();
    let mut thrift = Thrift { rest: footer };
    thrift
        .fields(&mut |thrift, id, kind| match (id, kind) {
            (2, LIST) => schema.read(thrift),
            _ => thrift.skip(kind),
        })
        .filter(|()| schema.is_whole)
        .ok_or(PARSING)?;
    Ok(ParquetMetaDataReader::decode_metadata(footer)?)
}

fn find(bytes: &[u8]) -> Option<&[u8]> {
    let inner = bytes.strip_prefix(MAGIC)?.strip_suffix(MAGIC)?;
    let (inner, length) = inner.split_last_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    inner.get(inner.len().checked_sub(length)?..)
}

#[derive(Default)]
struct Schema {
    is_whole: bool,
}

impl Schema {
    /// The fields of a tree, one behind the other, each with the number of those that are in it.
    fn read(&mut self, thrift: &mut Thrift<'_>) -> Option<()> {
        let (length, kind) = thrift.list()?;
        let length = usize::try_from(length).ok().filter(|length| *length <= FIELDS_MAX)?;
        if kind != STRUCT || self.is_whole {
            return None;
        }
        // How many fields are yet to come of each group that is open.
        let mut open: Vec<usize> = Vec::new();
        for at in 0..length {
            let mut children = 0;
            thrift.fields(&mut |thrift, id, kind| match (id, kind) {
                (5, I32) => {
                    children = usize::try_from(thrift.count()?).ok()?;
                    Some(())
                }
                _ => thrift.skip(kind),
            })?;
            if at > 0 {
                *open.last_mut()? -= 1;
            }
            if children > length {
                return None;
            }
            open.push(children);
            if open.len() > DEPTH_MAX {
                return None;
            }
            while open.last() == Some(&0) {
                open.pop();
            }
        }
        self.is_whole = open.is_empty();
        Some(())
    }
}
