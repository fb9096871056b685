//! Sessions: how they begin, and everything that ends them.

use http_body_util::BodyExt as _;
use tidegate_model::{ApiTokenChange, Description, PermissionSet, Status};
use tidegate_service::{Door, TokenRequest, UserChange};

use crate::browser::{PASSWORD, server, server_set_up, token};

const COOKIE: &str = "tidegate-console";
const MINUTE: i64 = 60;

#[tokio::test]
async fn users_and_tokens_sign_in_but_not_tokens_for_data() {
    let (server, done) = server_set_up().await;
    let mut operator = server.browser_with_token(&done.token).await;
    let mut management = server.browser_with_token(&server.management).await;
    let mut user = server.browser_with_password("ana").await;
    let links = ["/console/api-tokens\"", "/console/users\"", "/console/databases\"", "/console/management-tokens\""];
    for (browser, expected) in [
        (&mut operator, [true; 4]),
        (&mut management, [false, false, true, true]),
        (&mut user, [true, true, false, false]),
    ] {
        let text = browser.get("/console").await.text;
        assert_eq!(links.map(|link| text.contains(link)), expected);
    }
    let caller = server.enter(&server.management, Door::Management).await;
    let request =
        TokenRequest { description: Description::default(), permissions: PermissionSet::none(), expires_at: None };
    let data = server.service.create_token(caller, request).await.unwrap().token;
    for text in [data.expose(), "", "nonsense", &server.management.expose()[1..]] {
        let mut browser = server.browser();
        let answer = browser.sign_in(&[("by", "token"), ("token", text)]).await;
        assert_eq!(answer.status, 422);
        assert!(!answer.text.contains(&server.management.expose()[8..]));
        assert!(!browser.cookies.contains_key(COOKIE));
    }
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_look_the_same() {
    let (server, _) = server_set_up().await;
    let mut shown = Vec::new();
    for (name, password) in [("ana", "wrong-password"), ("bob", PASSWORD)] {
        let mut browser = server.browser();
        let answer = browser.sign_in(&[("username", name), ("password", password)]).await;
        assert_eq!(answer.status, 422);
        assert!(!answer.text.contains(password));
        assert!(!browser.cookies.contains_key(COOKIE));
        shown.push(answer.text.replace(name, "NAME").replace(&answer.form_secret(), "SECRET"));
    }
    assert_eq!(shown[0], shown[1]);
}

#[tokio::test]
async fn each_sign_in_gives_a_new_key_and_none_that_was_planted() {
    let (server, done) = server_set_up().await;
    let mut planted = server.browser();
    let key = server.browser_with_token(&done.token).await.cookies[COOKIE].clone();
    planted.cookies.insert(COOKIE.to_owned(), "A".repeat(88));
    planted.sign_in(&[("by", "token"), ("token", done.token.expose())]).await;
    let first = planted.cookies[COOKIE].clone();
    planted.sign_in(&[("by", "token"), ("token", done.token.expose())]).await;
    let second = planted.cookies[COOKIE].clone();
    let mut before = server.browser();
    before.cookies.insert(COOKIE.to_owned(), first.clone());
    assert!(planted.is_signed_in().await && !before.is_signed_in().await);
    assert!(first != second && first != key && second != key && first != "A".repeat(88));
    planted.cookies.insert(COOKIE.to_owned(), "A".repeat(88));
    assert!(!planted.is_signed_in().await);
    // What the credential itself is does not open a page either.
    planted.cookies.insert(COOKIE.to_owned(), done.token.expose().to_owned());
    assert!(!planted.is_signed_in().await);
}

#[tokio::test]
async fn somebody_elses_sign_in_form_is_refused() {
    let (server, done) = server_set_up().await;
    let fields = |secret| vec![("form_secret", secret), ("by", "token"), ("token", done.token.expose())];
    let mut browser = server.browser();
    let attackers = server.browser().get("/console/sign-in").await.form_secret();
    assert_eq!(browser.post_bare("/console/sign-in", &fields(&attackers)).await.status, 403);
    let own = browser.get("/console/sign-in").await.form_secret();
    for secret in ["", &attackers] {
        assert_eq!(browser.post_bare("/console/sign-in", &fields(secret)).await.status, 403);
    }
    let body = serde_urlencoded::to_string(fields(&own)).unwrap();
    for header in [("origin", "http://evil.example"), ("sec-fetch-site", "cross-site")] {
        assert_eq!(browser.send("POST", "/console/sign-in", &[header], body.clone()).await.status, 403);
    }
    assert!(!browser.cookies.contains_key(COOKIE));
    assert_eq!(browser.post_bare("/console/sign-in", &fields(&own)).await.status, 303);
}

#[tokio::test]
async fn a_visitors_secret_that_is_not_of_our_making_is_replaced() {
    let server = server().await;
    let mut browser = server.browser();
    let planted = "\"><script>alert(1)</script>";
    browser.cookies.insert("tidegate-visitor".to_owned(), planted.to_owned());
    let answer = browser.get("/console/sign-in").await;
    assert_ne!(answer.form_secret(), planted);
    assert_eq!(browser.cookies["tidegate-visitor"], answer.form_secret());
}

#[tokio::test]
async fn the_cookie_is_for_this_host_alone() {
    let (server, done) = server_set_up().await;
    for (encrypted, start, secure) in [(false, "tidegate-console=", false), (true, "__Host-tidegate-console=", true)] {
        let mut browser = server.browser();
        browser.encrypted = encrypted;
        let answer = browser.sign_in(&[("by", "token"), ("token", done.token.expose())]).await;
        let cookie = answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
        let cookie = cookie.filter(|cookie| cookie.starts_with(start)).collect::<Vec<_>>();
        assert_eq!(cookie.len(), 1, "{:?}", answer.headers);
        for part in ["Path=/", "HttpOnly", "SameSite=Strict"] {
            assert!(cookie[0].split("; ").any(|given| given == part), "{}", cookie[0]);
        }
        assert_eq!(cookie[0].contains("; Secure"), secure);
        assert!(!cookie[0].contains("Domain"));
        assert!(browser.is_signed_in().await);
    }
}

#[tokio::test]
async fn signing_in_leads_back_but_never_away() {
    let (server, done) = server_set_up().await;
    let wanted = server.browser().get("/console/api-tokens?search=a%26b&page=2").await;
    let mut browser = server.browser();
    let form = browser.get(wanted.location()).await;
    let then = form.between("name=\"then\" value=\"", "\"").replace("&#38;", "&");
    for (then, expected) in [
        (then.as_str(), "/console/api-tokens?search=a%26b&page=2"),
        ("", "/console"),
        ("//evil.example", "/console"),
        ("https://evil.example", "/console"),
        ("/\\evil.example", "/console"),
        ("/console/..//evil.example", "/console"),
        ("/console\r\nset-cookie: a=b", "/console"),
        ("javascript:alert(1)", "/console"),
        ("/api/v2/signout", "/console"),
    ] {
        let fields = [("by", "token"), ("token", done.token.expose()), ("then", then)];
        assert_eq!(browser.sign_in(&fields).await.location(), expected, "{then:?}");
        let link =
            format!("/console/sign-in?then={}", then.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>());
        let shown = browser.get(&link).await;
        assert!(!shown.text.contains("evil.example") && !shown.text.contains("javascript:"), "{then:?}");
    }
}

#[tokio::test]
async fn signing_out_ends_the_session_and_what_it_stood_on() {
    let (server, done) = server_set_up().await;
    for mut browser in [server.browser_with_password("ana").await, server.browser_with_token(&done.token).await] {
        let mut copy = browser.clone();
        let answer = browser.post("/console/sign-out", &[]).await;
        assert_eq!(answer.location(), "/console/sign-in?out=1");
        assert!(!browser.cookies.contains_key(COOKIE));
        assert!(!copy.is_signed_in().await);
    }
    // The token itself is for programs as well.
    assert!(server.is_usable(&done.token, Door::Api).await);
}

#[tokio::test]
async fn the_end_of_what_it_stands_on_ends_a_session() {
    let (server, done) = server_set_up().await;
    let service = &server.service;
    let operator = || server.enter(&done.token, Door::Api);

    let mut browser = server.browser_with_password("ana").await;
    service.set_password(operator().await, done.user.id, &token(PASSWORD)).await.unwrap();
    assert!(!browser.is_signed_in().await);

    let mut administrator = server.browser_with_token(&server.management).await;
    let caller = server.enter(&server.management, Door::Management).await;
    let own = service.management_tokens(&caller).await.unwrap()[0].id;
    service.revoke_management_token(caller, own).await.unwrap();
    let answer = administrator.get("/console").await;
    assert!(answer.location().starts_with("/console/sign-in?ended=1&then="), "{}", answer.location());
    assert!(!administrator.cookies.contains_key(COOKIE));

    let mut browser = server.browser_with_token(&done.token).await;
    let caller = operator().await;
    let change = ApiTokenChange { status: Some(Status::Inactive), description: None };
    service.update_api_token(caller, done.record.id, change).await.unwrap();
    assert!(!browser.is_signed_in().await);

    // It does not come back with the token.
    let mut user = server.browser_with_password("ana").await;
    let path = format!("/console/api-tokens/{}/status", done.record.id);
    assert_eq!(user.post(&path, &[("status", "active")]).await.location(), "/console/api-tokens?done=activated");
    assert!(!browser.is_signed_in().await);

    let mut browser = server.browser_with_token(&done.token).await;
    let deactivate = UserChange { status: Some(Status::Inactive), name: None };
    service.update_user(operator().await, done.user.id, deactivate).await.unwrap();
    assert!(!browser.is_signed_in().await && !user.is_signed_in().await);
}

#[tokio::test]
async fn a_page_on_its_way_ends_with_the_session() {
    let (server, done) = server_set_up().await;
    let browser = server.browser_with_token(&done.token).await;
    let mut unread = Vec::new();
    for path in ["/console", "/console/api-tokens", "/console/users", "/console/nothing"] {
        unread.push(browser.begin(path).await.into_body());
    }
    let caller = server.enter(&done.token, Door::Api).await;
    server.service.delete_api_token(caller, done.record.id).await.unwrap();
    for body in unread {
        assert!(body.collect().await.is_err());
    }
}

#[tokio::test]
async fn a_session_that_is_not_used_ends() {
    let (server, done) = server_set_up().await;
    for by_password in [true, false] {
        let mut browser = if by_password {
            server.browser_with_password("ana").await
        } else {
            server.browser_with_token(&done.token).await
        };
        server.clock.advance(29 * MINUTE);
        assert!(browser.is_signed_in().await);
        server.clock.advance(29 * MINUTE);
        assert!(browser.is_signed_in().await);
        server.clock.advance(31 * MINUTE);
        assert!(!browser.is_signed_in().await);
        server.clock.advance(-31 * MINUTE);
        assert!(!browser.is_signed_in().await);
    }
}

#[tokio::test]
async fn watching_is_not_using() {
    let (server, done) = server_set_up().await;
    let mut browser = server.browser_with_token(&done.token).await;
    let json = [("accept", "application/json")];
    for _ in 0..3 {
        server.clock.advance(9 * MINUTE);
        assert_eq!(browser.send("GET", "/console/live", &json, String::new()).await.status, 200);
    }
    server.clock.advance(4 * MINUTE);
    assert_eq!(browser.send("GET", "/console/live", &json, String::new()).await.status, 401);
}

#[tokio::test]
async fn no_session_lives_longer_than_half_a_day() {
    let (server, done) = server_set_up().await;
    for by_password in [true, false] {
        let mut browser = if by_password {
            server.browser_with_password("ana").await
        } else {
            server.browser_with_token(&done.token).await
        };
        for _ in 0..28 {
            server.clock.advance(25 * MINUTE);
            assert!(browser.is_signed_in().await);
        }
        server.clock.advance(25 * MINUTE);
        assert!(!browser.is_signed_in().await);
    }
}
