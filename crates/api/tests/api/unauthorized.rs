//! Every route of the document, except the listed open ones, refuses everybody who may not.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use serde_json::{Value, json};
use tidegate_api::Peer;
use tidegate_model::{Clock as _, OsRandomness, PlainToken, Timestamp, TokenKind, TypedPermissions};

use crate::fixture::{Answer, Fixture, fixture, request};
use crate::v2_fixture::{AUTHORIZATIONS, V2, v2};

/// Whose conventions a route follows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Area {
    Management,
    Data,
    V2,
}

struct Route {
    method: String,
    path: String,
    area: Area,
}

fn closed_routes(f: &Fixture) -> Vec<Route> {
    let identity = f.service.identity();
    let mut routes = Vec::new();
    let documents = [(tidegate_api::document(), Area::Data), (tidegate_api::document_v2(), Area::V2)];
    for (document, area) in documents {
        let document = serde_json::to_value(document).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let Some(security) = operation.get("security") else { continue };
                let mut path = path
                    .replace("{accountId}", &identity.account.to_string())
                    .replace("{clusterId}", &identity.cluster.to_string())
                    .replace("{tokenId}", "4f0c8a52-6d1e-4b7b-9a3c-51e2d07f9b64")
                    .replace("{databaseName}", "plant7")
                    .replace("{databaseId}", "1")
                    .replace("{tableName}", "press")
                    .replace("{tableId}", "1");
                for id in ["{authID}", "{userID}", "{orgID}", "{bucketID}", "{dbrpID}"] {
                    path = path.replace(id, "0000000000000001");
                }
                assert!(!path.contains('{'), "{path}");
                let is_management = security.to_string().contains("management_token");
                let area = if is_management { Area::Management } else { area };
                // These are also reached with a trailing slash, which the document does not repeat.
                let collections = ["/databases", "/tables", "/tokens", "/management-tokens", "/clusters", "/users"];
                let has_slash = match area {
                    Area::Management => collections.iter().any(|end| path.ends_with(end)),
                    Area::V2 => true,
                    Area::Data => false,
                };
                let method = method.to_uppercase();
                if has_slash {
                    routes.push(Route { method: method.clone(), path: format!("{path}/"), area });
                }
                routes.push(Route { method, path: with_query(&path), area });
            }
        }
    }
    assert!(routes.len() >= 150, "the documents list {} closed routes", routes.len());
    routes
}

fn with_query(path: &str) -> String {
    match path {
        "/write" | "/api/v3/write_lp" => format!("{path}?db=plant7"),
        "/api/v2/write" => format!("{path}?bucket=plant7"),
        "/api/v3/query_sql" => format!("{path}?db=plant7&q=select+1"),
        other => other.to_owned(),
    }
}

/// What two refusals may differ in: nothing.
fn visible(answer: &Answer) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let headers =
        answer.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    (answer.status.as_u16(), headers, answer.body.to_vec())
}

/// A JSON Web Token that has expired; nobody logs in here.
const LOGIN_TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.2Yb1x0iGkqzM3Gk0YQ6u1Xw0k1c5b2m9f3e7d6a8b4c";

/// Tokens that are refused in these areas.
async fn refusals(v: &V2) -> Vec<(&'static str, Vec<Area>, String)> {
    let f = &v.f;
    let all = || vec![Area::Management, Area::Data, Area::V2];
    let mut refusals =
        vec![("text that is no token", all(), "x".to_owned()), ("login token", all(), LOGIN_TOKEN.into())];
    for kind in [TokenKind::Database, TokenKind::Management] {
        refusals.push(("unknown", all(), PlainToken::generate(kind, &OsRandomness).expose().to_owned()));
    }
    let unknown = PlainToken::generate_without_prefix(&OsRandomness).expose().to_owned();
    refusals.push(("unknown", all(), unknown));

    let (revoked_id, revoked) = f.create_token("read:* write:*", None).await;
    assert_eq!(f.manage("DELETE", &format!("/tokens/{revoked_id}"), Value::Null).await.status, 204);
    refusals.push(("revoked", all(), revoked));
    let soon = Timestamp::from_micros(f.clock.now().micros() + 3_600_000_000);
    refusals.push(("expired", all(), f.create_token("read:* write:*", Some(soon)).await.1));
    let (id, revoked) = f.create_management_token(None).await;
    let gone = f.account_path(&format!("/management-tokens/{id}"));
    let authorization = format!("Bearer {}", f.management);
    assert_eq!(f.send(request("DELETE", &gone, Some(&authorization), "")).await.status, 204);
    refusals.push(("revoked", all(), revoked));
    refusals.push(("expired", all(), f.create_management_token(Some(soon)).await.1));
    let database_token = f.create_token("read:* write:*", None).await.1;
    refusals.push(("of the wrong kind", vec![Area::Management, Area::V2], database_token));
    refusals.push(("of the wrong kind", vec![Area::Data, Area::V2], f.management.clone()));

    let operator = TypedPermissions::operator().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let (id, deleted) = v.token(&operator).await;
    v.done(204, "DELETE", &format!("{AUTHORIZATIONS}/{id}"), Value::Null).await;
    refusals.push(("deleted", all(), deleted));
    let (id, inactive) = v.token(&operator).await;
    v.done(200, "PATCH", &format!("{AUTHORIZATIONS}/{id}"), json!({ "status": "inactive" })).await;
    refusals.push(("inactive", all(), inactive));
    let body = json!({ "orgID": v.org, "permissions": v.permissions(&operator), "expiresAt": soon.to_string() });
    let expired = v.done(201, "POST", AUTHORIZATIONS, body).await;
    refusals.push(("expired", all(), expired["token"].as_str().unwrap().to_owned()));
    let user = v.new_user("gone").await;
    let (_, orphaned) = v.token_of(&user, &operator).await;
    v.done(204, "DELETE", &format!("/api/v2/users/{user}"), Value::Null).await;
    refusals.push(("of a deleted user", all(), orphaned));
    let user = v.new_user("asleep").await;
    let (_, asleep) = v.token_of(&user, &operator).await;
    v.done(200, "PATCH", &format!("/api/v2/users/{user}"), json!({ "status": "inactive" })).await;
    refusals.push(("of an inactive user", all(), asleep));
    let (_, narrow) = v.token("read:orgs/ORG/buckets write:orgs/ORG/buckets").await;
    refusals.push(("not that of an operator", vec![Area::Management], narrow));
    f.clock.advance(2 * 3_600_000_000);
    refusals
}

#[tokio::test]
async fn every_closed_route_refuses_them_all_alike() {
    let v = v2().await;
    let f = &v.f;
    f.create_database("plant7").await;
    let refusals = refusals(&v).await;
    let peers = AtomicU32::new(0);
    for route in closed_routes(f) {
        let send = async |authorization: Option<String>| {
            let mut request = request(&route.method, &route.path, authorization.as_deref(), "{}");
            // Whoever is refused often waits for it, so each comes from elsewhere.
            let peer = Ipv4Addr::from_bits(0x0a00_0000 + peers.fetch_add(1, Ordering::Relaxed));
            request.extensions_mut().insert(Peer(SocketAddr::from((peer, 4711))));
            f.send(request).await
        };
        let name = format!("{} {}", route.method, route.path);
        let without = send(None).await;
        assert_eq!(without.status, 401, "{name} without a token");
        for (what, areas, token) in &refusals {
            if areas.contains(&route.area) {
                let answer = send(Some(format!("Bearer {token}"))).await;
                assert_eq!(visible(&answer), visible(&without), "{name} with a token that is {what}");
            }
        }
        let basic = base64::engine::general_purpose::STANDARD.encode("user:wrong");
        assert_eq!(send(Some(format!("Basic {basic}"))).await.status, 401, "{name} with a wrong password");
        let malformed = send(Some("Bearer".into())).await;
        let expected = if route.area == Area::Data { 400 } else { 401 };
        assert_eq!(malformed.status.as_u16(), expected, "{name}: malformed header");
    }
}

#[tokio::test]
async fn unknown_paths_say_nothing_to_strangers() {
    let f = fixture().await;
    let (_, token) = f.create_token("", None).await;
    for (path, method) in [("/nothing", "GET"), ("/write", "GET"), ("/api/v2/write", "PUT"), ("/api/v3/x", "PUT")] {
        assert_eq!(f.send(request(method, path, None, "")).await.status, 401, "{path}");
        let known = f.send(request(method, path, Some(&format!("Bearer {token}")), "")).await;
        assert_eq!(known.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_wrong_method_of_an_open_route_needs_no_credential() {
    let f = fixture().await;
    for (method, path, allow) in [
        ("DELETE", "/health", "GET"),
        ("POST", "/api/v1/health", "GET"),
        ("PUT", "/ping", "GET"),
        ("PATCH", "/ready", "GET"),
        ("POST", "/ready/", "GET"),
        ("DELETE", "/api/v2", "GET"),
        ("POST", "/api/v2/", "GET"),
        ("PUT", "/api/v2/setup", "POST"),
    ] {
        for authorization in [None, Some("Token x")] {
            let answer = f.send(request(method, path, authorization, "")).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            let allowed = answer.headers["allow"].to_str().unwrap().to_owned();
            assert!(allowed.contains(allow) && !allowed.contains(method), "{method} {path}: {allowed}");
            assert!(answer.is_json() && answer.text().contains("method not allowed"), "{method} {path}");
        }
    }
    // Where one method needs a credential, each does.
    for (method, path) in
        [("PUT", "/api/v2/signin"), ("GET", "/api/v2/signout"), ("PUT", "/metrics"), ("PUT", "/write")]
    {
        assert_eq!(f.send(request(method, path, None, "")).await.status, 401, "{method} {path}");
    }
}

#[tokio::test]
async fn a_wrong_method_of_the_management_api_is_405_with_allow() {
    let f = fixture().await;
    let answer = f.manage("PUT", "/databases", Value::Null).await;
    assert_eq!(answer.status, 405);
    assert!(answer.headers["allow"].to_str().unwrap().contains("POST"));
    assert_eq!(answer.json()["code"], 405);
    assert_eq!(f.send(request("PUT", &f.path("/databases"), None, "")).await.status, 401);
}
