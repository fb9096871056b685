//! Tests of the whole catalog. [`contract`] holds what every backend must do; the others are about SQLite's file,
//! about failures, and about many tasks at once.

macro_rules! on_sqlite {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $test() {
                    let (catalog, clock, _directory) = super::super::fresh().await;
                    super::$test(&catalog, &clock).await;
                }
            )+
        }
    };
}

/// Runs `$change` and asserts that neither the sequence nor the audit log moved.
macro_rules! leaves_no_trace {
    ($catalog:expr, $change:expr) => {{
        let before = ($catalog.sequence(), $catalog.audit(100).await.unwrap());
        let result = $change.await;
        assert_eq!(($catalog.sequence(), $catalog.audit(100).await.unwrap()), before, "{}", stringify!($change));
        result
    }};
}

mod accounts;
mod accounts_property;
mod api_tokens;
mod concurrency;
mod contract;
mod failures;
mod file;
mod mappings;
mod property;
mod tables;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use tidegate_model::{
    Action, ApiToken, ApiTokenForm, ApiTokenId, Clock, ClusterId, Database, DatabaseLimits, DatabaseName, Description,
    Grant, Mapping, MappingId, NewDatabase, NewToken, Organization, OrganizationId, OsRandomness, PermissionSet,
    Randomness, Retention, Role, Status, Timestamp, TokenDigest, TokenId, TokenKind, TypedPermissions, User, UserId,
};

use crate::records::{self, Records};
use crate::{Catalog, NewUser, Opened};

/// A clock that stands still until it is told otherwise.
#[derive(Debug, Default)]
pub(super) struct ManualClock(AtomicI64);

impl ManualClock {
    pub(super) fn set(&self, micros: i64) {
        self.0.store(micros, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// Counts, so that ids are in the order in which they are made.
#[derive(Debug, Default)]
pub(super) struct Counting(AtomicU64);

impl Randomness for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        bytes.fill(0);
        let end = bytes.len();
        bytes[end - 8..].copy_from_slice(&number.to_be_bytes());
    }
}

pub(super) async fn open(directory: &Path, clock: &Arc<ManualClock>) -> Opened {
    Catalog::open(directory, &OsRandomness, clock.clone()).await.unwrap()
}

/// A new catalog, its clock and its directory.
pub(super) async fn fresh() -> (Catalog, Arc<ManualClock>, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let opened = open(directory.path(), &clock).await;
    assert!(opened.first_start);
    (opened.catalog, clock, directory)
}

impl Catalog {
    /// The organization that there is from the first start.
    fn own(&self) -> OrganizationId {
        self.identity().organization
    }
}

/// All that memory shows of records, without what was deleted.
#[derive(Debug, PartialEq)]
pub(super) struct Shown {
    users: Vec<Arc<User>>,
    any_user_ever: bool,
    organizations: Vec<Arc<Organization>>,
    members: Vec<Vec<Arc<User>>>,
    roles: Vec<Vec<(OrganizationId, Role)>>,
    databases: Vec<Vec<Arc<Database>>>,
    mappings: Vec<Vec<Arc<Mapping>>>,
}

impl Shown {
    fn of(records: &Records) -> Self {
        let (users, organizations) = (records.users().all(), records.organizations().all());
        let ids: Vec<_> = organizations.iter().map(|organization| organization.id).collect();
        let members = |role| ids.iter().map(move |id| records.members(*id, role));
        Self {
            any_user_ever: records.any_user_ever(),
            members: members(Role::Member).chain(members(Role::Owner)).collect(),
            roles: users.iter().map(|user| records.roles(user.id)).collect(),
            databases: ids.iter().map(|id| records.active_databases(*id)).collect(),
            mappings: ids.iter().map(|id| records.mappings(*id)).collect(),
            users,
            organizations,
        }
    }
}

/// Asserts that what memory shows of records is what a new process would find on disk.
pub(super) async fn assert_records_are_on_disk(catalog: &Catalog) {
    let mut connection = catalog.shared.readers.acquire().await.unwrap();
    let on_disk = records::load(&mut connection).await.unwrap();
    assert_eq!(Shown::of(&catalog.shared.memory.records()), Shown::of(&on_disk));
}

/// A connection past the catalog.
pub(super) async fn raw(directory: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(directory.join("catalog.sqlite")).connect().await.unwrap()
}

pub(super) fn token_id(number: u64) -> TokenId {
    TokenId::from_uuid(uuid::Uuid::from_u128(number.into()))
}

/// The token of this number: id, digest and prefix follow from it.
pub(super) fn new_token(number: u64, kind: TokenKind) -> NewToken {
    NewToken {
        id: token_id(number),
        kind,
        digest: TokenDigest::of(&number.to_be_bytes()),
        prefix: format!("{}{number:04}", kind.prefix()),
        description: Description::new(&format!("token {number} ✓")).unwrap(),
        permissions: PermissionSet::none(),
        created_at: Timestamp::from_micros(1_000),
        created_by: None,
        expires_at: None,
    }
}

pub(super) fn name(text: &str) -> DatabaseName {
    text.parse().unwrap()
}

pub(super) fn new_database(text: &str) -> NewDatabase {
    NewDatabase {
        name: name(text),
        description: Description::default(),
        retention: Retention::FOREVER,
        limits: DatabaseLimits::default(),
        partition_template: None,
    }
}

pub(super) fn user_id(number: u64) -> UserId {
    UserId::new(number).unwrap()
}

pub(super) fn new_user(number: u64, name: &str) -> NewUser {
    NewUser { id: user_id(number), name: name.parse().unwrap(), status: Status::Active, password: None }
}

pub(super) fn organization_id(number: u64) -> OrganizationId {
    OrganizationId::new(number).unwrap()
}

pub(super) fn new_organization(number: u64, name: &str) -> Organization {
    Organization {
        id: organization_id(number),
        cluster: ClusterId::from_uuid(uuid::Uuid::from_u128(number.into())),
        name: name.parse().unwrap(),
        description: Description::default(),
        created_at: Timestamp::from_micros(1_000),
        updated_at: Timestamp::from_micros(1_000),
    }
}

/// The API token of this number: id and digest follow from it.
pub(super) fn new_api_token(number: u64, user: UserId, organization: OrganizationId) -> ApiToken {
    ApiToken {
        id: ApiTokenId::new(number).unwrap(),
        form: ApiTokenForm::Token { weak: false },
        digest: TokenDigest::of(format!("api token {number}").as_bytes()),
        organization,
        user,
        status: Status::Active,
        description: Description::new(&format!("token {number} ✓")).unwrap(),
        permissions: TypedPermissions::operator(),
        created_at: Timestamp::from_micros(1_000),
        updated_at: Timestamp::from_micros(1_000),
        expires_at: None,
        deleted_at: None,
    }
}

pub(super) fn mapping_id(number: u64) -> MappingId {
    MappingId::new(number).unwrap()
}

pub(super) fn new_mapping(number: u64, database: &Database, v1_database: &str, retention_policy: &str) -> Mapping {
    Mapping {
        id: mapping_id(number),
        organization: database.organization,
        database: database.id,
        v1_database: v1_database.to_owned(),
        retention_policy: retention_policy.to_owned(),
        is_default: false,
    }
}

/// A set from `r:NAME` and `w:NAME`.
pub(super) fn permissions(grants: &[&str]) -> PermissionSet {
    grants
        .iter()
        .map(|text| {
            let (action, resource) = text.split_once(':').unwrap();
            let action = if action == "r" { Action::Read } else { Action::Write };
            Grant { action, resource: resource.parse().unwrap() }
        })
        .collect()
}
