//! Changes that fail or are cut off: memory and disk must agree afterwards, or nothing more may be changed.

use sqlx::SqliteConnection;
use tidegate_model::{ApiTokenChange, OrganizationId, Role, SequenceNumber, Status, Timestamp, TokenKind};

use super::{
    assert_records_are_on_disk, fresh, name, new_api_token, new_database, new_mapping, new_organization, new_token,
    new_user, open, organization_id, raw, token_id, user_id,
};
use crate::audit::AuditAction;
use crate::memory::Published;
use crate::writer::{Change, Fault, Outcome, Step};
use crate::{Actor, ApiTokenFilter, Catalog, CatalogError, Onboarding, RecordStatus};

const DATABASE: TokenKind = TokenKind::Database;

async fn inject(catalog: &Catalog, fault: Fault) {
    catalog.shared.writer.lock().await.fault = Some(fault);
}

/// What memory shows is what a new process would find on disk.
async fn assert_memory_is_disk(catalog: &Catalog) {
    assert_records_are_on_disk(catalog).await;
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

fn onboarding(organization: OrganizationId) -> Onboarding {
    Onboarding {
        user: new_user(1, "first"),
        organization_name: "plant".parse().unwrap(),
        database: new_database("raw"),
        token: new_api_token(1, user_id(1), organization),
    }
}

#[tokio::test]
async fn onboarding_happens_as_a_whole_or_not_at_all() {
    let (catalog, _clock, _directory) = fresh().await;
    inject(&catalog, Fault::FailsBeforeCommit).await;
    let failed = catalog.onboard(onboarding(catalog.own()), Actor::Server).await;
    assert!(matches!(failed, Err(CatalogError::Storage(_))));
    assert!(!catalog.any_user_ever());
    assert_eq!(catalog.organization(catalog.own()).unwrap().name.as_str(), "tidegate");
    assert_eq!(catalog.active_databases(catalog.own()), []);
    assert_eq!(catalog.api_tokens(ApiTokenFilter::default()).await.unwrap(), []);
    assert_memory_is_disk(&catalog).await;

    inject(&catalog, Fault::FailsAfterCommit).await;
    let made = catalog.onboard(onboarding(catalog.own()), Actor::Server).await.unwrap();
    assert_eq!(catalog.users(), [made.user]);
    assert_eq!(catalog.organization_by_name("plant"), Some(made.organization));
    assert_eq!(catalog.active_databases(catalog.own()), [made.database]);
    assert_eq!(catalog.api_tokens(ApiTokenFilter::default()).await.unwrap(), [made.token]);
    assert_memory_is_disk(&catalog).await;
}

#[tokio::test]
async fn an_organization_goes_as_a_whole_or_not_at_all() {
    let (catalog, _clock, _directory) = fresh().await;
    let second = organization_id(2);
    catalog.create_user(new_user(1, "a"), Actor::Server).await.unwrap();
    catalog.create_organization(new_organization(2, "two"), Some(user_id(1)), Actor::Server).await.unwrap();
    let database = catalog.create_database(second, new_database("a"), Actor::Server).await.unwrap();
    let mapping = new_mapping(1, &database, "v1", "autogen");
    let mapping = catalog.create_mapping(mapping, false, Actor::Server).await.unwrap();
    let token = new_api_token(1, user_id(1), second);
    let token = catalog.create_api_token(token, None, Actor::Server).await.unwrap();

    inject(&catalog, Fault::FailsBeforeCommit).await;
    assert!(matches!(catalog.delete_organization(second, Actor::Server).await, Err(CatalogError::Storage(_))));
    assert_eq!(catalog.active_databases(second), [database]);
    assert_eq!(catalog.mappings(second), [mapping]);
    assert_eq!(catalog.roles(user_id(1)), [(second, Role::Owner)]);
    assert_eq!(catalog.api_tokens(ApiTokenFilter::default()).await.unwrap(), [token]);
    assert_memory_is_disk(&catalog).await;

    inject(&catalog, Fault::FailsAfterCommit).await;
    let gone = catalog.delete_organization(second, Actor::Server).await.unwrap();
    assert_eq!((gone.databases.len(), gone.tokens.len()), (1, 1));
    assert_eq!(catalog.organization(second), None);
    assert_eq!(catalog.active_databases(second), []);
    assert_eq!(catalog.mappings(second), []);
    assert_eq!(catalog.mapped_database(second, "v1", None), None);
    assert_eq!(catalog.roles(user_id(1)), []);
    assert_eq!(catalog.api_tokens(ApiTokenFilter::default()).await.unwrap(), []);
    assert_memory_is_disk(&catalog).await;
}

#[tokio::test]
async fn without_its_audit_row_no_account_changes() {
    let (catalog, _clock, directory) = fresh().await;
    catalog.create_user(new_user(1, "a"), Actor::Server).await.unwrap();
    let token = new_api_token(1, user_id(1), catalog.own());
    let token = catalog.create_api_token(token, None, Actor::Server).await.unwrap();
    let mut raw = raw(directory.path()).await;
    let trigger = "CREATE TRIGGER no_audit BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'refused'); END";
    sqlx::query(trigger).execute(&mut raw).await.unwrap();
    let (own, server) = (catalog.own(), Actor::Server);
    let stop = ApiTokenChange { description: None, status: Some(Status::Inactive) };
    for result in [
        catalog.create_user(new_user(2, "b"), server).await.map(drop),
        catalog.delete_user(user_id(1), server).await.map(drop),
        catalog.add_member(own, user_id(1), Role::Owner, server).await,
        catalog.create_organization(new_organization(2, "two"), None, server).await.map(drop),
        catalog.create_api_token(new_api_token(2, user_id(1), own), None, server).await.map(drop),
        catalog.update_api_token(token.id, stop, server).await.map(drop),
        catalog.delete_api_token(token.id, server).await.map(drop),
    ] {
        assert!(matches!(result, Err(CatalogError::Storage(_))), "{result:?}");
    }
    assert_memory_is_disk(&catalog).await;
    assert_eq!(catalog.users().len(), 1);
    assert_eq!(catalog.api_tokens(ApiTokenFilter::default()).await.unwrap(), [token]);
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
