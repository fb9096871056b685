//! Tables: reading and changing them.

use std::collections::BTreeSet;
use std::sync::Arc;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection, SqliteExecutor};
use tidegate_model::{
    Database, DatabaseId, DatabaseLimits, DatabaseName, NewTable, OrganizationId, Table, TableId, TableName, Timestamp,
};

use crate::audit::AuditAction;
use crate::columns::optional_time;
use crate::databases::{active, find_by_id};
use crate::memory::Published;
use crate::table_memory::TableChange;
use crate::writer::{Change, Outcome, Step};
use crate::{CatalogError, partition};

macro_rules! select_tables {
    ($rest:literal) => {
        concat!(
            "SELECT id, database_id, name, partition_template, max_columns, created_at, deleted_at, logged_as FROM tables ",
            $rest
        )
    };
}

/// A table, and the name by which the log's first version calls it.
pub(crate) struct StoredTable {
    pub(crate) table: Table,
    pub(crate) logged_as: Option<Arc<str>>,
}

/// All tables, deleted ones included.
pub(crate) async fn all(executor: impl SqliteExecutor<'_>) -> Result<Vec<StoredTable>, CatalogError> {
    sqlx::query(select_tables!("ORDER BY id")).fetch_all(executor).await?.iter().map(decode).collect()
}

/// Every name that reaches an active table.
pub(crate) async fn names(
    executor: impl SqliteExecutor<'_>,
) -> Result<Vec<(DatabaseId, Arc<str>, TableId)>, CatalogError> {
    sqlx::query("SELECT database_id, name, table_id FROM table_names")
        .fetch_all(executor)
        .await?
        .iter()
        .map(|row| Ok((database_id(row.try_get(0)?)?, row.try_get::<&str, _>(1)?.into(), table_id(row.try_get(2)?)?)))
        .collect()
}

fn decode(row: &SqliteRow) -> Result<StoredTable, CatalogError> {
    let template: Option<&str> = row.try_get(3)?;
    let max_columns: i64 = row.try_get(4)?;
    let logged_as: Option<&str> = row.try_get(7)?;
    let table = Table {
        id: table_id(row.try_get(0)?)?,
        database: database_id(row.try_get(1)?)?,
        name: row.try_get::<&str, _>(2)?.into(),
        partition_template: template.map(partition::from_json).transpose()?,
        max_columns: u32::try_from(max_columns).map_err(|_| CatalogError::corrupt("a table has a bad limit"))?,
        created_at: Timestamp::from_micros(row.try_get(5)?),
        deleted_at: optional_time(row.try_get(6)?),
    };
    Ok(StoredTable { table, logged_as: logged_as.map(Arc::from) })
}

fn table_id(number: i64) -> Result<TableId, CatalogError> {
    TableId::new(number).ok_or_else(|| CatalogError::corrupt("a table has a bad id"))
}

fn database_id(number: i64) -> Result<DatabaseId, CatalogError> {
    DatabaseId::new(number).ok_or_else(|| CatalogError::corrupt("a table has a bad database"))
}

/// The table that a name reaches.
async fn named(
    executor: impl SqliteExecutor<'_>,
    database: DatabaseId,
    name: &str,
) -> Result<Option<Table>, CatalogError> {
    sqlx::query(select_tables!("WHERE id = (SELECT table_id FROM table_names WHERE database_id = ? AND name = ?)"))
        .bind(database.get())
        .bind(name)
        .fetch_optional(executor)
        .await?
        .map(|row| decode(&row).map(|stored| stored.table))
        .transpose()
}

/// The active table that has this name at present.
async fn called(connection: &mut SqliteConnection, database: DatabaseId, name: &str) -> Result<Table, CatalogError> {
    let table = named(connection, database, name).await?;
    table.filter(|table| *table.name == *name).ok_or(CatalogError::TableNotFound)
}

async fn count_active(connection: &mut SqliteConnection, database: DatabaseId) -> Result<i64, CatalogError> {
    let counted = sqlx::query("SELECT count(*) FROM tables WHERE database_id = ? AND deleted_at IS NULL")
        .bind(database.get())
        .fetch_one(connection)
        .await?;
    Ok(counted.try_get(0)?)
}

async fn add_name(connection: &mut SqliteConnection, table: &Table) -> Result<(), CatalogError> {
    sqlx::query("INSERT INTO table_names (database_id, name, table_id) VALUES (?, ?, ?)")
        .bind(table.database.get())
        .bind(&*table.name)
        .bind(table.id.get())
        .execute(connection)
        .await?;
    Ok(())
}

/// Adds a table that no name reaches yet.
async fn insert(
    connection: &mut SqliteConnection,
    step: Step,
    database: &Database,
    name: Arc<str>,
    template: Option<&tidegate_model::PartitionTemplate>,
    logged_as: Option<&str>,
) -> Result<Table, CatalogError> {
    let row = sqlx::query(
        "INSERT INTO tables (database_id, name, partition_template, max_columns, created_at, logged_as, sequence) \
         VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
    )
    .bind(database.id.get())
    .bind(&*name)
    .bind(template.map(partition::to_json).transpose()?)
    .bind(i64::from(database.limits.max_columns_per_table))
    .bind(step.now.micros())
    .bind(logged_as)
    .bind(step.sequence.0)
    .fetch_one(connection)
    .await?;
    Ok(Table {
        id: table_id(row.try_get(0)?)?,
        database: database.id,
        name,
        partition_template: template.cloned(),
        max_columns: database.limits.max_columns_per_table,
        created_at: step.now,
        deleted_at: None,
    })
}

/// Whether the database may have `more` tables beside those it has.
async fn check_limit(
    connection: &mut SqliteConnection,
    id: DatabaseId,
    limits: DatabaseLimits,
    more: usize,
) -> Result<(), CatalogError> {
    let present = count_active(connection, id).await?;
    let limit = limits.max_tables;
    if present.saturating_add(i64::try_from(more).unwrap_or(i64::MAX)) > i64::from(limit) {
        return Err(CatalogError::TooManyTables { limit });
    }
    Ok(())
}

/// Makes one table, as an administrator asks for it.
pub(crate) struct CreateTable {
    pub(crate) organization: OrganizationId,
    pub(crate) database: DatabaseName,
    pub(crate) new: NewTable,
}

impl Change for CreateTable {
    type Output = Arc<Table>;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((
            AuditAction::CreateTables,
            format!("{} {} {:?}", self.organization, self.database, self.new.name.as_str()),
        ))
    }

    async fn apply(&self, connection: &mut SqliteConnection, step: Step) -> Result<Outcome<Arc<Table>>, CatalogError> {
        let database = active(connection, self.organization, &self.database).await?;
        let name: Arc<str> = self.new.name.clone().into();
        if named(&mut *connection, database.id, &name).await?.is_some() {
            return Err(CatalogError::TableExists { name });
        }
        check_limit(connection, database.id, database.limits, 1).await?;
        let template = self.new.partition_template.as_ref().or(database.partition_template.as_ref());
        partition::check_width(template, database.limits.max_columns_per_table)?;
        let table = insert(connection, step, &database, name, template, None).await?;
        add_name(connection, &table).await?;
        Ok(Outcome::Changed(Arc::new(table)))
    }

    fn published(output: &Self::Output) -> Published {
        Published::Tables(TableChange::Created(vec![output.clone()]))
    }
}

/// The first names, each cut short: a write can create many tables with long names.
fn excerpt(names: &[Arc<str>]) -> String {
    const MOST_NAMES: usize = 20;
    const LONGEST: usize = 100;
    let shown = names.iter().take(MOST_NAMES).map(|name| name.chars().take(LONGEST).collect::<String>());
    let mut text = format!("{:?}", shown.collect::<Vec<_>>());
    if let Some(more) = names.len().checked_sub(MOST_NAMES).filter(|&more| more > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// Makes those tables that a write names and that do not exist: all of them or, if there is no room, none.
pub(crate) struct CreateMissingTables {
    pub(crate) database: Arc<Database>,
    pub(crate) names: Vec<Arc<str>>,
}

impl Change for CreateMissingTables {
    type Output = Vec<Arc<Table>>;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((
            AuditAction::CreateTables,
            format!("{} {} {}", self.database.organization, self.database.name, excerpt(&self.names)),
        ))
    }

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
        step: Step,
    ) -> Result<Outcome<Vec<Arc<Table>>>, CatalogError> {
        let database = find_by_id(&mut *connection, self.database.id).await?;
        let database = database.filter(|found| found.deleted_at.is_none()).ok_or(CatalogError::DatabaseNotFound)?;
        let mut seen = BTreeSet::new();
        let mut missing = Vec::new();
        for name in &self.names {
            if seen.insert(name) && named(&mut *connection, database.id, name).await?.is_none() {
                missing.push(name);
            }
        }
        if missing.is_empty() {
            return Ok(Outcome::Unchanged(Vec::new()));
        }
        check_limit(connection, database.id, database.limits, missing.len()).await?;
        let mut created = Vec::with_capacity(missing.len());
        for name in missing {
            let template = database.partition_template.as_ref();
            let table = insert(connection, step, &database, name.clone(), template, None).await?;
            add_name(connection, &table).await?;
            created.push(Arc::new(table));
        }
        Ok(Outcome::Changed(created))
    }

    fn published(output: &Self::Output) -> Published {
        Published::Tables(TableChange::Created(output.clone()))
    }
}

/// Gives ids to tables that only the log knows, by name. They keep the default partitions: no template had an effect
/// when they were made.
pub(crate) struct AdoptTables(pub(crate) BTreeSet<(DatabaseId, String)>);

impl Change for AdoptTables {
    type Output = Vec<Arc<Table>>;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::AdoptTables, format!("{} tables", self.0.len())))
    }

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
        step: Step,
    ) -> Result<Outcome<Vec<Arc<Table>>>, CatalogError> {
        let mut adopted = Vec::with_capacity(self.0.len());
        for (id, name) in &self.0 {
            let database = find_by_id(&mut *connection, *id).await?.ok_or(CatalogError::DatabaseNotFound)?;
            let table = insert(connection, step, &database, name.as_str().into(), None, Some(name)).await?;
            add_name(connection, &table).await?;
            adopted.push(Arc::new(table));
        }
        Ok(Outcome::Changed(adopted))
    }

    fn published(output: &Self::Output) -> Published {
        Published::Tables(TableChange::Adopted(output.clone()))
    }
}

pub(crate) struct DeleteTable {
    pub(crate) organization: OrganizationId,
    pub(crate) database: DatabaseName,
    pub(crate) name: String,
}

impl Change for DeleteTable {
    type Output = Arc<Table>;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::DeleteTable, format!("{} {} {:?}", self.organization, self.database, self.name)))
    }

    async fn apply(&self, connection: &mut SqliteConnection, step: Step) -> Result<Outcome<Arc<Table>>, CatalogError> {
        let database = active(connection, self.organization, &self.database).await?;
        let mut table = called(connection, database.id, &self.name).await?;
        table.deleted_at = Some(step.now);
        sqlx::query("UPDATE tables SET deleted_at = ?, sequence = ? WHERE id = ?")
            .bind(step.now.micros())
            .bind(step.sequence.0)
            .bind(table.id.get())
            .execute(&mut *connection)
            .await?;
        sqlx::query("DELETE FROM table_names WHERE table_id = ?").bind(table.id.get()).execute(connection).await?;
        Ok(Outcome::Changed(Arc::new(table)))
    }

    fn published(output: &Self::Output) -> Published {
        Published::Tables(TableChange::Deleted(output.clone()))
    }
}

pub(crate) struct RenameTable {
    pub(crate) organization: OrganizationId,
    pub(crate) database: DatabaseName,
    pub(crate) name: String,
    pub(crate) new_name: TableName,
}

impl Change for RenameTable {
    type Output = Arc<Table>;

    fn audit(&self) -> Option<(AuditAction, String)> {
        let new_name = self.new_name.as_str();
        let subject = format!("{} {} {:?} to {new_name:?}", self.organization, self.database, self.name);
        Some((AuditAction::RenameTable, subject))
    }

    async fn apply(&self, connection: &mut SqliteConnection, step: Step) -> Result<Outcome<Arc<Table>>, CatalogError> {
        let database = active(connection, self.organization, &self.database).await?;
        let mut table = called(connection, database.id, &self.name).await?;
        let new_name: Arc<str> = self.new_name.clone().into();
        // A table may take back a name that it had before.
        match named(&mut *connection, database.id, &new_name).await? {
            Some(holder) if holder.id == table.id && table.name != new_name => table.name = new_name,
            Some(_) => return Err(CatalogError::TableExists { name: new_name }),
            None => {
                table.name = new_name;
                add_name(&mut *connection, &table).await?;
            }
        }
        sqlx::query("UPDATE tables SET name = ?, sequence = ? WHERE id = ?")
            .bind(&*table.name)
            .bind(step.sequence.0)
            .bind(table.id.get())
            .execute(connection)
            .await?;
        Ok(Outcome::Changed(Arc::new(table)))
    }

    fn published(output: &Self::Output) -> Published {
        Published::Tables(TableChange::Renamed(output.clone()))
    }
}

/// Brings back a table that was deleted after `deleted_after`.
pub(crate) struct UndeleteTable {
    pub(crate) organization: OrganizationId,
    pub(crate) database: DatabaseName,
    pub(crate) id: TableId,
    pub(crate) deleted_after: Timestamp,
}

impl Change for UndeleteTable {
    type Output = Arc<Table>;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::UndeleteTable, format!("{} {} {}", self.organization, self.database, self.id)))
    }

    async fn apply(&self, connection: &mut SqliteConnection, step: Step) -> Result<Outcome<Arc<Table>>, CatalogError> {
        let database = active(connection, self.organization, &self.database).await?;
        let row = sqlx::query(select_tables!("WHERE id = ? AND database_id = ?"))
            .bind(self.id.get())
            .bind(database.id.get())
            .fetch_optional(&mut *connection)
            .await?
            .ok_or(CatalogError::TableNotFound)?;
        let mut table = decode(&row)?.table;
        match table.deleted_at {
            None => return Err(CatalogError::NotDeleted),
            Some(deleted_at) if deleted_at <= self.deleted_after => return Err(CatalogError::TableNotFound),
            Some(_) => table.deleted_at = None,
        }
        if named(&mut *connection, database.id, &table.name).await?.is_some() {
            return Err(CatalogError::NameTaken);
        }
        check_limit(connection, database.id, database.limits, 1).await?;
        sqlx::query("UPDATE tables SET deleted_at = NULL, sequence = ? WHERE id = ?")
            .bind(step.sequence.0)
            .bind(table.id.get())
            .execute(&mut *connection)
            .await?;
        add_name(connection, &table).await?;
        Ok(Outcome::Changed(Arc::new(table)))
    }

    fn published(output: &Self::Output) -> Published {
        Published::Tables(TableChange::Undeleted(output.clone()))
    }
}
