//! Every route of the document, except the listed open ones, refuses everybody who may not.

use base64::Engine as _;
use serde_json::Value;
use tidegate_model::{Clock as _, OsRandomness, PlainToken, Timestamp, TokenKind};

use crate::fixture::{Answer, Fixture, fixture, request};

struct Route {
    method: String,
    path: String,
    is_management: bool,
}

fn closed_routes(f: &Fixture) -> Vec<Route> {
    let identity = f.service.identity();
    let document = serde_json::to_value(tidegate_api::document()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(security) = operation.get("security") else { continue };
            let path = path
                .replace("{accountId}", &identity.account.to_string())
                .replace("{clusterId}", &identity.cluster.to_string())
                .replace("{tokenId}", "4f0c8a52-6d1e-4b7b-9a3c-51e2d07f9b64")
                .replace("{databaseName}", "plant7")
                .replace("{databaseId}", "1")
                .replace("{tableName}", "press")
                .replace("{tableId}", "1");
            let is_management = security.to_string().contains("management_token");
            // Collections are also reached with a trailing slash, which the document does not repeat.
            let collections = ["/databases", "/tables", "/tokens", "/management-tokens", "/clusters", "/users"];
            if is_management && collections.iter().any(|end| path.ends_with(end)) {
                routes.push(Route { method: method.to_uppercase(), path: format!("{path}/"), is_management });
            }
            routes.push(Route { method: method.to_uppercase(), path: with_query(&path), is_management });
        }
    }
    assert!(routes.len() >= 60, "the document lists {} closed routes", routes.len());
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

async fn refusals(f: &Fixture) -> Vec<(&'static str, TokenKind, String)> {
    let unknown = |kind| PlainToken::generate(kind, &OsRandomness).expose().to_owned();
    let (revoked_id, revoked) = f.create_token("read:* write:*", None).await;
    assert_eq!(f.manage("DELETE", &format!("/tokens/{revoked_id}"), Value::Null).await.status, 204);
    let soon = Timestamp::from_micros(f.clock.now().micros() + 3_600_000_000);
    let (_, expired) = f.create_token("read:* write:*", Some(soon)).await;
    let (id, revoked_management) = f.create_management_token(None).await;
    let gone = f.account_path(&format!("/management-tokens/{id}"));
    let authorization = format!("Bearer {}", f.management);
    assert_eq!(f.send(request("DELETE", &gone, Some(&authorization), "")).await.status, 204);
    let (_, expired_management) = f.create_management_token(Some(soon)).await;
    let (_, database) = f.create_token("read:* write:*", None).await;
    f.clock.advance(2 * 3_600_000_000);
    vec![
        ("unknown", TokenKind::Database, unknown(TokenKind::Database)),
        ("unknown", TokenKind::Management, unknown(TokenKind::Management)),
        ("text that is no token", TokenKind::Database, "x".into()),
        ("login token", TokenKind::Management, LOGIN_TOKEN.into()),
        ("text that is no token", TokenKind::Management, "x".into()),
        ("revoked", TokenKind::Database, revoked),
        ("expired", TokenKind::Database, expired),
        ("revoked", TokenKind::Management, revoked_management),
        ("expired", TokenKind::Management, expired_management),
        ("of the wrong kind", TokenKind::Management, database),
        ("of the wrong kind", TokenKind::Database, f.management.clone()),
    ]
}

#[tokio::test]
async fn every_closed_route_refuses_them_all_alike() {
    let f = fixture().await;
    f.create_database("plant7").await;
    let refusals = refusals(&f).await;
    for route in closed_routes(&f) {
        let send = async |authorization: Option<String>| {
            f.send(request(&route.method, &route.path, authorization.as_deref(), "{}")).await
        };
        let name = format!("{} {}", route.method, route.path);
        let without = send(None).await;
        assert_eq!(without.status, 401, "{name} without a token");
        for (what, kind, token) in &refusals {
            if (*kind == TokenKind::Management) != route.is_management {
                continue;
            }
            let answer = send(Some(format!("Bearer {token}"))).await;
            assert_eq!(visible(&answer), visible(&without), "{name} with a token that is {what}");
        }
        let basic = base64::engine::general_purpose::STANDARD.encode("user:wrong");
        assert_eq!(send(Some(format!("Basic {basic}"))).await.status, 401, "{name} with a wrong password");
        let malformed = send(Some("Bearer".into())).await;
        assert_eq!(malformed.status.as_u16(), if route.is_management { 401 } else { 400 }, "{name}: malformed header");
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
async fn a_wrong_method_of_the_management_api_is_405_with_allow() {
    let f = fixture().await;
    let answer = f.manage("PUT", "/databases", Value::Null).await;
    assert_eq!(answer.status, 405);
    assert!(answer.headers["allow"].to_str().unwrap().contains("POST"));
    assert_eq!(answer.json()["code"], 405);
    assert_eq!(f.send(request("PUT", &f.path("/databases"), None, "")).await.status, 401);
}
