//! Buckets: databases by permission.

use tidegate_model::{Action, ResourceType, Retention, TypedPermission};
use tidegate_service::Door;

use crate::browser::{Browser, server_set_up};

const FIRST: &str = "/console/buckets/0000000000000001";

async fn assert_shown(browser: &mut Browser, texts: &[&str]) {
    let list = browser.get("/console/buckets").await.text;
    for text in texts {
        assert!(list.contains(text), "no {text} in {list}");
    }
}

#[tokio::test]
async fn an_owner_makes_changes_and_deletes_buckets() {
    let (server, done) = server_set_up().await;
    let mut browser = server.browser_with_password("ana").await;
    let organization = done.organization.id.to_string();
    let fields = [
        ("organization", organization.as_str()),
        ("name", "week"),
        ("keep", "period"),
        ("amount", "2"),
        ("unit", "week"),
    ];
    assert_eq!(browser.post("/console/buckets/new", &fields).await.location(), "/console/buckets?done=created");
    assert_shown(&mut browser, &["sensors", "week", "2 weeks", "Forever"]).await;

    let same = browser.post("/console/buckets/new", &fields).await;
    assert_eq!(same.status, 422);
    assert!(same.text.contains("already exists") && same.text.contains("value=\"week\""), "{}", same.text);

    let change =
        [("name", "probes"), ("description", "of line 7"), ("keep", "period"), ("amount", "3"), ("unit", "day")];
    assert_eq!(browser.post(FIRST, &change).await.location(), "/console/buckets?done=changed");
    assert_shown(&mut browser, &["probes", "of line 7", "3 days"]).await;
    let database =
        server.service.visible_database(&server.enter(&done.token, Door::Api).await, done.database.id).unwrap();
    assert_ne!(database.retention, Retention::FOREVER);
    for wrong in [("name", "_x"), ("amount", "0"), ("unit", "moon")] {
        let mut fields = change.to_vec();
        fields.retain(|(name, _)| *name != wrong.0);
        fields.push(wrong);
        assert_eq!(browser.post(FIRST, &fields).await.status, 422, "{wrong:?}");
    }

    assert!(browser.get(&format!("{FIRST}/delete")).await.text.contains("probes"));
    let deleted = browser.post(&format!("{FIRST}/delete"), &[]).await;
    assert_eq!(deleted.location(), "/console/buckets?done=deleted");
    assert!(!browser.get("/console/buckets").await.text.contains("probes"));
    assert_eq!(browser.get(FIRST).await.status, 404);
}

#[tokio::test]
async fn a_token_sees_and_changes_what_it_may() {
    let (server, done) = server_set_up().await;
    let mut operator = server.browser_with_token(&done.token).await;
    let organization = done.organization.id;
    let read = TypedPermission::on(Action::Read, ResourceType::Buckets, organization, done.database.id).to_string();
    let other = TypedPermission::in_organization(Action::Read, ResourceType::Telegrafs, organization).to_string();
    for (permission, sees) in [(read, true), (other, false)] {
        let made = operator.post("/console/api-tokens/new", &[("permission", &permission)]).await;
        let secret = made.between("id=\"secret\" tabindex=\"0\">", "<");
        let mut browser = server.browser_with_token(&crate::browser::token(secret)).await;
        assert_eq!(browser.get("/console/buckets").await.text.contains(FIRST), sees);
        let denied = if sees { 403 } else { 404 };
        let fields = [("name", "mine"), ("keep", "forever")];
        assert_eq!(browser.post(FIRST, &fields).await.status, denied);
        assert_eq!(browser.post(&format!("{FIRST}/delete"), &[]).await.status, denied);
        let organization = organization.to_string();
        let fields = [("organization", organization.as_str()), ("name", "mine"), ("keep", "forever")];
        assert_eq!(browser.post("/console/buckets/new", &fields).await.status, 403);
    }
    assert_shown(&mut operator, &["sensors"]).await;
}
