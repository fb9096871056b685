//! Many tasks at once.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::task::{Context, Waker};

use futures::future::join_all;
use tidegate_model::{ApiToken, Description, NewToken, Role, SequenceNumber, Timestamp, TokenKind};

use super::{
    assert_records_are_on_disk, fresh, name, new_api_token, new_database, new_organization, new_token, new_user,
    organization_id, token_id, user_id,
};
use crate::{Actor, ApiTokenFilter, CatalogError, Onboarding, RecordStatus, TokenChange};

const DATABASE: TokenKind = TokenKind::Database;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_parallel_creates_of_one_name_exactly_one_succeeds() {
    let (catalog, _clock, _directory) = fresh().await;
    let creates = (0..16).map(|_| {
        let catalog = catalog.clone();
        tokio::spawn(async move { catalog.create_database(catalog.own(), new_database("a"), Actor::Server).await })
    });
    let results: Vec<_> = join_all(creates).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for error in results.into_iter().filter_map(Result::err) {
        assert!(matches!(error, CatalogError::DatabaseExists { .. }), "{error:?}");
    }
    assert_eq!(catalog.sequence(), SequenceNumber(2));
    assert_eq!(catalog.databases(catalog.own(), RecordStatus::All).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_parallel_revocations_exactly_one_is_new() {
    let (catalog, clock, _directory) = fresh().await;
    catalog.create_token(new_token(1, DATABASE), Actor::Server).await.unwrap();
    let revocations = (1..=16).map(|time| {
        let (catalog, clock) = (catalog.clone(), clock.clone());
        tokio::spawn(async move {
            clock.set(time);
            catalog.revoke_token(token_id(1), DATABASE, Actor::Server).await.unwrap()
        })
    });
    let results: Vec<_> = join_all(revocations).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(results.iter().filter(|revocation| revocation.newly).count(), 1);
    let times: HashSet<_> = results.iter().map(|revocation| revocation.record.revoked_at).collect();
    assert_eq!(times.len(), 1, "every answer has the time of the one revocation");
    assert_eq!(catalog.sequence(), SequenceNumber(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn different_changes_in_parallel_each_take_their_own_number() {
    let (catalog, _clock, _directory) = fresh().await;
    let changes = (0..24).map(|number| {
        let catalog = catalog.clone();
        tokio::spawn(async move {
            match number % 3 {
                0 => catalog.create_token(new_token(number, DATABASE), Actor::Server).await.map(|_| ()),
                1 => catalog
                    .create_database(catalog.own(), new_database(&format!("d{number}")), Actor::Server)
                    .await
                    .map(|_| ()),
                _ => {
                    let to = Timestamp::from_micros(i64::try_from(number).unwrap());
                    catalog.raise_clock_mark(to).await
                }
            }
        })
    });
    for result in join_all(changes).await {
        result.unwrap().unwrap();
    }
    let sequences: Vec<_> = catalog.audit(100).await.unwrap().into_iter().map(|row| row.sequence.0).collect();
    assert_eq!(sequences, (1..=17).rev().collect::<Vec<_>>());
    assert_eq!(catalog.clock_mark(), Some(Timestamp::from_micros(23)));
    assert_eq!(catalog.active_databases(catalog.own()).len(), 8);
}

/// Readers never see a token go back: not behind what was answered to its writer, nor behind what they saw before.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_never_sees_an_older_record_than_was_answered() {
    const UPDATES: i64 = 150;
    let (catalog, _clock, _directory) = fresh().await;
    let description = |version: i64| Description::new(&version.to_string()).unwrap();
    let mut new = new_token(1, DATABASE);
    new.description = description(0);
    catalog.create_token(new, Actor::Server).await.unwrap();
    let answered = Arc::new(AtomicI64::new(0));
    let finished = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (catalog, answered, finished) = (catalog.clone(), answered.clone(), finished.clone());
            tokio::spawn(async move {
                let mut seen = 0;
                while !finished.load(Ordering::SeqCst) {
                    let least = answered.load(Ordering::SeqCst).max(seen);
                    let record = catalog.token(token_id(1), DATABASE).await.unwrap();
                    seen = record.description.as_str().parse().unwrap();
                    assert!(seen >= least, "{seen} after {least}");
                    tokio::task::yield_now().await;
                }
                seen
            })
        })
        .collect();
    for version in 1..=UPDATES {
        let change = TokenChange { description: Some(description(version)), permissions: None };
        catalog.update_token(token_id(1), change, Actor::Server).await.unwrap();
        answered.store(version, Ordering::SeqCst);
    }
    finished.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
    let last = catalog.token(token_id(1), DATABASE).await.unwrap();
    assert_eq!(last.description, description(UPDATES));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_parallel_onboardings_exactly_one_succeeds() {
    let (catalog, _clock, _directory) = fresh().await;
    let onboardings = (1..=16).map(|number| {
        let catalog = catalog.clone();
        let onboarding = Onboarding {
            user: new_user(number, &format!("user{number}")),
            organization_name: "plant".parse().unwrap(),
            database: new_database("raw"),
            token: new_api_token(number, user_id(number), catalog.own()),
        };
        tokio::spawn(async move { catalog.onboard(onboarding, Actor::Server).await })
    });
    let results: Vec<_> = join_all(onboardings).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for error in results.into_iter().filter_map(Result::err) {
        assert!(matches!(error, CatalogError::AlreadyOnboarded), "{error:?}");
    }
    assert_eq!((catalog.users().len(), catalog.active_databases(catalog.own()).len()), (1, 1));
    assert_eq!(catalog.api_tokens(ApiTokenFilter::default()).await.unwrap().len(), 1);
    assert_eq!(catalog.sequence(), SequenceNumber(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_parallel_uses_of_one_digest_exactly_one_succeeds() {
    let (catalog, _clock, _directory) = fresh().await;
    catalog.create_user(new_user(1, "a"), Actor::Server).await.unwrap();
    let creates = (1..=16).map(|number| {
        let catalog = catalog.clone();
        tokio::spawn(async move {
            let digest = new_token(1, DATABASE).digest;
            if number % 2 == 0 {
                let new = NewToken { digest, ..new_token(number, DATABASE) };
                return catalog.create_token(new, Actor::Server).await.map(drop);
            }
            let new = ApiToken { digest, ..new_api_token(number, user_id(1), catalog.own()) };
            catalog.create_api_token(new, None, Actor::Server).await.map(drop)
        })
    });
    let results: Vec<_> = join_all(creates).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for error in results.into_iter().filter_map(Result::err) {
        assert!(matches!(error, CatalogError::TokenExists), "{error:?}");
    }
}

/// Whoever sees that the organization has gone sees nothing of it any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deleted_organization_goes_at_once() {
    for _ in 0..10 {
        let (catalog, _clock, _directory) = fresh().await;
        let second = organization_id(2);
        catalog.create_user(new_user(1, "a"), Actor::Server).await.unwrap();
        catalog.create_organization(new_organization(2, "two"), Some(user_id(1)), Actor::Server).await.unwrap();
        catalog.create_database(second, new_database("first"), Actor::Server).await.unwrap();
        let creates = (0..8).map(|number| {
            let catalog = catalog.clone();
            let new = new_database(&format!("d{number}"));
            tokio::spawn(async move { catalog.create_database(second, new, Actor::Server).await })
        });
        let creates: Vec<_> = creates.collect();
        let watching = catalog.clone();
        let watcher = tokio::spawn(async move {
            while watching.organization(second).is_some() {
                tokio::task::yield_now().await;
            }
            (watching.active_databases(second), watching.members(second, Role::Owner), watching.roles(user_id(1)))
        });
        let gone = catalog.delete_organization(second, Actor::Server).await.unwrap();
        let created: Vec<_> = join_all(creates).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(gone.databases.len(), 1 + created.iter().filter(|result| result.is_ok()).count());
        for error in created.into_iter().filter_map(Result::err) {
            assert!(matches!(error, CatalogError::OrganizationNotFound), "{error:?}");
        }
        assert_eq!(watcher.await.unwrap(), (Vec::new(), Vec::new(), Vec::new()));
        assert_eq!(catalog.databases(second, RecordStatus::Active).await.unwrap(), []);
        assert_records_are_on_disk(&catalog).await;
    }
}

#[tokio::test]
async fn a_change_goes_on_when_its_caller_goes_away() {
    let (catalog, _clock, _directory) = fresh().await;
    {
        let create = std::pin::pin!(catalog.create_database(catalog.own(), new_database("a"), Actor::Server));
        assert!(create.poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    while catalog.sequence() < SequenceNumber(2) {
        tokio::task::yield_now().await;
    }
    assert!(catalog.database(catalog.own(), &name("a")).is_some());
    assert_eq!(catalog.databases(catalog.own(), RecordStatus::Active).await.unwrap().len(), 1);
    assert_eq!(catalog.audit(1).await.unwrap()[0].sequence, SequenceNumber(2));
}
