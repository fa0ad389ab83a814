//! SelectObjectContent.

use super::object::read;
use crate::errors;
use crate::reply::Reply;
use crate::select::{CsvInput, CsvOutput, Input, Output, Wrong, select};
use crate::wire::{
    CSVInput, CSVOutput, GetObjectOutput, GetObjectRequest, InputSerialization, OutputSerialization,
    SelectObjectContentRequest,
};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt;
use std::io::Read;
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
    let compression = asked.compression_type.clone();
    let form = form(asked)?;
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
    let plain = unpack(&packed, compression.as_deref())?;
    let records = select(&sql, &form, &output, &plain).map_err(wrong)?;
    Ok(Found {
        records: Bytes::from(records),
        scanned: packed.len(),
        processed: plain.len(),
    })
}

async fn whole(body: Option<virga_service::Body>) -> Result<Vec<u8>, AwsError> {
    let mut out = Vec::new();
    let Some(mut body) = body else { return Ok(out) };
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| AwsError::internal(format!("The object cannot be read: {error}")))?;
        if let Ok(bytes) = frame.into_data() {
            out.extend_from_slice(&bytes);
        }
        if out.len() > OBJECT_MAX_BYTES {
            return Err(too_large());
        }
    }
    Ok(out)
}

fn too_large() -> AwsError {
    AwsError::new(
        "OverMaxRecordSize",
        "The object is larger than what is scanned at once here.",
    )
}

fn unpack(packed: &[u8], compression: Option<&str>) -> Result<Vec<u8>, AwsError> {
    let mut out = Vec::new();
    let limit = OBJECT_MAX_BYTES as u64 + 1;
    let read = match compression {
        None | Some("" | "NONE") => return Ok(packed.to_vec()),
        Some("GZIP") => MultiGzDecoder::new(packed).take(limit).read_to_end(&mut out),
        Some("BZIP2") => bzip2_rs::DecoderReader::new(packed).take(limit).read_to_end(&mut out),
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
    Ok(out)
}

fn form(asked: InputSerialization) -> Result<Input, AwsError> {
    match (asked.csv, asked.json) {
        (Some(csv), None) => Ok(Input::Csv(lines(csv)?)),
        (None, Some(_)) => Ok(Input::Json),
        _ if asked.parquet.is_some() => Err(errors::header_not_implemented("Parquet", None)),
        _ => Err(AwsError::new(
            "InvalidDataSource",
            "Invalid data source type. Only CSV, JSON, and Parquet are supported at this time.",
        )),
    }
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
        Wrong::Data(why) => AwsError::new("ParsingError", format!("Error parsing the object: {why}")),
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
