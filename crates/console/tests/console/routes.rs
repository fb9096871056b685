//! Every route: for whom it is, and what it refuses.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::browser::{Answer, Browser, server_set_up};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audience {
    Everybody,
    Anybody,
    Administrators,
    Accounts,
}

use Audience::{Accounts, Administrators, Anybody, Everybody};

/// Each route with its methods and for whom it is.
const ROUTES: &[(&str, &str, Audience)] = &[
    ("/", "GET", Everybody),
    ("/console", "GET", Anybody),
    ("/console/", "GET", Anybody),
    ("/console/live", "GET", Anybody),
    ("/console/sign-in", "GET POST", Everybody),
    ("/console/sign-out", "POST", Anybody),
    ("/console/set-up", "GET POST", Everybody),
    ("/console/first-line", "GET", Accounts),
    ("/console/first-line/state", "GET", Accounts),
    ("/console/api-tokens", "GET", Accounts),
    ("/console/api-tokens/new", "GET POST", Accounts),
    ("/console/api-tokens/all-access", "GET POST", Accounts),
    ("/console/api-tokens/delete", "POST", Accounts),
    ("/console/api-tokens/{id}", "GET", Accounts),
    ("/console/api-tokens/{id}/rename", "POST", Accounts),
    ("/console/api-tokens/{id}/status", "POST", Accounts),
    ("/console/api-tokens/{id}/clone", "POST", Accounts),
    ("/console/api-tokens/{id}/delete", "GET POST", Accounts),
    ("/console/database-tokens", "GET", Administrators),
    ("/console/database-tokens/new", "GET POST", Administrators),
    ("/console/database-tokens/revoke", "POST", Administrators),
    ("/console/database-tokens/{id}", "GET POST", Administrators),
    ("/console/database-tokens/{id}/revoke", "GET POST", Administrators),
    ("/console/management-tokens", "GET", Administrators),
    ("/console/management-tokens/new", "GET POST", Administrators),
    ("/console/management-tokens/revoke", "POST", Administrators),
    ("/console/management-tokens/{id}", "GET", Administrators),
    ("/console/management-tokens/{id}/revoke", "GET POST", Administrators),
    ("/console/databases", "GET", Administrators),
    ("/console/databases/new", "GET POST", Administrators),
    ("/console/databases/{database}", "GET POST", Administrators),
    ("/console/databases/{database}/delete", "GET POST", Administrators),
    ("/console/databases/{database}/restore", "GET POST", Administrators),
    ("/console/tables", "GET", Administrators),
    ("/console/databases/{database}/tables", "GET", Administrators),
    ("/console/databases/{database}/tables/new", "GET POST", Administrators),
    ("/console/databases/{database}/tables/{table}", "GET", Administrators),
    ("/console/databases/{database}/tables/{table}/delete", "GET POST", Administrators),
    ("/console/databases/{database}/tables/{table}/restore", "GET POST", Administrators),
    ("/console/buckets", "GET", Accounts),
    ("/console/buckets/new", "GET POST", Accounts),
    ("/console/buckets/{id}", "GET POST", Accounts),
    ("/console/buckets/{id}/delete", "GET POST", Accounts),
    ("/console/users", "GET", Accounts),
    ("/console/users/new", "GET POST", Accounts),
    ("/console/users/{id}", "GET", Accounts),
    ("/console/users/{id}/rename", "POST", Accounts),
    ("/console/users/{id}/password", "POST", Accounts),
    ("/console/users/{id}/status", "POST", Accounts),
    ("/console/users/{id}/delete", "GET POST", Accounts),
    ("/console/organizations", "GET", Accounts),
    ("/console/organizations/new", "GET POST", Accounts),
    ("/console/organizations/{id}", "GET POST", Accounts),
    ("/console/organizations/{id}/delete", "GET POST", Accounts),
    ("/console/organizations/{id}/members", "POST", Accounts),
    ("/console/organizations/{id}/members/remove", "POST", Accounts),
];

/// The other routes answer whatever has no page.
const NO_PAGE: &str = "/console/{*rest}";

/// A path of this route that can be asked for, of a thing that does not exist.
fn askable(route: &str) -> String {
    let has_uuid =
        ["/console/database-tokens", "/console/management-tokens"].iter().any(|list| route.starts_with(list));
    let id = if has_uuid { "00000000-0000-4000-8000-0000000000aa" } else { "00000000000000aa" };
    route.replace("{id}", id).replace("{database}", "999").replace("{table}", "999")
}

/// Each call of a route that is not for everybody, with a path that can be asked for.
fn calls() -> impl Iterator<Item = (&'static str, String, Audience)> {
    let guarded = ROUTES.iter().filter(|(_, _, audience)| *audience != Everybody);
    guarded.flat_map(|(path, methods, audience)| {
        let path = askable(path);
        methods.split(' ').map(move |method| (method, path.clone(), *audience))
    })
}

fn routes_in(directory: &Path, found: &mut BTreeSet<String>) {
    for file in fs::read_dir(directory).unwrap().map(|file| file.unwrap().path()) {
        if file.is_dir() {
            routes_in(&file, found);
        } else {
            let source: String = fs::read_to_string(&file).unwrap().split_whitespace().collect();
            let quoted = source.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
            let methods = source.matches(".route(").count();
            let before = found.len();
            found.extend(quoted);
            assert_eq!(
                found.len() - before,
                methods,
                "{}: a route is there twice or has no literal path",
                file.display()
            );
        }
    }
}

#[test]
fn every_route_is_in_the_table() {
    let mut found = BTreeSet::new();
    routes_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages"), &mut found);
    let listed: BTreeSet<_> =
        ROUTES.iter().map(|(path, _, _)| (*path).to_owned()).chain([NO_PAGE.to_owned()]).collect();
    assert_eq!(found, listed);
}

fn assert_shielded(answer: &Answer, what: &str) {
    let csp = answer.headers["content-security-policy"].to_str().unwrap();
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(csp.split("; ").any(|given| given == part), "{what}: {csp}");
    }
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.headers[name], value, "{what}");
    }
    assert!(!answer.headers.contains_key("access-control-allow-origin"), "{what}");
}

#[tokio::test]
async fn every_page_forbids_frames_scripts_and_caching() {
    let (server, done) = server_set_up().await;
    let mut browser = server.browser_with_token(&done.token).await;
    for (path, _, _) in ROUTES {
        let path = askable(path);
        for browser in [&mut browser, &mut server.browser()] {
            assert_shielded(&browser.get(&path).await, &path);
            assert_shielded(&browser.post_bare(&path, &[]).await, &path);
        }
    }
    assert_shielded(&browser.get("/console/nothing/here").await, "no page");
}

#[tokio::test]
async fn without_a_session_every_page_leads_to_the_sign_in() {
    let (server, _) = server_set_up().await;
    for (method, path, _) in calls() {
        let mut browser = server.browser();
        let answer = if method == "GET" { browser.get(&path).await } else { browser.post_bare(&path, &[]).await };
        assert_eq!(answer.status, 303, "{method} {path}");
        let location = answer.location();
        assert!(location.starts_with("/console/sign-in"), "{method} {path}: {location}");
        assert_eq!(answer.text, "", "{method} {path}");
    }
}

#[tokio::test]
async fn the_wrong_kind_of_session_is_refused() {
    let (server, _) = server_set_up().await;
    let mut management = server.browser_with_token(&server.management).await;
    let mut user = server.browser_with_password("ana").await;
    for (method, path, audience) in calls() {
        for (browser, reaches) in [(&mut management, Administrators), (&mut user, Accounts)] {
            let refused = audience != Anybody && audience != reaches;
            if !refused {
                continue;
            }
            let answer = if method == "GET" { browser.get(&path).await } else { browser.post(&path, &[]).await };
            assert_eq!(answer.status, 403, "{method} {path}");
            assert!(answer.text.contains("Not for this sign-in"), "{method} {path}");
        }
    }
}

/// Fields with which every form would do something.
fn fields(browser: &str) -> Vec<(&str, &str)> {
    vec![("form_secret", browser), ("confirm", "1"), ("name", "mallory"), ("status", "inactive")]
}

async fn assert_forged(browser: &mut Browser, path: &str, headers: &[(&str, &str)], secret: &str) {
    let body = serde_urlencoded::to_string(fields(secret)).unwrap();
    let answer = browser.send("POST", path, headers, body).await;
    assert_eq!(answer.status, 403, "{path} {headers:?}");
    assert!(answer.text.contains("Nothing was changed"), "{path} {headers:?}");
}

#[tokio::test]
async fn forms_of_other_pages_are_refused() {
    let (server, done) = server_set_up().await;
    let mut browser = server.browser_with_token(&done.token).await;
    let secret = browser.get("/console").await.form_secret();
    let other = server.browser_with_token(&done.token).await.get("/console").await.form_secret();
    assert_ne!(secret, other);
    let own: &[_] = &[("origin", "http://db.example:8181"), ("sec-fetch-site", "same-origin")];
    for (_, path, _) in calls().filter(|(method, _, _)| *method == "POST") {
        for wrong in ["", &other, &secret[1..], &format!("{secret}x"), &secret.to_lowercase()] {
            assert_forged(&mut browser, &path, own, wrong).await;
        }
        for headers in [
            &[("origin", "http://evil.example")][..],
            &[("origin", "null")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "http://db.example:8182"), ("sec-fetch-site", "same-origin")],
        ] {
            assert_forged(&mut browser, &path, headers, &secret).await;
        }
    }
    assert!(browser.is_signed_in().await);
    assert!(!browser.get("/console/users").await.text.contains("mallory"));
    let entry = server.enter(&done.token, tidegate_service::Door::Api).await;
    assert_eq!(server.service.api_tokens(&entry, Default::default()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn large_forms_and_other_bodies_are_refused() {
    let (server, done) = server_set_up().await;
    let mut browser = server.browser_with_token(&done.token).await;
    let large = "x".repeat(300 * 1024);
    let answer = browser.post("/console/users/new", &[("name", &large)]).await;
    assert_eq!(answer.status, 413);
    let answer = browser.send("POST", "/console/sign-out", &[], "\u{0}%ff&&==".to_owned()).await;
    assert_eq!(answer.status, 403);
    let visitor = server.browser().sign_in(&[("username", &large)]).await;
    assert_eq!(visitor.status, 413);
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn other_methods_and_paths_have_no_page() {
    let (server, done) = server_set_up().await;
    let mut browser = server.browser_with_token(&done.token).await;
    for (method, path) in [
        ("PUT", "/console"),
        ("DELETE", "/console/api-tokens/00000000000000aa"),
        ("GET", "/console/sign-out"),
        ("GET", "/console/nothing"),
        ("POST", "/console/assets/console.css"),
    ] {
        assert_eq!(browser.send(method, path, &[], String::new()).await.status, 404, "{method} {path}");
    }
    for path in [
        "/console/api-tokens/x",
        "/console/users/0",
        "/console/organizations/00000000000000aa",
        "/console/database-tokens/x",
        "/console/management-tokens/00000000-0000-4000-8000-0000000000aa/revoke",
        "/console/databases/0",
        "/console/databases/999/tables",
        "/console/databases/x/tables/1",
        "/console/tables?database=x",
    ] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
}
