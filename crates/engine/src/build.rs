//! Collects the rows of one request and table into chunks, column by column.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, StringDictionaryBuilder,
    TimestampNanosecondArray, UInt64Builder,
};
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;
use tidegate_line_protocol::{FieldType, FieldValue, Line};

use crate::chunk::Chunk;
use crate::density;
use crate::schema::{Column, ColumnKind, TIME, TableSchema};

/// A line that the schema refuses.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) message: String,
    /// Whether a limit is the reason.
    pub(crate) limit: bool,
}

/// A value on its way into a column.
#[derive(Clone, Copy)]
enum Value<'v> {
    Tag(&'v str),
    Field(&'v FieldValue<'v>),
}

impl Value<'_> {
    fn kind(self) -> ColumnKind {
        match self {
            Self::Tag(_) => ColumnKind::Tag,
            Self::Field(value) => ColumnKind::Field(value.field_type()),
        }
    }
}

/// Names and values of a line, tags first.
fn cells<'l>(line: &'l Line<'_>) -> impl Iterator<Item = (&'l str, Value<'l>)> {
    let tags = line.tags.iter().map(|(name, value)| (&**name, Value::Tag(value)));
    let fields = line.fields.iter().map(|(name, value)| (&**name, Value::Field(value)));
    tags.chain(fields)
}

/// A growing column.
enum Values {
    Tag(StringDictionaryBuilder<Int32Type>),
    Float(Float64Builder),
    Integer(Int64Builder),
    UInteger(UInt64Builder),
    String(StringBuilder),
    Boolean(BooleanBuilder),
}

struct ColumnBuilder {
    column: Column,
    values: Values,
    rows: usize,
}

impl ColumnBuilder {
    /// `None` for the time column, which is kept apart. Starts without room: the defaults of the builders would
    /// take 8 KiB for a single value.
    fn new(column: Column) -> Option<Self> {
        let values = match column.kind {
            ColumnKind::Time => return None,
            ColumnKind::Tag => Values::Tag(StringDictionaryBuilder::with_capacity(0, 0, 0)),
            ColumnKind::Field(FieldType::Float) => Values::Float(Float64Builder::with_capacity(0)),
            ColumnKind::Field(FieldType::Integer) => Values::Integer(Int64Builder::with_capacity(0)),
            ColumnKind::Field(FieldType::UInteger) => Values::UInteger(UInt64Builder::with_capacity(0)),
            ColumnKind::Field(FieldType::String) => Values::String(StringBuilder::with_capacity(0, 0)),
            ColumnKind::Field(FieldType::Boolean) => Values::Boolean(BooleanBuilder::with_capacity(0)),
        };
        Some(Self { column, values, rows: 0 })
    }

    /// Fills with nulls up to `rows`.
    fn pad(&mut self, rows: usize) {
        let missing = rows.saturating_sub(self.rows);
        if missing == 0 {
            return;
        }
        match &mut self.values {
            Values::Tag(builder) => builder.append_nulls(missing),
            Values::Float(builder) => builder.append_nulls(missing),
            Values::Integer(builder) => builder.append_nulls(missing),
            Values::UInteger(builder) => builder.append_nulls(missing),
            Values::String(builder) => builder.append_nulls(missing),
            Values::Boolean(builder) => builder.append_nulls(missing),
        }
        self.rows = rows;
    }

    /// Sets the value of a row; its kind has been checked.
    fn set(&mut self, row: usize, value: Value<'_>) {
        self.pad(row);
        match (&mut self.values, value) {
            (Values::Tag(builder), Value::Tag(tag)) => builder.append_value(tag),
            (Values::Float(builder), Value::Field(FieldValue::Float(field))) => builder.append_value(*field),
            (Values::Integer(builder), Value::Field(FieldValue::Integer(field))) => builder.append_value(*field),
            (Values::UInteger(builder), Value::Field(FieldValue::UInteger(field))) => builder.append_value(*field),
            (Values::String(builder), Value::Field(FieldValue::String(field))) => builder.append_value(field),
            (Values::Boolean(builder), Value::Field(FieldValue::Boolean(field))) => builder.append_value(*field),
            _ => return,
        }
        self.rows += 1;
    }

    fn finish(mut self, rows: usize) -> (Column, ArrayRef) {
        self.pad(rows);
        let array = match self.values {
            Values::Tag(mut builder) => shrunk(builder.finish()),
            Values::Float(mut builder) => shrunk(builder.finish()),
            Values::Integer(mut builder) => shrunk(builder.finish()),
            Values::UInteger(mut builder) => shrunk(builder.finish()),
            Values::String(mut builder) => shrunk(builder.finish()),
            Values::Boolean(mut builder) => shrunk(builder.finish()),
        };
        (self.column, array)
    }
}

/// An array without the room that its builder had to grow; chunks live for long.
fn shrunk(mut array: impl Array + 'static) -> ArrayRef {
    array.shrink_to_fit();
    Arc::new(array)
}

/// A growing chunk.
#[derive(Default)]
struct ChunkBuilder {
    columns: Vec<ColumnBuilder>,
    index: HashMap<Arc<str>, usize>,
    times: Vec<i64>,
    values: usize,
}

impl ChunkBuilder {
    /// Where the column of this name is. Lines tend to repeat the columns of the line before, so `guess`, the place
    /// that the column at this position of that line had, is mostly right.
    fn find(&self, name: &str, guess: Option<usize>) -> Option<usize> {
        let guessed = guess.filter(|&at| self.columns.get(at).is_some_and(|builder| *builder.column.name == *name));
        guessed.or_else(|| self.index.get(name).copied())
    }

    fn add(&mut self, column: Column) -> Option<usize> {
        let at = self.columns.len();
        let name = Arc::clone(&column.name);
        self.columns.push(ColumnBuilder::new(column)?);
        self.index.insert(name, at);
        Some(at)
    }

    /// The columns sorted by name.
    fn finish(self) -> Sealed {
        let rows = self.times.len();
        let mut columns: Vec<(Column, ArrayRef)> =
            self.columns.into_iter().map(|builder| builder.finish(rows)).collect();
        let times = TimestampNanosecondArray::from(self.times);
        columns.push((Column::new(TIME, ColumnKind::Time), Arc::new(times)));
        columns.sort_unstable_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        columns.into_iter().unzip()
    }
}

/// Columns of a finished chunk, by name.
type Sealed = (Vec<Column>, Vec<ArrayRef>);

/// The rows of one table in one request.
pub(crate) struct TableBuilder {
    base: Arc<TableSchema>,
    added: HashMap<Arc<str>, ColumnKind>,
    max_columns: usize,
    chunk: ChunkBuilder,
    sealed: Vec<Sealed>,
    /// Places in `chunk` of the cells of the line before.
    places: Vec<Option<usize>>,
    /// The same for the line at hand; kept for its allocation.
    next_places: Vec<Option<usize>>,
}

impl TableBuilder {
    /// `base` is the schema of the table before these rows.
    pub(crate) fn new(base: Arc<TableSchema>, max_columns: usize) -> Self {
        Self {
            base,
            added: HashMap::new(),
            max_columns,
            chunk: ChunkBuilder::default(),
            sealed: Vec::new(),
            places: Vec::new(),
            next_places: Vec::new(),
        }
    }

    /// Whether no line has been added.
    pub(crate) fn is_empty(&self) -> bool {
        self.chunk.times.is_empty() && self.sealed.is_empty()
    }

    /// Number of columns of the table, `time` included, with those that lines of this request added.
    fn column_count(&self) -> usize {
        self.base.columns().len() + self.added.len()
    }

    /// The column of this name in the schema or among the added ones.
    fn known(&self, name: &str) -> Option<Column> {
        if let Some(column) = self.base.column(name) {
            return Some(column.clone());
        }
        self.added.get_key_value(name).map(|(name, &kind)| Column::new(Arc::clone(name), kind))
    }

    /// Adds a line, or nothing at all of it.
    pub(crate) fn push(&mut self, line: &Line<'_>, time: i64) -> Result<(), Refusal> {
        let cell_count = self.check(line)?;
        let unplaced = self.next_places.iter().filter(|place| place.is_none()).count();
        let columns = self.chunk.columns.len() + unplaced + 1;
        if !density::admits(self.chunk.times.len() + 1, columns, self.chunk.values + cell_count + 1) {
            self.seal();
        }
        self.apply(line, time);
        Ok(())
    }

    /// Checks a line and notes where its cells go. Returns the number of its cells.
    fn check(&mut self, line: &Line<'_>) -> Result<usize, Refusal> {
        self.next_places.clear();
        let mut new_columns = 0;
        let mut cell_count = 0;
        for (position, (name, value)) in cells(line).enumerate() {
            let kind = value.kind();
            let place = self.chunk.find(name, self.places.get(position).copied().flatten());
            let existing = match place.and_then(|at| self.chunk.columns.get(at)) {
                Some(builder) if builder.column.kind == kind => None,
                Some(builder) => Some(builder.column.clone()),
                None => {
                    let known = self.known(name);
                    new_columns += usize::from(known.is_none());
                    known
                }
            };
            if let Some(column) = existing.filter(|column| column.kind != kind) {
                return Err(Refusal { message: column.conflict(kind), limit: false });
            }
            self.next_places.push(place);
            cell_count += 1;
        }
        if new_columns > 0 && self.column_count() + new_columns > self.max_columns {
            let limit = self.max_columns;
            let message = format!("Update to schema would exceed number of columns per table limit of {limit} columns");
            return Err(Refusal { message, limit: true });
        }
        Ok(cell_count)
    }

    fn apply(&mut self, line: &Line<'_>, time: i64) {
        let row = self.chunk.times.len();
        for (position, (name, value)) in cells(line).enumerate() {
            let mut place = self.next_places.get(position).copied().flatten();
            if place.is_none() {
                let column = self.known(name).unwrap_or_else(|| {
                    let column = Column::new(name, value.kind());
                    self.added.insert(Arc::clone(&column.name), column.kind);
                    column
                });
                place = self.chunk.add(column);
            }
            if let Some(builder) = place.and_then(|at| self.chunk.columns.get_mut(at)) {
                builder.set(row, value);
                self.chunk.values += 1;
            }
            if let Some(slot) = self.next_places.get_mut(position) {
                *slot = place;
            }
        }
        self.chunk.times.push(time);
        self.chunk.values += 1;
        std::mem::swap(&mut self.places, &mut self.next_places);
    }

    /// Ends the chunk; the next row starts another one.
    fn seal(&mut self) {
        let chunk = std::mem::take(&mut self.chunk);
        if !chunk.times.is_empty() {
            self.sealed.push(chunk.finish());
        }
        self.next_places.fill(None);
    }

    /// Ends the table: the schema that it was checked against, the one that it needs, and the rows.
    pub(crate) fn finish(mut self) -> Result<BuiltTable, ArrowError> {
        self.seal();
        let added: Vec<Column> = self.added.into_iter().map(|(name, kind)| Column::new(name, kind)).collect();
        let schema = if added.is_empty() { Arc::clone(&self.base) } else { Arc::new(self.base.with(added)) };
        let mut chunks: Vec<Chunk> = Vec::with_capacity(self.sealed.len());
        for (columns, arrays) in self.sealed {
            let shared = [Some(&schema), chunks.last().map(Chunk::schema)]
                .into_iter()
                .flatten()
                .find(|schema| schema.columns() == columns)
                .map(Arc::clone);
            let chunk_schema = shared.unwrap_or_else(|| Arc::new(TableSchema::new(columns)));
            chunks.push(Chunk::try_new(chunk_schema, arrays)?);
        }
        Ok(BuiltTable { base: self.base, schema, chunks })
    }
}

/// What [`TableBuilder`] makes.
pub(crate) struct BuiltTable {
    /// The schema that the lines were checked against.
    pub(crate) base: Arc<TableSchema>,
    /// That schema with the columns that the lines add.
    pub(crate) schema: Arc<TableSchema>,
    /// The rows in the order of the lines.
    pub(crate) chunks: Vec<Chunk>,
}
