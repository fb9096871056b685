//! Databases: create, retention and limits, delete by typing the name, restore.

use tidegate_model::{Database, Retention};
use tidegate_service::{Door, RecordStatus};

use crate::browser::{Browser, Server, server};

const LIST: &str = "/console/databases";
const HOUR: i64 = 3_600_000_000_000;
const WEEK: i64 = 7 * 24 * 60 * 60;

async fn signed_in() -> (Server, Browser) {
    let server = server().await;
    let browser = server.browser_with_token(&server.management).await;
    (server, browser)
}

async fn databases(server: &Server, status: RecordStatus) -> Vec<Database> {
    let caller = server.enter(&server.management, Door::Management).await;
    server.service.databases(&caller, status).await.unwrap()
}

fn values<'a>(name: &'a str, keep: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("name", name),
        ("description", "arrivals"),
        ("keep", keep),
        ("amount", "36"),
        ("unit", "hour"),
        ("max_tables", "7"),
        ("max_columns", "9"),
    ]
}

async fn create(browser: &mut Browser, name: &str) {
    let made = browser.post(&format!("{LIST}/new"), &values(name, "forever")).await;
    assert_eq!(made.location(), "/console/databases?done=created", "{}", made.text);
}

#[tokio::test]
async fn a_new_database_is_as_the_form_says() {
    let (server, mut browser) = signed_in().await;
    let form = browser.get(&format!("{LIST}/new")).await.text;
    assert!(
        form.contains("value=\"forever\" checked") && form.contains("value=\"500\"") && form.contains("value=\"200\"")
    );
    let made = browser.post(&format!("{LIST}/new"), &values("flights/eu", "period")).await;
    assert_eq!(made.location(), "/console/databases?done=created");
    let database = databases(&server, RecordStatus::Active).await.remove(0);
    assert_eq!(database.name.as_str(), "flights/eu");
    assert_eq!(database.description.as_str(), "arrivals");
    assert_eq!(database.retention.nanos(), 36 * HOUR);
    assert_eq!((database.limits.max_tables, database.limits.max_columns_per_table), (7, 9));
    let list = browser.get(made.location()).await.text;
    for part in ["flights/eu", "arrivals", "36 hours", "of 7", "1–1 of 1"] {
        assert!(list.contains(part), "{part}");
    }
}

#[tokio::test]
async fn what_cannot_be_made_leaves_the_form_as_it_was() {
    let (server, mut browser) = signed_in().await;
    create(&mut browser, "taken").await;
    let with = |field: &'static str, value: &'static str| {
        let mut fields = values("new", "period");
        for pair in &mut fields {
            if pair.0 == field {
                pair.1 = value;
            }
        }
        fields
    };
    for (fields, text) in [
        (with("name", "taken"), "already exists"),
        (with("name", "_hidden"), "must not start with"),
        (with("name", ""), "must have 1 to 64"),
        (with("amount", "0"), "Say how long rows are kept"),
        (with("amount", "999999999999"), "292 years"),
        (with("unit", "parsec"), "Choose a unit"),
        (with("max_tables", "many"), "whole numbers"),
        (with("max_tables", "0"), "at least 1 table"),
        (with("max_columns", "1001"), "to 1000 columns"),
    ] {
        let refused = browser.post(&format!("{LIST}/new"), &fields).await;
        assert_eq!(refused.status, 422, "{text}");
        assert!(refused.text.contains(text), "{text}: {}", refused.text);
        assert!(refused.text.contains("value=\"arrivals\"") && refused.text.contains("value=\"period\" checked"));
    }
    assert_eq!(databases(&server, RecordStatus::All).await.len(), 1);
}

#[tokio::test]
async fn retention_and_limits_can_be_changed() {
    let (server, mut browser) = signed_in().await;
    create(&mut browser, "flights").await;
    let path = format!("{LIST}/{}", databases(&server, RecordStatus::Active).await[0].id);
    assert!(browser.get(&path).await.text.contains("value=\"forever\" checked"));
    assert_eq!(browser.post(&path, &values("ignored", "period")).await.location(), "/console/databases?done=saved");
    let database = databases(&server, RecordStatus::Active).await.remove(0);
    assert_eq!((database.name.as_str(), database.retention.nanos()), ("flights", 36 * HOUR));
    let page = browser.get(&path).await.text;
    assert!(page.contains("value=\"36\"") && page.contains("value=\"hour\" selected"));
    assert_eq!(browser.post(&path, &[("keep", "period"), ("amount", "-1")]).await.status, 422);
    browser.post(&path, &values("ignored", "forever")).await;
    assert_eq!(databases(&server, RecordStatus::Active).await[0].retention, Retention::FOREVER);
}

#[tokio::test]
async fn only_its_own_name_deletes_a_database() {
    let (server, mut browser) = signed_in().await;
    create(&mut browser, "flights").await;
    create(&mut browser, "weather").await;
    let id = databases(&server, RecordStatus::Active).await[0].id;
    let path = format!("{LIST}/{id}/delete");
    assert!(browser.get(&path).await.text.contains("Type <code>flights</code>"));
    for fields in [
        vec![],
        vec![("name", "flights")],
        vec![("understood", "1")],
        vec![("understood", "1"), ("name", "Flights")],
        vec![("understood", "1"), ("name", "weather")],
        vec![("understood", "1"), ("name", "flights ")],
    ] {
        assert_eq!(browser.post(&path, &fields).await.status, 422, "{fields:?}");
    }
    // "Check again" is for what is deleted already.
    for name in ["flights", "weather"] {
        assert_eq!(browser.post(&path, &[("again", "1"), ("name", name)]).await.location(), LIST);
    }
    assert_eq!(databases(&server, RecordStatus::Active).await.len(), 2);
    let deleted = browser.post(&path, &[("understood", "1"), ("name", "flights")]).await;
    assert_eq!(deleted.location(), "/console/databases?done=deleted");
    assert_eq!(databases(&server, RecordStatus::Active).await[0].name.as_str(), "weather");
    let again = browser.post(&path, &[("again", "1"), ("name", "flights")]).await;
    assert_eq!(again.location(), "/console/databases?done=deleted");
    assert_eq!(browser.get(&path).await.status, 404);
    // A namesake is another database.
    create(&mut browser, "flights").await;
    assert_eq!(browser.post(&path, &[("again", "1"), ("name", "flights")]).await.location(), LIST);
    assert_eq!(browser.post(&path, &[("understood", "1"), ("name", "flights")]).await.status, 404);
    assert_eq!(databases(&server, RecordStatus::Active).await.len(), 2);
}

#[tokio::test]
async fn a_deleted_database_comes_back_while_it_can() {
    let (server, mut browser) = signed_in().await;
    create(&mut browser, "flights").await;
    let id = databases(&server, RecordStatus::Active).await[0].id;
    let restore = format!("{LIST}/{id}/restore");
    assert_eq!(browser.get(&restore).await.status, 404);
    let confirmed = [("understood", "1"), ("name", "flights")];
    browser.post(&format!("{LIST}/{id}/delete"), &confirmed).await;
    assert!(!browser.get(LIST).await.text.contains("flights"));
    assert!(browser.get(&format!("{LIST}?all=1")).await.text.contains(&format!("href=\"{restore}\"")));
    let page = browser.get(&restore).await.text;
    assert!(page.contains("flights") && page.contains("just now"));
    create(&mut browser, "flights").await;
    let refused = browser.post(&restore, &[]).await;
    assert!(refused.status == 422 && refused.text.contains("name is in use"), "{}", refused.text);
    let namesake = databases(&server, RecordStatus::Active).await[0].id;
    browser.post(&format!("{LIST}/{namesake}/delete"), &confirmed).await;
    assert_eq!(browser.post(&restore, &[]).await.location(), "/console/databases?done=restored");
    assert_eq!(databases(&server, RecordStatus::Active).await[0].id, id);
    browser.post(&format!("{LIST}/{id}/delete"), &confirmed).await;
    server.clock.advance(WEEK + 1);
    let mut browser = server.browser_with_token(&server.management).await;
    assert_eq!(browser.post(&restore, &[]).await.status, 404);
    assert!(!browser.get(&format!("{LIST}?all=1")).await.text.contains("flights"));
}
