//! What every backend must do with users, organizations and members.

use std::sync::Arc;

use tidegate_model::{Description, OrganizationId, Role, Status, TokenKind, User, UserId};

use super::{
    ManualClock, name, new_api_token, new_database, new_organization, new_token, new_user, organization_id, user_id,
};
use crate::{
    Actor, ApiTokenFilter, AuditAction, Catalog, CatalogError, NewUser, Onboarding, OrganizationChange, PasswordHash,
    RecordStatus, UserChange,
};

const SERVER: Actor = Actor::Server;

on_sqlite!(
    a_user_is_given_back_whole,
    a_user_name_is_used_once_at_a_time_and_an_id_once,
    an_update_of_a_user_changes_only_what_it_names,
    passwords_are_kept_apart_and_forgotten_with_their_user,
    a_deleted_user_leaves_its_organizations,
    a_user_can_be_member_and_owner,
    who_has_left_an_organization_has_no_usable_token_there,
    an_organization_is_given_back_whole,
    an_organization_name_is_used_once_at_a_time_and_an_id_once,
    an_organization_goes_with_all_it_has,
    the_own_organization_stays,
    nothing_is_made_in_an_organization_that_is_not_there,
    onboarding_makes_all_at_once,
    onboarding_adopts_what_is_there,
    onboarding_happens_once,
    onboarding_that_is_refused_leaves_nothing,
    actors_are_told_apart,
);

fn rename(text: &str) -> UserChange {
    UserChange { name: Some(text.parse().unwrap()), status: None }
}

fn names(users: &[Arc<User>]) -> Vec<&str> {
    users.iter().map(|user| user.name.as_str()).collect()
}

async fn a_user_is_given_back_whole(catalog: &Catalog, clock: &ManualClock) {
    assert!(!catalog.any_user_ever());
    clock.set(7);
    let new = NewUser { status: Status::Inactive, ..new_user(u64::MAX >> 1, "Zoë & co") };
    let user = catalog.create_user(new.clone(), SERVER).await.unwrap();
    assert_eq!((user.id, &user.name, user.status), (new.id, &new.name, new.status));
    assert_eq!((user.created_at.micros(), user.updated_at.micros()), (7, 7));
    assert_eq!(catalog.user(new.id), Some(user.clone()));
    assert_eq!(catalog.user_by_name("Zoë & co"), Some(user.clone()));
    assert_eq!(catalog.user_by_name("zoë & co"), None);
    let first = catalog.create_user(new_user(3, "a"), SERVER).await.unwrap();
    assert_eq!(catalog.users(), [first, user]);
    assert!(catalog.any_user_ever());
}

async fn a_user_name_is_used_once_at_a_time_and_an_id_once(catalog: &Catalog, _: &ManualClock) {
    catalog.create_user(new_user(1, "a"), SERVER).await.unwrap();
    catalog.create_user(new_user(2, "b"), SERVER).await.unwrap();
    for refused in [new_user(3, "a"), new_user(1, "c")] {
        let result = leaves_no_trace!(catalog, catalog.create_user(refused.clone(), SERVER));
        assert!(matches!(result, Err(CatalogError::UserExists { name }) if name == refused.name));
    }
    let taken = leaves_no_trace!(catalog, catalog.update_user(user_id(2), rename("a"), SERVER));
    assert!(matches!(taken, Err(CatalogError::UserExists { .. })));

    catalog.delete_user(user_id(1), SERVER).await.unwrap();
    assert_eq!((catalog.user(user_id(1)), catalog.user_by_name("a")), (None, None));
    let again = leaves_no_trace!(catalog, catalog.create_user(new_user(1, "c"), SERVER));
    assert!(matches!(again, Err(CatalogError::UserExists { .. })), "an id is never given out twice");
    catalog.create_user(new_user(4, "a"), SERVER).await.unwrap();
    assert_eq!(names(&catalog.users()), ["b", "a"]);
}

async fn an_update_of_a_user_changes_only_what_it_names(catalog: &Catalog, clock: &ManualClock) {
    let before = catalog.create_user(new_user(1, "a"), SERVER).await.unwrap();
    for empty in [UserChange::default(), rename("a"), UserChange { name: None, status: Some(Status::Active) }] {
        assert_eq!(leaves_no_trace!(catalog, catalog.update_user(before.id, empty, SERVER)).unwrap(), before);
    }
    clock.set(5);
    let renamed = catalog.update_user(before.id, rename("b"), SERVER).await.unwrap();
    assert_eq!((renamed.name.as_str(), renamed.status), ("b", Status::Active));
    assert_eq!((renamed.created_at.micros(), renamed.updated_at.micros()), (0, 5));
    assert_eq!((catalog.user_by_name("a"), catalog.user_by_name("b")), (None, Some(renamed)));
    let inactive = UserChange { name: None, status: Some(Status::Inactive) };
    let stopped = catalog.update_user(before.id, inactive.clone(), SERVER).await.unwrap();
    assert_eq!((stopped.name.as_str(), stopped.status), ("b", Status::Inactive));
    assert_eq!(catalog.user(before.id), Some(stopped));

    let missing = leaves_no_trace!(catalog, catalog.update_user(user_id(9), inactive, SERVER));
    assert!(matches!(missing, Err(CatalogError::UserNotFound)));
}

async fn passwords_are_kept_apart_and_forgotten_with_their_user(catalog: &Catalog, _: &ManualClock) {
    let hash = |text: &str| PasswordHash::new(text);
    let new = NewUser { password: Some(hash("$one")), ..new_user(1, "a") };
    assert!(!format!("{new:?}").contains("one"));
    catalog.create_user(new, SERVER).await.unwrap();
    catalog.create_user(new_user(2, "b"), SERVER).await.unwrap();
    assert_eq!(catalog.password(user_id(1)).await.unwrap(), Some(hash("$one")));
    assert_eq!(catalog.password(user_id(2)).await.unwrap(), None);

    catalog.set_password(user_id(1), hash("$two"), SERVER).await.unwrap();
    assert_eq!(catalog.password(user_id(1)).await.unwrap().unwrap().expose(), "$two");
    assert!(!format!("{:?}", catalog.audit(10).await.unwrap()).contains("$"));

    catalog.delete_user(user_id(1), SERVER).await.unwrap();
    assert_eq!(catalog.password(user_id(1)).await.unwrap(), None);
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM users WHERE password_hash IS NOT NULL")
        .fetch_one(&catalog.shared.readers)
        .await
        .unwrap();
    assert_eq!(kept, 0);
    let gone = leaves_no_trace!(catalog, catalog.set_password(user_id(1), hash("$three"), SERVER));
    assert!(matches!(gone, Err(CatalogError::UserNotFound)));
}

async fn a_deleted_user_leaves_its_organizations(catalog: &Catalog, _: &ManualClock) {
    let user = catalog.create_user(new_user(1, "a"), SERVER).await.unwrap();
    catalog.create_user(new_user(2, "b"), SERVER).await.unwrap();
    catalog.create_organization(new_organization(2, "two"), Some(user.id), SERVER).await.unwrap();
    catalog.add_member(catalog.own(), user.id, Role::Member, SERVER).await.unwrap();
    catalog.add_member(catalog.own(), user_id(2), Role::Member, SERVER).await.unwrap();
    let token = catalog.create_api_token(new_api_token(1, user.id, catalog.own()), None, SERVER).await.unwrap();

    assert_eq!(catalog.delete_user(user.id, SERVER).await.unwrap(), user);
    assert_eq!(catalog.roles(user.id), []);
    assert_eq!(names(&catalog.members(catalog.own(), Role::Member)), ["b"]);
    assert_eq!(names(&catalog.members(organization_id(2), Role::Owner)), [""; 0]);
    assert_eq!(catalog.api_token(token.id).await.unwrap(), Some(token), "its record stays");
    let left: Vec<i64> =
        sqlx::query_scalar("SELECT user_id FROM members").fetch_all(&catalog.shared.readers).await.unwrap();
    assert_eq!(left, [2], "on disk as well");
    let again = leaves_no_trace!(catalog, catalog.delete_user(user.id, SERVER));
    assert!(matches!(again, Err(CatalogError::UserNotFound)));
    let back = leaves_no_trace!(catalog, catalog.add_member(catalog.own(), user.id, Role::Owner, SERVER));
    assert!(matches!(back, Err(CatalogError::UserNotFound)));
}

async fn a_user_can_be_member_and_owner(catalog: &Catalog, _: &ManualClock) {
    let (own, user) = (catalog.own(), user_id(1));
    catalog.create_user(new_user(1, "a"), SERVER).await.unwrap();
    for role in [Role::Member, Role::Owner] {
        let early = leaves_no_trace!(catalog, catalog.remove_member(own, user, role, SERVER));
        assert!(matches!(early, Err(CatalogError::NotAMember)));
        catalog.add_member(own, user, role, SERVER).await.unwrap();
        leaves_no_trace!(catalog, catalog.add_member(own, user, role, SERVER)).unwrap();
    }
    assert_eq!(catalog.roles(user), [(own, Role::Member), (own, Role::Owner)]);
    catalog.remove_member(own, user, Role::Owner, SERVER).await.unwrap();
    assert_eq!(catalog.roles(user), [(own, Role::Member)]);
    assert_eq!(names(&catalog.members(own, Role::Member)), ["a"]);
    assert_eq!(names(&catalog.members(own, Role::Owner)), [""; 0]);
    let nowhere = leaves_no_trace!(catalog, catalog.add_member(organization_id(2), user, Role::Owner, SERVER));
    assert!(matches!(nowhere, Err(CatalogError::OrganizationNotFound)));
}

async fn who_has_left_an_organization_has_no_usable_token_there(catalog: &Catalog, clock: &ManualClock) {
    let (own, second, user) = (catalog.own(), organization_id(2), user_id(1));
    catalog.create_user(new_user(1, "a"), SERVER).await.unwrap();
    catalog.create_user(new_user(2, "b"), SERVER).await.unwrap();
    catalog.create_organization(new_organization(2, "two"), Some(user), SERVER).await.unwrap();
    catalog.add_member(second, user, Role::Member, SERVER).await.unwrap();
    catalog.add_member(own, user, Role::Member, SERVER).await.unwrap();
    let mut inactive = new_api_token(2, user, second);
    inactive.status = Status::Inactive;
    let tokens =
        [new_api_token(1, user, second), inactive, new_api_token(3, user, own), new_api_token(4, user_id(2), second)];
    for token in tokens.clone() {
        catalog.create_api_token(token, None, SERVER).await.unwrap();
    }
    catalog.remove_member(second, user, Role::Member, SERVER).await.unwrap();
    assert_eq!(catalog.api_tokens(ApiTokenFilter::default()).await.unwrap(), tokens, "the user is still an owner");
    clock.set(2_000);
    catalog.remove_member(second, user, Role::Owner, SERVER).await.unwrap();
    let [mut left, others @ ..] = tokens;
    left.status = Status::Inactive;
    left.updated_at = tidegate_model::Timestamp::from_micros(2_000);
    let expected: Vec<_> = [left].into_iter().chain(others).collect();
    assert_eq!(catalog.api_tokens(ApiTokenFilter::default()).await.unwrap(), expected);
}

async fn an_organization_is_given_back_whole(catalog: &Catalog, clock: &ManualClock) {
    let own = catalog.organization(catalog.own()).unwrap();
    assert_eq!((own.name.as_str(), own.cluster), ("tidegate", catalog.identity().cluster));
    catalog.create_user(new_user(1, "a"), SERVER).await.unwrap();
    let mut new = new_organization(2, "two");
    new.description = Description::new("the second").unwrap();
    let created = catalog.create_organization(new.clone(), Some(user_id(1)), SERVER).await.unwrap();
    assert_eq!(*created, new);
    assert_eq!(catalog.organization(new.id), Some(created.clone()));
    assert_eq!(catalog.organization_by_name("two"), Some(created.clone()));
    assert_eq!(names(&catalog.members(new.id, Role::Owner)), ["a"]);

    clock.set(9);
    let empty = OrganizationChange { name: Some(new.name.clone()), description: None };
    let same = leaves_no_trace!(catalog, catalog.update_organization(new.id, empty, SERVER)).unwrap();
    assert_eq!(same, created);
    let change = OrganizationChange { name: Some("three".parse().unwrap()), description: None };
    let renamed = catalog.update_organization(new.id, change, SERVER).await.unwrap();
    assert_eq!((renamed.name.as_str(), &renamed.description), ("three", &new.description));
    assert_eq!((renamed.created_at, renamed.updated_at.micros()), (new.created_at, 9));
    assert_eq!((catalog.organization_by_name("two"), catalog.organization_by_name("three")), (None, Some(renamed)));
    let change = OrganizationChange { name: None, description: Some(Description::default()) };
    let cleared = catalog.update_organization(new.id, change, SERVER).await.unwrap();
    assert_eq!(cleared.description, Description::default());
    let mut expected = vec![own, cleared];
    expected.sort_by_key(|organization| organization.id);
    assert_eq!(catalog.organizations(), expected);
}

async fn an_organization_name_is_used_once_at_a_time_and_an_id_once(catalog: &Catalog, _: &ManualClock) {
    let second = catalog.create_organization(new_organization(2, "two"), None, SERVER).await.unwrap();
    let mut same_cluster = new_organization(3, "three");
    same_cluster.cluster = second.cluster;
    for refused in [new_organization(3, "two"), new_organization(2, "three"), same_cluster.clone()] {
        let result = leaves_no_trace!(catalog, catalog.create_organization(refused, None, SERVER));
        assert!(matches!(result, Err(CatalogError::OrganizationExists { .. })));
    }
    let change = OrganizationChange { name: Some(second.name.clone()), description: None };
    let taken = leaves_no_trace!(catalog, catalog.update_organization(catalog.own(), change, SERVER));
    assert!(matches!(taken, Err(CatalogError::OrganizationExists { .. })));
    let ownerless =
        leaves_no_trace!(catalog, catalog.create_organization(new_organization(4, "four"), Some(user_id(1)), SERVER));
    assert!(matches!(ownerless, Err(CatalogError::UserNotFound)));

    catalog.delete_organization(second.id, SERVER).await.unwrap();
    for refused in [new_organization(2, "three"), same_cluster] {
        let result = leaves_no_trace!(catalog, catalog.create_organization(refused, None, SERVER));
        assert!(matches!(result, Err(CatalogError::OrganizationExists { .. })));
    }
    catalog.create_organization(new_organization(3, "two"), None, SERVER).await.unwrap();
}

async fn an_organization_goes_with_all_it_has(catalog: &Catalog, clock: &ManualClock) {
    let (own, second, user) = (catalog.own(), organization_id(2), user_id(1));
    catalog.create_user(new_user(1, "a"), SERVER).await.unwrap();
    catalog.create_organization(new_organization(2, "two"), Some(user), SERVER).await.unwrap();
    catalog.add_member(own, user, Role::Member, SERVER).await.unwrap();
    let kept = catalog.create_database(own, new_database("a"), SERVER).await.unwrap();
    let before = catalog.create_database(second, new_database("before"), SERVER).await.unwrap();
    catalog.delete_database(second, &name("before"), SERVER).await.unwrap();
    let mut databases = Vec::new();
    for text in ["a", "b"] {
        databases.push(catalog.create_database(second, new_database(text), SERVER).await.unwrap());
    }
    let kept_token = catalog.create_api_token(new_api_token(1, user, own), None, SERVER).await.unwrap();
    for number in 2..=4 {
        catalog.create_api_token(new_api_token(number, user, second), None, SERVER).await.unwrap();
    }
    catalog.delete_api_token(new_api_token(3, user, second).id, SERVER).await.unwrap();

    clock.set(50);
    let gone = catalog.delete_organization(second, SERVER).await.unwrap();
    assert_eq!(*gone.organization, new_organization(2, "two"));
    let ids: Vec<_> = gone.databases.iter().map(|database| database.id).collect();
    assert_eq!(ids, databases.iter().map(|database| database.id).collect::<Vec<_>>());
    assert!(gone.databases.iter().all(|database| database.deleted_at.unwrap().micros() == 50));
    assert_eq!(gone.tokens.iter().map(|token| token.id.get()).collect::<Vec<_>>(), [2, 4]);
    assert!(gone.tokens.iter().all(|token| token.deleted_at.unwrap().micros() == 50));

    assert_eq!((catalog.organization(second), catalog.organization_by_name("two")), (None, None));
    assert_eq!(catalog.active_databases(second), []);
    assert_eq!(catalog.database_by_id(databases[0].id), None);
    assert_eq!(catalog.databases(second, RecordStatus::Active).await.unwrap(), []);
    assert_eq!(catalog.roles(user), [(own, Role::Member)]);
    assert_eq!(catalog.members(second, Role::Owner), []);
    assert_eq!(catalog.api_tokens(ApiTokenFilter::default()).await.unwrap(), [kept_token]);
    assert_eq!(catalog.active_databases(own), [kept]);
    let deleted = catalog.databases(second, RecordStatus::Deleted).await.unwrap();
    let earlier = deleted.iter().find(|database| database.id == before.id).unwrap();
    assert_eq!(earlier.deleted_at.unwrap().micros(), 0, "it was deleted before");
    let again = leaves_no_trace!(catalog, catalog.delete_organization(second, SERVER));
    assert!(matches!(again, Err(CatalogError::OrganizationNotFound)));
}

async fn the_own_organization_stays(catalog: &Catalog, _: &ManualClock) {
    let refused = leaves_no_trace!(catalog, catalog.delete_organization(catalog.own(), SERVER));
    assert!(matches!(refused, Err(CatalogError::OwnOrganization)));
    assert!(catalog.organization(catalog.own()).is_some());
}

async fn nothing_is_made_in_an_organization_that_is_not_there(catalog: &Catalog, _: &ManualClock) {
    let deleted = organization_id(2);
    catalog.create_user(new_user(1, "a"), SERVER).await.unwrap();
    catalog.create_organization(new_organization(2, "two"), None, SERVER).await.unwrap();
    let database = catalog.create_database(deleted, new_database("a"), SERVER).await.unwrap();
    catalog.delete_organization(deleted, SERVER).await.unwrap();
    let long_ago = tidegate_model::Timestamp::from_micros(-1);
    for nowhere in [deleted, organization_id(3), organization_id(u64::MAX)] {
        let create = leaves_no_trace!(catalog, catalog.create_database(nowhere, new_database("a"), SERVER));
        let undelete = leaves_no_trace!(catalog, catalog.undelete_database(nowhere, database.id, long_ago, SERVER));
        for result in [create, undelete] {
            assert!(matches!(result, Err(CatalogError::OrganizationNotFound)));
        }
        let token = new_api_token(1, user_id(1), nowhere);
        let token = leaves_no_trace!(catalog, catalog.create_api_token(token, None, SERVER));
        assert!(matches!(token, Err(CatalogError::OrganizationNotFound)));
        let change = OrganizationChange { name: Some("x".parse().unwrap()), description: None };
        let update = leaves_no_trace!(catalog, catalog.update_organization(nowhere, change, SERVER));
        assert!(matches!(update, Err(CatalogError::OrganizationNotFound)));
    }
    let mine = leaves_no_trace!(catalog, catalog.undelete_database(catalog.own(), database.id, long_ago, SERVER));
    assert!(matches!(mine, Err(CatalogError::DatabaseNotFound)));
}

fn onboarding(database: &str) -> Onboarding {
    let (nobody, nowhere) = (UserId::new(77).unwrap(), OrganizationId::new(77).unwrap());
    Onboarding {
        user: NewUser { password: Some(PasswordHash::new("$hash")), ..new_user(1, "first") },
        organization_name: "plant".parse().unwrap(),
        database: new_database(database),
        token: new_api_token(1, nobody, nowhere),
    }
}

async fn onboarding_makes_all_at_once(catalog: &Catalog, clock: &ManualClock) {
    let own = catalog.organization(catalog.own()).unwrap();
    let other = catalog.create_organization(new_organization(2, "two"), None, SERVER).await.unwrap();
    catalog.create_database(other.id, new_database("raw"), SERVER).await.unwrap();
    let sequence = catalog.sequence().0;
    clock.set(5);
    let made = catalog.onboard(onboarding("raw"), SERVER).await.unwrap();
    assert_eq!(catalog.sequence().0, sequence + 1);
    assert_eq!((made.organization.id, made.organization.name.as_str()), (own.id, "plant"));
    assert_eq!((made.organization.created_at, made.organization.updated_at.micros()), (own.created_at, 5));
    assert_eq!((made.user.id, made.user.name.as_str()), (user_id(1), "first"));
    assert_eq!((made.database.organization, made.database.name.as_str()), (own.id, "raw"));
    assert_eq!((made.token.user, made.token.organization), (made.user.id, own.id));

    assert_eq!(catalog.organizations().len(), 2);
    assert_eq!(catalog.organization_by_name("plant"), Some(made.organization));
    assert_eq!(catalog.organization_by_name(own.name.as_str()), None);
    assert_eq!(catalog.users(), std::slice::from_ref(&made.user));
    assert_eq!(catalog.password(made.user.id).await.unwrap(), Some(PasswordHash::new("$hash")));
    assert_eq!(catalog.members(own.id, Role::Owner), [made.user]);
    assert_eq!(catalog.active_databases(own.id), [made.database]);
    assert_eq!(catalog.api_token(made.token.id).await.unwrap(), Some(made.token));
    let row = &catalog.audit(1).await.unwrap()[0];
    let subject = "0000000000000001 0000000000000001 \"first\" \"plant\" raw";
    assert_eq!((row.action, row.subject.as_str()), (AuditAction::Onboard, subject));
}

async fn onboarding_adopts_what_is_there(catalog: &Catalog, _: &ManualClock) {
    let mut there = new_database("raw");
    there.retention = tidegate_model::Retention::from_nanos(99).unwrap();
    let there = catalog.create_database(catalog.own(), there, SERVER).await.unwrap();
    let mut request = onboarding("raw");
    request.organization_name = catalog.organization(catalog.own()).unwrap().name.clone();
    let made = catalog.onboard(request, SERVER).await.unwrap();
    assert_eq!(made.database, there);
    assert_eq!(catalog.active_databases(catalog.own()), [there]);
}

async fn onboarding_happens_once(catalog: &Catalog, _: &ManualClock) {
    catalog.create_user(new_user(5, "a"), SERVER).await.unwrap();
    let there_is = leaves_no_trace!(catalog, catalog.onboard(onboarding("raw"), SERVER));
    catalog.delete_user(user_id(5), SERVER).await.unwrap();
    let there_was = leaves_no_trace!(catalog, catalog.onboard(onboarding("raw"), SERVER));
    for result in [there_is, there_was] {
        assert!(matches!(result, Err(CatalogError::AlreadyOnboarded)));
    }
    assert!(catalog.any_user_ever());
}

async fn onboarding_that_is_refused_leaves_nothing(catalog: &Catalog, _: &ManualClock) {
    catalog.create_organization(new_organization(2, "two"), None, SERVER).await.unwrap();
    let used = catalog.create_token(new_token(1, TokenKind::Database), SERVER).await.unwrap();
    let mut taken_name = onboarding("raw");
    taken_name.organization_name = "two".parse().unwrap();
    let mut used_token = onboarding("raw");
    used_token.token.digest = used.digest;
    let name_result = leaves_no_trace!(catalog, catalog.onboard(taken_name, SERVER));
    assert!(matches!(name_result, Err(CatalogError::OrganizationExists { .. })));
    let token_result = leaves_no_trace!(catalog, catalog.onboard(used_token, SERVER));
    assert!(matches!(token_result, Err(CatalogError::TokenExists)));
    assert_eq!(catalog.users(), []);
    assert!(!catalog.any_user_ever());
    assert_eq!(catalog.active_databases(catalog.own()), []);
    assert_eq!(catalog.members(catalog.own(), Role::Owner), []);
    catalog.onboard(onboarding("raw"), SERVER).await.unwrap();
}

async fn actors_are_told_apart(catalog: &Catalog, _: &ManualClock) {
    let token = new_api_token(7, user_id(1), catalog.own());
    let actors = [SERVER, Actor::Token(super::token_id(7)), Actor::ApiToken(token.id), Actor::User(user_id(7))];
    for (number, actor) in (1..).zip(actors) {
        catalog.create_user(new_user(number, &number.to_string()), actor).await.unwrap();
    }
    let rows = catalog.audit(4).await.unwrap();
    assert_eq!(rows.iter().rev().map(|row| row.actor).collect::<Vec<_>>(), actors);
    assert!(rows.iter().all(|row| row.action == AuditAction::CreateUser));
    assert_eq!(rows[0].subject, "0000000000000004 \"4\"");
}
