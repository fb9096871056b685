//! Where a token may stand on the data endpoints, and what each wrong one is answered (data-plane contract §3).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use reqwest::header::HeaderValue;
use serde_json::json;

use super::management::UNKNOWN_TOKEN;
use super::support::api::{Answer, Api, Fresh, send};
use super::support::{eventually, in_the_future};

/// The endpoints that write, with the parameter that names the database.
const WRITES: [(&str, &str); 3] = [("/api/v3/write_lp", "db"), ("/api/v2/write", "bucket"), ("/write", "db")];
const QUERY: &str = "/api/v3/query_sql";
const LINE: &str = "press,line=L1 speed=1 1";

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// Writes one line to an endpoint with this header and further parameters.
async fn write_with(api: &Api, endpoint: (&str, &str), header: Option<&[u8]>, more: &[(&str, &str)]) -> Answer {
    let (path, database) = endpoint;
    let mut request = api.http.post(format!("{}{path}", api.url)).query(&[(database, "plant7")]).query(more).body(LINE);
    if let Some(header) = header {
        request = request.header("authorization", HeaderValue::from_bytes(header).unwrap());
    }
    send(request).await
}

async fn query_with(api: &Api, header: Option<&[u8]>) -> Answer {
    let mut request = api.http.get(format!("{}{QUERY}", api.url)).query(&[("db", "plant7"), ("q", "SELECT 1 AS one")]);
    if let Some(header) = header {
        request = request.header("authorization", HeaderValue::from_bytes(header).unwrap());
    }
    send(request).await
}

#[tokio::test]
async fn a_token_is_taken_from_every_documented_place() {
    let fresh = Fresh::start().await;
    let api = &fresh.api;
    api.create_database("plant7").await;
    let token = api.create_token(&[("write", "plant7"), ("read", "plant7")]).await.text;
    let headers = [
        format!("Bearer {token}"),
        format!("bearer {token}"),
        format!("BEARER {token}"),
        format!("Token {token}"),
        format!("token {token}"),
        basic("anyone", &token),
        basic("", &token),
        basic("anyone", &token).replace("Basic", "basic"),
    ];
    for header in &headers {
        for endpoint in WRITES {
            let answer = write_with(api, endpoint, Some(header.as_bytes()), &[]).await.expect_status(204);
            assert_eq!(answer.body, "", "{endpoint:?}");
        }
        query_with(api, Some(header.as_bytes())).await.expect_status(200);
    }
}

#[tokio::test]
async fn the_parameter_p_counts_on_the_v1_endpoint_only_and_after_the_header() {
    let fresh = Fresh::start().await;
    let api = &fresh.api;
    api.create_database("plant7").await;
    let token = api.create_token(&[("write", "plant7")]).await.text;
    let reader = api.create_token(&[("read", "plant7")]).await.text;
    let v1 = WRITES[2];

    write_with(api, v1, None, &[("p", &token)]).await.expect_status(204);
    write_with(api, v1, None, &[("u", "anyone"), ("p", &token)]).await.expect_status(204);
    write_with(api, v1, None, &[("p", "")]).await.expect_status(401);
    write_with(api, v1, None, &[("p", UNKNOWN_TOKEN)]).await.expect_status(401);
    write_with(api, v1, None, &[("u", &token)]).await.expect_status(401);

    let bearer = |token: &str| format!("Bearer {token}").into_bytes();
    write_with(api, v1, Some(&bearer(&reader)), &[("p", &token)]).await.expect_status(403);
    write_with(api, v1, Some(&bearer(UNKNOWN_TOKEN)), &[("p", &token)]).await.expect_status(401);
    write_with(api, v1, Some(&bearer(&token)), &[("p", UNKNOWN_TOKEN)]).await.expect_status(204);
    write_with(api, v1, Some(&bearer(&token)), &[("p", "")]).await.expect_status(204);
    for malformed in [&b"Bearer"[..], b"Digest x", b"Basic !", b"Bearer \xff\xfe"] {
        write_with(api, v1, Some(malformed), &[("p", &token)]).await.expect_status(204);
    }
    let twice = write_with(api, v1, None, &[("p", &token), ("p", &token)]).await;
    assert!(matches!(twice.status, 400 | 401), "{twice:?}");

    for endpoint in [WRITES[0], WRITES[1]] {
        write_with(api, endpoint, None, &[("p", &token)]).await.expect_status(401);
    }
    let query =
        api.http.get(format!("{}{QUERY}", api.url)).query(&[("db", "plant7"), ("q", "SELECT 1"), ("p", &reader)]);
    send(query).await.expect_status(401);
}

#[tokio::test]
async fn a_malformed_header_is_a_bad_request_and_never_an_accident() {
    let fresh = Fresh::start().await;
    let api = &fresh.api;
    api.create_database("plant7").await;
    let token = api.create_token(&[("write", "plant7"), ("read", "plant7")]).await.text;
    let user_with_colon = STANDARD.encode(format!("a:b:{token}"));
    let malformed: Vec<Vec<u8>> = vec![
        b"Bearer".to_vec(),
        b"Digest abc".to_vec(),
        b"Basic".to_vec(),
        b"Basic !!!!".to_vec(),
        format!("Basic {}", STANDARD.encode("no colon")).into_bytes(),
        format!("Basic {}", STANDARD.encode("user:")).into_bytes(),
        token.clone().into_bytes(),
        b"Bearer \xc3\x28".to_vec(),
        b"\xff".to_vec(),
    ];
    let unknown: Vec<Vec<u8>> = vec![
        format!("Bearer {token} extra").into_bytes(),
        format!("Bearer {token}x").into_bytes(),
        format!("Bearer {}", &token[..91]).into_bytes(),
        format!("Bearer {}", token.to_lowercase()).into_bytes(),
        format!("Bearer {}", token.replace("apiv1_", "mgmt1_")).into_bytes(),
        format!("Basic {user_with_colon}").into_bytes(),
        format!("Basic {}", STANDARD.encode("user:short")).into_bytes(),
    ];
    let either: Vec<Vec<u8>> = vec![
        format!("Bearer  {token}").into_bytes(),
        format!("Basic {}", URL_SAFE.encode(format!("\u{3ff}\u{3ff}?:{token}"))).into_bytes(),
    ];
    for (headers, allowed) in [(malformed, &[400][..]), (unknown, &[401]), (either, &[400, 401])] {
        for header in headers {
            let shown = String::from_utf8_lossy(&header).replace(&token, "TOKEN");
            for endpoint in WRITES {
                let answer = write_with(api, endpoint, Some(&header), &[]).await;
                assert!(allowed.contains(&answer.status), "{endpoint:?} with {shown:?}: {answer:?}");
                assert!(!answer.body.contains(&token[6..]), "{endpoint:?} with {shown:?} shows the token");
            }
            let answer = query_with(api, Some(&header)).await;
            assert!(allowed.contains(&answer.status), "query with {shown:?}: {answer:?}");
        }
    }
    let no_padding = format!("Basic {}", STANDARD_NO_PAD.encode(format!("u:{token}")));
    let answer = write_with(api, WRITES[2], Some(no_padding.as_bytes()), &[]).await;
    assert!(matches!(answer.status, 204 | 400), "{answer:?}");
    let query = api.query(&token, "plant7", "SELECT count(*) AS n FROM press").await;
    assert!(query.status == 400 || answer.status == 204, "nothing was written: {query:?}");
}

/// Missing, unknown, revoked and expired tokens and those of the other kind: one answer for each dialect.
#[tokio::test]
async fn all_unauthenticated_requests_look_alike() {
    let fresh = Fresh::start().await;
    let api = &fresh.api;
    api.create_database("plant7").await;
    let revoked = api.create_token(&[("write", "*"), ("read", "*")]).await;
    api.revoke(&revoked.id).await.expect_status(204);
    let expired = expired_token(api).await;

    let v2 = json!({ "code": "unauthorized", "message": "unauthorized access" });
    let plain = json!({ "error": "unauthorized access" });
    let tokens = [UNKNOWN_TOKEN, "x", &revoked.text, &expired, &api.management_token];
    for database in ["plant7", "missing"] {
        for (path, parameter) in WRITES.into_iter().chain([(QUERY, "db")]) {
            let url = format!("{}{path}", api.url);
            let request = || match path {
                QUERY => api.http.get(&url).query(&[(parameter, database), ("q", "SELECT 1")]),
                _ => api.http.post(&url).query(&[(parameter, database)]).body(LINE),
            };
            let without = send(request()).await.expect_status(401);
            assert_eq!(without.json(), if path == "/api/v2/write" { v2.clone() } else { plain.clone() });
            assert_eq!(without.headers["content-type"].to_str().unwrap().split(';').next(), Some("application/json"));
            for token in tokens {
                let answer = send(request().bearer_auth(token)).await;
                assert_eq!(answer.comparable(), without.comparable(), "{path}");
            }
        }
    }
}

/// A token whose expiry has come.
async fn expired_token(api: &Api) -> String {
    let body = json!({
        "description": "short-lived",
        "permissions": [{ "action": "read", "resource": "*" }, { "action": "write", "resource": "*" }],
        "expiresAt": in_the_future(Duration::from_millis(700)),
    });
    let token = api.create_token_of(&body).await;
    eventually("the token expires", async || {
        (api.query(&token.text, "plant7", "SELECT 1").await.status == 401).then_some(())
    })
    .await;
    token.text
}

#[tokio::test]
async fn a_missing_grant_looks_alike_whether_or_not_the_database_exists() {
    let fresh = Fresh::start().await;
    let api = &fresh.api;
    for name in ["plant7", "plant8"] {
        api.create_database(name).await;
    }
    let writer = api.create_token(&[("write", "plant7")]).await.text;
    let reader = api.create_token(&[("read", "plant7")]).await.text;
    let nothing = api.create_token(&[]).await.text;

    let write = async |token: &str, (path, parameter): (&str, &str), database: &str| {
        let url = format!("{}{path}", api.url);
        send(api.http.post(url).query(&[(parameter, database)]).bearer_auth(token).body(LINE)).await
    };
    for endpoint in WRITES {
        write(&writer, endpoint, "plant7").await.expect_status(204);
        let mut answers = Vec::new();
        for (token, database) in [
            (&reader, "plant7"),
            (&nothing, "plant7"),
            (&writer, "plant8"),
            (&writer, "missing"),
            (&writer, "plant7/x"),
            (&writer, "Plant7"),
            (&writer, "*"),
        ] {
            let answer = write(token, endpoint, database).await;
            // A name that no database can have may be refused for what it is, before anything is looked up.
            if database != "*" {
                answers.push(answer.expect_status(403).comparable());
            } else {
                assert!(matches!(answer.status, 400 | 403), "{answer:?}");
            }
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    }
    let mut answers = Vec::new();
    for (token, database) in
        [(&writer, "plant7"), (&nothing, "plant7"), (&reader, "plant8"), (&reader, "missing"), (&reader, "plant7/x")]
    {
        answers.push(api.query(token, database, "SELECT * FROM press").await.expect_status(403).comparable());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    // The time is in nanoseconds by default, and by its size in seconds for v3.
    assert_eq!(api.rows(&reader, "plant7", "SELECT * FROM press").await.len(), 2);
}

#[tokio::test]
async fn who_may_use_every_database_learns_that_one_is_missing() {
    let fresh = Fresh::start().await;
    let api = &fresh.api;
    let token = api.create_token(&[("write", "*"), ("read", "*")]).await.text;
    let v2 = write_with(api, WRITES[1], Some(format!("Token {token}").as_bytes()), &[]).await.expect_status(404);
    assert_eq!(v2.json()["code"], "not found");
    let v3 = write_with(api, WRITES[0], Some(format!("Bearer {token}").as_bytes()), &[]).await.expect_status(404);
    assert!(v3.json()["error"].is_string());
    let query = api.query(&token, "plant7", "SELECT 1").await.expect_status(404);
    assert!(query.json()["error"].is_string());

    api.create_database("plant7").await;
    api.write(&token, "plant7", LINE).await.expect_status(204);
    api.delete("/databases/plant7").await.expect_status(204);
    api.query(&token, "plant7", "SELECT * FROM press").await.expect_status(404);
    api.write(&token, "plant7", LINE).await.expect_status(404);
    api.create_database("plant7").await;
    let answer = api.query(&token, "plant7", "SELECT * FROM press").await;
    assert_eq!(answer.status, 400, "a namesake starts without the old rows: {answer:?}");
}
