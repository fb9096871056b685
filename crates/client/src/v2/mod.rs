//! Typed client of `/api/v2` (v2 API contract §§4 and 5), as the `influx` command line uses it.

mod authorizations;
mod buckets;
mod data;
mod dbrps;
mod error;
mod fetch;
mod organizations;
mod records;
mod system;
mod transport;
mod users;

pub use authorizations::{AuthorizationFilter, AuthorizationKind, NewAuthorization};
pub use buckets::{BucketChanges, BucketFilter, NewBucket, RetentionChange};
pub use data::{DeletedRange, WriteTarget};
pub use dbrps::{DbrpChanges, DbrpFilter, NewDbrp, OrganizationReference};
pub use error::{Error, Refusal, Result};
pub use fetch::fetch;
pub use organizations::{MemberRole, OrganizationChanges};
pub use records::{
    Action, Authorization, Bucket, Dbrp, Member, Organization, Permission, Record, Resource, RetentionRule, User,
};
pub use system::{NewInstance, SetUp};
pub use transport::{Client, Credential, Heads, Observer, Options};

#[cfg(test)]
mod tests;
