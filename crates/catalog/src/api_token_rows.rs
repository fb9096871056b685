//! API tokens as rows: reading, finding and writing them.

use std::collections::HashMap;

use futures::TryStreamExt as _;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection, SqliteExecutor, SqlitePool};
use tidegate_model::{
    ApiToken, ApiTokenForm, ApiTokenId, Description, OrganizationId, Timestamp, TokenDigest, TypedPermissions, UserId,
};

use crate::columns::{
    description, id, id_column, name, optional_time, status, typed_permissions, typed_permissions_text,
};
use crate::writer::Step;
use crate::{CatalogError, PasswordHash};

/// Which API tokens to list: those that meet every condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ApiTokenFilter {
    /// Of this owner.
    pub user: Option<UserId>,
    /// Of this organization.
    pub organization: Option<OrganizationId>,
    /// With this digest.
    pub digest: Option<TokenDigest>,
    /// Those that are presented as user name and password, instead of those that are presented as a text.
    pub legacy: bool,
}

/// All columns but the hash of the password.
macro_rules! select_api_tokens {
    ($rest:literal) => {
        concat!(
            "SELECT id, user_id, organization_id, digest, is_weak, legacy_username, status, description, permissions, ",
            "created_at, updated_at, expires_at, deleted_at FROM api_tokens WHERE deleted_at IS NULL ",
            $rest
        )
    };
}

/// The tokens that may be used, apart from their expiry.
const LIVE: &str = select_api_tokens!(
    "AND status = 'active' \
     AND EXISTS (SELECT 1 FROM users \
                 WHERE users.id = api_tokens.user_id AND users.status = 'active' AND users.deleted_at IS NULL) \
     AND EXISTS (SELECT 1 FROM clusters \
                 WHERE clusters.organization_id = api_tokens.organization_id AND clusters.deleted_at IS NULL)"
);

/// Of several conditions the narrowest has an index to answer it; the `+` keeps the planner from taking another.
pub(crate) fn filtered(filter: ApiTokenFilter) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(select_api_tokens!(""));
    query.push(if filter.legacy { "AND legacy_username IS NOT NULL" } else { "AND legacy_username IS NULL" });
    if let Some(digest) = filter.digest {
        query.push(" AND digest = ").push_bind(digest.as_bytes().to_vec());
    }
    if let Some(user) = filter.user {
        query.push(if filter.digest.is_some() { " AND +user_id = " } else { " AND user_id = " });
        query.push_bind(id_column(user.get()));
    }
    if let Some(organization) = filter.organization {
        let is_narrowed = filter.digest.is_some() || filter.user.is_some();
        query.push(if is_narrowed { " AND +organization_id = " } else { " AND organization_id = " });
        query.push_bind(id_column(organization.get()));
    }
    query.push(" ORDER BY id");
    query
}

pub(crate) async fn find(executor: impl SqliteExecutor<'_>, id: ApiTokenId) -> Result<Option<ApiToken>, CatalogError> {
    let query = sqlx::query(select_api_tokens!("AND id = ?")).bind(id_column(id.get()));
    query.fetch_optional(executor).await?.map(|row| Decoder::default().token(&row)).transpose()
}

/// The token of this id, which a change is about.
pub(crate) async fn existing(executor: impl SqliteExecutor<'_>, id: ApiTokenId) -> Result<ApiToken, CatalogError> {
    find(executor, id).await?.ok_or(CatalogError::TokenNotFound)
}

/// The credential of this user name.
pub(crate) async fn find_legacy(
    executor: impl SqliteExecutor<'_>,
    username: &str,
) -> Result<Option<ApiToken>, CatalogError> {
    let query = sqlx::query(select_api_tokens!("AND legacy_username = ?")).bind(username);
    query.fetch_optional(executor).await?.map(|row| Decoder::default().token(&row)).transpose()
}

pub(crate) async fn find_legacy_password(
    executor: impl SqliteExecutor<'_>,
    id: ApiTokenId,
) -> Result<Option<PasswordHash>, CatalogError> {
    let row = sqlx::query("SELECT password_hash FROM api_tokens WHERE id = ?")
        .bind(id_column(id.get()))
        .fetch_optional(executor)
        .await?;
    let hash = row.map(|row| row.try_get::<Option<String>, _>(0)).transpose()?;
    Ok(hash.flatten().map(PasswordHash::new))
}

pub(crate) async fn for_each(
    readers: &SqlitePool,
    filter: ApiTokenFilter,
    visit: impl FnMut(ApiToken) + Send,
) -> Result<(), CatalogError> {
    let mut query = filtered(filter);
    visit_rows(query.build().fetch(readers), visit).await
}

pub(crate) async fn for_each_live(
    readers: &SqlitePool,
    visit: impl FnMut(ApiToken) + Send,
) -> Result<(), CatalogError> {
    visit_rows(sqlx::query(LIVE).fetch(readers), visit).await
}

async fn visit_rows(
    mut rows: impl futures::Stream<Item = Result<SqliteRow, sqlx::Error>> + Unpin,
    mut visit: impl FnMut(ApiToken),
) -> Result<(), CatalogError> {
    let mut decoder = Decoder::default();
    while let Some(row) = rows.try_next().await? {
        visit(decoder.token(&row)?);
    }
    Ok(())
}

/// Whether any API token has this digest, or had it.
pub(crate) async fn is_digest_known(
    executor: impl SqliteExecutor<'_>,
    digest: TokenDigest,
) -> Result<bool, CatalogError> {
    let row = sqlx::query("SELECT EXISTS (SELECT 1 FROM api_tokens WHERE digest = ?)")
        .bind(digest.as_bytes().as_slice())
        .fetch_one(executor)
        .await?;
    Ok(row.try_get(0)?)
}

/// Adds a token whose digest is known to be new among the other credentials.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    step: Step,
    token: &ApiToken,
    password: Option<&PasswordHash>,
) -> Result<(), CatalogError> {
    let (is_weak, username) = match &token.form {
        ApiTokenForm::Token { weak } => (*weak, None),
        ApiTokenForm::Legacy { username } => (false, Some(username)),
    };
    let inserted = sqlx::query(
        "INSERT INTO api_tokens \
         (id, user_id, organization_id, digest, is_weak, legacy_username, password_hash, status, description, permissions, \
          created_at, updated_at, expires_at, deleted_at, sequence) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(id_column(token.id.get()))
    .bind(id_column(token.user.get()))
    .bind(id_column(token.organization.get()))
    .bind(token.digest.as_bytes().as_slice())
    .bind(is_weak)
    .bind(username.map(|username| username.as_str()))
    .bind(password.map(PasswordHash::expose))
    .bind(token.status.as_str())
    .bind(token.description.as_str())
    .bind(typed_permissions_text(&token.permissions))
    .bind(token.created_at.micros())
    .bind(token.updated_at.micros())
    .bind(token.expires_at.map(Timestamp::micros))
    .bind(token.deleted_at.map(Timestamp::micros))
    .bind(step.sequence.0)
    .execute(connection)
    .await;
    match inserted {
        Ok(_) => Ok(()),
        Err(sqlx::Error::Database(cause)) if cause.is_unique_violation() => Err(CatalogError::TokenExists),
        Err(error) => Err(error.into()),
    }
}

/// Marks the tokens as deleted that this condition with one number finds.
macro_rules! mark_deleted {
    ($condition:literal) => {
        concat!(
            "UPDATE api_tokens SET deleted_at = ?, password_hash = NULL, sequence = ? WHERE deleted_at IS NULL AND ",
            $condition
        )
    };
}

pub(crate) async fn delete(
    connection: &mut SqliteConnection,
    step: Step,
    id: ApiTokenId,
) -> Result<ApiToken, CatalogError> {
    let token = existing(&mut *connection, id).await?;
    sqlx::query(mark_deleted!("id = ?"))
        .bind(step.now.micros())
        .bind(step.sequence.0)
        .bind(id_column(id.get()))
        .execute(connection)
        .await?;
    Ok(ApiToken { deleted_at: Some(step.now), ..token })
}

/// Deletes all tokens of an organization, legacy credentials included, and gives them as they are then.
pub(crate) async fn delete_all(
    connection: &mut SqliteConnection,
    step: Step,
    organization: OrganizationId,
) -> Result<Vec<ApiToken>, CatalogError> {
    let query = sqlx::query(select_api_tokens!("AND organization_id = ? ORDER BY id"));
    let mut tokens = Vec::new();
    let rows = query.bind(id_column(organization.get())).fetch(&mut *connection);
    visit_rows(rows, |token| tokens.push(ApiToken { deleted_at: Some(step.now), ..token })).await?;
    sqlx::query(mark_deleted!("organization_id = ?"))
        .bind(step.now.micros())
        .bind(step.sequence.0)
        .bind(id_column(organization.get()))
        .execute(connection)
        .await?;
    Ok(tokens)
}

/// Makes the active tokens inactive that a user has in an organization.
pub(crate) async fn deactivate_of(
    connection: &mut SqliteConnection,
    step: Step,
    organization: OrganizationId,
    user: UserId,
) -> Result<(), CatalogError> {
    sqlx::query(
        "UPDATE api_tokens SET status = 'inactive', updated_at = ?, sequence = ? \
         WHERE user_id = ? AND organization_id = ? AND status = 'active' AND deleted_at IS NULL",
    )
    .bind(step.now.micros())
    .bind(step.sequence.0)
    .bind(id_column(user.get()))
    .bind(id_column(organization.get()))
    .execute(connection)
    .await?;
    Ok(())
}

/// Reads rows of [`select_api_tokens`]. Permissions and empty descriptions that occur in many rows are read once.
#[derive(Default)]
struct Decoder {
    permissions: HashMap<Box<str>, TypedPermissions>,
    no_description: Description,
}

impl Decoder {
    /// Beyond this many the sharing starts afresh, so that what is shared stays small.
    const MOST_PERMISSIONS: usize = 1_024;

    fn token(&mut self, row: &SqliteRow) -> Result<ApiToken, CatalogError> {
        let username: Option<&str> = row.try_get(5)?;
        Ok(ApiToken {
            id: id(row.try_get(0)?, ApiTokenId::new)?,
            user: id(row.try_get(1)?, UserId::new)?,
            organization: id(row.try_get(2)?, OrganizationId::new)?,
            digest: TokenDigest::from_bytes(row.try_get(3)?)
                .ok_or_else(|| CatalogError::corrupt("a digest does not have 32 bytes"))?,
            form: match username {
                Some(username) => ApiTokenForm::Legacy { username: name(username)? },
                None => ApiTokenForm::Token { weak: row.try_get(4)? },
            },
            status: status(row.try_get(6)?)?,
            description: self.description(row.try_get(7)?)?,
            permissions: self.permissions(row.try_get(8)?)?,
            created_at: Timestamp::from_micros(row.try_get(9)?),
            updated_at: Timestamp::from_micros(row.try_get(10)?),
            expires_at: optional_time(row.try_get(11)?),
            deleted_at: optional_time(row.try_get(12)?),
        })
    }

    fn description(&self, text: &str) -> Result<Description, CatalogError> {
        if text.is_empty() { Ok(self.no_description.clone()) } else { description(text) }
    }

    fn permissions(&mut self, text: &str) -> Result<TypedPermissions, CatalogError> {
        if let Some(known) = self.permissions.get(text) {
            return Ok(known.clone());
        }
        if self.permissions.len() >= Self::MOST_PERMISSIONS {
            self.permissions.clear();
        }
        let permissions = typed_permissions(text)?;
        self.permissions.insert(text.into(), permissions.clone());
        Ok(permissions)
    }
}
