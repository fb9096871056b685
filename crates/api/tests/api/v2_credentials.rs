//! Who gets into the v2 API, and into the data endpoints with its credentials (v2 API contract §2; edge cases 1 to 7).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::fixture::percent_encoded;
use crate::v2_fixture::{AUTHORIZATIONS, V2, refusal, refused, unauthorized, v2, with_headers};

async fn status_of_header(v: &V2, path: &str, value: &str) -> u16 {
    v.f.send(with_headers("GET", path, &[("authorization", value)], "")).await.status.as_u16()
}

#[tokio::test]
async fn edge_01_schemes_of_the_header() {
    let v = v2().await;
    let token = &v.operator;
    for value in
        [format!("token {token}"), format!("TOKEN {token}"), format!("Bearer {token}"), format!("bearer {token}")]
    {
        assert_eq!(status_of_header(&v, "/api/v2/me", &value).await, 200, "{value}");
    }
    let basic = format!("Basic {}", STANDARD.encode(format!("my-user:{token}")));
    let password = format!("Basic {}", STANDARD.encode("my-user:my-password"));
    for value in [format!("Token  {token}"), format!("Token{token}"), basic, password, String::new(), "Token ".into()] {
        let answer = v.f.send(with_headers("GET", "/api/v2/me", &[("authorization", &value)], "")).await;
        assert_eq!(refused(&answer), unauthorized(), "{value}");
    }
    assert_eq!(refused(&v.f.send(with_headers("GET", "/api/v2/me", &[], "")).await), unauthorized());
}

#[tokio::test]
async fn edge_03_an_inactive_token_is_refused_everywhere() {
    let v = v2().await;
    let (id, token) = v.token("read:authorizations write:authorizations read:buckets write:buckets").await;
    assert_eq!(v.write(&token, "my-bucket").await.status, 204);
    v.done(200, "PATCH", &format!("{AUTHORIZATIONS}/{id}"), json!({ "status": "inactive" })).await;
    for (method, path) in [
        ("GET", AUTHORIZATIONS.to_owned()),
        ("GET", format!("{AUTHORIZATIONS}/{id}")),
        ("POST", AUTHORIZATIONS.to_owned()),
        ("GET", "/api/v2/me".to_owned()),
        ("GET", "/api/v2/no-such-path".to_owned()),
        ("PUT", "/api/v2/me".to_owned()),
    ] {
        assert_eq!(refused(&v.call(&token, method, &path, Value::Null).await), unauthorized(), "{method} {path}");
    }
    assert_eq!(refused(&v.write(&token, "my-bucket").await), unauthorized());
    for (path, status) in [("/ping", 204), ("/health", 200), ("/ready", 200)] {
        assert_eq!(v.call(&token, "GET", path, Value::Null).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn edge_04_tokens_end_with_their_user() {
    let v = v2().await;
    let user = v.new_user("user2").await;
    let (_, token) = v.token_of(&user, "read:authorizations write:buckets read:users").await;
    assert_eq!(v.write(&token, "my-bucket").await.status, 204);
    let path = format!("/api/v2/users/{user}");
    v.done(200, "PATCH", &path, json!({ "status": "inactive" })).await;
    for path in [AUTHORIZATIONS, "/api/v2/me", "/api/v2/users", "/api/v2/x"] {
        assert_eq!(refused(&v.call(&token, "GET", path, Value::Null).await), unauthorized(), "{path}");
    }
    assert_eq!(refused(&v.write(&token, "my-bucket").await), unauthorized());
    v.done(200, "PATCH", &path, json!({ "status": "active" })).await;
    assert_eq!(v.write(&token, "my-bucket").await.status, 204, "and come back with it");
    v.done(204, "DELETE", &path, Value::Null).await;
    assert_eq!(refused(&v.write(&token, "my-bucket").await), unauthorized());
    assert_eq!(refused(&v.call(&token, "GET", "/api/v2/me", Value::Null).await), unauthorized());
}

#[tokio::test]
async fn edge_05_another_token_of_the_user_keeps_working() {
    let v = v2().await;
    let ((first, gone), (_, kept)) = (v.token("write:buckets").await, v.token("write:buckets").await);
    v.done(204, "DELETE", &format!("{AUTHORIZATIONS}/{first}"), Value::Null).await;
    assert_eq!(refused(&v.write(&gone, "my-bucket").await), unauthorized());
    assert_eq!(v.write(&kept, "my-bucket").await.status, 204);
}

async fn sign_in(v: &V2) -> String {
    let basic = format!("Basic {}", STANDARD.encode("my-user:my-password"));
    let answer = v.f.send(with_headers("POST", "/api/v2/signin", &[("authorization", &basic)], "")).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    answer.headers["set-cookie"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn edge_06_cookies_come_with_their_attributes_and_lose_to_the_header() {
    let v = v2().await;
    let cookie = sign_in(&v).await;
    assert!(cookie.starts_with("influxdb-oss-session="), "{cookie}");
    for part in ["; Path=/api/", "; Expires=", "; HttpOnly", "; SameSite=Strict"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "the connection is not encrypted");
    let me = async |headers: &[(&str, &str)]| v.f.send(with_headers("GET", "/api/v2/me", headers, "")).await;
    let answer = me(&[("cookie", &cookie)]).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["id"]), (200, &json!(v.user)));
    let unknown = me(&[("cookie", &cookie), ("authorization", "Token wrong")]).await;
    assert_eq!(refused(&unknown), unauthorized());
    let basic = format!("Basic {}", STANDARD.encode("a:b"));
    assert_eq!(me(&[("cookie", &cookie), ("authorization", &basic)]).await.status, 200, "holds no token");
    // The key of a session is no token, nor is a token the key of a session.
    let key = cookie.split_once('=').unwrap().1.split_once(';').unwrap().0.to_owned();
    assert_eq!(refused(&me(&[("authorization", &format!("Token {key}"))]).await), unauthorized());
    let swapped = format!("influxdb-oss-session={}", v.operator);
    assert_eq!(refused(&me(&[("cookie", &swapped)]).await), unauthorized());
}

#[tokio::test]
async fn a_session_ends_with_signing_out_or_another_password() {
    let v = v2().await;
    let out = async |headers: &[(&str, &str)]| v.f.send(with_headers("POST", "/api/v2/signout", headers, "")).await;
    let me = async |cookie: &str| v.f.send(with_headers("GET", "/api/v2/me", &[("cookie", cookie)], "")).await;
    let write = async |cookie: &str| {
        let path = "/api/v2/write?bucket=my-bucket";
        v.f.send(with_headers("POST", path, &[("cookie", cookie)], "m f=1 1")).await
    };
    assert_eq!(refused(&out(&[]).await), unauthorized());
    let token = format!("Token {}", v.operator);
    assert_eq!(refused(&out(&[("authorization", &token)]).await), unauthorized());

    let cookie = sign_in(&v).await;
    assert_eq!(write(&cookie).await.status, 204);
    let answer = out(&[("cookie", &cookie)]).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    assert_eq!(refused(&me(&cookie).await), unauthorized());
    assert_eq!(refused(&write(&cookie).await), unauthorized());
    assert_eq!(refused(&out(&[("cookie", &cookie)]).await), unauthorized());

    let cookie = sign_in(&v).await;
    v.done(204, "POST", &format!("/api/v2/users/{}/password", v.user), json!({ "password": "another-one" })).await;
    assert_eq!(refused(&me(&cookie).await), unauthorized());
}

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing_with_the_cookie() {
    let v = v2().await;
    let cookie = sign_in(&v).await;
    let send = async |method: &str, path: &str, further: &[(&str, &str)], body: &str| {
        let headers = [&[("host", "db.example:8181"), ("cookie", &*cookie)], further].concat();
        v.f.send(with_headers(method, path, &headers, body)).await
    };
    let buckets = async || v.done(200, "GET", "/api/v2/buckets", Value::Null).await;
    let before = buckets().await;
    let (bucket, user) = (format!("/api/v2/buckets/{}", v.bucket), format!("/api/v2/users/{}/password", v.user));
    let new_bucket = json!({ "orgID": v.org, "name": "theirs" }).to_string();
    // Whoever is refused often waits for it, so each is tried once or twice only.
    for (further, most) in [
        ([("origin", "http://db.example:3000")], 7),
        ([("origin", "http://other.example")], 2),
        ([("origin", "null")], 1),
        ([("sec-fetch-site", "same-site")], 3),
        ([("sec-fetch-site", "cross-site")], 1),
    ] {
        let calls = [
            ("POST", "/api/v2/buckets", &*new_bucket),
            ("PATCH", &bucket, r#"{"name":"theirs"}"#),
            ("DELETE", &bucket, ""),
            ("POST", &user, r#"{"password":"their-password"}"#),
            ("POST", "/api/v2/write?bucket=my-bucket", "theirs f=1 1"),
            ("POST", "/api/v2/signout", ""),
            ("POST", "/api/v2/no-such-path", ""),
        ];
        for (method, path, body) in calls.into_iter().take(most) {
            let answer = send(method, path, &further, body).await;
            assert_eq!(refused(&answer), unauthorized(), "{method} {path} {further:?}");
        }
        assert_eq!(send("GET", "/api/v2/me", &further, "").await.status, 200, "{further:?}");
    }
    assert_eq!(buckets().await, before);
    let token = format!("Token {}", v.operator);
    let foreign = [("authorization", &*token), ("origin", "http://other.example"), ("sec-fetch-site", "cross-site")];
    assert_eq!(send("POST", "/api/v2/buckets", &foreign, &new_bucket).await.status, 201, "a token is no cookie");
    for further in [&[("origin", "http://db.example:8181"), ("sec-fetch-site", "same-origin")][..], &[]] {
        let path = "/api/v2/write?bucket=my-bucket";
        assert_eq!(send("POST", path, further, "ours f=1 1").await.status, 204, "{further:?}");
    }
    let own = [("origin", "https://db.example:8181"), ("sec-fetch-site", "same-origin")];
    assert_eq!(send("POST", "/api/v2/signout", &own, "").await.status, 204);
}

#[tokio::test]
async fn a_session_writes_to_no_other_organization_than_it_is_told() {
    let v = v2().await;
    let second = v.done(201, "POST", "/api/v2/orgs", json!({ "name": "second" })).await["id"].clone();
    let second = second.as_str().unwrap();
    v.done(201, "POST", "/api/v2/buckets", json!({ "orgID": second, "name": "my-bucket" })).await;
    let cookie = sign_in(&v).await;
    let (_, token) = v.token("write:buckets").await;
    let token = format!("Token {token}");
    let write = async |credential: (&str, &str), query: &str| {
        let path = format!("/api/v2/write?bucket=my-bucket{query}");
        v.f.send(with_headers("POST", &path, &[credential], "m f=1 1")).await
    };
    let own = v.org.clone();
    let elsewhere =
        ["&org=second", "&org=missing", &*format!("&orgID={second}"), "&orgID=x", &*format!("&org={second}")]
            .map(str::to_owned);
    let mixed = [format!("&org=my-org&orgID={second}"), format!("&orgID={own}&org=second")];
    for query in elsewhere.iter().chain(&mixed) {
        let answer = write(("cookie", &cookie), query).await;
        assert_eq!(refused(&answer), refusal(404, "not found", "organization not found"), "{query}");
        assert_eq!(write(("authorization", &token), query).await.status, 204, "a token has its own: {query}");
    }
    for query in ["", "&org=", "&orgID=", "&org=my-org", &format!("&orgID={own}"), &format!("&org={own}&orgID={own}")] {
        assert_eq!(write(("cookie", &cookie), query).await.status, 204, "{query}");
    }
}

#[tokio::test]
async fn a_page_of_another_origin_signs_nobody_in() {
    let v = v2().await;
    let basic = format!("Basic {}", STANDARD.encode("my-user:my-password"));
    for (further, status) in [
        (("origin", "http://other.example"), 401),
        (("sec-fetch-site", "cross-site"), 401),
        (("origin", "http://db.example:8181"), 204),
        (("sec-fetch-site", "none"), 204),
    ] {
        let headers = [("host", "db.example:8181"), ("authorization", &*basic), further];
        let answer = v.f.send(with_headers("POST", "/api/v2/signin", &headers, "")).await;
        assert_eq!(answer.status.as_u16(), status, "{further:?}");
        assert_eq!(answer.headers.contains_key("set-cookie"), status == 204, "{further:?}");
    }
}

#[tokio::test]
async fn signing_in_fails_alike_for_all_reasons() {
    let v = v2().await;
    v.new_user("user2").await;
    for pair in ["my-user:wrong-password", "nobody:my-password", "user2:my-password", ":", "my-user:"] {
        let basic = format!("Basic {}", STANDARD.encode(pair));
        let answer = v.f.send(with_headers("POST", "/api/v2/signin", &[("authorization", &basic)], "")).await;
        assert_eq!(refused(&answer), unauthorized(), "{pair}");
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    for headers in [&[][..], &[("authorization", &*format!("Token {}", v.operator))]] {
        assert_eq!(refused(&v.f.send(with_headers("POST", "/api/v2/signin", headers, "")).await), unauthorized());
    }
}

#[tokio::test]
async fn edge_07_v1_carriers_of_a_token() {
    let v = v2().await;
    let (_, token) = v.token("write:orgs/ORG/buckets/BUCKET").await;
    let p = percent_encoded(&token);
    let write = async |query: &str, authorization: Option<String>| {
        let headers: Vec<_> = authorization.iter().map(|value| ("authorization", value.as_str())).collect();
        let path = format!("/write?db=my-bucket&{query}");
        v.f.send(with_headers("POST", &path, &headers, "m f=1 1")).await.status.as_u16()
    };
    let basic = |user: &str, password: &str| Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))));
    assert_eq!(write(&format!("p={p}"), None).await, 204);
    assert_eq!(write(&format!("u=any&p={p}"), None).await, 204);
    assert_eq!(write("u=&p=", Some(format!("Token {token}"))).await, 204);
    assert_eq!(write("", Some(format!("Token any:{token}"))).await, 204);
    assert_eq!(write("", basic("any", &token)).await, 204);
    assert_eq!(write("p=wrong", Some(format!("Token {token}"))).await, 204, "the header wins");
    assert_eq!(write(&format!("p={p}"), Some("Token wrong".into())).await, 401, "the header wins");
    assert_eq!(write("u=&p=", None).await, 401);
    assert_eq!(write("u=any&p=wrong", None).await, 401);
    assert_eq!(write("", basic("any", "wrong")).await, 401);
}

#[tokio::test]
async fn one_credential_store_serves_every_data_endpoint() {
    let v = v2().await;
    let (_, token) = v.token("read:orgs/ORG/buckets/BUCKET write:orgs/ORG/buckets/BUCKET").await;
    v.new_bucket("other").await;
    assert_eq!(v.f.write(&token, "my-bucket", "m f=1 1").await.status, 204);
    assert_eq!(v.write(&token, &v.bucket).await.status, 204, "a bucket is named by its id as well");
    assert_eq!(v.f.rows(&token, "my-bucket", "SELECT count(*) AS n FROM m").await, json!([{ "n": 2 }]));
    let forbidden = v.f.write(&token, "other", "m f=1 1").await;
    assert_eq!(forbidden.status, 403);
    assert_eq!(v.f.write(&token, "missing", "m f=1 1").await.body, forbidden.body);
    // It is no management token, and a database token is none of this API.
    let bearer = format!("Bearer {token}");
    assert_eq!(v.f.send(with_headers("GET", "/api/v0/databases", &[("authorization", &bearer)], "")).await.status, 401);
    let (_, database_token) = v.f.create_token("read:* write:*", None).await;
    for token in [&database_token, &v.f.management] {
        assert_eq!(refused(&v.call(token, "GET", "/api/v2/me", Value::Null).await), unauthorized());
        assert_eq!(refused(&v.call(token, "GET", "/api/v2/x", Value::Null).await), unauthorized());
    }
    // An operator may do what a management token may.
    let bearer = format!("Bearer {}", v.operator);
    for path in ["/api/v0/databases", "/metrics"] {
        assert_eq!(v.f.send(with_headers("GET", path, &[("authorization", &bearer)], "")).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_permission_on_a_bucket_never_matches_its_namesake() {
    let v = v2().await;
    let id = v.new_bucket("short").await;
    let (_, token) = v.token(&format!("write:orgs/ORG/buckets/{id}")).await;
    let (_, by_name) = v.f.create_token("write:short", None).await;
    assert_eq!(v.write(&token, "short").await.status, 204);
    v.done(204, "DELETE", &format!("/api/v2/buckets/{id}"), Value::Null).await;
    let second = v.new_bucket("short").await;
    assert_ne!(second, id);
    assert_eq!(v.write(&token, "short").await.status, 403);
    assert_eq!(v.write(&token, &second).await.status, 403);
    assert_eq!(v.write(&by_name, "short").await.status, 204, "a grant by name does");
}
