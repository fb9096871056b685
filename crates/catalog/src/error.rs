//! What can go wrong.

use std::path::PathBuf;
use std::sync::Arc;

use sqlx::migrate::MigrateError;
use tidegate_model::{DatabaseName, Name};

/// Why the catalog did not do what it was asked. Unless a variant says otherwise, nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// The digest belongs to a credential of any kind already, or the id to one of this kind; perhaps to a revoked or
    /// deleted one.
    #[error("this token exists already, perhaps as a revoked one: make another")]
    TokenExists,
    /// There is no token of this kind with this id.
    #[error("token not found")]
    TokenNotFound,
    /// The token is revoked, which is for good.
    #[error("the token is revoked and cannot be changed: create another")]
    TokenRevoked,
    /// Another legacy credential has this user name.
    #[error("a legacy credential {name:?} exists already: choose another name, or delete it first")]
    LegacyNameTaken {
        /// The name.
        name: Name,
    },
    /// There is a user, or was one.
    #[error("the first user was made already, which is done only once")]
    AlreadyOnboarded,
    /// Another user has this name, or one had this id.
    #[error("user {name:?} exists already: choose another name")]
    UserExists {
        /// The name.
        name: Name,
    },
    /// There is no user with this id.
    #[error("user not found")]
    UserNotFound,
    /// Another organization has this name, or one had this id.
    #[error("organization {name:?} exists already: choose another name")]
    OrganizationExists {
        /// The name.
        name: Name,
    },
    /// There is no organization with this id.
    #[error("organization not found")]
    OrganizationNotFound,
    /// The organization that the server was started with stays.
    #[error("this organization is the server's own and cannot be deleted: delete its databases and tokens instead")]
    OwnOrganization,
    /// The user does not have this role in the organization.
    #[error("the user does not have this role in the organization")]
    NotAMember,
    /// A mapping of this organization has this v1 database and retention policy.
    #[error("a mapping of v1 database {v1_database:?} and retention policy {retention_policy:?} exists already")]
    MappingExists {
        /// The v1 database.
        v1_database: String,
        /// The v1 retention policy.
        retention_policy: String,
    },
    /// There is no mapping with this id, or its database is deleted.
    #[error("mapping not found")]
    MappingNotFound,
    /// An active database has this name.
    #[error("database {name} exists already: choose another name, or delete it first")]
    DatabaseExists {
        /// The name.
        name: DatabaseName,
    },
    /// No active database of the organization has this name, or none this id.
    #[error("database not found")]
    DatabaseNotFound,
    /// A name of an active table, present or former.
    #[error("table {name:?} exists already: choose another name, or delete it first")]
    TableExists {
        /// The name.
        name: Arc<str>,
    },
    /// The database has no active table of this name, or none of this id that can be brought back.
    #[error("table not found")]
    TableNotFound,
    /// The database has as many tables as it may have.
    #[error("the database may have at most {limit} tables: delete some, or raise its limit")]
    TooManyTables {
        /// How many.
        limit: u32,
    },
    /// The tags of the partition template and the time column are more columns than a table may have.
    #[error("the partition template needs {needed} columns, but a table may have at most {limit}")]
    TemplateTooWide {
        /// How many columns the template and the time column are.
        needed: usize,
        /// How many a table may have.
        limit: u32,
    },
    /// What should be brought back was not deleted.
    #[error("not deleted, so there is nothing to bring back")]
    NotDeleted,
    /// What should be brought back has a name that is in use.
    #[error("the name is in use: rename or delete what has it now")]
    NameTaken,
    /// The file was written by a later version of this program.
    #[error(
        "the catalog was written by a newer version of Tidegate (migration {migration} is unknown to this one): \
         start that version, or restore a backup made before the upgrade"
    )]
    Newer {
        /// The first migration that this program does not know.
        migration: i64,
    },
    /// The file is no SQLite database, or holds what this program never writes.
    #[error("the catalog file is damaged ({detail}): restore it from a backup")]
    Corrupt {
        /// What was found; never the content of a row.
        detail: String,
    },
    /// A file or directory could not be made or reached.
    #[error("cannot use {}: check that the directory exists and that the server may write to it", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Reading or writing failed.
    #[error("the catalog could not be read or written, nothing was changed: check the disk and try again")]
    Storage(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A change failed in a way that leaves its outcome unknown. No further change is accepted.
    #[error("the outcome of a change to the catalog is unknown, no further change is accepted: restart the server")]
    Unusable,
    /// [`crate::Catalog::close`] was called.
    #[error("the catalog is closed: restart the server")]
    Closed,
}

impl CatalogError {
    pub(crate) fn corrupt(detail: impl Into<String>) -> Self {
        Self::Corrupt { detail: detail.into() }
    }
}

impl From<sqlx::Error> for CatalogError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolClosed => Self::Closed,
            sqlx::Error::Database(cause) if says_damaged(cause.as_ref()) => Self::corrupt(cause.message()),
            sqlx::Error::ColumnDecode { .. } => Self::corrupt(error.to_string()),
            _ => Self::Storage(Box::new(error)),
        }
    }
}

impl From<MigrateError> for CatalogError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(migration) => Self::Newer { migration },
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            other => Self::corrupt(other.to_string()),
        }
    }
}

/// Whether SQLite's result code is `SQLITE_CORRUPT` or `SQLITE_NOTADB`, in any of their extended forms.
fn says_damaged(error: &dyn sqlx::error::DatabaseError) -> bool {
    let primary = error.code().and_then(|code| code.parse::<i32>().ok()).map(|code| code & 0xff);
    matches!(primary, Some(11 | 26))
}
