//! Tokens: reading and changing them.

use std::collections::HashMap;
use std::sync::Arc;

use futures::TryStreamExt as _;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection, SqliteExecutor, SqlitePool};
use tidegate_model::{
    DatabaseName, Description, Grant, NewToken, PermissionSet, Resource, Timestamp, TokenDigest, TokenId, TokenKind,
    TokenRecord,
};

use crate::audit::AuditAction;
use crate::columns::{grants, grants_text, kind, kind_word, optional_time, token_id, token_id_bytes};
use crate::memory::Published;
use crate::writer::{Change, Outcome, Step};
use crate::{CatalogError, api_token_rows};

/// What to change of a token; `None` leaves it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenChange {
    /// The new description.
    pub description: Option<Description>,
    /// The new permissions, in place of all the old ones.
    pub permissions: Option<PermissionSet>,
}

/// What a revocation found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The revoked token.
    pub record: Arc<TokenRecord>,
    /// Whether this call revoked it; `false` if it was revoked before, and then nothing was changed.
    pub newly: bool,
}

macro_rules! select_tokens {
    ($rest:literal) => {
        concat!(
            "SELECT id, kind, digest, prefix, description, grants, created_at, created_by, expires_at, revoked_at ",
            "FROM tokens ",
            $rest
        )
    };
}

pub(crate) async fn find(executor: impl SqliteExecutor<'_>, id: TokenId) -> Result<TokenRecord, CatalogError> {
    let row = sqlx::query(select_tokens!("WHERE id = ?"))
        .bind(token_id_bytes(id))
        .fetch_optional(executor)
        .await?
        .ok_or(CatalogError::TokenNotFound)?;
    Decoder::default().record(&row)
}

pub(crate) async fn list(
    readers: &SqlitePool,
    kind: TokenKind,
    include_revoked: bool,
) -> Result<Vec<TokenRecord>, CatalogError> {
    let query = if include_revoked {
        select_tokens!("WHERE kind = ? ORDER BY id")
    } else {
        select_tokens!("WHERE kind = ? AND revoked_at IS NULL ORDER BY id")
    };
    let mut rows = sqlx::query(query).bind(kind_word(kind)).fetch(readers);
    let mut decoder = Decoder::default();
    let mut records = Vec::new();
    while let Some(row) = rows.try_next().await? {
        records.push(decoder.record(&row)?);
    }
    Ok(records)
}

pub(crate) async fn for_each_live(
    readers: &SqlitePool,
    mut visit: impl FnMut(TokenRecord) + Send,
) -> Result<(), CatalogError> {
    let mut rows = sqlx::query(select_tokens!("WHERE revoked_at IS NULL")).fetch(readers);
    let mut decoder = Decoder::default();
    while let Some(row) = rows.try_next().await? {
        visit(decoder.record(&row)?);
    }
    Ok(())
}

/// Whether any of these tokens has this digest, or had it.
pub(crate) async fn is_digest_known(
    executor: impl SqliteExecutor<'_>,
    digest: TokenDigest,
) -> Result<bool, CatalogError> {
    let row = sqlx::query("SELECT EXISTS (SELECT 1 FROM tokens WHERE digest = ?)")
        .bind(digest.as_bytes().as_slice())
        .fetch_one(executor)
        .await?;
    Ok(row.try_get(0)?)
}

pub(crate) async fn any_management_token(readers: &SqlitePool) -> Result<bool, CatalogError> {
    let row = sqlx::query("SELECT EXISTS (SELECT 1 FROM tokens WHERE kind = ?)")
        .bind(kind_word(TokenKind::Management))
        .fetch_one(readers)
        .await?;
    Ok(row.try_get(0)?)
}

/// Reads rows of [`select_tokens`]. Names and empty descriptions that occur in many rows are kept in memory once.
#[derive(Default)]
struct Decoder {
    names: HashMap<DatabaseName, DatabaseName>,
    no_description: Description,
}

impl Decoder {
    /// Beyond this many names the sharing starts afresh, so that the table itself stays small.
    const MOST_NAMES: usize = 4_096;

    fn record(&mut self, row: &SqliteRow) -> Result<TokenRecord, CatalogError> {
        let created_by: Option<&[u8]> = row.try_get(7)?;
        Ok(TokenRecord {
            id: token_id(row.try_get(0)?)?,
            kind: kind(row.try_get(1)?)?,
            digest: TokenDigest::from_bytes(row.try_get(2)?)
                .ok_or_else(|| CatalogError::corrupt("a digest does not have 32 bytes"))?,
            prefix: row.try_get(3)?,
            description: self.description(row.try_get(4)?)?,
            permissions: self.permissions(row.try_get(5)?)?,
            created_at: Timestamp::from_micros(row.try_get(6)?),
            created_by: created_by.map(token_id).transpose()?,
            expires_at: optional_time(row.try_get(8)?),
            revoked_at: optional_time(row.try_get(9)?),
        })
    }

    fn description(&self, text: &str) -> Result<Description, CatalogError> {
        if text.is_empty() {
            return Ok(self.no_description.clone());
        }
        Description::new(text).map_err(|_| CatalogError::corrupt("a description is too long"))
    }

    fn permissions(&mut self, text: &str) -> Result<PermissionSet, CatalogError> {
        Ok(grants(text)?.grants().iter().map(|grant| self.shared(grant)).collect())
    }

    fn shared(&mut self, grant: &Grant) -> Grant {
        let Resource::Database(name) = &grant.resource else {
            return grant.clone();
        };
        if self.names.len() >= Self::MOST_NAMES {
            self.names.clear();
        }
        let name = self.names.entry(name.clone()).or_insert_with(|| name.clone()).clone();
        Grant { action: grant.action, resource: Resource::Database(name) }
    }
}

pub(crate) struct CreateToken(pub(crate) NewToken);

impl Change for CreateToken {
    type Output = Arc<TokenRecord>;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::CreateToken, self.0.id.to_string()))
    }

    fn token(&self) -> Option<TokenId> {
        Some(self.0.id)
    }

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
        step: Step,
    ) -> Result<Outcome<Arc<TokenRecord>>, CatalogError> {
        let new = &self.0;
        if api_token_rows::is_digest_known(&mut *connection, new.digest).await? {
            return Err(CatalogError::TokenExists);
        }
        let inserted = sqlx::query(
            "INSERT INTO tokens (id, kind, digest, prefix, description, grants, created_at, created_by, expires_at, sequence) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(token_id_bytes(new.id))
        .bind(kind_word(new.kind))
        .bind(new.digest.as_bytes().as_slice())
        .bind(new.prefix.as_str())
        .bind(new.description.as_str())
        .bind(grants_text(&new.permissions))
        .bind(new.created_at.micros())
        .bind(new.created_by.map(token_id_bytes))
        .bind(new.expires_at.map(Timestamp::micros))
        .bind(step.sequence.0)
        .execute(connection)
        .await;
        match inserted {
            Ok(_) => Ok(Outcome::Changed(Arc::new(new.clone().into()))),
            Err(sqlx::Error::Database(cause)) if cause.is_unique_violation() => Err(CatalogError::TokenExists),
            Err(error) => Err(error.into()),
        }
    }

    fn published(output: &Self::Output) -> Published {
        Published::Token(output.clone())
    }
}

pub(crate) struct UpdateToken {
    pub(crate) id: TokenId,
    pub(crate) change: TokenChange,
}

impl Change for UpdateToken {
    type Output = Arc<TokenRecord>;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::UpdateToken, self.id.to_string()))
    }

    fn token(&self) -> Option<TokenId> {
        Some(self.id)
    }

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
        step: Step,
    ) -> Result<Outcome<Arc<TokenRecord>>, CatalogError> {
        let before = of_kind(find(&mut *connection, self.id).await?, TokenKind::Database)?;
        if before.revoked_at.is_some() {
            return Err(CatalogError::TokenRevoked);
        }
        let mut after = before.clone();
        if let Some(description) = &self.change.description {
            after.description = description.clone();
        }
        if let Some(permissions) = &self.change.permissions {
            after.permissions = permissions.clone();
        }
        if after == before {
            return Ok(Outcome::Unchanged(Arc::new(before)));
        }
        sqlx::query("UPDATE tokens SET description = ?, grants = ?, sequence = ? WHERE id = ?")
            .bind(after.description.as_str())
            .bind(grants_text(&after.permissions))
            .bind(step.sequence.0)
            .bind(token_id_bytes(self.id))
            .execute(connection)
            .await?;
        Ok(Outcome::Changed(Arc::new(after)))
    }

    fn published(output: &Self::Output) -> Published {
        Published::Token(output.clone())
    }
}

pub(crate) struct RevokeToken {
    pub(crate) id: TokenId,
    pub(crate) kind: TokenKind,
}

impl Change for RevokeToken {
    type Output = Revocation;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::RevokeToken, self.id.to_string()))
    }

    fn token(&self) -> Option<TokenId> {
        Some(self.id)
    }

    async fn apply(&self, connection: &mut SqliteConnection, step: Step) -> Result<Outcome<Revocation>, CatalogError> {
        let mut record = of_kind(find(&mut *connection, self.id).await?, self.kind)?;
        if record.revoked_at.is_some() {
            return Ok(Outcome::Unchanged(Revocation { record: Arc::new(record), newly: false }));
        }
        record.revoked_at = Some(step.now);
        sqlx::query("UPDATE tokens SET revoked_at = ?, sequence = ? WHERE id = ?")
            .bind(step.now.micros())
            .bind(step.sequence.0)
            .bind(token_id_bytes(self.id))
            .execute(connection)
            .await?;
        Ok(Outcome::Changed(Revocation { record: Arc::new(record), newly: true }))
    }

    fn published(output: &Self::Output) -> Published {
        Published::Token(output.record.clone())
    }
}

/// The record, if it is of this kind: to a caller who asks for the other kind it does not exist.
pub(crate) fn of_kind<R: std::borrow::Borrow<TokenRecord>>(record: R, kind: TokenKind) -> Result<R, CatalogError> {
    if record.borrow().kind == kind { Ok(record) } else { Err(CatalogError::TokenNotFound) }
}
