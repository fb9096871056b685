//! When rows may share a chunk.
//!
//! A chunk stores a cell for every row and column, absent or not. Rows with very different fields would
//! therefore make a chunk far larger than its data: a 10 MiB body that names another of 1 000 fields in every
//! line would fill gigabytes. Rows share a chunk only while a fair part of its cells has a value.

/// Most rows in one chunk; also what queries take at a time.
pub(crate) const MAX_ROWS: usize = 8192;

/// Cells that a chunk may have whatever it holds.
const FREE_CELLS: usize = 512;

/// Cells that a chunk may have for each value in it.
const CELLS_PER_VALUE: usize = 16;

/// Whether a chunk of this shape, `values` of whose cells are not null, is worth having.
pub(crate) const fn admits(rows: usize, columns: usize, values: usize) -> bool {
    let allowed = if values > FREE_CELLS / CELLS_PER_VALUE { values * CELLS_PER_VALUE } else { FREE_CELLS };
    rows <= MAX_ROWS && rows.saturating_mul(columns) <= allowed
}
