//! SelectObjectContent.

use super::object::read;
use crate::reply::Reply;
use crate::select::{CsvInput, CsvOutput, Input, Output, ScanRange, Wrong, select};
use crate::wire::{
    CSVInput, CSVOutput, GetObjectOutput, GetObjectRequest, InputSerialization, OutputSerialization,
    SelectObjectContentRequest,
};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use virga_base::AwsError;
use virga_service::{Answer, Ctx, Handler, Value};
use virga_shape::{FromValue, ShapeRef, StructValue};

/// Bytes of an object that is asked, inflated; and of one piece of an answer.
const OBJECT_MAX_BYTES: usize = 256 * 1024 * 1024;
const RECORDS_MAX_BYTES: usize = 128 * 1024;

/// The handler: its answer is a stream of events.
pub fn handler() -> Handler {
    Box::new(|ctx: Ctx, input: Value, shape: Option<ShapeRef>| {
        Box::pin(async move {
            let input = SelectObjectContentRequest::from_value(input)
                .map_err(|mismatch| AwsError::new("SerializationException", mismatch.to_string()))?;
            let found = run(ctx, input).await?;
            Ok(Answer {
                output: shape.map(|shape| found.into_value(shape)),
                ..Answer::default()
            })
        })
    })
}

struct Found {
    records: Bytes,
    scanned: usize,
    processed: usize,
}

async fn run(ctx: Ctx, input: SelectObjectContentRequest) -> Result<Found, AwsError> {
    if input.expression_type.as_deref().is_some_and(|kind| kind != "SQL") {
        return Err(AwsError::new(
            "InvalidExpressionType",
            "The ExpressionType is invalid. Only SQL expressions are supported at this time.",
        ));
    }
    let missing = || {
        AwsError::new(
            "MissingRequiredParameter",
            "The SelectRequest entity is missing a required parameter.",
        )
    };
    let sql = input.expression.ok_or_else(missing)?;
    let asked = input.input_serialization.ok_or_else(missing)?;
    let output = written(input.output_serialization.ok_or_else(missing)?).ok_or_else(missing)?;
    let compression = asked
        .compression_type
        .clone()
        .filter(|kind| kind != "NONE" && !kind.is_empty());
    let asked_range = input.scan_range;
    let is_divisible = compression.is_none() && is_divisible(&asked);
    let form = form(asked)?;
    #[cfg(feature = "parquet")]
    if matches!(form, Input::Parquet) && compression.is_some() {
        return Err(AwsError::new(
            "InvalidRequestParameter",
            "The value of a parameter in the SelectRequest element is not valid. Check the service API documentation and \
             try again.",
        ));
    }
    if asked_range.is_some() && !is_divisible {
        return Err(AwsError::new(
            "UnsupportedScanRangeInput",
            "Scan range queries are not supported on this type of object.",
        ));
    }
    let get = GetObjectRequest {
        bucket: input.bucket,
        key: input.key,
        expected_bucket_owner: input.expected_bucket_owner,
        sse_customer_algorithm: input.sse_customer_algorithm,
        sse_customer_key: input.sse_customer_key,
        sse_customer_key_md5: input.sse_customer_key_md5,
        ..GetObjectRequest::default()
    };
    let Reply::<GetObjectOutput> { body, .. } = read::get(ctx, get).await?;
    let packed = whole(body).await?;
    let range = match asked_range {
        None => None,
        Some(asked) => {
            let range = ScanRange::new(asked.start, asked.end, packed.len() as u64);
            Some(range.ok_or_else(|| AwsError::new("InvalidScanRange", "The provided scan range is not valid."))?)
        }
    };
    let over = Over::default();
    let is_over = Arc::clone(&over.0);
    let work = move || -> Result<Found, AwsError> {
        let scanned = packed.len();
        let plain = unpack(packed, compression.as_deref())?;
        let records = select(&sql, &form, range, &output, &plain, &is_over).map_err(wrong)?;
        let in_range = range.and_then(|range| usize::try_from(range.length()).ok());
        Ok(Found {
            records: Bytes::from(records),
            scanned: in_range.unwrap_or(scanned),
            processed: in_range.unwrap_or(plain.len()),
        })
    };
    let found = tokio::task::spawn_blocking(work).await;
    drop(over);
    // Of all that is done there, only the library for Parquet may panic over what an object holds.
    found.map_err(|_| {
        AwsError::new(
            "ParquetParsingError",
            "An error occurred while parsing the Parquet file. Check the file and try again.",
        )
    })?
}

/// Says that nobody waits for an answer any more, once it is dropped.
#[derive(Default)]
struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Whether a part of an object can be asked: where the bytes alone tell where records begin.
fn is_divisible(asked: &InputSerialization) -> bool {
    let is_csv = |csv: &CSVInput| csv.allow_quoted_record_delimiter != Some(true);
    asked.csv.as_ref().is_none_or(is_csv)
        && asked
            .json
            .as_ref()
            .is_none_or(|json| json.type_.as_deref() == Some("LINES"))
}

async fn whole(body: Option<virga_service::Body>) -> Result<Bytes, AwsError> {
    let mut out = Vec::new();
    let Some(mut body) = body else { return Ok(Bytes::new()) };
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| AwsError::internal(format!("The object cannot be read: {error}")))?;
        if let Ok(bytes) = frame.into_data() {
            out.extend_from_slice(&bytes);
        }
        if out.len() > OBJECT_MAX_BYTES {
            return Err(too_large());
        }
    }
    Ok(Bytes::from(out))
}

fn too_large() -> AwsError {
    AwsError::new(
        "OverMaxRecordSize",
        "The object is larger than what is scanned at once here.",
    )
}

fn unpack(packed: Bytes, compression: Option<&str>) -> Result<Bytes, AwsError> {
    let mut out = Vec::new();
    let limit = OBJECT_MAX_BYTES as u64 + 1;
    let read = match compression {
        None => return Ok(packed),
        Some("GZIP") => MultiGzDecoder::new(&*packed).take(limit).read_to_end(&mut out),
        Some("BZIP2") => bzip2_rs::DecoderReader::new(&*packed).take(limit).read_to_end(&mut out),
        Some(_) => {
            return Err(AwsError::new(
                "InvalidCompressionFormat",
                "The file is not in a supported compression format. Only GZIP and BZIP2 are supported.",
            ));
        }
    };
    read.map_err(|_| {
        AwsError::new(
            "InvalidCompressionFormat",
            "The object is not in the compression format that the request names.",
        )
    })?;
    if out.len() > OBJECT_MAX_BYTES {
        return Err(too_large());
    }
    Ok(Bytes::from(out))
}

fn form(asked: InputSerialization) -> Result<Input, AwsError> {
    match (asked.csv, asked.json, asked.parquet) {
        (Some(csv), None, None) => Ok(Input::Csv(lines(csv)?)),
        (None, Some(json), None) => match json.type_.as_deref() {
            None | Some("DOCUMENT" | "LINES") => Ok(Input::Json),
            Some(_) => Err(AwsError::new(
                "InvalidJsonType",
                "The JsonType value is not valid. Only DOCUMENT and LINES are supported.",
            )),
        },
        (None, None, Some(_)) => columns(),
        (None, None, None) => Err(AwsError::new(
            "InvalidDataSource",
            "Invalid data source type. Only CSV, JSON, and Parquet are supported at this time.",
        )),
        _ => Err(AwsError::new(
            "ObjectSerializationConflict",
            "InputSerialization specifies more than one format (CSV, JSON, or Parquet), or OutputSerialization specifies more \
             than one format (CSV or JSON). For InputSerialization and OutputSerialization, you can specify only one format \
             for each.",
        )),
    }
}

#[cfg(feature = "parquet")]
fn columns() -> Result<Input, AwsError> {
    Ok(Input::Parquet)
}

#[cfg(not(feature = "parquet"))]
fn columns() -> Result<Input, AwsError> {
    let message =
        "SelectObjectContent on Parquet is not in this build of Virga; it is built with the cargo feature `parquet`.";
    Err(AwsError::new("NotImplemented", message).with_status(501))
}

fn lines(csv: CSVInput) -> Result<CsvInput, AwsError> {
    let plain = CsvInput::default();
    let letter = |text: Option<String>, default: char| text.and_then(|text| text.chars().next()).unwrap_or(default);
    let header = csv
        .file_header_info
        .unwrap_or_else(|| "NONE".to_owned())
        .to_ascii_uppercase();
    if !["NONE", "USE", "IGNORE"].contains(&header.as_str()) {
        return Err(AwsError::new(
            "InvalidFileHeaderInfo",
            "The FileHeaderInfo is invalid. Only NONE, USE, and IGNORE are supported.",
        ));
    }
    Ok(CsvInput {
        header,
        record_delimiter: csv
            .record_delimiter
            .filter(|text| !text.is_empty())
            .unwrap_or(plain.record_delimiter),
        field_delimiter: letter(csv.field_delimiter, plain.field_delimiter),
        quote: letter(csv.quote_character, plain.quote),
        escape: letter(csv.quote_escape_character, plain.escape),
        comment: csv.comments.and_then(|text| text.chars().next()),
    })
}

fn written(asked: OutputSerialization) -> Option<Output> {
    if let Some(json) = asked.json {
        return Some(Output::Json {
            delimiter: json.record_delimiter.unwrap_or_else(|| "\n".to_owned()),
        });
    }
    let CSVOutput {
        quote_fields,
        quote_escape_character,
        record_delimiter,
        field_delimiter,
        quote_character,
    } = asked.csv?;
    let plain = CsvOutput::default();
    Some(Output::Csv(CsvOutput {
        always_quoted: quote_fields.as_deref() == Some("ALWAYS"),
        record_delimiter: record_delimiter.unwrap_or(plain.record_delimiter),
        field_delimiter: field_delimiter.unwrap_or(plain.field_delimiter),
        quote: quote_character.unwrap_or(plain.quote),
        escape: quote_escape_character.unwrap_or(plain.escape),
    }))
}

fn wrong(wrong: Wrong) -> AwsError {
    match wrong {
        Wrong::Sql(near) => AwsError::new(
            "ParseUnexpectedToken",
            format!("The SQL expression contains an unexpected token near {near}."),
        ),
        Wrong::Json(why) => AwsError::new("JSONParsingError", format!("Error parsing the JSON file: {why}")),
        Wrong::Refused(code, message) => AwsError::new(code, message),
        Wrong::Cast(value) => AwsError::new(
            "CastFailed",
            format!("Attempt to convert from one data type to another using CAST failed: {value}"),
        ),
    }
}

impl Found {
    /// Records in pieces, what it took, the end.
    fn into_value(self, shape: ShapeRef) -> Value {
        let mut output = StructValue::new(shape);
        let Some((index, stream)) = shape
            .member("Payload")
            .map(|(index, member)| (index, shape.target(member)))
        else {
            return Value::Struct(output);
        };
        let event = |name: &str, fill: &dyn Fn(&mut StructValue)| {
            let mut event = StructValue::new(stream);
            if let Some((index, member)) = stream.member(name) {
                let mut inner = StructValue::new(stream.target(member));
                fill(&mut inner);
                event.set_at(index, Value::Struct(inner));
            }
            Value::Struct(event)
        };
        let mut events = Vec::new();
        let mut rest = self.records.clone();
        while !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(RECORDS_MAX_BYTES));
            events.push(event("Records", &|inner| {
                inner.set("Payload", Value::Blob(piece.clone()));
            }));
        }
        let numbers = [
            ("BytesScanned", self.scanned),
            ("BytesProcessed", self.processed),
            ("BytesReturned", self.records.len()),
        ];
        events.push(event("Stats", &|inner| {
            let shape = inner.shape();
            let Some((_, member)) = shape.member("Details") else {
                return;
            };
            let mut details = StructValue::new(shape.target(member));
            for (name, number) in numbers {
                details.set(name, Value::Integer(i64::try_from(number).unwrap_or(i64::MAX)));
            }
            inner.set("Details", Value::Struct(details));
        }));
        events.push(event("End", &|_| {}));
        output.set_at(index, Value::List(events));
        Value::Struct(output)
    }
}

#[cfg(all(test, not(feature = "parquet")))]
mod tests {
    use super::form;
    use crate::wire::{InputSerialization, ParquetInput};

    #[test]
    fn a_build_without_parquet_says_so() {
        let asked = InputSerialization {
            parquet: Some(ParquetInput {}),
            ..InputSerialization::default()
        };
        let error = form(asked).err().expect("an error");
        assert_eq!((&*error.code, error.status), ("NotImplemented", 501));
        assert!(error.message.contains("`parquet`"));
    }
}
