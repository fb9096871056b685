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
    by_id: HashMap<TableId, Entry>,
    databases: HashMap<DatabaseId, DatabaseTables>,
    logged: HashMap<DatabaseId, HashMap<Arc<str>, TableId>>,
}

struct Entry {
    table: Arc<Table>,
    /// What reaches it while it is active: its name and its former ones.
    names: Vec<Arc<str>>,
}

#[derive(Default)]
struct DatabaseTables {
    /// The active ones, by name and by former name.
    names: BTreeMap<Arc<str>, Arc<Table>>,
    active: usize,
    /// By name, then id.
    deleted: BTreeMap<(Arc<str>, TableId), Arc<Table>>,
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
            let table = Arc::new(table);
            if table.deleted_at.is_none() {
                memory.add(table);
            } else {
                memory.add_deleted(table);
            }
        }
        for (database, name, id) in names {
            let entry = memory.by_id.get_mut(&id).filter(|entry| entry.table.deleted_at.is_none());
            let entry = entry.ok_or_else(|| CatalogError::corrupt("a name reaches no table"))?;
            if entry.table.name != name {
                entry.names.push(name.clone());
            }
            memory.databases.entry(database).or_default().names.insert(name, entry.table.clone());
        }
        Ok(memory)
    }

    pub(crate) fn find(&self, database: DatabaseId, name: &str) -> Option<Arc<Table>> {
        self.databases.get(&database)?.names.get(name).cloned()
    }

    pub(crate) fn get(&self, id: TableId) -> Option<Arc<Table>> {
        self.by_id.get(&id).map(|entry| entry.table.clone())
    }

    /// By name.
    pub(crate) fn active(&self, database: DatabaseId) -> Vec<Arc<Table>> {
        let Some(tables) = self.databases.get(&database) else { return Vec::new() };
        tables.names.iter().filter(|(name, table)| **name == table.name).map(|(_, table)| table.clone()).collect()
    }

    /// By name, then id.
    pub(crate) fn deleted(&self, database: DatabaseId) -> Vec<Arc<Table>> {
        self.databases.get(&database).map(|tables| tables.deleted.values().cloned().collect()).unwrap_or_default()
    }

    pub(crate) fn count(&self, database: DatabaseId) -> usize {
        self.databases.get(&database).map_or(0, |tables| tables.active)
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
            TableChange::Renamed(table) => self.rename(table),
            TableChange::Deleted(table) => self.add_deleted(table),
        }
    }

    /// Adds an active table under its name, perhaps one that was deleted.
    fn add(&mut self, table: Arc<Table>) {
        let tables = self.databases.entry(table.database).or_default();
        tables.deleted.remove(&(table.name.clone(), table.id));
        tables.names.insert(table.name.clone(), table.clone());
        tables.active += 1;
        self.by_id.insert(table.id, Entry { names: vec![table.name.clone()], table });
    }

    /// Adds a deleted table, perhaps one that was active, and takes away what reached it.
    fn add_deleted(&mut self, table: Arc<Table>) {
        let tables = self.databases.entry(table.database).or_default();
        tables.deleted.insert((table.name.clone(), table.id), table.clone());
        if let Some(active) = self.by_id.insert(table.id, Entry { table, names: Vec::new() }) {
            tables.active = tables.active.saturating_sub(1);
            for name in active.names {
                tables.names.remove(&name);
            }
        }
    }

    /// Its former names go on reaching it.
    fn rename(&mut self, table: Arc<Table>) {
        let Some(entry) = self.by_id.get_mut(&table.id) else { return };
        if !entry.names.contains(&table.name) {
            entry.names.push(table.name.clone());
        }
        let tables = self.databases.entry(table.database).or_default();
        for name in &entry.names {
            tables.names.insert(name.clone(), table.clone());
        }
        entry.table = table;
    }
}
