//! Creating authorizations (v2 API contract §4.3; edge cases 9 to 20).

use axum::body::Body;
use serde_json::{Value, json};

use crate::fixture::bare_request;
use crate::v2_fixture::{AUTHORIZATIONS, NOBODY, V2, refusal, refused, unauthorized, v2};

async fn create(v: &V2, token: &str, body: Value) -> (u16, String, String) {
    let answer = v.call(token, "POST", AUTHORIZATIONS, body).await;
    if answer.status == 201 { refusal(201, "", "") } else { refused(&answer) }
}

fn created() -> (u16, String, String) {
    refusal(201, "", "")
}

fn invalid(message: &str) -> (u16, String, String) {
    refusal(400, "invalid", message)
}

#[tokio::test]
async fn edge_09_permissions_are_needed() {
    let v = v2().await;
    for body in
        [json!({ "orgID": v.org, "permissions": null }), json!({ "orgID": v.org, "permissions": [] }), json!({})]
    {
        assert_eq!(create(&v, &v.operator, body).await, invalid("authorization must include permissions"));
    }
}

#[tokio::test]
async fn edge_10_each_fault_has_its_message() {
    const LENGTH: &str = "invalid json structure: id must have a length of 16 bytes";
    const TYPE: &str = "invalid resource type for permission: unknown resource type for permission";
    let v = v2().await;
    let ask = async |org: Value, resource: Value, action: &str| {
        let body = json!({ "orgID": org, "permissions": [{ "action": action, "resource": resource }] });
        create(&v, &v.operator, body).await
    };
    let buckets = json!({ "type": "buckets" });
    assert_eq!(ask(json!(v.org), json!({ "type": "bucket" }), "read").await, invalid(TYPE));
    assert_eq!(ask(json!(v.org), json!({ "id": v.bucket }), "read").await, invalid(TYPE));
    let action = "invalid action type for permission: unknown action for permission";
    assert_eq!(ask(json!(v.org), buckets.clone(), "own").await, invalid(action));
    let required = invalid("org id required: invalid ID");
    assert_eq!(ask(json!(null), buckets.clone(), "read").await, required);
    assert_eq!(ask(json!("0000000000000000"), buckets.clone(), "read").await, required);
    assert_eq!(ask(json!("000000000000001"), buckets.clone(), "read").await, invalid(LENGTH));
    assert_eq!(ask(json!("00000000000000001"), buckets.clone(), "read").await, invalid(LENGTH));
    let not_hex = ask(json!("00000000000000zz"), buckets.clone(), "read").await;
    assert_eq!(not_hex, invalid("invalid json structure: invalid ID"));
    assert_eq!(ask(json!(v.org.to_uppercase()), buckets.clone(), "read").await, created());
    let body = json!({ "orgID": v.org, "status": "paused", "permissions": v.permissions("read:buckets") });
    assert_eq!(create(&v, &v.operator, body).await, invalid("invalid status: must be active or inactive"));
    let unknown = json!({ "orgID": NOBODY, "permissions": v.permissions("read:buckets") });
    assert_eq!(create(&v, &v.operator, unknown).await, invalid("unable to create token"));
}

#[tokio::test]
async fn edge_11_nobody_gives_away_what_he_does_not_hold() {
    let v = v2().await;
    let (_, token) = v.token("read:orgs/ORG/buckets/BUCKET write:orgs/ORG/authorizations").await;
    let ask = async |permissions: &str| {
        create(&v, &token, json!({ "orgID": v.org, "permissions": v.permissions(permissions) })).await
    };
    let escalation = |permission: String| {
        refusal(403, "forbidden", &format!("permission {permission} is not allowed: {permission} is unauthorized"))
    };
    let (org, bucket) = (&v.org, &v.bucket);
    assert_eq!(ask("write:orgs/ORG/buckets/BUCKET").await, escalation(format!("write:orgs/{org}/buckets/{bucket}")));
    assert_eq!(ask("read:orgs/ORG/buckets").await, escalation(format!("read:orgs/{org}/buckets")));
    assert_eq!(ask("read:buckets").await, escalation("read:buckets".into()));
    let both = ask("read:orgs/ORG/buckets/BUCKET write:orgs/ORG/buckets/BUCKET").await;
    assert_eq!(both, escalation(format!("write:orgs/{org}/buckets/{bucket}")));
    assert_eq!(ask("read:orgs/ORG/buckets/BUCKET").await, created());
    let (_, reader) = v.token("read:orgs/ORG/buckets/BUCKET").await;
    let body = json!({ "orgID": v.org, "permissions": v.permissions("read:orgs/ORG/buckets/BUCKET") });
    let message = format!("write:orgs/{org}/authorizations is unauthorized");
    assert_eq!(create(&v, &reader, body).await, refusal(401, "unauthorized", &message));
}

#[tokio::test]
async fn edge_12_permissions_are_for_the_organization_of_the_token() {
    let v = v2().await;
    let body = json!({ "orgID": v.org, "permissions": v.permissions("read:orgs/00000000000000ff/buckets") });
    let message = format!("permission read:orgs/00000000000000ff/buckets is not for org id {}", v.org);
    assert_eq!(create(&v, &v.operator, body).await, invalid(&message));
}

#[tokio::test]
async fn edge_13_tokens_of_another_user() {
    let v = v2().await;
    let user = v.new_user("user2").await;
    let body = json!({ "orgID": v.org, "userID": user, "permissions": v.permissions("read:orgs/ORG/buckets/BUCKET") });
    let (_, without) = v.token("read:orgs/ORG/buckets write:orgs/ORG/authorizations").await;
    let message = format!("write:users/{user} is unauthorized");
    assert_eq!(create(&v, &without, body.clone()).await, refusal(401, "unauthorized", &message));
    let permissions = format!("read:orgs/ORG/buckets write:orgs/ORG/authorizations write:users/{user}");
    let (_, with) = v.token(&permissions).await;
    let answer = v.call(&with, "POST", AUTHORIZATIONS, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let token = answer.json();
    assert_eq!((&token["userID"], &token["user"]), (&json!(user), &json!("user2")));
    assert_eq!(token["links"]["user"], format!("/api/v2/users/{user}"));
}

#[tokio::test]
async fn edge_14_a_token_can_be_made_inactive() {
    let v = v2().await;
    let body = json!({ "orgID": v.org, "status": "inactive", "permissions": v.permissions("write:buckets") });
    let token = v.done(201, "POST", AUTHORIZATIONS, body).await;
    assert_eq!(token["status"], "inactive");
    assert_eq!(refused(&v.write(token["token"].as_str().unwrap(), "my-bucket").await), unauthorized());
}

#[tokio::test]
async fn edge_15_nobody_chooses_the_value() {
    let v = v2().await;
    let body = json!({ "orgID": v.org, "token": "my-own-value", "permissions": v.permissions("write:buckets") });
    let token = v.done(201, "POST", AUTHORIZATIONS, body).await;
    let value = token["token"].as_str().unwrap();
    assert_eq!(value.len(), 88);
    assert_eq!(v.write(value, "my-bucket").await.status, 204);
    assert_eq!(refused(&v.write("my-own-value", "my-bucket").await), unauthorized());
}

#[tokio::test]
async fn edge_16_a_name_stands_for_one_bucket() {
    let v = v2().await;
    v.new_bucket("other").await;
    let ask = |name: &str, org: bool| {
        let mut resource = json!({ "type": "buckets", "name": name });
        if org {
            resource["orgID"] = v.org.clone().into();
        }
        json!({ "orgID": v.org, "permissions": [{ "action": "write", "resource": resource }] })
    };
    for org in [true, false] {
        let token = v.done(201, "POST", AUTHORIZATIONS, ask("my-bucket", org)).await;
        let resource = &token["permissions"][0]["resource"];
        assert_eq!((&resource["id"], &resource["orgID"]), (&json!(v.bucket), &json!(v.org)));
        let value = token["token"].as_str().unwrap();
        assert_eq!(v.write(value, "my-bucket").await.status, 204);
        assert_eq!(v.write(value, "other").await.status, 403, "not all buckets");
        assert_eq!(create(&v, &v.operator, ask("missing", org)).await, invalid("no buckets named \"missing\" found"));
    }
    // Whoever may not write a bucket does not learn whether it exists.
    let (_, token) = v.token("write:orgs/ORG/buckets/BUCKET write:orgs/ORG/authorizations").await;
    assert_eq!(create(&v, &token, ask("my-bucket", true)).await, created());
    assert_eq!(create(&v, &token, ask("other", true)).await, invalid("no buckets named \"other\" found"));
    assert_eq!(create(&v, &token, ask("missing", true)).await, invalid("no buckets named \"missing\" found"));
}

#[tokio::test]
async fn names_of_another_organization_cannot_be_tried_out() {
    let v = v2().await;
    let second = v.done(201, "POST", "/api/v2/orgs", json!({ "name": "second" })).await["id"].clone();
    v.done(201, "POST", "/api/v2/buckets", json!({ "orgID": second, "name": "theirs" })).await;
    let (_, token) = v.token("read:orgs/ORG/buckets write:orgs/ORG/authorizations").await;
    let ask = async |resource: Value| {
        let permission = json!({ "action": "read", "resource": resource });
        create(&v, &token, json!({ "orgID": second, "permissions": [permission] })).await
    };
    let elsewhere =
        invalid(&format!("permission read:orgs/{}/buckets is not for org id {}", v.org, second.as_str().unwrap()));
    for name in ["theirs", "missing"] {
        let resource = json!({ "type": "buckets", "orgID": v.org, "name": name });
        assert_eq!(ask(resource).await, elsewhere, "{name}");
        for resource in
            [json!({ "type": "buckets", "orgID": second, "name": name }), json!({ "type": "buckets", "name": name })]
        {
            assert_eq!(ask(resource).await, invalid(&format!("no buckets named \"{name}\" found")), "{name}");
        }
    }
}

#[tokio::test]
async fn an_empty_name_and_too_many_permissions_are_refused() {
    let v = v2().await;
    let ask =
        async |permissions: Value| create(&v, &v.operator, json!({ "orgID": v.org, "permissions": permissions })).await;
    let empty = json!({ "action": "read", "resource": { "type": "buckets", "name": "" } });
    let message = "the name of a resource is empty: leave it out for all buckets, or say which one";
    assert_eq!(ask(json!([empty])).await, invalid(message));
    // Refused before any of them is resolved: nothing is called so.
    let named = json!({ "action": "read", "resource": { "type": "buckets", "name": "missing" } });
    let message = "an authorization has at most 1000 permissions: ask for fewer or wider ones";
    assert_eq!(ask(vec![named; 1001].into()).await, invalid(message));
    let whole = json!({ "action": "read", "resource": { "type": "tasks", "orgID": v.org } });
    assert_eq!(ask(vec![whole; 1000].into()).await, created());
}

#[tokio::test]
async fn edge_17_a_bucket_need_not_exist() {
    let v = v2().await;
    let body = json!({ "orgID": v.org, "permissions": v.permissions("read:orgs/ORG/buckets/0123456789abcdef") });
    let token = v.done(201, "POST", AUTHORIZATIONS, body).await;
    let resource = json!({ "type": "buckets", "id": "0123456789abcdef", "orgID": v.org, "org": "my-org" });
    assert_eq!(token["permissions"], json!([{ "action": "read", "resource": resource }]));
}

#[tokio::test]
async fn edge_17_names_of_another_organization_are_not_shown() {
    let v = v2().await;
    let second = v.done(201, "POST", "/api/v2/orgs", json!({ "name": "second" })).await["id"].clone();
    let body = json!({ "orgID": second, "name": "hidden-name" });
    let foreign = v.done(201, "POST", "/api/v2/buckets", body).await["id"].clone();
    let (_, token) = v.token("read:orgs/ORG/buckets write:orgs/ORG/authorizations read:orgs/ORG/authorizations").await;
    let on_foreign = v.permissions(&format!("read:orgs/ORG/buckets/{}", foreign.as_str().unwrap()));
    let answer = v.call(&token, "POST", AUTHORIZATIONS, json!({ "orgID": v.org, "permissions": on_foreign })).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.json()["permissions"][0]["resource"].get("name"), None);
    let list = v.call(&token, "GET", AUTHORIZATIONS, Value::Null).await;
    assert!(!list.text().contains("hidden-name"), "{}", list.text());
}

#[tokio::test]
async fn edge_18_nobody_gets_a_permission_on_the_instance() {
    let v = v2().await;
    let body = json!({ "orgID": v.org, "permissions": v.permissions("read:instance") });
    let message = "permission read:instance is not allowed: read:instance is unauthorized";
    assert_eq!(create(&v, &v.operator, body).await, refusal(403, "forbidden", message));
}

#[tokio::test]
async fn edge_19_the_same_request_twice_makes_two() {
    let v = v2().await;
    let body = json!({ "orgID": v.org, "permissions": v.permissions("read:buckets") });
    let first = v.done(201, "POST", AUTHORIZATIONS, body.clone()).await;
    let second = v.done(201, "POST", AUTHORIZATIONS, body).await;
    assert_ne!(first["id"], second["id"]);
    assert_ne!(first["token"], second["token"]);
}

#[tokio::test]
async fn edge_20_forms_of_bodies() {
    let v = v2().await;
    let before = format!(
        r#"{{"orgID":"{}","permissions":[{{"action":"read","resource":{{"type":"buckets"}}}}],"extra":"#,
        v.org
    );
    let with = |extra: &[u8]| [before.as_bytes(), extra, b"}"].concat();
    let huge = format!("\"{}\"", "x".repeat(1024 * 1024));
    let (broken, too_large) = ((400, "invalid"), (413, "request too large"));
    let cases = [
        ("members that nobody knows", with(br#"{"a":[null]}"#), (201, "")),
        ("blanks around it", [b"\r\n\t ", with(b"1").as_slice(), b" \n"].concat(), (201, "")),
        ("a byte order mark", [b"\xef\xbb\xbf", with(b"1").as_slice()].concat(), broken),
        ("no UTF-8 in a text", with(b"\"\xff\""), broken),
        ("no UTF-8 in the name of a member", with(b"{\"\xc3\x28\":1}"), broken),
        ("half of it", before.as_bytes().to_vec(), broken),
        ("something after it", [with(b"1").as_slice(), b"{}"].concat(), broken),
        ("nothing", Vec::new(), broken),
        ("an array", b"[]".to_vec(), broken),
        ("more than a mebibyte", with(huge.as_bytes()), too_large),
    ];
    let authorization = format!("Token {}", v.operator);
    for (case, bytes, (status, code)) in cases {
        let pieces: Vec<_> = bytes.chunks(50).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
        for body in [Body::from(bytes), Body::from_stream(futures::stream::iter(pieces))] {
            let headers = [("authorization", authorization.as_bytes())];
            let answer = v.f.send(bare_request("POST", AUTHORIZATIONS, &headers, body)).await;
            let said = if status == 201 { String::new() } else { refused(&answer).1 };
            assert_eq!((answer.status.as_u16(), said.as_str()), (status, code), "{case}");
        }
    }
}

#[tokio::test]
async fn what_is_created_is_shown_whole() {
    let v = v2().await;
    let body = json!({
        "orgID": v.org, "description": "d", "permissions": v.permissions("read:orgs/ORG/buckets/BUCKET write:users/USER read:orgs/ORG"),
    });
    let mut token = v.done(201, "POST", AUTHORIZATIONS, body).await;
    let id = token["id"].as_str().unwrap().to_owned();
    let members = token.as_object_mut().unwrap();
    assert_eq!(members.remove("token").unwrap().as_str().unwrap().len(), 88);
    assert_eq!(members["createdAt"], members["updatedAt"]);
    assert!(members.remove("createdAt").unwrap().as_str().unwrap().ends_with('Z'));
    members.remove("updatedAt");
    let resource = |kind: &str, id: &str, name: &str| json!({ "type": kind, "id": id, "name": name });
    let mut bucket = resource("buckets", &v.bucket, "my-bucket");
    bucket["orgID"] = v.org.clone().into();
    bucket["org"] = "my-org".into();
    assert_eq!(
        token,
        json!({
            "id": id, "status": "active", "description": "d", "orgID": v.org, "org": "my-org",
            "userID": v.user, "user": "my-user",
            "permissions": [
                { "action": "read", "resource": bucket },
                { "action": "write", "resource": resource("users", &v.user, "my-user") },
                { "action": "read", "resource": resource("orgs", &v.org, "my-org") },
            ],
            "links": { "self": format!("{AUTHORIZATIONS}/{id}"), "user": format!("/api/v2/users/{}", v.user) },
        })
    );
}

#[tokio::test]
async fn a_token_dies_when_it_was_asked_to() {
    let v = v2().await;
    let permissions = v.permissions("write:buckets");
    let ask = |at: &str| json!({ "orgID": v.org, "permissions": permissions, "expiresAt": at });
    let past = create(&v, &v.operator, ask("2020-01-01T00:00:00Z")).await;
    assert_eq!(past, invalid("expiresAt must be in the future"));
    assert_eq!(create(&v, &v.operator, ask("soon")).await.0, 400);
    let token = v.done(201, "POST", AUTHORIZATIONS, ask("2199-01-01T00:00:00Z")).await;
    assert_eq!(token["expiresAt"], "2199-01-01T00:00:00.000000Z");
}
