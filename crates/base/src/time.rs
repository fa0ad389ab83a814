//! A point in time, as AWS's services keep it: whole milliseconds since 1970.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;
use time::format_description::well_known::{Rfc2822, Rfc3339};
use time::{OffsetDateTime, UtcOffset};

/// Milliseconds since 1970-01-01T00:00:00Z; negative before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(i64);

/// The years 0000 to 9999, beyond which no AWS format can write a time.
const EARLIEST_MS: i64 = -62_167_219_200_000;
const LATEST_MS: i64 = 253_402_300_799_999;

impl Timestamp {
    pub const EPOCH: Timestamp = Timestamp(0);
    /// The last moment that AWS's formats can write.
    pub const LATEST: Timestamp = Timestamp(LATEST_MS);

    /// Times outside the years 0000–9999 are moved to the nearest that is inside.
    pub fn from_millis(millis: i64) -> Timestamp {
        Timestamp(millis.clamp(EARLIEST_MS, LATEST_MS))
    }

    pub fn from_secs(secs: i64) -> Timestamp {
        Timestamp::from_millis(secs.saturating_mul(1000))
    }

    /// Rounds to the nearest millisecond; what is not a number becomes the epoch.
    pub fn from_secs_f64(secs: f64) -> Timestamp {
        Timestamp::from_millis((secs * 1000.0).round() as i64)
    }

    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds, rounded down.
    pub fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    #[must_use]
    pub fn plus(self, duration: Duration) -> Timestamp {
        self.plus_millis(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
    }

    #[must_use]
    pub fn plus_secs(self, secs: i64) -> Timestamp {
        self.plus_millis(secs.saturating_mul(1000))
    }

    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Timestamp {
        Timestamp::from_millis(self.0.saturating_add(millis))
    }

    /// The time from `earlier` to here; zero where `earlier` is later.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Year, month (1 to 12) and day.
    pub fn date(self) -> (i32, u8, u8) {
        let (year, month, day, ..) = self.parts();
        (year, month, day)
    }

    /// `2026-11-21T10:00:00Z`, with milliseconds where there are any.
    pub fn to_iso8601(self) -> String {
        let (y, mo, d, h, mi, s) = self.parts();
        match self.0.rem_euclid(1000) {
            0 => format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}Z"),
            ms => format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}.{ms:03}Z"),
        }
    }

    /// `2026-11-21T10:00:00.000Z`, always with milliseconds.
    pub fn to_iso8601_millis(self) -> String {
        let (y, mo, d, h, mi, s) = self.parts();
        format!(
            "{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}.{:03}Z",
            self.0.rem_euclid(1000)
        )
    }

    /// `20261121T100000Z`, the form of `X-Amz-Date`.
    pub fn to_compact(self) -> String {
        let (y, mo, d, h, mi, s) = self.parts();
        format!("{y:04}{mo:02}{d:02}T{h:02}{mi:02}{s:02}Z")
    }

    /// `Sat, 21 Nov 2026 10:00:00 GMT`, the form of HTTP headers, with milliseconds where there are any (as Smithy's
    /// `http-date` allows).
    pub fn to_http_date(self) -> String {
        const WEEKDAYS: [&str; 7] = ["Sun, ", "Mon, ", "Tue, ", "Wed, ", "Thu, ", "Fri, ", "Sat, "];
        const MONTHS: [&str; 12] = [
            " Jan ", " Feb ", " Mar ", " Apr ", " May ", " Jun ", " Jul ", " Aug ", " Sep ", " Oct ", " Nov ", " Dec ",
        ];
        let (year, month, day, hour, minute, second) = self.parts();
        // The epoch was a Thursday. Written by hand, as every answer of S3 has one.
        let weekday = (self.0.div_euclid(86_400_000) + 4).rem_euclid(7);
        let mut out = String::with_capacity(33);
        out.push_str(WEEKDAYS.get(weekday as usize).copied().unwrap_or_default());
        push_two(&mut out, day);
        out.push_str(MONTHS.get(usize::from(month) - 1).copied().unwrap_or_default());
        match u16::try_from(year) {
            Ok(year @ 0..=9999) => {
                push_two(&mut out, (year / 100) as u8);
                push_two(&mut out, (year % 100) as u8);
            }
            _ => out.push_str(&format!("{year:04}")),
        }
        for (before, number) in [(' ', hour), (':', minute), (':', second)] {
            out.push(before);
            push_two(&mut out, number);
        }
        let millis = self.0.rem_euclid(1000);
        if millis != 0 {
            out.push_str(&format!(".{millis:03}"));
        }
        out.push_str(" GMT");
        out
    }

    /// Reads ISO 8601 (RFC 3339) with any offset and any fraction; what is finer than a millisecond is cut off.
    pub fn parse_iso8601(text: &str) -> Option<Timestamp> {
        OffsetDateTime::parse(text, &Rfc3339)
            .ok()
            .map(Timestamp::from_date_time)
    }

    /// Reads `20261121T100000Z`.
    pub fn parse_compact(text: &str) -> Option<Timestamp> {
        let b = text.as_bytes();
        if b.len() != 16 || b[8] != b'T' || b[15] != b'Z' || !text.is_ascii() {
            return None;
        }
        Timestamp::parse_iso8601(&format!(
            "{}-{}-{}T{}:{}:{}Z",
            &text[0..4],
            &text[4..6],
            &text[6..8],
            &text[9..11],
            &text[11..13],
            &text[13..15]
        ))
    }

    /// Reads an HTTP date (RFC 7231's preferred form), with or without a fraction of a second.
    pub fn parse_http_date(text: &str) -> Option<Timestamp> {
        if let Ok(date) = OffsetDateTime::parse(text, &Rfc2822) {
            return Some(Timestamp::from_date_time(date));
        }
        let (before, rest) = text.split_once('.')?;
        let (fraction, zone) = rest.split_once(' ')?;
        let whole = OffsetDateTime::parse(&format!("{before} {zone}"), &Rfc2822).ok()?;
        let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
        Some(Timestamp::from_date_time(whole).plus_millis(millis))
    }

    fn from_date_time(date: OffsetDateTime) -> Timestamp {
        Timestamp::from_millis((date.unix_timestamp_nanos() / 1_000_000) as i64)
    }

    fn date_time(self) -> OffsetDateTime {
        // Always inside the range of years that `OffsetDateTime` holds: every constructor clamps.
        OffsetDateTime::from_unix_timestamp(self.as_secs())
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
            .to_offset(UtcOffset::UTC)
    }

    fn parts(self) -> (i32, u8, u8, u8, u8, u8) {
        let date = self.date_time();
        (
            date.year(),
            u8::from(date.month()),
            date.day(),
            date.hour(),
            date.minute(),
            date.second(),
        )
    }
}

/// Two digits of a number below a hundred.
fn push_two(out: &mut String, number: u8) {
    out.push(char::from(b'0' + number / 10));
    out.push(char::from(b'0' + number % 10));
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_iso8601())
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;
    use proptest::prelude::{ProptestConfig, proptest};

    #[test]
    fn each_form_is_written_as_aws_writes_it() {
        let t = Timestamp::from_millis(1_398_796_238_000);
        assert_eq!(t.to_iso8601(), "2014-04-29T18:30:38Z");
        assert_eq!(t.plus_millis(123).to_iso8601(), "2014-04-29T18:30:38.123Z");
        assert_eq!(t.to_iso8601_millis(), "2014-04-29T18:30:38.000Z");
        assert_eq!(t.to_http_date(), "Tue, 29 Apr 2014 18:30:38 GMT");
        assert_eq!(t.plus_millis(5).to_http_date(), "Tue, 29 Apr 2014 18:30:38.005 GMT");
        assert_eq!(t.to_compact(), "20140429T183038Z");
        let early = Timestamp::from_secs(-1);
        assert_eq!(early.to_http_date(), "Wed, 31 Dec 1969 23:59:59 GMT");
        let parsed = Timestamp::parse_iso8601("0907-02-03T04:05:06Z").expect("a time");
        assert_eq!(parsed.to_http_date(), "Thu, 03 Feb 0907 04:05:06 GMT");
    }

    #[test]
    fn offsets_and_fractions_are_read() {
        assert_eq!(
            Timestamp::parse_iso8601("2014-04-29T20:30:38+02:00"),
            Some(Timestamp::from_secs(1_398_796_238))
        );
        assert_eq!(
            Timestamp::parse_http_date("Tue, 29 Apr 2014 18:30:38.5 GMT"),
            Some(Timestamp::from_millis(1_398_796_238_500))
        );
        for wrong in ["", "2014", "20140429T183038", "Tue", "2014-13-29T20:30:38Z"] {
            assert_eq!(Timestamp::parse_iso8601(wrong), None);
            assert_eq!(Timestamp::parse_compact(wrong), None);
            assert_eq!(Timestamp::parse_http_date(wrong), None);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn every_time_reads_back(millis in super::EARLIEST_MS..=super::LATEST_MS) {
            let t = Timestamp::from_millis(millis);
            assert_eq!(Timestamp::parse_iso8601(&t.to_iso8601()), Some(t));
            assert_eq!(Timestamp::parse_iso8601(&t.to_iso8601_millis()), Some(t));
        }
    }
}
