//! What the catalog offers on tables.

use std::collections::BTreeSet;
use std::sync::Arc;

use tidegate_model::{
    Database, DatabaseId, DatabaseName, NewTable, OrganizationId, Table, TableId, TableName, Timestamp,
};

use crate::tables::{AdoptTables, CreateMissingTables, CreateTable, DeleteTable, RenameTable, UndeleteTable};
use crate::{Actor, Catalog, CatalogError, RecordStatus};

impl Catalog {
    /// The active table that this name, or former name, reaches. Does no I/O.
    pub fn table(&self, database: DatabaseId, name: &str) -> Option<Arc<Table>> {
        self.shared.memory.tables().find(database, name)
    }

    /// The table of this id, deleted or not. Does no I/O.
    pub fn table_by_id(&self, id: TableId) -> Option<Arc<Table>> {
        self.shared.memory.tables().get(id)
    }

    /// The tables of a database that have this status, by name, then id. Does no I/O.
    pub fn tables(&self, database: DatabaseId, status: RecordStatus) -> Vec<Arc<Table>> {
        let memory = self.shared.memory.tables();
        let mut tables = match status {
            RecordStatus::Active => return memory.active(database),
            RecordStatus::Deleted => return memory.deleted(database),
            RecordStatus::All => memory.active(database),
        };
        tables.extend(memory.deleted(database));
        tables.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        tables
    }

    /// How many active tables a database has. Does no I/O.
    pub fn table_count(&self, database: DatabaseId) -> usize {
        self.shared.memory.tables().count(database)
    }

    /// The table that the log's first version calls by this name. Does no I/O.
    pub fn table_logged_as(&self, database: DatabaseId, name: &str) -> Option<TableId> {
        self.shared.memory.tables().logged_as(database, name)
    }

    /// Records a new table under an id that no other has had.
    ///
    /// # Errors
    /// [`CatalogError::DatabaseNotFound`], [`CatalogError::TableExists`], [`CatalogError::TooManyTables`].
    pub async fn create_table(
        &self,
        organization: OrganizationId,
        database: DatabaseName,
        new: NewTable,
        actor: Actor,
    ) -> Result<Arc<Table>, CatalogError> {
        self.change(CreateTable { organization, database, new }, actor).await
    }

    /// Records those of the named tables that do not exist: all of them, or none.
    ///
    /// # Errors
    /// [`CatalogError::DatabaseNotFound`] if it is not active any more, [`CatalogError::TooManyTables`].
    pub async fn create_missing_tables(
        &self,
        database: Arc<Database>,
        names: Vec<Arc<str>>,
        actor: Actor,
    ) -> Result<(), CatalogError> {
        self.change(CreateMissingTables { database, names }, actor).await.map(drop)
    }

    /// Gives ids to tables that the log's first version calls by name. To be done once, before the log is opened.
    ///
    /// # Errors
    /// [`CatalogError::DatabaseNotFound`] if the log and the catalog do not belong together.
    pub async fn adopt_tables(&self, named: BTreeSet<(DatabaseId, String)>) -> Result<(), CatalogError> {
        self.change(AdoptTables(named), Actor::Server).await.map(drop)
    }

    /// Deletes the active table that has this name at present, softly. Its names are free again.
    ///
    /// # Errors
    /// [`CatalogError::DatabaseNotFound`], [`CatalogError::TableNotFound`].
    pub async fn delete_table(
        &self,
        organization: OrganizationId,
        database: DatabaseName,
        name: String,
        actor: Actor,
    ) -> Result<Arc<Table>, CatalogError> {
        self.change(DeleteTable { organization, database, name }, actor).await
    }

    /// Gives a table another name. Its former ones still reach it until it is deleted.
    ///
    /// # Errors
    /// [`CatalogError::DatabaseNotFound`], [`CatalogError::TableNotFound`]; [`CatalogError::TableExists`], also for its
    /// own present name and for former names of other tables.
    pub async fn rename_table(
        &self,
        organization: OrganizationId,
        database: DatabaseName,
        name: String,
        new_name: TableName,
        actor: Actor,
    ) -> Result<Arc<Table>, CatalogError> {
        self.change(RenameTable { organization, database, name, new_name }, actor).await
    }

    /// Brings back a table that was deleted after `deleted_after`, as it was, without its former names.
    ///
    /// # Errors
    /// [`CatalogError::DatabaseNotFound`]; [`CatalogError::TableNotFound`], also if it belongs to another database or
    /// was deleted too long ago; [`CatalogError::NotDeleted`]; [`CatalogError::NameTaken`];
    /// [`CatalogError::TooManyTables`].
    pub async fn undelete_table(
        &self,
        organization: OrganizationId,
        database: DatabaseName,
        id: TableId,
        deleted_after: Timestamp,
        actor: Actor,
    ) -> Result<Arc<Table>, CatalogError> {
        self.change(UndeleteTable { organization, database, id, deleted_after }, actor).await
    }
}
