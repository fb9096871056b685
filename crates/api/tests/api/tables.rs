//! Tables: edge cases 19 to 22 of the management API contract §16, and the extensions of §14.

use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, fixture, percent_encoded};

const DATABASE: &str = "/databases/plant7/tables";

async fn create(f: &Fixture, body: Value) -> Answer {
    f.manage("POST", DATABASE, body).await
}

async fn rename(f: &Fixture, name: &str, to: &str) -> Answer {
    f.manage("PUT", &format!("{DATABASE}/{}/rename", percent_encoded(name)), json!({ "name": to })).await
}

async fn delete(f: &Fixture, name: &str) -> u16 {
    f.manage("DELETE", &format!("{DATABASE}/{}", percent_encoded(name)), Value::Null).await.status.as_u16()
}

async fn undelete(f: &Fixture, id: impl std::fmt::Display) -> Answer {
    f.manage("PUT", &format!("{DATABASE}/{id}/undelete"), Value::Null).await
}

async fn list(f: &Fixture, query: &str) -> Vec<Value> {
    f.manage("GET", &format!("{DATABASE}{query}"), Value::Null).await.json().as_array().unwrap().clone()
}

async fn names(f: &Fixture, query: &str) -> Vec<String> {
    list(f, query).await.iter().map(|table| table["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn edge_19_creating() {
    let f = fixture().await;
    f.create_database("plant7").await;
    let answer = create(&f, json!({ "name": "press" })).await;
    assert_eq!(answer.status, 200);
    let mut created = answer.json();
    assert!(created["id"].as_i64().unwrap() >= 1);
    let identity = f.service.identity();
    let id = created.as_object_mut().unwrap().remove("id").unwrap();
    let mut expected = json!({
        "accountId": identity.account.to_string(), "clusterId": identity.cluster.to_string(),
        "databaseName": "plant7", "name": "press",
    });
    assert_eq!(created, expected);
    expected["id"] = id;
    expected["icebergEnabled"] = false.into();
    assert_eq!(list(&f, "").await, [expected]);

    let again = create(&f, json!({ "name": "press" })).await;
    assert_eq!((again.status.as_u16(), &again.json()["code"]), (409, &json!(409)));
    let missing = f.manage("POST", "/databases/missing/tables", json!({ "name": "press" })).await;
    assert_eq!(missing.status, 404);
    assert_eq!(missing.json()["message"], "database \"missing\" not found");
    for body in [json!({}), json!({ "name": null }), json!({ "name": 1 }), json!({ "name": "" }), json!([])] {
        assert_eq!(create(&f, body.clone()).await.status, 400, "{body}");
    }
    assert_eq!(names(&f, "").await, ["press"]);
}

#[tokio::test]
async fn edge_19_templates() {
    let f = fixture().await;
    let own = json!([{ "type": "tag", "value": "line" }, { "type": "time", "value": "%Y-%m" }]);
    let of_database = json!([{ "type": "time", "value": "%Y" }]);
    let body = json!({ "name": "plant7", "partitionTemplate": of_database });
    assert_eq!(f.manage("POST", "/databases", body).await.status, 200);
    let with_own = create(&f, json!({ "name": "own", "partitionTemplate": own })).await;
    assert_eq!((with_own.status.as_u16(), &with_own.json()["partitionTemplate"]), (200, &own));
    for body in [json!({ "name": "inherited" }), json!({ "name": "null", "partitionTemplate": null })] {
        assert_eq!(create(&f, body).await.json()["partitionTemplate"], of_database);
    }
    // The tags are columns from the start, and so is the time.
    let narrow = json!({ "name": "narrow", "maxColumnsPerTable": 2 });
    assert_eq!(f.manage("POST", "/databases", narrow).await.status, 200);
    let two =
        json!([{ "type": "tag", "value": "a" }, { "type": "tag", "value": "b" }, { "type": "time", "value": "%Y" }]);
    let too_wide = f.manage("POST", "/databases/narrow/tables", json!({ "name": "x", "partitionTemplate": two })).await;
    assert_eq!(too_wide.status, 400, "{}", too_wide.text());
    let body = json!({ "name": "never", "maxColumnsPerTable": 2, "partitionTemplate": two });
    assert_eq!(f.manage("POST", "/databases", body).await.status, 400);
    let invalid = json!([{ "type": "tag", "value": "line" }]);
    assert_eq!(create(&f, json!({ "name": "x", "partitionTemplate": invalid })).await.status, 400);
    let templates: Vec<_> = list(&f, "").await.iter().map(|table| table["partitionTemplate"].clone()).collect();
    assert_eq!(templates, [of_database.clone(), of_database, own]);
}

#[tokio::test]
async fn edge_19_tag_parts_define_tags() {
    let f = fixture().await;
    let token = f.database_and_token("plant7").await;
    let template = json!([{ "type": "tag", "value": "line" }, { "type": "time", "value": "%Y" }]);
    assert_eq!(create(&f, json!({ "name": "press", "partitionTemplate": template })).await.status, 200);
    assert_eq!(f.write(&token, "plant7", "press line=1 1").await.status, 400, "line is a tag from the start");
    assert_eq!(f.write(&token, "plant7", "press,line=L1 f=1 1").await.status, 204);
}

#[tokio::test]
async fn edge_19_the_limit_of_tables() {
    let f = fixture().await;
    let body = json!({ "name": "plant7", "maxTables": 2 });
    assert_eq!(f.manage("POST", "/databases", body).await.status, 200);
    let (_, token) = f.create_token("write:*", None).await;
    assert_eq!(create(&f, json!({ "name": "a" })).await.status, 200);
    assert_eq!(f.write(&token, "plant7", "b f=1 1").await.status, 204);
    assert_eq!(create(&f, json!({ "name": "c" })).await.status, 400);
    assert_eq!(f.write(&token, "plant7", "c f=1 1").await.status, 400);
    assert_eq!(delete(&f, "b").await, 204);
    assert_eq!(create(&f, json!({ "name": "c" })).await.status, 200);
    assert_eq!(names(&f, "").await, ["a", "c"]);
}

#[tokio::test]
async fn edge_20_the_old_name_still_reaches_the_table() {
    let f = fixture().await;
    let token = f.database_and_token("plant7").await;
    assert_eq!(f.write(&token, "plant7", "press f=1 1").await.status, 204);
    let before = list(&f, "").await;
    let answer = rename(&f, "press", "press_line").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!((&answer.json()["id"], &answer.json()["name"]), (&before[0]["id"], &json!("press_line")));
    assert_eq!(f.write(&token, "plant7", "press f=2 2\npress_line f=3 3").await.status, 204);
    let rows = json!([{ "f": 1.0 }, { "f": 2.0 }, { "f": 3.0 }]);
    for name in ["press", "press_line"] {
        assert_eq!(f.rows(&token, "plant7", &format!("SELECT f FROM {name} ORDER BY time")).await, rows, "{name}");
    }
    assert_eq!(names(&f, "").await, ["press_line"]);
    assert_eq!(create(&f, json!({ "name": "press" })).await.status, 409, "while the old name reaches the table");
    for (name, to, status) in [
        ("press_line", "press_line", 409),
        ("press_line", "", 400),
        ("press_line", "a\nb", 400),
        ("missing", "other", 404),
    ] {
        assert_eq!(rename(&f, name, to).await.status, status, "{name} to {to}");
    }
    assert_eq!(create(&f, json!({ "name": "other" })).await.status, 200);
    assert_eq!(rename(&f, "press_line", "other").await.status, 409);
    assert_eq!(delete(&f, "press_line").await, 204);
    assert_eq!(create(&f, json!({ "name": "press" })).await.status, 200, "the old name went with the table");
}

#[tokio::test]
async fn edge_21_deleted_tables_of_one_name_are_told_apart_by_id() {
    let f = fixture().await;
    let token = f.database_and_token("plant7").await;
    let mut ids = Vec::new();
    for n in 1..=2 {
        assert_eq!(f.write(&token, "plant7", &format!("press f={n} {n}")).await.status, 204);
        ids.push(list(&f, "").await[0]["id"].clone());
        assert_eq!(delete(&f, "press").await, 204);
        assert_eq!(delete(&f, "press").await, 404);
        assert_eq!(f.query(&token, "plant7", "SELECT f FROM press").await.status, 400);
    }
    assert_ne!(ids[0], ids[1]);
    let deleted = list(&f, "?status=deleted").await;
    assert_eq!(deleted.iter().map(|table| table["id"].clone()).collect::<Vec<_>>(), ids);
    assert!(deleted.iter().all(|table| table["deletedAt"].as_str().unwrap().ends_with('Z')));
    assert_eq!(names(&f, "").await, [""; 0]);
    assert_eq!(f.manage("GET", &format!("{DATABASE}?status=x"), Value::Null).await.status, 400);

    let back = undelete(&f, &ids[0]).await;
    assert_eq!((back.status.as_u16(), &back.json()["id"]), (200, &ids[0]));
    assert_eq!(f.rows(&token, "plant7", "SELECT f FROM press").await, json!([{ "f": 1.0 }]), "the older one");
    assert_eq!(undelete(&f, &ids[1]).await.status, 400, "its name is in use");
    assert_eq!(undelete(&f, &ids[0]).await.status, 400, "it is not deleted");
    assert_eq!(rename(&f, "press", "other").await.status, 200);
    assert_eq!(undelete(&f, &ids[1]).await.status, 400, "a former name is in use as well");
    assert_eq!(delete(&f, "other").await, 204);
    assert_eq!(undelete(&f, &ids[1]).await.status, 200);
    assert_eq!(names(&f, "?status=all").await, ["other", "press"]);
}

#[tokio::test]
async fn edge_22_ids_belong_to_one_database() {
    let f = fixture().await;
    f.create_database("plant7").await;
    f.create_database("plant8").await;
    let id = create(&f, json!({ "name": "press" })).await.json()["id"].clone();
    assert_eq!(delete(&f, "press").await, 204);
    for (database, id, status) in [
        ("plant8", id.to_string(), 404),
        ("missing", id.to_string(), 404),
        ("plant7", (id.as_i64().unwrap() + 1).to_string(), 404),
        ("plant7", "0".to_owned(), 400),
        ("plant7", "-1".to_owned(), 400),
        ("plant7", "text".to_owned(), 400),
        ("plant7", "9223372036854775808".to_owned(), 400),
        ("plant7", id.to_string(), 200),
    ] {
        let path = format!("/databases/{database}/tables/{id}/undelete");
        assert_eq!(f.manage("PUT", &path, Value::Null).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn edge_22_names() {
    let f = fixture().await;
    let token = f.database_and_token("plant7").await;
    let longest = "x".repeat(4096);
    let odd = ["a b", "a/b", "🦀", "温度", "%2F", "\"", "...", "rename", " ", longest.as_str()];
    for name in odd {
        let answer = create(&f, json!({ "name": name })).await;
        assert_eq!((answer.status.as_u16(), answer.json()["name"].as_str()), (200, Some(name)), "{name}");
        assert_eq!(rename(&f, name, "renamed").await.status, 200, "{name}");
        assert_eq!(rename(&f, "renamed", name).await.status, 200, "back to its own former name {name}");
        assert_eq!(delete(&f, name).await, 204, "{name}");
        assert_eq!(delete(&f, name).await, 404, "{name}");
    }
    for name in ["", ".", "..", "a\nb", "a\0", "\u{7f}", &"x".repeat(4097), &"é".repeat(2049)] {
        assert_eq!(create(&f, json!({ "name": name })).await.status, 400, "{name:?}");
    }
    assert_eq!(delete(&f, "\n").await, 404);
    // What line protocol can name can be managed.
    assert_eq!(f.write(&token, "plant7", "a\\ b f=1 1").await.status, 204);
    assert_eq!(delete(&f, "a b").await, 204);
}

#[tokio::test]
async fn tables_appear_with_their_first_row() {
    let f = fixture().await;
    let token = f.database_and_token("plant7").await;
    assert_eq!(list(&f, "").await, [] as [Value; 0]);
    assert_eq!(f.write(&token, "plant7", "b f=1 1\na f=1 1").await.status, 204);
    assert_eq!(names(&f, "").await, ["a", "b"], "by name");
    assert_eq!(f.manage("GET", "/databases/missing/tables", Value::Null).await.status, 404);
}

#[tokio::test]
async fn iceberg_is_refused() {
    let f = fixture().await;
    f.create_database("plant7").await;
    let path = format!("{DATABASE}/press/iceberg");
    for missing in [&path, "/databases/missing/tables/press/iceberg"] {
        assert_eq!(f.manage("PUT", missing, json!({ "enabled": true })).await.status, 404, "{missing}");
    }
    assert_eq!(create(&f, json!({ "name": "press" })).await.status, 200);
    for enabled in [true, false] {
        let answer = f.manage("PUT", &path, json!({ "enabled": enabled })).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json(), json!({ "code": 400, "message": "iceberg is not supported by this server" }));
    }
    for body in [json!({}), json!({ "enabled": null }), json!({ "enabled": "true" }), json!([])] {
        let answer = f.manage("PUT", &path, body.clone()).await;
        assert_eq!(answer.status, 400, "{body}");
        assert_ne!(answer.json()["message"], "iceberg is not supported by this server", "{body}");
    }
}
