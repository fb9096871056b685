//! Users, organizations and roles.

use tidegate_service::Door;

use crate::browser::{Browser, PASSWORD, Server, server_set_up, token};

/// The address that stands before a name in a list.
async fn path_of(browser: &mut Browser, list: &str, name: &str) -> String {
    let text = browser.get(list).await.text;
    let (before, _) = text.split_once(&format!("\">{name}</a>")).unwrap_or_else(|| panic!("no {name} in {text}"));
    before.rsplit_once("href=\"").unwrap().1.to_owned()
}

async fn create_user(browser: &mut Browser, name: &str) -> String {
    let fields = [("name", name), ("password", PASSWORD), ("password_again", PASSWORD)];
    assert_eq!(browser.post("/console/users/new", &fields).await.location(), "/console/users?done=created");
    path_of(browser, "/console/users", name).await
}

async fn operator() -> (Server, Browser, tidegate_service::SetUp) {
    let (server, done) = server_set_up().await;
    let browser = server.browser_with_token(&done.token).await;
    (server, browser, done)
}

#[tokio::test]
async fn a_user_is_made_renamed_and_ended() {
    let (server, mut browser, _) = operator().await;
    let bob = create_user(&mut browser, "bob").await;
    let mut his = server.browser_with_password("bob").await;
    assert_eq!(browser.post("/console/users/new", &[("name", "bob")]).await.status, 422);
    let differ = [("name", "eve"), ("password", PASSWORD), ("password_again", "another-password")];
    assert_eq!(browser.post("/console/users/new", &differ).await.status, 422);
    let short = [("name", "eve"), ("password", "short"), ("password_again", "short")];
    let text = browser.post("/console/users/new", &short).await.text;
    assert!(text.contains("The user is created, but without a password. A password has at least"), "{text}");

    let renamed = browser.post(&format!("{bob}/rename"), &[("name", "robert")]).await;
    assert_eq!(renamed.location(), "/console/users?done=renamed");
    assert!(his.is_signed_in().await);
    let new = [("password", "another-password"), ("password_again", "another-password")];
    assert_eq!(browser.post(&format!("{bob}/password"), &new).await.location(), "/console/users?done=password");
    assert!(!his.is_signed_in().await);
    for (fields, status) in [(vec![], 422), (vec![("password", "a"), ("password_again", "b")], 422)] {
        assert_eq!(browser.post(&format!("{bob}/password"), &fields).await.status, status);
    }

    let fields = [("username", "robert"), ("password", "another-password")];
    let mut his = server.browser();
    his.sign_in(&fields).await;
    let asked = browser.post(&format!("{bob}/status"), &[("status", "inactive")]).await;
    assert!(asked.status == 200 && asked.text.contains("Deactivate this user?") && his.is_signed_in().await);
    let done = browser.post(&format!("{bob}/status"), &[("status", "inactive"), ("confirm", "1")]).await;
    assert_eq!(done.location(), "/console/users?done=deactivated");
    assert!(!his.is_signed_in().await);
    assert_eq!(his.sign_in(&fields).await.status, 422);
    browser.post(&format!("{bob}/status"), &[("status", "active")]).await;
    assert_eq!(his.sign_in(&fields).await.location(), "/console");
    assert!(browser.get(&format!("{bob}/delete")).await.text.contains("robert"));
    assert_eq!(browser.post(&format!("{bob}/delete"), &[]).await.location(), "/console/users?done=deleted");
    assert!(!his.is_signed_in().await);
    assert_eq!(browser.get(&bob).await.status, 404);
}

#[tokio::test]
async fn a_user_sees_nobody_else() {
    let (server, mut browser, _) = operator().await;
    let ana = path_of(&mut browser, "/console/users", "ana").await;
    let bob = create_user(&mut browser, "bob").await;
    let mut his = server.browser_with_password("bob").await;
    let list = his.get("/console/users").await.text;
    assert!(list.contains(&bob) && !list.contains(&ana));
    assert_eq!(his.get(&ana).await.status, 404);
    let new = [("password", "another-password"), ("password_again", "another-password")];
    assert_eq!(his.post(&format!("{ana}/password"), &new).await.status, 404);
    assert_eq!(his.post(&format!("{ana}/delete"), &[]).await.status, 404);
    assert!(his.get("/console/organizations").await.text.contains("No organization to see"));
    let refused = his.post("/console/users/new", &[("name", "eve")]).await;
    assert!(refused.status == 422 && refused.text.contains("write:users is unauthorized"));
    assert!(server.browser_with_password("ana").await.is_signed_in().await);
}

#[tokio::test]
async fn roles_are_given_and_taken() {
    let (server, mut browser, done) = operator().await;
    let bob = create_user(&mut browser, "bob").await;
    let bob = bob.rsplit_once('/').unwrap().1;
    let plant = format!("/console/organizations/{}", done.organization.id);
    let given = browser.post(&format!("{plant}/members"), &[("user", bob), ("role", "member")]).await;
    assert_eq!(given.location(), format!("{plant}?done=added"));
    let mut his = server.browser_with_password("bob").await;
    assert!(his.get("/console/organizations").await.text.contains("plant"));
    assert_eq!(his.post(&format!("{plant}/members"), &[("user", bob), ("role", "owner")]).await.status, 403);

    let fields = [("user", bob), ("role", "member")];
    let asked = browser.post(&format!("{plant}/members/remove"), &fields).await;
    assert!(asked.text.contains("Take this role away?") && his.is_signed_in().await, "{}", asked.text);
    let confirmed = [("user", bob), ("role", "member"), ("confirm", "1")];
    let removed = browser.post(&format!("{plant}/members/remove"), &confirmed).await;
    assert_eq!(removed.location(), format!("{plant}?done=removed"));
    assert!(!his.is_signed_in().await);
    assert_eq!(browser.post(&format!("{plant}/members/remove"), &confirmed).await.status, 404);
    assert_eq!(browser.post(&format!("{plant}/members"), &[("user", bob), ("role", "king")]).await.status, 400);
}

#[tokio::test]
async fn an_organization_goes_with_all_it_has() {
    let (server, mut browser, done) = operator().await;
    let fields = [("name", "lab"), ("description", "for trials")];
    let created = browser.post("/console/organizations/new", &fields).await;
    assert_eq!(created.location(), "/console/organizations?done=created");
    assert_eq!(browser.post("/console/organizations/new", &fields).await.status, 422);
    let lab = path_of(&mut browser, "/console/organizations", "lab").await;
    let id = lab.rsplit_once('/').unwrap().1.to_owned();
    let bucket = [("organization", id.as_str()), ("name", "trial"), ("keep", "forever")];
    assert_eq!(browser.post("/console/buckets/new", &bucket).await.status, 303);
    let made =
        browser.post("/console/api-tokens/all-access", &[("organization", &id), ("description", "of the lab")]).await;
    let secret = token(made.between("id=\"secret\" tabindex=\"0\">", "<"));
    assert!(made.text.contains("bucket=trial"));
    assert!(server.is_usable(&secret, Door::Data).await);

    let changed = browser.post(&lab, &[("name", "laboratory"), ("description", "")]).await;
    assert_eq!(changed.location(), format!("{lab}?done=changed"));
    assert_eq!(browser.post(&lab, &[("name", " ")]).await.status, 422);
    assert!(browser.get(&format!("{lab}/delete")).await.text.contains("laboratory"));
    assert_eq!(browser.post(&format!("{lab}/delete"), &[]).await.location(), "/console/organizations?done=deleted");
    assert!(!server.is_usable(&secret, Door::Data).await);
    assert!(!browser.get("/console/buckets").await.text.contains("trial"));

    let first = format!("/console/organizations/{}/delete", done.organization.id);
    let kept = browser.post(&first, &[]).await;
    assert!(kept.status == 400 && kept.text.contains("This is the server&#39;s own organization"), "{}", kept.text);
}
