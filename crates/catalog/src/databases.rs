//! Databases: reading and changing them.

use std::sync::Arc;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection, SqliteExecutor};
use tidegate_model::{
    Database, DatabaseChange, DatabaseId, DatabaseLimits, DatabaseName, NewDatabase, OrganizationId, Retention,
    Timestamp,
};

use crate::audit::AuditAction;
use crate::columns::{description, id, id_column, optional_time};
use crate::memory::Published;
use crate::organizations;
use crate::records::RecordChange;
use crate::writer::{Change, Outcome, Step};
use crate::{CatalogError, partition};

/// Which records of databases or tables to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordStatus {
    /// Those that can be used.
    Active,
    /// Those that were deleted.
    Deleted,
    /// Both.
    All,
}

macro_rules! select_databases {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, retention_ns, max_tables, max_columns_per_table, partition_template, created_at, deleted_at, ",
            "organization_id, description, updated_at FROM databases ",
            $rest
        )
    };
}

/// The active ones of all organizations.
pub(crate) async fn all_active(executor: impl SqliteExecutor<'_>) -> Result<Vec<Database>, CatalogError> {
    sqlx::query(select_databases!("WHERE deleted_at IS NULL")).fetch_all(executor).await?.iter().map(decode).collect()
}

/// By name, then id.
pub(crate) async fn list(
    executor: impl SqliteExecutor<'_>,
    organization: OrganizationId,
    status: RecordStatus,
) -> Result<Vec<Database>, CatalogError> {
    let query = match status {
        RecordStatus::Active => {
            select_databases!("WHERE organization_id = ? AND deleted_at IS NULL ORDER BY name, id")
        }
        RecordStatus::Deleted => {
            select_databases!("WHERE organization_id = ? AND deleted_at IS NOT NULL ORDER BY name, id")
        }
        RecordStatus::All => select_databases!("WHERE organization_id = ? ORDER BY name, id"),
    };
    let rows = sqlx::query(query).bind(id_column(organization.get())).fetch_all(executor).await?;
    rows.iter().map(decode).collect()
}

pub(crate) async fn find_active(
    executor: impl SqliteExecutor<'_>,
    organization: OrganizationId,
    name: &DatabaseName,
) -> Result<Option<Database>, CatalogError> {
    sqlx::query(select_databases!("WHERE organization_id = ? AND name = ? AND deleted_at IS NULL"))
        .bind(id_column(organization.get()))
        .bind(name.as_str())
        .fetch_optional(executor)
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// The active database of this name, which a change is about.
pub(crate) async fn active(
    connection: &mut SqliteConnection,
    organization: OrganizationId,
    name: &DatabaseName,
) -> Result<Database, CatalogError> {
    find_active(connection, organization, name).await?.ok_or(CatalogError::DatabaseNotFound)
}

/// Deleted ones included.
pub(crate) async fn find_by_id(
    executor: impl SqliteExecutor<'_>,
    id: DatabaseId,
) -> Result<Option<Database>, CatalogError> {
    sqlx::query(select_databases!("WHERE id = ?"))
        .bind(id.get())
        .fetch_optional(executor)
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

fn decode(row: &SqliteRow) -> Result<Database, CatalogError> {
    let damaged = |what| CatalogError::corrupt(format!("a database has a bad {what}"));
    let name: &str = row.try_get(1)?;
    let template: Option<&str> = row.try_get(5)?;
    Ok(Database {
        id: DatabaseId::new(row.try_get(0)?).ok_or_else(|| damaged("id"))?,
        organization: id(row.try_get(8)?, OrganizationId::new)?,
        name: name.parse().map_err(|_| damaged("name"))?,
        description: description(row.try_get(9)?)?,
        retention: Retention::from_nanos(row.try_get(2)?).ok_or_else(|| damaged("retention"))?,
        limits: DatabaseLimits::new(row.try_get(3)?, row.try_get(4)?).map_err(|_| damaged("limit"))?,
        partition_template: template.map(partition::from_json).transpose()?,
        created_at: Timestamp::from_micros(row.try_get(6)?),
        updated_at: Timestamp::from_micros(row.try_get(10)?),
        deleted_at: optional_time(row.try_get(7)?),
    })
}

/// Adds a database to an organization that exists.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    step: Step,
    organization: OrganizationId,
    new: &NewDatabase,
) -> Result<Database, CatalogError> {
    partition::check_width(new.partition_template.as_ref(), new.limits.max_columns_per_table)?;
    let inserted = sqlx::query(
        "INSERT INTO databases \
         (organization_id, name, description, retention_ns, max_tables, max_columns_per_table, partition_template, \
          created_at, updated_at, sequence) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
    )
    .bind(id_column(organization.get()))
    .bind(new.name.as_str())
    .bind(new.description.as_str())
    .bind(new.retention.nanos())
    .bind(i64::from(new.limits.max_tables))
    .bind(i64::from(new.limits.max_columns_per_table))
    .bind(new.partition_template.as_ref().map(partition::to_json).transpose()?)
    .bind(step.now.micros())
    .bind(step.now.micros())
    .bind(step.sequence.0)
    .fetch_one(connection)
    .await;
    let row = match inserted {
        Err(sqlx::Error::Database(cause)) if cause.is_unique_violation() => {
            return Err(CatalogError::DatabaseExists { name: new.name.clone() });
        }
        inserted => inserted?,
    };
    let id = DatabaseId::new(row.try_get(0)?).ok_or_else(|| CatalogError::corrupt("a database got a bad id"))?;
    Ok(Database {
        id,
        organization,
        name: new.name.clone(),
        description: new.description.clone(),
        retention: new.retention,
        limits: new.limits,
        partition_template: new.partition_template.clone(),
        created_at: step.now,
        updated_at: step.now,
        deleted_at: None,
    })
}

pub(crate) struct CreateDatabase {
    pub(crate) organization: OrganizationId,
    pub(crate) new: NewDatabase,
}

impl Change for CreateDatabase {
    type Output = Arc<Database>;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::CreateDatabase, format!("{} {}", self.organization, self.new.name)))
    }

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
        step: Step,
    ) -> Result<Outcome<Arc<Database>>, CatalogError> {
        organizations::active(connection, self.organization).await?;
        Ok(Outcome::Changed(Arc::new(insert(connection, step, self.organization, &self.new).await?)))
    }

    fn published(output: &Self::Output) -> Published {
        RecordChange::Database(output.clone()).into()
    }
}

/// Marks a database as deleted.
pub(crate) async fn mark_deleted(
    connection: &mut SqliteConnection,
    step: Step,
    database: Database,
) -> Result<Arc<Database>, CatalogError> {
    sqlx::query("UPDATE databases SET deleted_at = ?, sequence = ? WHERE id = ?")
        .bind(step.now.micros())
        .bind(step.sequence.0)
        .bind(database.id.get())
        .execute(connection)
        .await?;
    Ok(Arc::new(Database { deleted_at: Some(step.now), ..database }))
}

pub(crate) struct DeleteDatabase {
    pub(crate) organization: OrganizationId,
    pub(crate) name: DatabaseName,
}

impl Change for DeleteDatabase {
    type Output = Arc<Database>;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::DeleteDatabase, format!("{} {}", self.organization, self.name)))
    }

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
        step: Step,
    ) -> Result<Outcome<Arc<Database>>, CatalogError> {
        let database = active(connection, self.organization, &self.name).await?;
        Ok(Outcome::Changed(mark_deleted(connection, step, database).await?))
    }

    fn published(output: &Self::Output) -> Published {
        RecordChange::Database(output.clone()).into()
    }
}

/// Changes description, limits and retention.
pub(crate) struct UpdateDatabase {
    pub(crate) organization: OrganizationId,
    pub(crate) name: DatabaseName,
    pub(crate) change: DatabaseChange,
}

impl Change for UpdateDatabase {
    type Output = Arc<Database>;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::UpdateDatabase, format!("{} {}", self.organization, self.name)))
    }

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
        step: Step,
    ) -> Result<Outcome<Arc<Database>>, CatalogError> {
        let before = active(connection, self.organization, &self.name).await?;
        let mut after = before.clone();
        if let Some(description) = &self.change.description {
            after.description = description.clone();
        }
        after.retention = self.change.retention.unwrap_or(after.retention);
        after.limits.max_tables = self.change.max_tables.unwrap_or(after.limits.max_tables);
        after.limits.max_columns_per_table =
            self.change.max_columns_per_table.unwrap_or(after.limits.max_columns_per_table);
        if after == before {
            return Ok(Outcome::Unchanged(Arc::new(before)));
        }
        after.updated_at = step.now;
        sqlx::query(
            "UPDATE databases SET description = ?, retention_ns = ?, max_tables = ?, max_columns_per_table = ?, \
             updated_at = ?, sequence = ? WHERE id = ?",
        )
        .bind(after.description.as_str())
        .bind(after.retention.nanos())
        .bind(i64::from(after.limits.max_tables))
        .bind(i64::from(after.limits.max_columns_per_table))
        .bind(step.now.micros())
        .bind(step.sequence.0)
        .bind(after.id.get())
        .execute(connection)
        .await?;
        Ok(Outcome::Changed(Arc::new(after)))
    }

    fn published(output: &Self::Output) -> Published {
        RecordChange::Database(output.clone()).into()
    }
}

pub(crate) struct RenameDatabase {
    pub(crate) organization: OrganizationId,
    pub(crate) name: DatabaseName,
    pub(crate) new_name: DatabaseName,
}

impl Change for RenameDatabase {
    type Output = Arc<Database>;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::RenameDatabase, format!("{} {} to {}", self.organization, self.name, self.new_name)))
    }

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
        step: Step,
    ) -> Result<Outcome<Arc<Database>>, CatalogError> {
        let mut database = active(connection, self.organization, &self.name).await?;
        if find_active(&mut *connection, self.organization, &self.new_name).await?.is_some() {
            return Err(CatalogError::DatabaseExists { name: self.new_name.clone() });
        }
        database.name = self.new_name.clone();
        database.updated_at = step.now;
        sqlx::query("UPDATE databases SET name = ?, updated_at = ?, sequence = ? WHERE id = ?")
            .bind(database.name.as_str())
            .bind(step.now.micros())
            .bind(step.sequence.0)
            .bind(database.id.get())
            .execute(connection)
            .await?;
        Ok(Outcome::Changed(Arc::new(database)))
    }

    fn published(output: &Self::Output) -> Published {
        RecordChange::Database(output.clone()).into()
    }
}

/// Brings back a database that was deleted after `deleted_after`.
pub(crate) struct UndeleteDatabase {
    pub(crate) organization: OrganizationId,
    pub(crate) id: DatabaseId,
    pub(crate) deleted_after: Timestamp,
}

impl Change for UndeleteDatabase {
    type Output = Arc<Database>;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::UndeleteDatabase, self.id.to_string()))
    }

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
        step: Step,
    ) -> Result<Outcome<Arc<Database>>, CatalogError> {
        organizations::active(connection, self.organization).await?;
        let found = find_by_id(&mut *connection, self.id).await?;
        let mine = found.filter(|found| found.organization == self.organization);
        let mut database = mine.ok_or(CatalogError::DatabaseNotFound)?;
        match database.deleted_at {
            None => return Err(CatalogError::NotDeleted),
            Some(deleted_at) if deleted_at <= self.deleted_after => return Err(CatalogError::DatabaseNotFound),
            Some(_) => database.deleted_at = None,
        }
        if find_active(&mut *connection, self.organization, &database.name).await?.is_some() {
            return Err(CatalogError::NameTaken);
        }
        sqlx::query("UPDATE databases SET deleted_at = NULL, sequence = ? WHERE id = ?")
            .bind(step.sequence.0)
            .bind(database.id.get())
            .execute(connection)
            .await?;
        Ok(Outcome::Changed(Arc::new(database)))
    }

    fn published(output: &Self::Output) -> Published {
        RecordChange::Database(output.clone()).into()
    }
}
