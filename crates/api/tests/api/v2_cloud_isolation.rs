//! Under the profile of the cloud service no permission reaches beyond its organization, even one that is for everything
//! everywhere (v2 API contract §4.3).

use serde_json::{Value, json};
use tidegate_service::Profile;

use crate::v2_fixture::{AUTHORIZATIONS, V2, v2};

/// What belongs to another organization than the operator's.
struct Theirs {
    org: String,
    user: String,
    bucket: String,
    authorization: String,
    mapping: String,
}

impl Theirs {
    /// Makes it by an operator of the self-hosted profile.
    async fn new(v: &V2) -> Self {
        let id = |made: Value| made["id"].as_str().unwrap().to_owned();
        let org = id(v.done(201, "POST", "/api/v2/orgs", json!({ "name": "theirs" })).await);
        let owners = format!("/api/v2/orgs/{org}/owners");
        v.done(204, "DELETE", &format!("{owners}/{}", v.user), Value::Null).await;
        let user = v.new_user("theirs").await;
        v.done(201, "POST", &owners, json!({ "id": user })).await;
        let bucket = id(v.done(201, "POST", "/api/v2/buckets", json!({ "name": "theirs", "orgID": org })).await);
        let permissions = json!([{ "action": "read", "resource": { "type": "buckets", "orgID": org } }]);
        let body = json!({ "orgID": org, "userID": user, "permissions": permissions });
        let authorization = id(v.done(201, "POST", AUTHORIZATIONS, body).await);
        let body = json!({ "orgID": org, "bucketID": bucket, "database": "theirs", "retention_policy": "x" });
        let mapping = id(v.done(201, "POST", "/api/v2/dbrps", body).await);
        Self { org, user, bucket, authorization, mapping }
    }

    /// Where each of it is.
    fn paths(&self) -> [String; 5] {
        let Self { org, user, bucket, authorization, mapping } = self;
        [
            format!("/api/v2/orgs/{org}"),
            format!("/api/v2/users/{user}"),
            format!("/api/v2/buckets/{bucket}"),
            format!("{AUTHORIZATIONS}/{authorization}"),
            format!("/api/v2/dbrps/{mapping}?orgID={org}"),
        ]
    }

    async fn shown(&self, v: &V2) -> Vec<Value> {
        let mut shown = Vec::new();
        for path in self.paths() {
            shown.push(v.done(200, "GET", &path, Value::Null).await);
        }
        shown
    }

    fn are_in(&self, text: &str) -> bool {
        [&self.org, &self.user, &self.bucket, &self.authorization, &self.mapping].iter().any(|id| text.contains(*id))
    }
}

#[tokio::test]
async fn nobody_sees_or_changes_what_is_of_another_organization() {
    let v = v2().await;
    let theirs = Theirs::new(&v).await;
    let before = theirs.shown(&v).await;
    let v = v.reopened(Profile::Cloud).await;
    for path in theirs.paths() {
        for (method, body) in [("GET", Value::Null), ("PATCH", json!({ "description": "x" })), ("DELETE", Value::Null)]
        {
            let answer = v.call(&v.operator, method, &path, body).await;
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text());
        }
    }
    let v = v.reopened(Profile::SelfHosted).await;
    assert_eq!(theirs.shown(&v).await, before);
}

#[tokio::test]
async fn lists_hold_nothing_of_another_organization() {
    let v = v2().await;
    let theirs = Theirs::new(&v).await;
    let lists = [
        AUTHORIZATIONS.to_owned(),
        format!("{AUTHORIZATIONS}?orgID={}", theirs.org),
        format!("{AUTHORIZATIONS}?userID={}", theirs.user),
        "/api/v2/orgs".to_owned(),
        "/api/v2/orgs?org=theirs".to_owned(),
        format!("/api/v2/orgs/{}/owners", theirs.org),
        format!("/api/v2/orgs/{}/members", theirs.org),
        "/api/v2/users".to_owned(),
        "/api/v2/users?name=theirs".to_owned(),
        "/api/v2/buckets".to_owned(),
        "/api/v2/buckets?org=theirs".to_owned(),
        format!("/api/v2/buckets?orgID={}", theirs.org),
        "/api/v2/buckets?name=theirs".to_owned(),
        format!("/api/v2/buckets?id={}", theirs.bucket),
        format!("/api/v2/dbrps?orgID={}", theirs.org),
        "/api/v2/dbrps?org=theirs".to_owned(),
    ];
    let v = v.reopened(Profile::Cloud).await;
    for path in &lists {
        let answer = v.call(&v.operator, "GET", path, Value::Null).await;
        assert!(matches!(answer.status.as_u16(), 200 | 404), "{path}: {}", answer.text());
        let mut list = answer.json();
        // They repeat what was asked for.
        list.as_object_mut().unwrap().remove("links");
        assert!(!theirs.are_in(&list.to_string()), "{path}: {list}");
    }
    let v = v.reopened(Profile::SelfHosted).await;
    for path in [AUTHORIZATIONS, "/api/v2/orgs", "/api/v2/users", "/api/v2/buckets"] {
        assert!(theirs.are_in(&v.done(200, "GET", path, Value::Null).await.to_string()), "{path} is a real list");
    }
}

#[tokio::test]
async fn nothing_is_made_in_another_organization() {
    let v = v2().await;
    let theirs = Theirs::new(&v).await;
    let Theirs { org, user, bucket, .. } = &theirs;
    let on = |org: &str, bucket: &str| json!([{ "action": "read", "resource": { "type": "buckets", "orgID": org, "id": bucket } }]);
    let (home, own) = (v.org.clone(), v.bucket.clone());
    let tries = [
        ("/api/v2/buckets", json!({ "name": "new", "orgID": org }), 401),
        (AUTHORIZATIONS, json!({ "orgID": org, "permissions": on(org, bucket) }), 401),
        (AUTHORIZATIONS, json!({ "orgID": home, "userID": user, "permissions": on(&home, &own) }), 401),
        ("/api/v2/dbrps", json!({ "orgID": org, "bucketID": bucket, "database": "new", "retention_policy": "x" }), 404),
        (
            "/api/v2/dbrps",
            json!({ "orgID": home, "bucketID": bucket, "database": "new", "retention_policy": "x" }),
            404,
        ),
    ];
    let v = v.reopened(Profile::Cloud).await;
    for (path, body, status) in tries {
        let answer = v.call(&v.operator, "POST", path, body.clone()).await;
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.text());
    }
    assert_ne!(v.write(&v.operator, bucket).await.status, 204);
    let v = v.reopened(Profile::SelfHosted).await;
    let buckets = v.done(200, "GET", &format!("/api/v2/buckets?orgID={org}"), Value::Null).await;
    assert_eq!(buckets["buckets"].as_array().unwrap().len(), 1);
    let tokens = v.done(200, "GET", AUTHORIZATIONS, Value::Null).await;
    assert_eq!(tokens["authorizations"].as_array().unwrap().len(), 2, "the operator's and theirs");
    for of in [org, &home] {
        let mappings = v.done(200, "GET", &format!("/api/v2/dbrps?orgID={of}&db=new"), Value::Null).await;
        assert_eq!(mappings["content"], json!([]));
    }
}
