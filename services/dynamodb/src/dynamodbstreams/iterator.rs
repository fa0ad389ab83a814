//! Shards, sequence numbers and iterators as text.

use crate::state::Stream;
use virga_base::Timestamp;

/// Sequence numbers have 21 digits, so that their order as texts is their order.
const SEQUENCE_BASE: u128 = 100_000_000_000_000_000_000;

/// The number of a record; that of 0 is before the first.
pub fn sequence_text(sequence: u64) -> String {
    (SEQUENCE_BASE + u128::from(sequence)).to_string()
}

/// The record that a number names, if it is one of ours.
pub fn sequence(text: &str) -> Option<u64> {
    let number: u128 = text.parse().ok()?;
    u64::try_from(number.checked_sub(SEQUENCE_BASE)?).ok()
}

pub fn shard_id(stream: &Stream) -> String {
    format!(
        "shardId-{:020}-{:08x}",
        stream.created.as_millis(),
        stream.shard & 0xffff_ffff
    )
}

/// Where reading goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Iterator {
    pub stream_arn: String,
    /// The next record to read.
    pub next: u64,
    pub issued: Timestamp,
}

impl Iterator {
    pub fn text(&self) -> String {
        format!(
            "{}|1|{:016x}{:016x}",
            self.stream_arn,
            self.next,
            self.issued.as_millis()
        )
    }

    pub fn parse(text: &str) -> Option<Iterator> {
        let mut parts = text.split('|');
        let (stream_arn, version, rest) = (parts.next()?, parts.next()?, parts.next()?);
        if version != "1" || parts.next().is_some() || rest.len() != 32 || !rest.is_ascii() {
            return None;
        }
        let (next, issued) = rest.split_at(16);
        Some(Iterator {
            stream_arn: stream_arn.to_owned(),
            next: u64::from_str_radix(next, 16).ok()?,
            issued: Timestamp::from_millis(i64::from_str_radix(issued, 16).ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iterators_are_read_back() {
        let iterator = Iterator {
            stream_arn: "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-01-01T00:00:00.000".to_owned(),
            next: 7,
            issued: Timestamp::from_millis(1_767_225_600_123),
        };
        assert_eq!(Iterator::parse(&iterator.text()), Some(iterator));
        assert_eq!(Iterator::parse("nonsense"), None);
        assert_eq!(Iterator::parse("arn|1|é000000000000000000000000000000"), None);
    }

    #[test]
    fn numbers_are_read_back_in_order() {
        assert_eq!(sequence(&sequence_text(41)), Some(41));
        assert!(sequence_text(9) < sequence_text(10));
        assert_eq!(sequence_text(0).len(), 21);
        assert_eq!(sequence("12"), None);
        assert_eq!(sequence("x"), None);
    }
}
