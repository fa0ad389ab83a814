//! The rows of uploads and parts.

use crate::access::Open;
use crate::errors;
use crate::object::content;
use crate::state::{Bucket, Content, PARTS, Part, UPLOADS, Upload};
use std::ops::{ControlFlow, Range};
use virga_base::AwsError;
use virga_service::{ReadTx, StoreError, Tx};

/// Part numbers.
pub const NUMBERS: std::ops::RangeInclusive<i32> = 1..=10_000;

/// The upload that a call names.
pub fn find(tx: &ReadTx<'_>, open: &Open, key: &str, id: &str) -> Result<Upload, AwsError> {
    let found = tx.get(&UPLOADS, (open.id(), key, id))?;
    found.ok_or_else(|| errors::no_such_upload(id))
}

/// The number of a part, checked.
pub fn number(given: Option<i32>) -> Result<u32, AwsError> {
    let number = given.unwrap_or(0);
    if !NUMBERS.contains(&number) {
        return Err(errors::invalid_argument(
            "Part number must be an integer between 1 and 10000, inclusive",
            "partNumber",
            &number.to_string(),
        ));
    }
    Ok(u32::try_from(number).unwrap_or(1))
}

/// Parts by number, those behind `after`, and at most so many.
pub fn list(
    tx: &ReadTx<'_>,
    bucket: &Bucket,
    upload: u128,
    after: u32,
    max: usize,
) -> Result<Vec<(u32, Part)>, StoreError> {
    let prefix = (bucket.id, upload);
    let scan = tx
        .scan(&PARTS)
        .prefix(prefix)
        .after((bucket.id, upload, after))
        .limit(max);
    let rows = scan.rows()?;
    Ok(rows.into_iter().map(|((_, _, number), part)| (number, part)).collect())
}

/// One part of a version.
pub fn get(tx: &ReadTx<'_>, bucket: &Bucket, upload: u128, number: u32) -> Result<Option<Part>, StoreError> {
    tx.get(&PARTS, (bucket.id, upload, number))
}

/// Keeps a part, in place of the one of its number.
pub fn put(tx: &mut Tx<'_>, bucket: &Bucket, upload: u128, number: u32, part: &Part) -> Result<(), StoreError> {
    remove(tx, bucket, upload, number)?;
    tx.put(&PARTS, (bucket.id, upload, number), part)
}

fn remove(tx: &mut Tx<'_>, bucket: &Bucket, upload: u128, number: u32) -> Result<(), StoreError> {
    if let Some(part) = tx.get(&PARTS, (bucket.id, upload, number))? {
        content::release(tx, bucket, &part.content)?;
        tx.delete(&PARTS, (bucket.id, upload, number))?;
    }
    Ok(())
}

/// Removes all parts with their bytes.
pub fn remove_all(tx: &mut Tx<'_>, bucket: &Bucket, upload: u128) -> Result<(), StoreError> {
    for (_, part) in list(&tx.reading(), bucket, upload, 0, usize::MAX)? {
        content::release(tx, bucket, &part.content)?;
    }
    tx.delete_all(&PARTS, (bucket.id, upload)).map(drop)
}

/// Removes all uploads of a bucket that goes.
pub fn remove_uploads(tx: &mut Tx<'_>, bucket: &Bucket) -> Result<(), StoreError> {
    let uploads = tx.scan(&UPLOADS).prefix((bucket.id,)).rows()?;
    for (_, upload) in uploads {
        remove_all(tx, bucket, upload.number)?;
    }
    tx.delete_all(&UPLOADS, (bucket.id,)).map(drop)
}

/// Makes the parts of a version of some of an upload's, in this order; the others go. Nothing is copied.
pub fn place(
    tx: &mut Tx<'_>,
    bucket: &Bucket,
    upload: u128,
    chosen: &mut [(u32, Part)],
    all: &[(u32, Part)],
) -> Result<(), StoreError> {
    let mut kept = chosen.iter().map(|(number, _)| *number).peekable();
    for (number, part) in all {
        if kept.next_if_eq(number).is_none() {
            content::release(tx, bucket, &part.content)?;
        }
        tx.delete(&PARTS, (bucket.id, upload, *number))?;
    }
    let mut offset = 0;
    for (place, (_, part)) in (1u32..).zip(chosen.iter_mut()) {
        part.offset = offset;
        offset += part.size;
        tx.put(&PARTS, (bucket.id, upload, place), part)?;
    }
    Ok(())
}

/// The parts of a version that hold any of these bytes, in order, each with the bytes of it that are meant.
pub fn overlapping(
    tx: &ReadTx<'_>,
    bucket: &Bucket,
    upload: u128,
    range: &Range<u64>,
) -> Result<Vec<(Part, Range<u64>)>, StoreError> {
    let mut found = Vec::new();
    let first = first_with(tx, bucket, upload, range.start)?;
    let prefix = (bucket.id, upload);
    let scan = tx.scan(&PARTS).prefix(prefix).from((bucket.id, upload, first));
    scan.each(|_, part| {
        if part.offset >= range.end {
            return ControlFlow::Break(());
        }
        let within = range.start.max(part.offset) - part.offset..range.end.min(part.offset + part.size) - part.offset;
        if !within.is_empty() {
            found.push((part, within));
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// The last part that begins at or before a byte. Parts are numbered from 1 without gaps.
fn first_with(tx: &ReadTx<'_>, bucket: &Bucket, upload: u128, at: u64) -> Result<u32, StoreError> {
    if at == 0 {
        return Ok(1);
    }
    let last = tx.scan(&PARTS).prefix((bucket.id, upload)).reverse().first()?;
    let (mut low, mut high) = (1, last.map_or(1, |((_, _, number), _)| number));
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        match get(tx, bucket, upload, middle)? {
            Some(part) if part.offset <= at => low = middle,
            _ => high = middle - 1,
        }
    }
    Ok(low)
}

/// The number of the parts that content is in.
pub fn of_content(content: &Content) -> Option<u128> {
    match content {
        Content::Parts(number) => Some(*number),
        Content::Nothing | Content::Row(_) | Content::File { .. } => None,
    }
}
