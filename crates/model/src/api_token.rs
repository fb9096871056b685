//! API tokens, which the v2 API calls authorizations, and mappings from v1 names to databases.

use crate::{
    ApiTokenId, DatabaseId, Description, MappingId, Name, OrganizationId, Status, Timestamp, TokenDigest,
    TypedPermissions, UserId,
};

/// How a client proves that it holds an API token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiTokenForm {
    /// By its secret text.
    Token {
        /// Somebody chose the text, so that it may be easy to guess.
        weak: bool,
    },
    /// By user name and password, as v1 clients do (contract §5.8). The record's digest is that of no text.
    Legacy {
        /// The name, unique among the legacy credentials that exist. It is not the name of a user.
        username: Name,
    },
}

/// An API token as the catalog keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id, never given out twice.
    pub id: ApiTokenId,
    /// How it is presented.
    pub form: ApiTokenForm,
    /// Its digest; no other credential, also no deleted one, may have the same.
    pub digest: TokenDigest,
    /// The organization in which it finds databases.
    pub organization: OrganizationId,
    /// Its owner. When the owner goes, the token stops working.
    pub user: UserId,
    /// Whether it can be used.
    pub status: Status,
    /// What its maker wrote beside it.
    pub description: Description,
    /// What it may do. Never changes.
    pub permissions: TypedPermissions,
    /// When it was made.
    pub created_at: Timestamp,
    /// When status or description were last changed.
    pub updated_at: Timestamp,
    /// From when on it is dead; `None` = never.
    pub expires_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}

/// What to change of an API token; `None` leaves it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApiTokenChange {
    /// The new description.
    pub description: Option<Description>,
    /// The new status.
    pub status: Option<Status>,
}

/// A mapping from a v1 database and retention policy to a database (v2 API contract §5.6, "DBRP").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Its id, never given out twice.
    pub id: MappingId,
    /// In which organization it holds.
    pub organization: OrganizationId,
    /// Where it leads.
    pub database: DatabaseId,
    /// The v1 database.
    pub v1_database: String,
    /// The v1 retention policy.
    pub retention_policy: String,
    /// Whether this is what the v1 database means without a retention policy.
    pub is_default: bool,
}
