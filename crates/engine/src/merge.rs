//! Last write wins: brings rows of the same tags and time together (data-plane contract §5.4).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, StringArray, UInt32Array, new_null_array};
use arrow::compute::{interleave, take};
use arrow::error::ArrowError;
use arrow::row::{Row, RowConverter, Rows, SortField};

use crate::chunk::{Chunk, join_tail, union_schema};
use crate::density;
use crate::schema::{Column, ColumnKind, TIME};

/// Most bytes of strings in one merged chunk.
const MAX_STRING_BYTES: usize = 16 * 1024 * 1024;

/// One of the rows that have the same tags and time. In this order, later ones win.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    /// Number of the distinct row, in order of first appearance.
    row_id: usize,
    /// Index of its chunk.
    source: usize,
    /// Index of its row there.
    row: usize,
}

/// Merges `pending` into `settled`, whose rows are distinct and older. The result has distinct rows only.
pub(crate) fn merge(settled: &[Arc<Chunk>], pending: &[Arc<Chunk>]) -> Result<Vec<Arc<Chunk>>, ArrowError> {
    let sources: Vec<&Chunk> = settled.iter().chain(pending).map(AsRef::as_ref).collect();
    let keys = Keys::new(&sources)?;
    let pending_keys = pending.iter().map(|chunk| keys.of(chunk, None)).collect::<Result<Vec<_>, _>>()?;

    let mut versions = Vec::new();
    let mut row_ids: HashMap<Row<'_>, usize> = HashMap::new();
    for (at, keys) in pending_keys.iter().enumerate() {
        for (row, key) in keys.iter().enumerate() {
            let next = row_ids.len();
            let row_id = *row_ids.entry(key).or_insert(next);
            versions.push(Version { row_id, source: settled.len() + at, row });
        }
    }
    let replaced = find_replaced(settled, pending, &keys, &row_ids)?;
    for (source, hits) in replaced.iter().enumerate() {
        versions.extend(hits.iter().map(|&(row, row_id)| Version { row_id, source, row }));
    }
    versions.sort_unstable();

    let mut chunks = Vec::with_capacity(settled.len());
    for (chunk, hits) in settled.iter().zip(&replaced) {
        let kept = if hits.is_empty() { Some(Arc::clone(chunk)) } else { without(chunk, hits)?.map(Arc::new) };
        chunks.extend(kept);
    }
    for piece in pieces(&sources, &versions) {
        chunks.push(Arc::new(piece.build(&sources)?));
        join_tail(&mut chunks)?;
    }
    Ok(chunks)
}

/// For each settled chunk the rows that pending ones replace, with their row ids.
fn find_replaced(
    settled: &[Arc<Chunk>],
    pending: &[Arc<Chunk>],
    keys: &Keys,
    row_ids: &HashMap<Row<'_>, usize>,
) -> Result<Vec<Vec<(usize, usize)>>, ArrowError> {
    let times: HashSet<i64> = pending.iter().flat_map(|chunk| chunk.times().iter().copied()).collect();
    let oldest = times.iter().min().copied().unwrap_or(i64::MAX);
    let newest = times.iter().max().copied().unwrap_or(i64::MIN);
    let mut replaced = Vec::with_capacity(settled.len());
    for chunk in settled {
        let mut hits = Vec::new();
        let (first, last) = chunk.time_range();
        if first <= newest && last >= oldest {
            let candidates: Vec<u32> =
                (0_u32..).zip(chunk.times()).filter_map(|(row, time)| times.contains(time).then_some(row)).collect();
            if !candidates.is_empty() {
                let candidates = UInt32Array::from(candidates);
                let candidate_keys = keys.of(chunk, Some(&candidates))?;
                let found = candidates.values().iter().zip(candidate_keys.iter());
                hits.extend(found.filter_map(|(&row, key)| Some((row as usize, *row_ids.get(&key)?))));
            }
        }
        replaced.push(hits);
    }
    Ok(replaced)
}

/// A chunk without these rows.
fn without(chunk: &Chunk, rows: &[(usize, usize)]) -> Result<Option<Chunk>, ArrowError> {
    let mut keep = vec![true; chunk.rows()];
    for &(row, _) in rows {
        if let Some(keep) = keep.get_mut(row) {
            *keep = false;
        }
    }
    chunk.filter(&BooleanArray::from(keep))
}

/// Makes comparable keys of tags and time.
struct Keys {
    converter: RowConverter,
    tags: Vec<Column>,
}

impl Keys {
    fn new(sources: &[&Chunk]) -> Result<Self, ArrowError> {
        let names: BTreeSet<&str> = sources.iter().flat_map(|chunk| chunk.tags().map(|(name, _)| name)).collect();
        let tags: Vec<Column> = names.into_iter().map(|name| Column::new(name, ColumnKind::Tag)).collect();
        let kinds = tags.iter().map(|tag| tag.kind).chain([ColumnKind::Time]);
        let fields = kinds.map(|kind| SortField::new(kind.data_type())).collect();
        Ok(Self { converter: RowConverter::new(fields)?, tags })
    }

    /// The keys of these rows of a chunk, or of all.
    fn of(&self, chunk: &Chunk, rows: Option<&UInt32Array>) -> Result<Rows, ArrowError> {
        let count = rows.map_or(chunk.rows(), |rows| rows.len());
        let names = self.tags.iter().map(|tag| (&*tag.name, tag.kind)).chain([(TIME, ColumnKind::Time)]);
        let columns = names
            .map(|(name, kind)| match (chunk.column(name), rows) {
                (Some(column), Some(rows)) => take(column, rows, None),
                (Some(column), None) => Ok(Arc::clone(column)),
                (None, _) => Ok(new_null_array(&kind.data_type(), count)),
            })
            .collect::<Result<Vec<_>, _>>()?;
        self.converter.convert_columns(&columns)
    }
}

/// Distinct rows that make one chunk of the result.
struct Piece<'v> {
    /// The versions of each row.
    rows: Vec<&'v [Version]>,
    /// The chunks that they come from.
    sources: BTreeSet<usize>,
}

/// Cuts distinct rows into chunks that are neither too long nor too sparse.
fn pieces<'v>(sources: &[&Chunk], versions: &'v [Version]) -> Vec<Piece<'v>> {
    let mut pieces = Vec::new();
    let mut piece = Piece { rows: Vec::new(), sources: BTreeSet::new() };
    let mut columns: HashSet<&str> = HashSet::new();
    let mut values = 0;
    let mut string_bytes = 0;
    for row in versions.chunk_by(|a, b| a.row_id == b.row_id) {
        let from = |version: &Version| sources.get(version.source).copied();
        let row_values: usize = row.iter().filter_map(from).map(|chunk| chunk.values() / chunk.rows()).sum();
        let row_bytes: usize =
            row.iter().filter_map(|version| from(version).map(|chunk| string_bytes_of(chunk, version.row))).sum();
        let new_columns: HashSet<&str> = row
            .iter()
            .filter(|version| !piece.sources.contains(&version.source))
            .filter_map(from)
            .flat_map(|chunk| chunk.schema().names())
            .filter(|name| !columns.contains(name))
            .collect();
        let fits = density::admits(piece.rows.len() + 1, columns.len() + new_columns.len(), values + row_values)
            && string_bytes + row_bytes <= MAX_STRING_BYTES;
        if !fits && !piece.rows.is_empty() {
            pieces.push(std::mem::replace(&mut piece, Piece { rows: Vec::new(), sources: BTreeSet::new() }));
            columns.clear();
            values = 0;
            string_bytes = 0;
        }
        for version in row {
            if piece.sources.insert(version.source)
                && let Some(chunk) = from(version)
            {
                columns.extend(chunk.schema().names());
            }
        }
        values += row_values;
        string_bytes += row_bytes;
        piece.rows.push(row);
    }
    if !piece.rows.is_empty() {
        pieces.push(piece);
    }
    pieces
}

fn string_bytes_of(chunk: &Chunk, row: usize) -> usize {
    let strings = chunk.columns().iter().filter_map(|column| column.as_any().downcast_ref::<StringArray>());
    strings.map(|column| column.value_length(row).unsigned_abs() as usize).sum()
}

impl Piece<'_> {
    /// Each field takes its latest value; rows that do not name it leave the older one.
    fn build(&self, sources: &[&Chunk]) -> Result<Chunk, ArrowError> {
        let chunks: Vec<&Chunk> = self.sources.iter().filter_map(|&at| sources.get(at).copied()).collect();
        let mut places = HashMap::new();
        for (place, &source) in self.sources.iter().enumerate() {
            places.insert(source, place);
        }
        let schema = union_schema(chunks.iter().copied())?;
        let mut columns = Vec::with_capacity(schema.columns().len());
        for column in schema.columns() {
            let nulls = new_null_array(&column.kind.data_type(), 1);
            let arrays: Vec<Option<&ArrayRef>> = chunks.iter().map(|chunk| chunk.column(&column.name)).collect();
            let choose = |version: &Version| -> Option<(usize, usize)> {
                let place = *places.get(&version.source)?;
                let array = arrays.get(place).copied().flatten()?;
                array.is_valid(version.row).then_some((place, version.row))
            };
            // Tags and time are the same in all versions, so that any value of them is the right one.
            let absent = (chunks.len(), 0);
            let indices: Vec<(usize, usize)> =
                self.rows.iter().map(|versions| versions.iter().rev().find_map(choose).unwrap_or(absent)).collect();
            let mut values: Vec<&dyn Array> = arrays.iter().map(|array| array.unwrap_or(&nulls).as_ref()).collect();
            values.push(nulls.as_ref());
            columns.push(interleave(&values, &indices)?);
        }
        Chunk::try_new(schema, columns)
    }
}
