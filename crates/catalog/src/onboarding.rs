//! The first user, with all it needs, in one change.

use std::sync::Arc;

use sqlx::SqliteConnection;
use tidegate_model::{ApiToken, Database, Name, NewDatabase, Organization, User};

use crate::audit::AuditAction;
use crate::memory::Published;
use crate::organizations::ownership;
use crate::records::RecordChange;
use crate::writer::{Change, Outcome, Step};
use crate::{Actor, Catalog, CatalogError, NewUser, api_tokens, databases, members, organizations, users};

/// What a caller gives to make the first user.
#[derive(Debug, Clone)]
pub struct Onboarding {
    /// The first user. It will own the server's own organization.
    pub user: NewUser,
    /// What that organization will be called.
    pub organization_name: Name,
    /// Made in that organization, unless it has an active database of this name, which then stays as it is.
    pub database: NewDatabase,
    /// The user's token. Whatever owner and organization it names, it gets this user and that organization.
    pub token: ApiToken,
}

/// What there is after the first user was made.
#[derive(Debug, Clone)]
pub struct Onboarded {
    /// The first user.
    pub user: Arc<User>,
    /// The server's own organization under its new name.
    pub organization: Arc<Organization>,
    /// The database, new or as it was.
    pub database: Arc<Database>,
    /// The user's token.
    pub token: ApiToken,
}

impl Catalog {
    /// Makes the first user, the owner of the organization of [`Catalog::identity`], which gets a new name; records the user's
    /// token; and makes the database, if it is not there.
    ///
    /// # Errors
    /// [`CatalogError::AlreadyOnboarded`] if there is a user or was one; [`CatalogError::OrganizationExists`],
    /// [`CatalogError::TokenExists`], [`CatalogError::LegacyNameTaken`], [`CatalogError::TemplateTooWide`].
    pub async fn onboard(&self, onboarding: Onboarding, actor: Actor) -> Result<Onboarded, CatalogError> {
        self.change(Onboard(onboarding), actor).await
    }
}

struct Onboard(Onboarding);

impl Change for Onboard {
    type Output = Onboarded;

    fn audit(&self) -> Option<(AuditAction, String)> {
        let Onboarding { user, organization_name, database, token } = &self.0;
        let (user_name, organization) = (user.name.as_str(), organization_name.as_str());
        let subject = format!("{} {} {user_name:?} {organization:?} {}", user.id, token.id, database.name);
        Some((AuditAction::Onboard, subject))
    }

    async fn apply(&self, connection: &mut SqliteConnection, step: Step) -> Result<Outcome<Onboarded>, CatalogError> {
        if users::any_ever(&mut *connection).await? {
            return Err(CatalogError::AlreadyOnboarded);
        }
        let organization = self.rename_organization(connection, step).await?;
        let user = users::insert(connection, step, &self.0.user).await?;
        members::insert(connection, step, ownership(organization.id, user.id)).await?;
        let new = &self.0.database;
        let database = match databases::find_active(&mut *connection, organization.id, &new.name).await? {
            Some(found) => found,
            None => databases::insert(connection, step, organization.id, new).await?,
        };
        let token = ApiToken { user: user.id, organization: organization.id, ..self.0.token.clone() };
        api_tokens::insert(connection, step, &token, None).await?;
        Ok(Outcome::Changed(Onboarded { user, organization, database: Arc::new(database), token }))
    }

    fn published(output: &Self::Output) -> Published {
        Published::Records(vec![
            RecordChange::Organization(output.organization.clone()),
            RecordChange::User(output.user.clone()),
            RecordChange::MemberAdded(ownership(output.organization.id, output.user.id)),
            RecordChange::Database(output.database.clone()),
        ])
    }
}

impl Onboard {
    async fn rename_organization(
        &self,
        connection: &mut SqliteConnection,
        step: Step,
    ) -> Result<Arc<Organization>, CatalogError> {
        let mut organization = organizations::first(connection).await?;
        if organization.name != self.0.organization_name {
            organization.name = self.0.organization_name.clone();
            organization.updated_at = step.now;
            organizations::update(connection, step, &organization).await?;
        }
        Ok(Arc::new(organization))
    }
}
