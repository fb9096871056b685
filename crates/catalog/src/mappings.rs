//! Mappings from v1 names to databases: reading and changing them.
//!
//! While a mapping's database is deleted, the mapping is neither shown nor followed, and gives way to a new one of the
//! same names.

use std::sync::Arc;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection, SqliteExecutor};
use tidegate_model::{DatabaseId, Mapping, MappingId, OrganizationId};

use crate::audit::AuditAction;
use crate::columns::{id, id_column};
use crate::mapping_family::{Family, Sibling};
use crate::memory::Published;
use crate::records::RecordChange;
use crate::writer::{Change, Outcome, Step};
use crate::{Actor, Catalog, CatalogError, databases, mapping_family, organizations};

/// What to change of a mapping; `None` leaves it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MappingChange {
    /// Whether it is to be the default one of its v1 database. The only mapping of a v1 database stays the default one.
    pub default: Option<bool>,
    /// The new v1 retention policy.
    pub retention_policy: Option<String>,
}

/// The last column: whether the mapping's database is active.
macro_rules! select_mappings {
    ($rest:literal) => {
        concat!(
            "SELECT id, organization_id, database_id, v1_database, retention_policy, is_default, ",
            "EXISTS (SELECT 1 FROM databases WHERE databases.id = database_id AND databases.deleted_at IS NULL) ",
            "FROM mappings ",
            $rest
        )
    };
}

/// Also those of deleted databases.
pub(crate) async fn all(executor: impl SqliteExecutor<'_>) -> Result<Vec<Mapping>, CatalogError> {
    sqlx::query(select_mappings!("")).fetch_all(executor).await?.iter().map(decode).collect()
}

fn decode(row: &SqliteRow) -> Result<Mapping, CatalogError> {
    Ok(Mapping {
        id: id(row.try_get(0)?, MappingId::new)?,
        organization: id(row.try_get(1)?, OrganizationId::new)?,
        database: DatabaseId::new(row.try_get(2)?)
            .ok_or_else(|| CatalogError::corrupt("a mapping has a bad database"))?,
        v1_database: row.try_get(3)?,
        retention_policy: row.try_get(4)?,
        is_default: row.try_get(5)?,
    })
}

async fn find(connection: &mut SqliteConnection, id: MappingId) -> Result<Option<Mapping>, CatalogError> {
    let query = sqlx::query(select_mappings!("WHERE id = ?")).bind(id_column(id.get()));
    query.fetch_optional(connection).await?.as_ref().map(decode).transpose()
}

async fn family(
    connection: &mut SqliteConnection,
    organization: OrganizationId,
    v1_database: &str,
) -> Result<Family, CatalogError> {
    sqlx::query(select_mappings!("WHERE organization_id = ? AND v1_database = ? ORDER BY created_sequence"))
        .bind(id_column(organization.get()))
        .bind(v1_database)
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| Ok(Sibling { mapping: decode(row)?, is_shown: row.try_get(6)? }))
        .collect::<Result<_, CatalogError>>()
        .map(Family)
}

async fn insert(connection: &mut SqliteConnection, step: Step, mapping: &Mapping) -> Result<(), CatalogError> {
    sqlx::query(
        "INSERT INTO mappings \
         (id, organization_id, database_id, v1_database, retention_policy, is_default, created_sequence, sequence) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(id_column(mapping.id.get()))
    .bind(id_column(mapping.organization.get()))
    .bind(mapping.database.get())
    .bind(mapping.v1_database.as_str())
    .bind(mapping.retention_policy.as_str())
    .bind(mapping.is_default)
    .bind(step.sequence.0)
    .bind(step.sequence.0)
    .execute(connection)
    .await?;
    Ok(())
}

async fn update(connection: &mut SqliteConnection, step: Step, mapping: &Mapping) -> Result<(), CatalogError> {
    sqlx::query("UPDATE mappings SET database_id = ?, retention_policy = ?, is_default = ?, sequence = ? WHERE id = ?")
        .bind(mapping.database.get())
        .bind(mapping.retention_policy.as_str())
        .bind(mapping.is_default)
        .bind(step.sequence.0)
        .bind(id_column(mapping.id.get()))
        .execute(connection)
        .await?;
    Ok(())
}

async fn delete(connection: &mut SqliteConnection, id: MappingId) -> Result<(), CatalogError> {
    sqlx::query("DELETE FROM mappings WHERE id = ?").bind(id_column(id.get())).execute(connection).await?;
    Ok(())
}

impl Catalog {
    /// The mapping of this id. Does no I/O.
    pub fn mapping(&self, id: MappingId) -> Option<Arc<Mapping>> {
        self.shared.memory.records().mapping(id)
    }

    /// The mappings of an organization, by id. Does no I/O.
    pub fn mappings(&self, organization: OrganizationId) -> Vec<Arc<Mapping>> {
        self.shared.memory.records().mappings(organization)
    }

    /// Where the v1 names lead; without a retention policy, where the default mapping leads. Does no I/O.
    pub fn mapped_database(
        &self,
        organization: OrganizationId,
        v1_database: &str,
        retention_policy: Option<&str>,
    ) -> Option<DatabaseId> {
        self.shared.memory.records().mapped_database(organization, v1_database, retention_policy)
    }

    /// Records a new mapping, or with `overwrite` changes the one that has the same v1 names, which keeps its id. The first of a
    /// v1 database is the default one in any case; one that is to be the default one takes this from another.
    ///
    /// # Errors
    /// [`CatalogError::OrganizationNotFound`]; [`CatalogError::DatabaseNotFound`], also for a database of another
    /// organization; [`CatalogError::MappingExists`], also when the id is in use.
    pub async fn create_mapping(
        &self,
        mapping: Mapping,
        overwrite: bool,
        actor: Actor,
    ) -> Result<Arc<Mapping>, CatalogError> {
        let changed = self.change(CreateMapping { mapping, overwrite }, actor).await?;
        Ok(changed.mapping)
    }

    /// Changes a mapping. When it stops being the default one, the oldest other one of its v1 database is it. A change to what
    /// is there already is none.
    ///
    /// # Errors
    /// [`CatalogError::MappingNotFound`], [`CatalogError::MappingExists`].
    pub async fn update_mapping(
        &self,
        id: MappingId,
        change: MappingChange,
        actor: Actor,
    ) -> Result<Arc<Mapping>, CatalogError> {
        let changed = self.change(UpdateMapping { id, change }, actor).await?;
        Ok(changed.mapping)
    }

    /// Deletes a mapping. If it was the default one, the oldest other one of its v1 database is it now.
    ///
    /// # Errors
    /// [`CatalogError::MappingNotFound`].
    pub async fn delete_mapping(&self, id: MappingId, actor: Actor) -> Result<Arc<Mapping>, CatalogError> {
        let changed = self.change(DeleteMapping(id), actor).await?;
        Ok(changed.mapping)
    }
}

/// What a change did.
struct ChangedMappings {
    /// The mapping that the change was about.
    mapping: Arc<Mapping>,
    written: Vec<Arc<Mapping>>,
    removed: Vec<MappingId>,
}

impl ChangedMappings {
    /// Writes what is different from before.
    async fn write(
        connection: &mut SqliteConnection,
        step: Step,
        before: &Family,
        after: Family,
        mapping: Mapping,
    ) -> Result<Outcome<Self>, CatalogError> {
        let gone = |id: &MappingId| after.get(*id).is_none();
        let removed: Vec<_> = before.0.iter().map(|sibling| sibling.mapping.id).filter(gone).collect();
        let mut written: Vec<_> = after.0.into_iter().map(|sibling| sibling.mapping).collect();
        written.retain(|mapping| before.get(mapping.id) != Some(mapping));
        // The mark is taken from one before another gets it: the table never has two.
        written.sort_by_key(|mapping| mapping.is_default);
        for id in &removed {
            delete(connection, *id).await?;
        }
        for mapping in &written {
            if before.get(mapping.id).is_some() {
                update(connection, step, mapping).await?;
            } else {
                insert(connection, step, mapping).await?;
            }
        }
        let is_changed = !written.is_empty() || !removed.is_empty();
        let written = written.into_iter().map(Arc::new).collect();
        let changed = Self { mapping: Arc::new(mapping), written, removed };
        Ok(if is_changed { Outcome::Changed(changed) } else { Outcome::Unchanged(changed) })
    }

    fn published(&self) -> Published {
        let removed = self.removed.iter().copied().map(RecordChange::MappingDeleted);
        Published::Records(removed.chain(self.written.iter().cloned().map(RecordChange::Mapping)).collect())
    }
}

struct CreateMapping {
    mapping: Mapping,
    overwrite: bool,
}

impl Change for CreateMapping {
    type Output = ChangedMappings;

    fn audit(&self) -> Option<(AuditAction, String)> {
        let Mapping { organization, database, v1_database, retention_policy, .. } = &self.mapping;
        let subject = format!("{organization} {v1_database:?} {retention_policy:?} {database}");
        Some((AuditAction::CreateMapping, subject))
    }

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
        step: Step,
    ) -> Result<Outcome<ChangedMappings>, CatalogError> {
        let new = &self.mapping;
        organizations::active(connection, new.organization).await?;
        let database = databases::find_by_id(&mut *connection, new.database).await?;
        database
            .filter(|found| found.organization == new.organization && found.deleted_at.is_none())
            .ok_or(CatalogError::DatabaseNotFound)?;
        if find(connection, new.id).await?.is_some() {
            return Err(mapping_family::exists(new, &new.retention_policy));
        }
        let before = family(connection, new.organization, &new.v1_database).await?;
        let mut after = before.clone();
        let id = after.create(new, self.overwrite)?;
        let mapping = after.get(id).ok_or(CatalogError::MappingNotFound)?.clone();
        ChangedMappings::write(connection, step, &before, after, mapping).await
    }

    fn published(output: &Self::Output) -> Published {
        output.published()
    }
}

struct UpdateMapping {
    id: MappingId,
    change: MappingChange,
}

impl Change for UpdateMapping {
    type Output = ChangedMappings;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::UpdateMapping, self.id.to_string()))
    }

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
        step: Step,
    ) -> Result<Outcome<ChangedMappings>, CatalogError> {
        let found = find(connection, self.id).await?.ok_or(CatalogError::MappingNotFound)?;
        let before = family(connection, found.organization, &found.v1_database).await?;
        let mut after = before.clone();
        after.update(self.id, &self.change)?;
        let mapping = after.get(self.id).ok_or(CatalogError::MappingNotFound)?.clone();
        ChangedMappings::write(connection, step, &before, after, mapping).await
    }

    fn published(output: &Self::Output) -> Published {
        output.published()
    }
}

struct DeleteMapping(MappingId);

impl Change for DeleteMapping {
    type Output = ChangedMappings;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::DeleteMapping, self.0.to_string()))
    }

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
        step: Step,
    ) -> Result<Outcome<ChangedMappings>, CatalogError> {
        let mapping = find(connection, self.0).await?.ok_or(CatalogError::MappingNotFound)?;
        let before = family(connection, mapping.organization, &mapping.v1_database).await?;
        let mut after = before.clone();
        after.delete(self.0)?;
        ChangedMappings::write(connection, step, &before, after, mapping).await
    }

    fn published(output: &Self::Output) -> Published {
        output.published()
    }
}
