//! What can go wrong, named for the outcome. Edges turn these into HTTP answers.

use std::sync::Arc;

use tidegate_access::{EndReason, Forbidden};
use tidegate_catalog::CatalogError;
use tidegate_engine::RejectedLine;
use tidegate_model::{DatabaseId, DatabaseName, Name, OrganizationId, TableId, TokenId, TypedPermission};
use tidegate_sql::SqlError;

/// The credential is missing, unknown, revoked, expired or of the wrong kind: one answer for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unauthenticated;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The credential is not, or no longer, usable.
    #[error("unauthorized access")]
    Unauthenticated,
    /// The credential does not hold the grant.
    #[error("forbidden")]
    Forbidden,
    /// No such token, or it is revoked and was not asked for as such.
    #[error("token {0} not found")]
    TokenNotFound(TokenId),
    /// The token is revoked, so it cannot be changed.
    #[error("token {0} is revoked and cannot be changed, create a new one")]
    TokenRevoked(TokenId),
    /// The same token text was used before.
    #[error("this token was already used on this server and is refused for ever, generate a new one")]
    TokenUsedBefore,
    /// The expiry is not in the future.
    #[error("expiresAt must be in the future")]
    ExpiryInThePast,
    /// No active database has this name.
    #[error("database \"{0}\" not found")]
    DatabaseNotFound(DatabaseName),
    /// An active database has this name already.
    #[error("database \"{0}\" already exists")]
    DatabaseExists(DatabaseName),
    /// No database of this id can be brought back.
    #[error("database {0} not found among the deleted ones")]
    NoSuchDatabaseId(DatabaseId),
    /// There is no active database of this id for the caller.
    #[error("database {0} not found")]
    DatabaseIdNotFound(DatabaseId),
    /// There is no such mapping for the caller.
    #[error("mapping not found")]
    MappingNotFound,
    /// A mapping of these v1 names exists.
    #[error("a mapping of this database and retention policy already exists")]
    MappingExists,
    /// The database has no table of this name.
    #[error("table {1:?} not found in database \"{0}\"")]
    TableNotFound(DatabaseName, String),
    /// No table of this id can be brought back in this database.
    #[error("table {0} not found among the deleted ones of this database")]
    NoSuchTableId(TableId),
    /// An active table has this name, or had it before.
    #[error("table {0:?} already exists, perhaps under a newer name")]
    TableExists(Arc<str>),
    /// The database has as many tables as its limit allows.
    #[error("the database has as many tables as its limit of {0} allows, delete some or raise maxTables")]
    TooManyTables(u32),
    /// The partition template has more tags than a table may have columns.
    #[error(
        "the partition template needs {needed} columns, but a table may have at most {limit}: raise maxColumnsPerTable"
    )]
    TemplateTooWide {
        /// How many columns the template and the time column are.
        needed: usize,
        /// How many a table may have.
        limit: u32,
    },
    /// What should be brought back was not deleted.
    #[error("this is not deleted, so there is nothing to bring back")]
    NotDeleted,
    /// What should be brought back has a name that is in use.
    #[error("its name is in use: rename or delete what has the name now")]
    NameTaken,
    /// The caller may see what it asked to change, but lacks this permission.
    #[error("{0} is unauthorized")]
    PermissionMissing(TypedPermission),
    /// The caller gives away a permission that it does not hold.
    #[error("permission {0} is not allowed: {0} is unauthorized")]
    Escalation(TypedPermission),
    /// A permission names another organization than its token is for.
    #[error("permission {0} is not for org id {1}")]
    PermissionOfOtherOrganization(TypedPermission, OrganizationId),
    /// A token would have too many permissions.
    #[error("an authorization has at most {0} permissions: scope them to all resources of a type instead of to each")]
    TooManyPermissions(usize),
    /// The owner or the organization of a new token does not exist.
    #[error("unable to create token")]
    OwnerOrOrganizationMissing,
    /// There is no such API token for the caller.
    #[error("authorization not found")]
    ApiTokenNotFound,
    /// There is no such user for the caller.
    #[error("user not found")]
    UserNotFound,
    /// There is no such organization for the caller.
    #[error("organization not found")]
    OrganizationNotFound,
    /// The user does not have this role in the organization.
    #[error("user is not a member of this organization")]
    MemberNotFound,
    /// A user of this name exists.
    #[error("user with name {0} already exists")]
    UserExists(Name),
    /// An organization of this name exists.
    #[error("organization with name {0} already exists")]
    OrganizationExists(Name),
    /// A legacy credential with this user name exists.
    #[error("token already exists")]
    LegacyNameTaken,
    /// In the cloud profile organizations are not made by the API.
    #[error("organizations cannot be created here")]
    OnlyOneOrganization,
    /// In the cloud profile users are not made by the API.
    #[error(
        "users cannot be created here: on the server's machine use tidegate recovery create-operator --create-user"
    )]
    UsersByRecovery,
    /// The organization that was made with the server stays.
    #[error("this is the server's own organization, which cannot be deleted")]
    FirstOrganization,
    /// Somebody has set up this server before.
    #[error("onboarding has already been completed")]
    AlreadySetUp,
    /// Only this machine or a management token may set up this server.
    #[error(
        "set up this server from its own machine, with a management token in the Authorization header, or start it \
         with --allow-remote-setup"
    )]
    SetupForbidden,
    /// A token that somebody chose is accepted only from this machine.
    #[error("this token may be easy to guess: leave it out to get a random one, or set up from the server's machine")]
    WeakToken,
    /// The text cannot be a token.
    #[error("a token has 1 to 512 visible ASCII characters and does not start with apiv1_ or mgmt1_")]
    BadToken,
    /// The password is too short or too long.
    #[error("a password has at least {shortest} characters and at most {longest} bytes")]
    BadPassword {
        /// Fewest characters.
        shortest: usize,
        /// Most bytes.
        longest: usize,
    },
    /// Too many passwords wait to be checked.
    #[error("too many sign-ins at this moment, try again")]
    TooManyPasswordChecks,
    /// The body of a write holds no point.
    #[error("incoming write was empty")]
    WriteEmpty,
    /// Nothing of the write was stored.
    #[error("nothing was written, {} line(s) are invalid", .0.len())]
    WriteRejected(Vec<RejectedLine>),
    /// The query was refused or failed.
    #[error(transparent)]
    Query(SqlError),
    /// The change is durable, but something that the old rights started has not ended yet.
    #[error("{0}, still draining: the change is stored, but not everything that the old rights started has ended yet")]
    StillDraining(&'static str),
    /// The server cannot do this now.
    #[error("{0}")]
    Unavailable(String),
    /// A fault of the server.
    #[error("internal error, see the server's log")]
    Internal,
}

impl ServiceError {
    /// Logs the cause of a fault of the server and hides it from the caller.
    pub(crate) fn internal(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "internal error");
        Self::Internal
    }

    /// The answer to a request whose rights ended while it was running.
    pub fn ended(reason: EndReason, database: Option<&DatabaseName>) -> Self {
        match (reason, database) {
            (EndReason::Revoked | EndReason::Expired, _) => Self::Unauthenticated,
            (EndReason::DatabaseGone, Some(database)) => Self::DatabaseNotFound(database.clone()),
            (EndReason::Narrowed | EndReason::DatabaseGone, _) => Self::Forbidden,
        }
    }
}

impl From<Unauthenticated> for ServiceError {
    fn from(_: Unauthenticated) -> Self {
        Self::Unauthenticated
    }
}

impl From<Forbidden> for ServiceError {
    fn from(forbidden: Forbidden) -> Self {
        match forbidden {
            Forbidden::NoGrant => Self::Forbidden,
            Forbidden::Ended(reason) => Self::ended(reason, None),
        }
    }
}

impl From<CatalogError> for ServiceError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::TokenExists => Self::TokenUsedBefore,
            CatalogError::DatabaseExists { name } => Self::DatabaseExists(name),
            CatalogError::TableExists { name } => Self::TableExists(name),
            CatalogError::TooManyTables { limit } => Self::TooManyTables(limit),
            CatalogError::TemplateTooWide { needed, limit } => Self::TemplateTooWide { needed, limit },
            CatalogError::NotDeleted => Self::NotDeleted,
            CatalogError::NameTaken => Self::NameTaken,
            CatalogError::UserExists { name } => Self::UserExists(name),
            CatalogError::OrganizationExists { name } => Self::OrganizationExists(name),
            CatalogError::LegacyNameTaken { .. } => Self::LegacyNameTaken,
            CatalogError::AlreadyOnboarded => Self::AlreadySetUp,
            CatalogError::OwnOrganization => Self::FirstOrganization,
            CatalogError::Unusable | CatalogError::Closed => Self::Unavailable(error.to_string()),
            other => Self::internal(other),
        }
    }
}

/// What an error of the catalog means for a call about this token.
pub(crate) fn about_token(id: TokenId) -> impl Fn(CatalogError) -> ServiceError {
    move |error| match error {
        CatalogError::TokenNotFound => ServiceError::TokenNotFound(id),
        CatalogError::TokenRevoked => ServiceError::TokenRevoked(id),
        other => other.into(),
    }
}

/// What an error of the catalog means for a call about this database.
pub(crate) fn about_database(name: &DatabaseName) -> impl Fn(CatalogError) -> ServiceError {
    let name = name.clone();
    move |error| match error {
        CatalogError::DatabaseNotFound => ServiceError::DatabaseNotFound(name.clone()),
        other => other.into(),
    }
}

/// What an error of the catalog means for a call about this table.
pub(crate) fn about_table(database: &DatabaseName, table: &str) -> impl Fn(CatalogError) -> ServiceError {
    let (database, table) = (database.clone(), table.to_owned());
    move |error| match error {
        CatalogError::TableNotFound => ServiceError::TableNotFound(database.clone(), table.clone()),
        other => about_database(&database)(other),
    }
}
