//! How sessions begin and how long they live (v2 API contract §5.8).

use std::time::Duration;

use serde_json::json;
use tidegate_model::PlainToken;
use tidegate_service::{Door, Entry, Profile, SessionTimes, Settings, SignedIn, UserChange};

use crate::v2_fixture::{V2, v2, with_headers};

const HOUR: i64 = 3_600_000_000;

async fn sign_in(v: &V2, name: &str, password: &str) -> Option<SignedIn> {
    let password = PlainToken::from_presented(password);
    v.f.service.sign_in(name, &password, [192, 0, 2, 1].into()).await.ok()
}

async fn is_alive(v: &V2, session: &SignedIn) -> bool {
    let cookie = format!("influxdb-oss-session={}", session.key.expose());
    let answer = v.f.send(with_headers("GET", "/api/v2/me", &[("cookie", &cookie)], "")).await;
    assert!(matches!(answer.status.as_u16(), 200 | 401), "{}", answer.text());
    answer.status == 200
}

async fn operator(v: &V2) -> Entry {
    let token = PlainToken::from_presented(v.operator.clone());
    v.f.service.enter(&token, Door::Api, [192, 0, 2, 1].into()).await.unwrap()
}

#[tokio::test]
async fn a_user_with_a_hundred_sessions_loses_the_oldest() {
    let v = v2().await;
    let user = v.new_user("other").await;
    v.done(204, "POST", &format!("/api/v2/users/{user}/password"), json!({ "password": "other-password" })).await;
    let others = sign_in(&v, "other", "other-password").await.unwrap();
    let mut sessions = Vec::new();
    for _ in 0..100 {
        sessions.push(sign_in(&v, "my-user", "my-password").await.unwrap());
    }
    assert!(is_alive(&v, &sessions[0]).await);
    let last = sign_in(&v, "my-user", "my-password").await.unwrap();
    assert!(!is_alive(&v, &sessions[0]).await);
    for alive in [&sessions[1], &sessions[99], &last, &others] {
        assert!(is_alive(&v, alive).await);
    }
}

#[tokio::test]
async fn a_session_that_is_used_all_the_time_dies_after_twelve_hours() {
    let sessions = SessionTimes { prolonged_by: Duration::from_secs(60 * 60), ..SessionTimes::default() };
    let v = V2::with(Settings { profile: Profile::SelfHosted, sessions, ..Settings::default() }).await;
    let session = sign_in(&v, "my-user", "my-password").await.unwrap();
    for quarter in 0..47 {
        v.f.clock.advance(HOUR / 4);
        assert!(is_alive(&v, &session).await, "after {quarter} and one quarters of an hour");
    }
    v.f.clock.advance(HOUR / 4);
    assert!(!is_alive(&v, &session).await);
}

#[tokio::test]
async fn a_session_that_is_not_used_dies_after_an_hour() {
    let v = v2().await;
    let [used, unused] = [(); 2].map(|()| sign_in(&v, "my-user", "my-password"));
    let (used, unused) = (used.await.unwrap(), unused.await.unwrap());
    v.f.clock.advance(HOUR - HOUR / 60);
    assert!(is_alive(&v, &used).await, "which prolongs it");
    v.f.clock.advance(HOUR / 60);
    assert!(is_alive(&v, &used).await && !is_alive(&v, &unused).await);
}

/// What is checked when signing in may be out of date when the check, which takes long, is done.
#[tokio::test]
async fn nobody_signs_in_who_was_deactivated_while_his_password_was_checked() {
    let v = v2().await;
    let user = v.new_user("other").await;
    v.done(204, "POST", &format!("/api/v2/users/{user}/password"), json!({ "password": "other-password" })).await;
    let caller = operator(&v).await;

    let mut signing_in = std::pin::pin!(sign_in(&v, "other", "other-password"));
    v.until_it_waits_for_its_turn(signing_in.as_mut()).await;
    let inactive = UserChange { status: Some(tidegate_model::Status::Inactive), ..UserChange::default() };
    v.f.service.update_user(caller, user.parse().unwrap(), inactive).await.unwrap();
    assert!(signing_in.await.is_none());
}

#[tokio::test]
async fn nobody_signs_in_with_a_password_that_was_changed_while_it_was_checked() {
    let v = v2().await;
    let caller = operator(&v).await;

    let mut signing_in = std::pin::pin!(sign_in(&v, "my-user", "my-password"));
    v.until_it_waits_for_its_turn(signing_in.as_mut()).await;
    let another = PlainToken::from_presented("another-password");
    v.f.service.set_password(caller, v.user.parse().unwrap(), &another).await.unwrap();
    assert!(signing_in.await.is_none());
    assert!(sign_in(&v, "my-user", "another-password").await.is_some());
}
