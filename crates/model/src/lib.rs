//! The vocabulary of Tidegate: ids, names, times, permissions, tokens, database and token records.
//!
//! Everything here is pure: no I/O, no async, no global state. Time and randomness come in through
//! [`Clock`] and [`Randomness`], so that tests are exact.

mod database;
mod ids;
mod name;
mod partition;
mod partition_key;
mod permission;
mod table;
mod time;
mod token;

pub use database::{Database, DatabaseChange, DatabaseLimits, DatabaseLimitsError, NewDatabase, Retention};
pub use ids::{
    AccountId, ClusterId, DatabaseId, Identity, OrganizationId, ParseIdError, SequenceNumber, TableId, TokenId, UserId,
};
pub use name::{DatabaseName, DatabaseNameError};
pub use partition::{PartitionTemplate, PartitionTemplateError, TemplatePart};
pub use permission::{Action, ActionError, Grant, PermissionSet, Resource, ResourceError};
pub use table::{NewTable, Table, TableName, TableNameError};
pub use time::{Clock, ParseTimestampError, SystemClock, Timestamp};
pub use token::{
    Description, DescriptionError, NewToken, OsRandomness, PlainToken, Randomness, TokenDigest, TokenKind, TokenRecord,
    TokenState,
};
