//! Everything that is durable, in memory: the rows of all tables.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use tidegate_model::TableId;

use crate::chunk::Chunk;
use crate::schema::TableSchema;
use crate::series::SeriesSummary;
use crate::table::TableBuffer;

/// Rows of one record and table on their way into the buffer.
#[derive(Debug)]
pub(crate) struct TableRows {
    pub(crate) table: TableId,
    /// The columns that the table has once these rows are in it.
    pub(crate) schema: Arc<TableSchema>,
    pub(crate) chunks: Vec<(Chunk, SeriesSummary)>,
}

/// The rows of all tables, those of deleted ones too. A table is here from its first durable row.
#[derive(Debug)]
pub(crate) struct Buffer {
    /// See [`EngineOptions::merge_rows`](crate::EngineOptions::merge_rows).
    merge_rows: usize,
    tables: RwLock<HashMap<TableId, Arc<TableBuffer>>>,
}

impl Buffer {
    pub(crate) fn new(merge_rows: usize) -> Self {
        Self { merge_rows, tables: RwLock::default() }
    }

    /// Adds the rows of one record. Returns the tables that should be settled.
    pub(crate) fn append(&self, rows: Vec<TableRows>) -> Vec<Arc<TableBuffer>> {
        let mut to_settle = Vec::new();
        for TableRows { table: id, schema, chunks } in rows {
            let existing = self.table(id);
            let new = existing.is_none();
            let table = existing.unwrap_or_else(|| Arc::new(TableBuffer::new(Arc::clone(&schema))));
            if table.append(schema, chunks, self.merge_rows) {
                to_settle.push(Arc::clone(&table));
            }
            if new {
                // Only now, so that no query finds the table without its first rows.
                self.tables.write().insert(id, table);
            }
        }
        to_settle
    }

    /// The rows of a table, if it has any.
    pub(crate) fn table(&self, id: TableId) -> Option<Arc<TableBuffer>> {
        self.tables.read().get(&id).map(Arc::clone)
    }
}
