//! S3 Select: SQL over one object of lines or documents. Pure: bytes in, bytes out.

mod evaluate;
mod input;
mod output;
mod parse;
mod token;

pub use input::{CsvInput, Input};
pub use output::{CsvOutput, Output};

use evaluate::Outcome;
use serde_json::Value;

/// What is wrong with a query or with what it is asked of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The SQL cannot be read, and where it stops making sense.
    Sql(String),
    /// The object is not of the form that it is said to be.
    Data(String),
    /// A value does not fit what is done with it.
    Cast(String),
}

/// Asks a query of an object; answers the records that it gives.
pub fn select(sql: &str, input: &Input, output: &Output, bytes: &[u8]) -> Result<Vec<u8>, Wrong> {
    let query = parse::query(sql)?;
    let mut out = Vec::new();
    let mut totals = evaluate::Totals::new(&query);
    let mut left = query.limit.unwrap_or(u64::MAX);
    let is_total = totals.is_needed();
    if left == 0 && !is_total {
        return Ok(out);
    }
    input.records(bytes, &mut |record: Value| {
        for row in evaluate::rows(&query, record) {
            match evaluate::row(&query, &row, &mut totals)? {
                Outcome::Left | Outcome::Counted => {}
                Outcome::Selected(record) => {
                    output.write(&record, &mut out);
                    left -= 1;
                    if left == 0 {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    })?;
    if is_total {
        output.write(&totals.finish(&query)?, &mut out);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::{CsvInput, CsvOutput, Input, Output, Wrong, select};

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
        assert!(matches!(wrong, Err(Wrong::Data(_))), "{wrong:?}");
    }
}
