//! How people write durations and times, and what they may have meant.

use std::time::Duration;
use virga_base::Timestamp;

const UNITS: [(&str, f64); 7] = [
    ("ms", 0.001),
    ("s", 1.0),
    ("m", 60.0),
    ("min", 60.0),
    ("h", 3_600.0),
    ("d", 86_400.0),
    ("w", 604_800.0),
];

/// Reads `90s`, `2h`, `1d12h`, `1.5h`, `500ms`; a bare number is seconds. Errors are sentences for people.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration; write it like 90s, 2h, 1d12h or 500ms");
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut seconds = 0.0;
    let mut first = true;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, behind) = rest.split_at(digits);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let letters = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(letters);
        let factor = match UNITS.iter().find(|(name, _)| *name == unit) {
            Some((_, factor)) => *factor,
            None if unit.is_empty() && first && behind.is_empty() => 1.0,
            None => return Err(wrong()),
        };
        seconds += number * factor;
        rest = behind;
        first = false;
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

/// Reads `2026-11-21T10:00:00Z`, with any offset; `2026-11-21`, midnight in UTC; `2026-11-21 10:00` or
/// `2026-11-21T10:00:00`, in UTC; or seconds since 1970. Errors are sentences for people.
pub fn parse_time(text: &str) -> Result<Timestamp, String> {
    let trimmed = text.trim();
    let joined = trimmed.replacen(' ', "T", 1);
    let forms = [
        joined.clone(),
        format!("{joined}Z"),
        format!("{joined}:00Z"),
        format!("{joined}T00:00:00Z"),
    ];
    if let Some(time) = forms.iter().find_map(|form| Timestamp::parse_iso8601(form)) {
        return Ok(time);
    }
    match trimmed.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds.abs() <= Timestamp::LATEST.as_secs_f64() => {
            Ok(Timestamp::from_secs_f64(seconds))
        }
        _ => Err(format!(
            "{text:?} is not a time; write it like 2026-11-21T10:00:00Z, 2026-11-21 or seconds since 1970"
        )),
    }
}

/// A duration for people: `3d 4h`, `2m 5s`, `12s`, `0.4 ms`.
pub fn write_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match seconds {
        0 => write_micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)),
        1..60 => format!("{seconds}s"),
        60..3_600 => format!("{minutes}m {}s", seconds % 60),
        3_600..86_400 => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

/// Microseconds for people: `0.4 ms`, `12 ms`, `1.53 s`.
pub fn write_micros(micros: u64) -> String {
    let millis = micros as f64 / 1000.0;
    if millis < 10.0 {
        format!("{millis:.1} ms")
    } else if millis < 1000.0 {
        format!("{millis:.0} ms")
    } else {
        format!("{:.2} s", millis / 1000.0)
    }
}

/// `; did you mean "port"?` with the nearest candidate, or nothing where none is near.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(word, candidates) {
        Some(near) => format!("; did you mean {near:?}?"),
        None => String::new(),
    }
}

/// The candidate that a typing mistake is nearest to: at most a third of its letters may differ.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Letters to add, drop or change between two words, ignoring case; a swap of neighbours counts as one.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    let width = b.len() + 1;
    let mut cost = vec![0; (a.len() + 1) * width];
    for i in 0..=a.len() {
        for j in 0..width {
            cost[i * width + j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = cost[(i - 1) * width + j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = change
                    .min(cost[(i - 1) * width + j] + 1)
                    .min(cost[i * width + j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(cost[(i - 2) * width + j - 2] + 1);
                }
                best
            };
        }
    }
    cost.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{nearest, parse_duration, parse_time, write_duration};
    use std::time::Duration;
    use virga_base::Timestamp;

    #[test]
    fn durations_read_as_people_write_them() {
        for (text, millis) in [
            ("90s", 90_000),
            ("90", 90_000),
            ("2h", 7_200_000),
            ("1d12h", 129_600_000),
            ("1.5h", 5_400_000),
            ("500ms", 500),
            ("1m30s", 90_000),
            ("2w", 1_209_600_000),
            ("0s", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for wrong in [
            "",
            "s",
            "-5s",
            "1y",
            "1h30",
            "1..5h",
            "soon",
            "5 s",
            "1e999s",
            "99999999999999999999w",
        ] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_read_as_people_write_them() {
        let expected = Timestamp::from_secs(1_767_225_600);
        for text in [
            "2026-01-01",
            "2026-01-01T00:00:00Z",
            "2026-01-01T01:00:00+01:00",
            "2026-01-01T00:00:00",
            "2026-01-01 00:00",
            "1767225600",
        ] {
            assert_eq!(parse_time(text), Ok(expected), "{text}");
        }
        for wrong in ["", "tomorrow", "2026-13-01", "NaN", "inf", "1e300"] {
            assert!(parse_time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_written_for_people() {
        let write = |millis| write_duration(Duration::from_millis(millis));
        assert_eq!(
            [
                write(0),
                write(12_000),
                write(125_000),
                write(7_260_000),
                write(90_000_000)
            ],
            ["0.0 ms", "12s", "2m 5s", "2h 1m", "1d 1h"]
        );
    }

    #[test]
    fn a_typing_mistake_finds_its_word() {
        let words = ["port", "host", "log-level", "data"];
        assert_eq!(nearest("prot", words), Some("port"));
        assert_eq!(nearest("loglevel", words), Some("log-level"));
        assert_eq!(nearest("zzz", words), None);
    }
}
