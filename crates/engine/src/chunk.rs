//! Immutable runs of rows, the unit of the buffer and of log records.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, StringArray, StringDictionaryBuilder, TimestampNanosecondArray,
    new_null_array,
};
use arrow::buffer::ScalarBuffer;
use arrow::compute::{concat, filter};
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;

use crate::density;
use crate::schema::{ColumnKind, TIME, TableSchema};

/// Most memory that chunks may have together to be joined, in bytes. Keeps string offsets far from overflow.
const MAX_JOINED_BYTES: usize = 16 * 1024 * 1024;

/// A tag column.
pub(crate) type TagArray = DictionaryArray<Int32Type>;

/// Rows of one table with the columns that they use. Never empty.
#[derive(Debug)]
pub(crate) struct Chunk {
    schema: Arc<TableSchema>,
    columns: Vec<ArrayRef>,
    times: ScalarBuffer<i64>,
    min_time: i64,
    max_time: i64,
    values: usize,
    bytes: usize,
}

impl Chunk {
    /// A chunk of these columns, which must match the schema in number, type and length, with `time` among them
    /// and at least one row.
    pub(crate) fn try_new(schema: Arc<TableSchema>, columns: Vec<ArrayRef>) -> Result<Self, ArrowError> {
        let invalid = |what: &str| ArrowError::InvalidArgumentError(format!("chunk with {what}"));
        let times = schema
            .position(TIME)
            .and_then(|at| columns.get(at))
            .and_then(|column| column.as_any().downcast_ref::<TimestampNanosecondArray>())
            .filter(|times| times.null_count() == 0)
            .map(|times| times.values().clone())
            .ok_or_else(|| invalid("no time column"))?;
        let (Some(&min_time), Some(&max_time)) = (times.iter().min(), times.iter().max()) else {
            return Err(invalid("no rows"));
        };
        if columns.len() != schema.columns().len() {
            return Err(invalid("the wrong number of columns"));
        }
        let mut values = 0;
        let mut bytes = 0;
        for (column, field) in columns.iter().zip(schema.arrow().fields()) {
            if column.len() != times.len() || column.data_type() != field.data_type() {
                return Err(invalid("columns of different length or type"));
            }
            values += column.len() - column.null_count();
            bytes += column.get_array_memory_size();
        }
        Ok(Self { schema, columns, times, min_time, max_time, values, bytes })
    }

    /// The same rows with this schema in place of an equal one of their own.
    pub(crate) fn sharing(mut self, schema: &Arc<TableSchema>) -> Self {
        if schema.columns() == self.schema.columns() {
            self.schema = Arc::clone(schema);
        }
        self
    }

    pub(crate) fn schema(&self) -> &Arc<TableSchema> {
        &self.schema
    }

    /// The columns in the order of the schema.
    pub(crate) fn columns(&self) -> &[ArrayRef] {
        &self.columns
    }

    /// The column of this name, if any row here has it.
    pub(crate) fn column(&self, name: &str) -> Option<&ArrayRef> {
        self.schema.position(name).and_then(|at| self.columns.get(at))
    }

    pub(crate) fn rows(&self) -> usize {
        self.times.len()
    }

    /// Row times in nanoseconds.
    pub(crate) fn times(&self) -> &[i64] {
        &self.times
    }

    /// Oldest and newest row time in nanoseconds.
    pub(crate) fn time_range(&self) -> (i64, i64) {
        (self.min_time, self.max_time)
    }

    /// Cells that are not null.
    pub(crate) fn values(&self) -> usize {
        self.values
    }

    /// The tag columns with their names.
    pub(crate) fn tags(&self) -> impl Iterator<Item = (&str, &TagArray)> {
        self.schema.columns().iter().zip(&self.columns).filter_map(|(column, array)| {
            let array = array.as_any().downcast_ref::<TagArray>()?;
            Some((&*column.name, array))
        })
    }

    /// The rows for which `keep` is true; `None` if there are none.
    pub(crate) fn filter(&self, keep: &BooleanArray) -> Result<Option<Self>, ArrowError> {
        if keep.true_count() == 0 {
            return Ok(None);
        }
        let columns = self.columns.iter().map(|column| filter(column, keep)).collect::<Result<Vec<_>, _>>()?;
        Self::try_new(Arc::clone(&self.schema), columns).map(Some)
    }

    /// The rows of all chunks, in order.
    fn join(chunks: &[Arc<Self>]) -> Result<Self, ArrowError> {
        let schema = union_schema(chunks.iter().map(AsRef::as_ref))?;
        let mut columns = Vec::with_capacity(schema.columns().len());
        for column in schema.columns() {
            let data_type = column.kind.data_type();
            let parts: Vec<ArrayRef> = chunks
                .iter()
                .map(|chunk| match chunk.column(&column.name) {
                    Some(array) => Arc::clone(array),
                    None => new_null_array(&data_type, chunk.rows()),
                })
                .collect();
            columns.push(match column.kind {
                ColumnKind::Tag => join_tags(&parts),
                _ => concat(&parts.iter().map(AsRef::as_ref).collect::<Vec<_>>())?,
            });
        }
        Self::try_new(schema, columns)
    }
}

/// The columns of all chunks, of which there must be one.
pub(crate) fn union_schema<'c>(chunks: impl IntoIterator<Item = &'c Chunk>) -> Result<Arc<TableSchema>, ArrowError> {
    let mut schemas = chunks.into_iter().map(|chunk| &chunk.schema);
    let first = schemas.next().ok_or_else(|| ArrowError::InvalidArgumentError("no chunks".to_owned()))?;
    let mut union = Arc::clone(first);
    for schema in schemas {
        if !Arc::ptr_eq(&union, schema) {
            union = union.union(schema).map_err(|error| ArrowError::SchemaError(error.to_string()))?;
        }
    }
    Ok(union)
}

/// Concatenates tag columns with one dictionary that holds every used value once.
fn join_tags(parts: &[ArrayRef]) -> ArrayRef {
    let mut joined = StringDictionaryBuilder::<Int32Type>::new();
    for part in parts {
        let typed = part.as_any().downcast_ref::<TagArray>().and_then(|tags| tags.downcast_dict::<StringArray>());
        match typed {
            Some(tags) => joined.extend(tags),
            None => joined.append_nulls(part.len()),
        }
    }
    Arc::new(joined.finish())
}

/// Joins the newest chunks while they are small, so that many small writes do not leave many small chunks.
/// Each row is copied a bounded number of times: chunks at least grow by half when they are joined.
pub(crate) fn join_tail(chunks: &mut Vec<Arc<Chunk>>) -> Result<(), ArrowError> {
    let count = joinable(chunks);
    if count < 2 {
        return Ok(());
    }
    let tail = chunks.split_off(chunks.len() - count);
    match Chunk::join(&tail) {
        Ok(joined) => chunks.push(Arc::new(joined)),
        Err(error) => {
            chunks.extend(tail);
            return Err(error);
        }
    }
    Ok(())
}

/// How many of the newest chunks should be one.
fn joinable(chunks: &[Arc<Chunk>]) -> usize {
    let mut newest_first = chunks.iter().rev();
    let Some(newest) = newest_first.next() else { return 0 };
    let mut count = 1;
    let (mut rows, mut values, mut bytes) = (newest.rows(), newest.values, newest.bytes);
    // Names are only needed once schemas differ.
    let mut names: Option<HashSet<&str>> = None;
    for chunk in newest_first {
        if chunk.rows() > 2 * rows || bytes + chunk.bytes > MAX_JOINED_BYTES {
            break;
        }
        if names.is_some() || !Arc::ptr_eq(&chunk.schema, &newest.schema) {
            let names = names.get_or_insert_with(|| newest.schema.names().collect());
            names.extend(chunk.schema.names());
        }
        let columns = names.as_ref().map_or(newest.columns.len(), HashSet::len);
        if !density::admits(rows + chunk.rows(), columns, values + chunk.values) {
            break;
        }
        count += 1;
        rows += chunk.rows();
        values += chunk.values;
        bytes += chunk.bytes;
    }
    count
}
