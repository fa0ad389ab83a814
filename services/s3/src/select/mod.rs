//! S3 Select: SQL over one object of lines, documents or columns. Pure: bytes in, bytes out, so that it can be fuzzed by itself.

mod evaluate;
mod input;
mod output;
#[cfg(feature = "parquet")]
mod parquet;
mod parse;
mod range;
mod token;

pub use input::{CsvInput, Input};
pub use output::{CsvOutput, Output};
pub use range::ScanRange;

use bytes::Bytes;
use evaluate::Outcome;
use input::RECORD_MAX_BYTES;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of an answer, which is kept until it is whole.
const ANSWER_MAX_BYTES: usize = 256 * 1024 * 1024;

/// What is wrong with a query or with what it is asked of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The SQL cannot be read, and where it stops making sense.
    Sql(String),
    /// The object is no JSON.
    Json(String),
    /// A value does not fit what is done with it.
    Cast(String),
    /// AWS's code and its words.
    Refused(&'static str, &'static str),
}

impl Wrong {
    fn record_too_long() -> Wrong {
        Wrong::Refused(
            "OverMaxRecordSize",
            "The length of a record in the input or result is greater than the maxCharsPerRecord limit of 1 MB.",
        )
    }
}

/// Asks a query of the records of an object that begin in a range, or of all; answers those that it gives. Ends early once
/// `is_over`: nobody waits any more.
pub fn select(
    sql: &str,
    input: &Input,
    range: Option<ScanRange>,
    output: &Output,
    bytes: &Bytes,
    is_over: &AtomicBool,
) -> Result<Vec<u8>, Wrong> {
    let query = parse::query(sql)?;
    let mut out = Vec::new();
    let mut totals = evaluate::Totals::new(&query);
    let mut left = query.limit.unwrap_or(u64::MAX);
    let is_total = totals.is_needed();
    if left == 0 && !is_total {
        return Ok(out);
    }
    input.records(&query, range, bytes, &mut |record: Value| {
        for row in evaluate::rows(&query, record) {
            match evaluate::row(&query, &row, &mut totals)? {
                Outcome::Left | Outcome::Counted => {}
                Outcome::Selected(record) => {
                    let before = out.len();
                    output.write(&record, &mut out);
                    if out.len() - before > RECORD_MAX_BYTES {
                        return Err(Wrong::record_too_long());
                    }
                    if out.len() > ANSWER_MAX_BYTES {
                        return Err(Wrong::Refused(
                            "OverMaxRecordSize",
                            "The answer is larger than what is kept at once here.",
                        ));
                    }
                    left -= 1;
                    if left == 0 {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(!is_over.load(Ordering::Relaxed))
    })?;
    if is_total {
        output.write(&totals.finish(&query)?, &mut out);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::{CsvInput, CsvOutput, Input, Output, ScanRange, Wrong};
    use bytes::Bytes;
    use std::sync::atomic::AtomicBool;

    fn select(sql: &str, input: &Input, output: &Output, text: &[u8]) -> Result<Vec<u8>, Wrong> {
        let text = Bytes::copy_from_slice(text);
        super::select(sql, input, None, output, &text, &AtomicBool::new(false))
    }

    fn json(sql: &str, text: &str) -> String {
        let output = Output::Json {
            delimiter: ",".to_owned(),
        };
        match select(sql, &Input::Json, &output, text.as_bytes()) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(wrong) => format!("{wrong:?}"),
        }
    }

    fn csv(sql: &str, header: &str, text: &str) -> String {
        let input = Input::Csv(CsvInput {
            header: header.to_owned(),
            ..CsvInput::default()
        });
        let bytes = select(sql, &input, &Output::Csv(CsvOutput::default()), text.as_bytes());
        String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
    }

    #[test]
    fn documents_are_asked() {
        for (sql, text, expected) in [
            (
                "SELECT * FROM S3Object",
                r#"{"a":"b","c":null}"#,
                r#"{"a":"b","c":null},"#,
            ),
            ("select * from s3object s", "[1,2]", r#"{"_1":[1,2]},"#),
            ("select * from s3object[*].x[*] s", r#"[{"x":[1]}]"#, "{},"),
            (
                "select * from s3object[*].x[*] s",
                r#"{"x":[1,2]}"#,
                r#"{"_1":1},{"_1":2},"#,
            ),
            (
                "select * from s3object[*].a",
                r#"{"a":{"b":1}}{"a":{"b":2}}"#,
                r#"{"b":1},{"b":2},"#,
            ),
            (
                "select s.a, s.b as c from s3object s where s.a > 1",
                "{\"a\":1}\n{\"a\":2,\"b\":3}",
                r#"{"a":2,"c":3},"#,
            ),
            ("select count(*) from s3object", "{}{}", r#"{"_1":2},"#),
            (
                "select sum(a), max(a) as m, avg(a) from s3object",
                r#"{"a":1}{"a":4}"#,
                r#"{"_1":5,"m":4,"_3":2.5},"#,
            ),
            (
                "select a from s3object where a like 'x%' and not (a = 'xy')",
                r#"{"a":"xy"}{"a":"xz"}"#,
                r#"{"a":"xz"},"#,
            ),
            (
                "select a from s3object where a in ('p', 'q') limit 1",
                r#"{"a":"q"}{"a":"p"}"#,
                r#"{"a":"q"},"#,
            ),
            (
                "select upper(a) from s3object where b is null and a is not null",
                r#"{"a":"q","b":null}"#,
                r#"{"_1":"Q"},"#,
            ),
            (
                "select a + 1 as b from s3object where a between 1 and 2",
                r#"{"a":2}{"a":3}"#,
                r#"{"b":3},"#,
            ),
        ] {
            assert_eq!(json(sql, text), expected, "{sql}");
        }
    }

    #[test]
    fn lines_are_asked() {
        let text = "name,age\nann,30\n\"b, c\",7\n";
        assert_eq!(
            csv("select * from s3object", "NONE", text),
            "name,age\nann,30\n\"b, c\",7\n"
        );
        assert_eq!(csv("select s._2 from s3object s limit 1", "IGNORE", text), "30\n");
        let sql = "select s.name from s3object s where cast(s.age as int) > 10";
        assert_eq!(csv(sql, "USE", text), "ann\n");
        assert_eq!(csv("select count(*) from s3object", "USE", text), "2\n");
    }

    fn ranged(input: &Input, start: i64, end: i64, text: &str) -> String {
        let range = ScanRange::new(Some(start), Some(end), text.len() as u64);
        let output = Output::Csv(CsvOutput::default());
        let text = Bytes::copy_from_slice(text.as_bytes());
        let sql = "select * from s3object";
        let found = super::select(sql, input, range, &output, &text, &AtomicBool::new(false));
        String::from_utf8(found.expect("an answer")).expect("text")
    }

    #[test]
    fn what_begins_in_a_range_is_asked() {
        let text = "name,age\nann,30\nbob,7\ncid,9\n";
        let of = |header: &str| {
            Input::Csv(CsvInput {
                header: header.to_owned(),
                ..CsvInput::default()
            })
        };
        assert_eq!(ranged(&of("NONE"), 1, 9, text), "ann,30\n");
        assert_eq!(ranged(&of("USE"), 1, 9, text), "ann,30\n");
        assert_eq!(ranged(&of("IGNORE"), 0, 9, text), "ann,30\n");
        assert_eq!(ranged(&of("USE"), 0, 3, text), "");
        assert_eq!(ranged(&of("IGNORE"), 10, 16, text), "bob,7\n");
        let range = ScanRange::new(Some(10), None, text.len() as u64);
        let bytes = Bytes::from_static(text.as_bytes());
        let output = Output::Csv(CsvOutput::default());
        let sql = "select s.name from s3object s where s.age = 9";
        let found = super::select(sql, &of("USE"), range, &output, &bytes, &AtomicBool::new(false));
        assert_eq!(found, Ok(b"cid\n".to_vec()));
        assert_eq!(ranged(&Input::Json, 3, 9, "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n"), "2\n");
    }

    #[test]
    fn long_records_are_refused() {
        let long = "x".repeat(1024 * 1024 + 1);
        let output = Output::Csv(CsvOutput::default());
        for (input, text) in [
            (Input::Csv(CsvInput::default()), format!("{long}\n")),
            (Input::Json, format!("{{\"a\":\"{long}\"}}")),
        ] {
            let wrong = select("select * from s3object", &input, &output, text.as_bytes());
            assert!(matches!(wrong, Err(Wrong::Refused("OverMaxRecordSize", _))));
        }
    }

    #[test]
    fn nobody_is_answered_who_has_gone() {
        let text = Bytes::from_static(b"a\nb\n");
        let (input, output) = (Input::Csv(CsvInput::default()), Output::Csv(CsvOutput::default()));
        let found = super::select(
            "select * from s3object",
            &input,
            None,
            &output,
            &text,
            &AtomicBool::new(true),
        );
        assert_eq!(found, Ok(b"a\n".to_vec()));
    }

    #[test]
    fn what_is_no_query_is_said() {
        for sql in [
            "",
            "select",
            "select * from",
            "select * from x",
            "select a from s3object where",
            "select * from s3object limit x",
            "delete",
        ] {
            let wrong = select(
                sql,
                &Input::Json,
                &Output::Json {
                    delimiter: String::new(),
                },
                b"{}",
            );
            assert!(matches!(wrong, Err(Wrong::Sql(_))), "{sql}: {wrong:?}");
        }
        let wrong = select(
            "select * from s3object",
            &Input::Json,
            &Output::Json {
                delimiter: String::new(),
            },
            b"{",
        );
        assert!(matches!(wrong, Err(Wrong::Json(_))), "{wrong:?}");
    }
}
