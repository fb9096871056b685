//! Set-up, v1 authorizations, and what else there is (v2 API contract §§1, 5.2, 5.7, 5.8).

use std::net::SocketAddr;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tidegate_api::Peer;
use tidegate_service::Settings;

use crate::fixture::{Answer, Fixture, bare_request, fixture, fixture_with, request};
use crate::v2_fixture::{AUTHORIZATIONS, refusal, refused, unauthorized, v2, with_headers};

const SETUP: &str = "/api/v2/setup";
const LEGACY: &str = "/private/legacy/authorizations";

fn wanted() -> Value {
    json!({
        "username": "my-user", "password": "my-password", "org": "my-org", "bucket": "my-bucket",
        "retentionPeriodSeconds": 3600,
    })
}

/// From a peer, with further headers.
async fn set_up(f: &Fixture, peer: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let mut request = with_headers("POST", SETUP, headers, &body.to_string());
    request.extensions_mut().insert(Peer(peer.parse::<SocketAddr>().unwrap()));
    f.send(request).await
}

async fn is_allowed(f: &Fixture) -> bool {
    f.send(with_headers("GET", SETUP, &[], "")).await.json()["allowed"].as_bool().unwrap()
}

const LOCAL: &str = "127.0.0.1:5000";
const REMOTE: &str = "192.0.2.1:5000";

#[tokio::test]
async fn the_first_set_up_makes_everything_and_the_second_nothing() {
    let f = fixture().await;
    assert!(is_allowed(&f).await);
    let answer = set_up(&f, LOCAL, &[], &wanted()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let done = answer.json();
    assert_eq!((&done["user"]["name"], &done["org"]["name"]), (&json!("my-user"), &json!("my-org")));
    assert_eq!(done["bucket"]["retentionRules"], json!([{ "type": "expire", "everySeconds": 3600 }]));
    let auth = &done["auth"];
    assert_eq!((&auth["description"], &auth["status"]), (&json!("my-user's Token"), &json!("active")));
    assert_eq!(auth["token"].as_str().unwrap().len(), 88);
    assert_eq!(auth.get("weak"), None);
    assert!(!is_allowed(&f).await);
    let again = set_up(&f, LOCAL, &[], &wanted()).await;
    assert_eq!(refused(&again), refusal(422, "conflict", "onboarding has already been completed"));
}

#[tokio::test]
async fn a_set_up_keeps_the_data_that_is_there() {
    let f = fixture().await;
    let database_token = f.database_and_token("my-bucket").await;
    assert_eq!(f.write(&database_token, "my-bucket", "m f=1 1").await.status, 204);
    let answer = set_up(&f, LOCAL, &[], &wanted()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let done = answer.json();
    assert_eq!(done["bucket"]["retentionRules"], json!([]), "adopted as it is");
    assert_eq!(done["org"]["id"], f.service.identity().organization.to_string());
    let operator = done["auth"]["token"].as_str().unwrap();
    assert_eq!(f.rows(operator, "my-bucket", "SELECT count(*) AS n FROM m").await, json!([{ "n": 1 }]));
    assert_eq!(f.write(&database_token, "my-bucket", "m f=1 2").await.status, 204);
}

#[tokio::test]
async fn only_this_machine_or_a_management_token_sets_up() {
    let f = fixture().await;
    let bearer = format!("Bearer {}", f.management);
    let forbidden = |answer: &Answer| {
        let (status, code, _) = refused(answer);
        assert_eq!((status, code.as_str()), (403, "forbidden"));
    };
    forbidden(&set_up(&f, REMOTE, &[], &wanted()).await);
    for name in ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-real-ip", "via", "origin"] {
        forbidden(&set_up(&f, LOCAL, &[(name, "192.0.2.1")], &wanted()).await);
    }
    for token in ["wrong", &f.database_and_token("a").await] {
        let answer = set_up(&f, LOCAL, &[("authorization", &format!("Token {token}"))], &wanted()).await;
        assert_eq!(refused(&answer), unauthorized());
    }
    let mut weak = wanted();
    weak["token"] = "my-token".into();
    forbidden(&set_up(&f, REMOTE, &[("authorization", &bearer)], &weak).await);
    assert!(is_allowed(&f).await, "nothing was made");
    let answer = set_up(&f, REMOTE, &[("authorization", &bearer)], &wanted()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());

    let settings = Settings { allow_remote_setup: true, ..Settings::default() };
    let f = fixture_with(settings, Vec::new()).await;
    assert_eq!(set_up(&f, REMOTE, &[], &wanted()).await.status, 201);
}

#[tokio::test]
async fn who_may_not_set_up_is_told_so_before_the_body_comes() {
    let f = fixture().await;
    let stalled = async |peer: &str| {
        let body = Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>());
        let mut request = bare_request("POST", SETUP, &[], body);
        request.extensions_mut().insert(Peer(peer.parse::<SocketAddr>().unwrap()));
        f.send(request).await
    };
    assert_eq!(refused(&stalled(REMOTE).await).0, 403);
    assert_eq!(set_up(&f, LOCAL, &[], &wanted()).await.status, 201);
    assert_eq!(refused(&stalled(LOCAL).await), refusal(422, "conflict", "onboarding has already been completed"));
}

#[tokio::test]
async fn a_chosen_token_is_marked_wherever_it_is_listed() {
    let f = fixture().await;
    let mut body = wanted();
    body["token"] = "my-token".into();
    let answer = set_up(&f, LOCAL, &[], &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!((&answer.json()["auth"]["token"], &answer.json()["auth"]["weak"]), (&json!("my-token"), &json!(true)));
    let list = f.send(with_headers("GET", AUTHORIZATIONS, &[("authorization", "Token my-token")], "")).await.json();
    assert_eq!(list["authorizations"][0]["weak"], true);
    assert_eq!(list["authorizations"][0]["token"], "redacted");
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let f = fixture().await;
    let missing =
        refusal(422, "unprocessable entity", "onboarding failed: missing required fields [username,org,bucket]");
    for name in ["username", "org", "bucket"] {
        for value in [Value::Null, json!("")] {
            let mut body = wanted();
            body[name] = value;
            assert_eq!(refused(&set_up(&f, LOCAL, &[], &body).await), missing, "{name}");
        }
    }
    for (name, value) in [
        ("password", json!("short")),
        ("bucket", json!("_x")),
        ("retentionPeriodSeconds", json!(-1)),
        ("token", json!("with blanks in it")),
        ("username", json!(5)),
    ] {
        let mut body = wanted();
        body[name] = value;
        assert_eq!(refused(&set_up(&f, LOCAL, &[], &body).await).0, 400, "{name}");
    }
    assert!(is_allowed(&f).await);
}

#[tokio::test]
async fn v1_authorizations_are_names_with_passwords() {
    let v = v2().await;
    let body =
        json!({ "orgID": v.org, "token": "v1-user", "permissions": v.permissions("write:orgs/ORG/buckets/BUCKET") });
    let made = v.done(201, "POST", LEGACY, body.clone()).await;
    let id = made["id"].as_str().unwrap();
    let path = format!("{LEGACY}/{id}");
    assert_eq!((&made["token"], &made["links"]["self"]), (&json!("v1-user"), &json!(path)));
    let mut unnamed = body.clone();
    unnamed["token"] = Value::Null;
    let answer = v.call(&v.operator, "POST", LEGACY, unnamed).await;
    assert_eq!(refused(&answer), refusal(400, "invalid", "token required for v1 user authorization type"));
    let answer = v.call(&v.operator, "POST", LEGACY, body).await;
    assert_eq!(refused(&answer), refusal(422, "conflict", "token already exists"));

    let write = async |password: &str, in_header: bool| {
        let basic = format!("Basic {}", STANDARD.encode(format!("v1-user:{password}")));
        let (query, headers) = if in_header {
            (String::new(), vec![("authorization", basic.as_str())])
        } else {
            (format!("&u=v1-user&p={password}"), Vec::new())
        };
        let path = format!("/write?db=my-bucket{query}");
        v.f.send(with_headers("POST", &path, &headers, "m f=1 1")).await.status.as_u16()
    };
    assert_eq!(write("any-password", true).await, 401, "it has no password yet");
    v.done(204, "POST", &format!("{path}/password"), json!({ "password": "first-password" })).await;
    for in_header in [true, false] {
        assert_eq!(write("first-password", in_header).await, 204);
        assert_eq!(write("wrong-password", in_header).await, 401);
    }
    // Neither the name nor the password is a token.
    assert_eq!(v.write("v1-user", "my-bucket").await.status, 401);
    assert_eq!(v.write("first-password", "my-bucket").await.status, 401);
    v.done(204, "POST", &format!("{path}/password"), json!({ "password": "other-password" })).await;
    assert_eq!((write("first-password", true).await, write("other-password", true).await), (401, 204));

    let listed = async |query: &str| v.call(&v.operator, "GET", &format!("{LEGACY}{query}"), Value::Null).await;
    for query in ["", "?token=v1-user", &format!("?id={id}"), &format!("?authID={id}"), "?token=&authID=&user=my-user"]
    {
        assert_eq!(listed(query).await.json()["authorizations"][0]["id"], id, "{query}");
    }
    let unknown = refusal(404, "not found", "authorization not found");
    assert_eq!(refused(&listed("?token=nobody").await), unknown);
    // Neither list knows the other's.
    assert!(!v.listed(&v.operator, "").await.contains(&id.to_owned()));
    assert_eq!(v.call(&v.operator, "GET", &format!("{AUTHORIZATIONS}/{id}"), Value::Null).await.status, 404);
    let other = format!("{LEGACY}/{}", v.authorization);
    for method in ["GET", "PATCH", "DELETE"] {
        assert_eq!(refused(&v.call(&v.operator, method, &other, json!({})).await), unknown, "{method}");
    }

    v.done(200, "PATCH", &path, json!({ "status": "inactive" })).await;
    assert_eq!(write("other-password", true).await, 401);
    v.done(200, "PATCH", &path, json!({ "status": "active" })).await;
    assert_eq!(write("other-password", true).await, 204);
    v.done(204, "DELETE", &path, Value::Null).await;
    assert_eq!(write("other-password", true).await, 401);
    assert_eq!(refused(&v.call(&v.operator, "GET", &path, Value::Null).await), unknown);
}

#[tokio::test]
async fn what_is_not_there_says_what_to_use() {
    let v = v2().await;
    for (path, instead) in [("/api/v2/query", "/api/v3/query_sql"), ("/api/v2/delete", "retention")] {
        let answer = v.call(&v.operator, "POST", path, json!({ "query": "x" })).await;
        let (status, code, message) = refused(&answer);
        assert_eq!((status, code.as_str()), (501, "not implemented"));
        assert!(message.contains(instead), "{message}");
        assert_eq!(refused(&v.f.send(with_headers("POST", path, &[], "")).await), unauthorized());
    }
}

#[tokio::test]
async fn the_root_and_the_resources() {
    let v = v2().await;
    for path in ["/api/v2", "/api/v2/"] {
        let root = v.f.send(with_headers("GET", path, &[], "")).await;
        assert_eq!(root.json()["authorizations"], AUTHORIZATIONS);
    }
    let ready = v.f.send(with_headers("GET", "/ready", &[], "")).await.json();
    assert_eq!(ready["status"], "ready");
    assert!(ready["started"].as_str().unwrap().ends_with('Z') && ready["up"].as_str().unwrap().ends_with('s'));
    let resources = v.done(200, "GET", "/api/v2/resources", Value::Null).await;
    let resources = resources.as_array().unwrap();
    assert_eq!((resources.len(), &resources[0]), (23, &json!("authorizations")));
    // What clients make of them can be asked for by whoever holds it.
    let all = resources.iter().filter(|kind| **kind != "instance");
    let permissions: Vec<_> = all
        .flat_map(|kind| ["read", "write"].map(|action| json!({ "action": action, "resource": { "type": kind } })))
        .collect();
    let token = v.done(201, "POST", AUTHORIZATIONS, json!({ "orgID": v.org, "permissions": permissions })).await;
    let authorization = format!("Bearer {}", token["token"].as_str().unwrap());
    let answer = v.f.send(request("GET", "/api/v0/databases", Some(&authorization), "")).await;
    assert_eq!(answer.status, 200, "another operator");
}

#[tokio::test]
async fn every_answer_says_which_server_it_is() {
    let v = v2().await;
    for (path, token) in
        [("/api/v2/me", "x"), ("/api/v2", ""), ("/nothing", ""), ("/write", "x"), (AUTHORIZATIONS, &v.operator)]
    {
        let answer = v.call(token, "GET", path, Value::Null).await;
        assert_eq!(answer.headers["x-influxdb-build"], "OSS", "{path}");
        assert!(!answer.headers["x-influxdb-version"].is_empty(), "{path}");
    }
}

#[tokio::test]
async fn unknown_paths_are_told_to_those_who_are_known() {
    let v = v2().await;
    for path in ["/api/v2/x", "/api/v2/authorizations/1/2/3", "/private", "/private/x", "/api/v2/labels"] {
        let answer = v.call(&v.operator, "GET", path, Value::Null).await;
        assert_eq!(refused(&answer), refusal(404, "not found", "path not found"), "{path}");
        assert_eq!(refused(&v.f.send(with_headers("GET", path, &[], "")).await), unauthorized(), "{path}");
    }
}

#[tokio::test]
async fn web_pages_may_call_with_a_token_of_their_own() {
    let v = v2().await;
    let origin = [("origin", "https://example.com")];
    for path in [AUTHORIZATIONS, "/api/v2/setup", LEGACY] {
        let preflight = v.f.send(with_headers("OPTIONS", path, &origin, "")).await;
        assert_eq!((preflight.status.as_u16(), preflight.body.len()), (204, 0));
        assert_eq!(preflight.headers["access-control-allow-origin"], "https://example.com");
        assert_eq!(preflight.headers["access-control-allow-methods"], "POST, GET, OPTIONS, PUT, DELETE, PATCH");
        assert!(preflight.headers["access-control-allow-headers"].to_str().unwrap().contains("Authorization"));
        let without = v.call(&v.operator, "OPTIONS", path, Value::Null).await;
        assert_eq!((without.status.as_u16(), refused(&without).1.as_str()), (405, "method not allowed"));
        assert!(!without.headers.contains_key("access-control-allow-origin"));
    }
    let answer = v.f.send(with_headers("GET", AUTHORIZATIONS, &origin, "")).await;
    assert_eq!(refused(&answer), unauthorized());
    assert_eq!(answer.headers["access-control-allow-origin"], "https://example.com");
    assert_eq!(answer.headers["vary"], "Origin");
    assert!(!answer.headers.contains_key("access-control-allow-credentials"), "cookies stay out");
}
