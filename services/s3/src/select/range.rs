//! The bytes of an object in which the records begin that are asked.

use std::ops::Range;

/// Both ends are in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanRange {
    start: u64,
    end: u64,
}

impl ScanRange {
    /// Of a request on an object of that size; only an end means so many bytes at the object's end. `None` if it is empty.
    pub fn new(start: Option<i64>, end: Option<i64>, size: u64) -> Option<ScanRange> {
        let number = |given: Option<i64>| given.map(u64::try_from).transpose().ok();
        let last = size.checked_sub(1)?;
        let range = match (number(start)?, number(end)?) {
            (None, None | Some(0)) => return None,
            (None, Some(length)) => ScanRange {
                start: size.saturating_sub(length),
                end: last,
            },
            (Some(start), end) => ScanRange {
                start,
                end: end.unwrap_or(last),
            },
        };
        (range.start <= range.end && range.start < size).then(|| ScanRange {
            end: range.end.min(last),
            ..range
        })
    }

    #[cfg(feature = "parquet")]
    pub fn contains(self, at: u64) -> bool {
        (self.start..=self.end).contains(&at)
    }

    /// How many bytes that is.
    pub fn length(self) -> u64 {
        self.end - self.start + 1
    }

    /// The records that begin in the range, whole.
    pub fn records(self, bytes: &[u8], delimiter: &[u8]) -> Range<usize> {
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
        let find = |from: usize| {
            let behind = bytes.get(from..).unwrap_or_default();
            memchr::memmem::find(behind, delimiter).map_or(bytes.len(), |at| from + at + delimiter.len())
        };
        let (start, end) = (place(self.start), place(self.end));
        let from = match start {
            0 => 0,
            start => find(start.saturating_sub(delimiter.len())),
        };
        // Nothing begins before what begins behind the end.
        let to = find((end + 1).saturating_sub(delimiter.len()));
        from..to.max(from)
    }
}

#[cfg(test)]
mod tests {
    use super::ScanRange;

    const TEXT: &str = "A,B\nC,D\nD,E\nE,F\nG,H\nI,J\n";

    fn within(start: Option<i64>, end: Option<i64>) -> Option<&'static str> {
        let range = ScanRange::new(start, end, TEXT.len() as u64)?;
        TEXT.get(range.records(TEXT.as_bytes(), b"\n"))
    }

    #[test]
    fn records_belong_where_they_begin() {
        for (start, end, expected) in [
            // AWS's own example.
            (Some(1), Some(4), "C,D\n"),
            (Some(0), Some(0), "A,B\n"),
            (Some(0), Some(3), "A,B\n"),
            (Some(0), Some(4), "A,B\nC,D\n"),
            (Some(4), Some(7), "C,D\n"),
            (Some(5), Some(7), ""),
            (Some(16), None, "G,H\nI,J\n"),
            (None, Some(4), "I,J\n"),
            (None, Some(7), "I,J\n"),
            (None, Some(900), TEXT),
            (Some(20), Some(900), "I,J\n"),
        ] {
            assert_eq!(within(start, end), Some(expected), "{start:?} {end:?}");
        }
    }

    #[test]
    fn every_record_is_in_one_of_the_ranges_that_make_up_an_object() {
        for (text, delimiter) in [(TEXT, "\n"), ("a||bc||||d|e||", "||"), ("no end", "\n")] {
            for length in 1..text.len() {
                let mut seen = String::new();
                for start in (0..text.len()).step_by(length) {
                    let (start, end) = (start as i64, (start + length) as i64 - 1);
                    let range = ScanRange::new(Some(start), Some(end), text.len() as u64).expect("a range");
                    seen.push_str(
                        text.get(range.records(text.as_bytes(), delimiter.as_bytes()))
                            .expect("text"),
                    );
                }
                assert_eq!(seen, text, "{length} of {delimiter:?}");
            }
        }
    }

    #[test]
    fn a_range_of_nothing_is_none() {
        for (start, end) in [
            (None, None),
            (None, Some(0)),
            (Some(3), Some(2)),
            (Some(24), None),
            (Some(-1), Some(3)),
            (Some(0), Some(-1)),
        ] {
            assert_eq!(within(start, end), None, "{start:?} {end:?}");
        }
        assert_eq!(ScanRange::new(Some(0), None, 0), None);
    }
}
