//! The vocabulary of Tidegate: ids, names, times, permissions, tokens, database and token records.
//!
//! Everything here is pure: no I/O, no async, no global state. Time and randomness come in through
//! [`Clock`] and [`Randomness`], so that tests are exact.

mod api_token;
mod database;
mod ids;
mod name;
mod partition;
mod partition_key;
mod permission;
mod resource;
mod table;
mod time;
mod token;
mod user;

pub use api_token::{ApiToken, ApiTokenChange, ApiTokenForm, Mapping};
pub use database::{Database, DatabaseChange, DatabaseLimits, DatabaseLimitsError, NewDatabase, Retention};
pub use ids::{
    AccountId, AccountUserId, ApiTokenId, ClusterId, CredentialId, DatabaseId, Identity, MappingId, OrganizationId,
    ParseHexIdError, ParseIdError, ResourceId, SequenceNumber, SessionId, TableId, TokenId, UserId,
};
pub use name::{DatabaseName, DatabaseNameError};
pub use partition::{PartitionTemplate, PartitionTemplateError, TemplatePart};
pub use permission::{Action, ActionError, Grant, PermissionSet, Resource, ResourceError};
pub use resource::{
    ParseTypedPermissionError, ResourceType, ResourceTypeError, TypeScope, TypedPermission, TypedPermissions,
};
pub use table::{NewTable, Table, TableName, TableNameError};
pub use time::{Clock, ParseTimestampError, SystemClock, Timestamp};
pub use token::{
    Description, DescriptionError, NewToken, OsRandomness, PlainToken, Randomness, TokenDigest, TokenKind, TokenRecord,
    TokenState,
};
pub use user::{Name, NameError, Organization, Role, RoleError, Status, StatusError, User};
