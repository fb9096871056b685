//! Who is a member or an owner of which organization.

use std::sync::Arc;

use sqlx::{Row as _, SqliteConnection, SqliteExecutor};
use tidegate_model::{OrganizationId, Role, User, UserId};

use crate::audit::AuditAction;
use crate::columns::{id, id_column};
use crate::memory::Published;
use crate::records::{Membership, RecordChange};
use crate::writer::{Change, Outcome, Step};
use crate::{Actor, Catalog, CatalogError, api_token_rows, organizations, users};

pub(crate) async fn all(executor: impl SqliteExecutor<'_>) -> Result<Vec<Membership>, CatalogError> {
    sqlx::query("SELECT organization_id, user_id, role FROM members")
        .fetch_all(executor)
        .await?
        .iter()
        .map(|row| {
            Ok(Membership {
                organization: id(row.try_get(0)?, OrganizationId::new)?,
                user: id(row.try_get(1)?, UserId::new)?,
                role: row.try_get::<&str, _>(2)?.parse().map_err(|_| CatalogError::corrupt("unknown role"))?,
            })
        })
        .collect()
}

/// Whether it is new.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    step: Step,
    membership: Membership,
) -> Result<bool, CatalogError> {
    let inserted = sqlx::query(
        "INSERT INTO members (organization_id, user_id, role, sequence) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(id_column(membership.organization.get()))
    .bind(id_column(membership.user.get()))
    .bind(membership.role.as_str())
    .bind(step.sequence.0)
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

async fn has_role(
    connection: &mut SqliteConnection,
    organization: OrganizationId,
    user: UserId,
) -> Result<bool, CatalogError> {
    let row = sqlx::query("SELECT EXISTS (SELECT 1 FROM members WHERE organization_id = ? AND user_id = ?)")
        .bind(id_column(organization.get()))
        .bind(id_column(user.get()))
        .fetch_one(connection)
        .await?;
    Ok(row.try_get(0)?)
}

impl Catalog {
    /// The users who have this role in an organization, by id. Does no I/O.
    pub fn members(&self, organization: OrganizationId, role: Role) -> Vec<Arc<User>> {
        self.shared.memory.records().members(organization, role)
    }

    /// What a user is, and in which organizations, by their id. Does no I/O.
    pub fn roles(&self, user: UserId) -> Vec<(OrganizationId, Role)> {
        self.shared.memory.records().roles(user)
    }

    /// Gives a user a role in an organization, besides the one it may have. Who has it already keeps it.
    ///
    /// # Errors
    /// [`CatalogError::OrganizationNotFound`], [`CatalogError::UserNotFound`].
    pub async fn add_member(
        &self,
        organization: OrganizationId,
        user: UserId,
        role: Role,
        actor: Actor,
    ) -> Result<(), CatalogError> {
        self.change(AddMember(Membership { organization, user, role }), actor).await.map(drop)
    }

    /// Takes a role in an organization from a user. With the last one there the user's API tokens of the organization
    /// become inactive.
    ///
    /// # Errors
    /// [`CatalogError::OrganizationNotFound`], [`CatalogError::UserNotFound`], [`CatalogError::NotAMember`].
    pub async fn remove_member(
        &self,
        organization: OrganizationId,
        user: UserId,
        role: Role,
        actor: Actor,
    ) -> Result<(), CatalogError> {
        self.change(RemoveMember(Membership { organization, user, role }), actor).await.map(drop)
    }
}

fn subject(membership: Membership) -> String {
    format!("{} {} {}", membership.organization, membership.user, membership.role.as_str())
}

struct AddMember(Membership);

impl Change for AddMember {
    type Output = Membership;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::AddMember, subject(self.0)))
    }

    async fn apply(&self, connection: &mut SqliteConnection, step: Step) -> Result<Outcome<Membership>, CatalogError> {
        organizations::active(connection, self.0.organization).await?;
        users::existing(&mut *connection, self.0.user).await?;
        let is_new = insert(connection, step, self.0).await?;
        Ok(if is_new { Outcome::Changed(self.0) } else { Outcome::Unchanged(self.0) })
    }

    fn published(output: &Self::Output) -> Published {
        RecordChange::MemberAdded(*output).into()
    }
}

struct RemoveMember(Membership);

impl Change for RemoveMember {
    type Output = Membership;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::RemoveMember, subject(self.0)))
    }

    async fn apply(&self, connection: &mut SqliteConnection, step: Step) -> Result<Outcome<Membership>, CatalogError> {
        organizations::active(connection, self.0.organization).await?;
        users::existing(&mut *connection, self.0.user).await?;
        let deleted = sqlx::query("DELETE FROM members WHERE organization_id = ? AND user_id = ? AND role = ?")
            .bind(id_column(self.0.organization.get()))
            .bind(id_column(self.0.user.get()))
            .bind(self.0.role.as_str())
            .execute(&mut *connection)
            .await?;
        if deleted.rows_affected() == 0 {
            return Err(CatalogError::NotAMember);
        }
        if !has_role(connection, self.0.organization, self.0.user).await? {
            api_token_rows::deactivate_of(connection, step, self.0.organization, self.0.user).await?;
        }
        Ok(Outcome::Changed(self.0))
    }

    fn published(output: &Self::Output) -> Published {
        RecordChange::MemberRemoved(*output).into()
    }
}
