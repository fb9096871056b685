//! Updating, renaming and bringing back databases: the numbered edge cases of the management API contract §16.

use serde_json::{Value, json};
use tidegate_service::Settings;

use crate::fixture::{Answer, Fixture, fixture, fixture_with};

async fn patch(f: &Fixture, name: &str, body: Value) -> Answer {
    f.manage("PATCH", &format!("/databases/{name}"), body).await
}

async fn rename(f: &Fixture, name: &str, to: &str) -> u16 {
    f.manage("PUT", &format!("/databases/{name}/rename"), json!({ "name": to })).await.status.as_u16()
}

async fn undelete(f: &Fixture, id: impl std::fmt::Display) -> Answer {
    f.manage("PUT", &format!("/databases/{id}/undelete"), Value::Null).await
}

async fn delete(f: &Fixture, name: &str) {
    assert_eq!(f.manage("DELETE", &format!("/databases/{name}"), Value::Null).await.status, 204, "{name}");
}

/// Creates a database; its record.
async fn create(f: &Fixture, body: Value) -> Value {
    let answer = f.manage("POST", "/databases", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn list(f: &Fixture, query: &str) -> Vec<Value> {
    f.manage("GET", &format!("/databases{query}"), Value::Null).await.json().as_array().unwrap().clone()
}

async fn names(f: &Fixture) -> Vec<String> {
    list(f, "").await.iter().map(|database| database["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn edge_06_a_slash_in_a_name_is_percent_encoded_in_every_path() {
    let f = fixture().await;
    create(&f, json!({ "name": "a/b" })).await;
    assert_eq!(patch(&f, "a%2Fb", json!({ "maxTables": 3 })).await.json()["maxTables"], 3);
    assert_eq!(patch(&f, "a%252Fb", json!({ "maxTables": 4 })).await.status, 404);
    assert_eq!(patch(&f, "a/b", json!({ "maxTables": 4 })).await.status, 404);
    assert_eq!(rename(&f, "a%252Fb", "c").await, 404);
    assert_eq!(rename(&f, "a%2Fb", "c/d").await, 200);
    assert_eq!(names(&f).await, ["c/d"]);
    assert_eq!(list(&f, "").await[0]["maxTables"], 3);
    delete(&f, "c%2Fd").await;
}

#[tokio::test]
async fn edge_07_names_that_are_parts_of_paths() {
    let f = fixture().await;
    let (_, token) = f.create_token("read:* write:*", None).await;
    for name in ["rename", "undelete", "tables", "iceberg", "12345"] {
        let id = create(&f, json!({ "name": name })).await["id"].clone();
        assert_eq!(patch(&f, name, json!({ "maxTables": 9 })).await.status, 200, "{name}");
        let tables = format!("/databases/{name}/tables");
        for table in ["rename", "undelete", "iceberg", "1"] {
            assert_eq!(f.manage("POST", &tables, json!({ "name": table })).await.status, 200, "{table}");
        }
        assert_eq!(f.manage("DELETE", &format!("{tables}/rename"), Value::Null).await.status, 204, "{name}");
        let renamed = f.manage("PUT", &format!("{tables}/undelete/rename"), json!({ "name": "x" })).await;
        assert_eq!(renamed.status, 200, "{name}");
        assert_eq!(rename(&f, name, "other").await, 200, "{name}");
        assert_eq!(rename(&f, "other", name).await, 200, "{name}");
        delete(&f, name).await;
        assert_eq!(undelete(&f, &id).await.status, 200, "{name}");
        assert_eq!(f.write(&token, name, "cpu f=1 1").await.status, 204, "{name}");
    }
    assert_eq!(names(&f).await, ["12345", "iceberg", "rename", "tables", "undelete"]);
}

#[tokio::test]
async fn edge_11_updates() {
    let f = fixture().await;
    let template = json!([{ "type": "time", "value": "%Y" }]);
    let created = create(
        &f,
        json!({ "name": "a", "maxTables": 7, "maxColumnsPerTable": 8, "retentionPeriod": 9, "partitionTemplate": template }),
    )
    .await;
    for body in [
        json!({}),
        json!({ "unknown": 1, "max_tables": 3 }),
        json!({ "maxTables": null, "retentionPeriod": null }),
        json!({ "name": "b" }),
        json!({ "maxTables": 3, "name": "a" }),
        json!({ "maxTables": 3, "partitionTemplate": template }),
        json!({ "maxTables": 3, "maxColumnsPerTable": 1001 }),
        json!({ "maxTables": 0 }),
        json!({ "maxTables": "3" }),
        json!({ "retentionPeriod": -1 }),
        json!({ "retentionPeriod": 1.5 }),
    ] {
        assert_eq!(patch(&f, "a", body.clone()).await.status, 400, "{body}");
    }
    assert_eq!(list(&f, "").await, std::slice::from_ref(&created), "nothing has changed");

    let mut expected = created.clone();
    for (member, value) in [("maxTables", 3), ("maxColumnsPerTable", 1000), ("retentionPeriod", 0)] {
        let answer = patch(&f, "a", json!({ member: value, "unknown": [] })).await;
        assert_eq!(answer.status, 200, "{member}");
        expected[member] = value.into();
        assert_eq!(list(&f, "").await, [expected.clone()], "{member}");
        // The answer to an update leaves the template out.
        let mut answered = expected.clone();
        answered.as_object_mut().unwrap().remove("partitionTemplate");
        assert_eq!(answer.json(), answered, "{member}");
    }
    let answer = patch(&f, "a", json!({ "maxTables": null, "retentionPeriod": i64::MAX })).await.json();
    assert_eq!((&answer["maxTables"], &answer["retentionPeriod"]), (&json!(3), &json!(i64::MAX)));
    assert_eq!(patch(&f, "b", json!({ "maxTables": 3 })).await.status, 404);
}

#[tokio::test]
async fn edge_11_a_shorter_retention_hides_old_rows_at_once() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    assert_eq!(f.write(&token, "a", "cpu f=1 1").await.status, 204);
    assert_eq!(f.write(&token, "a", "cpu f=2").await.status, 204);
    assert_eq!(patch(&f, "a", json!({ "retentionPeriod": 3_600_000_000_000_i64 })).await.status, 200);
    assert_eq!(f.rows(&token, "a", "SELECT f FROM cpu").await, json!([{ "f": 2.0 }]));
}

#[tokio::test]
async fn edge_12_a_lower_column_limit_holds_for_new_tables_only() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    assert_eq!(f.write(&token, "a", "wide,t=x f=1,g=1 1").await.status, 204, "four columns with the time");
    assert_eq!(patch(&f, "a", json!({ "maxColumnsPerTable": 3 })).await.status, 200);
    assert_eq!(f.write(&token, "a", "wide h=1,i=1 1").await.status, 204, "the old table keeps its limit");
    assert_eq!(f.write(&token, "a", "new,t=x f=1,g=1 1").await.status, 400);
    assert_eq!(f.write(&token, "a", "new,t=x f=1 1").await.status, 204);
}

#[tokio::test]
async fn edge_13_a_deleted_database_cannot_be_changed() {
    let f = fixture().await;
    f.create_database("a").await;
    delete(&f, "a").await;
    assert_eq!(patch(&f, "a", json!({ "maxTables": 3 })).await.status, 404);
    assert_eq!(rename(&f, "a", "b").await, 404);
    assert_eq!(f.manage("POST", "/databases/a/tables", json!({ "name": "t" })).await.status, 404);
    assert_eq!(f.manage("GET", "/databases/a/tables", Value::Null).await.status, 404);
    assert_eq!(f.manage("DELETE", "/databases/a/tables/t", Value::Null).await.status, 404);
    assert_eq!(f.manage("DELETE", "/databases/a", Value::Null).await.status, 404);
}

#[tokio::test]
async fn edge_14_undelete_waits_until_the_name_is_free() {
    let f = fixture().await;
    let old = create(&f, json!({ "name": "a", "maxTables": 7 })).await;
    delete(&f, "a").await;
    let new = create(&f, json!({ "name": "a" })).await;
    assert_ne!(old["id"], new["id"]);
    let refused = undelete(&f, &old["id"]).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["code"]), (400, &json!(400)));
    assert_eq!(rename(&f, "a", "b").await, 200);
    let back = undelete(&f, &old["id"]).await;
    assert_eq!((back.status.as_u16(), back.json()), (200, old.clone()), "limits and id as before");
    let ids: Vec<_> = list(&f, "").await.iter().map(|database| database["id"].clone()).collect();
    assert_eq!(ids, [old["id"].clone(), new["id"].clone()]);
}

#[tokio::test]
async fn edge_15_what_cannot_be_undeleted() {
    let f = fixture().await;
    let active = create(&f, json!({ "name": "a" })).await["id"].clone();
    for id in ["0", "-1", "text", "9223372036854775808", "1.0", "+", "%20", "%FF", "0x1"] {
        assert_eq!(undelete(&f, id).await.status, 400, "{id}");
    }
    assert_eq!(undelete(&f, &active).await.status, 400, "it is not deleted");
    for id in [active.as_i64().unwrap() + 1, i64::MAX] {
        assert_eq!(undelete(&f, id).await.status, 404, "{id}");
    }
}

#[tokio::test]
async fn edge_15_beyond_the_recovery_window_it_is_gone() {
    let window = std::time::Duration::from_secs(3600);
    let f = fixture_with(Settings { recovery_window: window, ..Settings::default() }, Vec::new()).await;
    let id = create(&f, json!({ "name": "a" })).await["id"].clone();
    delete(&f, "a").await;
    f.clock.advance(3_599_000_000);
    assert_eq!(undelete(&f, &id).await.status, 200);
    delete(&f, "a").await;
    f.clock.advance(3_601_000_000);
    assert_eq!(undelete(&f, &id).await.status, 404);
    assert_eq!(list(&f, "?status=all").await, [] as [Value; 0]);
}

#[tokio::test]
async fn edge_16_renaming() {
    let f = fixture().await;
    let created = create(&f, json!({ "name": "a", "partitionTemplate": [{ "type": "time", "value": "%Y" }] })).await;
    f.create_database("taken").await;
    f.create_database("deleted").await;
    delete(&f, "deleted").await;
    for (name, to, status) in [
        ("a", "a", 409),
        ("a", "taken", 409),
        ("a", "", 400),
        ("a", "_a", 400),
        ("a", "a.b", 400),
        ("a", &"x".repeat(65), 400),
        ("deleted", "b", 404),
        ("missing", "taken", 404),
        ("a.b", "b", 404),
    ] {
        assert_eq!(rename(&f, name, to).await, status, "{name} to {to}");
    }
    for body in [json!({}), json!({ "name": null }), json!({ "name": 1 }), json!({ "name": ["b"] })] {
        assert_eq!(f.manage("PUT", "/databases/a/rename", body.clone()).await.status, 400, "{body}");
    }
    let answer = f.manage("PUT", "/databases/a/rename", json!({ "name": "deleted" })).await;
    let mut expected = created;
    expected["name"] = "deleted".into();
    assert_eq!((answer.status.as_u16(), answer.json()), (200, expected), "the name of a deleted one is free");
}

#[tokio::test]
async fn edge_17_grants_go_by_name_through_renames() {
    let f = fixture().await;
    let token = f.database_and_token("db1").await;
    assert_eq!(f.write(&token, "db1", "cpu f=1 1").await.status, 204);
    assert_eq!(rename(&f, "db1", "db2").await, 200);
    assert_eq!(f.write(&token, "db1", "cpu f=2 2").await.status, 403);
    assert_eq!(
        f.query(&token, "db1", "SELECT f FROM cpu").await.status,
        404,
        "it may know that there is no such database"
    );
    assert_eq!(f.write(&token, "db2", "cpu f=2 2").await.status, 403);
    assert_eq!(f.query(&token, "db2", "SELECT f FROM cpu").await.status, 403);
    f.create_database("db1").await;
    assert_eq!(f.write(&token, "db1", "mem f=1 1").await.status, 204, "it holds for the new database of that name");
    assert_eq!(rename(&f, "db2", "db1").await, 409);
    let (_, reader) = f.create_token("read:db2", None).await;
    assert_eq!(f.rows(&reader, "db2", "SELECT f FROM cpu").await, json!([{ "f": 1.0 }]), "rows move with the name");
}

#[tokio::test]
async fn edge_18_grants_work_again_after_undelete() {
    let f = fixture().await;
    let id = create(&f, json!({ "name": "db1" })).await["id"].clone();
    let (_, token) = f.create_token("read:db1 write:db1", None).await;
    assert_eq!(f.write(&token, "db1", "cpu f=1 1").await.status, 204);
    delete(&f, "db1").await;
    assert_eq!(f.write(&token, "db1", "cpu f=2 2").await.status, 403);
    assert_eq!(undelete(&f, &id).await.status, 200);
    assert_eq!(f.write(&token, "db1", "cpu f=3 3").await.status, 204);
    assert_eq!(f.rows(&token, "db1", "SELECT f FROM cpu ORDER BY time").await, json!([{ "f": 1.0 }, { "f": 3.0 }]));
}
