//! The file: made once, kept private, opened again, refused when it is not what it should be.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use sqlx::Connection as _;
use tidegate_model::{
    AccountId, ClusterId, Description, OrganizationId, OsRandomness, SequenceNumber, Timestamp, TokenKind,
};

use super::{
    Counting, ManualClock, assert_records_are_on_disk, fresh, name, new_api_token, new_database, new_organization,
    new_token, new_user, open, organization_id, raw, token_id, user_id,
};
use crate::{Actor, Catalog, CatalogError, Opened, RecordStatus};

async fn try_open(directory: &Path) -> Result<Opened, CatalogError> {
    Catalog::open(directory, &OsRandomness, Arc::new(ManualClock::default())).await
}

async fn run(directory: &Path, statement: &'static str) {
    let mut connection = raw(directory).await;
    sqlx::query(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn first_start_makes_an_identity_that_stays() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let opened = Catalog::open(directory.path(), &Counting::default(), clock.clone()).await.unwrap();
    assert!(opened.first_start);
    let same = Counting::default();
    let identity = opened.catalog.identity();
    assert_eq!(identity.account, AccountId::random(&same));
    assert_eq!(identity.cluster, ClusterId::random(&same));
    assert_eq!(identity.organization, OrganizationId::random(&same));
    assert_eq!(opened.catalog.sequence(), SequenceNumber(1));
    opened.catalog.close().await;

    let again = open(directory.path(), &clock).await;
    assert!(!again.first_start);
    assert_eq!(again.catalog.identity(), identity);
    assert_eq!(again.catalog.sequence(), SequenceNumber(1));
}

#[tokio::test]
async fn everything_is_there_after_reopening() {
    let (catalog, clock, directory) = fresh().await;
    catalog.create_token(new_token(1, TokenKind::Database), Actor::Server).await.unwrap();
    catalog.create_token(new_token(2, TokenKind::Database), Actor::Server).await.unwrap();
    catalog.revoke_token(token_id(1), TokenKind::Database, Actor::Server).await.unwrap();
    let kept = catalog.create_database(catalog.own(), new_database("kept"), Actor::Server).await.unwrap();
    let gone = catalog.create_database(catalog.own(), new_database("gone"), Actor::Server).await.unwrap();
    catalog.delete_database(catalog.own(), &name("gone"), Actor::Server).await.unwrap();
    catalog.raise_clock_mark(Timestamp::from_micros(33)).await.unwrap();
    let (sequence, audit) = (catalog.sequence(), catalog.audit(100).await.unwrap());
    let tokens = catalog.tokens(TokenKind::Database, true).await.unwrap();
    let databases = catalog.databases(catalog.own(), RecordStatus::All).await.unwrap();
    catalog.close().await;

    let catalog = open(directory.path(), &clock).await.catalog;
    assert_eq!((catalog.sequence(), catalog.audit(100).await.unwrap()), (sequence, audit));
    assert_eq!(catalog.tokens(TokenKind::Database, true).await.unwrap(), tokens);
    assert_eq!(catalog.databases(catalog.own(), RecordStatus::All).await.unwrap(), databases);
    assert_eq!(catalog.active_databases(catalog.own()), [kept]);
    assert_eq!(catalog.clock_mark(), Some(Timestamp::from_micros(33)));
    let next = catalog.create_database(catalog.own(), new_database("gone"), Actor::Server).await.unwrap();
    assert!(next.id > gone.id);
}

/// What a process that is killed leaves behind: the database and its log, as they are at that moment.
#[tokio::test]
async fn an_answered_change_survives_a_kill() {
    let (catalog, clock, directory) = fresh().await;
    catalog.create_token(new_token(1, TokenKind::Database), Actor::Server).await.unwrap();
    catalog.revoke_token(token_id(1), TokenKind::Database, Actor::Server).await.unwrap();
    catalog.create_database(catalog.own(), new_database("a"), Actor::Server).await.unwrap();
    let copy = tempfile::tempdir().unwrap();
    for file in ["catalog.sqlite", "catalog.sqlite-wal"] {
        fs::copy(directory.path().join(file), copy.path().join(file)).unwrap();
    }
    let survivor = open(copy.path(), &clock).await;
    assert!(!survivor.first_start);
    assert_eq!(survivor.catalog.identity(), catalog.identity());
    assert_eq!(survivor.catalog.sequence(), catalog.sequence());
    assert!(survivor.catalog.database(survivor.catalog.own(), &name("a")).is_some());
    assert!(survivor.catalog.token(token_id(1), TokenKind::Database).await.unwrap().revoked_at.is_some());
}

#[tokio::test]
async fn files_are_readable_by_their_owner_only() {
    let (catalog, clock, directory) = fresh().await;
    catalog.create_token(new_token(1, TokenKind::Database), Actor::Server).await.unwrap();
    catalog.live_tokens().await.unwrap();
    for file in ["catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"] {
        assert_eq!(mode(&directory.path().join(file)), 0o600, "{file}");
    }
    catalog.close().await;

    let path = directory.path().join("catalog.sqlite");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let _opened = open(directory.path(), &clock).await;
    assert_eq!(mode(&path), 0o600);
}

#[tokio::test]
async fn a_closed_catalog_refuses_work_and_leaves_one_file() {
    let (catalog, _clock, directory) = fresh().await;
    let clone = catalog.clone();
    catalog.live_tokens().await.unwrap();
    catalog.close().await;
    let change = clone.create_database(clone.own(), new_database("a"), Actor::Server).await;
    assert!(matches!(change, Err(CatalogError::Closed)));
    assert!(matches!(clone.live_tokens().await, Err(CatalogError::Closed)));
    let files: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["catalog.sqlite"]);
}

#[tokio::test]
async fn a_newer_catalog_is_refused_and_left_alone() {
    let (catalog, _clock, directory) = fresh().await;
    catalog.close().await;
    run(
        directory.path(),
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (99991231000000, 'later', TRUE, x'00', 0)",
    )
    .await;
    let before = fs::read(directory.path().join("catalog.sqlite")).unwrap();
    let error = try_open(directory.path()).await.unwrap_err();
    assert!(matches!(error, CatalogError::Newer { migration: 99991231000000 }), "{error:?}");
    assert!(error.to_string().contains("newer version of Tidegate"), "{error}");
    assert_eq!(fs::read(directory.path().join("catalog.sqlite")).unwrap(), before);
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let (catalog, _clock, directory) = fresh().await;
    catalog.close().await;
    let path = directory.path().join("catalog.sqlite");
    let whole = fs::read(&path).unwrap();
    let mut page_overwritten = whole.clone();
    page_overwritten[4096..].fill(0x5a);
    for (what, content) in [
        ("text", b"this is no database, and longer than a header of one hundred bytes ................".repeat(3)),
        ("one page", whole[..4096].to_vec()),
        ("overwritten", page_overwritten),
    ] {
        fs::write(&path, content).unwrap();
        let error = try_open(directory.path()).await.unwrap_err();
        assert!(matches!(error, CatalogError::Corrupt { .. }), "{what}: {error:?}");
        assert!(error.to_string().contains("restore it from a backup"), "{error}");
    }
}

#[tokio::test]
async fn rows_that_this_program_never_writes_are_damage() {
    for statement in [
        "UPDATE tokens SET grants = 'read:a own:b'",
        "UPDATE tokens SET prefix = x'ff'",
        "UPDATE tokens SET created_by = x'00'",
        "UPDATE tokens SET created_at = 'today'",
    ] {
        let (catalog, _clock, directory) = fresh().await;
        catalog.create_token(new_token(1, TokenKind::Database), Actor::Server).await.unwrap();
        run(directory.path(), statement).await;
        let error = catalog.live_tokens().await.unwrap_err();
        assert!(matches!(error, CatalogError::Corrupt { .. }), "{statement}: {error:?}");
    }
    for statement in [
        "UPDATE api_tokens SET permissions = 'read:buckets read:nothing'",
        "UPDATE api_tokens SET permissions = 'read:buckets  read:users'",
        "UPDATE api_tokens SET legacy_username = ' '",
        "UPDATE api_tokens SET description = x'ff'",
    ] {
        let (catalog, _clock, directory) = fresh().await;
        catalog.create_user(new_user(1, "a"), Actor::Server).await.unwrap();
        let token = new_api_token(1, user_id(1), catalog.own());
        catalog.create_api_token(token, None, Actor::Server).await.unwrap();
        run(directory.path(), statement).await;
        let error = catalog.for_each_live_api_token(drop).await.unwrap_err();
        assert!(matches!(error, CatalogError::Corrupt { .. }), "{statement}: {error:?}");
    }
    for statement in [
        "DELETE FROM catalog_head",
        "UPDATE databases SET organization_id = 0",
        "UPDATE clusters SET organization_name = ''",
        "UPDATE users SET name = x'ff'",
        "UPDATE clusters SET organization_id = 'x'",
        "UPDATE databases SET name = '_a'",
        "UPDATE databases SET partition_template = '[]'",
        "UPDATE databases SET max_tables = 0",
    ] {
        let (catalog, _clock, directory) = fresh().await;
        catalog.create_database(catalog.own(), new_database("a"), Actor::Server).await.unwrap();
        catalog.create_user(new_user(1, "a"), Actor::Server).await.unwrap();
        catalog.close().await;
        run(directory.path(), statement).await;
        let error = try_open(directory.path()).await.unwrap_err();
        assert!(matches!(error, CatalogError::Corrupt { .. }), "{statement}: {error:?}");
    }
}

#[tokio::test]
async fn a_change_of_two_actors_is_damage() {
    let (catalog, _clock, directory) = fresh().await;
    run(directory.path(), "UPDATE audit SET actor_user = 1, actor_api_token = 1").await;
    assert!(matches!(catalog.audit(1).await, Err(CatalogError::Corrupt { .. })));
}

/// Catalogs of data that earlier versions wrote: their databases belong to the one organization that there was.
#[tokio::test]
async fn older_catalogs_are_brought_up_to_date() {
    for format in ["data-format-1", "data-format-2"] {
        let fixture = format!("{}/../../tests/fixtures/{format}/data/catalog.sqlite", env!("CARGO_MANIFEST_DIR"));
        let directory = tempfile::tempdir().unwrap();
        fs::copy(fixture, directory.path().join("catalog.sqlite")).unwrap();
        let mut connection = raw(directory.path()).await;
        let before: Vec<(i64, String, i64)> = sqlx::query_as("SELECT id, name, created_at FROM databases ORDER BY id")
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let changes: i64 = sqlx::query_scalar("SELECT count(*) FROM audit").fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        assert!(before.len() > 1, "{format}");

        let opened = try_open(directory.path()).await.unwrap();
        assert!(!opened.first_start, "{format}");
        let catalog = opened.catalog;
        let mut databases = catalog.databases(catalog.own(), RecordStatus::All).await.unwrap();
        databases.sort_by_key(|database| database.id);
        let after = databases
            .iter()
            .map(|database| (database.id.get(), database.name.to_string(), database.created_at.micros()));
        assert!(after.eq(before), "{format}");
        assert!(databases.iter().all(|database| database.updated_at == database.created_at));
        assert!(databases.iter().all(|database| database.description == Description::default()));

        let organization = catalog.organization(catalog.own()).unwrap();
        assert_eq!((organization.name.as_str(), organization.cluster), ("tidegate", catalog.identity().cluster));
        assert_eq!(organization.updated_at, organization.created_at);
        assert_eq!(catalog.organizations(), [organization]);
        assert!(!catalog.any_user_ever());
        let audit = catalog.audit(u32::MAX).await.unwrap();
        assert_eq!(i64::try_from(audit.len()).unwrap(), changes);
        assert!(audit.iter().any(|row| matches!(row.actor, Actor::Token(_))));

        let refused = catalog.create_organization(new_organization(2, "tidegate"), None, Actor::Server).await;
        assert!(matches!(refused, Err(CatalogError::OrganizationExists { .. })));
        catalog.create_organization(new_organization(2, "two"), None, Actor::Server).await.unwrap();
        let active = catalog.active_databases(catalog.own());
        let namesake = new_database(active[0].name.as_str());
        catalog.create_database(organization_id(2), namesake, Actor::Server).await.unwrap();
        assert_records_are_on_disk(&catalog).await;
    }
}

#[tokio::test]
async fn a_missing_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let error = try_open(&missing).await.unwrap_err();
    assert!(matches!(&error, CatalogError::File { path, .. } if *path == missing), "{error:?}");
    assert!(!missing.exists());
}
