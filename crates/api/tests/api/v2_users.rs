//! Users, organizations and who belongs to them (v2 API contract §§5.3 and 5.4; edge case 42).

use serde_json::{Value, json};

use crate::v2_fixture::{AUTHORIZATIONS, NOBODY, refusal, refused, v2};

const USERS: &str = "/api/v2/users";
const ORGS: &str = "/api/v2/orgs";

fn names(list: &Value, of: &str) -> Vec<String> {
    list[of].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn edge_42_the_own_user_comes_first_in_the_unfiltered_list() {
    let v = v2().await;
    let mut second = String::new();
    for name in ["a", "b", "c", "d", "e"] {
        second = v.new_user(name).await;
    }
    let (_, token) = v.token_of(&second, "read:users").await;
    for (token, own) in [(&v.operator, "my-user"), (&token, "e")] {
        for query in ["", "?name=", "?name=&id=", "?limit=1"] {
            let list = v.call(token, "GET", &format!("{USERS}{query}"), Value::Null).await.json();
            assert_eq!(names(&list, "users")[0], own, "{query}");
        }
    }
    let list = v.done(200, "GET", "/api/v2/users?limit=2", Value::Null).await;
    assert_eq!(list["users"].as_array().unwrap().len(), 2);
    let next = list["links"]["next"].as_str().unwrap();
    assert_eq!(v.done(200, "GET", next, Value::Null).await["users"].as_array().unwrap().len(), 2);
    let last = list["users"][1]["id"].as_str().unwrap();
    let rest = v.done(200, "GET", &format!("{USERS}?after={last}"), Value::Null).await;
    assert_eq!(rest["users"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn users_are_made_changed_and_deleted() {
    let v = v2().await;
    let user = v.done(201, "POST", USERS, json!({ "name": "user2", "extra": 1 })).await;
    let id = user["id"].as_str().unwrap();
    let path = format!("{USERS}/{id}");
    assert_eq!(user, json!({ "id": id, "name": "user2", "status": "active", "links": { "self": path } }));
    assert_eq!(v.done(200, "GET", &path, Value::Null).await, user);
    let conflict = v.call(&v.operator, "POST", USERS, json!({ "name": "user2" })).await;
    assert_eq!(refused(&conflict), refusal(422, "conflict", "user with name user2 already exists"));
    for body in [json!({}), json!({ "name": "" }), json!({ "name": "x", "status": "gone" }), json!({ "name": 5 })] {
        assert_eq!(refused(&v.call(&v.operator, "POST", USERS, body).await).0, 400);
    }
    let changed = v.done(200, "PATCH", &path, json!({ "name": "user3", "status": "inactive" })).await;
    assert_eq!((&changed["name"], &changed["status"]), (&json!("user3"), &json!("inactive")));
    let taken = v.call(&v.operator, "PATCH", &path, json!({ "name": "my-user" })).await;
    assert_eq!(refused(&taken), refusal(422, "conflict", "user with name my-user already exists"));
    v.done(204, "DELETE", &path, Value::Null).await;
    let gone = refusal(404, "not found", "user not found");
    assert_eq!(refused(&v.call(&v.operator, "GET", &path, Value::Null).await), gone);
    assert_eq!(refused(&v.call(&v.operator, "DELETE", &path, Value::Null).await), gone);
    assert_ne!(v.new_user("user3").await, id, "the name is free, the id never again");
}

#[tokio::test]
async fn users_that_may_not_be_seen_do_not_exist() {
    let v = v2().await;
    let user = v.new_user("user2").await;
    let (_, token) = v.token("read:buckets").await;
    let list = v.call(&token, "GET", USERS, Value::Null).await.json();
    assert_eq!(names(&list, "users"), ["my-user"], "one's own is always seen");
    let gone = refusal(404, "not found", "user not found");
    for path in [
        format!("{USERS}/{user}"),
        format!("{USERS}/{NOBODY}"),
        format!("{USERS}?id={user}"),
        format!("{USERS}?id={NOBODY}"),
        format!("{USERS}?name=user2"),
        format!("{USERS}?name=nobody"),
    ] {
        assert_eq!(refused(&v.call(&token, "GET", &path, Value::Null).await), gone, "{path}");
    }
    for (method, rest) in [("PATCH", ""), ("DELETE", ""), ("POST", "/password")] {
        let path = format!("{USERS}/{user}{rest}");
        let answer = v.call(&token, method, &path, json!({ "password": "long-enough" })).await;
        assert_eq!(refused(&answer), gone, "{method} {path}");
    }
    let create = v.call(&token, "POST", USERS, json!({ "name": "x" })).await;
    assert_eq!(refused(&create), refusal(401, "unauthorized", "write:users is unauthorized"));
    let (_, reader) = v.token("read:users").await;
    let change = v.call(&reader, "PATCH", &format!("{USERS}/{user}"), json!({ "name": "x" })).await;
    assert_eq!(refused(&change), refusal(401, "unauthorized", &format!("write:users/{user} is unauthorized")));
    assert_eq!(v.call(&token, "GET", "/api/v2/me", Value::Null).await.json()["id"], v.user);
    assert_eq!(v.done(200, "GET", &format!("{USERS}?name=user2"), Value::Null).await["users"][0]["id"], user);
    assert_eq!(refused(&v.call(&token, "GET", &format!("{USERS}?id=xyz"), Value::Null).await).0, 400);
}

#[tokio::test]
async fn passwords_have_a_length() {
    let v = v2().await;
    let path = format!("{USERS}/{}/password", v.user);
    for body in
        [json!({}), json!({ "password": "short" }), json!({ "password": null }), json!({ "password": 12345678 })]
    {
        assert_eq!(refused(&v.call(&v.operator, "POST", &path, body).await).0, 400);
    }
    v.done(204, "POST", &path, json!({ "password": "long-enough" })).await;
}

#[tokio::test]
async fn organizations_are_made_changed_and_deleted() {
    let v = v2().await;
    let org = v.done(201, "POST", ORGS, json!({ "name": "org & two" })).await;
    let id = org["id"].as_str().unwrap();
    let path = format!("{ORGS}/{id}");
    assert_eq!((&org["description"], &org["links"]["self"]), (&json!(""), &json!(path)));
    assert_eq!(org["links"]["buckets"], "/api/v2/buckets?org=org+%26+two");
    assert_eq!(org["links"]["members"], format!("{path}/members"));
    assert!(org["createdAt"].as_str().unwrap().ends_with('Z'));
    assert_eq!(v.done(200, "GET", &path, Value::Null).await, org);
    let owners = v.done(200, "GET", &format!("{path}/owners"), Value::Null).await;
    assert_eq!(owners["users"][0]["id"], v.user, "who makes it owns it");
    for (body, expected) in [
        (json!({ "name": "org & two" }), refusal(422, "conflict", "organization with name org & two already exists")),
        (json!({ "name": "" }), refusal(400, "invalid", "org name is empty")),
        (json!({}), refusal(400, "invalid", "org name is empty")),
    ] {
        assert_eq!(refused(&v.call(&v.operator, "POST", ORGS, body).await), expected);
    }
    let changed = v.done(200, "PATCH", &path, json!({ "name": "other", "description": "d" })).await;
    assert_eq!((&changed["name"], &changed["description"]), (&json!("other"), &json!("d")));

    // What belongs to it goes with it.
    let bucket = v.done(201, "POST", "/api/v2/buckets", json!({ "orgID": id, "name": "my-bucket" })).await;
    let permissions = v.permissions(&format!("write:orgs/{id}/buckets"));
    let token = v.done(201, "POST", AUTHORIZATIONS, json!({ "orgID": id, "permissions": permissions })).await;
    let secret = token["token"].as_str().unwrap();
    assert_eq!(v.write(secret, "my-bucket").await.status, 204);
    v.done(204, "DELETE", &path, Value::Null).await;
    assert_eq!(v.write(secret, "my-bucket").await.status, 401);
    for path in [path, format!("/api/v2/buckets/{}", bucket["id"].as_str().unwrap())] {
        assert_eq!(v.call(&v.operator, "GET", &path, Value::Null).await.status, 404, "{path}");
    }
    assert_eq!(refused(&v.call(&v.operator, "DELETE", &format!("{ORGS}/{}", v.org), Value::Null).await).0, 403);
}

#[tokio::test]
async fn organizations_that_may_not_be_seen() {
    let v = v2().await;
    v.done(201, "POST", ORGS, json!({ "name": "second" })).await;
    let (_, token) = v.token("read:orgs/ORG").await;
    let list = async |query: &str| v.call(&token, "GET", &format!("{ORGS}{query}"), Value::Null).await;
    assert_eq!(names(&list("").await.json(), "orgs"), ["my-org"]);
    assert_eq!(names(&list("?org=my-org").await.json(), "orgs"), ["my-org"]);
    assert_eq!(names(&list("?orgID=not-an-id").await.json(), "orgs"), ["my-org"]);
    assert_eq!(names(&list(&format!("?userID={}", v.user)).await.json(), "orgs"), ["my-org"]);
    assert!(names(&list(&format!("?userID={NOBODY}")).await.json(), "orgs").is_empty());
    let unseen = list("?org=second").await;
    assert_eq!((unseen.status.as_u16(), unseen.json()["orgs"].clone()), (200, json!([])));
    let message = "organization name \"third\" not found";
    assert_eq!(refused(&list("?org=third").await), refusal(404, "not found", message));
    let unknown = list(&format!("?orgID={NOBODY}")).await;
    assert_eq!(refused(&unknown), refusal(404, "not found", "organization not found"));
    let create = v.call(&token, "POST", ORGS, json!({ "name": "x" })).await;
    assert_eq!(refused(&create), refusal(401, "unauthorized", "write:orgs is unauthorized"));
    let change = v.call(&token, "PATCH", &format!("{ORGS}/{}", v.org), json!({ "name": "x" })).await;
    assert_eq!(refused(&change), refusal(401, "unauthorized", &format!("write:orgs/{} is unauthorized", v.org)));
}

#[tokio::test]
async fn members_and_owners() {
    let v = v2().await;
    let user = v.new_user("user2").await;
    for (kind, role) in [("members", "member"), ("owners", "owner")] {
        let path = format!("{ORGS}/{}/{kind}", v.org);
        let before = v.done(200, "GET", &path, Value::Null).await;
        assert_eq!(before["links"]["self"], path);
        let added = v.done(201, "POST", &path, json!({ "id": user })).await;
        let links = json!({ "self": format!("{USERS}/{user}") });
        let member = json!({ "id": user, "name": "user2", "status": "active", "role": role, "links": links });
        assert_eq!(added, member);
        let list = v.done(200, "GET", &path, Value::Null).await;
        assert!(list["users"].as_array().unwrap().contains(&member));
        v.done(204, "DELETE", &format!("{path}/{user}"), Value::Null).await;
        assert_eq!(v.done(200, "GET", &path, Value::Null).await, before);
        assert_eq!(v.call(&v.operator, "DELETE", &format!("{path}/{user}"), Value::Null).await.status, 404);
        let unknown = v.call(&v.operator, "POST", &path, json!({ "id": NOBODY })).await;
        assert_eq!(refused(&unknown), refusal(404, "not found", "user not found"));
        for body in [json!({}), json!({ "id": "x" }), json!({ "id": null })] {
            assert_eq!(refused(&v.call(&v.operator, "POST", &path, body).await).0, 400);
        }
    }
}
