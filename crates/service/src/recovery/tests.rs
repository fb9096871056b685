use tempfile::TempDir;
use tidegate_catalog::{AuditAction, AuditRow, Onboarding};
use tidegate_model::{Action, DatabaseLimits, NewDatabase, ResourceType, Retention, TokenState, TypedPermission};

use crate::{Door, Service, Settings};

use super::*;

/// A stopped server whose first user is `ada`.
struct Stopped {
    directory: TempDir,
    operator: ApiToken,
}

impl Stopped {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let recovery = Recovery::open(directory.path()).await.unwrap();
        let user = new_user("ada", Status::Active);
        let token = PlainToken::from_presented("my-token");
        let operator = ApiToken {
            id: ApiTokenId::random(&OsRandomness),
            form: ApiTokenForm::Token { weak: true },
            digest: token.digest(),
            organization: recovery.catalog.identity().organization,
            user: user.id,
            status: Status::Active,
            description: Description::new("ada's Token").unwrap(),
            permissions: TypedPermissions::operator(),
            created_at: recovery.now(),
            updated_at: recovery.now(),
            expires_at: None,
            deleted_at: None,
        };
        let onboarding =
            Onboarding { user, organization_name: name("plants"), database: database("press"), token: operator };
        let operator = recovery.catalog.onboard(onboarding, Actor::Server).await.unwrap().token;
        recovery.close().await;
        Self { directory, operator }
    }

    async fn open(&self) -> Recovery {
        Recovery::open(self.directory.path()).await.unwrap()
    }
}

/// A clock that has stopped.
#[derive(Debug)]
struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn database(text: &str) -> NewDatabase {
    NewDatabase {
        name: text.parse().unwrap(),
        description: Description::default(),
        retention: Retention::FOREVER,
        limits: DatabaseLimits::default(),
        partition_template: None,
    }
}

fn new_user(text: &str, status: Status) -> NewUser {
    NewUser { id: UserId::random(&OsRandomness), name: name(text), status, password: None }
}

fn for_user(text: &str) -> NewOperator {
    NewOperator { username: Some(name(text)), ..NewOperator::default() }
}

/// What was done, newest last, since there were `known` rows.
async fn audit_since(recovery: &Recovery, known: usize) -> Vec<AuditRow> {
    let mut rows = recovery.catalog.audit(1000).await.unwrap();
    rows.reverse();
    rows.split_off(known)
}

#[tokio::test]
async fn the_only_active_user_gets_a_token_that_may_do_everything() {
    let stopped = Stopped::new().await;
    let recovery = stopped.open().await;
    recovery.catalog.create_user(new_user("ben", Status::Inactive), Actor::Server).await.unwrap();
    let known = audit_since(&recovery, 0).await.len();

    let made = recovery.create_operator(NewOperator::default()).await.unwrap();
    assert_eq!((made.user.name.as_str(), made.organization.name.as_str()), ("ada", "plants"));
    assert!(made.token.is_generated_without_prefix());
    assert_eq!(made.record.digest, made.token.digest());
    assert_eq!(made.record.description.as_str(), "ada's Recovery Token");
    let rows = audit_since(&recovery, known).await;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].action, rows[0].actor), (AuditAction::CreateApiToken, Actor::Server));
    assert!(rows[0].subject.contains(&made.record.id.to_string()));

    let before = recovery.catalog.api_token(stopped.operator.id).await.unwrap();
    assert_eq!(before.as_ref(), Some(&stopped.operator), "the token that was there is as it was");
    recovery.close().await;

    let service = Service::open(stopped.directory.path(), Settings::default()).await.unwrap();
    let peer = [127, 0, 0, 1].into();
    let entry = service.enter(&made.token, Door::Api, peer).await.unwrap();
    entry.authorize(&TypedPermission::everywhere(Action::Write, ResourceType::Users)).unwrap();
    assert_eq!(entry.owner().map(|owner| owner.user), Some(made.user.id));
    service.close().await;
}

#[tokio::test]
async fn an_unclear_owner_or_organization_is_refused_and_changes_nothing() {
    let stopped = Stopped::new().await;
    let recovery = stopped.open().await;
    for (text, status) in [("ben", Status::Active), ("eve", Status::Inactive)] {
        recovery.catalog.create_user(new_user(text, status), Actor::Server).await.unwrap();
    }
    let before = recovery.catalog.sequence();

    let refused = async |new: NewOperator| recovery.create_operator(new).await.unwrap_err();
    assert!(matches!(refused(NewOperator::default()).await, RecoveryError::SeveralUsers(2)));
    assert!(matches!(refused(for_user("zoe")).await, RecoveryError::UserNotFound(_)));
    assert!(matches!(refused(for_user("Ada")).await, RecoveryError::UserNotFound(_)));
    assert!(matches!(refused(for_user("eve")).await, RecoveryError::UserInactive(_)));
    let created = NewOperator { create_user: true, ..for_user("eve") };
    assert!(matches!(refused(created).await, RecoveryError::UserInactive(_)), "one flag is not the other");
    let activated = NewOperator { activate_user: true, ..for_user("zoe") };
    assert!(matches!(refused(activated).await, RecoveryError::UserNotFound(_)));
    let elsewhere = NewOperator { organization: Some(name("tidegate")), ..for_user("ada") };
    assert!(matches!(refused(elsewhere).await, RecoveryError::OrganizationNotFound(_)), "its name was changed");
    let elsewhere = NewOperator { organization: Some(name("x")), create_user: true, ..for_user("zoe") };
    assert!(matches!(refused(elsewhere).await, RecoveryError::OrganizationNotFound(_)));

    assert_eq!(recovery.catalog.sequence(), before);
    recovery.close().await;
}

#[tokio::test]
async fn an_owner_is_activated_or_made_when_that_is_asked_for() {
    let stopped = Stopped::new().await;
    let recovery = stopped.open().await;
    let ada = recovery.catalog.user_by_name("ada").unwrap();
    let change = UserChange { status: Some(Status::Inactive), ..UserChange::default() };
    recovery.catalog.update_user(ada.id, change, Actor::Server).await.unwrap();
    let refused = recovery.create_operator(NewOperator::default()).await.unwrap_err();
    assert!(matches!(refused, RecoveryError::NoActiveUser), "{refused}");

    let known = audit_since(&recovery, 0).await.len();
    let made = recovery.create_operator(NewOperator { activate_user: true, ..for_user("ada") }).await.unwrap();
    assert_eq!((made.user.id, made.user.status), (ada.id, Status::Active));
    let made = recovery.create_operator(NewOperator { create_user: true, ..for_user("zoe") }).await.unwrap();
    assert_eq!(recovery.catalog.roles(made.user.id), [(made.organization.id, Role::Owner)]);
    assert!(recovery.catalog.password(made.user.id).await.unwrap().is_none());
    recovery.create_operator(NewOperator { create_user: true, ..for_user("zoe") }).await.unwrap();

    let rows = audit_since(&recovery, known).await;
    let actions: Vec<AuditAction> = rows.iter().map(|row| row.action).collect();
    assert_eq!(
        actions,
        [
            AuditAction::UpdateUser,
            AuditAction::CreateApiToken,
            AuditAction::CreateUser,
            AuditAction::AddMember,
            AuditAction::CreateApiToken,
            AuditAction::CreateApiToken,
        ]
    );
    assert!(rows.iter().all(|row| row.actor == Actor::Server));
    recovery.close().await;
}

#[tokio::test]
async fn a_server_without_users_is_to_be_set_up_instead() {
    let directory = tempfile::tempdir().unwrap();
    let recovery = Recovery::open(directory.path()).await.unwrap();
    for new in [NewOperator::default(), NewOperator { create_user: true, ..for_user("ada") }] {
        let refused = recovery.create_operator(new).await.unwrap_err();
        assert!(matches!(refused, RecoveryError::NeverSetUp), "{refused}");
    }
    assert!(!recovery.catalog.any_user_ever());
    recovery.create_management(Description::default()).await.unwrap();
    recovery.close().await;
}

#[tokio::test]
async fn a_management_token_is_made_beside_those_that_are_there() {
    let stopped = Stopped::new().await;
    let recovery = stopped.open().await;
    let first = recovery.create_management(Description::new("first").unwrap()).await.unwrap();
    let second = recovery.create_management(Description::new("second").unwrap()).await.unwrap();
    assert_eq!(second.token.verified_kind(), Some(TokenKind::Management));
    recovery.catalog.revoke_token(first.record.id, TokenKind::Management, Actor::Server).await.unwrap();
    recovery.close().await;

    let recovery = stopped.open().await;
    let seen = recovery.administration().await.unwrap();
    let state = |id: TokenId| {
        let token = seen.management_tokens.iter().find(|token| token.id == id).unwrap();
        (token.description.as_str(), token.state(seen.now))
    };
    assert_eq!(state(first.record.id), ("first", TokenState::Revoked));
    assert_eq!(state(second.record.id), ("second", TokenState::Active));
    assert_eq!(seen.management_tokens.len(), 2);
    recovery.close().await;
}

#[tokio::test]
async fn whoever_may_administer_is_seen_and_nothing_changes() {
    let stopped = Stopped::new().await;
    let recovery = stopped.open().await;
    let zoe = recovery.create_operator(NewOperator { create_user: true, ..for_user("zoe") }).await.unwrap();
    recovery.catalog.delete_user(zoe.user.id, Actor::Server).await.unwrap();
    let narrow = ApiToken {
        id: ApiTokenId::random(&OsRandomness),
        digest: PlainToken::from_presented("narrow").digest(),
        permissions: [TypedPermission::everywhere(Action::Write, ResourceType::Authorizations)].into_iter().collect(),
        ..stopped.operator.clone()
    };
    recovery.catalog.create_api_token(narrow, None, Actor::Server).await.unwrap();
    let before = recovery.catalog.sequence();

    let seen = recovery.administration().await.unwrap();
    let names: Vec<&str> = seen.users.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["ada"]);
    assert_eq!(seen.organizations.len(), 1);
    let owner = |id| seen.operator_tokens.iter().find(|(token, _)| token.id == id).unwrap().1.clone();
    assert_eq!(owner(stopped.operator.id).unwrap().name.as_str(), "ada");
    assert_eq!(owner(zoe.record.id), None);
    assert_eq!(seen.operator_tokens.len(), 2, "who may do less is not among them");
    assert_eq!(recovery.catalog.sequence(), before);
    recovery.close().await;
}

#[tokio::test]
async fn the_time_never_goes_back_behind_an_expiry_that_was_acted_upon() {
    let stopped = Stopped::new().await;
    let at = |micros| Timestamp::from_micros(micros);
    let reached = at(i64::MAX / 2);
    let open_at = async |time| {
        let clock: Arc<dyn Clock> = Arc::new(At(time));
        Recovery::open_with(stopped.directory.path(), clock, Arc::new(OsRandomness)).await.unwrap()
    };
    let recovery = open_at(at(1)).await;
    recovery.catalog.raise_clock_mark(reached).await.unwrap();
    let behind = recovery.create_operator(NewOperator::default()).await.unwrap();
    assert_eq!(behind.record.created_at, reached);
    assert_eq!(recovery.create_management(Description::default()).await.unwrap().record.created_at, reached);
    assert_eq!(recovery.administration().await.unwrap().now, reached);
    recovery.close().await;
    let later = at(reached.micros() + 1);
    let recovery = open_at(later).await;
    assert_eq!(recovery.create_operator(NewOperator::default()).await.unwrap().record.created_at, later);
    recovery.close().await;
}
