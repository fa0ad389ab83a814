//! Parquet: records of a file of columns. The library reads what columns hold; what it would believe of a file, and make room
//! for, is looked at before.

mod column;
mod delta;
mod footer;
mod pages;
#[cfg(test)]
mod tests;
mod thrift;
mod tree;
mod value;

use super::parse::Query;
use super::{ScanRange, Wrong};
use bytes::Bytes;
use column::Levels;
use pages::Pages;
use parquet::basic::Compression;
use parquet::column::page::PageReader;
use parquet::column::reader::get_column_reader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use serde_json::{Map, Value};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tree::Node;

/// What a group of rows may come to, unpacked: AWS's own limit.
const ROW_GROUP_MAX_BYTES: i64 = 512 * 1024 * 1024;
/// What is unpacked and read of one file in all, of the columns that a query names.
const READ_MAX_BYTES: u64 = 1024 * 1024 * 1024;
const READ_MAX_VALUES: u64 = 1 << 28;

/// Why a file cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    code: &'static str,
    message: &'static str,
}

const PARSING: Failure = Failure {
    code: "ParquetParsingError",
    message: "An error occurred while parsing the Parquet file. Check the file and try again.",
};
const TOO_LARGE: Failure = Failure {
    code: "OverMaxRecordSize",
    message: "The object is larger than what is scanned at once here.",
};

impl Failure {
    fn unsupported_type() -> Failure {
        Failure {
            code: "UnsupportedParquetType",
            message: "The specified Parquet type is not supported.",
        }
    }

    fn unsupported_codec() -> Failure {
        Failure {
            code: "ParquetUnsupportedCompressionCodec",
            message: "The specified Parquet compression codec is not supported.",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl Error for Failure {}

impl From<Failure> for Wrong {
    fn from(failure: Failure) -> Wrong {
        Wrong::Refused(failure.code, failure.message)
    }
}

impl From<Failure> for ParquetError {
    fn from(failure: Failure) -> ParquetError {
        ParquetError::External(Box::new(failure))
    }
}

impl From<ParquetError> for Failure {
    fn from(error: ParquetError) -> Failure {
        match error {
            ParquetError::External(error) => error.downcast::<Failure>().map_or(PARSING, |failure| *failure),
            _ => PARSING,
        }
    }
}

/// What may still be read of a file.
struct Budget {
    bytes: AtomicU64,
    values: AtomicU64,
}

impl Budget {
    fn spend_bytes(&self, bytes: u64) -> Result<(), Failure> {
        spend(&self.bytes, bytes)
    }

    fn spend_values(&self, values: u64) -> Result<(), Failure> {
        spend(&self.values, values)
    }
}

fn spend(purse: &AtomicU64, amount: u64) -> Result<(), Failure> {
    purse
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(amount))
        .map_or(Err(TOO_LARGE), |_| Ok(()))
}

/// Calls `visit` with each record, of the columns that the query names, until it answers that it has enough.
pub fn records(
    query: &Query,
    range: Option<ScanRange>,
    bytes: &[u8],
    visit: &mut dyn FnMut(Value) -> Result<bool, Wrong>,
) -> Result<(), Wrong> {
    let metadata = footer::read(bytes)?;
    let file = Bytes::copy_from_slice(bytes);
    let fields = wanted(query, &metadata)?;
    let budget = Arc::new(Budget {
        bytes: AtomicU64::new(READ_MAX_BYTES),
        values: AtomicU64::new(READ_MAX_VALUES),
    });
    for group in metadata.row_groups() {
        if !range.is_none_or(|range| start(group).is_some_and(|start| range.contains(start))) {
            continue;
        }
        if group.total_byte_size() > ROW_GROUP_MAX_BYTES {
            return Err(Wrong::Refused(
                "OverMaxParquetBlockSize",
                "The Parquet file is above the max row group size.",
            ));
        }
        let mut nodes = nodes(&metadata, group, &file, &fields, &budget)?;
        let rows = u64::try_from(group.num_rows()).map_err(|_| PARSING)?;
        if nodes.is_empty() {
            check_rows(group, rows, &file, &budget)?;
        }
        for _ in 0..rows {
            budget.spend_values(1)?;
            let mut record = Map::new();
            for (name, node) in &mut nodes {
                record.insert(name.clone(), node.read()?);
            }
            if !visit(Value::Object(record))? {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Where no column is read, nothing else shows that rows are there which a group claims to have.
fn check_rows(group: &RowGroupMetaData, rows: u64, file: &Bytes, budget: &Arc<Budget>) -> Result<(), Failure> {
    let values = match group.columns().first() {
        Some(column) => Pages::new(file, column, Arc::clone(budget))?.count_values()?,
        None => 0,
    };
    if values < rows { Err(PARSING) } else { Ok(()) }
}

/// Where a group of rows begins.
fn start(group: &RowGroupMetaData) -> Option<u64> {
    let starts = group.columns().iter().map(pages::start);
    u64::try_from(starts.min()?).ok()
}

/// Which fields are read, by their places at the top of the schema.
fn wanted(query: &Query, metadata: &ParquetMetaData) -> Result<Vec<usize>, Wrong> {
    let schema = metadata.file_metadata().schema_descr();
    let fields = schema.root_schema().get_fields();
    let places = match query.names() {
        None => (0..fields.len()).collect(),
        Some(names) => {
            let is_named = |field: &str| names.iter().any(|name| name.eq_ignore_ascii_case(field));
            // A name may be a place (`_2`), which counts all fields.
            let is_field = |name: &str| fields.iter().any(|field| field.name().eq_ignore_ascii_case(name));
            let all = names.iter().any(|name| !is_field(name));
            let named = |place: &usize| all || fields.get(*place).is_some_and(|field| is_named(field.name()));
            (0..fields.len()).filter(named).collect::<Vec<_>>()
        }
    };
    let mut leaf = 0;
    for field in fields {
        let is_number_of_old = field.is_primitive() && value::is_twelve_bytes(&schema.column(leaf));
        if is_number_of_old && query.compares(field.name()) {
            return Err(Wrong::Refused(
                "UnsupportedTypeForQuerying",
                "Your query contains an unsupported type for comparison (e.g. verifying that a Parquet INT96 column type is greater than 0).",
            ));
        }
        leaf += tree::leaves(field);
    }
    Ok(places)
}

fn nodes(
    metadata: &ParquetMetaData,
    group: &RowGroupMetaData,
    file: &Bytes,
    places: &[usize],
    budget: &Arc<Budget>,
) -> Result<Vec<(String, Node)>, Failure> {
    let schema = metadata.file_metadata().schema_descr();
    let mut open = |leaf: usize| {
        let chunk = group.columns().get(leaf).ok_or(PARSING)?;
        match chunk.compression() {
            Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::GZIP(_) => {}
            _ => return Err(Failure::unsupported_codec()),
        }
        let pages: Box<dyn PageReader> = Box::new(Pages::new(file, chunk, Arc::clone(budget))?);
        let description = chunk.column_descr_ptr();
        column::column(get_column_reader(Arc::clone(&description), pages), &description)
    };
    let mut leaf = 0;
    let mut out = Vec::with_capacity(places.len());
    for (place, field) in schema.root_schema().get_fields().iter().enumerate() {
        if places.contains(&place) {
            let node = Node::build(field, Levels::default(), &mut leaf, &mut open)?;
            out.push((field.name().to_owned(), node));
        } else {
            leaf += tree::leaves(field);
        }
    }
    Ok(out)
}
