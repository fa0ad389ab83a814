//! The pages of a column. The library's own reader unpacks as much as a file claims or holds; this one has bounds.

use super::delta;
use super::thrift::{FALSE, I32, STRUCT, TRUE, Thrift};
use super::{Budget, Failure, PARSING, TOO_LARGE};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use std::io::Read;
use std::sync::Arc;

const PAGE_MAX_BYTES: u32 = 64 * 1024 * 1024;
const PAGE_MAX_VALUES: u32 = 1 << 24;
/// What a value takes that is kept while others are read, besides its bytes.
const KEPT_VALUE_BYTES: u64 = 32;

pub struct Pages {
    rest: Bytes,
    compression: Compression,
    max_definition_level: i16,
    max_repetition_level: i16,
    has_dictionary: bool,
    budget: Arc<Budget>,
}

/// What stands before a page.
#[derive(Default)]
struct Header {
    kind: u32,
    unpacked_bytes: u32,
    packed_bytes: u32,
    body: Option<Body>,
}

#[derive(Default)]
struct Body {
    values: u32,
    encoding: u32,
    definition_encoding: u32,
    repetition_encoding: u32,
    nulls: u32,
    rows: u32,
    definition_bytes: u32,
    repetition_bytes: u32,
    is_plain: bool,
}

/// Where a column begins: with its dictionary, if it has one. Some writers put zero for none.
pub fn start(column: &ColumnChunkMetaData) -> i64 {
    let data = column.data_page_offset();
    let dictionary = column.dictionary_page_offset();
    dictionary.filter(|start| (1..data).contains(start)).unwrap_or(data)
}

impl Pages {
    pub fn new(file: &Bytes, column: &ColumnChunkMetaData, budget: Arc<Budget>) -> std::result::Result<Pages, Failure> {
        let start = usize::try_from(start(column)).map_err(|_| PARSING)?;
        let length = usize::try_from(column.compressed_size()).map_err(|_| PARSING)?;
        let end = start
            .checked_add(length)
            .filter(|end| *end <= file.len())
            .ok_or(PARSING)?;
        Ok(Pages {
            rest: file.slice(start..end),
            compression: column.compression(),
            max_definition_level: column.column_descr().max_def_level(),
            max_repetition_level: column.column_descr().max_rep_level(),
            has_dictionary: false,
            budget,
        })
    }

    /// The next page's header, and how long it is.
    fn header(&self) -> Option<(Header, usize)> {
        let mut thrift = Thrift { rest: &self.rest };
        let mut header = Header::default();
        thrift.fields(&mut |thrift, id, kind| {
            match (id, kind) {
                (1, I32) => header.kind = thrift.count()?,
                (2, I32) => header.unpacked_bytes = thrift.count()?,
                (3, I32) => header.packed_bytes = thrift.count()?,
                (5, STRUCT) => header.body = Some(data_page(thrift)?),
                (7, STRUCT) => header.body = Some(dictionary_page(thrift)?),
                (8, STRUCT) => header.body = Some(data_page_v2(thrift)?),
                _ => thrift.skip(kind)?,
            }
            Some(())
        })?;
        Some((header, self.rest.len() - thrift.rest.len()))
    }

    /// Steps over the next page; answers its header and what it holds, still packed.
    fn next_packed(&mut self) -> Option<(Header, Bytes)> {
        let (header, length) = self.header()?;
        let end = length.checked_add(header.packed_bytes as usize)?;
        if end > self.rest.len() {
            return None;
        }
        let packed = self.rest.slice(length..end);
        self.rest = self.rest.slice(end..);
        Some((header, packed))
    }

    /// How many values the pages say to hold, without a look at them: at least one for each row.
    pub fn count_values(mut self) -> std::result::Result<u64, Failure> {
        let mut values = 0;
        while !self.rest.is_empty() {
            let (header, _) = self.next_packed().ok_or(PARSING)?;
            if matches!(header.kind, 0 | 3) {
                values += u64::from(header.body.ok_or(PARSING)?.values);
            }
        }
        Ok(values)
    }

    /// What a page holds: first the levels, which may stand unpacked, then the rest.
    fn unpack(&self, packed: Bytes, header: &Header, levels_bytes: usize, is_plain: bool) -> Result<Bytes> {
        let size = header.unpacked_bytes as usize;
        let decoder = match self.compression {
            _ if is_plain => None,
            Compression::UNCOMPRESSED => None,
            other => Some(other),
        };
        let Some(compression) = decoder else {
            return if packed.len() == size {
                Ok(packed)
            } else {
                Err(broken())
            };
        };
        let levels = packed.get(..levels_bytes).ok_or_else(broken)?;
        let rest = packed.get(levels_bytes..).ok_or_else(broken)?;
        let rest_size = size.checked_sub(levels_bytes).ok_or_else(broken)?;
        let mut out = levels.to_vec();
        match compression {
            // A page of nothing but nulls may hold nothing at all.
            _ if rest_size == 0 => {}
            Compression::SNAPPY => {
                if snap::raw::decompress_len(rest).ok() != Some(rest_size) {
                    return Err(broken());
                }
                out.resize(size, 0);
                let into = out.get_mut(levels_bytes..).ok_or_else(broken)?;
                snap::raw::Decoder::new().decompress(rest, into).map_err(|_| broken())?;
            }
            Compression::GZIP(_) => {
                let mut decoder = MultiGzDecoder::new(rest).take(rest_size as u64 + 1);
                decoder.read_to_end(&mut out).map_err(|_| broken())?;
            }
            _ => return Err(Failure::unsupported_codec().into()),
        }
        if out.len() == size {
            Ok(Bytes::from(out))
        } else {
            Err(broken())
        }
    }

    fn page(&mut self, header: &Header, packed: Bytes) -> Result<Page> {
        let body = header.body.as_ref().ok_or_else(broken)?;
        let encoding = encoding(body.encoding)?;
        if body.values > PAGE_MAX_VALUES {
            return Err(TOO_LARGE.into());
        }
        let is_looked_up = matches!(encoding, Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY);
        match header.kind {
            2 => self.has_dictionary = true,
            _ if is_looked_up && !self.has_dictionary => return Err(broken()),
            _ => {}
        }
        let values = u64::from(body.values);
        self.budget.spend_values(values)?;
        if self.max_repetition_level > 0 {
            self.budget.spend_bytes(values * KEPT_VALUE_BYTES)?;
        }
        match header.kind {
            0 => {
                let buf = self.unpack(packed, header, 0, false)?;
                let (definitions, repetitions) = (
                    self::encoding(body.definition_encoding)?,
                    self::encoding(body.repetition_encoding)?,
                );
                self.check_lengths(encoding, body, || {
                    let mut rest: &[u8] = &buf;
                    let levels = [
                        (self.max_repetition_level, repetitions),
                        (self.max_definition_level, definitions),
                    ];
                    for (max, encoding) in levels {
                        if max == 0 {
                            continue;
                        }
                        let (length, behind) = rest.split_first_chunk::<4>()?;
                        rest = behind.get(u32::from_le_bytes(*length) as usize..)?;
                        if encoding != Encoding::RLE {
                            return None;
                        }
                    }
                    Some(rest)
                })?;
                Ok(Page::DataPage {
                    buf,
                    num_values: body.values,
                    encoding,
                    def_level_encoding: definitions,
                    rep_level_encoding: repetitions,
                    statistics: None,
                })
            }
            2 => {
                // The library makes room for all values before it looks whether they are there.
                if values > u64::from(header.unpacked_bytes) * 8 {
                    return Err(broken());
                }
                self.budget.spend_bytes(values * KEPT_VALUE_BYTES)?;
                Ok(Page::DictionaryPage {
                    buf: self.unpack(packed, header, 0, false)?,
                    num_values: body.values,
                    encoding,
                    is_sorted: false,
                })
            }
            3 => {
                let levels_bytes = body.definition_bytes as usize + body.repetition_bytes as usize;
                let buf = self.unpack(packed, header, levels_bytes, body.is_plain)?;
                if buf.len() < levels_bytes {
                    return Err(broken());
                }
                self.check_lengths(encoding, body, || buf.get(levels_bytes..))?;
                Ok(Page::DataPageV2 {
                    buf,
                    num_values: body.values,
                    encoding,
                    num_nulls: body.nulls,
                    num_rows: body.rows,
                    def_levels_byte_len: body.definition_bytes,
                    rep_levels_byte_len: body.repetition_bytes,
                    is_compressed: !body.is_plain,
                    statistics: None,
                })
            }
            _ => Err(broken()),
        }
    }

    /// Texts by their lengths: the library believes how many there are, and each may repeat all of the one before it.
    fn check_lengths<'b>(&self, kind: Encoding, body: &Body, data: impl FnOnce() -> Option<&'b [u8]>) -> Result<()> {
        if !matches!(
            kind,
            Encoding::DELTA_BINARY_PACKED | Encoding::DELTA_LENGTH_BYTE_ARRAY | Encoding::DELTA_BYTE_ARRAY
        ) {
            return Ok(());
        }
        let data = data().ok_or_else(broken)?;
        // Nothing but nulls.
        if data.is_empty() {
            return Ok(());
        }
        let unpacked = delta::unpacked_bytes(kind, data, body.values as usize).ok_or_else(broken)?;
        if unpacked > u64::from(PAGE_MAX_BYTES) {
            return Err(TOO_LARGE.into());
        }
        self.budget.spend_bytes(unpacked + u64::from(body.values) * 8)?;
        Ok(())
    }
}

fn data_page(thrift: &mut Thrift<'_>) -> Option<Body> {
    let mut body = Body::default();
    thrift.fields(&mut |thrift, id, kind| {
        match (id, kind) {
            (1, I32) => body.values = thrift.count()?,
            (2, I32) => body.encoding = thrift.count()?,
            (3, I32) => body.definition_encoding = thrift.count()?,
            (4, I32) => body.repetition_encoding = thrift.count()?,
            _ => thrift.skip(kind)?,
        }
        Some(())
    })?;
    Some(body)
}

fn dictionary_page(thrift: &mut Thrift<'_>) -> Option<Body> {
    let mut body = Body::default();
    thrift.fields(&mut |thrift, id, kind| {
        match (id, kind) {
            (1, I32) => body.values = thrift.count()?,
            (2, I32) => body.encoding = thrift.count()?,
            _ => thrift.skip(kind)?,
        }
        Some(())
    })?;
    Some(body)
}

fn data_page_v2(thrift: &mut Thrift<'_>) -> Option<Body> {
    let mut body = Body::default();
    thrift.fields(&mut |thrift, id, kind| {
        match (id, kind) {
            (1, I32) => body.values = thrift.count()?,
            (2, I32) => body.nulls = thrift.count()?,
            (3, I32) => body.rows = thrift.count()?,
            (4, I32) => body.encoding = thrift.count()?,
            (5, I32) => body.definition_bytes = thrift.count()?,
            (6, I32) => body.repetition_bytes = thrift.count()?,
            (7, TRUE | FALSE) => body.is_plain = kind == FALSE,
            _ => thrift.skip(kind)?,
        }
        Some(())
    })?;
    Some(body)
}

fn encoding(number: u32) -> Result<Encoding> {
    Ok(match number {
        0 => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        3 => Encoding::RLE,
        #[allow(deprecated)]
        4 => Encoding::BIT_PACKED,
        5 => Encoding::DELTA_BINARY_PACKED,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        8 => Encoding::RLE_DICTIONARY,
        9 => Encoding::BYTE_STREAM_SPLIT,
        _ => return Err(broken()),
    })
}

fn broken() -> ParquetError {
    PARSING.into()
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Result<Page>> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        while !self.rest.is_empty() {
            let (header, packed) = self.next_packed().ok_or_else(broken)?;
            // Pages of an index stand between the others.
            if header.kind == 1 {
                continue;
            }
            if header.unpacked_bytes > PAGE_MAX_BYTES {
                return Err(TOO_LARGE.into());
            }
            self.budget.spend_bytes(u64::from(header.unpacked_bytes))?;
            return self.page(&header, packed).map(Some);
        }
        Ok(None)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (header, _) = self.header().ok_or_else(broken)?;
        let body = header.body.unwrap_or_default();
        Ok(Some(PageMetadata {
            num_rows: (header.kind == 3).then_some(body.rows as usize),
            num_levels: (header.kind != 2).then_some(body.values as usize),
            is_dict: header.kind == 2,
        }))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.get_next_page().map(drop)
    }
}
