//! What is different under the profile of the cloud service (v2 API contract §§3 and 5).

use serde_json::{Value, json};

use crate::v2_fixture::{AUTHORIZATIONS, NOBODY, cloud, refusal, refused, with_headers};

#[tokio::test]
async fn there_is_no_set_up_nor_a_v1_authorization() {
    let v = cloud().await;
    for method in ["GET", "POST"] {
        let answer = v.f.send(with_headers(method, "/api/v2/setup", &[], "{}")).await;
        assert_eq!(refused(&answer), refusal(404, "not found", "path not found"), "{method}");
        assert_eq!(answer.headers["x-influxdb-build"], "Cloud");
    }
    let paths = [
        ("GET", "/private/legacy/authorizations".to_owned()),
        ("POST", "/private/legacy/authorizations".to_owned()),
        ("DELETE", format!("/private/legacy/authorizations/{NOBODY}")),
        ("POST", format!("/api/v2/users/{}/password", v.user)),
        ("POST", format!("/api/v2/orgs/{}/members", v.org)),
        ("DELETE", format!("/api/v2/orgs/{}/owners/{}", v.org, v.user)),
    ];
    for (method, path) in paths {
        let answer = v.call(&v.operator, method, &path, json!({})).await;
        assert_eq!(refused(&answer), refusal(404, "not found", "path not found"), "{method} {path}");
    }
}

#[tokio::test]
async fn there_is_one_organization_and_its_users_own_it() {
    let v = cloud().await;
    let answer = v.call(&v.operator, "POST", "/api/v2/orgs", json!({ "name": "second" })).await;
    assert_eq!(refused(&answer), refusal(403, "forbidden", "organizations cannot be created here"));
    let orgs = v.done(200, "GET", "/api/v2/orgs", Value::Null).await;
    assert_eq!((orgs["orgs"].as_array().unwrap().len(), &orgs["orgs"][0]["id"]), (1, &json!(v.org)));
    let owners = v.done(200, "GET", &format!("/api/v2/orgs/{}/owners", v.org), Value::Null).await;
    assert_eq!((&owners["users"][0]["id"], &owners["users"][0]["role"]), (&json!(v.user), &json!("owner")));
    let members = v.done(200, "GET", &format!("/api/v2/orgs/{}/members", v.org), Value::Null).await;
    assert_eq!(members["users"], json!([]));
    let resources = v.done(200, "GET", "/api/v2/resources", Value::Null).await;
    assert_eq!(resources.as_array().unwrap().len(), 20);
}

#[tokio::test]
async fn a_permission_without_an_organization_is_for_that_of_the_token() {
    let v = cloud().await;
    let (_, all) = v.token("read:orgs/ORG/buckets write:orgs/ORG/authorizations read:orgs/ORG/authorizations").await;
    let permissions = json!([{ "action": "read", "resource": { "type": "buckets" } }]);
    let answer = v.call(&all, "POST", AUTHORIZATIONS, json!({ "orgID": v.org, "permissions": permissions })).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let token = answer.json();
    assert_eq!(token["permissions"][0]["resource"]["orgID"], v.org);
    let listed = v.done(200, "GET", AUTHORIZATIONS, Value::Null).await;
    for one in listed["authorizations"].as_array().unwrap() {
        assert_eq!(one["token"], "redacted");
    }
}

#[tokio::test]
async fn buckets_are_those_of_the_token_whatever_is_asked_for() {
    let v = cloud().await;
    for query in ["", "?org=any", &format!("?orgID={NOBODY}"), "?name=my-bucket&org=any"] {
        let list = v.done(200, "GET", &format!("/api/v2/buckets{query}"), Value::Null).await;
        assert_eq!(list["buckets"][0]["id"], v.bucket, "{query}");
    }
    let none = v.done(200, "GET", "/api/v2/buckets?name=missing&org=any", Value::Null).await;
    assert_eq!(none["buckets"], json!([]));
    let bucket = v.done(201, "POST", "/api/v2/buckets", json!({ "orgID": v.org, "name": "b" })).await;
    assert_eq!(bucket["retentionRules"], json!([{ "type": "expire", "everySeconds": 30 * 24 * 60 * 60 }]));
}

#[tokio::test]
async fn a_mapping_takes_the_place_of_its_namesake() {
    let v = cloud().await;
    let other = v.new_bucket("other").await;
    let body = |bucket: &str| json!({ "bucketID": bucket, "database": "db", "retention_policy": "rp" });
    let first = v.done(201, "POST", "/api/v2/dbrps", body(&v.bucket)).await;
    assert_eq!(first["orgID"], v.org);
    v.done(201, "POST", "/api/v2/dbrps", body(&other)).await;
    let list = v.done(200, "GET", "/api/v2/dbrps?db=db", Value::Null).await;
    assert_eq!(list["content"].as_array().unwrap().len(), 1);
    assert_eq!(list["content"][0]["bucketID"], other);
}
