//! The bytes that a read asks for.

use crate::errors;
use std::ops::Range;
use virga_base::AwsError;

/// Reads a `Range` header against an object's size; none where it asks for no range that S3 knows, so that all is sent.
///
/// # Errors
/// `InvalidRange` where none of the bytes are there.
pub fn parse(header: &str, size: u64) -> Result<Option<Range<u64>>, AwsError> {
    let Some((first, last)) = read(header) else {
        return Ok(None);
    };
    let range = match (first, last) {
        (Some(first), Some(last)) if first > last => return Ok(None),
        (Some(first), last) => first..last.map_or(size, |last| last.saturating_add(1)).min(size),
        (None, Some(length)) => size.saturating_sub(length)..size,
        (None, None) => return Ok(None),
    };
    if range.start >= range.end {
        return Err(errors::invalid_range(header, size));
    }
    Ok(Some(range))
}

/// First and last byte, or only the length of the end.
fn read(header: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, range) = header.trim().split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    let number = |text: &str| match text.trim() {
        "" => Some(None),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => Some(Some(digits.parse().unwrap_or(u64::MAX))),
        _ => None,
    };
    Some((number(first)?, number(last)?))
}

/// `bytes 0-9/100`
pub fn content_range(range: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn ranges_are_cut_to_the_object() {
        for (header, size, expected) in [
            ("bytes=0-0", 10, Ok(Some(0..1))),
            ("bytes=5-", 10, Ok(Some(5..10))),
            ("bytes=5-100", 10, Ok(Some(5..10))),
            ("bytes=-3", 10, Ok(Some(7..10))),
            ("bytes=-30", 10, Ok(Some(0..10))),
            ("bytes=10-", 10, Err(())),
            ("bytes=-0", 10, Err(())),
            ("bytes=-1", 0, Err(())),
            ("bytes=0-", 0, Err(())),
            ("bytes=5-2", 10, Ok(None)),
            ("bytes=-", 10, Ok(None)),
            ("bytes=a-b", 10, Ok(None)),
            ("bytes=0-1,3-4", 10, Ok(None)),
            ("items=0-1", 10, Ok(None)),
            ("0-1", 10, Ok(None)),
            ("bytes=99999999999999999999999-", 10, Err(())),
        ] {
            assert_eq!(parse(header, size).map_err(|_| ()), expected, "{header}");
        }
    }
}
