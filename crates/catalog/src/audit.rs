//! The audit log: one row for every change, written in the transaction of the change.

use std::fmt;
use std::str::FromStr;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection, SqlitePool};
use tidegate_model::{ApiTokenId, SequenceNumber, Timestamp, TokenId, UserId};

use crate::CatalogError;
use crate::columns::{id, id_column, token_id, token_id_bytes};

/// Who asked for a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The server itself, such as at first start.
    Server,
    /// The holder of this database token or management token.
    Token(TokenId),
    /// The holder of this API token.
    ApiToken(ApiTokenId),
    /// A user who signed in.
    User(UserId),
}

macro_rules! audit_actions {
    ($($(#[$doc:meta])* $variant:ident $word:literal,)*) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum AuditAction {
            $($(#[$doc])* $variant,)*
        }

        impl AuditAction {
            const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word that is stored and shown.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

// Until there were organizations, a database was named without the id of its own before it.
audit_actions! {
    /// The catalog was made, at first start. The subject is the cluster's id.
    CreateCatalog "create_catalog",
    /// A token was made. The subject is its id, as for the next two.
    CreateToken "create_token",
    /// A token's description or permissions were replaced.
    UpdateToken "update_token",
    /// A token was revoked.
    RevokeToken "revoke_token",
    /// A database was made. The subject is its organization's id and its name, as for the next two.
    CreateDatabase "create_database",
    /// A database was deleted (softly).
    DeleteDatabase "delete_database",
    /// Description, limits or retention of a database were changed.
    UpdateDatabase "update_database",
    /// A database got another name. The subject is its organization's id and `former to new`.
    RenameDatabase "rename_database",
    /// A deleted database was brought back. The subject is its id.
    UndeleteDatabase "undelete_database",
    /// Tables were made, by an administrator or by a write. The subject is the database (its organization's id and its
    /// name) and the names of the tables.
    CreateTables "create_tables",
    /// Tables that only the log knew were given ids, once, when older data was opened.
    AdoptTables "adopt_tables",
    /// A table was deleted (softly). The subject is the database and the table's name, as for the next one.
    DeleteTable "delete_table",
    /// A table got another name, besides its former ones.
    RenameTable "rename_table",
    /// A deleted table was brought back. The subject is the database and the table's id.
    UndeleteTable "undelete_table",
    /// The first user, its token and perhaps a database were made. The subject is the ids of user and token, and the names
    /// of user, organization and database.
    Onboard "onboard",
    /// A user was made. The subject is its id and its name.
    CreateUser "create_user",
    /// A user's name or status was changed. The subject is its id and what is new.
    UpdateUser "update_user",
    /// A user got another password. The subject is the user's id, as for the next one.
    SetPassword "set_password",
    /// A user was deleted (softly), and left all organizations.
    DeleteUser "delete_user",
    /// An organization was made. The subject is its id and its name, and the id of its owner.
    CreateOrganization "create_organization",
    /// An organization's name or description was changed. The subject is its id and the new name.
    UpdateOrganization "update_organization",
    /// An organization was deleted (softly), with its databases and API tokens. The subject is its id.
    DeleteOrganization "delete_organization",
    /// A user joined an organization. The subject is the organization's id, the user's, and the role, as for the next one.
    AddMember "add_member",
    /// A user left an organization.
    RemoveMember "remove_member",
    /// An API token was made. The subject is its id, its owner's and its organization's.
    CreateApiToken "create_api_token",
    /// An API token's status or description was changed. The subject is its id and the new status.
    UpdateApiToken "update_api_token",
    /// An API token was deleted (softly). The subject is its id, as for the next one.
    DeleteApiToken "delete_api_token",
    /// The password of a legacy credential was replaced.
    SetLegacyPassword "set_legacy_password",
    /// A mapping was made or overwritten. The subject is the organization's id, both v1 names and the database's id.
    CreateMapping "create_mapping",
    /// A mapping was changed. The subject is its id, as for the next one.
    UpdateMapping "update_mapping",
    /// A mapping was deleted.
    DeleteMapping "delete_mapping",
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
            .iter()
            .copied()
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
    let (token, api_token, user) = match row.actor {
        Actor::Server => (None, None, None),
        Actor::Token(id) => (Some(token_id_bytes(id)), None, None),
        Actor::ApiToken(id) => (None, Some(id_column(id.get())), None),
        Actor::User(id) => (None, None, Some(id_column(id.get()))),
    };
    sqlx::query(
        "INSERT INTO audit (sequence, at, actor_token, actor_api_token, actor_user, action, subject) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(row.sequence.0)
    .bind(row.at.micros())
    .bind(token)
    .bind(api_token)
    .bind(user)
    .bind(row.action.as_str())
    .bind(row.subject.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn newest(readers: &SqlitePool, limit: u32) -> Result<Vec<AuditRow>, CatalogError> {
    sqlx::query(
        "SELECT sequence, at, actor_token, actor_api_token, actor_user, action, subject \
         FROM audit ORDER BY sequence DESC LIMIT ?",
    )
    .bind(limit)
    .fetch_all(readers)
    .await?
    .iter()
    .map(decode)
    .collect()
}

fn decode(row: &SqliteRow) -> Result<AuditRow, CatalogError> {
    let (token, api_token, user): (Option<&[u8]>, _, _) = (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
    Ok(AuditRow {
        sequence: SequenceNumber(row.try_get(0)?),
        at: Timestamp::from_micros(row.try_get(1)?),
        actor: match (token, api_token, user) {
            (None, None, None) => Actor::Server,
            (Some(token), None, None) => Actor::Token(token_id(token)?),
            (None, Some(api_token), None) => Actor::ApiToken(id(api_token, ApiTokenId::new)?),
            (None, None, Some(user)) => Actor::User(id(user, UserId::new)?),
            _ => return Err(CatalogError::corrupt("a change has two actors")),
        },
        action: row.try_get::<&str, _>(5)?.parse()?,
        subject: row.try_get(6)?,
    })
}
