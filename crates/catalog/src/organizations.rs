//! Organizations, which are clusters under their v2 names: reading and changing them.

use std::sync::Arc;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection, SqliteExecutor};
use tidegate_model::{
    ApiToken, ClusterId, Database, Description, Name, Organization, OrganizationId, Role, Timestamp, UserId,
};

use crate::audit::AuditAction;
use crate::columns::{description, id, id_column, name, uuid};
use crate::databases::RecordStatus;
use crate::memory::Published;
use crate::records::{Membership, RecordChange};
use crate::writer::{Change, Outcome, Step};
use crate::{Actor, Catalog, CatalogError, api_token_rows, databases, members, users};

/// What to change of an organization; `None` leaves it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrganizationChange {
    /// The new name.
    pub name: Option<Name>,
    /// The new description.
    pub description: Option<Description>,
}

/// What went when an organization was deleted.
#[derive(Debug, Clone)]
pub struct DeletedOrganization {
    /// The organization as it was.
    pub organization: Arc<Organization>,
    /// Its databases that were active, deleted (softly) now.
    pub databases: Vec<Arc<Database>>,
    /// Its API tokens that were not deleted before, deleted now.
    pub tokens: Vec<ApiToken>,
}

macro_rules! select_organizations {
    ($rest:literal) => {
        concat!(
            "SELECT organization_id, id, organization_name, description, created_at, updated_at ",
            "FROM clusters WHERE deleted_at IS NULL ",
            $rest
        )
    };
}

pub(crate) async fn all(executor: impl SqliteExecutor<'_>) -> Result<Vec<Organization>, CatalogError> {
    sqlx::query(select_organizations!("")).fetch_all(executor).await?.iter().map(decode).collect()
}

/// The organization of this id, which a change is about.
pub(crate) async fn active(
    connection: &mut SqliteConnection,
    id: OrganizationId,
) -> Result<Organization, CatalogError> {
    let query = sqlx::query(select_organizations!("AND organization_id = ?")).bind(id_column(id.get()));
    decode(&query.fetch_optional(connection).await?.ok_or(CatalogError::OrganizationNotFound)?)
}

/// The organization that the server was started with.
pub(crate) async fn first(connection: &mut SqliteConnection) -> Result<Organization, CatalogError> {
    decode(&sqlx::query(select_organizations!("AND is_first = 1")).fetch_one(connection).await?)
}

fn decode(row: &SqliteRow) -> Result<Organization, CatalogError> {
    Ok(Organization {
        id: id(row.try_get(0)?, OrganizationId::new)?,
        cluster: ClusterId::from_uuid(uuid(row.try_get(1)?)?),
        name: name(row.try_get(2)?)?,
        description: description(row.try_get(3)?)?,
        created_at: Timestamp::from_micros(row.try_get(4)?),
        updated_at: Timestamp::from_micros(row.try_get(5)?),
    })
}

pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    step: Step,
    organization: &Organization,
    is_first: bool,
) -> Result<(), CatalogError> {
    let inserted = sqlx::query(
        "INSERT INTO clusters \
         (id, account_id, name, organization_id, organization_name, description, is_first, created_at, updated_at, sequence) \
         SELECT ?, accounts.id, ?, ?, ?, ?, ?, ?, ?, ? FROM accounts",
    )
    .bind(organization.cluster.as_uuid().as_bytes().to_vec())
    .bind(organization.name.as_str())
    .bind(id_column(organization.id.get()))
    .bind(organization.name.as_str())
    .bind(organization.description.as_str())
    .bind(is_first)
    .bind(organization.created_at.micros())
    .bind(organization.updated_at.micros())
    .bind(step.sequence.0)
    .execute(connection)
    .await;
    inserted.map(drop).map_err(|error| taken(error, &organization.name))
}

fn taken(error: sqlx::Error, name: &Name) -> CatalogError {
    match error {
        sqlx::Error::Database(cause) if cause.is_unique_violation() => {
            CatalogError::OrganizationExists { name: name.clone() }
        }
        error => error.into(),
    }
}

/// Writes name, description and time of change.
pub(crate) async fn update(
    connection: &mut SqliteConnection,
    step: Step,
    organization: &Organization,
) -> Result<(), CatalogError> {
    let updated = sqlx::query(
        "UPDATE clusters SET organization_name = ?, description = ?, updated_at = ?, sequence = ? WHERE organization_id = ?",
    )
    .bind(organization.name.as_str())
    .bind(organization.description.as_str())
    .bind(organization.updated_at.micros())
    .bind(step.sequence.0)
    .bind(id_column(organization.id.get()))
    .execute(connection)
    .await;
    updated.map(drop).map_err(|error| taken(error, &organization.name))
}

impl Catalog {
    /// The organization of this id. Does no I/O.
    pub fn organization(&self, id: OrganizationId) -> Option<Arc<Organization>> {
        self.shared.memory.records().organizations().get(id)
    }

    /// The organization of this name. Does no I/O.
    pub fn organization_by_name(&self, name: &str) -> Option<Arc<Organization>> {
        self.shared.memory.records().organizations().by_name(name)
    }

    /// The organizations, by id. Does no I/O.
    pub fn organizations(&self) -> Vec<Arc<Organization>> {
        self.shared.memory.records().organizations().all()
    }

    /// Records a new organization, and its owner.
    ///
    /// # Errors
    /// [`CatalogError::OrganizationExists`], also when a deleted organization had one of its ids;
    /// [`CatalogError::UserNotFound`].
    pub async fn create_organization(
        &self,
        organization: Organization,
        owner: Option<UserId>,
        actor: Actor,
    ) -> Result<Arc<Organization>, CatalogError> {
        let created = self.change(CreateOrganization { organization, owner }, actor).await?;
        Ok(created.organization)
    }

    /// Changes name or description of an organization. A change to what is there already is none.
    ///
    /// # Errors
    /// [`CatalogError::OrganizationNotFound`], [`CatalogError::OrganizationExists`].
    pub async fn update_organization(
        &self,
        id: OrganizationId,
        change: OrganizationChange,
        actor: Actor,
    ) -> Result<Arc<Organization>, CatalogError> {
        self.change(UpdateOrganization { id, change }, actor).await
    }

    /// Deletes an organization with its databases and API tokens, softly, and its memberships and mappings. Its name is free
    /// again, its ids are not.
    ///
    /// # Errors
    /// [`CatalogError::OrganizationNotFound`]; [`CatalogError::OwnOrganization`] for that of [`Catalog::identity`].
    pub async fn delete_organization(
        &self,
        id: OrganizationId,
        actor: Actor,
    ) -> Result<DeletedOrganization, CatalogError> {
        let own = self.identity().organization;
        self.change(DeleteOrganization { id, own }, actor).await
    }
}

struct CreateOrganization {
    organization: Organization,
    owner: Option<UserId>,
}

struct CreatedOrganization {
    organization: Arc<Organization>,
    owner: Option<UserId>,
}

/// The membership of who owns an organization.
pub(crate) const fn ownership(organization: OrganizationId, user: UserId) -> Membership {
    Membership { organization, user, role: Role::Owner }
}

impl Change for CreateOrganization {
    type Output = CreatedOrganization;

    fn audit(&self) -> Option<(AuditAction, String)> {
        let mut subject = format!("{} {:?}", self.organization.id, self.organization.name.as_str());
        if let Some(owner) = self.owner {
            subject.push_str(&format!(" {owner}"));
        }
        Some((AuditAction::CreateOrganization, subject))
    }

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
        step: Step,
    ) -> Result<Outcome<CreatedOrganization>, CatalogError> {
        insert(connection, step, &self.organization, false).await?;
        if let Some(owner) = self.owner {
            users::existing(&mut *connection, owner).await?;
            members::insert(connection, step, ownership(self.organization.id, owner)).await?;
        }
        let organization = Arc::new(self.organization.clone());
        Ok(Outcome::Changed(CreatedOrganization { organization, owner: self.owner }))
    }

    fn published(output: &Self::Output) -> Published {
        let organization = RecordChange::Organization(output.organization.clone());
        let owner = output.owner.map(|owner| RecordChange::MemberAdded(ownership(output.organization.id, owner)));
        Published::Records([organization].into_iter().chain(owner).collect())
    }
}

struct UpdateOrganization {
    id: OrganizationId,
    change: OrganizationChange,
}

impl Change for UpdateOrganization {
    type Output = Arc<Organization>;

    fn audit(&self) -> Option<(AuditAction, String)> {
        let mut subject = self.id.to_string();
        if let Some(name) = &self.change.name {
            subject.push_str(&format!(" {:?}", name.as_str()));
        }
        Some((AuditAction::UpdateOrganization, subject))
    }

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
        step: Step,
    ) -> Result<Outcome<Arc<Organization>>, CatalogError> {
        let before = active(connection, self.id).await?;
        let mut after = before.clone();
        if let Some(name) = &self.change.name {
            after.name = name.clone();
        }
        if let Some(description) = &self.change.description {
            after.description = description.clone();
        }
        if after == before {
            return Ok(Outcome::Unchanged(Arc::new(before)));
        }
        after.updated_at = step.now;
        update(connection, step, &after).await?;
        Ok(Outcome::Changed(Arc::new(after)))
    }

    fn published(output: &Self::Output) -> Published {
        RecordChange::Organization(output.clone()).into()
    }
}

struct DeleteOrganization {
    id: OrganizationId,
    own: OrganizationId,
}

impl Change for DeleteOrganization {
    type Output = DeletedOrganization;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::DeleteOrganization, self.id.to_string()))
    }

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
        step: Step,
    ) -> Result<Outcome<DeletedOrganization>, CatalogError> {
        if self.id == self.own {
            return Err(CatalogError::OwnOrganization);
        }
        let organization = Arc::new(active(connection, self.id).await?);
        let mut gone = Vec::new();
        for database in databases::list(&mut *connection, self.id, RecordStatus::Active).await? {
            gone.push(databases::mark_deleted(connection, step, database).await?);
        }
        let tokens = api_token_rows::delete_all(connection, step, self.id).await?;
        for statement in
            ["DELETE FROM members WHERE organization_id = ?", "DELETE FROM mappings WHERE organization_id = ?"]
        {
            sqlx::query(statement).bind(id_column(self.id.get())).execute(&mut *connection).await?;
        }
        sqlx::query("UPDATE clusters SET deleted_at = ?, sequence = ? WHERE organization_id = ?")
            .bind(step.now.micros())
            .bind(step.sequence.0)
            .bind(id_column(self.id.get()))
            .execute(connection)
            .await?;
        Ok(Outcome::Changed(DeletedOrganization { organization, databases: gone, tokens }))
    }

    fn published(output: &Self::Output) -> Published {
        let organization = RecordChange::OrganizationDeleted(output.organization.id);
        let databases = output.databases.iter().cloned().map(RecordChange::Database);
        Published::Records([organization].into_iter().chain(databases).collect())
    }
}
