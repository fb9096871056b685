//! Tables: create, list, rename, delete, undelete.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use tidegate_access::Entry;
use tidegate_catalog::{CatalogError, RecordStatus};
use tidegate_model::{Database, DatabaseId, DatabaseName, NewTable, Table, TableId, TableName};

use crate::error::{about_database, about_table};
use crate::service::is_recoverable;
use crate::{Service, ServiceError};

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnKind {
    /// The time of the row.
    Time,
    /// A tag.
    Tag,
    /// A field, with the name of its type in SQL's schema.
    Field(String),
}

impl Column {
    fn new(field: &Field) -> Self {
        let kind = match field.data_type() {
            DataType::Timestamp(..) => ColumnKind::Time,
            DataType::Dictionary(..) => ColumnKind::Tag,
            other => ColumnKind::Field(other.to_string()),
        };
        Self { name: field.name().clone(), kind }
    }
}

impl Service {
    /// The tables of a database in this state, by name.
    pub async fn tables(
        &self,
        caller: &Entry,
        database: &DatabaseName,
        status: RecordStatus,
    ) -> Result<Vec<Arc<Table>>, ServiceError> {
        let database = self.listed_database(caller, database)?;
        let since = self.recoverable_since();
        let mut tables = self.catalog.tables(database.id, status);
        tables.retain(|table| is_recoverable(table.deleted_at, since));
        Ok(tables)
    }

    /// The table that has this name at present.
    pub async fn table(&self, caller: &Entry, database: &DatabaseName, name: &str) -> Result<Arc<Table>, ServiceError> {
        let id = self.listed_database(caller, database)?.id;
        let table = self.catalog.table(id, name).filter(|table| *table.name == *name);
        table.ok_or_else(|| ServiceError::TableNotFound(database.clone(), name.to_owned()))
    }

    /// The columns of the table that has this name at present, by name.
    pub async fn table_columns(
        &self,
        caller: &Entry,
        database: &DatabaseName,
        name: &str,
    ) -> Result<Vec<Column>, ServiceError> {
        let id = self.table(caller, database, name).await?.database;
        let schema = self.engine.schema(id, None);
        let found = caller.run(schema.table(name)).await.map_err(|reason| ServiceError::ended(reason, None))?;
        let table = found.map_err(ServiceError::internal)?;
        let table = table.ok_or_else(|| ServiceError::TableNotFound(database.clone(), name.to_owned()))?;
        Ok(table.schema().fields().iter().map(|field| Column::new(field)).collect())
    }

    /// The names of a database's active tables, for callers with typed permissions.
    ///
    /// # Errors
    /// [`ServiceError::DatabaseIdNotFound`], also for a database that the caller may not see.
    pub fn table_names(&self, caller: &Entry, database: DatabaseId) -> Result<Vec<String>, ServiceError> {
        let id = self.visible_database(caller, database)?.id;
        let tables = self.catalog.tables(id, RecordStatus::Active);
        Ok(tables.iter().map(|table| table.name.to_string()).collect())
    }

    /// A database whose tables a caller asks for.
    fn listed_database(&self, caller: &Entry, name: &DatabaseName) -> Result<Arc<Database>, ServiceError> {
        if let Some(reason) = caller.end_reason() {
            return Err(ServiceError::ended(reason, None));
        }
        self.catalog
            .database(self.identity().organization, name)
            .ok_or_else(|| ServiceError::DatabaseNotFound(name.clone()))
    }

    /// Creates a table. Without a template of its own it takes over the database's.
    pub async fn create_table(
        self: &Arc<Self>,
        caller: Entry,
        database: DatabaseName,
        new: NewTable,
    ) -> Result<Arc<Table>, ServiceError> {
        let organization = self.identity().organization;
        self.change_catalog(caller, move |catalog, actor| async move {
            catalog.create_table(organization, database.clone(), new, actor).await.map_err(about_database(&database))
        })
        .await
    }

    /// Deletes the table that has this name at present, softly. A write that begins afterwards makes a new one.
    pub async fn delete_table(
        self: &Arc<Self>,
        caller: Entry,
        database: DatabaseName,
        table: String,
    ) -> Result<(), ServiceError> {
        let organization = self.identity().organization;
        self.change_catalog(caller, move |catalog, actor| async move {
            let deleted = catalog.delete_table(organization, database.clone(), table.clone(), actor).await;
            deleted.map(drop).map_err(about_table(&database, &table))
        })
        .await
    }

    /// Gives a table another name. Reads and writes under a former one still reach it.
    pub async fn rename_table(
        self: &Arc<Self>,
        caller: Entry,
        database: DatabaseName,
        table: String,
        new_name: TableName,
    ) -> Result<Arc<Table>, ServiceError> {
        let organization = self.identity().organization;
        self.change_catalog(caller, move |catalog, actor| async move {
            let renamed = catalog.rename_table(organization, database.clone(), table.clone(), new_name, actor).await;
            renamed.map_err(about_table(&database, &table))
        })
        .await
    }

    /// Brings back a deleted table, as it was, under the last name it had.
    pub async fn undelete_table(
        self: &Arc<Self>,
        caller: Entry,
        database: DatabaseName,
        id: TableId,
    ) -> Result<Arc<Table>, ServiceError> {
        let deleted_after = self.recoverable_since();
        let organization = self.identity().organization;
        self.change_catalog(caller, move |catalog, actor| async move {
            let undeleted = catalog.undelete_table(organization, database.clone(), id, deleted_after, actor).await;
            undeleted.map_err(|error| match error {
                CatalogError::TableNotFound => ServiceError::NoSuchTableId(id),
                other => about_database(&database)(other),
            })
        })
        .await
    }
}
