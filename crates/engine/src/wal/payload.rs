//! The content of a log record: the rows of one request as columns.
//!
//! ```text
//! payload  = version (1 byte) database (varint) chunk count (varint) chunk…
//! chunk    = table id (varint) row count (varint) column count (varint) column…
//! column   = name (text) kind (1 byte, see ColumnKind::code) nulls values
//! nulls    = 0 | 1 bitmap                 a bit for each row, 1 where there is a value
//! values   = for each value that is not null, in row order:
//!            time, integer, unsigned: 8 bytes little endian; float: its bits likewise; boolean: 1 byte
//!            string: text
//!            tag: dictionary count (varint) text… and then 1, 2 or 4 bytes little endian for each value
//! text     = length (varint) UTF-8 bytes
//! ```
//!
//! In version 1 a chunk began with the table's name (text) in place of its id. Such records are still read.
//!
//! It holds typed columns, not lines, so that replay never depends on how lines are parsed.

use std::fmt;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, BooleanBufferBuilder, Float64Array, Int64Array, PrimitiveArray, StringArray,
    StringBuilder, TimestampNanosecondArray, UInt64Array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{ArrowPrimitiveType, Float64Type, Int32Type, Int64Type, TimestampNanosecondType, UInt64Type};
use tidegate_line_protocol::FieldType;
use tidegate_model::{DatabaseId, TableId};

use crate::chunk::{Chunk, TagArray};
use crate::density::MAX_ROWS;
use crate::schema::{Column, ColumnKind, TableSchema};

/// Version of the payload written, and the newest one read.
pub(crate) const VERSION: u8 = 2;
/// The version that calls tables by name.
const VERSION_OF_NAMES: u8 = 1;

/// Builds a payload chunk by chunk.
pub(crate) struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    /// Starts a payload that will hold `chunks` chunks.
    pub(crate) fn new(database: DatabaseId, chunks: usize) -> Self {
        let mut bytes = vec![VERSION];
        varint(&mut bytes, database.get().unsigned_abs());
        varint(&mut bytes, chunks as u64);
        Self { bytes }
    }

    /// Adds rows of one table.
    pub(crate) fn chunk(&mut self, table: TableId, chunk: &Chunk) {
        let out = &mut self.bytes;
        varint(out, table.get().unsigned_abs());
        varint(out, chunk.rows() as u64);
        varint(out, chunk.columns().len() as u64);
        for (column, array) in chunk.schema().columns().iter().zip(chunk.columns()) {
            text(out, &column.name);
            out.push(column.kind.code());
            nulls(out, array);
            values(out, array);
        }
    }

    /// The finished payload.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn text(out: &mut Vec<u8>, text: &str) {
    varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn nulls(out: &mut Vec<u8>, array: &ArrayRef) {
    match array.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => out.push(0),
        Some(nulls) => {
            out.push(1);
            let mut bits = BooleanBufferBuilder::new(nulls.len());
            bits.append_buffer(nulls.inner());
            out.extend_from_slice(bits.as_slice());
        }
    }
}

fn primitive<T: ArrowPrimitiveType, const N: usize>(
    out: &mut Vec<u8>,
    array: &PrimitiveArray<T>,
    bytes: impl Fn(T::Native) -> [u8; N],
) {
    out.reserve(array.len() * N);
    if array.null_count() == 0 {
        for &value in array.values() {
            out.extend_from_slice(&bytes(value));
        }
    } else {
        for value in array.iter().flatten() {
            out.extend_from_slice(&bytes(value));
        }
    }
}

fn tags(out: &mut Vec<u8>, array: &TagArray, dictionary: &StringArray) {
    varint(out, dictionary.len() as u64);
    for value in dictionary.iter() {
        text(out, value.unwrap_or_default());
    }
    let keys = array.keys();
    match key_width(dictionary.len()) {
        1 => primitive(out, keys, |key| (key as u8).to_le_bytes()),
        2 => primitive(out, keys, |key| (key as u16).to_le_bytes()),
        _ => primitive(out, keys, i32::to_le_bytes),
    }
}

const fn key_width(dictionary: usize) -> usize {
    match dictionary {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

fn values(out: &mut Vec<u8>, array: &ArrayRef) {
    let any = array.as_any();
    if let Some(array) = any.downcast_ref::<Float64Array>() {
        primitive(out, array, f64::to_le_bytes);
    } else if let Some(array) = any.downcast_ref::<Int64Array>() {
        primitive(out, array, i64::to_le_bytes);
    } else if let Some(array) = any.downcast_ref::<UInt64Array>() {
        primitive(out, array, u64::to_le_bytes);
    } else if let Some(array) = any.downcast_ref::<TimestampNanosecondArray>() {
        primitive(out, array, i64::to_le_bytes);
    } else if let Some(array) = any.downcast_ref::<BooleanArray>() {
        out.extend(array.iter().flatten().map(u8::from));
    } else if let Some(array) = any.downcast_ref::<StringArray>() {
        for value in array.iter().flatten() {
            text(out, value);
        }
    } else if let Some(array) = any.downcast_ref::<TagArray>()
        && let Some(dictionary) = array.values().as_any().downcast_ref::<StringArray>()
    {
        tags(out, array, dictionary);
    }
}

/// A payload that cannot be what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("record version {0} is not known")]
    Version(u8),
    #[error("the record is cut short")]
    Short,
    #[error("the record has {0}")]
    Invalid(&'static str),
}

/// What a record calls a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LoggedTable {
    Id(TableId),
    /// In records of version 1.
    Name(String),
}

impl fmt::Display for LoggedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "table {id}"),
            Self::Name(name) => write!(f, "table {name:?}"),
        }
    }
}

/// A decoded payload.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) database: DatabaseId,
    pub(crate) chunks: Vec<(LoggedTable, Chunk)>,
}

/// Reads a payload back.
pub(crate) fn decode(payload: &[u8]) -> Result<Decoded, DecodeError> {
    let mut input = Input { rest: payload };
    let version = input.byte()?;
    if !(VERSION_OF_NAMES..=VERSION).contains(&version) {
        return Err(DecodeError::Version(version));
    }
    let database = input.id(DatabaseId::new)?;
    let count = input.varint()?;
    let mut chunks = Vec::new();
    for _ in 0..count {
        let table = match version {
            VERSION_OF_NAMES => LoggedTable::Name(input.text()?.to_owned()),
            _ => LoggedTable::Id(input.id(TableId::new)?),
        };
        chunks.push((table, input.chunk()?));
    }
    if input.rest.is_empty() {
        Ok(Decoded { database, chunks })
    } else {
        Err(DecodeError::Invalid("bytes behind its end"))
    }
}

struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(DecodeError::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(DecodeError::Short)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(u8::from_le_bytes)
    }

    fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::Invalid("a number that is too long"))
    }

    fn id<T>(&mut self, id: impl Fn(i64) -> Option<T>) -> Result<T, DecodeError> {
        let number = i64::try_from(self.varint()?).ok();
        number.and_then(id).ok_or(DecodeError::Invalid("an id out of range"))
    }

    /// A count of things that take at least a byte each, so that it never asks for more memory than the input has.
    fn count(&mut self) -> Result<usize, DecodeError> {
        usize::try_from(self.varint()?).ok().filter(|&count| count <= self.rest.len()).ok_or(DecodeError::Short)
    }

    fn text(&mut self) -> Result<&'a str, DecodeError> {
        let length = self.count()?;
        std::str::from_utf8(self.take(length)?).map_err(|_| DecodeError::Invalid("a text that is not UTF-8"))
    }

    fn chunk(&mut self) -> Result<Chunk, DecodeError> {
        let rows = self.count()?;
        if rows > MAX_ROWS {
            return Err(DecodeError::Invalid("too many rows in a chunk"));
        }
        let count = self.count()?;
        let mut columns = Vec::new();
        let mut arrays = Vec::new();
        for _ in 0..count {
            let name = self.text()?;
            let kind = ColumnKind::from_code(self.byte()?).ok_or(DecodeError::Invalid("an unknown column kind"))?;
            columns.push(Column::new(name, kind));
            arrays.push(self.column(kind, rows)?);
        }
        if !columns.is_sorted_by(|a, b| a.name < b.name) {
            return Err(DecodeError::Invalid("columns out of order"));
        }
        Chunk::try_new(Arc::new(TableSchema::new(columns)), arrays)
            .map_err(|_| DecodeError::Invalid("columns that do not fit together"))
    }

    fn column(&mut self, kind: ColumnKind, rows: usize) -> Result<ArrayRef, DecodeError> {
        let nulls = match self.byte()? {
            0 => None,
            1 => {
                let bits = self.take(rows.div_ceil(8))?;
                Some(NullBuffer::new(BooleanBuffer::new(bits.into(), 0, rows)))
            }
            _ => return Err(DecodeError::Invalid("an unknown form of nulls")),
        };
        let column = Cells { rows, nulls };
        Ok(match kind {
            ColumnKind::Time => Arc::new(column.primitive::<TimestampNanosecondType, 8>(self, i64::from_le_bytes)?),
            ColumnKind::Tag => Arc::new(column.tags(self)?),
            ColumnKind::Field(FieldType::Float) => {
                Arc::new(column.primitive::<Float64Type, 8>(self, f64::from_le_bytes)?)
            }
            ColumnKind::Field(FieldType::Integer) => {
                Arc::new(column.primitive::<Int64Type, 8>(self, i64::from_le_bytes)?)
            }
            ColumnKind::Field(FieldType::UInteger) => {
                Arc::new(column.primitive::<UInt64Type, 8>(self, u64::from_le_bytes)?)
            }
            ColumnKind::Field(FieldType::String) => Arc::new(column.strings(self)?),
            ColumnKind::Field(FieldType::Boolean) => Arc::new(column.booleans(self)?),
        })
    }
}

/// Which rows of a column have a value.
struct Cells {
    rows: usize,
    nulls: Option<NullBuffer>,
}

impl Cells {
    fn valid(&self) -> impl Iterator<Item = bool> {
        let nulls = self.nulls.as_ref();
        (0..self.rows).map(move |row| nulls.is_none_or(|nulls| nulls.is_valid(row)))
    }

    fn primitive<T: ArrowPrimitiveType, const N: usize>(
        self,
        input: &mut Input<'_>,
        read: impl Fn([u8; N]) -> T::Native,
    ) -> Result<PrimitiveArray<T>, DecodeError> {
        let mut values = Vec::with_capacity(self.rows);
        for valid in self.valid() {
            values.push(if valid { read(input.array()?) } else { T::default_value() });
        }
        Ok(PrimitiveArray::new(values.into(), self.nulls))
    }

    fn tags(self, input: &mut Input<'_>) -> Result<TagArray, DecodeError> {
        let count = input.count()?;
        let mut dictionary = StringBuilder::new();
        for _ in 0..count {
            dictionary.append_value(input.text()?);
        }
        let keys = match key_width(count) {
            1 => self.primitive::<Int32Type, 1>(input, |key| i32::from(u8::from_le_bytes(key)))?,
            2 => self.primitive::<Int32Type, 2>(input, |key| i32::from(u16::from_le_bytes(key)))?,
            _ => self.primitive::<Int32Type, 4>(input, i32::from_le_bytes)?,
        };
        TagArray::try_new(keys, Arc::new(dictionary.finish()))
            .map_err(|_| DecodeError::Invalid("a tag outside its dictionary"))
    }

    fn strings(self, input: &mut Input<'_>) -> Result<StringArray, DecodeError> {
        let mut values = StringBuilder::new();
        for valid in self.valid() {
            if valid { values.append_value(input.text()?) } else { values.append_null() }
        }
        Ok(values.finish())
    }

    fn booleans(self, input: &mut Input<'_>) -> Result<BooleanArray, DecodeError> {
        let mut values = BooleanBufferBuilder::new(self.rows);
        for valid in self.valid() {
            values.append(valid && input.byte()? != 0);
        }
        Ok(BooleanArray::new(values.finish(), self.nulls))
    }
}

#[cfg(test)]
mod tests;
