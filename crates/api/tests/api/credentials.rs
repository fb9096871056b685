//! Where a token is looked for on the data endpoints, and what its grants open (data-plane contract §3).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use serde_json::json;

use crate::fixture::{Answer, Fixture, bare_request, fixture};

const ENDPOINTS: [&str; 4] =
    ["/write?db=a", "/api/v2/write?bucket=a", "/api/v3/write_lp?db=a", "/api/v3/query_sql?db=a&q=select+1"];
const WRONG: &str = "apiv1_wrong";

async fn send(f: &Fixture, path: &str, authorization: Option<&[u8]>) -> Answer {
    let method = if path.starts_with("/api/v3/query_sql") { "GET" } else { "POST" };
    let headers: Vec<_> = authorization.into_iter().map(|value| ("authorization", value)).collect();
    f.send(bare_request(method, path, &headers, "cpu f=1 1")).await
}

fn basic(text: &str) -> String {
    format!("Basic {}", STANDARD.encode(text))
}

#[tokio::test]
async fn every_scheme_carries_a_token_to_every_endpoint() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    for path in ENDPOINTS {
        let ok = if path.contains("query") { 200 } else { 204 };
        for authorization in [
            format!("Bearer {token}"),
            format!("Token {token}"),
            format!("bearer {token}"),
            format!("TOKEN {token}"),
            basic(&format!("user:{token}")),
            basic(&format!(":{token}")),
            basic(&format!("ü:{token}")).replace("Basic", "BASIC"),
        ] {
            let answer = send(&f, path, Some(authorization.as_bytes())).await;
            assert_eq!(answer.status, ok, "{path} {}", &authorization[..6]);
            assert_eq!(answer.headers["cluster-uuid"], f.service.identity().cluster.to_string());
        }
    }
}

#[tokio::test]
async fn headers_without_a_token_are_malformed() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    let url_safe = format!("Basic {}", URL_SAFE.encode(format!("\u{3ff}\u{3ff}:{token}")));
    assert!(url_safe.contains(['-', '_']), "the alphabets differ in this text");
    let no_padding = STANDARD_NO_PAD.encode(format!("u:{token}"));
    assert_ne!(no_padding.len() % 4, 0);
    let malformed = [
        b"".to_vec(),
        b"Bearer".to_vec(),
        b"Bearer ".to_vec(),
        b"Token ".to_vec(),
        b"Basic ".to_vec(),
        b"Digest x".to_vec(),
        token.clone().into_bytes(),
        basic("no colon").into_bytes(),
        basic("user:").into_bytes(),
        url_safe.into_bytes(),
        format!("Basic {no_padding}").into_bytes(),
        format!("Bearer {token}\u{e4}").into_bytes(),
    ];
    for path in ENDPOINTS {
        for authorization in &malformed {
            let answer = send(&f, path, Some(authorization)).await;
            assert_eq!(answer.status, 400, "{path} {:?}", String::from_utf8_lossy(authorization));
            let body = answer.json();
            let message = body.get("error").or(body.get("message")).unwrap().as_str().unwrap();
            assert!(message.starts_with("Authorization header was malformed"), "{message}");
            assert!(!message.contains(&token));
        }
        let two = [("authorization", &b"Bearer a"[..]), ("authorization", b"Bearer b")];
        let method = if path.contains("query") { "GET" } else { "POST" };
        assert_eq!(f.send(bare_request(method, path, &two, "")).await.status, 400, "{path}: two headers");
    }
}

#[tokio::test]
async fn tokens_that_are_nearly_right_are_unknown() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    let missing = send(&f, "/api/v3/write_lp?db=a", None).await;
    assert_eq!(missing.status, 401);
    for authorization in [
        format!("Bearer  {token}"),
        format!("Bearer {token} extra"),
        format!("Bearer {}", token.to_uppercase()),
        format!("Bearer {}", &token[..token.len() - 1]),
        basic(&format!("user:name:{token}")),
        basic(&format!("{token}:x")),
    ] {
        let answer = send(&f, "/api/v3/write_lp?db=a", Some(authorization.as_bytes())).await;
        assert_eq!(answer.status, 401, "{authorization}");
        assert_eq!(answer.body, missing.body);
        assert_eq!(answer.headers, missing.headers);
    }
}

#[tokio::test]
async fn refusals_have_the_form_of_their_dialect() {
    let f = fixture().await;
    for (path, body) in [
        (ENDPOINTS[0], json!({ "error": "unauthorized access" })),
        (ENDPOINTS[1], json!({ "code": "unauthorized", "message": "unauthorized access" })),
        (ENDPOINTS[2], json!({ "error": "unauthorized access" })),
        (ENDPOINTS[3], json!({ "error": "unauthorized access" })),
    ] {
        let answer = send(&f, path, None).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.json(), body, "{path}");
        assert!(answer.is_json());
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
}

#[tokio::test]
async fn p_is_a_token_for_v1_writes_only_and_the_header_goes_first() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    let (_, other) = f.create_token("read:a", None).await;
    let good = format!("Bearer {token}");
    let good = good.as_bytes();
    let reader = format!("Bearer {other}");
    for (query, authorization, status) in [
        (format!("&p={token}"), None, 204),
        (format!("&u=somebody&p={token}"), None, 204),
        (format!("&p={token}"), Some(&b"Digest x"[..]), 204),
        (format!("&p={token}"), Some(b"Bearer"), 204),
        (format!("&p={token}"), Some(b"Bearer \xff"), 204),
        (format!("&p={token}"), Some(b"Bearer wrong"), 401),
        (format!("&p={token}"), Some(reader.as_bytes()), 403),
        (format!("&p={other}"), Some(good), 204),
        (format!("&p={other}"), None, 403),
        (format!("&p={WRONG}"), Some(good), 204),
        (format!("&p={WRONG}"), None, 401),
        ("&p=".to_owned(), Some(good), 204),
        ("&p=".to_owned(), None, 401),
        ("&p=".to_owned(), Some(b"Digest x"), 400),
        (format!("&p={token}&p={token}"), Some(good), 400),
        (format!("&p={token}&p={token}"), None, 401),
        (format!("&p={token}&db=a"), None, 400),
        (format!("&P={token}"), None, 401),
    ] {
        let answer = send(&f, &format!("/write?db=a{query}"), authorization).await;
        let shown = query.replace(&token, "TOKEN").replace(&other, "OTHER");
        assert_eq!(answer.status, status, "{shown} {:?}", authorization.map(String::from_utf8_lossy));
        assert!(!answer.text().contains(&token), "{shown}");
    }
    for path in &ENDPOINTS[1..] {
        let answer = send(&f, &format!("{path}&p={token}&u=x"), None).await;
        assert_eq!(answer.status, 401, "{path}");
        let answer = send(&f, &format!("{path}&p={WRONG}"), Some(good)).await;
        assert!(answer.status.is_success(), "{path}: p is nothing here");
    }
}

#[tokio::test]
async fn write_and_read_are_separate_rights() {
    let f = fixture().await;
    f.create_database("a").await;
    let (_, writer) = f.create_token("write:a", None).await;
    let (_, reader) = f.create_token("read:a", None).await;
    for path in ENDPOINTS {
        let is_query = path.contains("query");
        let as_writer = send(&f, path, Some(format!("Bearer {writer}").as_bytes())).await.status;
        let as_reader = send(&f, path, Some(format!("Bearer {reader}").as_bytes())).await.status;
        assert_eq!(as_writer, if is_query { 403 } else { 204 }, "{path}");
        assert_eq!(as_reader, if is_query { 200 } else { 403 }, "{path}");
    }
}

#[tokio::test]
async fn without_the_grant_all_databases_look_alike() {
    let f = fixture().await;
    for name in ["mine", "theirs", "gone"] {
        f.create_database(name).await;
    }
    f.manage("DELETE", "/databases/gone", serde_json::Value::Null).await;
    let (_, token) = f.create_token("read:mine write:mine", None).await;
    let authorization = format!("Bearer {token}");
    for path in ENDPOINTS {
        let ask = async |database: &str| {
            let path =
                path.replace("db=a", &format!("db={database}")).replace("bucket=a", &format!("bucket={database}"));
            send(&f, &path, Some(authorization.as_bytes())).await
        };
        assert!(ask("mine").await.status.is_success());
        let refused = ask("theirs").await;
        assert_eq!(refused.status, 403, "{path}");
        assert!(!refused.text().contains("theirs"));
        for database in ["missing", "gone", "Mine", "mine/x", "min", "minee"] {
            let answer = ask(database).await;
            assert_eq!(answer.status, 403, "{path} {database}");
            assert_eq!(answer.body, refused.body, "{path} {database}");
            assert_eq!(answer.headers, refused.headers, "{path} {database}");
        }
    }
}

#[tokio::test]
async fn a_grant_on_foo_does_not_reach_foo_bar() {
    let f = fixture().await;
    for name in ["foo", "foo/bar", "bar"] {
        f.create_database(name).await;
    }
    let (_, foo) = f.create_token("read:foo write:foo", None).await;
    let (_, foo_bar) = f.create_token("read:foo/bar write:foo/bar", None).await;
    let write = async |query: &str, token: &str| f.post(&format!("/write?{query}"), token, "cpu f=1 1").await.status;
    assert_eq!(write("db=foo", &foo).await, 204);
    assert_eq!(write("db=foo&rp=bar", &foo).await, 403);
    assert_eq!(write("db=foo&rp=BAR", &foo).await, 403);
    assert_eq!(write("db=foo%2Fbar", &foo).await, 403);
    assert_eq!(write("db=foo&rp=bar", &foo_bar).await, 204);
    assert_eq!(write("db=foo", &foo_bar).await, 403);
    assert_eq!(f.query(&foo, "foo/bar", "SELECT * FROM cpu").await.status, 403);
    for sql in
        ["SELECT * FROM \"foo/bar\".iox.cpu", "SELECT * FROM \"foo/bar\".cpu", "SELECT * FROM \"bar\".\"iox\".\"cpu\""]
    {
        let answer = f.query(&foo, "foo", sql).await;
        assert_eq!(answer.status, 400, "{sql}: {}", answer.text());
    }
}

#[tokio::test]
async fn the_credential_is_judged_before_anything_else_of_the_request() {
    let f = fixture().await;
    f.create_database("a").await;
    let (_, reader) = f.create_token("read:a", None).await;
    for path in ["/write", "/write?precision=x", "/api/v2/write?", "/api/v3/write_lp?no_sync=1", "/api/v3/query_sql?x"]
    {
        assert_eq!(send(&f, path, None).await.status, 401, "{path}");
    }
    // Neither the body nor its encoding is looked at for who may not write.
    let authorization = format!("Bearer {reader}");
    let headers = [("authorization", authorization.as_bytes()), ("content-encoding", b"deflate")];
    for path in &ENDPOINTS[..3] {
        let answer = f.send(bare_request("POST", path, &headers, vec![b'x'; 11 << 20])).await;
        assert_eq!(answer.status, 403, "{path}");
    }
}
