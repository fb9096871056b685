//! The audit log: one row for every change, written in the transaction of the change.

use std::fmt;
use std::str::FromStr;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection, SqlitePool};
use tidegate_model::{SequenceNumber, Timestamp, TokenId};

use crate::CatalogError;
use crate::columns::{token_id, token_id_bytes};

/// Who asked for a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The server itself, such as at first start.
    Server,
    /// The holder of this token.
    Token(TokenId),
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuditAction {
    /// The catalog was made, at first start. The subject is the cluster's id.
    CreateCatalog,
    /// A token was made. The subject is its id, as for the next two.
    CreateToken,
    /// A token's description or permissions were replaced.
    UpdateToken,
    /// A token was revoked.
    RevokeToken,
    /// A database was made. The subject is its name, as for the next one.
    CreateDatabase,
    /// A database was deleted (softly).
    DeleteDatabase,
    /// Limits or retention of a database were changed. The subject is its name.
    UpdateDatabase,
    /// A database got another name. The subject is `former to new`.
    RenameDatabase,
    /// A deleted database was brought back. The subject is its id.
    UndeleteDatabase,
    /// Tables were made, by an administrator or by a write. The subject is the database's name and the names of the tables.
    CreateTables,
    /// Tables that only the log knew were given ids, once, when older data was opened.
    AdoptTables,
    /// A table was deleted (softly). The subject is the database's name and the table's, as for the next one.
    DeleteTable,
    /// A table got another name, besides its former ones.
    RenameTable,
    /// A deleted table was brought back. The subject is the database's name and the table's id.
    UndeleteTable,
}

impl AuditAction {
    const ALL: [Self; 14] = [
        Self::CreateCatalog,
        Self::CreateToken,
        Self::UpdateToken,
        Self::RevokeToken,
        Self::CreateDatabase,
        Self::DeleteDatabase,
        Self::UpdateDatabase,
        Self::RenameDatabase,
        Self::UndeleteDatabase,
        Self::CreateTables,
        Self::AdoptTables,
        Self::DeleteTable,
        Self::RenameTable,
        Self::UndeleteTable,
    ];

    /// The word that is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreateCatalog => "create_catalog",
            Self::CreateToken => "create_token",
            Self::UpdateToken => "update_token",
            Self::RevokeToken => "revoke_token",
            Self::CreateDatabase => "create_database",
            Self::DeleteDatabase => "delete_database",
            Self::UpdateDatabase => "update_database",
            Self::RenameDatabase => "rename_database",
            Self::UndeleteDatabase => "undelete_database",
            Self::CreateTables => "create_tables",
            Self::AdoptTables => "adopt_tables",
            Self::DeleteTable => "delete_table",
            Self::RenameTable => "rename_table",
            Self::UndeleteTable => "undelete_table",
        }
    }
}

impl fmt::Display for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AuditAction {
    type Err = CatalogError;

    fn from_str(word: &str) -> Result<Self, CatalogError> {
        Self::ALL
            .into_iter()
            .find(|action| action.as_str() == word)
            .ok_or_else(|| CatalogError::corrupt("unknown action in the audit log"))
    }
}

/// One change, as the audit log keeps it. Holds no secret and no digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// The position of the change.
    pub sequence: SequenceNumber,
    /// When it was made.
    pub at: Timestamp,
    /// Who asked for it.
    pub actor: Actor,
    /// What was done.
    pub action: AuditAction,
    /// To what: an id or a name.
    pub subject: String,
}

pub(crate) async fn insert(connection: &mut SqliteConnection, row: &AuditRow) -> Result<(), CatalogError> {
    let actor = match row.actor {
        Actor::Server => None,
        Actor::Token(id) => Some(token_id_bytes(id)),
    };
    sqlx::query("INSERT INTO audit (sequence, at, actor_token, action, subject) VALUES (?, ?, ?, ?, ?)")
        .bind(row.sequence.0)
        .bind(row.at.micros())
        .bind(actor)
        .bind(row.action.as_str())
        .bind(row.subject.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

pub(crate) async fn newest(readers: &SqlitePool, limit: u32) -> Result<Vec<AuditRow>, CatalogError> {
    sqlx::query("SELECT sequence, at, actor_token, action, subject FROM audit ORDER BY sequence DESC LIMIT ?")
        .bind(limit)
        .fetch_all(readers)
        .await?
        .iter()
        .map(decode)
        .collect()
}

fn decode(row: &SqliteRow) -> Result<AuditRow, CatalogError> {
    let actor: Option<&[u8]> = row.try_get(2)?;
    Ok(AuditRow {
        sequence: SequenceNumber(row.try_get(0)?),
        at: Timestamp::from_micros(row.try_get(1)?),
        actor: actor.map(token_id).transpose()?.map_or(Actor::Server, Actor::Token),
        action: row.try_get::<&str, _>(3)?.parse()?,
        subject: row.try_get(4)?,
    })
}
