//! What every backend must do: functions over a new catalog, whose clock stands at 0.

use tidegate_model::{
    DatabaseLimits, Description, NewDatabase, PartitionTemplate, Retention, SequenceNumber, TemplatePart, Timestamp,
    TokenDigest, TokenKind,
};

use super::{ManualClock, name, new_database, new_token, permissions, token_id};
use crate::{Actor, AuditAction, Catalog, CatalogError, RecordStatus, TokenChange};

const DATABASE: TokenKind = TokenKind::Database;
const MANAGEMENT: TokenKind = TokenKind::Management;

on_sqlite!(
    a_token_is_given_back_whole,
    a_digest_or_id_is_used_once,
    an_update_changes_only_what_it_names,
    an_update_is_refused_where_it_does_not_belong,
    a_revocation_is_for_good_and_repeatable,
    kinds_do_not_mix,
    lists_are_ordered_and_filtered,
    live_tokens_are_all_that_are_not_revoked,
    a_management_token_is_remembered,
    a_database_is_given_back_whole,
    an_active_name_is_used_once,
    ids_are_never_reused,
    deleted_databases_stay_on_record,
    the_clock_mark_never_falls,
    every_change_has_one_audit_row_and_one_sequence_number,
    refused_and_empty_changes_leave_no_trace,
);

fn text(description: &str) -> Option<Description> {
    Some(Description::new(description).unwrap())
}

async fn a_token_is_given_back_whole(catalog: &Catalog, _: &ManualClock) {
    let mut new = new_token(1, DATABASE);
    new.permissions = permissions(&["w:b", "r:*", "r:a/b-c"]);
    new.created_by = Some(token_id(9));
    new.expires_at = Some(Timestamp::from_micros(-5));
    let created = catalog.create_token(new.clone(), Actor::Server).await.unwrap();
    assert_eq!(*created, new.clone().into());
    assert_eq!(*catalog.token(new.id, DATABASE).await.unwrap(), new.clone().into());
    assert_eq!(catalog.tokens(DATABASE, false).await.unwrap(), [new.into()]);
}

async fn a_digest_or_id_is_used_once(catalog: &Catalog, _: &ManualClock) {
    let first = new_token(1, DATABASE);
    catalog.create_token(first.clone(), Actor::Server).await.unwrap();
    catalog.revoke_token(first.id, DATABASE, Actor::Server).await.unwrap();
    let mut same_digest = new_token(2, MANAGEMENT);
    same_digest.digest = first.digest;
    let mut same_id = new_token(3, DATABASE);
    same_id.id = first.id;
    for new in [first, same_digest, same_id] {
        let error = leaves_no_trace!(catalog, catalog.create_token(new, Actor::Server)).unwrap_err();
        assert!(matches!(error, CatalogError::TokenExists), "{error:?}");
    }
    assert!(matches!(catalog.token(token_id(2), MANAGEMENT).await, Err(CatalogError::TokenNotFound)));
    assert!(catalog.token(token_id(1), DATABASE).await.unwrap().revoked_at.is_some());
}

async fn an_update_changes_only_what_it_names(catalog: &Catalog, _: &ManualClock) {
    let mut expected = new_token(1, DATABASE);
    expected.permissions = permissions(&["r:a"]);
    catalog.create_token(expected.clone(), Actor::Server).await.unwrap();

    let change = TokenChange { description: text("other"), permissions: None };
    let updated = catalog.update_token(expected.id, change, Actor::Server).await.unwrap();
    expected.description = Description::new("other").unwrap();
    assert_eq!(*updated, expected.clone().into());

    let change = TokenChange { description: None, permissions: Some(permissions(&["w:b", "r:a"])) };
    catalog.update_token(expected.id, change, Actor::Server).await.unwrap();
    expected.permissions = permissions(&["w:b", "r:a"]);
    assert_eq!(*catalog.token(expected.id, DATABASE).await.unwrap(), expected.clone().into());

    let change = TokenChange { description: text(""), permissions: Some(permissions(&[])) };
    catalog.update_token(expected.id, change, Actor::Server).await.unwrap();
    expected.description = Description::default();
    expected.permissions = permissions(&[]);
    assert_eq!(catalog.live_tokens().await.unwrap(), [expected.into()]);
}

async fn an_update_is_refused_where_it_does_not_belong(catalog: &Catalog, _: &ManualClock) {
    let change = TokenChange { description: text("x"), permissions: None };
    let update = |number| catalog.update_token(token_id(number), change.clone(), Actor::Server);
    let missing = leaves_no_trace!(catalog, update(1));
    assert!(matches!(missing, Err(CatalogError::TokenNotFound)));

    catalog.create_token(new_token(1, DATABASE), Actor::Server).await.unwrap();
    catalog.revoke_token(token_id(1), DATABASE, Actor::Server).await.unwrap();
    let revoked = leaves_no_trace!(catalog, update(1));
    assert!(matches!(revoked, Err(CatalogError::TokenRevoked)));

    catalog.create_token(new_token(2, MANAGEMENT), Actor::Server).await.unwrap();
    let management = leaves_no_trace!(catalog, update(2));
    assert!(matches!(management, Err(CatalogError::TokenNotFound)));
}

async fn a_revocation_is_for_good_and_repeatable(catalog: &Catalog, clock: &ManualClock) {
    let id = token_id(1);
    catalog.create_token(new_token(1, DATABASE), Actor::Server).await.unwrap();
    clock.set(50);
    let first = catalog.revoke_token(id, DATABASE, Actor::Server).await.unwrap();
    assert!(first.newly);
    assert_eq!(first.record.revoked_at, Some(Timestamp::from_micros(50)));

    clock.set(90);
    let again = leaves_no_trace!(catalog, catalog.revoke_token(id, DATABASE, Actor::Server)).unwrap();
    assert!(!again.newly);
    assert_eq!(again.record, first.record);
    assert_eq!(catalog.token(id, DATABASE).await.unwrap(), first.record);
}

async fn kinds_do_not_mix(catalog: &Catalog, _: &ManualClock) {
    for (number, kind, other) in [(1, DATABASE, MANAGEMENT), (2, MANAGEMENT, DATABASE)] {
        let id = token_id(number);
        catalog.create_token(new_token(number, kind), Actor::Server).await.unwrap();
        for _ in 0..2 {
            assert!(matches!(catalog.token(id, other).await, Err(CatalogError::TokenNotFound)));
            let revoked = leaves_no_trace!(catalog, catalog.revoke_token(id, other, Actor::Server));
            assert!(matches!(revoked, Err(CatalogError::TokenNotFound)));
        }
        assert_eq!(catalog.token(id, kind).await.unwrap().revoked_at, None);
    }
    let never = leaves_no_trace!(catalog, catalog.revoke_token(token_id(3), DATABASE, Actor::Server));
    assert!(matches!(never, Err(CatalogError::TokenNotFound)));
}

async fn lists_are_ordered_and_filtered(catalog: &Catalog, _: &ManualClock) {
    for number in [300, 2, 77, 1, 65_536] {
        catalog.create_token(new_token(number, DATABASE), Actor::Server).await.unwrap();
    }
    catalog.create_token(new_token(50, MANAGEMENT), Actor::Server).await.unwrap();
    catalog.revoke_token(token_id(77), DATABASE, Actor::Server).await.unwrap();
    let ids = async |kind, include_revoked| -> Vec<_> {
        catalog.tokens(kind, include_revoked).await.unwrap().into_iter().map(|record| record.id).collect()
    };
    assert_eq!(ids(DATABASE, true).await, [1, 2, 77, 300, 65_536].map(token_id));
    assert_eq!(ids(DATABASE, false).await, [1, 2, 300, 65_536].map(token_id));
    assert_eq!(ids(MANAGEMENT, true).await, [token_id(50)]);
}

async fn live_tokens_are_all_that_are_not_revoked(catalog: &Catalog, clock: &ManualClock) {
    let mut expired = new_token(1, DATABASE);
    expired.expires_at = Some(Timestamp::from_micros(10));
    clock.set(100);
    catalog.create_token(expired, Actor::Server).await.unwrap();
    catalog.create_token(new_token(2, MANAGEMENT), Actor::Server).await.unwrap();
    catalog.create_token(new_token(3, DATABASE), Actor::Server).await.unwrap();
    catalog.revoke_token(token_id(3), DATABASE, Actor::Server).await.unwrap();
    let mut ids: Vec<_> = catalog.live_tokens().await.unwrap().into_iter().map(|record| record.id).collect();
    ids.sort();
    assert_eq!(ids, [token_id(1), token_id(2)]);
}

async fn a_management_token_is_remembered(catalog: &Catalog, _: &ManualClock) {
    catalog.create_token(new_token(1, DATABASE), Actor::Server).await.unwrap();
    assert!(!catalog.management_token_ever_existed().await.unwrap());
    catalog.create_token(new_token(2, MANAGEMENT), Actor::Server).await.unwrap();
    catalog.revoke_token(token_id(2), MANAGEMENT, Actor::Server).await.unwrap();
    assert!(catalog.management_token_ever_existed().await.unwrap());
}

async fn a_database_is_given_back_whole(catalog: &Catalog, clock: &ManualClock) {
    clock.set(70);
    let template = PartitionTemplate::new(vec![
        TemplatePart::Tag("line \"3\"".into()),
        TemplatePart::Bucket { tag: "sensor".into(), buckets: 99_999 },
        TemplatePart::Time("%Y".into()),
    ]);
    let new = NewDatabase {
        name: name("plant7/raw"),
        description: Description::new("raw\n✓").unwrap(),
        retention: Retention::from_nanos(i64::MAX).unwrap(),
        limits: DatabaseLimits::new(i32::MAX.into(), 1000).unwrap(),
        partition_template: Some(template.unwrap()),
    };
    let created = catalog.create_database(catalog.own(), new.clone(), Actor::Server).await.unwrap();
    assert_eq!((&created.name, created.retention, created.limits), (&new.name, new.retention, new.limits));
    assert_eq!((&created.description, created.organization), (&new.description, catalog.own()));
    assert_eq!(created.partition_template, new.partition_template);
    assert_eq!((created.created_at, created.deleted_at), (Timestamp::from_micros(70), None));
    assert_eq!(created.updated_at, created.created_at);
    assert_eq!(catalog.database_by_id(created.id).unwrap(), created);
    assert_eq!(catalog.database(catalog.own(), &new.name).unwrap(), created);
    assert_eq!(catalog.databases(catalog.own(), RecordStatus::Active).await.unwrap(), [(*created).clone()]);
}

async fn an_active_name_is_used_once(catalog: &Catalog, _: &ManualClock) {
    catalog.create_database(catalog.own(), new_database("a"), Actor::Server).await.unwrap();
    let again = leaves_no_trace!(catalog, catalog.create_database(catalog.own(), new_database("a"), Actor::Server));
    assert!(matches!(again, Err(CatalogError::DatabaseExists { name }) if name.as_str() == "a"));
    catalog.create_database(catalog.own(), new_database("A"), Actor::Server).await.unwrap();
    assert!(catalog.database(catalog.own(), &name("b")).is_none());
}

async fn ids_are_never_reused(catalog: &Catalog, _: &ManualClock) {
    let mut last = 0;
    for _ in 0..5 {
        let created = catalog.create_database(catalog.own(), new_database("a"), Actor::Server).await.unwrap();
        assert!(created.id.get() > last, "{} after {last}", created.id);
        last = created.id.get();
        let refused = catalog.create_database(catalog.own(), new_database("a"), Actor::Server).await;
        assert!(matches!(refused, Err(CatalogError::DatabaseExists { .. })));
        catalog.delete_database(catalog.own(), &name("a"), Actor::Server).await.unwrap();
    }
}

async fn deleted_databases_stay_on_record(catalog: &Catalog, clock: &ManualClock) {
    let first = catalog.create_database(catalog.own(), new_database("b"), Actor::Server).await.unwrap();
    clock.set(30);
    let deleted = catalog.delete_database(catalog.own(), &name("b"), Actor::Server).await.unwrap();
    assert_eq!((deleted.id, deleted.deleted_at), (first.id, Some(Timestamp::from_micros(30))));
    assert!(catalog.database(catalog.own(), &name("b")).is_none());
    for missing in ["b", "never"] {
        let again = leaves_no_trace!(catalog, catalog.delete_database(catalog.own(), &name(missing), Actor::Server));
        assert!(matches!(again, Err(CatalogError::DatabaseNotFound)));
    }
    let second = catalog.create_database(catalog.own(), new_database("b"), Actor::Server).await.unwrap();
    let other = catalog.create_database(catalog.own(), new_database("a"), Actor::Server).await.unwrap();
    let ids = async |status| -> Vec<_> {
        catalog.databases(catalog.own(), status).await.unwrap().into_iter().map(|database| database.id).collect()
    };
    assert_eq!(ids(RecordStatus::Active).await, [other.id, second.id]);
    assert_eq!(ids(RecordStatus::Deleted).await, [first.id]);
    assert_eq!(ids(RecordStatus::All).await, [other.id, first.id, second.id]);
    assert_eq!(catalog.active_databases(catalog.own()), [other, second]);
}

async fn the_clock_mark_never_falls(catalog: &Catalog, _: &ManualClock) {
    assert_eq!(catalog.clock_mark(), None);
    for (to, expected) in [(-5, -5), (20, 20), (10, 20), (20, 20), (21, 21)] {
        leaves_no_trace!(catalog, catalog.raise_clock_mark(Timestamp::from_micros(to))).unwrap();
        assert_eq!(catalog.clock_mark(), Some(Timestamp::from_micros(expected)));
    }
}

async fn every_change_has_one_audit_row_and_one_sequence_number(catalog: &Catalog, clock: &ManualClock) {
    let start = catalog.sequence();
    let admin = Actor::Token(token_id(7));
    let change = TokenChange { description: text("x"), permissions: None };
    clock.set(1);
    catalog.create_token(new_token(1, DATABASE), Actor::Server).await.unwrap();
    clock.set(2);
    catalog.update_token(token_id(1), change, admin).await.unwrap();
    clock.set(3);
    catalog.revoke_token(token_id(1), DATABASE, admin).await.unwrap();
    clock.set(4);
    catalog.create_database(catalog.own(), new_database("a"), admin).await.unwrap();
    clock.set(5);
    catalog.delete_database(catalog.own(), &name("a"), Actor::Server).await.unwrap();
    assert_eq!(catalog.sequence(), SequenceNumber(start.0 + 5));

    let rows: Vec<_> = catalog
        .audit(5)
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.sequence.0 - start.0, row.at.micros(), row.actor, row.action, row.subject))
        .collect();
    let (token, database) = (token_id(1).to_string(), format!("{} a", catalog.own()));
    assert_eq!(
        rows,
        [
            (5, 5, Actor::Server, AuditAction::DeleteDatabase, database.clone()),
            (4, 4, admin, AuditAction::CreateDatabase, database),
            (3, 3, admin, AuditAction::RevokeToken, token.clone()),
            (2, 2, admin, AuditAction::UpdateToken, token.clone()),
            (1, 1, Actor::Server, AuditAction::CreateToken, token),
        ]
    );
    let all = catalog.audit(u32::MAX).await.unwrap();
    assert_eq!(all.len(), 6);
    assert_eq!(all[5].action, AuditAction::CreateCatalog);
    assert_eq!(all[5].subject, catalog.identity().cluster.to_string());
    assert_eq!(catalog.audit(0).await.unwrap(), []);
}

async fn refused_and_empty_changes_leave_no_trace(catalog: &Catalog, _: &ManualClock) {
    let mut new = new_token(1, DATABASE);
    new.permissions = permissions(&["r:a"]);
    let record = catalog.create_token(new.clone(), Actor::Server).await.unwrap();
    let same = TokenChange { description: Some(new.description), permissions: Some(new.permissions) };
    for change in [TokenChange::default(), same] {
        let unchanged = leaves_no_trace!(catalog, catalog.update_token(new.id, change, Actor::Server)).unwrap();
        assert_eq!(unchanged, record);
    }
    // The table itself refuses a management token with grants, which no caller makes.
    let mut bad = new_token(2, MANAGEMENT);
    bad.digest = TokenDigest::of(b"bad");
    bad.permissions = permissions(&["r:*"]);
    let refused = leaves_no_trace!(catalog, catalog.create_token(bad, Actor::Server));
    assert!(matches!(refused, Err(CatalogError::Storage(_))));
}
