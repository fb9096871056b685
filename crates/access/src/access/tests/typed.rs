//! API tokens and sessions.

use tidegate_model::{
    ApiTokenId, DatabaseName, Name, OrganizationId, ResourceType, TokenKind, TypedPermission, UserId,
};

use super::*;

const ORG: &str = "00000000000000aa";

fn database(id: i64) -> Option<DatabaseId> {
    DatabaseId::new(id)
}

fn name(text: &str) -> DatabaseName {
    text.parse().unwrap()
}

fn api_token(secret: &PlainToken, permissions: TypedPermissions) -> ApiToken {
    ApiToken {
        id: ApiTokenId::random(&OsRandomness),
        form: ApiTokenForm::Token { weak: false },
        digest: secret.digest(),
        organization: ORG.parse().unwrap(),
        user: UserId::new(1).unwrap(),
        status: Status::Active,
        description: Description::default(),
        permissions,
        created_at: Timestamp::from_micros(0),
        updated_at: Timestamp::from_micros(0),
        expires_at: None,
        deleted_at: None,
    }
}

fn permissions(texts: &[&str]) -> TypedPermissions {
    texts.iter().map(|text| text.replace("ORG", ORG).parse::<TypedPermission>().unwrap()).collect()
}

fn access() -> (Access, Arc<TestClock>) {
    let clock = Arc::new(TestClock(AtomicI64::new(0)));
    (Access::new(clock.clone(), None), clock)
}

fn secret() -> PlainToken {
    PlainToken::generate_without_prefix(&OsRandomness)
}

fn installed(access: &Access, texts: &[&str]) -> (PlainToken, ApiToken) {
    let secret = secret();
    let token = api_token(&secret, permissions(texts));
    assert_eq!(access.install_api_token(&token), None);
    (secret, token)
}

#[test]
fn a_permission_on_a_database_follows_its_id_and_not_its_name() {
    let (access, _) = access();
    let (secret, _) = installed(&access, &["read:orgs/ORG/buckets/0000000000000007"]);
    let entry = access.enter(secret.digest(), Door::Data).unwrap();
    let permit = entry.permit(Action::Read, &name("a"), database(7)).unwrap();
    assert_eq!((permit.database_id(), permit.covers_every_database()), (database(7), false));
    assert!(entry.permit(Action::Read, &name("renamed"), database(7)).is_ok());
    for (action, id) in [(Action::Read, database(8)), (Action::Read, None), (Action::Write, database(7))] {
        assert_eq!(entry.permit(action, &name("a"), id), Err(Forbidden::NoGrant));
    }
}

#[test]
fn a_permission_on_another_organization_reaches_no_database() {
    let (access, _) = access();
    let texts = ["read:orgs/00000000000000bb/buckets", "read:orgs/00000000000000bb/buckets/0000000000000007"];
    let (secret, _) = installed(&access, &texts);
    let entry = access.enter(secret.digest(), Door::Data).unwrap();
    for id in [database(7), None] {
        assert_eq!(entry.permit(Action::Read, &name("a"), id), Err(Forbidden::NoGrant));
    }
}

#[test]
fn who_may_read_all_databases_is_let_through_to_missing_ones() {
    let (access, _) = access();
    let (secret, _) = installed(&access, &["read:orgs/ORG/buckets"]);
    let entry = access.enter(secret.digest(), Door::Data).unwrap();
    let permit = entry.permit(Action::Read, &name("a"), None).unwrap();
    assert!(permit.covers_every_database());
    assert_eq!(permit.database_id(), None);
}

#[test]
fn each_kind_passes_its_own_doors_only() {
    let (access, _) = access();
    let (plain, _) = installed(&access, &["read:orgs/ORG/buckets"]);
    let operator_secret = secret();
    let operator = api_token(&operator_secret, TypedPermissions::operator());
    assert_eq!(access.install_api_token(&operator), None);
    let legacy_secret = secret();
    let legacy = ApiToken {
        form: ApiTokenForm::Legacy { username: "v1".parse::<Name>().unwrap() },
        ..api_token(&legacy_secret, TypedPermissions::operator())
    };
    assert_eq!(access.install_api_token(&legacy), None);
    let session = session(1_000);
    access.install_session(&session);
    let tokens = [TokenKind::Database, TokenKind::Management].map(|kind| {
        let fixture = fixture("read:*", None);
        let record = TokenRecord { kind, ..fixture.record };
        assert_eq!(access.install(&record), None);
        record.digest
    });

    let doors = [Door::Management, Door::Data, Door::Api, Door::Session, Door::Legacy];
    let cases = [
        (tokens[0], [false, true, false, false, false]),
        (tokens[1], [true, false, false, false, false]),
        (plain.digest(), [false, true, true, false, false]),
        (operator.digest, [true, true, true, false, false]),
        (legacy.digest, [false, false, false, false, true]),
        (session.digest, [false, false, false, true, false]),
        (secret().digest(), [false; 5]),
    ];
    for (row, (digest, expected)) in cases.into_iter().enumerate() {
        assert_eq!(doors.map(|door| access.enter(digest, door).is_ok()), expected, "row {row}");
    }
}

#[test]
fn inactive_and_deleted_tokens_are_not_installed() {
    let (access, _) = access();
    let key = secret();
    let token = api_token(&key, permissions(&["read:buckets"]));
    assert_eq!(access.install_api_token(&ApiToken { status: Status::Inactive, ..token.clone() }), None);
    assert_eq!(access.install_api_token(&ApiToken { deleted_at: Some(Timestamp::from_micros(1)), ..token }), None);
    assert!(access.enter(key.digest(), Door::Api).is_err());
}

#[test]
fn a_second_deactivation_waits_for_what_the_first_one_left_behind() {
    let (access, _) = access();
    let (secret, token) = installed(&access, &["write:buckets"]);
    let first = access.enter(secret.digest(), Door::Data).unwrap();
    first.begin_commit().unwrap();
    let first_drain = access.end_api_token(&token);
    assert!(access.enter(secret.digest(), Door::Data).is_err());

    assert_eq!(access.install_api_token(&token), None);
    let second = access.enter(secret.digest(), Door::Data).unwrap();
    second.begin_commit().unwrap();
    let second_drain = access.end_api_token(&token);
    drop(second);
    assert!(!is_finished(&second_drain));
    drop(first);
    assert!(is_finished(&first_drain) && is_finished(&second_drain));
}

fn session(expires_at: i64) -> Session {
    Session {
        id: SessionId::random(&OsRandomness),
        digest: secret().digest(),
        owner: Owner { user: UserId::new(1).unwrap(), organization: OrganizationId::new(2).unwrap() },
        permissions: TypedPermissions::operator(),
        expires_at: Timestamp::from_micros(expires_at),
    }
}

#[test]
fn a_session_is_prolonged_while_it_lives_and_ends_at_once() {
    let (access, clock) = access();
    let session = session(10);
    access.install_session(&session);
    let enter = || access.enter(session.digest, Door::Session);
    access.prolong_session(&enter().unwrap(), Timestamp::from_micros(20));
    access.prolong_session(&enter().unwrap(), Timestamp::from_micros(15));
    clock.0.store(19, Ordering::SeqCst);
    access.expire(Timestamp::from_micros(19));
    let late = enter().unwrap();
    let drain = access.end_session(&session);
    assert!(enter().is_err());
    assert_eq!(late.end_reason(), Some(EndReason::Revoked));
    assert!(!is_finished(&drain));
    access.prolong_session(&late, Timestamp::from_micros(99));
    drop(late);
    assert!(is_finished(&drain));
    assert_eq!(access.expiry_due(), None);
}

#[test]
fn an_expired_session_is_not_prolonged() {
    let (access, clock) = access();
    let session = session(10);
    access.install_session(&session);
    let entry = access.enter(session.digest, Door::Session).unwrap();
    clock.0.store(10, Ordering::SeqCst);
    access.expire(Timestamp::from_micros(10));
    access.prolong_session(&entry, Timestamp::from_micros(99));
    assert!(access.enter(session.digest, Door::Session).is_err());
    assert_eq!(entry.end_reason(), Some(EndReason::Expired));
}

#[test]
fn typed_permissions_do_not_come_from_grants_by_name() {
    let f = fixture("read:* write:*", None);
    let entry = f.enter().unwrap();
    let wanted = TypedPermission::everywhere(Action::Read, ResourceType::Buckets);
    assert_eq!(entry.authorize(&wanted), Err(Forbidden::NoGrant));
    assert_eq!(entry.owner(), None);
}

#[test]
fn the_end_of_an_owner_ends_all_that_acts_for_him_and_waits_for_it() {
    let (access, _) = access();
    let (first, first_token) = installed(&access, &["write:buckets"]);
    let (second, _) = installed(&access, &["write:buckets"]);
    let other_secret = secret();
    let other = ApiToken { user: UserId::new(2).unwrap(), ..api_token(&other_secret, permissions(&["write:buckets"])) };
    assert_eq!(access.install_api_token(&other), None);
    let session = session(1_000);
    access.install_session(&session);
    let nobody = fixture("write:*", None).record;
    assert_eq!(access.install(&nobody), None);

    let deleted_before = access.enter(first.digest(), Door::Data).unwrap();
    deleted_before.begin_commit().unwrap();
    drop(access.end_api_token(&first_token));
    let writing = access.enter(second.digest(), Door::Data).unwrap();
    let unharmed = access.enter(other.digest, Door::Data).unwrap();

    let drain = access.end_owned(|owner| owner.user.get() == 1);
    assert_eq!(writing.begin_commit(), Err(EndReason::Revoked));
    assert!(access.enter(second.digest(), Door::Data).is_err());
    assert!(access.enter(session.digest, Door::Session).is_err());
    assert!(unharmed.begin_commit().is_ok());
    assert!(access.enter(nobody.digest, Door::Data).is_ok());
    drop(writing);
    assert!(!is_finished(&drain));
    drop(deleted_before);
    assert!(is_finished(&drain));
}
