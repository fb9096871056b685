//! Changes that fail or are cut off: memory and disk must agree afterwards, or nothing more may be changed.

use std::sync::Arc;

use sqlx::SqliteConnection;
use tidegate_model::{SequenceNumber, Timestamp, TokenKind};

use super::{fresh, name, new_database, new_token, open, raw, token_id};
use crate::audit::AuditAction;
use crate::memory::Published;
use crate::writer::{Change, Fault, Outcome, Step};
use crate::{Actor, Catalog, CatalogError, RecordStatus};

const DATABASE: TokenKind = TokenKind::Database;

async fn inject(catalog: &Catalog, fault: Fault) {
    catalog.shared.writer.lock().await.fault = Some(fault);
}

/// What memory shows is what a new process would find on disk.
async fn assert_memory_is_disk(catalog: &Catalog) {
    let on_disk: Vec<_> =
        catalog.databases(catalog.own(), RecordStatus::Active).await.unwrap().into_iter().map(Arc::new).collect();
    assert_eq!(catalog.active_databases(catalog.own()), on_disk);
    for kind in [DATABASE, TokenKind::Management] {
        for record in catalog.tokens(kind, true).await.unwrap() {
            assert_eq!(*catalog.token(record.id, kind).await.unwrap(), record);
        }
    }
    let audit = catalog.audit(u32::MAX).await.unwrap();
    assert_eq!(audit.first().map(|row| row.sequence), Some(catalog.sequence()));
    assert_eq!(audit.len(), usize::try_from(catalog.sequence().0).unwrap());
}

#[tokio::test]
async fn a_commit_that_failed_has_not_happened() {
    let (catalog, _clock, _directory) = fresh().await;
    catalog.create_token(new_token(1, DATABASE), Actor::Server).await.unwrap();
    inject(&catalog, Fault::FailsBeforeCommit).await;
    let result = catalog.revoke_token(token_id(1), DATABASE, Actor::Server).await;
    assert!(matches!(result, Err(CatalogError::Storage(_))));
    assert_eq!(catalog.token(token_id(1), DATABASE).await.unwrap().revoked_at, None);
    assert_memory_is_disk(&catalog).await;

    inject(&catalog, Fault::FailsBeforeCommit).await;
    assert!(catalog.create_database(catalog.own(), new_database("a"), Actor::Server).await.is_err());
    assert!(catalog.database(catalog.own(), &name("a")).is_none());
    inject(&catalog, Fault::FailsBeforeCommit).await;
    assert!(catalog.raise_clock_mark(Timestamp::from_micros(5)).await.is_err());
    assert_eq!(catalog.clock_mark(), None);

    assert!(catalog.revoke_token(token_id(1), DATABASE, Actor::Server).await.unwrap().newly);
    assert_eq!(catalog.sequence(), SequenceNumber(3));
    assert_memory_is_disk(&catalog).await;
}

#[tokio::test]
async fn a_commit_that_happened_counts_although_it_reported_an_error() {
    let (catalog, _clock, _directory) = fresh().await;
    catalog.create_token(new_token(1, DATABASE), Actor::Server).await.unwrap();
    inject(&catalog, Fault::FailsAfterCommit).await;
    assert!(catalog.revoke_token(token_id(1), DATABASE, Actor::Server).await.unwrap().newly);
    assert!(catalog.token(token_id(1), DATABASE).await.unwrap().revoked_at.is_some());

    inject(&catalog, Fault::FailsAfterCommit).await;
    catalog.create_database(catalog.own(), new_database("a"), Actor::Server).await.unwrap();
    assert!(catalog.database(catalog.own(), &name("a")).is_some());
    inject(&catalog, Fault::FailsAfterCommit).await;
    catalog.raise_clock_mark(Timestamp::from_micros(5)).await.unwrap();
    assert_eq!(catalog.clock_mark(), Some(Timestamp::from_micros(5)));
    assert_eq!(catalog.sequence(), SequenceNumber(4));
    assert_memory_is_disk(&catalog).await;
}

#[tokio::test]
async fn an_outcome_that_cannot_be_read_ends_all_changes() {
    let (catalog, clock, directory) = fresh().await;
    catalog.create_token(new_token(1, DATABASE), Actor::Server).await.unwrap();
    assert_eq!(catalog.token(token_id(1), DATABASE).await.unwrap().revoked_at, None);
    {
        let mut writer = catalog.shared.writer.lock().await;
        writer.fault = Some(Fault::FailsAfterCommit);
        writer.path.set_file_name("missing.sqlite");
    }
    let result = catalog.revoke_token(token_id(1), DATABASE, Actor::Server).await;
    assert!(matches!(result, Err(CatalogError::Unusable)));
    // What is read comes from disk, not from a memory that may be behind it.
    for _ in 0..2 {
        assert!(catalog.token(token_id(1), DATABASE).await.unwrap().revoked_at.is_some());
    }
    catalog.shared.writer.lock().await.path.set_file_name("catalog.sqlite");
    let next = catalog.create_database(catalog.own(), new_database("a"), Actor::Server).await;
    assert!(matches!(next, Err(CatalogError::Unusable)));
    catalog.close().await;

    let catalog = open(directory.path(), &clock).await.catalog;
    assert_eq!(catalog.sequence(), SequenceNumber(3));
    catalog.create_database(catalog.own(), new_database("a"), Actor::Server).await.unwrap();
}

#[tokio::test]
async fn without_its_audit_row_no_change_happens() {
    let (catalog, _clock, directory) = fresh().await;
    catalog.create_token(new_token(1, DATABASE), Actor::Server).await.unwrap();
    catalog.create_database(catalog.own(), new_database("kept"), Actor::Server).await.unwrap();
    let mut raw = raw(directory.path()).await;
    let trigger = "CREATE TRIGGER no_audit BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'refused'); END";
    sqlx::query(trigger).execute(&mut raw).await.unwrap();
    let sequence = catalog.sequence();

    let create = catalog.create_token(new_token(2, DATABASE), Actor::Server).await.map(|_| ());
    let revoke = catalog.revoke_token(token_id(1), DATABASE, Actor::Server).await.map(|_| ());
    let database = catalog.create_database(catalog.own(), new_database("a"), Actor::Server).await.map(|_| ());
    let delete = catalog.delete_database(catalog.own(), &name("kept"), Actor::Server).await.map(|_| ());
    for result in [create, revoke, database, delete] {
        assert!(matches!(result, Err(CatalogError::Storage(_))), "{result:?}");
    }
    assert_eq!(catalog.sequence(), sequence);
    assert_memory_is_disk(&catalog).await;
    assert!(matches!(catalog.token(token_id(2), DATABASE).await, Err(CatalogError::TokenNotFound)));
    assert_eq!(catalog.token(token_id(1), DATABASE).await.unwrap().revoked_at, None);
    assert!(catalog.database(catalog.own(), &name("kept")).is_some());

    sqlx::query("DROP TRIGGER no_audit").execute(&mut raw).await.unwrap();
    catalog.create_token(new_token(2, DATABASE), Actor::Server).await.unwrap();
    assert_eq!(catalog.sequence(), SequenceNumber(sequence.0 + 1));
    assert_memory_is_disk(&catalog).await;
}

#[tokio::test]
async fn a_catalog_that_somebody_else_changed_is_not_written() {
    let (catalog, _clock, directory) = fresh().await;
    sqlx::query("UPDATE catalog_head SET sequence = 9").execute(&mut raw(directory.path()).await).await.unwrap();
    let first = catalog.create_database(catalog.own(), new_database("a"), Actor::Server).await;
    assert!(matches!(first, Err(CatalogError::Storage(_))));
    let second = catalog.create_database(catalog.own(), new_database("a"), Actor::Server).await;
    assert!(matches!(second, Err(CatalogError::Unusable)));
    assert!(catalog.database(catalog.own(), &name("a")).is_none());
    assert_eq!(catalog.databases(catalog.own(), RecordStatus::All).await.unwrap(), []);
}

/// Writes a row, then panics.
struct Panics;

impl Change for Panics {
    type Output = ();

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::RevokeToken, "x".into()))
    }

    async fn apply(&self, connection: &mut SqliteConnection, _: Step) -> Result<Outcome<()>, CatalogError> {
        sqlx::query("UPDATE tokens SET revoked_at = 1").execute(connection).await?;
        panic!("on purpose");
    }

    fn published((): &()) -> Published {
        Published::Nothing
    }
}

#[tokio::test]
async fn a_change_that_panics_is_rolled_back_and_the_next_one_works() {
    let (catalog, _clock, _directory) = fresh().await;
    catalog.create_token(new_token(1, DATABASE), Actor::Server).await.unwrap();
    assert!(matches!(catalog.change(Panics, Actor::Server).await, Err(CatalogError::Unusable)));
    catalog.create_database(catalog.own(), new_database("a"), Actor::Server).await.unwrap();
    assert_eq!(catalog.token(token_id(1), DATABASE).await.unwrap().revoked_at, None);
    assert_memory_is_disk(&catalog).await;
}
