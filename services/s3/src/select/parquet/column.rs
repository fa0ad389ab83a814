//! One column of a group of rows, value by value.

use super::value::{Meaning, float, single, twelve_bytes};
use super::{Failure, PARSING};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::schema::types::ColumnDescriptor;
use serde_json::Value;

/// Records that are read at once; their values are all kept until then.
const BATCH_RECORDS: usize = 256;

/// How much of the way to a value is there, and where what it repeats begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    pub definition: i16,
    pub repetition: i16,
}

pub trait Column {
    /// The levels of the next entry, if there is one.
    fn peek(&mut self) -> Result<Option<Levels>, Failure>;
    /// The next entry; null where it is not defined.
    fn take(&mut self) -> Result<Value, Failure>;
}

pub fn column(reader: ColumnReader, description: &ColumnDescriptor) -> Result<Box<dyn Column>, Failure> {
    let meaning = Meaning::of(description)?;
    let (definition, repetition) = (description.max_def_level(), description.max_rep_level());
    let max = Levels { definition, repetition };
    Ok(match reader {
        ColumnReader::BoolColumnReader(reader) => {
            Typed::boxed(reader, max, |value, _| Ok(Value::Bool(*value)), meaning)
        }
        ColumnReader::Int32ColumnReader(reader) => Typed::boxed(
            reader,
            max,
            |value, meaning| Ok(meaning.integer((*value).into())),
            meaning,
        ),
        ColumnReader::Int64ColumnReader(reader) => {
            Typed::boxed(reader, max, |value, meaning| Ok(meaning.integer(*value)), meaning)
        }
        ColumnReader::Int96ColumnReader(reader) => {
            Typed::boxed(reader, max, |value, _| Ok(twelve_bytes(value.data())), meaning)
        }
        ColumnReader::FloatColumnReader(reader) => Typed::boxed(reader, max, |value, _| Ok(single(*value)), meaning),
        ColumnReader::DoubleColumnReader(reader) => Typed::boxed(reader, max, |value, _| Ok(float(*value)), meaning),
        ColumnReader::ByteArrayColumnReader(reader) => {
            Typed::boxed(reader, max, |value, meaning| meaning.bytes(value.data()), meaning)
        }
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            Typed::boxed(reader, max, |value, meaning| meaning.bytes(value.data()), meaning)
        }
    })
}

struct Typed<T: DataType> {
    reader: ColumnReaderImpl<T>,
    max: Levels,
    convert: fn(&T::T, Meaning) -> Result<Value, Failure>,
    meaning: Meaning,
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
    values: Vec<T::T>,
    /// Of the entries that are read: how many, which is next, and which value is.
    entries: usize,
    entry: usize,
    value: usize,
}

impl<T: DataType> Typed<T> {
    fn boxed(
        reader: ColumnReaderImpl<T>,
        max: Levels,
        convert: fn(&T::T, Meaning) -> Result<Value, Failure>,
        meaning: Meaning,
    ) -> Box<dyn Column> {
        Box::new(Typed {
            reader,
            max,
            convert,
            meaning,
            definitions: Vec::new(),
            repetitions: Vec::new(),
            values: Vec::new(),
            entries: 0,
            entry: 0,
            value: 0,
        })
    }

    fn fill(&mut self) -> Result<(), Failure> {
        while self.entry >= self.entries {
            self.definitions.clear();
            self.repetitions.clear();
            self.values.clear();
            let (records, values, levels) = self.reader.read_records(
                BATCH_RECORDS,
                (self.max.definition > 0).then_some(&mut self.definitions),
                (self.max.repetition > 0).then_some(&mut self.repetitions),
                &mut self.values,
            )?;
            if records == 0 && values == 0 && levels == 0 {
                break;
            }
            (self.entry, self.value) = (0, 0);
            self.entries = if self.max.definition > 0 {
                self.definitions.len()
            } else {
                self.values.len()
            };
        }
        Ok(())
    }
}

impl<T: DataType> Column for Typed<T> {
    fn peek(&mut self) -> Result<Option<Levels>, Failure> {
        self.fill()?;
        if self.entry >= self.entries {
            return Ok(None);
        }
        let at = |levels: &[i16], max: i16| match max {
            0 => Ok(0),
            _ => levels.get(self.entry).copied().ok_or(PARSING),
        };
        Ok(Some(Levels {
            definition: at(&self.definitions, self.max.definition)?,
            repetition: at(&self.repetitions, self.max.repetition)?,
        }))
    }

    fn take(&mut self) -> Result<Value, Failure> {
        let levels = self.peek()?.ok_or(PARSING)?;
        self.entry += 1;
        if levels.definition < self.max.definition {
            return Ok(Value::Null);
        }
        let value = self.values.get(self.value).ok_or(PARSING)?;
        self.value += 1;
        (self.convert)(value, self.meaning)
    }
}
