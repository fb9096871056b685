use serde_json::{Value, json};

use super::harness::{ACCOUNT, CLUSTER, Scene, cluster_path};
use crate::Face;

fn database(name: &str) -> Value {
    json!({"accountId": ACCOUNT, "clusterId": CLUSTER, "name": name, "maxTables": 500, "maxColumnsPerTable": 250, "retentionPeriod": 0})
}

async fn created_with(arguments: &[&str]) -> Value {
    let scene = Scene::new().await;
    scene.answer("POST", &cluster_path("/databases"), 200, database("plant7"));
    let outcome = scene.run(&[&["database", "create"], arguments].concat()).await.succeeded();
    assert_eq!(outcome.stdout, "");
    scene.requests()[0].json()
}

#[tokio::test]
async fn create_sends_the_defaults_explicitly() {
    assert_eq!(
        created_with(&["plant7"]).await,
        json!({"name": "plant7", "maxTables": 500, "maxColumnsPerTable": 250, "retentionPeriod": 0})
    );
}

#[tokio::test]
async fn create_accepts_flags_on_both_sides() {
    assert_eq!(
        created_with(&["--max-tables=2000", "plant7/raw", "--retention-period", "30d", "--max-columns", "400"]).await,
        json!({"name": "plant7/raw", "maxTables": 2000, "maxColumnsPerTable": 400, "retentionPeriod": 2_592_000_000_000_000_i64})
    );
}

#[tokio::test]
async fn edge_21_bad_retention_periods_are_refused_before_any_request() {
    let scene = Scene::new().await;
    for period in ["-1d", "1 d", "1D", "300y", ""] {
        scene.run(&["database", "create", "--retention-period", period, "x"]).await.failed("--retention-period");
    }
    scene.no_requests();
}

#[tokio::test]
async fn short_retention_is_accepted_with_a_warning() {
    let scene = Scene::new().await;
    scene.answer("POST", &cluster_path("/databases"), 200, database("x"));
    let outcome = scene.run(&["database", "create", "--retention-period", "5m", "x"]).await.succeeded();
    assert!(outcome.stderr.starts_with("warn\ta retention period below one hour"), "{}", outcome.stderr);
    assert!(outcome.stderr.ends_with("info\tcreated database \"x\"\n"), "{}", outcome.stderr);
}

#[tokio::test]
async fn edge_23_limits_of_zero_mean_the_default() {
    let sent = created_with(&["--max-tables", "0", "--max-columns", "0", "x"]).await;
    assert_eq!((&sent["maxTables"], &sent["maxColumnsPerTable"]), (&json!(500), &json!(250)));
    let scene = Scene::new().await;
    for value in ["-1", "2147483648", "1.5", "x"] {
        for flag in ["--max-tables", "--max-columns"] {
            scene.run(&["database", "create", &format!("{flag}={value}"), "x"]).await.failed(flag);
        }
    }
    scene.no_requests();
}

#[tokio::test]
async fn template_parts_are_tags_then_buckets_then_time() {
    let arguments = [
        "--template-timeformat",
        "%Y-%m",
        "--template-tag-bucket",
        "a,b,16",
        "--template-tag",
        "site",
        "--template-tag",
        "line",
        "x",
    ];
    assert_eq!(
        created_with(&arguments).await["partitionTemplate"],
        json!([
            {"type": "tag", "value": "site"},
            {"type": "tag", "value": "line"},
            {"type": "bucket", "value": {"tagName": "a,b", "numberOfBuckets": 16}},
            {"type": "time", "value": "%Y-%m"}
        ])
    );
}

#[tokio::test]
async fn edge_25_to_28_bad_templates_are_refused_before_any_request() {
    let scene = Scene::new().await;
    let cases: [(&[&str], &str); 5] = [
        (&["--template-tag", "a"], "need --template-timeformat"),
        (&["--template-tag-bucket", "a,5"], "need --template-timeformat"),
        (&["--template-tag-bucket", "a,x", "--template-timeformat", "%Y"], "is not KEY,NUMBER"),
        (
            &["--template-tag", "a", "--template-tag-bucket", "a,5", "--template-timeformat", "%Y"],
            "tag key \"a\" is used more than once",
        ),
        (&["--template-timeformat", "%m"], "time format needs %Y"),
    ];
    for (flags, reason) in cases {
        scene.run(&[&["database", "create", "x"], flags].concat()).await.failed(reason);
    }
    scene.no_requests();
}

#[tokio::test]
async fn a_taken_name_is_told_by_new_and_old_servers() {
    let scene = Scene::new().await;
    let old = r#"{"code":400,"message":"iox_proxy.app.CreateDatabase failed to create database: AlreadyExists x"}"#;
    for (status, body) in [(409, r#"{"code":409,"message":"conflict"}"#), (400, old)] {
        scene.answer("POST", &cluster_path("/databases"), status, body);
        scene.run(&["database", "create", "x"]).await.failed_with("error\tdatabase \"x\" already exists\n");
    }
}

#[tokio::test]
async fn list_has_the_documented_table() {
    let scene = Scene::new().await;
    let raw = json!({"id": 1311, "name": "plant7/raw", "maxTables": 2000, "maxColumnsPerTable": 400, "retentionPeriod": 2_592_000_000_000_000_i64});
    let plain = json!({"id": 1204, "name": "plant7", "maxTables": 500, "maxColumnsPerTable": 250});
    let bare = json!({"name": "Zero"});
    scene.answer("GET", &cluster_path("/databases"), 200, json!([raw, plain, bare]));
    assert_eq!(
        scene.run(&["database", "list"]).await.succeeded().stdout,
        "\
+------+---------------+------------------+------------+-----------------------+
|   ID | DATABASE NAME | RETENTION PERIOD | MAX TABLES | MAX COLUMNS PER TABLE |
+------+---------------+------------------+------------+-----------------------+
|      | Zero          | infinite         |            |                       |
| 1204 | plant7        | infinite         |        500 |                   250 |
| 1311 | plant7/raw    | 30d              |       2000 |                   400 |
+------+---------------+------------------+------------+-----------------------+
"
    );
}

#[tokio::test]
async fn edge_31_deleted_databases() {
    let scene = Scene::new().await;
    scene.run(&["database", "list", "--filter-status", "gone"]).await.failed("--filter-status");
    scene.no_requests();
    scene.answer("GET", &cluster_path("/databases?status=deleted"), 200, "[]");
    let outcome = scene.run(&["database", "list", "--filter-status", "deleted", "--format", "json"]).await.succeeded();
    assert_eq!(outcome.stdout, "[]\n");
    let mut deleted = database("old");
    deleted["id"] = json!(7);
    deleted["deletedAt"] = json!("2026-03-01T00:00:00.000000Z");
    scene.answer("GET", &cluster_path("/databases?status=deleted"), 200, json!([deleted]));
    let outcome = scene.run(&["database", "list", "--filter-status=deleted", "--format=json"]).await.succeeded();
    assert_eq!(
        outcome.json(),
        json!([{
            "account_id": ACCOUNT, "cluster_id": CLUSTER, "id": 7, "database_name": "old", "retention_period_ns": 0,
            "max_tables": 500, "max_columns_per_table": 250, "deleted_at": {"seconds": 1_772_323_200}
        }])
    );
}

#[tokio::test]
async fn edge_29_delete_goes_on_after_a_failure() {
    let scene = Scene::new().await;
    scene.answer("DELETE", &cluster_path("/databases/a"), 404, r#"{"code":404,"message":"not found"}"#);
    scene.answer("DELETE", &cluster_path("/databases/b%2Fc"), 204, "");
    let outcome =
        scene.run(&["database", "delete", "--force", "a", "b/c", "a"]).await.failed("a: not found (HTTP 404)");
    assert!(outcome.stderr.ends_with("info\tdeleted database \"b/c\"\n"), "{}", outcome.stderr);
    assert_eq!(outcome.stderr.lines().filter(|line| line.starts_with("warn\t")).count(), 3);
    assert_eq!(scene.requests().len(), 2);
}

#[tokio::test]
async fn only_influxctl_says_to_wait_before_a_name_is_used_again() {
    let mut scene = Scene::new().await;
    for (face, is_told) in [(Face::Tidegate, false), (Face::Influxctl, true)] {
        scene.face = face;
        scene.answer("DELETE", &cluster_path("/databases/a"), 204, "");
        let outcome = scene.run(&["database", "delete", "--force", "a"]).await.succeeded();
        assert_eq!(outcome.stderr.contains("wait a few minutes"), is_told, "{}", outcome.stderr);
        assert!(outcome.stderr.contains("all of its tables and data"), "{}", outcome.stderr);
    }
}

#[tokio::test]
async fn delete_asks_once() {
    let mut scene = Scene::new().await;
    let outcome = scene.run(&["database", "delete", "plant7"]).await;
    assert_eq!(outcome.status, 1);
    assert!(outcome.stderr.ends_with("Delete database \"plant7\"? [y/N] \nwarn\tcancelled\n"), "{}", outcome.stderr);
    scene.no_requests();
    scene.stdin = "y\nn\n".to_owned();
    scene.answer("DELETE", &cluster_path("/databases/a"), 204, "");
    scene.answer("DELETE", &cluster_path("/databases/b"), 204, "");
    let outcome = scene.run(&["database", "delete", "a", "b"]).await.succeeded();
    assert!(outcome.stderr.contains("  a\n  b\nDelete 2 databases? [y/N] \ninfo\tdeleted"), "{}", outcome.stderr);
    assert_eq!(scene.requests().len(), 2);
}

#[tokio::test]
async fn names_that_no_database_can_have_are_refused() {
    let scene = Scene::new().await;
    for name in ["_x", "a.b", "..", ""] {
        scene.run(&["database", "delete", "--force", name]).await.failed("database name");
        scene.run(&["database", "create", name]).await.failed("database name");
    }
    scene.no_requests();
}

#[tokio::test]
async fn edge_24_update_sends_only_what_is_given() {
    let scene = Scene::new().await;
    let path = cluster_path("/databases/a%2Fb");
    let cases: [(&[&str], Value); 4] = [
        (&["--max-tables", "9"], json!({"maxTables": 9})),
        (&["--max-columns=0"], json!({"maxColumnsPerTable": 250})),
        (&["--retention-period", "0s"], json!({"retentionPeriod": 0})),
        (
            &["--retention-period", "1mo", "--max-tables", "0", "--max-columns", "300"],
            json!({"maxTables": 500, "maxColumnsPerTable": 300, "retentionPeriod": 2_592_000_000_000_000_i64}),
        ),
    ];
    for (flags, sent) in cases {
        scene.answer("PATCH", &path, 200, database("a/b"));
        let outcome = scene.run(&[&["database", "update", "a/b"], flags].concat()).await.succeeded();
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", "info\tupdated database \"a/b\"\n"));
        assert_eq!(scene.requests().last().unwrap().json(), sent);
    }
    scene.run(&["database", "update", "x"]).await.failed("nothing to change");
    scene.run(&["database", "update", "--max-tables", "-1", "x"]).await.failed("--max-tables");
    scene.run(&["database", "update", "--max-columns", "1001", "x"]).await.failed("between 1 and 1000");
    scene.run(&["database", "update", "--template-tag", "a", "x"]).await.failed("there is no flag --template-tag");
    assert_eq!(scene.requests().len(), 4);
}

#[tokio::test]
async fn edge_32_rename() {
    let scene = Scene::new().await;
    let path = cluster_path("/databases/a/rename");
    scene.answer("PUT", &path, 200, database("b"));
    let outcome = scene.run(&["database", "rename", "a", "b"]).await.succeeded();
    assert_eq!(outcome.stdout, "");
    assert!(outcome.stderr.starts_with("info\trenamed database \"a\" to \"b\"\nwarn\ttokens"), "{}", outcome.stderr);
    assert_eq!(scene.requests()[0].json(), json!({"name": "b"}));
    for name in ["a", "taken"] {
        scene.answer("PUT", &path, 409, r#"{"code":409,"message":"conflict"}"#);
        let reason = format!("error\tdatabase \"{name}\" already exists\n");
        scene.run(&["database", "rename", "a", name]).await.failed_with(&reason);
    }
    scene.run(&["database", "rename", "a", "_b"]).await.failed("database name");
    scene.run(&["database", "rename", "a"]).await.failed("<NEW_DB_NAME>");
    assert_eq!(scene.requests().len(), 3);
}

#[tokio::test]
async fn edge_30_undelete_takes_the_one_that_was_deleted_last() {
    let scene = Scene::new().await;
    let deleted = |id: i64, name: &str, time: &str| json!({"id": id, "name": name, "deletedAt": time});
    let list = json!([
        deleted(5, "a", "2026-03-01T00:00:00Z"),
        deleted(4, "a", "2026-03-02T00:00:00Z"),
        deleted(9, "b", "2026-03-03T00:00:00Z")
    ]);
    let target = cluster_path("/databases?status=deleted");
    scene.answer("GET", &target, 200, &list);
    scene.answer("PUT", &cluster_path("/databases/4/undelete"), 200, database("a"));
    let outcome = scene.run(&["database", "undelete", "a"]).await.succeeded();
    assert_eq!(outcome.stderr, "info\trestored database \"a\"\n");
    assert_eq!(scene.requests()[1].body, "");
    scene.answer("GET", &target, 200, &list);
    scene.run(&["database", "undelete", "c"]).await.failed("no deleted database \"c\"");
    scene.answer("GET", &target, 200, &list);
    let namesake = r#"{"code":400,"message":"there is an active database of this name"}"#;
    scene.answer("PUT", &cluster_path("/databases/9/undelete"), 400, namesake);
    scene.run(&["database", "undelete", "b"]).await.failed("active database of this name");
}

#[tokio::test]
async fn servers_that_list_no_deleted_databases_are_recognised() {
    let scene = Scene::new().await;
    let target = cluster_path("/databases?status=deleted");
    for arguments in [&["database", "undelete", "a"][..], &["database", "list", "--filter-status", "deleted"]] {
        for (status, answer) in [(400, json!({})), (405, json!({})), (200, json!([database("a")]))] {
            scene.answer("GET", &target, status, answer);
            scene.run(arguments).await.failed("listing deleted databases is not supported by this server");
        }
    }
}
