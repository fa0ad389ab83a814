//! Files that the library's own writer makes, and what becomes of them when they are damaged.

use crate::select::{Input, Output, ScanRange, Wrong, select};
use bytes::Bytes;
use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The values of a column with their levels.
enum Column {
    Bool(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Int96(Vec<[u32; 3]>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Vec<&'static [u8]>),
    Fixed(Vec<&'static [u8]>),
}

struct Written {
    column: Column,
    definitions: Option<Vec<i16>>,
    repetitions: Option<Vec<i16>>,
}

fn flat(column: Column) -> Written {
    Written {
        column,
        definitions: None,
        repetitions: None,
    }
}

fn levels(column: Column, definitions: &[i16], repetitions: Option<&[i16]>) -> Written {
    Written {
        column,
        definitions: Some(definitions.to_vec()),
        repetitions: repetitions.map(<[i16]>::to_vec),
    }
}

fn file(schema: &str, properties: WriterProperties, groups: &[Vec<Written>]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).expect("a schema"));
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).expect("a writer");
    for group in groups {
        let mut rows = writer.next_row_group().expect("a group");
        for written in group {
            let mut column = rows.next_column().expect("a column").expect("one more");
            let (definitions, repetitions) = (written.definitions.as_deref(), written.repetitions.as_deref());
            let done = match (&written.column, column.untyped()) {
                (Column::Bool(values), ColumnWriter::BoolColumnWriter(to)) => {
                    to.write_batch(values, definitions, repetitions)
                }
                (Column::Int32(values), ColumnWriter::Int32ColumnWriter(to)) => {
                    to.write_batch(values, definitions, repetitions)
                }
                (Column::Int64(values), ColumnWriter::Int64ColumnWriter(to)) => {
                    to.write_batch(values, definitions, repetitions)
                }
                (Column::Int96(values), ColumnWriter::Int96ColumnWriter(to)) => {
                    let values: Vec<Int96> = values.iter().map(|words| Int96::from(words.to_vec())).collect();
                    to.write_batch(&values, definitions, repetitions)
                }
                (Column::Float(values), ColumnWriter::FloatColumnWriter(to)) => {
                    to.write_batch(values, definitions, repetitions)
                }
                (Column::Double(values), ColumnWriter::DoubleColumnWriter(to)) => {
                    to.write_batch(values, definitions, repetitions)
                }
                (Column::Bytes(values), ColumnWriter::ByteArrayColumnWriter(to)) => {
                    let values: Vec<ByteArray> = values.iter().map(|bytes| ByteArray::from(bytes.to_vec())).collect();
                    to.write_batch(&values, definitions, repetitions)
                }
                (Column::Fixed(values), ColumnWriter::FixedLenByteArrayColumnWriter(to)) => {
                    let values = values.iter().map(|bytes| ByteArray::from(bytes.to_vec()).into());
                    let values: Vec<FixedLenByteArray> = values.collect();
                    to.write_batch(&values, definitions, repetitions)
                }
                _ => panic!("the schema has another type"),
            };
            done.expect("written");
            column.close().expect("a column that ends");
        }
        rows.close().expect("a group that ends");
    }
    writer.into_inner().expect("a file")
}

fn properties(compression: Compression, version: WriterVersion, has_dictionary: bool) -> WriterProperties {
    WriterProperties::builder()
        .set_compression(compression)
        .set_writer_version(version)
        .set_dictionary_enabled(has_dictionary)
        .build()
}

fn plain() -> WriterProperties {
    properties(Compression::UNCOMPRESSED, WriterVersion::PARQUET_1_0, true)
}

fn ask_within(range: Option<(i64, i64)>, sql: &str, bytes: &[u8]) -> Result<String, Wrong> {
    let range = range.and_then(|(start, end)| ScanRange::new(Some(start), Some(end), bytes.len() as u64));
    let output = Output::Json {
        delimiter: "\n".to_owned(),
    };
    let bytes = Bytes::copy_from_slice(bytes);
    let found = select(sql, &Input::Parquet, range, &output, &bytes, &AtomicBool::new(false))?;
    Ok(String::from_utf8(found).expect("text"))
}

fn ask(sql: &str, bytes: &[u8]) -> Result<String, Wrong> {
    ask_within(None, sql, bytes)
}

fn code(sql: &str, bytes: &[u8]) -> &'static str {
    match ask(sql, bytes) {
        Err(Wrong::Refused(code, _)) => code,
        other => panic!("{other:?}"),
    }
}

const PEOPLE: &str = "message people {
    required int64 id;
    optional binary name (UTF8);
    required double height;
    required boolean tall;
}";

fn people() -> Vec<Written> {
    vec![
        flat(Column::Int64(vec![1, 2, 3])),
        levels(Column::Bytes(vec![b"ann", b"annabel"]), &[1, 0, 1], None),
        flat(Column::Double(vec![1.5, 1.75, 2.0])),
        flat(Column::Bool(vec![false, false, true])),
    ]
}

#[test]
fn rows_are_asked_however_they_are_packed() {
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
    ] {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            for has_dictionary in [true, false] {
                let bytes = file(PEOPLE, properties(compression, version, has_dictionary), &[people()]);
                for (sql, expected) in [
                    (
                        "select * from s3object",
                        "{\"id\":1,\"name\":\"ann\",\"height\":1.5,\"tall\":false}\n\
                         {\"id\":2,\"name\":null,\"height\":1.75,\"tall\":false}\n\
                         {\"id\":3,\"name\":\"annabel\",\"height\":2.0,\"tall\":true}\n",
                    ),
                    (
                        "select s.NAME from s3object s where s.height > 1.9",
                        "{\"NAME\":\"annabel\"}\n",
                    ),
                    (
                        "select s.\"name\", id from s3object s where name like 'ann%' limit 1",
                        "{\"name\":\"ann\",\"id\":1}\n",
                    ),
                    ("select s.\"Name\" from s3object s limit 1", "{}\n"),
                    ("select _1 from s3object where tall", "{\"_1\":3}\n"),
                    ("select count(*) from s3object", "{\"_1\":3}\n"),
                    (
                        "select sum(id) as ids from s3object where name is not null",
                        "{\"ids\":4}\n",
                    ),
                ] {
                    assert_eq!(
                        ask(sql, &bytes).as_deref(),
                        Ok(expected),
                        "{sql} {compression} {version:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn types_are_told_as_they_are_meant() {
    let schema = "message types {
        required int32 day (DATE);
        required int64 millis (TIMESTAMP(MILLIS,true));
        required int64 micros (TIMESTAMP_MICROS);
        required int64 nanos (TIMESTAMP(NANOS,true));
        required int32 price (DECIMAL(9,2));
        required fixed_len_byte_array(4) wide (DECIMAL(9,3));
        required int32 small (INTEGER(8,false));
        required float ratio;
        required binary kind (ENUM);
        required binary raw;
        required int96 old;
    }";
    let columns = vec![
        flat(Column::Int32(vec![19_782])),
        flat(Column::Int64(vec![1_700_000_000_123])),
        flat(Column::Int64(vec![-1])),
        flat(Column::Int64(vec![1])),
        flat(Column::Int32(vec![1_999])),
        flat(Column::Fixed(vec![&[0xFF, 0xFF, 0xFF, 0xFE]])),
        flat(Column::Int32(vec![200])),
        flat(Column::Float(vec![0.1])),
        flat(Column::Bytes(vec![b"RED"])),
        flat(Column::Bytes(vec![&[0xFF, 0]])),
        flat(Column::Int96(vec![[5, 0, 0]])),
    ];
    let bytes = file(schema, plain(), &[columns]);
    let expected = "{\"day\":\"2024-02-29\",\"millis\":\"2023-11-14T22:13:20.123Z\",\
        \"micros\":\"1969-12-31T23:59:59.999999Z\",\"nanos\":\"1970-01-01T00:00:00.000000001Z\",\"price\":19.99,\
        \"wide\":-0.002,\"small\":200,\"ratio\":0.1,\"kind\":\"RED\",\"raw\":\"/wA=\",\"old\":\"5\"}\n";
    assert_eq!(ask("select * from s3object", &bytes).as_deref(), Ok(expected));
    let compared = "select price from s3object where old > 0";
    assert_eq!(code(compared, &bytes), "UnsupportedTypeForQuerying");
    let asked = "select price from s3object where old is not null and price > 10";
    assert_eq!(ask(asked, &bytes).as_deref(), Ok("{\"price\":19.99}\n"));
}

const NESTED: &str = "message nested {
    optional group tags (LIST) { repeated group list { optional binary element (UTF8); } }
    repeated int32 marks;
    optional group counts (MAP) { repeated group key_value { required binary key (UTF8); optional int32 value; } }
    optional group place { required group at { required int32 x; optional int32 y; } }
}";

fn nested() -> Vec<Written> {
    vec![
        levels(
            Column::Bytes(vec![b"a", b"b"]),
            &[3, 2, 3, 0, 1],
            Some(&[0, 1, 1, 0, 0]),
        ),
        levels(Column::Int32(vec![1, 2, 3]), &[1, 1, 1, 0], Some(&[0, 1, 0, 0])),
        levels(Column::Bytes(vec![b"p", b"q"]), &[2, 2, 1, 0], Some(&[0, 1, 0, 0])),
        levels(Column::Int32(vec![7]), &[3, 2, 1, 0], Some(&[0, 1, 0, 0])),
        levels(Column::Int32(vec![1, 2]), &[1, 1, 0], None),
        levels(Column::Int32(vec![9]), &[2, 1, 0], None),
    ]
}

#[test]
fn records_are_put_together_from_their_columns() {
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        let bytes = file(NESTED, properties(Compression::SNAPPY, version, true), &[nested()]);
        let expected = "{\"tags\":[\"a\",null,\"b\"],\"marks\":2,\"counts\":{\"p\":7,\"q\":null},\
                        \"place\":{\"at\":{\"x\":1,\"y\":9}}}\n\
                        {\"tags\":null,\"marks\":3,\"counts\":{},\"place\":{\"at\":{\"x\":2,\"y\":null}}}\n\
                        {\"tags\":[],\"marks\":null,\"counts\":null,\"place\":null}\n";
        assert_eq!(ask("select * from s3object", &bytes).as_deref(), Ok(expected));
        let inside = "select s.place.at.x, s.tags[2] as tag from s3object s where s.counts.p = 7";
        assert_eq!(ask(inside, &bytes).as_deref(), Ok("{\"x\":1,\"tag\":\"b\"}\n"));
        let rows = "select * from s3object[*].tags[*] t";
        assert_eq!(
            ask(rows, &bytes).as_deref(),
            Ok("{\"_1\":\"a\"}\n{\"_1\":null}\n{\"_1\":\"b\"}\n{}\n")
        );
    }
}

#[test]
fn groups_of_rows_belong_where_they_begin() {
    let bytes = file(PEOPLE, plain(), &[people(), people()]);
    let size = bytes.len() as i64;
    let count = |range| ask_within(Some(range), "select count(*) from s3object", &bytes);
    assert_eq!(count((0, size)).as_deref(), Ok("{\"_1\":6}\n"));
    assert_eq!(count((0, 4)).as_deref(), Ok("{\"_1\":3}\n"));
    assert_eq!(count((0, 3)).as_deref(), Ok("{\"_1\":0}\n"));
    assert_eq!(count((5, size)).as_deref(), Ok("{\"_1\":3}\n"));
}

#[test]
fn what_aws_does_not_take_is_refused_where_it_is_read() {
    let schema = "message times { required int32 at (TIME_MILLIS); required int32 n; }";
    let columns = vec![flat(Column::Int32(vec![1])), flat(Column::Int32(vec![2]))];
    let bytes = file(schema, plain(), &[columns]);
    assert_eq!(ask("select n from s3object", &bytes).as_deref(), Ok("{\"n\":2}\n"));
    assert_eq!(code("select * from s3object", &bytes), "UnsupportedParquetType");

    let schema = "message one { required int32 n; }";
    let written = properties(Compression::SNAPPY, WriterVersion::PARQUET_1_0, false);
    let mut bytes = file(schema, written, &[vec![flat(Column::Int32(vec![2]))]]);
    // In the footer: the column's path, and behind it the codec, Snappy, for which Zstandard is put.
    let path = b"\x19\x18\x01n\x15";
    let at = bytes
        .windows(path.len())
        .rposition(|window| window == path)
        .expect("the path")
        + path.len();
    bytes[at] = 12;
    assert_eq!(
        code("select * from s3object", &bytes),
        "ParquetUnsupportedCompressionCodec"
    );
}

#[test]
fn rows_are_not_counted_that_are_not_there() {
    let mut bytes = file(PEOPLE, plain(), &[people()]);
    // In the footer: how many rows the group has, three, and behind it where it begins.
    let rows = b"\x16\x06\x26";
    let at = bytes
        .windows(rows.len())
        .rposition(|window| window == rows)
        .expect("the number of rows")
        + 1;
    let count = "select count(*) from s3object";
    assert_eq!(ask(count, &bytes).as_deref(), Ok("{\"_1\":3}\n"));
    bytes[at] = 2 * 60;
    assert_eq!(code(count, &bytes), "ParquetParsingError");
    assert_eq!(code("select id from s3object", &bytes), "ParquetParsingError");
}

#[test]
fn damage_is_told_and_does_no_harm() {
    for bytes in [
        b"".as_slice(),
        b"PAR1",
        b"PAR1PAR1",
        b"a,b\n1,2\n",
        b"PAR1\xFF\xFF\xFF\xFFPAR1",
    ] {
        assert_eq!(code("select * from s3object", bytes), "ParquetParsingError");
    }
    let mut tries = 0;
    for (version, has_dictionary) in [(WriterVersion::PARQUET_1_0, true), (WriterVersion::PARQUET_2_0, false)] {
        for (schema, columns) in [(PEOPLE, people()), (NESTED, nested())] {
            let whole = file(
                schema,
                properties(Compression::SNAPPY, version, has_dictionary),
                &[columns],
            );
            for length in 0..whole.len() {
                assert_eq!(code("select * from s3object", &whole[..length]), "ParquetParsingError");
            }
            for at in 0..whole.len() {
                for change in [0x01, 0x80, 0xFF] {
                    let mut bytes = whole.clone();
                    bytes[at] ^= change;
                    let asked = std::panic::catch_unwind(|| ask("select * from s3object", &bytes));
                    // The library may panic; whoever asks takes that for damage.
                    if let Ok(Err(wrong)) = asked {
                        assert!(matches!(wrong, Wrong::Refused(..)), "{wrong:?}");
                    }
                    tries += 1;
                }
            }
        }
    }
    assert!(tries > 1_000, "{tries}");
}
