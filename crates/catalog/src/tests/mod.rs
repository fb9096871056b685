//! Tests of the whole catalog. [`contract`] holds what every backend must do; the others are about SQLite's file,
//! about failures, and about many tasks at once.

mod concurrency;
mod contract;
mod failures;
mod file;
mod property;
mod tables;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use tidegate_model::{
    Action, Clock, DatabaseLimits, DatabaseName, Description, Grant, NewDatabase, NewToken, OsRandomness,
    PermissionSet, Randomness, Retention, Timestamp, TokenDigest, TokenId, TokenKind,
};

use crate::{Catalog, Opened};

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
        retention: Retention::FOREVER,
        limits: DatabaseLimits::default(),
        partition_template: None,
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
