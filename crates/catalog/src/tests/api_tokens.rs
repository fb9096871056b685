//! What every backend must do with API tokens; and which indexes SQLite uses.

use tidegate_model::{
    ApiToken, ApiTokenChange, ApiTokenForm, ApiTokenId, Description, Status, Timestamp, TokenDigest, TokenKind,
    TypedPermissions,
};

use super::{
    ManualClock, fresh, new_api_token, new_organization, new_token, new_user, organization_id, raw, token_id, user_id,
};
use crate::{Actor, ApiTokenFilter, Catalog, CatalogError, PasswordHash, UserChange, api_token_rows};

const SERVER: Actor = Actor::Server;

on_sqlite!(
    an_api_token_is_given_back_whole,
    a_digest_is_used_once_by_any_credential,
    an_api_token_has_an_owner_and_an_organization,
    every_update_moves_the_time_of_change,
    a_deletion_is_for_good,
    lists_are_filtered_and_ordered,
    legacy_credentials_have_names_of_their_own,
    live_api_tokens_are_those_that_may_be_used,
);

fn id(number: u64) -> ApiTokenId {
    ApiTokenId::new(number).unwrap()
}

fn legacy(token: ApiToken, username: &str) -> ApiToken {
    ApiToken { form: ApiTokenForm::Legacy { username: username.parse().unwrap() }, ..token }
}

async fn create(catalog: &Catalog, token: ApiToken) -> Result<ApiToken, CatalogError> {
    catalog.create_api_token(token, None, SERVER).await
}

/// Makes the users 1 to 3 and the organization 2.
async fn prepare(catalog: &Catalog) {
    for (number, name) in [(1, "a"), (2, "b"), (3, "c")] {
        catalog.create_user(new_user(number, name), SERVER).await.unwrap();
    }
    catalog.create_organization(new_organization(2, "two"), None, SERVER).await.unwrap();
}

async fn an_api_token_is_given_back_whole(catalog: &Catalog, _: &ManualClock) {
    prepare(catalog).await;
    let text = "write:orgs/00000000000000aa/buckets/0000000000000001 read:users read:buckets/0000000000000002";
    let mut token = new_api_token(1, user_id(1), organization_id(2));
    token.form = ApiTokenForm::Token { weak: true };
    token.status = Status::Inactive;
    token.permissions = text.split(' ').map(|permission| permission.parse().unwrap()).collect();
    token.expires_at = Some(Timestamp::from_micros(-5));
    token.updated_at = Timestamp::from_micros(2_000);
    let mut empty = new_api_token(2, user_id(1), catalog.own());
    empty.permissions = TypedPermissions::default();
    empty.description = Description::default();
    for token in [token.clone(), empty.clone()] {
        assert_eq!(create(catalog, token.clone()).await.unwrap(), token);
        assert_eq!(catalog.api_token(token.id).await.unwrap(), Some(token));
    }
    assert_eq!(catalog.api_tokens(ApiTokenFilter::default()).await.unwrap(), [token, empty]);
    assert_eq!(catalog.api_token(id(u64::MAX)).await.unwrap(), None);
}

async fn a_digest_is_used_once_by_any_credential(catalog: &Catalog, _: &ManualClock) {
    prepare(catalog).await;
    let new = |number| new_api_token(number, user_id(1), catalog.own());
    let first = create(catalog, new(1)).await.unwrap();
    let database_token = catalog.create_token(new_token(1, TokenKind::Database), SERVER).await.unwrap();
    let management_token = catalog.create_token(new_token(2, TokenKind::Management), SERVER).await.unwrap();
    catalog.revoke_token(management_token.id, TokenKind::Management, SERVER).await.unwrap();
    for _ in 0..2 {
        for digest in [first.digest, database_token.digest, management_token.digest] {
            let refused = leaves_no_trace!(catalog, create(catalog, ApiToken { digest, ..new(2) }));
            assert!(matches!(refused, Err(CatalogError::TokenExists)));
        }
        let same_id = ApiToken { digest: TokenDigest::of(b"new"), ..first.clone() };
        let refused = leaves_no_trace!(catalog, create(catalog, same_id));
        assert!(matches!(refused, Err(CatalogError::TokenExists)));
        let mut token = new_token(3, TokenKind::Database);
        token.digest = first.digest;
        let refused = leaves_no_trace!(catalog, catalog.create_token(token, SERVER));
        assert!(matches!(refused, Err(CatalogError::TokenExists)));
        // What was used by a token that is deleted now is refused as well.
        let _ = catalog.delete_api_token(first.id, SERVER).await;
    }
    assert!(catalog.token(token_id(3), TokenKind::Database).await.is_err());
    create(catalog, new(2)).await.unwrap();
}

async fn an_api_token_has_an_owner_and_an_organization(catalog: &Catalog, _: &ManualClock) {
    prepare(catalog).await;
    catalog.delete_user(user_id(3), SERVER).await.unwrap();
    for user in [user_id(3), user_id(4), user_id(u64::MAX)] {
        let refused = leaves_no_trace!(catalog, create(catalog, new_api_token(1, user, catalog.own())));
        assert!(matches!(refused, Err(CatalogError::UserNotFound)));
    }
    let refused = leaves_no_trace!(catalog, create(catalog, new_api_token(1, user_id(1), organization_id(3))));
    assert!(matches!(refused, Err(CatalogError::OrganizationNotFound)));
}

async fn every_update_moves_the_time_of_change(catalog: &Catalog, clock: &ManualClock) {
    prepare(catalog).await;
    let mut expected = create(catalog, new_api_token(1, user_id(1), catalog.own())).await.unwrap();
    let other = create(catalog, new_api_token(2, user_id(1), catalog.own())).await.unwrap();
    let text = Description::new("x \"\n😀").unwrap();
    let changes = [
        ApiTokenChange::default(),
        ApiTokenChange { description: Some(text.clone()), status: None },
        ApiTokenChange { description: None, status: Some(Status::Inactive) },
        ApiTokenChange { description: None, status: Some(Status::Inactive) },
        ApiTokenChange { description: Some(Description::default()), status: Some(Status::Active) },
    ];
    for (at, change) in (2_000..).zip(changes) {
        clock.set(at);
        expected.updated_at = Timestamp::from_micros(at);
        expected.description = change.description.clone().unwrap_or(expected.description);
        expected.status = change.status.unwrap_or(expected.status);
        let sequence = catalog.sequence().0;
        assert_eq!(catalog.update_api_token(expected.id, change, SERVER).await.unwrap(), expected);
        assert_eq!(catalog.api_token(expected.id).await.unwrap(), Some(expected.clone()));
        assert_eq!(catalog.sequence().0, sequence + 1);
    }
    assert_eq!(catalog.api_token(other.id).await.unwrap(), Some(other));
    let missing = leaves_no_trace!(catalog, catalog.update_api_token(id(9), ApiTokenChange::default(), SERVER));
    assert!(matches!(missing, Err(CatalogError::TokenNotFound)));
}

async fn a_deletion_is_for_good(catalog: &Catalog, clock: &ManualClock) {
    prepare(catalog).await;
    let token = create(catalog, new_api_token(1, user_id(1), catalog.own())).await.unwrap();
    clock.set(60);
    let deleted = catalog.delete_api_token(token.id, SERVER).await.unwrap();
    assert_eq!(deleted, ApiToken { deleted_at: Some(Timestamp::from_micros(60)), ..token.clone() });
    assert_eq!(catalog.api_token(token.id).await.unwrap(), None);
    assert_eq!(catalog.api_tokens(ApiTokenFilter::default()).await.unwrap(), []);
    let again = leaves_no_trace!(catalog, catalog.delete_api_token(token.id, SERVER)).map(drop);
    let change = ApiTokenChange { description: None, status: Some(Status::Active) };
    let update = leaves_no_trace!(catalog, catalog.update_api_token(token.id, change, SERVER)).map(drop);
    for result in [again, update] {
        assert!(matches!(result, Err(CatalogError::TokenNotFound)));
    }
}

async fn lists_are_filtered_and_ordered(catalog: &Catalog, _: &ManualClock) {
    prepare(catalog).await;
    let (own, second) = (catalog.own(), organization_id(2));
    let places = [(40, 1, own), (7, 1, second), (300, 2, own), (8, 2, second), (9, 1, own)];
    for (number, user, organization) in places {
        create(catalog, new_api_token(number, user_id(user), organization)).await.unwrap();
    }
    create(catalog, legacy(new_api_token(5, user_id(1), own), "v1")).await.unwrap();
    catalog.delete_api_token(id(9), SERVER).await.unwrap();
    let listed = async |filter| -> Vec<u64> {
        catalog.api_tokens(filter).await.unwrap().iter().map(|token| token.id.get()).collect()
    };
    let all = ApiTokenFilter::default();
    assert_eq!(listed(all).await, [7, 8, 40, 300]);
    assert_eq!(listed(ApiTokenFilter { legacy: true, ..all }).await, [5]);
    let of_first = ApiTokenFilter { user: Some(user_id(1)), ..all };
    assert_eq!(listed(of_first).await, [7, 40]);
    assert_eq!(listed(ApiTokenFilter { organization: Some(second), ..all }).await, [7, 8]);
    assert_eq!(listed(ApiTokenFilter { organization: Some(own), ..of_first }).await, [40]);
    let digest = |number| Some(new_api_token(number, user_id(1), own).digest);
    assert_eq!(listed(ApiTokenFilter { digest: digest(300), ..all }).await, [300]);
    for nothing in [
        ApiTokenFilter { digest: digest(300), ..of_first },
        ApiTokenFilter { digest: digest(9), ..all },
        ApiTokenFilter { digest: digest(5), ..all },
        ApiTokenFilter { user: Some(user_id(3)), ..all },
        ApiTokenFilter { user: Some(user_id(u64::MAX)), ..all },
        ApiTokenFilter { organization: Some(organization_id(u64::MAX)), ..all },
        ApiTokenFilter { legacy: true, user: Some(user_id(2)), ..all },
    ] {
        assert_eq!(listed(nothing).await, [0; 0], "{nothing:?}");
    }
}

async fn legacy_credentials_have_names_of_their_own(catalog: &Catalog, _: &ManualClock) {
    prepare(catalog).await;
    let hash = |text: &str| PasswordHash::new(text);
    let new = |number, username: &str| legacy(new_api_token(number, user_id(1), catalog.own()), username);
    let first = catalog.create_api_token(new(1, "v1"), Some(hash("$one")), SERVER).await.unwrap();
    let second = create(catalog, new(2, "a")).await.unwrap();
    assert_eq!(catalog.legacy_token("v1").await.unwrap(), Some((first.clone(), Some(hash("$one")))));
    assert_eq!(catalog.legacy_token("a").await.unwrap(), Some((second.clone(), None)));
    assert_eq!(catalog.legacy_token("b").await.unwrap(), None, "the name of a user");

    let taken = leaves_no_trace!(catalog, create(catalog, new(3, "v1")));
    assert!(matches!(taken, Err(CatalogError::LegacyNameTaken { name }) if name.as_str() == "v1"));
    catalog.set_legacy_password(second.id, hash("$two"), SERVER).await.unwrap();
    assert_eq!(catalog.legacy_token("a").await.unwrap(), Some((second.clone(), Some(hash("$two")))));

    let token = create(catalog, new_api_token(4, user_id(1), catalog.own())).await.unwrap();
    for missing in [token.id, id(9)] {
        let set = leaves_no_trace!(catalog, catalog.set_legacy_password(missing, hash("$three"), SERVER));
        assert!(matches!(set, Err(CatalogError::TokenNotFound)));
    }
    let other_form = new_api_token(5, user_id(1), catalog.own());
    let with_password = leaves_no_trace!(catalog, catalog.create_api_token(other_form, Some(hash("$")), SERVER));
    assert!(matches!(with_password, Err(CatalogError::Storage(_))), "the table itself refuses what no caller makes");

    catalog.delete_api_token(first.id, SERVER).await.unwrap();
    assert_eq!(catalog.legacy_token("v1").await.unwrap(), None);
    let hashes: Vec<String> =
        sqlx::query_scalar("SELECT password_hash FROM api_tokens WHERE password_hash IS NOT NULL")
            .fetch_all(&catalog.shared.readers)
            .await
            .unwrap();
    assert_eq!(hashes, ["$two"]);
    create(catalog, new(3, "v1")).await.unwrap();
}

async fn live_api_tokens_are_those_that_may_be_used(catalog: &Catalog, _: &ManualClock) {
    prepare(catalog).await;
    let (own, second) = (catalog.own(), organization_id(2));
    let mut expired = new_api_token(1, user_id(1), own);
    expired.expires_at = Some(Timestamp::from_micros(-1));
    let mut inactive = new_api_token(2, user_id(1), own);
    inactive.status = Status::Inactive;
    let created = [
        expired,
        inactive,
        legacy(new_api_token(3, user_id(1), own), "v1"),
        new_api_token(4, user_id(2), own),
        new_api_token(5, user_id(3), own),
        new_api_token(6, user_id(1), second),
        new_api_token(7, user_id(1), own),
    ];
    for token in created.clone() {
        create(catalog, token).await.unwrap();
    }
    let live = async || {
        let mut live = Vec::new();
        catalog.for_each_live_api_token(|token| live.push(token)).await.unwrap();
        live.sort_by_key(|token| token.id);
        live
    };
    let expected = |numbers: &[usize]| numbers.iter().map(|number| created[number - 1].clone()).collect::<Vec<_>>();
    assert_eq!(live().await, expected(&[1, 3, 4, 5, 6, 7]));
    let stop = UserChange { name: None, status: Some(Status::Inactive) };
    catalog.update_user(user_id(2), stop, SERVER).await.unwrap();
    catalog.delete_user(user_id(3), SERVER).await.unwrap();
    catalog.delete_organization(second, SERVER).await.unwrap();
    catalog.delete_api_token(id(7), SERVER).await.unwrap();
    assert_eq!(live().await, expected(&[1, 3]));
    catalog.update_user(user_id(2), UserChange { name: None, status: Some(Status::Active) }, SERVER).await.unwrap();
    assert_eq!(live().await, expected(&[1, 3, 4]));
}

/// Writes 100 000 tokens of 10 000 users past the catalog: one transaction instead of one fsync each.
async fn fill(connection: &mut sqlx::SqliteConnection, organization: i64) {
    for statement in [
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10000)
         INSERT INTO users (id, name, status, created_at, updated_at, sequence)
         SELECT n, 'user' || n, 'active', 0, 0, ? FROM numbers",
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)
         INSERT INTO api_tokens (id, user_id, organization_id, digest, is_weak, status, description, permissions,
                                 created_at, updated_at, sequence)
         SELECT n, 1 + n % 10000, ?, randomblob(32), 0, 'active', '', 'read:buckets', 0, 0, 1 FROM numbers",
    ] {
        sqlx::query(statement).bind(organization).execute(&mut *connection).await.unwrap();
    }
}

#[tokio::test]
async fn each_list_of_many_tokens_is_found_by_an_index() {
    let (catalog, _clock, directory) = fresh().await;
    let own = catalog.own();
    fill(&mut raw(directory.path()).await, own.get().cast_signed()).await;
    let of_user = ApiTokenFilter { user: Some(user_id(42)), ..ApiTokenFilter::default() };
    let of_own = ApiTokenFilter { organization: Some(own), ..ApiTokenFilter::default() };
    let by_digest = ApiTokenFilter { digest: Some(TokenDigest::of(b"x")), ..ApiTokenFilter::default() };
    let by_all = ApiTokenFilter { organization: of_own.organization, digest: by_digest.digest, ..of_user };
    for (filter, index) in [
        (of_user, "USING INDEX api_tokens_user (user_id=?)"),
        (ApiTokenFilter { legacy: true, ..of_user }, "USING INDEX api_tokens_user (user_id=?)"),
        (ApiTokenFilter { organization: Some(own), ..of_user }, "USING INDEX api_tokens_user (user_id=?)"),
        (of_own, "USING INDEX api_tokens_organization (organization_id=?)"),
        (by_digest, "USING INDEX api_tokens_digest (digest=?)"),
        (by_all, "USING INDEX api_tokens_digest (digest=?)"),
    ] {
        let plan = plan(&catalog, filter).await;
        assert!(plan.contains(index), "{filter:?}: {plan}");
        assert!(!plan.contains("TEMP B-TREE") || filter.digest.is_some(), "{filter:?} sorts: {plan}");
    }
    let listed = catalog.api_tokens(of_user).await.unwrap();
    assert_eq!(listed.len(), 10);
    let mut live = 0;
    catalog.for_each_live_api_token(|_| live += 1).await.unwrap();
    assert_eq!(live, 100_000);
}

async fn plan(catalog: &Catalog, filter: ApiTokenFilter) -> String {
    let query = format!("EXPLAIN QUERY PLAN {}", api_token_rows::filtered(filter).sql().as_str());
    let steps: Vec<(i64, i64, i64, String)> =
        sqlx::query_as(sqlx::AssertSqlSafe(query)).fetch_all(&catalog.shared.readers).await.unwrap();
    steps.into_iter().map(|step| step.3).collect::<Vec<_>>().join("; ")
}
