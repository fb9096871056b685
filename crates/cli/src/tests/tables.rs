use serde_json::{Value, json};

use super::harness::{ACCOUNT, CLUSTER, Scene, cluster_path};

fn table(name: &str) -> Value {
    json!({"accountId": ACCOUNT, "clusterId": CLUSTER, "databaseName": "plant7", "id": 88, "name": name})
}

fn path(rest: &str) -> String {
    cluster_path(&format!("/databases/plant7/tables{rest}"))
}

#[tokio::test]
async fn create_sends_a_template_only_when_one_is_given() {
    let scene = Scene::new().await;
    scene.answer("POST", &path(""), 200, table("press"));
    let outcome = scene.run(&["table", "create", "plant7", "press"]).await.succeeded();
    assert_eq!(
        (outcome.stdout.as_str(), outcome.stderr.as_str()),
        ("", "info\tcreated table \"press\" in \"plant7\"\n")
    );
    scene.answer("POST", &path(""), 200, table("press"));
    let template = ["--template-timeformat", "%Y-%m", "--template-tag-bucket", "device,16", "--template-tag", "site"];
    scene.run(&[&["table", "create", "plant7", "press"], &template[..]].concat()).await.succeeded();
    let requests = scene.requests();
    assert_eq!(requests[0].json(), json!({"name": "press"}));
    assert_eq!(
        requests[1].json(),
        json!({"name": "press", "partitionTemplate": [
            {"type": "tag", "value": "site"},
            {"type": "bucket", "value": {"tagName": "device", "numberOfBuckets": 16}},
            {"type": "time", "value": "%Y-%m"}
        ]})
    );
    scene.answer("POST", &path(""), 409, r#"{"code":409,"message":"conflict"}"#);
    scene
        .run(&["table", "create", "plant7", "press"])
        .await
        .failed_with("error\tthe name \"press\" is already in use in \"plant7\"\n");
}

#[tokio::test]
async fn edge_25_tags_of_a_table_need_a_time_format() {
    let scene = Scene::new().await;
    for flags in [["--template-tag", "a"], ["--template-tag-bucket", "a,5"]] {
        scene
            .run(&[&["table", "create", "plant7", "x"], &flags[..]].concat())
            .await
            .failed("need --template-timeformat");
    }
    scene.run(&["table", "create", "plant7", "a\nb"]).await.failed("control characters");
    scene.no_requests();
}

#[tokio::test]
async fn list_is_sorted_and_shows_deleted_tables_on_request() {
    let scene = Scene::new().await;
    let mut press = table("press");
    press["icebergEnabled"] = json!(true);
    press["partitionTemplate"] = json!([{"value": "%Y", "type": "time"}]);
    let mut line = table("a line");
    line["id"] = json!(9);
    scene.answer("GET", &path(""), 200, json!([press, line]));
    assert_eq!(
        scene.run(&["table", "list", "plant7"]).await.succeeded().stdout,
        "\
+----+--------+-----------------+
| ID | NAME   | ICEBERG ENABLED |
+----+--------+-----------------+
|  9 | a line | false           |
| 88 | press  | true            |
+----+--------+-----------------+
"
    );
    scene.answer("GET", &path(""), 200, json!([press]));
    assert_eq!(
        scene.run(&["table", "list", "plant7", "--format", "json"]).await.succeeded().json(),
        json!([{
            "id": 88, "name": "press", "database_name": "plant7", "iceberg_enabled": true,
            "partition_template": [{"type": "time", "value": "%Y"}]
        }])
    );
    line["deletedAt"] = json!("2026-03-01T00:00:00Z");
    scene.answer("GET", &path("?status=deleted"), 200, json!([line]));
    let outcome = scene.run(&["table", "list", "--filter-status=deleted", "plant7"]).await.succeeded();
    assert!(outcome.stdout.contains("| ID | NAME   | ICEBERG ENABLED | DELETED AT           |"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("|  9 | a line | false           | 2026-03-01T00:00:00Z |"), "{}", outcome.stdout);
    for (format, expected) in [("table", "| ID | NAME |"), ("json", "[]\n")] {
        scene.answer("GET", &path(""), 200, "[]");
        assert!(
            scene.run(&["table", "list", "plant7", "--format", format]).await.succeeded().stdout.contains(expected)
        );
    }
    scene.run(&["table", "list", "plant7", "--filter-status", "gone"]).await.failed("--filter-status");
}

#[tokio::test]
async fn delete_asks_for_a_y() {
    let mut scene = Scene::new().await;
    for answer in ["n\n", "", "yep\n"] {
        scene.stdin = answer.to_owned();
        let outcome = scene.run(&["table", "delete", "plant7", "press"]).await;
        assert_eq!(outcome.status, 1);
        let end = "Delete table \"press\" in \"plant7\"? [y/N] \nwarn\tcancelled\n";
        assert!(outcome.stderr.ends_with(end), "{}", outcome.stderr);
    }
    scene.no_requests();
    scene.stdin = "y\n".to_owned();
    scene.answer("DELETE", &path("/press"), 204, "");
    let outcome = scene.run(&["table", "delete", "plant7", "press"]).await.succeeded();
    assert!(outcome.stderr.starts_with("warn\t"), "{}", outcome.stderr);
    assert!(outcome.stderr.ends_with("info\tdeleted table \"press\" in \"plant7\"\n"), "{}", outcome.stderr);
    scene.stdin = String::new();
    scene.answer("DELETE", &path("/a%2Fb%20%22c%22"), 204, "");
    scene.run(&["table", "delete", "--force", "plant7", "a/b \"c\""]).await.succeeded();
    scene.answer("DELETE", &path("/gone"), 404, r#"{"code":404,"message":"not found"}"#);
    scene.run(&["table", "delete", "--force", "plant7", "gone"]).await.failed("not found (HTTP 404)");
    assert_eq!(scene.requests().len(), 3);
}

#[tokio::test]
async fn names_that_others_chose_cannot_hide_what_they_are() {
    let scene = Scene::new().await;
    let outcome = scene.run(&["table", "delete", "plant7", "a\u{202e}b\u{feff}"]).await;
    let question = r#"Delete table "a\u{202e}b\u{feff}" in "plant7"? [y/N] "#;
    assert!(outcome.stderr.contains(question), "{}", outcome.stderr);
    let tables = json!([table("x\u{2066}y")]);
    scene.answer("GET", &path(""), 200, &tables);
    let listed = scene.run(&["table", "list", "plant7"]).await.succeeded().stdout;
    assert!(listed.contains(r"| x\u{2066}y |"), "{listed}");
    scene.answer("GET", &path(""), 200, &tables);
    let listed = scene.run(&["table", "list", "plant7", "--format", "json"]).await.succeeded();
    assert_eq!(listed.json()[0]["name"], "x\u{2066}y", "JSON is exact");
    scene.answer("PUT", &path("/88/undelete"), 200, table("x\u{200b}y"));
    let outcome = scene.run(&["table", "undelete", "plant7", "88"]).await.succeeded();
    assert_eq!(outcome.stderr, "info\trestored table \"x\\u{200b}y\" in \"plant7\"\n");
    assert_eq!(scene.requests().len(), 3);
}

/// `DELETE …/databases/plant7/tables/..` would delete the database.
#[tokio::test]
async fn names_that_lead_to_another_resource_are_refused() {
    let scene = Scene::new().await;
    for name in [".", ".."] {
        scene.run(&["table", "delete", "--force", "plant7", name]).await.failed("cannot be sent");
        scene.run(&["table", "rename", "plant7", name, "x"]).await.failed("cannot be sent");
        scene.run(&["table", "rename", "plant7", "x", name]).await.failed("cannot be part of an address");
        scene.run(&["table", "create", "plant7", name]).await.failed("cannot be part of an address");
        scene.run(&["table", "iceberg", "enable", "plant7", name]).await.failed("cannot be sent");
    }
    scene.run(&["table", "delete", "--force", "plant7", ""]).await.failed("must not be empty");
    scene.no_requests();
}

#[tokio::test]
async fn rename_shows_the_table() {
    let scene = Scene::new().await;
    scene.answer("PUT", &path("/press/rename"), 200, table("press_line"));
    let outcome = scene.run(&["table", "rename", "plant7", "press", "press_line"]).await.succeeded();
    assert_eq!(
        outcome.stdout,
        "\
+---------------+------------+
|            id | 88         |
| database name | plant7     |
|          name | press_line |
+---------------+------------+
"
    );
    assert_eq!(outcome.stderr, "info\trenamed table \"press\" in \"plant7\" to \"press_line\"\n");
    assert_eq!(scene.requests()[0].json(), json!({"name": "press_line"}));
    scene.answer("PUT", &path("/press/rename"), 200, table("press_line"));
    let outcome = scene.run(&["table", "rename", "--format=json", "plant7", "press", "press_line"]).await.succeeded();
    assert_eq!(outcome.json(), json!({"id": 88, "database_name": "plant7", "name": "press_line"}));
    scene.answer("PUT", &path("/press/rename"), 409, "{}");
    scene.run(&["table", "rename", "plant7", "press", "taken"]).await.failed("\"taken\" is already in use");
}

#[tokio::test]
async fn edge_33_undelete_goes_by_number() {
    let scene = Scene::new().await;
    for id in ["press", "", "0", "-1", "1.5", "9223372036854775808", "88 "] {
        scene.run(&["table", "undelete", "plant7", id]).await.failed("TABLE_ID");
    }
    scene.no_requests();
    scene.answer("PUT", &path("/88/undelete"), 404, r#"{"code":404,"message":"no such table in this database"}"#);
    scene.run(&["table", "undelete", "plant7", "88"]).await.failed("no such table in this database");
    scene.answer("PUT", &path("/88/undelete"), 200, table("press"));
    let outcome = scene.run(&["table", "undelete", "plant7", "88"]).await.succeeded();
    assert_eq!(outcome.stderr, "info\trestored table \"press\" in \"plant7\"\n");
    assert_eq!(scene.requests()[1].body, "");
}

#[tokio::test]
async fn iceberg_is_switched_or_not_supported() {
    let scene = Scene::new().await;
    scene.answer("PUT", &path("/press/iceberg"), 204, "");
    scene.run(&["table", "iceberg", "enable", "plant7", "press"]).await.succeeded();
    scene.answer("PUT", &path("/press/iceberg"), 200, "{}");
    scene.run(&["table", "iceberg", "disable", "plant7", "press"]).await.succeeded();
    let sent: Vec<Value> = scene.requests().iter().map(|request| request.json()).collect();
    assert_eq!(sent, [json!({"enabled": true}), json!({"enabled": false})]);
    for status in [400, 404, 405, 501] {
        scene.answer("PUT", &path("/press/iceberg"), status, "{}");
        scene
            .run(&["table", "iceberg", "enable", "plant7", "press"])
            .await
            .failed_with("error\ticeberg is not supported by this server\n");
    }
    scene.answer("PUT", &path("/press/iceberg"), 403, r#"{"code":403,"message":"forbidden"}"#);
    scene.run(&["table", "iceberg", "enable", "plant7", "press"]).await.failed("forbidden (HTTP 403)");
}

#[tokio::test]
async fn a_server_that_lists_no_tables_is_told_from_one_without_the_database() {
    let scene = Scene::new().await;
    for status in [405, 501] {
        scene.answer("GET", &path(""), status, "");
        scene
            .run(&["table", "list", "plant7"])
            .await
            .failed_with("error\tlisting tables is not supported by this server\n");
    }
    for (databases, reason) in [
        (json!([{"name": "plant7"}]), "listing tables is not supported by this server"),
        (json!([{"name": "plant8"}]), "not found (HTTP 404)"),
    ] {
        scene.answer("GET", &path(""), 404, r#"{"code":404,"message":"not found"}"#);
        scene.answer("GET", &cluster_path("/databases"), 200, databases);
        scene.run(&["table", "list", "plant7"]).await.failed(reason);
    }
    scene.answer("GET", &path("?status=deleted"), 200, json!([table("in use")]));
    scene
        .run(&["table", "list", "plant7", "--filter-status", "deleted"])
        .await
        .failed("listing deleted tables is not supported by this server");
}
