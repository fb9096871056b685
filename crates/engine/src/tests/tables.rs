//! A table directory in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use tidegate_model::{Database, DatabaseId, PartitionTemplate, Table, TableId, Timestamp};

use crate::TableDirectory;

#[derive(Debug, Default)]
pub(crate) struct Tables {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    tables: BTreeMap<TableId, Arc<Table>>,
    /// Names and former names of active tables.
    names: HashMap<(DatabaseId, Arc<str>), TableId>,
    logged: HashMap<(DatabaseId, String), TableId>,
}

impl Tables {
    /// Creates all of these tables, or none if that were too many for the database or a name is taken.
    pub(crate) fn create(&self, database: &Database, names: &[Arc<str>]) -> bool {
        let limits = database.limits;
        let mut state = self.state.lock();
        let too_many = state.active(database.id).count() + names.len() > limits.max_tables as usize;
        let taken = names.iter().any(|name| state.names.contains_key(&(database.id, Arc::clone(name))));
        if too_many || taken {
            return false;
        }
        for name in names {
            let id = state.tables.keys().max().map_or(1, |id| id.get() + 1);
            state.insert(table(
                id,
                database.id,
                name,
                database.partition_template.clone(),
                limits.max_columns_per_table,
            ));
        }
        true
    }

    /// Puts a table in place whose name is free.
    pub(crate) fn insert(&self, table: Table) -> TableId {
        self.state.lock().insert(table)
    }

    /// Gives an active table another name; the present one still reaches it.
    pub(crate) fn rename(&self, id: TableId, name: &str) {
        let mut state = self.state.lock();
        let renamed = Table { name: name.into(), ..(*state.tables[&id]).clone() };
        state.insert(renamed);
    }

    /// Deletes an active table and frees its names.
    pub(crate) fn delete(&self, id: TableId) {
        let mut state = self.state.lock();
        let deleted = Table { deleted_at: Some(Timestamp::from_micros(1)), ..(*state.tables[&id]).clone() };
        state.tables.insert(id, Arc::new(deleted));
        state.names.retain(|_, reached| *reached != id);
    }

    /// Brings a deleted table back under its last name.
    pub(crate) fn undelete(&self, id: TableId) {
        let mut state = self.state.lock();
        let restored = Table { deleted_at: None, ..(*state.tables[&id]).clone() };
        state.insert(restored);
    }

    /// Makes records of the log's first version that name this table mean that one.
    pub(crate) fn log_as(&self, database: DatabaseId, name: &str, id: TableId) {
        self.state.lock().logged.insert((database, name.to_owned()), id);
    }

    /// Every table that ever was.
    pub(crate) fn all(&self) -> Vec<Arc<Table>> {
        self.state.lock().tables.values().cloned().collect()
    }
}

impl State {
    fn insert(&mut self, table: Table) -> TableId {
        let id = table.id;
        let reached = *self.names.entry((table.database, Arc::clone(&table.name))).or_insert(id);
        assert_eq!(reached, id, "{} is taken", table.name);
        self.tables.insert(id, Arc::new(table));
        id
    }

    fn active(&self, database: DatabaseId) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.values().filter(move |table| table.database == database && table.deleted_at.is_none())
    }
}

impl TableDirectory for Tables {
    fn find(&self, database: DatabaseId, name: &str) -> Option<Arc<Table>> {
        let state = self.state.lock();
        let id = state.names.get(&(database, name.into()))?;
        state.tables.get(id).map(Arc::clone)
    }

    fn get(&self, id: TableId) -> Option<Arc<Table>> {
        self.state.lock().tables.get(&id).map(Arc::clone)
    }

    fn active(&self, database: DatabaseId) -> Vec<Arc<Table>> {
        let mut tables: Vec<Arc<Table>> = self.state.lock().active(database).cloned().collect();
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        tables
    }

    fn count(&self, database: DatabaseId) -> usize {
        self.state.lock().active(database).count()
    }

    fn logged_as(&self, database: DatabaseId, name: &str) -> Option<TableId> {
        self.state.lock().logged.get(&(database, name.to_owned())).copied()
    }
}

pub(crate) fn table(
    id: i64,
    database: DatabaseId,
    name: &str,
    partition_template: Option<PartitionTemplate>,
    max_columns: u32,
) -> Table {
    Table {
        id: TableId::new(id).unwrap(),
        database,
        name: name.into(),
        partition_template,
        max_columns,
        created_at: Timestamp::from_micros(0),
        deleted_at: None,
    }
}
