//! Names and passwords of v1 clients: who may set them, and when they stop to be good (v2 API contract §5.8).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tidegate_model::PlainToken;
use tidegate_service::{Door, Profile};

use crate::v2_fixture::{V2, v2, with_headers};

const LEGACY: &str = "/private/legacy/authorizations";
const NAME: &str = "v1-user";
const PASSWORD: &str = "first-password";

/// A name and a password that may write the bucket; gives the path of the authorization.
async fn v1_writer(v: &V2) -> String {
    let body = json!({ "orgID": v.org, "token": NAME, "permissions": v.permissions("write:orgs/ORG/buckets/BUCKET") });
    let made = v.done(201, "POST", LEGACY, body).await;
    let path = format!("{LEGACY}/{}", made["id"].as_str().unwrap());
    v.done(204, "POST", &format!("{path}/password"), json!({ "password": PASSWORD })).await;
    path
}

async fn write_status(v: &V2, name: &str, password: &str) -> u16 {
    let basic = format!("Basic {}", STANDARD.encode(format!("{name}:{password}")));
    let request = with_headers("POST", "/write?db=my-bucket", &[("authorization", &basic)], "m f=1 1");
    v.f.send(request).await.status.as_u16()
}

#[tokio::test]
async fn a_password_is_set_by_who_may_write_it_and_do_what_it_is_good_for() {
    let v = v2().await;
    let path = format!("{}/password", v1_writer(&v).await);
    for (permissions, status) in [
        ("read:orgs/ORG/authorizations write:orgs/ORG/buckets/BUCKET", 401),
        ("read:orgs/ORG/authorizations write:orgs/ORG/authorizations", 403),
        ("read:orgs/ORG/authorizations write:orgs/ORG/authorizations read:orgs/ORG/buckets", 403),
        ("write:orgs/ORG/authorizations write:orgs/ORG/buckets", 404),
    ] {
        let (_, token) = v.token(permissions).await;
        let answer = v.call(&token, "POST", &path, json!({ "password": "other-password" })).await;
        assert_eq!(answer.status, status, "{permissions}: {}", answer.text());
        assert_eq!(write_status(&v, NAME, PASSWORD).await, 204, "{permissions}");
        assert_eq!(write_status(&v, NAME, "other-password").await, 401, "{permissions}");
    }
    let enough = "read:orgs/ORG/authorizations write:orgs/ORG/authorizations write:orgs/ORG/buckets/BUCKET";
    let (_, token) = v.token(enough).await;
    assert_eq!(v.call(&token, "POST", &path, json!({ "password": "other-password" })).await.status, 204);
    assert_eq!(write_status(&v, NAME, PASSWORD).await, 401);
    assert_eq!(write_status(&v, NAME, "other-password").await, 204);
}

#[tokio::test]
async fn a_name_is_activated_by_who_may_do_what_it_is_good_for() {
    let v = v2().await;
    let path = v1_writer(&v).await;
    let manages = "read:orgs/ORG/authorizations write:orgs/ORG/authorizations";
    let (_, manager) = v.token(manages).await;
    let (_, holder) = v.token(&format!("{manages} write:orgs/ORG/buckets/BUCKET")).await;
    assert_eq!(v.call(&manager, "PATCH", &path, json!({ "status": "inactive" })).await.status, 200);
    assert_eq!(v.call(&manager, "PATCH", &path, json!({ "status": "active" })).await.status, 403);
    assert_eq!(write_status(&v, NAME, PASSWORD).await, 401);
    assert_eq!(v.call(&holder, "PATCH", &path, json!({ "status": "active" })).await.status, 200);
    assert_eq!(write_status(&v, NAME, PASSWORD).await, 204);
}

#[tokio::test]
async fn the_profile_of_the_cloud_service_knows_no_passwords() {
    let v = v2().await;
    v1_writer(&v).await;
    let (_, token) = v.token("write:orgs/ORG/buckets/BUCKET").await;
    assert_eq!(write_status(&v, NAME, PASSWORD).await, 204);
    let v = v.reopened(Profile::Cloud).await;
    assert_eq!(write_status(&v, NAME, PASSWORD).await, 401);
    assert_eq!(write_status(&v, NAME, &token).await, 204, "a token in the place of the password");
    let in_parameters = format!("/write?db=my-bucket&u={NAME}&p={PASSWORD}");
    assert_eq!(v.f.send(with_headers("POST", &in_parameters, &[], "m f=1 1")).await.status, 401);
    let v = v.reopened(Profile::SelfHosted).await;
    assert_eq!(write_status(&v, NAME, PASSWORD).await, 204, "it was there all the time");
}

#[tokio::test]
async fn a_look_that_began_before_a_change_of_the_password_lets_nobody_in_after_it() {
    let v = v2().await;
    let path = v1_writer(&v).await;
    let id = path.rsplit('/').next().unwrap().parse().unwrap();
    let (old, new) = (PlainToken::from_presented(PASSWORD), PlainToken::from_presented("other-password"));
    let peer = [192, 0, 2, 1].into();
    let operator = PlainToken::from_presented(v.operator.clone());
    let caller = v.f.service.enter(&operator, Door::Api, peer).await.unwrap();

    let mut looking = std::pin::pin!(v.f.service.enter_with_password(NAME, &old, peer));
    v.until_it_waits_for_its_turn(looking.as_mut()).await;
    v.f.service.set_legacy_password(caller, id, &new).await.unwrap();
    assert!(looking.await.is_err());
    assert!(v.f.service.enter_with_password(NAME, &old, peer).await.is_err(), "nor is the old password remembered");
    assert!(v.f.service.enter_with_password(NAME, &new, peer).await.is_ok());
}

#[tokio::test]
async fn names_are_deleted_by_who_may_write_them() {
    let v = v2().await;
    let path = v1_writer(&v).await;
    for (permissions, status) in [("read:orgs/ORG/authorizations", 401), ("write:orgs/ORG/buckets", 404)] {
        let (_, token) = v.token(permissions).await;
        assert_eq!(v.call(&token, "DELETE", &path, Value::Null).await.status, status, "{permissions}");
    }
    assert_eq!(write_status(&v, NAME, PASSWORD).await, 204);
}
