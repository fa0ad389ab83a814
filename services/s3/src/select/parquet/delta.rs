//! Lengths that are written as the differences from one to the next.

use super::thrift::Thrift;
use parquet::basic::Encoding;

/// How many bytes the texts of a page come to, of which it holds `values_max` at most; nothing for numbers, which take what
/// they are known to. `None`: it cannot be read.
pub fn unpacked_bytes(kind: Encoding, data: &[u8], values_max: usize) -> Option<u64> {
    let (shared, rest) = match kind {
        Encoding::DELTA_BINARY_PACKED => {
            is_count_within(data, values_max).then_some(())?;
            return Some(0);
        }
        Encoding::DELTA_BYTE_ARRAY => lengths(data, values_max)?,
        _ => (0, data),
    };
    let (own, texts) = lengths(rest, values_max)?;
    (own <= texts.len() as u64).then(|| shared.checked_add(own)).flatten()
}

fn is_count_within(data: &[u8], values_max: usize) -> bool {
    let mut thrift = Thrift { rest: data };
    let count = (|| {
        thrift.varint()?;
        thrift.varint()?;
        thrift.varint()
    })();
    count.is_some_and(|count| count <= values_max as u64)
}

/// The sum of lengths, none of them negative, and what stands behind them.
fn lengths(data: &[u8], values_max: usize) -> Option<(u64, &[u8])> {
    let mut thrift = Thrift { rest: data };
    let block = usize::try_from(thrift.varint()?).ok()?;
    let pieces = usize::try_from(thrift.varint()?).ok()?;
    let count = usize::try_from(thrift.varint()?).ok()?;
    let mut value = thrift.integer()?;
    if count > values_max || pieces == 0 || block == 0 || block % pieces != 0 || (block / pieces) % 8 != 0 {
        return None;
    }
    let piece = block / pieces;
    let mut sum = 0_u64;
    if count > 0 {
        sum = u64::try_from(value).ok()?;
    }
    let mut left = count.saturating_sub(1);
    while left > 0 {
        let least = thrift.integer()?;
        let widths = thrift.rest.get(..pieces)?;
        thrift.rest = thrift.rest.get(pieces..)?;
        for width in widths {
            if left == 0 {
                break;
            }
            let width = usize::from(*width);
            let packed = thrift.rest.get(..piece.checked_mul(width)? / 8)?;
            if width > 32 {
                return None;
            }
            for at in 0..piece.min(left) {
                value = value
                    .checked_add(least)?
                    .checked_add(bits(packed, at * width, width)?)?;
                sum = sum.checked_add(u64::try_from(value).ok()?)?;
            }
            left -= piece.min(left);
            thrift.rest = thrift.rest.get(packed.len()..)?;
        }
    }
    Some((sum, thrift.rest))
}

/// A number of `width` bits, of which the lowest stand first.
fn bits(packed: &[u8], from: usize, width: usize) -> Option<i64> {
    let mut window = [0; 8];
    let behind = packed.get(from / 8..)?;
    let length = behind.len().min(8);
    window.get_mut(..length)?.copy_from_slice(behind.get(..length)?);
    let mask = (1_u64 << width) - 1;
    i64::try_from((u64::from_le_bytes(window) >> (from % 8)) & mask).ok()
}
