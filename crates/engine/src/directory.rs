//! Where the engine asks for tables: names, ids and settings are kept elsewhere, rows here.

use std::fmt;
use std::sync::Arc;

use tidegate_model::{DatabaseId, Table, TableId};

/// Who keeps the names of tables. Answers from memory, at once.
///
/// The engine asks while it holds up writes, so an implementation must not call the engine.
pub trait TableDirectory: fmt::Debug + Send + Sync {
    /// The active table that this name, or former name, reaches.
    fn find(&self, database: DatabaseId, name: &str) -> Option<Arc<Table>>;

    /// The table of this id, deleted ones included, also those of deleted databases.
    fn get(&self, id: TableId) -> Option<Arc<Table>>;

    /// The active tables of a database, by name.
    fn active(&self, database: DatabaseId) -> Vec<Arc<Table>>;

    /// Number of active tables of a database.
    fn count(&self, database: DatabaseId) -> usize;

    /// The table that records of the log's first version call by this name. They hold names, not ids.
    fn logged_as(&self, database: DatabaseId, name: &str) -> Option<TableId>;
}
