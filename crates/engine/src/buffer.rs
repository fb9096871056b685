//! Everything that is durable, in memory: databases and their tables.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::RwLock;
use tidegate_model::DatabaseId;

use crate::chunk::Chunk;
use crate::schema::TableSchema;
use crate::series::SeriesSummary;
use crate::table::Table;

/// Rows of one record and table on their way into the buffer.
#[derive(Debug)]
pub(crate) struct TableRows {
    pub(crate) name: Arc<str>,
    /// The columns that the table has once these rows are in it.
    pub(crate) schema: Arc<TableSchema>,
    pub(crate) chunks: Vec<(Chunk, SeriesSummary)>,
}

type Tables = Arc<RwLock<BTreeMap<Arc<str>, Arc<Table>>>>;

/// The tables of all databases. A table exists from its first durable row.
#[derive(Debug)]
pub(crate) struct Buffer {
    /// See [`EngineOptions::merge_rows`](crate::EngineOptions::merge_rows).
    merge_rows: usize,
    databases: RwLock<HashMap<DatabaseId, Tables>>,
}

impl Buffer {
    pub(crate) fn new(merge_rows: usize) -> Self {
        Self { merge_rows, databases: RwLock::default() }
    }

    /// Adds the rows of one record. Returns the tables that should be settled.
    pub(crate) fn append(&self, database: DatabaseId, rows: Vec<TableRows>) -> Vec<Arc<Table>> {
        let existing = self.databases.read().get(&database).map(Arc::clone);
        let tables = existing.unwrap_or_else(|| Arc::clone(self.databases.write().entry(database).or_default()));
        let mut to_settle = Vec::new();
        for TableRows { name, schema, chunks } in rows {
            let existing = tables.read().get(&name).map(Arc::clone);
            let new = existing.is_none();
            let table = existing.unwrap_or_else(|| Arc::new(Table::new(Arc::clone(&schema))));
            if table.append(schema, chunks, self.merge_rows) {
                to_settle.push(Arc::clone(&table));
            }
            if new {
                // Only now, so that no query finds the table without its first rows.
                tables.write().insert(name, table);
            }
        }
        to_settle
    }

    /// A table, if it has rows.
    pub(crate) fn table(&self, database: DatabaseId, name: &str) -> Option<Arc<Table>> {
        let tables = self.databases.read().get(&database).map(Arc::clone)?;
        tables.read().get(name).map(Arc::clone)
    }

    /// Names of the tables of a database, sorted.
    pub(crate) fn table_names(&self, database: DatabaseId) -> Vec<Arc<str>> {
        let Some(tables) = self.databases.read().get(&database).map(Arc::clone) else { return Vec::new() };
        tables.read().keys().map(Arc::clone).collect()
    }
}
