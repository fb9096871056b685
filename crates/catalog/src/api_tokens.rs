//! What the catalog offers on API tokens, and the changes to them.

use sqlx::SqliteConnection;
use tidegate_model::{ApiToken, ApiTokenChange, ApiTokenForm, ApiTokenId};

use crate::api_token_rows::{self as rows, ApiTokenFilter};
use crate::audit::AuditAction;
use crate::columns::id_column;
use crate::memory::Published;
use crate::writer::{Change, Outcome, Step};
use crate::{Actor, Catalog, CatalogError, PasswordHash, organizations, tokens, users};

impl Catalog {
    /// The API token of this id, unless it is deleted.
    ///
    /// # Errors
    /// Only those of storage.
    pub async fn api_token(&self, id: ApiTokenId) -> Result<Option<ApiToken>, CatalogError> {
        rows::find(&self.shared.readers, id).await
    }

    /// The API tokens that meet the filter and are not deleted, by id. Their owners and organizations may be.
    ///
    /// # Errors
    /// Only those of storage.
    pub async fn api_tokens(&self, filter: ApiTokenFilter) -> Result<Vec<ApiToken>, CatalogError> {
        let mut tokens = Vec::new();
        self.for_each_api_token(filter, |token| tokens.push(token)).await?;
        Ok(tokens)
    }

    /// As [`Catalog::api_tokens`], one at a time, for when a list of all of them would take too much memory.
    ///
    /// # Errors
    /// Only those of storage; some tokens may have been visited by then.
    pub async fn for_each_api_token(
        &self,
        filter: ApiTokenFilter,
        visit: impl FnMut(ApiToken) + Send,
    ) -> Result<(), CatalogError> {
        rows::for_each(&self.shared.readers, filter, visit).await
    }

    /// Visits every API token that may be used, in no order: active, and its owner too, and its organization exists. Expired
    /// ones are included.
    ///
    /// # Errors
    /// Only those of storage; some tokens may have been visited by then.
    pub async fn for_each_live_api_token(&self, visit: impl FnMut(ApiToken) + Send) -> Result<(), CatalogError> {
        rows::for_each_live(&self.shared.readers, visit).await
    }

    /// The legacy credential of this user name and the hash of its password, at one moment. It may be inactive, and its owner
    /// deleted.
    ///
    /// # Errors
    /// Only those of storage.
    pub async fn legacy_token(&self, username: &str) -> Result<Option<(ApiToken, Option<PasswordHash>)>, CatalogError> {
        let mut reading = self.shared.readers.begin().await?;
        let Some(token) = rows::find_legacy(&mut *reading, username).await? else { return Ok(None) };
        let password = rows::find_legacy_password(&mut *reading, token.id).await?;
        Ok(Some((token, password)))
    }

    /// Records a new API token. Only a legacy credential can have a password.
    ///
    /// # Errors
    /// [`CatalogError::UserNotFound`], [`CatalogError::OrganizationNotFound`]; [`CatalogError::TokenExists`] when a
    /// credential of any kind ever had its digest, or an API token its id; [`CatalogError::LegacyNameTaken`].
    pub async fn create_api_token(
        &self,
        token: ApiToken,
        password: Option<PasswordHash>,
        actor: Actor,
    ) -> Result<ApiToken, CatalogError> {
        self.change(CreateApiToken { token, password }, actor).await
    }

    /// Changes description or status of an API token. Also an empty change is one: the time of the last change moves.
    ///
    /// # Errors
    /// [`CatalogError::TokenNotFound`].
    pub async fn update_api_token(
        &self,
        id: ApiTokenId,
        change: ApiTokenChange,
        actor: Actor,
    ) -> Result<ApiToken, CatalogError> {
        self.change(UpdateApiToken { id, change }, actor).await
    }

    /// Deletes an API token for good. Its id and its digest are never free again, its legacy user name is.
    ///
    /// # Errors
    /// [`CatalogError::TokenNotFound`], also if it is deleted already.
    pub async fn delete_api_token(&self, id: ApiTokenId, actor: Actor) -> Result<ApiToken, CatalogError> {
        self.change(DeleteApiToken(id), actor).await
    }

    /// Gives a legacy credential a password, in place of the one it had.
    ///
    /// # Errors
    /// [`CatalogError::TokenNotFound`], also for an API token of the other form.
    pub async fn set_legacy_password(
        &self,
        id: ApiTokenId,
        password: PasswordHash,
        actor: Actor,
    ) -> Result<(), CatalogError> {
        self.change(SetLegacyPassword { id, password }, actor).await
    }
}

/// Adds a token whose owner and organization are known to exist.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    step: Step,
    token: &ApiToken,
    password: Option<&PasswordHash>,
) -> Result<(), CatalogError> {
    if tokens::is_digest_known(&mut *connection, token.digest).await? {
        return Err(CatalogError::TokenExists);
    }
    if let ApiTokenForm::Legacy { username } = &token.form
        && rows::find_legacy(&mut *connection, username.as_str()).await?.is_some()
    {
        return Err(CatalogError::LegacyNameTaken { name: username.clone() });
    }
    rows::insert(connection, step, token, password).await
}

struct CreateApiToken {
    token: ApiToken,
    password: Option<PasswordHash>,
}

impl Change for CreateApiToken {
    type Output = ApiToken;

    fn audit(&self) -> Option<(AuditAction, String)> {
        let ApiToken { id, user, organization, .. } = self.token;
        Some((AuditAction::CreateApiToken, format!("{id} {user} {organization}")))
    }

    async fn apply(&self, connection: &mut SqliteConnection, step: Step) -> Result<Outcome<ApiToken>, CatalogError> {
        users::existing(&mut *connection, self.token.user).await?;
        organizations::active(connection, self.token.organization).await?;
        insert(connection, step, &self.token, self.password.as_ref()).await?;
        Ok(Outcome::Changed(self.token.clone()))
    }

    fn published(_: &Self::Output) -> Published {
        Published::Nothing
    }
}

struct UpdateApiToken {
    id: ApiTokenId,
    change: ApiTokenChange,
}

impl Change for UpdateApiToken {
    type Output = ApiToken;

    fn audit(&self) -> Option<(AuditAction, String)> {
        let subject = match self.change.status {
            Some(status) => format!("{} {}", self.id, status.as_str()),
            None => self.id.to_string(),
        };
        Some((AuditAction::UpdateApiToken, subject))
    }

    async fn apply(&self, connection: &mut SqliteConnection, step: Step) -> Result<Outcome<ApiToken>, CatalogError> {
        let mut token = rows::existing(&mut *connection, self.id).await?;
        if let Some(description) = &self.change.description {
            token.description = description.clone();
        }
        token.status = self.change.status.unwrap_or(token.status);
        token.updated_at = step.now;
        sqlx::query("UPDATE api_tokens SET description = ?, status = ?, updated_at = ?, sequence = ? WHERE id = ?")
            .bind(token.description.as_str())
            .bind(token.status.as_str())
            .bind(step.now.micros())
            .bind(step.sequence.0)
            .bind(id_column(self.id.get()))
            .execute(connection)
            .await?;
        Ok(Outcome::Changed(token))
    }

    fn published(_: &Self::Output) -> Published {
        Published::Nothing
    }
}

struct DeleteApiToken(ApiTokenId);

impl Change for DeleteApiToken {
    type Output = ApiToken;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::DeleteApiToken, self.0.to_string()))
    }

    async fn apply(&self, connection: &mut SqliteConnection, step: Step) -> Result<Outcome<ApiToken>, CatalogError> {
        Ok(Outcome::Changed(rows::delete(connection, step, self.0).await?))
    }

    fn published(_: &Self::Output) -> Published {
        Published::Nothing
    }
}

struct SetLegacyPassword {
    id: ApiTokenId,
    password: PasswordHash,
}

impl Change for SetLegacyPassword {
    type Output = ();

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::SetLegacyPassword, self.id.to_string()))
    }

    async fn apply(&self, connection: &mut SqliteConnection, step: Step) -> Result<Outcome<()>, CatalogError> {
        let token = rows::existing(&mut *connection, self.id).await?;
        let ApiTokenForm::Legacy { .. } = token.form else { return Err(CatalogError::TokenNotFound) };
        sqlx::query("UPDATE api_tokens SET password_hash = ?, sequence = ? WHERE id = ?")
            .bind(self.password.expose())
            .bind(step.sequence.0)
            .bind(id_column(self.id.get()))
            .execute(connection)
            .await?;
        Ok(Outcome::Changed(()))
    }

    fn published((): &()) -> Published {
        Published::Nothing
    }
}
