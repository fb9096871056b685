//! What the catalog keeps in memory of tables: all of them, and every name that reaches an active one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tidegate_model::{DatabaseId, Table, TableId};

use crate::CatalogError;
use crate::tables::StoredTable;

/// A committed change to tables.
pub(crate) enum TableChange {
    Created(Vec<Arc<Table>>),
    /// Created for what the log's first version calls by these names.
    Adopted(Vec<Arc<Table>>),
    /// Under a new name; its former ones still reach it.
    Renamed(Arc<Table>),
    Deleted(Arc<Table>),
    Undeleted(Arc<Table>),
}

#[derive(Default)]
pub(crate) struct TableMemory {
    by_id: HashMap<TableId, Arc<Table>>,
    databases: HashMap<DatabaseId, DatabaseTables>,
    logged: HashMap<DatabaseId, HashMap<Arc<str>, TableId>>,
}

/// The active tables of a database.
#[derive(Default)]
struct DatabaseTables {
    /// By name and by former name.
    names: BTreeMap<Arc<str>, Arc<Table>>,
    count: usize,
}

impl TableMemory {
    pub(crate) fn new(
        stored: Vec<StoredTable>,
        names: Vec<(DatabaseId, Arc<str>, TableId)>,
    ) -> Result<Self, CatalogError> {
        let mut memory = Self::default();
        for StoredTable { table, logged_as } in stored {
            if let Some(name) = logged_as {
                memory.logged.entry(table.database).or_default().insert(name, table.id);
            }
            if table.deleted_at.is_none() {
                memory.databases.entry(table.database).or_default().count += 1;
            }
            memory.by_id.insert(table.id, Arc::new(table));
        }
        for (database, name, id) in names {
            let table = memory.by_id.get(&id).ok_or_else(|| CatalogError::corrupt("a name reaches no table"))?;
            memory.databases.entry(database).or_default().names.insert(name, table.clone());
        }
        Ok(memory)
    }

    pub(crate) fn find(&self, database: DatabaseId, name: &str) -> Option<Arc<Table>> {
        self.databases.get(&database)?.names.get(name).cloned()
    }

    pub(crate) fn get(&self, id: TableId) -> Option<Arc<Table>> {
        self.by_id.get(&id).cloned()
    }

    pub(crate) fn active(&self, database: DatabaseId) -> Vec<Arc<Table>> {
        let Some(tables) = self.databases.get(&database) else { return Vec::new() };
        tables.names.iter().filter(|(name, table)| **name == table.name).map(|(_, table)| table.clone()).collect()
    }

    /// By name, then id.
    pub(crate) fn deleted(&self, database: DatabaseId) -> Vec<Arc<Table>> {
        let is_deleted = |table: &&Arc<Table>| table.database == database && table.deleted_at.is_some();
        let mut deleted: Vec<_> = self.by_id.values().filter(is_deleted).cloned().collect();
        deleted.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        deleted
    }

    pub(crate) fn count(&self, database: DatabaseId) -> usize {
        self.databases.get(&database).map_or(0, |tables| tables.count)
    }

    pub(crate) fn logged_as(&self, database: DatabaseId, name: &str) -> Option<TableId> {
        self.logged.get(&database)?.get(name).copied()
    }

    pub(crate) fn apply(&mut self, change: TableChange) {
        match change {
            TableChange::Created(tables) => tables.into_iter().for_each(|table| self.add(table)),
            TableChange::Adopted(tables) => {
                for table in tables {
                    self.logged.entry(table.database).or_default().insert(table.name.clone(), table.id);
                    self.add(table);
                }
            }
            TableChange::Undeleted(table) => self.add(table),
            TableChange::Renamed(table) => {
                let tables = self.databases.entry(table.database).or_default();
                for reached in tables.names.values_mut().filter(|reached| reached.id == table.id) {
                    *reached = table.clone();
                }
                tables.names.insert(table.name.clone(), table.clone());
                self.by_id.insert(table.id, table);
            }
            TableChange::Deleted(table) => {
                let tables = self.databases.entry(table.database).or_default();
                tables.names.retain(|_, reached| reached.id != table.id);
                tables.count = tables.count.saturating_sub(1);
                self.by_id.insert(table.id, table);
            }
        }
    }

    fn add(&mut self, table: Arc<Table>) {
        let tables = self.databases.entry(table.database).or_default();
        tables.names.insert(table.name.clone(), table.clone());
        tables.count += 1;
        self.by_id.insert(table.id, table);
    }
}
