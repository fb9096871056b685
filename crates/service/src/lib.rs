//! The use cases: one function for each thing that a caller can ask for.
//!
//! A use case takes an [`Entry`] (a request that [`Service::enter`] let in), asks it for a permit where data is
//! touched, and writes the audit row together with every change. Changes run in tasks of their own: a client that
//! goes away can never leave a change half done, such as a token that is revoked on disk but still usable in memory.
//!
//! The edges translate their dialect into these calls and [`ServiceError`] back into their dialect.

mod api_tokens;
mod authority;
mod buckets;
mod console_sessions;
mod databases;
mod directory;
mod error;
mod expiry;
mod last_authority;
mod legacy;
mod management_tokens;
mod mappings;
mod measurements;
mod organizations;
mod passwords;
mod query;
mod recovery;
mod service;
mod sessions;
mod setup;
mod tables;
mod tokens;
mod upgrade;
mod users;
mod write;

pub use api_tokens::{ApiTokenQuery, ApiTokenRequest, CreatedApiToken};
pub use buckets::DatabaseUpdate;
pub use console_sessions::{ConsoleEntry, ConsoleUse};
pub use error::{ServiceError, Unauthenticated};
pub use mappings::{MappingRequest, VisibleMapping};
pub use measurements::{Counter, Counts, Histogram, Measurements};
pub use query::{QueryRequest, QueryResults, QueryTimer};
pub use recovery::{Administration, CreatedOperator, NewOperator, Recovery, RecoveryError};
pub use service::{Profile, Service, Settings};
pub use sessions::{SessionTimes, SignedIn};
pub use setup::{SetUp, SetupAuthority, SetupRequest};
pub use tables::{Column, ColumnKind};
pub use tidegate_access::{Door, EndReason, Entry, Forbidden, GuardedStream, Owner, Permit};
pub use tidegate_catalog::{ClusterRecord, MappingChange, OrganizationChange, RecordStatus, UserChange};
pub use tidegate_engine::{RejectedLine, WriteOutcome};
pub use tidegate_sql::{BatchStream, Parameter, QueryLimits, SqlError};
pub use tokens::{Created, TokenChange, TokenRequest};
pub use upgrade::upgrade;
pub use write::WriteBatch;
