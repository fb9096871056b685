//! Tables: the list of a database, the schema, create, delete, restore.

use std::sync::Arc;

use tidegate_line_protocol::Precision;
use tidegate_model::{Action, DatabaseLimits, Description, Grant, NewDatabase, Resource, Retention, Table};
use tidegate_service::{Door, RecordStatus, TokenRequest, WriteBatch};

use crate::browser::{Browser, Server, server};

const TABLES: &str = "/console/databases/1/tables";

async fn signed_in() -> (Server, Browser) {
    let server = server().await;
    let browser = server.browser_with_token(&server.management).await;
    (server, browser)
}

async fn create_database(server: &Server, name: &str) {
    let new = NewDatabase {
        name: name.parse().unwrap(),
        description: Description::default(),
        retention: Retention::FOREVER,
        limits: DatabaseLimits { max_tables: 2, max_columns_per_table: 9 },
        partition_template: None,
    };
    let caller = server.enter(&server.management, Door::Management).await;
    server.service.create_database(caller, new).await.unwrap();
}

async fn tables(server: &Server, status: RecordStatus) -> Vec<Arc<Table>> {
    let caller = server.enter(&server.management, Door::Management).await;
    server.service.tables(&caller, &"flights".parse().unwrap(), status).await.unwrap()
}

#[tokio::test]
async fn the_way_to_tables_leads_through_a_database() {
    let (server, mut browser) = signed_in().await;
    assert!(browser.get("/console/tables").await.text.contains("No databases yet"));
    create_database(&server, "flights").await;
    create_database(&server, "a").await;
    assert_eq!(browser.get("/console/tables").await.location(), "/console/databases/2/tables");
    assert_eq!(browser.get("/console/tables?database=1").await.location(), TABLES);
    let page = browser.get(TABLES).await.text;
    assert!(page.contains("<option value=\"1\" selected>flights") && page.contains("No tables in flights"));
}

#[tokio::test]
async fn a_table_shows_its_columns() {
    let (server, mut browser) = signed_in().await;
    create_database(&server, "flights").await;
    let caller = server.enter(&server.management, Door::Management).await;
    let grant = Grant { action: Action::Write, resource: Resource::AllDatabases };
    let request = TokenRequest {
        description: Description::default(),
        permissions: [grant].into_iter().collect(),
        expires_at: None,
    };
    let token = server.service.create_token(caller, request).await.unwrap().token;
    let entry = server.enter(&token, Door::Data).await;
    let permit = server.service.permit(&entry, Action::Write, &"flights".parse().unwrap()).unwrap();
    let body = "arrivals,gate=7 delay=3i,temp=1.5,late=true,crew=\"x\",seats=4u 1".to_owned();
    let batch = WriteBatch { body, precision: Precision::Nanosecond, accept_partial: true };
    server.service.write(entry, permit, batch).await.unwrap();
    let list = browser.get(TABLES).await.text;
    assert!(list.contains("arrivals") && list.contains("By day") && list.contains("1–1 of 1"));
    let id = tables(&server, RecordStatus::Active).await[0].id;
    let page = browser.get(&format!("{TABLES}/{id}")).await.text;
    let rows: String = page.split_whitespace().collect::<Vec<_>>().join(" ");
    for (name, kind, data_type) in [
        ("time", "Time", "Timestamp"),
        ("gate", "Tag", "Utf8"),
        ("delay", "Field", "Int64"),
        ("seats", "Field", "UInt64"),
        ("temp", "Field", "Float64"),
        ("late", "Field", "Boolean"),
        ("crew", "Field", "Utf8"),
    ] {
        let row = format!("{name}</th><td>{kind}</td><td><span class=\"mono\">{data_type}</span>");
        assert!(rows.contains(&row), "{row} in {rows}");
    }
    assert!(page.contains("of 9"));
}

#[tokio::test]
async fn a_new_table_has_the_chosen_partitions() {
    let (server, mut browser) = signed_in().await;
    create_database(&server, "flights").await;
    assert!(browser.get(&format!("{TABLES}/new")).await.text.contains("value=\"default\" checked"));
    let fields = [
        ("name", "press, \"hot\""),
        ("partition", "custom"),
        ("format", "%Y-%m"),
        ("tag", "site"),
        ("buckets", ""),
        ("tag", "device"),
        ("buckets", "16"),
    ];
    let made = browser.post(&format!("{TABLES}/new"), &fields).await;
    assert_eq!(made.location(), format!("{TABLES}?done=created"));
    assert!(browser.get(made.location()).await.text.contains("%Y-%m, tag site, tag device in 16 buckets"));
    let plain = [("name", "plain"), ("partition", "default"), ("format", "%Y"), ("tag", "ignored")];
    assert_eq!(browser.post(&format!("{TABLES}/new"), &plain).await.status, 303);
    let kept = tables(&server, RecordStatus::Active).await;
    assert_eq!(kept.iter().find(|table| &*table.name == "plain").unwrap().partition_template, None);
    for (fields, text) in [
        (vec![("name", "plain")], "already exists"),
        (vec![("name", "third")], "as many tables as its limit"),
        (vec![("name", "")], "must have 1 to 4096 bytes"),
        (vec![("name", "x"), ("partition", "custom"), ("format", "%Y"), ("tag", "time")], "cannot be used"),
    ] {
        let refused = browser.post(&format!("{TABLES}/new"), &fields).await;
        assert_eq!(refused.status, 422, "{text}");
        assert!(refused.text.contains(text), "{text}: {}", refused.text);
    }
}

#[tokio::test]
async fn a_table_is_deleted_once_and_comes_back_as_it_was() {
    let (server, mut browser) = signed_in().await;
    create_database(&server, "flights").await;
    browser.post(&format!("{TABLES}/new"), &[("name", "press")]).await;
    let id = tables(&server, RecordStatus::Active).await[0].id;
    let (delete, restore) = (format!("{TABLES}/{id}/delete"), format!("{TABLES}/{id}/restore"));
    assert_eq!(browser.get(&restore).await.status, 404);
    assert_eq!(browser.post(&delete, &[]).await.status, 422);
    assert_eq!(tables(&server, RecordStatus::Active).await.len(), 1);
    let deleted = browser.post(&delete, &[("understood", "1")]).await;
    assert_eq!(deleted.location(), format!("{TABLES}?done=deleted"));
    assert_eq!(browser.get(&delete).await.status, 404);
    assert_eq!(browser.get(&format!("{TABLES}/{id}")).await.status, 404);
    assert!(!browser.get(TABLES).await.text.contains("press"));
    assert!(browser.get(&format!("{TABLES}?all=1")).await.text.contains(&restore));
    browser.post(&format!("{TABLES}/new"), &[("name", "press")]).await;
    let refused = browser.post(&restore, &[]).await;
    assert!(refused.status == 422 && refused.text.contains("name is in use"), "{}", refused.text);
    let namesake = tables(&server, RecordStatus::Active).await[0].id;
    browser.post(&format!("{TABLES}/{namesake}/delete"), &[("understood", "1")]).await;
    assert_eq!(browser.post(&restore, &[]).await.location(), format!("{TABLES}?done=restored"));
    assert_eq!(tables(&server, RecordStatus::Active).await[0].id, id);
    // Another database's path does not reach it.
    create_database(&server, "other").await;
    for action in ["", "/delete"] {
        assert_eq!(browser.get(&format!("/console/databases/2/tables/{id}{action}")).await.status, 404);
    }
}
